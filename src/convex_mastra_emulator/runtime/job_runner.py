"""Runs scheduled functions that are due: a mutation exactly once, an action once at most.

convex-backend crates/application/src/scheduled_jobs/mod.rs (convex-engine.md §10.11, checked 2026-11-21).
"""

from __future__ import annotations

from convex_mastra_emulator.clock import wait_by
from convex_mastra_emulator.fault_kinds import Place
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.calls import Call, Outcome
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.function_log import Request
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ANONYMOUS
from convex_mastra_emulator.runtime.jobs import Job, ended, interrupted_jobs, is_pending
from convex_mastra_emulator.runtime.logged_calls import logged
from convex_mastra_emulator.runtime.logs import LogLines
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.runtime.struck_calls import UnderFaults, tried_again
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.size import Measured, take_in


def run_job(executor: Executor, job: Job) -> Outcome | None:
    """Runs a scheduled function and notes how it ended; None if it no longer waits, as when it was just cancelled.

    A mutation and its new state are one commit; an action is noted as running first.

    Raises:
        DeploymentError: of kind INTERNAL, when the deployment itself fails; the job then still waits.
        EndlessFault: when a fault would let it be tried for ever; the job then still waits.
    """
    if not executor.faults.armed:
        return _run(executor, job, None)
    strike = executor.faults.strike(job.path.stripped, Place.SCHEDULED)
    if strike is not None and strike.delay_seconds:
        wait_by(executor.clock, strike.delay_seconds)
    under = UnderFaults(strike, None)
    outcome = _run(executor, job, under)
    return None if outcome is None else under.told(outcome)


def _run(executor: Executor, job: Job, under: UnderFaults | None) -> Outcome | None:
    functions = executor.functions
    if not functions.has(job.path):
        return _failed(executor, job, _missing(job.path, has_module=functions.has_module(job.path.module)))
    function = functions.find(job.path, None, internal_allowed=True)
    if function.kind is FunctionKind.QUERY:
        # With the quotes and the line break that the backend's source has within it.
        return _failed(
            executor,
            job,
            f'Unsupported function type. {quoted(job.path.function)} in module "{quoted(job.path.module)}" is defined '
            f'as a Query. "\n{" " * 28}"Only Mutation and Action can be scheduled.',
        )
    noted = executor.log.begin(
        Request("Scheduler"),
        job.path,
        function.kind.value,
        ANONYMOUS,
        environment=function.environment,
    )
    call = Call(job.path, function, ANONYMOUS, LogLines(executor.limits), job_id=job.id, run=noted)
    if under is not None:
        call = under.struck(call)

    def read(limits: Limits) -> list[Measured]:
        return [take_in(job.arguments, limits)]

    def run_mutation() -> Outcome | None:
        with executor.exclusively():
            if not is_pending(executor.store, job.id):
                return None
            return executor.run_transaction(call, read, None, ends_job=True, may_conflict=under is not None)

    if function.kind is FunctionKind.MUTATION:
        tries_max = None if under is None else under.tries_max
        return logged(
            executor.log, call, lambda: run_mutation() if under is None else tried_again(call, run_mutation, tries_max)
        )
    with executor.jobs() as jobs:
        if not jobs.begin(job.id):
            return None
    outcome = logged(executor.log, call, lambda: executor.run_action(call, read))
    with executor.jobs() as jobs:
        jobs.complete(job.id, *ended(outcome.failure))
    return outcome


def fail_interrupted(executor: Executor) -> None:
    """Notes that actions failed that are in progress and do not run here, as after a crash of who ran them."""
    with executor.lock:
        if interrupted_jobs(executor.store, executor.running):
            with executor.jobs() as jobs:
                jobs.fail_interrupted(executor.running)


def _missing(path: FunctionPath, *, has_module: bool) -> str:
    # crates/model/src/modules/user_error.rs
    if has_module:
        return f"Couldn't find {quoted(path.function)} in module {quoted(path.module)}."
    return f"Couldn't find JavaScript module '{path.module}'. Did you forget to run `npx convex dev`?"


def _failed(executor: Executor, job: Job, text: str) -> Outcome:
    with executor.jobs() as jobs:
        jobs.complete(job.id, "failed", text)
    return Outcome(failure=Failure(message=text))

"""Runs scheduled functions that are due: a mutation exactly once, an action once at most.

convex-backend crates/application/src/scheduled_jobs/mod.rs (convex-engine.md §10.11, checked 2026-11-21).
"""

from __future__ import annotations

from convex_mastra_emulator.errors import FunctionUnavailable
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.calls import Call, Outcome
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ANONYMOUS
from convex_mastra_emulator.runtime.jobs import Job, ended
from convex_mastra_emulator.runtime.logs import LogLines
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.size import Measured, take_in


def run_job(executor: Executor, job: Job) -> Outcome:
    """Runs a scheduled function and notes how it ended.

    A mutation and its new state are one commit; an action is noted as running first.

    Raises:
        DeploymentError: of kind INTERNAL, when the deployment itself fails; the job then still waits.
    """
    try:
        function = executor.functions.find(job.path, None, internal_allowed=True)
    except FunctionUnavailable as error:
        return _failed(executor, job, str(error))
    if function.kind is FunctionKind.QUERY:
        # With the quotes and the line break that the backend's source has within it.
        return _failed(
            executor,
            job,
            f'Unsupported function type. {quoted(job.path.function)} in module "{quoted(job.path.module)}" is defined '
            f'as a Query. "\n{" " * 28}"Only Mutation and Action can be scheduled.',
        )
    call = Call(job.path, function, ANONYMOUS, LogLines(executor.limits), job_id=job.id)

    def read(limits: Limits) -> list[Measured]:
        return [take_in(job.arguments, limits)]

    if function.kind is FunctionKind.MUTATION:
        with executor.exclusively():
            return executor.run_transaction(call, read, None)
    with executor.jobs() as jobs:
        jobs.begin(job.id)
    outcome = executor.run_action(call, read)
    with executor.jobs() as jobs:
        jobs.complete(job.id, *ended(outcome.failure))
    return outcome


def _failed(executor: Executor, job: Job, text: str) -> Outcome:
    with executor.jobs() as jobs:
        jobs.complete(job.id, "failed", text)
    return Outcome(failure=Failure(message=text))

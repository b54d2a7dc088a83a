"""Runs crons that are due: with data in a file, a mutation exactly once and an action once at most.

convex-backend crates/application/src/cron_jobs/mod.rs (convex-engine.md §10.12, checked 2026-11-21).
"""

from __future__ import annotations

from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.crons import CronJob, CronRun
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.jobs import INTERRUPTED
from convex_mastra_emulator.runtime.saved_state import settings_of


def run_cron(executor: Executor, cron: CronJob, due_ms: float, now_ms: float) -> Outcome:
    """Runs a cron; the file knows of the run, as far as it can, before the process may die.

    Args:
        executor: runs it.
        cron: which one.
        due_ms: when it was due.
        now_ms: the time.

    Raises:
        DeploymentError: of kind INTERNAL, when the deployment itself fails.
    """
    if executor.file is None:
        return executor.call_of_deployment(cron.path, cron.arguments)
    is_action = executor.functions.kind_of(cron.path) is FunctionKind.ACTION
    with executor.lock:
        run = CronRun(now_ms, INTERRUPTED if is_action else None)
        after = executor.crons.after(cron.cron.id, due_ms, now_ms, run)
        settings = settings_of(executor, crons=after.values())
        if not is_action:
            # One commit with what the mutation writes; whether it failed is written when it has.
            with executor.saving(settings):
                return executor.call_of_deployment(cron.path, cron.arguments)
        # It may be cut short, and is never begun twice.
        executor.save(settings)
    return executor.call_of_deployment(cron.path, cron.arguments)

"""Runs what has fallen due: scheduled functions and crons.

Nothing runs by itself: a test moves the clock or asks for it, a server asks whenever something is due.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from convex_mastra_emulator.clock import Clock, ManualClock
from convex_mastra_emulator.database.store import Change
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.crons import CronJob, CronJobs, Crons
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.job_runner import run_job
from convex_mastra_emulator.runtime.jobs import (
    RETENTION_MS,
    SCHEDULED_FUNCTIONS,
    Job,
    first_pending,
    job_of,
    pending_jobs,
)
from convex_mastra_emulator.runtime.paths import FunctionPath

RUNS_MAX = 10_000
OnRun = Callable[[FunctionPath, object, Outcome, int], None]
"""Told of a run: path, arguments, how it ended, and how many nanoseconds it took."""


class TooManyRuns(EmulatorError):
    """Functions schedule functions without end; the text says how many ran and which come next."""


class Scheduler:
    """The scheduled functions and crons of one deployment.

    Args:
        executor: runs them.
        clock: says what is due.
        on_run: is told of every run.
    """

    def __init__(self, executor: Executor, clock: Clock, on_run: OnRun) -> None:
        self._executor = executor
        self._clock = clock
        self._on_run = on_run
        self.crons = CronJobs()
        self.listeners: list[Callable[[], None]] = []
        """Told when something was scheduled or cancelled, or crons were deployed; called under the lock."""
        self._running: set[str] = set()
        executor.commit_listeners.append(self._on_commit)

    # What there is

    def pending(self) -> list[Job]:
        """The functions that wait, by the time at which they are due."""
        with self._executor.lock:
            return list(pending_jobs(self._executor.store))

    def all(self) -> list[Job]:
        """Every function that was scheduled and is still kept, in the order of scheduling."""
        with self._executor.lock:
            table = self._executor.store.system_table(SCHEDULED_FUNCTIONS)
            return [job_of(document.value) for document in table.documents.values()]

    def next_due_ms(self) -> float | None:
        """When the next function or cron is due, milliseconds since the Unix epoch; None if nothing waits."""
        with self._executor.lock:
            job = first_pending(self._executor.store)
            times = [job.scheduled_ms] if job is not None else []
            cron = self.crons.next()
            return min([*times, cron.next_ms] if cron is not None else times, default=None)

    def deploy(self, crons: Crons) -> None:
        """Replaces the crons; those that stay as they were keep their next time."""
        self.crons.deploy(crons, self._now_ms)
        self._tell()

    def _on_commit(self, _timestamp_ns: int, changes: list[Change]) -> None:
        if self.listeners and any(change.table.name == SCHEDULED_FUNCTIONS for change in changes):
            self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    # Running

    def run_next(self) -> bool:
        """Runs the first thing that is due by now; False if nothing is."""
        run = self.take_next()
        if run is None:
            return False
        run()
        return True

    def take_next(self) -> Callable[[], None] | None:
        """Takes the first thing that is due by now: what is returned runs it, in any thread; None if nothing is due.

        Nobody else gets it meanwhile, and a cron is not run beside itself.
        """
        with self._executor.lock:
            now_ms = self._now_ms
            job = next((job for job in pending_jobs(self._executor.store) if job.id not in self._running), None)
            cron = self.crons.next(except_for=self._running)
            if cron is not None and cron.next_ms <= now_ms and (job is None or cron.next_ms < job.scheduled_ms):
                self._running.add(cron.cron.id)
                self.crons.move_on(cron, now_ms)
                return lambda: self._run_cron(cron, now_ms)
            if job is None or job.scheduled_ms > now_ms:
                return None
            self._running.add(job.id)
            return lambda: self._run_job(job)

    def run_due(self, limit: int = RUNS_MAX) -> int:
        """Runs what is due by now, and what that lets fall due; returns how many runs there were.

        Raises:
            TooManyRuns: when there are more.
        """
        for count in range(limit):
            if not self.run_next():
                self._forget_old()
                return count
        if self.next_due_ms() is not None and (self.next_due_ms() or 0) <= self._now_ms:
            raise self._too_many(limit)
        return limit

    def run_until_idle(self, limit: int = 1000) -> int:
        """Runs scheduled functions until none waits, moving a manual clock on to each; returns how many ran.

        Crons run when the clock passes them, but nobody waits for them: there is always a next one.

        Raises:
            TooManyRuns: when more than ``limit`` functions ran and others wait.
            EmulatorError: when one waits for a time that only a clock of the machine can reach.
        """
        count = 0
        while (job := self._first_pending()) is not None:
            if count >= limit:
                raise self._too_many(limit)
            if job.scheduled_ms > self._now_ms:
                self._move_clock(job)
            count += self.run_next()
        return count

    def _first_pending(self) -> Job | None:
        with self._executor.lock:
            return first_pending(self._executor.store)

    def _move_clock(self, job: Job) -> None:
        if not isinstance(self._clock, ManualClock):
            raise EmulatorError(
                f"{job} waits for a time that has not come; with Emulator(clock=ManualClock()) time can be moved"
            )
        self._clock.move_to(job.scheduled_ms)

    def _too_many(self, limit: int) -> TooManyRuns:
        waiting = ", ".join(map(str, self.pending()[:3]))
        return TooManyRuns(f"{limit:,} functions ran and there is no end: next come {waiting or 'crons'}")

    def _run_job(self, job: Job) -> None:
        started_ns = time.perf_counter_ns()
        try:
            outcome = run_job(self._executor, job)
        finally:
            self._running.discard(job.id)
        self._on_run(job.path, job.arguments, outcome, time.perf_counter_ns() - started_ns)

    def _run_cron(self, cron: CronJob, now_ms: float) -> None:
        started_ns = time.perf_counter_ns()
        try:
            outcome = self._executor.call_of_deployment(cron.path, cron.arguments)
        finally:
            self._running.discard(cron.cron.id)
        self.crons.note(cron, now_ms, outcome)
        self._on_run(cron.path, cron.arguments, outcome, time.perf_counter_ns() - started_ns)

    def _forget_old(self) -> None:
        """Deletes jobs that ended more than a week ago."""
        oldest = self._now_ms - RETENTION_MS
        executor = self._executor
        with executor.lock:
            table = executor.store.system_table(SCHEDULED_FUNCTIONS)
            old = [
                document_id
                for document_id, document in table.documents.items()
                if document.value.get("completedTime", oldest) < oldest
            ]
            if old:
                with executor.jobs() as jobs:
                    jobs.forget(old)

    @property
    def _now_ms(self) -> float:
        return self._clock.now_ns() / 1e6

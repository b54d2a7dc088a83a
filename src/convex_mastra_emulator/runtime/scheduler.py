"""Runs what has fallen due: scheduled functions, crons, and what the deployment itself does behind requests.

Nothing runs by itself: a test moves the clock or asks for it, a server asks whenever something is due.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from convex_mastra_emulator.clock import Clock, ManualClock
from convex_mastra_emulator.database.store import Change
from convex_mastra_emulator.errors import EmulatorError, SchemaDefinitionError
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.cron_runner import run_cron
from convex_mastra_emulator.runtime.crons import Cron, CronJob, CronRun, Crons
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.job_runner import fail_interrupted, run_job
from convex_mastra_emulator.runtime.jobs import (
    RETENTION_MS,
    SCHEDULED_FUNCTIONS,
    Job,
    job_of,
    pending_jobs,
)
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.runtime.saved_state import settings_of

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
        self.crons = executor.crons
        self.listeners: list[Callable[[], None]] = []
        """Told when something was scheduled or cancelled, or crons were deployed; called under the lock."""
        self._soon: deque[Callable[[], None]] = deque()
        self._running = executor.running
        self._jobs_run = 0
        self._forget_ms = math.inf
        """Before then no job has been kept for too long."""
        executor.commit_listeners.append(self._on_commit)

    # What there is

    def pending(self) -> list[Job]:
        """The functions that wait, by the time at which they are due."""
        with self._executor.lock:
            return list(pending_jobs(self._executor.store))

    def all(self) -> list[Job]:
        """Every function that was scheduled and is still kept, in the order of scheduling."""
        with self._executor.lock:
            self._forget_old()
            table = self._executor.store.system_table(SCHEDULED_FUNCTIONS)
            return [job_of(document.value) for document in table.documents.values()]

    def next_due_ms(self) -> float | None:
        """When the next function or cron is due, milliseconds since the Unix epoch; None if nothing waits.

        What is running does not count.
        """
        with self._executor.lock:
            if self._executor.is_closed:
                return None  # a clock may outlive the emulator
            if self._soon:
                return self._now_ms
            job = self._first_pending()
            times = [job.scheduled_ms] if job is not None else []
            cron = self._next_cron()
            return min([*times, cron.next_ms] if cron is not None else times, default=None)

    def deploy(self, crons: Crons) -> None:
        """Replaces the crons; those that stay as they were keep their next time.

        Raises:
            SchemaDefinitionError: when one names a function that is not there, or a query.
            DataNotWritten: when the file of data cannot be written.
        """
        with self._executor.lock:
            for cron in crons.by_id.values():
                self._check_cron(cron)
            deployed = self.crons.deployed(crons, self._now_ms)
            self._executor.save(settings_of(self._executor, crons=deployed.values()))
            self.crons.restore(deployed)
            self._tell()

    def _check_cron(self, cron: Cron) -> None:
        # crates/application/src/application_function_runner/mod.rs ``validate_cron_jobs``
        kind = self._executor.functions.kind_of(cron.path)
        if kind is None:
            raise SchemaDefinitionError(
                f"The cron job '{cron.id}' schedules a function that does not exist: {cron.path.canonical}"
            )
        if kind is FunctionKind.QUERY:
            raise SchemaDefinitionError(
                f"The cron job '{cron.id}' schedules a query function, only actions and mutations can be scheduled: "
                f"{cron.path.canonical}"
            )

    def _on_commit(self, _timestamp_ns: int, changes: list[Change]) -> None:
        ours = [change for change in changes if change.table.name == SCHEDULED_FUNCTIONS]
        for change in ours:
            for document in (change.old, change.new):
                # The older version, too: this may be an undoing, which brings it back.
                ended_ms = math.inf if document is None else document.value.get("completedTime", math.inf)
                self._forget_ms = min(self._forget_ms, ended_ms + RETENTION_MS)
        if ours:
            self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    def do_soon(self, work: Callable[[], None]) -> None:
        """Adds work of the deployment itself, such as an import: it is due now, before everything else."""
        with self._executor.lock:
            self._soon.append(work)
            self._tell()

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
            if self._executor.is_closed:
                return None
            if self._soon:
                return self._soon.popleft()
            self._forget_old()
            fail_interrupted(self._executor)
            now_ms = self._now_ms
            job = self._first_pending()
            cron = self._next_cron()
            if cron is not None and cron.next_ms <= now_ms and (job is None or cron.next_ms < job.scheduled_ms):
                self._running.add(cron.cron.id)
                return lambda: self._run_cron(cron, now_ms)
            if job is None or job.scheduled_ms > now_ms:
                return None
            self._running.add(job.id)
            return lambda: self._run_job(job)

    def run_due(self, limit: int = RUNS_MAX) -> int:
        """Runs what is due by now, and what that lets fall due; returns how many runs there were.

        Raises:
            TooManyRuns: when there are more.
            EmulatorError: after the emulator was closed.
        """
        self._executor.check_open()
        for count in range(limit):
            if not self.run_next():
                return count
        if self.next_due_ms() is not None and (self.next_due_ms() or 0) <= self._now_ms:
            raise self._too_many(limit)
        return limit

    def run_until_idle(self, limit: int = 1000) -> int:
        """Runs scheduled functions until none waits, moving a manual clock on to each; returns how many ran.

        What else the clock passes runs at its time, too, crons and what other emulators on the same clock have; nobody
        waits for a cron: there is always a next one.

        Raises:
            TooManyRuns: when ``limit`` functions ran and others wait, or crons run without end.
            EmulatorError: when one waits for a time that only a clock of the machine can reach.
        """
        self._executor.check_open()
        begin = self._jobs_run
        for _ in range(limit + RUNS_MAX):
            with self._executor.lock:
                job = self._first_pending()
            if job is None:
                return self._jobs_run - begin
            if self._jobs_run - begin >= limit:
                raise self._too_many(limit)
            self._run_until(job)
        raise self._too_many(limit + RUNS_MAX)

    def _first_pending(self) -> Job | None:
        """The job that is due first of those that are not running; the caller holds the lock."""
        return next((job for job in pending_jobs(self._executor.store) if job.id not in self._running), None)

    def _next_cron(self) -> CronJob | None:
        """The cron that is due first of those that do not run; the caller holds the lock.

        One that came from a file of data waits until its function is defined.
        """
        functions = self._executor.functions
        missing = {id for id, job in self.crons.by_id.items() if not functions.has(job.path)}
        return self.crons.next(except_for=self._running | missing)

    def _run_until(self, job: Job) -> None:
        """Runs the first thing that is due before a job is, or the job."""
        if isinstance(self._clock, ManualClock):
            self._clock.run_first(job.scheduled_ms)
        elif not self.run_next():
            raise EmulatorError(
                f"{job} waits for a time that has not come; with Emulator(clock=ManualClock()) time can be moved"
            )

    def _too_many(self, limit: int) -> TooManyRuns:
        waiting = ", ".join(map(str, self.pending()[:3]))
        return TooManyRuns(f"{limit:,} functions ran and there is no end: next come {waiting or 'crons'}")

    def _run_job(self, job: Job) -> None:
        started_ns = time.perf_counter_ns()
        try:
            outcome = run_job(self._executor, job)
        finally:
            self._running.discard(job.id)
        if outcome is not None:
            self._jobs_run += 1
            self._on_run(job.path, job.arguments, outcome, max(0, time.perf_counter_ns() - started_ns))

    def _run_cron(self, cron: CronJob, now_ms: float) -> None:
        id, due_ms = cron.cron.id, cron.next_ms
        started_ns = time.perf_counter_ns()
        run: CronRun | None = None
        try:
            outcome = run_cron(self._executor, cron, due_ms, now_ms)
            run = CronRun(now_ms, None if outcome.failure is None else outcome.failure.message)
        finally:
            with self._executor.lock:
                self._running.discard(id)
                # From when it has ended, as a deployment does: what came due meanwhile is skipped.
                after = self.crons.after(id, due_ms, self._now_ms, run)
                self.crons.restore(after)
                if run is not None:
                    self._executor.save(settings_of(self._executor, crons=after.values()))
        self._on_run(cron.path, cron.arguments, outcome, max(0, time.perf_counter_ns() - started_ns))

    def _forget_old(self) -> None:
        """Deletes jobs that ended more than a week ago; the caller holds the lock."""
        now_ms = self._now_ms
        if now_ms <= self._forget_ms:
            return
        executor = self._executor
        documents = executor.store.system_table(SCHEDULED_FUNCTIONS).documents
        forget_ms = {
            document_id: document.value["completedTime"] + RETENTION_MS
            for document_id, document in documents.items()
            if "completedTime" in document.value
        }
        old = [document_id for document_id, time_ms in forget_ms.items() if time_ms < now_ms]
        if old:
            with executor.jobs() as jobs:
                jobs.forget(old)
        self._forget_ms = min((time_ms for time_ms in forget_ms.values() if time_ms >= now_ms), default=math.inf)

    @property
    def _now_ms(self) -> float:
        # By a whole number: a float of nanoseconds is up to 128 off, and a job would never be due at its own time.
        return self._clock.now_ns() / 1_000_000

"""Runs what falls due while an emulator is served: in a thread, at its time, up to eight things at once.

convex-backend crates/common/src/knobs.rs ``SCHEDULED_JOB_EXECUTION_PARALLELISM`` (convex-engine.md §10.11).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.struck_calls import EndlessFault

_PARALLELISM = 8
_WAIT_SECONDS_MAX = 1.0
_RETRY_SECONDS = 0.1
_logger = logging.getLogger(__name__)


class DueRunner:
    """A thread that waits until something is due, and others that run it.

    Args:
        emulator: whose functions and crons run.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._woken = threading.Event()
        self._room = threading.Semaphore(_PARALLELISM)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="convex-emulator-due", daemon=True)

    def start(self) -> None:
        """Begins to run what is due."""
        self._emulator.scheduler.listeners.append(self._woken.set)
        self._thread.start()

    def stop(self) -> None:
        """Ends when what runs now has ended."""
        self._stopped.set()
        self._woken.set()
        self._thread.join()
        self._emulator.scheduler.listeners.remove(self._woken.set)

    def _run(self) -> None:
        with ThreadPoolExecutor(_PARALLELISM, thread_name_prefix="convex-emulator-due") as pool:
            while not self._stopped.is_set():
                self._woken.clear()
                self._start_what_is_due(pool)
                self._woken.wait(self._seconds_to_wait())

    def _start_what_is_due(self, pool: ThreadPoolExecutor) -> None:
        while not self._stopped.is_set():
            self._room.acquire()
            run = self._take_next()
            if run is None:
                self._room.release()
                return
            pool.submit(self._run_one, run)

    def _take_next(self) -> Callable[[], None] | None:
        try:
            return self._emulator.scheduler.take_next()
        except EmulatorError:
            # What has become old could not be put away, as the file of data could not be written; it may be later.
            _logger.exception("what is due cannot be looked for")
            self._stopped.wait(_RETRY_SECONDS)
            return None

    def _run_one(self, run: Callable[[], None]) -> None:
        try:
            run()
        except EndlessFault as error:
            _logger.error("%s", error)
            self._stopped.wait(_RETRY_SECONDS)
        except Exception:
            # One that cannot run must not keep the others from running; it still waits, and is tried again.
            _logger.exception("a scheduled function could not be run")
            self._stopped.wait(_RETRY_SECONDS)
        finally:
            self._room.release()
            self._woken.set()

    def _seconds_to_wait(self) -> float:
        due_ms = self._emulator.scheduler.next_due_ms()
        if due_ms is None:
            return _WAIT_SECONDS_MAX
        seconds = due_ms / 1000 - self._emulator.clock.now_ns() / 1_000_000_000
        return min(max(seconds, 0.001), _WAIT_SECONDS_MAX)


@contextmanager
def running_what_is_due(emulator: Emulator) -> Iterator[None]:
    """Runs scheduled functions and crons at their time, for the block."""
    runner = DueRunner(emulator)
    runner.start()
    try:
        yield
    finally:
        runner.stop()

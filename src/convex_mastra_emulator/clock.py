"""Time comes in from outside: a clock that runs, and one that only a test moves."""

from __future__ import annotations

import math
import time
import weakref
from typing import Protocol

from convex_mastra_emulator.errors import EmulatorError

_RUNS_MAX = 100_000


class Clock(Protocol):
    """Where an emulator reads the time."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""


class Alarm(Protocol):
    """Something that happens at times of its own."""

    def next_due_ms(self) -> float | None:
        """When it is due next, milliseconds since the Unix epoch; None for never."""

    def run_next(self) -> bool:
        """Lets the first thing that is due happen; False if nothing was."""


def wait_by(clock: Clock, seconds: float) -> None:
    """Lets time pass by a clock: its ``sleep(seconds)`` does it.

    Raises:
        EmulatorError: for a clock of somebody's own that has no such method.
    """
    sleep = getattr(clock, "sleep", None)
    if sleep is None:
        raise EmulatorError(
            f"a fault with delay={seconds:g} needs a clock that can wait: give {type(clock).__name__} a method "
            "sleep(seconds)"
        )
    sleep(seconds)


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is told to move.

    Args:
        start_seconds: where it begins, in seconds since the Unix epoch.
    """

    def __init__(self, start_seconds: float = 1_700_000_000.0) -> None:
        self._now_ns = _nanoseconds(start_seconds)
        # In the order in which they came, so that what is due at the same time runs in the same order every time.
        self._alarms: list[weakref.ref[Alarm]] = []

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._now_ns

    def copy(self) -> ManualClock:
        """Another clock, which stands where this one does now."""
        twin = ManualClock()
        twin._now_ns = self._now_ns
        return twin

    def attach(self, alarm: Alarm) -> None:
        """Lets the clock run what falls due while it is moved."""
        self._alarms = [known for known in self._alarms if known() is not None]
        self._alarms.append(weakref.ref(alarm))

    def advance(self, seconds: float) -> None:
        """Moves the clock forward; what falls due on the way runs at its time, in order.

        Raises:
            ValueError: if ``seconds`` is negative.
            RuntimeError: when more than 100,000 things fall due.
        """
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, got {seconds}: a deployment's time never runs backwards")
        self._run_until(self._now_ns + _nanoseconds(seconds))

    def sleep(self, seconds: float) -> None:
        """Moves the clock forward as :meth:`advance` does: to others, waiting is time like any other."""
        self.advance(seconds)

    def move_to(self, time_ms: float) -> None:
        """Moves the clock forward to a time, in milliseconds since the Unix epoch, and runs nothing."""
        self._now_ns = max(self._now_ns, _first_ns(time_ms))

    def run_first(self, until_ms: float) -> bool:
        """Moves the clock on to the first thing that is due by then, of all there are, and runs it.

        Returns:
            False if nothing is due by then; the clock then stays where it is.
        """
        return self._run_first(_first_ns(until_ms))

    def _run_first(self, end_ns: int) -> bool:
        times = [(time_ms, alarm) for alarm in self._all_alarms() if (time_ms := alarm.next_due_ms()) is not None]
        first = min(times, key=lambda entry: entry[0], default=None)
        if first is None or _first_ns(first[0]) > end_ns:
            return False
        self.move_to(first[0])
        first[1].run_next()
        return True

    def _all_alarms(self) -> list[Alarm]:
        return [alarm for known in self._alarms if (alarm := known()) is not None]

    def _run_until(self, end_ns: int) -> None:
        for _ in range(_RUNS_MAX):
            if not self._run_first(end_ns):
                self._now_ns = max(self._now_ns, end_ns)
                for alarm in self._all_alarms():
                    # Nothing is due: they only put away what has become old.
                    alarm.run_next()
                return
        raise RuntimeError(f"more than {_RUNS_MAX:,} functions and crons fell due; does one schedule itself?")


def _first_ns(time_ms: float) -> int:
    """The first nanosecond at which that time has come."""
    whole = math.floor(time_ms)
    return whole * 1_000_000 + math.ceil((time_ms - whole) * 1e6)


def _nanoseconds(seconds: float) -> int:
    """Whole nanoseconds; the product of floats would be up to 128 off at this century's times."""
    whole = math.floor(seconds)
    return whole * 1_000_000_000 + round((seconds - whole) * 1e9)

"""Time comes in from outside: a clock that runs, and one that only a test moves."""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where an emulator reads the time."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return time.time_ns()


class ManualClock:
    """A clock that stands still until it is told to move.

    Args:
        start_seconds: where it begins, in seconds since the Unix epoch.
    """

    def __init__(self, start_seconds: float = 1_700_000_000.0) -> None:
        self._now_ns = _nanoseconds(start_seconds)
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Raises:
            ValueError: if ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, got {seconds}: a deployment's time never runs backwards")
        with self._lock:
            self._now_ns += _nanoseconds(seconds)


def _nanoseconds(seconds: float) -> int:
    """Whole nanoseconds; the product of floats would be up to 128 off at this century's times."""
    whole = math.floor(seconds)
    return whole * 1_000_000_000 + round((seconds - whole) * 1e9)

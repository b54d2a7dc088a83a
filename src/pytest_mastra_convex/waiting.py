"""Waits for what scheduled functions do: in the emulator's time where a test can move it, in real time elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from convex_mastra_emulator import ManualClock

if TYPE_CHECKING:
    from convex_mastra_emulator import Emulator
    from pytest_mastra_convex.targets import Place

WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_JOBS_TOLD_MAX = 5

Outcome = TypeVar("Outcome")


class WaitUntil:
    """What the fixture ``convex_wait_until`` hands out.

    On the emulator in the test's process the clock goes from one function that falls due to the next, so that waiting
    takes no time; on other targets the condition is looked at again and again.

    Args:
        place: the test's deployment.
    """

    def __init__(self, place: Place) -> None:
        emulator = place.emulator
        self._emulator = emulator if emulator is not None and isinstance(emulator.clock, ManualClock) else None

    def __call__(self, condition: Callable[[], Outcome], *, seconds: float = WAIT_SECONDS) -> Outcome:
        """Waits until ``condition()`` is true, and gives what it gave.

        Args:
            condition: looks at the deployment; it is asked at least once.
            seconds: how long it may take, in the deployment's time.

        Raises:
            AssertionError: when it is not true by then.
            ValueError: for a time that is negative.
        """
        __tracebackhide__ = True
        if not seconds >= 0:
            raise ValueError(f"seconds must not be negative, got {seconds}")
        if self._emulator is None:
            return _in_real_time(condition, seconds)
        return _in_its_time(self._emulator, condition, seconds)


def _in_its_time(emulator: Emulator, condition: Callable[[], Outcome], seconds: float) -> Outcome:
    __tracebackhide__ = True
    assert isinstance(emulator.clock, ManualClock)
    until_ms = emulator.clock.now_ns() / 1_000_000 + seconds * 1000
    while not (outcome := condition()):
        if not emulator.clock.run_first(until_ms):
            jobs = emulator.scheduler.all()
            told = "".join(f"\n  {job}" for job in jobs[-_JOBS_TOLD_MAX:]) or " none"
            raise AssertionError(
                f"the condition is not true, and nothing else falls due within {seconds:g} seconds; "
                f"scheduled functions:{told}"
            )
    return outcome


def _in_real_time(condition: Callable[[], Outcome], seconds: float) -> Outcome:
    __tracebackhide__ = True
    end = time.monotonic() + seconds
    while not (outcome := condition()):
        if time.monotonic() >= end:
            raise AssertionError(f"the condition was not true within {seconds:g} seconds")
        time.sleep(_PAUSE_SECONDS)
    return outcome

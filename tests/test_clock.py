"""Time comes from outside: the machine's clock, and one that only a test moves."""

import time

import pytest

from convex_mastra_emulator import EmulatorError, ManualClock, SystemClock
from convex_mastra_emulator.clock import wait_by


def test_manual_clock_stands_still() -> None:
    clock = ManualClock()

    assert clock.now_ns() == clock.now_ns() == 1_700_000_000_000_000_000


def test_manual_clock_begins_where_it_is_told() -> None:
    assert ManualClock(1.5).now_ns() == 1_500_000_000


def test_manual_clock_moves_by_seconds() -> None:
    clock = ManualClock(0)

    clock.advance(0.25)
    clock.advance(2)

    assert clock.now_ns() == 2_250_000_000


def test_a_copy_of_a_manual_clock_goes_its_own_way() -> None:
    clock = ManualClock(1)
    clock.advance(0.5)

    copy = clock.copy()
    clock.advance(1)

    assert (clock.now_ns(), copy.now_ns()) == (2_500_000_000, 1_500_000_000)


def test_manual_clock_may_move_by_nothing() -> None:
    clock = ManualClock(1)

    clock.advance(0)

    assert clock.now_ns() == 1_000_000_000


# A deployment's timestamps never run backwards; a test that tried would test something that cannot happen.
def test_manual_clock_does_not_move_backwards() -> None:
    clock = ManualClock(1)

    with pytest.raises(ValueError, match=r"seconds must not be negative, got -0\.1"):
        clock.advance(-0.1)
    assert clock.now_ns() == 1_000_000_000


def test_system_clock_is_the_machines() -> None:
    before = time.time_ns()
    now = SystemClock().now_ns()
    after = time.time_ns()

    assert before <= now <= after


# Date.now() rounds down: a clock that is some nanoseconds early is a whole millisecond early for functions.
def test_a_fraction_of_a_second_is_exact() -> None:
    clock = ManualClock(1_700_000_000.25)

    assert clock.now_ns() == 1_700_000_000_250_000_000
    clock.advance(0.999)
    assert clock.now_ns() == 1_700_000_001_249_000_000


class Bell:
    """Rings at its times, and says when it did."""

    def __init__(self, clock: ManualClock, *times_ms: float) -> None:
        self._clock = clock
        self._times = sorted(times_ms)
        self.rung: list[int] = []

    def next_due_ms(self) -> float | None:
        return self._times[0] if self._times else None

    def run_next(self) -> bool:
        if not self._times or self._times[0] * 1e6 > self._clock.now_ns():
            return False
        self._times.pop(0)
        self.rung.append(self._clock.now_ns())
        return True


def test_what_falls_due_on_the_way_happens_at_its_time() -> None:
    clock = ManualClock(0)
    bell = Bell(clock, 1000, 250.5, 3000)
    clock.attach(bell)

    clock.advance(2)

    assert bell.rung == [250_500_000, 1_000_000_000]
    assert clock.now_ns() == 2_000_000_000


# Both sides of the moment: a thing that is due at the end of the way is part of it.
def test_the_end_of_the_way_is_part_of_it() -> None:
    clock = ManualClock(0)
    bell = Bell(clock, 1000, 1000.000001)
    clock.attach(bell)

    clock.advance(1)

    assert bell.rung == [1_000_000_000]


def test_what_is_overdue_happens_now() -> None:
    clock = ManualClock(10)
    bell = Bell(clock, 1000)
    clock.attach(bell)

    clock.advance(0)

    assert bell.rung == [10_000_000_000]


def test_move_to_lets_nothing_happen() -> None:
    clock = ManualClock(0)
    bell = Bell(clock, 1000)
    clock.attach(bell)

    clock.move_to(2000.5)

    assert bell.rung == []
    assert clock.now_ns() == 2_000_500_000


def test_move_to_does_not_move_back() -> None:
    clock = ManualClock(5)

    clock.move_to(1000)

    assert clock.now_ns() == 5_000_000_000


def test_run_first_goes_to_the_first_thing_and_no_further() -> None:
    clock = ManualClock(0)
    bell = Bell(clock, 1000, 2000)
    clock.attach(bell)

    assert clock.run_first(5000) is True
    assert clock.now_ns() == 1_000_000_000
    assert clock.run_first(1999) is False
    assert clock.now_ns() == 1_000_000_000


class Endless:
    """Is always due."""

    def next_due_ms(self) -> float | None:
        return 0.0

    def run_next(self) -> bool:
        return True


def test_things_without_end_are_an_error() -> None:
    clock = ManualClock(0)
    endless = Endless()
    clock.attach(endless)

    with pytest.raises(RuntimeError, match="more than 100,000 functions and crons fell due"):
        clock.advance(1)


# A clock holds what is attached weakly; here nothing else does.
def test_what_nobody_holds_is_forgotten() -> None:
    clock = ManualClock(0)
    clock.attach(Bell(clock, 500))
    bell = Bell(clock, 1000)
    clock.attach(bell)

    clock.advance(2)

    assert bell.rung == [1_000_000_000]


def test_a_copy_has_nothing_attached() -> None:
    clock = ManualClock(3)
    bell = Bell(clock, 4000)
    clock.attach(bell)

    twin = clock.copy()
    twin.advance(10)

    assert bell.rung == []
    assert (clock.now_ns(), twin.now_ns()) == (3_000_000_000, 13_000_000_000)


# Waiting


def test_machines_clock_waits() -> None:
    began = time.monotonic()

    SystemClock().sleep(0.02)

    assert time.monotonic() - began >= 0.02


# To everybody else the time that one waits is time like any other.
def test_manual_clock_moves_on_and_runs_what_falls_due() -> None:
    clock = ManualClock(100)
    bell = Bell(clock, 102_000)
    clock.attach(bell)

    wait_by(clock, 5)

    assert (clock.now_ns(), bell.rung) == (105 * 10**9, [102 * 10**9])


class Plain:
    """A clock of somebody's own."""

    def now_ns(self) -> int:
        return 0


def test_clock_without_sleep_cannot_wait() -> None:
    with pytest.raises(EmulatorError, match=r"needs a clock that can wait: give Plain a method sleep\(seconds\)$"):
        wait_by(Plain(), 1)

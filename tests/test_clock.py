"""Time comes from outside: the machine's clock, and one that only a test moves."""

import time

import pytest

from convex_mastra_emulator import ManualClock, SystemClock


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

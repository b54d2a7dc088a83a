"""``convex_wait_until``: the emulator's clock goes on to what is scheduled, other targets are asked again and again."""

from __future__ import annotations

import pytest

from convex_mastra_emulator import Emulator, ManualClock, mutation
from pytest_mastra_convex.targets import Address, Place
from pytest_mastra_convex.waiting import WaitUntil

FUNCTIONS = """
from convex_mastra_emulator import mutation, query

FUNCTIONS = {
    "notes:add": mutation(lambda ctx, args: ctx.db.insert("notes", {"text": "x"})),
    "notes:later": mutation(lambda ctx, args: ctx.scheduler.run_after(args["ms"], "notes:add")),
    "notes:count": query(lambda ctx, args: len(ctx.db.query("notes").collect())),
}
"""


def place_of(emulator: Emulator) -> Place:
    return Place(
        target="emulator",
        deployment=emulator,
        journal=emulator.journal,
        address=lambda: Address("", ""),
        emulator=emulator,
    )


@pytest.fixture
def scheduling(emulator: Emulator) -> Emulator:
    emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", {"text": "x"})))
    emulator.define("notes:later", mutation(lambda ctx, args: ctx.scheduler.run_after(args["ms"], "notes:add")))
    return emulator


def test_the_clock_stops_where_the_condition_is_true(scheduling: Emulator, clock: ManualClock) -> None:
    begin_ns = clock.now_ns()
    for ms in (1000, 2000, 3000):
        scheduling.mutation("notes:later", {"ms": ms})

    given = WaitUntil(place_of(scheduling))(lambda: scheduling.table_counts().get("notes", 0) == 2)

    assert given is True
    assert clock.now_ns() - begin_ns == 2_000_000_000


def test_nothing_moves_when_it_is_true_at_once(scheduling: Emulator, clock: ManualClock) -> None:
    begin_ns = clock.now_ns()
    scheduling.mutation("notes:later", {"ms": 0})

    assert WaitUntil(place_of(scheduling))(lambda: "it", seconds=0) == "it"
    assert clock.now_ns() == begin_ns
    assert scheduling.table_counts() == {}


def test_the_last_moment_counts(scheduling: Emulator) -> None:
    scheduling.mutation("notes:later", {"ms": 2000})

    assert WaitUntil(place_of(scheduling))(lambda: scheduling.table_counts(), seconds=2) == {"notes": 1}


# Whoever waits for the wrong thing wants to see what did happen, and not to wait for it.
def test_what_does_not_come_fails_at_once_with_what_was_scheduled(scheduling: Emulator) -> None:
    scheduling.mutation("notes:later", {"ms": 0})
    scheduling.mutation("notes:later", {"ms": 2001})

    text = r"nothing else falls due within 2 seconds; scheduled functions:\n  notes:add .*success.*\n  .*pending"
    with pytest.raises(AssertionError, match=text):
        WaitUntil(place_of(scheduling))(lambda: scheduling.table_counts() == {"notes": 2}, seconds=2)


def test_in_real_time_the_condition_is_asked_again() -> None:
    answers = [0, 0, 5]
    with Emulator() as emulator:
        assert WaitUntil(place_of(emulator))(lambda: answers.pop(0)) == 5


def test_in_real_time_it_ends_too() -> None:
    with Emulator() as emulator, pytest.raises(AssertionError, match=r"was not true within 0\.1 seconds"):
        WaitUntil(place_of(emulator))(lambda: False, seconds=0.1)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_time_that_is_none_is_refused(emulator: Emulator, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must not be negative, got"):
        WaitUntil(place_of(emulator))(lambda: True, seconds=seconds)


def test_the_same_test_waits_on_each_target(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(functions_of_tests=FUNCTIONS)
    pytester.makepyfile("""
        def test_later(convex_deployment, convex_wait_until):
            convex_deployment.mutation("notes:later", {"ms": 100})
            assert convex_deployment.query("notes:count") == 0
            assert convex_wait_until(lambda: convex_deployment.query("notes:count")) == 1
    """)

    pytester.runpytest_subprocess(
        "--convex-functions=functions_of_tests:FUNCTIONS",
        "--convex-target=emulator",
        "--convex-target=server",
        "-o",
        "pythonpath=.",
    ).assert_outcomes(passed=2)

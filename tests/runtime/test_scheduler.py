"""`emulator.scheduler`: what runs when, in which order, and what is told and kept of it."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator, ManualClock, action, mutation
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.runtime.scheduler import TooManyRuns

START_MS = 1_700_000_000_000.0
WEEK_SECONDS = 7 * 24 * 3600


def note(ctx: Any, args: Any) -> None:
    ctx.db.insert("notes", {"n": args["n"], "at": ctx.now()})


def notes(emulator: Emulator) -> list[Any]:
    return [row["n"] for row in emulator.run(lambda ctx: ctx.db.query("notes").collect())]


def again(ctx: Any, args: Any) -> None:
    ctx.scheduler.run_after(args["delay"], "t:again", args)


def schedule(emulator: Emulator, delay_ms: float, n: float = 0.0) -> Any:
    return emulator.run(lambda ctx: ctx.scheduler.run_after(delay_ms, "t:note", {"n": n}))


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    return with_functions(emulator)


def with_functions(emulator: Emulator) -> Emulator:
    emulator.define("t:note", mutation(note))
    emulator.define("t:again", mutation(again))
    return emulator


def every_minute(n: float = -1.0) -> Crons:
    crons = Crons()
    crons.interval("every minute", "t:note", {"n": n}, minutes=1)
    return crons


# As a float of nanoseconds the time of the example is 128 short of itself: the function was not due when its time had
# come, and a manual clock stood still at it until 100,000 runs were up.
@given(delay_ms=st.floats(0, 1e6), start_ms=st.integers(1_600_000_000_000, 2_000_000_000_000))
@example(delay_ms=10.0, start_ms=1_700_000_000_000)
def test_function_is_due_when_its_time_has_come(delay_ms: float, start_ms: int) -> None:
    emulator = with_functions(Emulator(clock=ManualClock(start_ms / 1000)))
    schedule(emulator, delay_ms)
    due_ms = emulator.scheduler.next_due_ms()
    assert due_ms is not None

    emulator.clock.move_to(due_ms)  # type: ignore[attr-defined]

    assert emulator.scheduler.run_due() == 1


# What there is


def test_nothing_waits_in_the_beginning(emulator: Emulator) -> None:
    assert emulator.scheduler.pending() == []
    assert emulator.scheduler.all() == []
    assert emulator.scheduler.next_due_ms() is None
    assert emulator.scheduler.run_next() is False
    assert emulator.scheduler.run_due() == 0
    assert emulator.scheduler.run_until_idle() == 0


def test_pending_jobs_stand_in_the_order_of_their_times(emulator: Emulator) -> None:
    for delay in (5000, 0, 9000, 1000):
        schedule(emulator, delay)

    assert [str(job) for job in emulator.scheduler.pending()] == [
        "t:note at 1700000000000 ms (pending)",
        "t:note at 1700000001000 ms (pending)",
        "t:note at 1700000005000 ms (pending)",
        "t:note at 1700000009000 ms (pending)",
    ]


def test_all_jobs_stand_in_the_order_of_scheduling(emulator: Emulator) -> None:
    ids = [schedule(emulator, delay) for delay in (5000, 0, 1000)]
    emulator.scheduler.run_due()

    assert [job.id for job in emulator.scheduler.all()] == ids


# Order


def test_jobs_run_in_the_order_of_their_times(emulator: Emulator, clock: ManualClock) -> None:
    for delay in (5000, 0, 9000, 1000):
        schedule(emulator, delay, float(delay))

    clock.advance(6)

    assert notes(emulator) == [0.0, 1000.0, 5000.0]


def test_each_job_runs_at_its_own_time(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 1000)
    schedule(emulator, 2500)

    clock.advance(60)

    at = [row["at"] for row in emulator.run(lambda ctx: ctx.db.query("notes").collect())]
    assert at == [START_MS + 1000, START_MS + 2500]
    assert clock.now_ns() == 1_700_000_060_000_000_000


def test_a_job_that_is_due_in_a_moment_waits(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 1000)

    clock.advance(0.999)
    assert notes(emulator) == []

    clock.advance(0.001)
    assert notes(emulator) == [0.0]


def test_what_a_job_schedules_runs_on_the_same_way(emulator: Emulator, clock: ManualClock) -> None:
    emulator.run(lambda ctx: ctx.scheduler.run_after(0, "t:again", {"delay": 1000}))

    clock.advance(5)

    assert [job.state for job in emulator.scheduler.all()] == ["success"] * 6 + ["pending"]


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("schedule"), st.integers(0, 20)), st.tuples(st.just("advance"), st.integers(0, 10))
        ),
        max_size=25,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_order_of_scheduling_and_advancing_runs_as_a_sorted_list(steps: list[tuple[str, int]]) -> None:
    clock = ManualClock()
    emulator = with_functions(Emulator(clock=clock, seed=1))
    now, expected, waiting = 0, [], []

    for number, (kind, seconds) in enumerate(steps):
        if kind == "schedule":
            schedule(emulator, seconds * 1000, float(number))
            waiting.append((now + seconds, float(number)))
            continue
        clock.advance(seconds)
        now += seconds
        waiting.sort()
        expected += [n for due, n in waiting if due <= now]
        waiting = [entry for entry in waiting if entry[0] > now]

    assert notes(emulator) == expected
    assert len(emulator.scheduler.pending()) == len(waiting)


# Two emulators on one clock


def test_two_emulators_on_one_clock_run_in_the_order_of_time(clock: ManualClock) -> None:
    order: list[str] = []
    emulators = {name: Emulator(clock=clock, seed=1) for name in "ab"}
    for name, emulator in emulators.items():
        emulator.define("t:note", mutation(lambda ctx, args, name=name: order.append(f"{name}{args['n']:.0f}")))
    for name, delay in [("b", 3000), ("a", 2000), ("b", 1000), ("a", 4000), ("b", 5000), ("a", 5000)]:
        schedule(emulators[name], delay, delay / 1000)

    clock.advance(10)

    # At the same time the one that has the clock for longer comes first.
    assert order == ["b1", "a2", "b3", "a4", "a5", "b5"]


def test_waiting_for_one_emulator_does_not_make_the_other_late(clock: ManualClock) -> None:
    one, other = (with_functions(Emulator(clock=clock, seed=1)) for _ in range(2))
    schedule(one, 60_000)
    schedule(other, 1000)

    assert one.scheduler.run_until_idle() == 1

    [row] = other.run(lambda ctx: ctx.db.query("notes").collect())
    assert row["at"] == START_MS + 1000


# An emulator nobody holds any more must not live on in its clock.
def test_a_clock_forgets_emulators_that_are_gone(clock: ManualClock) -> None:
    runs: list[int] = []
    emulator = Emulator(clock=clock, seed=1)
    emulator.define("t:note", mutation(lambda ctx, args: runs.append(1)))
    schedule(emulator, 1000)

    del emulator
    import gc

    gc.collect()
    clock.advance(2)

    assert runs == []


# run_due and run_until_idle


def test_run_due_runs_what_is_due_and_no_more(emulator: Emulator) -> None:
    for delay in (0, 0, 1):
        schedule(emulator, delay)

    assert emulator.scheduler.run_due() == 2
    assert len(emulator.scheduler.pending()) == 1


def test_run_due_has_a_limit(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.scheduler.run_after(0, "t:again", {"delay": 0}))

    with pytest.raises(TooManyRuns, match="5 functions ran and there is no end: next come t:again at 1700000000000 ms"):
        emulator.scheduler.run_due(limit=5)


def test_run_due_may_reach_its_limit(emulator: Emulator) -> None:
    for _ in range(5):
        schedule(emulator, 0)

    assert emulator.scheduler.run_due(limit=5) == 5


def test_run_until_idle_moves_the_clock_to_each_job(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 5000)
    schedule(emulator, 3_600_000)

    assert emulator.scheduler.run_until_idle() == 2

    at = [row["at"] for row in emulator.run(lambda ctx: ctx.db.query("notes").collect())]
    assert at == [START_MS + 5000, START_MS + 3_600_000]
    assert clock.now_ns() == 1_700_003_600_000_000_000


def test_run_until_idle_names_what_comes_next(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.scheduler.run_after(0, "t:again", {"delay": 1000}))

    with pytest.raises(TooManyRuns) as endless:
        emulator.scheduler.run_until_idle(limit=3)

    assert str(endless.value) == (
        "3 functions ran and there is no end: next come t:again at 1700000003000 ms (pending)"
    )


def test_run_until_idle_runs_crons_on_its_way_at_their_times(emulator: Emulator) -> None:
    schedule(emulator, 150_000, 1.0)
    emulator.define_crons(every_minute())

    assert emulator.scheduler.run_until_idle() == 1

    rows = emulator.run(lambda ctx: ctx.db.query("notes").collect())
    assert [(row["n"], row["at"] - START_MS) for row in rows] == [
        (-1.0, 0),
        (-1.0, 60_000),
        (-1.0, 120_000),
        (1.0, 150_000),
    ]


def test_run_until_idle_does_not_wait_for_crons(emulator: Emulator) -> None:
    emulator.define_crons(every_minute())

    assert emulator.scheduler.run_until_idle() == 0
    assert notes(emulator) == []


def test_the_machines_clock_cannot_be_moved() -> None:
    emulator = with_functions(Emulator(seed=1))
    schedule(emulator, 0)
    schedule(emulator, 3_600_000)

    with pytest.raises(EmulatorError, match=r"t:note at \d+ ms \(pending\) waits for a time that has not come"):
        emulator.scheduler.run_until_idle()

    assert len(emulator.scheduler.pending()) == 1


# What is kept


def test_a_finished_job_is_kept_for_seven_days(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 0)
    emulator.scheduler.run_due()

    clock.advance(WEEK_SECONDS)

    assert len(emulator.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())) == 1


def test_afterwards_it_is_forgotten(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 0)
    waiting = schedule(emulator, 2 * WEEK_SECONDS * 1000)
    emulator.scheduler.run_due()

    clock.advance(WEEK_SECONDS + 0.001)

    [document] = emulator.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())
    assert document["_id"] == waiting


def test_cancelled_jobs_are_forgotten_too(emulator: Emulator, clock: ManualClock) -> None:
    job_id = schedule(emulator, 5000)
    emulator.run(lambda ctx: ctx.scheduler.cancel(job_id))

    clock.advance(WEEK_SECONDS + 1)

    assert emulator.scheduler.all() == []


def test_what_rollback_brings_back_is_forgotten_in_its_time(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 0)
    emulator.scheduler.run_due()
    with emulator.rollback():
        clock.advance(WEEK_SECONDS + 1)
        assert emulator.scheduler.all() == []
    assert len(emulator.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())) == 1

    clock.advance(1)

    assert emulator.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect()) == []


def test_runs_stand_in_the_journal(emulator: Emulator) -> None:
    schedule(emulator, 0, 1.0)
    emulator.scheduler.run_due()

    assert emulator.journal.lines()[-1].startswith("scheduled t:note {'n': 1.0} -> None")


# Who asks


def test_a_taken_job_is_not_given_twice(emulator: Emulator) -> None:
    schedule(emulator, 0, 1.0)
    schedule(emulator, 0, 2.0)

    first, second, third = (emulator.scheduler.take_next() for _ in range(3))

    assert first is not None
    assert second is not None
    assert third is None
    assert emulator.scheduler.next_due_ms() is None
    second()
    first()
    assert notes(emulator) == [2.0, 1.0]


def test_listeners_are_told_of_scheduling_and_cancelling(emulator: Emulator) -> None:
    told: list[int] = []
    emulator.scheduler.listeners.append(lambda: told.append(1))

    job_id = schedule(emulator, 5000)
    emulator.run(lambda ctx: ctx.scheduler.cancel(job_id))
    emulator.run(lambda ctx: ctx.db.insert("notes", {"n": 0}))

    assert len(told) == 2


# A clone goes on by itself, with the jobs that wait.
def test_a_clone_has_the_jobs(emulator: Emulator) -> None:
    schedule(emulator, 5000, 1.0)

    twin = emulator.clone()
    twin.scheduler.run_until_idle()

    assert notes(twin) == [1.0]
    assert len(emulator.scheduler.pending()) == 1


def test_an_action_may_move_the_clock_over_other_jobs(emulator: Emulator, clock: ManualClock) -> None:
    emulator.define("t:slow", action(lambda ctx, args: clock.advance(10)))
    emulator.run(lambda ctx: ctx.scheduler.run_after(0, "t:slow"))
    schedule(emulator, 5000, 1.0)

    clock.advance(1)

    assert notes(emulator) == [1.0]
    assert clock.now_ns() == 1_700_000_010_000_000_000
    assert [job.state for job in emulator.scheduler.all()] == ["success", "success"]


# The deployment's own work


def test_own_work_is_due_at_once_and_comes_first(emulator: Emulator, clock: ManualClock) -> None:
    schedule(emulator, 0, 1.0)
    told: list[str] = []
    emulator.scheduler.listeners.append(lambda: told.append("told"))

    emulator.scheduler.do_soon(lambda: note_in(emulator, 2.0))
    emulator.scheduler.do_soon(lambda: note_in(emulator, 3.0))

    assert told == ["told", "told"]
    assert emulator.scheduler.next_due_ms() == clock.now_ns() / 1e6
    assert emulator.scheduler.run_due() == 3
    assert notes(emulator) == [2.0, 3.0, 1.0]


def test_own_work_runs_when_the_clock_is_moved(emulator: Emulator, clock: ManualClock) -> None:
    emulator.scheduler.do_soon(lambda: note_in(emulator, 2.0))

    clock.advance(1)

    assert notes(emulator) == [2.0]
    assert emulator.scheduler.next_due_ms() is None


def note_in(emulator: Emulator, n: float) -> None:
    emulator.run(lambda ctx: ctx.db.insert("notes", {"n": n}))

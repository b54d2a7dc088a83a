"""`ctx.scheduler`: what npm convex checks, when it takes effect.

convex-js src/server/impl/scheduler_impl.ts (npm convex 1.48.0, convex-engine.md §10.11).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock, action, mutation, query, undefined

START_MS = 1_700_000_000_000.0


def note(ctx: Any, args: Any) -> None:
    ctx.db.insert("notes", {"n": args.get("n")})


def notes(emulator: Emulator) -> list[Any]:
    return [row["n"] for row in emulator.run(lambda ctx: ctx.db.query("notes").collect())]


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.define("t:note", mutation(note))
    return emulator


def plan(emulator: Emulator, body: Callable[[Any], Any], make: Any = mutation) -> Any:
    emulator.define("t:plan", make(lambda ctx, args: body(ctx)))
    return emulator.mutation("t:plan") if make is mutation else emulator.action("t:plan")


# Times


def test_a_delay_counts_from_the_functions_time(emulator: Emulator) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_after(1.5, "t:note"))

    assert emulator.scheduler.next_due_ms() == START_MS + 1.5


@pytest.mark.parametrize(
    "moment",
    [START_MS + 90_000, int(START_MS) + 90_000, datetime(2023, 11, 14, 22, 14, 50, tzinfo=UTC)],
    ids=["float", "int", "datetime"],
)
def test_a_time_may_be_a_number_or_a_date(emulator: Emulator, moment: Any) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_at(moment, "t:note"))

    assert emulator.scheduler.next_due_ms() == START_MS + 90_000


def test_a_date_has_whole_milliseconds(emulator: Emulator) -> None:
    moment = datetime(2023, 11, 14, 22, 14, 50, 123_999, tzinfo=UTC)

    plan(emulator, lambda ctx: ctx.scheduler.run_at(moment, "t:note"))

    assert emulator.scheduler.next_due_ms() == START_MS + 90_123


@pytest.mark.parametrize(
    ("delay", "text"),
    [
        ("5", "`delayMs` must be a number"),
        (None, "`delayMs` must be a number"),
        (True, "`delayMs` must be a number"),
        (float("inf"), "`delayMs` must be a finite number"),
        (float("nan"), "`delayMs` must be a finite number"),
        (-0.001, "`delayMs` must be non-negative"),
    ],
)
def test_a_delay_that_is_none_is_refused(emulator: Emulator, delay: Any, text: str) -> None:
    with pytest.raises(FunctionError) as refused:
        plan(emulator, lambda ctx: ctx.scheduler.run_after(delay, "t:note"))

    assert refused.value.message == f"Uncaught Error: {text}"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2023", "The invoke time must a Date or a timestamp"),
        (None, "The invoke time must a Date or a timestamp"),
        (True, "The invoke time must a Date or a timestamp"),
        (float("nan"), "Invalid arguments for `scheduler`: invalid type: null, expected f64"),
        (float("inf"), "Invalid arguments for `scheduler`: invalid type: null, expected f64"),
        (
            -1,
            "Invalid arguments for `ts`: cannot convert float seconds to Duration: value is negative",
        ),
    ],
)
def test_a_time_that_is_none_is_refused(emulator: Emulator, moment: Any, text: str) -> None:
    with pytest.raises(FunctionError) as refused:
        plan(emulator, lambda ctx: ctx.scheduler.run_at(moment, "t:note"))

    assert refused.value.message == f"Uncaught Error: {text}"
    assert emulator.scheduler.pending() == []


def test_a_job_without_an_id_cannot_be_cancelled(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Must provide arg 1 `id` to `cancel`"):
        plan(emulator, lambda ctx: ctx.scheduler.cancel(undefined))


def test_queries_have_no_scheduler(emulator: Emulator) -> None:
    emulator.define("t:query", query(lambda ctx, args: ctx.scheduler.run_after(0, "t:note")))

    with pytest.raises(FunctionError, match="scheduler"):
        emulator.query("t:query")


# When it takes effect


def test_a_delay_of_nothing_runs_after_the_commit(emulator: Emulator) -> None:
    def body(ctx: Any) -> int:
        ctx.scheduler.run_after(0, "t:note", {"n": 1.0})
        return len(ctx.db.query("notes").collect())

    assert plan(emulator, body) == 0
    assert notes(emulator) == []

    assert emulator.scheduler.run_due() == 1
    assert notes(emulator) == [1.0]


def test_a_past_time_is_due_at_once(emulator: Emulator) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_at(0 + START_MS - 5000, "t:note", {"n": 1.0}))

    assert emulator.scheduler.run_due() == 1


def test_an_action_schedules_at_once(emulator: Emulator) -> None:
    def body(ctx: Any) -> None:
        ctx.scheduler.run_after(0, "t:note", {"n": 1.0})
        assert len(emulator.scheduler.pending()) == 1
        raise Exception("afterwards")

    with pytest.raises(FunctionError, match="afterwards"):
        plan(emulator, body, action)

    assert len(emulator.scheduler.pending()) == 1


def test_an_action_cancels_at_once(emulator: Emulator) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(5000, "t:note"))

    def body(ctx: Any) -> None:
        ctx.scheduler.cancel(job_id)
        assert emulator.scheduler.pending() == []
        raise Exception("afterwards")

    with pytest.raises(FunctionError, match="afterwards"):
        plan(emulator, body, action)

    assert [job.state for job in emulator.scheduler.all()] == ["canceled"]


# The clock of an action goes on while it runs.
def test_a_delay_of_an_action_counts_from_the_call(emulator: Emulator, clock: ManualClock) -> None:
    def body(ctx: Any) -> None:
        clock.advance(10)
        ctx.scheduler.run_after(5000, "t:note")

    plan(emulator, body, action)

    assert emulator.scheduler.next_due_ms() == START_MS + 15_000


def test_arguments_are_those_at_the_time_of_scheduling(emulator: Emulator) -> None:
    args = {"n": 1.0}

    def body(ctx: Any) -> None:
        ctx.scheduler.run_after(0, "t:note", args)
        args["n"] = 2.0

    plan(emulator, body)
    emulator.scheduler.run_due()

    assert notes(emulator) == [1.0]

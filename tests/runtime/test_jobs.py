"""Scheduled functions as documents: what is stored, what is refused, what cancelling does.

convex-backend crates/model/src/scheduled_jobs/mod.rs, crates/udf/src/validation.rs (convex-engine.md §10.11).
"""

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, Limits, ManualClock, internal_mutation, mutation

START_MS = 1_700_000_000_000.0
FIVE_YEARS_MS = 5 * 366 * 24 * 3600 * 1000.0


def note(ctx: Any, args: Any) -> None:
    ctx.db.insert("notes", {"n": args.get("n")})


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.define("t:note", internal_mutation(note))
    return emulator


def plan(emulator: Emulator, body: Callable[[Any], Any]) -> Any:
    emulator.define("t:plan", mutation(lambda ctx, args: body(ctx)))
    return emulator.mutation("t:plan")


def scheduled(emulator: Emulator) -> list[Any]:
    return list(emulator.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect()))


def states(emulator: Emulator) -> list[str]:
    return [job.state for job in emulator.scheduler.all()]


# What is stored


def test_a_job_is_a_document_of_its_table(emulator: Emulator) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(5000, "t:note", {"n": 1.0}))

    [document] = scheduled(emulator)
    assert document == {
        "_id": job_id,
        "_creationTime": START_MS,
        "args": [{"n": 1.0}],
        "name": "t.js:note",
        "scheduledTime": START_MS + 5000,
        "state": {"kind": "pending"},
    }


def test_a_job_without_arguments_has_an_empty_object(emulator: Emulator) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_after(0, "t:note"))

    assert scheduled(emulator)[0]["args"] == [{}]


def test_the_function_that_schedules_sees_the_job_at_once(emulator: Emulator) -> None:
    def body(ctx: Any) -> Any:
        job_id = ctx.scheduler.run_after(0, "t:note")
        return ctx.db.system.get(job_id)["state"]

    assert plan(emulator, body) == {"kind": "pending"}


def test_a_run_adds_the_time_of_its_end(emulator: Emulator, clock: ManualClock) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_after(5000, "t:note"))

    clock.advance(6)

    [document] = scheduled(emulator)
    assert document["state"] == {"kind": "success"}
    assert document["completedTime"] == START_MS + 5000
    assert document["scheduledTime"] == START_MS + 5000


# Part of the transaction


def test_jobs_of_a_failed_mutation_are_not_there(emulator: Emulator) -> None:
    def body(ctx: Any) -> None:
        ctx.scheduler.run_after(0, "t:note")
        raise Exception("no")

    with pytest.raises(FunctionError):
        plan(emulator, body)
    assert emulator.scheduler.all() == []


def test_jobs_of_a_failed_nested_mutation_are_not_there(emulator: Emulator) -> None:
    def inner(ctx: Any, args: Any) -> None:
        ctx.scheduler.run_after(0, "t:note")
        raise Exception("no")

    def body(ctx: Any) -> None:
        with pytest.raises(Exception, match="no"):
            ctx.run_mutation("t:inner")
        ctx.scheduler.run_after(1000, "t:note", {"n": 2.0})

    emulator.define("t:inner", mutation(inner))
    plan(emulator, body)

    assert [job.arguments for job in emulator.scheduler.all()] == [{"n": 2.0}]


def test_rollback_undoes_scheduling(emulator: Emulator) -> None:
    with emulator.rollback():
        plan(emulator, lambda ctx: ctx.scheduler.run_after(0, "t:note"))
        assert len(emulator.scheduler.pending()) == 1

    assert emulator.scheduler.pending() == []
    assert emulator.scheduler.next_due_ms() is None


def test_rollback_makes_a_job_that_ran_wait_again(emulator: Emulator) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_after(0, "t:note"))

    with emulator.rollback():
        emulator.scheduler.run_due()
        assert states(emulator) == ["success"]

    assert states(emulator) == ["pending"]
    assert emulator.scheduler.run_due() == 1


# Limits of one mutation


def limited(limits: Limits) -> Emulator:
    emulator = Emulator(clock=ManualClock(), seed=1, limits=limits)
    emulator.define("t:note", internal_mutation(note))
    return emulator


def schedule_many(count: int, args: Any = None) -> Callable[[Any], None]:
    def body(ctx: Any) -> None:
        for _ in range(count):
            ctx.scheduler.run_after(0, "t:note", args)

    return body


def test_a_mutation_may_schedule_a_thousand_functions(emulator: Emulator) -> None:
    plan(emulator, schedule_many(1000))

    assert len(emulator.scheduler.pending()) == 1000


def test_a_mutation_may_not_schedule_one_more(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Too many functions scheduled by this mutation \(limit: 1000\)"):
        plan(emulator, schedule_many(1001))
    assert emulator.scheduler.pending() == []


# One argument object {"n": ""} has 2 + 2 + 2 = 6 bytes, and the array around it 2.
def test_the_size_of_all_arguments_is_limited() -> None:
    emulator = limited(Limits(scheduled_size_max=16))

    plan(emulator, schedule_many(2, {"n": ""}))

    assert len(emulator.scheduler.pending()) == 2


def test_one_byte_more_is_refused() -> None:
    emulator = limited(Limits(scheduled_size_max=15))
    text = r"Too large total size of the arguments of scheduled functions from this mutation \(limit: 15 bytes\)"

    with pytest.raises(FunctionError, match=text):
        plan(emulator, schedule_many(2, {"n": ""}))


def test_the_limit_of_sizes_is_16_mib() -> None:
    assert Limits().scheduled_size_max == 16 * 1024 * 1024


# The deployment counts per transaction, and a sub-transaction that fails gives nothing back.
def test_a_caught_failure_does_not_give_its_jobs_back() -> None:
    emulator = limited(Limits(scheduled_count_max=2))

    def inner(ctx: Any, args: Any) -> None:
        ctx.scheduler.run_after(0, "t:note")
        raise Exception("caught")

    def body(ctx: Any) -> None:
        with pytest.raises(Exception, match="caught"):
            ctx.run_mutation("t:inner")
        schedule_many(2)(ctx)

    emulator.define("t:inner", mutation(inner))

    with pytest.raises(FunctionError, match="Too many functions scheduled"):
        plan(emulator, body)


# What is refused


@pytest.mark.parametrize("offset_ms", [FIVE_YEARS_MS, -FIVE_YEARS_MS])
def test_five_years_are_near_enough(emulator: Emulator, offset_ms: float) -> None:
    plan(emulator, lambda ctx: ctx.scheduler.run_at(START_MS + offset_ms, "t:note"))

    assert emulator.scheduler.next_due_ms() == START_MS + offset_ms


@pytest.mark.parametrize(
    ("offset_ms", "text"),
    [
        (FIVE_YEARS_MS + 1000, r"UnixTimestamp\(1858112001s\) is more than 5 years in the future"),
        (-FIVE_YEARS_MS - 1000, r"UnixTimestamp\(1541887999s\) is more than 5 years in the past"),
    ],
)
def test_more_than_five_years_are_refused(emulator: Emulator, offset_ms: float, text: str) -> None:
    with pytest.raises(FunctionError, match=text):
        plan(emulator, lambda ctx: ctx.scheduler.run_at(START_MS + offset_ms, "t:note"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gone:note", "Attempted to schedule function at nonexistent path: gone.js"),
        (
            "t:gone",
            "Attempted to schedule function, but no exported function gone found in the file: t.js. "
            "Did you forget to export it?",
        ),
    ],
)
def test_a_function_that_is_not_there_is_refused(emulator: Emulator, path: str, text: str) -> None:
    with pytest.raises(FunctionError) as refused:
        plan(emulator, lambda ctx: ctx.scheduler.run_after(0, path))

    assert refused.value.message == f"Uncaught Error: {text}"


# Cancelling


def test_a_job_that_waits_is_cancelled(emulator: Emulator, clock: ManualClock) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(5000, "t:note"))

    plan(emulator, lambda ctx: ctx.scheduler.cancel(job_id))
    clock.advance(10)

    [document] = scheduled(emulator)
    assert document["state"] == {"kind": "canceled"}
    assert document["completedTime"] == pytest.approx(START_MS, abs=1)
    assert emulator.run(lambda ctx: ctx.db.query("notes").collect()) == []


def test_a_job_that_has_ended_stays_as_it_is(emulator: Emulator) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(0, "t:note"))
    emulator.scheduler.run_due()
    before = scheduled(emulator)

    plan(emulator, lambda ctx: ctx.scheduler.cancel(job_id))

    assert scheduled(emulator) == before


def test_cancelling_twice_is_once(emulator: Emulator, clock: ManualClock) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(5000, "t:note"))
    plan(emulator, lambda ctx: ctx.scheduler.cancel(job_id))
    before = scheduled(emulator)
    clock.advance(1)

    plan(emulator, lambda ctx: ctx.scheduler.cancel(job_id))

    assert scheduled(emulator) == before


def test_cancelling_a_job_that_is_no_longer_kept_does_nothing(emulator: Emulator, clock: ManualClock) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(0, "t:note"))
    clock.advance(8 * 24 * 3600)
    assert emulator.scheduler.all() == []

    assert plan(emulator, lambda ctx: ctx.scheduler.cancel(job_id)) is None


def test_cancelling_is_undone_with_its_mutation(emulator: Emulator) -> None:
    job_id = plan(emulator, lambda ctx: ctx.scheduler.run_after(5000, "t:note"))

    def body(ctx: Any) -> None:
        ctx.scheduler.cancel(job_id)
        raise Exception("no")

    with pytest.raises(FunctionError):
        plan(emulator, body)
    assert states(emulator) == ["pending"]


def test_text_that_is_no_id_cannot_be_cancelled(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Invalid argument `id` for `db\.cancel_job`: Unable to decode ID"):
        plan(emulator, lambda ctx: ctx.scheduler.cancel("garbage"))


def test_the_id_of_another_table_cannot_be_cancelled(emulator: Emulator) -> None:
    text = "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table."

    with pytest.raises(FunctionError, match=text):
        plan(emulator, lambda ctx: ctx.scheduler.cancel(ctx.db.insert("notes", {})))

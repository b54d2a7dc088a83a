"""Crons: what can be defined, when they run, what a deployment does at a redeploy.

convex-js src/server/cron.ts, convex-backend crates/model/src/cron_jobs/mod.rs, crates/application/src/cron_jobs/mod.rs
(convex-engine.md §10.12).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, action, internal_mutation, mutation, query
from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.runtime.crons import Crons

MINUTE_MS = 60_000.0
# 2023-11-14 22:13:20 UTC, a Tuesday.
START_MS = 1_700_000_000_000.0

Define = Callable[[Crons], None]


@pytest.fixture
def runs(emulator: Emulator, clock: ManualClock) -> list[float]:
    """When the function of the crons ran, milliseconds after the start."""
    times: list[float] = []
    emulator.define("t:run", internal_mutation(lambda ctx, args: times.append(ctx.now() - START_MS)))
    return times


def crons_of(define: Define) -> Crons:
    crons = Crons()
    define(crons)
    return crons


def deploy(emulator: Emulator, define: Define) -> None:
    emulator.define_crons(crons_of(define))


def next_time(emulator: Emulator) -> str:
    due_ms = emulator.scheduler.next_due_ms()
    assert due_ms is not None
    return datetime.fromtimestamp(due_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


# Kinds


@pytest.mark.parametrize(
    ("define", "first", "second"),
    [
        (lambda crons: crons.interval("c", "t:run", seconds=30), "2023-11-14 22:13:20", "2023-11-14 22:13:50"),
        (lambda crons: crons.interval("c", "t:run", minutes=5), "2023-11-14 22:13:20", "2023-11-14 22:18:20"),
        (lambda crons: crons.interval("c", "t:run", hours=2), "2023-11-14 22:13:20", "2023-11-15 00:13:20"),
        (lambda crons: crons.hourly("c", "t:run", minute_utc=10), "2023-11-14 23:10:00", "2023-11-15 00:10:00"),
        (lambda crons: crons.hourly("c", "t:run"), "2023-11-14 23:00:00", "2023-11-15 00:00:00"),
        (
            lambda crons: crons.daily("c", "t:run", hour_utc=4, minute_utc=30),
            "2023-11-15 04:30:00",
            "2023-11-16 04:30:00",
        ),
        (
            lambda crons: crons.weekly("c", "t:run", day_of_week="sunday", hour_utc=4, minute_utc=30),
            "2023-11-19 04:30:00",
            "2023-11-26 04:30:00",
        ),
        (
            lambda crons: crons.weekly("c", "t:run", day_of_week="saturday", hour_utc=0),
            "2023-11-18 00:00:00",
            "2023-11-25 00:00:00",
        ),
        (
            lambda crons: crons.monthly("c", "t:run", day=31, hour_utc=4, minute_utc=30),
            "2023-12-31 04:30:00",
            "2024-01-31 04:30:00",
        ),
        (lambda crons: crons.cron("c", "15 */12 * * 1-5", "t:run"), "2023-11-15 00:15:00", "2023-11-15 12:15:00"),
    ],
)
def test_every_kind_has_its_times(
    emulator: Emulator, clock: ManualClock, runs: list[float], define: Define, first: str, second: str
) -> None:
    deploy(emulator, define)

    assert next_time(emulator) == first
    assert clock.run_first(START_MS + 400 * 24 * 60 * MINUTE_MS)
    assert next_time(emulator) == second
    assert len(runs) == 1


def test_arguments_are_passed_and_nobody_is_the_caller(emulator: Emulator, clock: ManualClock) -> None:
    seen: list[Any] = []
    emulator.define(
        "t:see", internal_mutation(lambda ctx, args: seen.append((dict(args), ctx.auth.get_user_identity())))
    )
    deploy(emulator, lambda crons: crons.interval("c", "t:see", {"n": 1.0}, hours=1))

    emulator.scheduler.run_due()

    assert seen == [({"n": 1.0}, None)]


# What is refused


@pytest.mark.parametrize(
    ("define", "text"),
    [
        (lambda crons: crons.interval("c", "t:run"), "Must specify one of seconds, minutes, or hours"),
        (
            lambda crons: crons.interval("c", "t:run", seconds=1, hours=1),
            "Must specify one of seconds, minutes, or hours",
        ),
        (lambda crons: crons.interval("c", "t:run", seconds=0), "Interval must be an integer greater than 0"),
        (lambda crons: crons.interval("c", "t:run", minutes=1.5), "Interval must be an integer greater than 0"),
        (lambda crons: crons.interval("c", "t:run", hours=True), "Interval must be an integer greater than 0"),
        (lambda crons: crons.hourly("c", "t:run", minute_utc=60), "Minute of hour must be an integer from 0 to 59"),
        (lambda crons: crons.daily("c", "t:run", hour_utc=24), "Hour of day must be an integer from 0 to 23"),
        (
            lambda crons: crons.weekly("c", "t:run", day_of_week="Monday", hour_utc=0),
            'Day of week must be a string like "monday".',
        ),
        (
            lambda crons: crons.monthly("c", "t:run", day=32, hour_utc=0),
            "Day of month must be an integer from 1 to 31",
        ),
        (
            lambda crons: crons.monthly("c", "t:run", day=0, hour_utc=0),
            "Day of month must be an integer from 1 to 31",
        ),
        (
            lambda crons: crons.interval("ü", "t:run", seconds=1),
            "Invalid cron identifier ü: use ASCII letters that are not control characters",
        ),
        (
            lambda crons: crons.interval("a\n", "t:run", seconds=1),
            "Invalid cron identifier a\n: use ASCII letters that are not control characters",
        ),
        (
            lambda crons: crons.cron("c", "61 * * * *", "t:run"),
            "Cron 'c': minute: '61' is not between 0 and 59",
        ),
        (lambda crons: crons.cron("c", "0 0 31 2 *", "t:run"), "Cron 'c': no time matches this cron expression"),
    ],
)
def test_bad_definitions_are_refused(define: Define, text: str) -> None:
    with pytest.raises(SchemaDefinitionError) as refused:
        define(Crons())

    assert str(refused.value) == text


def test_an_identifier_can_be_used_once() -> None:
    crons = crons_of(lambda crons: crons.interval("c", "t:run", seconds=1))

    with pytest.raises(SchemaDefinitionError, match="Cron identifier registered twice: c"):
        crons.hourly("c", "t:run")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("t:gone", "The cron job 'c' schedules a function that does not exist: t.js:gone"),
        (
            "t:query",
            "The cron job 'c' schedules a query function, only actions and mutations can be scheduled: t.js:query",
        ),
    ],
)
def test_a_deploy_checks_the_functions(emulator: Emulator, path: str, text: str) -> None:
    emulator.define("t:query", query(lambda ctx, args: 1))

    with pytest.raises(SchemaDefinitionError) as refused:
        deploy(emulator, lambda crons: crons.interval("c", path, seconds=1))

    assert str(refused.value) == text
    assert emulator.scheduler.next_due_ms() is None


# Running


def test_an_interval_begins_at_deploy_and_goes_on(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))

    clock.advance(150)

    assert runs == [0, MINUTE_MS, 2 * MINUTE_MS]


def test_missed_runs_are_skipped(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))
    emulator.scheduler.run_due()
    clock.move_to(START_MS + 3.5 * MINUTE_MS)

    emulator.scheduler.run_due()
    clock.advance(31)

    assert runs == [0, 3.5 * MINUTE_MS, 4 * MINUTE_MS]


# What comes due while a run goes on is skipped, and there is never a second run beside it.
def test_a_run_longer_than_its_interval_is_not_overtaken(emulator: Emulator, clock: ManualClock) -> None:
    begins: list[float] = []

    def slow(ctx: Any, args: Any) -> None:
        begins.append(ctx.now() - START_MS)
        clock.advance(90)

    emulator.define("t:slow", action(slow))
    deploy(emulator, lambda crons: crons.interval("c", "t:slow", minutes=1))

    clock.advance(0)
    assert begins == [0]
    assert emulator.scheduler.next_due_ms() == START_MS + 2 * MINUTE_MS


def test_a_cron_is_not_taken_twice(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))
    run = emulator.scheduler.take_next()
    assert run is not None

    clock.move_to(START_MS + 5 * MINUTE_MS)
    assert emulator.scheduler.take_next() is None
    assert emulator.scheduler.next_due_ms() is None

    run()
    assert len(runs) == 1


def test_crons_and_jobs_run_in_the_order_of_their_times(emulator: Emulator, clock: ManualClock) -> None:
    order: list[str] = []
    emulator.define("t:tell", mutation(lambda ctx, args: order.append(args["who"])))
    deploy(emulator, lambda crons: crons.interval("c", "t:tell", {"who": "cron"}, minutes=1))
    job = {"who": "job"}
    emulator.run(lambda ctx: [ctx.scheduler.run_after(delay, "t:tell", job) for delay in (30_000, 90_000)])

    clock.advance(120)

    assert order == ["cron", "job", "cron", "job", "cron"]


def test_a_failing_cron_runs_again(emulator: Emulator, clock: ManualClock) -> None:
    def fail(ctx: Any, args: Any) -> None:
        raise Exception("boom")

    emulator.define("t:fail", mutation(fail))
    deploy(emulator, lambda crons: crons.interval("c", "t:fail", minutes=1))

    clock.advance(60)

    kept = emulator.scheduler.crons.by_id["c"].runs
    assert [run.error for run in kept] == ["Uncaught Error: boom", "Uncaught Error: boom"]


def test_the_last_five_runs_are_kept(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))

    clock.advance(6 * 60)

    kept = emulator.scheduler.crons.by_id["c"].runs
    assert [run.at_ms - START_MS for run in kept] == [n * MINUTE_MS for n in range(2, 7)]
    assert [run.error for run in kept] == [None] * 5


def test_crons_that_are_off_do_not_run(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))
    emulator.scheduler.crons.are_on = False

    clock.advance(600)

    assert runs == []
    assert emulator.scheduler.next_due_ms() is None


# Redeploying


def test_a_redeploy_keeps_the_next_time(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    define: Define = lambda crons: crons.interval("c", "t:run", minutes=1)  # noqa: E731
    deploy(emulator, define)
    clock.advance(90)

    deploy(emulator, define)

    assert emulator.scheduler.next_due_ms() == START_MS + 2 * MINUTE_MS
    assert len(emulator.scheduler.crons.by_id["c"].runs) == 2


# Only another schedule gives another time.
def test_other_arguments_keep_the_next_time(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))
    clock.advance(90)

    deploy(emulator, lambda crons: crons.interval("c", "t:run", {"n": 1.0}, minutes=1))

    assert emulator.scheduler.next_due_ms() == START_MS + 2 * MINUTE_MS
    assert emulator.scheduler.crons.by_id["c"].arguments == {"n": 1.0}


def test_another_schedule_begins_anew(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))
    clock.advance(90)

    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=5))

    assert emulator.scheduler.next_due_ms() == START_MS + 1.5 * MINUTE_MS


# A deployment leaves a cron that runs every 30 seconds or more often alone until its next run.
def test_a_fast_cron_takes_its_new_schedule_after_its_next_run(
    emulator: Emulator, clock: ManualClock, runs: list[float]
) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", seconds=30))
    clock.advance(45)

    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=5))

    assert emulator.scheduler.next_due_ms() == START_MS + MINUTE_MS
    clock.advance(15)
    assert emulator.scheduler.next_due_ms() == START_MS + 6 * MINUTE_MS


# The run that goes on is the one of this time: the new deploy must not make it run again.
def test_a_redeploy_during_a_run_does_not_repeat_it(emulator: Emulator, clock: ManualClock, runs: list[float]) -> None:
    define: Define = lambda crons: crons.interval("c", "t:run", minutes=1)  # noqa: E731
    deploy(emulator, define)
    run = emulator.scheduler.take_next()
    assert run is not None

    deploy(emulator, define)
    run()

    assert emulator.scheduler.run_due() == 0
    assert emulator.scheduler.next_due_ms() == START_MS + MINUTE_MS
    assert len(emulator.scheduler.crons.by_id["c"].runs) == 1


def test_a_cron_that_is_no_longer_defined_is_gone(emulator: Emulator, runs: list[float]) -> None:
    deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))

    emulator.define_crons(Crons())

    assert emulator.scheduler.next_due_ms() is None


def test_rollback_undoes_crons(emulator: Emulator, runs: list[float]) -> None:
    with emulator.rollback():
        deploy(emulator, lambda crons: crons.interval("c", "t:run", minutes=1))

    assert emulator.scheduler.next_due_ms() is None

"""Schedules: what is due, compare and set of the next time, triggers in a range."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock

SCHEDULE: dict[str, Any] = {
    "target": "{}",
    "cron": "* * * * *",
    "timezone": None,
    "status": "active",
    "next_fire_at": 1000,
    "created_at": 1,
    "updated_at": 1,
}
TRIGGER: dict[str, Any] = {
    "schedule_id": "s-1",
    "run_id": None,
    "scheduled_fire_at": 1000,
    "outcome": "started",
    "trigger_kind": "schedule-fire",
}


def schedules(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": "mastra_schedules", **args})


def triggers(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": "mastra_schedule_triggers", **args})


def create(emulator: Emulator, record_id: str, **fields: Any) -> None:
    record = {"id": record_id, **SCHEDULE, **fields}
    assert schedules(emulator, "createSchedule", record=record) == {"ok": True}


def schedule(emulator: Emulator, record_id: str = "s-1") -> Any:
    return schedules(emulator, "load", keys={"id": record_id})["result"]


def due(emulator: Emulator, now: float, **args: Any) -> list[str]:
    return [row["id"] for row in schedules(emulator, "listDueSchedules", now=now, **args)["result"]]


def record_trigger(emulator: Emulator, record_id: str, at: float, **fields: Any) -> Any:
    record = {"id": record_id, **TRIGGER, "actual_fire_at": at, **fields}
    return triggers(emulator, "recordScheduleTrigger", record=record)


def listed(emulator: Emulator, **args: Any) -> list[str]:
    answer = triggers(emulator, "listScheduleTriggers", scheduleId="s-1", **args)
    return [row["id"] for row in answer["result"]]


# createSchedule


def test_schedule_is_stored(emulator: Emulator) -> None:
    create(emulator, "s-1", metadata='{"a":1}')

    assert (schedule(emulator)["cron"], schedule(emulator)["metadata"]) == ("* * * * *", '{"a":1}')


def test_second_schedule_of_one_id_is_refused(emulator: Emulator) -> None:
    create(emulator, "s-1")

    with pytest.raises(FunctionError, match='Uncaught Error: Schedule with id "s-1" already exists'):
        create(emulator, "s-1", cron="0 0 * * *")

    assert schedule(emulator)["cron"] == "* * * * *"


@pytest.mark.parametrize("missing", ["", None, 0])
def test_schedule_without_id_is_refused(emulator: Emulator, missing: Any) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Schedule is missing an id"):
        schedules(emulator, "createSchedule", record={**SCHEDULE, "id": missing})


def test_schedule_without_record_is_a_type_error(emulator: Emulator) -> None:
    with pytest.raises(
        FunctionError, match=r"Uncaught TypeError: Cannot read properties of undefined \(reading 'id'\)"
    ):
        schedules(emulator, "createSchedule")


# listDueSchedules


# One at the very moment, one a millisecond later.
def test_schedule_is_due_from_its_time_on(emulator: Emulator) -> None:
    create(emulator, "s-1", next_fire_at=1000)
    create(emulator, "s-2", next_fire_at=1001)

    assert due(emulator, 999) == []
    assert due(emulator, 1000) == ["s-1"]
    assert due(emulator, 1001) == ["s-1", "s-2"]


def test_earliest_is_due_first(emulator: Emulator) -> None:
    for record_id, at in (("s-1", 300), ("s-2", 100), ("s-3", 200), ("s-4", 100)):
        create(emulator, record_id, next_fire_at=at)

    assert due(emulator, 1000) == ["s-2", "s-4", "s-3", "s-1"]


def test_only_active_schedules_are_due(emulator: Emulator) -> None:
    create(emulator, "s-1", status="paused")
    create(emulator, "s-2")

    assert due(emulator, 1000) == ["s-2"]


def fill(emulator: Emulator, count: int) -> None:
    rows = [{"id": f"s-{number:03}", **SCHEDULE, "next_fire_at": number} for number in range(count)]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_schedules", row) for row in rows])


@pytest.mark.parametrize("sent", [{}, {"limit": None}])
def test_a_hundred_schedules_are_due_by_default(emulator: Emulator, sent: dict[str, Any]) -> None:
    fill(emulator, 101)

    assert due(emulator, 1000, **sent) == [f"s-{number:03}" for number in range(100)]


@pytest.mark.parametrize(
    ("limit", "count"), [(1, 1), (101, 101), (1.9, 1), (0.9, 0), (0, 0), (-1, 0), (-0.5, 0), (float("inf"), 100)]
)
def test_limit_is_floored_and_not_negative(emulator: Emulator, limit: float, count: int) -> None:
    fill(emulator, 101)

    assert len(due(emulator, 1000, limit=limit)) == count


# `take(n)` of the active ones only: rows that are not due are not read.
def test_schedules_that_are_not_due_are_not_read(emulator: Emulator) -> None:
    fill(emulator, 10)

    due(emulator, 3)

    assert emulator.usage.documents_read == 4


# updateScheduleNextFire: compare and set, so that of two workers one fires


def advance(emulator: Emulator, expected: float, **args: Any) -> Any:
    request = {"id": "s-1", "expectedNextFireAt": expected, "newNextFireAt": 2000, "lastFireAt": 1000, **args}
    return schedules(emulator, "updateScheduleNextFire", lastRunId="run-1", **request)["result"]


def test_next_fire_is_moved_when_it_is_as_expected(emulator: Emulator, clock: ManualClock) -> None:
    create(emulator, "s-1")
    clock.advance(5)

    assert advance(emulator, 1000) is True

    row = schedule(emulator)
    assert (row["next_fire_at"], row["last_fire_at"], row["last_run_id"]) == (2000, 1000, "run-1")
    assert row["updated_at"] == 1_700_000_005_000


def test_second_worker_comes_too_late(emulator: Emulator) -> None:
    create(emulator, "s-1")

    assert [advance(emulator, 1000), advance(emulator, 1000)] == [True, False]


def test_schedule_that_moved_is_left_alone(emulator: Emulator) -> None:
    create(emulator, "s-1")
    before = schedule(emulator)

    assert advance(emulator, 999) is False
    assert schedule(emulator) == before


def test_paused_schedule_is_left_alone(emulator: Emulator) -> None:
    create(emulator, "s-1", status="paused")
    before = schedule(emulator)

    assert advance(emulator, 1000) is False
    assert schedule(emulator) == before


def test_missing_schedule_does_not_move(emulator: Emulator) -> None:
    assert advance(emulator, 1000) is False


def test_text_of_the_expected_time_is_not_equal(emulator: Emulator) -> None:
    create(emulator, "s-1")

    assert schedules(emulator, "updateScheduleNextFire", id="s-1", expectedNextFireAt="1000")["result"] is False


# updateSchedule


def test_schedule_is_patched_and_returned(emulator: Emulator) -> None:
    create(emulator, "s-1")
    before = schedule(emulator)

    answer = schedules(emulator, "updateSchedule", id="s-1", patch={"cron": "0 0 * * *", "timezone": "UTC"})

    assert answer == {"ok": True, "result": {**before, "cron": "0 0 * * *", "timezone": "UTC"}}
    assert schedule(emulator) == answer["result"]


def test_null_clears_a_nullable_field(emulator: Emulator) -> None:
    create(emulator, "s-1", timezone="UTC")

    schedules(emulator, "updateSchedule", id="s-1", patch={"timezone": None})

    assert schedule(emulator)["timezone"] is None


def test_empty_patch_returns_the_row(emulator: Emulator) -> None:
    create(emulator, "s-1")

    assert schedules(emulator, "updateSchedule", id="s-1", patch={})["result"] == schedule(emulator)


def test_update_of_a_missing_schedule_fails(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Schedule s-9 not found"):
        schedules(emulator, "updateSchedule", id="s-9", patch={})


def test_patch_against_the_schema_fails(emulator: Emulator) -> None:
    create(emulator, "s-1")

    with pytest.raises(FunctionError, match=r"Path: \.next_fire_at"):
        schedules(emulator, "updateSchedule", id="s-1", patch={"next_fire_at": None})


# recordScheduleTrigger


def test_second_trigger_of_one_id_is_refused(emulator: Emulator) -> None:
    assert record_trigger(emulator, "g-1", 1000) == {"ok": True}

    with pytest.raises(FunctionError, match='Uncaught Error: Schedule trigger with id "g-1" already exists'):
        record_trigger(emulator, "g-1", 2000)


@pytest.mark.parametrize("missing", ["", None, 0])
def test_trigger_without_id_is_refused(emulator: Emulator, missing: Any) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Schedule trigger is missing an id"):
        triggers(emulator, "recordScheduleTrigger", record={**TRIGGER, "id": missing})


# listScheduleTriggers


@pytest.fixture
def three_triggers(emulator: Emulator) -> Emulator:
    for record_id, at in (("g-1", 100), ("g-3", 300), ("g-2", 200)):
        record_trigger(emulator, record_id, at)
    record_trigger(emulator, "g-9", 200, schedule_id="s-9")
    return emulator


def test_newest_trigger_comes_first(three_triggers: Emulator) -> None:
    assert listed(three_triggers) == ["g-3", "g-2", "g-1"]


def test_triggers_of_one_moment_come_newest_first_too(emulator: Emulator) -> None:
    for record_id in ("g-1", "g-2"):
        record_trigger(emulator, record_id, 100)

    assert listed(emulator) == ["g-2", "g-1"]


@pytest.mark.parametrize(("start", "expected"), [(200, ["g-3", "g-2"]), (201, ["g-3"]), (301, [])])
def test_start_of_the_range_is_inclusive(three_triggers: Emulator, start: float, expected: list[str]) -> None:
    assert listed(three_triggers, fromActualFireAt=start) == expected


@pytest.mark.parametrize(("end", "expected"), [(200, ["g-1"]), (201, ["g-2", "g-1"]), (100, [])])
def test_end_of_the_range_is_exclusive(three_triggers: Emulator, end: float, expected: list[str]) -> None:
    assert listed(three_triggers, toActualFireAt=end) == expected


def test_range_may_have_both_ends(three_triggers: Emulator) -> None:
    assert listed(three_triggers, fromActualFireAt=100, toActualFireAt=300) == ["g-2", "g-1"]


def test_null_ends_are_none(three_triggers: Emulator) -> None:
    assert listed(three_triggers, fromActualFireAt=None, toActualFireAt=None) == ["g-3", "g-2", "g-1"]


def test_zero_is_an_end_of_the_range(three_triggers: Emulator) -> None:
    assert listed(three_triggers, toActualFireAt=0) == []


@pytest.mark.parametrize(("limit", "count"), [(None, 100), (101, 101), (1.9, 1), (0, 0), (-5, 0)])
def test_limit_of_triggers_is_that_of_schedules(emulator: Emulator, limit: float | None, count: int) -> None:
    fill_triggers(emulator, 101)

    assert len(listed(emulator, limit=limit)) == count


# deleteScheduleTriggers


def fill_triggers(emulator: Emulator, count: int) -> None:
    rows = [{"id": f"g-{number:03}", **TRIGGER, "actual_fire_at": number} for number in range(count)]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_schedule_triggers", row) for row in rows])


def test_twenty_five_triggers_are_deleted_in_one_call(emulator: Emulator) -> None:
    fill_triggers(emulator, 25)

    assert triggers(emulator, "deleteScheduleTriggers", scheduleId="s-1") == {"ok": True, "hasMore": False}
    assert emulator.table_counts() == {}


def test_twenty_six_triggers_are_deleted_in_two_calls(emulator: Emulator) -> None:
    fill_triggers(emulator, 26)

    assert triggers(emulator, "deleteScheduleTriggers", scheduleId="s-1") == {"ok": True, "hasMore": True}
    assert listed(emulator) == ["g-025"]
    assert triggers(emulator, "deleteScheduleTriggers", scheduleId="s-1") == {"ok": True, "hasMore": False}
    assert emulator.table_counts() == {}


def test_triggers_of_other_schedules_stay(three_triggers: Emulator) -> None:
    triggers(three_triggers, "deleteScheduleTriggers", scheduleId="s-1")

    assert three_triggers.table_counts() == {"mastra_schedule_triggers": 1}

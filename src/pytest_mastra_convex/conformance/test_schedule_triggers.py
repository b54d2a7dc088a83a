"""Triggers of schedules: the record of what fired when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexSchedules, ConvexStore, Schedule, ScheduleTrigger, StorageError
from pytest_mastra_convex.conformance.records import NOON, after_noon, ids_of, rows, send

TRIGGERS = "mastra_schedule_triggers"


@pytest.fixture
def schedules(convex_store: ConvexStore) -> ConvexSchedules:
    """The schedules domain alone."""
    return convex_store.schedules


def trigger(trigger_id: str | None, schedule_id: str = "schedule-1", *, minutes: float = 0, **fields: Any) -> Any:
    """A trigger that fired so many minutes after noon."""
    given = {
        "schedule_id": schedule_id,
        "scheduled_fire_at": NOON,
        "actual_fire_at": after_noon(minutes),
        "outcome": "published",
        **fields,
    }
    return ScheduleTrigger(id=trigger_id, **given)


def record_rows(deployment: Deployment, count: int, schedule_id: str = "schedule-1") -> None:
    """Triggers that fired a millisecond apart, in one request."""
    record = {"schedule_id": schedule_id, "scheduled_fire_at": 0, "outcome": "published", "trigger_kind": "manual"}
    records = [{**record, "id": f"{schedule_id}-{n}", "actual_fire_at": n} for n in range(count)]
    send(deployment, "batchInsert", TRIGGERS, records=records)


# Everything the scheduler can say about a run.
def test_a_trigger_is_read_as_it_was_recorded(schedules: ConvexSchedules) -> None:
    recorded = trigger(
        "trigger-1",
        minutes=0.5,
        run_id="run-1",
        outcome="failed",
        error="no worker",
        trigger_kind="queue-drain",
        parent_trigger_id="trigger-0",
        metadata={"$ref": [1, None]},
    )

    schedules.record_trigger(recorded)

    assert schedules.list_triggers("schedule-1") == [recorded]


# A trigger may have no run, no error, no parent; what fired by the clock says so by default.
def test_what_is_absent_stays_absent(convex_deployment: Deployment, schedules: ConvexSchedules) -> None:
    schedules.record_trigger(trigger("trigger-1"))

    row = rows(convex_deployment, TRIGGERS)[0]

    assert [row[name] for name in ("run_id", "error", "parent_trigger_id", "metadata")] == [None] * 4
    assert row["trigger_kind"] == "schedule-fire"
    assert schedules.list_triggers("schedule-1") == [trigger("trigger-1")]


# Triggers without an id get one each.
def test_triggers_get_ids(schedules: ConvexSchedules) -> None:
    schedules.record_trigger(trigger(None))
    schedules.record_trigger(trigger(None))

    listed = schedules.list_triggers("schedule-1")

    assert len({one.id for one in listed}) == 2
    assert all(one.id for one in listed)


# One event must not be recorded twice; the first record stays.
def test_a_second_trigger_of_one_id_is_refused(schedules: ConvexSchedules) -> None:
    schedules.record_trigger(trigger("trigger-1"))

    with pytest.raises(FunctionError, match='Schedule trigger with id "trigger-1" already exists'):
        schedules.record_trigger(trigger("trigger-1", outcome="failed"))

    assert schedules.list_triggers("schedule-1") == [trigger("trigger-1")]


# An empty id is a mistake of the caller, not a wish for a new one.
def test_an_empty_id_is_refused(convex_deployment: Deployment, schedules: ConvexSchedules) -> None:
    with pytest.raises(StorageError, match="Schedule trigger is missing an id"):
        schedules.record_trigger(trigger(""))
    with pytest.raises(FunctionError, match="Schedule trigger is missing an id"):
        send(convex_deployment, "recordScheduleTrigger", TRIGGERS, record={"schedule_id": "schedule-1"})


# The history of one schedule, newest first, by when it fired and not by when that was recorded.
def test_triggers_come_newest_first(schedules: ConvexSchedules) -> None:
    for minutes in (2, 3, 1):
        schedules.record_trigger(trigger(f"trigger-{minutes}", minutes=minutes))
    schedules.record_trigger(trigger("other", "schedule-2", minutes=9))

    assert ids_of(schedules.list_triggers("schedule-1")) == ["trigger-3", "trigger-2", "trigger-1"]


# The end of the range is outside, its beginning inside, so that ranges of days meet without an overlap.
@pytest.mark.parametrize(
    ("first", "end", "ids"),
    [
        (after_noon(1), after_noon(3), ["t2", "t1"]),
        (after_noon(1, milliseconds=1), after_noon(3, milliseconds=1), ["t3", "t2"]),
        (after_noon(2), None, ["t4", "t3", "t2"]),
        (None, after_noon(2), ["t1", "t0"]),
        (after_noon(2), after_noon(2), []),
    ],
    ids=["at-the-ends", "past-the-ends", "from", "to", "empty"],
)
def test_triggers_of_a_range_of_time(
    schedules: ConvexSchedules, first: datetime | None, end: datetime | None, ids: list[str]
) -> None:
    for minutes in range(5):
        schedules.record_trigger(trigger(f"t{minutes}", minutes=minutes))

    listed = schedules.list_triggers("schedule-1", from_actual_fire_at=first, to_actual_fire_at=end)

    assert ids_of(listed) == ids


# The limit is cut to a whole number that is not negative; the newest are kept.
@pytest.mark.parametrize(
    ("limit", "ids"), [(2, ["t2", "t1"]), (1.9, ["t2"]), (0, []), (-1, [])], ids=["two", "fraction", "zero", "negative"]
)
def test_triggers_up_to_a_limit(schedules: ConvexSchedules, limit: float, ids: list[str]) -> None:
    for minutes in range(3):
        schedules.record_trigger(trigger(f"t{minutes}", minutes=minutes))

    assert ids_of(schedules.list_triggers("schedule-1", limit=limit)) == ids


# A hundred unless asked for: of 101 the oldest is left out.
@pytest.mark.parametrize(("count", "oldest"), [(100, "schedule-1-0"), (101, "schedule-1-1")])
def test_a_list_holds_a_hundred_triggers(convex_deployment: Deployment, count: int, oldest: str) -> None:
    record_rows(convex_deployment, count)

    listed = ConvexStore(convex_deployment).schedules.list_triggers("schedule-1")

    assert (len(listed), listed[-1].id) == (100, oldest)


# A schedule's triggers go before it does, 25 a call: 25 is one call, 26 needs another one.
@pytest.mark.parametrize("count", [0, 25, 26])
def test_deleting_a_schedule_deletes_its_triggers(convex_deployment: Deployment, count: int) -> None:
    schedules = ConvexStore(convex_deployment).schedules
    times: dict[str, Any] = {"next_fire_at": NOON, "created_at": NOON, "updated_at": NOON}
    schedules.create_schedule(
        Schedule(id="schedule-1", target={"type": "agent"}, cron="* * * * *", status="active", **times)
    )
    if count:
        record_rows(convex_deployment, count)
    record_rows(convex_deployment, 2, "schedule-2")

    schedules.delete_schedule("schedule-1")
    schedules.delete_schedule("schedule-1")

    assert schedules.get_schedule("schedule-1") is None
    assert ids_of(rows(convex_deployment, TRIGGERS)) == ["schedule-2-0", "schedule-2-1"]


# The answer of one call: how much is left is not said, only that there is something.
@pytest.mark.parametrize(("count", "has_more"), [(25, False), (26, True)])
def test_one_call_deletes_25_triggers(convex_deployment: Deployment, count: int, has_more: bool) -> None:
    record_rows(convex_deployment, count)

    answer = send(convex_deployment, "deleteScheduleTriggers", TRIGGERS, scheduleId="schedule-1")

    assert answer == {"ok": True, "hasMore": has_more}
    assert len(rows(convex_deployment, TRIGGERS)) == count - 25

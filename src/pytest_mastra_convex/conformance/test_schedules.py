"""Schedules: what is stored, listed, found due and moved on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexSchedules, ConvexStore, Schedule, StorageError
from pytest_mastra_convex.conformance.records import NOON, after_noon, ids_of, send, store_at

SCHEDULES = "mastra_schedules"
WORKFLOW = {"type": "workflow", "workflowId": "digest", "inputData": {"$schema": "x", "n": [1, None]}}


@pytest.fixture
def schedules(convex_store: ConvexStore) -> ConvexSchedules:
    """The schedules domain alone."""
    return convex_store.schedules


def schedule(schedule_id: str, *, minutes: float = 0, **fields: Any) -> Schedule:
    """An active schedule that was made, and fires next, so many minutes after noon."""
    moment = after_noon(minutes)
    given = {
        "target": WORKFLOW,
        "cron": "0 9 * * *",
        "status": "active",
        "next_fire_at": moment,
        "created_at": moment,
        "updated_at": moment,
        **fields,
    }
    return Schedule(id=schedule_id, **given)


# Create and get


# Target and metadata are JSON text, so reserved keys inside are fine; times are whole milliseconds.
def test_a_schedule_is_read_as_it_was_created(schedules: ConvexSchedules) -> None:
    created = schedule(
        "schedule-1",
        next_fire_at=after_noon(milliseconds=1),
        timezone="Europe/Berlin",
        last_fire_at=after_noon(-5),
        last_run_id="run-1",
        metadata={"$ref": "x"},
        owner_type="agent",
        owner_id="agent-1",
    )

    answered = schedules.create_schedule(created)

    assert answered == created
    assert schedules.get_schedule("schedule-1") == created


# What is absent is stored as null on purpose, so that filters find it, and is absent again when it is read.
def test_absent_fields_are_stored_as_null(convex_deployment: Deployment, schedules: ConvexSchedules) -> None:
    schedules.create_schedule(schedule("schedule-1"))

    row = send(convex_deployment, "load", SCHEDULES, keys={"id": "schedule-1"})["result"]

    absent = ("timezone", "last_fire_at", "last_run_id", "metadata", "owner_type", "owner_id")
    assert [row[name] for name in absent] == [None] * 6
    assert schedules.get_schedule("schedule-1") == schedule("schedule-1")


# Nothing of that name.
def test_a_schedule_that_is_not_there_is_none(schedules: ConvexSchedules) -> None:
    assert schedules.get_schedule("schedule-1") is None


# Two processes declare the same schedule at start: the second one is told, and overwrites nothing.
def test_a_second_schedule_of_one_id_is_refused(schedules: ConvexSchedules) -> None:
    schedules.create_schedule(schedule("schedule-1"))

    with pytest.raises(FunctionError, match='Schedule with id "schedule-1" already exists'):
        schedules.create_schedule(schedule("schedule-1", cron="* * * * *"))

    assert schedules.get_schedule("schedule-1") == schedule("schedule-1")


# The client refuses it before the request, and so does the handler, for clients that do not.
def test_a_schedule_needs_an_id(convex_deployment: Deployment, schedules: ConvexSchedules) -> None:
    with pytest.raises(StorageError, match="Schedule is missing an id"):
        schedules.create_schedule(schedule(""))
    with pytest.raises(FunctionError, match="Schedule is missing an id"):
        send(convex_deployment, "createSchedule", SCHEDULES, record={"cron": "* * * * *"})


# Agents' schedules were called heartbeats once; rows of that time still stand for an agent.
def test_old_targets_read_as_agents(schedules: ConvexSchedules) -> None:
    schedules.create_schedule(schedule("schedule-1", target={"type": "heartbeat", "agentId": "a", "prompt": "hi"}))

    read = schedules.get_schedule("schedule-1")

    assert read is not None
    assert read.target == {"type": "agent", "agentId": "a", "prompt": "hi"}


# List


# The oldest schedule comes first, whatever the ids are and in whatever order they were created.
def test_schedules_come_oldest_first(schedules: ConvexSchedules) -> None:
    for minutes in (2, 3, 1):
        schedules.create_schedule(schedule(f"schedule-{minutes}", minutes=minutes))

    assert ids_of(schedules.list_schedules()) == ["schedule-1", "schedule-2", "schedule-3"]


# Every condition alone and two together; None asks for those without an owner, which "not given" does not.
@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ({}, ["a", "b", "c"]),
        ({"status": "paused"}, ["b"]),
        ({"workflow_id": "digest"}, ["a", "b"]),
        ({"workflow_id": "digest", "status": "active"}, ["a"]),
        ({"owner_type": "agent"}, ["b", "c"]),
        ({"owner_type": "agent", "owner_id": "agent-2"}, ["c"]),
        ({"owner_id": "agent-1"}, ["b"]),
        ({"owner_type": None}, ["a"]),
        ({"owner_id": None, "status": "paused"}, []),
    ],
    ids=["all", "status", "workflow", "workflow-status", "owner-type", "owner", "owner-id", "no-owner", "no-owner-of"],
)
def test_schedules_are_filtered(schedules: ConvexSchedules, conditions: dict[str, Any], ids: list[str]) -> None:
    agent = {"type": "agent", "agentId": "x", "prompt": "hi"}
    schedules.create_schedule(schedule("a", minutes=1))
    schedules.create_schedule(schedule("b", minutes=2, status="paused", owner_type="agent", owner_id="agent-1"))
    schedules.create_schedule(schedule("c", minutes=3, target=agent, owner_type="agent", owner_id="agent-2"))

    assert ids_of(schedules.list_schedules(**conditions)) == ids


# Due


# The scheduler's question: active, and due at this very millisecond or before; who waits longest comes first.
def test_due_schedules_are_active_and_not_later_than_now(schedules: ConvexSchedules) -> None:
    for schedule_id, fires_at in (
        ("now", after_noon(1)),
        ("later", after_noon(1, milliseconds=1)),
        ("before", after_noon(0)),
    ):
        schedules.create_schedule(schedule(schedule_id, next_fire_at=fires_at))
    schedules.create_schedule(schedule("paused", status="paused"))

    assert ids_of(schedules.list_due_schedules(after_noon(1))) == ["before", "now"]


# The limit is cut to a whole number that is not negative.
@pytest.mark.parametrize(("limit", "count"), [(2, 2), (1.9, 1), (0, 0), (-1, 0), (None, 3)])
def test_due_schedules_up_to_a_limit(schedules: ConvexSchedules, limit: float | None, count: int) -> None:
    for minutes in range(3):
        schedules.create_schedule(schedule(f"schedule-{minutes}", minutes=minutes))

    due = schedules.list_due_schedules(after_noon(60), limit)

    assert ids_of(due) == [f"schedule-{n}" for n in range(count)]


# A hundred at a time unless asked for: one more waits for the next question.
@pytest.mark.parametrize("count", [100, 101])
def test_a_hundred_schedules_are_due_at_once(convex_deployment: Deployment, count: int) -> None:
    record = {"target": '{"type":"agent"}', "cron": "* * * * *", "status": "active", "created_at": 0, "updated_at": 0}
    records = [{**record, "id": f"schedule-{n}", "next_fire_at": n} for n in range(count)]
    send(convex_deployment, "batchInsert", SCHEDULES, records=records)

    due = ConvexStore(convex_deployment).schedules.list_due_schedules(NOON)

    assert (len(due), due[-1].id) == (100, "schedule-99")


# Update


# What is not given stays; None clears what may be absent.
@pytest.mark.parametrize(
    "changes",
    [
        {"cron": "* * * * *", "status": "paused"},
        {"timezone": None, "metadata": None, "owner_type": None, "owner_id": None},
        {"next_fire_at": after_noon(10), "metadata": {"b": 2}},
        {"target": {"type": "agent", "agentId": "a", "prompt": "hi"}},
    ],
    ids=["replace", "clear", "time-and-metadata", "target"],
)
def test_update_changes_what_is_given(convex_deployment: Deployment, changes: dict[str, Any]) -> None:
    before: dict[str, Any] = {"timezone": "UTC", "metadata": {"a": 1}, "owner_type": "agent", "owner_id": "agent-1"}
    schedules = store_at(convex_deployment, after_noon(30)).schedules
    schedules.create_schedule(schedule("schedule-1", **before))

    updated = schedules.update_schedule("schedule-1", **changes)

    expected = schedule("schedule-1", **{**before, **changes, "updated_at": after_noon(30)})
    assert updated == expected
    assert schedules.get_schedule("schedule-1") == expected


# A schedule that gets another workflow is found under the new one only; one for an agent under none.
def test_a_new_target_moves_the_schedule_in_lists(schedules: ConvexSchedules) -> None:
    schedules.create_schedule(schedule("schedule-1"))

    schedules.update_schedule("schedule-1", target={"type": "workflow", "workflowId": "report"})

    assert schedules.list_schedules(workflow_id="digest") == []
    assert ids_of(schedules.list_schedules(workflow_id="report")) == ["schedule-1"]


# Nothing to change is a question: the answer is the schedule, its time of update untouched.
def test_an_empty_update_answers_the_schedule(schedules: ConvexSchedules) -> None:
    schedules.create_schedule(schedule("schedule-1"))

    assert schedules.update_schedule("schedule-1") == schedule("schedule-1")


# A schedule deleted by somebody else: the same text from the client and from the handler.
@pytest.mark.parametrize(
    ("changes", "error"), [({}, StorageError), ({"status": "paused"}, FunctionError)], ids=["empty", "status"]
)
def test_update_of_a_missing_schedule_is_refused(
    schedules: ConvexSchedules, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="Schedule schedule-1 not found"):
        schedules.update_schedule("schedule-1", **changes)


# Next fire: compare and set


def _move(schedules: ConvexSchedules, expected: datetime) -> bool:
    return schedules.update_schedule_next_fire("schedule-1", expected, after_noon(60), after_noon(1), "run-7")


# Of two schedulers that see one due schedule exactly one may run it.
def test_the_first_of_two_schedulers_moves_the_schedule_on(schedules: ConvexSchedules) -> None:
    schedules.create_schedule(schedule("schedule-1"))

    first, second = _move(schedules, NOON), _move(schedules, NOON)

    moved = schedules.get_schedule("schedule-1")
    assert (first, second) == (True, False)
    assert moved is not None
    assert (moved.next_fire_at, moved.last_fire_at, moved.last_run_id) == (after_noon(60), after_noon(1), "run-7")


# A millisecond off, or paused meanwhile: nothing is written, not even the time of update.
@pytest.mark.parametrize(
    ("status", "expected"),
    [("active", after_noon(milliseconds=1)), ("active", after_noon(milliseconds=-1)), ("paused", NOON)],
    ids=["later", "earlier", "paused"],
)
def test_a_schedule_that_changed_is_not_moved_on(schedules: ConvexSchedules, status: str, expected: datetime) -> None:
    schedules.create_schedule(schedule("schedule-1", status=status))

    assert _move(schedules, expected) is False

    assert schedules.get_schedule("schedule-1") == schedule("schedule-1", status=status)


# Deleted meanwhile: an answer, not an error.
def test_a_missing_schedule_is_not_moved_on(schedules: ConvexSchedules) -> None:
    assert _move(schedules, NOON) is False


# Operations and their tables


# Every operation says for which table it is, and fails on another typed one.
@pytest.mark.parametrize(
    ("op", "table", "arguments"),
    [
        ("createSchedule", SCHEDULES, {"record": {"id": "x"}}),
        ("listDueSchedules", SCHEDULES, {"now": 0}),
        ("updateSchedule", SCHEDULES, {"id": "x", "patch": {}}),
        (
            "updateScheduleNextFire",
            SCHEDULES,
            {"id": "x", "expectedNextFireAt": 0, "newNextFireAt": 1, "lastFireAt": 0, "lastRunId": "x"},
        ),
        ("recordScheduleTrigger", "mastra_schedule_triggers", {"record": {"id": "x"}}),
        ("listScheduleTriggers", "mastra_schedule_triggers", {"scheduleId": "x"}),
        ("deleteScheduleTriggers", "mastra_schedule_triggers", {"scheduleId": "x"}),
    ],
    ids=["create", "due", "update", "next-fire", "record", "triggers", "delete-triggers"],
)
def test_operations_are_for_one_table(
    convex_deployment: Deployment, op: str, table: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(FunctionError, match=f"{op} is only supported for {table}"):
        send(convex_deployment, op, "mastra_threads", **arguments)

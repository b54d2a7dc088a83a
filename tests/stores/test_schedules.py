"""Schedules and their triggers."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.mastra import mastra_tables
from convex_mastra_emulator.schema import define_schema
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.schedules import ConvexSchedules, Schedule, ScheduleTrigger
from convex_mastra_emulator.stores.storage_client import StorageClient

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
AGENT = {"type": "agent", "agentId": "a", "prompt": "p"}


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def new_schedules(deployment: Any = None) -> ConvexSchedules:
    return ConvexSchedules(StorageClient(deployment or Emulator(), clock=lambda: LATER, new_id=lambda: "new-id"))


def schedule(id: str, minute: int = 0, **fields: Any) -> Schedule:
    given: dict[str, Any] = {"target": AGENT, "cron": "* * * * *", "status": "active", **fields}
    return Schedule(id=id, next_fire_at=at(minute), created_at=at(minute), updated_at=at(minute), **given)


def workflow(id: str) -> dict[str, Any]:
    return {"type": "workflow", "workflowId": id, "inputData": {"$k": [1, None]}}


def created(*given: Schedule) -> ConvexSchedules:
    schedules = new_schedules()
    for one in given:
        schedules.create_schedule(one)
    return schedules


def ids(found: list[Schedule]) -> list[str]:
    return [one.id for one in found]


def trigger(id: str | None, minute: int, **fields: Any) -> ScheduleTrigger:
    given: dict[str, Any] = {"schedule_id": "s", "outcome": "published", **fields}
    return ScheduleTrigger(id=id, scheduled_fire_at=at(minute), actual_fire_at=at(minute), **given)


def recorded(*given: ScheduleTrigger) -> ConvexSchedules:
    schedules = new_schedules()
    for one in given:
        schedules.record_trigger(one)
    return schedules


def test_created_schedule_is_returned_and_read_back() -> None:
    schedules = new_schedules()
    given = schedule(
        "s",
        target=workflow("w"),
        timezone="Europe/Zurich",
        last_fire_at=at(3),
        last_run_id="r",
        metadata={"$m": 0.5},
        owner_type="agent",
        owner_id="a",
    )

    assert schedules.create_schedule(given) is given
    assert schedules.get_schedule("s") == given


def test_what_is_not_given_is_none() -> None:
    read = created(schedule("s")).get_schedule("s")

    assert read == schedule("s")
    assert (read.timezone, read.last_fire_at, read.metadata, read.owner_id) == (None, None, None, None)


def test_missing_schedule_is_none() -> None:
    assert new_schedules().get_schedule("missing") is None


def test_duplicate_is_refused() -> None:
    with pytest.raises(FunctionError, match='Schedule with id "s" already exists'):
        created(schedule("s"), schedule("s"))


def test_schedule_without_id_is_refused_before_the_request() -> None:
    emulator = Emulator()
    usage = emulator.usage

    with pytest.raises(StorageError, match="Schedule is missing an id"):
        new_schedules(emulator).create_schedule(schedule(""))

    assert emulator.usage is usage


# An agent's schedules were called heartbeats once.
def test_heartbeat_reads_as_agent() -> None:
    read = created(schedule("s", target={"type": "heartbeat", "agentId": "a"})).get_schedule("s")

    assert read is not None
    assert read.target == {"type": "agent", "agentId": "a"}


@pytest.mark.parametrize("target", ["{", "[]", '"text"', "null", "{}", '{"type": 1}'])
def test_invalid_target_is_refused(target: str) -> None:
    emulator = Emulator()
    schedules = new_schedules(emulator)
    schedules.create_schedule(schedule("s"))
    StorageClient(emulator).patch("mastra_schedules", "s", {"target": target})

    with pytest.raises(StorageError, match="Schedule s has invalid target"):
        schedules.get_schedule("s")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["d", "a", "c", "b"]),
        ({"status": "paused"}, ["b"]),
        ({"status": ""}, ["d", "a", "c", "b"]),
        ({"workflow_id": "w"}, ["c"]),
        ({"owner_type": "agent"}, ["a"]),
        ({"owner_id": "x"}, ["a"]),
        ({"owner_type": None}, ["d", "c", "b"]),
        ({"owner_id": None, "status": "active"}, ["d", "c"]),
        ({"owner_type": "agent", "status": "paused"}, []),
    ],
    ids=str,
)
def test_lists_oldest_first(query: dict[str, Any], found: list[str]) -> None:
    schedules = created(
        schedule("a", 2, owner_type="agent", owner_id="x"),
        schedule("b", 3, status="paused"),
        schedule("c", 2, target=workflow("w")),
        schedule("d", 1),
    )

    assert ids(schedules.list_schedules(**query)) == found


# Every time a scheduler looks, it sees what should have run by then, this very moment included.
def test_due_schedules() -> None:
    schedules = created(
        schedule("late", 3), schedule("now", 2), schedule("due", 1), schedule("off", 0, status="paused")
    )

    assert ids(schedules.list_due_schedules(at(2))) == ["due", "now"]
    assert ids(schedules.list_due_schedules(at(2) - timedelta(milliseconds=1))) == ["due"]


@pytest.mark.parametrize(("limit", "count"), [(None, 100), (101, 101), (2, 2), (1.9, 1), (0, 0), (-1, 0)])
def test_due_schedules_have_a_limit(limit: float | None, count: int) -> None:
    schedules = created(*(schedule(f"s{number}") for number in range(101)))

    assert len(schedules.list_due_schedules(NOON, limit)) == count


def test_update_changes_what_is_given() -> None:
    schedules = created(schedule("s"))

    updated = schedules.update_schedule(
        "s",
        cron="0 0 * * *",
        timezone="UTC",
        status="paused",
        next_fire_at=at(9),
        target=workflow("w"),
        metadata={"k": 1},
        owner_type="agent",
        owner_id="x",
    )

    expected = Schedule(
        id="s",
        cron="0 0 * * *",
        timezone="UTC",
        status="paused",
        next_fire_at=at(9),
        target=workflow("w"),
        metadata={"k": 1},
        owner_type="agent",
        owner_id="x",
        created_at=NOON,
        updated_at=LATER,
    )
    assert updated == schedules.get_schedule("s") == expected
    assert ids(schedules.list_schedules(workflow_id="w")) == ["s"]


def test_update_of_the_target_forgets_the_workflow() -> None:
    schedules = created(schedule("s", target=workflow("w")))

    schedules.update_schedule("s", target=AGENT)

    assert schedules.list_schedules(workflow_id="w") == []


def test_update_clears_what_is_none() -> None:
    schedules = created(schedule("s", timezone="UTC", metadata={}, owner_type="agent", owner_id="x"))

    updated = schedules.update_schedule("s", timezone=None, metadata=None, owner_type=None, owner_id=None)

    assert (updated.timezone, updated.metadata, updated.owner_type, updated.owner_id) == (None, None, None, None)


def test_empty_update_changes_nothing() -> None:
    assert created(schedule("s")).update_schedule("s") == schedule("s")


def test_update_of_a_missing_schedule_is_refused() -> None:
    with pytest.raises(StorageError, match="Schedule missing not found"):
        new_schedules().update_schedule("missing")
    with pytest.raises(FunctionError, match="Schedule missing not found"):
        new_schedules().update_schedule("missing", cron="x")


# Two schedulers that see the same schedule due: one of them runs it.
def test_moving_on_succeeds_once() -> None:
    schedules = created(schedule("s", 1))

    moved = [schedules.update_schedule_next_fire("s", at(1), at(2), at(1), f"r{number}") for number in range(2)]

    read = schedules.get_schedule("s")
    assert moved == [True, False]
    assert read is not None
    assert (read.next_fire_at, read.last_fire_at, read.last_run_id) == (at(2), at(1), "r0")


@pytest.mark.parametrize("id", ["paused", "missing"])
def test_only_active_schedules_move_on(id: str) -> None:
    schedules = created(schedule("paused", 1, status="paused"))

    assert schedules.update_schedule_next_fire(id, at(1), at(2), at(1), "r") is False


# Triggers


def test_recorded_trigger_is_read_back() -> None:
    given = ScheduleTrigger(
        id="t",
        schedule_id="s",
        run_id="r",
        scheduled_fire_at=at(1),
        actual_fire_at=at(2),
        outcome="failed",
        error="e",
        trigger_kind="manual",
        parent_trigger_id="p",
        metadata={"k": [0.5]},
    )

    assert recorded(given).list_triggers("s") == [given]


def test_trigger_gets_an_id_and_a_kind() -> None:
    [read] = recorded(trigger(None, 1)).list_triggers("s")

    assert (read.id, read.trigger_kind, read.run_id, read.error, read.metadata) == (
        "new-id",
        "schedule-fire",
        None,
        None,
        None,
    )


def test_duplicate_trigger_is_refused() -> None:
    with pytest.raises(FunctionError, match='Schedule trigger with id "t" already exists'):
        recorded(trigger("t", 1), trigger("t", 2))


def test_trigger_with_an_empty_id_is_refused() -> None:
    with pytest.raises(StorageError, match="Schedule trigger is missing an id"):
        recorded(trigger("", 1))


# From is inclusive, to is not.
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, ["t3", "t2", "t1", "t0"]),
        ({"from_actual_fire_at": at(1)}, ["t3", "t2", "t1"]),
        ({"to_actual_fire_at": at(3)}, ["t2", "t1", "t0"]),
        ({"from_actual_fire_at": at(1), "to_actual_fire_at": at(3)}, ["t2", "t1"]),
        ({"limit": 1}, ["t3"]),
        ({"limit": 0}, []),
    ],
    ids=str,
)
def test_triggers_are_listed_newest_first(options: dict[str, Any], found: list[str]) -> None:
    schedules = recorded(*(trigger(f"t{minute}", minute) for minute in (2, 0, 3, 1)), trigger("o", 1, schedule_id="o"))

    assert [one.id for one in schedules.list_triggers("s", **options)] == found


@pytest.mark.parametrize(("limit", "count"), [(None, 100), (101, 101)])
def test_triggers_have_a_limit(limit: int | None, count: int) -> None:
    schedules = recorded(*(trigger(f"t{number}", number) for number in range(101)))

    assert len(schedules.list_triggers("s", limit=limit)) == count


# The handler deletes 25 triggers per call.
def test_delete_takes_the_triggers_along() -> None:
    schedules = created(schedule("s"), schedule("o"))
    for number in range(26):
        schedules.record_trigger(trigger(f"t{number}", number))
    schedules.record_trigger(trigger("other", 1, schedule_id="o"))

    for _ in range(2):
        schedules.delete_schedule("s")

    assert schedules.list_triggers("s") == []
    assert ids(schedules.list_schedules()) == ["o"]
    assert len(schedules.list_triggers("o")) == 1


def test_clear_deletes_both_tables() -> None:
    emulator = Emulator()
    schedules = new_schedules(emulator)
    schedules.create_schedule(schedule("s"))
    schedules.record_trigger(trigger("t", 1))

    schedules.dangerously_clear_all()

    assert emulator.table_counts() == {}


# Projects whose schema is older than schedules: Mastra's scheduler must not stop them.


class Failing:
    """A deployment that fails every call."""

    def __init__(self, text: str) -> None:
        self.text = text

    def query(self, path: str, args: Any = None) -> Any:
        raise FunctionError(self.text, message=self.text)

    mutation = action = query


@pytest.mark.parametrize(
    "text",
    [
        "Table mastra_schedules is not in the schema",
        'table "mastra_schedules" not found',
        "Uncaught Error: Table `mastra_schedule_triggers` does not exist.",
        "TABLE 'mastra_schedules' not found in schema",
    ],
)
def test_missing_table_has_no_schedules(text: str, caplog: pytest.LogCaptureFixture) -> None:
    schedules = new_schedules(Failing(text))

    with caplog.at_level(logging.WARNING):
        assert schedules.list_schedules() == []
        assert schedules.list_due_schedules(NOON) == []

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


@pytest.mark.parametrize(
    "text", ["Table mastra_threads not found", "mastra_schedules", "Table mastra_schedules is full"]
)
def test_other_errors_are_raised(text: str) -> None:
    schedules = new_schedules(Failing(text))

    with pytest.raises(FunctionError, match=text):
        schedules.list_schedules()
    with pytest.raises(FunctionError, match=text):
        schedules.list_due_schedules(NOON)


def test_deployment_without_the_table_raises_where_it_matters() -> None:
    tables = {name: table for name, table in mastra_tables().items() if "schedule" not in name}
    schedules = new_schedules(Emulator(define_schema(tables)))

    with pytest.raises(FunctionError, match="by_record_id"):
        schedules.get_schedule("s")


def test_list_at_its_limit_is_told(caplog: pytest.LogCaptureFixture) -> None:
    row = {"id": "s", "target": '{"type":"agent"}', "cron": "", "status": "active"}
    row |= {"next_fire_at": 0.0, "created_at": 0.0, "updated_at": 0.0}  # type: ignore[dict-item]

    class Full:
        def mutation(self, path: str, args: Any = None) -> Any:
            return {"ok": True, "result": [row] * 8000}

        query = action = mutation

    with caplog.at_level(logging.WARNING):
        assert len(new_schedules(Full()).list_schedules()) == 8000

    assert "limit of 8000" in caplog.text

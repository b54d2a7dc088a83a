"""Background tasks: creating, changing, listing, deleting and counting them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import BackgroundTask, ConvexBackgroundTasks, ConvexStore, StorageError
from pytest_mastra_convex.conformance.records import NOON, after_noon, ids_of, rows, send

TASKS = "mastra_background_tasks"


@pytest.fixture
def tasks(convex_store: ConvexStore) -> ConvexBackgroundTasks:
    """The domain of background tasks alone."""
    return convex_store.background_tasks


def task(task_id: str, *, minutes: float = 0, **fields: Any) -> BackgroundTask:
    """A pending task that was made so many minutes after noon."""
    given = {
        "status": "pending",
        "tool_name": "search",
        "tool_call_id": f"call-{task_id}",
        "args": {"query": "x"},
        "agent_id": "agent-1",
        "run_id": "run-1",
        "retry_count": 0,
        "max_retries": 3,
        "timeout_ms": 30_000,
        "created_at": after_noon(minutes),
        **fields,
    }
    return BackgroundTask(id=task_id, **given)


# Create and get


# Arguments, results, errors and payloads are JSON text, so reserved keys inside are fine.
def test_a_task_is_read_as_it_was_created(tasks: ConvexBackgroundTasks) -> None:
    created = task(
        "task-1",
        status="suspended",
        args={"$schema": "x", "list": [1, 2.5, None]},
        thread_id="thread-1",
        resource_id="ann",
        result={"$ref": "y"},
        error={"message": "no", "stack": "at x"},
        suspend_payload=["why"],
        retry_count=2,
        started_at=after_noon(1),
        suspended_at=after_noon(2, milliseconds=1),
        completed_at=after_noon(3),
    )

    tasks.create_task(created)

    assert tasks.get_task("task-1") == created


# Unset fields are null in every column: the table requires all of them, and filters look for null.
def test_unset_fields_are_stored_as_null(convex_deployment: Deployment, tasks: ConvexBackgroundTasks) -> None:
    tasks.create_task(task("task-1"))

    row = rows(convex_deployment, TASKS)[0]

    names = ("thread_id", "resource_id", "result", "error", "suspend_payload")
    times = ("startedAt", "suspendedAt", "completedAt")
    assert [row[name] for name in (*names, *times)] == [None] * 8
    assert tasks.get_task("task-1") == task("task-1")


# A task that was deleted, or never was.
def test_a_task_that_is_not_there_is_none(tasks: ConvexBackgroundTasks) -> None:
    assert tasks.get_task("task-1") is None


# This table answers errors instead of failing, so the store raises its own error for what the schema refuses.
def test_an_unknown_status_is_refused(tasks: ConvexBackgroundTasks) -> None:
    with pytest.raises(StorageError, match=r"mastra_background_tasks|alidator"):
        tasks.create_task(task("task-1", status="paused"))

    assert tasks.get_task("task-1") is None


# Update


# What is not given stays; None clears what may be empty.
@pytest.mark.parametrize(
    "changes",
    [
        {"status": "completed", "result": {"found": 3}, "completed_at": after_noon(5)},
        {"result": None, "error": None, "suspend_payload": None},
        {"started_at": None, "suspended_at": None, "completed_at": None},
        {"retry_count": 2, "max_retries": 5, "timeout_ms": 1500.5},
    ],
    ids=["finish", "clear-values", "clear-times", "counters"],
)
def test_update_changes_what_is_given(tasks: ConvexBackgroundTasks, changes: dict[str, Any]) -> None:
    before: dict[str, Any] = {
        "status": "running",
        "result": [1],
        "error": {"message": "no"},
        "suspend_payload": "why",
        "started_at": after_noon(1),
        "suspended_at": after_noon(2),
        "completed_at": after_noon(3),
    }
    tasks.create_task(task("task-1", **before))

    tasks.update_task("task-1", **changes)

    assert tasks.get_task("task-1") == task("task-1", **{**before, **changes})


# Nothing to change, and nothing to change it of: neither is an error.
def test_updates_of_nothing(tasks: ConvexBackgroundTasks) -> None:
    tasks.create_task(task("task-1"))

    tasks.update_task("task-1")
    tasks.update_task("task-2", status="failed")

    assert tasks.list_tasks().tasks == [task("task-1")]


# List


# Every condition by itself, with a task beside it that differs there alone; None and the empty text filter nothing.
@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"status": "running"}, ["b"]),
        ({"status": ["running"]}, ["b"]),
        ({"status": ["running", "pending"]}, ["a", "b", "d"]),
        ({"status": []}, []),
        ({"agent_id": "agent-2"}, ["c"]),
        ({"agent_id": "agent-1", "status": "pending"}, ["a", "d"]),
        ({"thread_id": "thread-1"}, ["d"]),
        ({"resource_id": "ann"}, ["d"]),
        ({"tool_name": "fetch"}, ["c"]),
        ({"tool_call_id": "call-a"}, ["a"]),
        ({"run_id": "run-2"}, ["c"]),
        ({"run_id": "run-2", "tool_name": "search"}, []),
        ({"status": None, "agent_id": ""}, ["a", "b", "c", "d"]),
    ],
    ids=[
        "status", "list-of-one", "list", "empty-list", "agent", "agent-and-status", "thread", "resource", "tool",
        "call", "run", "contradiction", "nothing",
    ],
)  # fmt: skip
def test_tasks_are_filtered(tasks: ConvexBackgroundTasks, query: dict[str, Any], ids: list[str]) -> None:
    tasks.create_task(task("a", minutes=1))
    tasks.create_task(task("b", minutes=2, status="running"))
    tasks.create_task(task("c", minutes=3, status="failed", agent_id="agent-2", run_id="run-2", tool_name="fetch"))
    tasks.create_task(task("d", minutes=4, thread_id="thread-1", resource_id="ann"))

    listed = tasks.list_tasks(**query)

    assert (ids_of(listed.tasks), listed.total) == (ids, len(ids))


# The beginning of the range is inside, its end outside; a task without the date in question never matches.
@pytest.mark.parametrize(
    ("first", "end", "by", "ids"),
    [
        (after_noon(1), after_noon(3), "created_at", ["t1", "t2"]),
        (after_noon(1, milliseconds=1), None, "created_at", ["t2", "t3"]),
        (None, after_noon(1), "created_at", ["t0"]),
        (after_noon(0), None, "started_at", ["t2"]),
        (None, after_noon(99), "started_at", ["t2"]),
        (None, after_noon(99), "completed_at", []),
    ],
    ids=["both", "from", "to", "started-from", "started-to", "never-completed"],
)
def test_tasks_of_a_range_of_time(
    tasks: ConvexBackgroundTasks, first: datetime | None, end: datetime | None, by: Any, ids: list[str]
) -> None:
    for minutes in range(4):
        started_at = after_noon(50) if minutes == 2 else None
        tasks.create_task(task(f"t{minutes}", minutes=minutes, started_at=started_at))

    listed = tasks.list_tasks(from_date=first, to_date=end, date_filter_by=by)

    assert (ids_of(listed.tasks), listed.total) == (ids, len(ids))


# Oldest first unless said otherwise; tasks without the date asked for come first, in the order of creation.
@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ({}, ["c", "a", "b"]),
        ({"order_direction": "desc"}, ["b", "a", "c"]),
        ({"order_by": "started_at"}, ["b", "c", "a"]),
        ({"order_by": "completed_at"}, ["a", "b", "c"]),
    ],
    ids=["created", "descending", "started", "never-completed"],
)
def test_tasks_are_ordered_by_a_date(tasks: ConvexBackgroundTasks, order: dict[str, Any], ids: list[str]) -> None:
    tasks.create_task(task("a", minutes=2, started_at=after_noon(30)))
    tasks.create_task(task("b", minutes=3))
    tasks.create_task(task("c", minutes=1, started_at=after_noon(20)))

    assert ids_of(tasks.list_tasks(**order).tasks) == ids


# Five tasks on pages of two, the total that of all; a size alone is the first page, a page alone is nothing.
@pytest.mark.parametrize(
    ("page", "ids"),
    [
        ({"page": 0, "per_page": 2}, ["t0", "t1"]),
        ({"page": 2, "per_page": 2}, ["t4"]),
        ({"page": 3, "per_page": 2}, []),
        ({"per_page": 3}, ["t0", "t1", "t2"]),
        ({"page": 1}, ["t0", "t1", "t2", "t3", "t4"]),
        ({"per_page": 0}, []),
    ],
    ids=["first", "last", "past", "size-alone", "page-alone", "none"],
)
def test_tasks_come_in_pages(tasks: ConvexBackgroundTasks, page: dict[str, Any], ids: list[str]) -> None:
    for minutes in range(5):
        tasks.create_task(task(f"t{minutes}", minutes=minutes))

    listed = tasks.list_tasks(**page)

    assert (ids_of(listed.tasks), listed.total) == (ids, 5)


# Delete and count


# One of two; deleting is repeated without harm.
def test_a_task_is_deleted(tasks: ConvexBackgroundTasks) -> None:
    tasks.create_task(task("a"))
    tasks.create_task(task("b"))

    tasks.delete_task("a")
    tasks.delete_task("a")

    assert ids_of(tasks.list_tasks().tasks) == ["b"]


# What a clean-up deletes; without a condition it would be everything, so then it deletes nothing.
@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"status": ["completed", "failed"]}, ["b"]),
        ({"to_date": after_noon(2), "status": "completed"}, ["b", "c"]),
        ({"run_id": "run-1", "page": 0, "per_page": 1}, ["b", "c"]),
        ({}, ["a", "b", "c"]),
        ({"status": []}, ["a", "b", "c"]),
        ({"order_by": "created_at"}, ["a", "b", "c"]),
    ],
    ids=["status", "old", "page", "nothing", "empty-list", "order-alone"],
)
def test_tasks_are_deleted_by_condition(tasks: ConvexBackgroundTasks, query: dict[str, Any], left: list[str]) -> None:
    tasks.create_task(task("a", minutes=1, status="completed"))
    tasks.create_task(task("b", minutes=2, status="running"))
    tasks.create_task(task("c", minutes=3, status="failed"))

    tasks.delete_tasks(**query)

    assert ids_of(tasks.list_tasks().tasks) == left


# How many may still start: only those that run count, of everybody or of one agent.
def test_running_tasks_are_counted(tasks: ConvexBackgroundTasks) -> None:
    for number, (status, agent_id) in enumerate(
        [("running", "agent-1"), ("running", "agent-2"), ("pending", "agent-1"), ("suspended", "agent-1")]
    ):
        tasks.create_task(task(f"t{number}", status=status, agent_id=agent_id))

    counts = [tasks.get_running_count_by_agent(agent_id) for agent_id in ("agent-1", "agent-2", "agent-3")]

    assert (tasks.get_running_count(), counts) == (2, [1, 1, 0])


# 25 rows go per call; a second call takes the rest.
def test_clearing_takes_more_than_one_batch(convex_deployment: Deployment, tasks: ConvexBackgroundTasks) -> None:
    tasks.create_task(task("task-0"))
    row = {name: value for name, value in rows(convex_deployment, TASKS)[0].items() if not name.startswith("_")}
    send(convex_deployment, "batchInsert", TASKS, records=[{**row, "id": f"task-{n}"} for n in range(26)])

    tasks.dangerously_clear_all()

    assert rows(convex_deployment, TASKS) == []
    assert tasks.list_tasks(from_date=NOON).total == 0

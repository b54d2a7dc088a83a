"""Background tasks: what is written, what lists find, in which order, and what deletes take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.background_tasks import BackgroundTask, ConvexBackgroundTasks, TaskDateColumn
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.storage_client import StorageClient

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def new_tasks(emulator: Emulator | None = None) -> ConvexBackgroundTasks:
    return ConvexBackgroundTasks(StorageClient(emulator or Emulator()))


def task(id: str, **fields: Any) -> BackgroundTask:
    given: dict[str, Any] = {
        "status": "pending",
        "tool_name": "tool",
        "tool_call_id": "call",
        "args": {},
        "agent_id": "agent",
        "run_id": "run",
        "retry_count": 0,
        "max_retries": 3,
        "timeout_ms": 1000,
        "created_at": NOON,
        **fields,
    }
    return BackgroundTask(id=id, **given)


def created(*given: BackgroundTask) -> ConvexBackgroundTasks:
    tasks = new_tasks()
    for one in given:
        tasks.create_task(one)
    return tasks


def listed(tasks: ConvexBackgroundTasks, **query: Any) -> list[str]:
    return [found.id for found in tasks.list_tasks(**query).tasks]


def test_created_task_is_read_back() -> None:
    given = task(
        "t",
        status="suspended",
        args={"$k": [1, 0.5, None]},
        thread_id="thread",
        resource_id="resource",
        result={"r": 1},
        error={"message": "m", "stack": "s"},
        suspend_payload="why",
        timeout_ms=1.5,
        started_at=at(1),
        suspended_at=at(2),
        completed_at=at(3),
    )

    assert created(given).get_task("t") == given


def test_what_is_not_given_is_none() -> None:
    given = task("t")

    read = created(given).get_task("t")

    assert read == given
    assert (given.result, given.thread_id, given.started_at) == (None, None, None)


def test_args_of_none_are_empty() -> None:
    read = created(task("t", args=None)).get_task("t")

    assert read is not None
    assert read.args == {}


def test_missing_task_is_none() -> None:
    assert new_tasks().get_task("missing") is None


# This table answers {ok: false} instead of failing the mutation.
def test_schema_refuses() -> None:
    with pytest.raises(StorageError, match="status"):
        new_tasks().create_task(task("t", status="unknown"))


def test_update_changes_what_is_given() -> None:
    tasks = created(task("t", result=1, started_at=at(1)))

    tasks.update_task("t", status="running", retry_count=2, max_retries=4, timeout_ms=5, suspended_at=at(2))

    assert tasks.get_task("t") == task(
        "t",
        status="running",
        result=1,
        retry_count=2,
        max_retries=4,
        timeout_ms=5,
        started_at=at(1),
        suspended_at=at(2),
    )


def test_update_clears_what_is_none() -> None:
    tasks = created(
        task("t", result=1, error={}, suspend_payload=2, started_at=at(1), suspended_at=at(2), completed_at=at(3))
    )

    tasks.update_task(
        "t", result=None, error=None, suspend_payload=None, started_at=None, suspended_at=None, completed_at=None
    )

    assert tasks.get_task("t") == task("t")


def test_empty_update_sends_nothing() -> None:
    emulator = Emulator()
    tasks = new_tasks(emulator)
    usage = emulator.usage

    tasks.update_task("t")

    assert emulator.usage is usage


def test_updating_or_deleting_a_missing_task_is_no_error() -> None:
    tasks = new_tasks()

    tasks.update_task("missing", status="running")
    tasks.delete_task("missing")

    assert tasks.list_tasks().total == 0


@pytest.mark.parametrize(
    "query",
    [
        {"status": "running"},
        {"status": ["running"]},
        {"status": ("running", "failed")},
        {"agent_id": "x"},
        {"thread_id": "x"},
        {"resource_id": "x"},
        {"tool_name": "x"},
        {"tool_call_id": "x"},
        {"run_id": "x"},
    ],
    ids=str,
)
def test_condition_finds_its_task(query: dict[str, Any]) -> None:
    fields = {"status": "running"} if "status" in query else query
    tasks = created(task("other", thread_id="y", resource_id="y"), task("match", **fields))

    assert listed(tasks, **query) == ["match"]


def test_conditions_hold_together() -> None:
    tasks = created(task("a", run_id="x"), task("b", agent_id="x"), task("c", run_id="x", agent_id="x"))

    assert listed(tasks, run_id="x", agent_id="x") == ["c"]


@pytest.mark.parametrize("query", [{}, {"agent_id": ""}, {"status": None}, {"run_id": None}], ids=str)
def test_no_condition_finds_all(query: dict[str, Any]) -> None:
    assert listed(created(task("a"), task("b")), **query) == ["a", "b"]


@pytest.mark.parametrize("status", [[], ""])
def test_empty_status_finds_none(status: Any) -> None:
    assert listed(created(task("a")), status=status) == []


# From is inclusive, to is not.
def test_dates_from_and_to() -> None:
    tasks = created(*(task(f"t{minute}", created_at=at(minute)) for minute in range(4)))

    assert listed(tasks, from_date=at(1), to_date=at(3)) == ["t1", "t2"]


def test_dates_are_compared_to_the_millisecond() -> None:
    tasks = created(task("t", created_at=NOON))

    assert listed(tasks, from_date=NOON + timedelta(microseconds=999)) == ["t"]
    assert listed(tasks, from_date=NOON + timedelta(milliseconds=1)) == []


@pytest.mark.parametrize("date", ["started_at", "suspended_at", "completed_at"])
def test_task_without_the_date_is_in_no_range(date: TaskDateColumn) -> None:
    tasks = created(task("never"), task("once", **{date: at(5)}))

    assert listed(tasks, from_date=at(0), date_filter_by=date) == ["once"]
    assert listed(tasks, to_date=at(9), date_filter_by=date) == ["once"]


def test_oldest_first_and_equal_ones_as_written() -> None:
    tasks = created(*(task(id, created_at=at(minute)) for id, minute in (("c", 2), ("a", 1), ("d", 2), ("b", 1))))

    assert listed(tasks) == ["a", "b", "c", "d"]
    assert listed(tasks, order_direction="asc") == ["a", "b", "c", "d"]
    assert listed(tasks, order_direction="desc") == ["c", "d", "a", "b"]


@pytest.mark.parametrize("date", ["started_at", "suspended_at", "completed_at"])
def test_tasks_without_the_date_count_as_oldest(date: TaskDateColumn) -> None:
    tasks = created(task("late", **{date: at(2)}), task("never"), task("early", **{date: at(1)}))

    assert listed(tasks, order_by=date) == ["never", "early", "late"]
    assert listed(tasks, order_by=date, order_direction="desc") == ["late", "early", "never"]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ({"page": 0, "per_page": 2}, ["t0", "t1"]),
        ({"page": 1, "per_page": 2}, ["t2"]),
        ({"page": 2, "per_page": 2}, []),
    ],
)
def test_pages(page: dict[str, int], found: list[str]) -> None:
    tasks = created(*(task(f"t{minute}", created_at=at(minute)) for minute in range(3)))

    result = tasks.list_tasks(page=page["page"], per_page=page["per_page"])

    assert [one.id for one in result.tasks] == found
    assert result.total == 3


def test_per_page_alone_is_the_first_page() -> None:
    assert listed(created(task("a"), task("b")), per_page=1) == ["a"]


def test_page_alone_means_nothing() -> None:
    assert listed(created(task("a"), task("b")), page=1) == ["a", "b"]


def test_unknown_date_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tasks have the dates created_at, .* got 'createdAt'"):
        new_tasks().list_tasks(order_by="createdAt")  # type: ignore[arg-type]


# Without this a misspelt condition would be none, and all tasks would be deleted or listed.
@pytest.mark.parametrize("method", ["list_tasks", "delete_tasks"])
def test_unknown_argument_is_refused(method: str) -> None:
    tasks = created(task("a"))

    with pytest.raises(TypeError, match=rf"{method}\(\) takes no agent; known are: agent_id, "):
        getattr(tasks, method)(status="pending", agent="a")

    assert listed(tasks) == ["a"]


@pytest.mark.parametrize(
    "query", [{}, {"status": []}, {"agent_id": ""}, {"order_by": "created_at"}, {"page": 0}], ids=str
)
def test_delete_without_a_condition_deletes_nothing(query: dict[str, Any]) -> None:
    tasks = created(task("a"))

    tasks.delete_tasks(**query)

    assert listed(tasks) == ["a"]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"status": ["completed", "failed"]}, ["c"]),
        ({"status": "failed"}, ["a", "c"]),
        ({"run_id": "r"}, ["a", "b"]),
        ({"to_date": at(2)}, ["c"]),
        ({"from_date": at(1)}, ["a"]),
        ({"status": ["completed", "failed"], "per_page": 1}, ["b", "c"]),
        ({"agent_id": "nobody"}, ["a", "b", "c"]),
    ],
    ids=str,
)
def test_delete_takes_what_the_list_gives(query: dict[str, Any], left: list[str]) -> None:
    tasks = created(
        task("a", status="completed", created_at=at(0)),
        task("b", status="failed", created_at=at(1)),
        task("c", run_id="r", created_at=at(2)),
    )

    tasks.delete_tasks(**query)

    assert listed(tasks) == left


def test_running_counts() -> None:
    tasks = created(task("a", status="running"), task("b", status="running", agent_id="x"), task("c", agent_id="x"))

    assert tasks.get_running_count() == 2
    assert tasks.get_running_count_by_agent("x") == 1
    assert tasks.get_running_count_by_agent("nobody") == 0


# Tasks that older versions of the adapter wrote stand in the table for everything else, in the other spelling.
def test_task_of_an_older_version_is_read() -> None:
    emulator = Emulator()
    record = {
        "id": "old",
        "status": "completed",
        "toolName": "tool",
        "toolCallId": "call",
        "agentId": "x",
        "runId": "run",
        "threadId": "thread",
        "resourceId": None,
        "args": "no JSON",
        "result": {"r": 1},
        "suspendPayload": '["s"]',
        "retryCount": 1,
        "maxRetries": 2,
        "timeoutMs": 3,
        "createdAt": "2026-01-01T12:00:00.000Z",
        "completedAt": "2026-01-01T12:01:00.000Z",
    }
    document = {"table": "mastra_background_tasks", "primaryKey": "old", "record": record}
    emulator.run(lambda ctx: ctx.db.insert("mastra_documents", document))

    tasks = new_tasks(emulator)

    expected = task(
        "old",
        status="completed",
        agent_id="x",
        thread_id="thread",
        args="no JSON",
        result={"r": 1},
        suspend_payload=["s"],
        retry_count=1,
        max_retries=2,
        timeout_ms=3,
        completed_at=at(1),
    )
    assert tasks.get_task("old") == expected
    assert tasks.list_tasks(agent_id="x").tasks == [expected]


# The handler deletes 25 rows per call.
def test_clear_deletes_all() -> None:
    emulator = Emulator()
    tasks = new_tasks(emulator)
    for number in range(26):
        tasks.create_task(task(f"t{number}"))

    tasks.dangerously_clear_all()

    assert emulator.table_counts() == {}

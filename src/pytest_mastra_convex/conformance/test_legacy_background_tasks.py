"""Background tasks of older versions, which lie in the fallback table under the names TypeScript has for columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexBackgroundTasks, ConvexStore
from pytest_mastra_convex.conformance.records import ids_of, rows
from pytest_mastra_convex.probe import Probe

DOCUMENTS = "mastra_documents"
TASKS = "mastra_background_tasks"


@pytest.fixture
def tasks(convex_deployment: Deployment, probe: Probe, convex_prefix: str) -> Iterator[ConvexBackgroundTasks]:
    """The domain, with the running task `old` in the fallback table; no handler writes one there any more."""
    prefixed = {name: f"{convex_prefix}{value}" for name, value in {"id": "old", "agentId": "agent-1"}.items()}
    record = {
        **prefixed,
        "status": "running",
        "toolCallId": f"{convex_prefix}call-1",
        "toolName": f"{convex_prefix}search",
        "runId": f"{convex_prefix}run-1",
        "threadId": None,
        "resourceId": None,
        "args": '{"query":"x"}',
        "retryCount": 1,
        "maxRetries": 3,
        "timeoutMs": 500,
        "createdAt": "2026-11-21T12:00:00.000Z",
    }
    probe.insert(DOCUMENTS, {"table": TASKS, "primaryKey": prefixed["id"], "record": record})
    domain = ConvexStore(convex_deployment).background_tasks
    yield domain
    # On a shared deployment nobody else knows of the row.
    domain.delete_task("old")


# Tasks outlive an upgrade: they are found by id, and every column under its present name.
def test_an_old_task_is_read(tasks: ConvexBackgroundTasks) -> None:
    read = tasks.get_task("old")

    assert read is not None
    assert (read.status, read.tool_call_id, read.tool_name) == ("running", "call-1", "search")
    assert (read.args, read.retry_count, read.timeout_ms) == ({"query": "x"}, 1, 500)


# Filters are sent in the new spelling and meet the old one, too.
@pytest.mark.parametrize(
    ("query", "ids"),
    [({"agent_id": "agent-1"}, ["old"]), ({"agent_id": "agent-2"}, []), ({"status": "running"}, ["old"])],
    ids=["own", "other", "status"],
)
def test_old_tasks_are_listed(tasks: ConvexBackgroundTasks, query: Any, ids: list[str]) -> None:
    assert ids_of(tasks.list_tasks(**query).tasks) == ids


# A task that ends after the upgrade is changed where it lies; the column's old spelling goes, so that it cannot win.
def test_an_old_task_is_updated_in_its_place(tasks: ConvexBackgroundTasks, convex_deployment: Deployment) -> None:
    tasks.update_task("old", status="failed", retry_count=2)

    read = tasks.get_task("old")
    record = rows(convex_deployment, TASKS)[0]
    assert read is not None
    assert (read.status, read.retry_count, read.max_retries) == ("failed", 2, 3)
    assert "retryCount" not in record


# Old tasks go like new ones.
@pytest.mark.parametrize("way", ["one", "all"])
def test_old_tasks_are_deleted(tasks: ConvexBackgroundTasks, way: str) -> None:
    if way == "one":
        tasks.delete_task("old")
    else:
        tasks.dangerously_clear_all()

    assert tasks.get_task("old") is None
    assert tasks.list_tasks().total == 0


# A new row hides the old one of its id; the old one goes with the first change.
def test_a_new_row_hides_the_old_one(tasks: ConvexBackgroundTasks) -> None:
    read = tasks.get_task("old")
    assert read is not None
    tasks.create_task(read)

    tasks.update_task("old", status="completed")

    listed = tasks.list_tasks()
    assert [(one.id, one.status) for one in listed.tasks] == [("old", "completed")]
    tasks.delete_task("old")
    assert tasks.list_tasks().total == 0


# Hidden means hidden from every question: the new row is completed, so nothing runs any more, though the old one does.
def test_a_hidden_task_is_not_listed(tasks: ConvexBackgroundTasks) -> None:
    read = tasks.get_task("old")
    assert read is not None
    tasks.create_task(replace(read, status="completed"))

    assert tasks.list_tasks(status="running").tasks == []
    assert tasks.get_running_count() == 0

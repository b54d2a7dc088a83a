"""Background tasks that lie twice in a deployment: in the fallback table of older versions, and in today's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexBackgroundTasks, ConvexStore
from pytest_mastra_convex.conformance.records import ids_of
from pytest_mastra_convex.probe import Probe

DOCUMENTS = "mastra_documents"
TASKS = "mastra_background_tasks"


@pytest.fixture
def tasks(convex_deployment: Deployment, probe: Probe, convex_prefix: str) -> Iterator[ConvexBackgroundTasks]:
    """The domain, with the task `old` in both tables: running in the fallback table, completed in today's."""
    record = {
        "id": f"{convex_prefix}old",
        "agentId": f"{convex_prefix}agent-1",
        "status": "running",
        "toolCallId": f"{convex_prefix}call-1",
        "toolName": f"{convex_prefix}search",
        "runId": f"{convex_prefix}run-1",
        "args": "{}",
        "retryCount": 0,
        "maxRetries": 3,
        "timeoutMs": 500,
        "createdAt": "2026-11-21T12:00:00.000Z",
    }
    probe.insert(DOCUMENTS, {"table": TASKS, "primaryKey": record["id"], "record": record})
    domain = ConvexStore(convex_deployment).background_tasks
    read = domain.get_task("old")
    assert read is not None
    domain.create_task(replace(read, status="completed"))
    yield domain
    # On a shared deployment nobody else knows of the rows.
    domain.delete_task("old")


# A worker looks for running tasks after an upgrade: the row of today says that this one has ended.
def test_a_task_is_not_listed_by_what_it_was_before(tasks: ConvexBackgroundTasks) -> None:
    assert ids_of(tasks.list_tasks(status="running").tasks) == []
    assert ids_of(tasks.list_tasks(status="completed").tasks) == ["old"]


# Once today's row is changed the older one is gone for good: it could come back when today's is deleted.
def test_a_change_removes_the_older_row(tasks: ConvexBackgroundTasks, probe: Probe) -> None:
    before = probe.count(DOCUMENTS)

    tasks.update_task("old", status="failed")

    assert (before, probe.count(DOCUMENTS)) == (1, 0)
    assert ids_of(tasks.list_tasks(status="failed").tasks) == ["old"]

"""Records behind the 10,000 rows that Mastra's handlers take from a table: found, changed and deleted by their ids.

mastra-ai/mastra#17407: lookups by id read the first 10,000 rows and looked among these; the newest records could not be
loaded, were stored a second time instead of being changed, and were never deleted.  Every case has 10,001 rows.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexStore, MessageUpdate
from pytest_mastra_convex.conformance.crowd import LAST, PAST_THE_CAP, Crowd
from pytest_mastra_convex.conformance.records import equal, message, rows, send, text_content

SECOND_LAST = "row-9999"


# Every typed table, through the operations the stores are made of


# An insert of a known id changes its row: a second one would make every later lookup fail ("more than one result"), and
# a deletion would miss one of them.
@pytest.mark.parametrize(
    ("table", "field"),
    [
        pytest.param("mastra_threads", "title", id="threads"),
        pytest.param("mastra_messages", "content", id="messages"),
        pytest.param("mastra_resources", "workingMemory", id="resources"),
        pytest.param("mastra_scorers", "reason", id="scorers"),
        pytest.param("mastra_background_tasks", "args", id="tasks"),
        pytest.param("mastra_schedules", "cron", id="schedules"),
    ],
)
def test_the_last_row_is_stored_once_and_deleted(
    convex_deployment: Deployment, crowd: Crowd, table: str, field: str
) -> None:
    crowd.fill(table, PAST_THE_CAP)

    send(convex_deployment, "insert", table, record={"id": LAST, field: "changed"})
    send(convex_deployment, "batchInsert", table, records=[{"id": LAST, field: "changed again"}])
    stored = send(convex_deployment, "load", table, keys={"id": LAST})["result"]
    send(convex_deployment, "deleteMany", table, ids=[LAST])

    left = send(convex_deployment, "loadMany", table, ids=[LAST, SECOND_LAST])["result"]
    assert stored[field] == "changed again"
    assert [row["id"] for row in left] == [SECOND_LAST]


# The tables that every name gets, and that of vectors


def test_the_last_document_is_changed_and_deleted(convex_deployment: Deployment, crowd: Crowd) -> None:
    crowd.fill("mastra_documents", PAST_THE_CAP, table=crowd.own("plugins"))

    send(convex_deployment, "patch", "plugins", id=LAST, record={"name": "changed"})
    changed = send(convex_deployment, "load", "plugins", keys={"id": LAST})["result"]
    send(convex_deployment, "deleteMany", "plugins", ids=[LAST])

    assert changed == {"id": LAST, "name": "changed"}
    assert send(convex_deployment, "load", "plugins", keys={"id": LAST})["result"] is None


# There a filter is put on what was taken, so it does not reach the last row, which is there all the same.
def test_a_filter_does_not_reach_the_last_document(convex_deployment: Deployment, crowd: Crowd) -> None:
    crowd.fill("mastra_documents", PAST_THE_CAP, table=crowd.own("plugins"))

    found = [rows(convex_deployment, "plugins", filters=[equal("name", f"name-{number}")]) for number in (9999, 10_000)]

    assert [len(matching) for matching in found] == [1, 0]


def test_the_last_vector_is_changed_and_deleted(convex_deployment: Deployment, crowd: Crowd) -> None:
    crowd.fill("mastra_vectors", PAST_THE_CAP, indexName=crowd.own("many"))
    table = "mastra_vector_many"

    send(convex_deployment, "insert", table, record={"id": LAST, "embedding": [0.0, 2.0]})
    changed = send(convex_deployment, "load", table, keys={"id": LAST})["result"]
    send(convex_deployment, "deleteMany", table, ids=[LAST])

    assert changed["embedding"] == [0, 2]
    assert send(convex_deployment, "load", table, keys={"id": LAST})["result"] is None


# The stores


def test_the_last_thread_is_changed(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_threads", PAST_THE_CAP)

    convex_store.memory.update_thread(id=LAST, title="changed", metadata={"pinned": True})

    changed = convex_store.memory.get_thread_by_id(thread_id=LAST)
    assert changed is not None
    assert (changed.title, changed.metadata) == ("changed", {"pinned": True})


# Somebody's right to be forgotten: the thread and its messages must really go.
def test_the_last_thread_is_deleted_with_its_messages(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_threads", PAST_THE_CAP)
    crowd.fill("mastra_messages", PAST_THE_CAP, thread_id=crowd.own("others"))
    memory = convex_store.memory
    memory.save_messages(messages=[message("said", LAST)])

    memory.delete_thread(thread_id=LAST)

    assert memory.get_thread_by_id(thread_id=LAST) is None
    assert memory.list_messages_by_id(message_ids=["said"]) == []


def test_the_last_message_is_changed_and_moved(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_messages", PAST_THE_CAP)
    memory = convex_store.memory

    memory.update_messages(messages=[MessageUpdate(id=LAST, thread_id="elsewhere", content=text_content("changed"))])

    moved = memory.list_messages(thread_id="elsewhere").messages
    assert [(one.id, one.content) for one in moved] == [(LAST, text_content("changed"))]
    assert memory.list_messages(thread_id="thread-10000").messages == []


# Working memory is read before every answer of an agent.
def test_the_last_resource_is_changed(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_resources", PAST_THE_CAP)

    convex_store.memory.update_resource(resource_id=LAST, working_memory="changed")

    resources = [convex_store.memory.get_resource_by_id(resource_id=one) for one in (SECOND_LAST, LAST)]
    assert [one and one.working_memory for one in resources] == ["memory 9999", "changed"]


# A run that is suspended is loaded by workflow and run when somebody comes back to it.
def test_the_last_run_is_resumed_and_deleted(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_workflow_snapshots", PAST_THE_CAP)
    workflows = convex_store.workflows
    last: dict[str, Any] = {"workflow_name": "many", "run_id": "run-10000"}

    workflows.update_workflow_state(**last, opts={"status": "success"})
    resumed = workflows.load_workflow_snapshot(**last)
    workflows.delete_workflow_run_by_id(**last)

    assert resumed["status"] == "success"
    assert workflows.load_workflow_snapshot(**last) is None
    assert workflows.load_workflow_snapshot(workflow_name="many", run_id="run-9999")["status"] == "running"


# A run is looked for without its workflow, too; there is no index for that, but the condition is part of the query.
def test_the_last_run_is_found_without_its_workflow(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_workflow_snapshots", PAST_THE_CAP)

    found = convex_store.workflows.get_workflow_run_by_id(run_id="run-10000")

    assert found is not None
    assert found.workflow_name == "many"


def test_the_last_task_is_finished_and_deleted(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_background_tasks", PAST_THE_CAP)
    tasks = convex_store.background_tasks

    tasks.update_task(LAST, status="completed", result={"found": 1})
    finished = tasks.get_task(LAST)
    tasks.delete_task(LAST)

    assert finished is not None
    assert (finished.status, finished.result) == ("completed", {"found": 1})
    assert tasks.get_task(LAST) is None


def test_the_last_schedule_is_paused_and_deleted(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_schedules", PAST_THE_CAP)
    schedules = convex_store.schedules

    paused = schedules.update_schedule(LAST, status="paused")
    schedules.delete_schedule(LAST)

    assert paused.status == "paused"
    assert schedules.get_schedule(LAST) is None
    assert schedules.get_schedule(SECOND_LAST) is not None

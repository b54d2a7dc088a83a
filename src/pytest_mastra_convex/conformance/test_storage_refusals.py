"""What `mastra/storage:handle` refuses, and in which of its two styles: an answer, or a failed call."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexStore, StorageError
from convex_mastra_emulator.stores.storage_client import StorageClient
from pytest_mastra_convex.conformance.records import rows, send

TABLES = {
    "typed": "mastra_threads",
    "workflows": "mastra_workflow_snapshot",
    "tasks": "mastra_background_tasks",
    "indexes": "mastra_vector_indexes",
    "vectors": "mastra_vector_docs",
    "fallback": "notes",
}


# mastra-ai/mastra#19473 and others: a newer client asks for what an older handler does not know, on whatever table;
# the answer tells it so in one form.
@pytest.mark.parametrize("table", list(TABLES))
@pytest.mark.parametrize("op", ["fly", "", "Insert", "toString"], ids=["unknown", "empty", "capital", "inherited"])
@pytest.mark.usefixtures("own_deployment")
def test_unknown_operations_are_answered(convex_deployment: Deployment, table: str, op: str) -> None:
    answer = send(convex_deployment, op, TABLES[table])

    assert answer == {"ok": False, "error": f"Unsupported operation {op}"}


# No operation at all reads as JavaScript has it.
@pytest.mark.usefixtures("own_deployment")
def test_a_request_without_an_operation(convex_deployment: Deployment) -> None:
    answer = convex_deployment.mutation("mastra/storage:handle", {"tableName": "notes"})

    assert answer == {"ok": False, "error": "Unsupported operation undefined"}


# Operations of typed tables are unknown on the two other kinds.
@pytest.mark.parametrize("table", ["vectors", "fallback"])
@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("updateThread", {"id": "x"}),
        ("updateResource", {"resourceId": "x"}),
        ("mergeWorkflowStepResult", {"workflowName": "x", "runId": "x"}),
        ("mergeWorkflowState", {"workflowName": "x", "runId": "x"}),
        ("createSchedule", {"record": {"id": "x"}}),
        ("listDueSchedules", {"now": 0}),
        ("recordScheduleTrigger", {"record": {"id": "x"}}),
        ("deleteScheduleTriggers", {"scheduleId": "x"}),
        ("omGetLatest", {"lookupKey": "x"}),
        ("omUpdateConfig", {"id": "x", "config": "{}"}),
    ],
    ids=[
        "thread",
        "resource",
        "step-result",
        "state",
        "schedule",
        "due",
        "trigger",
        "delete-triggers",
        "latest",
        "config",
    ],
)
def test_operations_of_typed_tables(
    convex_deployment: Deployment, table: str, op: str, arguments: dict[str, Any]
) -> None:
    answer = send(convex_deployment, op, TABLES[table], **arguments)

    assert answer == {"ok": False, "error": f"Unsupported operation {op}"}


# The first thing that is looked at is the table's name: without one the handler answers its own mistake.
@pytest.mark.parametrize(
    "request_",
    [{}, {"op": "load"}, {"op": "load", "tableName": None}, {"tableName": 5}],
    ids=["empty", "absent", "null", "number"],
)
def test_a_request_without_a_table(convex_deployment: Deployment, request_: dict[str, Any]) -> None:
    answer = convex_deployment.mutation("mastra/storage:handle", request_)

    assert answer["ok"] is False
    assert "startsWith" in answer["error"]


# One kind of error in two styles: typed and fallback tables fail the call, the others answer.
@pytest.mark.parametrize("table", ["typed", "fallback"])
def test_tables_that_fail_the_call(convex_deployment: Deployment, table: str) -> None:
    with pytest.raises(FunctionError, match="loadMany supports at most 10 ids"):
        send(convex_deployment, "loadMany", TABLES[table], ids=["x"] * 11)


# The call succeeds, and a client that looks at nothing but that takes the error for success.
@pytest.mark.parametrize("table", ["vectors", "tasks"])
def test_tables_that_answer(convex_deployment: Deployment, table: str) -> None:
    answer = send(convex_deployment, "loadMany", TABLES[table], ids=["x"] * 11)

    assert answer == {"ok": False, "error": "loadMany supports at most 10 ids per request"}


# The client makes an error of its own of an answer, with the handler's text.
def test_an_answer_becomes_the_stores_error(convex_deployment: Deployment) -> None:
    client = StorageClient(convex_deployment)

    with pytest.raises(StorageError, match="Unsupported operation updateThread for table mastra_messages"):
        client.call("updateThread", "mastra_messages", id="x")


# After a failed call the deployment is as it was, and works on.
def test_a_failed_call_leaves_nothing_behind(convex_deployment: Deployment, convex_store: ConvexStore) -> None:
    with pytest.raises(FunctionError):
        send(convex_deployment, "batchInsert", "mastra_threads", records=[{"id": "a"}])

    assert rows(convex_deployment, "mastra_threads") == []
    assert convex_store.memory.list_threads().total == 0


# Requests may carry more than the handler knows: newer clients do (1.5.4 adds `expectedStatus`, 1.5.5 `expected`).
def test_unknown_arguments_are_ignored(convex_deployment: Deployment) -> None:
    answer = send(convex_deployment, "insert", "notes", record={"id": "a"}, expected={"x": 1}, _internal=True)

    assert answer == {"ok": True}
    assert rows(convex_deployment, "notes") == [{"id": "a"}]


# It is a mutation, also for what only reads: clients that ask with a query are refused.
def test_the_handler_is_no_query(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError):
        convex_deployment.query("mastra/storage:handle", {"op": "load", "tableName": "notes", "keys": {"id": "a"}})

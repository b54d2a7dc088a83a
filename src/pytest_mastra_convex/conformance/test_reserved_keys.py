"""Keys that begin with `$`: legal in JSON, reserved on Convex, and in the schema of every tool.

mastra-ai/mastra#16110, #16169: `$schema` of a Zod tool inside a snapshot failed "any agent run with at least one tool".
What travels as JSON text takes any key; what travels as a Convex value refuses them, and then stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector
from pytest_mastra_convex.conformance.records import send, text_content
from pytest_mastra_convex.factories import MastraFactory

# What zod-to-json-schema makes of a tool's parameters, and keys that other databases reserve.
SCHEMA: dict[str, Any] = {
    "$schema": "draft-07",
    "type": "object",
    "properties": {"city": {"$ref": "#/$defs/city"}, "when": {"anyOf": [{"$ref": "#/$defs/day"}, {"type": "null"}]}},
    "$defs": {"city": {"type": "string"}, "day": {"$comment": "no time", "type": "string"}},
    "$": 1,
    "a.b": {"c.d": [{"$set": {"x": 1}}]},
    "_id": "mine",
    "": "empty",
    "schlüssel": "ä",
}

Round = Callable[[ConvexStore, MastraFactory], Any]


def through_snapshot(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores the schema deep inside of a snapshot."""
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    store.workflows.persist_workflow_snapshot(**run, snapshot={"context": {"step": {"payload": {"tools": [SCHEMA]}}}})
    return store.workflows.load_workflow_snapshot(**run)["context"]["step"]["payload"]["tools"][0]


def through_result(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores it as the result of a step."""
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    store.workflows.persist_workflow_snapshot(**run, snapshot={"context": {}})
    store.workflows.update_workflow_results(**run, step_id="step", result={"output": SCHEMA}, request_context=SCHEMA)
    snapshot = store.workflows.load_workflow_snapshot(**run)
    assert snapshot["requestContext"] == SCHEMA
    return snapshot["context"]["step"]["output"]


def through_state(store: ConvexStore, make: MastraFactory) -> Any:
    """Merges it into the state of a run."""
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    store.workflows.persist_workflow_snapshot(**run, snapshot={"context": {}})
    return store.workflows.update_workflow_state(**run, opts={"result": SCHEMA})["result"]


def through_message(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores it in what a tool was called with."""
    part = {"type": "tool-invocation", "toolInvocation": {"state": "call", "toolCallId": "c", "args": SCHEMA}}
    message = make.message(content={**text_content("text"), "parts": [part]}, role="assistant")
    store.memory.save_messages(messages=[message])
    found = store.memory.list_messages(thread_id=str(message.thread_id)).messages[0]
    return found.content["parts"][0]["toolInvocation"]["args"]


def through_schedule(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores it as what a scheduled workflow is given."""
    schedule = make.schedule(target={"type": "workflow", "workflowId": "import", "inputData": SCHEMA})
    store.schedules.create_schedule(schedule)
    found = store.schedules.get_schedule(schedule.id)
    return found and found.target["inputData"]


def through_task(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores it as arguments of a tool, and as its result."""
    task = make.background_task(args=SCHEMA)
    store.background_tasks.create_task(task)
    store.background_tasks.update_task(task.id, result=SCHEMA)
    found = store.background_tasks.get_task(task.id)
    assert found is not None
    assert found.result == SCHEMA
    return found.args


def through_channel(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores it in the data of an installation."""
    installation = make.channel_installation(data=SCHEMA)
    store.channels.save_installation(installation)
    found = store.channels.get_installation(installation.id)
    return found and found.data


def through_memory_config(store: ConvexStore, make: MastraFactory) -> Any:
    """Stores it in the configuration of observational memory."""
    record = make.observational_memory(config={"schema": SCHEMA})
    store.memory.insert_observational_memory_record(record)
    found = store.memory.get_observational_memory(record.thread_id, record.resource_id or "")
    return found and found.config["schema"]


# Every place in which Mastra writes JSON text.
@pytest.mark.parametrize(
    "through",
    [
        pytest.param(through_snapshot, id="snapshot"),
        pytest.param(through_result, id="result-of-step"),
        pytest.param(through_state, id="state-of-run"),
        pytest.param(through_message, id="message"),
        pytest.param(through_schedule, id="schedule"),
        pytest.param(through_task, id="background-task"),
        pytest.param(through_channel, id="channel"),
        pytest.param(through_memory_config, id="observational-memory"),
    ],
)
def test_a_schema_comes_back_as_it_was(
    convex_store: ConvexStore, mastra_factory: MastraFactory, through: Round
) -> None:
    assert through(convex_store, mastra_factory) == SCHEMA


# The places in which it writes Convex values: refused before anything is stored, wherever the key stands.
@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"$schema": "x"}, id="at-the-top"),
        pytest.param({"deep": [{"$ref": "x"}]}, id="in-a-list"),
        pytest.param({"$integer": "x", "other": 1}, id="name-of-a-tag"),
    ],
)
@pytest.mark.parametrize("place", ["thread", "resource", "vector", "cache", "document"])
def test_a_reserved_key_in_a_value_is_refused(convex_deployment: Deployment, place: str, value: Any) -> None:
    store = ConvexStore(convex_deployment)
    vectors, cache = ConvexVector(convex_deployment), ConvexServerCache(convex_deployment)
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    thread = {"id": "t", "resourceId": "r", "title": "", "createdAt": moment.isoformat(), "updatedAt": ""}
    writes: dict[str, Callable[[], Any]] = {
        "thread": lambda: send(convex_deployment, "insert", "mastra_threads", record={**thread, "metadata": value}),
        "resource": lambda: store.memory.update_resource(resource_id="r", metadata=value),
        "vector": lambda: vectors.upsert("docs", ids=["v"], vectors=[[1.0]], metadata=[value]),
        "cache": lambda: cache.set("key", value),
        "document": lambda: send(convex_deployment, "insert", "plugins", record={"id": "d", "value": value}),
    }

    with pytest.raises(Exception, match=r"\$(schema|ref|integer)"):
        writes[place]()

    assert store.memory.get_thread_by_id(thread_id="t") is None
    assert store.memory.get_resource_by_id(resource_id="r") is None
    assert vectors.query("docs", query_vector=[1.0]) == []
    assert cache.get("key") is None
    assert send(convex_deployment, "queryTable", "plugins")["result"] == []

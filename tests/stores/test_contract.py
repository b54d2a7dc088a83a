"""What every store promises, on every kind of deployment: in process, served in a thread, in a child process, and on
the oracle, where the published handlers answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, Emulator, FunctionError, connect
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.server import ServedProcess, serve
from convex_mastra_emulator.stores import (
    ConvexNativeVector,
    ConvexServerCache,
    ConvexStore,
    ConvexVector,
    MastraError,
    Message,
    NativeVectorIndex,
    StorageError,
    Thread,
)
from pytest_mastra_convex.node_project import Oracle

pytestmark = pytest.mark.xdist_group("stores-contract")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def schema(oracle: Oracle) -> Schema:
    return Schema.from_json(oracle.schema())


@pytest.fixture(scope="module", params=["in process", "thread", "process", "oracle"])
def deployment(request: pytest.FixtureRequest, oracle: Oracle, schema: Schema) -> Iterator[Deployment]:
    if request.param == "in process":
        yield Emulator(schema)
    elif request.param == "thread":
        with serve(Emulator(schema)) as served, connect(served.url, served.admin_key) as connected:
            yield connected
    elif request.param == "process":
        with ServedProcess(schema=schema) as process, connect(process.url, process.admin_key) as connected:
            yield connected
    else:
        oracle.reset()
        with connect(oracle.url) as connected:
            yield connected


def thread(thread_id: str, resource_id: str, **fields: Any) -> Thread:
    return Thread(
        id=thread_id, resource_id=resource_id, title="A title", metadata={}, created_at=NOON, updated_at=NOON, **fields
    )


def message(message_id: str, thread_id: str, minute: int) -> Message:
    return Message(
        id=message_id,
        thread_id=thread_id,
        resource_id="contract",
        role="user",
        type="v2",
        content={"format": 2, "parts": [{"type": "text", "text": message_id}]},
        created_at=NOON + timedelta(minutes=minute),
    )


def test_a_thread_is_read_as_it_was_saved(deployment: Deployment) -> None:
    memory = ConvexStore(deployment).memory

    memory.save_thread(thread=thread("contract-t1", "contract-r1"))

    saved = memory.get_thread_by_id(thread_id="contract-t1")
    assert saved is not None
    assert (saved.title, saved.created_at) == ("A title", NOON)


def test_metadata_of_a_thread_is_merged(deployment: Deployment) -> None:
    memory = ConvexStore(deployment).memory
    memory.save_thread(thread=thread("contract-t2", "contract-r2"))

    memory.update_thread(id="contract-t2", title="Another", metadata={"a": 1})
    updated = memory.update_thread(id="contract-t2", title="Another", metadata={"b": 2})

    assert updated.metadata == {"a": 1, "b": 2}


def test_updating_a_thread_that_is_not_there_is_the_users_error(deployment: Deployment) -> None:
    with pytest.raises(MastraError, match="Thread contract-none not found") as refused:
        ConvexStore(deployment).memory.update_thread(id="contract-none", title="x", metadata={})

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND"


# Forty is the default page; 45 rows need a second one.
def test_messages_come_in_pages_in_the_order_of_time(deployment: Deployment) -> None:
    memory = ConvexStore(deployment).memory
    memory.save_thread(thread=thread("contract-t3", "contract-r3"))
    memory.save_messages(messages=[message(f"contract-m{n}", "contract-t3", n) for n in reversed(range(45))])

    first = memory.list_messages(thread_id="contract-t3")
    second = memory.list_messages(thread_id="contract-t3", page=1)

    assert (first.total, len(first.messages), first.has_more) == (45, 40, True)
    assert [item.id for item in second.messages] == [f"contract-m{n}" for n in range(40, 45)]


def test_a_workflow_snapshot_keeps_dollar_keys(deployment: Deployment) -> None:
    workflows = ConvexStore(deployment).workflows
    snapshot = {"context": {}, "status": "running", "schema": {"$ref": "#/x"}}

    workflows.persist_workflow_snapshot(workflow_name="contract-w", run_id="1", snapshot=snapshot)

    assert workflows.load_workflow_snapshot(workflow_name="contract-w", run_id="1") == snapshot


def test_a_dollar_key_in_a_threads_metadata_is_refused_by_the_deployment(deployment: Deployment) -> None:
    memory = ConvexStore(deployment).memory

    # The oracle's Node refuses it in the words of npm convex, a deployment in its own.
    with pytest.raises(FunctionError, match=r"Field name \$ref starts with "):
        memory.save_thread(
            thread=Thread(
                id="contract-t4", resource_id="r", title="t", metadata={"$ref": 1}, created_at=NOON, updated_at=NOON
            )
        )
    assert memory.get_thread_by_id(thread_id="contract-t4") is None


def test_vectors_are_found_by_their_likeness_and_filter(deployment: Deployment) -> None:
    vectors = ConvexVector(deployment)
    vectors.create_index("contract", dimension=2)
    vectors.upsert("contract", vectors=[[1, 0], [0, 1], [1, 1]], metadata=[{"n": n} for n in range(3)], ids=list("abc"))

    found = vectors.query("contract", query_vector=[1, 0], top_k=2)
    filtered = vectors.query("contract", query_vector=[1, 0], filter={"n": {"$gt": 0}})

    assert [result.id for result in found] == ["a", "c"]
    assert [result.id for result in filtered] == ["c", "b"]


def test_a_vector_of_text_is_refused_by_the_schema(deployment: Deployment) -> None:
    vectors = ConvexVector(deployment)

    with pytest.raises((StorageError, MastraError), match=r"validator|Validator"):
        vectors.upsert("contract-bad", vectors=[["x"]], ids=["a"])  # type: ignore[list-item]


def test_native_vectors_are_found_by_their_likeness_and_filter(deployment: Deployment) -> None:
    index = NativeVectorIndex(
        table_name="notes_vectors", vector_index_name="by_embedding", dimension=3, filter_fields=("label",)
    )
    native = ConvexNativeVector(deployment, indexes={"notes": index})
    native.upsert(
        "notes", vectors=[[1, 0, 0], [0, 1, 0]], metadata=[{"label": "x"}, {"label": "y"}], ids=["n-a", "n-b"]
    )

    nearest = native.query("notes", query_vector=[1, 0, 0], top_k=1)
    filtered = native.query("notes", query_vector=[1, 0, 0], top_k=5, filter={"label": "y"})

    assert [result.id for result in nearest] == ["n-a"]
    assert [result.id for result in filtered] == ["n-b"]


def test_counters_lists_and_values_of_the_cache(deployment: Deployment) -> None:
    cache = ConvexServerCache(deployment, key_prefix="contract:")

    counts = [cache.increment("count") for _ in range(3)]
    for item in ("a", "b", "c"):
        cache.list_push("list", item)
    cache.set("value", {"deep": [1, None]})

    assert counts == [1, 2, 3]
    assert cache.list_from_to("list", -2) == ["b", "c"]
    assert cache.get("value") == {"deep": [1, None]}


# Twenty-five rows go per call; the store goes on until nothing is left.
def test_clearing_the_cache_takes_more_than_one_call(deployment: Deployment) -> None:
    cache = ConvexServerCache(deployment, key_prefix="contract-clear:")
    for number in range(30):
        cache.set(f"key-{number}", number)

    cache.clear()

    assert [cache.get(f"key-{number}") for number in (0, 29)] == [None, None]


def test_a_due_schedule_fires_once(deployment: Deployment) -> None:
    from convex_mastra_emulator.stores.storage_client import StorageClient

    client = StorageClient(deployment)
    record = {
        "id": "contract-s1",
        "target": "{}",
        "cron": "* * * * *",
        "status": "active",
        "next_fire_at": 1000,
        "created_at": 1,
        "updated_at": 1,
    }
    client.call("createSchedule", "mastra_schedules", record=record)
    fire = {
        "id": "contract-s1",
        "expectedNextFireAt": 1000,
        "newNextFireAt": 2000,
        "lastFireAt": 1000,
        "lastRunId": "r",
    }

    answers = [client.call("updateScheduleNextFire", "mastra_schedules", **fire) for _ in range(2)]

    assert answers == [True, False]

"""Requests of Mastra's that are more than a deployment takes: records of over 1 MiB, and thousands of ids at once.

What is refused must leave everything as it was, and the way out must work.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexStore, ConvexVector, MessageUpdate, StorageError
from pytest_mastra_convex.conformance.crowd import Crowd
from pytest_mastra_convex.conformance.records import ids_of, message, send, text_content, thread

TOO_LARGE = r"Value is too large \(\d\.\d\d MiB > maximum size 1 MiB\)"
TOO_MANY = r"Too many reads in a single function execution \(limit: 4096\)"
PICTURE = "A" * 1_500_000


# Records of more than 1 MiB


# mastra-ai/mastra#12376, #12341: a picture in base64 inside a message.  None of the messages saved with it is stored.
@pytest.mark.diverges("limits-of-writes")
def test_a_message_with_a_large_picture_is_refused(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    messages = [message("before"), message("picture", content=text_content(PICTURE)), message("after")]

    with pytest.raises(FunctionError, match=TOO_LARGE):
        memory.save_messages(messages=messages)

    assert memory.list_messages(thread_id="thread-1").messages == []


# A smaller one is stored, and comes back whole.
def test_a_message_with_a_picture_is_stored(convex_store: ConvexStore) -> None:
    content = text_content("A" * 1_000_000)

    convex_store.memory.save_messages(messages=[message("picture", content=content)])

    assert convex_store.memory.list_messages(thread_id="thread-1").messages[0].content == content


# A message that grows: the old content must still be there.
@pytest.mark.diverges("limits-of-writes")
def test_a_message_that_grows_too_large_stays(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.save_messages(messages=[message("a", content=text_content("short"))])

    with pytest.raises(FunctionError, match=TOO_LARGE):
        memory.update_messages(messages=[MessageUpdate(id="a", content=text_content(PICTURE))])

    assert memory.list_messages_by_id(message_ids=["a"])[0].content == text_content("short")


# get-convex/workflow#241: the result of one step is too large, "and the workflow gets stuck".  The snapshot must stay
# as it was, and take the next result.
@pytest.mark.diverges("limits-of-writes")
def test_a_result_that_is_too_large_leaves_the_run_as_it_was(convex_store: ConvexStore) -> None:
    workflows = convex_store.workflows
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    workflows.persist_workflow_snapshot(**run, snapshot={"status": "running", "context": {"a": {"output": 1}}})

    with pytest.raises(FunctionError, match=TOO_LARGE):
        workflows.update_workflow_results(**run, step_id="b", result={"output": PICTURE}, request_context={})
    workflows.update_workflow_results(**run, step_id="c", result={"output": 3}, request_context={})

    context = workflows.load_workflow_snapshot(**run)["context"]
    assert context == {"a": {"output": 1}, "c": {"output": 3}}


# It is the whole snapshot that counts: results that each are small enough add up.
@pytest.mark.diverges("limits-of-writes")
def test_results_add_up_until_they_are_too_large(convex_store: ConvexStore) -> None:
    workflows = convex_store.workflows
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    workflows.persist_workflow_snapshot(**run, snapshot={"status": "running", "context": {}})
    result = {"output": "x" * 400_000}
    for step in ("a", "b"):
        workflows.update_workflow_results(**run, step_id=step, result=result, request_context={})

    with pytest.raises(FunctionError, match=TOO_LARGE):
        workflows.update_workflow_results(**run, step_id="c", result=result, request_context={})

    assert sorted(workflows.load_workflow_snapshot(**run)["context"]) == ["a", "b"]


# mastra-ai/mastra#7990, #17284: the same for snapshots that are written whole.
@pytest.mark.diverges("limits-of-writes")
def test_a_snapshot_that_is_too_large_leaves_the_one_before(convex_store: ConvexStore) -> None:
    workflows = convex_store.workflows
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    workflows.persist_workflow_snapshot(**run, snapshot={"status": "running", "context": {}})

    with pytest.raises(FunctionError, match=TOO_LARGE):
        workflows.persist_workflow_snapshot(**run, snapshot={"status": "failed", "context": {"a": PICTURE}})

    assert workflows.load_workflow_snapshot(**run) == {"status": "running", "context": {}}


# Working memory is text that agents write; one that never forgets gets there.
@pytest.mark.diverges("limits-of-writes")
def test_working_memory_that_is_too_large_leaves_the_one_before(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.update_resource(resource_id="resource-1", working_memory="short")

    with pytest.raises(FunctionError, match=TOO_LARGE):
        memory.update_resource(resource_id="resource-1", working_memory=PICTURE)

    resource = memory.get_resource_by_id(resource_id="resource-1")
    assert resource is not None
    assert resource.working_memory == "short"


# Vector tables answer an error instead of failing, and what the call wrote before it stays.
@pytest.mark.diverges("limits-of-writes")
def test_a_vector_with_too_large_metadata_is_refused_alone(convex_vector: ConvexVector) -> None:
    convex_vector.create_index("docs", dimension=1)

    with pytest.raises(StorageError, match=TOO_LARGE):
        convex_vector.upsert(
            "docs", ids=["small", "large"], vectors=[[1.0], [1.0]], metadata=[{"text": "small"}, {"text": PICTURE}]
        )

    assert ids_of(convex_vector.query("docs", query_vector=[1.0])) == ["small"]


# Many at once


# All ids of a request are looked up in one mutation, whether or not there is anything: 4,096 lookups are one mutation's
# share, of which the deployment itself needs a few.
@pytest.mark.diverges("read-limits")
def test_4200_ids_at_once_are_refused(convex_store: ConvexStore) -> None:
    with pytest.raises(FunctionError, match=TOO_MANY):
        convex_store.memory.delete_messages([f"m{number}" for number in range(4200)])


def test_4000_ids_at_once_are_taken(convex_store: ConvexStore) -> None:
    convex_store.memory.save_messages(messages=[message("m3999"), message("stays")])

    convex_store.memory.delete_messages([f"m{number}" for number in range(4000)])

    assert ids_of(convex_store.memory.list_messages(thread_id="thread-1").messages) == ["stays"]


# A row that is deleted is read twice, by its id and by itself.  So a thread with more than some 2,000 messages cannot
# be deleted, as they all go in one call; nothing of it goes then.
@pytest.mark.diverges("read-limits")
def test_a_thread_with_too_many_messages_is_not_deleted(convex_store: ConvexStore, crowd: Crowd) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("long"))
    crowd.fill("mastra_messages", 2100, thread_id=crowd.own("long"))

    with pytest.raises(FunctionError, match=TOO_MANY):
        memory.delete_thread(thread_id="long")

    assert memory.get_thread_by_id(thread_id="long") is not None
    assert memory.list_messages(thread_id="long").total == 2100


def test_a_thread_with_1500_messages_is_deleted(convex_store: ConvexStore, crowd: Crowd) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("long"))
    crowd.fill("mastra_messages", 1500, thread_id=crowd.own("long"))

    memory.delete_thread(thread_id="long")

    assert memory.get_thread_by_id(thread_id="long") is None
    assert memory.list_messages(thread_id="long").total == 0


# The table is cleared 25 rows a call, so that no table is too large for it.
def test_a_table_is_cleared_some_rows_at_a_time(convex_deployment: Deployment, crowd: Crowd) -> None:
    crowd.fill("mastra_documents", 60, table=crowd.own("plugins"))

    more = [send(convex_deployment, "clearTable", "plugins")["hasMore"] for _ in range(3)]

    assert more == [True, True, False]
    assert send(convex_deployment, "queryTable", "plugins")["result"] == []


# Ten ids are all that are loaded at once; the store asks in tens.
def test_more_than_ten_ids_at_once_are_refused(convex_deployment: Deployment) -> None:
    with pytest.raises((FunctionError, StorageError), match="loadMany supports at most 10 ids per request"):
        send(convex_deployment, "loadMany", "mastra_messages", ids=[f"m{number}" for number in range(11)])


def test_25_messages_are_loaded(convex_store: ConvexStore) -> None:
    ids = [f"m{number:02}" for number in range(25)]
    convex_store.memory.save_messages(messages=[message(one) for one in ids])

    assert sorted(ids_of(convex_store.memory.list_messages_by_id(message_ids=ids))) == ids

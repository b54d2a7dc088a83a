"""Messages, one at a time: what is saved, changed, found by id and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexMemory, ConvexStore, Message, MessageUpdate, StorageError
from pytest_mastra_convex.conformance.records import (
    NOON,
    after_noon,
    ids_of,
    message,
    rows,
    send,
    store_at,
    text_content,
    thread,
)

MESSAGES = "mastra_messages"


@pytest.fixture
def memory(convex_store: ConvexStore) -> ConvexMemory:
    """The memory domain alone."""
    return convex_store.memory


def found(memory: ConvexMemory, thread_id: str = "thread-1") -> list[Message]:
    """All messages of a thread."""
    return memory.list_messages(thread_id=thread_id, per_page=False).messages


# Save


# What an agent with tools and attachments writes, in Mastra's format 2: every part comes back as it was.
def test_content_comes_back_as_it_was_saved(memory: ConvexMemory) -> None:
    invocation = {"toolCallId": "call-1", "toolName": "weather", "state": "result", "args": {"city": "Köln"}}
    content = {
        "format": 2,
        "parts": [
            {"type": "step-start"},
            {"type": "text", "text": "Sunny 🌞\n\ttoday"},
            {"type": "tool-invocation", "toolInvocation": {**invocation, "result": {"celsius": 21.5, "rain": None}}},
            {"type": "file", "mimeType": "image/png", "data": "iVBORw0KGgo="},
            {"type": "reasoning", "reasoning": "", "details": [{"type": "text", "text": "hm", "signature": "s"}]},
        ],
        "toolInvocations": [{**invocation, "result": {"celsius": 21.5, "rain": None}}],
        "experimental_attachments": [{"url": "data:text/plain,hi", "contentType": "text/plain"}],
        "metadata": {"score": 0.25, "nested": {"list": [1, None]}},
    }
    memory.save_messages(messages=[message("message-1", role="assistant", content=content)])

    assert found(memory) == [message("message-1", role="assistant", content=content)]


# mastra-ai/mastra#16110: schemas of tools have keys like `$schema`; inside content, which is JSON text, they are fine.
def test_reserved_keys_inside_content_are_kept(memory: ConvexMemory) -> None:
    arguments = {"$schema": "http://json-schema.org/draft-07/schema#", "$defs": {"ä": {"$ref": "#/x"}}}
    part = {"type": "tool-invocation", "toolInvocation": {"toolCallId": "c", "state": "call", "args": arguments}}
    memory.save_messages(messages=[message("message-1", content={"format": 2, "parts": [part]})])

    assert found(memory)[0].content["parts"] == [part]


# The answer is what was saved, oldest first, whatever order the messages were given in.
def test_saved_messages_are_answered_oldest_first(memory: ConvexMemory) -> None:
    saved = memory.save_messages(messages=[message(f"message-{n}", minutes=n) for n in (2, 3, 1)])

    assert ids_of(saved) == ["message-1", "message-2", "message-3"]


# An agent that said nothing saves nothing; no request must fail over an empty list.
def test_saving_no_messages_is_fine(memory: ConvexMemory) -> None:
    assert memory.save_messages(messages=[]) == []


# The check comes before the request: one bad message of two, and neither is stored.
@pytest.mark.parametrize(
    ("field", "text"), [("thread_id", "Thread ID is required"), ("resource_id", "Resource ID is required")]
)
def test_messages_without_thread_or_resource_are_refused(memory: ConvexMemory, field: str, text: str) -> None:
    bad = replace(message("bad"), thread_id=None) if field == "thread_id" else replace(message("bad"), resource_id=None)

    with pytest.raises(StorageError, match=text):
        memory.save_messages(messages=[message("good"), bad])

    assert found(memory) == []


# Streams save a message again as it grows: the row is overwritten, not added to.
def test_saving_again_overwrites(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("message-1", content=text_content("Hel"))])

    memory.save_messages(messages=[message("message-1", content=text_content("Hello"))])

    assert [one.content for one in found(memory)] == [text_content("Hello")]


# A message has one thread: saved under another one, it has left the first.
def test_saving_under_another_thread_moves_the_message(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("message-1", "thread-1")])

    memory.save_messages(messages=[message("message-1", "thread-2")])

    assert found(memory, "thread-1") == []
    assert ids_of(found(memory, "thread-2")) == ["message-1"]


# Lists of conversations show the last active one first; a thread that nobody saved is no reason to fail.
def test_saving_touches_every_thread_concerned(convex_deployment: Deployment) -> None:
    memory = store_at(convex_deployment, after_noon(30)).memory
    for thread_id in ("thread-1", "thread-2", "thread-3"):
        memory.save_thread(thread=thread(thread_id))

    memory.save_messages(messages=[message("a", "thread-1"), message("b", "thread-2"), message("c", "nowhere")])

    updated = {one.id: one.updated_at for one in memory.list_threads().threads}
    assert updated == {"thread-1": after_noon(30), "thread-2": after_noon(30), "thread-3": NOON}


# Messages that say no type are of the present format.
def test_the_type_is_v2_unless_given(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("a", type=None), message("b", type="text", minutes=1)])

    assert [one.type for one in found(memory)] == ["v2", "text"]


# Update


# Content is merged field by field, metadata key by key; what is not named stays.
def test_update_merges_content_and_its_metadata(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("message-1", content=text_content("old", {"kept": 1, "changed": 1}))])

    changes = {"content": "summary", "metadata": {"changed": {"a": 1}}}
    updated = memory.update_messages(messages=[MessageUpdate(id="message-1", content=changes)])

    expected = {**text_content("old"), "content": "summary", "metadata": {"kept": 1, "changed": {"a": 1}}}
    assert [one.content for one in updated] == [expected]
    assert found(memory) == updated


# Role, type, thread and resource are replaced; the message then belongs to the new thread alone.
def test_update_replaces_the_other_fields(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("message-1")])

    change = MessageUpdate(id="message-1", role="assistant", type="text", thread_id="thread-2", resource_id="other")
    memory.update_messages(messages=[change])

    expected = message("message-1", "thread-2", role="assistant", type="text", resource_id="other")
    assert found(memory, "thread-1") == []
    assert found(memory, "thread-2") == [expected]


# The thread a message leaves has changed as much as the one it comes to.
def test_update_touches_the_old_and_the_new_thread(convex_deployment: Deployment) -> None:
    memory = store_at(convex_deployment, NOON).memory
    for thread_id in ("thread-1", "thread-2", "thread-3"):
        memory.save_thread(thread=thread(thread_id))
    memory.save_messages(messages=[message("message-1", "thread-1")])

    later = store_at(convex_deployment, after_noon(30)).memory
    later.update_messages(messages=[MessageUpdate(id="message-1", thread_id="thread-2")])

    updated = {one.id: one.updated_at for one in memory.list_threads().threads}
    assert updated == {"thread-1": after_noon(30), "thread-2": after_noon(30), "thread-3": NOON}


# Ids nobody knows are left out of the answer, which follows the request and not the time.
def test_update_answers_in_the_order_of_the_request(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("a", minutes=1), message("b", minutes=2)])

    updated = memory.update_messages(messages=[MessageUpdate(id=name, role="system") for name in ("b", "gone", "a")])

    assert ids_of(updated) == ["b", "a"]


# Rows are loaded ten at a time and written back one by one: an eleventh needs a second request.
def test_update_of_eleven_messages(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message(f"message-{n:02}", minutes=n) for n in range(11)])

    updated = memory.update_messages(
        messages=[MessageUpdate(id=f"message-{n:02}", role="assistant") for n in range(11)]
    )

    assert len(updated) == 11
    assert {one.role for one in found(memory)} == {"assistant"}


# The loaded row goes back whole, `_id` and `_creationTime` included: the fraction of a millisecond must survive.
def test_update_leaves_the_system_fields_as_they_are(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("message-1")])
    before = send(convex_deployment, "load", MESSAGES, keys={"id": "message-1"})["result"]

    memory.update_messages(messages=[MessageUpdate(id="message-1", role="assistant")])

    after = send(convex_deployment, "load", MESSAGES, keys={"id": "message-1"})["result"]
    assert after == {**before, "role": "assistant"}


# Optional text columns refuse null: absent is not null.
def test_a_null_resource_is_refused(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("message-1")])

    with pytest.raises(FunctionError, match=r"mastra_messages|alidator"):
        memory.update_messages(messages=[MessageUpdate(id="message-1", resource_id=None)])

    assert found(memory) == [message("message-1")]


# By id


# Retrieval by meaning gives ids in order of likeness; the messages come oldest first, unknown ones left out.
def test_messages_by_id_come_oldest_first(memory: ConvexMemory) -> None:
    memory.save_messages(messages=[message("a", minutes=3), message("b", "thread-2", minutes=1)])

    listed = memory.list_messages_by_id(message_ids=["a", "gone", "b", "a"])

    assert ids_of(listed) == ["b", "a"]


# The handler takes ten ids at a time; the client must cut longer lists, and ask nothing for an empty one.
@pytest.mark.parametrize("count", [0, 1, 10, 11, 21])
def test_any_number_of_messages_by_id(memory: ConvexMemory, count: int) -> None:
    memory.save_messages(messages=[message(f"message-{n:02}", minutes=n) for n in range(21)])

    listed = memory.list_messages_by_id(message_ids=[f"message-{n:02}" for n in range(count)])

    assert ids_of(listed) == [f"message-{n:02}" for n in range(count)]


# Delete


# Missing ids and an empty list are fine; the thread and its time stay as they were.
def test_delete_takes_the_named_messages_only(convex_deployment: Deployment) -> None:
    memory = store_at(convex_deployment, NOON).memory
    memory.save_thread(thread=thread("thread-1"))
    memory.save_messages(messages=[message("a"), message("b", minutes=1)])

    later = store_at(convex_deployment, after_noon(30)).memory
    later.delete_messages(["a", "gone"])
    later.delete_messages([])

    assert ids_of(found(memory)) == ["b"]
    assert [one.updated_at for one in memory.list_threads().threads] == [NOON]


# One request deletes in batches of 25 behind the scenes: 50 is two full ones, 51 one row more.
@pytest.mark.parametrize("count", [50, 51])
def test_many_messages_are_deleted_at_once(convex_deployment: Deployment, memory: ConvexMemory, count: int) -> None:
    memory.save_messages(messages=[message(f"message-{n}", minutes=n) for n in range(count + 1)])

    memory.delete_messages([f"message-{n}" for n in range(count)])

    assert ids_of(rows(convex_deployment, MESSAGES)) == [f"message-{count}"]


# Unusual content


# Older versions stored plain text and lists of parts; whatever it is, it is JSON text on the deployment.
@pytest.mark.parametrize(
    "content",
    ["plain", [{"type": "text", "text": "part"}], {"format": 2, "parts": []}],
    ids=["text", "list", "no-parts"],
)
def test_content_of_every_form_is_listed_as_it_is(memory: ConvexMemory, content: Any) -> None:
    memory.save_messages(messages=[message("message-1", content=content)])

    assert found(memory)[0].content == content


# A row whose content is no JSON must not break the list of its thread.
def test_malformed_content_is_listed_as_text(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    record = {
        "id": "message-1",
        "thread_id": "thread-1",
        "content": "{not json",
        "role": "user",
        "type": "v2",
        "createdAt": "2026-11-21T12:00:00.000Z",
    }
    send(convex_deployment, "insert", MESSAGES, record=record)

    listed = found(memory)

    assert [(one.content, one.resource_id) for one in listed] == [("{not json", None)]

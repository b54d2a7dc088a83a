"""Threads, one at a time: what is saved, changed and deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError
from convex_mastra_emulator.stores import ConvexStore, MastraError
from pytest_mastra_convex.conformance.records import (
    NOON,
    after_noon,
    ids_of,
    message,
    rows,
    send,
    store_at,
    thread,
)

THREADS = "mastra_threads"


def thread_row(thread_id: str, **fields: Any) -> dict[str, Any]:
    """A row of the table, for what the store cannot be made to write."""
    times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}
    return {"id": thread_id, "resourceId": "resource-1", "title": "A title", **times, **fields}


# Save


# The first thing an agent with memory does; times have milliseconds on both sides and must not lose them.
def test_a_thread_is_read_as_it_was_saved(convex_store: ConvexStore) -> None:
    saved = thread("thread-1", title="Holidays", metadata={"tags": ["a", {"b": None}], "count": 3})
    convex_store.memory.save_thread(thread=saved)

    read = convex_store.memory.get_thread_by_id(thread_id="thread-1")

    assert read == saved


# JavaScript's dates end at the millisecond: a microsecond more is cut off, not rounded up into the next one.
def test_times_are_cut_to_milliseconds(convex_store: ConvexStore) -> None:
    moment = NOON + timedelta(microseconds=999_999)
    convex_store.memory.save_thread(thread=thread("thread-1", created_at=moment))

    read = convex_store.memory.get_thread_by_id(thread_id="thread-1")

    assert read is not None
    assert read.created_at == NOON + timedelta(milliseconds=999)


# Agents ask for a thread before they make it.
def test_a_thread_that_is_not_there_is_none(convex_store: ConvexStore) -> None:
    assert convex_store.memory.get_thread_by_id(thread_id="thread-1") is None


# A thread of somebody else must look as if it were not there; the empty text is a scope too, not "anybody".
@pytest.mark.parametrize(
    ("resource_id", "is_found"),
    [(None, True), ("resource-1", True), ("resource-2", False), ("", False)],
    ids=["unscoped", "own", "other", "empty"],
)
def test_a_thread_is_found_in_its_own_scope(convex_store: ConvexStore, resource_id: str | None, is_found: bool) -> None:
    convex_store.memory.save_thread(thread=thread("thread-1", "resource-1"))

    read = convex_store.memory.get_thread_by_id(thread_id="thread-1", resource_id=resource_id)

    assert (read is not None) is is_found


# New threads have no title yet; the empty text is one and must not become null.
def test_an_empty_title_stays_empty(convex_store: ConvexStore) -> None:
    convex_store.memory.save_thread(thread=thread("thread-1", title=""))

    read = convex_store.memory.get_thread_by_id(thread_id="thread-1")

    assert read is not None
    assert read.title == ""


# mastra-ai/mastra#11356: an absent title is not an empty one; the schema refuses the thread, and nothing is stored.
def test_a_thread_without_a_title_is_refused(convex_store: ConvexStore) -> None:
    with pytest.raises(FunctionError, match=r"required field .?title"):
        convex_store.memory.save_thread(thread=thread("thread-1", title=None))

    assert convex_store.memory.get_thread_by_id(thread_id="thread-1") is None


# `saveThread` puts `{}` where no metadata is given, so that later merges find an object.
def test_absent_metadata_become_an_empty_object(convex_store: ConvexStore) -> None:
    convex_store.memory.save_thread(thread=thread("thread-1", metadata=None))

    read = convex_store.memory.get_thread_by_id(thread_id="thread-1")

    assert read is not None
    assert read.metadata == {}


# The row is patched, not made anew: its place in lists by creation, and its `_id`, stay.
def test_saving_again_overwrites_the_same_row(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("thread-1", title="old", metadata={"old": 1}))
    before = memory.get_thread_by_id(thread_id="thread-1")

    memory.save_thread(thread=thread("thread-1", title="new", metadata={"new": 2}))

    after = memory.get_thread_by_id(thread_id="thread-1")
    assert before is not None
    assert after is not None
    assert (after.title, after.metadata) == ("new", {"new": 2})
    assert (after.convex_id, after.creation_time) == (before.convex_id, before.creation_time)
    assert memory.list_threads().total == 1


# Rows reach the user with `_id` and `_creationTime`, and come back with them: a patch takes them when unchanged.
def test_a_thread_can_be_saved_as_it_was_read(convex_store: ConvexStore) -> None:
    convex_store.memory.save_thread(thread=thread("thread-1"))
    read = convex_store.memory.get_thread_by_id(thread_id="thread-1")
    assert read is not None
    assert read.convex_id is not None

    convex_store.memory.save_thread(thread=read)

    again = convex_store.memory.get_thread_by_id(thread_id="thread-1")
    assert again is not None
    assert again.creation_time == read.creation_time


# mastra-ai/mastra#16110: metadata of threads travel as Convex values, where keys that start with `$` are reserved.
def test_reserved_keys_in_metadata_are_refused(convex_store: ConvexStore) -> None:
    with pytest.raises(EmulatorError, match=r"\$schema"):
        convex_store.memory.save_thread(thread=thread("thread-1", metadata={"$schema": "x"}))

    assert convex_store.memory.list_threads().total == 0


# Update


# The merge is shallow: an object inside metadata is replaced whole, keys beside it stay.
def test_update_merges_metadata(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("thread-1", metadata={"kept": 1, "changed": {"a": 1, "b": 2}}))

    updated = memory.update_thread(id="thread-1", title="new", metadata={"changed": {"a": 3}, "added": None})

    assert updated.title == "new"
    assert updated.metadata == {"kept": 1, "changed": {"a": 3}, "added": None}
    assert memory.get_thread_by_id(thread_id="thread-1") == updated


# Lists by `updatedAt` show what was changed last; when the thread began does not change.
def test_update_moves_only_the_time_of_update(convex_deployment: Deployment) -> None:
    store_at(convex_deployment, NOON).memory.save_thread(thread=thread("thread-1"))

    updated = store_at(convex_deployment, after_noon(5)).memory.update_thread(id="thread-1", title="t", metadata={})

    assert (updated.created_at, updated.updated_at) == (NOON, after_noon(5))


# Callers tell a missing thread by the error's id and category.
def test_update_of_a_missing_thread_is_refused(convex_store: ConvexStore) -> None:
    with pytest.raises(MastraError, match="Thread thread-1 not found") as refused:
        convex_store.memory.update_thread(id="thread-1", title="t", metadata={})

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND"
    assert refused.value.category == "USER"
    assert convex_store.memory.list_threads().total == 0


# A defect of 1.5.2, repaired in 1.5.3: an absent title reaches the server as the removal of a required field.
def test_update_without_a_title_is_refused(convex_store: ConvexStore) -> None:
    convex_store.memory.save_thread(thread=thread("thread-1", title="kept"))

    with pytest.raises(FunctionError, match="title"):
        convex_store.memory.update_thread(id="thread-1", metadata={"a": 1})

    read = convex_store.memory.get_thread_by_id(thread_id="thread-1")
    assert read is not None
    assert (read.title, read.metadata) == ("kept", {})


# Older versions stored metadata as JSON text, sometimes text of text; what is malformed, or no object, is dropped.
@pytest.mark.parametrize(
    ("stored", "merged"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ('{"a":1}', {"a": 1, "b": 2}),
        ('"{\\"a\\":1}"', {"a": 1, "b": 2}),
        ("{malformed", {"b": 2}),
        ("[1]", {"b": 2}),
        ([1], {"b": 2}),
        (None, {"b": 2}),
    ],
    ids=["object", "text", "text-of-text", "malformed", "text-of-a-list", "list", "null"],
)
def test_update_reads_stored_metadata_of_any_kind(convex_deployment: Deployment, stored: Any, merged: Any) -> None:
    send(convex_deployment, "insert", THREADS, record=thread_row("thread-1", metadata=stored))

    updated = ConvexStore(convex_deployment).memory.update_thread(id="thread-1", title="t", metadata={"b": 2})

    assert updated.metadata == merged


# The operation belongs to one table; on another the handler says so and does nothing.
def test_update_thread_is_for_threads_only(convex_deployment: Deployment) -> None:
    answer = send(
        convex_deployment, "updateThread", "mastra_resources", id="thread-1", title="t", metadata={}, updatedAt="now"
    )

    assert answer["ok"] is False
    assert answer["error"] == "Unsupported operation updateThread for table mastra_resources"


# Delete and move


# A conversation goes with its messages; another thread of the same resource keeps its own.
def test_delete_takes_the_messages_along(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    for thread_id in ("thread-1", "thread-2"):
        memory.save_thread(thread=thread(thread_id))
        memory.save_messages(messages=[message(f"{thread_id}-{n}", thread_id, minutes=n) for n in range(3)])

    memory.delete_thread(thread_id="thread-1")

    assert ids_of(memory.list_threads().threads) == ["thread-2"]
    assert memory.list_messages(thread_id="thread-1").total == 0
    assert memory.list_messages(thread_id="thread-2").total == 3


# Deletes are repeated when a connection fails, so the second one must be none the worse.
def test_deleting_a_missing_thread_is_no_error(convex_store: ConvexStore) -> None:
    convex_store.memory.save_thread(thread=thread("thread-1"))

    convex_store.memory.delete_thread(thread_id="thread-2")

    assert convex_store.memory.list_threads().total == 1


# A guest signs in: the conversation becomes the user's, messages included.
def test_a_thread_moves_to_another_resource_with_its_messages(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("thread-1", "guest"))
    memory.save_messages(messages=[message("message-1", resource_id="guest")])

    memory.update_thread_resource_id(thread_id="thread-1", resource_id="user")

    assert memory.get_thread_by_id(thread_id="thread-1", resource_id="guest") is None
    assert ids_of(memory.list_messages_by_resource_id(resource_id="user").messages) == ["message-1"]


# Deletes go 25 rows a call: 26 threads need a second one.
@pytest.mark.parametrize("count", [25, 26])
def test_clearing_everything_leaves_nothing(convex_deployment: Deployment, count: int) -> None:
    send(convex_deployment, "batchInsert", THREADS, records=[thread_row(f"thread-{n}") for n in range(count)])

    ConvexStore(convex_deployment).memory.dangerously_clear_all()

    assert rows(convex_deployment, THREADS) == []

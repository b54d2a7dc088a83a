"""Resources and their working memory."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError
from convex_mastra_emulator.stores import ConvexMemory, ConvexStore, Resource
from pytest_mastra_convex.conformance.records import NOON, after_noon, send, store_at

RESOURCES = "mastra_resources"


@pytest.fixture
def memory(convex_store: ConvexStore) -> ConvexMemory:
    """The memory domain alone."""
    return convex_store.memory


def resource(**fields: Any) -> Resource:
    """The resource `user-1` with a working memory and metadata."""
    given = {"working_memory": "# Ann\n- likes tea", "metadata": {"plan": "free"}, **fields}
    return Resource(id="user-1", created_at=NOON, updated_at=NOON, **given)


# Working memory is Markdown or JSON in a text; nothing about it may change on the way.
def test_a_resource_is_read_as_it_was_saved(memory: ConvexMemory) -> None:
    memory.save_resource(resource=resource(metadata={"plan": "free", "seats": [1, {"a": None}]}))

    read = memory.get_resource_by_id(resource_id="user-1")

    assert read == resource(metadata={"plan": "free", "seats": [1, {"a": None}]})


# A user who was never here before.
def test_a_resource_that_is_not_there_is_none(memory: ConvexMemory) -> None:
    assert memory.get_resource_by_id(resource_id="user-1") is None


# The empty text is a working memory that was emptied; none at all is another thing.
@pytest.mark.parametrize("working_memory", ["", None], ids=["empty", "none"])
def test_empty_and_absent_working_memory_differ(memory: ConvexMemory, working_memory: str | None) -> None:
    memory.save_resource(resource=resource(working_memory=working_memory))

    read = memory.get_resource_by_id(resource_id="user-1")

    assert read is not None
    assert read.working_memory == working_memory


# Callers read keys of metadata without looking first whether there are any.
def test_absent_metadata_read_as_an_empty_object(memory: ConvexMemory) -> None:
    memory.save_resource(resource=resource(metadata=None))

    read = memory.get_resource_by_id(resource_id="user-1")

    assert read is not None
    assert read.metadata == {}


# Saving patches the row: what is not sent stays, unlike with a real replacement.
def test_saving_again_leaves_what_is_absent(memory: ConvexMemory) -> None:
    memory.save_resource(resource=resource())

    memory.save_resource(resource=resource(working_memory="new", metadata=None))

    read = memory.get_resource_by_id(resource_id="user-1")
    assert read is not None
    assert (read.working_memory, read.metadata) == ("new", {"plan": "free"})


# Each half of an update leaves the other half alone; metadata are merged shallowly.
@pytest.mark.parametrize(
    ("changes", "working_memory", "metadata"),
    [
        ({"working_memory": "new"}, "new", {"plan": "free"}),
        ({"working_memory": ""}, "", {"plan": "free"}),
        ({"metadata": {"seats": 2}}, "# Ann\n- likes tea", {"plan": "free", "seats": 2}),
        ({"metadata": {"plan": None}}, "# Ann\n- likes tea", {"plan": None}),
        ({}, "# Ann\n- likes tea", {"plan": "free"}),
    ],
    ids=["memory", "empty-memory", "metadata", "null", "nothing"],
)
def test_update_changes_what_is_given(
    memory: ConvexMemory, changes: dict[str, Any], working_memory: str, metadata: dict[str, Any]
) -> None:
    memory.save_resource(resource=resource())

    updated = memory.update_resource(resource_id="user-1", **changes)

    assert (updated.working_memory, updated.metadata) == (working_memory, metadata)
    assert memory.get_resource_by_id(resource_id="user-1") == updated


# The first message of a new user updates a resource nobody made.
def test_update_creates_a_missing_resource(convex_deployment: Deployment) -> None:
    memory = store_at(convex_deployment, after_noon(5)).memory

    created = memory.update_resource(resource_id="user-1", working_memory="new")

    expected = Resource(
        id="user-1", working_memory="new", metadata={}, created_at=after_noon(5), updated_at=after_noon(5)
    )
    assert created == expected
    assert created.convex_id is None
    assert memory.get_resource_by_id(resource_id="user-1") == expected


# When the user first came does not change; when the memory last changed does.
def test_update_moves_only_the_time_of_update(convex_deployment: Deployment) -> None:
    store_at(convex_deployment, NOON).memory.save_resource(resource=resource())

    updated = store_at(convex_deployment, after_noon(5)).memory.update_resource(resource_id="user-1")

    assert (updated.created_at, updated.updated_at) == (NOON, after_noon(5))


# Two agents of one user write at once: one the memory, one the metadata, and neither is lost.
def test_alternating_updates_keep_each_others_fields(memory: ConvexMemory) -> None:
    for number in range(3):
        memory.update_resource(resource_id="user-1", working_memory=f"memory {number}")
        memory.update_resource(resource_id="user-1", metadata={f"key_{number}": number})

    read = memory.get_resource_by_id(resource_id="user-1")
    assert read is not None
    assert (read.working_memory, read.metadata) == ("memory 2", {"key_0": 0, "key_1": 1, "key_2": 2})


# Working memories grow: ten kilobytes, not only ASCII.
def test_a_long_working_memory(memory: ConvexMemory) -> None:
    text = "Grüße 🙂\n" * 800

    memory.update_resource(resource_id="user-1", working_memory=text)

    read = memory.get_resource_by_id(resource_id="user-1")
    assert read is not None
    assert read.working_memory == text


# The column is optional text: absent is fine, null is not.
def test_a_null_working_memory_is_refused(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}

    with pytest.raises(FunctionError, match=r"mastra_resources|alidator"):
        send(convex_deployment, "updateResource", RESOURCES, resourceId="user-1", workingMemory=None, **times)

    assert memory.get_resource_by_id(resource_id="user-1") is None


# mastra-ai/mastra#16110: metadata travel as Convex values, where keys that start with `$` are reserved.
def test_reserved_keys_in_metadata_are_refused(memory: ConvexMemory) -> None:
    memory.save_resource(resource=resource())

    with pytest.raises(EmulatorError, match=r"\$ref"):
        memory.update_resource(resource_id="user-1", metadata={"nested": {"$ref": "x"}})

    assert memory.get_resource_by_id(resource_id="user-1") == resource()


# The operation belongs to one table.
def test_update_resource_is_for_resources_only(convex_deployment: Deployment) -> None:
    answer = send(
        convex_deployment, "updateResource", "mastra_threads", resourceId="user-1", createdAt="x", updatedAt="x"
    )

    assert answer == {"ok": False, "error": "Unsupported operation updateResource for table mastra_threads"}

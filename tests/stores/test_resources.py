"""Resources, as the Python store reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.resources import ConvexResources, Resource
from convex_mastra_emulator.stores.storage_client import StorageClient
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


def on(deployment: Any) -> ConvexResources:
    return ConvexResources(StorageClient(deployment, clock=lambda: LATER))


def resource(id: str, **fields: Any) -> Resource:
    return Resource(id=id, **{"created_at": NOON, "updated_at": NOON, **fields})


def test_missing_resource_is_none() -> None:
    assert on(Emulator()).get_resource_by_id(resource_id="absent") is None


def test_saved_resource_is_read_back() -> None:
    resources = on(Emulator())
    saved = resource("a", working_memory="Memory", metadata={"a": {"b": 1}})

    assert resources.save_resource(resource=saved) is saved
    assert resources.get_resource_by_id(resource_id="a") == saved


def test_missing_metadata_read_as_an_object() -> None:
    resources = on(Emulator())
    resources.save_resource(resource=resource("a"))

    assert resources.get_resource_by_id(resource_id="a") == resource("a", metadata={})


# No working memory and an emptied one are not the same to an agent.
@pytest.mark.parametrize("working_memory", [None, ""])
def test_empty_and_absent_memory_differ(working_memory: str | None) -> None:
    resources = on(Emulator())
    resources.save_resource(resource=resource("a", working_memory=working_memory))

    assert resources.get_resource_by_id(resource_id="a") == resource("a", working_memory=working_memory, metadata={})


def test_saving_again_keeps_what_is_not_sent() -> None:
    resources = on(Emulator())
    resources.save_resource(resource=resource("a", working_memory="Memory", metadata={"a": 1}))
    resources.save_resource(resource=resource("a", updated_at=LATER))

    expected = resource("a", working_memory="Memory", metadata={"a": 1}, updated_at=LATER)
    assert resources.get_resource_by_id(resource_id="a") == expected


@pytest.mark.parametrize(
    ("changes", "working_memory", "metadata"),
    [
        ({}, "Memory", {"a": 1}),
        ({"working_memory": ""}, "", {"a": 1}),
        ({"metadata": {"b": 2}}, "Memory", {"a": 1, "b": 2}),
        ({"metadata": {"a": None}}, "Memory", {"a": None}),
    ],
)
def test_update_changes_what_is_given(changes: Any, working_memory: str, metadata: Any) -> None:
    resources = on(Emulator())
    resources.save_resource(resource=resource("a", working_memory="Memory", metadata={"a": 1}))

    updated = resources.update_resource(resource_id="a", **changes)

    assert updated == resource("a", working_memory=working_memory, metadata=metadata, updated_at=LATER)
    assert resources.get_resource_by_id(resource_id="a") == updated


def test_update_creates_a_missing_resource() -> None:
    resources = on(Emulator())

    created = resources.update_resource(resource_id="new", working_memory="Memory")

    assert created == Resource(id="new", working_memory="Memory", metadata={}, created_at=LATER, updated_at=LATER)
    assert resources.get_resource_by_id(resource_id="new") == created


def test_update_sends_only_what_is_given() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).update_resource(resource_id="a")

    assert recording.arguments == [
        {
            "op": "updateResource",
            "tableName": "mastra_resources",
            "resourceId": "a",
            "createdAt": "2026-01-03T00:00:00.000Z",
            "updatedAt": "2026-01-03T00:00:00.000Z",
        }
    ]


def test_resource_that_was_read_can_be_saved() -> None:
    resources = on(Emulator())
    resources.save_resource(resource=resource("a", metadata={}))
    read = resources.get_resource_by_id(resource_id="a")
    assert read is not None
    assert read.convex_id

    resources.save_resource(resource=read)

    assert resources.get_resource_by_id(resource_id="a") == read


def test_metadata_stored_as_text_are_parsed() -> None:
    resources = on(Emulator())
    resources.save_resource(resource=resource("a", metadata='{"a":1}'))

    assert resources.get_resource_by_id(resource_id="a") == resource("a", metadata={"a": 1})

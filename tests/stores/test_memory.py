"""What the memory domain does across threads, messages, resources and observational memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.memory import ConvexMemory
from convex_mastra_emulator.stores.message_rows import Message
from convex_mastra_emulator.stores.resources import Resource
from convex_mastra_emulator.stores.storage_client import StorageClient
from convex_mastra_emulator.stores.threads import Thread
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


def on(deployment: Any) -> ConvexMemory:
    return ConvexMemory(StorageClient(deployment, clock=lambda: LATER))


def message(id: str, resource_id: str) -> Message:
    return Message(
        id=id,
        thread_id="t",
        resource_id=resource_id,
        role="user",
        type="v2",
        content={"format": 2, "parts": []},
        created_at=NOON,
    )


def filled(deployment: Any, thread_count: int = 1) -> ConvexMemory:
    memory = on(deployment)
    for number in range(thread_count):
        id = f"t{number or ''}"
        memory.save_thread(thread=Thread(id=id, resource_id="r", title="T", created_at=NOON, updated_at=NOON))
    memory.save_messages(messages=[message("a", "r"), message("b", "other")])
    memory.save_resource(resource=Resource(id="r", metadata={}, created_at=NOON, updated_at=NOON))
    memory.initialize_observational_memory(thread_id="t", resource_id="r", scope="thread", config={})
    return memory


def test_memory_supports_observational_memory() -> None:
    assert ConvexMemory.supports_observational_memory


def test_init_sends_nothing() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).init()

    assert recording.requests == []


# 26 rows are one more than a deployment deletes in one call.
def test_clearing_empties_every_table() -> None:
    emulator = Emulator()
    recording = RecordingDeployment(emulator)
    memory = filled(emulator, 26)

    on(recording).dangerously_clear_all()

    assert emulator.table_counts() == {}
    assert memory.list_threads().total == 0
    assert [one["tableName"] for one in recording.arguments] == [
        "mastra_threads",
        "mastra_threads",
        "mastra_messages",
        "mastra_resources",
        "mastra_observational_memory",
    ]


def test_thread_moves_with_its_messages() -> None:
    memory = filled(Emulator())

    moved = memory.update_thread_resource_id(thread_id="t", resource_id="other")

    assert (moved.resource_id, moved.created_at, moved.updated_at) == ("other", NOON, LATER)
    assert memory.get_thread_by_id(thread_id="t", resource_id="other") == moved
    found = memory.list_messages(thread_id="t").messages
    assert [(one.id, one.resource_id) for one in found] == [("a", "other"), ("b", "other")]


def test_thread_that_is_there_already_does_not_move() -> None:
    recording = RecordingDeployment(Emulator())
    memory = filled(recording)
    recording.requests.clear()

    moved = memory.update_thread_resource_id(thread_id="t", resource_id="r")

    assert moved.resource_id == "r"
    assert recording.operations == ["load"]


def test_missing_thread_cannot_move() -> None:
    with pytest.raises(StorageError, match='Thread "absent" not found'):
        on(Emulator()).update_thread_resource_id(thread_id="absent", resource_id="r")

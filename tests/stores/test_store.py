"""The store: its domains, and on what they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import convex_mastra_emulator.stores
from convex_mastra_emulator import Emulator, connect
from convex_mastra_emulator.server import serve
from convex_mastra_emulator.stores import ConvexStore, MastraError, StorageError, Thread
from convex_mastra_emulator.stores.background_tasks import ConvexBackgroundTasks
from convex_mastra_emulator.stores.channels import ConvexChannels
from convex_mastra_emulator.stores.memory import ConvexMemory
from convex_mastra_emulator.stores.schedules import ConvexSchedules
from convex_mastra_emulator.stores.scores import ConvexScores
from convex_mastra_emulator.stores.workflows import ConvexWorkflows
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
THREAD = Thread(id="t", resource_id="r", title="T", metadata={"a": 1}, created_at=NOON, updated_at=NOON)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("memory", ConvexMemory),
        ("workflows", ConvexWorkflows),
        ("scores", ConvexScores),
        ("background_tasks", ConvexBackgroundTasks),
        ("schedules", ConvexSchedules),
        ("channels", ConvexChannels),
    ],
)
def test_domains_have_their_names(name: Any, kind: type[Any]) -> None:
    store = ConvexStore(Emulator())

    assert type(store.get_store(name)) is kind
    assert store.get_store(name) is getattr(store, name)


# `@mastra/convex` 1.5.2 has none, and Mastra takes undefined for "no tracing".
def test_there_is_no_observability() -> None:
    store: Any = ConvexStore(Emulator())

    assert store.get_store("observability") is None


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    store: Any = ConvexStore(Emulator())

    with pytest.raises(ValueError, match=r"no store is called 'backgroundTasks'; there are memory, .*background_tasks"):
        store.get_store("backgroundTasks")


def test_store_sends_nothing_until_asked() -> None:
    recording = RecordingDeployment(Emulator())

    store = ConvexStore(recording, id="mine")
    store.init()

    assert store.id == "mine"
    assert recording.requests == []


def test_domains_share_path_clock_and_ids() -> None:
    recording = RecordingDeployment(Emulator())
    store = ConvexStore(recording, storage_function="mastra/storage:handle", clock=lambda: NOON, new_id=lambda: "id-1")

    store.memory.initialize_observational_memory(thread_id="t", resource_id="r", scope="thread", config={})

    record = recording.arguments[0]["record"]
    assert (record["id"], record["createdAt"]) == ("id-1", "2026-01-02T12:00:00.000Z")


def test_new_ids_differ() -> None:
    store = ConvexStore(Emulator())

    created = [
        store.memory.initialize_observational_memory(thread_id=id, resource_id="r", scope="thread", config={}).id
        for id in "ab"
    ]

    assert len({*created}) == 2


# Design §5: the same class, the same calls, whatever it runs on.
def test_store_is_the_same_over_http() -> None:
    emulator = Emulator()
    with serve(emulator) as served, connect(served.url, served.admin_key) as deployment:
        remote = ConvexStore(deployment)
        remote.memory.save_thread(thread=THREAD)

        assert remote.memory.get_thread_by_id(thread_id="t") == THREAD
        assert ConvexStore(emulator).memory.list_threads().threads == [THREAD]
        with pytest.raises(MastraError, match="Thread absent not found"):
            remote.memory.update_thread(id="absent", title="T", metadata={})
        with pytest.raises(StorageError, match="Workflow snapshot not found for runId absent"):
            remote.workflows.update_workflow_state(workflow_name="w", run_id="absent", opts={})


def test_every_public_name_is_there() -> None:
    stores = convex_mastra_emulator.stores

    assert stores.__all__
    assert [name for name in stores.__all__ if not hasattr(stores, name)] == []

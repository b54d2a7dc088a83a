"""The stores answer on a shared deployment as on one of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from convex_mastra_emulator import Deployment, Emulator, ManualClock
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector, Message, Thread
from convex_mastra_emulator.stores.threads import ThreadFilter
from pytest_mastra_convex.isolation import IsolatedDeployment
from tests.plugin.shared_deployment import OTHER, OWN, all_rows, put_foreign_rows, shared_schema

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def play_stores(deployment: Deployment) -> list[Any]:
    """What the stores answer to a day's work: memory, workflows, scores, channels, vectors, cache."""
    store = ConvexStore(deployment, clock=lambda: NOON)
    thread = Thread(id="t", resource_id="r", title="T", metadata={"a": 1}, created_at=NOON, updated_at=NOON)
    store.memory.save_thread(thread=thread)
    contents = {"format": 2, "parts": [{"type": "text", "text": "hello"}]}
    messages = [
        Message(
            id=f"m{number}",
            thread_id="t",
            resource_id="r",
            role="user",
            type="v2",
            content=contents,
            created_at=NOON + timedelta(minutes=number),
        )
        for number in range(45)
    ]
    store.memory.save_messages(messages=messages)
    pages = [store.memory.list_messages(thread_id="t", page=page) for page in (0, 1)]
    updated = store.memory.update_thread(id="t", title="U", metadata={"b": 2})
    store.workflows.persist_workflow_snapshot(workflow_name="w", run_id="r", snapshot={"context": {}})
    runs = store.workflows.list_workflow_runs()
    vectors = ConvexVector(deployment)
    vectors.create_index("docs", dimension=2)
    vectors.upsert("docs", vectors=[[1, 0], [0, 1]], ids=["a", "b"], metadata=[{"n": 1}, {"n": 2}])
    cache = ConvexServerCache(deployment)
    cache.list_push("list", "a")
    return [
        [[message.id for message in page.messages] for page in pages],
        (updated.title, updated.metadata, updated.id, updated.resource_id),
        [thread.id for thread in store.memory.list_threads().threads],
        [(run.workflow_name, run.run_id) for run in runs.runs],
        vectors.list_indexes(),
        vectors.describe_index("docs"),
        vectors.query("docs", query_vector=[1, 0], filter={"n": {"$gt": 0}}),
        [cache.increment("count"), cache.list_from_to("list", 0)],
        store.memory.list_threads(filter=ThreadFilter(resource_id="r")).total,
    ]


def test_stores_answer_as_on_a_deployment_of_ones_own(emulator: Emulator, clock: ManualClock) -> None:
    alone = play_stores(emulator)
    with Emulator(shared_schema(), seed=1, clock=clock) as shared:
        put_foreign_rows(shared)
        before = all_rows(shared)
        users = [IsolatedDeployment(shared, prefix) for prefix in (OTHER, OWN)]

        answers = [play_stores(user) for user in users]
        for user in users:
            user.clean_up()

        assert answers == [alone, alone]
        assert all_rows(shared) == before

"""A deployment full of records: how many, which, and in requests of what size."""

import json
import re
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, Limits
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector
from pytest_mastra_convex.factories import Filled, MastraFactory
from pytest_mastra_convex.factories.rows import RECORDS_PER_REQUEST, RowCollector
from tests.stores.recording import RecordingDeployment

# One of each and another one, so that nothing is overwritten.
TWO_OF_EACH: dict[str, Any] = {field.name: 2 for field in fields(Filled)}


def rows_of(emulator: Emulator, table: str) -> list[dict[str, Any]]:
    request = {"op": "queryTable", "tableName": table}
    rows: list[dict[str, Any]] = emulator.mutation("mastra/storage:handle", request)["result"]
    return rows


def test_two_of_each_are_stored() -> None:
    emulator = Emulator()

    filled = MastraFactory(emulator, "a").fill(**TWO_OF_EACH)

    store = ConvexStore(emulator)
    assert filled.counts == TWO_OF_EACH
    assert all(store.memory.get_resource_by_id(resource_id=id) for id in filled.resources)
    assert [store.memory.list_messages(thread_id=id).total for id in filled.threads] == [1, 1]
    assert [message.id for message in store.memory.list_messages_by_id(message_ids=filled.messages)] == [
        *filled.messages
    ]
    assert [row["id"] for row in rows_of(emulator, "mastra_observational_memory")] == [*filled.observational_memories]
    assert all(store.workflows.get_workflow_run_by_id(run_id=id) for id in filled.workflow_snapshots)
    assert all(store.scores.get_score_by_id(id=id) for id in filled.scores)
    assert [len(store.schedules.list_triggers(id)) for id in filled.schedules] == [1, 1]
    assert [row["id"] for row in rows_of(emulator, "mastra_schedule_triggers")] == [*filled.schedule_triggers]
    assert all(store.background_tasks.get_task(id) for id in filled.background_tasks)
    assert all(store.channels.get_installation(id) for id in filled.channel_installations)
    assert all(store.channels.get_config(platform) for platform in filled.channel_configs)
    assert ConvexVector(emulator).describe_index("factory").count == 2
    assert all(ConvexServerCache(emulator).get(key) for key in filled.cache_entries)


def test_same_seed_fills_with_the_same_requests() -> None:
    def requests_of(seed: str) -> str:
        recorded = RecordingDeployment(Emulator())
        MastraFactory(recorded, seed).fill(**TWO_OF_EACH)
        return json.dumps(recorded.requests)

    assert requests_of("a") == requests_of("a")
    assert requests_of("a") != requests_of("b")


def test_second_fill_adds_to_the_first() -> None:
    emulator = Emulator()
    factory = MastraFactory(emulator, "a")

    filled = [factory.fill(**TWO_OF_EACH) for _ in range(2)]

    assert not set(filled[0].messages) & set(filled[1].messages)
    assert ConvexStore(emulator).memory.list_threads().total == 4
    assert ConvexVector(emulator).describe_index("factory").count == 4


def test_last_page_of_thousands_of_messages_is_right() -> None:
    emulator = Emulator()

    filled = MastraFactory(emulator, "a").fill(threads=2, messages=12_000)

    memory = ConvexStore(emulator).memory
    assert filled.counts == {"threads": 2, "messages": 12_000}
    page = memory.list_messages(thread_id=filled.threads[1], per_page=40, page=149)
    assert (page.total, page.has_more) == (6000, False)
    assert [message.id for message in page.messages] == [*filled.messages[-79::2]]


# `queryTable` of `@mastra/convex` 1.5.2 reads 10,000 rows and returns them at once, which a deployment refuses: a list
# may have 8,192 items (convex-engine.md §0), and a page is what the client cuts out of all of them.
def test_fill_makes_a_thread_that_cannot_be_listed() -> None:
    emulator = Emulator()

    filled = MastraFactory(emulator, "a").fill(messages=8193)

    memory = ConvexStore(emulator).memory
    with pytest.raises(FunctionError, match=re.escape("Array length is too long (8193 > maximum length 8192)")):
        memory.list_messages(thread_id=filled.threads[0], per_page=1)


def test_messages_go_to_threads_in_turn() -> None:
    emulator = Emulator()

    filled = MastraFactory(emulator, "a").fill(threads=3, messages=301)

    memory = ConvexStore(emulator).memory
    assert [memory.list_messages(thread_id=id).total for id in filled.threads] == [101, 100, 100]
    page = memory.list_messages(thread_id=filled.threads[0], per_page=40, page=2)
    assert [message.id for message in page.messages] == [*filled.messages[240::3]]
    assert not page.has_more
    assert {message.role for message in page.messages} == {"user", "assistant", "tool"}


# As `saveMessages` does it: a thread is as new as its last message.
def test_threads_are_updated_after_their_messages() -> None:
    emulator = Emulator()

    filled = MastraFactory(emulator, "a").fill(threads=1, messages=3)

    memory = ConvexStore(emulator).memory
    thread = memory.get_thread_by_id(thread_id=filled.threads[0])
    said_last: datetime = memory.list_messages(thread_id=filled.threads[0]).messages[-1].created_at
    assert thread is not None
    assert thread.updated_at > said_last > thread.created_at


def test_threads_belong_to_resources_in_turn() -> None:
    emulator = Emulator()

    filled = MastraFactory(emulator, "a").fill(resources=2, threads=3)

    threads = ConvexStore(emulator).memory.list_threads(per_page=False).threads
    owner = {thread.id: thread.resource_id for thread in threads}
    first, second = filled.resources
    assert [owner[id] for id in filled.threads] == [first, second, first]


def test_triggers_need_a_schedule() -> None:
    assert MastraFactory(Emulator(), "a").fill(schedule_triggers=3).counts == {"schedules": 1, "schedule_triggers": 3}


def test_fill_with_nothing_asks_for_nothing() -> None:
    recorded = RecordingDeployment(Emulator())

    assert MastraFactory(recorded, "a").fill() == Filled()
    assert recorded.requests == []


def test_requests_end_at_a_thousand_records() -> None:
    recorded = RecordingDeployment(Emulator())

    MastraFactory(recorded, "a").fill(scores=RECORDS_PER_REQUEST + 1)

    assert [len(arguments["records"]) for arguments in recorded.arguments] == [RECORDS_PER_REQUEST, 1]


# The emulator holds each call against the limits of the hosted service; these leave room four times over.
def test_requests_stay_far_below_the_limits() -> None:
    usual = Limits()
    limits = Limits(
        documents_read_max=usual.documents_read_max // 4,
        read_ranges_max=usual.read_ranges_max // 4,
        documents_written_max=usual.documents_written_max // 4,
        read_size_max=usual.read_size_max // 4,
        written_size_max=usual.written_size_max // 2,
        arguments_size_max=usual.arguments_size_max // 2,
    )
    kinds: dict[str, Any] = dict.fromkeys(set(TWO_OF_EACH) - {"cache_entries", "channel_configs", "vectors"}, 1200)

    filled = MastraFactory(Emulator(limits=limits), "a").fill(**kinds, vectors=600, dimension=1536)

    assert filled.counts == {**kinds, "vectors": 600}


# Numbers are the longest as text: `-0.12345678901234567` has twenty letters for nine bytes.
def test_requests_with_large_vectors_are_split() -> None:
    recorded = RecordingDeployment(Emulator())

    MastraFactory(recorded, "a").fill(vectors=250, dimension=4096, index_name="large")

    sizes = [len(json.dumps(request["args"])) for request in recorded.requests]
    assert len(sizes) == 1 + 3
    assert max(sizes) < Limits().request_body_size_max
    assert ConvexVector(recorded.deployment).describe_index("large").count == 250


@pytest.mark.parametrize("arguments", [{"messages": -1}, {"scores": -1}, {"vectors": 1, "dimension": 0}])
def test_bad_numbers_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must not be negative, and dimension at least 1"):
        MastraFactory(Emulator(), "a").fill(**arguments)


def test_only_writes_can_be_gathered() -> None:
    collector = RowCollector()

    with pytest.raises(NotImplementedError, match="deleteMany is nothing that can be gathered"):
        collector.mutation("mastra/storage:handle", {"op": "deleteMany", "tableName": "mastra_threads", "ids": []})
    with pytest.raises(NotImplementedError, match="nativeVector:read is nothing that can be gathered"):
        collector.query("mastra/nativeVector:read", {})

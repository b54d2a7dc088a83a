"""Observational memory, as the Python store reads and writes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.stores.errors import MastraError
from convex_mastra_emulator.stores.observational_memory import ConvexObservationalMemory
from convex_mastra_emulator.stores.observational_records import (
    ActivatedChunk,
    BufferedActivation,
    BufferedObservationChunk,
    BufferedObservationChunkInput,
    ObservationalMemoryRecord,
)
from convex_mastra_emulator.stores.storage_client import StorageClient
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)
CHUNK = BufferedObservationChunkInput(
    cycle_id="c1",
    observations="Saw it",
    token_count=20,
    message_ids=["m1", "m2"],
    message_tokens=600,
    last_observed_at=NOON,
)
RICH_CHUNK = replace(
    CHUNK,
    cycle_id="c2",
    suggested_continuation="Go on",
    current_task="Look",
    thread_title="Seeing",
    extracted_values={"mood": "calm", "half": 0.5},
    extraction_failures=[{"slug": "mood", "error": "no"}],
)
NOTHING_ACTIVATED = BufferedActivation(
    chunks_activated=0,
    message_tokens_activated=0,
    observation_tokens_activated=0,
    messages_activated=0,
    activated_cycle_ids=[],
    activated_message_ids=[],
)


def on(deployment: Any) -> ConvexObservationalMemory:
    ids = (f"id-{number}" for number in range(1, 100))
    return ConvexObservationalMemory(StorageClient(deployment, clock=lambda: LATER, new_id=lambda: next(ids)))


def record(**fields: Any) -> ObservationalMemoryRecord:
    given = {"id": "om", "scope": "thread", "thread_id": "t", "resource_id": "r", "created_at": NOON}
    return ObservationalMemoryRecord(**{**given, "updated_at": NOON, **fields})


def with_record(**fields: Any) -> ConvexObservationalMemory:
    memory = on(Emulator())
    memory.insert_observational_memory_record(record(**fields))
    return memory


def latest(memory: ConvexObservationalMemory) -> ObservationalMemoryRecord:
    found = memory.get_observational_memory("t", "r")
    assert found is not None
    return found


def test_missing_memory_is_none() -> None:
    assert on(Emulator()).get_observational_memory("t", "r") is None
    assert on(Emulator()).get_observational_memory_history("t", "r") == []


def test_new_memory_is_empty() -> None:
    memory = on(Emulator())

    created = memory.initialize_observational_memory(
        thread_id="t", resource_id="r", scope="thread", config={"$model": {"n": 1}}, observed_timezone="Europe/Paris"
    )

    assert created == record(
        id="id-1",
        created_at=LATER,
        updated_at=LATER,
        config={"$model": {"n": 1}},
        observed_timezone="Europe/Paris",
    )
    assert latest(memory) == created


def test_thread_and_resource_have_memories_of_their_own() -> None:
    memory = on(Emulator())
    memory.initialize_observational_memory(thread_id=None, resource_id="r", scope="resource", config={})

    assert memory.get_observational_memory("t", "r") is None
    assert memory.get_observational_memory(None, "r") is not None


def test_whole_record_is_read_back() -> None:
    chunk = BufferedObservationChunk(
        id="ombuf-1",
        created_at=NOON,
        cycle_id="c2",
        observations="Saw it",
        token_count=20,
        message_ids=["m1"],
        message_tokens=600,
        last_observed_at=NOON,
        extracted_values={"at": 1},
    )
    whole = record(
        last_observed_at=NOON,
        origin_type="reflection",
        generation_count=3,
        active_observations="Observed",
        buffered_observation_chunks=[chunk],
        buffered_reflection="Reflection",
        buffered_reflection_tokens=4,
        buffered_reflection_input_tokens=9,
        reflected_observation_line_count=2,
        observed_message_ids=["m1"],
        observed_timezone="UTC",
        total_tokens_observed=11,
        observation_token_count=5,
        pending_message_tokens=7,
        is_reflecting=True,
        is_observing=True,
        is_buffering_observation=True,
        is_buffering_reflection=True,
        last_buffered_at_tokens=8,
        last_buffered_at_time=NOON,
        config={"a": {"b": [1, 2]}},
        metadata={"m": 1},
    )
    memory = on(Emulator())

    memory.insert_observational_memory_record(whole)

    assert latest(memory) == whole
    assert type(latest(memory).generation_count) is int


def test_empty_list_of_chunks_is_stored() -> None:
    assert latest(with_record()).buffered_observation_chunks == []


def test_reflection_is_the_next_generation() -> None:
    memory = with_record(
        generation_count=2, last_observed_at=NOON, total_tokens_observed=9, pending_message_tokens=5, metadata={"a": 1}
    )

    created = memory.create_reflection_generation(current_record=latest(memory), reflection="R", token_count=3)

    assert created == record(
        id="id-1",
        created_at=LATER,
        updated_at=LATER,
        last_observed_at=NOON,
        origin_type="reflection",
        generation_count=3,
        active_observations="R",
        total_tokens_observed=9,
        observation_token_count=3,
        metadata={"a": 1},
    )
    assert latest(memory) == created
    assert [one.generation_count for one in memory.get_observational_memory_history("t", "r")] == [3, 2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, list(range(11, 1, -1))),
        ({"limit": 3}, [11, 10, 9]),
        ({"limit": 2, "offset": 1}, [10, 9]),
        ({"from_": NOON + timedelta(minutes=10)}, [11, 10]),
        ({"to": NOON + timedelta(minutes=1)}, [1, 0]),
        ({"from_": NOON + timedelta(minutes=3), "to": NOON + timedelta(minutes=5), "offset": 1}, [4, 3]),
    ],
)
def test_history_is_newest_first(arguments: Any, expected: list[int]) -> None:
    memory = on(Emulator())
    for number in range(12):
        at = NOON + timedelta(minutes=number)
        memory.insert_observational_memory_record(record(id=f"om{number}", generation_count=number, created_at=at))

    found = memory.get_observational_memory_history("t", "r", **arguments)

    assert [one.generation_count for one in found] == expected


def test_clearing_takes_every_generation_of_one_key() -> None:
    emulator = Emulator()
    memory = on(emulator)
    for id, thread_id in (("a", "t"), ("b", "t"), ("c", "u")):
        memory.insert_observational_memory_record(record(id=id, thread_id=thread_id))

    memory.clear_observational_memory("t", "r")
    memory.clear_observational_memory("t", "r")

    assert emulator.table_counts() == {"mastra_observational_memory": 1}
    assert memory.get_observational_memory("u", "r") is not None


def test_observations_are_replaced_and_counted() -> None:
    memory = with_record(total_tokens_observed=5, pending_message_tokens=9, observed_message_ids=["m0"])

    memory.update_active_observations(
        id="om", observations="New", token_count=4, last_observed_at=NOON, observed_message_ids=["m1"]
    )

    assert latest(memory) == record(
        active_observations="New",
        total_tokens_observed=9,
        observation_token_count=4,
        observed_message_ids=["m1"],
        last_observed_at=NOON,
        updated_at=LATER,
        buffered_observation_chunks=[],
    )


def test_observed_messages_are_cleared_unless_given() -> None:
    memory = with_record(observed_message_ids=["m0"])

    memory.update_active_observations(id="om", observations="New", token_count=4, last_observed_at=NOON)

    assert latest(memory).observed_message_ids is None


def test_chunks_are_appended() -> None:
    memory = with_record()

    memory.update_buffered_observations(id="om", chunk=CHUNK)
    memory.update_buffered_observations(id="om", chunk=RICH_CHUNK, last_buffered_at_time=NOON)

    read = latest(memory)
    first, second = read.buffered_observation_chunks or []
    assert (first.id, first.created_at, first.message_tokens, first.current_task) == ("ombuf-id-1", LATER, 600, None)
    assert (second.id, second.extracted_values) == ("ombuf-id-2", {"mood": "calm", "half": 0.5})
    assert second.extraction_failures == [{"slug": "mood", "error": "no"}]
    assert read.last_buffered_at_time == NOON


def test_absent_fields_of_a_chunk_do_not_travel() -> None:
    recording = RecordingDeployment(Emulator())
    on(recording).insert_observational_memory_record(record())

    on(recording).update_buffered_observations(id="om", chunk=CHUNK)

    assert recording.arguments[1] == {
        "op": "omAppendBufferedChunk",
        "tableName": "mastra_observational_memory",
        "id": "om",
        "chunk": {
            "id": "ombuf-id-1",
            "cycleId": "c1",
            "observations": "Saw it",
            "tokenCount": 20,
            "messageIds": ["m1", "m2"],
            "messageTokens": 600,
            "lastObservedAt": "2026-01-02T12:00:00.000Z",
            "createdAt": "2026-01-03T00:00:00.000Z",
        },
        "updatedAt": "2026-01-03T00:00:00.000Z",
    }


def test_activation_without_chunks_moves_nothing() -> None:
    memory = with_record()

    activated = memory.swap_buffered_to_active(
        id="om", activation_ratio=0.8, message_tokens_threshold=1000, current_pending_tokens=1500
    )

    assert activated == NOTHING_ACTIVATED
    assert latest(memory).updated_at == NOON


def test_activation_moves_chunks() -> None:
    memory = with_record(pending_message_tokens=1500, active_observations="Before")
    memory.update_buffered_observations(id="om", chunk=CHUNK)
    memory.update_buffered_observations(id="om", chunk=RICH_CHUNK)

    activated = memory.swap_buffered_to_active(
        id="om", activation_ratio=1, message_tokens_threshold=1000, current_pending_tokens=1200, last_observed_at=LATER
    )

    assert activated == BufferedActivation(
        chunks_activated=2,
        message_tokens_activated=1200,
        observation_tokens_activated=40,
        messages_activated=4,
        activated_cycle_ids=["c1", "c2"],
        activated_message_ids=["m1", "m2", "m1", "m2"],
        observations="Saw it\n\nSaw it",
        per_chunk=[
            ActivatedChunk(
                cycle_id=cycle_id, message_tokens=600, observation_tokens=20, message_count=2, observations="Saw it"
            )
            for cycle_id in ("c1", "c2")
        ],
        suggested_continuation="Go on",
        current_task="Look",
    )
    read = latest(memory)
    assert read.active_observations.startswith("Before\n\n--- message boundary (2026-01-03T00:00:00.000Z) ---")
    assert (read.pending_message_tokens, read.buffered_observation_chunks) == (300, None)


# The caller has weighed the messages anew: what it sends stands for what is stored.
def test_activation_uses_the_chunks_it_is_given() -> None:
    memory = with_record()
    memory.update_buffered_observations(id="om", chunk=CHUNK)
    (stored,) = latest(memory).buffered_observation_chunks or []

    activated = memory.swap_buffered_to_active(
        id="om",
        activation_ratio=1,
        message_tokens_threshold=1000,
        current_pending_tokens=1200,
        force_max_activation=True,
        buffered_chunks=[replace(stored, message_tokens=1200)],
    )

    assert activated.message_tokens_activated == 1200


def test_buffered_reflections_add_up() -> None:
    memory = with_record(active_observations="One\nTwo\nThree")

    for text, lines in (("A", 1), ("B", 2)):
        memory.update_buffered_reflection(
            id="om", reflection=text, token_count=4, input_token_count=9, reflected_observation_line_count=lines
        )

    read = latest(memory)
    assert read.buffered_reflection == "A\n\nB"
    assert (read.buffered_reflection_tokens, read.buffered_reflection_input_tokens) == (8, 18)
    assert read.reflected_observation_line_count == 2


def test_buffered_reflection_becomes_the_next_generation() -> None:
    memory = with_record(active_observations="One\nTwo", generation_count=1, metadata={"a": 1}, config={"c": 1})
    memory.update_buffered_reflection(
        id="om", reflection="R", token_count=4, input_token_count=9, reflected_observation_line_count=1
    )

    created = memory.swap_buffered_reflection_to_active(current_record=latest(memory), token_count=6)

    assert created == record(
        id="id-1",
        created_at=LATER,
        updated_at=LATER,
        origin_type="reflection",
        generation_count=2,
        active_observations="R\n\nTwo",
        observation_token_count=6,
        config={"c": 1},
        metadata={"a": 1},
    )
    assert latest(memory) == created
    assert memory.get_observational_memory_history("t", "r")[1].buffered_reflection is None


def test_swap_needs_a_buffered_reflection() -> None:
    memory = with_record()

    with pytest.raises(FunctionError, match="No buffered reflection to swap"):
        memory.swap_buffered_reflection_to_active(current_record=latest(memory), token_count=6)


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (lambda memory: memory.set_reflecting_flag("om", True), "is_reflecting", True),
        (lambda memory: memory.set_observing_flag("om", True), "is_observing", True),
        (lambda memory: memory.set_buffering_observation_flag("om", True), "is_buffering_observation", True),
        (lambda memory: memory.set_buffering_observation_flag("om", True), "last_buffered_at_tokens", 3),
        (lambda memory: memory.set_buffering_observation_flag("om", True, 0), "last_buffered_at_tokens", 0),
        (lambda memory: memory.set_buffering_reflection_flag("om", True), "is_buffering_reflection", True),
        (lambda memory: memory.set_pending_message_tokens("om", 0), "pending_message_tokens", 0),
        (lambda memory: memory.set_pending_message_tokens("om", 12), "pending_message_tokens", 12),
    ],
)
def test_flags_and_counts_are_set(change: Callable[[Any], None], field: str, value: Any) -> None:
    memory = with_record(pending_message_tokens=5, last_buffered_at_tokens=3)

    change(memory)

    assert getattr(latest(memory), field) == value
    assert latest(memory).updated_at == LATER


@pytest.mark.parametrize(
    ("change", "operation"),
    [
        (lambda memory: memory.set_reflecting_flag("absent", True), "SET_REFLECTING_FLAG"),
        (lambda memory: memory.set_observing_flag("absent", True), "SET_OBSERVING_FLAG"),
        (lambda memory: memory.set_buffering_observation_flag("absent", True), "SET_BUFFERING_OBSERVATION_FLAG"),
        (lambda memory: memory.set_buffering_reflection_flag("absent", True), "SET_BUFFERING_REFLECTION_FLAG"),
        (lambda memory: memory.set_pending_message_tokens("absent", 1), "SET_PENDING_MESSAGE_TOKENS"),
    ],
)
def test_missing_records_are_named(change: Callable[[Any], None], operation: str) -> None:
    with pytest.raises(MastraError, match="Observational memory record not found: absent") as caught:
        change(on(Emulator()))

    assert caught.value.id == f"MASTRA_STORAGE_CONVEX_{operation}_NOT_FOUND"
    assert (caught.value.category, caught.value.details) == ("THIRD_PARTY", {"id": "absent"})


@pytest.mark.parametrize(
    ("token_count", "shown"),
    [(-1, "-1"), (-0.5, "-0.5"), (math.nan, "NaN"), (math.inf, "Infinity"), ("7", "7"), (None, "null"), (True, "true")],
)
def test_token_counts_that_cannot_be_are_refused_unsent(token_count: Any, shown: str) -> None:
    recording = RecordingDeployment(Emulator())

    with pytest.raises(MastraError, match=f"must be a finite non-negative number, got {shown}$") as caught:
        on(recording).set_pending_message_tokens("om", token_count)

    assert caught.value.id == "MASTRA_STORAGE_CONVEX_SET_PENDING_MESSAGE_TOKENS_INVALID_INPUT"
    assert recording.requests == []


def test_settings_are_merged_deeply() -> None:
    memory = with_record(config={"model": {"name": "x", "list": [1, 2]}, "n": 1})

    memory.update_observational_memory_config(id="om", config={"model": {"list": [3]}, "n": None})

    assert latest(memory).config == {"model": {"name": "x", "list": [3]}, "n": None}


@pytest.mark.parametrize(
    "change",
    [
        lambda memory: memory.update_observational_memory_config(id="absent", config={}),
        lambda memory: memory.update_buffered_observations(id="absent", chunk=CHUNK),
        lambda memory: memory.update_active_observations(
            id="absent", observations="", token_count=0, last_observed_at=NOON
        ),
        lambda memory: memory.swap_buffered_to_active(
            id="absent", activation_ratio=1, message_tokens_threshold=1, current_pending_tokens=1
        ),
    ],
)
def test_deployment_names_missing_records_too(change: Callable[[Any], None]) -> None:
    with pytest.raises(FunctionError, match="Observational memory record not found: absent"):
        change(on(Emulator()))

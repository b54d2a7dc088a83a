"""Buffered observations and reflections of observational memory, and how they become active."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError
from convex_mastra_emulator.stores import (
    BufferedActivation,
    BufferedObservationChunk,
    BufferedObservationChunkInput,
    ConvexMemory,
    ObservationalMemoryRecord,
)
from pytest_mastra_convex.conformance.records import NOON, after_noon, send, store_at

TABLE = "mastra_observational_memory"
NOTHING = BufferedActivation(
    chunks_activated=0,
    message_tokens_activated=0,
    observation_tokens_activated=0,
    messages_activated=0,
    activated_cycle_ids=[],
    activated_message_ids=[],
)


@pytest.fixture
def memory(convex_deployment: Deployment) -> ConvexMemory:
    """The memory domain, whose clock stands at noon."""
    return store_at(convex_deployment, NOON).memory


@pytest.fixture
def record(memory: ConvexMemory) -> ObservationalMemoryRecord:
    """The first generation of a thread's memory."""
    return memory.initialize_observational_memory(
        thread_id="thread-1", resource_id="resource-1", scope="thread", config={}
    )


def current(memory: ConvexMemory) -> ObservationalMemoryRecord:
    """The latest generation, which is there."""
    found = memory.get_observational_memory("thread-1", "resource-1")
    assert found is not None
    return found


def chunk(number: int, tokens: int = 1000, **fields: Any) -> BufferedObservationChunkInput:
    """Observations about one message of so many tokens."""
    given = {
        "cycle_id": f"cycle-{number}",
        "observations": f"observed {number}",
        "token_count": 10,
        "message_ids": [f"m{number}"],
        "message_tokens": tokens,
        "last_observed_at": after_noon(number),
        **fields,
    }
    return BufferedObservationChunkInput(**given)


def buffer(memory: ConvexMemory, record: ObservationalMemoryRecord, *tokens: int) -> None:
    """Buffers one chunk for each number of tokens."""
    for number, count in enumerate(tokens):
        memory.update_buffered_observations(id=record.id, chunk=chunk(number, count))


def swap(memory: ConvexMemory, record: ObservationalMemoryRecord, **fields: Any) -> BufferedActivation:
    """Activates, with a floor of nothing unless told otherwise."""
    given = {"activation_ratio": 1, "message_tokens_threshold": 10_000, "current_pending_tokens": 100_000, **fields}
    return memory.swap_buffered_to_active(id=record.id, **given)


# Buffering


# Chunks wait in the order they were made, each with an id of its own; nothing is active yet.
def test_chunks_are_buffered_in_order(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    given = chunk(0, suggested_continuation="go on", current_task="tea", thread_title="Tea", extracted_values={"a": 1})
    memory.update_buffered_observations(id=record.id, chunk=given)
    memory.update_buffered_observations(id=record.id, chunk=chunk(1), last_buffered_at_time=after_noon(1))

    read = current(memory)

    chunks = read.buffered_observation_chunks
    assert chunks is not None
    assert [one.cycle_id for one in chunks] == ["cycle-0", "cycle-1"]
    assert (chunks[0].suggested_continuation, chunks[0].extracted_values) == ("go on", {"a": 1})
    assert all(one.id.startswith("ombuf-") and one.created_at == NOON for one in chunks)
    assert chunks[0].id != chunks[1].id
    assert (read.active_observations, read.last_buffered_at_time) == ("", after_noon(1))


# mastra-ai/mastra#16110: a chunk travels as a Convex value before it becomes text, so reserved keys are refused.
def test_reserved_keys_in_extracted_values_are_refused(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    with pytest.raises(EmulatorError, match=r"\$ref"):
        memory.update_buffered_observations(id=record.id, chunk=chunk(0, extracted_values={"$ref": "x"}))

    assert not current(memory).buffered_observation_chunks


# Activating


# Nothing buffered, or nothing readable: zero of everything, no error, and nothing written.
@pytest.mark.parametrize("stored", [None, "{bad", "{}", "[]"], ids=["null", "malformed", "object", "empty"])
def test_without_chunks_nothing_is_activated(
    convex_deployment: Deployment, memory: ConvexMemory, record: ObservationalMemoryRecord, stored: str | None
) -> None:
    send(convex_deployment, "patch", TABLE, id=record.id, record={"bufferedObservationChunks": stored})
    before = send(convex_deployment, "load", TABLE, keys={"id": record.id})["result"]
    sent = BufferedObservationChunk(**_fields(chunk(0)), id="ombuf-1", created_at=NOON)

    activated = swap(memory, record, buffered_chunks=[sent])

    assert activated == NOTHING
    assert send(convex_deployment, "load", TABLE, keys={"id": record.id})["result"] == before


def _fields(given: BufferedObservationChunkInput) -> dict[str, Any]:
    return {name: getattr(given, name) for name in given.__dataclass_fields__}


# What is told about an activation; the hints are those of the last chunk.
def test_what_an_activation_says(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    for number, hint in ((0, "first"), (1, "second")):
        given = chunk(number, 100 + number, message_ids=[f"a{number}", f"b{number}"], suggested_continuation=hint)
        memory.update_buffered_observations(id=record.id, chunk=given)

    activated = swap(memory, record)

    assert (activated.chunks_activated, activated.messages_activated) == (2, 4)
    assert (activated.message_tokens_activated, activated.observation_tokens_activated) == (201, 20)
    assert activated.activated_cycle_ids == ["cycle-0", "cycle-1"]
    assert activated.activated_message_ids == ["a0", "b0", "a1", "b1"]
    assert activated.observations == "observed 0\n\nobserved 1"
    assert (activated.suggested_continuation, activated.current_task) == ("second", None)
    assert activated.per_chunk is not None
    assert [(one.cycle_id, one.message_tokens, one.message_count) for one in activated.per_chunk] == [
        ("cycle-0", 100, 2),
        ("cycle-1", 101, 2),
    ]


# The first texts stand alone; later ones follow a boundary with the time up to which messages are observed.
def test_activated_texts_follow_a_boundary(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    buffer(memory, record, 500)
    swap(memory, record)
    memory.update_buffered_observations(id=record.id, chunk=chunk(1, 500))

    swap(memory, record)

    boundary = "\n\n--- message boundary (2026-11-21T12:01:00.000Z) ---\n\n"
    read = current(memory)
    assert read.active_observations == f"observed 0{boundary}observed 1"
    assert (read.observation_token_count, read.last_observed_at) == (20, after_noon(1))
    assert not read.buffered_observation_chunks


# The caller knows better than the chunk how far messages are observed.
def test_the_callers_time_wins(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    buffer(memory, record, 500)

    swap(memory, record, last_observed_at=after_noon(30))

    assert current(memory).last_observed_at == after_noon(30)


# What was buffered is no longer pending; the count does not fall below nothing, and the total does not change.
@pytest.mark.parametrize(("pending", "left"), [(1500, 1000), (500, 0), (499, 0)])
def test_activation_reduces_pending_tokens(
    memory: ConvexMemory, record: ObservationalMemoryRecord, pending: int, left: int
) -> None:
    memory.set_pending_message_tokens(record.id, pending)
    buffer(memory, record, 500)

    swap(memory, record)

    read = current(memory)
    assert (read.pending_message_tokens, read.total_tokens_observed) == (left, 0)


# floor = threshold·(1 - ratio), target = pending - floor.  Of the running sums of the chunks the lowest that reaches
# the target wins, if at least min(1000, floor) pending tokens remain; else the highest one below the target.
@pytest.mark.parametrize(
    ("chunks", "ratio", "pending", "count"),
    [
        pytest.param((1000, 1000, 1000, 1000), 0.5, 4000, 2, id="sum-meets-the-target"),
        pytest.param((1000, 1000, 1000, 1000), 0.5, 3999, 2, id="sum-is-over-by-one"),
        pytest.param((1000, 1000, 1000, 1000), 0.5, 4001, 3, id="sum-is-under-by-one"),
        pytest.param((1000, 1000, 1000, 1000), 0.75, 3000, 2, id="a-thousand-remain"),
        pytest.param((1000, 1000, 1000, 1000), 0.75, 3001, 2, id="too-few-would-remain"),
        pytest.param((1000, 1000, 1000, 1000), 1, 4000, 4, id="no-floor"),
        pytest.param((1000, 1000), 1, 9000, 2, id="fewer-than-wanted"),
        pytest.param((1000, 1000), 0.5, 2000, 1, id="below-the-floor"),
        pytest.param((1000, 1000), 0.5, 0, 1, id="nothing-pending"),
        pytest.param((5000, 1000), 0.75, 3000, 1, id="first-is-too-large"),
        pytest.param((0, 0), 1, 9000, 1, id="without-weight"),
        pytest.param((0, 0, 1000), 0.5, 0, 1, id="first-without-weight"),
    ],
)
def test_how_many_chunks_become_active(
    memory: ConvexMemory,
    record: ObservationalMemoryRecord,
    chunks: tuple[int, ...],
    ratio: float,
    pending: int,
    count: int,
) -> None:
    buffer(memory, record, *chunks)

    activated = swap(
        memory, record, message_tokens_threshold=4000, activation_ratio=ratio, current_pending_tokens=pending
    )

    assert activated.chunks_activated == count
    assert len(current(memory).buffered_observation_chunks or []) == len(chunks) - count


# An overshoot of more than 95 % of the floor is too much, unless forced; below a thousand tokens not even then.
@pytest.mark.parametrize(
    ("pending", "force", "count"),
    [(43_000, None, 2), (42_999, None, 1), (42_999, True, 2), (42_999, False, 1), (42_000, True, 2), (41_999, True, 1)],
)
def test_a_large_overshoot_must_be_forced(
    memory: ConvexMemory, record: ObservationalMemoryRecord, pending: int, force: bool | None, count: int
) -> None:
    buffer(memory, record, 1000, 40_000)

    activated = swap(
        memory,
        record,
        message_tokens_threshold=80_000,
        activation_ratio=0.5,
        current_pending_tokens=pending,
        force_max_activation=force,
    )

    assert activated.chunks_activated == count


# 1 - 0.8 is a little less than 0.2 in binary, so the target is a little more than 2,000: a third chunk is needed.
def test_the_target_is_a_binary_fraction(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    buffer(memory, record, 1000, 1000, 1000, 1000)

    activated = swap(memory, record, message_tokens_threshold=10_000, activation_ratio=0.8, current_pending_tokens=4000)

    assert activated.chunks_activated == 3


# Weights change while chunks wait: the refreshed list stands for the stored one, in everything.
def test_refreshed_chunks_replace_the_stored_ones(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    buffer(memory, record, 1000, 1000)
    stored = current(memory).buffered_observation_chunks
    assert stored is not None
    refreshed = [replace(stored[0], message_tokens=5, observations="refreshed")]

    activated = swap(memory, record, buffered_chunks=refreshed)

    read = current(memory)
    assert (activated.chunks_activated, activated.message_tokens_activated) == (1, 5)
    assert read.active_observations == "refreshed"
    assert not read.buffered_observation_chunks


# An empty refreshed list is nothing to activate, and what is stored stays.
def test_an_empty_refreshed_list_activates_nothing(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    buffer(memory, record, 1000)

    assert swap(memory, record, buffered_chunks=[]) == NOTHING

    assert len(current(memory).buffered_observation_chunks or []) == 1


# Reflections


# Parts of a reflection add up, texts and tokens; how many lines it covers is what the last part says.
def test_parts_of_a_reflection_add_up(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    for text, lines in (("first", 3), ("second", 5)):
        memory.update_buffered_reflection(
            id=record.id, reflection=text, token_count=10, input_token_count=100, reflected_observation_line_count=lines
        )

    read = current(memory)
    assert read.buffered_reflection == "first\n\nsecond"
    assert (read.buffered_reflection_tokens, read.buffered_reflection_input_tokens) == (20, 200)
    assert read.reflected_observation_line_count == 5


# The reflection stands for the lines it covers; what was observed since follows it, blank ends cut off.
@pytest.mark.parametrize(
    ("lines", "text"),
    [(0, "short\n\n* a\n* b\n* c"), (2, "short\n\n* c"), (3, "short"), (9, "short")],
    ids=["none", "some", "all", "more"],
)
def test_a_reflection_replaces_the_lines_it_covers(
    memory: ConvexMemory, record: ObservationalMemoryRecord, lines: int, text: str
) -> None:
    memory.update_active_observations(
        id=record.id, observations="* a\n* b\n* c\n\n", token_count=30, last_observed_at=after_noon(1)
    )
    memory.update_buffered_reflection(
        id=record.id, reflection="short", token_count=5, input_token_count=30, reflected_observation_line_count=lines
    )

    made = memory.swap_buffered_reflection_to_active(current_record=current(memory), token_count=12)

    assert current(memory) == made
    assert (made.active_observations, made.observation_token_count, made.total_tokens_observed) == (text, 12, 30)
    assert (made.generation_count, made.origin_type, made.last_observed_at) == (1, "reflection", after_noon(1))


# The old generation keeps its observations, but its reflection is used up.
def test_a_used_reflection_is_cleared(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    memory.update_buffered_reflection(
        id=record.id, reflection="short", token_count=5, input_token_count=30, reflected_observation_line_count=0
    )
    memory.swap_buffered_reflection_to_active(current_record=current(memory), token_count=12)

    newest, oldest = memory.get_observational_memory_history("thread-1", "resource-1")

    assert (newest.generation_count, oldest.generation_count) == (1, 0)
    assert (oldest.buffered_reflection, oldest.buffered_reflection_tokens) == (None, None)
    assert (newest.buffered_reflection, newest.buffered_reflection_tokens) == (None, None)


# Two processes want to swap one reflection: the second one is told, and makes no generation.
def test_without_a_reflection_there_is_nothing_to_swap(memory: ConvexMemory, record: ObservationalMemoryRecord) -> None:
    with pytest.raises(FunctionError, match="No buffered reflection to swap"):
        memory.swap_buffered_reflection_to_active(current_record=record, token_count=1)

    assert len(memory.get_observational_memory_history("thread-1", "resource-1")) == 1

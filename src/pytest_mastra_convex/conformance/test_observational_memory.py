"""Observational memory: generations, their observations, flags, counters and settings."""

from __future__ import annotations

import math
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexMemory, ConvexStore, MastraError, ObservationalMemoryRecord
from pytest_mastra_convex.conformance.records import NOON, after_noon, ids_of, send, store_at

TABLE = "mastra_observational_memory"


@pytest.fixture
def memory(convex_deployment: Deployment) -> ConvexMemory:
    """The memory domain, whose clock stands at noon."""
    return store_at(convex_deployment, NOON).memory


def begun(memory: ConvexMemory, thread_id: str | None = "thread-1", **fields: Any) -> ObservationalMemoryRecord:
    """The first generation of a thread's memory."""
    given = {"scope": "thread", "config": {"model": "small"}, **fields}
    return memory.initialize_observational_memory(thread_id=thread_id, resource_id="resource-1", **given)


def current(memory: ConvexMemory, thread_id: str | None = "thread-1") -> ObservationalMemoryRecord:
    """The latest generation, which is there."""
    found = memory.get_observational_memory(thread_id, "resource-1")
    assert found is not None
    return found


# Generations


# Every counter at zero, every flag down: the observer counts from here.
def test_a_memory_begins_empty(memory: ConvexMemory) -> None:
    made = begun(memory, observed_timezone="Europe/Berlin")

    read = current(memory)

    assert read == made
    assert (read.generation_count, read.origin_type, read.active_observations) == (0, "initial", "")
    assert (read.total_tokens_observed, read.observation_token_count, read.pending_message_tokens) == (0, 0, 0)
    assert (read.is_observing, read.is_reflecting) == (False, False)
    assert (read.is_buffering_observation, read.is_buffering_reflection) == (False, False)
    assert (read.last_observed_at, read.last_buffered_at_time, read.created_at) == (None, None, NOON)


# A conversation that was never observed.
def test_a_memory_that_is_not_there_is_none(memory: ConvexMemory) -> None:
    assert memory.get_observational_memory("thread-1", "resource-1") is None
    assert memory.get_observational_memory_history("thread-1", "resource-1") == []


# A thread's memory goes by the thread alone, the resource's own is another one.
def test_threads_and_resources_have_memories_of_their_own(memory: ConvexMemory) -> None:
    of_thread = begun(memory)
    of_resource = begun(memory, None, scope="resource")

    assert memory.get_observational_memory("thread-1", "someone else") == of_thread
    assert memory.get_observational_memory(None, "resource-1") == of_resource
    assert memory.get_observational_memory("thread-2", "resource-1") is None
    assert memory.get_observational_memory(None, "resource-2") is None


def _generations(deployment: Deployment, count: int) -> list[str]:
    """Generations a minute apart; returns their ids, oldest first."""
    record = begun(store_at(deployment, NOON).memory)
    ids = [record.id]
    for number in range(1, count):
        memory = store_at(deployment, after_noon(number)).memory
        record = memory.create_reflection_generation(current_record=record, reflection=f"r{number}", token_count=number)
        ids.append(record.id)
    return ids


# Newest first; the offset skips before the limit cuts; ten generations unless asked for.
@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ({}, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]),
        ({"limit": 2}, [11, 10]),
        ({"limit": 0}, []),
        ({"limit": 2, "offset": 1}, [10, 9]),
        ({"offset": 11}, [0]),
        ({"from_": after_noon(9)}, [11, 10, 9]),
        ({"to": after_noon(1)}, [1, 0]),
        ({"from_": after_noon(3), "to": after_noon(5), "offset": 1, "limit": 1}, [4]),
    ],
    ids=["default", "limit", "none", "offset", "last", "from", "to", "everything"],
)
def test_the_history_of_a_memory(convex_deployment: Deployment, arguments: dict[str, Any], numbers: list[int]) -> None:
    ids = _generations(convex_deployment, 12)
    memory = ConvexStore(convex_deployment).memory
    begun(memory, "thread-2")

    history = memory.get_observational_memory_history("thread-1", "resource-1", **arguments)

    assert ids_of(history) == [ids[number] for number in numbers]


# The ninth and the tenth generation: counted as numbers, not as text.
def test_the_latest_generation_is_the_one_with_the_highest_count(convex_deployment: Deployment) -> None:
    ids = _generations(convex_deployment, 11)

    latest = current(ConvexStore(convex_deployment).memory)

    assert (latest.id, latest.generation_count) == (ids[10], 10)


# A reflection replaces the observations; what was learnt about the conversation goes on, counters begin anew.
def test_a_reflection_is_the_next_generation(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    first = begun(memory, observed_timezone="UTC")
    memory.update_active_observations(id=first.id, observations="o", token_count=7, last_observed_at=after_noon(1))
    memory.set_pending_message_tokens(first.id, 5)
    memory.set_reflecting_flag(first.id, True)
    later = store_at(convex_deployment, after_noon(9)).memory

    made = later.create_reflection_generation(current_record=current(memory), reflection="all of it", token_count=3)

    assert current(memory) == made
    assert (made.generation_count, made.origin_type, made.active_observations) == (1, "reflection", "all of it")
    assert (made.total_tokens_observed, made.observation_token_count, made.pending_message_tokens) == (7, 3, 0)
    assert (made.last_observed_at, made.observed_timezone, made.config) == (after_noon(1), "UTC", {"model": "small"})
    assert not made.is_reflecting
    assert len(memory.get_observational_memory_history("thread-1", "resource-1")) == 2


# Copies and imports write whole records.
def test_a_record_is_inserted_as_it_is(memory: ConvexMemory) -> None:
    record = ObservationalMemoryRecord(
        id="record-1",
        scope="thread",
        thread_id="thread-1",
        resource_id="resource-1",
        created_at=NOON,
        updated_at=after_noon(1),
        last_observed_at=after_noon(2),
        origin_type="reflection",
        generation_count=4,
        active_observations="* a\n* b",
        buffered_observation_chunks=[],
        buffered_reflection="soon",
        buffered_reflection_tokens=2,
        buffered_reflection_input_tokens=3,
        reflected_observation_line_count=1,
        observed_message_ids=["m1", "m2"],
        observed_timezone="UTC",
        total_tokens_observed=100,
        observation_token_count=10,
        pending_message_tokens=1,
        is_observing=True,
        last_buffered_at_tokens=5,
        last_buffered_at_time=after_noon(3),
        config={"$ref": "x"},
        metadata={"a": [None]},
    )

    memory.insert_observational_memory_record(record)

    assert current(memory) == record


# Every generation goes, and no other memory; nothing there is fine.
def test_a_memory_is_cleared(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    _generations(convex_deployment, 3)
    other = begun(memory, "thread-2")

    for _ in range(2):
        memory.clear_observational_memory("thread-1", "resource-1")

    assert memory.get_observational_memory_history("thread-1", "resource-1") == []
    assert memory.get_observational_memory("thread-2", "resource-1") == other


# Observations


# The text is replaced, the messages behind it are no longer pending, and the total grows with every observation.
def test_observations_are_replaced_and_counted(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    record = begun(memory)
    memory.set_pending_message_tokens(record.id, 500)
    later = store_at(convex_deployment, after_noon(9)).memory

    for text, tokens, ids in (("first", 10, ["m1"]), ("first and second", 25, ["m2"])):
        later.update_active_observations(
            id=record.id,
            observations=text,
            token_count=tokens,
            last_observed_at=after_noon(2),
            observed_message_ids=ids,
        )

    read = current(memory)
    assert (read.active_observations, read.observed_message_ids) == ("first and second", ["m2"])
    assert (read.observation_token_count, read.total_tokens_observed, read.pending_message_tokens) == (25, 35, 0)
    assert (read.last_observed_at, read.updated_at) == (after_noon(2), after_noon(9))


# Without ids the old ones are cleared: they belong to the text that was replaced.
def test_absent_message_ids_are_cleared(memory: ConvexMemory) -> None:
    record = begun(memory)
    update: dict[str, Any] = {"id": record.id, "observations": "o", "token_count": 1, "last_observed_at": NOON}
    memory.update_active_observations(**update, observed_message_ids=["m1"])

    memory.update_active_observations(**update)

    assert current(memory).observed_message_ids is None


# A count that is none, from a client of another language, counts as nothing.
@pytest.mark.parametrize("count", [-1, None, "7"], ids=["negative", "null", "text"])
def test_a_bad_count_of_tokens_is_zero(convex_deployment: Deployment, memory: ConvexMemory, count: Any) -> None:
    record = begun(memory)
    arguments = {"observations": "o", "lastObservedAt": "x", "observedMessageIds": None, "updatedAt": "x"}

    send(convex_deployment, "omUpdateActive", TABLE, id=record.id, tokenCount=count, **arguments)

    row = send(convex_deployment, "load", TABLE, keys={"id": record.id})["result"]
    assert (row["observationTokenCount"], row["totalTokensObserved"]) == (0, 0)


# Flags and counters


# Each flag by itself: raising one leaves the others down, and it goes down again.
@pytest.mark.parametrize("flag", ["observing", "reflecting", "buffering_observation", "buffering_reflection"])
def test_flags_are_raised_and_lowered(memory: ConvexMemory, flag: str) -> None:
    record = begun(memory)
    flags = ("observing", "reflecting", "buffering_observation", "buffering_reflection")
    set_flag = getattr(memory, f"set_{flag}_flag")

    set_flag(record.id, True)
    raised = current(memory)
    set_flag(record.id, False)

    assert [name for name in flags if getattr(raised, f"is_{name}")] == [flag]
    assert not getattr(current(memory), f"is_{flag}")


# Lowering the flag of buffering keeps the count with which it was raised.
def test_the_tokens_at_which_buffering_began(memory: ConvexMemory) -> None:
    record = begun(memory)

    memory.set_buffering_observation_flag(record.id, True, 1200)
    memory.set_buffering_observation_flag(record.id, False)

    assert current(memory).last_buffered_at_tokens == 1200


# Pending tokens are replaced, not added up; nought and fractions are counts.
@pytest.mark.parametrize("count", [0, 0.5, 70])
def test_pending_tokens_are_replaced(memory: ConvexMemory, count: float) -> None:
    record = begun(memory)
    memory.set_pending_message_tokens(record.id, 1000)

    memory.set_pending_message_tokens(record.id, count)

    assert current(memory).pending_message_tokens == count


# Refused before anything is sent.
@pytest.mark.parametrize(
    ("count", "shown"),
    [(-1, "-1"), (math.nan, "NaN"), (math.inf, "Infinity"), ("7", "7")],
    ids=["negative", "nan", "infinity", "text"],
)
def test_bad_pending_tokens_are_refused(memory: ConvexMemory, count: Any, shown: str) -> None:
    record = begun(memory)

    with pytest.raises(MastraError, match=f"must be a finite non-negative number, got {shown}"):
        memory.set_pending_message_tokens(record.id, count)

    assert current(memory).pending_message_tokens == 0


# Settings


# Objects are merged at every depth; lists and null replace.
def test_settings_are_merged_deeply(memory: ConvexMemory) -> None:
    stored = {"kept": 1, "deep": {"kept": {"a": 1}, "changed": {"b": 1}}, "list": [1, 2], "off": {"c": 1}}
    record = begun(memory, config=stored)

    changes = {"deep": {"changed": {"b": 2, "added": 3}}, "list": [3], "off": None, "$new": True}
    memory.update_observational_memory_config(id=record.id, config=changes)

    assert current(memory).config == {
        "kept": 1,
        "deep": {"kept": {"a": 1}, "changed": {"b": 2, "added": 3}},
        "list": [3],
        "off": None,
        "$new": True,
    }


# Settings that are no JSON object, stored or sent, count as none.
@pytest.mark.parametrize(
    ("stored", "sent", "merged"),
    [("{bad", '{"a":1}', '{"a":1}'), ('{"a":1}', "{bad", '{"a":1}'), ("[1]", '{"a":1}', '{"a":1}')],
    ids=["stored", "sent", "list"],
)
def test_malformed_settings_count_as_none(
    convex_deployment: Deployment, memory: ConvexMemory, stored: str, sent: str, merged: str
) -> None:
    record = begun(memory)
    send(convex_deployment, "patch", TABLE, id=record.id, record={"config": stored})

    send(convex_deployment, "omUpdateConfig", TABLE, id=record.id, config=sent, updatedAt="x")

    assert send(convex_deployment, "load", TABLE, keys={"id": record.id})["result"]["config"] == merged


# Missing records


# The client finds out, because the patch answers false.
@pytest.mark.parametrize("flag", ["observing", "reflecting", "buffering_observation", "buffering_reflection"])
def test_flags_of_a_missing_record_are_refused(memory: ConvexMemory, flag: str) -> None:
    with pytest.raises(MastraError, match="Observational memory record not found: record-1") as refused:
        getattr(memory, f"set_{flag}_flag")("record-1", True)

    assert refused.value.id == f"MASTRA_STORAGE_CONVEX_SET_{flag.upper()}_FLAG_NOT_FOUND"


# The deployment finds out, and the call fails.
@pytest.mark.parametrize(
    "op",
    [
        "omUpdateActive",
        "omAppendBufferedChunk",
        "omSwapBuffered",
        "omUpdateBufferedReflection",
        "omUpdateConfig",
    ],
)
def test_operations_on_a_missing_record_fail(convex_deployment: Deployment, op: str) -> None:
    with pytest.raises(FunctionError, match="Observational memory record not found: record-1"):
        send(convex_deployment, op, TABLE, id="record-1")


# The operations belong to one table.
@pytest.mark.parametrize("op", ["omGetLatest", "omGetHistory", "omUpdateActive", "omSwapBuffered", "omUpdateConfig"])
def test_operations_are_for_one_table(convex_deployment: Deployment, op: str) -> None:
    with pytest.raises(FunctionError, match=f"{op} is only supported for {TABLE}"):
        send(convex_deployment, op, "mastra_threads", id="record-1", lookupKey="thread:x")

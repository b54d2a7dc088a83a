"""Random requests to `mastra/storage:handle` are answered, and leave behind, what the published handler does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.differential.pair import Pair, Step, play
from tests.differential.storage_strategies import (
    background_task_sequences,
    fallback_steps,
    memory_steps,
    observational_memory_steps,
    schedule_steps,
    sequences,
    typed_steps,
    vector_steps,
    workflow_steps,
)

NewPair = Callable[[], Pair]

PLAIN_TABLES = (
    "mastra_messages",
    "mastra_channel_installations",
    "mastra_channel_config",
    "mastra_vector_indexes",
    "mastra_scorers",
)


@given(steps=st.sampled_from(PLAIN_TABLES).flatmap(lambda table: sequences(typed_steps(table))))
def test_plain_tables(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, PLAIN_TABLES)


@given(steps=sequences(memory_steps()))
def test_threads_and_resources(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_threads", "mastra_resources"])


@given(steps=sequences(schedule_steps()))
def test_schedules(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_schedules", "mastra_schedule_triggers"])


@given(steps=sequences(workflow_steps()))
def test_workflow_snapshots(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_workflow_snapshots"])


@given(steps=sequences(observational_memory_steps()))
def test_observational_memory(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_observational_memory"])


@given(steps=background_task_sequences())
def test_background_tasks(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_background_tasks", "mastra_documents"])


# Physical names are no logical ones: they go to the fallback table like any other name.
@given(
    steps=sequences(
        st.sampled_from(("notes", "mastra_vectors", "", "mastra_workflow_snapshots")).flatmap(fallback_steps)
    )
)
def test_fallback_tables(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_documents"])


@given(
    steps=sequences(
        st.sampled_from(("mastra_vector_docs", "mastra_vector_docs", "mastra_vector_")).flatmap(vector_steps)
    )
)
def test_vector_tables(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_vectors"])

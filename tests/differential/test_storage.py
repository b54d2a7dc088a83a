"""Random requests to `mastra/storage:handle` are answered, and leave behind, what the published handler does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.differential.observational_memory_strategies import observational_memory_sequences
from tests.differential.pair import Pair, Step, play
from tests.differential.storage_strategies import rows_of, sequences, typed_steps
from tests.differential.table_strategies import (
    background_task_sequences,
    fallback_sequences,
    memory_sequences,
    schedule_sequences,
    vector_sequences,
)
from tests.differential.workflow_strategies import workflow_sequences

NewPair = Callable[[], Pair]

PLAIN_TABLES = (
    "mastra_messages",
    "mastra_channel_installations",
    "mastra_channel_config",
    "mastra_vector_indexes",
    "mastra_scorers",
)
# Physical names are no logical ones: they go to the fallback table like any other name.
FALLBACK_TABLES = ("notes", "mastra_vectors", "", "mastra_workflow_snapshots")
VECTOR_TABLES = ("mastra_vector_docs", "mastra_vector_")


def plain_sequences(table: str) -> st.SearchStrategy[list[Step]]:
    return sequences(typed_steps(table), rows_of(table, {}, {}))


@given(steps=st.sampled_from(PLAIN_TABLES).flatmap(plain_sequences))
def test_plain_tables(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, PLAIN_TABLES)


@given(steps=memory_sequences())
def test_threads_and_resources(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_threads", "mastra_resources"])


@given(steps=schedule_sequences())
def test_schedules(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_schedules", "mastra_schedule_triggers"])


@given(steps=workflow_sequences())
def test_workflow_snapshots(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_workflow_snapshots"])


@given(steps=observational_memory_sequences())
def test_observational_memory(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_observational_memory"])


@given(steps=background_task_sequences())
def test_background_tasks(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_background_tasks", "mastra_documents"])


@given(steps=st.sampled_from(FALLBACK_TABLES).flatmap(fallback_sequences))
def test_fallback_tables(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_documents"])


@given(steps=st.sampled_from(VECTOR_TABLES).flatmap(vector_sequences))
def test_vector_tables(new_pair: NewPair, steps: list[Step]) -> None:
    play(new_pair(), steps, ["mastra_vectors"])

"""Random requests are answered among other people's rows as on an empty deployment, and leave nothing there."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.differential.cache_strategies import cache_sequences
from tests.differential.native_vector_strategies import native_vector_sequences
from tests.differential.observational_memory_strategies import observational_memory_sequences
from tests.differential.pair import Step
from tests.differential.storage_strategies import rows_of, sequences, typed_steps
from tests.differential.table_strategies import (
    background_task_sequences,
    fallback_sequences,
    memory_sequences,
    schedule_sequences,
    vector_sequences,
)
from tests.differential.workflow_strategies import workflow_sequences
from tests.plugin.shared_deployment import SharedPair, all_rows

PLAIN_TABLES = (
    "mastra_messages",
    "mastra_channel_installations",
    "mastra_channel_config",
    "mastra_vector_indexes",
    "mastra_scorers",
)

# The same examples on every run, as in tests/differential.
generated = settings(
    max_examples=40,
    derandomize=True,
    phases=[Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def play(steps: Sequence[Step]) -> None:
    pair = SharedPair()

    pair.play(steps)

    assert pair.refused < len(steps)
    pair.clean_up()
    assert all_rows(pair.shared) == pair.foreign


@generated
@given(steps=st.sampled_from(PLAIN_TABLES).flatmap(lambda table: sequences(typed_steps(table), rows_of(table, {}, {}))))
def test_plain_tables(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=memory_sequences())
def test_threads_and_resources(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=schedule_sequences())
def test_schedules(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=workflow_sequences())
def test_workflow_snapshots(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=observational_memory_sequences())
def test_observational_memory(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=background_task_sequences())
def test_background_tasks(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=st.sampled_from(("notes", "mastra_vectors", "", "mastra_workflow_snapshots")).flatmap(fallback_sequences))
def test_fallback_tables(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=st.sampled_from(("mastra_vector_docs", "mastra_vector_")).flatmap(vector_sequences))
def test_vector_tables(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=cache_sequences())
def test_cache(steps: list[Step]) -> None:
    play(steps)


@generated
@given(steps=native_vector_sequences())
def test_native_vectors(steps: list[Step]) -> None:
    play(steps)

"""Random requests to `mastra/storage:handle` are answered, and leave behind, what the published handler does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.differential.pair import Pair, Step, play
from tests.differential.storage_strategies import sequences, typed_steps

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

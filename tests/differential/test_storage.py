"""Requests to `mastra/storage:handle`, drawn at random, are answered and leave behind what the published handler does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator.schema import Schema
from tests.differential.pair import Pair, play
from tests.differential.storage_strategies import physical, sequences, typed_steps
from tests.node_project import Oracle

PLAIN_TABLES = (
    "mastra_messages",
    "mastra_channel_installations",
    "mastra_channel_config",
    "mastra_vector_indexes",
    "mastra_scorers",
)


@pytest.mark.parametrize("table", PLAIN_TABLES)
@given(data=st.data())
def test_plain_tables(oracle: Oracle, schema: Schema, table: str, data: st.DataObject) -> None:
    steps = data.draw(sequences(typed_steps(table)))

    play(Pair(oracle, schema), steps, [physical(table)])

"""Random writes, reads and searches of native vectors go as they do with the published handlers."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given

from tests.differential.native_vector_strategies import TABLES, native_vector_sequences
from tests.differential.pair import Pair, Step, play


@given(steps=native_vector_sequences())
def test_native_vectors(new_pair: Callable[[], Pair], steps: list[Step]) -> None:
    play(new_pair(), steps, TABLES)

"""Random requests to `mastra/cache:handle` are answered, and leave behind, what the published handler does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given

from tests.differential.cache_strategies import HEADS, ITEMS, cache_sequences
from tests.differential.pair import Pair, Step, play


@given(steps=cache_sequences())
def test_cache(new_pair: Callable[[], Pair], steps: list[Step]) -> None:
    play(new_pair(), steps, [HEADS, ITEMS])

"""Random database programs do on the emulator what they do on convex-test: writes, index ranges, filters, pages."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given

from tests.differential.pair import Pair, Step, play
from tests.differential.program_strategies import TABLE, program_sequences


@given(steps=program_sequences())
def test_programs(new_pair: Callable[[], Pair], steps: list[Step]) -> None:
    play(new_pair(), steps, [TABLE])

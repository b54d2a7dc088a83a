"""Creation times over many transactions: later documents have later times, also while the clock stands still."""

from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.runtime.context import MutationContext

# Reads commit too; tables that are created take times of their own.
STEPS = st.lists(st.tuples(st.sampled_from(["notes", "tags"]), st.integers(0, 5)), max_size=40)
STARTS = st.integers(1_600_000_000_000, 1_900_000_000_000)


@given(STEPS, STARTS)
def test_later_documents_have_later_times(steps: list[tuple[str, int]], start_ms: int) -> None:
    emulator = Emulator(clock=ManualClock(start_ms / 1000), seed=1)

    times: list[float] = []
    for table, count in steps:
        for document_id in emulator.run(partial(_insert, table, count)):
            times.append(emulator.run(partial(_creation_time, document_id)))

    assert times == sorted(set(times))


def _insert(table: str, count: int, ctx: MutationContext) -> list[str]:
    return [ctx.db.insert(table, {}) for _ in range(count)]


def _creation_time(document_id: str, ctx: MutationContext) -> Any:
    document = ctx.db.get(document_id)
    assert document is not None
    return document["_creationTime"]

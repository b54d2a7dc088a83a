"""The rows the benchmarks work on; the same as the peer's (peer.mjs)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from convex_mastra_emulator import Emulator, Limits
from convex_mastra_emulator.runtime.context import MutationContext

# Seeding and timing loops run inside one transaction, far past its allowance.
UNLIMITED = replace(
    Limits(),
    documents_read_max=1 << 60,
    read_size_max=1 << 60,
    read_ranges_max=1 << 60,
    documents_written_max=1 << 60,
    written_size_max=1 << 60,
)


def record(number: int) -> dict[str, Any]:
    """A row of ``mastra_messages``."""
    return {
        "id": f"m{number}",
        "thread_id": f"t{number % 100}",
        "content": '{"format":2,"parts":[{"type":"text","text":"hello there"}]}',
        "role": "user",
        "type": "v2",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "resourceId": "r1",
    }


def with_messages(rows: int) -> Emulator:
    """An emulator with that many messages."""
    emulator = Emulator(limits=UNLIMITED)
    emulator.run(lambda ctx: [ctx.db.insert("mastra_messages", record(number)) for number in range(rows)])
    return emulator


def in_run(emulator: Emulator, measure: Callable[[MutationContext], float]) -> float:
    """Runs ``measure(ctx)`` inside one mutation and takes back what it wrote."""
    with emulator.rollback():
        result: float = emulator.run(measure)
    return result


def by_record_id(ctx: MutationContext, record_id: str) -> object:
    """One lookup as Mastra's handlers do it."""
    return ctx.db.query("mastra_messages").with_index("by_record_id", lambda q: q.eq("id", record_id)).unique()

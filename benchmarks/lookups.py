"""G1 to G3: a lookup costs the same at 10,000 rows, beside large tables, and a range what its documents cost."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.data import by_record_id, in_run, record, with_messages
from benchmarks.measure import Peer, Result, median_us, paired_ratio
from convex_mastra_emulator import Emulator
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.values.size import copy_of


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    small, large = with_messages(100), with_messages(10_000)
    yield Result(goal="G1", claim="by_record_id at 10,000 rows / at 100", measured=_growth(large, small), at_most=1.6)
    for rows, emulator, at_least in ((100, small, 5), (10_000, large, 500)):
        ours = in_run(emulator, lambda ctx: median_us(lambda: by_record_id(ctx, "m77")))
        theirs = peer.median_us("lookup", rows=rows)
        yield Result(
            goal="G1", claim=f"convex-test / ours, by_record_id at {rows:,}", measured=theirs / ours, at_least=at_least
        )
    yield from _beside_large(peer, large)
    yield from _ranges(peer, small, large)


def _growth(large: Emulator, small: Emulator) -> float:
    def measure(ctx: MutationContext) -> float:
        return in_run(
            small, lambda other: paired_ratio(lambda: by_record_id(ctx, "m77"), lambda: by_record_id(other, "m77"))
        )

    return in_run(large, measure)


def _resource(ctx: MutationContext) -> object:
    return ctx.db.query("mastra_resources").with_index("by_record_id", lambda q: q.eq("id", "r1")).unique()


def _beside_large(peer: Peer, large: Emulator) -> Iterator[Result]:
    alone = Emulator(limits=large.limits)
    for emulator in (alone, large):
        emulator.run(lambda ctx: ctx.db.insert("mastra_resources", {"id": "r1", "createdAt": "x", "updatedAt": "x"}))

    def measure(ctx: MutationContext) -> float:
        return in_run(alone, lambda other: paired_ratio(lambda: _resource(ctx), lambda: _resource(other)))

    yield Result(
        goal="G2", claim="small table beside 10,000 rows / alone", measured=in_run(large, measure), at_most=1.2
    )
    ours = in_run(large, lambda ctx: median_us(lambda: _resource(ctx)))
    theirs = peer.median_us("small_beside_large", rows=10_000)
    yield Result(
        goal="G2", claim="convex-test / ours, small table beside 10,000 rows", measured=theirs / ours, at_least=100
    )


def _collect(ctx: MutationContext) -> object:
    return ctx.db.query("mastra_messages").with_index("by_thread", lambda q: q.eq("thread_id", "t7")).take(100)


def _ranges(peer: Peer, small: Emulator, large: Emulator) -> Iterator[Result]:
    rows = [record(number) for number in range(100)]
    copies = in_run(
        large,
        lambda ctx: paired_ratio(
            lambda: _collect(ctx), lambda: [copy_of({**row, "_id": "", "_creationTime": 0.0}) for row in rows]
        ),
    )
    yield Result(goal="G3", claim="collect 100 of a range / copying 100 documents", measured=copies, at_most=3)
    ours = in_run(large, lambda ctx: median_us(lambda: _collect(ctx)))
    theirs = peer.median_us("collect", rows=10_000)
    yield Result(goal="G3", claim="convex-test / ours, collect 100 at 10,000", measured=theirs / ours, at_least=50)

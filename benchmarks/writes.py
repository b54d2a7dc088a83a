"""G5, G6, G8, G9, G13: inserts, patches, resets, fresh instances, and Mastra's batch insert."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from itertools import count

from benchmarks.data import UNLIMITED, by_record_id, in_run, record, with_messages
from benchmarks.measure import Peer, Result, median_us, paired_ratio
from convex_mastra_emulator import Emulator
from convex_mastra_emulator.runtime.context import MutationContext


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    yield from _inserts(peer)
    yield from _patches(peer)
    yield from _resets()
    ours = median_us(Emulator)
    yield Result(goal="G9", claim="a fresh emulator, microseconds", measured=ours, at_most=50)
    yield Result(
        goal="G9", claim="convex-test / ours, a fresh instance", measured=peer.median_us("fresh") / ours, at_least=0.1
    )
    yield from _batch_inserts(peer)


def _inserts(peer: Peer) -> Iterator[Result]:
    emulator = with_messages(1000)
    numbers = count(1_000_000)

    def insert(ctx: MutationContext) -> object:
        return ctx.db.insert("mastra_messages", record(next(numbers)))

    row = record(1)
    ratio = in_run(emulator, lambda ctx: paired_ratio(lambda: insert(ctx), lambda: copy.deepcopy(row)))
    yield Result(goal="G5", claim="insert, 4 indexes, validated / deepcopy of the document", measured=ratio, at_most=8)
    ours = in_run(emulator, lambda ctx: median_us(lambda: insert(ctx)))
    theirs = peer.median_us("insert", rows=1000, runs=501)
    yield Result(goal="G5", claim="convex-test / ours, insert", measured=theirs / ours, at_least=0.5)


def _patches(peer: Peer) -> Iterator[Result]:
    emulator = with_messages(1000)
    document_id: str = emulator.run(lambda ctx: ctx.db.query("mastra_messages").take(1)[0]["_id"])
    table = emulator._store.tables["mastra_messages"]
    before = sum(index.operations for index in table.index_list)
    emulator.run(lambda ctx: ctx.db.patch(document_id, {"content": "changed"}))
    touched = sum(index.operations for index in table.index_list) - before
    yield Result(goal="G6", claim="index operations of a patch of an unindexed field", measured=touched, at_most=0)
    texts = count()
    ours = in_run(emulator, lambda ctx: median_us(lambda: ctx.db.patch(document_id, {"content": str(next(texts))})))
    theirs = peer.median_us("patch", rows=1000, runs=501)
    yield Result(goal="G6", claim="convex-test / ours, patch", measured=theirs / ours, at_least=0.3)


def _ten_writes(ctx: MutationContext) -> None:
    for number in range(10):
        ctx.db.insert("mastra_messages", record(10_000_000 + number))


def _resets() -> Iterator[Result]:
    empty, seeded = Emulator(limits=UNLIMITED), with_messages(100_000)
    seeded.run(lambda ctx: by_record_id(ctx, "m7"))

    def a_test(emulator: Emulator) -> None:
        with emulator.rollback():
            emulator.run(_ten_writes)

    ratio = paired_ratio(lambda: a_test(seeded), lambda: a_test(empty))
    yield Result(goal="G8", claim="10 writes and their reset at 100,000 rows / at 0", measured=ratio, at_most=1.6)


def _batch_inserts(peer: Peer) -> Iterator[Result]:
    numbers = count(5_000_000)

    def batch(emulator: Emulator) -> None:
        records = [record(next(numbers)) for _ in range(100)]
        request = {"op": "batchInsert", "tableName": "mastra_messages", "records": records}
        with emulator.rollback():
            emulator.mutation("mastra/storage:handle", request)

    empty, large = Emulator(limits=UNLIMITED), with_messages(10_000)
    ratio = paired_ratio(lambda: batch(large), lambda: batch(empty))
    yield Result(goal="G13", claim="batchInsert of 100 at 10,000 rows / at 0", measured=ratio, at_most=1.5)
    for rows, emulator, at_least in ((0, empty, 1), (10_000, large, 50)):
        ours = median_us(partial(batch, emulator))
        theirs = peer.median_us("batch_insert", rows=rows, runs=9)
        yield Result(
            goal="G13",
            claim=f"convex-test / ours, batchInsert of 100 at {rows:,}",
            measured=theirs / ours,
            at_least=at_least,
        )

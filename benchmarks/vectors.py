"""G10 to G12: vector search near the memory's speed, scores that never depend on the table, cheap inserts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from benchmarks.data import UNLIMITED, in_run
from benchmarks.measure import Peer, Result, median_us, paired_ratio
from convex_mastra_emulator import Emulator
from convex_mastra_emulator.database.expression import Comparison, FieldReference, Literal
from convex_mastra_emulator.database.vector_search import VectorQuery
from convex_mastra_emulator.schema import define_schema, define_table, v


def _vector(dimensions: int, number: int) -> list[float]:
    return [math.sin(number * 31 + place) for place in range(dimensions)]


def _emulator(rows: int, dimensions: int) -> Emulator:
    table = define_table({"embedding": v.array(v.float64()), "label": v.string()}).vector_index(
        "by_embedding", vector_field="embedding", dimensions=dimensions, filter_fields=["label"]
    )
    emulator = Emulator(define_schema({"docs": table}), limits=UNLIMITED)
    emulator.run(
        lambda ctx: [
            ctx.db.insert("docs", {"embedding": _vector(dimensions, number), "label": str(number % 10)})
            for number in range(rows)
        ]
    )
    return emulator


def _search(emulator: Emulator, query: VectorQuery) -> list[tuple[str, float | None]]:
    return emulator._executor.search("docs", "by_embedding", query)


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    yield from _large(peer)
    yield from _small(peer)
    yield from _stable_scores()
    yield from _inserts(peer)


def _large(peer: Peer) -> Iterator[Result]:
    rows, dimensions = 5000, 1536
    emulator = _emulator(rows, dimensions)
    query = VectorQuery(vector=_vector(dimensions, 5), limit=10.0)
    filtered = VectorQuery(
        vector=query.vector, limit=10.0, filter=Comparison("eq", FieldReference(("label",)), Literal("3"))
    )
    matrix = np.array([_vector(dimensions, number) for number in range(rows)], dtype=np.float32)
    needle = np.array(query.vector, dtype=np.float32)
    ratio = paired_ratio(lambda: _search(emulator, query), lambda: matrix @ needle)
    yield Result(goal="G10", claim="search 5,000 x 1,536 / M @ q", measured=ratio, at_most=1.35)
    ratio = paired_ratio(lambda: _search(emulator, filtered), lambda: _search(emulator, query))
    yield Result(goal="G10", claim="filter of 10 % / unfiltered", measured=ratio, at_most=0.5)
    ours = median_us(lambda: _search(emulator, query))
    theirs = peer.median_us("vector_search", rows=rows, dimensions=dimensions)
    yield Result(goal="G10", claim="convex-test / ours, 5,000 x 1,536", measured=theirs / ours, at_least=8)


def _small(peer: Peer) -> Iterator[Result]:
    emulator = _emulator(1000, 3)
    query = VectorQuery(vector=_vector(3, 5), limit=10.0)
    ours = median_us(lambda: _search(emulator, query))
    theirs = peer.median_us("vector_search", rows=1000, dimensions=3)
    yield Result(goal="G10", claim="convex-test / ours, 1,000 x 3", measured=theirs / ours, at_least=5)


def _stable_scores() -> Iterator[Result]:
    scores: set[float | None] = set()
    table = define_table({"embedding": v.array(v.float64())}).vector_index(
        "by_embedding", vector_field="embedding", dimensions=64
    )
    emulator = Emulator(define_schema({"docs": table}), limits=UNLIMITED)
    query = VectorQuery(vector=_vector(64, 1), limit=256.0)
    for _ in range(600):
        emulator.run(lambda ctx: ctx.db.insert("docs", {"embedding": _vector(64, 2)}))
        scores.update(score for _, score in _search(emulator, query))
    yield Result(
        goal="G11", claim="different scores of one row at table sizes 1 to 600", measured=len(scores), at_most=1
    )


def _inserts(peer: Peer) -> Iterator[Result]:
    emulator = _emulator(10, 1536)
    vector = _vector(1536, 1)

    def insert_and_index() -> float:
        def measure(ctx: object) -> float:
            index = emulator._store.tables["docs"].vector_indexes["by_embedding"]

            def insert() -> None:
                ctx.db.insert("docs", {"embedding": vector, "label": "x"})  # type: ignore[attr-defined]
                index._up_to_date()

            return paired_ratio(insert, lambda: np.array(vector, dtype=np.float32))

        return in_run(emulator, measure)

    yield Result(
        goal="G12", claim="insert and index 1,536 dimensions / np.array(list)", measured=insert_and_index(), at_most=5
    )
    ours = in_run(emulator, lambda ctx: median_us(lambda: ctx.db.insert("docs", {"embedding": vector, "label": "x"})))
    theirs = peer.median_us("vector_insert", dimensions=1536, runs=201)
    yield Result(goal="G12", claim="convex-test / ours, insert of 1,536 dimensions", measured=theirs / ours, at_least=5)

"""Unit vectors as float32 rows, and exact scores against all of them.

Rows lie in segments of 256, so that adding one never copies the others; freed rows are used again.  A row's
score depends on that row alone: below sixteen dimensions the sums run left to right in float32, as the
deployment's scalar kernel does; from there on ``numpy.vecdot`` is used, because ``M @ q`` gives one row
different last bits at different table sizes (performance.md §2.3).

convex-backend crates/vector/src/qdrant_index.rs, memory_index.rs; get-convex/qdrant simple.rs
(convex-engine.md §8.5, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

SEGMENT_ROWS = 256
# Gathering more rows than this at once leaves the processor's cache (performance.md §2.3, "Equality filter").
_GATHERED_ROWS = 128
# Up to this share of the rows it is cheaper to gather them than to score everything.
_GATHERED_SHARE = 0.4
_SCALAR_DIMENSIONS = 16
_EPSILON = np.float32(np.finfo(np.float32).eps)


def normalised(vector: Sequence[float]) -> Floats:
    """The vector in float32 and at length one; as it is if its squared length is below the float32 epsilon."""
    with np.errstate(over="ignore", invalid="ignore"):
        row = np.asarray(vector, dtype=np.float64).astype(np.float32)
        is_scalar = row.size < _SCALAR_DIMENSIONS
        squared = np.add.accumulate(row * row)[-1] if is_scalar else np.vecdot(row, row)
        if squared < _EPSILON:
            return row
        unit: Floats = row / np.sqrt(squared)
        return unit


class VectorMatrix:
    """The rows of one vector index."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._segments: list[Floats] = []
        self._free: list[int] = []
        self._used = 0

    @property
    def row_count(self) -> int:
        """How many rows were ever handed out, freed ones included."""
        return self._used

    def add(self, vector: Sequence[float]) -> int:
        """Stores a vector and returns its row."""
        if self._free:
            row = self._free.pop()
        else:
            row = self._used
            self._used += 1
            if row % SEGMENT_ROWS == 0:
                self._segments.append(np.zeros((SEGMENT_ROWS, self.dimensions), dtype=np.float32))
        self.set(row, vector)
        return row

    def set(self, row: int, vector: Sequence[float]) -> None:
        """Replaces the vector of a row."""
        self._segments[row // SEGMENT_ROWS][row % SEGMENT_ROWS] = normalised(vector)

    def free(self, row: int) -> None:
        """Gives a row back."""
        self._free.append(row)

    def scores(self, query: Floats) -> Floats:
        """The score of every row, freed ones included."""
        scores = np.empty((len(self._segments), SEGMENT_ROWS), dtype=np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for position, segment in enumerate(self._segments):
                _dot(segment, query, scores[position])
        return scores.reshape(-1)[: self._used]

    def scores_of(self, rows: Rows, query: Floats) -> Floats:
        """The scores of some rows."""
        if not len(rows) or len(rows) > _GATHERED_SHARE * self._used:
            selected: Floats = self.scores(query)[rows]
            return selected
        scores = np.empty(len(rows), dtype=np.float32)
        segment_of = rows // SEGMENT_ROWS
        within = rows % SEGMENT_ROWS
        starts = np.flatnonzero(np.diff(segment_of, prepend=-1)).tolist()
        with np.errstate(over="ignore", invalid="ignore"):
            for start, end in zip(starts, [*starts[1:], len(rows)], strict=False):
                segment = self._segments[segment_of[start]]
                for first in range(start, end, _GATHERED_ROWS):
                    last = min(first + _GATHERED_ROWS, end)
                    _dot(segment[within[first:last]], query, scores[first:last])
        return scores


def _dot(rows: Floats, query: Floats, scores: Floats) -> None:
    """Writes the dot product of every row with ``query`` into ``scores``."""
    if query.size >= _SCALAR_DIMENSIONS:
        np.vecdot(rows, query, out=scores)
        return
    np.multiply(rows[:, 0], query[0], out=scores)
    for column in range(1, query.size):
        scores += rows[:, column] * query[column]


def best(scores: Floats, tie_breakers: Callable[[int], bytes], limit: int) -> list[int]:
    """Positions of the ``limit`` best scores: highest first, ties by ``tie_breakers(position)``, highest first.

    NaN orders as Rust's ``total_cmp`` has it: a positive one above everything.
    """
    if limit <= 0 or not len(scores):
        return []
    bits = scores.view(np.int32)
    order = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    if len(order) > limit:
        threshold = np.partition(order, len(order) - limit)[len(order) - limit]
        candidates = np.flatnonzero(order >= threshold)
    else:
        candidates = np.arange(len(order))
    ranked = sorted(
        zip(order[candidates].tolist(), map(tie_breakers, candidates.tolist()), candidates.tolist(), strict=True),
        reverse=True,
    )
    return [position for _, _, position in ranked[:limit]]

"""What a transaction has read, as ranges of index keys.

One mechanism for the limit on read ranges, for subscriptions and for conflicts
(convex-engine.md §5.6 ``TooManyReads`` and §10.10).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from convex_mastra_emulator.errors import LimitReached
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.usage import READ_HELP

# Above every key: no sort key begins with this byte.
_TOP = b"\xff"


class Interval(NamedTuple):
    """The keys in ``[start, end)``; ``end=None`` means to the last."""

    start: bytes
    end: bytes | None

    def after(self, key: bytes, *, descending: bool) -> Interval:
        """What is left of the interval behind ``key`` in reading order."""
        return Interval(self.start, key) if descending else Interval(key + b"\x00", self.end)

    def through(self, key: bytes, *, descending: bool) -> Interval:
        """The part of the interval that ends with ``key`` in reading order."""
        return Interval(key, self.end) if descending else Interval(self.start, key + b"\x00")

    @property
    def is_empty(self) -> bool:
        """Whether no key can lie in it."""
        return self.end is not None and self.start >= self.end


class _Intervals:
    """Disjoint intervals of one index, in order."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[bytes] = []
        self.ends: list[bytes] = []

    def add(self, start: bytes, end: bytes) -> None:
        """Adds one interval and merges those it meets."""
        first = bisect_left(self.ends, start)
        last = bisect_right(self.starts, end)
        if first < last:
            start = min(start, self.starts[first])
            end = max(end, self.ends[last - 1])
        self.starts[first:last] = [start]
        self.ends[first:last] = [end]

    def contains(self, key: bytes) -> bool:
        """Whether the key lies in one of them."""
        position = bisect_right(self.starts, key) - 1
        return position >= 0 and key < self.ends[position]


class ReadSet:
    """The ranges one transaction has read, by table and index."""

    __slots__ = ("_by_index", "_limits", "_watched", "count")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_index: dict[tuple[str, str], _Intervals] = {}
        self._watched: dict[tuple[str, str], _Intervals] = {}
        self.count = 0
        """How many disjoint ranges there are over all indexes."""

    def add(self, table: str, index: str, interval: Interval) -> None:
        """Adds a range that was read.

        Raises:
            LimitReached: ``TooManyReads``.
        """
        intervals = self._by_index.get((table, index))
        if intervals is None:
            intervals = self._by_index[(table, index)] = _Intervals()
        start, end = interval
        before = len(intervals.starts)
        intervals.add(start, _TOP if end is None else end)
        self.count += len(intervals.starts) - before
        if self.count > self._limits.read_ranges_max:
            raise LimitReached(
                f"Too many reads in a single function execution (limit: {self._limits.read_ranges_max}). {READ_HELP}",
                code="TooManyReads",
            )

    def watch(self, table: str, index: str, interval: Interval) -> None:
        """Adds a range whose changes matter although it was not read: what a search depends on is not counted."""
        intervals = self._watched.setdefault((table, index), _Intervals())
        intervals.add(interval.start, _TOP if interval.end is None else interval.end)

    def intervals(self) -> Iterator[tuple[tuple[str, str], bytes, bytes]]:
        """All ranges: table and index, the first key, and the first key behind."""
        for where, intervals in (*self._by_index.items(), *self._watched.items()):
            for start, end in zip(intervals.starts, intervals.ends, strict=True):
                yield where, start, end

    def contains(self, table: str, index: str, key: bytes) -> bool:
        """Whether a document with this key in this index was, or would have been, read."""
        found = (self._by_index.get((table, index)), self._watched.get((table, index)))
        return any(intervals is not None and intervals.contains(key) for intervals in found)

"""Queries read ahead: documents leave in batches, and count as read when the function takes them.

npm convex asks for one document after the other; in batches the way to Node and back is gone once for many.  What was
fetched and not taken leaves no trace: no allowance is used, no range is read, and after a write it is fetched anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.query import PageAllowance, Query, QueryStream, usage_of
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.usage import QueryUsage
from convex_mastra_emulator.values.types import Document

BATCH_SIZE_MAX = 1 << 20
"""Bytes of documents in a batch, by Convex' size formula; at least one document."""
_Range = tuple[str, str, Interval]


@dataclass(slots=True)
class _Step:
    """What it takes to get one row further: rows read on the way, dropped ones included, and where that ends."""

    sizes: list[int] = field(default_factory=list)
    range: _Range | None = None
    row: StoredDocument | None = None
    key: bytes | None = None
    left: list[int] = field(default_factory=list)


class _Notes:
    """Stands for a transaction while rows are fetched ahead: notes what would be counted."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.limits: Limits = transaction.limits
        self.store = transaction.store
        self.meter = self
        self.read_set = self
        self.step = _Step()

    def rows(self, query: Query) -> Any:
        """As a transaction's, on behalf of this one."""
        return Transaction.rows(self, query)  # type: ignore[arg-type]

    def counter_of(self, table: str) -> Any:
        """What notes the documents read from a table."""
        return self._note_size

    def _note_size(self, size: int) -> None:
        self.step.sizes.append(size)

    def add(self, table: str, index: str, interval: Interval) -> None:
        """Notes a range; it grows row by row, so that the last one says all."""
        self.step.range = (table, index, interval)


class PrefetchedQuery:
    """One query of a function in Node.

    Raises:
        InvalidQuery: when it cannot be run.
    """

    def __init__(self, transaction: Transaction, query: Query) -> None:
        self._transaction = transaction
        self._query = query
        self._ahead: deque[_Step] = deque()
        self._held: _Step | None = None
        self._taken: _Step | None = None
        self._rows_read = self._rows_taken = self._read_size = 0
        self._saw_end = False
        self._open()
        transaction.meter.note_query(self)

    def _open(self) -> None:
        self._notes = _Notes(self._transaction)
        self._allowance = PageAllowance()
        self._stream = QueryStream(self._notes, self._query)  # type: ignore[arg-type]
        after = None
        if self._taken is not None:
            after, self._stream.left = self._taken.key, list(self._taken.left)
        self._stream.rows.restrict(after=after, through=None, allowance=self._allowance)

    def fetch(self, count: int) -> tuple[list[Document], bool]:
        """The next documents, at most ``count``, and whether these are the last.

        Raises:
            InvalidQuery: ``EvalError`` from a filter.
            LimitReached: when the transaction may not read the next row.
        """
        rows: list[Document] = []
        size = 0
        meter, limits = self._transaction.meter, self._transaction.limits
        documents_read, read_size = meter.documents_read, meter.read_size
        while len(rows) < count and size < BATCH_SIZE_MAX:
            step = self._held or self._next()
            self._held = None
            documents_read += len(step.sizes)
            read_size += sum(step.sizes)
            if documents_read > limits.documents_read_max or read_size > limits.read_size_max:
                if rows:
                    # Whoever stops before this row must not be told.
                    self._held = step
                    return rows, False
                self._take(step)
            self._ahead.append(step)
            if step.row is None:
                return rows, True
            rows.append(step.row.value)
            size += step.row.size
        return rows, False

    def _next(self) -> _Step:
        step = self._notes.step = _Step()
        step.row = self._stream.next()
        if self._allowance.keys:
            step.key = self._allowance.keys[-1]
        elif self._taken is not None:
            step.key = self._taken.key
        step.left = list(self._stream.left)
        return step

    def take(self, count: int, *, with_end: bool) -> None:
        """Counts the first ``count`` of the documents fetched as read; and the end, if the function came to it.

        Raises:
            LimitReached: when the transaction may not read so much.
        """
        for _ in range(min(count + with_end, len(self._ahead))):
            self._take(self._ahead.popleft())

    def _take(self, step: _Step) -> None:
        self._taken = step
        if step.range is not None:
            self._transaction.read_set.add(*step.range)
        count = self._transaction.meter.counter_of(self._query.table)
        for size in step.sizes:
            self._rows_read += 1
            self._read_size += size
            count(size)
        if step.row is None:
            self._saw_end = True
        else:
            self._rows_taken += 1

    def usage(self) -> QueryUsage:
        """What the function has taken of it so far."""
        return usage_of(self._query, self._rows_read, self._rows_taken, self._read_size, is_read_to_end=self._saw_end)

    def forget_ahead(self) -> None:
        """What was not taken is fetched anew when it is wanted: it may have changed."""
        self._ahead.clear()
        self._held = None
        self._open()

"""Queries read ahead: documents leave in batches, and count as read when the function takes them.

npm convex asks for one document after the other; in batches the way to Node and back is gone once for many.  The first
of a batch is what the function waits for, and counts at once.  What was fetched and not taken leaves no trace: no
allowance is used, no range is read, and after a write it is fetched anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NoReturn

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.query import PageAllowance, Query, QueryStream, usage_of
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.usage import QueryUsage

BATCH_SIZE_MAX = 1 << 20
"""Bytes of documents in a batch, by Convex' size formula; at least one document."""
_Range = tuple[str, str, Interval]


@dataclass(slots=True)
class _Step:
    """What it takes to get one row further: rows read on the way, dropped ones included, and where that ends.

    Attributes:
        sizes: of the rows of an index.
        found: the ids and sizes of what a search has found.
        range: of the index; what is read of it so far.
        row: None at the end.
        key: after which the next step begins.
        left: of the query's limits.
        is_taken: whether it counts as read already.
    """

    sizes: list[int] = field(default_factory=list)
    found: list[tuple[str, int]] = field(default_factory=list)
    range: _Range | None = None
    row: StoredDocument | None = None
    key: bytes | None = None
    left: list[int] = field(default_factory=list)
    is_taken: bool = False

    @property
    def documents_read(self) -> int:
        """How many documents it reads."""
        return len(self.sizes) + len(self.found)

    @property
    def read_size(self) -> int:
        """Their bytes."""
        return sum(self.sizes) + sum(size for _, size in self.found)


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

    def look_up(self, table: str, document_id: str) -> StoredDocument | None:
        """A document a search has found; notes that it is read."""
        found = self.store.table(table)
        document = None if found is None else found.documents.get(document_id)
        if document is not None:
            self.step.found.append((document_id, document.size))
        return document

    def counter_of(self, table: str) -> Any:
        """What notes the documents read from a table."""
        return self._note_size

    def watch(self, table: str, index: str, interval: Interval) -> None:
        """Watches at once: whoever asks for the first document depends on it."""
        self._transaction.read_set.watch(table, index, interval)

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
        self._refused: DeploymentError | None = None
        self._last: _Step | None = None
        self._rows_read = self._rows_taken = self._read_size = 0
        self._saw_end = False
        self._open()
        transaction.meter.note_query(self)

    def _open(self) -> None:
        self._notes = _Notes(self._transaction)
        self._allowance = PageAllowance()
        self._stream = QueryStream(self._notes, self._query)  # type: ignore[arg-type]
        after = None
        if self._last is not None:
            after, self._stream.left = self._last.key, list(self._last.left)
        self._stream.rows.restrict(after=after, through=None, allowance=self._allowance)

    def fetch(self, count: int) -> tuple[list[StoredDocument], bool]:
        """The next documents, at most ``count``, and whether these are the last, as far as may be read.

        Raises:
            InvalidQuery: ``EvalError`` from a filter.
            LimitReached: when the transaction may not read the next row.
        """
        if self._refused is not None:
            self._refuse(self._refused)
        rows: list[StoredDocument] = []
        size = 0
        meter, limits = self._transaction.meter, self._transaction.limits
        documents_read, read_size = meter.documents_read, meter.read_size
        ranges_read = self._transaction.read_set.count
        while True:
            try:
                step = self._held or self._next()
            except DeploymentError as error:
                if rows:
                    # Whoever stops before this row must not be told.
                    self._refused = error
                    return rows, False
                self._refuse(error)
            self._held = None
            documents_read += step.documents_read
            read_size += step.read_size
            ranges_read += len(step.found)
            if not rows:
                self._take(step)
            elif (
                documents_read > limits.documents_read_max
                or read_size > limits.read_size_max
                or ranges_read > limits.read_ranges_max
            ):
                self._held = step
                return rows, False
            if step.row is None:
                self._ahead.append(step)
                return rows, True
            if len(rows) == count or size >= BATCH_SIZE_MAX:
                self._held = step
                return rows, False
            self._ahead.append(step)
            rows.append(step.row)
            size += step.row.size

    def _refuse(self, error: DeploymentError) -> NoReturn:
        # What was read on the way to the row counts.
        self._refused = None
        self._take(self._notes.step)
        raise error

    def _next(self) -> _Step:
        step = self._notes.step = _Step()
        step.row = self._stream.next()
        if self._allowance.keys:
            step.key = self._allowance.keys[-1]
        elif self._last is not None:
            step.key = self._last.key
        step.left = list(self._stream.left)
        return step

    def take(self, count: int, *, with_end: bool) -> None:
        """Counts the first ``count`` of the documents fetched as read; and the end, if the function came to it.

        Raises:
            LimitReached: when the transaction may not read so much.
        """
        for _ in range(min(count + with_end, len(self._ahead))):
            step = self._ahead.popleft()
            if not step.is_taken:
                self._take(step)

    def _take(self, step: _Step) -> None:
        step.is_taken = True
        self._last = step
        transaction, table = self._transaction, self._query.table
        self._rows_read += step.documents_read
        self._read_size += step.read_size
        if step.range is not None:
            transaction.read_set.add(*step.range)
        count = transaction.meter.counter_of(table)
        for size in step.sizes:
            count(size)
        for document_id, size in step.found:
            transaction.record_point(table, document_id)
            transaction.meter.read(size)
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
        self._held = self._refused = None
        self._open()

"""A query as data, and the stream that runs it inside a transaction.

A query is a source (a table scan or an index range, in one direction) and a list of filters and limits in the
order of their calls.  Rows are fetched in batches; a row counts as read when it is consumed, also if a filter
then drops it.

convex-backend crates/database/src/query/*.rs (convex-engine.md §4.4, §4.5 and §5.2, checked 2026-11-21).
"""

from __future__ import annotations

import hashlib
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.expression import Expression, as_boolean, field_names
from convex_mastra_emulator.database.index import BY_CREATION_TIME, OrderedIndex
from convex_mastra_emulator.database.ranges import RangeExpression, compile_range
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.errors import InvalidArgument, InvalidQuery, LimitReached
from convex_mastra_emulator.usage import QueryUsage
from convex_mastra_emulator.values.json_text import write_json

if TYPE_CHECKING:
    from convex_mastra_emulator.database.store import Table
    from convex_mastra_emulator.database.text_search import SearchExpression
    from convex_mastra_emulator.database.transaction import Transaction

# DEFAULT_QUERY_PREFETCH and MAX_QUERY_FETCH of crates/common/src/knobs.rs and query/mod.rs.
PREFETCH = 100
FETCH_MAX = 1024


class Query(NamedTuple):
    """What to read: ``index_name=None`` scans the table in creation order."""

    table: str
    index_name: str | None = None
    range: tuple[RangeExpression, ...] = ()
    descending: bool = False
    operators: tuple[Expression | int, ...] = ()
    """Filters and limits in the order of their calls."""
    is_ordered: bool = False
    """Whether the direction was chosen, which may happen once; of no importance to what is read."""
    search: tuple[SearchExpression, ...] | None = None
    """What a text index is searched for; None reads a database index."""

    def fingerprint(self, index_fields: str) -> bytes:
        """What a cursor is bound to: the whole query and the fields of its index."""
        plan = {
            "table": self.table,
            "index": self.index_name,
            "range": [expression.to_json() for expression in self.range],
            "order": "desc" if self.descending else "asc",
            "operators": [operator if isinstance(operator, int) else operator.to_json() for operator in self.operators],
            "fields": index_fields,
        }
        if self.search is not None:
            plan["search"] = [expression.to_json() for expression in self.search]
        return hashlib.sha256(write_json(plan).encode()).digest()


def index_not_found(table: str, index: str) -> InvalidQuery:
    """The refusal of an index, or of any index of a table, that does not exist."""
    return InvalidQuery(f"Index {table}.{index} not found.", code="IndexNotFoundError")


def index_of(query: Query, table: Table | None) -> OrderedIndex | None:
    """The database index a query reads; None for a search, and for a scan of a table that does not exist.

    Raises:
        InvalidQuery: if there is no such index, or it cannot be queried.
    """
    if query.search is not None:
        return None
    if table is not None:
        return table.queryable_index(query.index_name or BY_CREATION_TIME)
    if query.index_name is not None:
        raise index_not_found(query.table, query.index_name)
    return None


class AllowanceUsed(Exception):
    """A page has read as many rows or bytes as its caller allows."""


@dataclass(slots=True, kw_only=True)
class PageAllowance:
    """What one page may read, and the keys of the rows it has read; None stands for no bound."""

    rows_max: int | None = None
    size_max: int | None = None
    rows_fetched: int = 0
    read_size: int = 0
    keys: list[bytes] = field(default_factory=list)

    def check_size(self) -> None:
        """Raises :class:`AllowanceUsed` before a row more is read than the bytes allow."""
        if self.size_max is not None and self.read_size >= self.size_max:
            raise AllowanceUsed

    def rows_to_fetch(self, wanted: int) -> int:
        """How many rows the next batch may have; raises :class:`AllowanceUsed` if none."""
        if self.rows_max is None:
            return wanted
        if self.rows_fetched >= self.rows_max:
            raise AllowanceUsed
        return min(wanted, self.rows_max - self.rows_fetched)


class Rows(Protocol):
    """The source of a query, read row by row: an index range or a search."""

    is_search: ClassVar[bool]

    @property
    def rows_read(self) -> int:
        """How many were read so far."""

    @property
    def read_size(self) -> int:
        """Their bytes, as far as they count."""

    def restrict(self, *, after: bytes | None, through: bytes | None, allowance: PageAllowance) -> None:
        """Makes this the stream of one page."""

    def next(self, hint: int = PREFETCH) -> StoredDocument | None:
        """The next row, or None at the end."""

    def take(self, count: int) -> list[StoredDocument]:
        """The first ``count`` rows or all there are."""


class RowStream:
    """The rows of one index range in order, fetched in batches and counted one by one.

    Args:
        transaction: whose pending writes are seen and whose allowance is used.
        query: only its source is looked at.
        interval: what of the range to read; the whole range if None.

    Raises:
        InvalidQuery: when the index cannot be used as the query asks.
    """

    is_search: ClassVar = False
    # Set by those that read something: a query is opened in a microsecond.
    rows_read = 0
    read_size = 0

    def __init__(self, transaction: Transaction, query: Query) -> None:
        self._transaction = transaction
        self._table_name = query.table
        self._count = transaction.meter.counter_of(query.table)
        self.descending = query.descending
        table = transaction.store.table(query.table)
        self.index = index_of(query, table)
        if self.index is None:
            self._interval = Interval(b"", None)
        else:
            self._interval = compile_range(query.table, self.index, query.range)
        self._table = table
        self._unfetched = self._interval
        self._fetched: deque[tuple[bytes, StoredDocument]] = deque()
        self._is_fetched_to_end = table is None
        self._allowance: PageAllowance | None = None

    def restrict(self, *, after: bytes | None, through: bytes | None, allowance: PageAllowance) -> None:
        """Makes this the stream of one page.

        Args:
            after: the key behind which to begin, in reading order.
            through: the last key to read.
            allowance: how much the page may read; keeps count.
        """
        self._allowance = allowance
        if after is not None:
            self._interval = self._interval.after(after, descending=self.descending)
        if through is not None:
            end = self._interval.through(through, descending=self.descending)
            self._interval = Interval(
                max(self._interval.start, end.start),
                end.end if self._interval.end is None else min(self._interval.end, end.end or self._interval.end),
            )
        self._unfetched = self._interval

    def _fetch(self, hint: int) -> list[tuple[bytes, StoredDocument]]:
        """The next batch of at most ``hint`` rows with their keys."""
        assert self.index is not None
        assert self._table is not None
        start, end = self._unfetched
        if end is not None and start >= end:
            self._is_fetched_to_end = True
            return []
        wanted = min(max(hint, 1), FETCH_MAX)
        if self._allowance is not None:
            wanted = self._allowance.rows_to_fetch(wanted)
        keys = list(islice(self.index.keys(start, end, descending=self.descending), wanted))
        if self._allowance is not None:
            self._allowance.rows_fetched += len(keys)
        if len(keys) < wanted:
            self._is_fetched_to_end = True
        else:
            self._unfetched = self._unfetched.after(keys[-1], descending=self.descending)
        find = self._table.document_by_key
        return [(key, find(key)) for key in keys]

    def next(self, hint: int = PREFETCH) -> StoredDocument | None:
        """The next row, or None at the end.

        Raises:
            LimitReached: when the transaction may not read any more.
            AllowanceUsed: when the page may not.
        """
        allowance = self._allowance
        if allowance is not None:
            allowance.check_size()
        if not self._fetched and not self._is_fetched_to_end:
            self._fetched.extend(self._fetch(hint))
        if not self._fetched:
            self._record(self._interval)
            return None
        key, document = self._fetched.popleft()
        self.rows_read += 1
        self.read_size += document.size
        self._count(document.size)
        if allowance is not None:
            allowance.keys.append(key)
            allowance.read_size += document.size
        self._record(self._interval.through(key, descending=self.descending))
        return document

    def take(self, count: int) -> list[StoredDocument]:
        """The first ``count`` rows or all there are: what :meth:`next` gives, without its cost per row.

        Raises:
            LimitReached: when the transaction may not read any more.
        """
        taken: list[StoredDocument] = []
        read, meter = self._count, self._transaction.meter
        last_key: bytes | None = None
        size = meter.read_size
        try:
            while len(taken) < count and not self._is_fetched_to_end:
                for key, document in self._fetch(min(count - len(taken), PREFETCH)):
                    taken.append(document)
                    read(document.size)
                    last_key = key
        except LimitReached:
            if last_key is not None:
                self._record(self._interval.through(last_key, descending=self.descending))
            raise
        finally:
            self.rows_read = len(taken)
            self.read_size = meter.read_size - size
        if len(taken) < count:
            self._record(self._interval)
        elif last_key is not None:
            self._record(self._interval.through(last_key, descending=self.descending))
        return taken

    def _record(self, interval: Interval) -> None:
        # A missing table is remembered as an empty scan, so that its creation is noticed.
        index = BY_CREATION_TIME if self.index is None else self.index.name
        self._transaction.read_set.add(self._table_name, index, interval)


class QueryStream:
    """A query being run: the rows of its source through its filters and limits.

    Raises:
        InvalidQuery: as :class:`RowStream`; also for too many operators.
    """

    is_page = False
    """Whether only a page of it is read."""
    _rows_returned = 0
    _is_read_to_end = False

    def __init__(self, transaction: Transaction, query: Query) -> None:
        limit = transaction.limits.query_operators_max
        if len(query.operators) > limit:
            raise InvalidArgument(
                f"Invalid argument `query` for `queryStream`: Query has too many operators: {len(query.operators)}"
            )
        self.rows: Rows = transaction.rows(query)
        self._meter = transaction.meter
        self._query = query
        self._operators = query.operators
        # How many rows each limit still lets through; -1 stands for a filter.
        self.left = [operator if isinstance(operator, int) else -1 for operator in query.operators]

    def next(self, hint: int = PREFETCH) -> StoredDocument | None:
        """The next document, or None.

        Raises:
            InvalidQuery: ``EvalError`` from a filter.
            LimitReached: when the transaction may not read any more.
        """
        while True:
            # A limit that is used up ends the query before another row is read; an outer one goes first.
            if 0 in self.left:
                return None
            row = self.rows.next(self._hint(hint))
            if row is None:
                self._is_read_to_end = True
                return None
            if self._passes(row):
                self._rows_returned += 1
                return row

    def _hint(self, hint: int) -> int:
        """How many rows the source is asked for: a filter directly above it cannot tell (100), a limit can."""
        for operator, left in zip(reversed(self._operators), reversed(self.left), strict=True):
            hint = min(hint, left) if isinstance(operator, int) else PREFETCH
        return hint

    def _passes(self, row: StoredDocument) -> bool:
        for position, operator in enumerate(self._operators):
            if isinstance(operator, int):
                if self.left[position] == 0:
                    return False
                self.left[position] -= 1
            elif not as_boolean(operator.evaluate(row.value)):
                return False
        return True

    def begin_page(self) -> None:
        """Notes that only a page of it is read."""
        self.is_page = True
        self._meter.note_query(self)

    def __iter__(self) -> Iterator[StoredDocument]:
        self._meter.note_query(self)
        while (row := self.next()) is not None:
            yield row

    def collect(self, count: int | None = None) -> list[StoredDocument]:
        """Up to ``count`` documents, all of them if None.

        Raises:
            InvalidQuery: ``EvalError`` from a filter.
            LimitReached: when the transaction may not read any more.
        """
        limits = [operator for operator in self._operators if isinstance(operator, int)]
        if len(limits) == len(self._operators):
            # Nothing is filtered: the rows themselves, which need no look at each.
            self._is_read_to_end = count is None
            try:
                rows = self.rows.take(min([sys.maxsize if count is None else count, *limits]))
                self._rows_returned = len(rows)
            finally:
                # What came of it, not the query: to keep that until the call ends would cost more than to run it.
                self._meter.note_usage(self.usage())
            return rows
        self._meter.note_query(self)
        rows = []
        while count is None or len(rows) < count:
            row = self.next(PREFETCH if count is None else min(PREFETCH, count - len(rows)))
            if row is None:
                break
            rows.append(row)
        return rows

    def usage(self) -> QueryUsage:
        """What was read and what came out of it so far."""
        query, rows = self._query, self.rows
        index = query.index_name or BY_CREATION_TIME
        # Filters are marked so, limits have what is left of them.  The common case is told at once: every call pays.
        if query.range and -1 not in self.left:
            return QueryUsage(query.table, index, rows.rows_read, self._rows_returned, rows.read_size, True)
        returned, is_to_end = self._rows_returned, self._is_read_to_end and not self.is_page
        return usage_of(query, rows.rows_read, returned, rows.read_size, is_read_to_end=is_to_end)


def usage_of(query: Query, rows_read: int, rows_returned: int, read_size: int, *, is_read_to_end: bool) -> QueryUsage:
    """What a query that was run so far has used."""
    is_system, is_search = query.table.startswith("_"), query.search is not None
    filters = tuple(operator for operator in query.operators if not isinstance(operator, int))
    has_range = bool(query.range)
    # What has a limit, or is read page by page, ends somewhere, but for what a filter drops on the way there.
    is_unbounded = is_read_to_end and not query.operators
    return QueryUsage(
        query.table,
        query.index_name or BY_CREATION_TIME,
        rows_read,
        rows_returned,
        0 if is_system else read_size,
        has_range,
        not (has_range or is_search or is_system) and (is_unbounded or bool(filters)),
        "text" if is_search else "database",
        tuple(dict.fromkeys(field_names(filters))) if filters else (),
    )

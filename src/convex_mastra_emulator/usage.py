"""The allowance of one transaction: how much it has read and written, and when that is too much.

Reads count where they happen, also when a filter drops the row; a check that fails still counts.  Beside the numbers
that have limits stands what each query did, for tests that want to know why a call reads so much.

convex-backend crates/database/src/reads.rs and writes.rs (convex-engine.md §5.6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from convex_mastra_emulator.errors import LimitReached
from convex_mastra_emulator.limits import Limits

READ_HELP = (
    "Consider using smaller limits in your queries, paginating your queries, "
    "or using indexed queries with a selective index range expressions."
)

QUERIES_KEPT_MAX = 1000
"""How many queries of one call are told one by one."""


class QueryUsage(NamedTuple):
    """What one query, or search, of a call did.

    A *table scan* is a query that has no range on its index, and either reads all there is (``collect``, or iterating
    to the end) or leaves it to a ``filter`` which rows are kept.  How many rows there are is of no importance: a table
    that is small today will not stay so.  ``take(n)``, ``first()``, ``unique()`` and ``paginate`` without a filter are
    none, as what they read is bounded; nor are searches, and queries of system tables, which have no indexes.

    Attributes:
        table: whose documents are looked for.
        index: through which index; ``by_creation_time`` if the query names none.
        rows_read: the documents it read, those a filter dropped included; 0 for a vector search, which reads none.
        rows_returned: the documents, or results, that came out of it.
        bytes_read: the size of what it read; 0 in system tables, whose documents are free.
        has_range: whether it reads a range of the index only.
        is_table_scan: see above.
        kind: ``database``, ``text`` or ``vector``, after the kind of its index.
        filtered_by: the fields its filters look at.
    """

    table: str
    index: str  # type: ignore[assignment]  # hides a method of tuples that nobody needs here
    rows_read: int = 0
    rows_returned: int = 0
    bytes_read: int = 0
    has_range: bool = False
    is_table_scan: bool = False
    kind: str = "database"
    filtered_by: tuple[str, ...] = ()


class Usage(NamedTuple):
    """What one call used.  Sizes are bytes of Convex' size formula.

    Of an action it is the sum over the transactions it started, nested actions included, and its vector searches.  A
    deployment's log tells them apart: each query and mutation of an action is an entry with a usage of its own, and
    that of the action holds its vector searches only.  Limits hold for each transaction by itself
    (crates/application/src/application_function_runner/mod.rs, crates/isolate/src/environment/action/async_syscall.rs).
    """

    documents_read: int = 0
    read_size: int = 0
    read_ranges: int = 0
    documents_written: int = 0
    written_size: int = 0
    largest_document: tuple[str, int] | None = None
    """The id and size of the largest document written."""
    deepest_document: tuple[str, int] | None = None
    """The id and nesting depth of the most deeply nested document written."""
    gets: int = 0
    """How often ``db.get`` looked for a document, whether it was there or not."""
    queries: tuple[QueryUsage, ...] = ()
    """What each query did, in the order in which they were read; the first 1,000."""
    queries_dropped: int = 0
    """How many queries there were beyond these."""
    is_sum: bool = False
    """Whether it is that of an action, no transaction of which had it all to itself."""

    def plus(self, other: Usage) -> Usage:
        """What two calls used together; the largest document is that of either."""
        queries = (*self.queries, *other.queries[: QUERIES_KEPT_MAX - len(self.queries)])
        dropped = len(self.queries) + len(other.queries) - len(queries)
        return Usage(
            documents_read=self.documents_read + other.documents_read,
            read_size=self.read_size + other.read_size,
            read_ranges=self.read_ranges + other.read_ranges,
            documents_written=self.documents_written + other.documents_written,
            written_size=self.written_size + other.written_size,
            largest_document=_larger(self.largest_document, other.largest_document),
            deepest_document=_larger(self.deepest_document, other.deepest_document),
            gets=self.gets + other.gets,
            queries=queries,
            queries_dropped=self.queries_dropped + other.queries_dropped + dropped,
            is_sum=True,
        )


def _larger(first: tuple[str, int] | None, second: tuple[str, int] | None) -> tuple[str, int] | None:
    if first is None or second is None:
        return first or second
    return max(first, second, key=lambda document: document[1])


NOTHING_USED = Usage()


class UsageSum:
    """Adds up what the transactions of an action use."""

    __slots__ = ("usage",)

    def __init__(self) -> None:
        self.usage = Usage(is_sum=True)

    def add(self, usage: Usage) -> None:
        """Counts what a transaction used."""
        self.usage = self.usage.plus(usage)


class MeteredQuery(Protocol):
    """A query of a transaction."""

    def usage(self) -> QueryUsage:
        """What it did so far."""


class Meter:
    """Counts for one transaction; nested calls share it."""

    __slots__ = (
        "_queries",
        "deepest_document",
        "documents_read",
        "documents_written",
        "gets",
        "largest_document",
        "limits",
        "queries_dropped",
        "read_size",
        "written_size",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.documents_read = 0
        self.read_size = 0
        self.documents_written = 0
        self.written_size = 0
        self.gets = 0
        self.queries_dropped = 0
        self._queries: list[MeteredQuery | QueryUsage] = []
        self.largest_document: tuple[str, int] | None = None
        self.deepest_document: tuple[str, int] | None = None

    def read(self, size: int) -> None:
        """Counts one consumed document.

        Raises:
            LimitReached: ``TooManyDocumentsRead`` or ``TooManyBytesRead``.
        """
        self.documents_read += 1
        self.read_size += size
        if self.documents_read > self.limits.documents_read_max:
            raise LimitReached(
                "Too many documents read in a single function execution "
                f"(limit: {self.limits.documents_read_max}). {READ_HELP}",
                code="TooManyDocumentsRead",
            )
        if self.read_size > self.limits.read_size_max:
            raise LimitReached(
                "Too many bytes read in a single function execution "
                f"(limit: {self.limits.read_size_max} bytes). {READ_HELP}",
                code="TooManyBytesRead",
            )

    def counter_of(self, table: str) -> Callable[[int], None]:
        """What counts the documents read from a table: those of system tables are free."""
        return _uncounted if table.startswith("_") else self.read

    def write(self, size: int) -> None:
        """Counts one new version of a document (0 bytes for a delete).

        Raises:
            LimitReached: ``TooManyWrites`` or ``TooManyBytesWritten``.
        """
        self.documents_written += 1
        self.written_size += size
        if self.documents_written > self.limits.documents_written_max:
            raise LimitReached(
                f"Too many writes in a single function execution (limit: {self.limits.documents_written_max})",
                code="TooManyWrites",
            )
        if self.written_size > self.limits.written_size_max:
            raise LimitReached(
                "Too many bytes written in a single function execution "
                f"(limit: {_printed_size(self.limits.written_size_max)})",
                code="TooManyBytesWritten",
            )

    def note_document(self, document_id: str, size: int, nesting: int) -> None:
        """Remembers the largest and the deepest document written, for the warnings of §10.8."""
        if self.largest_document is None or size > self.largest_document[1]:
            self.largest_document = document_id, size
        if self.deepest_document is None or nesting > self.deepest_document[1]:
            self.deepest_document = document_id, nesting

    def note_query(self, query: MeteredQuery) -> None:
        """Remembers a query that is now read row by row; how far is asked for in the end."""
        if len(self._queries) < QUERIES_KEPT_MAX:
            self._queries.append(query)
        else:
            self.queries_dropped += 1

    def note_usage(self, usage: QueryUsage) -> None:
        """Remembers what a query did that was read in one go."""
        if len(self._queries) < QUERIES_KEPT_MAX:
            self._queries.append(usage)
        else:
            self.queries_dropped += 1

    def forget_queries(self) -> None:
        """Forgets the queries, each of which knows this meter: a circle would wait for the garbage collector."""
        self._queries.clear()

    def usage(self, read_ranges: int) -> Usage:
        """What was used so far; the read set counts its ranges itself."""
        return Usage(
            self.documents_read,
            self.read_size,
            read_ranges,
            self.documents_written,
            self.written_size,
            self.largest_document,
            self.deepest_document,
            self.gets,
            tuple([query if isinstance(query, QueryUsage) else query.usage() for query in self._queries]),
            self.queries_dropped,
        )

    def written(self) -> tuple[int, int]:
        """The write counters, for :meth:`restore_written`."""
        return self.documents_written, self.written_size

    def restore_written(self, counters: tuple[int, int]) -> None:
        """Puts the write counters back; reads of a call that was rolled back stay counted."""
        self.documents_written, self.written_size = counters


def _uncounted(_size: int) -> None:
    """Counts nothing."""


def _printed_size(size: int) -> str:
    """``16 MiB`` for 16,777,216: the first unit that divides exactly or to one decimal (crates/common/src/fmt.rs)."""
    for unit, scale in (("GiB", 1 << 30), ("GB", 10**9), ("MiB", 1 << 20), ("MB", 10**6), ("KiB", 1024), ("KB", 1000)):
        if size >= scale and (size * 10) % scale == 0:
            tenths = size * 10 // scale
            return f"{tenths // 10} {unit}" if tenths % 10 == 0 else f"{tenths / 10} {unit}"
    return f"{size} bytes"

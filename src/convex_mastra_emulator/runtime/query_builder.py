"""``ctx.db.query(...)`` in Python: the builders of npm convex, with their checks and texts.

convex-js src/server/impl/query_impl.ts, index_range_builder_impl.ts, filter_builder_impl.ts
(convex-engine.md §4.3, §5.1 to §5.3, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from convex_mastra_emulator.database.pagination import CursorCodec, PageOptions, read_page
from convex_mastra_emulator.database.query import Query, QueryStream
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import InvalidArgument, ThrownError
from convex_mastra_emulator.runtime.expression_builders import FilterBuilder, IndexRangeBuilder, bad_query
from convex_mastra_emulator.values.names import identifier_problem
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Document, undefined

_CHAINED = "This query has been chained with another operator and can't be reused."
_CLOSED = "This query is closed and can't emit any more values."


class QueryBuilder:
    """A query being built, then run once."""

    __slots__ = ("_cursors", "_query", "_state", "_stream", "_transaction")

    def __init__(self, transaction: Transaction, cursors: CursorCodec, query: Query) -> None:
        self._transaction = transaction
        self._cursors = cursors
        self._query = query
        self._state = "preparing"
        self._stream: QueryStream | None = None

    # Building

    def _chained(self, **changes: Any) -> QueryBuilder:
        if self._state != "preparing":
            raise ThrownError("A query can only be chained once and can't be chained after iteration begins.")
        self._state = "chained"
        return QueryBuilder(self._transaction, self._cursors, self._query._replace(**changes))

    def order(self, order: str) -> QueryBuilder:
        """Reads the source ``"asc"`` or ``"desc"``."""
        if order not in ("asc", "desc"):
            raise bad_query(f'expected "asc" or "desc", got {order!r}')
        if self._query.is_ordered:
            raise ThrownError("Queries may only specify order at most once")
        return self._chained(descending=order == "desc", is_ordered=True)

    def filter(self, predicate: Callable[[FilterBuilder], Any]) -> QueryBuilder:
        """Keeps the documents for which ``predicate(q)``'s expression is true."""
        limit = self._transaction.limits.query_operators_max
        if len(self._query.operators) >= limit:
            raise ThrownError(f"Can't construct query with more than {limit} operators")
        builder = FilterBuilder(self._transaction.limits)
        condition = predicate(builder)
        expression = builder.expression(undefined if condition is None else condition)
        return self._chained(operators=(*self._query.operators, expression))

    # Running

    def _start(self) -> QueryStream:
        if self._state == "executing":
            raise ThrownError("Iteration can only begin on a query once.")
        if self._state != "preparing":
            self._refuse()
        self._state = "executing"
        return self._transaction.query(self._query)

    def _refuse(self) -> NoReturn:
        raise ThrownError(_CHAINED if self._state == "chained" else _CLOSED)

    def _limited(self, count: int) -> list[Document]:
        """At most ``count`` documents, with the limit as an operator, so that no more rows are fetched."""
        self._query = self._query._replace(operators=(*self._query.operators, count))
        stream = self._start()
        rows = stream.collect()
        self._state = "closed"
        return [copy_of(row.value) for row in rows]

    def collect(self) -> list[Document]:
        """All documents.

        Raises:
            LimitReached: when there are more than a transaction may read.
        """
        rows = self._start().collect()
        self._state = "closed"
        return [copy_of(row.value) for row in rows]

    def take(self, count: int) -> list[Document]:
        """The first ``count`` documents.

        Raises:
            TypeError: if ``count`` is no non-negative whole number.
        """
        if isinstance(count, bool) or not isinstance(count, (int, float)) or count != count // 1 or count < 0:
            raise TypeError("Arg 1 `n` to `take` must be a non-negative integer")
        return self._limited(int(count))

    def first(self) -> Document | None:
        """The first document, or None."""
        rows = self._limited(1)
        return rows[0] if rows else None

    def unique(self) -> Document | None:
        """The only document, or None.

        Raises:
            ThrownError: if there are several.
        """
        rows = self._limited(2)
        if len(rows) > 1:
            ids = ", ".join(row["_id"] for row in rows)
            raise ThrownError(
                f"unique() query returned more than one result from table {self._query.table}:\n [{ids}, ...]"
            )
        return rows[0] if rows else None

    def __iter__(self) -> Iterator[Document]:
        stream = self._start()
        for row in stream:
            yield copy_of(row.value)
        self._state = "closed"

    def paginate(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """One page, as JavaScript returns it.

        Args:
            options: ``numItems``, ``cursor``, and optionally ``endCursor``, ``maximumRowsRead``,
                ``maximumBytesRead``; a deployment refuses what it does not expect in them.

        Returns:
            ``page``, ``isDone``, ``continueCursor``, ``splitCursor``, ``pageStatus``.

        Raises:
            InvalidQuery: for sizes out of bounds, unreadable cursors, and a second page in one function.
        """
        page_options = _page_options(options)
        if self._state != "preparing":
            self._refuse()
        self._state = "closed"
        page = read_page(self._transaction, self._query, page_options, self._cursors)
        self._transaction.note_page()
        return {
            "page": [copy_of(row.value) for row in page.documents],
            "isDone": page.is_done,
            "continueCursor": page.continue_cursor,
            "splitCursor": page.split_cursor,
            "pageStatus": page.page_status,
        }


def _page_options(options: Mapping[str, Any]) -> PageOptions:
    number = options.get("numItems")
    if isinstance(number, bool) or not isinstance(number, (int, float)) or number < 0:
        raise ThrownError(f"`options.numItems` must be a positive number. Received `{number}`.")
    return PageOptions(
        page_size=_whole(number, "pageSize"),
        cursor=options.get("cursor"),
        end_cursor=options.get("endCursor"),
        rows_read_max=_optional_whole(options, "maximumRowsRead"),
        read_size_max=_optional_whole(options, "maximumBytesRead"),
    )


def _optional_whole(options: Mapping[str, Any], name: str) -> int | None:
    value = options.get(name)
    return None if value is None else _whole(value, name)


def _whole(value: Any, name: str) -> int:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or value != value // 1 or value < 0:
        raise InvalidArgument(
            f"Invalid arguments for `queryPage`: invalid type: floating point `{value}`, expected usize"
        )
    return int(value)


class TableQuery:
    """``ctx.db.query(table)``: holds no state and may be used any number of times."""

    __slots__ = ("_cursors", "_table", "_transaction")

    def __init__(self, transaction: Transaction, cursors: CursorCodec, table: str) -> None:
        problem = identifier_problem(table)
        if problem is not None:
            raise bad_query(problem)
        self._transaction = transaction
        self._cursors = cursors
        self._table = table

    def full_table_scan(self) -> QueryBuilder:
        """All documents in creation order."""
        return QueryBuilder(self._transaction, self._cursors, Query(table=self._table))

    def with_index(
        self, index: str, index_range: Callable[[IndexRangeBuilder], IndexRangeBuilder] | None = None
    ) -> QueryBuilder:
        """The documents of an index range in the index's order.

        Raises:
            InvalidArgument: if a field path or the index's name cannot be read.
        """
        if identifier_problem(index) is not None:
            raise bad_query(
                f'Invalid table name: "{index}". '
                "Identifiers must start with a letter and can only contain letters, digits, and underscores."
            )
        builder = IndexRangeBuilder(self._transaction.limits)
        expressions = builder.expressions if index_range is None else index_range(builder).expressions
        query = Query(table=self._table, index_name=index, range=expressions)
        return QueryBuilder(self._transaction, self._cursors, query)

    def order(self, order: str) -> QueryBuilder:
        """All documents, ``"asc"`` or ``"desc"`` by creation."""
        return self.full_table_scan().order(order)

    def filter(self, predicate: Callable[[FilterBuilder], Any]) -> QueryBuilder:
        """The documents for which ``predicate(q)``'s expression is true."""
        return self.full_table_scan().filter(predicate)

    def collect(self) -> list[Document]:
        """All documents."""
        return self.full_table_scan().collect()

    def take(self, count: int) -> list[Document]:
        """The first ``count`` documents."""
        return self.full_table_scan().take(count)

    def first(self) -> Document | None:
        """The first document, or None."""
        return self.full_table_scan().first()

    def unique(self) -> Document | None:
        """The only document, or None."""
        return self.full_table_scan().unique()

    def paginate(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """One page of all documents."""
        return self.full_table_scan().paginate(options)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.full_table_scan())

"""``ctx.db.query(...)`` in Python: the builders of npm convex, with their checks and texts.

convex-js src/server/impl/query_impl.ts, index_range_builder_impl.ts, filter_builder_impl.ts
(convex-engine.md §4.3, §5.1 to §5.3 and §9, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from convex_mastra_emulator.database.pagination import CursorCodec, PageOptions, read_page
from convex_mastra_emulator.database.query import Query, QueryStream
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import InvalidArgument, ThrownError
from convex_mastra_emulator.runtime.expression_builders import (
    FilterBuilder,
    IndexRangeBuilder,
    MalformedQuery,
    SearchFilterBuilder,
)
from convex_mastra_emulator.values.codec import json_type
from convex_mastra_emulator.values.javascript import to_string
from convex_mastra_emulator.values.names import identifier_problem
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Document, undefined


class QueryBuilder:
    """A query being built, then run once."""

    __slots__ = ("_cursors", "_problem", "_query", "_state", "_transaction")

    def __init__(
        self, transaction: Transaction, cursors: CursorCodec, query: Query, problem: str | None = None
    ) -> None:
        self._transaction = transaction
        self._cursors = cursors
        self._query = query
        self._problem = problem
        """Why the query cannot be parsed, which is told when it is run."""
        self._state = "preparing"

    # Building

    def _taken(self) -> Query:
        """The query, which another builder goes on with; this one has had its day."""
        if self._state != "preparing":
            raise ThrownError("A query can only be chained once and can't be chained after iteration begins.")
        self._state = "chained"
        return self._query

    def _chained(self, problem: str | None = None, **changes: Any) -> QueryBuilder:
        query = self._taken()._replace(**changes)
        return QueryBuilder(self._transaction, self._cursors, query, self._problem or problem)

    def order(self, order: str) -> QueryBuilder:
        """Reads the source ``"asc"`` or ``"desc"``."""
        if self._query.search is not None:
            self._taken()
            raise ThrownError("Search queries must always be in relevance order. Can not set order manually.")
        if self._query.is_ordered:
            raise ThrownError("Queries may only specify order at most once")
        problem = None if order in ("asc", "desc") else f'expected "asc" or "desc", got {order!r}'
        return self._chained(problem, descending=order == "desc", is_ordered=True)

    def filter(self, predicate: Callable[[FilterBuilder], Any]) -> QueryBuilder:
        """Keeps the documents for which ``predicate(q)``'s expression is true."""
        limit = self._transaction.limits.query_operators_max
        if len(self._query.operators) >= limit:
            raise ThrownError(f"Can't construct query with more than {limit} operators")
        builder = FilterBuilder(self._transaction.limits)
        try:
            condition = predicate(builder)
            expression = builder.expression(undefined if condition is None else condition)
        except MalformedQuery as malformed:
            return self._chained(str(malformed))
        return self._chained(operators=(*self._query.operators, expression))

    # Running

    def _start(self) -> QueryStream:
        if self._state == "executing":
            raise ThrownError("Iteration can only begin on a query once.")
        if self._state == "chained":
            raise ThrownError("This query has been chained with another operator and can't be reused.")
        if self._state == "consumed":
            raise ThrownError("This query is closed and can't emit any more values.")
        self._state = "executing"
        return self._opened(self._query)

    def _opened(self, query: Query) -> QueryStream:
        if self._problem is not None:
            raise InvalidArgument(f"Invalid argument `query` for `queryStream`: {self._problem}")
        return self._transaction.query(query)

    def _limited(self, count: int) -> list[Document]:
        """At most ``count`` documents, with the limit as an operator, so that no more rows are fetched."""
        query = self._taken()
        stream = self._opened(query._replace(operators=(*query.operators, count)))
        return [copy_of(row.value) for row in stream.collect()]

    def collect(self) -> list[Document]:
        """All documents.

        Raises:
            LimitReached: when there are more than a transaction may read.
        """
        try:
            return [copy_of(row.value) for row in self._start().collect()]
        finally:
            self._close()

    def _close(self) -> None:
        if self._state == "executing":
            self._state = "consumed"

    def take(self, count: Any) -> list[Document]:
        """The first ``count`` documents.

        Raises:
            TypeError: if ``count`` is no non-negative whole number.
        """
        if count is undefined:
            raise TypeError("Must provide arg 1 `n` to `take`")
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
        try:
            for row in self._start():
                yield copy_of(row.value)
        finally:
            self._close()

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
        query = self._taken()
        if self._problem is not None:
            raise InvalidArgument(f"Invalid argument `query` for `queryPage`: {self._problem}")
        return run_page(self._transaction, query, page_options, self._cursors)


def run_page(transaction: Transaction, query: Query, options: PageOptions, cursors: CursorCodec) -> dict[str, Any]:
    """One page, as JavaScript returns it (:meth:`QueryBuilder.paginate`)."""
    if options.end_cursor is None:
        # A query that runs again keeps the end its page had (§5.3, the query journal).
        options = replace(options, end_cursor=transaction.previous_end_cursor)
    page = read_page(transaction, query, options, cursors)
    transaction.note_page(page.continue_cursor)
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
        raise ThrownError(f"`options.numItems` must be a positive number. Received `{to_string(number)}`.")
    return page_options_as_sent({**options, "pageSize": number})


def page_options_as_sent(sent: Mapping[str, Any]) -> PageOptions:
    """What ``1.0/queryPage`` asks for.

    Args:
        sent: ``pageSize``, ``cursor``, ``endCursor``, ``maximumRowsRead``, ``maximumBytesRead``.

    Raises:
        InvalidArgument: for what the deployment cannot read.
    """
    return PageOptions(
        page_size=_whole(sent.get("pageSize")),
        cursor=_cursor(sent, "cursor"),
        end_cursor=_cursor(sent, "endCursor"),
        rows_read_max=_optional_whole(sent, "maximumRowsRead"),
        read_size_max=_optional_whole(sent, "maximumBytesRead"),
    )


def _as_sent(value: Any) -> Any:
    """An option as JSON carries it to the deployment: undefined and what is no finite number become null."""
    if value is undefined or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _cursor(options: Mapping[str, Any], name: str) -> str | None:
    cursor = _as_sent(options.get(name))
    if cursor is None or isinstance(cursor, str):
        return cursor
    raise InvalidArgument(f"Invalid arguments for `queryPage`: invalid type: {json_type(cursor)}, expected a string")


def _optional_whole(options: Mapping[str, Any], name: str) -> int | None:
    value = _as_sent(options.get(name))
    return None if value is None else _whole(value)


def _whole(value: Any) -> int:
    sent = _as_sent(value)
    if not isinstance(sent, float) or not sent.is_integer():
        problem = f"invalid type: {json_type(sent)}"
    elif sent < 0:
        problem = f"invalid value: integer `{int(sent)}`"
    else:
        return int(sent)
    raise InvalidArgument(f"Invalid arguments for `queryPage`: {problem}, expected usize")


# A bad name of an index is reported as one of a table (crates/common/src/types/index.rs).
_BAD_INDEX_NAME = (
    'Invalid table name: "{}". '
    "Identifiers must start with a letter and can only contain letters, digits, and underscores."
)


class TableQuery:
    """``ctx.db.query(table)``: holds no state and may be used any number of times."""

    __slots__ = ("_cursors", "_table", "_transaction")

    def __init__(self, transaction: Transaction, cursors: CursorCodec, table: str) -> None:
        self._transaction = transaction
        self._cursors = cursors
        self._table = table

    def full_table_scan(self) -> QueryBuilder:
        """All documents in creation order."""
        return self._builder(Query(table=self._table))

    def _builder(self, query: Query, problem: str | None = None) -> QueryBuilder:
        return QueryBuilder(self._transaction, self._cursors, query, identifier_problem(self._table) or problem)

    def with_index(
        self, index: str, index_range: Callable[[IndexRangeBuilder], IndexRangeBuilder] | None = None
    ) -> QueryBuilder:
        """The documents of an index range in the index's order."""
        if identifier_problem(index) is not None:
            return self._builder(Query(table=self._table), _BAD_INDEX_NAME.format(index))
        builder = IndexRangeBuilder(self._transaction.limits)
        try:
            expressions = builder.expressions if index_range is None else index_range(builder).expressions
        except MalformedQuery as malformed:
            return self._builder(Query(table=self._table, index_name=index), str(malformed))
        return self._builder(Query(table=self._table, index_name=index, range=expressions))

    def with_search_index(
        self, index: str, search_filter: Callable[[SearchFilterBuilder], SearchFilterBuilder]
    ) -> QueryBuilder:
        """The documents that hold a word of a text, the best first; ``search_filter(q)`` says which."""
        if identifier_problem(index) is not None:
            return self._builder(Query(table=self._table), _BAD_INDEX_NAME.format(index))
        try:
            expressions = search_filter(SearchFilterBuilder(self._transaction.limits)).expressions()
        except MalformedQuery as malformed:
            return self._builder(Query(table=self._table, index_name=index, search=()), str(malformed))
        return self._builder(Query(table=self._table, index_name=index, search=expressions))

    def order(self, order: str) -> QueryBuilder:
        """All documents, ``"asc"`` or ``"desc"`` by creation."""
        return self.full_table_scan().order(order)

    def filter(self, predicate: Callable[[FilterBuilder], Any]) -> QueryBuilder:
        """The documents for which ``predicate(q)``'s expression is true."""
        return self.full_table_scan().filter(predicate)

    def collect(self) -> list[Document]:
        """All documents."""
        return self.full_table_scan().collect()

    def take(self, count: Any) -> list[Document]:
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

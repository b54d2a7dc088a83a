"""What the operations of ``storage:handle`` share: looking records up, batches of twenty-five, filters.

npm @mastra/convex 1.5.2 (mastra-adapter.md §2).  Requests come from JavaScript: a missing argument is
:data:`undefined`, and comparing, truth and texts follow JavaScript's rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.expression_builders import IndexRangeBuilder
from convex_mastra_emulator.values.javascript import (
    is_less,
    property_of,
    slice_to,
    spread,
    strictly_equal,
    to_number,
    to_string,
    truthy,
)
from convex_mastra_emulator.values.types import Document, Value, undefined

Request: TypeAlias = dict[str, Any]
Response: TypeAlias = dict[str, Any]
Item = TypeVar("Item")
Made = TypeVar("Made")

BATCH_SIZE = 25
ROWS_MAX = 10_000
LOAD_MANY_IDS_MAX = 10


def argument(request: Request, name: str) -> Any:
    """An argument of the request, or :data:`undefined`."""
    return request.get(name, undefined)


def done(**result: Any) -> Response:
    """``{ok: true, …}``; parts that are undefined are left out."""
    return {"ok": True, **result}


def refused(text: str) -> Response:
    """``{ok: false, error}``."""
    return {"ok": False, "error": text}


def unsupported(request: Request, *, for_table: bool = False) -> Response:
    """The answer to an operation that does not exist (here)."""
    text = f"Unsupported operation {to_string(argument(request, 'op'))}"
    return refused(f"{text} for table {to_string(argument(request, 'tableName'))}" if for_table else text)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    remaining = list(items)
    for start in range(0, len(remaining), BATCH_SIZE):
        yield remaining[start : start + BATCH_SIZE]


def in_batches(items: Iterable[Item], work: Callable[[Item], Made]) -> list[Made]:
    """Works through ``items`` in batches of twenty-five.

    The items of one batch run concurrently in JavaScript: when one fails the others of its batch still run,
    and the first failure is raised after them; later batches never start.
    """
    made: list[Made] = []
    for batch in _batches(items):
        failures: list[Exception] = []
        for item in batch:
            try:
                made.append(work(item))
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]
    return made


def upsert_in_batches(
    items: Iterable[Item], find: Callable[[Item], Document | None], write: Callable[[Item, Document | None], None]
) -> None:
    """Finds the row of each item and writes it, in batches as :func:`in_batches` has them.

    That there is no row is known a step before that there is one, so the failure of a new row is raised first.
    """
    for batch in _batches(items):
        of_new: list[Exception] = []
        of_known: list[Exception] = []
        for item in batch:
            failures = of_known
            try:
                existing = find(item)
                failures = of_new if existing is None else of_known
                write(item, existing)
            except Exception as error:
                failures.append(error)
        if of_new or of_known:
            raise (of_new + of_known)[0]


def find_by_record_id(ctx: MutationContext, table: str, record_id: Any) -> Document | None:
    """The only row with that record id; several are an error."""
    return ctx.db.query(table).with_index("by_record_id", lambda q: q.eq("id", record_id)).unique()


def delete_all(ctx: MutationContext, documents: Iterable[Document]) -> None:
    """Deletes rows."""
    in_batches(documents, lambda document: ctx.db.delete(document["_id"]))


def distinct(values: Any) -> list[Any]:
    """``[...new Set(values)]``.

    Raises:
        TypeError: with V8's text, if ``values`` is no list.
    """
    if values is None or values is undefined:
        return []
    if not isinstance(values, (list, str)):
        kind = {bool: "boolean ", float: "number "}.get(type(values))
        shown = "object" if kind is None else kind + to_string(values)
        raise TypeError(f"{shown} is not iterable (cannot read property Symbol(Symbol.iterator))")
    first: dict[Any, Any] = {}
    for value in values:
        first.setdefault(_identity(value), value)
    return list(first.values())


def _identity(value: Any) -> Any:
    """What a ``Set`` tells values apart by: objects are only equal to themselves."""
    return id(value) if isinstance(value, (list, dict, bytes)) else (type(value), to_string(value))


def find_existing(ids: Any, find: Callable[[Any], Document | None]) -> list[Document]:
    """The rows of those ids that exist, each once, in the order of the request."""
    return [document for document in in_batches(distinct(ids), find) if document is not None]


def ids_to_load(request: Request) -> list[Any]:
    """The distinct ids of a ``loadMany``.

    Raises:
        ThrownError: for more than ten, counted before duplicates go.
    """
    ids = argument(request, "ids")
    if is_less(float(LOAD_MANY_IDS_MAX), property_of(ids, "length")):
        raise ThrownError(f"loadMany supports at most {LOAD_MANY_IDS_MAX} ids per request")
    return distinct(ids)


def without(record: Any, *names: str) -> dict[str, Any]:
    """``{...record}`` without some fields."""
    return {name: item for name, item in spread(record).items() if name not in names}


def iterate(values: Any, name: str) -> list[Any]:
    """``for (… of values)``.

    Raises:
        TypeError: with V8's text, if ``values`` is no list.
    """
    if not isinstance(values, (list, str)):
        raise TypeError(f"{name} is not iterable")
    return list(values)


def last_by_id(records: Any) -> list[Any]:
    """Of the records with one id the last one, at the place of the first; those without an id go."""
    by_id: dict[str, Any] = {}
    for record in iterate(records, "records"):
        record_id = property_of(record, "id")
        if truthy(record_id):
            by_id[to_string(record_id)] = record
    return list(by_id.values())


def merged_by_id(records: Any) -> list[dict[str, Any]]:
    """The records with one id merged field by field, later values winning; those without an id go."""
    by_id: dict[str, dict[str, Any]] = {}
    for record in iterate(records, "records"):
        record_id = property_of(record, "id")
        if truthy(record_id):
            key = to_string(record_id)
            by_id[key] = {**by_id.get(key, {}), **record}
    return list(by_id.values())


def rows_to_take(request: Request) -> Any:
    """How many rows a ``queryTable`` reads: twice its limit, at most 10,000; without one (or 0) 10,000."""
    limit = argument(request, "limit")
    return min(to_number(limit) * 2, ROWS_MAX) if truthy(limit) else ROWS_MAX


def cut_to_limit(request: Request, rows: list[Any]) -> list[Any]:
    """At most ``limit`` rows; 0 counts as no limit."""
    limit = argument(request, "limit")
    return slice_to(rows, limit) if truthy(limit) else rows


def filters_of(request: Request) -> list[dict[str, Any]]:
    """The filters of a ``queryTable`` that is filtered after reading; none if they are absent, or without elements.

    Raises:
        TypeError: with V8's text, for a text.
    """
    filters = argument(request, "filters")
    if isinstance(filters, str) and filters:
        raise TypeError("request.filters.every is not a function")
    return filters if isinstance(filters, list) else []


def matches(row: Value, filters: list[dict[str, Any]]) -> bool:
    """Whether every filter's field is strictly equal to its value; absent equals absent."""
    return all(
        strictly_equal(field_of(row, property_of(item, "field")), property_of(item, "value")) for item in filters
    )


def field_of(row: Value, field: Any) -> Any:
    """``row?.[field]``."""
    return row.get(to_string(field), undefined) if isinstance(row, dict) else undefined


def delete_batch(ctx: MutationContext, rows: list[Document]) -> Response:
    """Deletes twenty-five of at most twenty-six rows and says whether there was one more."""
    has_more = len(rows) > BATCH_SIZE
    delete_all(ctx, rows[:BATCH_SIZE])
    return done(hasMore=has_more)


def equal_to(*conditions: tuple[str, Any]) -> Callable[[IndexRangeBuilder], IndexRangeBuilder]:
    """An index range of equalities."""

    def build(q: IndexRangeBuilder) -> IndexRangeBuilder:
        for field, value in conditions:
            q = q.eq(field, value)
        return q

    return build

"""Vector tables of ``ConvexVector``: rows of ``mastra_vectors``, told apart by their index's name.

Writes replace embedding and metadata; errors are answered as ``{ok: false}``, and what was written stays.
npm @mastra/convex 1.5.2 ``handleVectorOperation`` (mastra-adapter.md §2 and §10).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.mastra.records import (
    BATCH_SIZE,
    Request,
    Response,
    argument,
    cut_to_limit,
    delete_all,
    delete_batch,
    done,
    equal_to,
    filters_of,
    find_existing,
    ids_to_load,
    last_by_id,
    matches,
    rows_to_take,
    unsupported,
    upsert_in_batches,
    without,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.query_builder import QueryBuilder
from convex_mastra_emulator.values.javascript import property_of, truthy
from convex_mastra_emulator.values.types import Document, undefined

INDEXES_TABLE = "mastra_vector_indexes"
_TABLE = "mastra_vectors"
_PREFIX = "mastra_vector_"


def is_vector_table(table_name: str) -> bool:
    """Whether a logical table holds the vectors of one index."""
    return table_name.startswith(_PREFIX) and table_name != INDEXES_TABLE


def handle(ctx: MutationContext, request: Request) -> Response:
    """Answers a request for a vector table.

    Raises:
        Exception: whatever is refused; the caller answers it as ``{ok: false}``.
    """
    op = argument(request, "op")
    operation = _OPERATIONS.get(op) if isinstance(op, str) else None
    if operation is None:
        return unsupported(request)
    return operation(ctx, request["tableName"].replace(_PREFIX, "", 1), request)


def _find(ctx: MutationContext, index: str, record_id: Any) -> Document | None:
    by_id = equal_to(("indexName", index), ("id", record_id))
    return ctx.db.query(_TABLE).with_index("by_index_id", by_id).unique()


def _rows(ctx: MutationContext, index: str) -> QueryBuilder:
    return ctx.db.query(_TABLE).with_index("by_index", equal_to(("indexName", index)))


def _write(ctx: MutationContext, index: str, record: dict[str, Any], existing: Document | None) -> None:
    content = {"embedding": record.get("embedding", undefined), "metadata": record.get("metadata", undefined)}
    if existing is None:
        ctx.db.insert(_TABLE, {"id": record["id"], "indexName": index, **content})
    else:
        ctx.db.patch(existing["_id"], content)


def _insert(ctx: MutationContext, index: str, request: Request) -> Response:
    record = argument(request, "record")
    if not truthy(property_of(record, "id")):
        raise ThrownError("Vector record is missing an id")
    _write(ctx, index, record, _find(ctx, index, record["id"]))
    return done()


def _batch_insert(ctx: MutationContext, index: str, request: Request) -> Response:
    upsert_in_batches(
        last_by_id(argument(request, "records")),
        lambda record: _find(ctx, index, record["id"]),
        lambda record, existing: _write(ctx, index, record, existing),
    )
    return done()


def _patch(ctx: MutationContext, index: str, request: Request) -> Response:
    changes = without(argument(request, "record"), "id", "indexName")
    existing = _find(ctx, index, argument(request, "id"))
    if existing is None:
        return done(result=False)
    ctx.db.patch(existing["_id"], changes)
    return done(result=True)


def _load(ctx: MutationContext, index: str, request: Request) -> Response:
    record_id = property_of(argument(request, "keys"), "id")
    return done(result=_find(ctx, index, record_id) if truthy(record_id) else None)


def _load_many(ctx: MutationContext, index: str, request: Request) -> Response:
    return done(result=find_existing(ids_to_load(request), lambda record_id: _find(ctx, index, record_id)))


def _query_table(ctx: MutationContext, index: str, request: Request) -> Response:
    page_size = argument(request, "pageSize")
    if page_size is undefined:
        if argument(request, "cursor") is not undefined:
            raise ThrownError("queryTable cursor requires pageSize")
        rows = _matching(_rows(ctx, index).take(rows_to_take(request)), request)
        return done(result=cut_to_limit(request, rows))
    if not isinstance(page_size, float) or not page_size.is_integer() or page_size <= 0:
        raise ThrownError("queryTable pageSize must be a positive integer")
    if argument(request, "limit") is not undefined:
        raise ThrownError("queryTable limit cannot be combined with pageSize")
    cursor = argument(request, "cursor")
    page = _rows(ctx, index).paginate({"cursor": None if cursor is undefined else cursor, "numItems": page_size})
    return done(
        result=_matching(page["page"], request),
        hasMore=not page["isDone"],
        continuationCursor=page["continueCursor"],
    )


def _matching(rows: list[Document], request: Request) -> list[Document]:
    filters = filters_of(request)
    return [row for row in rows if matches(row, filters)]


def _clear(ctx: MutationContext, index: str, request: Request) -> Response:
    return delete_batch(ctx, _rows(ctx, index).take(BATCH_SIZE + 1))


def _delete_many(ctx: MutationContext, index: str, request: Request) -> Response:
    ids = argument(request, "ids")
    delete_all(ctx, find_existing(ids, lambda record_id: _find(ctx, index, record_id)))
    return done()


_OPERATIONS = {
    "insert": _insert,
    "batchInsert": _batch_insert,
    "patch": _patch,
    "load": _load,
    "loadMany": _load_many,
    "queryTable": _query_table,
    "clearTable": _clear,
    "dropTable": _clear,
    "deleteMany": _delete_many,
}

"""The fallback table: records of tables Mastra has no typed table for, kept whole in ``mastra_documents``.

A write replaces the stored record; there is no merging.
npm @mastra/convex 1.5.2 ``handleGenericOperation`` (mastra-adapter.md §2).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.mastra import background_tasks
from convex_mastra_emulator.mastra.background_tasks import DOCUMENTS_TABLE
from convex_mastra_emulator.mastra.records import (
    BATCH_SIZE,
    ROWS_MAX,
    Request,
    Response,
    argument,
    cut_to_limit,
    delete_all,
    delete_batch,
    done,
    equal_to,
    field_of,
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
from convex_mastra_emulator.values.javascript import property_of, spread, strictly_equal, to_string, truthy
from convex_mastra_emulator.values.types import Document


def handle(ctx: MutationContext, request: Request) -> Response:
    """Answers a request for a table that has no typed one.

    Raises:
        Exception: whatever is refused; the mutation is then undone.
    """
    op = argument(request, "op")
    operation = _OPERATIONS.get(op) if isinstance(op, str) else None
    return unsupported(request) if operation is None else operation(ctx, request["tableName"], request)


def _find(ctx: MutationContext, table: str, record_id: Any) -> Document | None:
    by_id = equal_to(("table", table), ("primaryKey", to_string(record_id)))
    return ctx.db.query(DOCUMENTS_TABLE).with_index("by_table_primary", by_id).unique()


def _rows(ctx: MutationContext, table: str, count: int) -> list[Document]:
    return ctx.db.query(DOCUMENTS_TABLE).with_index("by_table", equal_to(("table", table))).take(count)


def _write(ctx: MutationContext, table: str, record: dict[str, Any], existing: Document | None) -> None:
    if existing is None:
        primary_key = to_string(record["id"])
        ctx.db.insert(DOCUMENTS_TABLE, {"table": table, "primaryKey": primary_key, "record": record})
    else:
        ctx.db.patch(existing["_id"], {"record": record})


def _insert(ctx: MutationContext, table: str, request: Request) -> Response:
    record = argument(request, "record")
    if not truthy(property_of(record, "id")):
        raise ThrownError(f"Record for table {table} is missing an id")
    _write(ctx, table, record, _find(ctx, table, record["id"]))
    return done()


def _batch_insert(ctx: MutationContext, table: str, request: Request) -> Response:
    upsert_in_batches(
        last_by_id(argument(request, "records")),
        lambda record: _find(ctx, table, record["id"]),
        lambda record, existing: _write(ctx, table, record, existing),
    )
    return done()


def _patch(ctx: MutationContext, table: str, request: Request) -> Response:
    changes = without(argument(request, "record"), "id")
    existing = _find(ctx, table, argument(request, "id"))
    if existing is None:
        return done(result=False)
    if table == background_tasks.TABLE:
        record = background_tasks.merge_spellings(existing["record"], changes)
    else:
        record = {**spread(existing["record"]), **changes}
    ctx.db.patch(existing["_id"], {"record": record})
    return done(result=True)


def _load(ctx: MutationContext, table: str, request: Request) -> Response:
    keys = argument(request, "keys")
    record_id = property_of(keys, "id")
    if truthy(record_id):
        existing = _find(ctx, table, record_id)
        return done(result=None if existing is None else existing["record"])

    def is_match(record: Any) -> bool:
        return all(strictly_equal(field_of(record, name), value) for name, value in spread(keys).items())

    records = (row["record"] for row in _rows(ctx, table, ROWS_MAX))
    return done(result=next(filter(is_match, records), None))


def _load_many(ctx: MutationContext, table: str, request: Request) -> Response:
    rows = find_existing(ids_to_load(request), lambda record_id: _find(ctx, table, record_id))
    return done(result=[row["record"] for row in rows])


def _query_table(ctx: MutationContext, table: str, request: Request) -> Response:
    filters = filters_of(request)
    records = [row["record"] for row in _rows(ctx, table, rows_to_take(request))]
    holds = background_tasks.matches_in_any_spelling if table == background_tasks.TABLE else matches
    return done(result=cut_to_limit(request, [record for record in records if holds(record, filters)]))


def _clear(ctx: MutationContext, table: str, request: Request) -> Response:
    return delete_batch(ctx, _rows(ctx, table, BATCH_SIZE + 1))


def _delete_many(ctx: MutationContext, table: str, request: Request) -> Response:
    ids = argument(request, "ids")
    delete_all(ctx, find_existing(ids, lambda record_id: _find(ctx, table, record_id)))
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

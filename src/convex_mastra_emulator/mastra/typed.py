"""Operations every typed table has: insert, patch, load, query, delete, by Mastra's record id.

npm @mastra/convex 1.5.2 ``handleTypedOperation`` (mastra-adapter.md §2).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.errors import InvalidArgument, ThrownError
from convex_mastra_emulator.mastra import background_tasks
from convex_mastra_emulator.mastra.index_choice import best_index
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
    find_by_record_id,
    find_existing,
    ids_to_load,
    merged_by_id,
    rows_to_take,
    upsert_in_batches,
    without,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.expression_builders import FilterBuilder
from convex_mastra_emulator.runtime.query_builder import QueryBuilder, TableQuery
from convex_mastra_emulator.values.javascript import property_of, spread, strictly_equal, truthy
from convex_mastra_emulator.values.types import Document, undefined

_WORKFLOW_SNAPSHOTS = "mastra_workflow_snapshots"


def _insert(ctx: MutationContext, table: str, request: Request) -> Response:
    record = argument(request, "record")
    if not truthy(property_of(record, "id")):
        raise ThrownError("Record is missing an id")
    _write(ctx, table, record, find_by_record_id(ctx, table, record["id"]))
    return done()


def _batch_insert(ctx: MutationContext, table: str, request: Request) -> Response:
    upsert_in_batches(
        merged_by_id(argument(request, "records")),
        lambda record: find_by_record_id(ctx, table, record["id"]),
        lambda record, existing: _write(ctx, table, record, existing),
    )
    return done()


def _write(ctx: MutationContext, table: str, record: dict[str, Any], existing: Document | None) -> None:
    """A row that exists is patched, so that fields which are not sent stay."""
    if existing is None:
        ctx.db.insert(table, record)
    else:
        ctx.db.patch(existing["_id"], without(record, "id"))


def _patch(ctx: MutationContext, table: str, request: Request) -> Response:
    record_id = argument(request, "id")
    changes = without(argument(request, "record"), "id")
    existing = find_by_record_id(ctx, table, record_id)
    if existing is None:
        return done(result=table == background_tasks.TABLE and background_tasks.patch_legacy(ctx, record_id, changes))
    ctx.db.patch(existing["_id"], changes)
    if table == background_tasks.TABLE:
        background_tasks.delete_legacy(ctx, record_id)
    return done(result=True)


def _load(ctx: MutationContext, table: str, request: Request) -> Response:
    keys = argument(request, "keys")
    record_id = property_of(keys, "id")
    if truthy(record_id):
        found = find_by_record_id(ctx, table, record_id)
        if found is None and table == background_tasks.TABLE:
            return done(result=background_tasks.load_legacy(ctx, record_id))
        return done(result=found)
    if table == _WORKFLOW_SNAPSHOTS and _names_a_run(keys):
        by_run = equal_to(("workflow_name", keys["workflow_name"]), ("run_id", keys["run_id"]))
        return done(result=ctx.db.query(table).with_index("by_workflow_run", by_run).unique())
    return done(result=_first_match(ctx.db.query(table).take(ROWS_MAX), keys))


def _names_a_run(keys: Any) -> bool:
    return isinstance(property_of(keys, "workflow_name"), str) and isinstance(property_of(keys, "run_id"), str)


def _first_match(rows: list[Document], keys: Any) -> Document | None:
    def is_match(row: Document) -> bool:
        return all(strictly_equal(row.get(name, undefined), value) for name, value in spread(keys).items())

    return next(filter(is_match, rows), None)


def _load_many(ctx: MutationContext, table: str, request: Request) -> Response:
    ids = ids_to_load(request)
    rows = find_existing(ids, lambda record_id: find_by_record_id(ctx, table, record_id))
    if table == background_tasks.TABLE:
        rows = background_tasks.with_legacy(ctx, ids, rows)
    return done(result=rows)


def _query_table(ctx: MutationContext, table: str, request: Request) -> Response:
    filters = _filters(request)
    query, indexed = _source(ctx.db.query(table), table, request, filters)
    remaining = [item for item in filters if not _is_covered(item, indexed)]
    if remaining:
        query = query.filter(lambda q: _all_equal(q, remaining))
    rows = query.take(rows_to_take(request))
    if table == background_tasks.TABLE:
        rows = background_tasks.with_legacy_matches(ctx, rows, filters, rows_to_take(request))
    return done(result=cut_to_limit(request, rows))


def _is_covered(item: Any, indexed: set[str]) -> bool:
    field = property_of(item, "field")
    return isinstance(field, str) and field in indexed


def _filters(request: Request) -> list[dict[str, Any]]:
    filters = argument(request, "filters")
    if filters is None or filters is undefined:
        return []
    if not isinstance(filters, list):
        raise TypeError("filters?.filter is not a function")
    return filters


def _source(
    query: TableQuery, table: str, request: Request, filters: list[dict[str, Any]]
) -> tuple[TableQuery | QueryBuilder, set[str]]:
    """What to read, and the fields of the filters that it covers; a hint covers none of them."""
    hint = argument(request, "indexHint")
    if truthy(hint):
        return _hinted(query, hint), set()
    choice = best_index(table, filters)
    if choice is None:
        return query, set()
    name, conditions = choice
    return query.with_index(name, equal_to(*conditions)), {field for field, _ in conditions}


def _hinted(query: TableQuery, hint: Any) -> TableQuery | QueryBuilder:
    index = property_of(hint, "index")
    workflow = ("workflow_name", property_of(hint, "workflowName"))
    if index == "by_workflow":
        return query.with_index("by_workflow", equal_to(workflow))
    if index == "by_workflow_run":
        return query.with_index("by_workflow_run", equal_to(workflow, ("run_id", property_of(hint, "runId"))))
    return query


def _all_equal(q: FilterBuilder, filters: list[dict[str, Any]]) -> Any:
    fields = [property_of(item, "field") for item in filters]
    if not all(isinstance(field, str) for field in fields):
        # Unverified: the words.  npm convex passes on what it is given, and the deployment cannot read it.
        raise InvalidArgument("Invalid argument `query` for `queryStream`: a field of a filter must be a string")
    conditions = [q.eq(q.field(field), property_of(item, "value")) for field, item in zip(fields, filters, strict=True)]
    return conditions[0] if len(conditions) == 1 else q.and_(*conditions)


def _clear(ctx: MutationContext, table: str, request: Request) -> Response:
    rows = ctx.db.query(table).take(BATCH_SIZE + 1)
    if table == background_tasks.TABLE and len(rows) < BATCH_SIZE:
        return background_tasks.clear_with_legacy(ctx, rows)
    return delete_batch(ctx, rows)


def _delete_many(ctx: MutationContext, table: str, request: Request) -> Response:
    ids = argument(request, "ids")
    rows = find_existing(ids, lambda record_id: find_by_record_id(ctx, table, record_id))
    if table == background_tasks.TABLE:
        rows += find_existing(ids, lambda record_id: background_tasks.find_legacy(ctx, record_id))
    delete_all(ctx, rows)
    return done()


TYPED_OPERATIONS = {
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

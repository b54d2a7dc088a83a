"""The deployment's own queries that ``npx convex`` reads with, ``_system/cli/…``; for administrators.

convex-backend npm-packages/system-udfs/convex/_system/cli/*.ts and paginationLimits.ts (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convex_mastra_emulator.data.export_jobs import EXPORTS
from convex_mastra_emulator.data.import_jobs import SNAPSHOT_IMPORTS
from convex_mastra_emulator.database.index import BY_CREATION_TIME, BY_ID
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.context import QueryContext
from convex_mastra_emulator.runtime.database_context import transaction_of
from convex_mastra_emulator.runtime.environment import BY_NAME, CLOUD_URL, ENVIRONMENT_VARIABLES
from convex_mastra_emulator.runtime.functions import Function, query
from convex_mastra_emulator.runtime.http_actions import HTTP_MODULE
from convex_mastra_emulator.runtime.subscriptions import TABLES
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.schema.validator_json import validator_to_json
from convex_mastra_emulator.schema.validators import AnyValidator, Validator
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.names import client_name_problem
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Document, Value

_ALL = Interval(b"", None)
_ROWS_READ_MAX = 10_000
_SIZE_READ_MAX = 5_000_000
_IMPORTS_LISTED = 20

# npm convex src/server/pagination.ts ``paginationOptsValidator``
_PAGE_OPTIONS = v.object(
    {
        "numItems": v.number(),
        "cursor": v.union(v.string(), v.null()),
        "endCursor": v.optional(v.union(v.string(), v.null())),
        "id": v.optional(v.number()),
        "maximumRowsRead": v.optional(v.number()),
        "maximumBytesRead": v.optional(v.number()),
    }
)


def system_functions(emulator: Emulator) -> dict[str, Function]:
    """The queries by their paths, for one deployment."""
    return {
        "_system/cli/convexUrl:cloudUrl": query(_cloud_url, args={}),
        "_system/cli/exports:getLatest": query(_latest_export, args={}),
        "_system/cli/modules:apiSpec": query(
            lambda _ctx, _args: _api_spec(emulator),
            args={"componentId": v.optional(v.union(v.string(), v.null()))},
        ),
        "_system/cli/queryEnvironmentVariables:default": query(_variables, args={}),
        "_system/cli/queryEnvironmentVariables:get": query(_variable, args={"name": v.string()}),
        "_system/cli/queryImport:default": query(_import, args={"importId": v.id(SNAPSHOT_IMPORTS)}),
        "_system/cli/queryImport:list": query(
            lambda ctx, _args: _newest(ctx, SNAPSHOT_IMPORTS, _IMPORTS_LISTED), args={}
        ),
        "_system/cli/queryTable:default": query(
            lambda ctx, args: _changed_table(ctx, args, emulator), args={"tableName": v.string()}
        ),
        "_system/cli/tableData:default": query(
            _table_data,
            args={
                "table": v.string(),
                "order": v.union(v.literal("asc"), v.literal("desc")),
                "paginationOpts": _PAGE_OPTIONS,
            },
        ),
        "_system/cli/tableSize:default": query(_table_size, args={"tableName": v.string()}),
        "_system/cli/tables:default": query(_tables, args={"paginationOpts": _PAGE_OPTIONS}),
    }


# Tables


def _tables(ctx: QueryContext, _args: Any) -> Value:
    transaction = transaction_of(ctx.db)
    transaction.read_set.watch(*TABLES, _ALL)
    store = transaction.store
    names = sorted({*store.tables, *store.schema.tables}, key=lambda name: store.table_number(name) or 0)
    return {"page": [{"name": name} for name in names], "isDone": True, "continueCursor": "end"}


def _table_data(ctx: QueryContext, args: Any) -> Value:
    table = args["table"]
    rows = (ctx.db.system if table.startswith("_") else ctx.db).query(table)
    options = {**args["paginationOpts"], "maximumRowsRead": _ROWS_READ_MAX, "maximumBytesRead": _SIZE_READ_MAX}
    return rows.order(args["order"]).paginate(options)


def _table_size(ctx: QueryContext, args: Any) -> Value:
    transaction = transaction_of(ctx.db)
    name = args["tableName"]
    transaction.read_set.watch(name, BY_ID, _ALL)
    table = transaction.store.table(name)
    return 0.0 if table is None else float(len(table.documents))


def _changed_table(ctx: QueryContext, args: Any, emulator: Emulator) -> Value:
    """Another number every time, so that whoever subscribed is told whenever the table has changed."""
    _table_size(ctx, args)
    return int(emulator.new_request_id(), 16) / 2**64


# Environment variables


def _variables(ctx: QueryContext, _args: Any) -> Value:
    transaction = transaction_of(ctx.db)
    transaction.read_set.watch(ENVIRONMENT_VARIABLES, BY_NAME, _ALL)
    table = transaction.store.system_table(ENVIRONMENT_VARIABLES)
    return [copy_of(table.document_by_key(key).value) for key in table.indexes[BY_NAME].keys(b"", None)]


def _variable(ctx: QueryContext, args: Any) -> Value:
    value = ctx.env.get(args["name"])
    return None if value is None else {"name": args["name"], "value": value}


def _cloud_url(ctx: QueryContext, _args: Any) -> Value:
    return ctx.env.get(CLOUD_URL)


# Imports and exports


def _import(ctx: QueryContext, args: Any) -> Value:
    document = transaction_of(ctx.db).get_system(SNAPSHOT_IMPORTS, args["importId"])
    return None if document is None else copy_of(document.value)


def _latest_export(ctx: QueryContext, _args: Any) -> Value:
    return next(iter(_newest(ctx, EXPORTS, 1)), None)


def _newest(ctx: QueryContext, table_name: str, count: int) -> list[Document]:
    transaction = transaction_of(ctx.db)
    transaction.read_set.watch(table_name, BY_CREATION_TIME, _ALL)
    return [copy_of(document) for document, _ in zip(_from_newest(transaction, table_name), range(count), strict=False)]


def _from_newest(transaction: Transaction, table_name: str) -> Iterator[Document]:
    table = transaction.store.system_table(table_name)
    for key in table.indexes[BY_CREATION_TIME].keys(b"", None, descending=True):
        yield table.document_by_key(key).value


# Functions


def _api_spec(emulator: Emulator) -> list[Value]:
    """Module by module, the routes of HTTP actions with theirs."""
    specs: dict[str, Value] = {
        path: {
            "identifier": path,
            "functionType": function.kind.value,
            "visibility": {"kind": "internal" if function.is_internal else "public"},
            "args": _described(function.arguments),
            "returns": _described(function.returns),
        }
        for path, function in emulator.functions.items()
    }
    routes: list[Value] = [
        {"functionType": "HttpAction", "method": route.method, "path": route.path} for route in emulator.http_routes
    ]
    before = [spec for path, spec in specs.items() if path < HTTP_MODULE.module]
    return [*before, *routes, *list(specs.values())[len(before) :]]


def _described(validator: Validator | None) -> Value:
    json = validator_to_json(validator or AnyValidator())
    if client_name_problem(json) is not None:
        # Mastra's native vectors name a field `$or`: no deployment takes the declaration, and no value can show it.
        json = validator_to_json(AnyValidator())
    return decode(json, DEFAULT_LIMITS)

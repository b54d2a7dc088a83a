"""``nativeVector:query|read|write``: vectors in tables with a vector index of their own.

npm @mastra/convex 1.5.2 ``mastraNativeVectorAction``, ``…Query``, ``…Mutation`` (mastra-adapter.md §11).
"""

from __future__ import annotations

import math
from typing import Any

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.mastra.records import ROWS_MAX, argument, in_batches, upsert_in_batches, without
from convex_mastra_emulator.runtime.context import ActionContext, MutationContext, QueryContext
from convex_mastra_emulator.runtime.expression_builders import VectorFilterBuilder
from convex_mastra_emulator.runtime.functions import action, mutation, query
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.schema.validators import Field, ObjectValidator
from convex_mastra_emulator.values.javascript import spread
from convex_mastra_emulator.values.types import Document, undefined

_RESULTS_MAX = 256

_CONFIG = v.object(
    {
        "tableName": v.string(),
        "vectorIndexName": v.string(),
        "dimension": v.optional(v.number()),
        "idField": v.optional(v.string()),
        "idIndexName": v.optional(v.string()),
        "vectorField": v.optional(v.string()),
        "metadataField": v.optional(v.string()),
        "filterFields": v.optional(v.array(v.string())),
    }
)
_CLAUSE = v.object({"field": v.string(), "value": v.union(v.string(), v.number(), v.boolean(), v.null())})
# A field named `$or` is no identifier: a deployment refuses this declaration when it is pushed (design.md §6.9).
_FILTER = v.union(_CLAUSE, ObjectValidator({"$or": Field(v.array(_CLAUSE))}))
_OPTIONAL_TEXTS = v.optional(v.array(v.string()))

Arguments = dict[str, Any]


def _name(config: Arguments, setting: str, default: str) -> str:
    value: str = config.get(setting, default)
    return value


def _id_field(config: Arguments) -> str:
    return _name(config, "idField", "id")


def _vector_field(config: Arguments) -> str:
    return _name(config, "vectorField", "embedding")


def _metadata_field(config: Arguments) -> str:
    return _name(config, "metadataField", "metadata")


def _find(ctx: QueryContext | MutationContext, config: Arguments, record_id: str) -> Document | None:
    rows = ctx.db.query(config["tableName"])
    index = _name(config, "idIndexName", "by_record_id")
    return rows.with_index(index, lambda q: q.eq(_id_field(config), record_id)).unique()


# Search


def _search(ctx: ActionContext, args: Arguments) -> list[dict[str, Any]]:
    limit = args.get("limit")
    if limit is not None and not (float(limit).is_integer() and 1 <= limit <= _RESULTS_MAX):
        raise ThrownError(f"Native vector query: limit must be an integer between 1 and {_RESULTS_MAX}")
    found = ctx.vector_search(
        args["config"]["tableName"],
        args["config"]["vectorIndexName"],
        vector=args["vector"],
        limit=limit,
        filter=_filter(args["filter"]) if "filter" in args else None,
    )
    return [{"id": row["_id"], "score": row["_score"]} for row in found]


def _filter(given: Arguments) -> Any:
    def build(q: VectorFilterBuilder) -> Any:
        if "$or" in given:
            return q.or_(*(q.eq(clause["field"], clause["value"]) for clause in given["$or"]))
        return q.eq(given["field"], given["value"])

    return build


# Reads


def _read(ctx: QueryContext, args: Arguments) -> Any:
    if args["op"] == "describe":
        return _describe(ctx, args)
    ids = args.get("ids")
    if ids is None:
        raise ThrownError("Native vector query: ids are required")
    config = args["config"]
    if args["op"] == "listByIds":
        return in_batches(ids, lambda record_id: _find(ctx, config, record_id))
    documents = [document for document in in_batches(ids, ctx.db.get) if document is not None]
    if args.get("includeVector") is True:
        return documents
    hidden = _vector_field(config)
    return [{name: item for name, item in document.items() if name != hidden} for document in documents]


def _describe(ctx: QueryContext, args: Arguments) -> dict[str, Any]:
    asked = args.get("countLimit", ROWS_MAX)
    limit = asked if math.isnan(asked) else max(1, min(asked, ROWS_MAX))
    rows = ctx.db.query(args["config"]["tableName"]).take(limit + 1)
    return {"count": min(len(rows), limit), "countIsLimited": len(rows) > limit}


# Writes


def _write(ctx: MutationContext, args: Arguments) -> dict[str, Any]:
    return _WRITES[args["op"]](ctx, args["config"], args)


def _upsert(ctx: MutationContext, config: Arguments, args: Arguments) -> dict[str, Any]:
    ids, vectors = args.get("ids"), args.get("vectors")
    if ids is None or vectors is None:
        raise ThrownError("Native vector upsert: ids and vectors are required")
    if len(vectors) != len(ids):
        raise ThrownError(f"Native vector upsert: vectors length ({len(vectors)}) must match ids length ({len(ids)})")
    metadata = _metadata_list(argument(args, "metadata"), len(ids))
    if len(set(ids)) != len(ids):
        raise ThrownError("Native vector upsert: ids must be unique")
    upsert_in_batches(
        zip(ids, vectors, metadata, strict=True),
        lambda row: _find(ctx, config, row[0]),
        lambda row, existing: _upsert_row(ctx, config, existing, _record(config, *row), row[2]),
    )
    return {"ok": True}


def _metadata_list(metadata: Any, count: int) -> list[Any]:
    if metadata is undefined:
        return [undefined] * count
    if not isinstance(metadata, list):
        raise ThrownError("Native vector upsert: metadata must be an array matching ids when provided")
    if len(metadata) != count:
        raise ThrownError(f"Native vector upsert: metadata length ({len(metadata)}) must match ids length ({count})")
    if not all(map(_is_object, metadata)):
        raise ThrownError("Native vector upsert: metadata entries must be objects when provided")
    return metadata


def _is_object(value: Any) -> bool:
    # JavaScript takes an ArrayBuffer for an object, one without fields.
    return isinstance(value, (dict, bytes))


def _record(config: Arguments, record_id: str, vector: list[float], metadata: Any) -> dict[str, Any]:
    return {
        _id_field(config): record_id,
        _vector_field(config): vector,
        **({} if metadata is undefined else {_metadata_field(config): metadata}),
        **_filter_fields(metadata, config),
    }


def _upsert_row(
    ctx: MutationContext, config: Arguments, existing: Document | None, record: dict[str, Any], metadata: Any
) -> None:
    if existing is None:
        ctx.db.insert(config["tableName"], record)
        return
    changes = without(record, "_id", "_creationTime")
    if metadata is not undefined:
        absent = set(config.get("filterFields", ())) - set(spread(metadata))
        changes.update(dict.fromkeys(absent, undefined))
    ctx.db.patch(existing["_id"], changes)


def _filter_fields(metadata: Any, config: Arguments) -> dict[str, Any]:
    """The declared filter fields, taken out of the metadata."""
    fields = spread(metadata)
    return {field: fields[field] for field in config.get("filterFields", ()) if field in fields}


def _update_by_id(ctx: MutationContext, config: Arguments, args: Arguments) -> dict[str, Any]:
    if not args.get("id"):
        raise ThrownError("Native vector update: id is required")
    existing = _find(ctx, config, args["id"])
    if existing is None:
        return {"ok": True}
    changes: dict[str, Any] = {}
    if "vector" in args:
        changes[_vector_field(config)] = args["vector"]
    metadata = argument(args, "metadata")
    if metadata is not undefined:
        if not _is_object(metadata):
            raise ThrownError("Native vector update: metadata must be an object when provided")
        stored = existing.get(_metadata_field(config))
        merged = {**(spread(stored) if _is_object(stored) else {}), **spread(metadata)}
        changes[_metadata_field(config)] = merged
        changes.update(_filter_fields(merged, config))
    if changes:
        ctx.db.patch(existing["_id"], changes)
    return {"ok": True}


def _delete_by_ids(ctx: MutationContext, config: Arguments, args: Arguments) -> dict[str, Any]:
    ids = args.get("ids")
    if ids is None:
        raise ThrownError("Native vector deleteByIds: ids are required")
    found = in_batches(ids, lambda record_id: _find(ctx, config, record_id))
    in_batches(
        [document for document in found if document is not None], lambda document: ctx.db.delete(document["_id"])
    )
    return {"ok": True}


_WRITES = {"upsert": _upsert, "updateById": _update_by_id, "deleteByIds": _delete_by_ids}

native_vector_query = action(
    _search,
    args={
        "config": _CONFIG,
        "vector": v.array(v.number()),
        "limit": v.optional(v.number()),
        "filter": v.optional(_FILTER),
    },
)
native_vector_read = query(
    _read,
    args={
        "op": v.union(v.literal("getByConvexIds"), v.literal("describe"), v.literal("listByIds")),
        "config": _CONFIG,
        "ids": _OPTIONAL_TEXTS,
        "includeVector": v.optional(v.boolean()),
        "countLimit": v.optional(v.number()),
    },
)
native_vector_write = mutation(
    _write,
    args={
        "op": v.union(v.literal("upsert"), v.literal("updateById"), v.literal("deleteByIds")),
        "config": _CONFIG,
        "ids": _OPTIONAL_TEXTS,
        "vectors": v.optional(v.array(v.array(v.number()))),
        "metadata": v.optional(v.any()),
        "id": v.optional(v.string()),
        "vector": v.optional(v.array(v.number())),
    },
)

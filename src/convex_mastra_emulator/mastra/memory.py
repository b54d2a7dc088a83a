"""Threads and resources: updates that merge metadata on the server, so that parallel ones lose nothing.

npm @mastra/convex 1.5.2 ``updateThread`` and ``updateResource`` (mastra-adapter.md §2 and §3).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.mastra.records import Request, Response, argument, done, find_by_record_id, unsupported
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.values.javascript import parse_json, spread
from convex_mastra_emulator.values.types import undefined


def _update_thread(ctx: MutationContext, table: str, request: Request) -> Response:
    if table != "mastra_threads":
        return unsupported(request, for_table=True)
    existing = find_by_record_id(ctx, table, argument(request, "id"))
    if existing is None:
        return done(result=None)
    changes = {
        "title": argument(request, "title"),
        "metadata": _merged_metadata(existing.get("metadata"), argument(request, "metadata")),
        "updatedAt": argument(request, "updatedAt"),
    }
    ctx.db.patch(existing["_id"], changes)
    return done(result={**existing, **changes})


def _update_resource(ctx: MutationContext, table: str, request: Request) -> Response:
    if table != "mastra_resources":
        return unsupported(request, for_table=True)
    resource_id = argument(request, "resourceId")
    existing = find_by_record_id(ctx, table, resource_id)
    metadata = argument(request, "metadata")
    if existing is None:
        record = {
            "id": resource_id,
            "workingMemory": argument(request, "workingMemory"),
            "metadata": {} if metadata is undefined or metadata is None else metadata,
            "createdAt": argument(request, "createdAt"),
            "updatedAt": argument(request, "updatedAt"),
        }
        ctx.db.insert(table, record)
        return done(result=record)
    changes = {"updatedAt": argument(request, "updatedAt")}
    if "workingMemory" in request:
        changes["workingMemory"] = request["workingMemory"]
    if metadata is not undefined:
        changes["metadata"] = _merged_metadata(existing.get("metadata"), metadata)
    ctx.db.patch(existing["_id"], changes)
    return done(result={**existing, **changes})


def _merged_metadata(stored: Any, update: Any) -> dict[str, Any]:
    return {**_stored_metadata(stored), **spread(update)}


def _stored_metadata(stored: Any) -> dict[str, Any]:
    """Stored text is parsed, again and again while the outcome is text; what is no object counts as empty."""
    while isinstance(stored, str):
        try:
            stored = parse_json(stored)
        except SyntaxError:
            return {}
    return stored if isinstance(stored, dict) else {}


MEMORY_OPERATIONS = {"updateThread": _update_thread, "updateResource": _update_resource}

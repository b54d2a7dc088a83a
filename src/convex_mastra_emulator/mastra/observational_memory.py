"""Observational memory: generations of observations per thread or resource, with buffered chunks.

npm @mastra/convex 1.5.2 ``handleObservationalMemoryOperation`` (mastra-adapter.md §4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.mastra.activation import activation_boundary, activation_result
from convex_mastra_emulator.mastra.records import (
    ROWS_MAX,
    Request,
    Response,
    argument,
    done,
    equal_to,
    find_by_record_id,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.query_builder import QueryBuilder
from convex_mastra_emulator.values.javascript import (
    is_less_or_equal,
    maximum,
    parse_json,
    plus,
    property_of,
    slice_from,
    slice_to,
    spread,
    stringify,
    to_number,
    to_string,
    trim,
    truthy,
)
from convex_mastra_emulator.values.types import Document, undefined

_TABLE = "mastra_observational_memory"


def _number(value: Any) -> float:
    """``Number(value || 0)`` for what these columns hold: NaN, too, counts as 0."""
    return value if isinstance(value, float) and truthy(value) else 0.0


def _required(ctx: MutationContext, record_id: Any) -> Document:
    document = find_by_record_id(ctx, _TABLE, record_id)
    if document is None:
        raise ThrownError(f"Observational memory record not found: {to_string(record_id)}")
    return document


def _generations(ctx: MutationContext, request: Request) -> QueryBuilder:
    """The generations of a key, newest first."""
    by_key = equal_to(("lookupKey", argument(request, "lookupKey")))
    return ctx.db.query(_TABLE).with_index("by_lookup_key", by_key).order("desc")


def _get_latest(ctx: MutationContext, request: Request) -> Response:
    return done(result=_generations(ctx, request).first())


def _get_history(ctx: MutationContext, request: Request) -> Response:
    rows = _generations(ctx, request).take(ROWS_MAX)
    first, last, offset = (argument(request, name) for name in ("from", "to", "offset"))
    if truthy(first):
        rows = [row for row in rows if is_less_or_equal(first, row["createdAt"])]
    if truthy(last):
        rows = [row for row in rows if is_less_or_equal(row["createdAt"], last)]
    if offset is not undefined and offset is not None:
        rows = slice_from(rows, offset)
    return done(result=slice_to(rows, argument(request, "limit")))


def _update_active(ctx: MutationContext, request: Request) -> Response:
    document = _required(ctx, argument(request, "id"))
    count = argument(request, "tokenCount")
    tokens = count if isinstance(count, float) and math.isfinite(count) and count >= 0 else 0.0
    ctx.db.patch(
        document["_id"],
        {
            "activeObservations": argument(request, "observations"),
            "lastObservedAt": argument(request, "lastObservedAt"),
            "pendingMessageTokens": 0.0,
            "observationTokenCount": tokens,
            "totalTokensObserved": _number(document["totalTokensObserved"]) + tokens,
            "observedMessageIds": argument(request, "observedMessageIds"),
            "updatedAt": argument(request, "updatedAt"),
        },
    )
    return done()


def _stored_chunks(document: Document) -> list[Any]:
    """The buffered chunks; malformed text counts as none."""
    stored = document.get("bufferedObservationChunks")
    if not isinstance(stored, str) or not stored:
        return []
    try:
        chunks = parse_json(stored)
    except SyntaxError:
        return []
    return chunks if isinstance(chunks, list) else []


def _append_chunk(ctx: MutationContext, request: Request) -> Response:
    document = _required(ctx, argument(request, "id"))
    chunks = [*_stored_chunks(document), argument(request, "chunk")]
    changes = {"bufferedObservationChunks": stringify(chunks), "updatedAt": argument(request, "updatedAt")}
    if truthy(argument(request, "lastBufferedAtTime")):
        changes["lastBufferedAtTime"] = request["lastBufferedAtTime"]
    ctx.db.patch(document["_id"], changes)
    return done()


def _swap_buffered(ctx: MutationContext, request: Request) -> Response:
    document = _required(ctx, argument(request, "id"))
    stored = _stored_chunks(document)
    sent = argument(request, "bufferedChunks")
    chunks = sent if stored and isinstance(sent, list) else stored
    if not chunks:
        return done(result=activation_result([]))
    count = activation_boundary(chunks, request)
    activated, remaining = chunks[:count], chunks[count:]
    result = activation_result(activated)
    now = argument(request, "now")
    observed_at = _first_present(argument(request, "lastObservedAt"), property_of(activated[-1], "lastObservedAt"), now)
    ctx.db.patch(
        document["_id"],
        {
            "activeObservations": _appended(document["activeObservations"], result["observations"], observed_at),
            "observationTokenCount": plus(
                _number(document["observationTokenCount"]), result["observationTokensActivated"]
            ),
            "pendingMessageTokens": maximum(
                0.0, _number(document["pendingMessageTokens"]) - to_number(result["messageTokensActivated"])
            ),
            "bufferedObservationChunks": stringify(remaining) if remaining else None,
            "lastObservedAt": observed_at,
            "updatedAt": now,
        },
    )
    return done(result=result)


def _first_present(*values: Any) -> Any:
    """``first ?? second ?? …``: the last value if none is there."""
    return next((value for value in values if value is not None and value is not undefined), values[-1])


def _appended(existing: str, added: str, observed_at: Any) -> str:
    if not existing:
        return added
    return f"{existing}\n\n--- message boundary ({to_string(observed_at)}) ---\n\n{added}"


def _update_buffered_reflection(ctx: MutationContext, request: Request) -> Response:
    document = _required(ctx, argument(request, "id"))
    existing, added = document.get("bufferedReflection"), argument(request, "reflection")
    ctx.db.patch(
        document["_id"],
        {
            "bufferedReflection": f"{existing}\n\n{to_string(added)}" if existing else added,
            "bufferedReflectionTokens": plus(
                _number(document.get("bufferedReflectionTokens")), argument(request, "tokenCount")
            ),
            "bufferedReflectionInputTokens": plus(
                _number(document.get("bufferedReflectionInputTokens")), argument(request, "inputTokenCount")
            ),
            "reflectedObservationLineCount": argument(request, "reflectedObservationLineCount"),
            "updatedAt": argument(request, "updatedAt"),
        },
    )
    return done()


def _swap_buffered_reflection(ctx: MutationContext, request: Request) -> Response:
    current, now = argument(request, "currentRecord"), argument(request, "now")
    document = _required(ctx, property_of(current, "id"))
    reflection = document.get("bufferedReflection")
    if not reflection:
        raise ThrownError("No buffered reflection to swap")
    observations = _with_unreflected(
        document["activeObservations"], reflection, _number(document.get("reflectedObservationLineCount"))
    )
    record = _next_generation(spread(current), observations, request, now)
    ctx.db.insert(_TABLE, record)
    cleared = dict.fromkeys(
        (
            "bufferedReflection",
            "bufferedReflectionTokens",
            "bufferedReflectionInputTokens",
            "reflectedObservationLineCount",
        )
    )
    ctx.db.patch(document["_id"], {**cleared, "updatedAt": now})
    return done(result=record)


def _with_unreflected(observations: str, reflection: str, reflected_lines: float) -> str:
    """The reflection, then the lines that came after what it reflects on."""
    rest = trim("\n".join(slice_from(observations.split("\n"), reflected_lines)))
    return f"{reflection}\n\n{rest}" if rest else reflection


_KEPT = (
    "lookupKey",
    "scope",
    "resourceId",
    "threadId",
    "config",
    "lastObservedAt",
    "totalTokensObserved",
    "observedTimezone",
    "metadata",
)


def _next_generation(current: dict[str, Any], observations: str, request: Request, now: Any) -> dict[str, Any]:
    return {
        **{name: current.get(name, undefined) for name in _KEPT},
        "id": argument(request, "newId"),
        "activeObservations": observations,
        "activeObservationsPendingUpdate": None,
        "originType": "reflection",
        "generationCount": plus(current.get("generationCount", undefined), 1.0),
        "lastReflectionAt": now,
        "pendingMessageTokens": 0.0,
        "observationTokenCount": argument(request, "tokenCount"),
        "isObserving": False,
        "isReflecting": False,
        "isBufferingObservation": False,
        "isBufferingReflection": False,
        "lastBufferedAtTokens": 0.0,
        "lastBufferedAtTime": None,
        "createdAt": now,
        "updatedAt": now,
    }


def _update_config(ctx: MutationContext, request: Request) -> Response:
    document = _required(ctx, argument(request, "id"))
    merged = _deep_merge(_json_object(document["config"]), _json_object(argument(request, "config")))
    ctx.db.patch(document["_id"], {"config": stringify(merged), "updatedAt": argument(request, "updatedAt")})
    return done()


def _json_object(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or not text:
        return {}
    try:
        parsed = parse_json(text)
    except SyntaxError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _deep_merge(target: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    """Objects are merged, everything else (null and lists too) is replaced by the source's."""
    merged = dict(target)
    for name, value in source.items():
        old = target.get(name)
        merged[name] = _deep_merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _only_here(
    operation: Callable[[MutationContext, Request], Response],
) -> Callable[[MutationContext, str, Request], Response]:
    def checked(ctx: MutationContext, table: str, request: Request) -> Response:
        if table != _TABLE:
            raise ThrownError(f"{argument(request, 'op')} is only supported for {_TABLE}")
        return operation(ctx, request)

    return checked


OBSERVATIONAL_MEMORY_OPERATIONS = {
    "omGetLatest": _only_here(_get_latest),
    "omGetHistory": _only_here(_get_history),
    "omUpdateActive": _only_here(_update_active),
    "omAppendBufferedChunk": _only_here(_append_chunk),
    "omSwapBuffered": _only_here(_swap_buffered),
    "omUpdateBufferedReflection": _only_here(_update_buffered_reflection),
    "omSwapBufferedReflection": _only_here(_swap_buffered_reflection),
    "omUpdateConfig": _only_here(_update_config),
}

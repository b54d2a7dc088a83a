"""``cache:handle``: the server cache, with values, lists, counters and expiry.

A key has one head row; a list's items are rows of their own, deleted twenty-five at a time, which is why
answers carry ``hasMore``.  There is no try and catch: an error undoes the call.

npm @mastra/convex 1.5.2 ``mastraCache`` (mastra-adapter.md §12).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.mastra.records import (
    BATCH_SIZE,
    Request,
    Response,
    argument,
    done,
    equal_to,
    refused,
    unsupported,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.values.javascript import (
    is_less,
    is_less_or_equal,
    parse_json,
    plus,
    property_of,
    stringify,
    to_number,
    to_string,
)
from convex_mastra_emulator.values.types import Document, undefined

_HEADS = "mastra_cache"
_ITEMS = "mastra_cache_list_items"


def handle_cache(ctx: MutationContext, request: Any = undefined) -> Response:
    """Answers one request of ``ConvexServerCache``.

    Raises:
        Exception: whatever the database refuses; the call is then undone.
    """
    op = property_of(request, "op")
    operation = _OPERATIONS.get(op) if isinstance(op, str) else None
    return unsupported(request) if operation is None else operation(ctx, request)


# Rows


def _head(ctx: MutationContext, key: Any) -> Document | None:
    return ctx.db.query(_HEADS).with_index("by_key", equal_to(("key", key))).first()


def _is_expired(head: Document, ctx: MutationContext) -> bool:
    return head["expiresAt"] is not None and head["expiresAt"] <= ctx.now()


def _delete_key(ctx: MutationContext, key: Any) -> bool:
    """Deletes a key, of a list twenty-five items at a time; True if items are left."""
    head = _head(ctx, key)
    items = ctx.db.query(_ITEMS).with_index("by_key_index", equal_to(("key", key))).take(BATCH_SIZE + 1)
    if head is not None and head["kind"] != "deleted":
        ctx.db.patch(head["_id"], {"kind": "deleted"})
    for item in items[:BATCH_SIZE]:
        ctx.db.delete(item["_id"])
    has_more = len(items) > BATCH_SIZE
    if head is not None and not has_more:
        ctx.db.delete(head["_id"])
    return has_more


def _live_head(ctx: MutationContext, key: Any) -> tuple[Document | None, bool]:
    """The head row if it is neither expired nor deleted (such a one is cleaned up), and whether items are left."""
    head = _head(ctx, key)
    if head is None:
        return None, False
    if head["kind"] == "deleted" or _is_expired(head, ctx):
        return None, _delete_key(ctx, key)
    return head, False


def _write_head(ctx: MutationContext, key: Any, existing: Document | None, fields: dict[str, Any]) -> None:
    if existing is None:
        ctx.db.insert(_HEADS, {"key": key, **fields})
    else:
        ctx.db.patch(existing["_id"], fields)


def _encoded(request: Request) -> str:
    return stringify(argument(request, "value"))


# Operations


def _get(ctx: MutationContext, request: Request) -> Response:
    head, has_more = _live_head(ctx, argument(request, "key"))
    if has_more:
        return done(result=None, hasMore=True)
    if head is None or head["kind"] != "value":
        return done(result=None)
    return done(result=parse_json(head.get("value", "null")))


def _set(ctx: MutationContext, request: Request) -> Response:
    key = argument(request, "key")
    existing = _head(ctx, key)
    if existing is not None and (_is_expired(existing, ctx) or existing["kind"] != "value"):
        if _delete_key(ctx, key):
            return done(hasMore=True)
        existing = None
    fields = {
        "keyPrefix": argument(request, "keyPrefix"),
        "kind": "value",
        "value": _encoded(request),
        "expiresAt": argument(request, "expiresAt"),
    }
    _write_head(ctx, key, existing, fields)
    return done()


def _list_length(ctx: MutationContext, request: Request) -> Response:
    key = argument(request, "key")
    head, has_more = _live_head(ctx, key)
    if has_more:
        return done(result=0.0, hasMore=True)
    if head is None:
        return done(result=0.0)
    if head["kind"] != "list":
        return refused(f"{to_string(key)} exists but is not an array")
    return done(result=head.get("counter", 0.0))


def _appendable(
    ctx: MutationContext, request: Request, kind: str, name: str
) -> tuple[Document | None, Response | None]:
    """The head row a push or an increment goes on from, or the answer instead."""
    key = argument(request, "key")
    existing = _head(ctx, key)
    if existing is not None and (_is_expired(existing, ctx) or existing["kind"] == "deleted"):
        if _delete_key(ctx, key):
            return None, done(hasMore=True)
        existing = None
    if existing is not None and existing["kind"] != kind:
        return None, refused(f"{to_string(key)} exists but is not {name}")
    return existing, None


def _count_up(ctx: MutationContext, request: Request, existing: Document | None, kind: str) -> float:
    counter: float = (0.0 if existing is None else existing.get("counter", 0.0)) + 1.0
    fields = {
        "kind": kind,
        "keyPrefix": argument(request, "keyPrefix"),
        "counter": counter,
        "expiresAt": argument(request, "expiresAt"),
    }
    _write_head(ctx, argument(request, "key"), existing, fields)
    return counter


def _list_push(ctx: MutationContext, request: Request) -> Response:
    existing, answer = _appendable(ctx, request, "list", "an array")
    if answer is not None:
        return answer
    counter = _count_up(ctx, request, existing, "list")
    item = {
        "key": argument(request, "key"),
        "keyPrefix": argument(request, "keyPrefix"),
        "index": counter - 1,
        "value": _encoded(request),
    }
    ctx.db.insert(_ITEMS, item)
    return done()


def _increment(ctx: MutationContext, request: Request) -> Response:
    existing, answer = _appendable(ctx, request, "counter", "a number")
    if answer is not None:
        return answer
    return done(result=_count_up(ctx, request, existing, "counter"))


def _list_from_to(ctx: MutationContext, request: Request) -> Response:
    key = argument(request, "key")
    head, has_more = _live_head(ctx, key)
    if has_more:
        return done(result=[], hasMore=True)
    if head is None or head["kind"] != "list":
        return done(result=[])
    bounds = _bounds(argument(request, "from"), argument(request, "to"), head.get("counter", 0.0))
    if bounds is None:
        return done(result=[])
    first, last = bounds
    items = ctx.db.query(_ITEMS).with_index(
        "by_key_index", lambda q: q.eq("key", key).gte("index", first).lte("index", last)
    )
    return done(result=[parse_json(item["value"]) for item in items.collect()])


def _bounds(first: Any, last: Any, length: float) -> tuple[Any, Any] | None:
    """Inclusive bounds; negative ones count from the end, as in Redis."""
    start = max(to_number(plus(length, first)), 0.0) if is_less(first, 0.0) else first
    end = plus(length, last) if is_less(last, 0.0) else last
    return None if is_less(end, start) or is_less_or_equal(length, start) else (start, end)


def _delete(ctx: MutationContext, request: Request) -> Response:
    return done(hasMore=_delete_key(ctx, argument(request, "key")))


def _clear(ctx: MutationContext, request: Request) -> Response:
    """Deletes keys of exactly this prefix, twenty-five a call or one list; then items without a head row."""
    by_prefix = equal_to(("keyPrefix", argument(request, "keyPrefix")))
    heads = ctx.db.query(_HEADS).with_index("by_key_prefix", by_prefix).take(BATCH_SIZE + 1)
    if not heads:
        items = ctx.db.query(_ITEMS).with_index("by_key_prefix", by_prefix).take(BATCH_SIZE + 1)
        for item in items[:BATCH_SIZE]:
            ctx.db.delete(item["_id"])
        return done(hasMore=len(items) > BATCH_SIZE)
    has_items = bool(ctx.db.query(_ITEMS).with_index("by_key_prefix", by_prefix).take(1))
    for head in heads[:BATCH_SIZE]:
        if head["kind"] in ("list", "deleted"):
            has_more = _delete_key(ctx, head["key"])
            return done(hasMore=has_more or len(heads) > 1 or has_items)
        ctx.db.delete(head["_id"])
    return done(hasMore=len(heads) > BATCH_SIZE or has_items)


_OPERATIONS = {
    "get": _get,
    "set": _set,
    "listLength": _list_length,
    "listPush": _list_push,
    "listFromTo": _list_from_to,
    "delete": _delete,
    "clear": _clear,
    "increment": _increment,
}

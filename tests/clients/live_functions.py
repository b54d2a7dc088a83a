"""Functions and routes that a served child process defines for the tests of clients (`functions="…:FUNCTIONS"`).

Documents carry the `room` of their test, so that tests share one server.
"""

import time
from collections.abc import Mapping
from typing import Any

from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import (
    HttpActionRequest,
    HttpActionResponse,
    HttpRouter,
    action,
    http_action,
    internal_query,
    mutation,
    query,
)
from convex_mastra_emulator.errors import ThrownError

VALUES: dict[str, Any] = {
    "null": None,
    "yes": True,
    "number": 1.5,
    "int64": ConvexInt64(2**53 + 1),
    "negative zero": -0.0,
    "infinity": float("inf"),
    "text": "Grüße ✓ 𝄞",
    "bytes": b"\x00\xff",
    "list": [1.0, [None, "x"], {}],
    "object": {"a": {"b": [ConvexInt64(-1)]}},
}


def list_messages(ctx: Any, args: Mapping[str, Any]) -> list[str]:
    rows = ctx.db.query("messages").collect()
    return [row["text"] for row in rows if row["room"] == args["room"]]


def send_message(ctx: Any, args: Mapping[str, Any]) -> int:
    ctx.db.insert("messages", {"room": args["room"], "text": args["text"]})
    return len(list_messages(ctx, args))


def refuse(ctx: Any, args: Mapping[str, Any]) -> None:
    if "data" in args:
        raise ConvexError("", args["data"])
    raise ThrownError("no such room")


def fail_while_empty(ctx: Any, args: Mapping[str, Any]) -> list[str]:
    texts = list_messages(ctx, args)
    if not texts:
        raise ConvexError("", {"room": args["room"]})
    return texts


def who(ctx: Any, args: Mapping[str, Any]) -> Any:
    user = ctx.auth.get_user_identity()
    return None if user is None else user["subject"]


def print_much(ctx: Any, args: Mapping[str, Any]) -> None:
    for _ in range(int(args["lines"])):
        print("x" * 100)


def wait(ctx: Any, args: Mapping[str, Any]) -> str:
    time.sleep(args["seconds"])
    return "waited"


def receive(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
    """A webhook: says what it got, and who sent it."""
    headers = {"Access-Control-Allow-Origin": "*", "X-Kind": request.headers.get("x-kind", "none")}
    answer = {"sent": request.json(), "by": who(ctx, {}), "url": request.url}
    return HttpActionResponse.json(answer, 201, headers)


FUNCTIONS = {
    "live:list": query(list_messages),
    "live:send": mutation(send_message),
    "live:echo": query(lambda ctx, args: args["value"]),
    "live:echoMutation": mutation(lambda ctx, args: args["value"]),
    "live:echoAction": action(lambda ctx, args: args["value"]),
    "live:values": query(lambda ctx, args: VALUES),
    "live:refuse": mutation(refuse),
    "live:refuseQuery": query(refuse),
    "live:refuseAction": action(refuse),
    "live:failWhileEmpty": query(fail_while_empty),
    "live:who": query(who),
    "live:secret": internal_query(lambda ctx, args: "secret"),
    "live:print": mutation(print_much),
    "live:wait": action(wait),
    "live:uploadUrl": mutation(lambda ctx, args: ctx.storage.generate_upload_url()),
    "live:fileUrl": query(lambda ctx, args: ctx.storage.get_url(args["id"])),
    "live:file": query(lambda ctx, args: ctx.db.system.get(args["id"])),
    "live:deleteFile": mutation(lambda ctx, args: ctx.storage.delete(args["id"])),
}

ROUTER = HttpRouter()
ROUTER.route(path="/receive", method="POST", handler=http_action(receive))
ROUTER.route(path_prefix="/say/", method="GET", handler=http_action(lambda ctx, request: HttpActionResponse("said")))

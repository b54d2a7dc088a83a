"""HTTP actions that tell what they were asked, answer as they are told to, call functions, and fail.

`convex/conformance/routes.ts` is the same in TypeScript.
"""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import urlsplit

from convex import ConvexError

from convex_mastra_emulator import HttpActionResponse, HttpRouter, http_action
from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest
from convex_mastra_emulator.runtime.http_router import HttpAction

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _echoing(route: str) -> HttpAction:
    def echo(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        url = urlsplit(request.url)
        return HttpActionResponse.json(
            {
                "route": route,
                "method": request.method,
                "path": url.path,
                "query": f"?{url.query}" if url.query else "",
                "probe": request.headers.get("X-Probe"),
                "contentType": request.headers.get("content-type"),
                "body": base64.b64encode(request.body).decode("ascii"),
            }
        )

    return http_action(echo)


def _answer(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
    """The answer that the body, JSON, asks for: ``{status, headers: [[name, value]], body: base64}``."""
    asked = request.json()
    body = None if asked["body"] is None else base64.b64decode(asked["body"])
    return HttpActionResponse(body, int(asked["status"]), [(name, value) for name, value in asked["headers"]])


def _calling(kind: str) -> HttpAction:
    """Runs a program of the probe in one of its own functions, and answers what that does."""

    def call(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        run = getattr(ctx, f"run_{kind}")
        answers = run(f"conformance/probe:internal{kind.capitalize()}", {"program": request.text()})
        return HttpActionResponse(answers, headers={"Content-Type": "application/json"})

    return http_action(call)


def _fail(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
    raise ThrownError("no such luck")


def _refuse(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
    raise ConvexError("no luck", {"code": "NO_LUCK"})


def _router() -> HttpRouter:
    router = HttpRouter()
    for method in _METHODS:
        router.route(path="/conformance/echo", method=method, handler=_echoing("exact"))
    router.route(path="/conformance/under/exact", method="GET", handler=_echoing("exact under a prefix"))
    router.route(path_prefix="/conformance/under/", method="GET", handler=_echoing("prefix"))
    router.route(path_prefix="/conformance/under/it/", method="GET", handler=_echoing("longer prefix"))
    router.route(path="/conformance/answer", method="POST", handler=http_action(_answer))
    for kind in ("query", "mutation", "action"):
        router.route(path=f"/conformance/{kind}", method="POST", handler=_calling(kind))
    router.route(path="/conformance/failing", method="GET", handler=http_action(_fail))
    router.route(path="/conformance/refusing", method="GET", handler=http_action(_refuse))
    return router


ROUTER: Final = _router()
"""All routes."""

"""Runs HTTP actions: finds the one a request is for, and tells how it ended.

A response larger than 20 MiB loses its body, not its status and headers: a deployment has sent these when it notices.

convex-backend crates/isolate/src/environment/action/mod.rs ``run_http_action_inner`` and
``handle_http_streamed_part``, crates/application/src/application_function_runner/http_routing.rs, crates/udf/src/
http_action.rs (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass

from convex_mastra_emulator.errors import DeploymentError, ErrorKind, ThrownError
from convex_mastra_emulator.runtime.calls import Call
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import Failure, thrown
from convex_mastra_emulator.runtime.functions import Function, FunctionKind
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.http_router import HttpAction, Route
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.logs import LogLines
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.usage import NOTHING_USED, Usage, UsageSum
from convex_mastra_emulator.values.display import human_size

HTTP_MODULE = FunctionPath("http.js", "default")
_TEXT = (("content-type", "text/plain; charset=utf-8"),)
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class HttpActionOutcome:
    """How a request ended.

    Attributes:
        route: method and path of the route, or of the request if nothing was routed.
        response: what is answered; None when the action failed.
        failure: why it failed.
        log_lines: what it and the functions it called logged.
        usage: what its transactions read and wrote.
    """

    route: str
    response: HttpActionResponse | None = None
    failure: Failure | None = None
    log_lines: tuple[str, ...] = ()
    usage: Usage = NOTHING_USED


def run_http_action(executor: Executor, request: HttpActionRequest, path: str, identity: Identity) -> HttpActionOutcome:
    """Answers a request.

    Args:
        executor: whose HTTP actions.
        request: what is asked.
        path: of the request, as it stands in the URL.
        identity: who calls.

    Raises:
        DeploymentError: of kind INTERNAL, for a response that is no HTTP.
    """
    router = executor.http_router
    if router is None:
        return _not_found(request, path, "This Convex deployment does not have HTTP actions enabled.")
    logs, used = LogLines(executor.limits), UsageSum()
    failure: Failure | None = None
    response: HttpActionResponse | None = None
    route: Route | None = None
    try:
        route = router.lookup(path, request.method)
        if route is None:
            return _not_found(request, path, "No matching routes found")
        response = _run(executor, route.action, request, identity, logs, used)
    except Exception as error:
        failure = thrown(error, executor.limits)
    if response is not None:
        _check_values(response)
        response = _within_size(response, logs, executor.limits.http_body_size_max)
    name = _unrouted(request, path) if route is None else str(route)
    return HttpActionOutcome(name, response, failure, tuple(logs.lines), used.usage)


def _not_found(request: HttpActionRequest, path: str, text: str) -> HttpActionOutcome:
    return HttpActionOutcome(_unrouted(request, path), HttpActionResponse(text, _NOT_FOUND, _TEXT))


def _unrouted(request: HttpActionRequest, path: str) -> str:
    method = "GET" if request.method == "HEAD" else request.method
    return f"{method} {path}"


def _run(
    executor: Executor,
    action: HttpAction,
    request: HttpActionRequest,
    identity: Identity,
    logs: LogLines,
    used: UsageSum,
) -> HttpActionResponse:
    function = Function(kind=FunctionKind.ACTION, handler=action.handler)
    call = Call(HTTP_MODULE, function, identity, logs, used=used)
    response = action.handler(executor.action_context(call), request)
    if not isinstance(response, HttpActionResponse):
        raise ThrownError("HTTP actions must return a Response")
    return response


def _within_size(response: HttpActionResponse, logs: LogLines, size_max: int) -> HttpActionResponse:
    size = len(response.body)
    if size > size_max:
        logs.error(f"HttpResponseTooLarge: HTTP actions support responses up to {human_size(size_max)}")
        return HttpActionResponse(None, response.status, response.headers.pairs)
    logs.warn_of_limit("Large response returned from an HTTP action", size, size_max, unit=" bytes")
    return response


def _check_values(response: HttpActionResponse) -> None:
    """Refuses what would end a header and begin another; a deployment fails as a whole on it."""
    for name, value in response.headers.pairs:
        if any((char < " " and char != "\t") or char == "\x7f" or char > "\xff" for char in value):
            raise DeploymentError(
                f"the header {name} of an HTTP action's response has a value that is none: {value!r}",
                code="InternalServerError",
                kind=ErrorKind.INTERNAL,
            )

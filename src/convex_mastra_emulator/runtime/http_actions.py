"""Runs HTTP actions: finds the one a request is for, and tells how it ended.

A response larger than 20 MiB loses its body, not its status and headers: a deployment has sent these when it notices.

convex-backend crates/isolate/src/environment/action/mod.rs ``run_http_action_inner`` and
``handle_http_streamed_part``, crates/application/src/application_function_runner/http_routing.rs, crates/udf/src/
http_action.rs (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, ThrownError
from convex_mastra_emulator.runtime.calls import Call
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import Failure, thrown
from convex_mastra_emulator.runtime.function_log import Request, Run
from convex_mastra_emulator.runtime.functions import Function, FunctionKind
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.http_router import HttpAction, Route, Router
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.logs import LogLines
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.usage import NOTHING_USED, Usage, UsageSum
from convex_mastra_emulator.values.display import human_size

HTTP_MODULE = FunctionPath("http.js", "default")
_TEXT = (("content-type", "text/plain; charset=utf-8"),)
_NOT_FOUND = 404
_KIND = "HttpAction"


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


def run_http_action(
    executor: Executor, request: HttpActionRequest, path: str, identity: Identity, asked: Request
) -> HttpActionOutcome:
    """Answers a request, and notes it in the log: not if there are no HTTP actions, but also if none is for it.

    Args:
        executor: whose HTTP actions.
        request: what is asked.
        path: of the request, as it stands in the URL.
        identity: who calls.
        asked: what the log tells of the request.

    Raises:
        DeploymentError: of kind INTERNAL, for a response that is no HTTP.
    """
    router = executor.http_router
    if router is None:
        return _not_found(request, path, "This Convex deployment does not have HTTP actions enabled.")
    route = _route_of(executor, router, request, path)
    if isinstance(route, HttpActionOutcome):
        _note(executor, executor.log.begin(asked, route.route, _KIND, identity), route)
        return route
    run = executor.log.begin(asked, str(route), _KIND, identity)
    try:
        outcome = _answered(executor, route, request, run)
    except DeploymentError:
        executor.log.end(run, (), NOTHING_USED, f"{INTERNAL_ERROR_TEXT}\n")
        raise
    _note(executor, run, outcome)
    return outcome


def _route_of(executor: Executor, router: Router, request: HttpActionRequest, path: str) -> Route | HttpActionOutcome:
    """What answers a request, or how it ends without; a router of TypeScript may throw."""
    try:
        route = router.find(path, request.method, executor.env.of_process())
    except Exception as error:
        return HttpActionOutcome(_unrouted(request, path), failure=thrown(error, executor.limits))
    return _not_found(request, path, "No matching routes found") if route is None else route


def _note(executor: Executor, run: Run, outcome: HttpActionOutcome) -> None:
    run.status = None if outcome.response is None else outcome.response.status
    failure = outcome.failure
    executor.log.end(run, outcome.log_lines, NOTHING_USED, None if failure is None else failure.log_text)


def _answered(executor: Executor, route: Route, request: HttpActionRequest, run: Run) -> HttpActionOutcome:
    logs, used = LogLines(executor.limits), UsageSum()
    logs.listener = partial(executor.log.say, run)
    failure: Failure | None = None
    response: HttpActionResponse | None = None
    try:
        response = _run(executor, route.action, request, run, logs, used)
    except Exception as error:
        failure = thrown(error, executor.limits)
    if response is not None:
        _check_values(response)
        response = _within_size(response, logs, executor.limits.http_body_size_max)
    return HttpActionOutcome(str(route), response, failure, tuple(logs.lines), used.usage)


def _not_found(request: HttpActionRequest, path: str, text: str) -> HttpActionOutcome:
    return HttpActionOutcome(_unrouted(request, path), HttpActionResponse(text, _NOT_FOUND, _TEXT))


def _unrouted(request: HttpActionRequest, path: str) -> str:
    method = "GET" if request.method == "HEAD" else request.method
    return f"{method} {path}"


def _run(
    executor: Executor,
    action: HttpAction,
    request: HttpActionRequest,
    run: Run,
    logs: LogLines,
    used: UsageSum,
) -> HttpActionResponse:
    function = Function(kind=FunctionKind.ACTION, handler=action.handler)
    call = Call(HTTP_MODULE, function, run.identity, logs, used=used, run=run)
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

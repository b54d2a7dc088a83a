"""The ASGI application: carries requests to the protocol and answers back, and logs each call in one line.

Where the protocol runs, says ``steps.py``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.call_report import CallReport
from convex_mastra_emulator.protocol.data_routes import UPLOAD_PATHS
from convex_mastra_emulator.protocol.http import ECHO_PATH, ECHO_SIZE_MAX
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.push_routes import PUSH_PATHS, PUSH_SIZE_MAX
from convex_mastra_emulator.protocol.web import takes_large_bodies
from convex_mastra_emulator.server.connections import cut_of
from convex_mastra_emulator.server.patience import DEFAULT_PATIENCE
from convex_mastra_emulator.server.pauses import Pauses
from convex_mastra_emulator.server.polls import client_gone, polled
from convex_mastra_emulator.server.steps import run_step
from convex_mastra_emulator.server.websocket import SyncSocket

Log = Callable[[str], None]


def create_app(
    api: DeploymentApi,
    *,
    body_size_max: int,
    dropped_size_max: int = DEFAULT_PATIENCE.dropped_size_max,
    poll_seconds: float = DEFAULT_PATIENCE.poll_seconds,
    log: Log | None = None,
    pauses: Pauses | None = None,
    site_port: int | None = None,
) -> ASGIApp:
    """An ASGI application for any server.

    Args:
        api: what answers.
        body_size_max: bytes of a body that are kept; of a larger one only enough to refuse it.  Uploads have no limit.
        dropped_size_max: bytes of a larger body that are read nevertheless, so that its sender sees the refusal.
        poll_seconds: how long a client waits that asked for what is yet to happen.
        log: gets one line per call of a function.
        pauses: what lets answers wait that faults delay; its end, when the server stops, ends them.
        site_port: what comes in by this port is for HTTP actions, whatever its path.
    """
    pauses = pauses or Pauses()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_site = site_port is not None and _port_of(scope) == site_port
        if scope["type"] == "websocket":
            await _serve_socket(api, WebSocket(scope, receive, send), log, pauses, is_site=is_site)
            return
        sizes = body_size_max, dropped_size_max
        request = await _received(api, scope, receive, sizes, is_site=is_site)
        if request is None:
            return
        started = time.perf_counter()
        response, reports = await run_step(
            api.emulator, lambda: api.http.handle(request), may_wait=request.path not in _WITHOUT_ACTIONS
        )
        if log is not None:
            _log_calls(log, reports, (time.perf_counter() - started) * 1000)
        if response.poll is not None:
            response = await polled(response, response.poll, receive, pauses, poll_seconds)
        if response.delay_seconds and not await _is_still_there(receive, response.delay_seconds, pauses):
            return
        if response.is_cut:
            await _cut(scope, receive)
            return
        await _send(response, send)

    return app


async def _is_still_there(receive: Receive, seconds: float, pauses: Pauses) -> bool:
    """Waits; False, and earlier, when the client goes away meanwhile."""
    gone = asyncio.create_task(client_gone(receive))
    try:
        await pauses.pause(seconds, until=gone)
        return not gone.done()
    finally:
        gone.cancel()


async def _cut(scope: Scope, receive: Receive) -> None:
    """Closes the connection without an answer.

    Raises:
        ConnectionAbortedError: on a server that cannot do it, which then answers as it does after an error.
    """
    cut = cut_of(scope)
    if cut is None:
        raise ConnectionAbortedError("a fault cuts the connection")
    cut()
    await client_gone(receive)


# What these call is a query or a mutation.
_WITHOUT_ACTIONS = frozenset(
    {"/api/query", "/api/mutation", "/api/query_ts", "/api/query_at_ts", "/api/query_batch", "/", "/version"}
)


# Bodies that may be larger than those of calls.
_SIZES_MAX = {ECHO_PATH: ECHO_SIZE_MAX, **dict.fromkeys(PUSH_PATHS, PUSH_SIZE_MAX)}


async def _serve_socket(
    api: DeploymentApi, socket: WebSocket, log: Log | None, pauses: Pauses, *, is_site: bool
) -> None:
    def log_calls(reports: list[CallReport], duration_ms: float) -> None:
        if log is not None:
            _log_calls(log, reports, duration_ms)

    try:
        open_session = api.sync_endpoint(socket.url.path, socket.headers.get("convex-client"))
    except DeploymentError as error:
        answer = JSONResponse({"code": error.code, "message": error.message}, error.kind.status)
        await socket.send_denial_response(answer)
        return
    if open_session is None or is_site:
        await socket.send_denial_response(Response(status_code=404))
        return
    await SyncSocket(api.emulator, socket, open_session, log_calls, pauses).run()


def _port_of(scope: Scope) -> int | None:
    """The port a request came in by."""
    server = scope.get("server")
    return None if server is None else server[1]


async def _received(
    api: DeploymentApi, scope: Scope, receive: Receive, sizes: tuple[int, int], *, is_site: bool
) -> HttpRequest | None:
    """The request with its body, as much of it as is worth reading; None if its client has gone."""
    body_size_max, dropped_size_max = sizes
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    if is_site:
        path = f"/http{path}"
    if not takes_large_bodies(path):
        size_max = _size_max_of(path, body_size_max)
        body = await _read_body(receive, size_max, dropped_size_max)
        return None if body is None else _to_protocol(scope, path, body)
    pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    request = replace(_to_protocol(scope, path, b""), header_pairs=pairs)
    body = await _read_body(receive, api.http.web.body_size_max(request), dropped_size_max)
    return None if body is None else replace(request, body=body)


def _size_max_of(path: str, body_size_max: int) -> int | None:
    """How much of a body is read; None for all of it."""
    if path in UPLOAD_PATHS:
        return None
    return _SIZES_MAX.get(path, body_size_max)


async def _read_body(receive: Receive, size_max: int | None, dropped_size_max: int) -> bytes | None:
    """The whole body, or one byte more than it may have; None if the client has gone before it was whole."""
    chunks: list[bytes] = []
    room = sys.maxsize if size_max is None else size_max + 1
    to_drop = dropped_size_max
    while (message := await receive())["type"] == "http.request":
        body: bytes = message.get("body", b"")
        chunks.append(body[:room])
        to_drop -= len(body) - len(chunks[-1])
        room -= len(chunks[-1])
        if to_drop < 0 or not message.get("more_body", False):
            return b"".join(chunks)
    return None


def _to_protocol(scope: Scope, path: str, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("ascii", "replace"),
        # Of a header that stands twice a deployment reads the first.
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])},
        body=body,
    )


async def _send(response: HttpResponse, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _log_calls(log: Log, reports: list[CallReport], duration_ms: float) -> None:
    for report in reports:
        log(report.line(f"{duration_ms:.1f} ms"))

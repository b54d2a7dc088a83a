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
from convex_mastra_emulator.protocol.data_routes import UPLOAD_PATHS
from convex_mastra_emulator.protocol.http import CallReport, HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.web import takes_large_bodies
from convex_mastra_emulator.server.connections import cut_of
from convex_mastra_emulator.server.pauses import Pauses
from convex_mastra_emulator.server.steps import run_step
from convex_mastra_emulator.server.websocket import SyncSocket

Log = Callable[[str], None]


def create_app(
    api: DeploymentApi,
    *,
    body_size_max: int,
    log: Log | None = None,
    pauses: Pauses | None = None,
    site_port: int | None = None,
) -> ASGIApp:
    """An ASGI application for any server.

    Args:
        api: what answers.
        body_size_max: bytes of a body that are read; of a larger one only enough to refuse it.  Uploads have no limit.
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
        request = await _received(api, scope, receive, body_size_max, is_site=is_site)
        started = time.perf_counter()
        response, reports = await run_step(
            api.emulator, lambda: api.http.handle(request), may_wait=request.path not in _WITHOUT_ACTIONS
        )
        if log is not None:
            _log_calls(log, reports, (time.perf_counter() - started) * 1000)
        if response.delay_seconds and not await _is_still_there(receive, response.delay_seconds, pauses):
            return
        if response.is_cut:
            await _cut(scope, receive)
            return
        await _send(response, send)

    return app


async def _is_still_there(receive: Receive, seconds: float, pauses: Pauses) -> bool:
    """Waits; False, and earlier, when the client goes away meanwhile."""
    gone = asyncio.create_task(_gone(receive))
    try:
        await pauses.pause(seconds, until=gone)
        return not gone.done()
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(scope: Scope, receive: Receive) -> None:
    """Closes the connection without an answer.

    Raises:
        ConnectionAbortedError: on a server that cannot do it, which then answers as it does after an error.
    """
    cut = cut_of(scope)
    if cut is None:
        raise ConnectionAbortedError("a fault cuts the connection")
    cut()
    await _gone(receive)


# What these call is a query or a mutation.
_WITHOUT_ACTIONS = frozenset(
    {"/api/query", "/api/mutation", "/api/query_ts", "/api/query_at_ts", "/api/query_batch", "/", "/version"}
)


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
    api: DeploymentApi, scope: Scope, receive: Receive, body_size_max: int, *, is_site: bool
) -> HttpRequest:
    """The request with its body, as much of it as is worth reading."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    if is_site:
        path = f"/http{path}"
    if not takes_large_bodies(path):
        size_max = None if path in UPLOAD_PATHS else body_size_max
        return _to_protocol(scope, path, await _read_body(receive, size_max))
    pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    request = replace(_to_protocol(scope, path, b""), header_pairs=pairs)
    return replace(request, body=await _read_body(receive, api.http.web.body_size_max(request)))


async def _read_body(receive: Receive, size_max: int | None) -> bytes:
    """The whole body, or one byte more than it may have; the rest of such a one is read and dropped."""
    chunks: list[bytes] = []
    room = sys.maxsize if size_max is None else size_max + 1
    while (message := await receive())["type"] == "http.request":
        chunk: bytes = message.get("body", b"")[:room]
        chunks.append(chunk)
        room = None if room is None else room - len(chunk)
        if not message.get("more_body", False):
            break
    return b"".join(chunks)


def _to_protocol(scope: Scope, path: str, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("ascii", "replace"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
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

"""The ASGI application: carries requests to the protocol and answers back, and logs each call in one line.

The protocol runs in worker threads, so that a long function does not keep other requests waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.http import CallReport, HttpRequest, HttpResponse
from convex_mastra_emulator.server.websocket import SyncSocket

Log = Callable[[str], None]


def create_app(api: DeploymentApi, *, body_size_max: int, log: Log | None = None) -> ASGIApp:
    """An ASGI application for any server.

    Args:
        api: what answers.
        body_size_max: bytes of a body that are read; of a larger one only enough to refuse it.
        log: gets one line per call of a function.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _serve_socket(api, WebSocket(scope, receive, send), log)
            return
        request = Request(scope, receive)
        body = await _read_body(request, body_size_max)
        started = time.perf_counter()
        response, reports = await run_in_threadpool(api.http.handle, _to_protocol(request, body))
        if log is not None:
            _log_calls(log, reports, (time.perf_counter() - started) * 1000)
        await _to_starlette(response)(scope, receive, send)

    return app


async def _serve_socket(api: DeploymentApi, socket: WebSocket, log: Log | None) -> None:
    def log_calls(reports: list[CallReport], duration_ms: float) -> None:
        if log is not None:
            _log_calls(log, reports, duration_ms)

    try:
        open_session = api.sync_endpoint(socket.url.path, socket.headers.get("convex-client"))
    except DeploymentError as error:
        answer = JSONResponse({"code": error.code, "message": error.message}, error.kind.status)
        await socket.send_denial_response(answer)
        return
    if open_session is None:
        await socket.send_denial_response(Response(status_code=404))
        return
    await SyncSocket(socket, open_session, log_calls).run()


async def _read_body(request: Request, size_max: int) -> bytes:
    """The whole body, or one byte more than it may have; the rest of such a one is read and dropped."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= size_max + 1:
            chunks.append(chunk)
        elif sum(map(len, chunks)) <= size_max:
            chunks.append(chunk[: size_max + 1])
    return b"".join(chunks)


def _to_protocol(request: Request, body: bytes) -> HttpRequest:
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return HttpRequest(
        method=request.method,
        path=raw_path.partition(b"?")[0].decode("ascii", "replace"),
        query=request.scope["query_string"].decode("ascii", "replace"),
        headers=request.headers,
        body=body,
    )


def _to_starlette(response: HttpResponse) -> Response:
    answer = Response(response.body, response.status)
    for name, value in response.headers:
        answer.headers[name] = value
    return answer


def _log_calls(log: Log, reports: list[CallReport], duration_ms: float) -> None:
    for report in reports:
        log(report.line(f"{duration_ms:.1f} ms"))

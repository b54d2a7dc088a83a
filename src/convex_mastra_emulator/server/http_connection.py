"""One HTTP connection, with the limits uvicorn's own lacks: sizes of the head, and times for everything.

Refusals have hyper's statuses and, as hyper's, no body.  Clocks are looked at by the server's tick, not by a timer
for each request, which would cost every call its microseconds.

hyper src/proto/h1/role.rs (checked 2026-11-21).
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from convex_mastra_emulator.server.connections import CuttableHttp
from convex_mastra_emulator.server.patience import Patience, UnreadBytes, cut_off


class ServerConfig(uvicorn.Config):
    """uvicorn's settings and ours.

    Args:
        app: what answers.
        patience: what one connection may use.
        options: uvicorn's.
    """

    def __init__(self, app: ASGIApp, patience: Patience, **options: Any) -> None:
        super().__init__(app, timeout_keep_alive=cast(int, patience.idle_seconds), **options)
        self.patience = patience


class _Refused(Exception):
    """Leaves the parser; its connection knows the status."""


class HttpConnection(CuttableHttp):
    """One connection.

    Args:
        config: what uvicorn wants to know, and the limits.
        server_state: uvicorn's.
        app_state: uvicorn's.
        _loop: uvicorn's.
    """

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = config.patience
        self._status = 400
        self._is_in_head = True
        self._heads_read = 0
        self._head_size = 0
        self._head_since: float | None = None
        self._data_at = 0.0
        self._is_deaf = False
        self._lingers_since: float | None = None
        self._unread = UnreadBytes()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins; one connection too many is told so."""
        super().connection_made(transport)
        self._head_since = self._data_at = self.loop.time()
        if len(self.connections) > self._patience.connections_max:
            self._refuse(503)

    def data_received(self, data: bytes) -> None:
        """Reads what came, but of a head no more than it may have."""
        if self._is_deaf:
            return
        self._unset_keepalive_if_required()
        self._data_at = self.loop.time()
        if self._is_in_head:
            if self._head_since is None:
                self._head_since = self._data_at
            room = self._patience.head_size_max - self._head_size
            if len(data) > room:
                heads_read = self._heads_read
                self._feed(data[:room])
                if self._heads_read == heads_read:
                    self._refuse(431)
                data = data[room:]
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        was_in_head, heads_read = self._is_in_head, self._heads_read
        while data and not self._is_deaf:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                if self._should_upgrade():
                    self._become_a_socket()
                    return
                data = self._without_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                self._refuse(self._status)
        is_same_head = was_in_head and self._heads_read == heads_read
        self._head_size = self._head_size + len(data) if is_same_head else 0

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Goes on in HTTP/1.1 after a request that offered another protocol; its parser would read no more."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return rest

    def _should_upgrade(self) -> bool:
        # Sockets have routes for GET only; every other request is one of HTTP.
        return self.parser.get_method() == b"GET" and super()._should_upgrade()

    # What the parser finds

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        super().on_url(url)
        if len(self.url) > self._patience.url_size_max:
            self._leave(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        super().on_header(name, value)
        if len(self.headers) > self._patience.headers_max:
            self._leave(431)

    def on_headers_complete(self) -> None:
        """Begins to answer."""
        self._is_in_head = False
        self._head_since = None
        self._heads_read += 1
        if not self.url.startswith(b"/"):
            self.url = _origin_form(self.url)
        if self.parser.get_http_version() == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            self._leave(400)  # where the body ends, each of a chain of servers could see otherwise
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body has come; what comes now is another head."""
        self._is_in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer was given; requests that came meanwhile are read on only when they are answered."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()
        elif not self._is_in_head:
            self._linger()  # the rest of the body is of no use
        elif self._head_since is not None:
            self._head_since = self.loop.time()

    def _leave(self, status: int) -> None:
        self._status = status
        raise _Refused

    def _become_a_socket(self) -> None:
        if self._is_answered():
            self.handle_websocket_upgrade()
        else:
            self._refuse(400)  # an answer that is still due would go into the socket

    # The end

    def _refuse(self, status: int) -> None:
        """Answers with a bare status after all answers that are due, and reads no more requests."""
        if self._is_deaf:
            return
        self._is_deaf = True
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False  # earlier requests are answered; this one sees the end
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                cut_off(self.transport)
                return
        headers = (*self.server_state.default_headers, (b"content-length", b"0"), (b"connection", b"close"))
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n")
        self._linger()

    def _linger(self) -> None:
        # Closed while bytes of the client are unread, the socket would be reset, and the client not see the answer.
        self._is_deaf = True
        self._lingers_since = self.loop.time()
        self._unset_keepalive_if_required()
        if not self.transport.is_closing():
            self.transport.write_eof()

    def shutdown(self) -> None:
        """Ends with its server, which does not wait for a client to read why it was refused."""
        if self._lingers_since is not None:
            self.transport.close()
        else:
            super().shutdown()

    def end_if_overdue(self, now: float) -> None:
        """Ends a connection whose client keeps the server waiting."""
        patience = self._patience
        if self._unread.seconds(self.transport, now) > patience.unread_seconds:
            cut_off(self.transport)
        elif self._lingers_since is not None:
            if now - self._lingers_since > patience.linger_seconds:
                cut_off(self.transport)
        elif self._is_deaf or self.flow.read_paused:
            return
        elif not self._is_in_head:
            if now - self._data_at > patience.body_seconds:
                self._refuse(408)
        elif self._head_since is not None and self._is_answered() and now - self._head_since > patience.head_seconds:
            self.transport.close()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete


def _origin_form(target: bytes) -> bytes:
    """Path and query of a target in another form: ``http://host/path``, ``*``."""
    if target == b"*":
        return b"/*"
    parsed = httptools.parse_url(target)
    query = b"?" + parsed.query if parsed.query else b""
    return (parsed.path or b"/") + query

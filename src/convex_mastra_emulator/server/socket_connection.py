"""One connection of a WebSocket, with a deployment's limits and its codes for their breach.

convex-backend crates/local_backend/src/subs/mod.rs: what tungstenite refuses has no code of its own there and ends
the socket as an internal error (convex-wire.md §1.8 and §1.9, checked 2026-11-21).
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.frames import Close, Frame, Opcode

from convex_mastra_emulator.server.connections import CuttableSocket
from convex_mastra_emulator.server.http_connection import ServerConfig
from convex_mastra_emulator.server.patience import UnreadBytes, cut_off

_REFUSED = Close(1011, "InternalServerError")


class SocketConnection(CuttableSocket):
    """One connection, from its handshake on.

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
        self._unread = UnreadBytes()
        self._lingers_since: float | None = None
        self.conn.max_message_size = config.patience.message_size_max
        self.conn.max_fragment_size = config.patience.frame_size_max

    def data_received(self, data: bytes) -> None:
        """Reads what came, and no more while the client takes nothing: it could send pings only."""
        if self._lingers_since is not None:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_handshake()
        elif not self.writable.is_set():
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has taken what was sent."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def send_receive_event_to_app(self) -> None:
        """Passes a message on; a text that is none ends the socket, without the traceback that uvicorn logs."""
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.handle_parser_exception()
        if self._lingers_since is None:
            super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answers a ping, unless it came with what ended the socket."""
        if self._lingers_since is None:
            super().handle_ping()

    async def send(self, message: ASGISendEvent) -> None:
        """Sends, unless the connection has been ended from here."""
        try:
            await super().send(message)
        except RuntimeError:
            if not self.transport.is_closing() and self._lingers_since is None:
                raise
            raise ClientDisconnected from None

    def handle_parser_exception(self) -> None:
        """What is no message of the protocol, or too large a one, ends the socket."""
        if self._lingers_since is not None:
            return
        self.conn.data_to_send()  # the library's own code
        self.queue.put_nowait({"type": "websocket.disconnect", "code": _REFUSED.code, "reason": _REFUSED.reason})
        self._end(Frame(Opcode.CLOSE, _REFUSED.serialize()).serialize(mask=False))

    def _refuse_handshake(self) -> None:
        """The library has made an answer, or none; uvicorn would send neither."""
        answer = b"".join(self.conn.data_to_send())
        self._end(answer or b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    def _end(self, last: bytes) -> None:
        self.close_sent = True
        self.transport.write(last)
        # Closed while bytes of the client are unread, the socket would be reset, and the client not see the end.
        self._lingers_since = self.loop.time()
        self.transport.write_eof()

    def end_if_overdue(self, now: float) -> None:
        """Ends a connection whose client takes nothing of what is sent, or does not go when it is to."""
        patience = self._patience
        is_stuck = self._unread.seconds(self.transport, now) > patience.unread_seconds
        lingers = self._lingers_since is not None and now - self._lingers_since > patience.linger_seconds
        if is_stuck or lingers:
            cut_off(self.transport)


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

"""What one connection may use and how long it may take, so that no client costs the others their server.

The sizes are those of what a deployment is built on (hyper, tungstenite); where that waits for ever, so that a
proxy in front must not, the times here are generous.

hyper src/proto/h1/{io,role}.rs, src/server/conn/http1.rs; convex-backend crates/local_backend/src/subs/mod.rs
(convex-wire.md §1.9, checked 2026-11-21).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What one connection may use.  Sizes are bytes.

    Attributes:
        connections_max: connections at once, sockets of clients with subscriptions among them; a further one is
            answered 503.
        head_size_max: of a request's line and headers together; 431 beyond.
        headers_max: how many a request may have; 431 beyond.
        url_size_max: of what a request asks for; 414 beyond.
        frame_size_max: of one frame of a WebSocket.
        message_size_max: of a message of a WebSocket, which may be several frames.
        dropped_size_max: how much of a body that is too large is read, so that its sender sees the refusal.
        head_seconds: from the connection, or from a request's first byte, to the end of its head.
        body_seconds: without a byte of a body.
        idle_seconds: between two requests of a connection.
        unread_seconds: without a client's taking any of what waits for it; a kernel tells of a megabyte at once.
        linger_seconds: for a client whose request was refused to read why.
        poll_seconds: for something to tell a client that waits for it.
    """

    connections_max: int = 1_000
    head_size_max: int = 8_192 + 4_096 * 100
    headers_max: int = 100
    url_size_max: int = (1 << 16) - 2
    frame_size_max: int = 16 << 20
    message_size_max: int = 64 << 20
    dropped_size_max: int = 64 << 20
    head_seconds: float = 30.0
    body_seconds: float = 30.0
    idle_seconds: float = 120.0
    unread_seconds: float = 120.0
    linger_seconds: float = 5.0
    poll_seconds: float = 60.0  # crates/local_backend/src/logs.rs


DEFAULT_PATIENCE = Patience()


class UnreadBytes:
    """Watches that a client takes what is sent to it."""

    __slots__ = ("_since", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._since = 0.0

    def seconds(self, transport: asyncio.WriteTransport, now: float) -> float:
        """For how long the client has taken nothing of what waits for it; 0 if nothing waits."""
        size = transport.get_write_buffer_size()
        # What is sent meanwhile makes it more: only a smaller size tells that something was taken.
        if size == 0 or self._size == 0 or size < self._size:
            self._since = now
        self._size = size
        return now - self._since


def cut_off(transport: asyncio.Transport) -> None:
    """Ends a connection at once; what its client has not taken is thrown away, in the kernel, too."""
    opened = transport.get_extra_info("socket")
    if opened is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

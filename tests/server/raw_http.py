"""Bytes to a served emulator and back: requests no client library would send."""

import json
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from convex_mastra_emulator.server import ServedEmulator

WAIT_SECONDS_MAX = 20


@contextmanager
def connection(served: ServedEmulator) -> Iterator[socket.socket]:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), WAIT_SECONDS_MAX) as opened:
        yield opened


def read_to_end(opened: socket.socket) -> bytes:
    """Everything until the server ends the connection; one that does not runs into the time-out."""
    parts = []
    while part := opened.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def ask(served: ServedEmulator, request: bytes) -> bytes:
    """What comes back until the connection ends."""
    with connection(served) as opened:
        opened.sendall(request)
        return read_to_end(opened)


def head(*lines: str, first: str = "GET /version HTTP/1.1") -> bytes:
    return "\r\n".join((first, "host: x", *lines, "", "")).encode("latin-1")


def call(kind: str, path: str, *lines: str) -> bytes:
    """A call of a function without arguments."""
    body = json.dumps({"path": path, "args": {}}).encode()
    lines = ("content-type: application/json", f"content-length: {len(body)}", *lines)
    return head(*lines, first=f"POST /api/{kind} HTTP/1.1") + body


def statuses(answers: bytes) -> list[int]:
    """The statuses of all answers; no body here holds what looks like one."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def has_been_cut_off(opened: socket.socket, seconds_max: float) -> bool:
    """Whether the server throws the connection away within that time, whatever is still to be read."""
    poll = select.poll()
    poll.register(opened, select.POLLHUP)
    return bool(poll.poll(seconds_max * 1000))

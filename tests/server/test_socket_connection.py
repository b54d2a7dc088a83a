"""What one WebSocket may send at once, and what becomes of clients that do not read.

A deployment takes frames of 16 MiB and messages of 64 MiB (convex-wire.md §1.9); what is larger, or no frame at all,
ends the socket as an internal error.
"""

import base64
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server import websocket as server_socket
from convex_mastra_emulator.server.patience import Patience
from convex_mastra_emulator.server.socket_connection import SocketConnection
from tests.server.raw_http import WAIT_SECONDS_MAX, ask, connection, has_been_cut_off, head, read_to_end, statuses

FRAME_SIZE_MAX, MESSAGE_SIZE_MAX = 1_000, 2_500
UPGRADE = (
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    f"sec-websocket-key: {base64.b64encode(bytes(16)).decode()}",
)
SYNC = "GET /api/sync HTTP/1.1"
TEXT, PING = 1, 9
LARGE = 1 << 20
ADD = {"type": "Add", "queryId": 0, "udfPath": "notes:large", "args": [{}]}
SUBSCRIBE = {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [ADD]}


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    with Emulator(seed=1) as emulator:
        emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", {})))
        emulator.define("notes:large", query(lambda ctx, args: [len(ctx.db.query("notes").collect()), LARGE * "x"]))
        yield emulator


@pytest.fixture
def narrow(deployment: Emulator) -> Iterator[ServedEmulator]:
    patience = Patience(frame_size_max=FRAME_SIZE_MAX, message_size_max=MESSAGE_SIZE_MAX)
    with serve(deployment, patience=patience) as served:
        yield served


def open_socket(served: ServedEmulator, **headers: str) -> ClientConnection:
    url = served.url.replace("http://", "ws://") + "/api/sync"
    return connect(url, additional_headers=headers, proxy=None, open_timeout=WAIT_SECONDS_MAX, max_size=None)


def event(size: int) -> str:
    """A message of so many bytes that needs no answer."""
    text = json.dumps({"type": "Event", "eventType": "x", "event": ""})
    return text.replace('""', f'"{(size - len(text)) * "x"}"')


def is_served(opened: ClientConnection) -> bool:
    opened.send(json.dumps({"type": "Connect", "sessionId": "e12e4ba6-2371-4018-a6c8-6cf56a737da3"}))
    opened.send(json.dumps({"type": "Mutation", "requestId": 0, "udfPath": "notes:add", "args": [{}]}))
    return bool(json.loads(opened.recv(WAIT_SECONDS_MAX))["success"])


def is_ended(opened: ClientConnection) -> bool:
    with pytest.raises(ConnectionClosedError, match=r"1011.*InternalServerError"):
        opened.recv(WAIT_SECONDS_MAX)
    return True


def frame(data: bytes, kind: int = TEXT) -> bytes:
    """A frame of a client, its mask all zeros."""
    size = struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data))
    return bytes([0x80 | kind]) + size + bytes(4) + data


@contextmanager
def raw_socket(served: ServedEmulator) -> Iterator[socket.socket]:
    with connection(served) as opened:
        opened.sendall(head(*UPGRADE, first=SYNC))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += opened.recv(1)
        assert statuses(answer) == [101]
        yield opened


# Sizes


def test_the_largest_frame_is_taken(narrow: ServedEmulator) -> None:
    with open_socket(narrow) as opened:
        opened.send(event(FRAME_SIZE_MAX))

        assert is_served(opened)


def test_a_frame_that_is_too_large_ends_the_socket(narrow: ServedEmulator) -> None:
    with open_socket(narrow) as opened:
        opened.send(event(FRAME_SIZE_MAX + 1))

        assert is_ended(opened)


def pieces(size: int) -> list[str]:
    text = event(size)
    return [text[at : at + FRAME_SIZE_MAX] for at in range(0, size, FRAME_SIZE_MAX)]


def test_the_largest_message_is_taken(narrow: ServedEmulator) -> None:
    with open_socket(narrow) as opened:
        opened.send(pieces(MESSAGE_SIZE_MAX))

        assert is_served(opened)


def test_a_message_that_is_too_large_ends_the_socket(narrow: ServedEmulator) -> None:
    with open_socket(narrow) as opened:
        opened.send(pieces(MESSAGE_SIZE_MAX + 1))

        assert is_ended(opened)


def test_the_limits_are_those_of_a_deployment() -> None:
    assert (Patience().frame_size_max, Patience().message_size_max) == (16 << 20, 64 << 20)


# A client that sends more than it is allowed must not bring the socket down before it can read why.
def test_the_end_is_seen_by_a_client_that_goes_on_sending(narrow: ServedEmulator) -> None:
    with raw_socket(narrow) as opened:
        opened.sendall(b"\x81\xfe" + struct.pack("!H", 0xFFFF) + bytes(4) + bytes(0xFFFF))

        assert read_to_end(opened) == b"\x88\x15\x03\xf3InternalServerError"


@pytest.mark.parametrize(
    "data",
    [
        frame(b"x", kind=3),
        frame(b"x", kind=11),
        b"\xf1\x80" + bytes(4),
        b"\x81\x01x",
        frame(b"\xff"),
        frame(b"\xff") + frame(b"\x03\xe8", kind=8) + frame(b"x", kind=PING),
        frame(b"x", kind=0),
        frame(bytes(126), kind=PING),
        b"\x88\x81" + bytes(4) + b"x",
        b"\x81\xff" + b"\xff" * 8 + bytes(4),
    ],
    ids=[
        "kind",
        "other kind",
        "bits",
        "no mask",
        "no UTF-8",
        "no UTF-8, and the end",
        "continued",
        "long ping",
        "short close",
        "2^64 bytes",
    ],
)
def test_what_is_no_frame_ends_the_socket(
    narrow: ServedEmulator, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with raw_socket(narrow) as opened:
        opened.sendall(data + frame(b"more"))

        assert read_to_end(opened).startswith(b"\x88")
    # A traceback in the log for each would be a way to fill it.
    assert [record for record in caplog.records if record.exc_info] == []


# Clients that do not read


# Without a bound the pongs would wait in memory, however many.
def test_a_client_that_only_pings_is_not_read_for_ever(deployment: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    receive = SocketConnection.data_received

    def note(self: SocketConnection, data: bytes) -> None:
        receive(self, data)
        sizes.append(self.transport.get_write_buffer_size())

    monkeypatch.setattr(SocketConnection, "data_received", note)
    ping = frame(125 * b"x", kind=PING)
    with serve(deployment, patience=Patience(unread_seconds=0.5)) as served, raw_socket(served) as opened:
        opened.settimeout(0.2)
        with pytest.raises((TimeoutError, ConnectionError)):
            opened.sendall(500_000 * ping)

    # What is read at once, and what made the transport say that it is enough.
    assert max(sizes) < 1 << 20


def test_a_client_that_takes_no_results_is_ended(deployment: Emulator) -> None:
    with serve(deployment, patience=Patience(unread_seconds=0.3)) as served, raw_socket(served) as opened:
        opened.sendall(frame(json.dumps(SUBSCRIBE).encode()))
        for _ in range(100):
            deployment.mutation("notes:add")  # each makes a megabyte more, if it is made
            if has_been_cut_off(opened, 0.05):
                break

        assert has_been_cut_off(opened, WAIT_SECONDS_MAX)


# Somebody else's connection, full of results nobody takes, is no reason to wait.
def test_a_client_that_takes_no_results_holds_up_nobody(deployment: Emulator) -> None:
    with serve(deployment) as served, raw_socket(served) as opened, open_socket(served) as other:
        opened.sendall(frame(json.dumps(SUBSCRIBE).encode()))
        opened.recv(1)
        for _ in range(20):
            deployment.mutation("notes:add")

        assert is_served(other)


# Actions


def test_actions_at_once_have_a_number(deployment: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    deployment.define("notes:wait", action(lambda ctx, args: may_end.wait(WAIT_SECONDS_MAX)))
    monkeypatch.setattr(server_socket, "ACTIONS_MAX", 2)
    with serve(deployment) as served, open_socket(served) as opened:
        for number in range(4):
            opened.send(json.dumps({"type": "Action", "requestId": number, "udfPath": "notes:wait", "args": [{}]}))

        with pytest.raises(ConnectionClosedError, match=r"1013.*TooManyInflightActionsForSingleClient"):
            opened.recv(WAIT_SECONDS_MAX)
        may_end.set()


# Handshakes


# The library that speaks the protocol has limits of its own, and uvicorn would leave such a client without an answer.
def test_a_handshake_with_a_long_header_is_answered(narrow: ServedEmulator) -> None:
    assert statuses(ask(narrow, head(*UPGRADE, "cookie: " + 10_000 * "a", first=SYNC))) == [431]


def test_an_answer_that_is_due_does_not_go_into_a_socket(deployment: Emulator) -> None:
    started, may_end = threading.Event(), threading.Event()

    def wait(ctx: Any, args: Any) -> str:
        started.set()
        may_end.wait(WAIT_SECONDS_MAX)
        return "late"

    deployment.define("notes:wait", action(wait))
    body = b'{"path":"notes:wait","args":{}}'
    lines = ("content-type: application/json", f"content-length: {len(body)}")
    with serve(deployment) as served, connection(served) as opened:
        opened.sendall(head(*lines, first="POST /api/action HTTP/1.1") + body + head(*UPGRADE, first=SYNC))
        assert started.wait(WAIT_SECONDS_MAX)
        may_end.set()

        assert statuses(read_to_end(opened)) == [200]


# A deployment looks at no Origin (crates/common/src/http/websocket.rs): keys and tokens are sent by a page on purpose,
# not by its browser.
@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://localhost:5173"])
def test_sockets_are_open_to_pages_of_every_origin(narrow: ServedEmulator, origin: str) -> None:
    with open_socket(narrow, Origin=origin) as opened:
        assert is_served(opened)

"""A served emulator under bytes at its socket: requests and frames that are right but for a few changes.

Every connection ends, what comes back is HTTP or frames of a WebSocket, nobody sees what went on inside, and the
server answers afterwards.  EXAMPLES makes it longer (`make fuzz`), SEED another.
"""

import base64
import json
import logging
import os
import re
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server.patience import Patience
from tests.fuzz.changes import changed
from tests.fuzz.targets import EXAMPLES
from tests.server.raw_http import ask, connection, head, statuses

NUMBER = 2 * int(os.environ.get("EXAMPLES", "150"))
SEED = int(os.environ.get("SEED", "1"))
AT_ONCE = 40
SHORT = 0.2
DECLARED = {101, 200, 400, 401, 403, 404, 405, 408, 414, 426, 431}
CLOSE = "connection: close"


def with_body(path: str, body: bytes, *lines: str, method: str = "POST") -> bytes:
    sent = ("content-type: application/json", f"content-length: {len(body)}", *lines)
    return head(*sent, first=f"{method} {path} HTTP/1.1") + body


CALL = b'{"path":"mastra/cache:handle","args":{"op":"get","key":"a"}}'
UPGRADE = (
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    f"sec-websocket-key: {base64.b64encode(bytes(16)).decode()}",
)
REQUESTS = [
    head(CLOSE),
    head() + head(CLOSE),
    head(CLOSE, "origin: http://a.test", "convex-client: npm-1.48.0", "convex-request-id: x"),
    with_body("/api/mutation", CALL, CLOSE),
    with_body("/api/query", CALL, "authorization: Convex a|b:e30=") + with_body("/api/query_ts", b"", CLOSE),
    with_body("/api/run/mastra/cache/handle?adminKey=a%7Cb", b'{"args":{}}', CLOSE),
    head(CLOSE, "transfer-encoding: chunked", "content-type: application/json", first="POST /api/query HTTP/1.1")
    + b"%x\r\n%b\r\n0\r\nx: trailer\r\n\r\n" % (len(CALL), CALL),
    head(CLOSE, "expect: 100-continue", f"content-length: {len(CALL)}", first="POST /api/query HTTP/1.1") + CALL,
    head(CLOSE, first="OPTIONS * HTTP/1.1"),
    head(CLOSE, first="GET http://a.test/api/query?path=a&args=%7B%7D HTTP/1.1"),
    head("connection: upgrade", "upgrade: h2c") + head(CLOSE),
    head(*UPGRADE, first="GET /api/sync HTTP/1.1"),
]


def frame(data: bytes, kind: int = 1) -> bytes:
    size = struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data))
    return bytes([0x80 | kind]) + size + bytes(4) + data


MESSAGES = [frame(data) for data in EXAMPLES["sync_messages"]]
FRAMES = [b"".join(MESSAGES), *MESSAGES, frame(b"x", kind=9) + frame(b"\x03\xe8", kind=8), frame(b"", kind=2)]


@pytest.fixture(scope="module")
def served() -> Iterator[ServedEmulator]:
    patience = Patience(
        head_seconds=SHORT, body_seconds=SHORT, idle_seconds=SHORT, unread_seconds=SHORT, linger_seconds=SHORT
    )
    with Emulator(seed=1) as emulator, serve(emulator, patience=patience) as served:
        yield served


Case = TypeVar("Case")


def check_all_at_once(
    cases: list[Case], problem_with: Callable[[Case], str | None], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), ThreadPoolExecutor(AT_ONCE) as pool:
        problems = [problem for problem in pool.map(problem_with, cases) if problem]

    assert problems == []
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def test_bytes_of_requests(served: ServedEmulator, caplog: pytest.LogCaptureFixture) -> None:
    def problem_with(request: bytes) -> str | None:
        try:
            answer = ask(served, request)
        except ConnectionError:
            return None  # it was ended while it was sending
        except TimeoutError:
            return f"no end for {request!r}"
        if answer and not answer.startswith(b"HTTP/1.1 "):
            return f"no HTTP for {request!r}: {answer[:100]!r}"
        if set(statuses(answer)) - DECLARED - {100} or b"Traceback" in answer:
            return f"{statuses(answer)} for {request!r}: {answer[:500]!r}"
        return None

    cases = [changed(REQUESTS[number % len(REQUESTS)], SEED + number, 1 + number % 5) for number in range(NUMBER)]
    # A socket that was opened stays open, whatever else is sent.
    check_all_at_once([case for case in cases if b"websocket\r\n" not in case.lower()], problem_with, caplog)
    assert statuses(ask(served, head(CLOSE))) == [200]


def test_bytes_of_handshakes_and_frames(served: ServedEmulator, caplog: pytest.LogCaptureFixture) -> None:
    handshake = head(*UPGRADE, first="GET /api/sync HTTP/1.1")
    the_end = frame(b"\x03\xe8", kind=8)

    def problem_with(number: int) -> str | None:
        begin = changed(handshake, SEED + number, 1) if number % 4 == 0 else handshake
        frames = changed(FRAMES[number % len(FRAMES)], SEED + number, 1 + number % 5)
        try:
            with connection(served) as opened:
                opened.settimeout(5)
                opened.sendall(begin)
                answer = opened.recv(1 << 16)
                if not answer.startswith(b"HTTP/1.1 101"):
                    return None if not answer or set(statuses(answer)) <= DECLARED else f"{answer!r} for {begin!r}"
                # A frame whose end never comes is waited for, as long as pings are answered; many ends are an end.
                opened.sendall(frames + 300 * the_end)
                rest = b"".join(iter(lambda: opened.recv(1 << 16), b""))
        except ConnectionError:
            return None
        except TimeoutError:
            return None if re.search(rb"[\x80-\xff][\xfe\xff]", frames) else f"no end for {frames!r}"
        return f"{rest[:500]!r} for {frames!r}" if b"Traceback" in rest else None

    check_all_at_once(list(range(NUMBER // 2)), problem_with, caplog)
    assert statuses(ask(served, head(CLOSE))) == [200]


def test_right_requests_are_answered(served: ServedEmulator) -> None:
    answered = [statuses(ask(served, request)) for request in REQUESTS[:-1]]

    assert answered == [[200], [200, 200], [200], [200], [400, 200], [401], [200], [100, 400], [200], [200], [200, 200]]
    assert json.loads(ask(served, REQUESTS[3]).rpartition(b"\r\n\r\n")[2])["status"] in ("success", "error")

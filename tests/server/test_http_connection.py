"""What one HTTP connection may use, how long it may take, and requests that mean to be misread.

The statuses are hyper's (src/proto/h1/role.rs): bare, without a body, and the connection ends.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server.http_connection import HttpConnection
from convex_mastra_emulator.server.patience import Patience
from tests.server.raw_http import WAIT_SECONDS_MAX, ask, call, connection, has_been_cut_off, head, read_to_end, statuses

SHORT_SECONDS = 0.15
LARGE = 12 << 20  # more than the kernel keeps
CLOSE = "connection: close"


def add(ctx: Any, args: Any) -> float:
    ctx.db.insert("notes", {})
    return float(len(ctx.db.query("notes").collect()))


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    with Emulator(seed=1) as emulator:
        emulator.define("notes:add", mutation(add))
        emulator.define("notes:large", query(lambda ctx, args: "x" * LARGE))
        yield emulator


@pytest.fixture
def served(deployment: Emulator) -> Iterator[ServedEmulator]:
    with serve(deployment) as served:
        yield served


@pytest.fixture
def impatient(deployment: Emulator) -> Iterator[ServedEmulator]:
    """Ends everything that takes longer than a few ticks."""
    patience = Patience(
        head_seconds=SHORT_SECONDS,
        body_seconds=SHORT_SECONDS,
        idle_seconds=SHORT_SECONDS,
        unread_seconds=SHORT_SECONDS,
        linger_seconds=SHORT_SECONDS,
    )
    with serve(deployment, patience=patience) as served:
        yield served


def is_answered(served: ServedEmulator) -> bool:
    return statuses(ask(served, head(CLOSE))) == [200]


def narrow_connection(served: ServedEmulator) -> socket.socket:
    """One whose kernel takes little that nobody reads."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
    opened.settimeout(WAIT_SECONDS_MAX)
    host, port = served.url.removeprefix("http://").split(":")
    opened.connect((host, int(port)))
    return opened


def wait_until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)


# Sizes: the last that fits, the first that does not


@pytest.mark.parametrize(("size", "status"), [(1_000, 200), (1_001, 431)])
def test_size_of_a_head(deployment: Emulator, size: int, status: int) -> None:
    room = size - len(head(CLOSE, "x: "))
    with serve(deployment, patience=Patience(head_size_max=1_000)) as served:
        answer = ask(served, head(CLOSE, "x: " + room * "a"))

    assert statuses(answer) == [status]


# In many packets it is the same head.
def test_size_of_a_head_in_pieces(deployment: Emulator) -> None:
    with serve(deployment, patience=Patience(head_size_max=1_000)) as served, connection(served) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(20):
            opened.sendall(50 * b"a" if _ else b"GET /version HTTP/1.1\r\nx: ")
        opened.sendall(100 * b"a")

        assert statuses(read_to_end(opened)) == [431]


def test_every_head_of_a_connection_has_its_own_size(deployment: Emulator) -> None:
    with serve(deployment, patience=Patience(head_size_max=300)) as served:
        answers = ask(served, 20 * call("mutation", "notes:add") + head(CLOSE))

    assert statuses(answers) == 21 * [200]


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431)])
def test_number_of_headers(served: ServedEmulator, count: int, status: int) -> None:
    answer = ask(served, head(CLOSE, *(count - 2) * ["a: b"]))

    assert statuses(answer) == [status]


@pytest.mark.parametrize(("size", "status"), [(65_534, 404), (65_535, 414)])
def test_size_of_a_target(served: ServedEmulator, size: int, status: int) -> None:
    answer = ask(served, head(CLOSE, first=f"GET /{(size - 1) * 'a'} HTTP/1.1"))

    assert statuses(answer) == [status]


def test_a_refusal_has_no_body_and_ends_the_connection(served: ServedEmulator) -> None:
    answer = ask(served, head(*101 * ["a: b"])).lower()

    assert answer.endswith(b"content-length: 0\r\nconnection: close\r\n\r\n")


# The body that is too large is read to its end, or else its sender would see a reset and no reason; but not for ever.
@pytest.mark.parametrize("dropped_size_max", [10_000, 100_000])
def test_a_body_that_is_too_large_is_refused(deployment: Emulator, dropped_size_max: int) -> None:
    lines = ("content-type: application/json", "transfer-encoding: chunked")
    with (
        serve(deployment, patience=Patience(dropped_size_max=dropped_size_max)) as served,
        connection(served) as opened,
    ):
        opened.sendall(head(*lines, first="POST /api/query HTTP/1.1"))
        chunk = b"10000\r\n" + 0x10000 * b" " + b"\r\n"
        size_max = deployment.limits.request_body_size_max
        for _ in range(size_max // 0x10000 + 3):
            opened.sendall(chunk)

        assert b"length limit exceeded" in read_to_end(opened)


@pytest.mark.parametrize(("number", "status"), [(3, 200), (4, 503)])
def test_number_of_connections(deployment: Emulator, number: int, status: int) -> None:
    with serve(deployment, patience=Patience(connections_max=3)) as served, ExitStack() as stack:
        for _ in range(number - 1):
            opened = stack.enter_context(connection(served))
            opened.sendall(head())
            assert statuses(opened.recv(1 << 16)) == [200]

        assert statuses(ask(served, head(CLOSE))) == [status]


def test_a_connection_that_ended_makes_room(deployment: Emulator) -> None:
    with serve(deployment, patience=Patience(connections_max=1)) as served:
        for _ in range(5):
            wait_until(lambda: is_answered(served))


# Time


@pytest.mark.parametrize(
    "begin", [b"", b"\r\n\r\n", b"GET /ver", head()[:-2]], ids=["nothing", "blanks", "line", "head"]
)
def test_a_head_that_does_not_come(impatient: ServedEmulator, begin: bytes) -> None:
    assert ask(impatient, begin) == b""


def test_a_second_head_that_does_not_come(impatient: ServedEmulator) -> None:
    assert statuses(ask(impatient, head() + b"GET /")) == [200]


# A byte now and then is not enough: the whole head has its time.
def test_a_head_that_trickles(impatient: ServedEmulator) -> None:
    with connection(impatient) as opened:
        opened.settimeout(SHORT_SECONDS / 5)
        opened.sendall(b"GET /")
        ends = time.monotonic() + WAIT_SECONDS_MAX
        received: bytes | None = None
        while received is None and time.monotonic() < ends:
            opened.sendall(b"a")
            try:
                received = opened.recv(1)
            except TimeoutError:
                continue
            except ConnectionResetError:
                received = b""

    assert received == b""


def test_a_body_that_does_not_come(impatient: ServedEmulator) -> None:
    answer = ask(impatient, call("mutation", "notes:add")[:-1])

    assert statuses(answer) == [408]


def test_a_body_that_comes_slowly(impatient: ServedEmulator) -> None:
    request = call("mutation", "notes:add", CLOSE)
    with connection(impatient) as opened:
        for at in range(len(request) - 20, len(request)):
            opened.sendall(request[at : at + 1] if at > len(request) - 20 else request[: at + 1])
            time.sleep(SHORT_SECONDS / 10)  # what a slow line does; the whole takes longer than one wait may

        assert statuses(read_to_end(opened)) == [200]


def test_an_idle_connection_ends(impatient: ServedEmulator) -> None:
    assert statuses(ask(impatient, head())) == [200]


def test_blanks_do_not_keep_a_connection(impatient: ServedEmulator) -> None:
    assert statuses(ask(impatient, head() + b"\r\n\r\n")) == [200]


# An action may take as long as it likes: nobody waits for its client.
def test_an_action_is_no_idle_client(impatient: ServedEmulator, deployment: Emulator) -> None:
    deployment.define("notes:wait", action(lambda ctx, args: time.sleep(4 * SHORT_SECONDS)))

    assert statuses(ask(impatient, call("action", "notes:wait", CLOSE))) == [200]


# Its answer waits in memory until it is taken.
def test_a_client_that_reads_nothing_is_ended(impatient: ServedEmulator) -> None:
    with narrow_connection(impatient) as opened:
        opened.sendall(call("query", "notes:large"))

        assert has_been_cut_off(opened, WAIT_SECONDS_MAX)


def test_a_client_that_reads_slowly_is_served(deployment: Emulator) -> None:
    patience = Patience(unread_seconds=0.5)
    with serve(deployment, patience=patience) as served, narrow_connection(served) as opened:
        opened.sendall(call("query", "notes:large", CLOSE))
        size, started = 0, time.monotonic()
        while time.monotonic() < started + 2 * patience.unread_seconds:
            size += len(opened.recv(1 << 16))
            time.sleep(patience.unread_seconds / 100)

        assert size + len(read_to_end(opened)) > LARGE


def test_a_client_that_reads_nothing_holds_up_nobody(served: ServedEmulator) -> None:
    with connection(served) as opened:
        opened.sendall(call("query", "notes:large"))
        opened.recv(1)

        assert is_answered(served)


# The rest


# What is cut off must not be done, even if it reads as a whole: more was to come.
def test_a_request_whose_client_goes_does_not_run(served: ServedEmulator, deployment: Emulator) -> None:
    body = b'{"path":"notes:add","args":{}}'
    with connection(served) as opened:
        opened.sendall(
            head("content-type: application/json", "content-length: 40", first="POST /api/mutation HTTP/1.1") + body
        )
    assert is_answered(served)
    wait_until(lambda: statuses(ask(served, call("mutation", "notes:add", CLOSE))) == [200])

    assert deployment.table_counts() == {"notes": 1}


# Answers to one client must not be read as answers to another behind the same proxy: the order is that of the requests.
def test_answers_come_in_the_order_of_requests(served: ServedEmulator, deployment: Emulator) -> None:
    may_end = threading.Event()
    deployment.define("notes:wait", action(lambda ctx, args: may_end.wait(WAIT_SECONDS_MAX) and "slow"))
    with connection(served) as opened:
        opened.sendall(call("action", "notes:wait") + head(first="GET /nothing HTTP/1.1") + head(CLOSE))
        wait_until(lambda: is_answered(served))
        may_end.set()

        assert statuses(read_to_end(opened)) == [200, 404, 200]


def test_a_bad_request_behind_a_good_one_is_not_taken_for_its_answer(
    served: ServedEmulator, deployment: Emulator
) -> None:
    started, may_end = threading.Event(), threading.Event()

    def wait(ctx: Any, args: Any) -> str:
        started.set()
        may_end.wait(WAIT_SECONDS_MAX)
        return "slow"

    deployment.define("notes:wait", action(wait))
    with connection(served) as opened:
        opened.sendall(call("action", "notes:wait") + b"no request\r\n\r\n")
        assert started.wait(WAIT_SECONDS_MAX)
        may_end.set()

        assert statuses(read_to_end(opened)) == [200]


# uvicorn reads on while requests wait, without a bound.
def test_requests_that_wait_are_read_as_they_are_answered(
    served: ServedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[int] = []
    begin = HttpConnection.on_headers_complete

    def note(self: HttpConnection) -> None:
        waiting.append(len(self.pipeline))
        begin(self)

    monkeypatch.setattr(HttpConnection, "on_headers_complete", note)
    request, number = head("x: " + 2000 * "a"), 2000
    with connection(served) as opened, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(opened.sendall, (number - 1) * request + head(CLOSE))

        assert statuses(read_to_end(opened)) == number * [200]
        sending.result(WAIT_SECONDS_MAX)
    # Twice what is read at once.
    assert max(waiting) < 2 * (256 << 10) // len(request)


# Java's HttpClient and `curl --http2` offer HTTP/2 with their first request, and keep the connection.
@pytest.mark.parametrize("protocol", ["h2c", "foo", "websocket2"])
def test_another_protocol_is_not_taken_up(served: ServedEmulator, protocol: str) -> None:
    offer = head("connection: upgrade", f"upgrade: {protocol}")

    assert statuses(ask(served, offer + offer + head(CLOSE))) == [200, 200, 200]


@pytest.mark.parametrize(
    "request_",
    [
        head("content-length: 3", "transfer-encoding: chunked", first="POST /api/query HTTP/1.1") + b"0\r\n\r\n",
        head("content-length: 3", "content-length: 4", first="POST /api/query HTTP/1.1") + b"abcd",
        head("content-length: +3", first="POST /api/query HTTP/1.1") + b"abc",
        head("content-length: -1", first="POST /api/query HTTP/1.1"),
        head("content-length: 99999999999999999999999", first="POST /api/query HTTP/1.1"),
        head("transfer-encoding: gzip", first="POST /api/query HTTP/1.1"),
        head("transfer-encoding: chunked, gzip", first="POST /api/query HTTP/1.1"),
        head("transfer-encoding: xchunked", first="POST /api/query HTTP/1.1"),
        head("transfer-encoding : chunked", first="POST /api/query HTTP/1.1"),
        head("transfer-encoding: chunked", first="POST /api/query HTTP/1.0") + b"0\r\n\r\n",
        head("transfer-encoding: chunked", first="POST /api/query HTTP/1.1") + b"1;\nx\r\n",
        head("x: a\r\n b"),
        b"GET /version HTTP/1.1\nhost: x\n\n",
        head("x: a\rb"),
        head("x: a\x00b"),
        head("origin: a\x01b"),
        head(first="GET /\x00 HTTP/1.1"),
        head(first="GET /\x01 HTTP/1.1"),
        head(first="GET /\xff HTTP/1.1"),
        head(first="CONNECT a:1 HTTP/1.1"),
        head(first="FOO / HTTP/1.1"),
        head(first="GET / HTTP/9.9"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_a_request_of_two_meanings_or_none_is_refused(served: ServedEmulator, request_: bytes) -> None:
    smuggled = head(CLOSE, first="GET /api/smuggled HTTP/1.1")

    assert statuses(ask(served, request_ + smuggled)) == [400]


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("GET /version HTTP/1.0", 200),
        ("GET http://evil.test/version HTTP/1.1", 200),
        ("GET http://evil.test HTTP/1.1", 200),
        ("GET http://evil.test/nothing?a=b HTTP/1.1", 404),
        ("OPTIONS * HTTP/1.1", 200),
        ("GET * HTTP/1.1", 404),
        ("TRACE / HTTP/1.1", 405),
    ],
)
def test_targets_of_other_forms(served: ServedEmulator, first: str, status: int) -> None:
    assert statuses(ask(served, head(CLOSE, first=first))) == [status]


def test_of_a_header_that_stands_twice_the_first_counts(served: ServedEmulator) -> None:
    answer = ask(
        served, call("query", "notes:add", CLOSE, "authorization: x", "authorization: Convex " + served.admin_key)
    )

    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == "InvalidHeaderFailure"


# A form of a foreign page, or a proxy that thinks it is clever.
@pytest.mark.parametrize("name", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_no_header_makes_another_method(served: ServedEmulator, name: str) -> None:
    assert statuses(ask(served, head(CLOSE, f"{name}: POST", first="GET /api/mutation HTTP/1.1"))) == [405]


# A client that was refused and goes on sending must not keep the server.
def test_the_server_stops_while_a_refused_client_is_there(deployment: Emulator) -> None:
    with ExitStack() as stack:
        with serve(deployment) as served:
            opened = stack.enter_context(connection(served))
            opened.sendall(call("mutation", "notes:add")[:-1].replace(b"content-length: ", b"content-length: x"))
            assert statuses(opened.recv(1 << 16)) == [400]
            started = time.monotonic()

        assert time.monotonic() - started < 4

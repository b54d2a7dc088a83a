"""An emulator on a socket, in a thread of this process: its life, and what only a real connection shows.

What is answered is tested without sockets in `tests/protocol`.
"""

import gc
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, action, query
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server.thread import listen

WAIT_SECONDS_MAX = 20
INCREMENT = {"op": "increment", "key": "counter", "keyPrefix": "", "expiresAt": None}
CACHE = {"path": "mastra/cache:handle", "args": INCREMENT}


@pytest.fixture
def served(emulator: Emulator) -> Iterator[ServedEmulator]:
    with serve(emulator) as served:
        yield served


def connect(served: ServedEmulator) -> "closing[http.client.HTTPConnection]":
    host = served.url.removeprefix("http://")
    return closing(http.client.HTTPConnection(host, timeout=WAIT_SECONDS_MAX))


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, bytes]:
    sent = {"Content-Type": "application/json"} | headers
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    response = connection.getresponse()
    return response.status, response.read()


def call(served: ServedEmulator, route: str, body: Any, **headers: str) -> Any:
    with connect(served) as connection:
        status, content = ask(connection, "POST", f"/api/{route}", body, **headers)
    assert status == 200, content
    return json.loads(content)


# Life


def test_a_served_emulator_answers_at_its_address(served: ServedEmulator) -> None:
    with connect(served) as connection:
        status, text = ask(connection, "GET", "/")

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", served.url)
    assert (status, text) == (200, b"This Convex deployment is running. See https://docs.convex.dev/.")


def test_after_the_block_nothing_listens_and_no_thread_is_left(emulator: Emulator) -> None:
    before = set(threading.enumerate())
    with serve(emulator) as served:
        call(served, "mutation", CACHE)
        during = set(threading.enumerate()) - before

    for thread in during:
        thread.join(WAIT_SECONDS_MAX)

    assert during
    assert not any(thread.is_alive() for thread in during)
    with connect(served) as connection, pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/")


def test_the_server_stops_when_the_block_fails(emulator: Emulator) -> None:
    def fail_while_serving() -> None:
        with serve(emulator):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        fail_while_serving()

    assert not any(thread.name == "convex-emulator-server" for thread in threading.enumerate())


# A client that keeps its connection open must not keep the server.
def test_the_server_stops_while_a_connection_is_open(emulator: Emulator) -> None:
    with serve(emulator) as served:
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=WAIT_SECONDS_MAX)
        ask(connection, "GET", "/version")

    connection.close()
    assert not any(thread.name == "convex-emulator-server" for thread in threading.enumerate())


def test_two_emulators_are_served_at_once_and_share_nothing() -> None:
    first, second = Emulator(), Emulator()
    with serve(first) as one, serve(second) as two:
        call(one, "mutation", CACHE)

        assert call(two, "mutation", CACHE)["value"]["result"] == 1
        assert call(one, "mutation", CACHE)["value"]["result"] == 2
    assert one.url != two.url
    assert one.admin_key != two.admin_key


def test_a_served_emulator_can_be_used_in_process_too(emulator: Emulator, served: ServedEmulator) -> None:
    emulator.mutation("mastra/cache:handle", INCREMENT)

    assert call(served, "mutation", CACHE)["value"]["result"] == 2


def test_the_key_makes_an_administrator(emulator: Emulator) -> None:
    with serve(emulator, admin_key="mine|secret") as served:
        answer = call(served, "function", CACHE, Authorization="Convex mine|secret")

    assert served.admin_key == "mine|secret"
    assert answer["status"] == "success"


def test_a_port_that_is_taken_is_an_error(emulator: Emulator, served: ServedEmulator) -> None:
    port = int(served.url.rsplit(":", 1)[1])

    with pytest.raises(OSError, match="Address already in use"), serve(emulator, port=port):
        pass


# The socket is open before the key is looked at; left to the garbage collector, it would warn there.
def test_a_bad_key_leaves_no_socket_behind(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="admin key must not be empty"), serve(emulator, admin_key="a:b"):
        pass

    gc.collect()  # here, and not in whichever test comes next


# Without the protocol's number asyncio leaves Nagle's algorithm on, and every answer waits 40 ms for the
# acknowledgement of its head (performance.md §4).
def test_the_listening_socket_names_its_protocol() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


# Concurrency


# ConvexServerCache counts the events of a stream by increments: a lost one would be an event overwritten.
def test_100_concurrent_increments_end_at_100(served: ServedEmulator) -> None:
    together = threading.Barrier(100, timeout=WAIT_SECONDS_MAX)

    def increment(_: int) -> float:
        together.wait()
        return float(call(served, "mutation", CACHE)["value"]["result"])

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(increment, range(100)))

    assert sorted(results) == list(range(1, 101))


# An agent's action may take minutes; meanwhile its thread must be readable.
def test_a_slow_action_blocks_no_query(emulator: Emulator, served: ServedEmulator) -> None:
    started, finish = threading.Event(), threading.Event()

    def wait(ctx: Any, args: Any) -> str:
        started.set()
        return "finished" if finish.wait(WAIT_SECONDS_MAX) else "given up"

    emulator.define("slow:wait", action(wait))
    emulator.define("slow:ask", query(lambda ctx, args: "answered"))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(call, served, "action", {"path": "slow:wait", "args": {}})
        assert started.wait(WAIT_SECONDS_MAX)
        answer = call(served, "query", {"path": "slow:ask", "args": {}})
        finish.set()

    assert answer["value"] == "answered"
    assert slow.result()["value"] == "finished"


# On the wire


def test_one_connection_carries_many_calls(served: ServedEmulator) -> None:
    with connect(served) as connection:
        sockets = []
        for _ in range(20):
            status, content = ask(connection, "POST", "/api/mutation", CACHE)
            sockets.append(connection.sock)

    assert (status, json.loads(content)["value"]["result"]) == (200, 20)
    assert all(one is sockets[0] for one in sockets)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(5000, 200), (5001, 400), (2_000_000, 400)])
def test_a_body_over_the_limit_is_refused_and_the_connection_lives(chunked: bool, size: int, status: int) -> None:
    body = json.dumps(CACHE).encode().ljust(size)
    with serve(Emulator(limits=Limits(request_body_size_max=5000))) as served, connect(served) as connection:
        sent = iter([body[:3000], body[3000:]]) if chunked else body
        connection.request("POST", "/api/mutation", sent, {"Content-Type": "application/json"}, encode_chunked=chunked)
        response = connection.getresponse()
        content = response.read()

        assert response.status == status
        if status == 400:
            message = "Failed to buffer the request body: length limit exceeded"
            assert json.loads(content) == {"code": "BadJsonBody", "message": message}
        assert ask(connection, "GET", "/version")[0] == 200


def test_head_answers_without_a_body(served: ServedEmulator) -> None:
    with connect(served) as connection:
        connection.request("HEAD", "/version")
        response = connection.getresponse()

        assert (response.status, response.read()) == (200, b"")
        assert response.getheader("content-length") == str(len("unknown"))
        assert ask(connection, "GET", "/version") == (200, b"unknown")


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/api/mutation", 405)])
def test_a_refusal_without_words_has_an_empty_body(served: ServedEmulator, path: str, status: int) -> None:
    with connect(served) as connection:
        connection.request("GET", path)
        response = connection.getresponse()

        assert (response.status, response.read(), response.getheader("content-length")) == (status, b"", "0")


@pytest.mark.parametrize("path", ["/api/run/mastra/cache/handle", "/api/run/mastra%2Fcache/h%61ndle"])
def test_the_parts_of_a_url_are_decoded_once_split(served: ServedEmulator, path: str) -> None:
    with connect(served) as connection:
        status, content = ask(connection, "POST", path, {"args": INCREMENT})

    assert (status, json.loads(content)["value"]["result"]) == (200, 1)


def test_what_is_decoded_is_utf8(served: ServedEmulator) -> None:
    with connect(served) as connection:
        status, content = ask(connection, "POST", "/api/run/caf%C3%A9/list", {"args": {}})

    assert (status, json.loads(content)["code"]) == (400, "BadConvexFunctionIdentifier")
    assert json.loads(content)["message"].startswith("café:list is not a valid path")


def test_a_query_string_reaches_the_function(emulator: Emulator, served: ServedEmulator) -> None:
    emulator.define("values:echo", query(lambda ctx, args: args))

    with connect(served) as connection:
        path = "/api/query?path=values%3Aecho&args=%7B%22a%22%3A%22%C3%A9%20%2B%22%7D"
        status, content = ask(connection, "GET", path)

    assert (status, json.loads(content)["value"]) == (200, {"a": "é +"})


def test_header_names_may_be_written_in_any_case(emulator: Emulator, served: ServedEmulator) -> None:
    with connect(served) as connection:
        headers = {"CONVEX-CLIENT": "npm-0.1.0", "CONTENT-TYPE": "application/json"}
        connection.request("POST", "/api/query", b"{}", headers)
        response = connection.getresponse()
        content = response.read()

    assert json.loads(content)["code"] == "ClientVersionUnsupported"
    assert response.getheader("X-Convex-Deprecation-State") == "Unsupported"


# Log

LINE = re.compile(r"(?P<path>\S+)  (?P<kind>\w+)  \d+\.\d ms  (?P<read>\d+) documents read  (?P<outcome>.+)")


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def logged(emulator: Emulator, lines: list[str]) -> Iterator[ServedEmulator]:
    emulator.define("notes:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    for _ in range(2):
        emulator.run(lambda ctx: ctx.db.insert("notes", {}))
    with serve(emulator, log=lines.append) as served:
        yield served


def parsed(lines: list[str]) -> list[tuple[str, ...]]:
    matches = [LINE.fullmatch(line) for line in lines]
    return [match.groups() if match else ("no log line",) for match in matches]


def test_each_call_is_logged_in_one_line(logged: ServedEmulator, lines: list[str]) -> None:
    call(logged, "query", {"path": "notes:count", "args": {}})
    call(logged, "mutation", CACHE)

    assert parsed(lines)[0] == ("notes:count", "query", "2", "ok")
    assert parsed(lines)[1][:2] == ("mastra/cache:handle", "mutation")


def test_a_failure_is_logged_with_its_first_line(logged: ServedEmulator, lines: list[str]) -> None:
    call(logged, "query", {"path": "notes:missing", "args": {}})

    failure = "failed: Could not find public function for 'notes:missing'."
    assert parsed(lines) == [("notes:missing", "query", "0", failure)]


def test_every_query_of_a_batch_has_its_line(logged: ServedEmulator, lines: list[str]) -> None:
    call(logged, "query_batch", {"queries": 3 * [{"path": "notes:count", "args": {}}]})

    assert parsed(lines) == 3 * [("notes:count", "query", "2", "ok")]


def test_requests_that_call_nothing_are_not_logged(logged: ServedEmulator, lines: list[str]) -> None:
    with connect(logged) as connection:
        for path in ("/", "/version", "/nothing"):
            ask(connection, "GET", path)

    assert lines == []

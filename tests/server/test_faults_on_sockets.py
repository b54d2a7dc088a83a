"""Faults on real connections: cut, late and malformed answers, over HTTP and WebSocket; nothing is logged as an error.

In process and through `connect()` a fault must look the same.
"""

import http.client
import json
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import websockets.exceptions
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from convex_mastra_emulator import Emulator, ManualClock, action, connect, mutation, query
from convex_mastra_emulator.connection import DeadlineExceeded
from convex_mastra_emulator.errors import DeploymentError, DeploymentUnreachable, EmulatorError
from convex_mastra_emulator.server import ServedEmulator, serve

WAIT_SECONDS_MAX = 20
SESSION_ID = "e12e4ba6-2371-4018-a6c8-6cf56a737da3"


def insert(ctx: Any, args: Mapping[str, Any]) -> int:
    ctx.db.insert("notes", {})
    return len(ctx.db.query("notes").collect())


@pytest.fixture
def convex() -> Emulator:
    emulator = Emulator(seed=1)
    emulator.define("notes:add", mutation(insert))
    emulator.define("notes:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    emulator.define("notes:act", action(lambda ctx, args: ctx.run_mutation("notes:add", {})))
    emulator.define("notes:later", mutation(lambda ctx, args: ctx.scheduler.run_after(0, "notes:add", {})))
    return emulator


@pytest.fixture
def served(convex: Emulator, caplog: pytest.LogCaptureFixture) -> Iterator[ServedEmulator]:
    """Served; afterwards no thread is left, and the server has complained of nothing."""
    before = set(threading.enumerate())
    caplog.set_level(logging.WARNING)
    with serve(convex) as served:
        yield served
    assert [record.getMessage() for record in caplog.records] == []
    assert [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("convex")] == []


def stored(convex: Emulator) -> int:
    return convex.table_counts().get("notes", 0)


# HTTP


# The kind of error, its code and its text are those that code meets in production.
@pytest.mark.parametrize(
    "error",
    [
        "write_conflict",
        "overloaded",
        "rate_limited",
        "refused",
        "internal",
        "connection_cut",
        "answer_lost",
        "malformed_json",
    ],
)
def test_fault_is_the_same_in_process_and_through_a_connection(
    convex: Emulator, served: ServedEmulator, error: str
) -> None:
    problems: list[EmulatorError] = []
    convex.faults.fail("notes:add", error)
    with connect(served.url) as deployment:
        for place in (convex, deployment):
            with pytest.raises(EmulatorError) as caught:
                place.mutation("notes:add", {})
            problems.append(caught.value)

    inside, outside = problems
    assert type(inside) is type(outside)
    if isinstance(inside, DeploymentError):
        assert isinstance(outside, DeploymentError)
        assert (inside.code, inside.kind) == (outside.code, outside.kind)
        if error != "malformed_json":
            assert str(inside) == str(outside)
        assert str(outside).startswith(str(inside)[:40])
    else:
        assert str(inside).startswith("mutation notes:add: cannot reach the emulator: ")
        assert str(outside).startswith(f"mutation notes:add: cannot reach {served.url}: ")
    assert stored(convex) == (2 if error in ("answer_lost", "malformed_json") else 0)


def test_connection_is_closed_without_a_byte(convex: Emulator, served: ServedEmulator) -> None:
    convex.faults.fail("notes:count", "connection_cut", times=1)
    body = b'{"path":"notes:count","args":{}}'
    headers = {"Content-Type": "application/json"}

    with closing(http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=WAIT_SECONDS_MAX)) as client:
        client.request("POST", "/api/query", body, headers)
        with pytest.raises(http.client.RemoteDisconnected):
            client.getresponse()
        client.close()
        client.request("POST", "/api/query", body, headers)
        assert json.loads(client.getresponse().read()) == {"status": "success", "value": 0.0}


# An action runs in a thread, and its connection is cut from the event loop all the same.
@pytest.mark.parametrize(("error", "count"), [("connection_cut", 0), ("answer_lost", 1)])
def test_connection_of_an_action_is_cut(convex: Emulator, served: ServedEmulator, error: str, count: int) -> None:
    convex.faults.fail("notes:act", error)

    with connect(served.url) as deployment, pytest.raises(DeploymentUnreachable):
        deployment.action("notes:act")

    assert stored(convex) == count


# Twenty late answers take the time of one: nobody waits in a thread, nor holds the emulator.
def test_late_answers_wait_beside_each_other(convex: Emulator, served: ServedEmulator) -> None:
    convex.faults.fail("notes:add", delay=0.5)

    def call(_: int) -> float:
        with connect(served.url) as deployment:
            return float(deployment.mutation("notes:add"))

    began = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        results = sorted(pool.map(call, range(20)))
    took = time.monotonic() - began

    assert results == list(map(float, range(1, 21)))
    assert 0.5 <= took < 5


def test_others_are_answered_while_one_waits(convex: Emulator, served: ServedEmulator) -> None:
    convex.faults.fail("notes:add", delay=WAIT_SECONDS_MAX)

    with connect(served.url, timeout_seconds=0.2) as late, pytest.raises(DeadlineExceeded):
        late.mutation("notes:add")

    with connect(served.url) as other:
        assert other.query("notes:count") == 1


# The clock of a test stands still; over a socket a delay is one of the machine's seconds.
def test_delay_over_http_does_not_move_the_clock() -> None:
    clock = ManualClock()
    emulator = Emulator(clock=clock)
    emulator.define("notes:add", mutation(insert))
    emulator.faults.fail("*", delay=0.3)
    began = time.monotonic()

    with serve(emulator) as served, connect(served.url) as deployment:
        deployment.mutation("notes:add")

    assert time.monotonic() - began >= 0.3
    assert clock.now_ns() == ManualClock().now_ns()


# A server that waited for the end of every delay would hang at the end of a test.
def test_server_stops_while_answers_wait(convex: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    convex.faults.fail("notes:add", delay=600)
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        with serve(convex) as served:
            deployment = connect(served.url)
            answer = pool.submit(deployment.mutation, "notes:add")
            while stored(convex) == 0:
                time.sleep(0.01)
        assert answer.result(WAIT_SECONDS_MAX) == 1
        deployment.close()

    assert time.monotonic() - began < 4
    assert caplog.records == []


# One line, and no traceback every tenth of a second.
def test_endless_fault_of_a_scheduled_function_is_told_in_a_line(
    convex: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(convex), convex.faults.fail("notes:add", "write_conflict"):
        convex.mutation("notes:later")
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.01)

    assert re.match("the scheduled mutation notes:add met the fault write_conflict", caplog.records[0].getMessage())
    assert caplog.records[0].exc_info is None


# WebSocket


class Client:
    """A WebSocket client that says what it is told to."""

    def __init__(self, served: ServedEmulator) -> None:
        address = served.url.replace("http://", "ws://")
        self._connection = connect_socket(f"{address}/api/1.48.0/sync", proxy=None)

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def mutate(self, request_id: int = 0) -> None:
        self.send(type="Mutation", requestId=request_id, udfPath="notes:add", args=[{}])

    def subscribe(self) -> None:
        query = {"type": "Add", "queryId": 0, "udfPath": "notes:count", "args": [{}]}
        self.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[query])

    def text(self) -> str:
        received = self.socket.recv(timeout=WAIT_SECONDS_MAX)
        assert isinstance(received, str)
        return received

    def type(self) -> str:
        return str(json.loads(self.text())["type"])

    def end(self) -> tuple[int, str]:
        """Code and reason of the close frame; 1006 for none."""
        with pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
            self.socket.recv(timeout=WAIT_SECONDS_MAX)
        frame = caught.value.rcvd
        return (1006, "") if frame is None else (frame.code, frame.reason)

    def __enter__(self) -> "Client":
        self.socket: ClientConnection = self._connection.__enter__()
        self.send(type="Connect", sessionId=SESSION_ID, connectionCount=0)
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        ("write_conflict", (1013, "OptimisticConcurrencyControlFailure")),
        ("overloaded", (1013, "ExecuteFullError")),
        ("rate_limited", (1013, "TooManyConcurrentRequests")),
        ("internal", (1011, "InternalServerError")),
        ("connection_cut", (1006, "")),
        ("answer_lost", (1006, "")),
    ],
)
def test_fault_of_a_mutation_ends_its_socket(
    convex: Emulator, served: ServedEmulator, error: str, end: tuple[int, str]
) -> None:
    convex.faults.fail("notes:add", error)

    with Client(served) as client:
        client.mutate()

        assert client.end() == end


def test_lost_answer_comes_when_the_request_is_sent_again(convex: Emulator, served: ServedEmulator) -> None:
    convex.faults.fail("notes:add", "answer_lost")
    with Client(served) as first:
        first.mutate(3)
        assert first.end() == (1006, "")

    with Client(served) as second:
        second.mutate(3)

        assert json.loads(second.text())["result"] == 1
    assert stored(convex) == 1


@pytest.mark.parametrize(("code", "end"), [(1006, (1006, "")), (1001, (1001, "")), (4000, (4000, ""))])
def test_socket_ends_at_its_third_message(
    convex: Emulator, served: ServedEmulator, code: int, end: tuple[int, str]
) -> None:
    convex.faults.close_socket(at_message=3, code=code)

    with Client(served) as client:
        client.subscribe()
        assert client.type() == "Transition"
        client.mutate()
        assert client.type() == "MutationResponse"
        assert client.end() == end
    with Client(served) as unharmed:
        unharmed.subscribe()
        unharmed.mutate()
        assert [unharmed.type() for _ in range(3)] == ["Transition", "MutationResponse", "Transition"]
    assert [entry.fault for entry in convex.journal if entry.kind == "socket"] == [f"close_socket {code} at message 3"]


def test_late_mutation_holds_back_what_follows_it(convex: Emulator, served: ServedEmulator) -> None:
    convex.faults.fail("notes:add", delay=0.4)
    with Client(served) as client:
        client.subscribe()
        assert client.type() == "Transition"
        began = time.monotonic()
        client.mutate()

        assert [client.type(), client.type()] == ["MutationResponse", "Transition"]
        assert time.monotonic() - began >= 0.4


# As on a deployment, an action's answer keeps nobody waiting.
def test_late_action_holds_nothing_back(convex: Emulator, served: ServedEmulator) -> None:
    convex.faults.fail("notes:act", delay=WAIT_SECONDS_MAX)
    with Client(served) as client:
        client.send(type="Action", requestId=0, udfPath="notes:act", args=[{}])
        client.mutate(1)

        assert client.type() == "MutationResponse"


def test_overloaded_query_is_told_when_it_ran(convex: Emulator, served: ServedEmulator) -> None:
    with convex.faults.fail("notes:count", "overloaded", times=1) as fault, Client(served) as client:
        began = time.monotonic()
        client.subscribe()
        [told] = json.loads(client.text())["modifications"]
        took = time.monotonic() - began

    assert (told["value"], fault.count) == (0, 1)
    assert 0.4 < took < 10

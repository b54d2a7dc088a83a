"""The sync protocol on a socket: the paths, who is told of what, pings, the end, and many clients at once.

What is said is tested without sockets in `tests/protocol`; the client here is PyPI `websockets`.
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from socket import SHUT_RDWR
from typing import Any

import pytest
import websockets.exceptions
from websockets.sync.client import ClientConnection, connect

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server import websocket as server_socket

WAIT_SECONDS_MAX = 20
SESSION_ID = "e12e4ba6-2371-4018-a6c8-6cf56a737da3"


def count_up(ctx: Any, args: Any) -> float:
    rows = ctx.db.query("counters").collect()
    n = rows[0]["n"] + 1 if rows else 1
    if rows:
        ctx.db.patch(rows[0]["_id"], {"n": n})
    else:
        ctx.db.insert("counters", {"n": n})
    return float(n)


def count(ctx: Any, args: Any) -> float:
    rows = ctx.db.query("counters").collect()
    return float(rows[0]["n"]) if rows else 0.0


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    with Emulator(seed=1) as emulator:
        emulator.define("counters:up", mutation(count_up))
        emulator.define("counters:now", query(count))
        yield emulator


@pytest.fixture
def served(deployment: Emulator) -> Iterator[ServedEmulator]:
    with serve(deployment) as served:
        yield served


def open_socket(served: ServedEmulator, path: str = "/api/sync", **headers: str) -> ClientConnection:
    address = served.url.replace("http://", "ws://")
    return connect(address + path, additional_headers=headers, proxy=None, open_timeout=WAIT_SECONDS_MAX)


def send(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def receive(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(WAIT_SECONDS_MAX))


def say_hello(socket: ClientConnection) -> None:
    send(socket, type="Connect", sessionId=SESSION_ID, connectionCount=0, lastCloseReason="InitialConnect", clientTs=0)


def subscribe(socket: ClientConnection, path: str) -> Any:
    """Connects and subscribes to one query; gives its first result."""
    say_hello(socket)
    modification = {"type": "Add", "queryId": 0, "udfPath": path, "args": [{}]}
    send(socket, type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[modification])
    return receive(socket)["modifications"][0]["value"]


def next_value(socket: ClientConnection) -> Any:
    """The result in the next Transition that has one."""
    while True:
        message = receive(socket)
        assert message["type"] == "Transition", message
        if message["modifications"]:
            return message["modifications"][0]["value"]


# Paths


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/api/sync", {"convex-client": "python-0.8.1"}), ("/api/sync", {}), ("/api/1.48.0/sync", {})],
    ids=["PyPI", "unknown", "npm"],
)
def test_sockets_answer(served: ServedEmulator, path: str, headers: dict[str, str]) -> None:
    with open_socket(served, path, **headers) as socket:
        assert subscribe(socket, "counters:now") == 0.0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/latest/sync", 400, b"InvalidClientVersion"),
        ("/api/0.19.1/sync", 400, b"ClientVersionUnsupported"),
        ("/api/query", 404, b""),
        ("/sync", 404, b""),
    ],
)
def test_sockets_are_refused(served: ServedEmulator, path: str, status: int, code: bytes) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus, match=f"HTTP {status}") as refused:
        open_socket(served, path)

    assert code in (refused.value.response.body or b"")


# Who is told


def test_told_of_a_mutation_in_process(served: ServedEmulator, deployment: Emulator) -> None:
    with open_socket(served) as socket:
        subscribe(socket, "counters:now")

        deployment.mutation("counters:up")

        assert next_value(socket) == 1.0


def test_told_of_a_mutation_over_http(served: ServedEmulator) -> None:
    body = json.dumps({"path": "counters:up", "args": {}})
    host = served.url.removeprefix("http://")
    with open_socket(served) as socket, closing(http.client.HTTPConnection(host, timeout=WAIT_SECONDS_MAX)) as http_:
        subscribe(socket, "counters:now")

        http_.request("POST", "/api/mutation", body, {"Content-Type": "application/json"})
        assert http_.getresponse().status == 200

        assert next_value(socket) == 1.0


def test_told_of_a_mutation_of_another_socket(served: ServedEmulator) -> None:
    with open_socket(served) as reader, open_socket(served) as writer:
        subscribe(reader, "counters:now")

        say_hello(writer)
        send(writer, type="Mutation", requestId=0, udfPath="counters:up", args=[{}])

        assert next_value(reader) == 1.0
        assert [receive(writer)["type"] for _ in range(2)] == ["MutationResponse", "Transition"]


# A long action must not keep the mutations and the results of its own socket waiting.
def test_action_does_not_hold_up_its_socket(served: ServedEmulator, deployment: Emulator) -> None:
    may_end = threading.Event()
    deployment.define("counters:wait", action(lambda ctx, args: may_end.wait(WAIT_SECONDS_MAX)))
    with open_socket(served) as socket:
        subscribe(socket, "counters:now")

        send(socket, type="Action", requestId=0, udfPath="counters:wait", args=[{}])
        send(socket, type="Mutation", requestId=1, udfPath="counters:up", args=[{}])
        assert receive(socket)["type"] == "MutationResponse"
        assert next_value(socket) == 1.0
        may_end.set()

        response = receive(socket)
        assert (response["type"], response["result"]) == ("ActionResponse", True)


# Ping


# npm gives up on a server that says nothing for thirty seconds, and sees no frames but texts.
def test_idle_client_is_pinged(served: ServedEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_socket, "PING_SECONDS", 0.05)
    with open_socket(served) as socket:
        assert [receive(socket), receive(socket)] == [{"type": "Ping"}, {"type": "Ping"}]


# The end


def test_fatal_error_is_followed_by_a_close(served: ServedEmulator) -> None:
    with open_socket(served) as socket:
        socket.send("no JSON")

        assert receive(socket)["type"] == "FatalError"
        with pytest.raises(websockets.exceptions.ConnectionClosedOK, match="1000"):
            socket.recv(WAIT_SECONDS_MAX)


def test_binary_frame_is_answered_with_a_close(served: ServedEmulator) -> None:
    with open_socket(served) as socket:
        socket.send(b"{}")

        with pytest.raises(websockets.exceptions.ConnectionClosedError, match=r"1011.*InternalServerError"):
            socket.recv(WAIT_SECONDS_MAX)


def test_shutdown_closes_sockets(deployment: Emulator) -> None:
    with ExitStack() as stack:
        with serve(deployment) as served:
            socket = stack.enter_context(open_socket(served))
            subscribe(socket, "counters:now")

        with pytest.raises(websockets.exceptions.ConnectionClosed, match="1012"):
            socket.recv(WAIT_SECONDS_MAX)


# The emulator lives on after its server: what a client had subscribed to must not get in the way.
def test_emulator_goes_on_after_the_shutdown(deployment: Emulator) -> None:
    with ExitStack() as stack:
        with serve(deployment) as served:
            subscribe(stack.enter_context(open_socket(served)), "counters:now")

        assert deployment.mutation("counters:up") == 1.0


def test_client_that_vanishes_is_forgotten(
    served: ServedEmulator, deployment: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_gone = threading.Event()
    unwatch = deployment.unwatch

    def unwatch_and_tell(subscription: Any) -> None:
        unwatch(subscription)
        has_gone.set()

    monkeypatch.setattr(deployment, "unwatch", unwatch_and_tell)
    with open_socket(served) as socket:
        subscribe(socket, "counters:now")
        socket.socket.shutdown(SHUT_RDWR)

        assert has_gone.wait(WAIT_SECONDS_MAX)

    assert deployment.mutation("counters:up") == 1.0


def test_calls_are_logged(deployment: Emulator) -> None:
    lines: list[str] = []
    with serve(deployment, log=lines.append) as served, open_socket(served) as socket:
        subscribe(socket, "counters:now")
        send(socket, type="Mutation", requestId=0, udfPath="counters:up", args=[{}])
        assert receive(socket)["type"] == "MutationResponse"
        assert next_value(socket) == 1.0

    told = [line.split("  ") for line in lines]
    assert [(words[0], words[1], words[-1]) for words in told] == [
        ("counters:now", "query", "ok"),
        ("counters:up", "mutation", "ok"),
        ("counters:now", "query", "ok"),
    ]


# Many at once

MUTATIONS = 1000
SUBSCRIBERS = 10


class Subscriber(threading.Thread):
    """A client that notes every result until it has seen the last one."""

    def __init__(self, served: ServedEmulator) -> None:
        super().__init__(daemon=True)
        self._served = served
        self.has_subscribed = threading.Event()
        self.values: list[float] = []

    def run(self) -> None:
        with open_socket(self._served) as socket:
            self.values.append(subscribe(socket, "counters:now"))
            self.has_subscribed.set()
            while self.values[-1] < MUTATIONS:
                self.values.append(next_value(socket))


# Issue "live queries": everybody ends on the right result, and nobody is shown an older one after a newer one.
def test_many_subscribers_while_many_mutations_run(served: ServedEmulator, deployment: Emulator) -> None:
    subscribers = [Subscriber(served) for _ in range(SUBSCRIBERS)]
    for subscriber in subscribers:
        subscriber.start()
    assert all(subscriber.has_subscribed.wait(WAIT_SECONDS_MAX) for subscriber in subscribers)

    for _ in range(MUTATIONS):
        deployment.mutation("counters:up", identity=ADMIN)
    ends = time.monotonic() + WAIT_SECONDS_MAX
    for subscriber in subscribers:
        subscriber.join(max(0.0, ends - time.monotonic()))

    for subscriber in subscribers:
        assert subscriber.values[-1] == MUTATIONS
        assert all(later > earlier for earlier, later in zip(subscriber.values, subscriber.values[1:], strict=False))

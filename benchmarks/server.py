"""G15 and live queries: a server that starts and stops at once, and subscriptions that cost nothing to others."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from statistics import median
from urllib.parse import urlsplit

import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect as open_socket

from benchmarks.data import record as message
from benchmarks.measure import Peer, Result, paired_ratio
from convex_mastra_emulator import ADMIN, Emulator, query
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.server.thread import Server, listen, serve, url_of

_BODY = json.dumps({"path": "bench:nothing", "args": {}, "format": "json"})
_HEADERS = {"content-type": "application/json"}


def results(_peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    yield from _start_and_stop()
    yield from _round_trips()
    yield from _sockets()
    yield from _subscriptions()


def _emulator() -> Emulator:
    emulator = Emulator()
    emulator.define("bench:nothing", query(lambda ctx, args: None))
    return emulator


@contextmanager
def _raw_echo() -> Iterator[int]:
    """A bare asyncio server in a thread that answers every request with the same few bytes."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    loop = asyncio.new_event_loop()

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self._transport = transport

        def data_received(self, data: bytes) -> None:
            if data.endswith((b"}", b"\r\n\r\n")):
                self._transport.write(answer)

    server = loop.run_until_complete(loop.create_server(Echo, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _poster(port: int) -> Callable[[], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def post() -> bytes:
        connection.request("POST", "/api/query", _BODY, _HEADERS)
        return connection.getresponse().read()

    return post


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _start_and_stop() -> Iterator[Result]:
    starts, stops, bare = [], [], []
    for _ in range(9):
        began = time.perf_counter()
        with _raw_echo() as port:
            _poster(port)()
            bare.append(time.perf_counter() - began)
        emulator, began = _emulator(), time.perf_counter()
        with serve(emulator) as served:
            _poster(_port(served.url))()
            starts.append(time.perf_counter() - began)
            began = time.perf_counter()
        stops.append(time.perf_counter() - began)
    yield Result(
        goal="G15",
        claim="start to first reply / a bare asyncio server",
        measured=median(starts) / median(bare),
        at_most=10,
    )
    yield Result(goal="G15", claim="stop, milliseconds", measured=median(stops) * 1000, at_most=10)


def _round_trips() -> Iterator[Result]:
    with _raw_echo() as echo, serve(_emulator()) as served:
        post, bare = _poster(_port(served.url)), _poster(echo)
        yield Result(
            goal="G15", claim="HTTP round trip / a bare asyncio echo", measured=paired_ratio(post, bare), at_most=2.5
        )
        slowest = 0.0
        for _ in range(1000):
            began = time.perf_counter()
            post()
            slowest = max(slowest, time.perf_counter() - began)
        yield Result(goal="G15", claim="slowest of 1,000 calls, milliseconds", measured=slowest * 1000, at_most=5)


@contextmanager
def _bare_socket() -> Iterator[str]:
    """An echo on the same stack: uvicorn and its WebSocket implementation."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    ready = threading.Event()
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="websockets-sansio", ws_per_message_deflate=False)
    server = Server(config, ready.set)
    listener = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    ready.wait(10)
    try:
        yield url_of(listener)
    finally:
        server.stop()
        thread.join()
        listener.close()


def _sockets() -> Iterator[Result]:
    action = json.dumps({"type": "Action", "requestId": 0, "udfPath": "bench:nothing", "args": [{}]})
    with (
        _bare_socket() as bare_url,
        serve(_emulator()) as served,
        open_socket(bare_url.replace("http", "ws"), compression=None) as bare,
        open_socket(served.url.replace("http", "ws") + "/api/sync", compression=None) as live,
    ):
        session = {"type": "Connect", "sessionId": "7f8a0c0e-3e7b-4f7e-9d0e-3f0f6f1f0a01", "connectionCount": 0}
        live.send(json.dumps(session))

        def echo() -> None:
            bare.send(action)
            bare.recv()

        version = 0

        def modify() -> None:
            nonlocal version
            message = {"type": "ModifyQuerySet", "baseVersion": version, "newVersion": version + 1}
            live.send(json.dumps({**message, "modifications": []}))
            version += 1
            live.recv()

        yield Result(
            goal="WS",
            claim="WebSocket round trip / a bare echo on the same stack",
            measured=paired_ratio(modify, echo),
            at_most=2,
        )


def _subscriptions() -> Iterator[Result]:
    alone, watched = Emulator(), Emulator()
    listed = query(
        lambda ctx, args: (
            ctx.db.query("mastra_messages")
            .with_index("by_thread", lambda q: q.eq("thread_id", args["thread"]))
            .collect()
        )
    )
    for emulator in (alone, watched):
        emulator.define("bench:list", listed)
    for number in range(1000):
        read_arguments = python_arguments({"thread": f"thread-{number}"})
        outcome = watched.call("bench:list", read_arguments, FunctionKind.QUERY, ADMIN)
        assert outcome.read_set is not None
        watched.watch(Subscription(outcome.read_set, lambda: None))
    numbers = count()

    def insert(emulator: Emulator) -> object:
        record = {**message(next(numbers)), "thread_id": "another"}
        return emulator.mutation(
            "mastra/storage:handle", {"op": "insert", "tableName": "mastra_messages", "record": record}
        )

    yield Result(
        goal="LQ",
        claim="a mutation beside 1,000 subscriptions it does not touch / without any",
        measured=paired_ratio(lambda: insert(watched), lambda: insert(alone)),
        at_most=1.2,
    )

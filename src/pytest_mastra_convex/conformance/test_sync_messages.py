"""Messages of live queries as they stand on the socket, the ones included that no client sends or shows.

convex-backend crates/sync/src/state.rs, worker.rs (convex-wire.md §3).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from websockets.sync.client import ClientConnection, connect

from pytest_mastra_convex.conformance.plain_http import SECONDS, PlainHttp
from pytest_mastra_convex.conformance.things import THINGS, keys_of
from pytest_mastra_convex.probe import Probe, eq, field, insert, query

Message: TypeAlias = dict[str, Any]


@contextmanager
def opened(plain_http: PlainHttp, session: str | None = None) -> Iterator[ClientConnection]:
    """A socket of the session; of a new one if None."""
    url = plain_http.url.replace("http", "ws", 1) + "/api/1.48.0/sync"
    with connect(url, open_timeout=SECONDS, max_size=None) as socket:
        first = {"type": "Connect", "connectionCount": 0, "lastCloseReason": "InitialConnect"}
        send(socket, {**first, "sessionId": session or str(uuid.uuid4())})
        yield socket


def send(socket: ClientConnection, message: Mapping[str, Any]) -> None:
    socket.send(json.dumps(message))


def received(socket: ClientConnection, kind: str) -> Message:
    """The next message of that kind; others are passed over, and pings do not prolong the waiting."""
    end = time.monotonic() + SECONDS
    while True:
        message: Message = json.loads(socket.recv(timeout=max(end - time.monotonic(), 0)))
        if message["type"] == kind:
            return message


def program(kind: str, *steps: Mapping[str, Any]) -> Message:
    """A call of the probe."""
    return {"udfPath": f"conformance/probe:{kind}", "args": [{"program": json.dumps(steps)}]}


def subscribe(socket: ClientConnection, *queries: Mapping[str, Any], base: int = 0) -> None:
    """Subscribes to queries, numbered from 0."""
    added = [
        {"type": "Add", "queryId": number, **program("query", step), "journal": None, "componentPath": None}
        for number, step in enumerate(queries)
    ]
    send(socket, {"type": "ModifyQuerySet", "baseVersion": base, "newVersion": base + 1, "modifications": added})


def told(transition: Message) -> list[int]:
    """The queries a transition has results of."""
    return [modification["queryId"] for modification in transition["modifications"]]


def store(socket: ClientConnection, key: float, request: int) -> Message:
    """Stores a thing; gives the answer."""
    send(socket, {"type": "Mutation", "requestId": request, **program("mutation", insert(THINGS, {"key": key}))})
    return received(socket, "MutationResponse")


# A client that lost its connection cannot know whether its mutation ran and sends it again: it must not run twice.
@pytest.mark.parametrize("is_reconnected", [False, True], ids=["same-socket", "new-socket"])
def test_a_mutation_that_is_sent_again_runs_once(plain_http: PlainHttp, probe: Probe, is_reconnected: bool) -> None:
    session = str(uuid.uuid4())

    with opened(plain_http, session) as socket:
        first = store(socket, 1, request=0)
        second = None if is_reconnected else store(socket, 1, request=0)
    if is_reconnected:
        with opened(plain_http, session) as socket:
            second = store(socket, 1, request=0)

    assert second is not None
    assert (first["success"], second["success"]) == (True, True)
    assert second["result"] == first["result"]
    assert keys_of(probe.collect(THINGS)) == [1]


# ... while the next one of the session, and the same number in another session, are mutations of their own.
def test_other_requests_and_sessions_run(plain_http: PlainHttp, probe: Probe) -> None:
    with opened(plain_http) as socket:
        store(socket, 1, request=0)
        store(socket, 2, request=1)
    with opened(plain_http) as socket:
        store(socket, 3, request=0)

    assert keys_of(probe.collect(THINGS)) == [1, 2, 3]


# A result that came out the same is not sent: npm's client would render the page again for nothing.
def test_a_query_with_the_same_result_is_not_told_again(plain_http: PlainHttp) -> None:
    with opened(plain_http) as socket:
        subscribe(socket, query(THINGS, filter=eq(field("key"), 1), count=True), query(THINGS, count=True))
        first = received(socket, "Transition")

        store(socket, 2, request=0)

        second = received(socket, "Transition")
    assert told(first) == [0, 1]
    assert told(second) == [1]


# Versions join one message to the one before it: after a lost one nothing may be taken for up to date.
def test_each_transition_begins_where_the_last_one_ended(plain_http: PlainHttp) -> None:
    with opened(plain_http) as socket:
        subscribe(socket, query(THINGS, count=True))
        first = received(socket, "Transition")
        store(socket, 1, request=0)
        second = received(socket, "Transition")

    assert first["startVersion"] == {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
    assert first["endVersion"]["querySet"] == 1
    assert second["startVersion"] == first["endVersion"]


# A set of queries that is not the one the deployment knows would be answered with results of other queries.
@pytest.mark.parametrize("base", [1, 7])
def test_a_query_set_of_another_version_ends_the_socket(plain_http: PlainHttp, base: int) -> None:
    with opened(plain_http) as socket:
        subscribe(socket, query(THINGS, count=True), base=base)

        refusal = received(socket, "FatalError")

    assert f"Base version {base} passed up doesn't match the current version 0" in refusal["error"]

"""Requests that wait for the log, on real connections: answered at once, or in the end, and never in the way."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from convex_mastra_emulator import Emulator, mutation, query
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server.patience import Patience

WAIT_SECONDS_MAX = 20
MORE_THAN_THE_THREADS_OF_A_POOL = 60


@pytest.fixture
def convex() -> Emulator:
    emulator = Emulator(seed=1)
    emulator.define("notes:one", query(lambda ctx, args: 1))
    emulator.define("notes:add", mutation(lambda ctx, args: str(ctx.db.insert("notes", {}))))
    return emulator


@pytest.fixture
def served(convex: Emulator) -> Iterator[ServedEmulator]:
    with serve(convex) as served:
        yield served


def begin(served: ServedEmulator, cursor: float = 0.0) -> http.client.HTTPConnection:
    """Asks, and leaves the answer for later."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=WAIT_SECONDS_MAX)
    headers = {"Authorization": f"Convex {served.admin_key}"}
    connection.request("GET", f"/api/stream_function_logs?cursor={cursor!r}", headers=headers)
    return connection


def answer_of(connection: http.client.HTTPConnection) -> tuple[int, Any]:
    with closing(connection):
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def wait_until_watched(convex: Emulator, count: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while len(convex.log.listeners) != count:
        assert time.monotonic() < deadline, f"{len(convex.log.listeners)} wait, not {count}"
        time.sleep(0.005)


def names(answer: Any) -> list[str]:
    return [entry["identifier"] for entry in answer["entries"]]


def test_what_is_there_is_told_at_once(convex: Emulator, served: ServedEmulator) -> None:
    convex.query("notes:one")

    status, answer = answer_of(begin(served))

    assert (status, names(answer)) == (200, ["notes:one"])
    assert convex.log.listeners == []


def test_what_happens_is_told_to_whoever_waits(convex: Emulator, served: ServedEmulator) -> None:
    waiting = begin(served)
    wait_until_watched(convex, 1)

    started = time.monotonic()
    convex.query("notes:one")
    status, answer = answer_of(waiting)

    assert (status, names(answer)) == (200, ["notes:one"])
    assert time.monotonic() - started < 5
    wait_until_watched(convex, 0)


def test_nothing_is_told_after_a_while(convex: Emulator) -> None:
    with serve(convex, patience=Patience(poll_seconds=0.05)) as served:
        assert answer_of(begin(served, 5.0)) == (200, {"entries": [], "newCursor": 5.0})


# A worker thread for each would leave none for what everybody waits for.
def test_those_who_wait_hold_nobody_up(convex: Emulator, served: ServedEmulator) -> None:
    waiting = [begin(served) for _ in range(MORE_THAN_THE_THREADS_OF_A_POOL)]
    wait_until_watched(convex, len(waiting))
    threads = threading.active_count()

    body = json.dumps({"path": "notes:add", "args": {}})
    with closing(http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=WAIT_SECONDS_MAX)) as other:
        other.request("POST", "/api/mutation", body, {"Content-Type": "application/json"})
        assert other.getresponse().status == 200

    assert threads < MORE_THAN_THE_THREADS_OF_A_POOL
    with ThreadPoolExecutor(len(waiting)) as pool:
        answers = list(pool.map(answer_of, waiting))
    assert {(status, *names(answer)) for status, answer in answers} == {(200, "notes:add")}


def test_a_client_that_goes_away_is_waited_for_no_more(convex: Emulator, served: ServedEmulator) -> None:
    waiting = begin(served)
    wait_until_watched(convex, 1)

    waiting.close()

    wait_until_watched(convex, 0)


# The command line asks again after a failure, and finds the server that took its place.
def test_a_server_that_stops_leaves_nobody_waiting(convex: Emulator) -> None:
    with serve(convex) as served:
        waiting = begin(served)
        wait_until_watched(convex, 1)
        started = time.monotonic()

    status, answer = answer_of(waiting)

    assert (status, answer["code"]) == (500, "InternalServerError")
    assert time.monotonic() - started < 5


def test_the_connection_of_a_wait_can_be_used_again(convex: Emulator, served: ServedEmulator) -> None:
    connection = begin(served)
    wait_until_watched(convex, 1)
    convex.query("notes:one")
    connection.getresponse().read()

    connection.request("GET", "/version")

    with closing(connection):
        assert connection.getresponse().status == 200


def test_an_echo_of_many_bytes(served: ServedEmulator) -> None:
    data = bytes(range(256)) * 80_000  # 20 MB: more than any other request may have
    with closing(http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=WAIT_SECONDS_MAX)) as connection:
        connection.request("POST", "/echo", data)
        response = connection.getresponse()

        assert (response.status, response.read() == data) == (200, True)

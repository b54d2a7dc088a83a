"""What real clients make of faults: npm `convex` over HTTP and WebSocket in Node, PyPI `ConvexClient`.

Clients that are live come back after a cut and send again what was not answered; what had run must not run twice.
"""

import json
import logging
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from convex import ConvexClient, ConvexError
from convex.http_client import ConvexHttpClient

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.server import ServedEmulator, ServedProcess, serve
from pytest_mastra_convex.deadline import deadline
from pytest_mastra_convex.node_project import node_binary
from tests.clients.faulty_functions import FUNCTIONS

SCRIPT = Path(__file__).with_name("faulty_calls.mjs")
CALL_SECONDS_MAX = 30
CONFLICT = (
    'Documents read from or written to the "notes" table changed while this mutation was being run and on every '
    "subsequent retry. See https://docs.convex.dev/error#1"
)


@pytest.fixture
def convex() -> Emulator:
    emulator = Emulator()
    for path, function in FUNCTIONS.items():
        emulator.define(path, function)
    return emulator


@pytest.fixture
def served(convex: Emulator, caplog: pytest.LogCaptureFixture) -> Iterator[ServedEmulator]:
    caplog.set_level(logging.WARNING)
    with serve(convex) as served:
        yield served
    assert [record.getMessage() for record in caplog.records] == []


def stored(convex: Emulator) -> int:
    return convex.table_counts().get("notes", 0)


def in_node(served: ServedEmulator, client: str) -> Any:
    """How a call of the script ended."""
    environment = {"PATH": os.environ.get("PATH", ""), "CONVEX_URL": served.url}
    command = [str(node_binary()), str(SCRIPT), client]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=CALL_SECONDS_MAX, check=False
    )
    assert ran.stdout, ran.stderr
    return json.loads(ran.stdout)


# npm ConvexHttpClient: throws the body of what is no 200, and sends nothing again


@pytest.mark.usefixtures("npm_project")
@pytest.mark.parametrize(
    ("error", "text", "count"),
    [
        ("write_conflict", json.dumps({"code": "OptimisticConcurrencyControlFailure", "message": CONFLICT}), 0),
        ("refused", '{"code":"BadRequest","message":"The request was refused."}', 0),
        ("connection_cut", "fetch failed", 0),
        ("answer_lost", "fetch failed", 1),
        ("malformed_json", "Unterminated string in JSON", 1),
    ],
)
def test_npm_http_client_throws(convex: Emulator, served: ServedEmulator, error: str, text: str, count: int) -> None:
    convex.faults.fail("notes:add", error)

    told = in_node(served, "http")

    shown = json.dumps(json.loads(text), separators=(",", ":")) if text.startswith("{") else text
    assert told["error"].startswith(shown), told
    assert stored(convex) == count


# npm ConvexClient: comes back


@pytest.mark.usefixtures("npm_project")
@pytest.mark.parametrize("error", ["answer_lost", "connection_cut", "overloaded", "rate_limited", "internal"])
def test_npm_live_client_sends_again_and_the_mutation_runs_once(
    convex: Emulator, served: ServedEmulator, error: str
) -> None:
    with convex.faults.fail("notes:add", error, times=1) as fault:
        assert in_node(served, "live") == {"value": 1}

    assert (fault.count, stored(convex)) == (1, 1)


@pytest.mark.usefixtures("npm_project")
def test_npm_live_client_comes_back_after_the_fifth_conflict(convex: Emulator, served: ServedEmulator) -> None:
    with convex.faults.fail("notes:add", "write_conflict", times=5) as fault:
        assert in_node(served, "live") == {"value": 1}

    assert (fault.count, stored(convex)) == (5, 1)


@pytest.mark.usefixtures("npm_project")
@pytest.mark.parametrize("code", [1006, 1001])
def test_npm_live_client_subscribes_again_after_a_cut(convex: Emulator, served: ServedEmulator, code: int) -> None:
    # The first message tells of 0; the second would be the mutation's answer.
    with convex.faults.close_socket(at_message=2, code=code) as fault:
        seen = in_node(served, "watch")["value"]

    assert (seen, fault.count, stored(convex)) == ([0, 1], 1, 1)


@pytest.mark.usefixtures("npm_project")
def test_npm_live_client_waits_for_a_late_answer(convex: Emulator, served: ServedEmulator) -> None:
    with convex.faults.fail("notes:*", delay=0.3):
        assert in_node(served, "watch") == {"value": [0, 1]}


# PyPI


@pytest.mark.parametrize(
    ("error", "text", "count"),
    [
        ("overloaded", "503 ExecuteFullError: Too many concurrent requests", 0),
        ("answer_lost", "Remote end closed connection without response", 1),
        ("malformed_json", 'Unexpected response format: {"status":"succe', 1),
    ],
)
def test_pypi_http_client_raises(convex: Emulator, served: ServedEmulator, error: str, text: str, count: int) -> None:
    convex.faults.fail("notes:add", error)

    with pytest.raises(Exception, match=re.escape(text)) as caught:
        ConvexHttpClient(served.url).mutation("notes:add")

    assert not isinstance(caught.value, ConvexError)
    assert stored(convex) == count


@pytest.fixture(scope="module")
def child() -> Iterator[ServedProcess]:
    with ServedProcess(functions="tests.clients.faulty_functions:FUNCTIONS", seed=1) as child:
        child.mark()
        yield child
        assert [line for line in child.log_lines if "Traceback" in line or "Exception" in line] == []


# PyPI convex 0.8.1 comes back with another session each time, so no deployment can know the mutation again: one whose
# answer was lost runs twice.
@pytest.mark.parametrize(("error", "runs"), [("connection_cut", 1), ("overloaded", 1), ("answer_lost", 2)])
def test_pypi_live_client_sends_again_what_was_not_answered(child: ServedProcess, error: str, runs: int) -> None:
    child.rollback()
    fault = child.fail("notes:add", error, times=1)

    with deadline(CALL_SECONDS_MAX, "mutation", url=child.url, last_seen=lambda: child.last_seen):
        client = ConvexClient(child.url)
        assert client.mutation("notes:add") == runs
        assert client.query("notes:count") == runs

    assert child.clear_faults(fault) == {fault: 1}


def test_pypi_live_client_subscribes_again_after_a_cut(child: ServedProcess) -> None:
    child.rollback()
    fault = child.close_socket(at_message=2)

    with deadline(CALL_SECONDS_MAX, "subscribe", url=child.url, last_seen=lambda: child.last_seen):
        client = ConvexClient(child.url)
        seen = client.subscribe("notes:count")
        assert next(seen) == 0
        # The second message is its answer: it runs twice, as above.
        assert client.mutation("notes:add") == 2
        while next(seen) != 2:
            pass

    assert child.clear_faults() == {fault: 1}


def test_child_logs_what_struck_and_clears_everything(child: ServedProcess) -> None:
    child.rollback()
    first = child.fail("notes:count", delay=0.01)
    second = child.fail("notes:*", "refused", times=1, code="Full", message="No.")
    with deadline(CALL_SECONDS_MAX, "query", url=child.url, last_seen=lambda: child.last_seen):
        client = ConvexHttpClient(child.url)
        with pytest.raises(Exception, match=r"^400 Full: No\.$"):
            client.query("notes:count")
        assert client.query("notes:count") == 0

    assert child.clear_faults() == {first: 2, second: 1}
    assert any(line.endswith("refused: Full") for line in child.log_lines)
    assert any(line.endswith("ok  [fault: delay 0.01 s]") for line in child.log_lines)


def test_child_names_the_argument_that_is_wrong(child: ServedProcess) -> None:
    with pytest.raises(EmulatorError, match="times must be a whole number of at least 1, got 0"):
        child.fail("*", "refused", times=0)
    with pytest.raises(EmulatorError, match="there is no fault with the id 99"):
        child.clear_faults(99)

"""A served emulator in a child process: its start, what it says, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, connect
from convex_mastra_emulator.errors import EmulatorError, FunctionError
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.server.process import ServedProcess, ServerDidNotStart

FUNCTIONS = "tests.clients.live_functions:FUNCTIONS"
WAIT_SECONDS_MAX = 20

pytestmark = pytest.mark.xdist_group("served process")


@pytest.fixture(scope="module")
def served() -> Iterator[ServedProcess]:
    with ServedProcess(functions=FUNCTIONS) as served:
        yield served


def is_listening(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what another process does and cannot say."""
    ends = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


def who(served: ServedProcess, token: str) -> Any:
    """What the deployment answers to the bearer of a token."""
    body = b'{"path":"live:who","args":{}}'
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{served.url}/api/query", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS_MAX) as response:
            return json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return json.load(refused)


def test_child_answers_at_its_address(served: ServedProcess) -> None:
    with connect(served.url, served.admin_key) as deployment:
        assert deployment.query("live:echo", {"value": 1}) == 1


def test_child_logs_its_calls(served: ServedProcess) -> None:
    with connect(served.url, served.admin_key) as deployment:
        deployment.mutation("live:send", {"room": "process-log", "text": "x"})
        deployment.query("live:list", {"room": "process-log"})

    wait_until(lambda: served.last_seen.startswith("live:list  query  "))
    assert served.log_lines[-1] == served.last_seen
    assert served.log_lines[-2].startswith("live:send  mutation  ")
    # How many depends on what the other tests have written.
    assert re.search(r"  \d+ documents read  ok$", served.last_seen)


def test_child_accepts_tokens_of_its_parent(served: ServedProcess) -> None:
    token = served.issue_token(subject="ada")

    assert who(served, token) == {"status": "success", "value": "ada"}


def test_token_that_is_over_is_refused(served: ServedProcess) -> None:
    assert who(served, served.issue_token(subject="ada", valid_seconds=-1))["code"] == "Unauthenticated"


# Nobody reads what a function prints; a full pipe would stop the child for ever.
def test_function_may_print_more_than_a_pipe_holds(served: ServedProcess) -> None:
    with connect(served.url, served.admin_key, timeout_seconds=WAIT_SECONDS_MAX) as deployment:
        deployment.mutation("live:print", {"lines": 2000})

        assert deployment.query("live:echo", {"value": "alive"}) == "alive"


def test_children_share_nothing(served: ServedProcess) -> None:
    with ServedProcess(functions=FUNCTIONS) as other:
        assert other.url != served.url
        assert other.admin_key != served.admin_key
        with connect(served.url, served.admin_key) as here, connect(other.url, other.admin_key) as there:
            here.mutation("live:send", {"room": "process-apart", "text": "x"})

            assert there.query("live:list", {"room": "process-apart"}) == []


def test_schema_and_key_are_passed_on(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(define_schema({"messages": define_table({"room": v.float64()})}).to_json()))
    with (
        ServedProcess(schema=schema, functions=FUNCTIONS, admin_key="box|key") as served,
        connect(served.url, "box|key") as deployment,
        pytest.raises(FunctionError, match='Failed to insert or update a document in table "messages"'),
    ):
        deployment.mutation("live:send", {"room": "process-schema", "text": "x"})


def test_limits_variables_and_marks_reach_the_child() -> None:
    functions, limits = "tests.server.child_functions:FUNCTIONS", {"documents_written_max": 1}
    with (
        ServedProcess(functions=functions, limits=limits, env={"COLOUR": "blue"}, seed=3) as child,
        connect(child.url, child.admin_key) as deployment,
    ):
        child.mark()
        assert deployment.mutation("child:write", {"times": 1}) == 1
        with pytest.raises(FunctionError, match=r"Too many writes in a single function execution \(limit: 1\)"):
            deployment.mutation("child:write", {"times": 2})
        child.rollback()

        assert deployment.mutation("child:write", {"times": 1}) == 1
        assert deployment.query("child:colour") == "blue"


def test_data_outlives_the_child(tmp_path: Path) -> None:
    functions, data = "tests.server.child_functions:FUNCTIONS", tmp_path / "data.db"
    for count in (1, 2):
        with (
            ServedProcess(functions=functions, data=data) as child,
            connect(child.url, child.admin_key) as deployment,
        ):
            assert deployment.mutation("child:write", {"times": 1}) == count


# Marks are for tests; what is stopped is not rolled back.
def test_what_was_written_after_a_mark_stays_in_the_file(tmp_path: Path) -> None:
    with ServedProcess(functions="tests.server.child_functions:FUNCTIONS", data=tmp_path / "data.db") as child:
        child.mark()
        with connect(child.url, child.admin_key) as deployment:
            deployment.mutation("child:write", {"times": 1})

    with Emulator(path=tmp_path / "data.db") as emulator:
        assert emulator.table_counts() == {"notes": 1}


def test_data_another_emulator_has_open_ends_the_child(tmp_path: Path) -> None:
    with (
        Emulator(path=tmp_path / "data.db"),
        pytest.raises(ServerDidNotStart, match=r"(?s)another emulator has this file open"),
    ):
        ServedProcess(data=tmp_path / "data.db")


def test_rollback_without_a_mark_is_refused(served: ServedProcess) -> None:
    with pytest.raises(EmulatorError, match=r"/_emulator/rollback was refused: 400 .*NoMark"):
        served.rollback()


def test_stopped_child_listens_no_more() -> None:
    with ServedProcess() as served:
        assert is_listening(served.url)

    assert not is_listening(served.url)


def test_child_may_be_stopped_twice() -> None:
    served = ServedProcess()

    served.stop()
    served.stop()

    assert not is_listening(served.url)


# Clients come back to the address they know.
def test_child_may_take_the_address_of_one_that_ended() -> None:
    with ServedProcess() as first:
        port = int(first.url.rpartition(":")[2])

    with ServedProcess(port=port) as second:
        assert second.url == first.url


@pytest.mark.parametrize(
    ("functions", "why"),
    [("tests.clients.live_functions:MISSING", "MISSING"), ("no_such_module:FUNCTIONS", "no_such_module")],
)
def test_child_that_does_not_start_says_why(functions: str, why: str) -> None:
    with pytest.raises(ServerDidNotStart, match=f"(?s)the emulator's process did not start:.*{why}"):
        ServedProcess(functions=functions)


def test_child_that_finds_its_port_taken_says_so(served: ServedProcess) -> None:
    port = int(served.url.rpartition(":")[2])

    with pytest.raises(ServerDidNotStart, match=f"(?s)cannot listen on 127.0.0.1:{port}"):
        ServedProcess(port=port)


PARENT = """
import sys, time
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.server.process import ServedProcess
print(ServedProcess().url, flush=True)
time.sleep(60)
"""


# A test run that is killed must not leave servers behind.
def test_child_ends_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert is_listening(url)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(WAIT_SECONDS_MAX)
        if parent.stdout is not None:
            parent.stdout.close()

    wait_until(lambda: not is_listening(url))

"""Where keys and tokens must not turn up: the list of processes, logs, error texts, representations of objects."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect as connect_socket

from convex_mastra_emulator import Emulator, connect, query
from convex_mastra_emulator.protocol.auth import Authenticator, Credentials, read_authorization
from convex_mastra_emulator.protocol.http_exchange import HttpRequest
from convex_mastra_emulator.protocol.sync_messages import read_message
from convex_mastra_emulator.runtime.tokens import provider_of_tests
from convex_mastra_emulator.server import ServedEmulator, ServedProcess, serve
from convex_mastra_emulator.server.exposure import exposure_warning
from convex_mastra_emulator.server.handover import Handover
from convex_mastra_emulator.server.thread import listen
from tests.server.raw_http import ask, head

FUNCTIONS = "tests.server.child_functions:FUNCTIONS"
KEY = "box|0123456789abcdef"
VARIABLE = "CONVEX_EMULATOR_ADMIN_KEY"
WAIT_SECONDS_MAX = 20

pytestmark = pytest.mark.xdist_group("served process")


@pytest.fixture(scope="module")
def process() -> Iterator[ServedProcess]:
    with ServedProcess(functions=FUNCTIONS, admin_key=KEY, env={"API_KEY": "sk-of-a-function"}) as process:
        yield process


def seen_of(process: ServedProcess) -> bytes:
    """What the list of processes, and whoever may look closer, shows of the child."""
    shown = Path("/proc") / str(process.pid)
    return b"".join((shown / name).read_bytes() for name in ("cmdline", "environ"))


# Everybody on a machine sees the arguments of everybody's processes.
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux shows processes as files")
def test_the_list_of_processes_shows_no_key(process: ServedProcess) -> None:
    seen = seen_of(process)

    assert b"--keys-from-stdin" in seen
    for secret in (KEY, process._token_secret, "sk-of-a-function"):
        assert secret.encode() not in seen


# What a function starts has no business with the server's key.
def test_a_function_finds_no_key_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    with ServedProcess(functions=FUNCTIONS) as process, connect(process.url, process.admin_key) as deployment:
        assert process.admin_key != KEY
        assert VARIABLE not in deployment.query("child:environment")


def started_by_hand(*arguments: str, **variables: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "convex_mastra_emulator", "serve", "--port", "0", "--stop-with-stdin", *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )


def test_the_key_may_come_by_a_variable_that_functions_do_not_see() -> None:
    with started_by_hand("--functions", FUNCTIONS, **{VARIABLE: KEY}) as process:
        assert process.stdout is not None
        url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
        with connect(url, KEY) as deployment:
            seen = deployment.query("child:environment")
        process.communicate(timeout=WAIT_SECONDS_MAX)

    assert key == KEY
    assert VARIABLE not in seen


# A shell that talks to a real deployment must not make its key that of a local one.
def test_the_key_of_a_real_deployment_is_not_taken() -> None:
    with started_by_hand(CONVEX_ADMIN_KEY=KEY) as process:
        assert process.stdout is not None
        process.stdout.readline()
        key = process.stdout.readline()
        process.communicate(timeout=WAIT_SECONDS_MAX)

    assert KEY not in key


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "{}", '"box|0123456789abcdef"', '{"adminKey": "box|0123456789abcdef"}']
)
def test_a_handover_that_is_none_is_refused_without_showing_it(line: str) -> None:
    with started_by_hand("--keys-from-stdin") as process:
        output, errors = process.communicate(line + "\n", timeout=WAIT_SECONDS_MAX)

    assert (process.returncode, output) == (2, "")
    assert "the first line of standard input is no JSON of keys and variables" in " ".join(errors.split())
    assert "0123456789abcdef" not in errors


def test_parent_and_command_line_mean_the_same_variable() -> None:
    from convex_mastra_emulator import cli_options
    from convex_mastra_emulator.server import process

    assert cli_options.ADMIN_KEY_VARIABLE == process._KEY_VARIABLE == VARIABLE


# Representations: what a failed assertion, a traceback with locals or a debugger prints


@pytest.mark.parametrize(
    "holder",
    [
        ServedEmulator("http://127.0.0.1:1", KEY, "http://127.0.0.1:2"),
        Credentials(admin_key=KEY),
        Credentials(token=KEY),
        read_authorization(f"Convex {KEY}", None),
        read_authorization(None, KEY),
        Authenticator(KEY),
        Handover(admin_key=KEY, test_token_secret=KEY, env={"A": KEY}),
        provider_of_tests(KEY),
        HttpRequest(
            method="POST", path="/", query=f"adminKey={KEY}", headers={"authorization": KEY}, body=KEY.encode()
        ),
        read_message(json.dumps({"type": "Authenticate", "baseVersion": 0, "tokenType": "Admin", "value": KEY})),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_no_representation_shows_a_key(holder: Any) -> None:
    assert KEY not in repr(holder)
    assert KEY not in str(holder)


def test_a_served_process_shows_no_key(process: ServedProcess) -> None:
    assert KEY not in repr(process)


# Logs and error texts


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def served(emulator: Emulator, lines: list[str]) -> Iterator[ServedEmulator]:
    emulator.define("notes:ok", query(lambda ctx, args: "ok"))
    with serve(emulator, admin_key=KEY, log=lines.append) as served:
        yield served


SECRET = "sk-secret-of-a-client"


@pytest.mark.parametrize(
    "authorization",
    [f"Convex {SECRET}", f"Convex {SECRET}:e30=", f"Bearer {SECRET}", f"Basic {SECRET}", f"Convex {SECRET}é", SECRET],
)
def test_no_refusal_repeats_a_key(
    served: ServedEmulator, lines: list[str], authorization: str, capfd: pytest.CaptureFixture[str]
) -> None:
    body = b'{"path":"notes:ok","args":{}}'
    request = (
        "connection: close",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"authorization: {authorization}",
    )

    answer = ask(served, head(*request, first=f"POST /api/query?adminKey={SECRET} HTTP/1.1") + body)

    assert answer[9:10] == b"4"
    assert SECRET.encode() not in answer
    assert SECRET not in "\n".join(lines)
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize("token_type", ["Admin", "User"])
def test_no_refusal_of_a_socket_repeats_a_key(served: ServedEmulator, lines: list[str], token_type: str) -> None:
    message = {"type": "Authenticate", "baseVersion": 0, "tokenType": token_type, "value": SECRET}
    with connect_socket(served.url.replace("http", "ws") + "/api/sync", proxy=None) as socket:
        socket.send(json.dumps(message))
        answer = str(socket.recv(WAIT_SECONDS_MAX))

    assert json.loads(answer)["type"] == "AuthError"
    assert SECRET not in answer
    assert lines
    assert SECRET not in "\n".join(lines)


# Whoever can write into a log can make its reader believe anything, and a terminal do a lot.
@pytest.mark.parametrize(
    "path",
    [
        "notes:x\n2026-01-01  admin:login  mutation  0.1 ms  0 documents read  ok",
        "notes:\r",
        "notes:\x1b[2J",
        "notes:\x9b31m",
        "notes:\u2028",
        "notes:\u202e",
        "notes:\x00",
        "notes:\x85",
        "n" * 100_000,
    ],
)
def test_nobody_writes_a_line_of_their_own_into_the_log(served: ServedEmulator, lines: list[str], path: str) -> None:
    for kind in ("query", "function"):
        body = json.dumps({"path": path, "args": {}}).encode()
        request = (
            "connection: close",
            "content-type: application/json",
            f"content-length: {len(body)}",
            f"authorization: Convex {KEY}",
        )
        ask(served, head(*request, first=f"POST /api/{kind} HTTP/1.1") + body)

    assert all(line.isprintable() and len(line) < 3_000 for line in lines)
    assert len([line for line in lines if "refused" in line]) == len(lines)


def test_what_a_function_throws_is_one_line_of_the_log(
    served: ServedEmulator, emulator: Emulator, lines: list[str]
) -> None:
    def throw(ctx: Any, args: Any) -> None:
        raise ValueError("first \x1b[31m\rsecond\nthird")

    emulator.define("notes:throw", query(throw))
    body = b'{"path":"notes:throw","args":{}}'
    request = ("connection: close", "content-type: application/json", f"content-length: {len(body)}")
    ask(served, head(*request, first="POST /api/query HTTP/1.1") + body)

    [line] = lines
    assert line.isprintable()
    assert "failed: " in line


# Who can get in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_an_address_of_this_machine_alone_needs_no_warning(host: str) -> None:
    with listen(host, 0) as listener:
        assert exposure_warning(listener) is None


def test_an_open_address_is_warned_of() -> None:
    with listen("0.0.0.0", 0) as listener:
        warning = exposure_warning(listener) or ""

    assert warning.startswith("warning: listening on 0.0.0.0, open to every network this machine is in. ")
    assert "Public functions need no key, nothing is encrypted" in warning


def test_serve_says_so_on_standard_error() -> None:
    with started_by_hand("--host", "0.0.0.0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        output, errors = process.communicate(timeout=WAIT_SECONDS_MAX)

    assert "warning: listening on 0.0.0.0" in errors
    assert "warning" not in output


def test_serve_in_a_thread_says_so(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    with serve(emulator, host="0.0.0.0"):
        pass

    assert [record.levelname for record in caplog.records if "listening on 0.0.0.0" in record.message] == ["WARNING"]


def test_a_server_listens_on_this_machine_alone_by_default(served: ServedEmulator) -> None:
    assert served.url.startswith("http://127.0.0.1:")

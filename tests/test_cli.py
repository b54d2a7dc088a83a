"""The command line: what it says in its help and of bad options, and `serve` as a process of its own."""

import gc
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from convex_mastra_emulator import Emulator, __version__
from convex_mastra_emulator.cli import main
from convex_mastra_emulator.cli_options import arm_faults
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import define_schema

DEADLINE_SECONDS = 30
INCREMENT = {"op": "increment", "key": "counter", "keyPrefix": "", "expiresAt": None}


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output, standard error included; blanks and frames of the terminal are made single blanks."""
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, " ".join(result.output.split())


# Help


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_names_the_commands(option: str) -> None:
    code, output = run(option)

    assert code == 0
    assert "serve Serve an empty deployment with Mastra's functions." in output
    assert "demo Run a small agent's memory and a document search" in output


def test_the_help_of_serve_names_options_and_defaults() -> None:
    code, output = run("serve", "--help")

    assert code == 0
    options = (
        "--host --port --site-port --admin-key --schema --functions --data --http --crons --load --skip-bad --limit "
        "--env --fault --allow-network --seed --redact-errors"
    )
    for option in options.split():
        assert option in output
    assert "[default: 127.0.0.1]" in output
    assert "[default: 3210; 0<=x<=65535]" in output
    text = " ".join(output.split())
    assert "Prints CONVEX_URL, CONVEX_ADMIN_KEY and CONVEX_SITE_URL once it accepts connections" in text


def test_the_version_is_told() -> None:
    assert run("--version") == (0, f"convex-mastra-emulator, version {__version__}")


def test_the_demonstration_runs_as_a_command() -> None:
    code, output = run("demo")

    assert code == 0
    assert "What this took" in output


# Bad options


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    code, output = run("serve", "--port", port)

    assert code == 2
    assert "Invalid value for '--port'" in output


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--http", "tests.server.site_functions:CRONS", "must be an HttpRouter, got Crons"),
        ("--http", "no.such.module:ROUTER", "ModuleNotFoundError"),
        ("--crons", "tests.server.site_functions:ROUTER", "must be Crons, got HttpRouter"),
        # Named without the functions they run.
        ("--crons", "tests.server.site_functions:CRONS", "schedules a function that does not exist: site.js:note"),
        ("--site-port", "65536", "Invalid value for '--site-port'"),
    ],
)
def test_routes_and_crons_that_are_none_are_refused(option: str, value: str, message: str) -> None:
    code, output = run("serve", option, value)

    assert code == 2
    assert option in output
    assert message in " ".join(output.replace("\n", " ").split())


def test_a_site_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, output = run("serve", "--port", "0", "--site-port", str(port))

    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --site-port" in output


# Clients append the user to act as behind a colon: every request of a client would be refused.
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--limit", "documents_read_max", "Invalid value for --limit: 'documents_read_max' is not NAME=VALUE"),
        ("--limit", "size=5", "Invalid value for --limit: unknown limit 'size'; known are:"),
        (
            "--limit",
            "documents_read_max=many",
            "'documents_read_max=many' is not NAME=NUMBER",
        ),
        ("--env", "=5", "Invalid value for --env: '=5' is not NAME=VALUE"),
        ("--env", "1A=5", "Invalid value for --env: The environment variable name 1A is invalid."),
        ("--env", "CONVEX_SITE_URL=5", 'with name "CONVEX_SITE_URL" is built-in and cannot be overridden'),
        ("--seed", "x", "Invalid value for '--seed'"),
    ],
)
def test_limits_variables_and_seeds_that_are_none_are_refused(option: str, value: str, message: str) -> None:
    code, output = run("serve", option, value)

    assert code == 2
    assert message in output


def test_an_admin_key_with_a_colon_is_refused() -> None:
    code, output = run("serve", "--port", "0", "--admin-key", "name|se:cret")

    gc.collect()  # a socket left open would warn here, and not in whichever test comes next
    assert code == 2
    assert "Invalid value for --admin-key: admin key must not be empty or contain ':'" in output


def test_a_schema_file_that_is_missing_is_named() -> None:
    code, output = run("serve", "--schema", "missing.json")

    assert code == 2
    assert "'missing.json' is neither a file nor `module:attribute`" in output


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ("[]", "A schema is an object with a list of `tables`"),
        ("{}", "A schema is an object with a list of `tables`"),
        ('{"tables": [7]}', "A table must be an object with a `tableName`, got 7"),
    ],
)
def test_a_file_that_holds_no_schema_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "schema.json"
    file.write_text(text)

    code, output = run("serve", "--schema", str(file))

    assert code == 2
    assert "schema.json" in output
    assert reason in output


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(b"\xff\xfe")

    code, output = run("serve", "--schema", str(file))

    assert code == 2
    assert "schema.json" in output


# A schema no deployment would take is refused in the words `npx convex deploy` would use.
def test_a_schema_with_a_reserved_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"tables": [{"tableName": "_users"}]}))

    code, output = run("serve", "--schema", str(file))

    assert code == 2
    assert "_users" in output


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("cli_no_such_module:schema", "No module named 'cli_no_such_module'"),
        ("json:schema", "module 'json' has no attribute 'schema'"),
        ("json:dumps", "'json:dumps' must be a Schema, got function"),
    ],
)
def test_an_attribute_that_is_no_schema_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())  # serve adds the working directory

    code, output = run("serve", "--schema", source)

    assert code == 2
    assert reason in output


# `serve` as a process


@dataclass(frozen=True, slots=True)
class Serving:
    """A process that serves, and what it has said."""

    process: subprocess.Popen[bytes]
    url: str
    admin_key: str
    site_url: str
    errors: IO[bytes]

    def post(self, route: str, path: str, args: dict[str, Any]) -> Any:
        body = json.dumps({"path": path, "args": args, "format": "json"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Convex {self.admin_key}"}
        request = urllib.request.Request(f"{self.url}/api/{route}", body, headers)
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as response:
            return json.load(response)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def log(self) -> list[str]:
        # The process writes at the same offset that seek() would move.
        return os.pread(self.errors.fileno(), 1 << 20, 0).decode().splitlines()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "convex_mastra_emulator", "serve", *arguments]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("notes:add", "'notes:add' is not PATH=KIND or PATH=KIND:PROBABILITY"),
        ("=overloaded", "'=overloaded' is not PATH=KIND or PATH=KIND:PROBABILITY"),
        ("notes:add=", "'notes:add=' is not PATH=KIND or PATH=KIND:PROBABILITY"),
        ("*=overload", "'*=overload': unknown error 'overload'; known are: write_conflict, overloaded, "),
        ("*=overloaded:2", "'*=overloaded:2': probability must be a number from 0 to 1, got 2.0"),
        ("*=overloaded:often", "'*=overloaded:often': could not convert string to float: 'often'"),
        ("a b=overloaded", "'a b=overloaded': a b is not a valid path to a Convex function."),
    ],
)
def test_fault_that_is_none_is_refused(value: str, message: str) -> None:
    code, output = run("serve", "--fault", value)

    assert code == 2
    assert f"Invalid value for --fault: {message}" in output


def test_faults_of_the_command_line_strike() -> None:
    emulator = Emulator(seed=1)
    arm_faults(emulator, ["mastra/storage:handle=overloaded:0.1", "mastra/*=answer_lost"])

    assert [(str(fault), fault.probability) for fault in emulator.faults.armed] == [
        ("overloaded on mastra/storage:handle", 0.1),
        ("answer_lost on mastra/*", 1.0),
    ]


@contextmanager
def serving(*arguments: str, folder: Path | None = None) -> Iterator[Serving]:
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command("--port", "0", *arguments), stdout=subprocess.PIPE, stderr=errors, cwd=folder
        ) as process,
    ):
        try:
            names, values = zip(*(read_line(process).split("=", 1) for _ in range(3)), strict=True)
            assert names == ("CONVEX_URL", "CONVEX_ADMIN_KEY", "CONVEX_SITE_URL"), values
            url, key, site_url = values
            yield Serving(process, url, key, site_url, errors)
        finally:
            if process.poll() is None:
                process.kill()


def read_line(process: subprocess.Popen[bytes]) -> str:
    """A line of standard output, without its end; the deadline is for a process that says nothing."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], DEADLINE_SECONDS)
        # One byte at a time: what follows the line is the next reader's.
        read = os.read(process.stdout.fileno(), 1) if readable else b""
        assert read, f"standard output ended or stood still after {line!r}"
        line += read
    return line.decode().removesuffix("\n")


def test_serve_prints_where_it_is_and_a_random_key() -> None:
    with serving() as one, serving() as two:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", one.url)
        assert re.fullmatch(r"convex-mastra-emulator\|[0-9a-f]{64}", one.admin_key)
        assert one.admin_key != two.admin_key
        with urllib.request.urlopen(f"{one.url}/version", timeout=DEADLINE_SECONDS) as response:
            assert response.read().decode() == f"convex-mastra-emulator {__version__}"


# The three lines are all of standard output, so that `eval "$(… serve &)"` and the like can read it.
def test_serve_takes_a_key_and_prints_nothing_else() -> None:
    with serving("--admin-key", "mine|secret") as served:
        assert served.admin_key == "mine|secret"
        assert served.post("function", "mastra/cache:handle", INCREMENT)["status"] == "success"
        assert served.stop() == 0
        assert served.process.stdout is not None
        assert served.process.stdout.read() == b""


def test_serve_answers_http_actions_at_the_site() -> None:
    source = "tests.server.site_functions"
    options = ("--functions", f"{source}:FUNCTIONS", "--http", f"{source}:ROUTER", "--crons", f"{source}:CRONS")
    with serving(*options, "--no-crons") as served:
        with urllib.request.urlopen(f"{served.site_url}/ran", timeout=DEADLINE_SECONDS) as response:
            assert json.load(response) == 0
        served.stop()

        [line] = served.log()
    assert re.fullmatch(r"GET /ran  httpAction  \d+\.\d ms  0 documents read  200", line)


def test_serve_logs_each_call_in_one_line() -> None:
    with serving() as served:
        served.post("mutation", "mastra/cache:handle", INCREMENT)
        served.post("query", "notes:missing", {})
        served.stop()

        first, second = served.log()
    assert re.fullmatch(r"mastra/cache:handle  mutation  \d+\.\d ms  \d+ documents read  ok", first)
    assert re.fullmatch(
        r"notes:missing  query  \d+\.\d ms  0 documents read  "
        r"failed: Could not find public function for 'notes:missing'\.",
        second,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_serve_ends_cleanly_when_told_to(number: signal.Signals) -> None:
    with serving() as served:
        assert served.stop(number) == 0
        assert served.log() == []


# Clients keep their connections: Ctrl-C has to end the server all the same.
def test_serve_ends_while_a_client_is_connected() -> None:
    with serving() as served:
        host, port = served.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS):
            assert served.stop() == 0


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            command("--port", port), capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
        )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"Error: cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Choose another --port; 0 takes a free one.\n"
    )


def test_redacted_errors_show_a_request_id_and_nothing_else() -> None:
    with serving("--redact-errors") as served:
        text = served.post("query", "notes:missing", {})["errorMessage"]

    assert re.fullmatch(r"\[Request ID: [0-9a-f]{16}\] Server Error", text)


# Crons


@pytest.mark.parametrize(("options", "are_on"), [([], True), (["--no-crons"], False)])
def test_crons_run_unless_they_are_turned_off(
    monkeypatch: pytest.MonkeyPatch, options: list[str], are_on: bool
) -> None:
    served: list[Emulator] = []
    monkeypatch.setattr(
        "convex_mastra_emulator.server.foreground.serve_in_foreground",
        lambda emulator, *rest, **options: served.append(emulator),
    )

    code, _ = run("serve", "--port", "0", *options)

    assert code == 0
    assert [emulator.scheduler.crons.are_on for emulator in served] == [are_on]


# A served deployment is asked by programs that do not see whether its actions reach the world.
@pytest.mark.parametrize(("options", "is_let_out"), [([], False), (["--allow-network"], True)])
def test_fetch_of_actions_is_let_out_when_told_to(
    monkeypatch: pytest.MonkeyPatch, options: list[str], is_let_out: bool
) -> None:
    served: list[Emulator] = []
    monkeypatch.setattr(
        "convex_mastra_emulator.server.foreground.serve_in_foreground",
        lambda emulator, *rest, **options: served.append(emulator),
    )

    code, _ = run("serve", "--port", "0", *options)

    assert code == 0
    assert [emulator.fetch.let_out is not None for emulator in served] == [is_let_out]


# A native vector table exists only in a schema of one's own: without it nothing can be stored or found.

CONFIG = {"tableName": "cli_vectors", "vectorIndexName": "by_embedding"}
UPSERT = {"op": "upsert", "config": CONFIG, "ids": ["a"], "vectors": [[0.0, 0.0, 1.0]]}
SEARCH = {"config": CONFIG, "vector": [0.0, 0.0, 1.0], "limit": 1}


def search_after_upsert(served: Serving) -> Any:
    served.post("mutation", "mastra/nativeVector:write", UPSERT)
    return served.post("action", "mastra/nativeVector:query", SEARCH)


def test_serve_takes_the_json_of_a_schema(tmp_path: Path) -> None:
    schema = define_schema({**mastra_tables(), "cli_vectors": define_native_vector_table(dimensions=3)})
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema.to_json()))

    with serving("--schema", str(file)) as served:
        assert len(search_after_upsert(served)["value"]) == 1


MODULE = """
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import define_schema

tables = define_schema({**mastra_tables(), "cli_vectors": define_native_vector_table(dimensions=3)})
"""


def test_serve_takes_a_schema_of_a_module_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "cli_schema.py").write_text(MODULE)

    with serving("--schema", "cli_schema:tables", folder=tmp_path) as served:
        assert len(search_after_upsert(served)["value"]) == 1


def test_without_a_schema_there_are_only_the_tables_of_mastra() -> None:
    with serving() as served:
        assert search_after_upsert(served) == {"status": "success", "value": []}

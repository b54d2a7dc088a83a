"""The real `npx convex` (npm convex) against a served emulator: logs, the list of functions, the network's test."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from convex_mastra_emulator import (
    Emulator,
    FunctionError,
    HttpActionResponse,
    HttpRouter,
    action,
    http_action,
    internal_mutation,
    query,
)
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.server import serve
from tests.clients.convex_cli import ConvexCli

WAIT_SECONDS_MAX = 30
TIME = re.compile(r"^\d+/\d+/\d{4}, \d+:\d+:\d+ [AP]M ")

pytestmark = pytest.mark.xdist_group("npx convex")


def fail(ctx: Any, args: Any) -> None:
    raise ValueError("boom")


def act(ctx: Any, args: Any) -> None:
    ctx.console.warn("start")
    ctx.run_query("notes:one")
    ctx.console.log("end")


@pytest.fixture
def emulator() -> Emulator:
    emulator = Emulator(seed=1)
    emulator.define("notes:one", query(lambda ctx, args: ctx.console.log("hi", args.get("n", 0)) or 1))
    emulator.define("notes:quiet", query(lambda ctx, args: 1))
    emulator.define("notes:fail", query(fail))
    emulator.define("notes:act", action(act))
    emulator.define("notes:hidden", internal_mutation(lambda ctx, args: None, args={"n": v.number()}))
    return emulator


@pytest.fixture
def cli(emulator: Emulator, npm_project: Path, tmp_path: Path) -> Iterator[ConvexCli]:
    with serve(emulator) as served:
        yield ConvexCli(npm_project, tmp_path, served)


def wait_until_it_follows(emulator: Emulator, *, count: int = 1) -> None:
    """Until the command has seen what there is, and waits for what comes; with 0 until it no longer does."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while len(emulator.log.listeners) != count:
        assert time.monotonic() < deadline, f"{len(emulator.log.listeners)} wait for the log, not {count}"
        time.sleep(0.01)


def lines_of(stream: IO[str] | None, count: int) -> list[str]:
    """The next lines, without the time that each begins with."""
    assert stream is not None
    return [TIME.sub("", stream.readline().rstrip("\n")) for _ in range(count)]


# Logs


def test_logs_are_followed_until_the_command_is_ended(cli: ConvexCli, emulator: Emulator) -> None:
    emulator.query("notes:one", {"n": 1.0})

    with cli.started("logs") as logs:
        wait_until_it_follows(emulator)
        assert cli.ok("run", "notes:one", '{"n": 2}').output == "1\n"
        assert lines_of(logs.stdout, 1) == ["[CONVEX Q(notes:one)] [LOG] 'hi' 2"]
        wait_until_it_follows(emulator)
        emulator.action("notes:act")
        assert lines_of(logs.stdout, 3) == [
            "[CONVEX A(notes:act)] [WARN] 'start'",
            "[CONVEX Q(notes:one)] [LOG] 'hi' 0",
            "[CONVEX A(notes:act)] [LOG] 'end'",
        ]
        wait_until_it_follows(emulator)
        with pytest.raises(FunctionError):
            emulator.query("notes:fail")
        assert lines_of(logs.stdout, 1) == ["[CONVEX Q(notes:fail)] Uncaught ValueError: boom"]

        logs.send_signal(signal.SIGINT)

        assert logs.wait(WAIT_SECONDS_MAX) == -signal.SIGINT
    wait_until_it_follows(emulator, count=0)


def test_history_shows_the_last_runs_first(cli: ConvexCli, emulator: Emulator) -> None:
    for n in range(3):
        emulator.query("notes:one", {"n": float(n)})

    with cli.started("logs", "--history", "2") as logs:
        assert lines_of(logs.stdout, 2) == [f"[CONVEX Q(notes:one)] [LOG] 'hi' {n}" for n in (1, 2)]


def test_success_tells_of_runs_that_say_nothing(cli: ConvexCli, emulator: Emulator) -> None:
    emulator.query("notes:quiet")

    with cli.started("logs", "--history", "--success") as logs:
        [line] = lines_of(logs.stdout, 1)

    assert re.fullmatch(r"\[CONVEX Q\(notes:quiet\)\] Function executed in \d+ ms", line)


def test_jsonl_shows_whole_entries(cli: ConvexCli, emulator: Emulator) -> None:
    emulator.action("notes:act")

    with cli.started("logs", "--history", "--jsonl") as logs:
        entries = [json.loads(line) for line in lines_of(logs.stdout, 4)]

    assert [(entry["kind"], entry["identifier"], entry.get("caller")) for entry in entries] == [
        ("Progress", "notes:act", None),
        ("Completion", "notes:one", "Action"),
        ("Progress", "notes:act", None),
        ("Completion", "notes:act", "HttpApi"),
    ]
    assert entries[1]["parentExecutionId"] == entries[3]["executionId"]
    assert entries[1]["logLines"][0]["messages"] == ["'hi' 0"]


# Functions


def described(output: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(output)
    return {function.get("identifier", function.get("path")): function for function in spec["functions"]}


def test_functions_in_python_are_listed(cli: ConvexCli, emulator: Emulator) -> None:
    router = HttpRouter()
    router.route(path="/tea", method="GET", handler=http_action(lambda ctx, request: HttpActionResponse("")))
    emulator.define_http(router)

    functions = described(cli.ok("function-spec").output)

    assert functions["notes.js:hidden"] == {
        "identifier": "notes.js:hidden",
        "functionType": "Mutation",
        "visibility": {"kind": "internal"},
        "args": {"type": "object", "value": {"n": {"fieldType": {"type": "number"}, "optional": False}}},
        "returns": {"type": "any"},
    }
    assert functions["/tea"] == {"functionType": "HttpAction", "method": "GET", "path": "/tea"}
    assert "mastra/storage.js:handle" in functions


def test_functions_in_typescript_are_listed_in_a_file(
    cli: ConvexCli, emulator: Emulator, npm_project: Path, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(npm_project / "node_modules")
    folder = tmp_path / "convex"
    folder.mkdir()
    (folder / "list.ts").write_text(
        """
import { v } from "convex/values";
import { queryGeneric as query } from "convex/server";
export const all = query({ args: { text: v.optional(v.string()) }, returns: v.null(), handler: async () => null });
"""
    )
    emulator.deploy(folder)

    told = cli.ok("function-spec", "--file").output

    [file] = tmp_path.glob("function_spec_*.json")
    assert f"Wrote function spec to {file.name}" in told
    functions = described(file.read_text())
    assert functions["list.js:all"] == {
        "identifier": "list.js:all",
        "functionType": "Query",
        "visibility": {"kind": "public"},
        "args": {"type": "object", "value": {"text": {"fieldType": {"type": "string"}, "optional": True}}},
        "returns": {"type": "null"},
    }
    assert "mastra/storage.js:handle" not in functions


# The network


def test_the_network_is_fine(cli: ConvexCli) -> None:
    told = cli.ok("network-test").messages

    for check in ("TCP connect", "HTTP check", "WebSocket connection established", "echo 128 bytes", "echo 4 MiB"):
        assert f"OK: {check}" in told
    assert "Network test passed." in told

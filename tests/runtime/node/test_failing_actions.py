"""Actions that go wrong, in the default runtime and with "use node": what is told, and that the next one works."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import (
    ConvexError,
    ConvexInt64,
    Emulator,
    FetchRequest,
    FetchResponse,
    FunctionError,
    Limits,
    ManualClock,
)
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.node.host import Runtime

Write = Callable[..., Path]
Deploy = Callable[..., Emulator]

SHARED = 'export const fine = action(async () => "fine");\n'
NOTES = """
export const add = mutation(async (ctx, args: any) => { await ctx.db.insert("notes", args); });
export const addAndFail = mutation(async (ctx) => { await ctx.db.insert("notes", {}); throw new Error("stop"); });
export const inner = action(async () => { throw new Error("inner"); });
"""


@pytest.fixture(params=["isolate", "node"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return "node" if request.param == "node" else "isolate"


@pytest.fixture
def deploy(convex: Emulator, write: Write, runtime: Runtime) -> Callable[[str], Emulator]:
    """Deploys `export const f = action(...)` with a body, in the runtime of the test."""

    def deploy_action(body: str, emulator: Emulator = convex) -> Emulator:
        folder = write(notes=NOTES, actions=SHARED + f"export const f = action(async (ctx: any) => {{ {body} }});")
        if runtime == "node":
            file = folder / "actions.ts"
            file.write_text('"use node";\n' + file.read_text())
        emulator.deploy(folder)
        return emulator

    return deploy_action


def failure(convex: Emulator) -> str:
    with pytest.raises(FunctionError) as caught:
        convex.action("actions:f")
    assert convex.action("actions:fine") == "fine"
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            'await ctx.db.insert("notes", {});',
            "Uncaught TypeError: Cannot read properties of undefined (reading 'insert')",
        ),
        ('await ctx.runQuery(call("notes:add"), {});', "Trying to execute notes.js:add as Query, but it is defined as"),
        ('await ctx.runMutation(call("notes:inner"), {});', "Trying to execute notes.js:inner as Mutation, but it is"),
        (
            'await ctx.runAction(call("notes:add"), {});',
            "Trying to execute notes.js:add as Action, but it is defined as",
        ),
        ('await ctx.runQuery(call("notes:none"), {});', "Could not find public function for 'notes:none'"),
        ('await ctx.runMutation(call("notes:add"), { n: 2n ** 63n });', "BigInt 9223372036854775808 does not fit into"),
        (
            'await ctx.vectorSearch("notes", "none", { vector: [] });',
            "`vector` must be a non-empty Array in vectorSearch",
        ),
        ('await ctx.storage.store("text" as any);', "Uncaught "),
        ('await ctx.scheduler.runAfter(-1, call("notes:add"));', "Uncaught Error: `delayMs` must be non-negative"),
        ("return new Date(0);", "Uncaught Error: "),
        ("return () => 1;", 'Uncaught Error: Function "[Function]" is not a supported Convex type.'),
        ("const all: any = {}; all.self = all; return all;", "Uncaught RangeError: Maximum call stack size exceeded"),
        ("const f: any = () => f(); f();", "Uncaught RangeError: Maximum call stack size exceeded"),
        ("null!.x;", "Uncaught TypeError: Cannot read properties of null (reading 'x')"),
        ('throw "text";', "Uncaught text"),
        ('await fetch("no address");', "Uncaught TypeError: "),
        ("throw new (class Mine extends Error {})('own');", "Uncaught Error: own"),
    ],
)
def test_what_fails_is_told(deploy: Deploy, body: str, text: str) -> None:
    assert text in failure(deploy(body))


# What queries and mutations may not do.
def test_actions_may_import_modules(deploy: Deploy) -> None:
    assert deploy('return Object.keys(await import("./notes")).sort();').action("actions:f") == [
        "add",
        "addAndFail",
        "inner",
    ]


def test_an_error_for_users_keeps_its_data(deploy: Deploy) -> None:
    convex = deploy('throw new ConvexError({ why: "full", n: 5n });')

    with pytest.raises(ConvexError) as caught:
        convex.action("actions:f")

    assert caught.value.data == {"why": "full", "n": ConvexInt64(5)}


def test_the_line_of_the_users_file_is_told(deploy: Deploy) -> None:
    with pytest.raises(FunctionError, match=r"Uncaught Error: here\n    at .*\.\./convex/actions\.ts:\d+:\d+"):
        deploy('throw new Error("here");').action("actions:f")


# Arguments and results: 16 MiB in the default runtime, 5 MiB to actions in Node.


@pytest.mark.parametrize(("size", "fits"), [(1 << 20, True), (16 << 20, False)])
def test_results_have_a_size(deploy: Deploy, size: int, fits: bool) -> None:
    convex = deploy(f'return "x".repeat({size});')

    if fits:
        assert convex.action("actions:f") == "x" * size
    else:
        assert failure(convex).startswith("Function actions.js:f return value is too large (actual: 16.00 MiB")


def test_arguments_of_a_called_function_have_a_size(deploy: Deploy) -> None:
    convex = deploy(f'await ctx.runMutation(call("notes:add"), {{ text: "x".repeat({16 << 20}) }});')

    assert "Arguments for notes.js:add are too large (actual: 16.00 MiB" in failure(convex)
    assert convex.table_counts() == {}


# crates/isolate/src/environment/action/mod.rs; npm-packages/node-executor/src/executor.ts calls the error by the event.
def test_a_rejection_nobody_handles_ends_the_action(deploy: Deploy, runtime: Runtime) -> None:
    convex = deploy('Promise.reject(new Error("nobody")); await new Promise((r) => setTimeout(r, 5000)); return 1;')

    name = "Error" if runtime == "isolate" else "unhandledRejection"
    assert failure(convex) == f"Uncaught {name}: nobody"


def test_a_rejection_at_the_end_fails_the_action(deploy: Deploy) -> None:
    assert failure(deploy('void (async () => { throw new Error("late"); })(); return 1;')).endswith(": late")


def test_what_a_timer_throws_ends_the_action(deploy: Deploy, runtime: Runtime) -> None:
    body = 'setTimeout(() => { throw new Error("tick"); }, 1); await new Promise((r) => setTimeout(r, 5000));'

    name = "Error" if runtime == "isolate" else "uncaughtException"
    assert failure(deploy(body)) == f"Uncaught {name}: tick"


def test_an_unhandled_rejection_ends_no_other_action(deploy: Deploy) -> None:
    body = """
  const failing = ctx.runAction(call("notes:inner"), {}).catch((error: any) => error.message.split("\\n")[0]);
  return [await failing, await ctx.runAction(call("actions:fine"), {})];
"""
    assert deploy(body).action("actions:f") == ["Uncaught Error: inner", "fine"]


# Time


@pytest.fixture
def hurried() -> Emulator:
    return Emulator(clock=ManualClock(), limits=Limits(action_ms_max=300, node_action_ms_max=300))


@pytest.mark.parametrize("body", ["await new Promise(() => {});", "await new Promise((r) => setTimeout(r, 60_000));"])
def test_a_promise_nobody_settles_is_ended_in_time(
    deploy: Deploy, runtime: Runtime, hurried: Emulator, body: str
) -> None:
    with deploy(body, hurried) as convex:
        assert (
            failure(convex)
            == {
                "isolate": "Function execution timed out (maximum duration: 0.3s)",
                "node": "Action `f` execution timed out (maximum duration 0.3s)",
            }[runtime]
        )


def test_an_endless_loop_is_ended_in_time(deploy: Deploy, runtime: Runtime, hurried: Emulator) -> None:
    with deploy("for (;;);", hurried) as convex:
        assert (
            failure(convex)
            == {
                "isolate": "Function execution timed out (maximum duration: 0.3s)",
                "node": "Function execution unexpectedly timed out. Check your function for infinite loops or other "
                "long-running operations.",
            }[runtime]
        )


# Each of its waits is short, and together they are too long.
def test_all_of_an_action_counts(deploy: Deploy, hurried: Emulator) -> None:
    body = 'for (;;) { await ctx.runMutation(call("notes:add"), {}); await new Promise((r) => setTimeout(r, 20)); }'
    with deploy(body, hurried) as convex:
        started = time.monotonic()
        assert "timed out" in failure(convex)
        assert time.monotonic() - started < 20


def test_an_action_may_take_longer_than_a_mutation(deploy: Deploy) -> None:
    with Emulator(limits=Limits(user_code_ms_max=50)) as convex:
        deploy("await new Promise((r) => setTimeout(r, 200)); return 1;", convex)

        assert convex.action("actions:f") == 1.0


# Memory and processes


# Docs "Limits": 64 MiB in the default runtime, 512 MiB with "use node".
def test_an_action_that_takes_all_memory_is_ended(deploy: Deploy, runtime: Runtime) -> None:
    body = "const all: any[] = []; for (;;) all.push(new Array(100_000).fill(all.length));"

    told = failure(deploy(body))

    megabytes = 512 if runtime == "node" else 64
    assert told == f"JavaScript execution ran out of memory (maximum memory usage: {megabytes} MB)"


def test_a_worker_that_is_killed_fails_what_runs_in_it_and_the_next_one_works(deploy: Deploy, runtime: Runtime) -> None:
    convex = deploy('await ctx.runMutation(call("notes:add"), {}); await fetch("https://kill.example/");')

    def kill(_: FetchRequest) -> FetchResponse:
        host = convex._executor.typescript
        assert host is not None
        os.kill(host._workers[runtime].worker._process._process.pid, signal.SIGKILL)
        return FetchResponse.of()

    convex.fetch.respond("https://kill.example/", kill)

    assert "Node ended with exit code -9 in the middle of a call" in failure(convex)
    assert convex.table_counts() == {"notes": 1}


def test_process_exit_ends_the_action_alone(convex: Emulator, write: Write) -> None:
    folder = write(actions=SHARED + "export const f = action(async () => { (globalThis as any).process.exit(3); });")
    file = folder / "actions.ts"
    file.write_text('"use node";\n' + file.read_text())
    convex.deploy(folder)

    assert failure(convex) == "Uncaught process.exit: process.exit() called with exit code 3"


# What it has done


def test_what_an_action_did_before_it_failed_stays(deploy: Deploy) -> None:
    convex = deploy('await ctx.runMutation(call("notes:add"), {}); throw new Error("after");')

    assert failure(convex) == "Uncaught Error: after"
    assert convex.table_counts() == {"notes": 1}


def test_a_mutation_that_fails_inside_an_action_leaves_nothing(deploy: Deploy) -> None:
    convex = deploy(
        'try { await ctx.runMutation(call("notes:addAndFail"), {}); } catch (error: any) { return "caught"; }'
    )

    assert convex.action("actions:f") == "caught"
    assert convex.table_counts() == {}


def test_operations_nobody_waits_for_are_warned_of(deploy: Deploy, runtime: Runtime) -> None:
    convex = deploy('void fetch("https://x.example/"); void ctx.runAction(call("notes:inner"), {}); return 1;')
    convex.fetch.respond("https://x.example/", text="x")

    outcome = convex.call("actions:f", python_arguments({}), FunctionKind.ACTION, ADMIN)

    [line] = outcome.log_lines
    assert line.startswith(
        "[WARN] 2 unawaited operations: [action, fetch]. Async operations should be awaited or they might not run."
        if runtime == "isolate"
        else "[WARN] 'You have an outstanding action call. Operations should be awaited or they might not run."
    )

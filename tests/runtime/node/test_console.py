"""``console``: what each runtime's own writes, as npm object-inspect 1.13 and Node's ``inspect`` were seen to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, FunctionError, SystemClock
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.node.host import Runtime

Write = Callable[..., Path]
Log = Callable[..., tuple[str, ...]]
RUNTIMES: list[Runtime] = ["transactions", "isolate", "node"]


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    assert request.param in RUNTIMES
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def logged(convex: Emulator, write: Write, runtime: Runtime) -> Log:
    """What a function with a body logs, in the runtime of the test."""

    def log(body: str, emulator: Emulator = convex) -> tuple[str, ...]:
        kind = "mutation" if runtime == "transactions" else "action"
        file = write(a=f"export const f = {kind}(async () => {{ {body} }});") / "a.ts"
        if runtime == "node":
            file.write_text('"use node";\n' + file.read_text())
        emulator.deploy(file.parent)
        outcome = emulator.call("a:f", python_arguments({}), FunctionKind[kind.upper()], ADMIN)
        assert outcome.failure is None
        return outcome.log_lines

    return log


def test_each_method_has_its_level(logged: Log) -> None:
    body = "".join(f'console.{level}("{level}", 1);' for level in ("log", "debug", "info", "warn", "error"))

    assert logged(body) == (
        "[LOG] 'log' 1",
        "[DEBUG] 'debug' 1",
        "[INFO] 'info' 1",
        "[WARN] 'warn' 1",
        "[ERROR] 'error' 1",
    )


VALUES = [
    ('{ a: [1, "b", 2n] }', "{\n  a: [ 1, 'b', 2n ]\n}", "{ a: [ 1, 'b', 2n ] }"),
    ("[{ a: 1 }, -0]", "[\n  {\n    a: 1\n  },\n  -0\n]", "[ { a: 1 }, -0 ]"),
    ('"it\'s\\n"', "'it\\'s\\n'", '"it\'s\\n"'),
    ("[undefined, null, Symbol('s')]", "[ undefined, null, Symbol(s) ]", "[ undefined, null, Symbol(s) ]"),
    ("new Map<any, any>([[{ k: 1 }, 1]])", "Map (1) {\n  { k: 1 } => 1\n}", "Map(1) { { k: 1 } => 1 }"),
    ("new Set()", "Set (0) {}", "Set(0) {}"),
    ("Object.create(null)", "[Object: null prototype] {}", "[Object: null prototype] {}"),
    ("new (class Foo { x = 1; })()", "Foo {\n  x: 1\n}", "Foo { x: 1 }"),
    ('{ "a-b": 1 }', "{\n  'a-b': 1\n}", "{ 'a-b': 1 }"),
    ("Object.assign([1, , 2], { x: 3 })", "[ 1, , 2, x: 3 ]", "[ 1, <1 empty item>, 2, x: 3 ]"),
    ("[Object(5n), new WeakMap()]", "[ Object(5n), WeakMap { ? } ]", "[ [BigInt: 5n], WeakMap { <items unknown> } ]"),
    ("Object.assign(() => 1, { a: 1 })", "[Function (anonymous)] { a: 1 }", "[Function (anonymous)] { a: 1 }"),
    ("/a/g", "/a/g", "/a/g"),
]


def test_values_are_written_as_there(logged: Log, runtime: Runtime) -> None:
    lines = logged("".join(f"console.log({value});" for value, _, _ in VALUES))

    assert lines == tuple(f"[LOG] {node_text if runtime == 'node' else text}" for _, text, node_text in VALUES)


ERRORS_AND_CIRCLES = [
    ('{ [Symbol("k")]: 1 }', "[Symbol(k)]: 1"),
    ('new Error("x")', "[Error: x]"),
    ('Object.assign(new TypeError("x"), { code: 5 })', "{ [TypeError: x] code: 5 }"),
    ('new Error("x", { cause: "c" })', "{ [Error: x] [cause]: 'c' }"),
    ("{ a: { b: { c: { d: { e: {} } } } } }", "e: [Object]"),
    ("[[[[[[1]]]]]]", "[ [ [ [ [ [Array] ] ] ] ] ]"),
    ("(() => { const c: any = {}; c.self = c; return c; })()", "self: [Circular]"),
    ("{ inspect: () => 'my own' }", "my own"),
]


@pytest.mark.parametrize("runtime", ["transactions"], indirect=True)
def test_errors_depth_and_circles(logged: Log) -> None:
    lines = logged("".join(f"console.log({value});" for value, _ in ERRORS_AND_CIRCLES))

    assert all(text in line for line, (_, text) in zip(lines, ERRORS_AND_CIRCLES, strict=True))


def test_timers_count_milliseconds_of_the_emulators_clock(logged: Log, runtime: Runtime) -> None:
    lines = logged('console.time(); console.timeLog(); console.time("b"); console.timeEnd("b"); console.timeEnd();')

    quote = "'" if runtime == "node" else ""
    assert lines == tuple(f"[INFO] {quote}{label}: 0ms{quote}" for label in ("default", "b", "default"))


def test_timers_run_with_the_clock(logged: Log) -> None:
    with Emulator(clock=SystemClock()) as convex:
        body = 'console.time("w"); const end = performance.now; for (let n = 0; n < 3e7; n += 1) Math.sqrt(n);'
        [line] = logged(f'{body} console.timeEnd("w");', convex)

    assert int(line.split(": ")[1].strip("ms'")) > 0


def test_timers_that_are_not_as_they_should_be_are_warned_of(logged: Log, runtime: Runtime) -> None:
    lines = logged('console.time("a"); console.time("a"); console.timeEnd("b");')

    told = ("Timer 'a' already exists", "Timer 'b' does not exist")
    assert lines == tuple(f'[WARN] "{text}"' if runtime == "node" else f"[WARN] {text}" for text in told)


def test_timers_belong_to_a_call(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a='export const f = mutation(async () => { console.time("a"); });'))

    outcomes = [convex.call("a:f", python_arguments({}), FunctionKind.MUTATION, ADMIN) for _ in range(2)]

    assert [outcome.log_lines for outcome in outcomes] == [(), ()]


@pytest.mark.parametrize("runtime", ["transactions", "isolate"], indirect=True)
def test_a_trace_tells_where(logged: Log) -> None:
    [line] = logged('function inner() { console.trace("here", 1); } inner();')

    assert line.startswith("[LOG] 'here' 1 \n    at inner (../convex/a.ts:")


@pytest.mark.parametrize("method", ["table", "group", "assert", "count", "dir"])
def test_the_default_runtime_has_no_other_methods(convex: Emulator, write: Write, method: str) -> None:
    convex.deploy(write(a=f"export const f = query(async () => {{ (console as any).{method}([1]); }});"))

    with pytest.raises(FunctionError, match=f"Uncaught TypeError: console.{method} is not a function"):
        convex.query("a:f")


@pytest.mark.parametrize("runtime", ["node"], indirect=True)
def test_nodes_own_console_has_more(logged: Log) -> None:
    assert logged('console.assert(false, "no"); console.count("n");') == (
        "[WARN] 'Assertion failed: no'",
        "[LOG] 'n: 1'",
    )

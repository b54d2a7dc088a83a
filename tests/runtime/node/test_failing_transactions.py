"""Queries and mutations that go wrong: what is told, that nothing is half written, and that the next call works."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import ConvexError, Emulator, FunctionError, Limits
from convex_mastra_emulator import query as python_query

Write = Callable[..., Path]

BESIDE = """
export const fine = mutation(async (ctx) => (await ctx.db.query("notes").collect()).length);
export const acting = action(async () => 1);
export const failing = mutation(async (ctx) => { await ctx.db.insert("notes", {}); throw new Error("inner"); });
export const looping = mutation(async (ctx) => { await ctx.db.insert("notes", {}); for (;;); });
"""
STORE = 'await ctx.storage.store(new Blob(["x"]));'
WRITE = 'await ctx.db.insert("notes", {});'


@pytest.fixture(params=["query", "mutation"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deploy(convex: Emulator, write: Write, kind: str) -> Callable[..., Emulator]:
    """Deploys a function with a body; a mutation writes something first."""

    def deploy_function(body: str, emulator: Emulator = convex) -> Emulator:
        first = WRITE if kind == "mutation" else ""
        source = f"export const f = {kind}(async (ctx: any, args: any) => {{ {first} {body} }});"
        emulator.deploy(write(a=source, b=BESIDE))
        return emulator

    return deploy_function


def failure(convex: Emulator, kind: str) -> str:
    with pytest.raises(FunctionError) as caught:
        getattr(convex, kind)("a:f")
    assert convex.mutation("b:fine") == 0.0
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("await new Promise(() => {});", "Returned promise will never resolve"),
        ('Promise.reject(new Error("nobody")); return 1;', "Uncaught Error: nobody"),
        ("void (async () => { null!.x; })(); return 1;", "Uncaught TypeError: Cannot read properties of null"),
        (
            'await ctx.db.query("notes").paginate({ numItems: 1, cursor: null }).then(() => '
            'ctx.db.query("notes").paginate({ numItems: 1, cursor: null }));',
            "Uncaught Error: This query or mutation function ran multiple paginated queries.",
        ),
        ('await ctx.runAction(call("b:acting"), {});', "Uncaught TypeError: ctx.runAction is not a function"),
        ("await ctx.scheduler.runAt(1, 5);", "Uncaught "),
        ('await ctx.vectorSearch("notes", "x", { vector: [1] });', "Uncaught TypeError: ctx.vectorSearch is not a"),
        ("return () => 1;", 'Uncaught Error: Function "[Function]" is not a supported Convex type.'),
        ("return new Date(0);", "Uncaught Error: "),
        ("return Symbol();", "Uncaught "),
        ("const f: any = () => f(); f();", "Uncaught RangeError: Maximum call stack size exceeded"),
        ('throw new ConvexError("full");', "Uncaught ConvexError: full"),
        ('await import("./b");', "Uncaught TypeError: dynamic module import unsupported"),
        ('eval("1 +");', "Uncaught SyntaxError: Unexpected end of input"),
    ],
)
def test_what_fails_is_told(deploy: Callable[..., Emulator], kind: str, body: str, text: str) -> None:
    convex = deploy(body)

    try:
        told = failure(convex, kind)
    except ConvexError as error:
        told = f"Uncaught ConvexError: {error.data}"

    assert told.startswith(text)


# convex-helpers' triggers hold a lock of their module while they write: one that hangs must not block every later call.
def test_a_promise_nobody_settles_leaves_nothing_in_its_module(convex: Emulator, write: Write) -> None:
    source = """
let lock = Promise.resolve();
export const f = mutation(async (_, { hangs }: any) => {
  await lock;
  let unlock: any;
  lock = new Promise((resolve) => (unlock = resolve));
  if (hangs) await new Promise(() => {});
  unlock();
  return "done";
});
export const calling = mutation(async (ctx) => {
  try { await ctx.runMutation(call("a:f"), { hangs: true }); } catch { return "caught"; }
});
"""
    convex.deploy(write(a=source))

    for _ in range(2):
        assert convex.mutation("a:calling") == "caught"
        with pytest.raises(FunctionError, match="Returned promise will never resolve"):
            convex.mutation("a:f", {"hangs": True})
        assert convex.mutation("a:f", {"hangs": False}) == "done"


def test_a_query_that_never_ends_is_ended(write: Write, deploy: Callable[..., Emulator], kind: str) -> None:
    with Emulator(limits=Limits(user_code_ms_max=200)) as convex:
        deploy("for (;;);", convex)

        assert failure(convex, kind) == "Function execution timed out (maximum duration: 0.2s)"


# No function can catch that it took too long: what it has called is ended with it.
def test_a_call_that_never_ends_ends_its_caller(write: Write) -> None:
    source = f"""
export const f = mutation(async (ctx: any) => {{
  {WRITE}
  try {{ await ctx.runMutation(call("b:looping"), {{}}); }} catch {{ return "caught"; }}
}});
"""
    with Emulator(limits=Limits(user_code_ms_max=200)) as convex:
        convex.deploy(write(a=source, b=BESIDE))

        assert failure(convex, "mutation") == "Function execution timed out (maximum duration: 0.2s)"


def test_a_function_that_takes_all_memory_is_ended(deploy: Callable[..., Emulator], kind: str) -> None:
    convex = deploy("const all: any[] = []; for (;;) all.push(new Array(100_000).fill(all.length));")

    assert failure(convex, kind) == "JavaScript execution ran out of memory (maximum memory usage: 64 MB)"


def test_a_worker_that_is_killed_undoes_what_ran_in_it(deploy: Callable[..., Emulator], kind: str) -> None:
    convex = deploy('await ctx.runQuery(call("python:kill"), {});')

    def kill() -> None:
        host = convex._executor.typescript
        assert host is not None
        os.kill(host._workers["transactions"].worker._process._process.pid, signal.SIGKILL)

    convex.define("python:kill", python_query(lambda ctx, args: kill()))

    assert "Node ended with exit code -9 in the middle of a call" in failure(convex, kind)


# Arguments


@pytest.fixture
def sized(convex: Emulator, write: Write) -> Emulator:
    source = """
export const size = mutation(async (ctx, { text }: any) => text.length);
export const keep = mutation(async (ctx, { text }: any) => { await ctx.db.insert("notes", { text }); });
"""
    folder = write(a=source, b=BESIDE)
    (folder / "n.ts").write_text(
        '"use node";\nimport { actionGeneric } from "convex/server";\n'
        "export const size = actionGeneric(async (_, { text }: any) => text.length);\n"
    )
    convex.deploy(folder)
    return convex


MIB = 1 << 20


def test_arguments_of_a_mebibyte_pass(sized: Emulator) -> None:
    assert sized.mutation("a:size", {"text": "x" * MIB}) == MIB


def test_arguments_over_sixteen_mebibytes_are_refused(sized: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Arguments for a\.js:size are too large \(actual: 16\.00 MiB"):
        sized.mutation("a:size", {"text": "x" * (16 * MIB)})


def test_a_document_of_a_mebibyte_is_refused_and_nothing_written(sized: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Value is too large \(1\.00 MiB > maximum size 1 MiB\)"):
        sized.mutation("a:keep", {"text": "x" * MIB})

    assert sized.mutation("b:fine") == 0.0


@pytest.mark.parametrize(("size", "passes"), [(5 * MIB - 13, True), (5 * MIB - 12, False)])
def test_arguments_of_actions_in_node_may_have_five_mebibytes(sized: Emulator, size: int, passes: bool) -> None:
    # `[{"text":"…"}]` takes thirteen characters more.
    if passes:
        assert sized.action("n:size", {"text": "x" * size}) == size
    else:
        with pytest.raises(FunctionError, match=r"The maximum size is 5 MiB\. Reduce .* which have a 16 MiB limit"):
            sized.action("n:size", {"text": "x" * size})


def test_files_cannot_be_stored_in_a_mutation(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=f"export const f = mutation(async (ctx: any) => {{ {WRITE} {STORE} }});", b=BESIDE))

    assert failure(convex, "mutation") == "Uncaught Error: Unknown async operation 1.0/storageStore"


# Calls


def test_a_call_that_fails_may_be_caught_and_is_undone_alone(convex: Emulator, write: Write) -> None:
    source = f"""
export const f = mutation(async (ctx: any) => {{
  {WRITE}
  try {{
    await ctx.runMutation(call("b:failing"), {{}});
  }} catch (error: any) {{
    return error.message.split("\\n")[0];
  }}
}});
"""
    convex.deploy(write(a=source, b=BESIDE))

    assert convex.mutation("a:f") == "Uncaught Error: inner"
    assert convex.table_counts() == {"notes": 1}


@pytest.mark.parametrize("allowed", [True, False])
def test_calls_nest_so_deep(convex: Emulator, write: Write, allowed: bool) -> None:
    source = """
export const f = query(async (ctx, { depth }: any): Promise<any> =>
  depth === 0 ? "bottom" : await ctx.runQuery(call("a:f"), { depth: depth - 1 }));
"""
    convex.deploy(write(a=source))

    if allowed:
        assert convex.query("a:f", {"depth": 8}) == "bottom"
    else:
        with pytest.raises(FunctionError, match="Cross component call depth limit exceeded"):
            convex.query("a:f", {"depth": 9})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ('ctx.runQuery(call("b:fine"), {})', "Trying to execute b.js:fine as Query, but it is defined as Mutation."),
        ('ctx.runMutation(call("b:acting"), {})', "Trying to execute b.js:acting as Mutation, but it is defined as"),
        ('ctx.runQuery(call("b:none"), {})', "Could not find public function for 'b:none'"),
    ],
)
def test_calls_of_what_is_something_else_are_refused(convex: Emulator, write: Write, call: str, text: str) -> None:
    convex.deploy(write(a=f"export const f = mutation(async (ctx: any) => {{ {WRITE} await {call}; }});", b=BESIDE))

    assert text in failure(convex, "mutation")


def test_a_stale_snapshot_shows_nothing_of_what_was_written(convex: Emulator, write: Write) -> None:
    source = f"""
export const count = query(async (ctx) => (await ctx.db.query("notes").collect()).length);
export const f = mutation(async (ctx: any) => {{
  {WRITE}
  const counts = [];
  for (const useStaleSnapshot of [false, true, false]) {{
    counts.push(await ctx.runQuery(call("a:count"), {{}}, {{ useStaleSnapshot }}));
  }}
  return counts;
}});
"""
    convex.deploy(write(a=source))

    assert convex.mutation("a:f") == [1.0, 0.0, 1.0]
    assert convex.mutation("a:f") == [2.0, 1.0, 2.0]


# Queries


# Whatever is told of a query comes with the next frame; nothing may be told of one that was never opened.
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ('withIndex("none")', "Index notes.none not found."),
        (
            'withIndex("by_id", (q: any) => q.eq("text", 1))',
            'The index range included a comparison with "text", but notes.by_id',
        ),
        (
            'filter((q: any) => q.eq(q.add(q.field("text"), 1), 1))',
            "Cannot add undefined (type undefined) and 1.0 (type Float64)",
        ),
    ],
)
def test_queries_that_cannot_be_run_are_told(convex: Emulator, write: Write, query: str, text: str) -> None:
    source = f"""
export const f = mutation(async (ctx: any) => {{ {WRITE} return await ctx.db.query("notes").{query}.first(); }});
"""
    convex.deploy(write(a=source, b=BESIDE))

    assert text in failure(convex, "mutation")


def test_a_query_that_cannot_be_run_may_be_caught(convex: Emulator, write: Write) -> None:
    source = f"""
export const f = mutation(async (ctx: any) => {{
  {WRITE}
  try {{ await ctx.db.query("notes").withIndex("none").first(); }} catch {{ /* told below */ }}
  return (await ctx.db.query("notes").collect()).length;
}});
"""
    convex.deploy(write(a=source))

    assert convex.mutation("a:f") == 1.0

"""Queries and mutations in TypeScript, on the emulator's own transactions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import ConvexError, ConvexInt64, Emulator, FunctionError, Limits
from convex_mastra_emulator import query as python_query

Write = Callable[..., Path]

NOTES = """
export const add = mutation({
  args: { text: v.string(), n: v.optional(v.number()) },
  returns: v.string(),
  handler: async (ctx, args) => await ctx.db.insert("notes", args),
});
export const all = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text),
});
export const addAndFail = mutation(async (ctx) => {
  await ctx.db.insert("notes", { text: "gone" });
  throw new Error("stop");
});
export const inner = internalMutation(async (ctx, { fail }: any) => {
  await ctx.db.insert("notes", { text: "inner" });
  if (fail) throw new Error("inner stop");
  return 5;
});
"""


def texts(convex: Emulator) -> list[str]:
    return convex.run(lambda ctx: [note["text"] for note in ctx.db.query("notes").collect()])  # type: ignore[no-any-return]


def test_functions_run_on_the_emulators_documents(convex: Emulator, write: Write) -> None:
    convex.deploy(write(notes=NOTES))

    note = convex.mutation("notes:add", {"text": "hello"})

    assert convex.query("notes:all") == ["hello"]
    assert convex.run(lambda ctx: ctx.db.get(note)) is not None


def test_arguments_are_validated(convex: Emulator, write: Write) -> None:
    convex.deploy(write(notes=NOTES))

    with pytest.raises(FunctionError, match="ArgumentValidationError: Object is missing the required field `text`"):
        convex.mutation("notes:add", {})


def test_internal_functions_are_not_for_users(convex: Emulator, write: Write) -> None:
    from convex_mastra_emulator import ANONYMOUS

    convex.deploy(write(notes=NOTES))

    with pytest.raises(FunctionError, match="Could not find public function for 'notes:inner'"):
        convex.mutation("notes:inner", {}, identity=ANONYMOUS)


def test_a_failed_mutation_leaves_nothing_and_names_the_users_line(convex: Emulator, write: Write) -> None:
    convex.deploy(write(notes=NOTES))

    with pytest.raises(FunctionError) as caught:
        convex.mutation("notes:addAndFail")

    assert caught.value.message == "Uncaught Error: stop"
    assert "(../convex/notes.ts:" in str(caught.value)
    assert texts(convex) == []


def test_a_convex_error_keeps_its_data(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a='export const f = mutation(async () => { throw new ConvexError({ n: 5n, why: "full" }); });'))

    with pytest.raises(ConvexError) as caught:
        convex.mutation("a:f")

    assert caught.value.data == {"n": ConvexInt64(5), "why": "full"}


@pytest.mark.parametrize(
    ("thrown", "text"),
    [
        ('throw "text"', "Uncaught text"),
        ("throw { a: 1 }", "Uncaught #<Object>"),
        ("throw null", "Uncaught null"),
        ('throw new TypeError("t")', "Uncaught TypeError: t"),
        ("throw new Error()", "Uncaught Error"),
    ],
)
def test_whatever_is_thrown_is_told_as_v8_does(convex: Emulator, write: Write, thrown: str, text: str) -> None:
    convex.deploy(write(a=f"export const f = mutation(async () => {{ {thrown}; }});"))

    with pytest.raises(FunctionError) as caught:
        convex.mutation("a:f")

    assert caught.value.message == text


# Calls


def test_calls_nest_and_failed_ones_are_undone(convex: Emulator, write: Write) -> None:
    nested = """
export const outer = mutation(async (ctx) => {
  const five = await ctx.runMutation(call("notes:inner"), { fail: false });
  let caught = "";
  try { await ctx.runMutation(call("notes:inner"), { fail: true }); } catch (error: any) { caught = error.message; }
  return { five, caught, count: (await ctx.runQuery(call("notes:all"))).length };
});
"""
    convex.deploy(write(notes=NOTES, nested=nested))

    result = convex.mutation("nested:outer")

    assert (result["five"], result["count"]) == (5.0, 1.0)
    assert result["caught"].startswith("Uncaught Error: inner stop\n    at ")
    assert texts(convex) == ["inner"]


# What a function does beside a call waits until that is over, so that undoing the call undoes nothing else.
def test_what_is_done_beside_a_failing_call_stays(convex: Emulator, write: Write) -> None:
    beside = """
export const both = mutation(async (ctx) => {
  const slow = (async () => { for (const text of ["a", "b", "c"]) await ctx.db.insert("notes", { text }); })();
  const failing = ctx.runMutation(call("notes:inner"), { fail: true }).catch(() => "failed");
  return (await Promise.all([failing, slow]))[0];
});
"""
    convex.deploy(write(notes=NOTES, beside=beside))

    assert convex.mutation("beside:both") == "failed"
    assert texts(convex) == ["a", "b", "c"]


def test_python_and_typescript_call_each_other(convex: Emulator, write: Write) -> None:
    mixed = 'export const viaPython = query(async (ctx) => await ctx.runQuery(call("python:all"), {}));'
    convex.deploy(write(notes=NOTES, mixed=mixed))
    convex.define("python:all", python_query(lambda ctx, args: ctx.run_query("notes:all")))
    convex.mutation("notes:add", {"text": "through both"})

    assert convex.query("mixed:viaPython") == ["through both"]


# Reading


READING = """
export const some = query(async (ctx, { stop }: any) => {
  const seen = [];
  for await (const note of ctx.db.query("notes")) { seen.push(note.n); if (note.n === stop) break; }
  return seen;
});
export const deleting = mutation(async (ctx) => {
  const seen = [];
  for await (const note of ctx.db.query("notes")) {
    seen.push(note.n);
    if (note.n === 1) {
      const third = await ctx.db.query("notes").filter((q: any) => q.eq(q.field("n"), 3)).first();
      await ctx.db.delete(third!._id);
    }
  }
  return seen;
});
export const paged = query(async (ctx, { cursor }: any) =>
  await ctx.db.query("notes").paginate({ numItems: 2, cursor }));
export const all = query(async (ctx) => (await ctx.db.query("notes").collect()).length);
"""


def with_notes(convex: Emulator, count: int) -> None:
    convex.run(lambda ctx: [ctx.db.insert("notes", {"text": "t", "n": float(n)}) for n in range(count)])


# Documents come in batches of a hundred; those a function did not take count as little as on a deployment.
@pytest.mark.parametrize("stop", [0, 99, 100, 249])
def test_what_was_not_taken_was_not_read(convex: Emulator, write: Write, stop: int) -> None:
    convex.deploy(write(reading=READING))
    with_notes(convex, 300)

    assert convex.query("reading:some", {"stop": stop}) == [float(n) for n in range(stop + 1)]
    assert convex.usage.documents_read == stop + 1


def test_a_write_is_seen_by_the_query_that_runs(convex: Emulator, write: Write) -> None:
    convex.deploy(write(reading=READING))
    with_notes(convex, 6)

    assert convex.mutation("reading:deleting") == [0.0, 1.0, 2.0, 4.0, 5.0]


def test_pages_go_on_where_the_last_one_ended(convex: Emulator, write: Write) -> None:
    convex.deploy(write(reading=READING))
    with_notes(convex, 3)

    first = convex.query("reading:paged", {"cursor": None})
    second = convex.query("reading:paged", {"cursor": first["continueCursor"]})

    assert [note["n"] for note in first["page"] + second["page"]] == [0.0, 1.0, 2.0]
    assert (first["isDone"], second["isDone"]) == (False, True)


@pytest.mark.parametrize(("allowed", "fails"), [(200, False), (199, True)])
def test_limits_of_reading_hold(write: Write, allowed: int, fails: bool) -> None:
    with Emulator(limits=Limits(documents_read_max=allowed)) as convex:
        convex.deploy(write(reading=READING))
        with_notes(convex, 200)

        if fails:
            with pytest.raises(FunctionError, match=r"Too many documents read .* \(limit: 199\)"):
                convex.query("reading:all")
        else:
            assert convex.query("reading:all") == 200.0


# Determinism and what is forbidden


def test_time_stands_still_and_chance_comes_from_the_seed(write: Write) -> None:
    source = """
export const draw = mutation(async () => [Date.now() === new Date().getTime(), Math.random(), crypto.randomUUID()]);
"""

    def drawn() -> Any:
        with Emulator(seed=7) as convex:
            convex.deploy(write(a=source))
            return convex.mutation("a:draw")

    assert drawn() == drawn()


@pytest.mark.parametrize(("use", "what"), [('fetch("http://x")', "fetch()"), ("setTimeout(() => 1, 1)", "setTimeout")])
def test_the_world_outside_is_forbidden(convex: Emulator, write: Write, use: str, what: str) -> None:
    convex.deploy(write(a=f"export const f = query(async () => {{ await {use}; }});"))

    with pytest.raises(FunctionError) as caught:
        convex.query("a:f")

    assert f"Can't use {what} in queries and mutations. Please consider using an action." in str(caught.value)


def test_environment_is_the_deployments(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a="export const f = query(async () => [process.env.KEY ?? null, typeof Buffer]);"))
    before = convex.query("a:f")

    convex.env["KEY"] = "secret"

    assert (before, convex.query("a:f")) == ([None, "undefined"], ["secret", "undefined"])


def test_log_lines_are_a_deployments(convex: Emulator, write: Write) -> None:
    body = 'console.log("a", { b: [1, 2n] }); throw new Error("x");'
    convex.deploy(write(a=f"export const f = mutation(async () => {{ {body} }});"))
    with pytest.raises(FunctionError) as caught:
        convex.mutation("a:f")

    assert caught.value.log_lines == ("[LOG] 'a' {\n  b: [ 1, 2n ]\n}",)


# When it does not end


def test_a_promise_nobody_settles_is_told(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a="export const f = mutation(async () => { await new Promise(() => {}); });"))

    with pytest.raises(FunctionError, match="Returned promise will never resolve"):
        convex.mutation("a:f")


def test_a_rejection_nobody_handles_ends_the_function(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a='export const f = mutation(async () => { Promise.reject(new Error("nobody")); return 1; });'))

    with pytest.raises(FunctionError, match="Uncaught Error: nobody"):
        convex.mutation("a:f")


def test_an_endless_loop_is_ended_and_the_next_call_works(write: Write) -> None:
    source = "export const f = mutation(async () => { for (;;); });\nexport const g = query(async () => 1);"
    with Emulator(limits=Limits(user_code_ms_max=200)) as convex:
        convex.deploy(write(a=source))

        with pytest.raises(FunctionError, match=r"Function execution timed out \(maximum duration: 0.2s\)"):
            convex.mutation("a:f")

        assert convex.query("a:g") == 1.0

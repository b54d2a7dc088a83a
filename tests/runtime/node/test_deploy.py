"""Deploying a folder: what comes with it, what is refused, and that a refused one changes nothing."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock, query
from convex_mastra_emulator.errors import EmulatorError, SchemaViolation
from convex_mastra_emulator.runtime.node.bundle import BundleFailed
from convex_mastra_emulator.runtime.node.deploy import DeployRefused

Write = Callable[..., Path]

SCHEMA = """
import { defineSchema, defineTable } from "convex/server";
export default defineSchema({ notes: defineTable({ text: v.string() }).index("by_text", ["text"]) });
"""
ONE = "export const f = query(async () => 1);"


def test_a_schema_makes_indexes_and_holds_documents(convex: Emulator, write: Write) -> None:
    reading = """
export const find = query(async (ctx, { text }: any) =>
  (await ctx.db.query("notes").withIndex("by_text", (q: any) => q.eq("text", text)).collect()).length);
"""
    convex.run(lambda ctx: ctx.db.insert("notes", {"text": "old"}))

    convex.deploy(write(schema=SCHEMA, notes=reading))

    assert convex.query("notes:find", {"text": "old"}) == 1.0
    with pytest.raises(Exception, match="does not match the schema"):
        convex.run(lambda ctx: ctx.db.insert("notes", {"text": 5.0}))


def test_documents_that_do_not_fit_refuse_the_deploy(convex: Emulator, write: Write) -> None:
    note = convex.run(lambda ctx: ctx.db.insert("notes", {"text": 5.0}))
    functions = convex.function_paths()

    with pytest.raises(SchemaViolation) as caught:
        convex.deploy(write(schema=SCHEMA, a=ONE))

    assert str(caught.value).startswith(f'Document with ID "{note}" in table "notes" does not match the schema: ')
    assert convex.function_paths() == functions


def test_functions_of_the_last_deploy_are_gone_and_defined_ones_stay(convex: Emulator, write: Write) -> None:
    convex.define("python:f", query(lambda ctx, args: "python"))
    convex.deploy(write(a=ONE))
    folder = write(b=ONE)
    (folder / "a.ts").unlink()

    convex.deploy(folder)

    assert convex.function_paths() == ["b:f", "python:f"]
    assert convex.query("python:f") == "python"


def test_crons_come_along(convex: Emulator, write: Write) -> None:
    crons = """
import { cronJobs } from "convex/server";
const crons = cronJobs();
crons.interval("every minute", { minutes: 1 }, call("notes:add"), { text: "tick" });
export default crons;
"""
    notes = 'export const add = internalMutation(async (ctx, args: any) => { await ctx.db.insert("notes", args); });'
    convex.deploy(write(crons=crons, notes=notes))
    assert isinstance(convex.clock, ManualClock)

    convex.clock.advance(120)

    assert convex.table_counts()["notes"] == 3


def test_http_routes_come_along(convex: Emulator, write: Write) -> None:
    http = """
import { httpRouter } from "convex/server";
const http = httpRouter();
http.route({ path: "/echo", method: "POST", handler: httpAction(async (ctx, request) =>
  new Response(await request.text() + "!", { status: 201, headers: { "x-from": "node" } })) });
http.route({ pathPrefix: "/p/", method: "GET", handler: httpAction(async (_, request) => new Response(request.url)) });
export default http;
"""
    convex.deploy(write(http=http))

    echoed = convex.http_request("POST", "/echo", body="hello")

    assert (echoed.status, echoed.body, echoed.headers["x-from"]) == (201, b"hello!", "node")
    assert convex.http_request("GET", "/p/x/y").body.endswith(b"/p/x/y")
    assert convex.http_request("GET", "/nothing").status == 404


def test_actions_fetch_what_the_test_answers_and_call_functions(convex: Emulator, write: Write) -> None:
    notes = """
export const add = mutation(async (ctx, args: any) => await ctx.db.insert("notes", args));
export const extract = action(async (ctx, { text }: any) => {
  const response = await fetch("https://llm.example/v1", { method: "POST", body: JSON.stringify({ text }) });
  await new Promise((resolve) => setTimeout(resolve, 1));
  const { fact } = await response.json();
  await Promise.all([ctx.runMutation(call("notes:add"), { fact }), ctx.runAction(call("notes:other"), {})]);
  return fact;
});
export const other = action(async () => "other");
"""
    convex.deploy(write(notes=notes))
    convex.fetch.respond("https://llm.example/v1", json={"fact": "likes figs"})

    assert convex.action("notes:extract", {"text": "figs!"}) == "likes figs"
    assert convex.fetch.requests[0].json() == {"text": "figs!"}
    assert convex.table_counts()["notes"] == 1


def test_a_module_with_use_node_sees_node(convex: Emulator, write: Write) -> None:
    folder = write(a=ONE)
    (folder / "n.ts").write_text(
        '"use node";\nimport { createHash } from "node:crypto";\nimport { actionGeneric } from "convex/server";\n'
        'export const digest = actionGeneric(async () => createHash("md5").update("x").digest("hex"));\n'
    )

    convex.deploy(folder)

    assert convex.action("n:digest") == "9dd4e461268c8034f5c8564e155c67a6"


def test_a_syntax_error_is_esbuilds_with_file_and_line(convex: Emulator, write: Write) -> None:
    folder = write(a=ONE)
    (folder / "broken.ts").write_text("export const f = ;\n")

    with pytest.raises(BundleFailed, match=r"convex/broken\.ts:1:17"):
        convex.deploy(folder)


def test_a_module_that_throws_when_it_is_loaded_refuses_the_deploy(convex: Emulator, write: Write) -> None:
    text = (
        "Loading the pushed modules encountered the following\n    error:\nFailed to analyze a.js: Uncaught Error: no"
    )
    with pytest.raises(DeployRefused, match=text):
        convex.deploy(write(a='throw new Error("no"); export const f = 1;'))


def test_a_folder_that_is_none_is_named(convex: Emulator, tmp_path: Path) -> None:
    with pytest.raises(BundleFailed, match="is no folder"):
        convex.deploy(tmp_path / "nothing")


def test_rollback_takes_a_deploy_back(convex: Emulator, write: Write) -> None:
    before = convex.schema

    with convex.rollback():
        convex.deploy(write(schema=SCHEMA, a=ONE))
        convex.run(lambda ctx: ctx.db.insert("notes", {"text": "x"}))

    assert convex.schema == before
    assert "mastra/cache:handle" in convex.function_paths()
    assert convex.table_counts() == {}


# The clones of one emulator run its functions in the same processes.
def test_a_clone_has_environment_variables_of_its_own(convex: Emulator, write: Write) -> None:
    body = "async () => process.env.KEY ?? null"
    convex.deploy(write(a=f"export const f = query({body}); export const g = action({body});"))
    convex.env["KEY"] = "first"

    with convex.clone() as clone:
        clone.env["KEY"] = "clone's"

        assert [clone.query("a:f"), clone.action("a:g")] == ["clone's", "clone's"]
        assert [convex.query("a:f"), convex.action("a:g")] == ["first", "first"]


# Python's functions need no Node, and a deploy that is never made starts none.
def test_without_a_deploy_no_process_is_started(convex: Emulator) -> None:
    convex.mutation("mastra/cache:handle", {"op": "increment", "key": "k", "keyPrefix": "", "expiresAt": None})

    assert convex._executor.typescript is None


def test_a_query_cannot_call_a_mutation(convex: Emulator, write: Write) -> None:
    source = """
export const write_ = mutation(async (ctx) => null);
export const f = query(async (ctx) => await (ctx as any).runMutation(call("a:write_"), {}));
"""
    convex.deploy(write(a=source))

    with pytest.raises(FunctionError, match=r"ctx\.runMutation is not a function"):
        convex.query("a:f")


def test_a_watched_folder_is_deployed_again(convex: Emulator, write: Write) -> None:
    told: queue.SimpleQueue[EmulatorError | None] = queue.SimpleQueue()
    with convex.deploy(write(a=ONE), watch=True, tell=told.put) as watch:
        folder = write(a="export const f = query(async () => 2);")
        assert told.get(timeout=30) is None
        assert convex.query("a:f") == 2.0

        (folder / "a.ts").write_text("export const f = ;")
        assert "convex/a.ts:1:17" in str(told.get(timeout=30))
        assert watch.problem is not None
        assert convex.query("a:f") == 2.0


# A deployment's analysis drops such lines (crates/isolate/src/environment/analyze.rs `trace`).
@pytest.mark.parametrize("module", ["a", "schema", "http", "crons", "node"])
def test_what_modules_log_when_they_are_loaded_is_nobodys_line(convex: Emulator, write: Write, module: str) -> None:
    sources = {
        "a": "export const f = query(async () => { console.log('in'); return 1; });",
        "schema": 'import { defineSchema } from "convex/server"; export default defineSchema({});',
        "http": 'import { httpRouter } from "convex/server"; export default httpRouter();',
        "crons": 'import { cronJobs } from "convex/server"; export default cronJobs();',
        "node": "export const g = action(async () => 2);",
    }
    sources[module] = f"console.log('top'); console.error(new Error('x')); {sources[module]}"
    sources["node"] = f'"use node";\n{sources["node"]}'

    folder = write(**sources)
    (folder / "node.ts").write_text(f'"use node";\n{(folder / "node.ts").read_text()}')
    convex.deploy(folder)

    assert convex.query("a:f") == 1
    assert convex.action("node:g") == 2


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ('import "./_generated/api";', "convex-mastra-emulator run -- npx convex codegen"),
        ('import fs from "fs"; export const x = fs;', 'Only files that begin with "use node"'),
        ('import x from "no-such-package"; export const y = x;', "npm install brings packages"),
        ('import x from "./nowhere"; export const y = x;', ""),
    ],
)
def test_what_esbuild_refuses_comes_with_what_to_do(convex: Emulator, write: Write, source: str, hint: str) -> None:
    with pytest.raises(BundleFailed) as refused:
        convex.deploy(write(a=source))

    said, _, told = str(refused.value).rpartition("\n\n")
    assert "Could not resolve" in (said or told)
    assert (hint in told) if hint else "npm install" not in str(refused.value)

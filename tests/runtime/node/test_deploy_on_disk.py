"""A deploy on an emulator that keeps its data in a file: tables, documents and crons outlast the process."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock
from convex_mastra_emulator.errors import DataFileRefused
from convex_mastra_emulator.runtime.node.pipes import NodeProcess
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.signed_tokens import RSA_KEY, data_url, signed

Write = Callable[..., Path]

SCHEMA = """
import { defineSchema, defineTable } from "convex/server";
export default defineSchema({
  empty: defineTable({}),
  notes: defineTable({ text: v.string(), vector: v.optional(v.array(v.float64())) }).index("by_text", ["text"])
    .vectorIndex("by_vector", { vectorField: "vector", dimensions: 3 }),
});
"""
NOTES = """
export const add = mutation(async (ctx, args: any) => await ctx.db.insert("notes", args));
export const find = query(async (ctx, { text }: any) =>
  (await ctx.db.query("notes").withIndex("by_text", (q: any) => q.eq("text", text)).collect()).length);
export const sweep = internalMutation(async () => null);
"""
CRONS = """
import { cronJobs } from "convex/server";
const crons = cronJobs();
crons.hourly("sweep", { minuteUTC: 0 }, call("notes:sweep"));
export default crons;
"""

HTTP = """
import { httpRouter } from "convex/server";
const http = httpRouter();
http.route({ path: "/hello", method: "GET", handler: httpAction(async () => new Response("hello")) });
export default http;
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


def test_documents_and_table_numbers_are_there_again(write: Write, file: Path) -> None:
    folder = write(schema=SCHEMA, notes=NOTES, crons=CRONS)
    with Emulator(path=file) as convex:
        convex.run(lambda ctx: ctx.db.insert("notes", {"text": "before"}))
        convex.deploy(folder)
        note = convex.mutation("notes:add", {"text": "a"})
        empty = convex.run(lambda ctx: ctx.db.insert("empty", {}))

    with Emulator(path=file) as convex:
        assert convex.query("notes:find", {"text": "a"}) == 1.0
        assert convex.query("notes:find", {"text": "before"}) == 1.0
        assert convex.run(
            lambda ctx: [document["_id"] for table in ("notes", "empty") for document in ctx.db.query(table)]
        )[1:] == [note, empty]


# What was deployed takes the place of Mastra's functions, here as there.
def test_functions_schema_crons_and_routes_are_there_again(write: Write, file: Path) -> None:
    folder = write(schema=SCHEMA, notes=NOTES, crons=CRONS, http=HTTP)
    with Emulator(path=file, clock=ManualClock()) as convex:
        convex.deploy(folder)
        before = state(convex)

    with Emulator(path=file, clock=ManualClock()) as convex:
        assert state(convex) == before
        assert convex.http_request("GET", "/hello").body == b"hello"


def state(convex: Emulator) -> object:
    """What a deploy makes of an emulator."""
    return convex.function_paths(), convex.schema, list(convex.scheduler.crons.state().values())


def test_no_node_is_started_until_a_function_is_called(
    write: Write, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Emulator(path=file) as convex:
        convex.deploy(write(schema=SCHEMA, notes=NOTES))

    monkeypatch.setattr(NodeProcess, "__init__", lambda *_args, **_options: pytest.fail("Node was started"))
    with Emulator(path=file) as convex:
        assert "notes:find" in convex.function_paths()


AUTH = """
const { ISSUER, KEYS } = process.env as any;
export default { providers: [{ type: "customJwt", issuer: ISSUER, jwks: KEYS, algorithm: "RS256" }] };
"""


def subject(convex: Emulator, issuer: str) -> str:
    token = signed(RSA_KEY, "RS256", "rsa", iss=issuer, sub="ada", exp=convex.clock.now_ns() // 1_000_000_000 + 60)
    return str((convex.verify_token(token).user or {})["subject"])


# What came of the auth config is kept as well, so that Node is not needed for it either.
def test_providers_of_tokens_are_there_again(write: Write, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(path=file) as convex:
        convex.env.update(ISSUER="https://a.com", KEYS=data_url())
        convex.deploy(write(**{"auth.config": AUTH}))

    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: pytest.fail("Node was started"))
    with Emulator(path=file) as convex:
        assert subject(convex, "https://a.com") == "ada"


def test_providers_follow_environment_variables_that_have_changed(write: Write, file: Path) -> None:
    with Emulator(path=file) as convex:
        convex.env.update(ISSUER="https://a.com", KEYS=data_url())
        convex.deploy(write(**{"auth.config": AUTH}))
        convex.env["ISSUER"] = "https://b.com"

    with Emulator(path=file) as convex:
        assert subject(convex, "https://b.com") == "ada"


def test_modules_see_environment_variables_that_have_changed(write: Write, file: Path) -> None:
    source = "const word = process.env.WORD;\nexport const read = query(async () => word ?? null);"
    with Emulator(path=file) as convex:
        convex.env["WORD"] = "one"
        convex.deploy(write(a=source))
        convex.env["WORD"] = "two"

    with Emulator(path=file) as convex:
        assert convex.query("a:read") == "two"


def test_errors_have_the_lines_of_the_sources_again(write: Write, file: Path) -> None:
    convex = Emulator(path=file)
    convex.deploy(write(a="export const fail = query(async () => { throw new Error('no'); });"))
    with pytest.raises(FunctionError) as first:
        convex.query("a:fail")
    convex.close()

    with Emulator(path=file) as convex, pytest.raises(FunctionError) as second:
        convex.query("a:fail")

    assert "at <anonymous> (../convex/a.ts:" in str(second.value)
    assert str(second.value).splitlines()[1:] == str(first.value).splitlines()[1:]


@pytest.mark.parametrize("deployed_before", [False, True])
def test_a_deploy_that_was_undone_is_not_brought_back(write: Write, file: Path, deployed_before: bool) -> None:
    with Emulator(path=file) as convex:
        if deployed_before:
            convex.deploy(write(notes=NOTES))
        before = state(convex)
        with convex.rollback():
            convex.deploy(write(schema=SCHEMA, other=NOTES))

    with Emulator(path=file) as convex:
        assert state(convex) == before


def test_the_last_deploy_is_the_one_that_is_brought_back(write: Write, file: Path) -> None:
    with Emulator(path=file) as convex:
        folder = write(notes=NOTES)
        convex.deploy(folder)
        (folder / "notes.ts").rename(folder / "others.ts")
        convex.deploy(folder)
        before = convex.function_paths()

    with Emulator(path=file) as convex:
        assert convex.function_paths() == before
        assert "others:find" in before
        assert "notes:find" not in before


# What `@mastra/convex` publishes: an argument named `$or`.
def test_what_upstream_breaks_is_let_through_again(write: Write, file: Path) -> None:
    source = """
export const f = query({ args: v.any(), handler: async () => null });
(f as any).exportArgs = () =>
  JSON.stringify({ type: "object", value: { $or: { fieldType: { type: "any" }, optional: true } } });
"""
    with Emulator(path=file) as convex, pytest.warns(UserWarning, match="a deployment refuses this validator"):
        convex.deploy(write(a=source))

    with pytest.warns(UserWarning, match="a deployment refuses this validator"), Emulator(path=file) as convex:
        assert convex.query("a:f") is None


# Nobody has deployed Mastra's tables to an emulator that somebody deploys to.
def test_tables_an_emulator_begins_with_go_unless_they_hold_something(write: Write, file: Path) -> None:
    count = {"op": "increment", "key": "k", "keyPrefix": "", "expiresAt": None}
    with Emulator(path=file) as convex:
        convex.mutation("mastra/cache:handle", count)
        convex.deploy(write(schema=SCHEMA, notes=NOTES))
        tables = set(exported_tables(convex))

    with Emulator(path=file) as convex:
        assert set(exported_tables(convex)) == tables == {"empty", "notes", "mastra_cache"}


def test_a_deploy_that_was_undone_gives_the_tables_back(write: Write, file: Path) -> None:
    with Emulator(path=file) as convex:
        before = exported_tables(convex)
        with convex.rollback():
            convex.deploy(write(schema=SCHEMA, notes=NOTES))
        assert exported_tables(convex) == before

    with Emulator(path=file) as convex:
        assert exported_tables(convex) == before


def exported_tables(convex: Emulator) -> dict[str, int]:
    """The tables of an export, and their numbers."""
    target = io.BytesIO()
    convex.export_zip(target)
    with zipfile.ZipFile(target) as archive:
        lines = archive.read("_tables/documents.jsonl").decode().splitlines()
    return {table["name"]: table["id"] for table in map(json.loads, lines)}


# Refused, closed, and as it was: what can be repaired may be opened afterwards.
@pytest.mark.parametrize(
    ("setting", "text", "problem"),
    [
        ("deploy", "{", "its deploy of TypeScript cannot be read: JSONDecodeError"),
        ("deploy", "[]", "its deploy of TypeScript cannot be read: TypeError"),
        ("deploy", '{"modules": 1}', "its deploy of TypeScript cannot be read: TypeError"),
        (
            "deploy",
            '{"modules": [{"path": "../../outside.js"}]}',
            "its deploy of TypeScript cannot be read: InvalidArg",
        ),
        ("schema", "{", "the schema of its deploy cannot be read: JSONDecodeError"),
        ("schema", '{"tables": 1}', "the schema of its deploy cannot be read: SchemaDefinitionError"),
    ],
)
def test_a_damaged_deploy_is_refused_by_the_name_of_the_file(
    write: Write, file: Path, setting: str, text: str, problem: str
) -> None:
    with Emulator(path=file) as convex:
        convex.deploy(write(schema=SCHEMA, notes=NOTES))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE settings SET value = ? WHERE name = ?", (text, setting))

    for _ in range(2):
        with pytest.raises(DataFileRefused, match=f"data.db: {re.escape(problem)}"):
            Emulator(path=file)


# A schema that is opened with is held against the documents, unless it is the one they were written with.
def test_another_schema_is_held_against_the_documents(write: Write, file: Path) -> None:
    with Emulator(path=file) as convex:
        convex.deploy(write(schema=SCHEMA, notes=NOTES))
        convex.mutation("notes:add", {"text": "a"})

    with pytest.raises(DataFileRefused, match="does not match the schema"):
        Emulator(define_schema({"notes": define_table({"text": v.float64()})}), path=file)


def test_a_refused_deploy_leaves_the_file_as_it_was(write: Write, file: Path) -> None:
    with Emulator(path=file) as convex:
        convex.run(lambda ctx: ctx.db.insert("notes", {"text": "a"}))
        bad_crons = CRONS.replace("notes:sweep", "notes:find")
        with pytest.raises(Exception, match="only actions and mutations can be scheduled"):
            convex.deploy(write(schema=SCHEMA, notes=NOTES, crons=bad_crons))

    with Emulator(path=file) as convex:
        assert convex.table_counts() == {"notes": 1}
        assert "empty" not in convex.schema.tables

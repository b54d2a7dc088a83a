"""A deploy on an emulator that keeps its data in a file: tables, documents and crons outlast the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.errors import DataFileRefused
from convex_mastra_emulator.schema import define_schema, define_table, v

Write = Callable[..., Path]

SCHEMA = """
import { defineSchema, defineTable } from "convex/server";
export default defineSchema({
  empty: defineTable({}),
  notes: defineTable({ text: v.string() }).index("by_text", ["text"]),
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
        # Functions come with the next deploy, as nothing of them is in the file.
        with pytest.raises(FunctionError, match="Could not find public function"):
            convex.query("notes:find", {"text": "a"})
        convex.deploy(folder)
        assert convex.query("notes:find", {"text": "a"}) == 1.0
        assert convex.query("notes:find", {"text": "before"}) == 1.0
        assert convex.run(
            lambda ctx: [document["_id"] for table in ("notes", "empty") for document in ctx.db.query(table)]
        )[1:] == [note, empty]


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

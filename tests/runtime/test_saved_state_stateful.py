"""Whatever was done to an emulator with a file, closing and reopening it changes nothing anybody can see."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import ConvexInt64, Crons, Emulator, ManualClock, internal_mutation
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.json_text import write_json

SCHEMA = define_schema(
    {
        "known": define_table(v.any())
        .index("by_n", ["n"])
        .index("by_nested", ["n.a", "text"])
        .search_index("by_text", search_field="text")
    }
)
INDEXES = ("by_id", "by_creation_time", "by_n", "by_nested")
TABLES = ("known", "other", "third")

values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(2**63), 2**63 - 1).map(ConvexInt64)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "", "c d"]), inner, max_size=2)
    ),
    max_leaves=5,
)
documents = st.fixed_dictionaries({}, optional={"n": values, "text": st.sampled_from(["red fox", "blue"]), "v": values})
tables = st.sampled_from(TABLES)
places = st.integers(0, 50)
steps = st.one_of(
    st.tuples(st.just("insert"), tables, documents),
    st.tuples(st.just("insert_many"), tables, st.lists(documents, max_size=4)),
    st.tuples(st.just("patch"), places, documents),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("fail"), tables, places),
    st.tuples(st.just("env"), st.sampled_from("AB"), st.none() | st.sampled_from(["", "1", "ü"])),
    st.tuples(st.just("schedule"), st.integers(0, 3)),
    st.tuples(st.just("advance"), st.integers(0, 2)),
    st.tuples(st.just("rollback"), tables, documents),
    st.tuples(st.just("snapshot")),
    st.tuples(st.just("restore")),
    st.tuples(st.just("crons"), st.integers(1, 3)),
    st.tuples(st.just("reopen")),
)
Step: TypeAlias = tuple[Any, ...]


def define(emulator: Emulator) -> None:
    emulator.define("job:run", internal_mutation(lambda ctx, args: ctx.db.insert("third", {"n": args.get("n")})))


def opened(path: Path, clock: ManualClock) -> Emulator:
    emulator = Emulator(SCHEMA, path=path, clock=clock)
    define(emulator)
    return emulator


def ids(ctx: MutationContext) -> list[str]:
    return [row["_id"] for table in TABLES for row in ctx.db.query(table).collect()]


def rows(emulator: Emulator, table: str, index: str) -> list[str]:
    def body(ctx: MutationContext) -> list[str]:
        query = ctx.db.query(table)
        found = query.with_index(index).collect() if table == "known" else query.collect()
        return [write_json(encode(row)) for row in found]

    return list(emulator.run(body))


def seen(emulator: Emulator) -> dict[str, Any]:
    """Everything that can be seen of an emulator; JSON tells NaN, -0, and the order of fields."""
    search = emulator.run(
        lambda ctx: [
            row["_id"]
            for row in ctx.db.query("known").with_search_index("by_text", lambda q: q.search("text", "fox")).collect()
        ]
    )
    return {
        "rows": {(table, index): rows(emulator, table, index) for table in TABLES for index in INDEXES},
        "numbers": {table: emulator._store.table_number(table) for table in TABLES},
        "search": search,
        "env": dict(emulator.env),
        "jobs": emulator.scheduler.all(),
        "pending": emulator.scheduler.pending(),
        "due": emulator.scheduler.next_due_ms(),
        "crons": repr(emulator.scheduler.crons.by_id),
    }


class Run:
    """One example: an emulator and its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = ManualClock()
        self.emulator = opened(path, self.clock)
        self.snapshot = self.emulator.snapshot()

    def reopen(self) -> None:
        before = seen(self.emulator)
        self.emulator.close()
        self.emulator = opened(self.path, self.clock)
        after = seen(self.emulator)
        assert after == before

    def do(self, step: Step) -> None:
        getattr(self, f"do_{step[0]}", self.reopen)(*step[1:])

    def do_insert(self, table: str, document: dict[str, Any]) -> None:
        self.emulator.run(lambda ctx: ctx.db.insert(table, document))

    def do_insert_many(self, table: str, many: list[dict[str, Any]]) -> None:
        self.emulator.run(lambda ctx: [ctx.db.insert(table, document) for document in many])

    def do_patch(self, place: int, document: dict[str, Any]) -> None:
        self._change(place, lambda ctx, found: ctx.db.patch(found, document))

    def do_delete(self, place: int) -> None:
        self._change(place, lambda ctx, found: ctx.db.delete(found))

    def do_fail(self, table: str, place: int) -> None:
        def body(ctx: MutationContext) -> None:
            ctx.db.insert(table, {})
            for found in ids(ctx)[place : place + 1]:
                ctx.db.delete(found)
            raise LookupError

        try:
            self.emulator.run(body)
        except LookupError:
            return

    def _change(self, place: int, change: Any) -> None:
        def body(ctx: MutationContext) -> None:
            for found in ids(ctx)[place : place + 1]:
                change(ctx, found)

        self.emulator.run(body)

    def do_env(self, name: str, value: str | None) -> None:
        if value is None:
            self.emulator.env.pop(name, None)
        else:
            self.emulator.env[name] = value

    def do_schedule(self, seconds: int) -> None:
        self.emulator.run(lambda ctx: ctx.scheduler.run_after(1000 * seconds, "job:run", {"n": seconds}))

    def do_advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    def do_rollback(self, table: str, document: dict[str, Any]) -> None:
        with self.emulator.rollback():
            self.do_insert(table, document)
            self.do_delete(0)
            self.do_schedule(0)
            self.emulator.env["R"] = "1"

    def do_snapshot(self) -> None:
        self.snapshot = self.emulator.snapshot()

    def do_restore(self) -> None:
        self.emulator.restore(self.snapshot)

    def do_crons(self, seconds: int) -> None:
        crons = Crons()
        crons.interval("cron", "job:run", seconds=seconds)
        self.emulator.define_crons(crons)


@settings(max_examples=60)
@given(program=st.lists(steps, max_size=12))
def test_reopening_changes_nothing(program: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "data.db")
        try:
            for step in program:
                run.do(step)
            run.reopen()
        finally:
            run.emulator.close()

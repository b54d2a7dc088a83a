"""`Emulator(path=…)`: everything is there again when it is reopened, nothing half of it, and a full disk undoes all."""

import gc
import json
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import (
    ConvexInt64,
    Emulator,
    EmulatorError,
    ManualClock,
    action,
    internal_mutation,
    mutation,
    query,
)
from convex_mastra_emulator.errors import DataFileRefused, DataNotWritten, DeploymentError, ErrorKind
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import rows_of
from tests.database.test_persistence import failing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


@pytest.fixture
def disk(path: Path, clock: ManualClock) -> Iterator[Emulator]:
    """An emulator with a file."""
    with Emulator(path=path, clock=clock) as emulator:
        yield emulator


def insert(emulator: Emulator, n: int = 0, table: str = "notes") -> str:
    return str(emulator.run(lambda ctx: ctx.db.insert(table, {"n": n})))


def delete_all(emulator: Emulator, table: str) -> None:
    def body(ctx: MutationContext) -> None:
        for row in ctx.db.query(table).collect():
            ctx.db.delete(row["_id"])

    emulator.run(body)


def numbers(emulator: Emulator) -> list[Any]:
    return [row["n"] for row in rows_of(emulator, "notes")]


@contextmanager
def reopened(emulator: Emulator, path: Path, **options: Any) -> Iterator[Emulator]:
    """The file as another emulator sees it."""
    emulator.close()
    with Emulator(path=path, clock=emulator.clock, **options) as again:
        yield again


@contextmanager
def full_disk(emulator: Emulator) -> Iterator[None]:
    """While this runs, nothing can be committed."""
    file = emulator._executor.file
    assert file is not None
    with failing(file, "COMMIT", sqlite3.OperationalError("database or disk is full")):
        yield


# Documents


def test_values_come_back_exactly(disk: Emulator, path: Path) -> None:
    value = {
        "int64": ConvexInt64(-(2**63)),
        "bytes": b"\x00\xff",
        "negativeZero": -0.0,
        "numbers": [0.0, -0.0, 1.5, float("inf")],
        "vector": [0.1] * 5,
        "text": 'a\x00"\\\U0001f600',
        "b": {"z": None, "a": True, "": []},
    }
    disk.run(lambda ctx: ctx.db.insert("notes", value))
    (before,) = rows_of(disk, "notes")

    with reopened(disk, path) as again:
        (after,) = rows_of(again, "notes")

    assert repr(after) == repr(before)  # which tells -0.0 from 0.0, and shows the order of fields


def test_changes_and_deletes_come_back(disk: Emulator, path: Path) -> None:
    first, second = insert(disk, 1), insert(disk, 2)
    insert(disk, 3)
    disk.run(lambda ctx: ctx.db.patch(first, {"n": 5}))
    disk.run(lambda ctx: ctx.db.delete(second))

    with reopened(disk, path) as again:
        assert numbers(again) == [5.0, 3.0]


def test_what_comes_and_goes_in_one_transaction_is_not_there(disk: Emulator, path: Path) -> None:
    def body(ctx: MutationContext) -> None:
        ctx.db.delete(ctx.db.insert("notes", {}))
        ctx.db.insert("notes", {"n": 1})

    disk.run(body)

    with reopened(disk, path) as again:
        assert numbers(again) == [1.0]


def test_failed_mutations_leave_nothing_in_the_file(disk: Emulator, path: Path) -> None:
    def body(ctx: MutationContext) -> None:
        ctx.db.insert("notes", {"n": 1})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        disk.run(body)

    with reopened(disk, path) as again:
        assert again.table_counts() == {}


# Table numbers are part of ids: without them an id of a table would become one of another.
def test_tables_keep_their_numbers(disk: Emulator, path: Path) -> None:
    insert(disk, table="first")
    document_id = insert(disk, table="second")
    delete_all(disk, "first")
    before = disk._store.table_number("first")

    with reopened(disk, path) as again:
        assert again._store.table_number("first") == before
        assert again.run(lambda ctx: ctx.db.normalize_id("second", document_id)) == document_id
        assert again.run(lambda ctx: ctx.db.get(document_id)) is not None


def test_time_goes_on_behind_what_was_written(path: Path) -> None:
    with Emulator(path=path, clock=ManualClock(2_000_000_000)) as emulator:
        insert(emulator, 1)
        before_ns = emulator.timestamp_ns()

    with Emulator(path=path, clock=ManualClock(1_000_000_000)) as again:
        insert(again, 2)

        assert again.timestamp_ns() >= before_ns
        assert numbers(again) == [1.0, 2.0]
        first, second = rows_of(again, "notes")
        assert second["_creationTime"] > first["_creationTime"]


def test_a_higher_limit_of_nesting_can_be_read_back_with_a_lower_one(path: Path) -> None:
    deep: Any = []
    for _ in range(12):
        deep = [deep]
    with Emulator(path=path) as emulator:
        emulator.run(lambda ctx: ctx.db.insert("notes", {"n": deep}))

    lower = Emulator().limits.lowered({"value_nesting_max": 3, "value_size_max": 10})
    with Emulator(path=path, limits=lower) as again:
        assert again.table_counts() == {"notes": 1}


# Bytes of stored files stand beside their documents.
def test_stored_files_come_back(disk: Emulator, path: Path) -> None:
    disk.define("a:store", action(lambda ctx, args: ctx.storage.store(b"\x00file", content_type="image/png")))
    disk.define("a:url", query(lambda ctx, args: ctx.storage.get_url(args["id"])))
    file_id = disk.action("a:store")
    url = disk.query("a:url", {"id": file_id})

    with reopened(disk, path) as again:
        again.define("a:url", query(lambda ctx, args: ctx.storage.get_url(args["id"])))
        assert again.query("a:url", {"id": file_id}) == url
        assert again.download(url).body == b"\x00file"


def test_loading_tells_how_far_it_is(disk: Emulator, path: Path) -> None:
    disk.run(lambda ctx: [ctx.db.insert("notes", {}) for _ in range(1200)])
    told: list[tuple[int, int]] = []

    with reopened(disk, path, load_progress=lambda done, total: told.append((done, total))):
        assert told == [(500, 1200), (1000, 1200), (1200, 1200)]


# Whoever watches must not see what may be lost.
def test_subscribers_are_told_when_it_is_in_the_file(disk: Emulator, path: Path) -> None:
    disk.define("s:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    outcome = disk.call("s:count", python_arguments({}), FunctionKind.QUERY, ADMIN)
    assert outcome.read_set is not None
    seen: list[int] = []

    def look() -> None:
        file = disk._executor.file
        assert file is not None
        seen.append(len(list(file.documents())))

    disk.watch(Subscription(outcome.read_set, look))
    insert(disk)

    assert seen == [1]


# Variables


def test_variables_come_back(disk: Emulator, path: Path) -> None:
    disk.env["A"] = "1"
    disk.env.update({"B": "2", "C": "ü\x00"})
    del disk.env["A"]

    with reopened(disk, path) as again:
        assert again.env == {"B": "2", "C": "ü\x00"}


# Rollback, snapshots, imports


def test_rollback_is_undone_in_the_file(disk: Emulator, path: Path) -> None:
    first = insert(disk, 1)
    disk.env["A"] = "1"
    with disk.rollback():
        insert(disk, 2)
        insert(disk, 3, table="later")
        disk.run(lambda ctx: ctx.db.delete(first))
        disk.env["A"] = "2"

    with reopened(disk, path) as again:
        assert again.table_counts() == {"notes": 1}
        assert again._store.table_number("later") is None
        assert again.env == {"A": "1"}
        assert numbers(again) == [1.0]


# A crash inside of a rollback keeps what was answered.
def test_what_a_rollback_has_not_undone_yet_is_in_the_file(disk: Emulator, path: Path) -> None:
    with disk.rollback():
        insert(disk, 1)
        disk.close()

    with reopened(disk, path) as again:
        assert numbers(again) == [1.0]


def test_a_rollback_that_cannot_be_written_undoes_nothing(disk: Emulator, path: Path) -> None:
    disk.env["A"] = "1"

    def written() -> None:
        with disk.rollback():
            insert(disk, 1)
            disk.env["A"] = "2"
            disk.define("a:b", query(lambda ctx, args: None))
            file = disk._executor.file
            assert file is not None
            file._connection.execute("PRAGMA query_only = 1")

    with pytest.raises(DataNotWritten):
        written()
    file = disk._executor.file
    assert file is not None
    file._connection.execute("PRAGMA query_only = 0")

    assert numbers(disk) == [1.0]
    assert disk.env == {"A": "2"}
    assert "a:b" in disk.function_paths()
    with reopened(disk, path) as again:
        assert (numbers(again), dict(again.env)) == ([1.0], {"A": "2"})


def test_a_restored_snapshot_is_in_the_file(disk: Emulator, path: Path) -> None:
    insert(disk, 1)
    disk.env["A"] = "1"
    snapshot = disk.snapshot()
    insert(disk, 2)
    insert(disk, 3, table="later")
    disk.env.clear()

    disk.restore(snapshot)

    with reopened(disk, path) as again:
        assert (numbers(again), dict(again.env)) == ([1.0], {"A": "1"})
        assert again._store.table_number("later") is None


def test_restoring_variables_alone_is_in_the_file(disk: Emulator, path: Path) -> None:
    snapshot = disk.snapshot()
    disk.env["A"] = "1"

    disk.restore(snapshot)

    with reopened(disk, path) as again:
        assert again.env == {}


def test_a_restoring_that_cannot_be_written_changes_nothing(disk: Emulator) -> None:
    snapshot = disk.snapshot()
    insert(disk, 1)
    disk.env["A"] = "1"

    with full_disk(disk), pytest.raises(DataNotWritten):
        disk.restore(snapshot)

    assert (numbers(disk), dict(disk.env)) == ([1.0], {"A": "1"})


def test_a_clone_is_in_memory(disk: Emulator, path: Path) -> None:
    insert(disk, 1)
    clone = disk.clone()

    insert(clone, 2)
    disk.close()
    insert(clone, 3)

    assert numbers(clone) == [1.0, 2.0, 3.0]
    with reopened(disk, path) as again:
        assert numbers(again) == [1.0]


def test_imports_are_in_the_file(disk: Emulator, path: Path, tmp_path: Path) -> None:
    rows = tmp_path / "notes.jsonl"
    rows.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(3000)), encoding="utf-8")
    disk.import_table("notes", rows)

    with reopened(disk, path) as again:
        assert numbers(again) == [float(n) for n in range(3000)]


# With "replace-all" tables may exchange their numbers.
def test_an_import_that_renumbers_tables_is_in_the_file(disk: Emulator, path: Path, tmp_path: Path) -> None:
    other = Emulator()
    insert(other, 1, table="b")
    insert(other, 2, table="a")
    other.export_zip(tmp_path / "export.zip")
    insert(disk, 3, table="a")
    insert(disk, 4, table="b")

    disk.import_zip(tmp_path / "export.zip", mode="replace-all")

    with reopened(disk, path) as again:
        assert again.table_counts() == {"a": 1, "b": 1}
        for name in ("a", "b"):
            assert rows_of(again, name) == rows_of(other, name)
            assert again._store.table_number(name) == other._store.table_number(name)


# Disks that fail


def test_a_mutation_that_cannot_be_written_is_undone_and_the_next_one_works(disk: Emulator, path: Path) -> None:
    disk.define("n:add", mutation(lambda ctx, args: ctx.db.insert("notes", dict(args))))
    insert(disk, 1)

    with full_disk(disk), pytest.raises(DeploymentError, match="database or disk is full") as caught:
        disk.mutation("n:add", {"n": 2})
    assert caught.value.kind is ErrorKind.INTERNAL
    assert numbers(disk) == [1.0]
    disk.mutation("n:add", {"n": 3})

    with reopened(disk, path) as again:
        assert numbers(again) == [1.0, 3.0]


# SQLite itself runs out of room: half of the rows were written when it did.
def test_a_file_that_may_not_grow_undoes_the_whole_transaction(disk: Emulator, path: Path) -> None:
    insert(disk, 1)
    file = disk._executor.file
    assert file is not None
    file._connection.execute("PRAGMA max_page_count = 40")

    with pytest.raises(DataNotWritten, match="database or disk is full"):
        disk.run(lambda ctx: [ctx.db.insert("notes", {"n": n, "text": "x" * 5000}) for n in range(100)])
    assert numbers(disk) == [1.0]
    insert(disk, 2)

    with reopened(disk, path) as again:
        assert numbers(again) == [1.0, 2.0]


def test_subscribers_hear_nothing_of_what_could_not_be_written(disk: Emulator) -> None:
    disk.define("s:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    outcome = disk.call("s:count", python_arguments({}), FunctionKind.QUERY, ADMIN)
    assert outcome.read_set is not None
    told: list[str] = []
    disk.watch(Subscription(outcome.read_set, lambda: told.append("told")))

    with full_disk(disk), pytest.raises(DataNotWritten):
        insert(disk)

    assert told == []


def test_a_table_that_could_not_be_written_is_not_there(disk: Emulator) -> None:
    with full_disk(disk), pytest.raises(DataNotWritten):
        insert(disk)

    assert disk._store.table_number("notes") is None


def test_variables_that_cannot_be_written_stay(disk: Emulator) -> None:
    disk.env["A"] = "1"

    with full_disk(disk), pytest.raises(DataNotWritten):
        disk.env.update(A="2", B="3")

    assert disk.env == {"A": "1"}


def test_queries_need_no_disk(disk: Emulator) -> None:
    insert(disk, 1)

    with full_disk(disk):
        assert numbers(disk) == [1.0]


# Schemas

STRICT = define_schema({"notes": define_table({"n": v.number()}).index("by_n", ["n"])})


def test_a_new_schema_keeps_numbers_and_gets_its_indexes(disk: Emulator, path: Path) -> None:
    for n in (3, 1, 2):
        insert(disk, n)
    number = disk._store.table_number("notes")

    with reopened(disk, path, schema=STRICT) as again:
        assert again._store.table_number("notes") == number
        found = again.run(lambda ctx: ctx.db.query("notes").with_index("by_n", lambda q: q.gte("n", 2)).collect())
        assert [row["n"] for row in found] == [2.0, 3.0]


def test_new_tables_of_a_schema_get_free_numbers_and_keep_them(disk: Emulator, path: Path) -> None:
    insert(disk)
    notes = disk._store.table_number("notes")
    schema = define_schema({"a": define_table(v.any()), "notes": define_table(v.any())})
    with reopened(disk, path, schema=schema) as again:
        first = again._store.table_number("a")
        document_id = insert(again, 7, table="a")

    swapped = define_schema({"notes": define_table(v.any()), "b": define_table(v.any()), "a": define_table(v.any())})
    with Emulator(swapped, path=path) as third:
        assert (third._store.table_number("notes"), third._store.table_number("a")) == (notes, first)
        assert third._store.table_number("b") not in (notes, first)
        assert third.run(lambda ctx: ctx.db.get(document_id))["n"] == 7.0


def test_documents_that_do_not_match_a_new_schema_are_refused_and_stay(disk: Emulator, path: Path) -> None:
    document_id = insert(disk, 1)
    disk.run(lambda ctx: ctx.db.patch(document_id, {"n": "one"}))
    disk.close()
    before = path.read_bytes()

    with pytest.raises(DataFileRefused) as refused:
        Emulator(STRICT, path=path)

    assert str(refused.value) == (
        f'{path}: Document with ID "{document_id}" in table "notes" does not match the schema: '
        'Value does not match validator.\nPath: .n\nValue: "one"\nValidator: v.float64()'
    )
    assert path.read_bytes() == before
    with Emulator(path=path) as again:
        assert numbers(again) == ["one"]


def test_a_schema_that_checks_nothing_takes_everything(disk: Emulator, path: Path) -> None:
    insert(disk, 1)
    schema = define_schema({"notes": define_table({"other": v.string()})}, schema_validation=False)

    with reopened(disk, path, schema=schema) as again:
        assert numbers(again) == [1.0]


# Open and close


def test_a_second_emulator_is_refused(disk: Emulator, path: Path) -> None:
    insert(disk, 1)

    with pytest.raises(DataFileRefused, match=r"data\.db: another emulator has this file open; close it first"):
        Emulator(path=path)

    assert insert(disk, 2)


def test_a_refused_file_can_be_opened_afterwards(disk: Emulator, path: Path) -> None:
    insert(disk, 1)
    disk.close()
    with pytest.raises(DataFileRefused, match="does not match the schema"):
        Emulator(define_schema({"notes": define_table({})}), path=path)

    with Emulator(path=path) as again:
        assert numbers(again) == [1.0]


def test_calls_after_the_end_are_refused(disk: Emulator) -> None:
    disk.define("a:act", action(lambda ctx, args: None))
    disk.define("a:query", query(lambda ctx, args: None))
    snapshot = disk.snapshot()
    disk.close()
    disk.close()

    for call in (
        lambda: insert(disk),
        lambda: disk.query("a:query"),
        lambda: disk.action("a:act"),
        disk.snapshot,
        disk.clone,
        lambda: disk.restore(snapshot),
        lambda: disk.rollback().__enter__(),
    ):
        with pytest.raises(EmulatorError, match=r"this emulator is closed; its data is in .*data\.db"):
            call()
    with pytest.raises(EmulatorError, match=r"this emulator is closed; its data is in"):
        disk.env["A"] = "1"


def test_closing_inside_a_function_is_refused(disk: Emulator) -> None:
    with pytest.raises(EmulatorError, match="a function of this emulator is already running"):
        disk.run(lambda ctx: disk.close())

    assert insert(disk)


def test_an_emulator_in_memory_needs_no_closing(emulator: Emulator) -> None:
    emulator.close()

    assert insert(emulator)


@pytest.mark.filterwarnings("error")
def test_an_emulator_nobody_closed_leaves_no_warning_and_gives_the_file_free(path: Path) -> None:
    emulator = Emulator(path=path)
    insert(emulator, 1)
    del emulator
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()

    with Emulator(path=path) as again:
        assert numbers(again) == [1.0]


def test_a_document_of_no_table_is_told(disk: Emulator, path: Path) -> None:
    insert(disk)
    disk.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM tables WHERE name = 'notes'")
    connection.close()

    with pytest.raises(DataFileRefused, match=r"data\.db: the file is damaged: document \".*\" belongs to no table"):
        Emulator(path=path)


@pytest.mark.parametrize("value", ["{", '{"_id":{"$integer":"AA"}}'])
def test_a_document_that_cannot_be_read_is_told(disk: Emulator, path: Path, value: str) -> None:
    insert(disk)
    disk.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE documents SET value = ?", (value,))
    connection.close()

    with pytest.raises(DataFileRefused, match=r"data\.db: the file is damaged: document \""):
        Emulator(path=path)


# Scheduled functions


def test_scheduled_functions_wait_through_a_reopening(disk: Emulator, path: Path, clock: ManualClock) -> None:
    add = internal_mutation(lambda ctx, args: ctx.db.insert("notes", dict(args)))
    disk.define("n:add", add)
    disk.run(lambda ctx: ctx.scheduler.run_after(5000, "n:add", {"n": 1}))
    disk.run(lambda ctx: ctx.scheduler.run_after(0, "n:add", {"n": 2}))
    disk.scheduler.run_due()

    with reopened(disk, path) as again:
        again.define("n:add", add)
        assert [job.state for job in again.scheduler.all()] == ["pending", "success"]
        clock.advance(5)
        assert [job.state for job in again.scheduler.all()] == ["success", "success"]
        assert numbers(again) == [2.0, 1.0]


def test_finished_jobs_are_forgotten_in_their_time(disk: Emulator, path: Path, clock: ManualClock) -> None:
    disk.define("n:none", internal_mutation(lambda ctx, args: None))
    disk.run(lambda ctx: ctx.scheduler.run_after(0, "n:none"))
    disk.scheduler.run_due()

    with reopened(disk, path) as again:
        clock.advance(7 * 24 * 3600)
        assert len(again.scheduler.all()) == 1
        clock.advance(1)
        assert again.scheduler.all() == []


def cut_short(emulator: Emulator) -> None:
    """Leaves an action in progress, as a process does that dies in it."""

    def die(ctx: Any, args: Any) -> None:
        raise KeyboardInterrupt

    emulator.define("n:die", action(die))
    emulator.run(lambda ctx: ctx.scheduler.run_after(0, "n:die"))
    with pytest.raises(KeyboardInterrupt):
        emulator.scheduler.run_due()


def states(emulator: Emulator) -> list[tuple[str, str | None]]:
    return [(job.state, job.error) for job in emulator.scheduler.all()]


INTERRUPTED = ("failed", "Transient error while executing action")


# crates/application/src/scheduled_jobs/mod.rs: an action is begun once at most.
def test_actions_in_progress_have_failed_when_the_file_is_reopened(disk: Emulator, path: Path) -> None:
    cut_short(disk)
    assert states(disk) == [("inProgress", None)]

    with reopened(disk, path) as again:
        assert states(again) == [INTERRUPTED]
        (row,) = again.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())
        assert row["completedTime"] > row["scheduledTime"]


def test_actions_in_progress_have_failed_in_a_clone(emulator: Emulator) -> None:
    cut_short(emulator)

    assert states(emulator.clone()) == [INTERRUPTED]


def test_actions_in_progress_have_failed_in_a_restored_snapshot(emulator: Emulator) -> None:
    cut_short(emulator)
    snapshot = emulator.snapshot()

    emulator.restore(snapshot)

    assert states(emulator) == [INTERRUPTED]


def test_what_was_cut_short_has_failed_when_something_is_next_run(emulator: Emulator) -> None:
    cut_short(emulator)

    emulator.scheduler.run_due()

    assert states(emulator) == [INTERRUPTED]


# One that runs here goes on: restoring is no crash.
def test_an_action_that_runs_stays_in_progress_through_a_restoring(emulator: Emulator) -> None:
    seen: list[list[tuple[str, str | None]]] = []

    def act(ctx: Any, args: Any) -> None:
        emulator.restore(emulator.snapshot())
        seen.append(states(emulator))

    emulator.define("n:act", action(act))
    emulator.run(lambda ctx: ctx.scheduler.run_after(0, "n:act"))

    emulator.scheduler.run_due()

    assert seen == [[("inProgress", None)]]
    assert states(emulator) == [("success", None)]


# The state an action ended in could not be written; it is not begun again.
def test_an_action_whose_end_could_not_be_written_is_not_run_again(disk: Emulator) -> None:
    runs: list[int] = []
    held: list[Any] = []

    def act(ctx: Any, args: Any) -> None:
        runs.append(1)
        held.append(full_disk(disk))
        held[0].__enter__()

    disk.define("n:act", action(act))
    disk.run(lambda ctx: ctx.scheduler.run_after(0, "n:act"))
    with pytest.raises(DataNotWritten):
        disk.scheduler.run_due()
    held[0].__exit__(None, None, None)

    disk.scheduler.run_due()

    assert runs == [1]
    assert states(disk) == [INTERRUPTED]

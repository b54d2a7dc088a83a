"""Imports while others go on: rows are checked without the lock, and again when what they were held against changed."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.data import ImportMode, ImportRefused
from convex_mastra_emulator.data.files import read_zip
from convex_mastra_emulator.data.table_import import import_tables
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import export_of, id_of, rows_of

SCHEMA = define_schema({"notes": define_table(v.any()), "users": define_table(v.any())})


class Meanwhile:
    """Does something each time a table has been checked, as another thread may."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do
        self.told: list[tuple[str, int, bool]] = []
        self.commits = 0

    def table(self, name: str, count: int, *, is_done: bool) -> None:
        self.told.append((name, count, is_done))
        if is_done:
            self._do()

    def commit(self, transaction: Transaction) -> None:
        self.commits += 1


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(SCHEMA, seed=1, clock=ManualClock())


def run_import(
    emulator: Emulator, tables: dict[str, list[Any]], mode: ImportMode, do: Callable[[], object] = lambda: None
) -> Meanwhile:
    watcher = Meanwhile(do)
    import_tables(emulator._executor, read_zip(export_of({}, tables)), mode=mode, watcher=watcher)
    return watcher


def once(do: Callable[[], object]) -> Callable[[], object]:
    left = [do]
    return lambda: left.pop()() if left else None


def insert(emulator: Emulator, table: str, **fields: Any) -> Callable[[], object]:
    return lambda: emulator.run(lambda ctx: ctx.db.insert(table, fields))


def test_tables_are_told_of_in_the_order_of_the_file(emulator: Emulator) -> None:
    watcher = run_import(emulator, {"users": [{}, {}], "notes": [{}]}, "append")

    assert watcher.told == [("users", 0, False), ("users", 2, True), ("notes", 0, False), ("notes", 1, True)]
    assert watcher.commits == 1


def test_a_table_with_a_bad_row_is_not_told_of_as_done(emulator: Emulator) -> None:
    watcher = Meanwhile(lambda: None)

    tables = read_zip(export_of({}, {"users": [{}], "notes": [{"_bad": 1}]}))

    with pytest.raises(ImportRefused):
        import_tables(emulator._executor, tables, watcher=watcher)

    assert [name for name, _, is_done in watcher.told if is_done] == ["users"]


def test_what_others_write_into_other_tables_stays(emulator: Emulator) -> None:
    watcher = run_import(emulator, {"notes": [{"n": 1}]}, "replace", insert(emulator, "users"))

    assert emulator.table_counts() == {"notes": 1, "users": 1}
    assert len(watcher.told) == 2


# A deployment puts a whole table in the place of the one that is there when the import ends.
def test_what_others_write_into_a_replaced_table_goes(emulator: Emulator) -> None:
    run_import(emulator, {"notes": [{"n": 1.0}]}, "replace", insert(emulator, "notes", n=2.0))

    assert [row["n"] for row in rows_of(emulator, "notes")] == [1.0]


def test_what_others_write_is_appended_to(emulator: Emulator) -> None:
    run_import(emulator, {"notes": [{"n": 1.0}]}, "append", insert(emulator, "notes", n=2.0))

    assert sorted(row["n"] for row in rows_of(emulator, "notes")) == [1.0, 2.0]


# The table was empty when the import began; that it is not any more must not be lost.
def test_a_table_that_fills_meanwhile_is_no_longer_empty(emulator: Emulator) -> None:
    with pytest.raises(ImportRefused, match="Table notes already exists"):
        run_import(emulator, {"notes": [{"n": 1.0}]}, "require-empty", insert(emulator, "notes", n=2.0))

    assert [row["n"] for row in rows_of(emulator, "notes")] == [2.0]


# Somebody has made a table meanwhile, which got the number the import had in mind for its own.
def test_a_number_that_is_taken_meanwhile_is_not_used_twice(emulator: Emulator) -> None:
    watcher = run_import(emulator, {"new": [{"n": 1.0}]}, "append", once(insert(emulator, "other")))

    assert emulator.table_counts() == {"new": 1, "other": 1}
    assert [is_done for _, _, is_done in watcher.told].count(True) == 2
    [new], [other] = rows_of(emulator, "new"), rows_of(emulator, "other")
    found = emulator.run(lambda ctx: [ctx.db.get(new["_id"]), ctx.db.get(other["_id"])])
    assert found == [new, other]


# Another import has brought the same document meanwhile.
def test_an_id_that_comes_meanwhile_is_a_duplicate(emulator: Emulator) -> None:
    rows = {"notes": [{"_id": id_of(10001, 1), "n": 1.0}]}

    with pytest.raises(ImportRefused, match="duplicate _id fields"):
        run_import(emulator, rows, "append", once(lambda: run_import(emulator, rows, "append")))

    assert len(rows_of(emulator, "notes")) == 1


# Somebody who makes a table each time must not keep an import waiting for ever.
def test_an_import_that_is_disturbed_again_and_again_makes_the_others_wait(emulator: Emulator) -> None:
    names = iter(f"table_{n}" for n in range(100))
    refused: list[str] = []

    def disturb() -> None:
        try:
            insert(emulator, next(names))()
        except Exception as error:
            refused.append(str(error))

    watcher = run_import(emulator, {"new": [{"n": 1.0}]}, "append", disturb)

    assert emulator.table_counts() == {"new": 1, "table_0": 1, "table_1": 1, "table_2": 1}
    assert watcher.told.count(("new", 1, True)) == 4
    assert len(refused) == 1  # it was in the same thread; another one would wait
    assert "already running" in refused[0]


# Rows without a creation time get one each; what is created later comes behind them.
def test_creation_times_go_on_behind_those_of_an_import(emulator: Emulator) -> None:
    run_import(emulator, {"notes": [{"n": float(n)} for n in range(1000)]}, "append")

    insert(emulator, "notes", n=1000.0)()

    assert [row["n"] for row in rows_of(emulator, "notes")] == [float(n) for n in range(1001)]
    times = [row["_creationTime"] for row in rows_of(emulator, "notes")]
    assert len(set(times)) == 1001


def test_a_watcher_that_raises_at_the_commit_undoes_everything(emulator: Emulator) -> None:
    class Refusing(Meanwhile):
        def commit(self, transaction: Transaction) -> None:
            raise KeyboardInterrupt

    tables = read_zip(export_of({}, {"notes": [{"n": 1.0}]}))

    with pytest.raises(KeyboardInterrupt):
        import_tables(emulator._executor, tables, watcher=Refusing(lambda: None))

    assert emulator.table_counts() == {}


def test_an_import_from_bytes_is_as_from_a_file(emulator: Emulator) -> None:
    file = io.BytesIO(b'{"n": 1}\n')

    emulator.import_table("notes", file, format="jsonLines")

    assert [row["n"] for row in rows_of(emulator, "notes")] == [1.0]

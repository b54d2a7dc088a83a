"""Imports as a whole: the four modes, all or nothing, rows left out, what they are told while it runs."""

import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, EmulatorError, Limits, ManualClock, query
from convex_mastra_emulator.data import BadRow, ImportMode, ImportRefused, ImportResult
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.schema.validators import Validator
from tests.data_files.exports import export_of, id_of, lines_of, rows_of

SCHEMA = define_schema({"notes": define_table({"n": v.float64()}).index("by_n", ["n"]), "users": define_table(v.any())})


@pytest.fixture
def emulator() -> Emulator:
    """One note, 1, one user, and one document in a table the schema does not know."""
    emulator = Emulator(SCHEMA, seed=1, clock=ManualClock())
    emulator.run(lambda ctx: ctx.db.insert("notes", {"n": 1}))
    emulator.run(lambda ctx: ctx.db.insert("users", {}))
    emulator.run(lambda ctx: ctx.db.insert("extra", {}))
    return emulator


def import_notes(emulator: Emulator, rows: list[Any], **options: Any) -> ImportResult:
    return emulator.import_table("notes", io.BytesIO(lines_of(rows).encode()), format="jsonLines", **options)


def by_n(emulator: Emulator) -> list[float]:
    found: list[float] = emulator.run(
        lambda ctx: [row["n"] for row in ctx.db.query("notes").with_index("by_n").collect()]
    )
    return found


# Modes


def test_append_adds_to_what_is_there(emulator: Emulator) -> None:
    result = import_notes(emulator, [{"n": 3}, {"n": 0}], mode="append")

    assert by_n(emulator) == [0.0, 1.0, 3.0]
    assert result == ImportResult({"notes": 2}, deleted=0)


def test_replace_puts_rows_in_the_place_of_what_was_there(emulator: Emulator) -> None:
    result = import_notes(emulator, [{"n": 3}, {"n": 0}], mode="replace")

    assert by_n(emulator) == [0.0, 3.0]
    assert emulator.table_counts() == {"extra": 1, "notes": 2, "users": 1}
    assert result == ImportResult({"notes": 2}, deleted=1)


def test_replace_all_empties_tables_of_the_schema_and_removes_others(emulator: Emulator) -> None:
    result = import_notes(emulator, [{"n": 3}], mode="replace-all")

    assert emulator.table_counts() == {"notes": 1}
    assert emulator.run(lambda ctx: ctx.db.normalize_id("extra", id_of(10003, 1))) is None
    assert emulator.run(lambda ctx: ctx.db.normalize_id("users", id_of(10002, 1))) is not None
    assert result.deleted == 3


# It is what `npx convex import` does when nothing is said.
def test_a_table_with_documents_is_refused_unless_said_otherwise(emulator: Emulator) -> None:
    with pytest.raises(ImportRefused) as refusal:
        import_notes(emulator, [{"n": 3}])

    assert refusal.value.code == "TableExists"
    assert str(refusal.value) == (
        "Hit an error while importing:\nTable notes already exists. Please choose a new table name or use "
        "replace/append modes."
    )
    assert by_n(emulator) == [1.0]


def test_an_empty_table_is_filled(emulator: Emulator) -> None:
    (there,) = rows_of(emulator, "notes")
    emulator.run(lambda ctx: ctx.db.delete(there["_id"]))

    import_notes(emulator, [{"n": 3}])

    assert by_n(emulator) == [3.0]


# `_tables` names tables that have no file; they are imported empty, and so replaced.
def test_a_table_that_is_only_declared_is_emptied_by_replace(emulator: Emulator) -> None:
    emulator.import_zip(export_of({"notes": 10001}, {}), mode="replace")

    assert emulator.table_counts() == {"extra": 1, "users": 1}


def test_an_unknown_mode_is_refused(emulator: Emulator) -> None:
    mode: Any = "replaceAll"

    with pytest.raises(ValueError, match="mode must be one of require-empty, append, replace, replace-all, got"):
        import_notes(emulator, [], mode=mode)


@pytest.mark.parametrize("name", ["_storage", "_tables", "a b", "", "___"])
def test_names_that_no_table_can_have_are_refused(emulator: Emulator, name: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        emulator.import_table(name, io.BytesIO(b""), format="csv")

    assert refusal.value.code == "InvalidTableName"


# System fields


def test_ids_and_creation_times_of_rows_are_kept(emulator: Emulator) -> None:
    import_notes(emulator, [{"_id": id_of(10001, 7), "_creationTime": 5.5, "n": 2}], mode="append")

    assert emulator.run(lambda ctx: ctx.db.get(id_of(10001, 7))) == {
        "_id": id_of(10001, 7),
        "_creationTime": 5.5,
        "n": 2.0,
    }


def test_rows_without_them_get_ids_and_growing_creation_times(emulator: Emulator) -> None:
    import_notes(emulator, [{"n": n} for n in range(5)], mode="replace")

    rows = rows_of(emulator, "notes")
    assert [row["n"] for row in rows] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len({row["_id"] for row in rows}) == 5
    assert len({row["_creationTime"] for row in rows}) == 5


# The seed gives the same ids to the emulator the export came from and to the one it goes to.
def test_documents_written_later_do_not_take_the_ids_of_imported_ones() -> None:
    source, target = Emulator(SCHEMA, seed=1, clock=ManualClock()), Emulator(SCHEMA, seed=1, clock=ManualClock())
    source.run(lambda ctx: [ctx.db.insert("notes", {"n": n}) for n in range(3)])
    file = io.BytesIO()
    source.export_zip(file)
    file.seek(0)
    target.import_zip(file)

    target.run(lambda ctx: ctx.db.insert("notes", {"n": 9}))

    assert by_n(target) == [0.0, 1.0, 2.0, 9.0]


# All or nothing

BAD_ROWS = [
    ({"n": "x"}, "SchemaEnforcementError", "n", "does not match the schema: Value does not match validator"),
    ({}, "SchemaEnforcementError", "n", "Object is missing the required field `n`"),
    ({"n": 1, "m": 2}, "SchemaEnforcementError", "m", "Object contains extra field `m`"),
    ({"n": 1, "_x": 2}, "InvalidDocumentError", "_x", "Field '_x' starts with an underscore"),
    ({"n": 1, "_id": "no id"}, "InvalidId", "_id", "invalid _id 'no id'"),
    ({"n": 1, "_id": 5}, "InvalidIdError", "_id", "doesn't match '_id' field 5.0"),
    ({"n": 1, "_id": id_of(10002, 1)}, "ImportConflict", "_id", "cannot be imported into 'notes' because it came from"),
    ({"n": 1, "_creationTime": -1}, "InvalidCreationTimeError", "_creationTime", "Invalid creation time -1.0"),
    ({"n": 1, "_creationTime": "x"}, "InvalidCreationTimeError", "_creationTime", "Provided creation time"),
    ({"n": 1, "é": 2}, "InvalidConvexValue", "é", "Field name é has invalid character"),
    ([], "InvalidConvexValue", None, "expected object, received []"),
]


@pytest.mark.parametrize(("row", "code", "field", "text"), BAD_ROWS, ids=lambda value: json.dumps(value)[:30])
def test_a_bad_row_is_named_and_nothing_is_imported(
    emulator: Emulator, row: Any, code: str, field: str | None, text: str
) -> None:
    with pytest.raises(ImportRefused) as refusal:
        import_notes(emulator, [{"n": 2}, row, {"n": 3}], mode="append")

    (bad,) = refusal.value.rows
    assert (bad.file, bad.line, bad.code, bad.field) == ("<file>", 2, code, field)
    assert text in bad.message
    assert refusal.value.code == code
    assert by_n(emulator) == [1.0]


@pytest.mark.parametrize(("row", "code", "field", "text"), BAD_ROWS, ids=lambda value: json.dumps(value)[:30])
def test_bad_rows_can_be_left_out(emulator: Emulator, row: Any, code: str, field: str | None, text: str) -> None:
    result = import_notes(emulator, [{"n": 2}, row, {"n": 3}], mode="append", skip_bad=True)

    assert by_n(emulator) == [1.0, 2.0, 3.0]
    assert [(bad.line, bad.code, bad.field) for bad in result.skipped] == [(2, code, field)]
    assert result.added == {"notes": 2}


# Of several members none is to blame for a document that fits none of them.
@pytest.mark.parametrize(
    ("validator", "field"),
    [
        (v.union(v.object({"n": v.float64()})), "n"),
        (v.union(v.object({"n": v.float64()}), v.object({"m": v.float64()})), None),
    ],
)
def test_a_field_is_named_where_one_is_to_blame(validator: Validator, field: str | None) -> None:
    emulator = Emulator(define_schema({"notes": define_table(validator)}))

    result = import_notes(emulator, [{"n": "x"}], skip_bad=True)

    assert [row.field for row in result.skipped] == [field]


# The first id says which number the table has; this one says nothing.
def test_a_first_row_with_a_bad_id_is_named(emulator: Emulator) -> None:
    result = import_notes(emulator, [{"_id": "no id", "n": 1}, {"n": 2}], mode="replace", skip_bad=True)

    assert [(row.line, row.code) for row in result.skipped] == [(1, "InvalidId")]
    assert by_n(emulator) == [2.0]


def test_an_id_twice_in_a_file_is_refused_the_second_time(emulator: Emulator) -> None:
    row = {"_id": id_of(10001, 7), "n": 2}

    result = import_notes(emulator, [row, {**row, "n": 3}], mode="append", skip_bad=True)

    assert by_n(emulator) == [1.0, 2.0]
    assert result.skipped == (
        BadRow("<file>", 2, 'Objects in table "notes" have duplicate _id fields', "DuplicateId", "_id"),
    )


def test_appending_an_id_that_is_there_is_refused(emulator: Emulator) -> None:
    (there,) = rows_of(emulator, "notes")

    with pytest.raises(ImportRefused) as refusal:
        import_notes(emulator, [{"_id": there["_id"], "n": 5}], mode="append")

    assert refusal.value.code == "DuplicateId"
    assert by_n(emulator) == [1.0]


# Replacing may bring the same document once more.
def test_replacing_may_bring_an_id_that_is_there(emulator: Emulator) -> None:
    (there,) = rows_of(emulator, "notes")

    import_notes(emulator, [{**there, "n": 5}], mode="replace")

    assert rows_of(emulator, "notes") == [{**there, "n": 5.0}]


# Faults of reading and of checking are found in two passes.
def test_bad_rows_are_named_from_the_top_and_only_the_first_twenty(emulator: Emulator) -> None:
    rows = [[] if n % 2 else {"n": "x"} for n in range(30)]

    with pytest.raises(ImportRefused) as refusal:
        import_notes(emulator, rows, mode="append")

    assert [row.line for row in refusal.value.rows] == list(range(1, 21))
    assert refusal.value.row_count == 30
    assert str(refusal.value).endswith("\n… and 10 more rows")


def test_twenty_bad_rows_are_all_named(emulator: Emulator) -> None:
    with pytest.raises(ImportRefused) as refusal:
        import_notes(emulator, [[]] * 20, mode="append")

    assert len(refusal.value.rows) == 20
    assert "more rows" not in str(refusal.value)


def test_one_bad_table_keeps_the_others_out(emulator: Emulator) -> None:
    file = export_of({"notes": 10001, "new": 10009}, {"new": [{}], "notes": [{"n": "x"}]})

    with pytest.raises(ImportRefused):
        emulator.import_zip(file, mode="replace-all")

    assert emulator.table_counts() == {"extra": 1, "notes": 1, "users": 1}
    assert emulator.run(lambda ctx: ctx.db.normalize_id("new", id_of(10009, 1))) is None


# Limits: those of documents count, those of transactions do not


def test_more_documents_than_a_transaction_may_write_are_imported() -> None:
    emulator = Emulator(SCHEMA, limits=Limits(documents_written_max=2, written_size_max=100))

    import_notes(emulator, [{"n": n} for n in range(10)])

    assert len(by_n(emulator)) == 10


@pytest.mark.parametrize(
    ("limits", "fits", "too_much", "text"),
    [
        # _id 38, _creationTime 23, "t" and its colon 2, the text's own 2, the object's 2, and the characters
        (Limits(document_size_max=167), {"t": "x" * 100}, {"t": "x" * 101}, "Value is too large"),
        (Limits(document_nesting_max=2), {"t": [1]}, {"t": [[1]]}, "Document is too nested"),
        (Limits(object_fields_max=3), {"t": 1}, {"t": 1, "u": 2}, "Object has too many fields"),
        (Limits(array_length_max=2), {"t": [1, 2]}, {"t": [1, 2, 3]}, "Array length is too long"),
        (Limits(value_nesting_max=2), {"t": [1]}, {"t": [[1]]}, "Value is too nested"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_limits_of_documents_count_on_both_sides(limits: Limits, fits: Any, too_much: Any, text: str) -> None:
    emulator = Emulator(SCHEMA, limits=limits)

    result = emulator.import_table(
        "users", io.BytesIO(lines_of([fits, too_much]).encode()), format="jsonLines", skip_bad=True
    )

    assert result.added == {"users": 1}
    assert [row.line for row in result.skipped] == [2]
    assert text in result.skipped[0].message


# What happens around it


def test_subscriptions_are_told_once(emulator: Emulator) -> None:
    emulator.define("n:all", query(lambda ctx, args: ctx.db.query("notes").with_index("by_n").collect()))
    outcome = emulator.call("n:all", python_arguments({}), FunctionKind.QUERY, ADMIN)
    told: list[str] = []
    assert outcome.read_set is not None
    emulator.watch(Subscription(outcome.read_set, lambda: told.append("told")))

    import_notes(emulator, [{"n": n} for n in range(3)], mode="append")

    assert told == ["told"]


def test_rollback_undoes_an_import(emulator: Emulator) -> None:
    with emulator.rollback():
        import_notes(emulator, [{"n": 5}], mode="replace-all")

    assert emulator.table_counts() == {"extra": 1, "notes": 1, "users": 1}
    assert by_n(emulator) == [1.0]


def test_an_import_inside_a_function_is_refused(emulator: Emulator) -> None:
    with pytest.raises(EmulatorError, match="a function of this emulator is already running"):
        emulator.run(lambda ctx: import_notes(emulator, [{"n": 5}], mode="append"))


def test_progress_counts_each_row_when_it_is_read_and_when_it_is_checked(emulator: Emulator) -> None:
    steps: list[tuple[int, int]] = []

    import_notes(
        emulator,
        [{"n": n} for n in range(600)],
        mode="append",
        progress=lambda done, total: steps.append((done, total)),
    )

    assert steps == [(500, 1200), (1000, 1200), (1200, 1200)]


def test_an_import_that_is_interrupted_leaves_nothing(emulator: Emulator) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_notes(emulator, [{"n": n} for n in range(600)], mode="append", progress=interrupt)

    assert by_n(emulator) == [1.0]


def seconds_of(action: Callable[[], Any]) -> float:
    """Time of this process alone: others may keep the machine busy."""
    start = time.process_time()
    action()
    return time.process_time() - start


# Whoever loads a copy of real data waits for it each time.
@pytest.mark.parametrize("mode", ["append", "replace"])
def test_fifty_thousand_rows_are_imported_in_seconds(emulator: Emulator, mode: ImportMode) -> None:
    data = "".join(f'{{"n":{n}}}\n' for n in range(50_000)).encode()

    seconds = seconds_of(lambda: emulator.import_table("notes", io.BytesIO(data), format="jsonLines", mode=mode))

    assert emulator.table_counts()["notes"] in (50_000, 50_001)
    assert seconds < 10

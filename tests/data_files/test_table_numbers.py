"""Which numbers tables get: from `_tables`, from their first id, their own, a fresh one; and what cannot be."""

from collections.abc import Mapping
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.data import ImportRefused
from convex_mastra_emulator.data.table_numbers import ImportMode, number_tables
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.schema import Schema, define_schema, define_table, v
from tests.data_files.exports import export_of, id_of, rows_of

SCHEMA = define_schema({"users": define_table(v.any()), "notes": define_table({"user": v.optional(v.id("users"))})})


def numbers(
    declared: Mapping[str, int],
    found: Mapping[str, int | None],
    mode: ImportMode = "require-empty",
    schema: Schema = SCHEMA,
) -> dict[str, int]:
    return dict(number_tables(Store(schema), declared, found, mode).imported)


def refusal(*args: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(ImportRefused) as refused:
        numbers(*args, **options)
    return refused.value.code, str(refused.value)


def test_declared_numbers_come_first() -> None:
    assert numbers({"notes": 10005}, {"notes": 10007}) == {"notes": 10005}


def test_without_a_declared_number_the_first_id_counts() -> None:
    assert numbers({}, {"notes": 10007}) == {"notes": 10007}


def test_without_ids_a_table_keeps_its_number() -> None:
    assert numbers({}, {"notes": None}) == {"notes": 10002}


def test_new_tables_without_ids_get_the_lowest_free_numbers() -> None:
    assert numbers({"a": 10003}, {"b": None, "c": None}) == {"a": 10003, "b": 10004, "c": 10005}


def test_a_table_gives_way_to_one_that_needs_its_number() -> None:
    assert numbers({"notes": 10001}, {"users": None}) == {"notes": 10001, "users": 10002}


def test_replacing_all_numbers_the_schemas_tables_too() -> None:
    assert numbers({"other": 10001}, {}, "replace-all") == {"other": 10001, "notes": 10002, "users": 10003}


def test_two_imported_tables_cannot_have_one_number() -> None:
    assert refusal({"a": 10009}, {"b": 10009}) == ("InvalidId", "conflict between `a` and `b` with number 10009")


@pytest.mark.parametrize("mode", ["require-empty", "append", "replace"])
def test_a_table_that_stays_keeps_its_number_from_others(mode: ImportMode) -> None:
    code, text = refusal({"other": 10001}, {}, mode)

    assert code == "TableConflict"
    assert text == (
        "New table `other` has IDs that conflict with existing table `users`. To delete all existing tables, import "
        "with `npx convex import --replace-all`."
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (540, "New table `a` has IDs that conflict with existing system table"),
        (513, "New table `a` has IDs that conflict with existing internal table. Consider importing this table"),
    ],
)
@pytest.mark.parametrize("mode", ["require-empty", "replace-all"])
def test_numbers_of_system_tables_are_taken(number: int, text: str, mode: ImportMode) -> None:
    code, found = refusal({"a": number}, {}, mode)

    assert code == "TableConflict"
    assert found.startswith(text)


def test_appending_cannot_change_a_number() -> None:
    assert refusal({"notes": 10009}, {}, "append") == (
        "TableNumberConflict",
        "table notes wants table number 10009 but was already assigned 10002",
    )


# Documents that stay would point to a table under a number it no longer has (schema_constraints.rs).
@pytest.mark.parametrize("mode", ["require-empty", "replace"])
def test_a_table_that_others_refer_to_keeps_its_number(mode: ImportMode) -> None:
    emulator = Emulator(SCHEMA)
    emulator.run(lambda ctx: ctx.db.insert("notes", {}))

    with pytest.raises(ImportRefused) as refused:
        emulator.import_zip(export_of({"users": 10009}, {}), mode=mode)

    assert refused.value.code == "ImportForeignKey"
    assert str(refused.value) == "Import changes table 'users' which is referenced by 'notes' in the schema"


@pytest.mark.parametrize("number", [10001, 10009])
def test_a_table_that_only_empty_ones_refer_to_may_change_its_number(number: int) -> None:
    emulator = Emulator(SCHEMA)

    emulator.import_zip(export_of({"users": number}, {"users": [{"_id": id_of(number, 1)}]}))

    assert rows_of(emulator, "users")[0]["_id"] == id_of(number, 1)


@pytest.mark.parametrize(
    "validator",
    [
        v.array(v.id("users")),
        v.record(v.id("users"), v.any()),
        v.record(v.string(), v.id("users")),
        v.union(v.null(), v.object({"a": v.id("users")})),
    ],
    ids=str,
)
def test_references_are_found_wherever_they_stand(validator: Any) -> None:
    schema = define_schema({"users": define_table(v.any()), "notes": define_table({"x": v.optional(validator)})})
    emulator = Emulator(schema)
    emulator.run(lambda ctx: ctx.db.insert("notes", {}))

    with pytest.raises(ImportRefused, match="which is referenced by 'notes'"):
        emulator.import_zip(export_of({"users": 10009}, {}))


# Ids in the rows are held against the numbers after the import, not those before it.
def test_references_inside_an_import_fit_the_new_numbers() -> None:
    emulator = Emulator(SCHEMA)
    file = export_of(
        {"users": 10012, "notes": 10011},
        {"users": [{"_id": id_of(10012, 1)}], "notes": [{"_id": id_of(10011, 1), "user": id_of(10012, 1)}]},
    )

    emulator.import_zip(file)

    assert rows_of(emulator, "notes")[0]["user"] == id_of(10012, 1)
    with pytest.raises(ImportRefused, match="does not match"):
        Emulator(SCHEMA).import_zip(
            export_of({"users": 10012, "notes": 10011}, {"users": [], "notes": [{"user": id_of(10001, 1)}]})
        )

"""Which numbers tables have after an import: ids begin with them, so they have to fit the ids that come in.

A number comes from ``_tables`` of an export, else from the first id of the table, else it stays, else it is fresh.

convex-backend crates/application/src/snapshot_import/mod.rs ``assign_table_numbers`` and
``validate_prepared_table_numbers``, schema_constraints.rs, crates/database/src/bootstrap_model/table.rs
``table_conflict_error`` (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from convex_mastra_emulator.data.refusals import ImportRefused
from convex_mastra_emulator.database.store import SYSTEM_TABLES, VISIBLE_SYSTEM_TABLES, Store
from convex_mastra_emulator.schema.validators import (
    ArrayValidator,
    IdValidator,
    ObjectValidator,
    RecordValidator,
    UnionValidator,
    Validator,
)
from convex_mastra_emulator.values.ids import FIRST_USER_TABLE_NUMBER

ImportMode = Literal["require-empty", "append", "replace", "replace-all"]
"""What happens to documents that are there; the modes of ``npx convex import``, the first is its default.

require-empty: tables that are imported must have none.
append: they stay, and the imported ones are added.
replace: those of the imported tables go.
replace-all: all go, and tables that are in neither the file nor the schema go, too.
"""


@dataclass(frozen=True, slots=True)
class Numbering:
    """The tables after an import, by name and by number."""

    imported: Mapping[str, int]
    """Those the import fills, replaces or empties."""
    names: Mapping[int, str]

    def table_name(self, table_number: int) -> str | None:
        """The name of the table with that number; those of system tables begin with an underscore."""
        return self.names.get(table_number) or SYSTEM_TABLES.get(table_number)


def number_tables(
    store: Store, declared: Mapping[str, int], found: Mapping[str, int | None], mode: ImportMode
) -> Numbering:
    """Numbers the tables of an import.

    Args:
        store: where they are imported into.
        declared: what ``_tables`` says.
        found: every table with rows or a file of its own, with the number its first id has.
        mode: what happens to documents that are there.

    Raises:
        ImportRefused: when two tables would have one number, or a table two.
    """
    claims = _Claims()
    for name, number in declared.items():
        claims.claim(name, number)
    for name, id_number in found.items():
        if name not in declared and id_number is not None:
            claims.claim(name, id_number)
    undecided = [name for name in found if name not in claims.by_name]
    if mode == "replace-all":
        undecided += [name for name in store.schema.tables if name not in claims.by_name and name not in found]
    fresh = []
    for name in undecided:
        current = store.table_number(name)
        if current is None or current in claims.by_number:
            fresh.append(name)
        else:
            claims.claim(name, current)
    staying = {} if mode == "replace-all" else _staying(store, {*claims.by_name, *fresh})
    for number, name in claims.by_number.items():
        if number in staying or number in SYSTEM_TABLES:
            raise _conflict(name, staying.get(number) or SYSTEM_TABLES[number])
    _number_freshly(fresh, claims, staying)
    if mode == "append":
        _check_kept(store, claims.by_name)
    if mode != "replace-all":
        _check_references(store, claims.by_name)
    return Numbering(claims.by_name, {**staying, **claims.by_number})


class _Claims:
    """Numbers that imported tables want; each goes to one."""

    def __init__(self) -> None:
        self.by_name: dict[str, int] = {}
        self.by_number: dict[int, str] = {}

    def claim(self, name: str, number: int) -> None:
        other = self.by_number.setdefault(number, name)
        if other != name:
            raise ImportRefused(f"conflict between `{other}` and `{name}` with number {number}", code="InvalidId")
        self.by_name[name] = number


def _staying(store: Store, imported: set[str]) -> dict[int, str]:
    """The tables the import does not concern."""
    names = {*store.tables, *store.schema.tables} - imported
    return {number: name for name in sorted(names) if (number := store.table_number(name)) is not None}


def _number_freshly(names: list[str], claims: _Claims, staying: Mapping[int, str]) -> None:
    number = FIRST_USER_TABLE_NUMBER
    for name in names:
        while number in claims.by_number or number in staying:
            number += 1
        claims.claim(name, number)


def _conflict(name: str, existing: str) -> ImportRefused:
    start = f"New table `{name}` has IDs that conflict with existing"
    if existing in VISIBLE_SYSTEM_TABLES.values():
        text = f"{start} system table"
    elif existing.startswith("_"):
        text = (
            f"{start} internal table. Consider importing this table without `_id` fields or import into a new "
            "deployment."
        )
    else:
        text = (
            f"{start} table `{existing}`. To delete all existing tables, import with `npx convex import --replace-all`."
        )
    return ImportRefused(text, code="TableConflict")


def _check_kept(store: Store, numbers: Mapping[str, int]) -> None:
    for name, number in numbers.items():
        actual = store.table_number(name)
        if actual is not None and actual != number:
            raise ImportRefused(
                f"table {name} wants table number {number} but was already assigned {actual}",
                code="TableNumberConflict",
            )


def _check_references(store: Store, numbers: Mapping[str, int]) -> None:
    """Documents that stay must not point to a table by a number that it has no longer."""
    for name, definition in store.schema.tables.items():
        table = store.tables.get(name)
        if name in numbers or table is None or not table.documents:
            continue
        for target in _tables_referred_to(definition.document_type):
            if target in numbers and store.table_number(target) != numbers[target]:
                raise ImportRefused(
                    f"Import changes table '{target}' which is referenced by '{name}' in the schema",
                    code="ImportForeignKey",
                )


def _tables_referred_to(validator: Validator) -> Iterator[str]:
    match validator:
        case IdValidator(table):
            yield table
        case ArrayValidator(element):
            yield from _tables_referred_to(element)
        case RecordValidator(keys, values):
            yield from _tables_referred_to(keys)
            yield from _tables_referred_to(values)
        case ObjectValidator(fields):
            for field in fields.values():
                yield from _tables_referred_to(field.validator)
        case UnionValidator(members):
            for member in members:
                yield from _tables_referred_to(member)

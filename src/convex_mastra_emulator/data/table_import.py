"""Imports rows into tables: all are read and checked first, then everything is written as one commit, or nothing.

A deployment imports in many transactions into hidden tables, so no limit of a transaction counts here; those of
documents do.

convex-backend crates/application/src/snapshot_import/mod.rs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypedDict, get_args

from convex_mastra_emulator.data.refusals import BadRow, ImportRefused, rows_refused
from convex_mastra_emulator.data.rows import Progress, ReadRow, RowFile, TableRows, read_row
from convex_mastra_emulator.data.table_numbers import ImportMode, Numbering, number_tables
from convex_mastra_emulator.database.documents import ID, StoredDocument
from convex_mastra_emulator.database.snapshot import StoreState, TableState, bring_to, state_of
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.names import identifier_problem

_STEPS_BETWEEN_REPORTS = 500


@dataclass(frozen=True, slots=True)
class TableImport:
    """What is to be imported.

    Attributes:
        files: the files of each table; a table without rows is imported empty.
        declared: the numbers ``_tables`` gives to tables.
    """

    files: Mapping[str, Sequence[RowFile]]
    declared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    Attributes:
        added: how many documents were added to each table.
        deleted: how many documents there were that are gone.
        skipped: the rows that were left out, with ``skip_bad``.
    """

    added: Mapping[str, int]
    deleted: int = 0
    skipped: tuple[BadRow, ...] = ()


class ImportOptions(TypedDict, total=False):
    """How an import is done.

    Attributes:
        mode: what happens to documents that are there; "require-empty" if not said.
        skip_bad: whether bad rows are left out and named in the result; otherwise one is enough to import nothing.
        progress: told how far it is, in steps: each row is two, when it is read and when it is checked.  It must not
            call the emulator.
    """

    mode: ImportMode
    skip_bad: bool
    progress: Progress | None


def import_tables(
    executor: Executor,
    tables: TableImport,
    *,
    mode: ImportMode = "require-empty",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Imports tables into a deployment; the options are those of :class:`ImportOptions`.

    Raises:
        ImportRefused: when nothing was imported, saying why.
        EmulatorError: inside a function.
    """
    if mode not in get_args(ImportMode):
        raise ValueError(f"mode must be one of {', '.join(get_args(ImportMode))}, got {mode!r}")
    for name in {**tables.declared, **tables.files}:
        _check_name(name)
    return _Import(executor, tables, mode, progress).run(skip_bad=skip_bad)


def _check_name(name: str) -> None:
    problem = identifier_problem(name)
    if problem is not None:
        raise ImportRefused(f"table name '{name}' invalid: {problem}", code="InvalidTableName")
    if name.startswith("_"):
        raise ImportRefused(f"Invalid table name {name} starts with metadata prefix '_'", code="InvalidTableName")


class _Import:
    """One import while it runs."""

    def __init__(self, executor: Executor, tables: TableImport, mode: ImportMode, progress: Progress | None) -> None:
        self._executor = executor
        self._tables = tables
        self._mode: ImportMode = mode
        self._progress = progress
        self._bad: list[BadRow] = []
        self._steps = 0
        self._steps_max = 2 * sum(file.count for files in tables.files.values() for file in files)

    def run(self, *, skip_bad: bool) -> ImportResult:
        rows = {name: list(self._read(files)) for name, files in self._tables.files.items()}
        self._steps = self._steps_max // 2  # a file may have had fewer rows than it was thought to have
        return self._executor.in_transaction(lambda transaction: self._write(transaction, rows, skip_bad=skip_bad))

    def _step(self) -> None:
        self._steps = min(self._steps + 1, self._steps_max)
        if self._progress is not None and self._steps % _STEPS_BETWEEN_REPORTS == 0:
            self._progress(self._steps, self._steps_max)

    def _read(self, files: Sequence[RowFile]) -> Iterator[ReadRow]:
        for file in files:
            for row in file.rows():
                read = row if isinstance(row, BadRow) else read_row(file, row, self._executor.limits)
                if isinstance(read, BadRow):
                    self._bad.append(read)
                else:
                    yield read
                self._step()

    def _write(self, transaction: Transaction, rows: dict[str, list[ReadRow]], *, skip_bad: bool) -> ImportResult:
        before = state_of(transaction.store)
        found = {name: _number_in_first_id(table_rows) for name, table_rows in rows.items()}
        numbering = number_tables(transaction.store, self._tables.declared, found, self._mode)
        if self._mode == "require-empty":
            _check_empty(before, numbering)
        documents = {
            name: self._documents(transaction, numbering, name, rows.get(name, []), before)
            for name in numbering.imported
        }
        # Found when they were read, or when they were checked; people go through files from the top.
        places = {file.name: at for at, file in enumerate(chain.from_iterable(self._tables.files.values()))}
        self._bad.sort(key=lambda row: (places[row.file], row.line))
        if self._bad and not skip_bad:
            raise rows_refused(self._bad)
        after = _state_after(before, numbering, documents, self._mode)
        bring_to(transaction.store, after)
        if self._progress is not None:
            self._progress(self._steps_max, self._steps_max)
        return ImportResult(
            {name: len(table_documents) for name, table_documents in documents.items()},
            deleted=_count(before) + sum(map(len, documents.values())) - _count(after),
            skipped=tuple(self._bad),
        )

    def _documents(
        self, transaction: Transaction, numbering: Numbering, name: str, rows: list[ReadRow], before: StoreState
    ) -> dict[str, StoredDocument]:
        table = transaction.store.new_table(name, numbering.imported[name])
        taken = before.tables[name].documents if self._mode == "append" and name in before.tables else {}
        checks = TableRows(table, numbering, transaction, taken)
        for row in rows:
            problem = checks.add(row)
            if problem is not None:
                self._bad.append(problem)
            self._step()
        return checks.documents


def _number_in_first_id(rows: list[ReadRow]) -> int | None:
    given = rows[0].given.value.get(ID) if rows else None
    if type(given) is not str:
        return None
    try:
        number, _ = decode_id(given)
    except InvalidValue:
        return None
    return number


def _check_empty(before: StoreState, numbering: Numbering) -> None:
    for name in sorted(numbering.imported):
        if name in before.tables and before.tables[name].documents:
            raise ImportRefused(
                f"Hit an error while importing:\nTable {name} already exists. Please choose a new table name or use "
                "replace/append modes.",
                code="TableExists",
            )


def _state_after(
    before: StoreState, numbering: Numbering, documents: Mapping[str, dict[str, StoredDocument]], mode: ImportMode
) -> StoreState:
    tables = {} if mode == "replace-all" else dict(before.tables)
    for name, added in documents.items():
        kept = before.tables[name].documents if mode == "append" and name in before.tables else {}
        tables[name] = TableState(numbering.imported[name], {**kept, **added})
    return replace(before, tables=tables)


def _count(state: StoreState) -> int:
    return sum(len(table.documents) for table in state.tables.values())

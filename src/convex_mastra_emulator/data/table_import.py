"""Imports rows into tables: all are read and checked first, then everything is written as one commit, or nothing.

Reading and checking hold no lock: functions run meanwhile, as they do on a deployment.  If they change what the checks
relied on, the rows are checked again.  A deployment imports in many transactions into hidden tables, so no limit of a
transaction counts here; those of documents do.

convex-backend crates/application/src/snapshot_import/mod.rs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol, TypedDict, get_args

from convex_mastra_emulator.data.refusals import BadRow, ImportRefused, rows_refused
from convex_mastra_emulator.data.rows import Progress, ReadRow, RowFile, TableRows, read_row
from convex_mastra_emulator.data.stored_files import StoredFiles, documents_of
from convex_mastra_emulator.data.table_numbers import ImportMode, Numbering, number_tables
from convex_mastra_emulator.database.documents import ID, StoredDocument
from convex_mastra_emulator.database.snapshot import StoreState, TableState, bring_to, state_of
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.files import STORAGE
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.names import identifier_problem

_STEPS_BETWEEN_REPORTS = 500
_PLANS_MAX = 3
_Rows = dict[str, list[ReadRow]]


@dataclass(frozen=True, slots=True)
class TableImport:
    """What is to be imported.

    Attributes:
        files: the files of each table; a table without rows is imported empty.
        declared: the numbers ``_tables`` gives to tables.
        stored: the stored files; None if they are not to be touched.
    """

    files: Mapping[str, Sequence[RowFile]]
    declared: Mapping[str, int] = field(default_factory=dict)
    stored: StoredFiles | None = None


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


class ImportWatcher(Protocol):
    """What follows an import, and may end it by raising; for imports that others watch."""

    def table(self, name: str, count: int, *, is_done: bool) -> None:
        """So many rows of a table have passed, as often as a deployment tells; nothing is locked meanwhile."""

    def commit(self, transaction: Transaction) -> None:
        """Everything has passed and is about to be committed, together with what this writes."""


def import_tables(
    executor: Executor,
    tables: TableImport,
    *,
    mode: ImportMode = "require-empty",
    skip_bad: bool = False,
    progress: Progress | None = None,
    watcher: ImportWatcher | None = None,
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
    return _Import(executor, tables, mode, progress, watcher).run(skip_bad=skip_bad)


def _check_name(name: str) -> None:
    problem = identifier_problem(name)
    if problem is not None:
        raise ImportRefused(f"table name '{name}' invalid: {problem}", code="InvalidTableName")
    if name.startswith("_"):
        raise ImportRefused(f"Invalid table name {name} starts with metadata prefix '_'", code="InvalidTableName")


@dataclass(slots=True)
class _Plan:
    """What an import would write, as long as the deployment stays as it was.

    Attributes:
        schema: the deployment's.
        numbering: the tables' numbers after the import.
        transaction: gave the ids and creation times.
        documents: what is written, by table and id.
        stored: the stored files that are written, by id; None if they stay as they are.
        bad: the rows that cannot be.
    """

    schema: Schema
    numbering: Numbering
    transaction: Transaction
    documents: dict[str, dict[str, StoredDocument]] = field(default_factory=dict)
    stored: dict[str, StoredDocument] | None = None
    bad: list[BadRow] = field(default_factory=list)


class _Import:
    """One import while it runs: rows are read and checked while others go on, only the writing is a transaction."""

    def __init__(
        self,
        executor: Executor,
        tables: TableImport,
        mode: ImportMode,
        progress: Progress | None,
        watcher: ImportWatcher | None,
    ) -> None:
        self._executor = executor
        self._tables = tables
        self._mode: ImportMode = mode
        self._progress = progress
        self._watcher = watcher
        self._unreadable: list[BadRow] = []
        self._steps = 0
        self._steps_max = 2 * sum(file.count for files in tables.files.values() for file in files)

    def run(self, *, skip_bad: bool) -> ImportResult:
        # An import inside of a function is refused before anything is read.
        with self._executor.between_transactions():
            pass
        rows = {name: list(self._read(files)) for name, files in self._tables.files.items()}
        result = None
        for _ in range(_PLANS_MAX):
            result = self._write_later(rows, skip_bad=skip_bad)
            if result is not None:
                break
        if result is None:
            # Others have changed the tables again and again: now they wait.
            result = self._executor.in_transaction(lambda transaction: self._write_now(transaction, rows, skip_bad))
        return result

    def _write_later(self, rows: _Rows, *, skip_bad: bool) -> ImportResult | None:
        plan = self._executor.in_transaction(lambda transaction: self._plan(transaction, rows))
        self._check_rows(plan, rows, skip_bad=skip_bad)
        return self._executor.in_transaction(lambda transaction: self._write(transaction, plan, rows))

    def _write_now(self, transaction: Transaction, rows: _Rows, skip_bad: bool) -> ImportResult:
        plan = self._plan(transaction, rows)
        self._check_rows(plan, rows, skip_bad=skip_bad)
        result = self._write(transaction, plan, rows)
        assert result is not None
        return result

    def _step(self) -> None:
        self._steps = min(self._steps + 1, self._steps_max)
        if self._progress is not None and self._steps % _STEPS_BETWEEN_REPORTS == 0:
            self._progress(self._steps, self._steps_max)

    def _read(self, files: Sequence[RowFile]) -> Iterator[ReadRow]:
        for file in files:
            for row in file.rows():
                read = row if isinstance(row, BadRow) else read_row(file, row, self._executor.limits)
                if isinstance(read, BadRow):
                    self._unreadable.append(read)
                else:
                    yield read
                self._step()

    def _plan(self, transaction: Transaction, rows: _Rows) -> _Plan:
        return _Plan(transaction.store.schema, self._numbering(transaction.store, rows), transaction)

    def _numbering(self, store: Store, rows: _Rows) -> Numbering:
        found = {name: _number_in_first_id(table_rows) for name, table_rows in rows.items()}
        numbering = number_tables(store, self._tables.declared, found, self._mode)
        if self._mode == "require-empty":
            _check_empty(store, numbering, with_files=self._tables.stored is not None)
        return numbering

    def _check_rows(self, plan: _Plan, rows: _Rows, *, skip_bad: bool) -> None:
        self._steps = self._steps_max // 2  # a file may have had fewer rows than it was thought to have
        plan.bad.extend(self._unreadable)
        for name in (*rows, *(name for name in plan.numbering.imported if name not in rows)):
            plan.documents[name] = self._documents(plan, name, rows.get(name, []), skip_bad=skip_bad)
        plan.stored = self._stored(plan)
        # Found when they were read, or when they were checked; people go through files from the top.
        places = {file.name: at for at, file in enumerate(chain.from_iterable(self._tables.files.values()))}
        if self._tables.stored is not None:
            places[self._tables.stored.path] = len(places)
        plan.bad.sort(key=lambda row: (places[row.file], row.line))
        if plan.bad and not skip_bad:
            raise rows_refused(plan.bad)

    def _documents(self, plan: _Plan, name: str, rows: list[ReadRow], *, skip_bad: bool) -> dict[str, StoredDocument]:
        store = self._executor.store
        table = store.new_table(name, plan.numbering.imported[name])
        taken = store.tables[name].documents if self._mode == "append" and name in store.tables else {}
        checks = TableRows(table, plan.numbering, plan.transaction, taken)
        told = _Batches(self._executor.limits)
        watcher = self._watcher if name in self._tables.files else None
        if watcher is not None:
            watcher.table(name, 0, is_done=False)
        for count, row in enumerate(rows):
            problem = checks.add(row)
            if problem is not None:
                plan.bad.append(problem)
            if told.add(row.given.size) and watcher is not None:
                watcher.table(name, count, is_done=False)
            self._step()
        if watcher is not None and (skip_bad or not plan.bad):
            watcher.table(name, len(checks.documents), is_done=True)
        return checks.documents

    def _stored(self, plan: _Plan) -> dict[str, StoredDocument] | None:
        """The stored files that are added; None if they stay as they are."""
        if self._tables.stored is None:
            return None
        kept = self._executor.store.system_table(STORAGE).documents if self._mode == "append" else {}
        added, bad = documents_of(self._tables.stored, plan.transaction, self._executor.id_source, kept)
        plan.bad.extend(bad)
        return added

    def _write(self, transaction: Transaction, plan: _Plan, rows: _Rows) -> ImportResult | None:
        """Writes everything; None if the plan no longer fits what is there."""
        store = transaction.store
        if store.schema is not plan.schema or self._numbering(store, rows) != plan.numbering:
            return None
        if self._mode == "append" and any(
            not store.tables[name].documents.keys().isdisjoint(added)
            for name, added in plan.documents.items()
            if name in store.tables
        ):
            return None
        before = state_of(store)
        after = _state_after(before, plan.numbering, plan.documents, self._mode)
        added = {name: len(table_documents) for name, table_documents in plan.documents.items()}
        if plan.stored is not None:
            kept = _files_in(before) if self._mode == "append" else {}
            if not kept.keys().isdisjoint(plan.stored):
                return None
            after = replace(after, system={**after.system, STORAGE: {**kept, **plan.stored}})
            added[STORAGE] = len(plan.stored)
        transaction.not_before(plan.transaction)
        bring_to(store, after)
        if self._watcher is not None:
            self._watcher.commit(transaction)
        if self._progress is not None:
            self._progress(self._steps_max, self._steps_max)
        return ImportResult(
            added,
            deleted=_count(before) + sum(added.values()) - _count(after),
            skipped=tuple(plan.bad),
        )


class _Batches:
    """When a deployment tells of rows that it has written: half a transaction's allowance at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count = self._size = 0

    def add(self, size: int) -> bool:
        """Whether a batch ends with this row."""
        self._count += 1
        self._size += size
        if self._size <= self._limits.written_size_max // 2 and self._count <= self._limits.documents_written_max // 2:
            return False
        self._count = self._size = 0
        return True


def _number_in_first_id(rows: list[ReadRow]) -> int | None:
    given = rows[0].given.value.get(ID) if rows else None
    if type(given) is not str:
        return None
    try:
        number, _ = decode_id(given)
    except InvalidValue:
        return None
    return number


def _check_empty(store: Store, numbering: Numbering, *, with_files: bool) -> None:
    for name in sorted(numbering.imported):
        if name in store.tables and store.tables[name].documents:
            raise table_exists(name)
    if with_files and store.system_table(STORAGE).documents:
        raise table_exists("_file_storage")  # as the deployment calls it inside


def table_exists(name: str) -> ImportRefused:
    """The refusal of an import into a table that has documents."""
    return ImportRefused(
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


def _files_in(state: StoreState) -> Mapping[str, StoredDocument]:
    return state.system.get(STORAGE, {})


def _count(state: StoreState) -> int:
    return sum(len(table.documents) for table in state.tables.values()) + len(_files_in(state))

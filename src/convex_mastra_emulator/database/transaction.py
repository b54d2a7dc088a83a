"""One transaction: reads and writes against the store, counted, undoable, with its own creation times.

Functions of one deployment run one at a time (design.md §6.2), so a transaction writes in place; ``savepoint``
and ``rollback`` undo a failed call and leave no trace but its read counts.

convex-backend crates/database/src/transaction.rs, bootstrap_model/user_facing.rs, patch.rs
(convex-engine.md §3.3, §3.4, §5.6 and §6, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.database.documents import (
    CREATION_TIME,
    StoredDocument,
    build_document,
    check_document_size,
    invalid_argument,
    without_system_fields,
)
from convex_mastra_emulator.database.index import BY_ID
from convex_mastra_emulator.database.query import Query, QueryStream, Rows, RowStream
from convex_mastra_emulator.database.read_set import Interval, ReadSet
from convex_mastra_emulator.database.store import SYSTEM_TABLES, VISIBLE_SYSTEM_TABLES, Store, Table
from convex_mastra_emulator.database.text_search import SearchStream
from convex_mastra_emulator.errors import DeploymentError, InvalidQuery, InvalidValue, NonexistentDocument
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.usage import Meter, Usage
from convex_mastra_emulator.values.ids import IdSource, decode_id, decode_legacy_id, encode_id
from convex_mastra_emulator.values.names import identifier_problem
from convex_mastra_emulator.values.order import same, text_key
from convex_mastra_emulator.values.size import Measured, measure, take_in
from convex_mastra_emulator.values.types import Value, undefined

# A new table also gets a row in `_tables` and two in `_index`, which take creation times as documents do.
_ROWS_OF_A_NEW_TABLE = 3
_VERBS = {"patch": "Update", "replace": "Replace", "delete": "Delete"}


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A place in a transaction to go back to."""

    log_size: int
    written: tuple[int, int]


class Transaction:
    """What one function (and what it calls) does to the store.

    Args:
        store: the documents.
        limits: what the transaction may use.
        begin_ns: its timestamp, nanoseconds since the Unix epoch.
        id_source: where new ids come from.
        started_ns: what the clock says, which may be behind the timestamp; the same if None.
    """

    def __init__(
        self, store: Store, limits: Limits, begin_ns: int, id_source: IdSource, started_ns: int | None = None
    ) -> None:
        self.store = store
        self.limits = limits
        self.begin_ns = begin_ns
        self.started_ns = begin_ns if started_ns is None else started_ns
        self.meter = Meter(limits)
        self.read_set = ReadSet(limits)
        self.fatal_error: DeploymentError | None = None
        """An error no function can catch: it ends the call whatever the function does (§10.4)."""
        self.previous_end_cursor: str | None = None
        """Where the page of this query ended the last time it ran; None for the first time."""
        self.end_cursor: str | None = None
        """Where the page of this query ended now; None if it read none."""
        self.scheduled_count = self.scheduled_size = 0
        """Jobs scheduled so far and the bytes of their arguments; a nested call that fails gives nothing back."""
        self._has_paginated = False
        self._begin_log_size = len(store.log)
        self._id_source = id_source
        self._creation_time = begin_ns // 1_000_000 + (begin_ns % 1_000_000) / 1e6

    # Savepoints

    def savepoint(self) -> Savepoint:
        """Marks this place, for :meth:`rollback`."""
        return Savepoint(len(self.store.log), self.meter.written())

    def rollback(self, savepoint: Savepoint) -> None:
        """Undoes all writes since ``savepoint`` and gives their allowance back; reads stay counted."""
        self.store.undo(savepoint.log_size)
        self.meter.restore_written(savepoint.written)

    @contextmanager
    def stale_snapshot(self) -> Iterator[None]:
        """While a query runs that sees the documents as they were when the transaction began.

        What it reads is not part of what the transaction has read, and uses nothing of its allowance
        (``transaction.rs`` ``clone_for_snapshot_query``).
        """
        changes = self.store.log[self._begin_log_size :]
        read_set, meter = self.read_set, self.meter
        self.read_set, self.meter = ReadSet(self.limits), Meter(self.limits)
        self.store.revert(changes)
        try:
            yield
        finally:
            self.store.reapply(changes)
            self.read_set, self.meter = read_set, meter

    @property
    def usage(self) -> Usage:
        """What was used so far."""
        return self.meter.usage(self.read_set.count)

    # Reads

    def get(self, document_id: str, table: str | None = None, *, is_system: bool = False) -> StoredDocument | None:
        """The document with that id, or None.

        Args:
            document_id: the id's text.
            table: the table the id must belong to, if the caller names one.
            is_system: whether it is a system table's, as asked for through ``db.system``.

        Raises:
            InvalidArgument: for text that is no id, and for the id of another table.
            DeploymentError: for the id of a user's table where a system table's is wanted, or the other way round.
            LimitReached: when the transaction may not read any more.
        """
        name = self._table_name_of(document_id, "get", table)
        if name is None:
            return None
        if is_system:
            if not name.startswith("_"):
                raise DeploymentError("User tables cannot be accessed with db.system.", code="SystemTableError")
            return self.get_system(name, document_id)
        self.meter.gets += 1
        return self.look_up(name, document_id)

    def look_up(self, table_name: str, document_id: str) -> StoredDocument | None:
        """A document of a user's table, or None.

        Raises:
            LimitReached: when the transaction may not read any more.
        """
        found = self._user_table(table_name)
        self.record_point(found.name, document_id)
        document = found.documents.get(document_id)
        if document is not None:
            self.meter.read(document.size)
        return document

    def query(self, query: Query) -> QueryStream:
        """Opens a query.

        Raises:
            InvalidQuery: when it cannot be run.
        """
        return QueryStream(self, query)

    def rows(self, query: Query) -> Rows:
        """Opens the source of a query.

        Raises:
            InvalidQuery: when it cannot be read.
        """
        return RowStream(self, query) if query.search is None else SearchStream(self, query)

    def note_page(self, end_cursor: str) -> None:
        """Notes that the running function has paginated, which it may do once, and where its page ended.

        Raises:
            InvalidQuery: the second time.
        """
        if self._has_paginated:
            raise InvalidQuery(
                "This query or mutation function ran multiple paginated queries. "
                "Convex only supports a single paginated query in each function.",
                code="MultiplePaginatedDatabaseQueries",
            )
        self._has_paginated = True
        self.end_cursor = end_cursor

    @contextmanager
    def nested_function(self) -> Iterator[None]:
        """While a called function runs: it has a page of its own."""
        outer = self._has_paginated, self.previous_end_cursor, self.end_cursor
        self._has_paginated, self.previous_end_cursor = False, None
        try:
            yield
        finally:
            self._has_paginated, self.previous_end_cursor, self.end_cursor = outer

    def normalize_id(self, table: str, text: str) -> str | None:
        """The id of ``table`` that ``text`` stands for, or None; legacy ids become new ones (§3.3).

        Raises:
            InvalidArgument: if the table's name is no identifier.
        """
        problem = identifier_problem(table)
        if problem is not None:
            raise invalid_argument("table", "normalizeId", problem)
        number = self.store.table_number(table)
        if number is None:
            return None
        try:
            found, _ = decode_id(text)
        except InvalidValue:
            found = 0
        if found == number:
            return text
        internal_id = decode_legacy_id(text)
        return None if internal_id is None else encode_id(number, internal_id)

    def _table_name_of(self, document_id: str, function: str, expected: str | None) -> str | None:
        """The table an id belongs to by its number; None if that is no table a user can see."""
        try:
            number, _ = decode_id(document_id)
        except InvalidValue as error:
            raise invalid_argument("id", function, error) from None
        name = self.store.table_name(number)
        if name is None or (number in SYSTEM_TABLES and number not in VISIBLE_SYSTEM_TABLES):
            return None
        if expected is not None and expected != name:
            raise invalid_argument("id", function, f'expected to be an Id<"{expected}">, got Id<"{name}"> instead.')
        return name

    def _user_table(self, name: str) -> Table:
        if name.startswith("_"):
            raise DeploymentError("System tables can only be accessed with db.system.", code="SystemTableError")
        table = self.store.table(name)
        assert table is not None
        return table

    def record_point(self, table: str, document_id: str) -> None:
        """Notes that a document was looked for, whether it is there or not."""
        key = text_key(document_id)
        self.read_set.add(table, BY_ID, Interval(key, key + b"\x00"))

    def get_system(self, table_name: str, document_id: str) -> StoredDocument | None:
        """A document of a system table, or None."""
        self.record_point(table_name, document_id)
        return self.store.system_table(table_name).documents.get(document_id)

    # Writes

    def insert(self, table_name: str, value: Any) -> str:
        """Stores a new document and returns its id.

        Raises:
            InvalidArgument: for a bad table name or a value no deployment takes.
            InvalidDocument: for a document that may not be stored.
            SchemaViolation: for one that does not match its table's validator.
            LimitReached: when the transaction may not write any more.
        """
        given = self._object("insert", value)
        problem = identifier_problem(table_name)
        if problem is not None:
            raise invalid_argument("table", "insert", problem)
        internal_id = self._id_source.internal_id(self.started_ns)
        creation_time = self.take_creation_time()
        table = self.store.table(table_name) or self._create_table(table_name)
        document_id = encode_id(table.number, internal_id)
        if document_id in table.documents:
            # The seed has repeated an id that an import brought along from a deployment with the same seed.
            document_id = self.fresh_id(table)
        document = build_document(given, document_id, creation_time, self.limits)
        # What was given has no system fields, or building the document would have failed.
        self.store.check_schema(table, given.value)
        self._put(table, document_id, document, None, given.nesting)
        return document_id

    def patch(self, document_id: str, value: Any, table: str | None = None) -> None:
        """Merges top-level fields into a document; :data:`undefined` removes a field.

        Raises:
            NonexistentDocument: if there is no such document.
            DeploymentError: as :meth:`insert`.
        """
        name = self._writable("patch", document_id, table)
        changes = self._patch_object(value)
        found = self._user_table(name)
        old = self._read_for_write("patch", found, document_id)
        fields = {**old.value}
        for name, item in changes.items():
            if item is undefined:
                fields.pop(name, None)
            else:
                fields[name] = item
        self._update(found, document_id, old, fields)

    def replace(self, document_id: str, value: Any, table: str | None = None) -> None:
        """Replaces a document's fields, keeping its id and creation time.

        Raises:
            NonexistentDocument: if there is no such document.
            DeploymentError: as :meth:`insert`.
        """
        name = self._writable("replace", document_id, table)
        given = self._object("replace", value)
        found = self._user_table(name)
        old = self._read_for_write("replace", found, document_id)
        self._update(found, document_id, old, given.value)

    def delete(self, document_id: str, table: str | None = None) -> None:
        """Deletes a document.

        Raises:
            NonexistentDocument: if there is no such document.
            LimitReached: when the transaction may not write any more.
        """
        found = self._user_table(self._writable("delete", document_id, table))
        self._read_for_write("delete", found, document_id)
        self.meter.write(0)
        self.store.put(found, document_id, None)

    def _object(self, function: str, value: Any) -> Measured:
        measured = self._taken_in(function, value)
        if type(measured.value) is not dict:
            raise invalid_argument("value", function, "Value must be an Object")
        return measured

    def _taken_in(self, function: str, value: Any) -> Measured:
        try:
            return take_in(value, self.limits)
        except InvalidValue as error:
            if error.code == "SyscallArgsInvalidJson":
                raise  # the call's JSON was not even read
            raise invalid_argument("value", function, error) from None

    def _patch_object(self, value: Any) -> dict[str, Value]:
        taken: dict[str, Value] = self._object("patch", value).value
        removed = {name: undefined for name, item in value.items() if item is undefined}
        return {**taken, **removed}

    def _writable(self, function: str, document_id: str, table: str | None) -> str:
        name = self._table_name_of(document_id, function, table)
        if name is None:
            raise invalid_argument("id", function, f'Table for ID "{document_id}" not found')
        return name

    def _read_for_write(self, function: str, table: Table, document_id: str) -> StoredDocument:
        self.record_point(table.name, document_id)
        document = table.documents.get(document_id)
        if document is None:
            raise NonexistentDocument(f"{_VERBS[function]} on nonexistent document ID {document_id}")
        self.meter.read(document.size)
        return document

    def _update(self, table: Table, document_id: str, old: StoredDocument, fields: dict[str, Value]) -> None:
        size, nesting = measure(fields)
        measured = Measured(fields, size, nesting)
        document = build_document(measured, document_id, old.value[CREATION_TIME], self.limits)
        if document.size == old.size and same(document.value, old.value):
            return  # nothing changed: no schema check, no write, no invalidation
        self.store.check_schema(table, without_system_fields(document.value))
        self._put(table, document_id, document, old, nesting)

    def _put(
        self, table: Table, document_id: str, document: StoredDocument, old: StoredDocument | None, nesting: int
    ) -> None:
        check_document_size(document, self.limits)
        self.meter.write(document.size)
        self.meter.note_document(document_id, document.size, nesting)
        self.store.put(table, document_id, table.with_index_keys(document, old))

    def fresh_id(self, table: Table) -> str:
        """An id no document of ``table`` has."""
        while True:
            document_id = encode_id(table.number, self._id_source.internal_id(self.started_ns))
            if document_id not in table.documents:
                return document_id

    def _create_table(self, name: str) -> Table:
        table = self.store.create_table(name)
        for _ in range(_ROWS_OF_A_NEW_TABLE):
            self.take_creation_time()
        return table

    @property
    def next_creation_time(self) -> float:
        """What the next document of this transaction would get, in milliseconds."""
        return self._creation_time

    def not_before(self, other: Transaction) -> None:
        """Goes on with creation times behind those another transaction has given."""
        self._creation_time = max(self._creation_time, other.next_creation_time)

    def take_creation_time(self) -> float:
        """The creation time of a new document, in milliseconds; each is given once."""
        current = self._creation_time
        self._creation_time = math.nextafter(current, math.inf)
        return current

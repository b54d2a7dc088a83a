"""The tables of a deployment, and the log that can undo every change to them.

State is plain data in one place.  Every change goes through :meth:`Store.put` and is logged; undoing is the log
read backwards, so it costs what was written, not what is stored (design.md §6.2).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import count
from typing import NamedTuple

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.index import OrderedIndex, built_in_indexes, key_suffix
from convex_mastra_emulator.database.query import index_not_found
from convex_mastra_emulator.database.text_index import TextIndex
from convex_mastra_emulator.database.vector_index import VectorIndex
from convex_mastra_emulator.errors import InvalidQuery, SchemaViolation
from convex_mastra_emulator.schema.definition import IndexDefinition, TableDefinition
from convex_mastra_emulator.schema.schema import Schema
from convex_mastra_emulator.schema.validators import TableNumbers
from convex_mastra_emulator.values.ids import FIRST_USER_TABLE_NUMBER, INTERNAL_ID_SIZE, encode_id
from convex_mastra_emulator.values.names import parse_field_path
from convex_mastra_emulator.values.types import Document

# crates/model/src/lib.rs DefaultTableNumber, each behind the 512 legacy numbers; 3, 10, 11, … are not in use.
_SYSTEM_NUMBERS = {1, 2, *range(4, 10), *range(12, 16), 17, *range(19, 22), *range(23, 26), *range(27, 42)}
SYSTEM_TABLES = {512 + number: f"_system_table_{number}" for number in _SYSTEM_NUMBERS}
VISIBLE_SYSTEM_TABLES = {539: "_scheduled_functions", 540: "_storage"}
"""The two a user can name, through ``db.system``."""
_HIDDEN_SYSTEM_TABLES = {516: "_exports", 525: "_environment_variables", 541: "_snapshot_imports"}
KEPT_SYSTEM_TABLES = VISIBLE_SYSTEM_TABLES | _HIDDEN_SYSTEM_TABLES
"""Those that hold documents here."""
SYSTEM_TABLES |= KEPT_SYSTEM_TABLES
_VISIBLE_NUMBERS = {name: number for number, name in VISIBLE_SYSTEM_TABLES.items()}
_KEPT_NUMBERS = {name: number for number, name in KEPT_SYSTEM_TABLES.items()}
# Names that are no identifiers: the deployment's own indexes cannot be used by queries.
_SYSTEM_INDEXES = {
    "_scheduled_functions": IndexDefinition(" pending", ("state.kind", "scheduledTime")),
    "_environment_variables": IndexDefinition(" by_name", ("name",)),
    "_exports": IndexDefinition(" by_requestor", ("requestor",)),
}


class Table:
    """One table: its documents by id and their places in its indexes."""

    __slots__ = (
        "definition",
        "documents",
        "id_size",
        "index_list",
        "indexes",
        "lazy_indexes",
        "name",
        "number",
        "text_indexes",
        "validator",
        "vector_indexes",
    )

    def __init__(self, name: str, number: int, definition: TableDefinition | None, *, is_validated: bool) -> None:
        self.name = name
        self.number = number
        self.definition = definition or TableDefinition()
        self.validator = self.definition.stored_type if is_validated and definition is not None else None
        self.documents: dict[str, StoredDocument] = {}
        self.id_size = len(encode_id(number, bytes(INTERNAL_ID_SIZE)))
        self.index_list = [*built_in_indexes(), *map(_ordered_index, self.definition.indexes)]
        self.indexes = {index.name: index for index in self.index_list}
        self.vector_indexes = {index.name: VectorIndex(index, self) for index in self.definition.vector_indexes}
        self.text_indexes = {index.name: TextIndex(index, self) for index in self.definition.text_indexes}
        self.lazy_indexes: list[VectorIndex | TextIndex] = [
            *self.vector_indexes.values(),
            *self.text_indexes.values(),
        ]

    def queryable_index(self, name: str) -> OrderedIndex:
        """The database index of that name.

        Raises:
            InvalidQuery: if there is none, it is staged, or it is of another kind.
        """
        index = self.indexes.get(name)
        if index is None:
            if name in self.vector_indexes or name in self.text_indexes:
                raise InvalidQuery(f"Index {self.name}.{name} is not a database index", code="IndexNotADatabaseIndex")
            raise index_not_found(self.name, name)
        if index.staged:
            raise index_staged(self.name, name)
        return index

    def document_by_key(self, key: bytes) -> StoredDocument:
        """The document whose key in one of the indexes this is: its id stands before the last byte."""
        return self.documents[key[-self.id_size - 1 : -1].decode("ascii")]

    def with_index_keys(self, document: StoredDocument, previous: StoredDocument | None) -> StoredDocument:
        """Gives a document its keys; a key no changed field belongs to is taken over from ``previous``."""
        value = document.value
        suffix = key_suffix(value)
        if previous is None:
            document.index_keys = tuple([index.key_of(value, suffix) for index in self.index_list])
        else:
            changed = _changed_names(previous.value, value)
            document.index_keys = tuple(
                key if changed.isdisjoint(index.first_names) else index.key_of(value, suffix)
                for index, key in zip(self.index_list, previous.index_keys, strict=True)
            )
        return document


def _ordered_index(definition: IndexDefinition) -> OrderedIndex:
    paths = (*map(parse_field_path, definition.fields), ("_creationTime",))
    return OrderedIndex(definition.name, paths, staged=definition.staged)


def _changed_names(old: Document, new: Document) -> set[str]:
    changed = {name for name, item in new.items() if name not in old or old[name] is not item}
    changed.update(name for name in old if name not in new)
    return changed


def index_staged(table: str, index: str) -> InvalidQuery:
    """The refusal of a staged index."""
    return InvalidQuery(
        f"Index {table}.{index} is currently staged and not available to query until it is enabled.",
        code="IndexStagedError",
    )


class Change(NamedTuple):
    """One step of the log: a document's version before and after, or that a table came or went (without an id)."""

    table: Table
    document_id: str | None
    old: StoredDocument | None
    new: StoredDocument | None
    removes_table: bool = False


class Store:
    """All documents of one deployment.

    Args:
        schema: which tables exist from the start, in the order of their numbers.
        numbers: the numbers that tables have already, also of tables the schema does not name.
    """

    def __init__(self, schema: Schema, numbers: Mapping[str, int] | None = None) -> None:
        self.schema = schema
        self.tables: dict[str, Table] = {}
        self.system_tables: dict[str, Table] = {}
        self.log: list[Change] = []
        self.marks = 0
        """How many places of the log somebody may still want to go back to."""
        self._numbers = _schema_numbers(schema, numbers or {})
        self._names = {number: name for name, number in self._numbers.items()}

    def system_table(self, name: str) -> Table:
        """One of the deployment's own tables that hold documents here; it is always there."""
        table = self.system_tables.get(name)
        if table is None:
            indexes = (_SYSTEM_INDEXES[name],) if name in _SYSTEM_INDEXES else ()
            table = Table(name, _KEPT_NUMBERS[name], TableDefinition(indexes=indexes), is_validated=False)
            self.system_tables[name] = table
        return table

    def table(self, name: str) -> Table | None:
        """The table of that name, or None; tables of the schema exist without a document."""
        if name.startswith("_"):
            return self.system_table(name) if name in _VISIBLE_NUMBERS else None
        table = self.tables.get(name)
        if table is None and name in self.schema.tables:
            table = self.tables[name] = self.new_table(name, self._numbers[name])
        return table

    def new_table(self, name: str, number: int) -> Table:
        """An empty table with the indexes and the validator the schema has for it; the store does not know it yet."""
        return Table(name, number, self.schema.tables.get(name), is_validated=self.schema.schema_validation)

    def table_name(self, table_number: int) -> str | None:
        """The name of the table with that number; those of system tables begin with an underscore."""
        return self._names.get(table_number) or SYSTEM_TABLES.get(table_number)

    def table_number(self, name: str) -> int | None:
        """The number of the table with that name."""
        return self._numbers.get(name) or _VISIBLE_NUMBERS.get(name)

    def create_table(self, name: str) -> Table:
        """Makes a table the schema does not name; logged, so that it vanishes when its transaction fails."""
        table = self.new_table(name, next(_free_numbers(self._names)))
        self.add_table(table)
        return table

    def add_table(self, table: Table) -> None:
        """Makes an empty table one of the store's, and logs it; its name and number must be free."""
        assert table.name not in self._numbers
        assert table.number not in self._names
        self._register(table)
        self.log.append(Change(table, None, None, None))

    def remove_table(self, table: Table) -> None:
        """Takes a table without documents out of the store, and logs it; one of the schema must be added again."""
        assert not table.documents
        self._unregister(table)
        self.log.append(Change(table, None, None, None, removes_table=True))

    def _register(self, table: Table) -> None:
        self.tables[table.name] = table
        self._numbers[table.name] = table.number
        self._names[table.number] = table.name

    def _unregister(self, table: Table) -> None:
        del self.tables[table.name]
        del self._numbers[table.name]
        del self._names[table.number]

    def put(self, table: Table, document_id: str, new: StoredDocument | None) -> None:
        """Makes ``new`` the current version of a document (None deletes it) and logs the change."""
        old = table.documents.get(document_id)
        self.log.append(Change(table, document_id, old, new))
        _apply(table, document_id, old, new)

    def forget_log(self) -> None:
        """Empties the log after a commit, unless a mark is held."""
        if self.marks == 0:
            self.log.clear()

    def undo(self, mark: int) -> None:
        """Undoes every change since the log had ``mark`` entries, newest first, and forgets them."""
        changes = self.log[mark:]
        del self.log[mark:]
        self.revert(changes)

    def revert(self, changes: list[Change]) -> None:
        """Takes changes back, newest first; the log stays as it is."""
        for change in reversed(changes):
            if change.document_id is not None:
                _apply(change.table, change.document_id, change.new, change.old)
            elif change.removes_table:
                self._register(change.table)
            else:
                self._unregister(change.table)

    def reapply(self, changes: list[Change]) -> None:
        """Makes reverted changes again, oldest first; the log stays as it is."""
        for change in changes:
            if change.document_id is not None:
                _apply(change.table, change.document_id, change.old, change.new)
            elif change.removes_table:
                self._unregister(change.table)
            else:
                self._register(change.table)

    def check_schema(self, table: Table, value: Document, tables: TableNumbers | None = None) -> None:
        """Holds a document without system fields against its table's validator.

        Args:
            table: the document's table.
            value: the document.
            tables: whose numbers ids of other tables are held against; the store's if None.

        Raises:
            SchemaViolation: with the deployment's text.
        """
        if table.validator is None:
            return
        problem = table.validator.problem(value, "", tables or self)
        if problem is not None:
            raise SchemaViolation(
                f'Failed to insert or update a document in table "{table.name}" '
                f"because it does not match the schema: {problem}"
            )


def _free_numbers(taken: Container[int]) -> Iterator[int]:
    return (number for number in count(FIRST_USER_TABLE_NUMBER) if number not in taken)


def _schema_numbers(schema: Schema, given: Mapping[str, int]) -> dict[str, int]:
    """The numbers of the schema's tables: those they have, or else the lowest free ones."""
    free = _free_numbers(set(given.values()))
    return {name: given[name] if name in given else next(free) for name in schema.tables}


def _apply(table: Table, document_id: str, old: StoredDocument | None, new: StoredDocument | None) -> None:
    if new is None:
        del table.documents[document_id]
        assert old is not None
        for index, key in zip(table.index_list, old.index_keys, strict=True):
            index.remove(key)
    else:
        table.documents[document_id] = new
        _move_keys(table, old, new)
    for lazy_index in table.lazy_indexes:
        lazy_index.touch(document_id)


def _move_keys(table: Table, old: StoredDocument | None, new: StoredDocument) -> None:
    if old is None:
        for index, key in zip(table.index_list, new.index_keys, strict=True):
            index.add(key)
        return
    for index, old_key, new_key in zip(table.index_list, old.index_keys, new.index_keys, strict=True):
        if old_key is not new_key and old_key != new_key:
            index.remove(old_key)
            index.add(new_key)

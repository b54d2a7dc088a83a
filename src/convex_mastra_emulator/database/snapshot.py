"""All documents of a store at one moment, and how a store becomes like it.

A snapshot holds references: stored documents never change, so taking one copies dictionaries and nothing in them.
Going back writes what differs, through the store's log; so it can be undone itself, and whoever watches is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.store import Store, Table
from convex_mastra_emulator.schema.schema import Schema


@dataclass(frozen=True, slots=True)
class TableState:
    """One table: its number, and its documents by id, with the keys they have in its indexes."""

    number: int
    documents: Mapping[str, StoredDocument]


@dataclass(frozen=True, slots=True)
class StoreState:
    """The tables of a store by name.

    Attributes:
        schema: the store's.
        tables: those of the schema are among them.
        system: the documents of the deployment's own tables.
    """

    schema: Schema
    tables: Mapping[str, TableState]
    system: Mapping[str, Mapping[str, StoredDocument]]


def state_of(store: Store) -> StoreState:
    """What the store holds now."""
    for name in store.schema.tables:
        store.table(name)  # exists from now on, without a document
    tables = {
        name: TableState(table.number, MappingProxyType(dict(table.documents))) for name, table in store.tables.items()
    }
    system = {name: MappingProxyType(dict(table.documents)) for name, table in store.system_tables.items()}
    return StoreState(store.schema, MappingProxyType(tables), MappingProxyType(system))


def bring_to(store: Store, state: StoreState) -> None:
    """Makes the store hold what ``state`` says; only what differs is written, and all of it is logged.

    Args:
        store: a store with the schema of ``state``.
        state: which tables, under which numbers, and their documents.
    """
    for name in store.schema.tables:
        store.table(name)
    # All that go before any that come: two tables may exchange their numbers.
    for table in list(store.tables.values()):
        wanted = state.tables.get(table.name)
        if wanted is None or wanted.number != table.number:
            _write(store, table, {})
            store.remove_table(table)
    for name, wanted in state.tables.items():
        if name not in store.tables:
            store.add_table(store.new_table(name, wanted.number))
        _write(store, store.tables[name], wanted.documents)
    for name in {**store.system_tables, **state.system}:
        _write(store, store.system_table(name), state.system.get(name, {}))


def _write(store: Store, table: Table, documents: Mapping[str, StoredDocument]) -> None:
    for document_id in [document_id for document_id in table.documents if document_id not in documents]:
        store.put(table, document_id, None)
    for document_id, document in documents.items():
        if table.documents.get(document_id) is not document:
            store.put(table, document_id, document)

"""Another schema for a store that holds documents: what must fit, and how tables get their new indexes.

convex-backend crates/database/src/schema_registry.rs, crates/common/src/bootstrap_model/schema.rs
(convex-engine.md §7.1, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator

from convex_mastra_emulator.database.documents import StoredDocument, without_system_fields
from convex_mastra_emulator.database.store import Store, Table
from convex_mastra_emulator.errors import SchemaViolation
from convex_mastra_emulator.schema.schema import Schema


def first_violation(store: Store, schema: Schema) -> SchemaViolation | None:
    """The first document that does not fit a schema, in the order of tables' names and of creation; None if all do."""
    if not schema.schema_validation:
        return None
    for name, definition in sorted(schema.tables.items()):
        table = store.tables.get(name)
        for document in () if table is None else _in_order(table):
            fields = without_system_fields(document.value)
            problem = definition.stored_type.problem(fields, "", store)
            if problem is not None:
                violation = SchemaViolation(
                    f'Document with ID "{document.value["_id"]}" in table "{name}" does not match the schema: {problem}'
                )
                violation.table = name
                return violation
    return None


def _in_order(table: Table) -> Iterator[StoredDocument]:
    return iter(table.documents.values())


def change_schema(store: Store, schema: Schema, *, forgets_empty: bool = False) -> None:
    """Makes ``schema`` the store's; every change is logged, but not that of :attr:`Store.schema` itself.

    Tables whose definition changes get new indexes; those the schema no longer names keep their documents.

    Args:
        store: whose it becomes.
        schema: the new one.
        forgets_empty: whether tables that only the schema before names go, if they hold nothing.
    """
    before = store.schema
    for name in before.tables:
        table = store.table(name)  # a table without documents keeps its number, too
        if forgets_empty and table is not None and name not in schema.tables and not table.documents:
            store.remove_table(table)
    store.schema = schema
    for table in list(store.tables.values()):
        if _is_changed(before, schema, table.name):
            _rebuild(store, table)
    for name in schema.tables:
        if name not in store.tables:
            store.create_table(name)


def _is_changed(before: Schema, after: Schema, name: str) -> bool:
    was_validated, is_validated = before.schema_validation, after.schema_validation
    return before.tables.get(name) != after.tables.get(name) or was_validated != is_validated


def _rebuild(store: Store, table: Table) -> None:
    documents = dict(table.documents)
    for document_id in documents:
        store.put(table, document_id, None)
    store.remove_table(table)
    rebuilt = store.new_table(table.name, table.number)
    store.add_table(rebuilt)
    for document_id, document in documents.items():
        fresh = StoredDocument(document.value, document.size)
        store.put(rebuilt, document_id, rebuilt.with_index_keys(fresh, None))

"""Documents the deployment writes itself: of system tables, neither counted nor validated."""

from __future__ import annotations

from convex_mastra_emulator.database.documents import CREATION_TIME, build_document
from convex_mastra_emulator.database.store import Table
from convex_mastra_emulator.database.stored_files import StoredFile
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.values.size import Measured, measure
from convex_mastra_emulator.values.types import Value


def insert_system(
    transaction: Transaction, table_name: str, fields: dict[str, Value], attachment: StoredFile | None = None
) -> str:
    """Stores a document of a system table, with the file that belongs to it, and returns its id."""
    table = transaction.store.system_table(table_name)
    document_id = transaction.fresh_id(table)
    _put(transaction, table, document_id, fields, transaction.take_creation_time(), attachment)
    return document_id


def replace_system(transaction: Transaction, table_name: str, document_id: str, fields: dict[str, Value]) -> None:
    """Replaces the fields of a document of a system table."""
    table = transaction.store.system_table(table_name)
    _put(transaction, table, document_id, fields, table.documents[document_id].value[CREATION_TIME])


def delete_system(transaction: Transaction, table_name: str, document_id: str) -> None:
    """Deletes a document of a system table."""
    transaction.store.put(transaction.store.system_table(table_name), document_id, None)


def _put(
    transaction: Transaction,
    table: Table,
    document_id: str,
    fields: dict[str, Value],
    creation_time: float,
    attachment: StoredFile | None = None,
) -> None:
    size, nesting = measure(fields)
    document = build_document(Measured(fields, size, nesting), document_id, creation_time, transaction.limits)
    document.attachment = attachment
    old = table.documents.get(document_id)
    transaction.store.put(table, document_id, table.with_index_keys(document, old))

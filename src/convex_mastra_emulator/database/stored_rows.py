"""Documents as rows of the data file, and the rows a commit changes.

Values stand there as ``convex_encoded_json``, which loses nothing: Int64, bytes, NaN, -0, the order of fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from convex_mastra_emulator.database.documents import StoredDocument, without_system_fields
from convex_mastra_emulator.database.store import KEPT_SYSTEM_TABLES, Change, Store, Table
from convex_mastra_emulator.database.stored_files import StoredFile
from convex_mastra_emulator.errors import DataFileRefused, EmulatorError, SchemaViolation
from convex_mastra_emulator.values.codec import decode_stored, encode
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.json_text import parse_own_json, write_json
from convex_mastra_emulator.values.size import size_of

_UUID_SIZE = 36

DocumentRow: TypeAlias = tuple[str, str, bytes | None]
"""An id, the document's JSON, and the bytes of a stored file."""


class Rows(NamedTuple):
    """What a commit does to the file: what is deleted goes before anything comes."""

    deleted: list[tuple[str]]
    written: list[DocumentRow]
    tables_removed: list[tuple[str]]
    tables_added: list[tuple[str, int]]

    def __bool__(self) -> bool:
        return any(self[:])


def rows_of(changes: Iterable[Change]) -> Rows:
    """The rows a commit changes; of a document that changed more than once only its last version is written."""
    deleted: dict[str, None] = {}
    written: dict[str, StoredDocument] = {}
    removed: dict[str, None] = {}
    added: dict[str, int] = {}
    for change in changes:
        document_id = change.document_id
        if document_id is None:
            added.pop(change.table.name, None)
            if change.removes_table:
                removed[change.table.name] = None
            else:
                added[change.table.name] = change.table.number
        elif change.new is None:
            written.pop(document_id, None)
            deleted[document_id] = None
        else:
            written[document_id] = change.new
    return Rows(
        [(document_id,) for document_id in deleted],
        [_row(document_id, document) for document_id, document in written.items()],
        [(name,) for name in removed],
        list(added.items()),
    )


def _row(document_id: str, document: StoredDocument) -> DocumentRow:
    return document_id, write_json(encode(document.value)), _written(document.attachment)


def undoing(changes: list[Change]) -> Iterator[Change]:
    """The changes that take ``changes`` back, in the order in which a store makes them."""
    for change in reversed(changes):
        if change.document_id is None:
            yield change._replace(removes_table=not change.removes_table)
        else:
            yield change._replace(old=change.new, new=change.old)


def put_row(store: Store, tables: dict[int, Table], row: DocumentRow) -> None:
    """Puts a document of a file into the store.

    Args:
        store: takes it.
        tables: the users' tables by their numbers.
        row: as it stands in the file.

    Raises:
        DataFileRefused: when it cannot be read.
    """
    document_id, text, attachment = row
    try:
        number, _ = decode_id(document_id)
        value = decode_stored(parse_own_json(text))
    except (EmulatorError, ValueError) as error:
        raise DataFileRefused(f'the file is damaged: document "{document_id}": {error}') from error
    table = tables.get(number)
    if table is None:
        name = KEPT_SYSTEM_TABLES.get(number)
        if name is None:
            raise DataFileRefused(f'the file is damaged: document "{document_id}" belongs to no table')
        table = store.system_table(name)
    document = StoredDocument(value, size_of(value))
    document.attachment = None if attachment is None else _read(attachment)
    store.put(table, document_id, table.with_index_keys(document, None))


def _written(file: StoredFile | None) -> bytes | None:
    """A stored file: the name in its URL, then its bytes."""
    return None if file is None else file.uuid.encode("ascii") + file.body


def _read(attachment: bytes) -> StoredFile:
    return StoredFile(attachment[_UUID_SIZE:], attachment[:_UUID_SIZE].decode("ascii"))


def check_documents(store: Store) -> None:
    """Holds all documents against the schema, as a push of it does.

    Raises:
        SchemaViolation: for the first that does not match, in the deployment's words.
    """
    for name in store.schema.tables:
        table = store.table(name)
        if table is None or table.validator is None:
            continue
        for document_id, document in table.documents.items():
            problem = table.validator.problem(without_system_fields(document.value), "", store)
            if problem is not None:
                # crates/common/src/schemas/mod.rs `SchemaValidationError::ExistingDocument`
                raise SchemaViolation(
                    f'Document with ID "{document_id}" in table "{name}" does not match the schema: {problem}'
                )

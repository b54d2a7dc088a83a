"""Stored files in an export: ``_storage/documents.jsonl`` tells of them, ``_storage/<id>.<extension>`` are their bytes.

Only files whose bytes are there are imported; one nobody tells of gets a new URL and has no media type.  Without the
``documents.jsonl`` no file is.

convex-backend crates/exports/src/export_storage.rs, crates/application/src/snapshot_import/import_file_storage.rs and
parse.rs ``parse_storage_filename`` (convex-wire.md §5.4, checked 2026-11-21).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.data.json_lines import json_lines
from convex_mastra_emulator.data.refusals import BadRow, ImportRefused
from convex_mastra_emulator.data.rows import JsonRow
from convex_mastra_emulator.database.documents import CREATION_TIME, ID, StoredDocument, build_document
from convex_mastra_emulator.database.stored_files import StoredFile
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, InvalidValue
from convex_mastra_emulator.runtime.files import (
    STORAGE,
    STORAGE_TABLE_NUMBER,
    check_digest,
    file_of,
    parse_sha256,
    parse_uuid,
    storage_fields,
)
from convex_mastra_emulator.values.ids import IdSource, decode_id
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.media_types import MediaTypeError, parse_media_type
from convex_mastra_emulator.values.size import Measured, measure

DOCUMENTS = f"{STORAGE}/documents.jsonl"
_FILE = re.compile(r"(?:.*/)?_storage/(?P<id>[^/.]+)(?:\.[^/]+)?")
# The endings of the deployment's crate mime2ext for types that agents store; of others there is no need to guess.
_EXTENSIONS = {
    "application/json": "json",
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "audio/mpeg": "mpga",
    "audio/ogg": "oga",
    "audio/wav": "wav",
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/webp": "webp",
    "text/css": "css",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "markdown",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/webm": "webm",
}


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """The stored files of an export.

    Attributes:
        path: of the file that tells of them.
        data: what it says.
        files: what reads each of them, by the path in the export.
    """

    path: str
    data: bytes
    files: Mapping[str, Callable[[], bytes]]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a row tells of a file."""

    content_type: str | None = None
    digest: bytes | None = None
    uuid: str | None = None
    creation_time: float | None = None


def is_stored_file(path: str) -> bool:
    """Whether a path in an export is that of a file's bytes."""
    return file_id_in(path) is not None


def file_id_in(path: str) -> str | None:
    """The id in the path of a file's bytes; None for another path."""
    found = _FILE.fullmatch(path)
    return None if found is None or found["id"] == "documents" else found["id"]


def documents_of(
    stored: StoredFiles, transaction: Transaction, id_source: IdSource, taken: Collection[str]
) -> tuple[dict[str, StoredDocument], list[BadRow]]:
    """The documents of all files with their bytes, and the rows that cannot be read.

    Args:
        stored: what was found in the export.
        transaction: gives creation times to files nobody tells of.
        id_source: where their UUIDs come from.
        taken: ids that stored files have already.

    Raises:
        ImportRefused: for a file whose name is no id, whose id is taken, or whose digest is another.
    """
    told, bad, left_out = _read_rows(stored)
    documents: dict[str, StoredDocument] = {}
    for path, read in stored.files.items():
        document_id = _checked_id(path)
        if document_id in left_out:
            continue
        if document_id in documents or document_id in taken:
            raise ImportRefused(f'Objects in table "{STORAGE}" have duplicate _id fields', code="DuplicateId")
        about = told.get(document_id, _Told())
        documents[document_id] = _document(document_id, read(), about, transaction, id_source, path)
    return documents, bad


def _checked_id(path: str) -> str:
    text = file_id_in(path)
    assert text is not None
    try:
        number, _ = decode_id(text)
    except InvalidValue as error:
        raise ImportRefused(f"_storage id '{text}' invalid: {error.message}", code="InvalidStorageId") from None
    if number != STORAGE_TABLE_NUMBER:
        raise _other_table(text, number)
    return text


def _other_table(document_id: str, number: int) -> ImportRefused:
    return ImportRefused(
        f"_storage entry has invalid ID {document_id} (TableNumber({number}) != TableNumber({STORAGE_TABLE_NUMBER}))",
        code="InvalidId",
    )


def _document(
    document_id: str, body: bytes, told: _Told, transaction: Transaction, id_source: IdSource, path: str
) -> StoredDocument:
    fields = storage_fields(body, told.content_type)
    try:
        check_digest(str(fields["sha256"]), told.digest)
    except DeploymentError as error:
        raise ImportRefused(f"{path}: {error.message}", code=error.code) from None
    creation_time = transaction.take_creation_time() if told.creation_time is None else told.creation_time
    size, nesting = measure(fields)
    document = build_document(Measured(fields, size, nesting), document_id, creation_time, transaction.limits)
    document.attachment = StoredFile(body, told.uuid or id_source.uuid())
    return transaction.store.system_table(STORAGE).with_index_keys(document, None)


def _read_rows(stored: StoredFiles) -> tuple[dict[str, _Told], list[BadRow], set[str]]:
    """What is told of files by id, the rows that cannot be read, and the ids in those."""
    told: dict[str, _Told] = {}
    bad: list[BadRow] = []
    left_out: set[str] = set()
    for row in json_lines(stored.path, stored.data).rows():
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        try:
            document_id = _id_in(row.json)
            told[document_id] = _told(row.json)
        except _RowRefused as refused:
            text = f"Row {row.line} wasn't a valid Convex value: {refused.text}"
            bad.append(BadRow(stored.path, row.line, text, "InvalidConvexValue", refused.field))
            left_out.update(_ids_in(row))
    return told, bad, left_out


class _RowRefused(Exception):
    """A row tells nothing that can be understood."""

    def __init__(self, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.field = field


def _ids_in(row: JsonRow) -> Iterator[str]:
    if type(row.json) is dict and type(row.json.get(ID)) is str:
        yield row.json[ID]


def _id_in(row: Any) -> str:
    if type(row) is not dict:
        raise _RowRefused("expected struct FileStorageZipMetadata")
    if type(row.get(ID)) is not str:
        raise _RowRefused(f"missing field `{ID}`" if ID not in row else "expected a string", ID)
    text: str = row[ID]
    try:
        number, _ = decode_id(text)
    except InvalidValue as error:
        raise _RowRefused(error.message, ID) from None
    if number != STORAGE_TABLE_NUMBER:
        raise _other_table(text, number)
    return text


def _told(row: Mapping[str, Any]) -> _Told:
    """What a row tells; how its faults are worded is unverified, but that they are refused."""
    content_type = _optional(row, "contentType", str)
    digest = _optional(row, "sha256", str)
    uuid = _optional(row, "internalId", str)
    creation_time = _optional(row, CREATION_TIME, float)
    _optional(row, "size", float)
    if creation_time is not None and not (math.isfinite(creation_time) and creation_time >= 0):
        raise _RowRefused(f"Invalid creation time {creation_time}", CREATION_TIME)
    if digest is not None and parse_sha256(digest) is None:
        raise _RowRefused("sha256 not 32 bytes", "sha256")
    if uuid is not None and parse_uuid(uuid) is None:
        raise _RowRefused("Couldn't parse storage_id", "internalId")
    return _Told(
        _media_type(content_type),
        None if digest is None else parse_sha256(digest),
        None if uuid is None else parse_uuid(uuid),
        creation_time,
    )


def _media_type(text: str | None) -> str | None:
    try:
        return None if text is None else parse_media_type(text)
    except MediaTypeError as error:
        raise _RowRefused(str(error), "contentType") from None


def _optional(row: Mapping[str, Any], name: str, kind: type) -> Any:
    value = row.get(name)
    if value is not None and type(value) is not kind:
        expected = "a string" if kind is str else "a number"
        raise _RowRefused(f"field `{name}` must be {expected}, got {write_json(value)}", name)
    return value


def exported_row(document: StoredDocument) -> str:
    """The line that tells of a file."""
    fields = document.value
    row = {
        ID: fields[ID],
        CREATION_TIME: fields[CREATION_TIME],
        "sha256": fields["sha256"],
        "size": int(fields["size"]),
        "contentType": fields["contentType"],
        "internalId": file_of(document).uuid,
    }
    return write_json(row) + "\n"


def exported_path(document: StoredDocument) -> str:
    """Where the bytes of a file stand; the extension is a guess, for people who look into the ZIP."""
    content_type = document.value["contentType"]
    extension = None if content_type is None else _EXTENSIONS.get(str(content_type).partition(";")[0])
    return f"{STORAGE}/{document.value[ID]}" + (f".{extension}" if extension is not None else "")

"""Stored files as documents of ``_storage``, as one transaction sees and changes them.

convex-backend crates/model/src/file_storage/mod.rs, virtual_table.rs, crates/file_storage/src/core.rs
(convex-engine.md §10.13, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.database.documents import ID, StoredDocument
from convex_mastra_emulator.database.index import BY_ID
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.stored_files import StoredFile
from convex_mastra_emulator.database.system_documents import delete_system, insert_system
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, InvalidArgument, InvalidValue
from convex_mastra_emulator.runtime.origins import Origins
from convex_mastra_emulator.runtime.upload_tokens import UploadTokens
from convex_mastra_emulator.values.ids import IdSource, decode_id
from convex_mastra_emulator.values.types import Value

STORAGE = "_storage"
STORAGE_TABLE_NUMBER = 540
_SHA256_SIZE = 32
_HYPHENATED = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# The four forms Rust's crate uuid reads.
_UUID = re.compile(rf"[0-9a-fA-F]{{32}}|{_HYPHENATED}|urn:uuid:{_HYPHENATED}|\{{{_HYPHENATED}\}}")


@dataclass(frozen=True, slots=True)
class FileId:
    """What names a file: the id of its document, or the UUID of its URL."""

    text: str
    is_uuid: bool = False


def parse_uuid(text: str) -> str | None:
    """A UUID in its usual form; None if ``text`` is none in any."""
    if not _UUID.fullmatch(text):
        return None
    digits = text.removeprefix("urn:uuid:").strip("{}").replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parse_file_id(text: str, call: str) -> FileId:
    """Reads what a function names a file by.

    Args:
        text: an id or a UUID.
        call: how the deployment names the call, such as ``storage.getUrl``.

    Raises:
        InvalidArgument: if ``text`` is neither.
    """
    try:
        decode_id(text)
    except InvalidValue:
        uuid = parse_uuid(text)
        if uuid is None:
            raise InvalidArgument(
                f'Invalid argument `storageId` for `{call}`: Invalid storage ID: "{text}". Storage ID should be an\n'
                "                    Id of '_storage' table, or a UUID string."
            ) from None
        return FileId(uuid, is_uuid=True)
    return FileId(text)


def parse_sha256(text: str) -> bytes | None:
    """A digest in base64, whose padding may be missing; None if ``text`` is none."""
    padded = text if "=" in text else text + "=" * (-len(text) % 4)
    try:
        digest = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == _SHA256_SIZE else None


def storage_fields(body: bytes, content_type: str | None) -> dict[str, Value]:
    """The fields of a file's document; one without a type has null there, whatever npm's types say."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    return {"contentType": content_type, "sha256": digest, "size": float(len(body))}


def check_digest(actual: str, expected: bytes | None) -> None:
    """Holds a file's digest against the one its sender named.

    Raises:
        DeploymentError: ``Sha256Mismatch``.
    """
    named = None if expected is None else base64.b64encode(expected).decode("ascii")
    if named not in (None, actual):
        raise DeploymentError(f"Sha256 mismatch. Expected: {named} Actual: {actual}", code="Sha256Mismatch")


class Files:
    """The stored files, as one transaction sees and changes them.

    Args:
        transaction: what reads and writes.
        id_source: where the UUIDs of new files come from.
        origins: say how URLs begin.
        tokens: issues those of upload URLs.
    """

    def __init__(self, transaction: Transaction, id_source: IdSource, origins: Origins, tokens: UploadTokens) -> None:
        self._transaction = transaction
        self._id_source = id_source
        self._origins = origins
        self._tokens = tokens

    def upload_url(self) -> str:
        """A URL that takes a file for an hour."""
        token = self._tokens.issue(self._transaction.begin_ns // 1_000_000_000)
        return f"{self._origins.cloud_url}/api/storage/upload?token={token}"

    def store(self, body: bytes, content_type: str | None, expected_digest: bytes | None = None) -> str:
        """Stores a file and returns its id.

        Raises:
            DeploymentError: ``Sha256Mismatch``.
        """
        fields = storage_fields(body, content_type)
        check_digest(str(fields["sha256"]), expected_digest)
        return insert_system(self._transaction, STORAGE, fields, StoredFile(body, self._id_source.uuid()))

    def find(self, file_id: FileId) -> StoredDocument | None:
        """The document of a file, or None if there is none.

        Raises:
            InvalidArgument: for an id of another table.
        """
        if file_id.is_uuid:
            return self._find_by_uuid(file_id.text)
        number, _ = decode_id(file_id.text)
        if number != STORAGE_TABLE_NUMBER:
            raise InvalidArgument("Invalid storage ID. Storage ID cannot be an ID on any table other than '_storage'.")
        return self._transaction.get_system(STORAGE, file_id.text)

    def _find_by_uuid(self, uuid: str) -> StoredDocument | None:
        # Any file may come to be the one that is meant, by an import.
        self._transaction.read_set.add(STORAGE, BY_ID, Interval(b"", None))
        documents = self._transaction.store.system_table(STORAGE).documents
        return next((document for document in documents.values() if file_of(document).uuid == uuid), None)

    def url(self, file_id: FileId) -> str | None:
        """The URL of a file; None if there is none.

        Raises:
            InvalidArgument: for an id of another table.
        """
        document = self.find(file_id)
        return None if document is None else f"{self._origins.cloud_url}/api/storage/{file_of(document).uuid}"

    def metadata(self, file_id: FileId) -> dict[str, Any] | None:
        """What ``getMetadata`` tells of a file; None if there is none.

        Raises:
            InvalidArgument: for an id of another table.
        """
        document = self.find(file_id)
        if document is None:
            return None
        fields: Mapping[str, Any] = document.value
        return {
            "storageId": file_of(document).uuid,
            # Not base64, as in the document.
            "sha256": base64.b64decode(fields["sha256"]).hex(),
            "size": fields["size"],
            "contentType": fields["contentType"],
        }

    def delete(self, file_id: FileId) -> None:
        """Deletes a file.

        Raises:
            InvalidArgument: for an id of another table.
            DeploymentError: ``StorageIdNotFound``.
        """
        document = self.find(file_id)
        if document is None:
            raise DeploymentError(f"storage id {file_id.text} not found", code="StorageIdNotFound")
        delete_system(self._transaction, STORAGE, document.value[ID])


def file_of(document: StoredDocument) -> StoredFile:
    """The file of a document of ``_storage``."""
    assert document.attachment is not None, "a document of _storage without its file"
    return document.attachment

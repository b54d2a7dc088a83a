"""``ctx.storage`` of functions.

In queries it reads, in mutations it is part of the transaction, in actions it acts at once.  The checks and texts of
npm convex' side of each call stand here, the deployment's in ``files.py``.

convex-js src/server/impl/storage_impl.ts (npm convex 1.48.0), convex-backend npm-packages/udf-runtime/src/storage.ts,
crates/isolate/src/environment/action/storage.rs (convex-engine.md §10.13, checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.errors import DeploymentError, InvalidArgument, ThrownError
from convex_mastra_emulator.runtime.files import FileId, Files, file_of, parse_file_id, parse_sha256
from convex_mastra_emulator.values.javascript import number_to_string, to_string
from convex_mastra_emulator.values.media_types import MediaTypeError, parse_media_type
from convex_mastra_emulator.values.types import undefined

OpenFiles = Callable[[], AbstractContextManager[Files]]
# What a type of a Blob may be made of; another one is none (npm-packages/udf-runtime/src/09_file.ts).
_BLOB_TYPE = re.compile(r"[\x20-\x7e]*")
_JSON_TYPES = {type(None): "null", list: "sequence", tuple: "sequence", dict: "map"}


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A file as an action gets it.

    Attributes:
        body: the bytes.
        content_type: the media type it was stored with; None if none was named.
    """

    body: bytes
    content_type: str | None = None

    def text(self) -> str:
        """The bytes as text in UTF-8; what is none becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")


class StorageReader:
    """``ctx.storage`` of a query."""

    __slots__ = ("_open_files",)

    def __init__(self, open_files: OpenFiles) -> None:
        self._open_files = open_files

    def get_url(self, storage_id: Any = undefined) -> str | None:
        """The URL under which a file can be fetched; None if there is no such file.

        Raises:
            InvalidArgument: for text that names no file, and for an id of another table.
            TypeError: if no id is given.
        """
        if storage_id is undefined:
            raise TypeError("Must provide arg 1 `storageId` to `getUrl`")
        file_id = _file_id(storage_id, "storage.getUrl")
        with self._open_files() as files:
            return files.url(file_id)

    def get_metadata(self, storage_id: Any = undefined) -> dict[str, Any] | None:
        """``storageId``, ``sha256`` in hexadecimal, ``size`` and ``contentType`` of a file, or None.

        Deprecated by Convex: ``ctx.db.system.get(storage_id)`` gives a document.

        Raises:
            InvalidArgument: for text that names no file, and for an id of another table.
        """
        file_id = _file_id(storage_id, "storage.getMetadata")
        with self._open_files() as files:
            return files.metadata(file_id)


class StorageWriter(StorageReader):
    """``ctx.storage`` of a mutation."""

    __slots__ = ()

    def generate_upload_url(self) -> str:
        """A URL that takes a file by POST for an hour, and answers ``{"storageId": …}``."""
        with self._open_files() as files:
            return files.upload_url()

    def delete(self, storage_id: Any = undefined) -> None:
        """Deletes a file; its URL then answers 404.

        Raises:
            InvalidArgument: for text that names no file, and for an id of another table.
            DeploymentError: ``StorageIdNotFound``.
        """
        file_id = _file_id(storage_id, "storage.delete")
        with self._open_files() as files:
            files.delete(file_id)

    def get(self, storage_id: Any = undefined) -> StoredBlob | None:
        """Only actions can read files: npm convex asks for it, and the deployment knows no such operation.

        Raises:
            DeploymentError: ``UnknownAsyncOperation``.
        """
        raise _unknown_operation("storageGet")

    def store(
        self, body: bytes | bytearray | memoryview, content_type: str | None = None, sha256: str | None = None
    ) -> str:
        """Only actions can store files: npm convex asks for it, and the deployment knows no such operation.

        Raises:
            DeploymentError: ``UnknownAsyncOperation``.
        """
        _check_body(body)
        raise _unknown_operation("storageStore")


class ActionStorage(StorageWriter):
    """``ctx.storage`` of an action."""

    __slots__ = ()

    def get(self, storage_id: Any = undefined) -> StoredBlob | None:
        """A file, or None if there is no such one.

        Raises:
            InvalidArgument: for text that names no file, and for an id of another table.
            ThrownError: for what is no text.
        """
        if not isinstance(storage_id, str):
            shown = "undefined" if storage_id is undefined else to_string(storage_id)
            raise ThrownError(f"storage.get requires a string storageId but received {shown}")
        # The deployment does name the other call.
        file_id = parse_file_id(storage_id, "storage.getMetadata")
        with self._open_files() as files:
            document = files.find(file_id)
            return None if document is None else StoredBlob(file_of(document).body, document.value["contentType"])

    def store(
        self, body: bytes | bytearray | memoryview, content_type: str | None = None, sha256: str | None = None
    ) -> str:
        """Stores a file and returns its id.

        Args:
            body: the bytes.
            content_type: their media type.
            sha256: their digest in base64, to be checked.

        Raises:
            TypeError: for a body that is no bytes.
            DeploymentError: for a type that is none, a digest that is none, and ``Sha256Mismatch``.
        """
        _check_body(body)
        media_type = _media_type(content_type)
        digest = None if sha256 is None else parse_sha256(sha256)
        if sha256 is not None and digest is None:
            text = "failed to parse header value" if _is_no_header(sha256) else "invalid HTTP header"
            raise DeploymentError(text, code="InvalidDigestHeader")
        with self._open_files() as files:
            return files.store(bytes(body), media_type, digest)


def _unknown_operation(name: str) -> DeploymentError:
    return DeploymentError(f"Unknown async operation 1.0/{name}", code="UnknownAsyncOperation")


def _check_body(body: object) -> None:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"body must be bytes, got {type(body).__name__}; text has to be encoded")


def _media_type(content_type: str | None) -> str | None:
    """The type as it is kept: what a Blob makes of it, then what the deployment does."""
    if not content_type or not _BLOB_TYPE.fullmatch(content_type):
        return None
    try:
        return parse_media_type(content_type.lower())
    except MediaTypeError as error:
        raise DeploymentError(str(error), code="InvalidContentTypeHeader") from None


def _is_no_header(text: str) -> bool:
    return any((char < " " and char != "\t") or char == "\x7f" for char in text)


def _file_id(value: Any, call: str) -> FileId:
    if isinstance(value, str):
        return parse_file_id(value, call)
    if value is undefined:
        raise InvalidArgument(f"Invalid arguments for `{call}`: missing field `storageId`")
    raise InvalidArgument(f"Invalid arguments for `{call}`: invalid type: {_json_type(value)}, expected a string")


def _json_type(value: Any) -> str:
    """How serde names what is no string."""
    if isinstance(value, bool):
        return f"boolean `{'true' if value else 'false'}`"
    if isinstance(value, (int, float)):
        kind = "integer" if float(value).is_integer() else "floating point"
        return f"{kind} `{number_to_string(float(value))}`"
    return _JSON_TYPES.get(type(value), "map")

"""One stored version of a document, and the checks a document passes before it is stored.

convex-backend crates/common/src/document.rs (convex-engine.md §1.6 and §6, checked 2026-11-21).
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from convex_mastra_emulator.database.stored_files import StoredFile
from convex_mastra_emulator.errors import DeploymentError, InvalidArgument, InvalidDocument
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.display import display, human_size
from convex_mastra_emulator.values.order import same
from convex_mastra_emulator.values.size import Measured, too_many_fields
from convex_mastra_emulator.values.types import Document, Value, undefined

ID = "_id"
CREATION_TIME = "_creationTime"
SYSTEM_FIELDS = (ID, CREATION_TIME)

# `_id` and `_creationTime` with their names: 3 + 1 + 2 + length of the id, 13 + 1 + 9.
_CREATION_TIME_SIZE = 23


class StoredDocument:
    """A version of a document: its fields in byte order, its size, and its key in every index of its table.

    Nobody changes ``value``; a new version is a new object.

    Attributes:
        attachment: the file, of a document of ``_storage``; it comes and goes with the document's version.
        json_text: what :func:`~..values.json_text.write_json` gave for it, where somebody has kept that.
    """

    __slots__ = ("attachment", "index_keys", "json_text", "size", "value")

    def __init__(self, value: Document, size: int, index_keys: tuple[bytes, ...] = ()) -> None:
        self.value = value
        self.size = size
        self.index_keys = index_keys
        self.attachment: StoredFile | None = None
        self.json_text: str | None = None


def invalid_argument(argument: str, function: str, cause: DeploymentError | str) -> InvalidArgument:
    """The form every bad argument of a database call is reported in (§3.3)."""
    text = cause if isinstance(cause, str) else cause.message
    return InvalidArgument(f"Invalid argument `{argument}` for `db.{function}`: {text}")


def field_at(value: Value, path: tuple[str, ...]) -> Any:
    """The value at a field path; :data:`undefined` when it is missing or leads through a non-object."""
    for name in path:
        if type(value) is not dict:
            return undefined
        value = value.get(name, undefined)
    return value


def without_system_fields(value: Document) -> Document:
    """The document as its table's validator sees it."""
    return {name: item for name, item in value.items() if name not in SYSTEM_FIELDS}


def build_document(given: Measured, document_id: str, creation_time: float, limits: Limits) -> StoredDocument:
    """A document from the object a function wrote, with its system fields, in the deployment's order of checks.

    Raises:
        InvalidDocument: wrong system fields, too deep, or a reserved top-level name.
        InvalidValue: more fields than an object may have.
    """
    fields = given.value
    _check_id(fields, document_id)
    own = len(fields) - (ID in fields) - (CREATION_TIME in fields)
    if own + 2 > limits.object_fields_max:
        raise too_many_fields(own + 2, limits)
    size = given.size
    if ID not in fields:
        size += 6 + len(document_id)
    if CREATION_TIME not in fields:
        size += _CREATION_TIME_SIZE
    system = {CREATION_TIME: fields.get(CREATION_TIME, creation_time), ID: document_id}
    if own and next(iter(fields)) > ID:
        value = {**system, **fields}  # the fields are in order and all behind the system ones
    else:
        value = dict(sorted({**fields, **system}.items(), key=itemgetter(0)))
    _check_creation_time(value, creation_time)
    _check_shape(value, given.nesting, limits)
    return StoredDocument(value, size)


def _check_id(fields: Document, document_id: str) -> None:
    given = fields.get(ID, document_id)
    if given is not document_id and not same(given, document_id):
        raise InvalidDocument(
            f"Provided document ID \"{document_id}\" doesn't match '_id' field {display(given)}",
            code="InvalidIdError",
        )


def _check_creation_time(value: Document, creation_time: float) -> None:
    if value[CREATION_TIME] is not creation_time and not same(value[CREATION_TIME], creation_time):
        raise InvalidDocument(
            f"Provided creation time {_plain_number(creation_time)} doesn't match '_creationTime' field in "
            f"{display(value)}",
            code="InvalidCreationTimeError",
        )


def _plain_number(number: float) -> str:
    """Rust's ``{}``: no forced ``.0``."""
    return str(int(number)) if number.is_integer() else repr(number)


def _check_shape(value: Document, nesting: int, limits: Limits) -> None:
    problems = []
    if nesting > limits.document_nesting_max:
        problems.append(
            f"Document is too nested (nested {nesting} levels deep > maximum nesting {limits.document_nesting_max})"
        )
    problems.extend(
        f"Field '{name}' starts with an underscore, which is only allowed for system fields like '_id'"
        for name in value
        if name[:1] == "_" and name not in SYSTEM_FIELDS
    )
    if problems:
        # Several violations are joined by a newline and a space.
        text = "\n ".join(problems)
        raise InvalidDocument(f"Document(value: {display(value)}) isn't a valid document: {text}")


def check_document_size(document: StoredDocument, limits: Limits) -> None:
    """Holds a document against the 1 MiB limit.

    Raises:
        InvalidDocument: ``ValueTooLargeError``.
    """
    if document.size > limits.document_size_max:
        raise InvalidDocument(
            f"Value is too large ({human_size(document.size)} > maximum size {human_size(limits.document_size_max)})",
            code="ValueTooLargeError",
        )

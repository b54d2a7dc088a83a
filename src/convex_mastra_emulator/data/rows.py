"""Rows of a file on their way into a table: as they are read, and the checks they pass before anything is written.

convex-backend crates/application/src/snapshot_import/mod.rs ``import_single_table``,
crates/database/src/bootstrap_model/import_facing.rs ``insert`` (checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.data.refusals import BadRow
from convex_mastra_emulator.database.documents import (
    CREATION_TIME,
    ID,
    StoredDocument,
    build_document,
    check_document_size,
    without_system_fields,
)
from convex_mastra_emulator.database.store import Table
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, InvalidValue, SchemaViolation
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.schema.validators import ObjectValidator, TableNumbers, UnionValidator, Validator
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.names import field_name_problem
from convex_mastra_emulator.values.size import Measured
from convex_mastra_emulator.values.types import Document

Progress = Callable[[int, int], None]
"""Told how far an import or export is: steps done, and steps in all."""
Decode = Callable[[Any, Limits], Measured]
"""Makes a value of the JSON of a row; raises InvalidValue."""

# generated schema's `apply` shows so many bytes of what is no object (crates/shape_inference export_context.rs).
_SHOWN_BYTES = 100


@dataclass(frozen=True, slots=True)
class JsonRow:
    """A row as it was read: JSON in which nothing is decoded yet.

    Attributes:
        line: where it begins in its file; the first line is 1.
        number: which row of its file it is; the first is 1.
        json: the parsed JSON.
    """

    line: int
    number: int
    json: Any


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file of rows.

    Attributes:
        name: how messages call it.
        count: about how many rows there are, for a progress bar.
        rows: reads them; what cannot be read comes as a bad row.
        decode: how its JSON stands for values.
    """

    name: str
    count: int
    rows: Callable[[], Iterator[JsonRow | BadRow]]
    decode: Decode


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row that was read: an object, measured."""

    file: str
    line: int
    given: Measured


def read_row(file: RowFile, row: JsonRow, limits: Limits) -> ReadRow | BadRow:
    """The row's value, or why it has none."""
    if type(row.json) is not dict:
        reason = f"expected object, received {_shortened(row.json)}"
        return BadRow(file.name, row.line, _no_value(row.number, reason), "InvalidConvexValue")
    try:
        given = file.decode(row.json, limits)
    except InvalidValue as error:
        field = _undecodable_field(file.decode, row.json, limits)
        return BadRow(file.name, row.line, _no_value(row.number, error.message), "InvalidConvexValue", field)
    if type(given.value) is not dict:
        return BadRow(file.name, row.line, f"Row {row.number} wasn't an object", "NotAnObject")
    return ReadRow(file.name, row.line, given)


def _no_value(number: int, reason: str) -> str:
    return f"Row {number} wasn't a valid Convex value: {reason}"


def _shortened(json: Any) -> str:
    data = write_json(_with_plain_integers(json)).encode()
    return data[:_SHOWN_BYTES].decode("utf-8", "replace") + ("..." if len(data) > _SHOWN_BYTES else "")


def _with_plain_integers(json: Any) -> Any:
    """The JSON of a row with numbers for the Int64s of an export."""
    if isinstance(json, ConvexInt64):
        return json.value
    if isinstance(json, list):
        return [_with_plain_integers(item) for item in json]
    if isinstance(json, dict):
        return {name: _with_plain_integers(item) for name, item in json.items()}
    return json


def _undecodable_field(decode: Decode, json: dict[str, Any], limits: Limits) -> str | None:
    for name in sorted(json):
        if field_name_problem(name, limits.field_name_size_max) is not None:
            return name
        try:
            decode(json[name], limits)
        except InvalidValue:
            return name
    return None


class TableRows:
    """The rows of one table that passed: documents with their ids and index keys.

    Args:
        table: the table they are for, which need not be the store's yet.
        tables: the numbers of all tables after the import.
        transaction: gives ids and creation times to rows that have none.
        taken: ids the table's documents have already.
    """

    def __init__(self, table: Table, tables: TableNumbers, transaction: Transaction, taken: Collection[str]) -> None:
        self.table = table
        self.documents: dict[str, StoredDocument] = {}
        self._tables = tables
        self._transaction = transaction
        self._taken = taken

    def add(self, row: ReadRow) -> BadRow | None:
        """Makes a document of the row; gives back why it cannot be one."""
        fields: Document = row.given.value
        try:
            document_id = self._id_of(fields)
            document = self._document(row.given, document_id)
        except _RowRefused as refused:
            return BadRow(row.file, row.line, refused.text, refused.code, refused.field)
        except SchemaViolation as error:
            validator = self.table.validator
            assert validator is not None
            field = _refused_field(validator, without_system_fields(fields), self._tables)
            return BadRow(row.file, row.line, error.message, error.code, field)
        except DeploymentError as error:
            return BadRow(row.file, row.line, error.message, error.code, _field_of_code(error.code, fields))
        self.documents[document_id] = document
        return None

    def _document(self, given: Measured, document_id: str) -> StoredDocument:
        limits = self._transaction.limits
        document = build_document(given, document_id, self._creation_time_of(given.value), limits)
        if self.table.validator is not None:
            fields = without_system_fields(document.value)
            self._transaction.store.check_schema(self.table, fields, self._tables)
        check_document_size(document, limits)
        return self.table.with_index_keys(document, None)

    def _id_of(self, fields: Document) -> str:
        given = fields.get(ID)
        if type(given) is not str:
            return self._fresh_id()  # another value is refused when the document is built
        try:
            number, _ = decode_id(given)
        except InvalidValue:
            raise _RowRefused(f"invalid _id '{given}'", "InvalidId", ID) from None
        if number != self.table.number:
            raise _RowRefused(
                f"_id {given} cannot be imported into '{self.table.name}' because it came from a different deployment "
                "and conflict with preexisting tables in this deployment. Try deleting preexisting tables or importing "
                "into an empty deployment.",
                "ImportConflict",
                ID,
            )
        if given in self.documents or given in self._taken:
            text = f'Objects in table "{self.table.name}" have duplicate _id fields'
            raise _RowRefused(text, "DuplicateId", ID)
        return given

    def _fresh_id(self) -> str:
        while True:
            document_id = self._transaction.fresh_id(self.table)
            if document_id not in self.documents and document_id not in self._taken:
                return document_id

    def _creation_time_of(self, fields: Document) -> float:
        given = fields.get(CREATION_TIME)
        if type(given) is not float:
            return self._transaction.take_creation_time()  # another value is refused when the document is built
        if not math.isfinite(given) or math.copysign(1.0, given) < 0:
            # Unverified: of a negative one the deployment has only an assertion's text (document.rs CreationTime).
            raise _RowRefused(f"Invalid creation time {given}", "InvalidCreationTimeError", CREATION_TIME)
        return given


class _RowRefused(Exception):
    """A row cannot be a document; carries what a bad row says of it."""

    def __init__(self, text: str, code: str, field: str) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.field = field


def _field_of_code(code: str, fields: Document) -> str | None:
    """Which field a refused document's error is about; None for its size and its nesting."""
    if code == "InvalidIdError":
        return ID
    if code == "InvalidCreationTimeError":
        return CREATION_TIME
    return next((name for name in fields if name.startswith("_") and name not in (ID, CREATION_TIME)), None)


def _refused_field(validator: Validator, value: Document, tables: TableNumbers) -> str | None:
    """The top-level field because of which a validator refuses a document; None if no single one is to blame."""
    if isinstance(validator, UnionValidator) and len(validator.members) == 1:
        return _refused_field(validator.members[0], value, tables)
    if not isinstance(validator, ObjectValidator):
        return None
    for name, member in sorted(validator.fields.items()):
        if name not in value:
            if not member.optional:
                return name
        elif member.validator.problem(value[name], "", tables) is not None:
            return name
    return min(set(value) - set(validator.fields), default=None)

"""A table as CSV, as ``npx convex import`` reads it: a header, then numbers and texts.

A cell that reads as a number is a Float64, every other cell a text, an empty one too; where the schema has the field
as optional, an empty cell stands for no field at all.

convex-backend crates/application/src/snapshot_import/parse.rs ``parse_csv_import`` and ``parse_csv_cell``, mod.rs
``remap_empty_string_by_schema``; crate csv_async 1 (defaults of its reader); Rust's ``f64::from_str``
(checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from convex_mastra_emulator.data.json_lines import BYTE_ORDER_MARK
from convex_mastra_emulator.data.refusals import BadRow, rows_refused
from convex_mastra_emulator.data.rows import JsonRow, RowFile
from convex_mastra_emulator.schema.schema import Schema
from convex_mastra_emulator.schema.validators import ObjectValidator, UnionValidator, Validator
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.names import field_name_problem
from convex_mastra_emulator.values.size import take_in

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NO_NUMBER_OF_JSON = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
# A cell: in quotes (doubled inside; what follows the closing one belongs to the cell, too) or bare; then what ends it.
_CELL = re.compile(r'(?:"((?:[^"]++|"")*+)"?([^,\r\n]*+)|([^,\r\n]*+))(,|\r\n|\r|\n|\Z)')
_LINE_ENDS = re.compile(r"[\r\n]*")

Cell = float | str | None


def csv_rows(name: str, data: bytes, optional_fields: frozenset[str] = frozenset()) -> RowFile:
    """The rows of a CSV file.

    Args:
        name: how messages call the file.
        data: its bytes.
        optional_fields: those for which an empty cell means no field.

    Raises:
        ImportRefused: for a header that names no fields.
    """
    # Bytes that are no UTF-8 become lone surrogates, which no file can hold: the row they stand in is refused.
    text = data.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    records = _records(text)
    line, header = next(records, (1, []))
    fields = [cell.strip(" ") for cell in header]
    for field in fields:
        problem = field_name_problem(field)
        if problem is not None:
            message = f"CSV header {quoted(field)} isn't a valid field name: {problem}"
            raise rows_refused([BadRow(name, line, message, "CsvInvalidHeader", field)])
    return RowFile(name, text.count("\n"), lambda: _rows(name, text, fields, optional_fields), take_in)


def optional_fields_of(schema: Schema, table: str) -> frozenset[str]:
    """The top-level fields that are optional in the schema of a table, in any member of a union."""
    definition = schema.tables.get(table)
    return frozenset() if definition is None else frozenset(_optional_fields(definition.document_type))


def _optional_fields(validator: Validator) -> Iterator[str]:
    if isinstance(validator, UnionValidator):
        for member in validator.members:
            yield from _optional_fields(member)
    elif isinstance(validator, ObjectValidator):
        yield from (name for name, field in validator.fields.items() if field.optional)


def _rows(name: str, text: str, fields: list[str], optional_fields: frozenset[str]) -> Iterator[JsonRow | BadRow]:
    records = _records(text)
    next(records, None)
    for number, (line, cells) in enumerate(records, start=1):
        not_text = next((at for at, cell in enumerate(cells) if not _is_text(cell)), None)
        if not_text is not None:
            field = fields[not_text] if not_text < len(fields) else None
            yield BadRow(name, line, f"Failed to parse CSV row {line}: invalid utf-8", "CsvInvalidRow", field)
        elif len(cells) != len(fields):
            missing = fields[len(cells)] if len(cells) < len(fields) else None
            message = f"CSV row {line} doesn't have all of the fields in the header"
            yield BadRow(name, line, message, "CsvRowMissingFields", missing)
        else:
            row = {field: _value_of(cell) for field, cell in zip(fields, cells, strict=True)}
            yield JsonRow(
                line, number, {field: cell for field, cell in row.items() if cell != "" or field not in optional_fields}
            )


def _is_text(cell: str) -> bool:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _value_of(cell: str) -> Cell:
    if _NUMBER.fullmatch(cell):
        number = float(cell)
        # JSON has no infinity: serde_json writes null for it.
        return None if number in (float("inf"), float("-inf")) else number
    return None if _NO_NUMBER_OF_JSON.fullmatch(cell) else cell


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The records with the lines they begin in; empty lines are none."""
    position, line = 0, 1
    while True:
        position, line = _past_empty_lines(text, position, line)
        if position == len(text):
            return
        cells: list[str] = []
        start, start_line = position, line
        end = ","
        while end == ",":
            found = _CELL.match(text, position)
            assert found is not None, "every text begins with a cell"
            quoted_cell, rest, bare_cell, end = found.groups()
            cells.append(bare_cell if quoted_cell is None else quoted_cell.replace('""', '"') + rest)
            position = found.end()
        line += text.count("\n", start, position)
        yield start_line, cells


def _past_empty_lines(text: str, position: int, line: int) -> tuple[int, int]:
    found = _LINE_ENDS.match(text, position)
    assert found is not None
    return found.end(), line + found[0].count("\n")

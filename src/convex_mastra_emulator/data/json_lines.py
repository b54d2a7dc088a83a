"""Tables as JSON: one object per line, or one array of objects.

In a file by itself every number is a Float64 and `$…` objects are refused; in an export, whose table comes with the
mark ``"uniform"``, integers are Int64 and the `$…` objects stand for the other values.

convex-backend crates/application/src/snapshot_import/parse.rs, crates/shape_inference/src/export_context.rs
``GeneratedSchema::apply`` (checked 2026-11-21).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from convex_mastra_emulator.data.refusals import BadRow, ImportRefused, rows_refused
from convex_mastra_emulator.data.rows import JsonRow, RowFile
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.codec import decode_measured
from convex_mastra_emulator.values.display import human_size
from convex_mastra_emulator.values.json_text import JsonTextError, parse_export_json, parse_json
from convex_mastra_emulator.values.serde_syntax import Path
from convex_mastra_emulator.values.size import take_in

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANKS = re.compile(r"[ \t\n\r]*")
# Rust's std::io::Error for a line that is no text.
_NO_TEXT = "Import wasn't valid UTF8: stream did not contain valid UTF-8"


def json_lines(name: str, data: bytes) -> RowFile:
    """The rows of a file with one JSON object per line.

    Raises:
        ImportRefused: for a byte order mark.
    """
    _refuse_byte_order_mark(name, data)
    lines = _lines(data)
    return RowFile(name, len(lines), lambda: _rows(name, lines, parse_json), take_in)


def exported_lines(name: str, data: bytes) -> RowFile:
    """The rows of a ``documents.jsonl`` of an export, whose JSON loses nothing."""
    lines = _lines(data)
    return RowFile(name, len(lines), lambda: _rows(name, lines, parse_export_json), decode_measured)


def _lines(data: bytes) -> list[bytes]:
    """The lines with their line feeds: only these end a line, and the last one may lack it."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _refuse_byte_order_mark(name: str, data: bytes) -> None:
    if data.startswith(BYTE_ORDER_MARK):
        text = "UTF-8 BOM is not supported. Please save your file without BOM."
        raise rows_refused([BadRow(name, 1, text, "Utf8BomNotSupported")])


def _rows(name: str, lines: list[bytes], parse: Callable[[str], Any]) -> Iterator[JsonRow | BadRow]:
    for number, line in enumerate(lines, start=1):
        try:
            yield JsonRow(number, number, parse(line.decode("utf-8")))
        except UnicodeDecodeError:
            yield BadRow(name, number, _NO_TEXT, "NotUtf8")
        except JsonTextError as error:
            text = f"Row {number} wasn't valid JSON: {error}"
            yield BadRow(name, number, text, "JsonInvalidRow", _field(error.path[:1]))


def json_array(name: str, data: bytes, limits: Limits) -> RowFile:
    """The rows of a file that holds one JSON array.

    Raises:
        ImportRefused: when it is none, or larger than what a transaction may write.
    """
    if len(data) > limits.written_size_max:
        # No more than that is read, and so no more is counted.
        raise ImportRefused(
            f"Hit an error while importing:\nImport is too large for JSON ({limits.written_size_max + 1} bytes > "
            f"maximum {human_size(limits.written_size_max)}). Consider converting data to JSONLines",
            code="JsonArrayTooLarge",
        )
    _refuse_byte_order_mark(name, data)
    try:
        text = data.decode("utf-8")
        array = parse_json(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise rows_refused([BadRow(name, line, f"Not valid JSON: {_NO_TEXT}", "NotJson")]) from None
    except JsonTextError as error:
        raise rows_refused([_no_json(name, error)]) from None
    if type(array) is not list:
        raise rows_refused([BadRow(name, 1, "Not a JSON array", "NotJsonArray")])
    return RowFile(name, len(array), lambda: _elements(text), take_in)


def _no_json(name: str, error: JsonTextError) -> BadRow:
    place = re.search(r"at line (\d+) column \d+$", str(error))
    assert place is not None, "serde names the place of a fault last"
    return BadRow(name, int(place[1]), f"Not valid JSON: {error}", "NotJson", _field(error.path[1:2]))


def _field(step: Path) -> str | None:
    """The name in a step of a path; positions in arrays are no names of fields."""
    return step[0] if step and isinstance(step[0], str) else None


def _elements(text: str) -> Iterator[JsonRow]:
    """The elements of an array, each with the line it begins in; the text is known to be one."""
    decoder = json.JSONDecoder(parse_int=float)
    line = 1
    counted = 0
    position = _after_blanks(text, text.index("[") + 1)
    number = 0
    while text[position] != "]":
        number += 1
        line += text.count("\n", counted, position)
        counted = position
        element, end = decoder.raw_decode(text, position)
        yield JsonRow(line, number, element)
        position = _after_blanks(text, end)
        if text[position] == ",":
            position = _after_blanks(text, position + 1)


def _after_blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    assert found is not None
    return found.end()

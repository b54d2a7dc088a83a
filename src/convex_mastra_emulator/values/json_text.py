"""Reading and writing JSON text as the deployment's parser (serde_json) does.

Every number is a Float64; literals beyond its range, lone surrogates, NaN literals and more than 127 levels
are refused; of equal keys the last one wins (convex-engine.md §1.2, convex-wire.md §1.7, checked 2026-11-21).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from convex_mastra_emulator.errors import EmulatorError

_NESTING_MAX = 127
_MAY_OVERFLOW = re.compile(r"[eE]\+?\d{3}|\d{300}")
_MAY_BE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SERDE_TEXTS = (
    ("Expecting property name", "key must be a string"),
    ("Illegal trailing comma", "trailing comma"),
    ("Expecting ':'", "expected `:`"),
    ("Expecting ','", "expected `,` or `}`"),
    ("Extra data", "trailing characters"),
    ("Invalid control character", "control character (\\u0000-\\u001F) found while parsing a string"),
    ("Invalid \\escape", "invalid escape"),
    ("Invalid \\uXXXX", "invalid escape"),
)


class JsonTextError(EmulatorError):
    """The text is no JSON; the message is serde's: what, line and column."""


def _fail(what: str, line: int, column: int) -> NoReturn:
    raise JsonTextError(f"{what} at line {line} column {column}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"expected value: {name}")


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


def _position(text: str, offset: int) -> tuple[int, int]:
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def _check_nesting(text: str) -> None:
    depth = 0
    in_string = False
    escaped = False
    for offset, char in enumerate(text):
        if in_string:
            escaped = char == "\\" and not escaped
            if char == '"' and not (offset and text[offset - 1] == "\\" and not escaped and _odd_run(text, offset)):
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > _NESTING_MAX:
                _fail("recursion limit exceeded", *_position(text, offset))
        elif char in "]}":
            depth -= 1


def _odd_run(text: str, offset: int) -> bool:
    """Whether an odd number of backslashes stands directly before ``offset``."""
    start = offset
    while start and text[start - 1] == "\\":
        start -= 1
    return (offset - start) % 2 == 1


def _check_surrogates(value: Any) -> None:
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            name.encode()
            _check_surrogates(item)


def _serde_text(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text.rstrip()) and not error.msg.startswith("Extra"):
        what = "EOF while parsing a string" if error.msg.startswith("Unterminated") else "EOF while parsing a value"
        line, column = _position(text, len(text))
        return f"{what} at line {line} column {column - 1}"
    if error.msg.startswith("Unterminated"):
        line, column = _position(text, len(text))
        return f"EOF while parsing a string at line {line} column {column - 1}"
    what = next((serde for python, serde in _SERDE_TEXTS if error.msg.startswith(python)), "expected value")
    return f"{what} at line {error.lineno} column {error.colno}"


def parse_json(text: str) -> Any:
    """Parses JSON text; every number becomes a float.

    Raises:
        JsonTextError: with serde's wording.
    """
    if text.count("[") + text.count("{") > _NESTING_MAX:
        _check_nesting(text)
    overflow = _MAY_OVERFLOW.search(text)
    try:
        parsed = json.loads(
            text,
            parse_int=_finite if overflow else float,
            parse_float=_finite if overflow else None,
            parse_constant=_refuse_constant,
        )
        if _MAY_BE_SURROGATE.search(text):
            _check_surrogates(parsed)
    except json.JSONDecodeError as error:
        raise JsonTextError(_serde_text(error, text)) from None
    except UnicodeEncodeError:
        match = _MAY_BE_SURROGATE.search(text)
        _fail("unexpected end of hex escape", *_position(text, match.end() if match else 0))
    except ValueError as error:
        what, _, _ = str(error).partition(":")
        offset = overflow.end() if overflow and what == "number out of range" else 0
        _fail(what, *_position(text, offset))
    return parsed


def write_json(value: Any) -> str:
    """Compact JSON text of a JSON-compatible value.

    Raises:
        ValueError: for a number JSON cannot hold.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

"""Why ``JSON.parse`` refuses a text, in V8's words.

Functions that read JSON text pass the words on to their callers (workflow snapshots, for one).  Only for texts that
are known to be refused: it looks for the first fault and builds no value.

V8: src/json/json-parser.cc ``ReportUnexpectedToken``, src/common/message-template.h; checked against Node 24
(2026-11-21).
"""

from __future__ import annotations

import re
from typing import NoReturn

# V8 shows so many characters on each side of an unexpected one.
_CONTEXT = 10
_BLANKS = re.compile(r"[ \t\n\r]*")
_DIGITS = re.compile(r"[0-9]*")
_PLAIN_CHARACTERS = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPED_CHARACTERS = '"\\/bfnrt'
_ONE_BYTE_MAX = 0xFF
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{0,4}")
_LITERALS = {"t": "true", "f": "false", "n": "null"}
# V8 knows what people stringify by accident.
_SPECIAL_TEXTS = ("NaN", "Infinity", "undefined", "[object Object]")


class _Refused(Exception):
    """The fault is found; carries the text."""


def syntax_error_text(source: str) -> str:
    """The message of the SyntaxError that ``JSON.parse(source)`` throws."""
    units = utf16_units(source)
    try:
        end = _skip_blanks(units, _value(units, 0))
        if end < len(units):
            _refuse(units, end, "Unexpected non-whitespace character after JSON at position")
    except _Refused as refused:
        # Half a character, where V8 cuts through one, is no text for a deployment.
        return str(refused).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    raise AssertionError(f"{source!r} is JSON")


def utf16_units(text: str) -> str:
    """One character per UTF-16 unit: JavaScript counts, cuts and compares in these."""
    if text.isascii():
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(data[at : at + 2], "little")) for at in range(0, len(data), 2))


def _refuse(source: str, at: int, words: str) -> NoReturn:
    before = source[:at]
    line = before.count("\n") + 1
    column = at - before.rfind("\n")
    raise _Refused(f"{words} {at} (line {line} column {column})")


def _refuse_token(source: str, at: int) -> NoReturn:
    token = source[at : at + 1]
    if not token:
        raise _Refused("Unexpected end of JSON input")
    if token in "-0123456789":
        _refuse(source, at, "Unexpected number in JSON at position")
    if token == '"':
        _refuse(source, at, "Unexpected string in JSON at position")
    if source in _SPECIAL_TEXTS:
        raise _Refused(f'"{source}" is not valid JSON')
    raise _Refused(f"Unexpected token '{token}', {_surroundings(source, at)} is not valid JSON")


def _surroundings(source: str, at: int) -> str:
    if len(source) <= 2 * _CONTEXT:
        return f'"{source}"'
    start, end = max(0, at - _CONTEXT), at + _CONTEXT
    head = "..." if at >= _CONTEXT else ""
    tail = "..." if at < max(_CONTEXT, len(source) - _CONTEXT) else ""
    return f'{head}"{source[start:end]}"{tail}'


def _skip_blanks(source: str, at: int) -> int:
    found = _BLANKS.match(source, at)
    assert found is not None
    return found.end()


def _value(source: str, at: int) -> int:
    """Reads a value; each of these functions returns the place behind what it has read."""
    at = _skip_blanks(source, at)
    first = source[at : at + 1]
    if first == "{":
        return _object(source, at + 1)
    if first == "[":
        return _array(source, at + 1)
    if first == '"':
        return _string(source, at + 1)
    if first and first in "-0123456789":
        return _number(source, at)
    return _literal(source, at, _LITERALS.get(first, ""))


def _expect(source: str, at: int, wanted: str, words: str) -> int:
    at = _skip_blanks(source, at)
    if source[at : at + 1] not in tuple(wanted):
        _refuse(source, at, f"{words} in JSON at position")
    return at + 1


def _object(source: str, at: int) -> int:
    if source.startswith("}", after_blanks := _skip_blanks(source, at)):
        return after_blanks + 1
    name_missing = "Expected property name or '}'"
    while True:
        at = _string(source, _expect(source, at, '"', name_missing))
        at = _value(source, _expect(source, at, ":", "Expected ':' after property name"))
        at = _expect(source, at, ",}", "Expected ',' or '}' after property value")
        if source[at - 1] == "}":
            return at
        name_missing = "Expected double-quoted property name"


def _array(source: str, at: int) -> int:
    if source.startswith("]", after_blanks := _skip_blanks(source, at)):
        return after_blanks + 1
    while True:
        at = _expect(source, _value(source, at), ",]", "Expected ',' or ']' after array element")
        if source[at - 1] == "]":
            return at


def _string(source: str, at: int) -> int:
    while True:
        found = _PLAIN_CHARACTERS.match(source, at)
        assert found is not None
        at = found.end()
        character = source[at : at + 1]
        if character == '"':
            return at + 1
        if character == "\\":
            at = _escape(source, at + 1)
        elif character:
            _refuse(source, at, "Bad control character in string literal in JSON at position")
        else:
            _refuse(source, at, "Unterminated string in JSON at position")


def _escape(source: str, at: int) -> int:
    character = source[at : at + 1]
    if not character or ord(character) > _ONE_BYTE_MAX:
        _refuse_token(source, at)
    if character == "u":
        digits = _HEXADECIMAL.match(source, at + 1)
        assert digits is not None
        if digits.end() < at + 5:
            _refuse(source, digits.end(), "Bad Unicode escape in JSON at position")
        return at + 5
    if character not in _ESCAPED_CHARACTERS:
        _refuse(source, at, "Bad escaped character in JSON at position")
    return at + 1


def _number(source: str, at: int) -> int:
    if source[at] == "-":
        at += 1
        if not source[at : at + 1].isdecimal():
            _refuse(source, at, "No number after minus sign in JSON at position")
    end = _digits(source, at)
    if source[at] == "0" and end > at + 1:
        _refuse(source, at + 1, "Unexpected number in JSON at position")
    if source.startswith(".", end):
        end = _digits(source, end + 1, "Unterminated fractional number")
    if source[end : end + 1] in ("e", "E"):
        sign = source[end + 1 : end + 2] in ("+", "-")
        end = _digits(source, end + 1 + sign, "Exponent part is missing a number")
    return end


def _digits(source: str, at: int, words_if_none: str | None = None) -> int:
    found = _DIGITS.match(source, at)
    assert found is not None
    if words_if_none is not None and found.end() == at:
        _refuse(source, at, f"{words_if_none} in JSON at position")
    return found.end()


def _literal(source: str, at: int, word: str) -> int:
    for character in word:
        if source[at : at + 1] != character:
            _refuse_token(source, at)
        at += 1
    if not word:
        _refuse_token(source, at)
    return at

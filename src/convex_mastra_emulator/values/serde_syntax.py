r"""Why the deployment's parser (serde_json) refuses a text: what, and at which line and column.

Only for texts that are known or suspected to be refused: it looks for the first fault and builds no value.
Columns count bytes.  A fault that is seen before it is read stands at its own column, one found after reading at
the column read so far.

Some values are only kept as text (``RawValue``) or skipped (``IgnoredAny``): of these the brackets must match and the
tokens be whole, but depth, range of numbers and pairs of surrogates do not matter, and faults name no path in them.

serde_json src/de.rs (``ignore_value`` for the latter), src/read.rs, src/error.rs (1.0; checked 2026-11-21).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import NoReturn

NESTING_MAX = 127
_SPAN_LEVELS = 3

_BLANKS = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rb"[0-9]*")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{4}")
_ESCAPES = b'"\\/bfnrt'
_IDENTS = {b"n": b"null", b"t": b"true", b"f": b"false"}
_CLOSING = {b"[": b"]", b"{": b"}"}
_HIGH_SURROGATES = range(0xD800, 0xDC00)
_LOW_SURROGATES = range(0xDC00, 0xE000)


_EOF_VALUE = "EOF while parsing a value"


Path = tuple[str | int, ...]
IsRaw = Callable[[Path], bool]
"""Whether the value at a path is only kept as text, or skipped."""


class SerdeFault(Exception):
    """The first fault, in serde's words.

    Attributes:
        path: the names and positions that lead to the value it stands in.
    """

    def __init__(self, text: str, path: Path) -> None:
        super().__init__(text)
        self.path = path


def find_fault(text: str) -> SerdeFault | None:
    """The first fault of a text, or None if serde would read it."""
    try:
        ValuePlaces(text)
    except SerdeFault as fault:
        return fault
    return None


def _nothing_is_raw(_path: Path) -> bool:
    return False


class ValuePlaces:
    """Where the values of a text stand, down to the third level.

    Args:
        text: JSON text.
        is_raw: which values serde does not look into.

    Raises:
        SerdeFault: if serde would not read it.
    """

    def __init__(self, text: str, is_raw: IsRaw = _nothing_is_raw) -> None:
        self._scanner = _Scanner(text, is_raw)
        self._scanner.document()

    def raw_values(self) -> list[tuple[Path, str]]:
        """The values that serde does not look into, each as it is spelled."""
        return [(path, self._scanner.data[slice(*self._scanner.spans[path])].decode()) for path in self._scanner.raw]

    def with_null_at(self, paths: list[Path]) -> str:
        """The text with null in place of some values, none of which stands in another."""
        data = self._scanner.data
        for start, end in sorted((self._scanner.spans[path] for path in paths), reverse=True):
            data = data[:start] + b"null" + data[end:]
        return data.decode()

    def start_of(self, path: Path) -> str:
        """``line L column C`` before a value."""
        return self._scanner.place(self._scanner.spans[path][0])

    def end_of(self, path: Path) -> str:
        """``line L column C`` behind a value."""
        return self._scanner.place(self._scanner.spans[path][1])


class _Scanner:
    """Reads JSON bytes from the start; ``at`` is the place of the next byte."""

    def __init__(self, text: str, is_raw: IsRaw) -> None:
        self.data = text.encode("utf-8", "surrogatepass")
        self.raw: list[Path] = []
        self._is_raw = is_raw
        self.at = 0
        self.depth = 0
        self.path: list[str | int] = []
        self.spans: dict[Path, tuple[int, int]] = {}

    def place(self, position: int) -> str:
        """``line L column C`` of a place between two bytes."""
        line_start = self.data.rfind(b"\n", 0, position) + 1
        line = self.data.count(b"\n", 0, position) + 1
        return f"line {line} column {position - line_start}"

    def _fail(self, what: str, position: int) -> NoReturn:
        raise SerdeFault(f"{what} at {self.place(position)}", tuple(self.path))

    def _fail_here(self, what: str) -> NoReturn:
        """The fault was read."""
        self._fail(what, self.at)

    def _fail_ahead(self, what: str) -> NoReturn:
        """The fault is the next byte, or that there is none."""
        self._fail(what, min(len(self.data), self.at + 1))

    def _peek(self) -> bytes:
        return self.data[self.at : self.at + 1]

    def _peek_after_blanks(self) -> bytes:
        self._skip(_BLANKS)
        return self._peek()

    def _next(self, what_if_none: str) -> bytes:
        byte = self._peek()
        if not byte:
            self._fail_here(what_if_none)
        self.at += 1
        return byte

    def _skip(self, pattern: re.Pattern[bytes]) -> int:
        """Reads what matches and says how many bytes that were."""
        found = pattern.match(self.data, self.at)
        assert found is not None
        self.at = found.end()
        return found.end() - found.start()

    def document(self) -> None:
        self._value()
        if self._peek_after_blanks():
            self._fail_ahead("trailing characters")

    def _value(self) -> None:
        byte = self._peek_after_blanks()
        if not byte:
            self._fail_ahead(_EOF_VALUE)
        start, path = self.at, tuple(self.path)
        if len(path) <= _SPAN_LEVELS and self._is_raw(path):
            self._skip_value()
            self.raw.append(path)
        else:
            self._value_beginning_with(byte)
        if len(path) <= _SPAN_LEVELS:
            self.spans[path] = start, self.at

    def _value_beginning_with(self, byte: bytes) -> None:
        if byte in _IDENTS:
            self._ident(_IDENTS[byte])
        elif byte in b"-0123456789":
            self._number()
        elif byte == b'"':
            self.at += 1
            self._string()
        elif byte in b"[{":
            self._container(byte)
        else:
            self._fail_ahead("expected value")

    def _ident(self, word: bytes) -> None:
        for expected in word:
            if self._next(_EOF_VALUE)[0] != expected:
                self._fail_here("expected ident")

    def _number(self) -> None:
        start = self.at
        self._number_syntax(_EOF_VALUE)
        if math.isinf(float(self.data[start : self.at])):
            self._fail_here("number out of range")

    def _number_syntax(self, if_cut_off: str) -> None:
        if self._peek() == b"-":
            self.at += 1
        first = self._next(if_cut_off)
        if not first.isdigit():
            self._fail_here("invalid number")
        if first == b"0":
            if self._peek().isdigit():
                self._fail_ahead("invalid number")
        else:
            self._skip(_DIGITS)
        self._fraction(if_cut_off)
        self._exponent(if_cut_off)

    def _fraction(self, if_cut_off: str) -> None:
        if self._peek() == b".":
            self.at += 1
            if not self._skip(_DIGITS):
                self._fail_ahead("invalid number" if self._peek() else if_cut_off)

    def _exponent(self, if_cut_off: str) -> None:
        if self._peek() in (b"e", b"E"):
            self.at += 1
            if self._peek() in (b"+", b"-"):
                self.at += 1
            if not self._next(if_cut_off).isdigit():
                self._fail_here("invalid number")
            self._skip(_DIGITS)

    def _string(self, *, is_raw: bool = False) -> None:
        while True:
            self._skip(_PLAIN)
            byte = self._next("EOF while parsing a string")
            if byte == b'"':
                return
            if byte != b"\\":
                self._fail_here("control character (\\u0000-\\u001F) found while parsing a string")
            self._escape(is_raw)

    def _name(self) -> str:
        start = self.at
        self.at += 1
        self._string()
        name: str = json.loads(self.data[start : self.at])
        return name

    def _escape(self, is_raw: bool) -> None:
        byte = self._next("EOF while parsing a string")
        if byte in _ESCAPES:
            return
        if byte != b"u":
            self._fail_here("invalid escape")
        unit = self._unit()
        if is_raw:
            return
        if unit in _LOW_SURROGATES:
            self._fail_here("lone leading surrogate in hex escape")
        if unit in _HIGH_SURROGATES:
            for expected in (b"\\", b"u"):
                if self._next("EOF while parsing a string") != expected:
                    self._fail_here("unexpected end of hex escape")
            if self._unit() not in _LOW_SURROGATES:
                self._fail_here("lone leading surrogate in hex escape")

    def _unit(self) -> int:
        if len(self.data) - self.at < 4:
            self.at = len(self.data)
            self._fail_here("EOF while parsing a string")
        digits = self.data[self.at : self.at + 4]
        self.at += 4
        if not _HEXADECIMAL.match(digits):
            self._fail_here("invalid escape")
        return int(digits, 16)

    def _container(self, opening: bytes) -> None:
        self.depth += 1
        if self.depth > NESTING_MAX:
            self._fail_ahead("recursion limit exceeded")
        self.at += 1
        if opening == b"[":
            self._list()
        else:
            self._object()
        self.at += 1
        self.depth -= 1

    def _list(self) -> None:
        """Reads up to the closing bracket."""
        if self._peek_after_blanks() == b"]":
            return
        if not self._peek():
            self._fail_ahead("EOF while parsing a list")
        position = 0
        while True:
            self.path.append(position)
            self._value()
            self.path.pop()
            position += 1
            if not self._more(b"]", "EOF while parsing a list", "expected `,` or `]`"):
                return

    def _object(self) -> None:
        """Reads up to the closing brace."""
        if self._peek_after_blanks() == b"}":
            return
        what_if_none = "EOF while parsing an object"
        while True:
            byte = self._peek_after_blanks()
            if byte != b'"':
                self._fail_ahead("key must be a string" if byte else what_if_none)
            name = self._name()
            byte = self._peek_after_blanks()
            if byte != b":":
                self._fail_ahead("expected `:`" if byte else "EOF while parsing an object")
            self.at += 1
            self.path.append(name)
            self._value()
            self.path.pop()
            if not self._more(b"}", "EOF while parsing an object", "expected `,` or `}`"):
                return
            what_if_none = _EOF_VALUE

    def _more(self, closing: bytes, what_if_none: str, what_if_other: str) -> bool:
        """Reads a comma; False before the closing bracket."""
        byte = self._peek_after_blanks()
        if byte == closing:
            return False
        if byte != b",":
            self._fail_ahead(what_if_other if byte else what_if_none)
        self.at += 1
        if self._peek_after_blanks() == closing:
            self._fail_ahead("trailing comma")
        return True

    # Values that are not looked into

    def _skip_value(self) -> None:
        """Reads over a value of any depth, as serde does without recursion."""
        open_brackets: list[bytes] = []
        while True:
            is_first = self._skip_token(open_brackets)
            while open_brackets:
                byte = self._peek_after_blanks()
                if byte == _CLOSING[open_brackets[-1]]:
                    open_brackets.pop()
                    self.at += 1
                    is_first = False
                    continue
                if not byte or not is_first:
                    self._skip_comma(byte, open_brackets[-1])
                break
            if not open_brackets:
                return
            if open_brackets[-1] == b"{":
                self._skip_key()

    def _skip_token(self, open_brackets: list[bytes]) -> bool:
        """Reads a scalar or an opening bracket; True for the latter, behind which the first item would stand."""
        byte = self._peek_after_blanks()
        if byte in (b"[", b"{"):
            self.at += 1
            open_brackets.append(byte)
            return True
        if not byte:
            self._fail_ahead(_EOF_VALUE)
        if byte in b"-0123456789":
            self._number_syntax("invalid number")
        elif byte == b'"':
            self.at += 1
            self._string(is_raw=True)
        else:
            self._value_beginning_with(byte)
        return False

    def _skip_comma(self, byte: bytes, bracket: bytes) -> None:
        if byte != b",":
            of_list = bracket == b"["
            self._fail_ahead(
                (f"expected `,` or `{']' if of_list else '}'}`")
                if byte
                else f"EOF while parsing {'a list' if of_list else 'an object'}"
            )
        self.at += 1

    def _skip_key(self) -> None:
        for wanted, what_if_other in ((b'"', "key must be a string"), (b":", "expected `:`")):
            byte = self._peek_after_blanks()
            if byte != wanted:
                self._fail_ahead(what_if_other if byte else "EOF while parsing an object")
            self.at += 1
            if wanted == b'"':
                self._string(is_raw=True)

"""How a deployment prints values and sizes in its error texts.

convex-backend crates/value/src/lib.rs and utils.rs, crate humansize (BINARY)
(convex-engine.md §0 and §1.4, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import math
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.values.types import Value, undefined

_ESCAPES = {"\t": "\\t", "\r": "\\r", "\n": "\\n", "\\": "\\\\", "\0": "\\0"}
_UNITS = ("B", "KiB", "MiB", "GiB")


def _escaped(char: str, quote: str) -> str:
    if char == quote:
        return "\\" + quote
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"


def quoted(text: str) -> str:
    """A string as Rust's ``{:?}`` prints it, in double quotes."""
    return '"' + "".join(_escaped(char, '"') for char in text) + '"'


def character(char: str) -> str:
    """A character as Rust's ``{:?}`` prints it, in single quotes."""
    return "'" + _escaped(char, "'") + "'"


def rust_float(value: float) -> str:
    """A Float64 as Rust's ``{:?}`` prints it: ``1.0``, ``1e16``, ``1e-7``, ``NaN``, ``inf``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


def display(value: Value) -> str:
    """A value as it stands in error texts; :data:`undefined` prints as ``undefined``."""
    if value is None:
        return "null"
    if value is undefined:
        return "undefined"
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return rust_float(value)
    if kind is str:
        return quoted(value)
    if kind is bytes:
        return f'b"{base64.b64encode(value).decode("ascii")}"'
    if kind is ConvexInt64:
        return str(value.value)
    if kind is list:
        return "[" + ", ".join(map(display, value)) + "]"
    return "{" + ", ".join(f"{key}: {display(value[key])}" for key in sorted(value)) + "}"


_TYPE_NAMES: dict[Any, str] = {
    type(None): "Null",
    ConvexInt64: "Int64",
    float: "Float64",
    bool: "Boolean",
    str: "String",
    bytes: "Bytes",
    list: "Array",
    dict: "Object",
}


def type_name(value: Value) -> str:
    """The name of a value's type as it stands in error texts."""
    return "undefined" if value is undefined else _TYPE_NAMES[type(value)]


def human_size(size: int) -> str:
    """``1 MiB`` for 1,048,576 and ``1.50 MiB`` for half of that more (crate humansize, BINARY)."""
    scaled = float(size)
    unit = 0
    while scaled >= 1024 and unit < len(_UNITS) - 1:
        scaled /= 1024
        unit += 1
    number = f"{int(scaled)}" if scaled == int(scaled) else f"{scaled:.2f}"
    return f"{number} {_UNITS[unit]}"

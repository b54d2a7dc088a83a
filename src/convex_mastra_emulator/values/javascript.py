"""What JavaScript does with values: writing them as text, comparing, adding and slicing them.

Functions of a deployment run in JavaScript, so text they build (cached values, snapshots, messages of errors)
has its forms: ``1`` and not ``1.0``, integer-like keys first, null for what JSON cannot hold.  Nor do they check
what callers send: a text where a number belongs is no error but goes through its operators (ECMA-262).
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.values.json_syntax import syntax_error_text, utf16_units
from convex_mastra_emulator.values.types import Value, undefined

_ARRAY_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_ARRAY_INDEX_MAX = 2**32 - 2
# `Number.prototype.toString` writes exponents outside of [1e-6, 1e21).
_FIXED_EXPONENT_MAX = 21
_FIXED_EXPONENT_MIN = -6


def number_to_string(number: float) -> str:
    """``String(number)``."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _shortest_digits(abs(number))
    if len(digits) <= point <= _FIXED_EXPONENT_MAX:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= _FIXED_EXPONENT_MAX:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _FIXED_EXPONENT_MIN < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = point - 1
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{'+' if exponent >= 0 else '-'}{abs(exponent)}"


def _shortest_digits(number: float) -> tuple[str, int]:
    """The shortest digits that read back as ``number``, and where the decimal point stands among them."""
    _, digit_tuple, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    return digits, len(digits) + int(exponent)


def key_order(value: dict[str, Any]) -> list[str]:
    """The keys of an object as JavaScript lists them: array indexes first, in numeric order."""
    indexes = [name for name in value if _ARRAY_INDEX.match(name) and int(name) <= _ARRAY_INDEX_MAX]
    if not indexes:
        return list(value)
    chosen = set(indexes)
    return [*sorted(indexes, key=int), *(name for name in value if name not in chosen)]


def stringify(value: Value) -> str:
    """``JSON.stringify(value)`` for a Convex value or parsed JSON.

    Raises:
        TypeError: for an Int64, as JavaScript raises it for a BigInt.
    """
    if value is None or value is undefined:
        return "null"
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is str:
        return _quote(value)
    if kind is float or kind is int:
        return number_to_string(float(value)) if math.isfinite(value) else "null"
    if kind is list:
        return "[" + ",".join(map(stringify, value)) + "]"
    if kind is dict:
        return (
            "{"
            + ",".join(
                f"{_quote(name)}:{stringify(value[name])}" for name in key_order(value) if value[name] is not undefined
            )
            + "}"
        )
    if kind is bytes:
        return "{}"  # an ArrayBuffer has no enumerable properties
    if kind is ConvexInt64:
        raise TypeError("Do not know how to serialize a BigInt")
    raise AssertionError(f"{value!r} is no JavaScript value")


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _quote(text: str) -> str:
    # Well-formed JSON.stringify leaves every character but the control ones, the quote, the backslash and lone
    # surrogates.
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isascii() else _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


# `console.log` of a deployment is npm object-inspect with an indent of 2 and its own default depth
# (convex-backend npm-packages/udf-runtime/src/02_console.ts, checked 2026-11-21).
_INSPECT_DEPTH_MAX = 5
_INSPECT_INDENT = "  "


def inspect(value: Value, depth: int = 0) -> str:
    """A value as ``console.log`` shows it: strings in single quotes, lists in a line, the fields of objects in lines.

    Args:
        value: what is shown.
        depth: how many lists and objects it stands in.
    """
    kind = type(value)
    if kind is str:
        return "'" + "".join(map(_inspect_character, value)) + "'"
    if value is None or value is undefined or kind is bool:
        return "undefined" if value is undefined else stringify(value)
    if kind is float or kind is int:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else number_to_string(float(value))
    if kind is ConvexInt64:
        return f"{value.value}n"
    if depth >= _INSPECT_DEPTH_MAX:
        return "[Array]" if kind is list else "[Object]"
    if kind is list:
        items = [inspect(item, depth + 1) for item in value]
        if any("\n" in item for item in items):
            return f"[{_in_lines(items, depth)}]"
        return f"[ {', '.join(items)} ]" if items else "[]"
    if kind is dict:
        fields = [f"{_inspect_key(name)}: {inspect(value[name], depth + 1)}" for name in key_order(value)]
        return f"{{{_in_lines(fields, depth)}}}" if fields else "{}"
    # Bytes arrive in JavaScript as an ArrayBuffer, whose content nobody can enumerate.
    return "ArrayBuffer [ArrayBuffer] {}"


def _in_lines(parts: list[str], depth: int) -> str:
    end = "\n" + _INSPECT_INDENT * depth
    begin = end + _INSPECT_INDENT
    return begin + f",{begin}".join(parts) + end


_INSPECT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "'": "\\'", "\\": "\\\\"}


def _inspect_character(char: str) -> str:
    return _INSPECT_ESCAPES.get(char) or (f"\\x{ord(char):02X}" if char < " " else char)


def _inspect_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_$]*", name) else inspect(name)


def truthy(value: Any) -> bool:
    """Whether JavaScript takes a value for true: 0, NaN, "", null and undefined are not, empty containers are."""
    if value is None or value is undefined:
        return False
    kind = type(value)
    if kind is list or kind is dict or kind is bytes:
        return True
    if kind is ConvexInt64:
        return bool(value.value != 0)
    return bool(value) and value == value


def strictly_equal(left: Any, right: Any) -> bool:
    """``left === right``: objects are equal to nothing but themselves, NaN not even to itself."""
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is list or kind is dict or kind is bytes:
        return left is right
    return bool(left == right)


def to_string(value: Any) -> str:
    """``String(value)``."""
    if isinstance(value, str):
        return value
    if value is undefined:
        return "undefined"
    if isinstance(value, list):
        return ",".join("" if item is None or item is undefined else to_string(item) for item in value)
    if isinstance(value, (dict, bytes)):
        return "[object Object]" if isinstance(value, dict) else "[object ArrayBuffer]"
    if isinstance(value, ConvexInt64):
        return str(value.value)
    return stringify(value) if value is None or isinstance(value, bool) else number_to_string(float(value))


def property_of(value: Any, name: str) -> Any:
    """``value.name``.

    Raises:
        TypeError: with V8's text, when ``value`` is null or undefined.
    """
    if value is None or value is undefined:
        raise TypeError(f"Cannot read properties of {to_string(value)} (reading '{name}')")
    if type(value) is dict:
        return value.get(name, undefined)
    if type(value) is str:
        value = utf16_units(value)
    elif type(value) is not list:
        return undefined
    if name == "length":
        return float(len(value))
    is_element = _ARRAY_INDEX.match(name) is not None and int(name) < len(value)
    return value[int(name)] if is_element else undefined


def set_property(target: Any, name: str, value: Any) -> None:
    """``target[name] = value``.

    Raises:
        TypeError: with V8's text, if ``target`` is neither an object nor a list.
    """
    if type(target) is dict:
        target[name] = value
        return
    if type(target) is not list:
        kind = {str: "string", bool: "boolean"}.get(type(target), "number")
        raise TypeError(f"Cannot create property '{name}' on {kind} '{to_string(target)}'")
    # Any other property of a list stays unseen: JSON shows its elements only.
    if _ARRAY_INDEX.match(name):
        target.extend([None] * (int(name) + 1 - len(target)))
        target[int(name)] = value


def spread(value: Any) -> dict[str, Any]:
    """``{...value}``: lists and texts give their elements by index, what has no fields gives none."""
    if type(value) is dict:
        return dict(value)
    elements = utf16_units(value) if type(value) is str else value if type(value) is list else ()
    return {str(index): item for index, item in enumerate(elements)}


# What `String.prototype.trim` takes off (ECMA-262, WhiteSpace and LineTerminator).
_WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_WHITESPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"


def trim(text: str) -> str:
    """``text.trim()``."""
    return text.strip(_WHITESPACE)


_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)", re.ASCII)
_WITH_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def to_number(value: Any) -> float:
    """``Number(value)``."""
    if value is None:
        return 0.0
    if isinstance(value, list):
        value = to_string(value)
    if isinstance(value, str):
        return _number_in(trim(value))
    if isinstance(value, ConvexInt64):
        return float(value.value)
    return float(value) if isinstance(value, (bool, int, float)) else math.nan


def _number_in(text: str) -> float:
    if not text:
        return 0.0
    if _WITH_RADIX.fullmatch(text):
        return float(int(text, 0))
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def plus(left: Any, right: Any) -> Any:
    """``left + right``: texts and objects are joined as text, everything else is added."""
    if any(isinstance(value, (str, list, dict, bytes)) for value in (left, right)):
        return to_string(left) + to_string(right)
    return to_number(left) + to_number(right)


def maximum(left: float, right: float) -> float:
    """``Math.max(left, right)``: NaN if one of them is."""
    return math.nan if math.isnan(left) or math.isnan(right) else max(left, right)


def minimum(left: float, right: float) -> float:
    """``Math.min(left, right)``: NaN if one of them is."""
    return -maximum(-left, -right)


def is_less(left: Any, right: Any) -> bool:
    """``left < right``: two texts by UTF-16 units, everything else as numbers."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return utf16_units(left) < utf16_units(right)
    return to_number(left) < to_number(right)


def is_less_or_equal(left: Any, right: Any) -> bool:
    """``left <= right``."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return utf16_units(left) <= utf16_units(right)
    return to_number(left) <= to_number(right)


def _primitive(value: Any) -> Any:
    return to_string(value) if isinstance(value, (list, dict, bytes)) else value


def slice_from(items: list[Any], start: Any) -> list[Any]:
    """``items.slice(start)``."""
    return items[_slice_index(start, len(items)) :]


def slice_to(items: list[Any], end: Any) -> list[Any]:
    """``items.slice(0, end)``."""
    return list(items) if end is undefined else items[: _slice_index(end, len(items))]


def _slice_index(position: Any, length: int) -> int:
    number = to_number(position)
    return 0 if math.isnan(number) else int(max(-length, min(length, number)))


def parse_json(text: Any) -> Any:
    """``JSON.parse(text)``; numbers become floats.

    Raises:
        SyntaxError: with V8's text.
    """
    text = to_string(text)
    try:
        return json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    except ValueError:
        raise SyntaxError(syntax_error_text(text)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")

"""How JavaScript writes values as text: ``String(number)``, ``JSON.stringify``, ``console.log``.

Functions of a deployment run in JavaScript, so text they build (cached values, snapshots, messages of errors)
has its forms: ``1`` and not ``1.0``, integer-like keys first, null for what JSON cannot hold (ECMA-262).
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from convex import ConvexInt64
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


def _quote(text: str) -> str:
    # Well-formed JSON.stringify leaves every character but the control ones, the quote and the backslash.
    return json.dumps(text, ensure_ascii=False)


def inspect(value: Value) -> str:
    """A value as ``console.log`` shows it: strings in single quotes, ``{ a: 1 }``, ``[ 1, 2 ]``."""
    kind = type(value)
    if kind is str:
        return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    if value is None or value is undefined or kind is bool:
        return "undefined" if value is undefined else stringify(value)
    if kind is float or kind is int:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else number_to_string(float(value))
    if kind is ConvexInt64:
        return f"{value.value}n"
    if kind is list:
        return f"[ {', '.join(map(inspect, value))} ]" if value else "[]"
    if kind is dict:
        fields = ", ".join(f"{_inspect_key(name)}: {inspect(value[name])}" for name in key_order(value))
        return f"{{ {fields} }}" if value else "{}"
    return repr(value)


def _inspect_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) else f"'{name}'"


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
        return ",".join("" if item is None else to_string(item) for item in value)
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
    return value.get(name, undefined) if type(value) is dict else undefined


def slice_to(items: list[Any], end: Any) -> list[Any]:
    """``items.slice(0, end)``."""
    if end is undefined:
        return list(items)
    number = float(end) if isinstance(end, (int, float)) else math.nan
    if math.isnan(number):
        return []
    return items[: int(max(-len(items), min(len(items), number)))]


def parse_json(text: Any) -> Any:
    """``JSON.parse(text)``; numbers become floats.

    Raises:
        SyntaxError: with V8's text.
    """
    text = to_string(text)
    try:
        return json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise SyntaxError(_v8_text(text, error.pos)) from None
    except _ConstantRefused as refused:
        raise SyntaxError(_v8_text(text, text.find(str(refused)))) from None


class _ConstantRefused(Exception):
    """NaN or Infinity stands in JSON text."""


def _refuse_constant(name: str) -> Any:
    raise _ConstantRefused(name)


# V8 quotes at most this many characters around the place (src/json/json-parser.cc, kMaxContextCharacters).
_CONTEXT = 10


def _v8_text(text: str, position: int) -> str:
    if position >= len(text.rstrip()):
        return "Unexpected end of JSON input"
    if text in ("undefined", "[object Object]"):
        return f'"{text}" is not valid JSON'
    start, end = max(0, position - _CONTEXT), min(len(text), position + _CONTEXT)
    shown = ("..." if start > 0 else "") + f'"{text[start:end]}"' + ("..." if end < len(text) else "")
    return f"Unexpected token '{text[position]}', {shown} is not valid JSON"

"""JSON text as JavaScript writes and reads it: what stands in columns that hold content, snapshots and settings.

``1`` and not ``1.0``, integer-like keys first, null for what JSON cannot hold, dates as ISO text: a record is the same
text whether Python or TypeScript wrote it.  ECMA-262 ``JSON.stringify``, ``JSON.parse`` and ``Number::toString``;
npm @mastra/core 1.71.0 ``safelyParseJSON`` (src/storage/utils.ts).  Checked 2026-11-21.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.storage_client import UNSET
from convex_mastra_emulator.stores.times import to_iso

_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_ARRAY_INDEX_MAX = 2**32 - 2
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SAFE_INTEGER_MAX = 2**53 - 1
# `Number.prototype.toString` writes exponents outside of [1e-6, 1e21).
_FIXED_POINT_MAX = 21
_FIXED_POINT_MIN = -6


def to_json_text(value: Any) -> str:
    """``JSON.stringify(value)``.

    Args:
        value: None, texts, numbers, booleans, datetimes, lists, tuples and mappings of such; fields that are UNSET are
            left out.

    Raises:
        TypeError: for anything else, and for keys that are no text.
        ValueError: for a datetime without a time zone.
    """
    if value is None or value is UNSET:
        return "null"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        number = _as_float(value)
        return number_text(number) if math.isfinite(number) else "null"
    if isinstance(value, datetime):
        return _quote(to_iso(value))
    if isinstance(value, Mapping):
        fields = (f"{_quote(name)}:{to_json_text(value[name])}" for name in _key_order(value))
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json_text, value)) + "]"
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be written as JSON")


def from_json_text(text: str) -> Any:
    """``JSON.parse(text)``; whole numbers are read as int, others as float.

    Raises:
        ValueError: for text that is no JSON.
    """
    return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse_constant)


def safely_parse_json(value: Any) -> Any:
    """What a column holds that may be JSON text: malformed text stays text, None and plain numbers read as ``{}``."""
    if isinstance(value, Mapping | list):
        return value
    if not isinstance(value, str):
        return {}
    try:
        return from_json_text(value)
    except ValueError:
        return value


def to_json_value(value: Any) -> Any:
    """What becomes of a value that travels in a request: ``JSON.parse(JSON.stringify(value))``, numbers as they are.

    Raises:
        ValueError: for a datetime without a time zone.
    """
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: to_json_value(item) for name, item in value.items() if item is not UNSET}
    if isinstance(value, list | tuple):
        return [None if item is UNSET else to_json_value(item) for item in value]
    return value


def number_text(number: float) -> str:
    """``String(number)``."""
    value = _as_float(number)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) <= _SAFE_INTEGER_MAX:
        return str(int(value))
    sign = "-" if value < 0 else ""
    digits, point = _shortest_digits(abs(value))
    if len(digits) <= point <= _FIXED_POINT_MAX:
        return sign + digits.ljust(point, "0")
    if 0 < point <= _FIXED_POINT_MAX:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _FIXED_POINT_MIN < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{point - 1:+d}"


def whole(number: Any) -> Any:
    """A number from the wire, where all are floats: int when it is whole, anything else as it is."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _shortest_digits(number: float) -> tuple[str, int]:
    """The shortest digits that read back as ``number``, and where the decimal point stands among them."""
    mantissa, _, exponent = repr(number).partition("e")
    before, _, after = mantissa.partition(".")
    padded = before + after
    digits = padded.lstrip("0")
    return digits.rstrip("0"), len(before) - (len(padded) - len(digits)) + int(exponent or 0)


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an int no float can hold
        return math.inf if number > 0 else -math.inf


def _key_order(value: Mapping[str, Any]) -> Iterable[str]:
    """The fields that are set as JavaScript lists them: array indexes first, in numeric order."""
    names = [name for name in value if value[name] is not UNSET]
    indexes = [name for name in names if _is_array_index(name)]
    if not indexes:
        return names
    chosen = set(indexes)
    return [*sorted(indexes, key=int), *(name for name in names if name not in chosen)]


def _is_array_index(name: str) -> bool:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} cannot be a key in JSON: keys are texts")
    return _ARRAY_INDEX.fullmatch(name) is not None and int(name) <= _ARRAY_INDEX_MAX


def _quote(text: str) -> str:
    # Well-formed JSON.stringify escapes control characters, the quote, the backslash and lone surrogates only.
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isascii() else _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")

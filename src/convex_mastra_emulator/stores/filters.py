"""Metadata filters of ``ConvexVector``, which the client applies after it has read the vectors.

A filter is a mapping, flat or under ``metadata``: ``{"price": {"$gt": 100}, "status": {"$in": ["active"]}}``.  Several
fields must all hold, and so must several operators of one field.  Values are compared as JavaScript does: equality
is strict and no list or object equals another, ``<`` and ``>`` take texts for numbers where only one side is a text.

npm @mastra/convex 1.5.2 ``ConvexVector.matchesFilter`` (mastra-adapter.md §10), Mastra's reference "Convex vector
store", section "Supported filter operators" (checked 2026-11-21).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from convex_mastra_emulator.stores.json_text import to_json_text
from convex_mastra_emulator.stores.times import to_epoch_ms

Filter: TypeAlias = Mapping[str, Any]
"""Conditions by field; ``$and`` and ``$or`` hold lists of such."""


class _Missing:
    """JavaScript's ``undefined``: the field is not there, which is not the same as null."""


_MISSING: Final = _Missing()


def is_empty(filter: Filter | None) -> bool:
    """Whether a filter has no condition at all."""
    return not filter


def matches(metadata: Any, filter: Filter | None, *, faithful: bool = False) -> bool:
    """Whether a row's metadata meets a filter; a row without metadata meets none, not even an empty one.

    Args:
        metadata: as it is stored; None if there is none.
        filter: flat, or under ``metadata``, beside which nothing else counts.
        faithful: whether ``$eq`` never holds and only the first operator of a field counts, as in 1.5.2.
    """
    if not _truthy(metadata):
        return False
    if filter is None or not filter:
        return True
    conditions = filter["metadata"] if _truthy(filter.get("metadata")) else filter
    return _all_hold(metadata, conditions, faithful)


def _all_hold(metadata: Any, conditions: Any, faithful: bool) -> bool:
    return all(_holds(metadata, field, condition, faithful) for field, condition in _entries(conditions))


def _holds(metadata: Any, field: str, condition: Any, faithful: bool) -> bool:
    if field in _JOINS and isinstance(condition, (list, tuple)):
        return _JOINS[field](_all_hold(metadata, part, faithful) for part in condition)
    value = metadata.get(field, _MISSING) if isinstance(metadata, Mapping) else _MISSING
    operators = _operators(condition, faithful)
    if not operators:
        return _strictly_equal(value, condition)
    return all(_OPERATORS[name](value, condition[name]) for name in operators)


def _operators(condition: Any, faithful: bool) -> list[str]:
    """The operators that a condition consists of; none if it is a value to be equal to."""
    if not isinstance(condition, Mapping):
        return []
    if faithful:
        return [name for name in _OPERATORS if name in condition and name != "$eq"][:1]
    return [name for name in _OPERATORS if name in condition]


def _entries(conditions: Any) -> Iterable[tuple[str, Any]]:
    """``Object.entries(conditions)``."""
    if conditions is None:
        raise TypeError("Cannot convert undefined or null to object")
    if isinstance(conditions, Mapping):
        return conditions.items()
    if isinstance(conditions, (str, list, tuple)):
        return [(str(index), item) for index, item in enumerate(conditions)]
    return ()


# Operators


def _is_in(value: Any, allowed: Any) -> bool:
    return isinstance(allowed, (list, tuple)) and _includes(allowed, value)


def _is_not_in(value: Any, refused: Any) -> bool:
    return not (isinstance(refused, (list, tuple)) and _includes(refused, value))


def _includes(items: Iterable[Any], value: Any) -> bool:
    """``items.includes(value)``, for which NaN is one value."""
    return any(_strictly_equal(item, value) or (_is_nan(item) and _is_nan(value)) for item in items)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


# In the order in which 1.5.2 looks for them.
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$in": _is_in,
    "$nin": _is_not_in,
    "$gt": lambda value, bound: _is_less(bound, value),
    "$gte": lambda value, bound: _is_less_or_equal(bound, value),
    "$lt": lambda value, bound: _is_less(value, bound),
    "$lte": lambda value, bound: _is_less_or_equal(value, bound),
    "$ne": lambda value, other: not _strictly_equal(value, other),
    "$eq": lambda value, other: _strictly_equal(value, other),
}
_JOINS: Final[Mapping[str, Callable[[Iterable[bool]], bool]]] = {"$and": all, "$or": any}


# JavaScript's operators (ECMA-262, checked 2026-11-21)


def _truthy(value: Any) -> bool:
    return isinstance(value, (Mapping, list)) or (bool(value) and not _is_nan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _strictly_equal(left: Any, right: Any) -> bool:
    """``left === right``; a stored list or object is never the one in the filter."""
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and isinstance(left, (str, bool, type(None))) and left == right


def _is_less(left: Any, right: Any) -> bool:
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return _utf16(left) < _utf16(right)
    return _to_number(left) < _to_number(right)


def _is_less_or_equal(left: Any, right: Any) -> bool:
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return _utf16(left) <= _utf16(right)
    return _to_number(left) <= _to_number(right)


def _primitive(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_epoch_ms(value)
    return _to_string(value) if isinstance(value, (Mapping, list, tuple)) else value


def _to_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return ",".join("" if item is None else _to_string(item) for item in value)
    return "[object Object]" if isinstance(value, Mapping) else to_json_text(value)


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


_WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_WHITESPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"
_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_WITH_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def _to_number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, str):
        return _number_in(value.strip(_WHITESPACE))
    return float(value) if isinstance(value, (bool, int, float)) else math.nan


def _number_in(text: str) -> float:
    if not text:
        return 0.0
    if _WITH_RADIX.fullmatch(text):
        return float(int(text, 0))
    return float(text) if _DECIMAL.fullmatch(text) else math.nan

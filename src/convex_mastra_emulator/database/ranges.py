"""Index ranges: the rules they must obey, and the keys they stand for.

Bounds are over the total order of all types, so ``gt("n", 5)`` also finds text.

convex-backend crates/common/src/query.rs (convex-engine.md §4.3, checked 2026-11-21).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from convex_mastra_emulator.database.index import OrderedIndex
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.errors import InvalidQuery
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.display import display, quoted
from convex_mastra_emulator.values.order import sort_key, successor
from convex_mastra_emulator.values.types import Value, undefined

Path = tuple[str, ...]

_COMPARATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class RangeExpression(NamedTuple):
    """One comparison of an index range: ``eq``, ``gt``, ``gte``, ``lt`` or ``lte``."""

    operation: str
    path: Path
    value: Value

    def to_json(self) -> Any:
        """The form npm convex sends, which a cursor's fingerprint is taken of."""
        value = {"$undefined": None} if self.value is undefined else encode(self.value)
        return {"type": self.operation, "fieldPath": ".".join(self.path), "value": value}


class _Bounds:
    """The range, split into equalities and at most one lower and one upper bound on one field."""

    def __init__(self, index: str, expressions: tuple[RangeExpression, ...]) -> None:
        self.equalities: dict[Path, Value] = {}
        self.path: Path | None = None
        self.lower: RangeExpression | None = None
        self.upper: RangeExpression | None = None
        for expression in expressions:
            if expression.operation == "eq":
                self._equality(expression)
            else:
                self._bound(index, expression)
        if self.path is not None and self.path in self.equalities:
            raise _already_defined("inequality", self.path, "==", self.equalities[self.path])

    def _equality(self, expression: RangeExpression) -> None:
        if expression.path in self.equalities:
            raise _already_defined("equality", expression.path, "==", self.equalities[expression.path])
        self.equalities[expression.path] = expression.value

    def _bound(self, index: str, expression: RangeExpression) -> None:
        is_upper = expression.operation in ("lt", "lte")
        if (self.upper if is_upper else self.lower) is not None:
            kind = "upper" if is_upper else "lower"
            raise _already_defined(kind, expression.path, _COMPARATORS[expression.operation], expression.value)
        if self.path is not None and self.path != expression.path:
            raise InvalidQuery(
                "Upper and lower bounds in `range` can only be applied to a single index field. "
                f"This query against index {index} attempted to set a range bound on both "
                f"{_printed(self.path)} and {_printed(expression.path)}. Consider using `filter` instead. "
                "See https://docs.convex.dev/using/indexes for more info.",
                code="BoundsOnMultipleFields",
            )
        self.path = expression.path
        if is_upper:
            self.upper = expression
        else:
            self.lower = expression


def _printed(path: Path) -> str:
    return quoted(".".join(path))


def _already_defined(kind: str, path: Path, comparator: str, value: Value) -> InvalidQuery:
    return InvalidQuery(
        f"Already defined {kind} bound in index range. Can't add {_printed(path)} {comparator} {display(value)}.",
        code="AlreadyDefinedBound",
    )


def compile_range(table: str, index: OrderedIndex, expressions: tuple[RangeExpression, ...]) -> Interval:
    """The interval of keys a range stands for; contradictory bounds give an empty one.

    Raises:
        InvalidQuery: when the range does not use the index as it must.
    """
    if not expressions:
        return Interval(b"", None)
    simple = _leading_equalities(index, expressions)
    if simple is not None:
        return Interval(simple, successor(simple))
    printed_index = f"{table}.{index.name}"
    bounds = _Bounds(printed_index, expressions)
    used = _fields_in_order(printed_index, index, bounds)
    prefix = b"".join(sort_key(bounds.equalities[path]) for path in used if path in bounds.equalities)
    return Interval(_start(prefix, bounds.lower), _end(prefix, bounds.upper))


def _leading_equalities(index: OrderedIndex, expressions: tuple[RangeExpression, ...]) -> bytes | None:
    """The prefix of the commonest range, equalities in index order; None if it is another one."""
    if len(expressions) > len(index.paths):
        return None
    prefix = b""
    for expression, path in zip(expressions, index.paths, strict=False):
        if expression.operation != "eq" or expression.path != path:
            return None
        prefix += sort_key(expression.value)
    return prefix


def _fields_in_order(printed_index: str, index: OrderedIndex, bounds: _Bounds) -> list[Path]:
    allowed = index.all_paths
    inequality = [bounds.path] if bounds.path is not None else []
    # The deployment walks the equalities in the order of their field names when it looks for strangers.
    for path in (*sorted(bounds.equalities), *inequality):
        if path not in allowed:
            raise InvalidQuery(
                f"The index range included a comparison with {_printed(path)}, but {printed_index} with fields "
                f"{index.printed_fields} doesn't index this field. "
                "For more information see https://docs.convex.dev/using/indexes.",
                code="FieldNotInIndex",
            )
    used = [*sorted(bounds.equalities, key=allowed.index), *inequality]
    for path, expected in zip(used, allowed, strict=False):
        if path != expected:
            raise InvalidQuery(
                f"Tried to query index {printed_index} but the query didn't use the index fields in order.\n"
                f"Index fields: {index.printed_fields}\n"
                f"Query fields: [{', '.join(map(_printed, used))}]\n"
                f"First incorrect field: {_printed(path)}\n"
                "For more information see https://docs.convex.dev/using/indexes.",
                code="InvalidIndexRange",
            )
    return used


def _start(prefix: bytes, lower: RangeExpression | None) -> bytes:
    if lower is None:
        return prefix
    key = prefix + sort_key(lower.value)
    return key if lower.operation == "gte" else successor(key)


def _end(prefix: bytes, upper: RangeExpression | None) -> bytes | None:
    if upper is None:
        return successor(prefix) if prefix else None
    key = prefix + sort_key(upper.value)
    return key if upper.operation == "lt" else successor(key)

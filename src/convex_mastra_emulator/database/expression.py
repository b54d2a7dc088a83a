"""Filter expressions: a small typed language over one document.

Comparisons use the total order over all types, missing fields included; ``and``, ``or``, ``not`` and the filter
itself need booleans; arithmetic needs two numbers of one kind.

convex-backend crates/common/src/query.rs ``Expression::eval`` (convex-engine.md §5.1, checked 2026-11-21).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.database.documents import field_at
from convex_mastra_emulator.errors import InvalidQuery
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.display import display, type_name
from convex_mastra_emulator.values.order import same, sort_key
from convex_mastra_emulator.values.types import Document, Value, undefined

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def _evaluation_error(text: str) -> InvalidQuery:
    return InvalidQuery(text, code="EvalError")


def as_boolean(value: Value) -> bool:
    """The value of a condition.

    Raises:
        InvalidQuery: ``EvalError`` for anything but a boolean.
    """
    if type(value) is not bool:
        raise _evaluation_error(f"Cannot use value {display(value)} (type {type_name(value)}) as a Boolean")
    return value


class Expression:
    """Root of the expressions."""

    __slots__: tuple[str, ...] = ()

    def evaluate(self, document: Document) -> Value:
        """The expression's value for a document; may be :data:`undefined`."""
        raise NotImplementedError  # every subclass in this module has its own

    def to_json(self) -> Any:
        """The form npm convex sends, which a cursor's fingerprint is taken of."""
        raise NotImplementedError  # every subclass in this module has its own


@dataclass(frozen=True, slots=True)
class FieldReference(Expression):
    """``q.field("a.b")``."""

    path: tuple[str, ...]

    def evaluate(self, document: Document) -> Value:
        """The field, or undefined."""
        return field_at(document, self.path)

    def to_json(self) -> Any:
        """``{"$field": …}``."""
        return {"$field": ".".join(self.path)}


def field_names(expression: Any) -> Iterator[str]:
    """The fields an expression looks at, in the order in which they stand in it."""
    if isinstance(expression, FieldReference):
        yield ".".join(expression.path)
    elif isinstance(expression, tuple):
        for operand in expression:
            yield from field_names(operand)
    elif isinstance(expression, Expression) and not isinstance(expression, Literal):
        for name in expression.__slots__:
            yield from field_names(getattr(expression, name))


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A value written into the filter."""

    value: Value

    def evaluate(self, document: Document) -> Value:
        """The value itself."""
        return self.value

    def to_json(self) -> Any:
        """``{"$literal": …}``."""
        return {"$literal": {"$undefined": None} if self.value is undefined else encode(self.value)}


_ORDERINGS: dict[str, Callable[[bytes, bytes], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """``eq``, ``neq``, ``lt``, ``lte``, ``gt``, ``gte``: always defined, across all types."""

    operation: str
    left: Expression
    right: Expression

    def evaluate(self, document: Document) -> bool:
        """Compares in the total order."""
        left, right = self.left.evaluate(document), self.right.evaluate(document)
        if self.operation == "eq":
            return same(left, right)
        if self.operation == "neq":
            return not same(left, right)
        return _ORDERINGS[self.operation](sort_key(left), sort_key(right))

    def to_json(self) -> Any:
        """``{"$eq": [left, right]}`` and the like."""
        return {f"${self.operation}": [self.left.to_json(), self.right.to_json()]}


@dataclass(frozen=True, slots=True)
class Conjunction(Expression):
    """``q.and``: true without operands; stops at the first false one."""

    operands: tuple[Expression, ...]

    def evaluate(self, document: Document) -> bool:
        """Left to right."""
        return all(as_boolean(operand.evaluate(document)) for operand in self.operands)

    def to_json(self) -> Any:
        """``{"$and": […]}``."""
        return {"$and": [operand.to_json() for operand in self.operands]}


@dataclass(frozen=True, slots=True)
class Disjunction(Expression):
    """``q.or``: false without operands; stops at the first true one."""

    operands: tuple[Expression, ...]

    def evaluate(self, document: Document) -> bool:
        """Left to right."""
        return any(as_boolean(operand.evaluate(document)) for operand in self.operands)

    def to_json(self) -> Any:
        """``{"$or": […]}``."""
        return {"$or": [operand.to_json() for operand in self.operands]}


@dataclass(frozen=True, slots=True)
class Negation(Expression):
    """``q.not``."""

    operand: Expression

    def evaluate(self, document: Document) -> bool:
        """The opposite of a boolean."""
        return not as_boolean(self.operand.evaluate(document))

    def to_json(self) -> Any:
        """``{"$not": …}``."""
        return {"$not": self.operand.to_json()}


_VERBS = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "mod": "mod"}


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """``add``, ``sub``, ``mul``, ``div``, ``mod`` of two Int64 or two Float64."""

    operation: str
    left: Expression
    right: Expression

    def evaluate(self, document: Document) -> Value:
        """Int64 is checked for overflow and division by zero; Float64 follows IEEE 754."""
        left, right = self.left.evaluate(document), self.right.evaluate(document)
        if type(left) is float and type(right) is float:
            return _float_arithmetic(self.operation, left, right)
        if type(left) is ConvexInt64 and type(right) is ConvexInt64:
            return _int64_arithmetic(self.operation, left.value, right.value)
        raise _evaluation_error(
            f"Cannot {_VERBS[self.operation]} {display(left)} (type {type_name(left)}) "
            f"and {display(right)} (type {type_name(right)})"
        )

    def to_json(self) -> Any:
        """``{"$add": [left, right]}`` and the like."""
        return {f"${self.operation}": [self.left.to_json(), self.right.to_json()]}


@dataclass(frozen=True, slots=True)
class Minus(Expression):
    """``q.neg``."""

    operand: Expression

    def evaluate(self, document: Document) -> Value:
        """The negated number."""
        value = self.operand.evaluate(document)
        if type(value) is float:
            return -value
        if type(value) is ConvexInt64:
            if value.value == _INT64_MIN:
                raise _evaluation_error(f"Cannot negate {display(value)}: the result is out of range for Int64")
            return ConvexInt64(-value.value)
        raise _evaluation_error(f"Cannot negate {display(value)} (type {type_name(value)})")

    def to_json(self) -> Any:
        """``{"$neg": …}``."""
        return {"$neg": self.operand.to_json()}


def _float_arithmetic(operation: str, left: float, right: float) -> float:
    if operation == "add":
        return left + right
    if operation == "sub":
        return left - right
    if operation == "mul":
        return left * right
    if operation == "div":
        return left / right if right != 0 else _divided_by_zero(left, right)
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


def _divided_by_zero(left: float, right: float) -> float:
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, math.copysign(1.0, left) * math.copysign(1.0, right))


def _int64_arithmetic(operation: str, left: int, right: int) -> ConvexInt64:
    verb = _VERBS[operation]
    if operation in ("div", "mod"):
        if right == 0:
            raise _evaluation_error(f"Cannot {verb} {left} by zero")
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        # The remainder keeps the dividend's sign, as Rust's `%` does.
        result = quotient if operation == "div" else left - quotient * right
    elif operation == "add":
        result = left + right
    else:
        result = left - right if operation == "sub" else left * right
    overflows = not _INT64_MIN <= result <= _INT64_MAX or (operation == "mod" and left == _INT64_MIN and right == -1)
    if overflows:
        raise _evaluation_error(f"Cannot {verb} {left} and {right}: the result is out of range for Int64")
    return ConvexInt64(result)

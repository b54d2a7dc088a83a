"""Builders of the conditions in programs: bounds of index ranges, filters, filters of vector searches.

Named as in npm convex; a comparison whose left side is a text is about the field of that name, which is what index
ranges and vector searches take.  Filters compare expressions: ``eq(field("a"), 1)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_mastra_convex.probe.values import encoded


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition, or a part of one; ``json`` is how the program writes it."""

    json: dict[str, Any]


def field(path: str) -> Expression:
    """In a filter: the field at a dotted path."""
    return Expression({"field": path})


def literal(value: Any) -> Expression:
    """In a filter: a value, where a plain text would be taken for the name of a field."""
    return Expression({"value": encoded(value)})


def _operand(value: Any) -> Any:
    return value.json if isinstance(value, Expression) else {"value": encoded(value)}


def _compared(op: str, left: Any, right: Any) -> Expression:
    if isinstance(left, str):
        return Expression({"op": op, "field": left, "value": encoded(right)})
    return _binary(op, left, right)


def _binary(op: str, left: Any, right: Any) -> Expression:
    return Expression({"op": op, "left": _operand(left), "right": _operand(right)})


def eq(left: Any, right: Any) -> Expression:
    """Equal; ``undefined`` on the right finds documents without the field."""
    return _compared("eq", left, right)


def gt(left: Any, right: Any) -> Expression:
    """Above."""
    return _compared("gt", left, right)


def gte(left: Any, right: Any) -> Expression:
    """Equal or above."""
    return _compared("gte", left, right)


def lt(left: Any, right: Any) -> Expression:
    """Below."""
    return _compared("lt", left, right)


def lte(left: Any, right: Any) -> Expression:
    """Equal or below."""
    return _compared("lte", left, right)


def neq(left: Any, right: Any) -> Expression:
    """In a filter: not equal.  No index range takes it, so a text on the left is a value."""
    return _binary("neq", left, right)


def and_(*operands: Any) -> Expression:
    """In a filter: all are true."""
    return Expression({"op": "and", "args": [_operand(operand) for operand in operands]})


def or_(*operands: Any) -> Expression:
    """At least one is true; the one connective of vector searches."""
    return Expression({"op": "or", "args": [_operand(operand) for operand in operands]})


def not_(operand: Any) -> Expression:
    """In a filter: the opposite."""
    return Expression({"op": "not", "arg": _operand(operand)})


def add(left: Any, right: Any) -> Expression:
    """In a filter: the sum."""
    return _binary("add", left, right)


def sub(left: Any, right: Any) -> Expression:
    """In a filter: the difference."""
    return _binary("sub", left, right)


def mul(left: Any, right: Any) -> Expression:
    """In a filter: the product."""
    return _binary("mul", left, right)


def div(left: Any, right: Any) -> Expression:
    """In a filter: the quotient."""
    return _binary("div", left, right)


def mod(left: Any, right: Any) -> Expression:
    """In a filter: the remainder."""
    return _binary("mod", left, right)


def neg(operand: Any) -> Expression:
    """In a filter: the negated number."""
    return Expression({"op": "neg", "arg": _operand(operand)})

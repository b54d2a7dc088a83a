"""``q`` in Python: the builders of index ranges, searches, filters and vector filters, with what npm convex checks.

convex-js src/server/impl/index_range_builder_impl.ts, search_filter_builder_impl.ts, filter_builder_impl.ts,
vector_search_impl.ts (convex-engine.md §4.3, §5.1, §8.3 and §9, checked 2026-11-21).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.database.expression import (
    Arithmetic,
    Comparison,
    Conjunction,
    Disjunction,
    Expression,
    FieldReference,
    Literal,
    Minus,
    Negation,
)
from convex_mastra_emulator.database.ranges import RangeExpression
from convex_mastra_emulator.database.text_search import SearchExpression
from convex_mastra_emulator.errors import InvalidQuery, InvalidValue, ThrownError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.codec import encode, json_type
from convex_mastra_emulator.values.names import parse_field_path
from convex_mastra_emulator.values.size import take_in
from convex_mastra_emulator.values.types import Value, undefined


def _value(value: Any, limits: Limits) -> Value:
    """A literal of a query; missing values are allowed here (§1.8)."""
    if type(value) is str or value is undefined:
        return value
    return take_in(value, limits).value


class MalformedQuery(Exception):
    """A path or a value of a query cannot be read; told when the query is run, as a deployment parses it then."""


class IndexRangeBuilder:
    """``q`` of ``with_index``; each object may be used once."""

    __slots__ = ("_is_used", "_limits", "expressions")

    def __init__(self, limits: Limits, expressions: tuple[RangeExpression, ...] = ()) -> None:
        self._limits = limits
        self.expressions = expressions
        self._is_used = False

    def _with(self, operation: str, field: str, value: Any) -> IndexRangeBuilder:
        if self._is_used:
            raise ThrownError(
                "IndexRangeBuilder has already been used! Chain your method calls like "
                "`q => q.eq(...).eq(...)`. See https://docs.convex.dev/using/indexes"
            )
        self._is_used = True
        try:
            expression = RangeExpression(operation, parse_field_path(field), _value(value, self._limits))
        except InvalidValue as error:
            raise MalformedQuery(str(error)) from None
        return IndexRangeBuilder(self._limits, (*self.expressions, expression))

    def eq(self, field: str, value: Any) -> IndexRangeBuilder:
        """``field`` equals ``value``; :data:`undefined` finds documents without it."""
        return self._with("eq", field, value)

    def gt(self, field: str, value: Any) -> IndexRangeBuilder:
        """``field`` is above ``value``."""
        return self._with("gt", field, value)

    def gte(self, field: str, value: Any) -> IndexRangeBuilder:
        """``field`` is ``value`` or above it."""
        return self._with("gte", field, value)

    def lt(self, field: str, value: Any) -> IndexRangeBuilder:
        """``field`` is below ``value``."""
        return self._with("lt", field, value)

    def lte(self, field: str, value: Any) -> IndexRangeBuilder:
        """``field`` is ``value`` or below it."""
        return self._with("lte", field, value)


class SearchFilterBuilder:
    """``q`` of ``with_search_index``; each object may be used once."""

    __slots__ = ("_expressions", "_is_used", "_limits")

    def __init__(self, limits: Limits, expressions: tuple[SearchExpression, ...] = ()) -> None:
        self._limits = limits
        self._expressions = expressions
        self._is_used = False

    def _use(self) -> None:
        if self._is_used:
            raise ThrownError(
                "SearchFilterBuilder has already been used! Chain your method calls like `q => q.search(...).eq(...)`."
            )
        self._is_used = True

    def _with(self, operation: str, field: str, value: Any) -> SearchFilterBuilder:
        self._use()
        try:
            expression = SearchExpression(operation, parse_field_path(field), _value(value, self._limits))
        except InvalidValue as error:
            raise MalformedQuery(str(error)) from None
        return SearchFilterBuilder(self._limits, (*self._expressions, expression))

    def search(self, field: Any, text: Any) -> SearchFilterBuilder:
        """``field`` holds one of the words of ``text``, or a word that begins with the last of them.

        Raises:
            TypeError: if something is :data:`undefined`.
        """
        if field is undefined or text is undefined:
            argument = "1 `fieldName`" if field is undefined else "2 `query`"
            raise TypeError(f"Must provide arg {argument} to `search`")
        if not isinstance(text, str):
            self._use()
            raise MalformedQuery(f"invalid type: {json_type(encode(_value(text, self._limits)))}, expected a string")
        return self._with("search", field, text)

    def eq(self, field: Any, value: Any) -> SearchFilterBuilder:
        """The filter field ``field`` equals ``value``; :data:`undefined` finds documents without it.

        Raises:
            TypeError: if the field is :data:`undefined`.
        """
        if field is undefined:
            raise TypeError("Must provide arg 1 `fieldName` to `eq`")
        return self._with("eq", field, value)

    def expressions(self) -> tuple[SearchExpression, ...]:
        """What was asked for; this object has had its day."""
        self._use()
        return self._expressions


class FilterBuilder:
    """``q`` of ``filter``; methods named as in JavaScript, with ``and_``, ``or_`` and ``not_`` for the keywords."""

    __slots__ = ("_limits",)

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def expression(self, value: Any) -> Expression:
        """An expression as it is; anything else is a literal."""
        return value if isinstance(value, Expression) else Literal(_value(value, self._limits))

    def field(self, path: str) -> FieldReference:
        """The field at a dotted path."""
        try:
            return FieldReference(parse_field_path(path))
        except InvalidValue as error:
            raise MalformedQuery(str(error)) from None

    def eq(self, left: Any, right: Any) -> Expression:
        """Equal in the total order."""
        return Comparison("eq", self.expression(left), self.expression(right))

    def neq(self, left: Any, right: Any) -> Expression:
        """Not equal in the total order."""
        return Comparison("neq", self.expression(left), self.expression(right))

    def lt(self, left: Any, right: Any) -> Expression:
        """Below in the total order."""
        return Comparison("lt", self.expression(left), self.expression(right))

    def lte(self, left: Any, right: Any) -> Expression:
        """Equal or below in the total order."""
        return Comparison("lte", self.expression(left), self.expression(right))

    def gt(self, left: Any, right: Any) -> Expression:
        """Above in the total order."""
        return Comparison("gt", self.expression(left), self.expression(right))

    def gte(self, left: Any, right: Any) -> Expression:
        """Equal or above in the total order."""
        return Comparison("gte", self.expression(left), self.expression(right))

    def and_(self, *operands: Any) -> Expression:
        """All are true."""
        return Conjunction(tuple(map(self.expression, operands)))

    def or_(self, *operands: Any) -> Expression:
        """At least one is true."""
        return Disjunction(tuple(map(self.expression, operands)))

    def not_(self, operand: Any) -> Expression:
        """The opposite."""
        return Negation(self.expression(operand))

    def add(self, left: Any, right: Any) -> Expression:
        """The sum of two numbers of one kind."""
        return Arithmetic("add", self.expression(left), self.expression(right))

    def sub(self, left: Any, right: Any) -> Expression:
        """The difference of two numbers of one kind."""
        return Arithmetic("sub", self.expression(left), self.expression(right))

    def mul(self, left: Any, right: Any) -> Expression:
        """The product of two numbers of one kind."""
        return Arithmetic("mul", self.expression(left), self.expression(right))

    def div(self, left: Any, right: Any) -> Expression:
        """The quotient of two numbers of one kind."""
        return Arithmetic("div", self.expression(left), self.expression(right))

    def mod(self, left: Any, right: Any) -> Expression:
        """The remainder of two numbers of one kind."""
        return Arithmetic("mod", self.expression(left), self.expression(right))

    def neg(self, operand: Any) -> Expression:
        """The negated number."""
        return Minus(self.expression(operand))


class VectorFilterBuilder:
    """``q`` of a vector search's filter: ``eq`` and ``or_``, nothing else."""

    __slots__ = ("_limits",)

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def eq(self, field: Any, value: Any) -> Expression:
        """The filter field ``field`` equals ``value``."""
        if not isinstance(field, str):
            raise ThrownError("The first argument to `q.eq` must be a field name.")
        try:
            return Comparison("eq", FieldReference(parse_field_path(field)), Literal(_value(value, self._limits)))
        except InvalidValue as error:
            raise InvalidQuery(str(error), code="InvalidVectorQuery") from None

    def or_(self, *operands: Expression) -> Expression:
        """At least one holds."""
        return Disjunction(tuple(operands))

"""Queries as npm convex writes them for a deployment, read with a deployment's refusals.

convex-backend crates/common/src/json/query.rs; convex-js src/server/impl/query_impl.ts, filter_builder_impl.ts
(convex-engine.md §4.3, §5.1, §9, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
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
from convex_mastra_emulator.database.query import Query
from convex_mastra_emulator.database.ranges import RangeExpression
from convex_mastra_emulator.database.text_search import SearchExpression
from convex_mastra_emulator.errors import InvalidArgument, InvalidValue
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.codec import decode_or_undefined, json_type
from convex_mastra_emulator.values.names import identifier_problem, parse_field_path

_COMPARISONS = frozenset({"eq", "neq", "lt", "lte", "gt", "gte"})
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "mod"})
_RANGES = {"Eq": "eq", "Gt": "gt", "Gte": "gte", "Lt": "lt", "Lte": "lte"}
# A bad name of an index is reported as one of a table (crates/common/src/types/index.rs).
_BAD_INDEX_NAME = (
    'Invalid table name: "{}". '
    "Identifiers must start with a letter and can only contain letters, digits, and underscores."
)


def read_query(json: Any, limits: Limits, operation: str) -> Query:
    """The query of a request.

    Args:
        json: parsed.
        limits: what values may be.
        operation: the request's name, for its refusals: ``queryStream`` or ``queryPage``.

    Raises:
        InvalidArgument: for a query no deployment can read.
    """
    try:
        return _query(json, limits)
    except InvalidValue as error:
        raise InvalidArgument(f"Invalid argument `query` for `{operation}`: {error}") from None


def _query(json: Any, limits: Limits) -> Query:
    source = json["source"]
    operators = tuple(_operator(operator, limits) for operator in json["operators"])
    kind = source["type"]
    if kind == "FullTableScan":
        return Query(_table(source["tableName"]), None, (), _is_descending(source), operators)
    table, index = _table_and_index(source["indexName"])
    if kind == "IndexRange":
        bounds = tuple(_bound(bound, limits) for bound in source["range"])
        return Query(table, index, bounds, _is_descending(source), operators)
    search = tuple(_condition(condition, limits) for condition in source["filters"])
    return Query(table, index, operators=operators, search=search)


def _table(name: str) -> str:
    # Of a system table the deployment looks at the rest.
    problem = identifier_problem(name.removeprefix("_")) if name.startswith("_") else identifier_problem(name)
    if problem is not None:
        raise InvalidValue(problem)
    return name


def _table_and_index(name: str) -> tuple[str, str]:
    table, _, index = name.partition(".")
    if identifier_problem(index) is not None:
        raise InvalidValue(_BAD_INDEX_NAME.format(index))
    return _table(table), index


def _is_descending(source: Any) -> bool:
    order = source.get("order")
    if order not in (None, "asc", "desc"):
        raise InvalidValue(f'expected "asc" or "desc", got {order!r}')
    return bool(order == "desc")


def _operator(json: Any, limits: Limits) -> Expression | int:
    if "limit" in json:
        return int(json["limit"])
    return _expression(json["filter"], limits)


def _bound(json: Any, limits: Limits) -> RangeExpression:
    path = parse_field_path(json["fieldPath"])
    return RangeExpression(_RANGES[json["type"]], path, decode_or_undefined(json["value"], limits))


def _condition(json: Any, limits: Limits) -> SearchExpression:
    path = parse_field_path(json["fieldPath"])
    if json["type"] != "Search":
        return SearchExpression("eq", path, decode_or_undefined(json["value"], limits))
    if not isinstance(json["value"], str):
        raise InvalidValue(f"invalid type: {json_type(json['value'])}, expected a string")
    return SearchExpression("search", path, json["value"])


def _expression(json: Any, limits: Limits) -> Expression:
    ((tag, content),) = json.items()
    name = tag.removeprefix("$")
    if name == "literal":
        return Literal(decode_or_undefined(content, limits))
    if name == "field":
        return FieldReference(parse_field_path(content))

    def inner(operand: Any) -> Expression:
        return _expression(operand, limits)

    if name in _COMPARISONS:
        return Comparison(name, inner(content[0]), inner(content[1]))
    if name in _ARITHMETIC:
        return Arithmetic(name, inner(content[0]), inner(content[1]))
    return _OTHERS[name](content, inner)


_OTHERS: dict[str, Callable[[Any, Callable[[Any], Expression]], Expression]] = {
    "and": lambda content, inner: Conjunction(tuple(map(inner, content))),
    "or": lambda content, inner: Disjunction(tuple(map(inner, content))),
    "not": lambda content, inner: Negation(inner(content)),
    "neg": lambda content, inner: Minus(inner(content)),
}


def read_vector_filter(json: Any, limits: Limits) -> Expression | None:
    """The filter of a vector search; None without one."""
    return None if json is None else _expression(json, limits)

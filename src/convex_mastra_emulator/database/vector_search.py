"""The rules of a vector search, in the order in which a deployment checks them.

convex-backend crates/vector/src/query.rs, crates/database/src/database.rs, crates/vector/src/qdrant_index.rs
(convex-engine.md §8.3 and §8.4, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass

from convex_mastra_emulator.database.expression import Comparison, Disjunction, Expression, FieldReference, Literal
from convex_mastra_emulator.database.query import index_not_found
from convex_mastra_emulator.database.store import Store, Table, index_staged
from convex_mastra_emulator.database.vector_index import Path, VectorIndex
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, InvalidQuery
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.schema.rules import DIMENSIONS_MAX
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.names import identifier_problem
from convex_mastra_emulator.values.order import sort_key
from convex_mastra_emulator.values.types import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorQuery:
    """What to look for.

    Args:
        vector: the query vector.
        limit: how many results; None means the deployment's default.
        filter: equalities joined by ``or``; None for no filter.
    """

    vector: list[float]
    limit: Value = None
    filter: Expression | None = None


def vector_search(
    store: Store, limits: Limits, table_name: str, index_name: str, query: VectorQuery
) -> list[tuple[str, float | None]]:
    """Ids and scores of the nearest documents, best first.

    Raises:
        InvalidQuery: with the deployment's text and code.
        DeploymentError: the internal error a deployment gives for a limit that is no whole number.
    """
    limit = _whole_number(query.limit, limits)
    _check_names(table_name, index_name)
    conditions = _conditions(query.filter)
    table = store.table(table_name)
    if table is None:
        return []
    index = _index(table, index_name)
    _check_query(query, limit, limits)
    _check_conditions(f"{table_name}.{index_name}", index, conditions, limits)
    if len(query.vector) != index.definition.dimensions:
        raise _dimensions_mismatch(int(index.definition.dimensions), len(query.vector))
    return index.search(query.vector, limit, conditions)


def _whole_number(limit: Value, limits: Limits) -> int:
    if limit is None:
        return limits.vector_results_default
    if type(limit) is float and limit.is_integer() and limit >= 0:
        return int(limit)
    raise DeploymentError(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)


def _check_names(table: str, index: str) -> None:
    for name in (table, index):
        if identifier_problem(name) is not None:
            raise InvalidQuery(
                f'Invalid table name: "{name}". '
                "Identifiers must start with a letter and can only contain letters, digits, and underscores.",
                code="InvalidVectorQuery",
            )


def _conditions(expression: Expression | None) -> dict[Path, set[bytes]]:
    """Fields with the sort keys of their allowed values; the only connective there is is OR."""
    conditions: dict[Path, set[bytes]] = {}
    operands = expression.operands if isinstance(expression, Disjunction) else (expression,)
    for operand in operands:
        if operand is None:
            continue
        if isinstance(operand, Disjunction):
            for path, keys in _conditions(operand).items():
                conditions.setdefault(path, set()).update(keys)
            continue
        if not isinstance(operand, Comparison) or operand.operation != "eq":
            raise InvalidQuery("Filters should be a combination of `q.eq` and `q.or`.", code="InvalidVectorQuery")
        path, value = _equality(operand)
        conditions.setdefault(path, set()).add(sort_key(value))
    return conditions


def _equality(comparison: Comparison) -> tuple[Path, Value]:
    if not isinstance(comparison.left, FieldReference) or not isinstance(comparison.right, Literal):
        raise InvalidQuery(
            "`q.eq` must take a field path as its first argument and a value as its second",
            code="InvalidVectorQuery",
        )
    return comparison.left.path, comparison.right.value


def _index(table: Table, name: str) -> VectorIndex:
    index = table.vector_indexes.get(name)
    if index is None:
        if name in table.indexes or name in table.text_indexes:
            raise InvalidQuery(f"Index {table.name}.{name} is not a vector index", code="IndexNotAVectorIndexError")
        raise index_not_found(table.name, name)
    if index.definition.staged:
        raise index_staged(table.name, name)
    return index


def _check_query(query: VectorQuery, limit: int, limits: Limits) -> None:
    if len(query.vector) > DIMENSIONS_MAX:
        raise _dimensions_mismatch(DIMENSIONS_MAX, len(query.vector))
    if limit > limits.vector_results_max:
        raise InvalidQuery(
            f"Vector queries can fetch at most {limits.vector_results_max} results, requested {limit}.",
            code="VectorLimitTooLargeError",
        )


def _check_conditions(
    printed_index: str, index: VectorIndex, conditions: dict[Path, set[bytes]], limits: Limits
) -> None:
    for path in conditions:
        if path not in index.filter_paths:
            raise InvalidQuery(
                f"Vector query against {printed_index} contains a filter on {quoted('.'.join(path))} "
                "but that field isn't indexed for filtering in `filterFields`.",
                code="IncorrectVectorFilterField",
            )
    count = sum(map(len, conditions.values()))
    if count > limits.vector_conditions_max:
        raise InvalidQuery(
            f"Vector query against {printed_index} has too many conditions. "
            f"Max: {limits.vector_conditions_max} Actual: {count}",
            code="TooManyElementsInVectorQueryError",
        )


def _dimensions_mismatch(expected: int, received: int) -> InvalidQuery:
    return InvalidQuery(
        f"Expected a vector with dimensions {expected}, received {received}.", code="VectorDimensionsMismatch"
    )

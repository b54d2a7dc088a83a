"""Strategies for vectors, for the metadata beside them, and for filters on those.

npm @mastra/convex 1.5.2 ``ConvexVector.matchesFilter`` and ``ConvexNativeVector.query`` (mastra-adapter.md §10 and
§11, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from hypothesis import strategies as st

Fields: TypeAlias = Mapping[str, st.SearchStrategy[Any]] | Iterable[str]
"""Names of metadata fields; a mapping says what each of them may hold, else it is one of a few scalars."""

_NUMBER_MAX = 1000.0
# A longer vector is drawn as one number everywhere and a few others: Hypothesis has a budget of choices per example.
_DIMENSION_DRAWN_MAX = 128
_EXCEPTIONS_MAX = 16
# Searches compare in 32 bits, where the square of a smaller number may be zero.
_LENGTH_MIN = 2.0**-10

_ORDERED = ("$gt", "$gte", "$lt", "$lte")
# Few of them, so that what is looked for is found.
_scalars: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 3), st.sampled_from(("a", "b", "c")), st.booleans(), st.none()
)


def vectors(dimension: int, *, zero: bool = False) -> st.SearchStrategy[list[float]]:
    """Vectors of finite numbers that 32 bits can hold.

    Args:
        dimension: how many numbers a vector has.
        zero: whether all of them may be zero (or next to it), which is a vector without a direction.

    Raises:
        ValueError: for a dimension below 1.
    """
    if dimension < 1:
        raise ValueError(f"dimension must be at least 1, got {dimension}")
    numbers = st.floats(-_NUMBER_MAX, _NUMBER_MAX, width=32, allow_subnormal=False)
    if dimension <= _DIMENSION_DRAWN_MAX:
        drawn = st.lists(numbers, min_size=dimension, max_size=dimension)
    else:
        exceptions = st.dictionaries(st.integers(0, dimension - 1), numbers, max_size=_EXCEPTIONS_MAX)
        drawn = st.builds(
            lambda usual, others: [others.get(position, usual) for position in range(dimension)], numbers, exceptions
        )
    return drawn if zero else drawn.filter(lambda vector: any(abs(number) >= _LENGTH_MIN for number in vector))


def metadata(fields: Fields) -> st.SearchStrategy[dict[str, Any]]:
    """Metadata in which any of the fields may be missing; the same fields make :func:`filters` that find it."""
    return st.fixed_dictionaries({}, optional=dict(_values_by_field(fields)))


def filters(fields: Fields) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of ``ConvexVector``: never empty, with every operator, and with ``$and`` and ``$or`` around others.

    Raises:
        ValueError: without a field.
    """
    conditions = st.one_of([_conditions(name, values) for name, values in _values_by_field(fields).items()])
    several = st.lists(conditions, min_size=1, max_size=2).map(_merged)
    nested = st.recursive(
        several,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"$and": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"$or": parts}, st.lists(inner, min_size=1, max_size=3)),
        ),
        max_leaves=4,
    )
    return nested | nested.map(lambda filter: {"metadata": filter})


def native_filters(fields: Fields) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of ``ConvexNativeVector``: one field, and the scalar it must equal.

    ``$or`` is left out: 1.5.2 sends it, and a deployment refuses the name.

    Raises:
        ValueError: without a field.
    """
    flat = st.one_of(
        [
            st.one_of(values, values.map(lambda value: {"$eq": value})).map(lambda value, name=name: {name: value})  # type: ignore[misc]
            for name, values in _values_by_field(fields).items()
        ]
    )
    return flat | flat.map(lambda filter: {"metadata": filter})


def _values_by_field(fields: Fields) -> dict[str, st.SearchStrategy[Any]]:
    by_field = dict(fields) if isinstance(fields, Mapping) else dict.fromkeys(fields, _scalars)
    if not by_field:
        raise ValueError("fields must name at least one metadata field")
    return by_field


def _conditions(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(values, max_size=3)
    # Two operators of one field must both hold, which 1.5.2 gets wrong.
    operators = st.fixed_dictionaries(
        {}, optional={**dict.fromkeys(("$eq", "$ne", *_ORDERED), values), "$in": some, "$nin": some}
    ).filter(bool)
    single = st.one_of(
        [values, *(values.map(lambda value, op=op: {op: value}) for op in ("$eq", "$ne", *_ORDERED))]  # type: ignore[misc]
    )
    lists = st.one_of([some.map(lambda values, op=op: {op: values}) for op in ("$in", "$nin")])  # type: ignore[misc]
    return st.one_of(single, lists, operators).map(lambda condition: {name: condition})


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: condition for part in parts for name, condition in part.items()}

"""Strategies for vectors and for the filters on their metadata."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import define_schema, v
from convex_mastra_emulator.stores import ConvexNativeVector, ConvexVector, NativeVectorIndex
from convex_mastra_emulator.stores.filters import matches
from pytest_mastra_convex.strategies import filters, metadata, native_filters, vectors

FIELDS = ("kind", "page")
few_examples = settings(deadline=None, max_examples=60)


def minimal(values: st.SearchStrategy[Any], is_wanted: Callable[[Any], bool]) -> Any:
    """The simplest value; conditions that look alike would find each other's in a database."""
    return find(values, is_wanted, settings=settings(database=None, derandomize=True, max_examples=2000))


def length_of(vector: list[float]) -> float:
    return math.sqrt(sum(number * number for number in vector))


@few_examples
@given(vectors(3))
def test_vectors_are_stored_and_found(vector: list[float]) -> None:
    store = ConvexVector(Emulator())
    store.upsert("docs", vectors=[vector], ids=["a"])

    (found,) = store.query("docs", query_vector=vector, include_vector=True)

    assert found.vector == vector
    assert found.score == pytest.approx(1)


# A vector of zeros has no direction: it scores -1, and nothing at all in a native search.
@few_examples
@given(vectors(2))
def test_vectors_have_a_direction(vector: list[float]) -> None:
    assert 2.0**-10 <= length_of(vector) < math.inf


def test_zero_vectors_are_drawn_when_asked() -> None:
    assert minimal(vectors(3, zero=True), lambda vector: True) == [0.0, 0.0, 0.0]


def test_vectors_shrink_to_the_simplest() -> None:
    assert minimal(vectors(3), lambda vector: True) == [0.0, 0.0, 1.0]


# Models give 1536 numbers and more; Hypothesis would not draw them one by one.
@pytest.mark.parametrize("dimension", [1, 128, 129, 4096])
def test_vectors_have_the_dimension_asked_for(dimension: int) -> None:
    @settings(deadline=None, max_examples=5)
    @given(vectors(dimension))
    def check(vector: list[float]) -> None:
        assert len(vector) == dimension
        assert length_of(vector) > 0

    check()


def test_dimension_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="dimension must be at least 1, got 0"):
        vectors(0)


# What a deployment refuses in an argument would never be sent: filters are for the client alone.
@few_examples
@given(st.lists(metadata(FIELDS), min_size=1, max_size=4), filters(FIELDS))
def test_filters_choose_among_stored_metadata(rows: list[dict[str, Any]], filter: dict[str, Any]) -> None:
    store = ConvexVector(Emulator())
    ids = [str(number) for number in range(len(rows))]
    store.upsert("docs", vectors=[[1.0]] * len(rows), ids=ids, metadata=rows)

    found = store.query("docs", query_vector=[1.0], filter=filter)

    assert [result.id for result in found] == [
        id for id, row in zip(ids, rows, strict=True) if matches(row, filter, faithful=False)
    ]


@pytest.mark.parametrize("name", ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$and", "$or", "metadata"])
def test_filters_use_every_operator(name: str) -> None:
    minimal(filters(FIELDS), lambda filter: f'"{name}":' in json.dumps(filter))


@few_examples
@given(filters(FIELDS))
def test_filters_are_never_empty(filter: dict[str, Any]) -> None:
    assert filter
    assert filter.get("metadata", filter)


def test_filters_find_something_and_miss_something() -> None:
    pairs = st.tuples(metadata(FIELDS).filter(bool), filters(FIELDS))

    assert minimal(pairs, lambda pair: matches(*pair)) == ({"kind": 0}, {"kind": 0})
    minimal(pairs, lambda pair: not matches(*pair))


def test_filters_compare_with_the_values_given() -> None:
    assert minimal(filters({"year": st.just(2026)}), lambda filter: True) == {"year": 2026}


@pytest.mark.parametrize("make", [filters, native_filters, metadata])
def test_fields_are_needed(make: Any) -> None:
    with pytest.raises(ValueError, match="fields must name at least one metadata field"):
        make([])


@few_examples
@given(st.lists(metadata(FIELDS), min_size=1, max_size=4), native_filters(FIELDS))
def test_native_filters_choose_among_stored_metadata(rows: list[dict[str, Any]], filter: dict[str, Any]) -> None:
    table = define_native_vector_table(dimensions=2, filter_fields=dict.fromkeys(FIELDS, v.optional(v.any())))
    emulator = Emulator(define_schema({**mastra_tables(), "docs_vectors": table}))
    index = NativeVectorIndex(table_name="docs_vectors", dimension=2, filter_fields=FIELDS)
    store = ConvexNativeVector(emulator, indexes={"docs": index})
    ids = [str(number) for number in range(len(rows))]
    store.upsert("docs", vectors=[[1.0, 0.0]] * len(rows), ids=ids, metadata=rows)

    found = store.query("docs", query_vector=[1.0, 0.0], filter=filter)

    [(field, wanted)] = filter.get("metadata", filter).items()
    expected = wanted["$eq"] if isinstance(wanted, dict) else wanted
    assert sorted(result.id for result in found) == [
        id for id, row in zip(ids, rows, strict=True) if field in row and is_same(row[field], expected)
    ]


def is_same(left: Any, right: Any) -> bool:
    """Equal, where True is not 1."""
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def test_native_filters_take_both_forms() -> None:
    forms = native_filters({"kind": st.just("a")})

    assert minimal(forms, lambda filter: filter == {"kind": "a"})
    assert minimal(forms, lambda filter: filter == {"metadata": {"kind": {"$eq": "a"}}})

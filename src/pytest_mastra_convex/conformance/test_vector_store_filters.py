"""Metadata filters of `ConvexVector`: every operator, both sides of its boundary, and how kinds of values compare."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexVector
from pytest_mastra_convex.conformance.records import ids_of


@pytest.fixture
def vectors(convex_vector: ConvexVector) -> ConvexVector:
    """The store with products in the index `shop`; `bare` has no metadata at all."""
    metadata: dict[str, dict[str, Any] | None] = {
        "cheap": {"price": 10, "kind": "tea", "tags": ["hot"], "stock": True},
        "middle": {"price": 20, "kind": "coffee", "sale": None, "stock": False},
        "dear": {"price": 30.5, "kind": "Tea", "maker": {"name": "x"}},
        "text": {"price": "20", "kind": ""},
        "empty": {},
        "bare": None,
    }
    convex_vector.upsert("shop", vectors=[[1, 0]] * 6, ids=list(metadata), metadata=list(metadata.values()))
    return convex_vector


def matching(vectors: ConvexVector, filter: Any) -> list[str]:
    """The ids that meet a filter, in the order in which they were written."""
    return ids_of(vectors.query("shop", query_vector=[1, 0], top_k=100, filter=filter))


# Equality is strict: the text "20" is not the number, upper case not lower case, null not a missing field.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"price": 20}, ["middle"]),
        ({"price": "20"}, ["text"]),
        ({"kind": "tea"}, ["cheap"]),
        ({"kind": ""}, ["text"]),
        ({"stock": True}, ["cheap"]),
        ({"stock": False}, ["middle"]),
        ({"stock": 0}, []),
        ({"sale": None}, ["middle"]),
        ({"absent": 1}, []),
        ({"kind": "tea", "price": 10}, ["cheap"]),
        ({"kind": "tea", "price": 20}, []),
        ({"metadata": {"kind": "tea"}}, ["cheap"]),
        ({"metadata": {"kind": "tea"}, "price": 99}, ["cheap"]),
    ],
    ids=[
        "number", "text", "case", "empty-text", "true", "false", "zero", "null", "absent", "both", "one-of-both",
        "nested", "beside-nested",
    ],
)  # fmt: skip
def test_equality(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# Objects and lists are compared by identity, and what comes over the wire is never the same object.
@pytest.mark.parametrize("filter", [{"maker": {"name": "x"}}, {"tags": ["hot"]}], ids=["object", "list"])
def test_objects_and_lists_equal_nothing(vectors: ConvexVector, filter: Any) -> None:
    assert matching(vectors, filter) == []


# Without a condition every vector comes, also those without metadata; with any condition those never come.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        (None, ["cheap", "middle", "dear", "text", "empty", "bare"]),
        ({}, ["cheap", "middle", "dear", "text", "empty", "bare"]),
        ({"absent": {"$ne": 1}}, ["cheap", "middle", "dear", "text", "empty"]),
        ({"$and": []}, ["cheap", "middle", "dear", "text", "empty"]),
        ({"$or": []}, []),
    ],
    ids=["none", "empty", "not-equal", "empty-and", "empty-or"],
)
def test_vectors_without_metadata(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# The bound itself, and what lies next to it; texts that are numbers count as numbers, as in JavaScript.
@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ({"$gt": 20}, ["dear"]),
        ({"$gte": 20}, ["middle", "dear", "text"]),
        ({"$lt": 20}, ["cheap"]),
        ({"$lte": 20}, ["cheap", "middle", "text"]),
        ({"$gt": 30.5}, []),
        ({"$gte": 30.5}, ["dear"]),
        ({"$gt": "20"}, ["dear"]),
        ({"$gt": "many"}, []),
    ],
    ids=["gt", "gte", "lt", "lte", "gt-highest", "gte-highest", "text-bound", "word-bound"],
)
def test_comparing_numbers(vectors: ConvexVector, condition: Any, ids: list[str]) -> None:
    assert matching(vectors, {"price": condition}) == ids


# Texts are compared letter by letter, capitals first; the empty text is the least.
@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ({"$gt": "coffee"}, ["cheap"]),
        ({"$gte": "coffee"}, ["cheap", "middle"]),
        ({"$lt": "a"}, ["dear", "text"]),
        ({"$lte": ""}, ["text"]),
    ],
    ids=["gt", "gte", "lt", "lte"],
)
def test_comparing_texts(vectors: ConvexVector, condition: Any, ids: list[str]) -> None:
    assert matching(vectors, {"kind": condition}) == ids


# A missing field is no number, so it is neither less nor greater; null counts as 0.
@pytest.mark.parametrize(
    ("condition", "ids"),
    [({"$lt": 1}, ["middle"]), ({"$gte": 0}, ["middle"]), ({"$gt": 0}, [])],
    ids=["lt", "gte", "gt"],
)
def test_comparing_null_and_missing(vectors: ConvexVector, condition: Any, ids: list[str]) -> None:
    assert matching(vectors, {"sale": condition}) == ids


# One of several values, strictly; a list of nothing holds nothing, and what is no list holds nothing either.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"kind": {"$in": ["tea", "coffee"]}}, ["cheap", "middle"]),
        ({"price": {"$in": [10, "20"]}}, ["cheap", "text"]),
        ({"sale": {"$in": [None]}}, ["middle"]),
        ({"kind": {"$in": []}}, []),
        ({"kind": {"$in": "tea"}}, []),
        ({"tags": {"$in": ["hot"]}}, []),
    ],
    ids=["texts", "kinds", "null", "empty", "no-list", "list-field"],
)
def test_in(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# None of several values: a missing field is none of them; what is no list refuses nobody.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"kind": {"$nin": ["tea", "coffee"]}}, ["dear", "text", "empty"]),
        ({"sale": {"$nin": [None]}}, ["cheap", "dear", "text", "empty"]),
        ({"kind": {"$nin": []}}, ["cheap", "middle", "dear", "text", "empty"]),
        ({"kind": {"$nin": "tea"}}, ["cheap", "middle", "dear", "text", "empty"]),
    ],
    ids=["texts", "null", "empty", "no-list"],
)
def test_not_in(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# Not equal includes missing; not null does so too, which counts rows in Mastra's own test.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"kind": {"$ne": "tea"}}, ["middle", "dear", "text", "empty"]),
        ({"price": {"$ne": "20"}}, ["cheap", "middle", "dear", "empty"]),
        ({"sale": {"$ne": None}}, ["cheap", "dear", "text", "empty"]),
        ({"tags": {"$ne": ["hot"]}}, ["cheap", "middle", "dear", "text", "empty"]),
    ],
    ids=["text", "kind", "null", "list"],
)
def test_not_equal(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# Groups nest, and hold beside plain conditions.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"$and": [{"price": {"$gte": 20}}, {"kind": "coffee"}]}, ["middle"]),
        ({"$or": [{"kind": "tea"}, {"kind": "Tea"}]}, ["cheap", "dear"]),
        ({"$or": [{"kind": "tea"}, {"$and": [{"kind": "coffee"}, {"stock": False}]}]}, ["cheap", "middle"]),
        ({"$or": [{"kind": "tea"}, {"kind": "Tea"}], "price": {"$lt": 20}}, ["cheap"]),
        ({"$and": [{}]}, ["cheap", "middle", "dear", "text", "empty"]),
        ({"$or": [{}, {"kind": "tea"}]}, ["cheap", "middle", "dear", "text", "empty"]),
        ({"metadata": {"$or": [{"kind": "tea"}]}}, ["cheap"]),
    ],
    ids=["and", "or", "and-in-or", "or-and-plain", "and-of-nothing", "or-of-nothing", "nested"],
)
def test_groups(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# Mastra documents both; the Python store holds what is documented.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [({"kind": {"$eq": "tea"}}, ["cheap"]), ({"price": {"$gt": 10, "$lt": 30}}, ["middle", "text"])],
    ids=["eq", "two-operators"],
)
def test_what_mastra_documents(vectors: ConvexVector, filter: Any, ids: list[str]) -> None:
    assert matching(vectors, filter) == ids


# The gaps of 1.5.2 on demand, for who must see in tests what production does.
@pytest.mark.parametrize(
    ("filter", "ids"),
    [({"kind": {"$eq": "tea"}}, []), ({"price": {"$gt": 10, "$lt": 30}}, ["middle", "dear", "text"])],
    ids=["eq", "two-operators"],
)
def test_the_gaps_of_the_adapter(
    convex_deployment: Deployment, vectors: ConvexVector, filter: Any, ids: list[str]
) -> None:
    assert matching(ConvexVector(convex_deployment, faithful=True), filter) == ids


# The limit counts what matches: the two best of three teas and coffees, not the best two that happen to be tea.
def test_filters_come_before_the_limit(vectors: ConvexVector) -> None:
    vectors.upsert("shop", vectors=[[0, 1]], ids=["far"], metadata=[{"kind": "tea"}])

    found = vectors.query("shop", query_vector=[1, 0], top_k=2, filter={"kind": {"$in": ["tea"]}})

    assert ids_of(found) == ["cheap", "far"]


# Filters apply behind the first page of 256 rows, too: the only match is the last row.
def test_the_only_match_lies_behind_the_first_page(convex_vector: ConvexVector) -> None:
    metadata = [{"n": n} for n in range(257)]
    convex_vector.upsert("shop", vectors=[[1, 0]] * 257, ids=[f"v{n}" for n in range(257)], metadata=metadata)

    assert matching(convex_vector, {"n": {"$gte": 256}}) == ["v256"]

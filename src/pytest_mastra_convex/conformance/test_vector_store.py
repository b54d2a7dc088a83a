"""`ConvexVector`: indexes, writes, searches and deletes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, EmulatorError
from convex_mastra_emulator.stores import ConvexVector, IndexStats, MastraError, StorageError
from pytest_mastra_convex.conformance.records import ids_of, rows, send


@pytest.fixture
def vectors(convex_vector: ConvexVector) -> ConvexVector:
    """The store with an index of three dimensions, `docs`."""
    convex_vector.create_index("docs", dimension=3)
    return convex_vector


def everything(vectors: ConvexVector, index: str = "docs") -> dict[str, tuple[Any, Any]]:
    """Embedding and metadata by id."""
    found = vectors.query(index, query_vector=[1, 0, 0], top_k=1000, include_vector=True)
    return {result.id: (result.vector, result.metadata) for result in found}


# Indexes


# Indexes come in the order in which they were made; an empty one has no vectors.
def test_indexes_are_listed_and_described(convex_vector: ConvexVector) -> None:
    for name, dimension in (("zebra", 2), ("apple", 1536)):
        convex_vector.create_index(name, dimension=dimension)

    assert convex_vector.list_indexes() == ["zebra", "apple"]
    assert convex_vector.describe_index("apple") == IndexStats(dimension=1536, count=0, metric="cosine")


# Every start of an application makes its index again: one row, with what was said last; the vectors stay.
def test_an_index_is_made_again(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"])

    vectors.create_index("docs", dimension=4, metric="euclidean")

    assert vectors.list_indexes() == ["docs"]
    assert vectors.describe_index("docs") == IndexStats(dimension=4, count=1, metric="cosine")


# An index that nobody made has no description, but is searched without an error.
def test_an_index_that_is_not_there(convex_vector: ConvexVector) -> None:
    with pytest.raises(StorageError, match="Index docs not found"):
        convex_vector.describe_index("docs")

    assert convex_vector.query("docs", query_vector=[1, 0, 0]) == []


# Vectors go 25 a call, and with them the index; another index keeps its own.
@pytest.mark.parametrize("count", [0, 25, 26])
def test_an_index_is_deleted_with_its_vectors(vectors: ConvexVector, count: int) -> None:
    vectors.upsert("other", vectors=[[1, 0, 0]], ids=["a"])
    if count:
        vectors.upsert("docs", vectors=[[1, 0, 0]] * count)

    for _ in range(2):
        vectors.delete_index("docs")

    assert vectors.list_indexes() == []
    assert everything(vectors) == {}
    assert list(everything(vectors, "other")) == ["a"]


# Truncating keeps the index.
def test_an_index_is_truncated(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]] * 26)

    vectors.truncate_index("docs")

    assert vectors.describe_index("docs") == IndexStats(dimension=3, count=0)


# Queries read pages of 256: the description must count past the first one.
@pytest.mark.parametrize("count", [256, 257])
def test_vectors_are_counted_past_a_page(vectors: ConvexVector, count: int) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]] * count)

    assert vectors.describe_index("docs").count == count


# A trap of 1.5.2: an index called `indexes` is the table of all indexes.
def test_the_name_indexes_is_taken(vectors: ConvexVector) -> None:
    vectors.create_index("other", dimension=2)

    with pytest.raises(EmulatorError):
        vectors.upsert("indexes", vectors=[[1, 0, 0]], ids=["a"])
    vectors.delete_index("indexes")

    assert vectors.list_indexes() == []


# Upsert


# Embeddings are numbers of 64 bits, metadata JSON; both come back unchanged.
def test_vectors_come_back_as_they_were_written(vectors: ConvexVector) -> None:
    metadata = {"text": "Köln 🌞", "n": 1, "f": 0.1, "null": None, "list": [1, {"a": []}], "deep": {"b": {"c": True}}}

    ids = vectors.upsert("docs", vectors=[[0.1, -1e-300, 1e300], [0, 0, 1]], ids=["a", "b"], metadata=[metadata, {}])

    assert ids == ["a", "b"]
    assert everything(vectors) == {"a": ([0.1, -1e-300, 1e300], metadata), "b": ([0, 0, 1], {})}


# Without ids every vector gets one, in the order of the vectors.
def test_vectors_get_ids(vectors: ConvexVector) -> None:
    ids = vectors.upsert("docs", vectors=[[1, 0, 0], [0, 1, 0]])

    found = vectors.query("docs", query_vector=[0, 1, 0], top_k=1)

    assert len(set(ids)) == 2
    assert ids_of(found) == [ids[1]]


# A changed document is embedded anew: the vector is replaced, and metadata that are not given are erased.
@pytest.mark.parametrize(("metadata", "stored"), [([{"b": 2}], {"b": 2}), (None, None)], ids=["given", "absent"])
def test_upsert_replaces_vector_and_metadata(vectors: ConvexVector, metadata: Any, stored: Any) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"], metadata=[{"a": 1}])

    vectors.upsert("docs", vectors=[[0, 1, 0]], ids=["a"], metadata=metadata)

    assert everything(vectors) == {"a": ([0, 1, 0], stored)}


# Of two vectors of one id in one request the last one wins.
def test_the_last_of_two_equal_ids_wins(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0], [0, 1, 0], [0, 0, 1]], ids=["a", "b", "a"])

    assert {name: vector for name, (vector, _) in everything(vectors).items()} == {"a": [0, 0, 1], "b": [0, 1, 0]}


# Vectors past the end of the ids are not written, and nobody says so.
def test_vectors_without_ids_are_skipped(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0], [0, 1, 0]], ids=["a"])

    assert list(everything(vectors)) == ["a"]


# Nothing in the adapter looks at the dimension: vectors of any length are stored.
def test_dimensions_are_not_checked(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1], [1, 2, 3, 4], []], ids=["a", "b", "c"])

    assert vectors.describe_index("docs").count == 3


# The same id in two indexes is two vectors.
def test_indexes_do_not_mix(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"])
    vectors.upsert("other", vectors=[[0, 1, 0]], ids=["a"])
    vectors.delete_vector("other", id="a")

    assert everything(vectors) == {"a": ([1, 0, 0], None)}
    assert everything(vectors, "other") == {}


# A failed embedding is not stored: the schema wants finite numbers, and JSON has no others.
@pytest.mark.parametrize(
    "vector",
    [[1, math.nan, 0], [math.inf, 0, 0], ["1", "2", "3"], [None, 0, 0], "text"],
    ids=["nan", "infinity", "texts", "null", "no-list"],
)
def test_what_is_no_vector_is_refused(vectors: ConvexVector, vector: Any) -> None:
    with pytest.raises(StorageError, match=r"mastra_vectors|alidator"):
        vectors.upsert("docs", vectors=[vector], ids=["a"])

    assert everything(vectors) == {}


# This table answers its errors, so what was written stays: earlier batches of 25, and the rest of the failed one.
def test_a_failed_upsert_leaves_what_was_written(vectors: ConvexVector) -> None:
    embeddings: list[list[Any]] = [[1, 0, 0] for _ in range(75)]
    embeddings[30] = ["bad"]

    with pytest.raises(StorageError):
        vectors.upsert("docs", vectors=embeddings, ids=[f"v{n}" for n in range(75)])

    assert sorted(everything(vectors)) == sorted(f"v{n}" for n in range(50) if n != 30)


# Metadata travel as Convex values, where keys that start with `$` are reserved.
def test_reserved_keys_in_metadata_are_refused(vectors: ConvexVector) -> None:
    with pytest.raises(EmulatorError, match=r"\$ref"):
        vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"], metadata=[{"$ref": "x"}])

    assert everything(vectors) == {}


# Query


# Cosine: the angle counts, not the length; best first.
def test_the_nearest_vectors_come_first(vectors: ConvexVector) -> None:
    vectors.upsert(
        "docs", vectors=[[0, 1, 0], [5, 0, 0], [-1, 0, 0], [3, 4, 0]], ids=["right", "same", "opposite", "near"]
    )

    found = vectors.query("docs", query_vector=[2, 0, 0])

    assert ids_of(found) == ["same", "near", "right", "opposite"]
    assert [result.score for result in found] == pytest.approx([1, 0.6, 0, -1])


# Equal scores stay in the order in which the vectors were written.
def test_equally_near_vectors_come_in_the_order_of_creation(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[2, 0, 0], [1, 0, 0], [4, 0, 0]], ids=["z", "a", "m"])

    assert ids_of(vectors.query("docs", query_vector=[1, 0, 0])) == ["z", "a", "m"]


# Ten unless asked for; more than there are is all of them.
@pytest.mark.parametrize(
    ("arguments", "count"),
    [({}, 10), ({"top_k": 0}, 0), ({"top_k": 11}, 11), ({"top_k": 99}, 12)],
    ids=["default", "zero", "eleven", "too-many"],
)
def test_as_many_as_asked_for(vectors: ConvexVector, arguments: dict[str, Any], count: int) -> None:
    vectors.upsert("docs", vectors=[[1, 0, n] for n in range(12)], ids=[f"v{n}" for n in range(12)])

    found = vectors.query("docs", query_vector=[1, 0, 0], **arguments)

    assert ids_of(found) == [f"v{n}" for n in range(count)]


# Vectors travel only when asked for.
def test_vectors_are_included_when_asked_for(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"])

    without = vectors.query("docs", query_vector=[1, 0, 0])
    included = vectors.query("docs", query_vector=[1, 0, 0], include_vector=True)

    assert (without[0].vector, included[0].vector) == (None, [1, 0, 0])


# Another length, or no length at all, is -1 and still in the list, not an error.
def test_vectors_that_cannot_be_compared_come_last(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0], [0, 0, 0], [0, 1, 0]], ids=["short", "zero", "right"])

    found = vectors.query("docs", query_vector=[1, 0, 0])

    assert [(result.id, result.score) for result in found] == [("right", 0), ("short", -1), ("zero", -1)]


# The store cannot search by metadata alone, and says so by name.
def test_a_query_needs_a_vector(vectors: ConvexVector) -> None:
    with pytest.raises(MastraError, match="queryVector is required") as refused:
        vectors.query("docs", filter={"a": 1})

    assert refused.value.id == "MASTRA_VECTOR_CONVEX_QUERY_MISSING_VECTOR"


# mastra-ai/mastra#17269: the best match may lie behind the first page of 256 rows.
def test_the_best_match_lies_behind_the_first_page(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[*[[1, 1, 0]] * 256, [1, 0, 0]], ids=[f"v{n}" for n in range(257)])

    assert ids_of(vectors.query("docs", query_vector=[1, 0, 0], top_k=1)) == ["v256"]


# Update


# What is not given stays; metadata are merged shallowly.
@pytest.mark.parametrize(
    ("update", "stored"),
    [
        ({"vector": [0, 1, 0]}, ([0, 1, 0], {"a": 1, "deep": {"b": 2}})),
        ({"metadata": {"deep": {"c": 3}, "d": None}}, ([1, 0, 0], {"a": 1, "deep": {"c": 3}, "d": None})),
        ({"vector": [0, 0, 1], "metadata": {}}, ([0, 0, 1], {"a": 1, "deep": {"b": 2}})),
        ({}, ([1, 0, 0], {"a": 1, "deep": {"b": 2}})),
    ],
    ids=["vector", "metadata", "both", "nothing"],
)
def test_a_vector_is_updated_by_id(vectors: ConvexVector, update: Any, stored: Any) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"], metadata=[{"a": 1, "deep": {"b": 2}}])

    vectors.update_vector("docs", id="a", update=update)

    assert everything(vectors) == {"a": stored}


# A vector that is not there: nothing is made.
def test_updating_a_missing_vector_is_no_error(vectors: ConvexVector) -> None:
    vectors.update_vector("docs", id="a", update={"vector": [1, 0, 0]})

    assert everything(vectors) == {}


# Every vector of a document is re-labelled at once; others stay.
def test_vectors_are_updated_by_filter(vectors: ConvexVector) -> None:
    metadata = [{"doc": "x"}, {"doc": "y"}, {"doc": "x"}, None]
    vectors.upsert("docs", vectors=[[1, 0, 0]] * 4, ids=["a", "b", "c", "d"], metadata=metadata)

    vectors.update_vector("docs", filter={"doc": "x"}, update={"metadata": {"old": True}})

    assert [stored for _, stored in everything(vectors).values()] == [
        {"doc": "x", "old": True},
        {"doc": "y"},
        {"doc": "x", "old": True},
        None,
    ]


# An update must say of what, in one way only, and never of everything by mistake.
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"id": "a", "filter": {"b": 1}}, "updateVector: id and filter are mutually exclusive"),
        ({}, "updateVector: Either id or filter must be provided"),
        ({"id": ""}, "updateVector: Either id or filter must be provided"),
        ({"filter": {}}, "updateVector: cannot update with empty filter"),
    ],
    ids=["both", "neither", "empty-id", "empty-filter"],
)
def test_unclear_updates_are_refused(vectors: ConvexVector, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=text):
        vectors.update_vector("docs", update={"metadata": {}}, **arguments)


# Delete


# One vector, twice; the other stays.
def test_a_vector_is_deleted(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]] * 2, ids=["a", "b"])

    for _ in range(2):
        vectors.delete_vector("docs", id="a")

    assert list(everything(vectors)) == ["b"]


# 500 ids travel in one request, as Mastra's own test has it; ids that are not there do no harm.
def test_many_vectors_are_deleted_by_id(vectors: ConvexVector) -> None:
    ids = [f"v{n}" for n in range(501)]
    vectors.upsert("docs", vectors=[[1, 0, 0]] * 501, ids=ids)

    vectors.delete_vectors("docs", ids=[*ids[:500], "gone"])

    assert list(everything(vectors)) == ["v500"]


# A document that goes takes its chunks along; vectors without metadata belong to none.
def test_vectors_are_deleted_by_filter(vectors: ConvexVector) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]] * 3, ids=["a", "b", "c"], metadata=[{"doc": "x"}, {"doc": "y"}, None])

    vectors.delete_vectors("docs", filter={"doc": "x"})
    vectors.delete_vectors("docs", filter={"doc": "z"})

    assert list(everything(vectors)) == ["b", "c"]


# A delete must say of what, in one way only, and never of everything by mistake.
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"ids": ["a"], "filter": {"b": 1}}, "deleteVectors: ids and filter are mutually exclusive"),
        ({}, "deleteVectors: Either filter or ids must be provided"),
        ({"ids": []}, "deleteVectors: cannot delete with empty ids array"),
        ({"filter": {}}, "deleteVectors: cannot delete with empty filter"),
    ],
    ids=["both", "neither", "empty-ids", "empty-filter"],
)
def test_unclear_deletes_are_refused(vectors: ConvexVector, arguments: dict[str, Any], text: str) -> None:
    vectors.upsert("docs", vectors=[[1, 0, 0]], ids=["a"])

    with pytest.raises(StorageError, match=text):
        vectors.delete_vectors("docs", **arguments)

    assert list(everything(vectors)) == ["a"]


# Rows


# A row says which index it is of; fields of a record that are none of a vector's are dropped.
def test_other_fields_of_a_record_are_dropped(convex_deployment: Deployment) -> None:
    record = {"id": "a", "embedding": [1, 0], "indexName": "elsewhere", "extra": True, "createdAt": "x"}

    send(convex_deployment, "insert", "mastra_vector_docs", record=record)

    row = rows(convex_deployment, "mastra_vector_docs")[0]
    assert {name for name in row if not name.startswith("_")} == {"id", "indexName", "embedding"}
    assert row["indexName"] == "docs"

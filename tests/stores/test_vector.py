"""ConvexVector: indexes, writes, and the search that the client does."""

from __future__ import annotations

import itertools
import math
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.filters import Filter
from convex_mastra_emulator.stores.vector import ConvexVector, IndexStats, QueryResult
from tests.stores.recording import RecordingDeployment


def new_vectors(deployment: Any = None, **options: Any) -> ConvexVector:
    numbers = itertools.count(1)
    return ConvexVector(deployment or Emulator(), new_id=lambda: f"id-{next(numbers)}", **options)


def filled(**options: Any) -> ConvexVector:
    """Three vectors; a and c point in the same direction."""
    vectors = new_vectors(**options)
    vectors.upsert(
        "docs",
        vectors=[[1, 0], [0, 1], [2, 0]],
        metadata=[{"label": "x", "n": 1}, {"label": "y", "n": 2}, {"label": "x", "n": 3}],
        ids=["a", "b", "c"],
    )
    return vectors


def ids(found: list[QueryResult]) -> list[str]:
    return [result.id for result in found]


# Indexes


def test_indexes_are_listed_in_the_order_of_their_making() -> None:
    vectors = new_vectors()
    vectors.create_index("b", dimension=2)
    vectors.create_index("a", dimension=3, metric="euclidean")

    assert vectors.list_indexes() == ["b", "a"]
    assert vectors.describe_index("a") == IndexStats(dimension=3, count=0, metric="cosine")


def test_index_is_written_as_mastra_writes_it() -> None:
    recording = RecordingDeployment(Emulator())

    new_vectors(recording, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)).create_index("docs", dimension=2)

    record = {"id": "docs", "indexName": "docs", "dimension": 2, "metric": "cosine"}
    record["createdAt"] = "2026-01-01T00:00:00.000Z"
    assert recording.arguments == [{"op": "insert", "tableName": "mastra_vector_indexes", "record": record}]


def test_missing_index_cannot_be_described() -> None:
    with pytest.raises(StorageError, match="Index docs not found"):
        filled().describe_index("docs")


# Every page is read: 256 rows, and the one after them.
@pytest.mark.parametrize(("count", "requests"), [(256, 1), (257, 2)])
def test_count_reads_every_page(count: int, requests: int) -> None:
    recording = RecordingDeployment(Emulator())
    vectors = new_vectors(recording)
    vectors.create_index("docs", dimension=1)
    vectors.upsert("docs", vectors=[[float(number)] for number in range(count)])
    recording.requests = []

    assert vectors.describe_index("docs").count == count
    pages = [arguments for arguments in recording.arguments if arguments["op"] == "queryTable"]
    assert len(pages) in (requests, requests + 1)
    assert (pages[0]["pageSize"], pages[0]["cursor"]) == (256, None)


def test_delete_index_takes_the_vectors_along() -> None:
    vectors = filled()
    vectors.create_index("docs", dimension=2)
    vectors.upsert("other", vectors=[[1]], ids=["a"])

    for _ in range(2):
        vectors.delete_index("docs")

    assert vectors.list_indexes() == []
    assert vectors.query("docs", query_vector=[1, 0]) == []
    assert ids(vectors.query("other", query_vector=[1])) == ["a"]


# The handler deletes 25 vectors per call.
def test_truncate_index_keeps_the_index() -> None:
    vectors = new_vectors()
    vectors.create_index("docs", dimension=1)
    vectors.upsert("docs", vectors=[[1]] * 26)

    vectors.truncate_index("docs")

    assert vectors.describe_index("docs") == IndexStats(dimension=1, count=0)


# Upsert


def test_upsert_makes_ids() -> None:
    vectors = new_vectors()

    assert vectors.upsert("docs", vectors=[[1], [2]]) == ["id-1", "id-2"]
    assert ids(vectors.query("docs", query_vector=[1])) == ["id-1", "id-2"]


def test_ids_are_random_unless_given_otherwise() -> None:
    [first, second] = ConvexVector(Emulator()).upsert("docs", vectors=[[1], [2]])

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
    assert first != second


def test_the_same_id_in_two_indexes_is_two_vectors() -> None:
    vectors = filled()
    vectors.upsert("other", vectors=[[0, 1]], ids=["a"])

    assert [result.vector for result in vectors.query("other", query_vector=[1, 0], include_vector=True)] == [[0, 1]]
    assert len(vectors.query("docs", query_vector=[1, 0])) == 3


# Unlike the native store's, this one's metadata goes when none is given.
def test_upsert_without_metadata_erases_it() -> None:
    vectors = filled()

    vectors.upsert("docs", vectors=[[5, 5]], ids=["a"])

    [found] = [result for result in vectors.query("docs", query_vector=[1, 0], include_vector=True) if result.id == "a"]
    assert found == QueryResult(id="a", score=found.score, metadata=None, vector=[5, 5])


def test_vectors_beyond_the_ids_are_skipped() -> None:
    vectors = new_vectors()

    assert vectors.upsert("docs", vectors=[[1], [2]], ids=["only"]) == ["only"]
    assert ids(vectors.query("docs", query_vector=[1])) == ["only"]


def test_metadata_shorter_than_the_vectors_is_absent() -> None:
    vectors = new_vectors()
    vectors.upsert("docs", vectors=[[1], [1]], ids=["a", "b"], metadata=[{"k": None}])

    assert [result.metadata for result in vectors.query("docs", query_vector=[1])] == [{"k": None}, None]


@pytest.mark.parametrize(
    "vector", [[math.nan], [math.inf], [-math.inf], "text", ["1"], [None], [True], 1, None, {"0": 1}]
)
def test_what_is_no_vector_is_refused_by_the_schema(vector: Any) -> None:
    with pytest.raises(StorageError, match="embedding"):
        new_vectors().upsert("docs", vectors=[vector], ids=["a"])


# Of the batch of 25 that fails the good ones stay, and later batches never start.
def test_refused_upsert_keeps_what_it_wrote() -> None:
    vectors = new_vectors()
    given: list[Any] = [[1.0]] * 60
    given[30] = [math.nan]

    with pytest.raises(StorageError, match="embedding"):
        vectors.upsert("docs", vectors=given)

    assert len(vectors.query("docs", query_vector=[1], top_k=100)) == 49


@pytest.mark.parametrize(
    "vector", [(0.5, 0.25), np.array([0.5, 0.25]), np.array([0.5, 0.25], dtype=np.float32), [np.float32(0.5), 0.25]]
)
def test_vectors_of_other_kinds(vector: Any) -> None:
    vectors = new_vectors()
    vectors.upsert("docs", vectors=[vector])

    [found] = vectors.query("docs", query_vector=vector, include_vector=True)

    assert found.vector == [0.5, 0.25]
    assert found.score == pytest.approx(1)


def test_metadata_travels_as_json() -> None:
    vectors = new_vectors()
    vectors.upsert(
        "docs", vectors=[[1]], metadata=[{"at": datetime(2026, 1, 1, tzinfo=UTC), "nan": math.nan, "l": (1,)}]
    )

    assert vectors.query("docs", query_vector=[1])[0].metadata == {
        "at": "2026-01-01T00:00:00.000Z",
        "nan": None,
        "l": [1],
    }


# Query


def test_query_gives_the_nearest_first_and_ties_in_order() -> None:
    found = filled().query("docs", query_vector=[1, 0.5])

    assert ids(found) == ["a", "c", "b"]
    assert [result.score for result in found] == [
        pytest.approx(2 / math.sqrt(5)),
        pytest.approx(2 / math.sqrt(5)),
        pytest.approx(1 / math.sqrt(5)),
    ]
    assert found[0] == QueryResult(id="a", score=found[0].score, metadata={"label": "x", "n": 1}, vector=None)


def test_ten_results_unless_said_otherwise() -> None:
    vectors = new_vectors()
    vectors.upsert("docs", vectors=[[1]] * 11)

    assert len(vectors.query("docs", query_vector=[1])) == 10
    assert len(vectors.query("docs", query_vector=[1], top_k=11)) == 11
    assert vectors.query("docs", query_vector=[1], top_k=0) == []


# 300 rows are two pages.
def test_query_sees_the_second_page() -> None:
    vectors = new_vectors()
    vectors.upsert("docs", vectors=[[1, 0]] * 299 + [[0, 1]], ids=[f"v{number}" for number in range(300)])

    assert ids(vectors.query("docs", query_vector=[0, 1], top_k=1)) == ["v299"]


@pytest.mark.parametrize("query_vector", [[1], [1, 0, 0], [0, 0], []])
def test_what_cannot_be_compared_scores_minus_one(query_vector: list[float]) -> None:
    assert [result.score for result in filled().query("docs", query_vector=query_vector)] == [-1, -1, -1]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_dropped(number: float) -> None:
    assert filled().query("docs", query_vector=[number, 1]) == []


def test_missing_index_finds_nothing() -> None:
    assert new_vectors().query("none", query_vector=[1]) == []


def test_query_needs_a_vector() -> None:
    with pytest.raises(MastraError, match=r"queryVector is required for Convex queries\. Metadata-only") as raised:
        filled().query("docs", filter={"label": "x"})

    assert raised.value.id == "MASTRA_VECTOR_CONVEX_QUERY_MISSING_VECTOR"
    assert (raised.value.domain, raised.value.category) == ("STORAGE", "USER")
    assert raised.value.details == {"indexName": "docs"}


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (None, ["a", "c", "b"]),
        ({}, ["a", "c", "b"]),
        ({"label": "x"}, ["a", "c"]),
        ({"n": {"$gt": 1, "$lt": 3}}, ["b"]),
    ],
)
def test_query_filters(filter: Filter | None, found: list[str]) -> None:
    assert ids(filled().query("docs", query_vector=[1, 0], filter=filter)) == found


def test_top_k_counts_after_the_filter() -> None:
    assert ids(filled().query("docs", query_vector=[1, 0], filter={"label": "y"}, top_k=1)) == ["b"]


class Stuck:
    """A deployment whose pages never end."""

    def __init__(self, *cursors: str | None) -> None:
        self.cursors = list(cursors)

    def mutation(self, path: str, args: Any = None) -> Any:
        return {"ok": True, "result": [], "hasMore": True, "continuationCursor": self.cursors.pop(0)}

    query = action = mutation


@pytest.mark.parametrize("cursors", [(None,), ("",), ("c1", "c1"), ("c1", "c2", "c2")])
def test_page_without_a_way_on_is_refused(cursors: tuple[str | None, ...]) -> None:
    with pytest.raises(StorageError, match="ConvexVector: paginated vector query did not return a valid continuation"):
        new_vectors(Stuck(*cursors)).query("docs", query_vector=[1])


# Update


def test_update_by_id_merges_metadata() -> None:
    vectors = filled()

    vectors.update_vector("docs", id="b", update={"vector": [1, 0], "metadata": {"n": 9, "new": None}})

    [found] = vectors.query("docs", query_vector=[1, 0], filter={"n": 9}, include_vector=True)
    assert (found.vector, found.metadata) == ([1, 0], {"label": "y", "n": 9, "new": None})


def test_update_by_filter_changes_all_that_meet_it() -> None:
    vectors = filled()

    vectors.update_vector("docs", filter={"label": "x"}, update={"metadata": {"seen": True}})

    assert ids(vectors.query("docs", query_vector=[1, 0], filter={"seen": True})) == ["a", "c"]


def test_update_of_a_missing_vector_is_no_error() -> None:
    filled().update_vector("docs", id="missing", update={"vector": [1]})


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ({"id": "a", "filter": {"n": 1}}, "ConvexVector.updateVector: id and filter are mutually exclusive"),
        ({}, "ConvexVector.updateVector: Either id or filter must be provided"),
        ({"id": ""}, "ConvexVector.updateVector: Either id or filter must be provided"),
        ({"filter": {}}, "ConvexVector.updateVector: cannot update with empty filter"),
    ],
)
def test_update_needs_an_id_or_a_filter(which: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=text):
        filled().update_vector("docs", update={"vector": [1]}, **which)


# Delete


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ({"ids": ["a", "missing"]}, ["c", "b"]),
        ({"filter": {"label": "x"}}, ["b"]),
        ({"filter": {"label": "none"}}, ["a", "c", "b"]),
    ],
)
def test_delete_vectors(which: dict[str, Any], left: list[str]) -> None:
    vectors = filled()

    vectors.delete_vectors("docs", **which)

    assert ids(vectors.query("docs", query_vector=[1, 0])) == left


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ({"ids": ["a"], "filter": {"n": 1}}, "ConvexVector.deleteVectors: ids and filter are mutually exclusive"),
        ({}, "ConvexVector.deleteVectors: Either filter or ids must be provided"),
        ({"ids": []}, "ConvexVector.deleteVectors: cannot delete with empty ids array"),
        ({"filter": {}}, "ConvexVector.deleteVectors: cannot delete with empty filter"),
    ],
)
def test_delete_needs_ids_or_a_filter(which: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=text):
        filled().delete_vectors("docs", **which)


def test_delete_sends_all_ids_at_once() -> None:
    recording = RecordingDeployment(Emulator())
    vectors = new_vectors(recording)
    made = vectors.upsert("docs", vectors=[[1]] * 500)
    recording.requests = []

    vectors.delete_vectors("docs", ids=made)

    assert [len(arguments["ids"]) for arguments in recording.arguments] == [500]
    assert vectors.query("docs", query_vector=[1]) == []


def test_delete_vector_twice_is_no_error() -> None:
    vectors = filled()

    for _ in range(2):
        vectors.delete_vector("docs", id="a")

    assert ids(vectors.query("docs", query_vector=[1, 0])) == ["c", "b"]


# An index of this name lies over the table of all indexes (mastra-adapter.md §0.9).
def test_index_named_indexes_cannot_hold_vectors() -> None:
    emulator = Emulator()

    with pytest.raises(Exception, match="mastra_vector_indexes"):
        new_vectors(emulator).upsert("indexes", vectors=[[1]])


# What 1.5.2 gives, which differs from what Mastra documents.


@pytest.mark.diverges("vector-filter-eq")
def test_eq_never_matches_as_in_typescript() -> None:
    assert filled().query("docs", query_vector=[1, 0], filter={"n": {"$eq": 1}}) == []


def test_eq_matches_as_documented() -> None:
    assert ids(filled().query("docs", query_vector=[1, 0], filter={"n": {"$eq": 1}})) == ["a"]


def test_faithful_eq_never_matches() -> None:
    assert filled(faithful=True).query("docs", query_vector=[1, 0], filter={"n": {"$eq": 1}}) == []


@pytest.mark.diverges("vector-filter-second-operator")
def test_second_operator_is_ignored_as_in_typescript() -> None:
    assert ids(filled().query("docs", query_vector=[1, 0], filter={"n": {"$gt": 1, "$lt": 3}})) == ["c", "b"]


def test_faithful_second_operator_is_ignored() -> None:
    vectors = filled(faithful=True)

    assert ids(vectors.query("docs", query_vector=[1, 0], filter={"n": {"$gt": 1, "$lt": 3}})) == ["c", "b"]


def test_faithful_delete_and_update_by_filter() -> None:
    vectors = filled(faithful=True)

    vectors.update_vector("docs", filter={"n": {"$eq": 1}}, update={"metadata": {"n": 0}})
    vectors.delete_vectors("docs", filter={"n": {"$gt": 1, "$lt": 3}})

    assert [result.metadata for result in vectors.query("docs", query_vector=[1, 0])] == [{"label": "x", "n": 1}]

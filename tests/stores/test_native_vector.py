"""ConvexNativeVector: what it checks, what it sends, and what comes back."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import define_schema, v
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.filters import Filter
from convex_mastra_emulator.stores.native_vector import ConvexNativeVector, NativeVectorIndex
from convex_mastra_emulator.stores.vector import IndexStats, QueryResult
from tests.stores.recording import RecordingDeployment

FIELDS = {"label": v.optional(v.any()), "tenant": v.optional(v.any())}
INDEXES = {
    "docs": NativeVectorIndex(table_name="docs_vectors", dimension=2, filter_fields=["label", "tenant"]),
    "plain": NativeVectorIndex(table_name="plain_vectors", dimension=2),
}


def new_emulator() -> Emulator:
    tables = {
        "docs_vectors": define_native_vector_table(dimensions=2, filter_fields=FIELDS),
        "plain_vectors": define_native_vector_table(dimensions=2),
    }
    return Emulator(define_schema({**mastra_tables(), **tables}))


def new_vectors(deployment: Any = None, **options: Any) -> ConvexNativeVector:
    numbers = itertools.count(1)
    return ConvexNativeVector(
        deployment or new_emulator(), indexes=INDEXES, new_id=lambda: f"id-{next(numbers)}", **options
    )


def filled(**options: Any) -> ConvexNativeVector:
    vectors = new_vectors(**options)
    vectors.upsert(
        "docs",
        vectors=[[1, 0], [0, 1], [1, 1]],
        metadata=[{"label": "x", "n": 1}, {"label": 5, "tenant": "t"}, {"label": True, "tenant": None}],
        ids=["a", "b", "c"],
    )
    return vectors


def ids(found: list[QueryResult]) -> list[str]:
    return [result.id for result in found]


# Indexes


def test_create_index_only_checks() -> None:
    recording = RecordingDeployment(new_emulator())

    new_vectors(recording).create_index("docs", dimension=2)

    assert recording.requests == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"dimension": 3}, 'deployed Convex index "docs" has 2 dimensions, but 3 were requested'),
        ({"dimension": 2, "metric": "euclidean"}, "Convex native vector search currently supports cosine only"),
    ],
)
def test_create_index_refuses_another_index(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=f"ConvexNativeVector.createIndex: {text}"):
        new_vectors().create_index("docs", **arguments)


def test_indexes_are_those_of_the_configuration() -> None:
    assert new_vectors().list_indexes() == ["docs", "plain"]


def test_delete_index_is_refused() -> None:
    with pytest.raises(StorageError, match=r"indexes are managed in convex/schema\.ts"):
        new_vectors().delete_index("docs")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("create_index", {"dimension": 2}),
        ("describe_index", {}),
        ("delete_index", {}),
        ("upsert", {"vectors": [[1, 0]]}),
        ("query", {"query_vector": [1, 0]}),
        ("update_vector", {"id": "a", "update": {}}),
        ("delete_vector", {"id": "a"}),
        ("delete_vectors", {"ids": ["a"]}),
    ],
)
def test_unknown_index_is_refused(method: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(StorageError, match='ConvexNativeVector: index "other" is not configured'):
        getattr(new_vectors(), method)("other", **arguments)


def test_describe_counts() -> None:
    assert filled().describe_index("docs") == IndexStats(dimension=2, count=3, metric="cosine")


def test_describe_tells_where_its_count_ends(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert filled(describe_count_limit=3).describe_index("docs").count == 3
        assert caplog.text == ""
        assert filled(describe_count_limit=2).describe_index("docs").count == 2

    assert 'count for "docs" reached 2; reported count is capped.' in caplog.text


# Requests


def test_every_request_carries_the_index() -> None:
    recording = RecordingDeployment(new_emulator())
    vectors = ConvexNativeVector(
        recording,
        indexes={
            "own": NativeVectorIndex(
                table_name="t",
                dimension=4,
                vector_index_name="v",
                id_field="i",
                id_index_name="by_i",
                vector_field="e",
                metadata_field="m",
                filter_fields=("f",),
            )
        },
        query_function="own/path:search",
        read_function="own/path:load",
        write_function="own/path:save",
    )

    for call in (
        lambda: vectors.query("own", query_vector=[1]),
        lambda: vectors.describe_index("own"),
        lambda: vectors.delete_vector("own", id="a"),
    ):
        with pytest.raises(FunctionError, match="own/path"):
            call()

    assert [(request["kind"], request["path"]) for request in recording.requests] == [
        ("action", "own/path:search"),
        ("query", "own/path:load"),
        ("mutation", "own/path:save"),
    ]
    config = {"tableName": "t", "vectorIndexName": "v", "dimension": 4, "idField": "i", "idIndexName": "by_i"}
    config |= {"vectorField": "e", "metadataField": "m", "filterFields": ["f"]}
    assert [arguments["config"] for arguments in recording.arguments] == [config] * 3


@pytest.mark.parametrize(("count", "batches"), [(0, []), (1, [1]), (100, [100]), (101, [100, 1])])
def test_upsert_sends_a_hundred_at_a_time(count: int, batches: list[int]) -> None:
    recording = RecordingDeployment(new_emulator())

    made = new_vectors(recording).upsert("plain", vectors=[[1, 0]] * count, metadata=[{}] * count)

    assert [len(arguments["ids"]) for arguments in recording.arguments] == batches
    assert [len(arguments["metadata"]) for arguments in recording.arguments] == batches
    assert made == [f"id-{number}" for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"ids": ["a", "b"]}, r"ids length \(2\) must match vectors length \(1\)"),
        ({"ids": []}, r"ids length \(0\) must match vectors length \(1\)"),
        ({"metadata": []}, r"metadata length \(0\) must match vectors length \(1\)"),
        ({"metadata": ["x"]}, "metadata entries must be objects when provided"),
        ({"metadata": [None]}, "metadata entries must be objects when provided"),
        ({"delete_filter": {}}, r"deleteFilter is not supported\. Delete by IDs before upserting\."),
        ({"vectors": [[1, 0], [0, 1]], "ids": ["a", "a"]}, "ids must be unique"),
    ],
)
def test_upsert_refuses(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=f"ConvexNativeVector.upsert: {text}"):
        new_vectors().upsert("docs", **{"vectors": [[1, 0]], **arguments})


# Unlike ConvexVector's, this one's metadata stays when none is given.
def test_upsert_without_metadata_keeps_it() -> None:
    vectors = filled()

    vectors.upsert("docs", vectors=[[0, 1]], ids=["a"])

    [found] = vectors.query("docs", query_vector=[0, 1], filter={"label": "x"}, include_vector=True)
    assert (found.metadata, found.vector) == ({"label": "x", "n": 1}, [0, 1])


def test_upsert_replaces_metadata_and_what_filters_see() -> None:
    vectors = filled()

    vectors.upsert("docs", vectors=[[1, 0]], metadata=[{"tenant": "u"}], ids=["a"])

    assert vectors.query("docs", query_vector=[1, 0], filter={"label": "x"}) == []
    assert ids(vectors.query("docs", query_vector=[1, 0], filter={"tenant": "u"})) == ["a"]


@pytest.mark.parametrize("vector", [[float("nan"), 0], "text", [None, 0]])
def test_what_is_no_vector_is_refused_by_the_deployment(vector: Any) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError"):
        new_vectors().upsert("docs", vectors=[vector])


# Query


def test_query_gives_the_nearest_first() -> None:
    found = filled().query("docs", query_vector=[1, 0.1])

    assert ids(found) == ["a", "c", "b"]
    assert found[0].score == pytest.approx(0.99503719)
    assert (found[0].metadata, found[0].vector) == ({"label": "x", "n": 1}, None)


def test_query_with_vectors() -> None:
    found = filled().query("docs", query_vector=[1, 0.1], include_vector=True, top_k=2)

    assert [result.vector for result in found] == [[1, 0], [1, 1]]


def test_ten_results_unless_said_otherwise() -> None:
    vectors = new_vectors()
    vectors.upsert("plain", vectors=[[1, 0]] * 11)

    assert len(vectors.query("plain", query_vector=[1, 0])) == 10


# Nothing is read when nothing was found.
def test_search_without_a_result_is_one_request() -> None:
    recording = RecordingDeployment(new_emulator())

    assert new_vectors(recording).query("docs", query_vector=[1, 0]) == []
    assert [request["kind"] for request in recording.requests] == ["action"]


# Between the search and the read somebody may delete a vector.
def test_result_without_its_document_is_left_out() -> None:
    class Deleting:
        def __init__(self) -> None:
            self.emulator = new_emulator()

        def query(self, path: str, args: Any = None) -> Any:
            new_vectors(self.emulator).delete_vector("plain", id="a")
            return self.emulator.query(path, args)

        def mutation(self, path: str, args: Any = None) -> Any:
            return self.emulator.mutation(path, args)

        def action(self, path: str, args: Any = None) -> Any:
            return self.emulator.action(path, args)

    vectors = new_vectors(Deleting())
    vectors.upsert("plain", vectors=[[1, 0], [0, 1]], ids=["a", "b"])

    assert ids(vectors.query("plain", query_vector=[1, 0])) == ["b"]


def test_query_needs_a_vector() -> None:
    with pytest.raises(MastraError, match=r"queryVector is required for Convex native vector queries\.") as raised:
        new_vectors().query("docs")

    assert raised.value.id == "MASTRA_VECTOR_CONVEX_NATIVE_QUERY_MISSING_VECTOR"
    assert (raised.value.domain, raised.value.category) == ("STORAGE", "USER")
    assert raised.value.details == {"indexName": "docs"}


@pytest.mark.parametrize("top_k", [0, 257, -1, 1.5, float("nan"), float("inf"), True, "10", None])
def test_top_k_that_cannot_be(top_k: Any) -> None:
    with pytest.raises(StorageError, match=r"ConvexNativeVector\.query: topK must be an integer between 1 and 256"):
        filled().query("docs", query_vector=[1, 0], top_k=top_k)


@pytest.mark.parametrize("top_k", [1, 256, 2.0])
def test_top_k_that_can_be(top_k: Any) -> None:
    assert len(filled().query("docs", query_vector=[1, 0], top_k=top_k)) == min(top_k, 3)


def test_vector_of_another_length_is_refused_by_the_deployment() -> None:
    with pytest.raises(FunctionError, match="dimension"):
        filled().query("docs", query_vector=[1])


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (None, ["a", "c", "b"]),
        ({}, ["a", "c", "b"]),
        ({"label": "x"}, ["a"]),
        ({"label": 5}, ["b"]),
        ({"label": True}, ["c"]),
        ({"tenant": None}, ["c"]),
        ({"label": {"$eq": "x"}}, ["a"]),
        ({"metadata": {"tenant": "t"}}, ["b"]),
        ({"label": "none"}, []),
    ],
    ids=str,
)
def test_filters(filter: Filter | None, found: list[str]) -> None:
    assert ids(filled().query("docs", query_vector=[1, 0.1], filter=filter)) == found


_ONE_FIELD = r"native Convex filters support one equality field or \$or of equality fields"
_SCALARS = "native Convex filters support string, number, boolean, and null values"


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        ({"label": "x", "tenant": "t"}, _ONE_FIELD),
        ({"metadata": {}}, _ONE_FIELD),
        ({"$or": [{"label": "x", "tenant": "t"}]}, _ONE_FIELD),
        ({"$or": [None]}, _ONE_FIELD),
        ({"n": 1}, 'field "n" is not configured as a Convex vector filter field'),
        ({"$or": "x"}, r'field "\$or" is not configured as a Convex vector filter field'),
        ({"metadata": "x"}, 'field "metadata" is not configured as a Convex vector filter field'),
        ({"label": ["x"]}, _SCALARS),
        ({"label": {"$gt": 1}}, _SCALARS),
        ({"label": {"$eq": {}}}, _SCALARS),
    ],
    ids=str,
)
def test_filters_that_cannot_be(filter: Filter, text: str) -> None:
    with pytest.raises(StorageError, match=f"ConvexNativeVector.query: {text}"):
        filled().query("docs", query_vector=[1, 0], filter=filter)


# A field name may not start with `$`, so what Mastra documents cannot reach a deployment: its refusal comes through.
def test_or_is_sent_as_documented_and_refused_by_the_deployment() -> None:
    recording = RecordingDeployment(new_emulator())

    with pytest.raises(FunctionError, match=r"Field name \$or starts with '\$', which is reserved"):
        new_vectors(recording).query(
            "docs", query_vector=[1, 0], filter={"$or": [{"label": "x"}, {"tenant": {"$eq": None}}]}
        )

    [arguments] = recording.arguments
    assert arguments["filter"] == {"$or": [{"field": "label", "value": "x"}, {"field": "tenant", "value": None}]}


# Update and delete


def test_update_merges_metadata_and_moves_what_filters_see() -> None:
    vectors = filled()

    vectors.update_vector("docs", id="a", update={"vector": [0, 1], "metadata": {"label": "z"}})

    [found] = vectors.query("docs", query_vector=[0, 1], filter={"label": "z"}, include_vector=True)
    assert (found.id, found.metadata, found.vector) == ("a", {"label": "z", "n": 1}, [0, 1])


def test_update_sends_what_is_given() -> None:
    recording = RecordingDeployment(new_emulator())

    new_vectors(recording).update_vector("docs", id="missing", update={})

    assert [sorted(arguments) for arguments in recording.arguments] == [["config", "id", "op"]]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"filter": {"a": 1}, "update": {}}, r"filter-based updates are not supported\. Update by ID instead\."),
        ({"id": "a", "update": {"metadata": ["x"]}}, "metadata must be an object when provided"),
    ],
)
def test_update_refuses(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=f"ConvexNativeVector.updateVector: {text}"):
        filled().update_vector("docs", **arguments)


def test_update_without_id_is_refused_by_the_deployment() -> None:
    with pytest.raises(FunctionError, match="Native vector update: id is required"):
        filled().update_vector("docs", update={"vector": [1, 0]})


def test_deleting_twice_is_no_error() -> None:
    vectors = filled()

    for _ in range(2):
        vectors.delete_vector("docs", id="a")
        vectors.delete_vectors("docs", ids=["b", "missing"])

    assert ids(vectors.query("docs", query_vector=[1, 0])) == ["c"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"filter": {}}, r"filter-based deletes are not supported\. Delete by IDs instead\."),
        ({"ids": []}, "ids are required"),
        ({}, "ids are required"),
    ],
)
def test_delete_refuses(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(StorageError, match=f"ConvexNativeVector.deleteVectors: {text}"):
        filled().delete_vectors("docs", **arguments)

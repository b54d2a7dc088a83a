"""Mastra's native vector store: storing, changing, deleting and counting vectors.

npm @mastra/convex 1.5.2 ``ConvexNativeVector`` and ``mastraNativeVectorMutation`` (mastra-adapter.md §11).
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexNativeVector, NativeVectorIndex, QueryResult, StorageError
from pytest_mastra_convex.probe import Probe, call_query, counter, counter_text, insert

NOTES = "notes_vectors"
DOCS = "docs_vectors"
READ = "mastra/nativeVector:read"
WRITE = "mastra/nativeVector:write"
ONE = [1.0, 0.0, 0.0]


def search(store: ConvexNativeVector, **options: Any) -> list[QueryResult]:
    """The notes, those nearest to [1, 0, 0] first."""
    return store.query(NOTES, query_vector=ONE, top_k=256, **options)


def ids(results: list[QueryResult]) -> list[str]:
    """The id of each result."""
    return [result.id for result in results]


# Upsert


# A document that was embedded anew: one vector, where it is now.
def test_an_upsert_of_a_known_id_moves_its_vector(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["moved", "stays"], vectors=[ONE, [1.0, 1.0, 0.0]])

    store.upsert(NOTES, ids=["moved"], vectors=[[-1.0, 0.0, 0.0]])

    assert ids(search(store)) == ["stays", "moved"]


# Unlike ConvexVector, which erases it.
def test_an_upsert_without_metadata_keeps_the_stored_one(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["n"], vectors=[ONE], metadata=[{"tenant": "a", "text": "kept"}])

    store.upsert(NOTES, ids=["n"], vectors=[[0.0, 1.0, 0.0]])

    assert search(store, filter={"tenant": "a"})[0].metadata == {"tenant": "a", "text": "kept"}


# Metadata is replaced, not merged: a filter field that it no longer has finds the vector no more.
def test_an_upsert_with_metadata_replaces_it(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["n"], vectors=[ONE], metadata=[{"tenant": "a", "label": "x"}])

    store.upsert(NOTES, ids=["n"], vectors=[ONE], metadata=[{"label": "y"}])

    assert search(store, filter={"label": "y"})[0].metadata == {"label": "y"}
    assert search(store, filter={"label": "x"}) == []
    assert search(store, filter={"tenant": "a"}) == []


def test_ids_are_made_where_none_are_given(convex_native_vector: ConvexNativeVector) -> None:
    made = convex_native_vector.upsert(NOTES, vectors=[ONE, ONE, ONE])

    assert len(set(made)) == 3
    assert sorted(ids(search(convex_native_vector))) == sorted(made)


# The store sends a hundred at a time: both sides of that, and a whole batch more.
@pytest.mark.parametrize("count", [100, 101, 200, 201])
def test_more_than_a_batch_is_stored(convex_native_vector: ConvexNativeVector, count: int) -> None:
    convex_native_vector.upsert(
        NOTES,
        ids=[f"n{number}" for number in range(count)],
        vectors=[ONE] * count,
        metadata=[{"text": str(number)} for number in range(count)],
    )

    assert convex_native_vector.describe_index(NOTES).count == count
    assert {result.metadata["text"] for result in search(convex_native_vector) if result.metadata} == {
        str(number) for number in range(count)
    }


# One bad vector undoes its whole request, the good ones before it as well.
def test_a_refused_upsert_stores_nothing(convex_native_vector: ConvexNativeVector) -> None:
    with pytest.raises(FunctionError):
        convex_native_vector.upsert(NOTES, ids=["good", "bad"], vectors=[ONE, "no vector"])  # type: ignore[list-item]

    assert convex_native_vector.describe_index(NOTES).count == 0


# But a request that went through before stays: the first hundred are there.
def test_a_refused_batch_keeps_the_batches_before(convex_native_vector: ConvexNativeVector) -> None:
    vectors: list[Any] = [ONE] * 100 + ["no vector"]

    with pytest.raises(FunctionError):
        convex_native_vector.upsert(NOTES, vectors=vectors)

    assert convex_native_vector.describe_index(NOTES).count == 100


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param({"ids": ["a"]}, r"ids length \(1\) must match vectors length \(2\)", id="ids"),
        pytest.param({"metadata": [{}]}, r"metadata length \(1\) must match vectors length \(2\)", id="metadata"),
        pytest.param({"metadata": [{}, "text"]}, "metadata entries must be objects", id="text"),
        pytest.param({"ids": ["a", "a"]}, "ids must be unique", id="twice"),
        pytest.param({"delete_filter": {"label": "x"}}, "deleteFilter is not supported", id="delete-filter"),
    ],
)
def test_an_upsert_that_does_not_fit_together_is_refused(
    convex_native_vector: ConvexNativeVector, options: Any, text: str
) -> None:
    with pytest.raises(StorageError, match=text):
        convex_native_vector.upsert(NOTES, vectors=[ONE, ONE], **options)


# Other clients go past the store; the deployed function looks itself.
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"ids": ["a"]}, "ids and vectors are required", id="no-vectors"),
        pytest.param({"ids": ["a"], "vectors": []}, r"vectors length \(0\) must match ids length \(1\)", id="lengths"),
        pytest.param({"ids": ["a", "a"], "vectors": [ONE, ONE]}, "ids must be unique", id="twice"),
    ],
)
def test_the_function_refuses_what_does_not_fit_together(
    convex_deployment: Deployment, arguments: Any, text: str
) -> None:
    config = {"tableName": DOCS, "vectorIndexName": "by_embedding"}

    with pytest.raises(FunctionError, match=text):
        convex_deployment.mutation(WRITE, {"op": "upsert", "config": config, **arguments})


# A key of Mongo's, of JSON Schema: metadata is a Convex value here, no JSON text (mastra-ai/mastra#16110).
def test_reserved_keys_in_metadata_are_refused(convex_native_vector: ConvexNativeVector) -> None:
    with pytest.raises(Exception, match=r"\$ref"):
        convex_native_vector.upsert(NOTES, ids=["n"], vectors=[ONE], metadata=[{"deep": {"$ref": "#/a"}}])

    assert convex_native_vector.describe_index(NOTES).count == 0


# Updates


def test_an_update_moves_the_vector(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["moved", "stays"], vectors=[ONE, [1.0, 1.0, 0.0]])

    store.update_vector(NOTES, id="moved", update={"vector": [-1.0, 0.0, 0.0]})

    assert ids(search(store)) == ["stays", "moved"]


# Metadata is merged by an update, and what can be filtered by follows.
def test_an_update_merges_metadata(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["n"], vectors=[ONE], metadata=[{"tenant": "a", "text": "kept"}])

    store.update_vector(NOTES, id="n", update={"metadata": {"tenant": "b"}})

    assert search(store, filter={"tenant": "b"})[0].metadata == {"tenant": "b", "text": "kept"}
    assert search(store, filter={"tenant": "a"}) == []


def test_an_update_of_an_unknown_id_does_nothing(convex_native_vector: ConvexNativeVector) -> None:
    convex_native_vector.update_vector(NOTES, id="nobody", update={"vector": ONE})

    assert search(convex_native_vector) == []


def test_an_update_without_an_id_is_refused(convex_native_vector: ConvexNativeVector) -> None:
    with pytest.raises(FunctionError, match="id is required"):
        convex_native_vector.update_vector(NOTES, update={"vector": ONE})


# Deletions


# mastra-ai/mastra#9712: who asks for deletion by filter must be told that nothing was deleted.
@pytest.mark.parametrize("method", ["delete_vectors", "update_vector"])
def test_changes_by_filter_are_refused(convex_native_vector: ConvexNativeVector, method: str) -> None:
    convex_native_vector.upsert(NOTES, ids=["n"], vectors=[ONE], metadata=[{"label": "x"}])
    update = {"update": {"vector": ONE}} if method == "update_vector" else {}

    with pytest.raises(StorageError, match=r"filter-based (deletes|updates) are not supported"):
        getattr(convex_native_vector, method)(NOTES, filter={"label": "x"}, **update)

    assert ids(search(convex_native_vector)) == ["n"]


def test_a_deleted_vector_is_not_found(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["a", "b", "c"], vectors=[ONE, ONE, ONE], metadata=[{"label": "x"}] * 3)

    store.delete_vector(NOTES, id="b")

    assert sorted(ids(search(store))) == sorted(ids(search(store, filter={"label": "x"}))) == ["a", "c"]


# More than the 25 rows the function works on at a time; unknown ids among them are no error.
def test_many_vectors_are_deleted_at_once(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=[f"n{number}" for number in range(60)], vectors=[ONE] * 60)

    store.delete_vectors(NOTES, ids=[f"n{number}" for number in range(1, 70)])

    assert ids(search(store)) == ["n0"]


@pytest.mark.parametrize("ids", [None, []], ids=["none", "empty"])
def test_a_deletion_without_ids_is_refused(convex_native_vector: ConvexNativeVector, ids: Any) -> None:
    with pytest.raises(StorageError, match="ids are required"):
        convex_native_vector.delete_vectors(NOTES, ids=ids)


# Indexes


# The schema makes indexes; the store can only check what it was told.
def test_an_index_as_configured_is_created(convex_native_vector: ConvexNativeVector) -> None:
    convex_native_vector.create_index(NOTES, dimension=3)

    assert NOTES in convex_native_vector.list_indexes()
    assert convex_native_vector.describe_index(NOTES).dimension == 3


@pytest.mark.parametrize(
    ("options", "text"),
    [({"dimension": 1536}, "has 3 dimensions, but 1536"), ({"dimension": 3, "metric": "euclidean"}, "cosine only")],
    ids=["dimension", "metric"],
)
def test_an_index_that_is_another_is_refused(convex_native_vector: ConvexNativeVector, options: Any, text: str) -> None:
    with pytest.raises(StorageError, match=text):
        convex_native_vector.create_index(NOTES, **options)


def test_an_index_cannot_be_deleted(convex_native_vector: ConvexNativeVector) -> None:
    with pytest.raises(StorageError, match=r"managed in convex/schema\.ts"):
        convex_native_vector.delete_index(NOTES)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("query", {"query_vector": ONE}),
        ("upsert", {"vectors": [ONE]}),
        ("delete_vector", {"id": "n"}),
        ("describe_index", {}),
    ],
    ids=["query", "upsert", "delete", "describe"],
)
def test_an_index_nobody_configured_is_refused(
    convex_native_vector: ConvexNativeVector, method: str, options: Any
) -> None:
    with pytest.raises(StorageError, match='index "unknown" is not configured'):
        getattr(convex_native_vector, method)("unknown", **options)


# The index of a table that is not in the deployed schema.
def test_writing_without_the_index_of_ids_is_refused(convex_deployment: Deployment) -> None:
    index = NativeVectorIndex(table_name="conformance_nothing", dimension=3)
    store = ConvexNativeVector(convex_deployment, indexes={"mine": index})

    with pytest.raises(FunctionError, match="by_record_id"):
        store.upsert("mine", ids=["v"], vectors=[ONE])


# mastra-ai/mastra#17269 had 10,000 for 10,001 in the other store; here the answer says that the count ends there.
@pytest.mark.parametrize(("rows", "counted"), [(9_999, 9_999), (10_000, 10_000), (10_001, 10_000)])
def test_counting_ends_at_10_000(probe: Probe, rows: int, counted: int) -> None:
    config = {"tableName": "conformance_vectors", "vectorIndexName": "by_embedding"}
    document = {"name": counter_text("v"), "embedding": [counter(), 1, 0]}
    probe.mutation(insert("conformance_vectors", document, times=rows))

    described = probe.query(call_query(READ, {"op": "describe", "config": config, "countLimit": 10_000}))[0].value

    assert described == {"count": counted, "countIsLimited": rows > counted}

"""Mastra's native vector store: searches of a vector index, and what they can be asked.

npm @mastra/convex 1.5.2 ``ConvexNativeVector`` (mastra-adapter.md §11).  The table ``notes_vectors`` declares the
filter fields label and tenant; ``docs_vectors`` is the one Mastra's own definition makes, without filter fields.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexNativeVector, MastraError, NativeVectorIndex, StorageError

NOTES = "notes_vectors"
DOCS = "docs_vectors"
SEARCH = "mastra/nativeVector:query"
CONFIG = {"tableName": DOCS, "vectorIndexName": "by_embedding"}

# A deployment computes in 32 bits: one part in 8 million, a few times over for three dimensions.
TOLERANCE = 1e-6


def fan(store: ConvexNativeVector, count: int, index: str = DOCS) -> None:
    """Stores v0, v1, …, each further from [0, 1, 0] than the one before."""
    vectors = [[float(number), 1.0, 0.0] for number in range(count)]
    store.upsert(index, ids=[f"v{number}" for number in range(count)], vectors=vectors)


def ids(results: Any) -> list[str]:
    """The id of each result."""
    return [result.id for result in results]


# Results


def test_the_nearest_comes_first(convex_native_vector: ConvexNativeVector) -> None:
    convex_native_vector.upsert(DOCS, ids=["far", "near"], vectors=[[0.0, 1.0, 0.0], [1.0, 0.1, 0.0]])

    assert ids(convex_native_vector.query(DOCS, query_vector=[1.0, 0.0, 0.0])) == ["near", "far"]


# Thresholds are written against the cosine, as with Mastra's other vector stores; negative ones are results, too.
@pytest.mark.parametrize(
    ("vector", "score"),
    [([5.0, 0.0, 0.0], 1.0), ([3.0, 4.0, 0.0], 0.6), ([0.0, 0.0, 1.0], 0.0), ([-3.0, 0.0, 4.0], -0.6)],
    ids=["same", "near", "across", "away"],
)
def test_the_score_is_the_cosine(convex_native_vector: ConvexNativeVector, vector: list[float], score: float) -> None:
    convex_native_vector.upsert(DOCS, ids=["v"], vectors=[vector])

    assert convex_native_vector.query(DOCS, query_vector=[2.0, 0.0, 0.0])[0].score == pytest.approx(
        score, abs=TOLERANCE
    )


# Duplicates in the documents: one score for all of them.
def test_equal_vectors_have_equal_scores(convex_native_vector: ConvexNativeVector) -> None:
    convex_native_vector.upsert(DOCS, ids=["a", "b", "c"], vectors=[[0.3, 0.7, 0.2], [1.0, 0.0, 0.0], [0.3, 0.7, 0.2]])

    results = convex_native_vector.query(DOCS, query_vector=[0.1, 0.9, 0.4], top_k=2)

    assert {result.id for result in results} == {"a", "c"}
    assert results[0].score == results[1].score


# Metadata comes along as it was stored; vectors only when asked for, they are large.
def test_metadata_comes_with_the_results(convex_native_vector: ConvexNativeVector) -> None:
    metadata = {"text": "hello", "page": 3, "tags": ["a", None], "nested": {"deep": True}}
    convex_native_vector.upsert(DOCS, ids=["v"], vectors=[[1.0, 0.0, 0.0]], metadata=[metadata])

    result = convex_native_vector.query(DOCS, query_vector=[1.0, 0.0, 0.0])[0]

    assert (result.metadata, result.vector) == (metadata, None)


def test_vectors_come_when_asked_for(convex_native_vector: ConvexNativeVector) -> None:
    convex_native_vector.upsert(DOCS, ids=["v"], vectors=[[3.0, 4.0, 0.5]])

    result = convex_native_vector.query(DOCS, query_vector=[1.0, 0.0, 0.0], include_vector=True)[0]

    assert (result.metadata, result.vector) == (None, [3.0, 4.0, 0.5])


def test_nothing_is_found_where_nothing_is(convex_native_vector: ConvexNativeVector) -> None:
    assert convex_native_vector.query(DOCS, query_vector=[1.0, 0.0, 0.0]) == []


# How many


def test_ten_of_eleven_are_found_by_default(convex_native_vector: ConvexNativeVector) -> None:
    fan(convex_native_vector, 11)

    found = ids(convex_native_vector.query(DOCS, query_vector=[0.0, 1.0, 0.0]))

    assert found == [f"v{number}" for number in range(10)]


def test_one_is_the_nearest(convex_native_vector: ConvexNativeVector) -> None:
    fan(convex_native_vector, 11)

    assert ids(convex_native_vector.query(DOCS, query_vector=[0.0, 1.0, 0.0], top_k=1)) == ["v0"]


# get-convex/mastra#2: 256 is the most there is.  They are read in one query, all of them.
def test_256_of_257_are_found(convex_native_vector: ConvexNativeVector) -> None:
    fan(convex_native_vector, 257)

    results = convex_native_vector.query(DOCS, query_vector=[0.0, 1.0, 0.0], top_k=256)

    assert set(ids(results)) == {f"v{number}" for number in range(256)}
    assert results[0].score == pytest.approx(1.0, abs=TOLERANCE)
    assert results[-1].score == pytest.approx(1 / math.hypot(255, 1), rel=1e-4)


# get-convex/mastra#2, the other side: 1024 reached the deployment once.  The store refuses it before anything is sent.
@pytest.mark.parametrize("top_k", [0, -1, 257, 1024, 1.5], ids=["0", "minus-1", "257", "1024", "fraction"])
def test_other_numbers_of_results_are_refused(convex_native_vector: ConvexNativeVector, top_k: Any) -> None:
    with pytest.raises(StorageError, match="topK must be an integer between 1 and 256"):
        convex_native_vector.query(DOCS, query_vector=[0.0, 1.0, 0.0], top_k=top_k)


# Other clients go past the store; the deployed function looks itself.
@pytest.mark.parametrize("limit", [0.0, -1.0, 257.0, 1.5], ids=["0", "minus-1", "257", "fraction"])
def test_the_function_refuses_other_numbers_of_results(convex_deployment: Deployment, limit: float) -> None:
    with pytest.raises(FunctionError, match="limit must be an integer between 1 and 256"):
        convex_deployment.action(SEARCH, {"config": CONFIG, "vector": [1.0, 0.0, 0.0], "limit": limit})


@pytest.mark.diverges("limits-of-vector-searches")
def test_the_function_without_a_limit_gives_ten(
    convex_native_vector: ConvexNativeVector, convex_deployment: Deployment
) -> None:
    fan(convex_native_vector, 11)

    found = convex_deployment.action(SEARCH, {"config": CONFIG, "vector": [0.0, 1.0, 0.0]})

    assert [set(row) for row in found] == [{"id", "score"}] * 10


# Dimensions


# The embedding model was changed and the table was not.
@pytest.mark.diverges("dimensions-of-vectors")
@pytest.mark.parametrize("length", [2, 4, 1536])
def test_a_query_of_another_length_is_refused(convex_native_vector: ConvexNativeVector, length: int) -> None:
    with pytest.raises(FunctionError, match=f"Expected a vector with dimensions 3, received {length}"):
        convex_native_vector.query(DOCS, query_vector=[1.0] * length)


# The same mistake while storing is not noticed by anybody: the rows are there, are counted, and never found.
@pytest.mark.diverges("dimensions-of-vectors")
@pytest.mark.parametrize("length", [2, 4])
def test_a_stored_vector_of_another_length_is_not_found(convex_native_vector: ConvexNativeVector, length: int) -> None:
    convex_native_vector.upsert(DOCS, ids=["wrong", "right"], vectors=[[1.0] * length, [0.0, 0.0, 1.0]])

    assert convex_native_vector.describe_index(DOCS).count == 2
    assert ids(convex_native_vector.query(DOCS, query_vector=[1.0, 1.0, 1.0])) == ["right"]


@pytest.mark.parametrize("vector", [None, []], ids=["none", "empty"])
def test_a_query_without_a_vector_is_refused(convex_native_vector: ConvexNativeVector, vector: Any) -> None:
    with pytest.raises((MastraError, FunctionError), match=r"queryVector is required|non-empty Array"):
        convex_native_vector.query(DOCS, query_vector=vector)


# NaN is null in JSON, which no validator of numbers takes.
@pytest.mark.parametrize("number", [math.nan, math.inf], ids=["nan", "inf"])
def test_a_number_that_json_does_not_have_is_refused(convex_native_vector: ConvexNativeVector, number: float) -> None:
    with pytest.raises(FunctionError):
        convex_native_vector.upsert(DOCS, ids=["v"], vectors=[[1.0, number, 0.0]])

    assert convex_native_vector.describe_index(DOCS).count == 0


# Filters


def store_notes(store: ConvexNativeVector, *metadata: dict[str, Any]) -> None:
    """Stores n0, n1, … with this metadata, all in one direction."""
    count = len(metadata)
    store.upsert(
        NOTES, ids=[f"n{number}" for number in range(count)], vectors=[[1.0, 0.0, 0.0]] * count, metadata=metadata
    )


def filtered(store: ConvexNativeVector, filter: Any) -> list[str]:
    """The ids of the notes a filter finds, in order."""
    return sorted(ids(store.query(NOTES, query_vector=[1.0, 0.0, 0.0], top_k=256, filter=filter)))


# All ways in which Mastra writes one equality.
@pytest.mark.parametrize(
    "filter",
    [
        pytest.param({"tenant": "a"}, id="flat"),
        pytest.param({"tenant": {"$eq": "a"}}, id="eq"),
        pytest.param({"metadata": {"tenant": "a"}}, id="metadata"),
        pytest.param({"metadata": {"tenant": {"$eq": "a"}}}, id="metadata-eq"),
    ],
)
def test_an_equality_finds_its_vectors_only(convex_native_vector: ConvexNativeVector, filter: Any) -> None:
    store_notes(convex_native_vector, {"tenant": "a"}, {"tenant": "b"}, {"label": "a"}, {})

    assert filtered(convex_native_vector, filter) == ["n0"]


@pytest.mark.parametrize(
    ("value", "found"),
    [("1", ["n0"]), (1, ["n1"]), (True, ["n2"]), (None, ["n3"])],
    ids=["text", "number", "true", "null"],
)
def test_values_of_other_kinds_are_held_apart(
    convex_native_vector: ConvexNativeVector, value: Any, found: list[str]
) -> None:
    store_notes(convex_native_vector, {"label": "1"}, {"label": 1}, {"label": True}, {"label": None}, {})

    assert filtered(convex_native_vector, {"label": value}) == found


# mastra-ai/mastra#16728: the deployment looks at filter fields only, so the limit must be of what passes.
def test_the_filter_comes_before_the_limit(convex_native_vector: ConvexNativeVector) -> None:
    store = convex_native_vector
    store.upsert(NOTES, ids=["mine"], vectors=[[-1.0, 0.0, 0.0]], metadata=[{"tenant": "mine"}])
    store_notes(store, *[{"tenant": "others"}] * 20)

    results = store.query(NOTES, query_vector=[1.0, 0.0, 0.0], top_k=1, filter={"tenant": "mine"})

    assert ids(results) == ["mine"]


def test_an_empty_filter_filters_nothing(convex_native_vector: ConvexNativeVector) -> None:
    store_notes(convex_native_vector, {"tenant": "a"}, {})

    assert filtered(convex_native_vector, {}) == ["n0", "n1"]


# mastra-ai/mastra#16728: filter fields must be declared; a field of the metadata alone is none.
@pytest.mark.parametrize(
    ("index", "filter"),
    [(NOTES, {"topic": "a"}), (DOCS, {"tenant": "a"}), (NOTES, {"metadata": {"topic": "a"}})],
    ids=["other-field", "no-fields", "under-metadata"],
)
def test_an_undeclared_field_is_refused(convex_native_vector: ConvexNativeVector, index: str, filter: Any) -> None:
    with pytest.raises(StorageError, match="is not configured as a Convex vector filter field"):
        convex_native_vector.query(index, query_vector=[1.0, 0.0, 0.0], filter=filter)


# The application's configuration says more than the schema: the deployment has the last word.
@pytest.mark.diverges("undeclared-filter-fields")
def test_a_field_the_schema_does_not_declare_is_refused(convex_deployment: Deployment) -> None:
    index = NativeVectorIndex(table_name=NOTES, dimension=3, filter_fields=("topic",))
    store = ConvexNativeVector(convex_deployment, indexes={"mine": index})

    with pytest.raises(FunctionError, match="isn't indexed for filtering"):
        store.query("mine", query_vector=[1.0, 0.0, 0.0], filter={"topic": "a"})


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        pytest.param({"label": "a", "tenant": "b"}, "one equality field or", id="two-fields"),
        pytest.param({"$and": [{"label": "a"}]}, "is not configured", id="and"),
        pytest.param({"label": {"$gt": 1}}, "support string, number, boolean, and null", id="gt"),
        pytest.param({"label": ["a"]}, "support string, number, boolean, and null", id="list"),
    ],
)
def test_other_filters_are_refused(convex_native_vector: ConvexNativeVector, filter: Any, text: str) -> None:
    with pytest.raises(StorageError, match=text):
        convex_native_vector.query(NOTES, query_vector=[1.0, 0.0, 0.0], filter=filter)


# The store would send alternatives under a name that begins with `$`, which arguments of functions cannot have.
def test_alternatives_do_not_reach_the_deployment(convex_native_vector: ConvexNativeVector) -> None:
    store_notes(convex_native_vector, {"label": "a"}, {"label": "b"})

    with pytest.raises(Exception, match=r"\$or"):
        filtered(convex_native_vector, {"$or": [{"label": "a"}, {"label": "b"}]})

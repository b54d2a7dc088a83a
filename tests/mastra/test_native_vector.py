"""Native vectors: searching, reading and writing tables with a vector index of their own, with every refusal."""

from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import define_schema, define_table, v

DOCS = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding"}
NOTES = {"tableName": "notes_vectors", "vectorIndexName": "by_embedding", "filterFields": ["label", "tenant"]}
# Every name is another than the default.
RENAMED = {
    "tableName": "renamed_vectors",
    "vectorIndexName": "by_meaning",
    "dimension": 2,
    "idField": "key",
    "idIndexName": "by_key",
    "vectorField": "vector",
    "metadataField": "about",
    "filterFields": ["label"],
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    optional_any = v.optional(v.any())
    renamed = define_table(
        {"key": v.string(), "vector": v.array(v.float64()), "about": optional_any, "label": optional_any}
    )
    tables = {
        **mastra_tables(),
        "docs_vectors": define_native_vector_table(dimensions=2),
        "notes_vectors": define_native_vector_table(
            dimensions=2, filter_fields={"label": optional_any, "tenant": optional_any}
        ),
        "renamed_vectors": renamed.index("by_key", ["key"]).vector_index(
            "by_meaning", vector_field="vector", dimensions=2, filter_fields=["label"]
        ),
    }
    with Emulator(define_schema(tables), seed=1) as emulator:
        yield emulator


def write(emulator: Emulator, op: str, config: dict[str, Any] = DOCS, **args: Any) -> Any:
    return emulator.mutation("mastra/nativeVector:write", {"op": op, "config": config, **args})


def read(emulator: Emulator, op: str, config: dict[str, Any] = DOCS, **args: Any) -> Any:
    return emulator.query("mastra/nativeVector:read", {"op": op, "config": config, **args})


def search(emulator: Emulator, vector: list[float], config: dict[str, Any] = DOCS, **args: Any) -> Any:
    return emulator.action("mastra/nativeVector:query", {"config": config, "vector": vector, **args})


def upsert(emulator: Emulator, config: dict[str, Any] = DOCS, **vectors: list[float]) -> None:
    args = {"ids": list(vectors), "vectors": list(vectors.values())}
    assert write(emulator, "upsert", config, **args) == {"ok": True}


def upsert_with_metadata(emulator: Emulator, config: dict[str, Any], **metadata: Any) -> None:
    """The ids with their metadata, all with one vector."""
    args = {"ids": list(metadata), "vectors": [[1, 0]] * len(metadata), "metadata": list(metadata.values())}
    assert write(emulator, "upsert", config, **args) == {"ok": True}


def row(emulator: Emulator, record_id: str, config: dict[str, Any] = DOCS) -> dict[str, Any]:
    """The row without its system fields."""
    (found,) = read(emulator, "listByIds", config, ids=[record_id])
    return {name: value for name, value in found.items() if not name.startswith("_")}


def fill(emulator: Emulator, count: int) -> None:
    rows = [{"id": f"v-{number:05}", "embedding": [1, 0]} for number in range(count)]
    emulator.run(lambda ctx: [ctx.db.insert("docs_vectors", row) for row in rows])


# Arguments: validators with exact field lists


@pytest.mark.parametrize("missing", ["tableName", "vectorIndexName"])
def test_config_needs_table_and_index(emulator: Emulator, missing: str) -> None:
    config = {name: value for name, value in DOCS.items() if name != missing}

    with pytest.raises(
        FunctionError, match=f"ArgumentValidationError: Object is missing the required field `{missing}"
    ):
        read(emulator, "describe", config)


def test_unknown_setting_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError: Object contains extra field `metric`"):
        read(emulator, "describe", {**DOCS, "metric": "cosine"})


def test_unknown_argument_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError: Object contains extra field `deleteFilter`"):
        write(emulator, "upsert", ids=[], vectors=[], deleteFilter={})


def test_unknown_write_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r'ArgumentValidationError: .*\nPath: \.op\nValue: "explode"'):
        write(emulator, "explode")


def test_unknown_read_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r'ArgumentValidationError: .*\nPath: \.op\nValue: "upsert"'):
        read(emulator, "upsert")


def test_search_needs_a_vector(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError: Object is missing the required field `vector`"):
        emulator.action("mastra/nativeVector:query", {"config": DOCS})


# upsert


def test_upsert_stores_id_and_vector(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0])

    assert row(emulator, "a") == {"id": "a", "embedding": [1, 0]}


def test_upsert_stores_metadata(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, DOCS, a={"label": "x", "n": None})

    assert row(emulator, "a") == {"id": "a", "embedding": [1, 0], "metadata": {"label": "x", "n": None}}


def test_upsert_of_nothing_is_fine(emulator: Emulator) -> None:
    assert write(emulator, "upsert", ids=[], vectors=[]) == {"ok": True}


def test_config_without_filter_fields_copies_none(emulator: Emulator) -> None:
    without = {name: value for name, value in NOTES.items() if name != "filterFields"}

    upsert_with_metadata(emulator, without, a={"label": "x"})

    assert "label" not in row(emulator, "a", NOTES)


def test_filter_fields_are_copied_out_of_the_metadata(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, NOTES, a={"label": "x", "other": 1})

    assert row(emulator, "a", NOTES) == {
        "id": "a",
        "embedding": [1, 0],
        "metadata": {"label": "x", "other": 1},
        "label": "x",
    }


# Unlike ConvexVector, whose upsert erases metadata that is not sent again.
def test_second_upsert_without_metadata_keeps_it(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, NOTES, a={"label": "x"})

    upsert(emulator, NOTES, a=[0, 1])

    assert row(emulator, "a", NOTES) == {"id": "a", "embedding": [0, 1], "metadata": {"label": "x"}, "label": "x"}


def test_second_upsert_with_metadata_replaces_it_and_clears_missing_filter_fields(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, NOTES, a={"label": "x", "tenant": "t", "n": 1})

    upsert_with_metadata(emulator, NOTES, a={"tenant": None})

    assert row(emulator, "a", NOTES) == {"id": "a", "embedding": [1, 0], "metadata": {"tenant": None}, "tenant": None}


def test_upsert_keeps_the_row_of_an_id(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0], b=[0, 1])
    before = read(emulator, "listByIds", ids=["a"])[0]["_id"]

    upsert(emulator, a=[0, 1])

    assert read(emulator, "listByIds", ids=["a"])[0]["_id"] == before
    assert emulator.table_counts() == {"docs_vectors": 2}


@pytest.mark.parametrize("args", [{}, {"ids": ["a"]}, {"vectors": [[1, 0]]}])
def test_upsert_needs_ids_and_vectors(emulator: Emulator, args: dict[str, Any]) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Native vector upsert: ids and vectors are required"):
        write(emulator, "upsert", **args)


def test_upsert_needs_as_many_vectors_as_ids(emulator: Emulator) -> None:
    text = r"Native vector upsert: vectors length \(1\) must match ids length \(2\)"
    with pytest.raises(FunctionError, match=text):
        write(emulator, "upsert", ids=["a", "b"], vectors=[[1, 0]])


@pytest.mark.parametrize("metadata", [{}, "text", None, 5])
def test_metadata_of_an_upsert_must_be_a_list(emulator: Emulator, metadata: Any) -> None:
    text = "Native vector upsert: metadata must be an array matching ids when provided"
    with pytest.raises(FunctionError, match=text):
        write(emulator, "upsert", ids=["a"], vectors=[[1, 0]], metadata=metadata)


def test_upsert_needs_as_much_metadata_as_ids(emulator: Emulator) -> None:
    text = r"Native vector upsert: metadata length \(2\) must match ids length \(1\)"
    with pytest.raises(FunctionError, match=text):
        write(emulator, "upsert", ids=["a"], vectors=[[1, 0]], metadata=[{}, {}])


@pytest.mark.parametrize("entry", [None, "text", [], 5])
def test_entries_of_metadata_must_be_objects(emulator: Emulator, entry: Any) -> None:
    text = "Native vector upsert: metadata entries must be objects when provided"
    with pytest.raises(FunctionError, match=text):
        write(emulator, "upsert", ids=["a", "b"], vectors=[[1, 0], [1, 0]], metadata=[{}, entry])


def test_ids_must_be_unique(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Native vector upsert: ids must be unique"):
        write(emulator, "upsert", ids=["a", "a"], vectors=[[1, 0], [0, 1]])


# Lengths, then metadata, then uniqueness: the first fault is the one told.
def test_metadata_is_checked_before_uniqueness(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="metadata entries must be objects"):
        write(emulator, "upsert", ids=["a", "a"], vectors=[[1, 0], [0, 1]], metadata=[{}, None])


# The schema's list of numbers takes any length, and the vector index leaves such a row out of searches.
def test_vector_of_another_length_is_stored_but_not_found(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0, 0], b=[1, 0])

    assert row(emulator, "a")["embedding"] == [1, 0, 0]
    assert len(search(emulator, [1, 0])) == 1


# Errors are failed calls here, so batches before the failing one are undone too.
def test_failed_upsert_leaves_nothing(emulator: Emulator) -> None:
    twice = {"id": "twice", "embedding": [1, 0]}
    emulator.run(lambda ctx: [ctx.db.insert("docs_vectors", twice) for _ in range(2)])
    ids = [f"v-{number}" for number in range(30)] + ["twice"]

    with pytest.raises(FunctionError, match=r"unique\(\) query returned more than one result"):
        write(emulator, "upsert", ids=ids, vectors=[[1, 0]] * 31)

    assert emulator.table_counts() == {"docs_vectors": 2}


def test_upsert_takes_more_than_one_batch(emulator: Emulator) -> None:
    ids = [f"v-{number}" for number in range(60)]

    write(emulator, "upsert", ids=ids, vectors=[[1, 0]] * 60)

    assert [found["id"] for found in read(emulator, "listByIds", ids=ids)] == ids


# updateById


def test_update_replaces_the_vector_and_keeps_metadata(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, DOCS, a={"n": 1})

    assert write(emulator, "updateById", id="a", vector=[0, 1]) == {"ok": True}
    assert row(emulator, "a") == {"id": "a", "embedding": [0, 1], "metadata": {"n": 1}}


def test_update_merges_metadata_and_keeps_the_vector(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, DOCS, a={"n": 1, "m": {"x": 1}})

    write(emulator, "updateById", id="a", metadata={"m": {"y": 2}})

    assert row(emulator, "a") == {"id": "a", "embedding": [1, 0], "metadata": {"n": 1, "m": {"y": 2}}}


def test_update_refreshes_filter_fields_from_the_merged_metadata(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, NOTES, a={"label": "x", "tenant": "t"})

    write(emulator, "updateById", NOTES, id="a", metadata={"label": "y"})

    found = row(emulator, "a", NOTES)
    assert (found["label"], found["tenant"], found["metadata"]) == ("y", "t", {"label": "y", "tenant": "t"})


# A field that was written past the metadata stays: nothing is cleared.
def test_update_clears_no_filter_field(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.db.insert("notes_vectors", {"id": "a", "embedding": [1, 0], "tenant": "old"}))

    write(emulator, "updateById", NOTES, id="a", metadata={"label": "x"})

    found = row(emulator, "a", NOTES)
    assert (found["tenant"], found["metadata"]) == ("old", {"label": "x"})


@pytest.mark.parametrize("stored", ["text", [1], None])
def test_stored_metadata_that_is_no_object_is_replaced(emulator: Emulator, stored: Any) -> None:
    emulator.run(lambda ctx: ctx.db.insert("docs_vectors", {"id": "a", "embedding": [1, 0], "metadata": stored}))

    write(emulator, "updateById", id="a", metadata={"n": 1})

    assert row(emulator, "a")["metadata"] == {"n": 1}


def test_update_of_a_missing_id_is_silent(emulator: Emulator) -> None:
    assert write(emulator, "updateById", id="gone", vector=[1, 0]) == {"ok": True}
    assert emulator.table_counts() == {}


# Looked at only when there is something to update.
def test_metadata_for_a_missing_id_is_not_checked(emulator: Emulator) -> None:
    assert write(emulator, "updateById", id="gone", metadata="text") == {"ok": True}


def test_update_of_nothing_is_fine(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0])

    assert write(emulator, "updateById", id="a") == {"ok": True}
    assert row(emulator, "a") == {"id": "a", "embedding": [1, 0]}


@pytest.mark.parametrize("args", [{}, {"id": ""}])
def test_update_needs_an_id(emulator: Emulator, args: dict[str, Any]) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Native vector update: id is required"):
        write(emulator, "updateById", **args)


@pytest.mark.parametrize("metadata", [None, "text", [], 5])
def test_metadata_of_an_update_must_be_an_object(emulator: Emulator, metadata: Any) -> None:
    upsert(emulator, a=[1, 0])

    with pytest.raises(FunctionError, match="Native vector update: metadata must be an object when provided"):
        write(emulator, "updateById", id="a", metadata=metadata)


# deleteByIds


def test_ids_are_deleted_and_missing_ones_ignored(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0], b=[1, 0], c=[1, 0])

    assert write(emulator, "deleteByIds", ids=["c", "gone", "a"]) == {"ok": True}
    assert emulator.table_counts() == {"docs_vectors": 1}


def test_more_than_a_batch_is_deleted_at_once(emulator: Emulator) -> None:
    fill(emulator, 60)

    write(emulator, "deleteByIds", ids=[f"v-{number:05}" for number in range(60)])

    assert emulator.table_counts() == {}


def test_delete_needs_ids(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Native vector deleteByIds: ids are required"):
        write(emulator, "deleteByIds")


# Here ids are not made unique first: the second delete of a row is an error, and all is undone.
def test_one_id_twice_cannot_be_deleted(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0])

    with pytest.raises(FunctionError, match="Delete on nonexistent document ID"):
        write(emulator, "deleteByIds", ids=["a", "a"])

    assert emulator.table_counts() == {"docs_vectors": 1}


# getByConvexIds, listByIds


def convex_ids(emulator: Emulator, *ids: str) -> list[str]:
    return [found["_id"] for found in read(emulator, "listByIds", ids=list(ids))]


def test_rows_are_read_by_their_convex_ids_in_order(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0], b=[0, 1])

    found = read(emulator, "getByConvexIds", ids=convex_ids(emulator, "b", "a"))

    assert [document["id"] for document in found] == ["b", "a"]


@pytest.mark.parametrize("args", [{}, {"includeVector": False}])
def test_vector_is_left_out_by_default(emulator: Emulator, args: dict[str, Any]) -> None:
    upsert_with_metadata(emulator, DOCS, a={"n": 1})

    (found,) = read(emulator, "getByConvexIds", ids=convex_ids(emulator, "a"), **args)

    assert set(found) == {"_id", "_creationTime", "id", "metadata"}


def test_vector_is_there_when_asked_for(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0])

    (found,) = read(emulator, "getByConvexIds", ids=convex_ids(emulator, "a"), includeVector=True)

    assert found["embedding"] == [1, 0]


def test_deleted_rows_are_left_out(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0], b=[0, 1])
    ids = convex_ids(emulator, "a", "b")
    write(emulator, "deleteByIds", ids=["a"])

    assert [document["id"] for document in read(emulator, "getByConvexIds", ids=ids)] == ["b"]


def test_list_by_ids_gives_null_for_missing_ones_and_vectors(emulator: Emulator) -> None:
    upsert(emulator, a=[1, 0], b=[0, 1])

    first, gone, second, again = read(emulator, "listByIds", ids=["b", "gone", "a", "b"])

    assert gone is None
    assert (first["id"], second["id"], again) == ("b", "a", first)
    assert first["embedding"] == [0, 1]


@pytest.mark.parametrize("op", ["getByConvexIds", "listByIds"])
def test_reads_need_ids(emulator: Emulator, op: str) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Native vector query: ids are required"):
        read(emulator, op)


@pytest.mark.parametrize("op", ["getByConvexIds", "listByIds"])
def test_reading_no_ids_is_empty(emulator: Emulator, op: str) -> None:
    assert read(emulator, op, ids=[]) == []


# describe


def test_empty_table_counts_zero(emulator: Emulator) -> None:
    assert read(emulator, "describe") == {"count": 0, "countIsLimited": False}


@pytest.mark.parametrize(
    ("limit", "count", "is_limited"), [(3, 3, False), (2, 2, True), (1, 1, True), (0, 1, True), (-5, 1, True)]
)
def test_count_goes_up_to_its_limit(emulator: Emulator, limit: int, count: int, is_limited: bool) -> None:
    fill(emulator, 3)

    assert read(emulator, "describe", countLimit=limit) == {"count": count, "countIsLimited": is_limited}


# The clamp at 10,000 on both sides; a larger limit changes nothing.
def test_count_is_limited_to_ten_thousand(emulator: Emulator) -> None:
    fill(emulator, 10_000)
    assert read(emulator, "describe") == {"count": 10_000, "countIsLimited": False}

    emulator.run(lambda ctx: ctx.db.insert("docs_vectors", {"id": "one-more", "embedding": [1, 0]}))

    assert read(emulator, "describe") == {"count": 10_000, "countIsLimited": True}
    assert read(emulator, "describe", countLimit=20_000) == {"count": 10_000, "countIsLimited": True}


# Search


def test_search_gives_ids_and_scores_nearest_first(emulator: Emulator) -> None:
    upsert(emulator, a=[0, 1], b=[2, 0], c=[-1, 0])
    near, middle, far = convex_ids(emulator, "b", "a", "c")

    found = search(emulator, [1, 0])

    assert [result["id"] for result in found] == [near, middle, far]
    assert [result["score"] for result in found] == pytest.approx([1, 0, -1])
    assert set(found[0]) == {"id", "score"}


def test_search_of_an_empty_table_finds_nothing(emulator: Emulator) -> None:
    assert search(emulator, [1, 0]) == []


def test_search_without_limit_finds_ten(emulator: Emulator) -> None:
    fill(emulator, 11)

    assert len(search(emulator, [1, 0])) == 10


@pytest.mark.parametrize("limit", [1, 256])
def test_limit_of_a_search_reaches_from_1_to_256(emulator: Emulator, limit: int) -> None:
    fill(emulator, 257)

    assert len(search(emulator, [1, 0], limit=limit)) == limit


@pytest.mark.parametrize("limit", [0, -1, 257, 1.5, float("nan"), float("inf")])
def test_other_limits_of_a_search_are_refused(emulator: Emulator, limit: float) -> None:
    text = "Uncaught Error: Native vector query: limit must be an integer between 1 and 256"
    with pytest.raises(FunctionError, match=text):
        search(emulator, [1, 0], limit=limit)


@pytest.mark.parametrize(("value", "expected"), [("x", ["a"]), (None, ["c"]), (5, ["d"]), (True, ["e"]), ("z", [])])
def test_search_is_filtered_by_a_filter_field(emulator: Emulator, value: Any, expected: list[str]) -> None:
    labels = {"a": "x", "b": "y", "c": None, "d": 5, "e": True}
    upsert_with_metadata(emulator, NOTES, **{record_id: {"label": label} for record_id, label in labels.items()})
    upsert(emulator, NOTES, f=[1, 0])

    found = search(emulator, [1, 0], NOTES, filter={"field": "label", "value": value})

    documents = read(emulator, "getByConvexIds", NOTES, ids=[result["id"] for result in found])
    assert [document["id"] for document in documents] == expected


def test_search_by_an_undeclared_field_fails(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, NOTES, a={"other": 1})

    text = (
        r"Vector query against notes_vectors\.by_embedding contains a filter on \"other\" but that field isn't indexed"
    )
    with pytest.raises(FunctionError, match=text):
        search(emulator, [1, 0], NOTES, filter={"field": "other", "value": 1})


# Mastra documents $or, but an argument with a key that begins with `$` does not reach a deployment.
def test_or_filter_cannot_be_sent(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Field name \$or starts with '\$', which is reserved"):
        search(emulator, [1, 0], NOTES, filter={"$or": [{"field": "label", "value": "x"}]})


# Names of one's own


def test_names_of_the_config_are_used_for_writing_and_reading(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, RENAMED, a={"label": "x"})
    write(emulator, "updateById", RENAMED, id="a", vector=[0, 1], metadata={"n": 1})

    assert row(emulator, "a", RENAMED) == {
        "key": "a",
        "vector": [0, 1],
        "about": {"label": "x", "n": 1},
        "label": "x",
    }


def test_names_of_the_config_are_used_for_searching(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, RENAMED, a={"label": "x"}, b={"label": "y"})

    (found,) = search(emulator, [1, 0], RENAMED, filter={"field": "label", "value": "y"})
    (document,) = read(emulator, "getByConvexIds", RENAMED, ids=[found["id"]])

    assert document["key"] == "b"
    assert "vector" not in document


def test_names_of_the_config_are_used_for_deleting(emulator: Emulator) -> None:
    upsert_with_metadata(emulator, RENAMED, a={}, b={})

    write(emulator, "deleteByIds", RENAMED, ids=["a"])

    assert read(emulator, "describe", RENAMED) == {"count": 1, "countIsLimited": False}

"""Vector tables of `ConvexVector`: replaced rows, what a failed batch leaves, pages and the order of their checks."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator


def storage(emulator: Emulator, op: str, *, index: str = "docs", **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": f"mastra_vector_{index}", **args})


def vectors(count: int) -> list[dict[str, Any]]:
    return [{"id": f"v-{number:03}", "embedding": [float(number)]} for number in range(count)]


def fill(emulator: Emulator, count: int, *, index: str = "docs") -> None:
    assert storage(emulator, "batchInsert", index=index, records=vectors(count)) == {"ok": True}


def content(emulator: Emulator, record_id: str, *, index: str = "docs") -> dict[str, Any]:
    """The row without its system fields."""
    row = storage(emulator, "load", index=index, keys={"id": record_id})["result"]
    return {name: value for name, value in row.items() if not name.startswith("_")}


def stored(emulator: Emulator) -> list[str]:
    return [row["id"] for row in emulator.run(lambda ctx: ctx.db.query("mastra_vectors").collect())]


# Writes


def test_only_id_embedding_and_metadata_are_stored(emulator: Emulator) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1], "metadata": {"a": 1}, "colour": "red"})

    assert content(emulator, "v-1") == {"id": "v-1", "indexName": "docs", "embedding": [1], "metadata": {"a": 1}}


def test_name_of_the_index_in_a_record_is_dropped(emulator: Emulator) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1], "indexName": "notes"})

    assert content(emulator, "v-1")["indexName"] == "docs"


def test_second_insert_replaces_the_vector(emulator: Emulator) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1]})
    storage(emulator, "insert", record={"id": "v-1", "embedding": [2, 3]})

    assert content(emulator, "v-1")["embedding"] == [2, 3]
    assert stored(emulator) == ["v-1"]


# ConvexVector.upsert without metadata erases what was there; the native store keeps it.
@pytest.mark.parametrize("op", ["insert", "batchInsert"])
def test_insert_without_metadata_removes_the_old(emulator: Emulator, op: str) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1], "metadata": {"a": 1}})
    record = {"id": "v-1", "embedding": [2]}

    storage(emulator, op, record=record, records=[record])

    assert content(emulator, "v-1") == {"id": "v-1", "indexName": "docs", "embedding": [2]}


def test_last_duplicate_of_a_batch_wins_at_the_place_of_the_first(emulator: Emulator) -> None:
    records = [
        {"id": "v-1", "embedding": [1], "metadata": {"a": 1}},
        {"id": "v-2", "embedding": [2]},
        {"id": "v-1", "embedding": [3]},
    ]

    storage(emulator, "batchInsert", records=records)

    assert stored(emulator) == ["v-1", "v-2"]
    assert content(emulator, "v-1") == {"id": "v-1", "indexName": "docs", "embedding": [3]}


def test_patch_keeps_what_is_not_sent(emulator: Emulator) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1], "metadata": {"a": 1}})

    storage(emulator, "patch", id="v-1", record={"metadata": {"b": 2}})

    assert content(emulator, "v-1") == {"id": "v-1", "indexName": "docs", "embedding": [1], "metadata": {"b": 2}}


def test_patch_moves_no_row_to_another_index(emulator: Emulator) -> None:
    fill(emulator, 1)

    storage(emulator, "patch", id="v-000", record={"indexName": "notes", "id": "other"})

    assert content(emulator, "v-000")["indexName"] == "docs"


# Unlike insert, patch drops no unknown field, so the schema sees it.
def test_patch_with_an_unknown_field_is_refused(emulator: Emulator) -> None:
    fill(emulator, 1)

    answer = storage(emulator, "patch", id="v-000", record={"colour": "red"})

    assert answer["ok"] is False
    assert "extra field `colour`" in answer["error"]


# Dimensions are never checked: rows of different lengths lie side by side.
def test_vectors_of_different_lengths_are_stored(emulator: Emulator) -> None:
    records = [{"id": "v-1", "embedding": [1]}, {"id": "v-2", "embedding": [1, 2, 3]}, {"id": "v-3", "embedding": []}]

    assert storage(emulator, "batchInsert", records=records) == {"ok": True}


# NaN and Infinity travel as null, which is no number; the schema is the only one who looks.
@pytest.mark.parametrize("embedding", [[None], ["1"], "text", None, {"a": 1}])
def test_embedding_that_is_no_list_of_numbers_is_refused(emulator: Emulator, embedding: Any) -> None:
    answer = storage(emulator, "insert", record={"id": "v-1", "embedding": embedding})

    assert answer["ok"] is False
    assert 'table "mastra_vectors" because it does not match the schema' in answer["error"]
    assert stored(emulator) == []


def test_vector_without_embedding_is_refused(emulator: Emulator) -> None:
    answer = storage(emulator, "insert", record={"id": "v-1"})

    assert answer["ok"] is False
    assert "missing the required field `embedding`" in answer["error"]


# What a failed batch leaves: the call is no failure, so nothing is undone


def test_good_records_of_a_failed_batch_stay(emulator: Emulator) -> None:
    records = vectors(5)
    records[2]["embedding"] = "bad"

    answer = storage(emulator, "batchInsert", records=records)

    assert answer["ok"] is False
    assert stored(emulator) == ["v-000", "v-001", "v-003", "v-004"]


def test_batches_after_a_failed_one_never_start(emulator: Emulator) -> None:
    records = vectors(60)
    records[3]["embedding"] = "bad"

    storage(emulator, "batchInsert", records=records)

    assert stored(emulator) == [f"v-{number:03}" for number in range(25) if number != 3]


def test_batches_before_a_failed_one_stay(emulator: Emulator) -> None:
    records = vectors(60)
    records[30]["embedding"] = "bad"

    storage(emulator, "batchInsert", records=records)

    assert stored(emulator) == [f"v-{number:03}" for number in range(50) if number != 30]


# The last of a batch and the first of the next: twenty-five are written together.
@pytest.mark.parametrize(("bad", "kept"), [(24, 24), (25, 29)])
def test_batches_are_of_twenty_five(emulator: Emulator, bad: int, kept: int) -> None:
    records = vectors(30)
    records[bad]["embedding"] = "bad"

    storage(emulator, "batchInsert", records=records)

    assert len(stored(emulator)) == kept


def test_first_error_of_a_batch_is_told(emulator: Emulator) -> None:
    records = vectors(4)
    records[1]["embedding"] = "bad one"
    records[3]["embedding"] = "bad two"

    assert '"bad one"' in storage(emulator, "batchInsert", records=records)["error"]


# load


@pytest.mark.parametrize("keys", [{}, {"indexName": "docs"}, {"id": ""}])
def test_vectors_are_loaded_by_id_only(emulator: Emulator, keys: dict[str, Any]) -> None:
    fill(emulator, 1)

    assert storage(emulator, "load", keys=keys) == {"ok": True, "result": None}


def test_one_id_in_two_indexes_is_two_rows(emulator: Emulator) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1]})
    storage(emulator, "insert", index="notes", record={"id": "v-1", "embedding": [2]})

    assert content(emulator, "v-1")["embedding"] == [1]
    assert content(emulator, "v-1", index="notes")["embedding"] == [2]


# queryTable without pages


def test_filter_works_after_reading_twice_the_limit(emulator: Emulator) -> None:
    fill(emulator, 6)
    last = [{"field": "id", "value": "v-004"}]

    assert storage(emulator, "queryTable", filters=last, limit=2)["result"] == []
    assert [row["id"] for row in storage(emulator, "queryTable", filters=last, limit=3)["result"]] == ["v-004"]


def test_filter_without_a_value_matches_an_absent_field(emulator: Emulator) -> None:
    storage(emulator, "insert", record={"id": "v-1", "embedding": [1], "metadata": None})
    storage(emulator, "insert", record={"id": "v-2", "embedding": [1]})

    absent = storage(emulator, "queryTable", filters=[{"field": "metadata"}])["result"]
    null = storage(emulator, "queryTable", filters=[{"field": "metadata", "value": None}])["result"]

    assert ([row["id"] for row in absent], [row["id"] for row in null]) == (["v-2"], ["v-1"])


def test_query_without_pages_tells_nothing_about_more(emulator: Emulator) -> None:
    fill(emulator, 3)

    assert set(storage(emulator, "queryTable", limit=1)) == {"ok", "result"}


# Pages


def test_pages_give_every_vector_once(emulator: Emulator) -> None:
    fill(emulator, 5)
    fill(emulator, 3, index="notes")

    pages, cursor, has_more = [], None, True
    while has_more:
        answer = storage(emulator, "queryTable", pageSize=2, cursor=cursor)
        pages.append([row["id"] for row in answer["result"]])
        cursor, has_more = answer["continuationCursor"], answer["hasMore"]

    assert pages == [["v-000", "v-001"], ["v-002", "v-003"], ["v-004"]]


def test_first_page_needs_no_cursor(emulator: Emulator) -> None:
    fill(emulator, 3)

    answer = storage(emulator, "queryTable", pageSize=2)

    assert [row["id"] for row in answer["result"]] == ["v-000", "v-001"]
    assert answer["hasMore"] is True
    assert isinstance(answer["continuationCursor"], str)


def test_page_of_an_empty_index_is_the_last(emulator: Emulator) -> None:
    answer = storage(emulator, "queryTable", pageSize=2)

    assert (answer["result"], answer["hasMore"]) == ([], False)


# The filter works within the page: a client must not stop at an empty one.
def test_filtered_page_may_be_short_or_empty(emulator: Emulator) -> None:
    fill(emulator, 4)
    filters = [{"field": "id", "value": "v-003"}]

    first = storage(emulator, "queryTable", pageSize=2, filters=filters)
    second = storage(emulator, "queryTable", pageSize=2, filters=filters, cursor=first["continuationCursor"])

    assert (first["result"], first["hasMore"]) == ([], True)
    assert [row["id"] for row in second["result"]] == ["v-003"]


def test_cursor_of_another_index_is_refused(emulator: Emulator) -> None:
    fill(emulator, 3)
    fill(emulator, 3, index="notes")
    cursor = storage(emulator, "queryTable", pageSize=1)["continuationCursor"]

    assert storage(emulator, "queryTable", index="notes", pageSize=1, cursor=cursor)["ok"] is False


# The order of the checks, and null counts as given.


@pytest.mark.parametrize("cursor", ["abc", None])
def test_cursor_requires_a_page_size(emulator: Emulator, cursor: str | None) -> None:
    answer = storage(emulator, "queryTable", cursor=cursor, limit=1)

    assert answer == {"ok": False, "error": "queryTable cursor requires pageSize"}


@pytest.mark.parametrize("page_size", [0, -1, 1.5, "2", None, True])
def test_page_size_must_be_a_positive_integer(emulator: Emulator, page_size: Any) -> None:
    answer = storage(emulator, "queryTable", pageSize=page_size, limit=1)

    assert answer == {"ok": False, "error": "queryTable pageSize must be a positive integer"}


@pytest.mark.parametrize("limit", [1, 0, None])
def test_limit_cannot_be_combined_with_a_page_size(emulator: Emulator, limit: int | None) -> None:
    answer = storage(emulator, "queryTable", pageSize=1, limit=limit, cursor="abc")

    assert answer == {"ok": False, "error": "queryTable limit cannot be combined with pageSize"}


def test_smallest_page_holds_one_vector(emulator: Emulator) -> None:
    fill(emulator, 2)

    assert len(storage(emulator, "queryTable", pageSize=1)["result"]) == 1

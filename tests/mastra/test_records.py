"""What typed, vector and fallback tables have in common: ids, batches, ten ids a load, twenty-five rows a delete."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError

# One table of each kind, with the fields its records need beside an id.
KINDS: dict[str, dict[str, Any]] = {
    "mastra_resources": {"createdAt": "2026-01-01", "updatedAt": "2026-01-01"},
    "mastra_vector_docs": {"embedding": [1.0]},
    "something_else": {},
}
# A neighbour in the same physical table, which must not be touched.
NEIGHBOURS = {"mastra_vector_docs": "mastra_vector_docs2", "something_else": "something_else2"}

each_kind = pytest.mark.parametrize("table", KINDS)
each_kind_with_neighbours = pytest.mark.parametrize("table", NEIGHBOURS)


def storage(emulator: Emulator, op: str, table: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": table, **args})


def fill(emulator: Emulator, table: str, count: int, *, like: str | None = None) -> list[str]:
    ids = [f"r-{number:03}" for number in range(count)]
    storage(emulator, "batchInsert", table, records=[{"id": record_id, **KINDS[like or table]} for record_id in ids])
    return ids


def stored_ids(emulator: Emulator, table: str) -> list[str]:
    return [row["id"] for row in storage(emulator, "queryTable", table)["result"]]


# Ids


@each_kind
def test_insert_has_no_result(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "insert", table, record={"id": "r-1", **KINDS[table]}) == {"ok": True}


@each_kind
def test_batch_insert_has_no_result(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "batchInsert", table, records=[{"id": "r-1", **KINDS[table]}]) == {"ok": True}


@each_kind
def test_batch_insert_of_nothing_is_fine(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "batchInsert", table, records=[]) == {"ok": True}
    assert emulator.table_counts() == {}


# The handler asks `if (!id)`, so an empty text and zero are no ids either.
@pytest.mark.parametrize("missing", ["", 0, None, False])
def test_typed_record_with_an_empty_id_is_refused(emulator: Emulator, missing: Any) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Record is missing an id"):
        storage(emulator, "insert", "mastra_resources", record={"id": missing, **KINDS["mastra_resources"]})


@pytest.mark.parametrize("missing", ["", 0, None, False])
def test_vector_record_with_an_empty_id_is_refused(emulator: Emulator, missing: Any) -> None:
    answer = storage(emulator, "insert", "mastra_vector_docs", record={"id": missing, "embedding": [1]})

    assert answer == {"ok": False, "error": "Vector record is missing an id"}


@pytest.mark.parametrize("missing", ["", 0, None, False])
def test_fallback_record_with_an_empty_id_is_refused(emulator: Emulator, missing: Any) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Record for table something_else is missing an id"):
        storage(emulator, "insert", "something_else", record={"id": missing})


@each_kind
def test_batch_insert_skips_records_without_id(emulator: Emulator, table: str) -> None:
    records = [{**KINDS[table]}, {"id": "", **KINDS[table]}, {"id": "r-1", **KINDS[table]}, {"id": 0, **KINDS[table]}]

    assert storage(emulator, "batchInsert", table, records=records) == {"ok": True}
    assert stored_ids(emulator, table) == ["r-1"]


@each_kind
def test_batch_insert_stores_at_the_first_place_of_a_duplicate(emulator: Emulator, table: str) -> None:
    records = [{"id": record_id, **KINDS[table]} for record_id in ("r-1", "r-2", "r-1", "r-3")]

    storage(emulator, "batchInsert", table, records=records)

    assert stored_ids(emulator, table) == ["r-1", "r-2", "r-3"]


@each_kind
def test_batch_insert_stores_more_than_one_batch_in_order(emulator: Emulator, table: str) -> None:
    ids = fill(emulator, table, 60)

    assert stored_ids(emulator, table) == ids


# patch and load


@each_kind
def test_patch_says_that_it_found_the_record(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 1)

    assert storage(emulator, "patch", table, id="r-000", record={"metadata": 1}) == {"ok": True, "result": True}
    assert storage(emulator, "load", table, keys={"id": "r-000"})["result"]["metadata"] == 1


@each_kind
def test_patch_of_a_missing_record_creates_none(emulator: Emulator, table: str) -> None:
    answer = storage(emulator, "patch", table, id="gone", record=KINDS[table])

    assert answer == {"ok": True, "result": False}
    assert emulator.table_counts() == {}


@each_kind
def test_patch_does_not_change_the_id(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 1)

    storage(emulator, "patch", table, id="r-000", record={"id": "other"})

    assert stored_ids(emulator, table) == ["r-000"]


@each_kind
def test_load_of_a_missing_id_is_null(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "load", table, keys={"id": "gone"}) == {"ok": True, "result": None}


@each_kind
def test_load_by_id_ignores_other_keys(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 1)

    answer = storage(emulator, "load", table, keys={"id": "r-000", "createdAt": "another day"})

    assert answer["result"]["id"] == "r-000"


@each_kind
def test_load_from_an_empty_table_is_null(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "load", table, keys={}) == {"ok": True, "result": None}


# loadMany: ten ids a request


@each_kind
def test_ten_ids_can_be_loaded_at_once(emulator: Emulator, table: str) -> None:
    ids = fill(emulator, table, 10)

    assert [row["id"] for row in storage(emulator, "loadMany", table, ids=ids)["result"]] == ids


@pytest.mark.parametrize("table", ["mastra_resources", "something_else"])
def test_eleven_ids_are_refused(emulator: Emulator, table: str) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: loadMany supports at most 10 ids per request"):
        storage(emulator, "loadMany", table, ids=[f"r-{number}" for number in range(11)])


# Counted before duplicates go: a client that sends one id eleven times is refused too.
@pytest.mark.parametrize("table", ["mastra_resources", "something_else"])
def test_one_id_eleven_times_is_refused(emulator: Emulator, table: str) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: loadMany supports at most 10 ids per request"):
        storage(emulator, "loadMany", table, ids=["r-1"] * 11)


def test_one_id_eleven_times_is_refused_for_vectors_as_an_answer(emulator: Emulator) -> None:
    answer = storage(emulator, "loadMany", "mastra_vector_docs", ids=["r-1"] * 11)

    assert answer == {"ok": False, "error": "loadMany supports at most 10 ids per request"}


@each_kind
def test_load_many_keeps_the_order_of_the_request(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 3)

    answer = storage(emulator, "loadMany", table, ids=["r-002", "r-000", "r-001"])

    assert [row["id"] for row in answer["result"]] == ["r-002", "r-000", "r-001"]


@each_kind
def test_load_many_gives_each_record_once_and_drops_missing_ones(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 2)

    answer = storage(emulator, "loadMany", table, ids=["r-001", "gone", "r-000", "r-001"])

    assert [row["id"] for row in answer["result"]] == ["r-001", "r-000"]


@each_kind
def test_load_many_of_nothing_is_empty(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "loadMany", table, ids=[]) == {"ok": True, "result": []}


# Deletes: twenty-five rows a call


@pytest.mark.parametrize("op", ["clearTable", "dropTable"])
@each_kind
def test_clearing_twenty_five_rows_takes_one_call(emulator: Emulator, table: str, op: str) -> None:
    fill(emulator, table, 25)

    assert storage(emulator, op, table) == {"ok": True, "hasMore": False}
    assert emulator.table_counts() == {}


@pytest.mark.parametrize("op", ["clearTable", "dropTable"])
@each_kind
def test_clearing_twenty_six_rows_takes_two_calls(emulator: Emulator, table: str, op: str) -> None:
    fill(emulator, table, 26)

    assert storage(emulator, op, table) == {"ok": True, "hasMore": True}
    assert stored_ids(emulator, table) == ["r-025"]
    assert storage(emulator, op, table) == {"ok": True, "hasMore": False}
    assert emulator.table_counts() == {}


@each_kind
def test_clearing_an_empty_table_is_fine(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "clearTable", table) == {"ok": True, "hasMore": False}


@each_kind_with_neighbours
def test_clearing_leaves_other_tables_rows(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 2)
    fill(emulator, NEIGHBOURS[table], 30, like=table)

    assert storage(emulator, "clearTable", table) == {"ok": True, "hasMore": False}
    assert stored_ids(emulator, table) == []
    assert len(stored_ids(emulator, NEIGHBOURS[table])) == 30


@each_kind_with_neighbours
def test_one_id_in_two_tables_is_two_records(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 1)
    fill(emulator, NEIGHBOURS[table], 1, like=table)

    storage(emulator, "deleteMany", table, ids=["r-000"])

    assert stored_ids(emulator, table) == []
    assert stored_ids(emulator, NEIGHBOURS[table]) == ["r-000"]


@each_kind
def test_delete_many_ignores_missing_ids_and_duplicates(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 3)

    assert storage(emulator, "deleteMany", table, ids=["r-000", "gone", "r-002", "r-000"]) == {"ok": True}
    assert stored_ids(emulator, table) == ["r-001"]


# deleteThread sends all message ids in one request, so neither the ten of loadMany nor the twenty-five apply.
@each_kind
def test_delete_many_has_no_cap(emulator: Emulator, table: str) -> None:
    ids = fill(emulator, table, 60)

    assert storage(emulator, "deleteMany", table, ids=ids) == {"ok": True}
    assert emulator.table_counts() == {}


# queryTable's limit


@each_kind
def test_query_without_limit_returns_all(emulator: Emulator, table: str) -> None:
    ids = fill(emulator, table, 30)

    assert stored_ids(emulator, table) == ids


@each_kind
def test_query_returns_at_most_its_limit(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 5)

    rows = storage(emulator, "queryTable", table, limit=2)["result"]

    assert [row["id"] for row in rows] == ["r-000", "r-001"]


@each_kind
def test_query_reads_twice_its_limit(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 5)

    storage(emulator, "queryTable", table, limit=2)

    assert emulator.usage.documents_read == 4


@pytest.mark.parametrize("limit", [0, None])
@each_kind
def test_zero_and_null_are_no_limit(emulator: Emulator, table: str, limit: int | None) -> None:
    fill(emulator, table, 3)

    assert len(storage(emulator, "queryTable", table, limit=limit)["result"]) == 3


@pytest.mark.parametrize("table", ["mastra_resources", "something_else"])
def test_negative_limit_fails_in_take(emulator: Emulator, table: str) -> None:
    with pytest.raises(FunctionError, match="Uncaught TypeError: Arg 1 `n` to `take` must be a non-negative integer"):
        storage(emulator, "queryTable", table, limit=-1)


def test_negative_limit_is_answered_for_vectors(emulator: Emulator) -> None:
    answer = storage(emulator, "queryTable", "mastra_vector_docs", limit=-1)

    assert answer == {"ok": False, "error": "Arg 1 `n` to `take` must be a non-negative integer"}


# Twice a half is whole for `take`, and `slice` cuts 1.5 down to 1.
@each_kind
def test_limit_of_one_and_a_half_returns_one_row(emulator: Emulator, table: str) -> None:
    fill(emulator, table, 3)

    rows = storage(emulator, "queryTable", table, limit=1.5)["result"]

    assert [row["id"] for row in rows] == ["r-000"]
    assert emulator.usage.documents_read == 3


# Nobody is told that rows beyond the first 10,000 exist: they vanish from queries without a limit.
def test_query_reads_ten_thousand_rows_and_no_more(emulator: Emulator) -> None:
    fill_documents(emulator, "many_rows", 10_001)

    rows = storage(emulator, "queryTable", "many_rows", filters=[{"field": "n", "value": 10_000}])["result"]

    assert rows == []
    assert emulator.usage.documents_read == 10_000


# Twice the limit, but never more than 10,000.
@pytest.mark.parametrize(("limit", "documents_read"), [(4_999, 9_998), (5_000, 10_000), (5_001, 10_000)])
def test_limit_reads_no_more_than_ten_thousand_rows(emulator: Emulator, limit: int, documents_read: int) -> None:
    fill_documents(emulator, "many_rows", 10_001)

    rows = storage(emulator, "queryTable", "many_rows", limit=limit)["result"]

    assert (len(rows), emulator.usage.documents_read) == (limit, documents_read)


def test_row_ten_thousand_is_found_by_its_keys(emulator: Emulator) -> None:
    fill_documents(emulator, "many_rows", 10_001)

    assert storage(emulator, "load", "many_rows", keys={"n": 9_999})["result"] == {"n": 9_999}
    assert storage(emulator, "load", "many_rows", keys={"n": 10_000})["result"] is None


def fill_documents(emulator: Emulator, table: str, count: int) -> None:
    rows = [{"table": table, "primaryKey": str(number), "record": {"n": number}} for number in range(count)]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_documents", row) for row in rows])

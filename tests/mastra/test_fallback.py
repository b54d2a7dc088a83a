"""The fallback table: whole records of tables that Mastra has no typed table for."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError


def storage(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": "my_table", **args})


def load(emulator: Emulator, record_id: Any) -> Any:
    return storage(emulator, "load", keys={"id": record_id})["result"]


def insert(emulator: Emulator, **record: Any) -> None:
    assert storage(emulator, "insert", record=record) == {"ok": True}


def query(emulator: Emulator, **args: Any) -> list[str]:
    return [record["id"] for record in storage(emulator, "queryTable", **args)["result"]]


def documents(emulator: Emulator) -> list[Any]:
    rows = emulator.run(lambda ctx: ctx.db.query("mastra_documents").collect())
    return [(row["table"], row["primaryKey"], row["record"]) for row in rows]


def test_record_is_stored_whole(emulator: Emulator) -> None:
    insert(emulator, id="a", x={"y": [1, None]})

    assert documents(emulator) == [("my_table", "a", {"id": "a", "x": {"y": [1, None]}})]


# Only the record comes back, without the system fields of its row.
def test_record_is_loaded_without_system_fields(emulator: Emulator) -> None:
    insert(emulator, id="a", x=1)

    assert load(emulator, "a") == {"id": "a", "x": 1}


# Unlike typed tables, which merge.
def test_insert_replaces_the_whole_record(emulator: Emulator) -> None:
    insert(emulator, id="a", x=1, y=1)
    insert(emulator, id="a", x=2)

    assert load(emulator, "a") == {"id": "a", "x": 2}
    assert emulator.table_counts() == {"mastra_documents": 1}


def test_number_as_id_becomes_the_text_of_the_key(emulator: Emulator) -> None:
    insert(emulator, id=7, x=1)

    assert documents(emulator) == [("my_table", "7", {"id": 7, "x": 1})]


def test_number_and_its_text_are_one_key(emulator: Emulator) -> None:
    insert(emulator, id=7, x="number")
    insert(emulator, id="7", x="text")

    assert load(emulator, 7) == {"id": "7", "x": "text"}


def test_last_duplicate_of_a_batch_wins_as_a_whole(emulator: Emulator) -> None:
    storage(emulator, "batchInsert", records=[{"id": "a", "x": 1}, {"id": "b"}, {"id": "a", "y": 2}])

    assert documents(emulator) == [("my_table", "a", {"id": "a", "y": 2}), ("my_table", "b", {"id": "b"})]


def test_batch_replaces_stored_records(emulator: Emulator) -> None:
    insert(emulator, id="a", x=1)

    storage(emulator, "batchInsert", records=[{"id": "a", "y": 2}])

    assert load(emulator, "a") == {"id": "a", "y": 2}


# The second record meets two rows of one key, which is an error in the lookup; the first is undone with it.
def test_failed_batch_leaves_nothing(emulator: Emulator) -> None:
    twice = {"table": "my_table", "primaryKey": "bad", "record": {"id": "bad"}}
    emulator.run(lambda ctx: [ctx.db.insert("mastra_documents", twice) for _ in range(2)])

    with pytest.raises(FunctionError, match=r"unique\(\) query returned more than one result"):
        storage(emulator, "batchInsert", records=[{"id": "a"}, {"id": "bad"}])

    assert [key for _, key, _ in documents(emulator)] == ["bad", "bad"]


def test_patch_merges_fields_into_the_record(emulator: Emulator) -> None:
    insert(emulator, id="a", x={"y": 1}, z=1)

    storage(emulator, "patch", id="a", record={"id": "b", "x": {"w": 2}})

    assert load(emulator, "a") == {"id": "a", "x": {"w": 2}, "z": 1}


# Other spellings of a field matter for background tasks only.
def test_patch_keeps_fields_in_another_spelling(emulator: Emulator) -> None:
    insert(emulator, id="a", run_id="1")

    storage(emulator, "patch", id="a", record={"runId": "2"})

    assert load(emulator, "a") == {"id": "a", "run_id": "1", "runId": "2"}


def test_patch_finds_a_number_by_its_text(emulator: Emulator) -> None:
    insert(emulator, id=7)

    assert storage(emulator, "patch", id="7", record={"x": 1}) == {"ok": True, "result": True}


def test_first_record_with_equal_keys_is_loaded(emulator: Emulator) -> None:
    insert(emulator, id="a", x=1)
    insert(emulator, id="b", x=2)
    insert(emulator, id="c", x=2)

    assert storage(emulator, "load", keys={"x": 2})["result"] == {"id": "b", "x": 2}
    assert storage(emulator, "load", keys={"x": 2, "id": ""})["result"] is None
    assert storage(emulator, "load", keys={})["result"] == {"id": "a", "x": 1}


def test_null_key_does_not_match_an_absent_field(emulator: Emulator) -> None:
    insert(emulator, id="a")
    insert(emulator, id="b", x=None)

    assert storage(emulator, "load", keys={"x": None})["result"] == {"id": "b", "x": None}


def test_load_many_gives_records(emulator: Emulator) -> None:
    insert(emulator, id="a", x=1)
    insert(emulator, id="b")

    assert storage(emulator, "loadMany", ids=["b", "gone", "a"])["result"] == [{"id": "b"}, {"id": "a", "x": 1}]


# queryTable: filters work after the limit has been read


@pytest.fixture
def six_records(emulator: Emulator) -> Emulator:
    """Records a to f, in that order; the colour is red for a, e and f."""
    for record_id, colour in zip("abcdef", ("red", "blue", "blue", "blue", "red", "red"), strict=True):
        insert(emulator, id=record_id, colour=colour)
    return emulator


# Users get fewer rows than there are: two times two are read, and only then looked at.
def test_limit_reads_twice_itself_before_filtering(six_records: Emulator) -> None:
    red = [{"field": "colour", "value": "red"}]

    assert query(six_records, filters=red, limit=2) == ["a"]
    assert query(six_records, filters=red, limit=3) == ["a", "e", "f"]
    assert query(six_records, filters=red) == ["a", "e", "f"]


def test_limit_cuts_what_passed_the_filters(six_records: Emulator) -> None:
    assert query(six_records, filters=[{"field": "colour", "value": "blue"}], limit=2) == ["b", "c"]


def test_limit_zero_is_none(six_records: Emulator) -> None:
    assert query(six_records, limit=0) == ["a", "b", "c", "d", "e", "f"]


def test_every_filter_must_hold(six_records: Emulator) -> None:
    red_a = [{"field": "colour", "value": "red"}, {"field": "id", "value": "a"}]
    red_and_blue = [{"field": "colour", "value": "red"}, {"field": "colour", "value": "blue"}]

    assert query(six_records, filters=red_a) == ["a"]
    assert query(six_records, filters=red_and_blue) == []


def test_null_filter_does_not_match_an_absent_field(six_records: Emulator) -> None:
    insert(six_records, id="g", size=None)

    assert query(six_records, filters=[{"field": "size", "value": None}]) == ["g"]


def test_filter_without_a_value_matches_an_absent_field(six_records: Emulator) -> None:
    insert(six_records, id="g", size=None)

    assert query(six_records, filters=[{"field": "size"}]) == ["a", "b", "c", "d", "e", "f"]


def test_filter_finds_no_other_spelling(emulator: Emulator) -> None:
    insert(emulator, id="a", run_id="1")

    assert query(emulator, filters=[{"field": "runId", "value": "1"}]) == []


def test_index_hint_and_paging_are_ignored(six_records: Emulator) -> None:
    answer = storage(six_records, "queryTable", indexHint={"index": "by_workflow"}, pageSize=1, cursor="x", limit=1)

    assert answer == {"ok": True, "result": [{"id": "a", "colour": "red"}]}


def test_filters_that_are_a_text_are_a_type_error(emulator: Emulator) -> None:
    insert(emulator, id="a")

    with pytest.raises(FunctionError, match=r"Uncaught TypeError: request\.filters\.every is not a function"):
        storage(emulator, "queryTable", filters="colour")

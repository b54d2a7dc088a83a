"""Threads and resources: metadata merged on the server, so that parallel updates keep each other's fields."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError

THREAD: dict[str, Any] = {"resourceId": "r-1", "title": "T", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"}


def storage(emulator: Emulator, op: str, table: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": table, **args})


def insert_thread(emulator: Emulator, **fields: Any) -> None:
    storage(emulator, "insert", "mastra_threads", record={"id": "t-1", **THREAD, **fields})


def update_thread(emulator: Emulator, **args: Any) -> Any:
    request = {"id": "t-1", "title": "U", "updatedAt": "2026-01-02", **args}
    return storage(emulator, "updateThread", "mastra_threads", **request)["result"]


def thread(emulator: Emulator) -> Any:
    return storage(emulator, "load", "mastra_threads", keys={"id": "t-1"})["result"]


def update_resource(emulator: Emulator, **args: Any) -> Any:
    request = {"resourceId": "r-1", "createdAt": "2026-01-02", "updatedAt": "2026-01-02", **args}
    return storage(emulator, "updateResource", "mastra_resources", **request)["result"]


def resource(emulator: Emulator) -> Any:
    return storage(emulator, "load", "mastra_resources", keys={"id": "r-1"})["result"]


# updateThread


def test_thread_is_updated(emulator: Emulator) -> None:
    insert_thread(emulator)

    update_thread(emulator, metadata={})

    row = thread(emulator)
    assert (row["title"], row["updatedAt"], row["createdAt"]) == ("U", "2026-01-02", "2026-01-01")


def test_result_is_the_stored_row_with_its_system_fields(emulator: Emulator) -> None:
    insert_thread(emulator)

    result = update_thread(emulator, metadata={"a": 1})

    assert result == thread(emulator)
    assert "_creationTime" in result


def test_missing_thread_is_null_and_stays_missing(emulator: Emulator) -> None:
    assert update_thread(emulator, metadata={}) is None
    assert emulator.table_counts() == {}


def test_metadata_of_a_thread_is_merged_shallowly(emulator: Emulator) -> None:
    insert_thread(emulator, metadata={"a": 1, "b": {"x": 1}, "c": 1})

    result = update_thread(emulator, metadata={"b": {"y": 2}, "c": None})

    assert result["metadata"] == {"a": 1, "b": {"y": 2}, "c": None}


@pytest.mark.parametrize("sent", [{}, {"metadata": None}])
def test_thread_keeps_its_metadata_when_none_is_sent(emulator: Emulator, sent: dict[str, Any]) -> None:
    insert_thread(emulator, metadata={"a": 1})

    assert update_thread(emulator, **sent)["metadata"] == {"a": 1}


# Older versions stored metadata as JSON text, some of them twice.
@pytest.mark.parametrize("stored", ['{"a":1}', '"{\\"a\\":1}"', '"\\"{\\\\\\"a\\\\\\":1}\\""'])
def test_metadata_stored_as_text_is_parsed_until_it_is_none(emulator: Emulator, stored: str) -> None:
    insert_thread(emulator, metadata=stored)

    assert update_thread(emulator, metadata={"b": 2})["metadata"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("stored", ["{a", "", "null", "[1]", "5", '"text"', None, [1], 5, True])
def test_stored_metadata_that_is_no_object_is_dropped(emulator: Emulator, stored: Any) -> None:
    insert_thread(emulator, metadata=stored)

    assert update_thread(emulator, metadata={"b": 2})["metadata"] == {"b": 2}


def test_thread_without_metadata_gets_an_empty_one(emulator: Emulator) -> None:
    insert_thread(emulator)

    assert update_thread(emulator)["metadata"] == {}


# 1.5.2 always needs the title: an absent one removes the field, which the schema refuses.
@pytest.mark.parametrize("missing", ["title", "updatedAt"])
def test_absent_field_of_an_update_fails_the_schema(emulator: Emulator, missing: str) -> None:
    insert_thread(emulator)
    request = {"id": "t-1", "title": "U", "metadata": {}, "updatedAt": "2026-01-02"}
    del request[missing]

    with pytest.raises(FunctionError, match=f"missing the required field `{missing}`"):
        storage(emulator, "updateThread", "mastra_threads", **request)

    assert thread(emulator)["title"] == "T"


def test_update_of_a_thread_without_id_finds_none(emulator: Emulator) -> None:
    insert_thread(emulator)

    assert storage(emulator, "updateThread", "mastra_threads", title="U", updatedAt="b") == {"ok": True, "result": None}


# updateResource


def test_missing_resource_is_created(emulator: Emulator) -> None:
    update_resource(emulator, workingMemory="notes", metadata={"a": 1})

    row = resource(emulator)
    assert (row["workingMemory"], row["metadata"], row["createdAt"]) == ("notes", {"a": 1}, "2026-01-02")


def test_created_resource_is_returned_without_system_fields(emulator: Emulator) -> None:
    result = update_resource(emulator, workingMemory="notes")

    assert result == {
        "id": "r-1",
        "workingMemory": "notes",
        "metadata": {},
        "createdAt": "2026-01-02",
        "updatedAt": "2026-01-02",
    }


@pytest.mark.parametrize("sent", [{}, {"metadata": None}])
def test_created_resource_has_empty_metadata_by_default(emulator: Emulator, sent: dict[str, Any]) -> None:
    result = update_resource(emulator, **sent)

    assert result == {"id": "r-1", "metadata": {}, "createdAt": "2026-01-02", "updatedAt": "2026-01-02"}
    assert "workingMemory" not in resource(emulator)


def test_update_of_nothing_moves_the_time_only(emulator: Emulator) -> None:
    update_resource(emulator, workingMemory="notes", metadata={"a": 1})
    before = resource(emulator)

    update_resource(emulator, createdAt="2026-01-09", updatedAt="2026-01-09")

    assert resource(emulator) == {**before, "updatedAt": "2026-01-09"}


def test_working_memory_is_replaced_and_metadata_kept(emulator: Emulator) -> None:
    update_resource(emulator, workingMemory="notes", metadata={"a": 1})

    result = update_resource(emulator, workingMemory="")

    assert (result["workingMemory"], result["metadata"]) == ("", {"a": 1})


def test_metadata_of_a_resource_is_merged(emulator: Emulator) -> None:
    update_resource(emulator, workingMemory="notes", metadata={"a": 1, "b": 1})

    result = update_resource(emulator, metadata={"b": 2})

    assert (result["workingMemory"], result["metadata"]) == ("notes", {"a": 1, "b": 2})


def test_null_metadata_keeps_what_is_stored(emulator: Emulator) -> None:
    update_resource(emulator, metadata={"a": 1})

    assert update_resource(emulator, metadata=None)["metadata"] == {"a": 1}


# Not sent is not null: text that is stored stays text until somebody sends metadata.
def test_stored_text_is_parsed_only_when_metadata_is_sent(emulator: Emulator) -> None:
    update_resource(emulator, metadata='{"a":1}')

    assert update_resource(emulator)["metadata"] == '{"a":1}'
    assert update_resource(emulator, metadata={"b": 2})["metadata"] == {"a": 1, "b": 2}


def test_updated_resource_is_returned_with_system_fields(emulator: Emulator) -> None:
    update_resource(emulator)

    assert update_resource(emulator, workingMemory="notes") == resource(emulator)


def test_null_working_memory_is_refused_for_a_new_resource(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Path: \.workingMemory\nValue: null"):
        update_resource(emulator, workingMemory=None)


def test_null_working_memory_is_refused_for_a_stored_resource(emulator: Emulator) -> None:
    update_resource(emulator, workingMemory="notes")

    with pytest.raises(FunctionError, match=r"Path: \.workingMemory\nValue: null"):
        update_resource(emulator, workingMemory=None)

    assert resource(emulator)["workingMemory"] == "notes"


def test_resource_without_times_is_not_created(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="missing the required field `createdAt`"):
        storage(emulator, "updateResource", "mastra_resources", resourceId="r-1", updatedAt="2026-01-02")

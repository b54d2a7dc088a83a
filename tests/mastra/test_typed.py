"""Typed tables: writes merge, batches stand or fall as a whole, lookups by other keys than the id."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError

THREAD: dict[str, Any] = {"resourceId": "r-1", "title": "T", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
RESOURCE: dict[str, Any] = {"createdAt": "2026-01-01", "updatedAt": "2026-01-01"}


def storage(emulator: Emulator, op: str, table: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": table, **args})


def load(emulator: Emulator, table: str, **keys: Any) -> Any:
    return storage(emulator, "load", table, keys=keys)["result"]


def insert(emulator: Emulator, table: str, **record: Any) -> None:
    assert storage(emulator, "insert", table, record=record) == {"ok": True}


def insert_run(emulator: Emulator, name: str, run: str, **fields: Any) -> None:
    record = {"id": f"{name}-{run}", "workflow_name": name, "run_id": run, "snapshot": "{}", **RESOURCE, **fields}
    insert(emulator, "mastra_workflow_snapshot", **record)


# insert


# Threads go to users as they are, so the system fields are part of what a client sees.
def test_row_keeps_its_system_fields(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)

    row = load(emulator, "mastra_threads", id="t-1")

    assert set(row) == {"_id", "_creationTime", "id", "resourceId", "title", "createdAt", "updatedAt"}
    assert isinstance(row["_id"], str)
    assert isinstance(row["_creationTime"], float)


def test_insert_of_an_existing_id_keeps_fields_that_are_not_sent(emulator: Emulator) -> None:
    insert(emulator, "mastra_resources", id="r-1", workingMemory="old", metadata={"a": 1}, **RESOURCE)

    insert(emulator, "mastra_resources", id="r-1", workingMemory="new")

    row = load(emulator, "mastra_resources", id="r-1")
    assert (row["workingMemory"], row["metadata"], row["createdAt"]) == ("new", {"a": 1}, "2026-01-01")


# A patch is shallow: metadata is replaced as a whole.
def test_insert_of_an_existing_id_replaces_whole_fields(emulator: Emulator) -> None:
    insert(emulator, "mastra_resources", id="r-1", metadata={"a": 1}, **RESOURCE)

    insert(emulator, "mastra_resources", id="r-1", metadata={"b": 2})

    assert load(emulator, "mastra_resources", id="r-1")["metadata"] == {"b": 2}


def test_insert_of_an_existing_id_keeps_its_place(emulator: Emulator) -> None:
    for record_id in ("r-1", "r-2", "r-1"):
        insert(emulator, "mastra_resources", id=record_id, **RESOURCE)

    rows = storage(emulator, "queryTable", "mastra_resources")["result"]

    assert [row["id"] for row in rows] == ["r-1", "r-2"]


# updateMessages sends the loaded row back as it is.
def test_loaded_row_can_be_sent_back_with_its_system_fields(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)
    row = load(emulator, "mastra_threads", id="t-1")

    insert(emulator, "mastra_threads", **{**row, "title": "U"})

    assert load(emulator, "mastra_threads", id="t-1") == {**row, "title": "U"}


def test_other_creation_time_is_refused(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)
    row = load(emulator, "mastra_threads", id="t-1")

    with pytest.raises(FunctionError, match="doesn't match '_creationTime' field"):
        insert(emulator, "mastra_threads", **{**row, "_creationTime": 5})


def test_new_record_cannot_bring_its_system_fields(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)
    row = load(emulator, "mastra_threads", id="t-1")

    with pytest.raises(FunctionError, match="doesn't match '_id' field"):
        insert(emulator, "mastra_threads", **{**row, "id": "t-2"})


# Optional text means absent, not null; jsonb columns are any and take null.
def test_null_for_an_optional_text_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Path: \.workingMemory\nValue: null"):
        insert(emulator, "mastra_resources", id="r-1", workingMemory=None, **RESOURCE)


def test_null_metadata_is_stored_as_null(emulator: Emulator) -> None:
    insert(emulator, "mastra_resources", id="r-1", metadata=None, **RESOURCE)

    assert load(emulator, "mastra_resources", id="r-1")["metadata"] is None


def test_thread_without_title_is_refused(emulator: Emulator) -> None:
    without_title = {name: value for name, value in THREAD.items() if name != "title"}

    with pytest.raises(FunctionError, match="missing the required field `title`"):
        insert(emulator, "mastra_threads", id="t-1", **without_title)


def test_field_the_table_lacks_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="extra field `colour`"):
        insert(emulator, "mastra_threads", id="t-1", colour="red", **THREAD)


def test_number_as_id_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Path: \.id\nValue: 7\.0"):
        insert(emulator, "mastra_threads", id=7, **THREAD)


# Upstream looks records up with unique(): two rows of one id are a fault of the data, not a choice.
def test_two_rows_with_one_id_are_an_error(emulator: Emulator) -> None:
    emulator.run(lambda ctx: [ctx.db.insert("mastra_threads", {"id": "t-1", **THREAD}) for _ in range(2)])

    with pytest.raises(FunctionError, match=r"unique\(\) query returned more than one result from table mastra_thre"):
        load(emulator, "mastra_threads", id="t-1")


# batchInsert


def test_duplicates_in_a_batch_are_merged_field_by_field(emulator: Emulator) -> None:
    records = [
        {"id": "r-1", "workingMemory": "first", "metadata": {"a": 1}, **RESOURCE},
        {"id": "r-1", "workingMemory": "second", "updatedAt": "2026-01-02"},
    ]

    storage(emulator, "batchInsert", "mastra_resources", records=records)

    row = load(emulator, "mastra_resources", id="r-1")
    assert (row["workingMemory"], row["metadata"], row["updatedAt"]) == ("second", {"a": 1}, "2026-01-02")
    assert emulator.table_counts() == {"mastra_resources": 1}


def test_batch_patches_rows_that_exist(emulator: Emulator) -> None:
    insert(emulator, "mastra_resources", id="r-1", workingMemory="old", **RESOURCE)
    records = [{"id": "r-1", "metadata": {"a": 1}}, {"id": "r-2", **RESOURCE}]

    storage(emulator, "batchInsert", "mastra_resources", records=records)

    row = load(emulator, "mastra_resources", id="r-1")
    assert (row["workingMemory"], row["metadata"]) == ("old", {"a": 1})
    assert emulator.table_counts() == {"mastra_resources": 2}


# saveMessages relies on it: one bad message among many leaves none of them.
@pytest.mark.parametrize("bad", [0, 30, 59])
def test_failed_batch_leaves_nothing(emulator: Emulator, bad: int) -> None:
    records = [{"id": f"r-{number}", **RESOURCE} for number in range(60)]
    records[bad]["createdAt"] = 5

    with pytest.raises(FunctionError, match=r"Path: \.createdAt"):
        storage(emulator, "batchInsert", "mastra_resources", records=records)

    assert emulator.table_counts() == {}


def test_failed_batch_undoes_patches(emulator: Emulator) -> None:
    insert(emulator, "mastra_resources", id="r-1", workingMemory="old", **RESOURCE)
    records = [{"id": "r-1", "workingMemory": "new"}, {"id": "r-2"}]

    with pytest.raises(FunctionError, match="missing the required field"):
        storage(emulator, "batchInsert", "mastra_resources", records=records)

    assert load(emulator, "mastra_resources", id="r-1")["workingMemory"] == "old"


# patch


def test_patch_changes_what_is_sent(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)

    storage(emulator, "patch", "mastra_threads", id="t-1", record={"title": "U"})

    row = load(emulator, "mastra_threads", id="t-1")
    assert (row["title"], row["resourceId"]) == ("U", "r-1")


def test_patch_without_record_changes_nothing(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)
    before = load(emulator, "mastra_threads", id="t-1")

    assert storage(emulator, "patch", "mastra_threads", id="t-1") == {"ok": True, "result": True}
    assert load(emulator, "mastra_threads", id="t-1") == before


def test_patch_against_the_schema_fails(emulator: Emulator) -> None:
    insert(emulator, "mastra_threads", id="t-1", **THREAD)

    with pytest.raises(FunctionError, match=r"Path: \.title"):
        storage(emulator, "patch", "mastra_threads", id="t-1", record={"title": 5})


# load by other keys


@pytest.fixture
def threads(emulator: Emulator) -> Emulator:
    for record_id, resource, metadata in (("t-1", "r-1", {"a": 1}), ("t-2", "r-2", None), ("t-3", "r-2", {"a": 1})):
        insert(emulator, "mastra_threads", id=record_id, **{**THREAD, "resourceId": resource, "metadata": metadata})
    return emulator


def test_first_row_with_equal_keys_is_loaded(threads: Emulator) -> None:
    assert load(threads, "mastra_threads", resourceId="r-2")["id"] == "t-2"


def test_every_key_must_be_equal(threads: Emulator) -> None:
    assert load(threads, "mastra_threads", resourceId="r-2", title="U") is None


def test_no_keys_load_the_first_row(threads: Emulator) -> None:
    assert load(threads, "mastra_threads")["id"] == "t-1"


# An empty id is no id, but a key like any other: no row has it.
@pytest.mark.parametrize("empty", ["", 0, None])
def test_empty_id_is_compared_as_a_key(threads: Emulator, empty: Any) -> None:
    assert load(threads, "mastra_threads", id=empty) is None
    assert threads.usage.documents_read == 3


def test_null_key_matches_null_only(threads: Emulator) -> None:
    insert(threads, "mastra_threads", id="t-4", **THREAD)

    assert load(threads, "mastra_threads", metadata=None)["id"] == "t-2"
    assert load(threads, "mastra_threads", title=None) is None


# `===` on objects compares identity, and no object of a request is one of the database.
def test_object_key_matches_nothing(threads: Emulator) -> None:
    assert load(threads, "mastra_threads", metadata={"a": 1}) is None


def test_key_is_equal_only_within_its_type(threads: Emulator) -> None:
    insert(threads, "mastra_vector_indexes", id="i-1", indexName="i", dimension=3, metric="cosine", createdAt="a")

    assert load(threads, "mastra_vector_indexes", dimension=3)["id"] == "i-1"
    assert load(threads, "mastra_vector_indexes", dimension="3") is None


# Only the first 10,000 rows are looked at; the row after them cannot be loaded by its keys.
def test_row_ten_thousand_and_one_is_out_of_reach(emulator: Emulator) -> None:
    row = {"platform": "p", "data": "", "updatedAt": ""}
    emulator.run(lambda ctx: [ctx.db.insert("mastra_channel_config", {"id": str(n), **row}) for n in range(9_999)])
    emulator.run(lambda ctx: ctx.db.insert("mastra_channel_config", {"id": "last", **row, "data": "10,000"}))
    emulator.run(lambda ctx: ctx.db.insert("mastra_channel_config", {"id": "beyond", **row, "data": "10,001"}))

    assert load(emulator, "mastra_channel_config", data="10,000")["id"] == "last"
    assert load(emulator, "mastra_channel_config", data="10,001") is None
    assert emulator.usage.documents_read == 10_000


# load of a run


def test_run_is_loaded_by_its_index(emulator: Emulator) -> None:
    for run in ("1", "2", "3"):
        insert_run(emulator, "w", run)

    assert load(emulator, "mastra_workflow_snapshot", workflow_name="w", run_id="3")["id"] == "w-3"
    assert emulator.usage.documents_read == 1


def test_run_is_loaded_whatever_else_is_asked(emulator: Emulator) -> None:
    insert_run(emulator, "w", "1")

    row = load(emulator, "mastra_workflow_snapshot", workflow_name="w", run_id="1", resourceId="someone")

    assert row["id"] == "w-1"


def test_missing_run_is_null(emulator: Emulator) -> None:
    insert_run(emulator, "w", "1")

    assert load(emulator, "mastra_workflow_snapshot", workflow_name="w", run_id="2") is None


def test_run_id_alone_is_a_key_like_others(emulator: Emulator) -> None:
    insert_run(emulator, "w", "1")
    insert_run(emulator, "x", "1")

    assert load(emulator, "mastra_workflow_snapshot", run_id="1")["id"] == "w-1"
    assert load(emulator, "mastra_workflow_snapshot", workflow_name="w", run_id=1) is None


# The id is workflowName-runId, so these two runs are one row: the second overwrites the first.
def test_ids_of_runs_collide(emulator: Emulator) -> None:
    insert_run(emulator, "a-b", "c")
    insert_run(emulator, "a", "b-c")

    assert emulator.table_counts() == {"mastra_workflow_snapshots": 1}
    assert load(emulator, "mastra_workflow_snapshot", workflow_name="a-b", run_id="c") is None
    assert load(emulator, "mastra_workflow_snapshot", workflow_name="a", run_id="b-c")["id"] == "a-b-c"

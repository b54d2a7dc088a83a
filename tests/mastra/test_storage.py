"""Who answers a request to `storage:handle`: logical names of tables, the two error styles, unknown operations."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError

THREAD = {"resourceId": "r-1", "title": "T", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
TYPED_TABLES = [
    "mastra_threads",
    "mastra_messages",
    "mastra_resources",
    "mastra_workflow_snapshot",
    "mastra_scorers",
    "mastra_schedules",
    "mastra_schedule_triggers",
    "mastra_channel_installations",
    "mastra_channel_config",
    "mastra_background_tasks",
    "mastra_vector_indexes",
    "mastra_observational_memory",
]
# Every operation that only typed tables have.
TYPED_OPERATIONS = [
    "updateThread",
    "updateResource",
    "mergeWorkflowStepResult",
    "mergeWorkflowState",
    "createSchedule",
    "recordScheduleTrigger",
    "listDueSchedules",
    "updateScheduleNextFire",
    "updateSchedule",
    "listScheduleTriggers",
    "deleteScheduleTriggers",
    "omGetLatest",
    "omGetHistory",
    "omUpdateActive",
    "omAppendBufferedChunk",
    "omSwapBuffered",
    "omUpdateBufferedReflection",
    "omSwapBufferedReflection",
    "omUpdateConfig",
]


def storage(emulator: Emulator, op: str, table: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": table, **args})


# The table's name


def test_request_without_table_name_is_answered_with_the_error_of_javascript(emulator: Emulator) -> None:
    answer = emulator.mutation("mastra/storage:handle", {"op": "queryTable"})

    assert answer == {"ok": False, "error": "Cannot read properties of undefined (reading 'startsWith')"}


def test_null_as_table_name_is_answered_with_the_error_of_javascript(emulator: Emulator) -> None:
    answer = emulator.mutation("mastra/storage:handle", {"op": "queryTable", "tableName": None})

    assert answer == {"ok": False, "error": "Cannot read properties of null (reading 'startsWith')"}


def test_number_as_table_name_is_answered_with_the_error_of_javascript(emulator: Emulator) -> None:
    answer = emulator.mutation("mastra/storage:handle", {"op": "queryTable", "tableName": 5})

    assert answer == {"ok": False, "error": "tableName.startsWith is not a function"}


def test_workflow_table_is_stored_under_its_physical_name(emulator: Emulator) -> None:
    run = {"id": "w-1", "workflow_name": "w", "run_id": "1", "snapshot": "{}", "createdAt": "a", "updatedAt": "a"}

    storage(emulator, "insert", "mastra_workflow_snapshot", record=run)

    assert emulator.table_counts() == {"mastra_workflow_snapshots": 1}


def test_vector_tables_share_one_table(emulator: Emulator) -> None:
    storage(emulator, "insert", "mastra_vector_docs", record={"id": "v-1", "embedding": [1]})
    storage(emulator, "insert", "mastra_vector_notes", record={"id": "v-1", "embedding": [2]})

    assert emulator.table_counts() == {"mastra_vectors": 2}


# Only the beginning of the name is cut, once: an index may have the prefix in its own name.
def test_name_of_an_index_keeps_a_second_prefix(emulator: Emulator) -> None:
    storage(emulator, "insert", "mastra_vector_mastra_vector_x", record={"id": "v-1", "embedding": [1]})

    row = storage(emulator, "load", "mastra_vector_mastra_vector_x", keys={"id": "v-1"})["result"]
    assert row["indexName"] == "mastra_vector_x"


# A vector index named "indexes" would be mastra_vector_indexes, which is the table of the indexes themselves.
def test_index_named_indexes_is_the_table_of_indexes(emulator: Emulator) -> None:
    record = {"id": "i-1", "indexName": "i-1", "dimension": 3, "metric": "cosine", "createdAt": "a"}

    storage(emulator, "insert", "mastra_vector_indexes", record=record)

    assert emulator.table_counts() == {"mastra_vector_indexes": 1}


def test_index_named_indexes_refuses_vectors(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match='table "mastra_vector_indexes" because it does not match the schema'):
        storage(emulator, "insert", "mastra_vector_indexes", record={"id": "v-2", "embedding": [1]})


# Physical names are no logical ones, so their records go to the fallback table.
@pytest.mark.parametrize("name", ["mastra_vectors", "mastra_workflow_snapshots", "mastra_cache", "something_else"])
def test_other_names_go_to_the_fallback_table(emulator: Emulator, name: str) -> None:
    storage(emulator, "insert", name, record={"id": "d-1"})

    assert emulator.table_counts() == {"mastra_documents": 1}


@pytest.mark.parametrize("name", TYPED_TABLES)
def test_typed_tables_do_not_use_the_fallback_table(emulator: Emulator, name: str) -> None:
    emulator.run(lambda ctx: ctx.db.insert("mastra_documents", {"table": name, "primaryKey": "d-2", "record": {}}))

    answer = storage(emulator, "clearTable", name)

    # Background tasks are the exception: older versions kept them in the fallback table.
    cleared = 1 if name == "mastra_background_tasks" else 0
    assert answer == {"ok": True, "hasMore": False}
    assert emulator.table_counts().get("mastra_documents", 0) == 1 - cleared


# Unknown operations


@pytest.mark.parametrize("table", ["mastra_threads", "mastra_background_tasks", "mastra_vector_docs", "something_else"])
def test_unknown_operation_is_refused_by_name(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "explode", table) == {"ok": False, "error": "Unsupported operation explode"}


@pytest.mark.parametrize("table", ["mastra_threads", "mastra_vector_docs", "something_else"])
def test_missing_operation_is_refused_as_undefined(emulator: Emulator, table: str) -> None:
    answer = emulator.mutation("mastra/storage:handle", {"tableName": table})

    assert answer == {"ok": False, "error": "Unsupported operation undefined"}


@pytest.mark.parametrize("op", TYPED_OPERATIONS)
def test_vector_tables_have_no_operation_of_typed_tables(emulator: Emulator, op: str) -> None:
    assert storage(emulator, op, "mastra_vector_docs") == {"ok": False, "error": f"Unsupported operation {op}"}


@pytest.mark.parametrize("op", TYPED_OPERATIONS)
def test_fallback_table_has_no_operation_of_typed_tables(emulator: Emulator, op: str) -> None:
    assert storage(emulator, op, "something_else") == {"ok": False, "error": f"Unsupported operation {op}"}


@pytest.mark.parametrize("op", ["updateThread", "updateResource", "mergeWorkflowStepResult", "mergeWorkflowState"])
def test_operation_of_another_typed_table_is_refused_as_an_answer(emulator: Emulator, op: str) -> None:
    answer = storage(emulator, op, "mastra_messages")

    assert answer == {"ok": False, "error": f"Unsupported operation {op} for table mastra_messages"}


@pytest.mark.parametrize(
    ("op", "table"),
    [
        ("createSchedule", "mastra_schedules"),
        ("recordScheduleTrigger", "mastra_schedule_triggers"),
        ("listDueSchedules", "mastra_schedules"),
        ("updateScheduleNextFire", "mastra_schedules"),
        ("updateSchedule", "mastra_schedules"),
        ("listScheduleTriggers", "mastra_schedule_triggers"),
        ("deleteScheduleTriggers", "mastra_schedule_triggers"),
        ("omGetLatest", "mastra_observational_memory"),
        ("omGetHistory", "mastra_observational_memory"),
        ("omUpdateActive", "mastra_observational_memory"),
        ("omAppendBufferedChunk", "mastra_observational_memory"),
        ("omSwapBuffered", "mastra_observational_memory"),
        ("omUpdateBufferedReflection", "mastra_observational_memory"),
        ("omSwapBufferedReflection", "mastra_observational_memory"),
        ("omUpdateConfig", "mastra_observational_memory"),
    ],
)
def test_schedule_and_memory_operations_fail_on_another_typed_table(emulator: Emulator, op: str, table: str) -> None:
    with pytest.raises(FunctionError, match=f"Uncaught Error: {op} is only supported for {table}"):
        storage(emulator, op, "mastra_messages")


# Background tasks catch everything, so the same fault is an answer there.
def test_schedule_operation_on_background_tasks_is_refused_as_an_answer(emulator: Emulator) -> None:
    answer = storage(emulator, "listDueSchedules", "mastra_background_tasks", now=0)

    assert answer == {"ok": False, "error": "listDueSchedules is only supported for mastra_schedules"}


# The two error styles


# Upstream returns the typed branch without awaiting it, so its errors escape the handler's try and catch.
def test_typed_table_fails_the_whole_mutation(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Record is missing an id"):
        storage(emulator, "insert", "mastra_threads", record=THREAD)


def test_fallback_table_fails_the_whole_mutation(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Record for table something_else is missing an id"):
        storage(emulator, "insert", "something_else", record={"x": 1})


def test_vector_table_answers_its_error(emulator: Emulator) -> None:
    answer = storage(emulator, "insert", "mastra_vector_docs", record={"embedding": [1]})

    assert answer == {"ok": False, "error": "Vector record is missing an id"}


def test_background_tasks_answer_their_error(emulator: Emulator) -> None:
    answer = storage(emulator, "insert", "mastra_background_tasks", record={"status": "pending"})

    assert answer == {"ok": False, "error": "Record is missing an id"}


# Missing arguments: the texts of V8


@pytest.mark.parametrize(
    ("op", "text"),
    [
        ("insert", r"Cannot read properties of undefined \(reading 'id'\)"),
        ("load", r"Cannot read properties of undefined \(reading 'id'\)"),
        ("loadMany", r"Cannot read properties of undefined \(reading 'length'\)"),
        ("batchInsert", "records is not iterable"),
    ],
)
@pytest.mark.parametrize("table", ["mastra_threads", "something_else"])
def test_missing_argument_is_a_type_error(emulator: Emulator, op: str, text: str, table: str) -> None:
    with pytest.raises(FunctionError, match=f"Uncaught TypeError: {text}"):
        storage(emulator, op, table)


@pytest.mark.parametrize(
    ("op", "text"),
    [
        ("insert", "Cannot read properties of undefined (reading 'id')"),
        ("load", "Cannot read properties of undefined (reading 'id')"),
        ("loadMany", "Cannot read properties of undefined (reading 'length')"),
        ("batchInsert", "records is not iterable"),
    ],
)
@pytest.mark.parametrize("table", ["mastra_vector_docs", "mastra_background_tasks"])
def test_missing_argument_is_answered_where_errors_are_caught(
    emulator: Emulator, op: str, text: str, table: str
) -> None:
    assert storage(emulator, op, table) == {"ok": False, "error": text}


def test_null_as_record_is_a_type_error(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Uncaught TypeError: Cannot read properties of null \(reading 'id'\)"):
        storage(emulator, "insert", "mastra_threads", record=None)


# `new Set(undefined)` is an empty set, so this one is no error.
@pytest.mark.parametrize("table", ["mastra_threads", "mastra_vector_docs", "something_else"])
def test_delete_many_without_ids_deletes_nothing(emulator: Emulator, table: str) -> None:
    assert storage(emulator, "deleteMany", table) == {"ok": True}


# Newer clients send more than 1.5.2 knows, and a deployment of 1.5.2 does not mind.
def test_unknown_extra_arguments_are_ignored(emulator: Emulator) -> None:
    record = {"id": "t-1", **THREAD}

    assert storage(emulator, "insert", "mastra_threads", record=record, expected={"x": 1}) == {"ok": True}

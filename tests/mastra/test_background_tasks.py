"""Background tasks: answered errors, and the tasks that older versions left in the fallback table."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.mastra import mastra_tables
from convex_mastra_emulator.schema import define_schema

TABLE = "mastra_background_tasks"
TASK: dict[str, Any] = {
    "tool_call_id": "call-1",
    "tool_name": "search",
    "agent_id": "agent-1",
    "run_id": "run-1",
    "thread_id": None,
    "resource_id": None,
    "status": "pending",
    "args": "{}",
    "result": None,
    "error": None,
    "suspend_payload": None,
    "retry_count": 0,
    "max_retries": 3,
    "timeout_ms": 1000,
    "createdAt": "2026-01-01",
    "startedAt": None,
    "suspendedAt": None,
    "completedAt": None,
}


def storage(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": TABLE, **args})


def insert(emulator: Emulator, *ids: str, **fields: Any) -> None:
    assert storage(emulator, "batchInsert", records=[{"id": i, **TASK, **fields} for i in ids]) == {"ok": True}


def insert_legacy(emulator: Emulator, *ids: str, **fields: Any) -> None:
    rows = [{"table": TABLE, "primaryKey": i, "record": {"id": i, **fields}} for i in ids]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_documents", row) for row in rows])


def ids(answer: Any) -> list[Any]:
    return [row["id"] for row in answer["result"]]


def legacy_records(emulator: Emulator) -> list[Any]:
    return [row["record"] for row in emulator.run(lambda ctx: ctx.db.query("mastra_documents").collect())]


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number:02}" for number in range(count)]


def query(emulator: Emulator, *filters: tuple[str, Any], **args: Any) -> list[Any]:
    given = [{"field": field, "value": value} for field, value in filters]
    return ids(storage(emulator, "queryTable", filters=given, **args))


# Errors are answered, and what was written stays


def test_unknown_status_is_answered_as_an_error(emulator: Emulator) -> None:
    answer = storage(emulator, "insert", record={"id": "t-1", **TASK, "status": "sleeping"})

    assert answer["ok"] is False
    assert f'table "{TABLE}" because it does not match the schema' in answer["error"]
    assert emulator.table_counts() == {}


def test_good_records_of_a_failed_batch_stay(emulator: Emulator) -> None:
    records = [{"id": i, **TASK} for i in ("t-1", "t-2", "t-3")]
    records[1]["status"] = "sleeping"

    answer = storage(emulator, "batchInsert", records=records)

    assert answer["ok"] is False
    assert query(emulator) == ["t-1", "t-3"]


@pytest.mark.parametrize("status", ["pending", "running", "suspended", "completed", "failed", "cancelled", "timed_out"])
def test_every_status_is_accepted(emulator: Emulator, status: str) -> None:
    insert(emulator, "t-1", status=status)

    assert query(emulator, ("status", status)) == ["t-1"]


# Every column is required; unset ones are null.
def test_task_without_a_nullable_column_is_refused(emulator: Emulator) -> None:
    without_error = {name: value for name, value in TASK.items() if name != "error"}

    answer = storage(emulator, "insert", record={"id": "t-1", **without_error})

    assert answer["ok"] is False
    assert "missing the required field `error`" in answer["error"]


# load


def test_legacy_task_is_loaded(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", toolName="search")

    assert storage(emulator, "load", keys={"id": "t-1"})["result"] == {"id": "t-1", "toolName": "search"}


def test_typed_row_hides_the_legacy_task(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1")
    insert(emulator, "t-1")

    assert storage(emulator, "load", keys={"id": "t-1"})["result"]["status"] == "pending"


def test_missing_task_is_null(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1")

    assert storage(emulator, "load", keys={"id": "t-2"}) == {"ok": True, "result": None}


# Only a lookup by id falls back.
def test_legacy_task_is_not_loaded_by_other_keys(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", run_id="run-1")

    assert storage(emulator, "load", keys={"run_id": "run-1"})["result"] is None


def test_records_of_other_tables_are_no_legacy_tasks(emulator: Emulator) -> None:
    row = {"table": "other_tasks", "primaryKey": "t-1", "record": {"id": "t-1"}}
    emulator.run(lambda ctx: ctx.db.insert("mastra_documents", row))

    assert storage(emulator, "load", keys={"id": "t-1"})["result"] is None
    assert query(emulator) == []


# loadMany


def test_load_many_mixes_both_in_the_order_of_the_request(emulator: Emulator) -> None:
    insert(emulator, "t-1", "t-3")
    insert_legacy(emulator, "t-2", "t-3", status="legacy")

    answer = storage(emulator, "loadMany", ids=["t-2", "t-3", "gone", "t-1", "t-2"])

    assert [(row["id"], row["status"]) for row in answer["result"]] == [
        ("t-2", "legacy"),
        ("t-3", "pending"),
        ("t-1", "pending"),
    ]


# Legacy tasks are found by the row's key and put in order by the record's id.
def test_legacy_record_without_its_id_is_left_out(emulator: Emulator) -> None:
    row = {"table": TABLE, "primaryKey": "t-1", "record": {"status": "legacy"}}
    emulator.run(lambda ctx: ctx.db.insert("mastra_documents", row))

    assert storage(emulator, "loadMany", ids=["t-1"])["result"] == []
    assert storage(emulator, "load", keys={"id": "t-1"})["result"] == {"status": "legacy"}


# patch


def test_patched_legacy_task_keeps_its_place(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", status="running", attempt=1)

    assert storage(emulator, "patch", id="t-1", record={"status": "completed"}) == {"ok": True, "result": True}
    assert legacy_records(emulator) == [{"id": "t-1", "status": "completed", "attempt": 1}]
    assert emulator.table_counts() == {"mastra_documents": 1}


def test_other_spelling_of_a_patched_field_goes(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", runId="old", suspendPayload="old", retry_count=1, toolName="search")

    storage(emulator, "patch", id="t-1", record={"run_id": "new", "suspend_payload": None, "retryCount": 2})

    assert legacy_records(emulator) == [
        {"id": "t-1", "run_id": "new", "suspend_payload": None, "retryCount": 2, "toolName": "search"}
    ]


def test_patch_of_a_typed_row_deletes_the_legacy_task(emulator: Emulator) -> None:
    insert(emulator, "t-1")
    insert_legacy(emulator, "t-1", "t-2")

    storage(emulator, "patch", id="t-1", record={"status": "running"})

    assert legacy_records(emulator) == [{"id": "t-2"}]
    assert query(emulator, ("status", "running")) == ["t-1"]


@pytest.mark.parametrize("op", ["insert", "batchInsert"])
def test_insert_leaves_the_legacy_task(emulator: Emulator, op: str) -> None:
    insert_legacy(emulator, "t-1")
    record = {"id": "t-1", **TASK}

    storage(emulator, op, record=record, records=[record])

    assert emulator.table_counts() == {TABLE: 1, "mastra_documents": 1}


def test_patch_of_a_task_that_is_nowhere_is_false(emulator: Emulator) -> None:
    assert storage(emulator, "patch", id="t-1", record={"status": "running"}) == {"ok": True, "result": False}


# queryTable


def test_legacy_tasks_come_after_typed_ones(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1")
    insert(emulator, "t-2")

    assert query(emulator) == ["t-2", "t-1"]


def test_task_in_both_tables_comes_once(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", "t-2")
    insert(emulator, "t-1")

    assert query(emulator) == ["t-1", "t-2"]


# The typed row no longer matches; that the legacy one does must not bring the task back.
def test_typed_row_hides_the_legacy_task_even_if_it_does_not_match(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", status="pending")
    insert(emulator, "t-1", status="completed")

    assert query(emulator, ("status", "pending")) == []


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("toolCallId", "tool_call_id"),
        ("tool_name", "toolName"),
        ("agentId", "agent_id"),
        ("run_id", "runId"),
        ("threadId", "thread_id"),
        ("resource_id", "resourceId"),
        ("suspendPayload", "suspend_payload"),
        ("retry_count", "retryCount"),
        ("maxRetries", "max_retries"),
        ("timeout_ms", "timeoutMs"),
    ],
)
def test_legacy_field_is_matched_in_both_spellings(emulator: Emulator, stored: str, asked: str) -> None:
    insert_legacy(emulator, "t-1", **{stored: 7})

    assert query(emulator, (asked, 7)) == ["t-1"]
    assert query(emulator, (stored, 7)) == ["t-1"]
    assert query(emulator, (asked, 8)) == []


def test_other_fields_have_one_spelling(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", created_at=7)

    assert query(emulator, ("createdAt", 7)) == []


def test_limit_cuts_typed_and_legacy_tasks_together(emulator: Emulator) -> None:
    insert(emulator, "t-1", "t-2")
    insert_legacy(emulator, "t-3", "t-4")

    assert query(emulator, limit=3) == ["t-1", "t-2", "t-3"]


# Twice the limit is read before legacy tasks are filtered, as in every fallback table.
def test_legacy_tasks_beyond_twice_the_limit_are_not_seen(emulator: Emulator) -> None:
    insert_legacy(emulator, "t-1", "t-2", status="failed")
    insert_legacy(emulator, "t-3", status="running")

    assert query(emulator, ("status", "running"), limit=1) == []
    assert query(emulator, ("status", "running"), limit=2) == ["t-3"]


def test_legacy_records_without_id_are_all_kept(emulator: Emulator) -> None:
    rows = [{"table": TABLE, "primaryKey": key, "record": {"status": "legacy"}} for key in ("t-1", "t-2")]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_documents", row) for row in rows])

    assert storage(emulator, "queryTable")["result"] == [{"status": "legacy"}, {"status": "legacy"}]


# deleteMany


def test_delete_many_deletes_in_both_tables(emulator: Emulator) -> None:
    insert(emulator, "t-1", "t-2")
    insert_legacy(emulator, "t-2", "t-3", "t-4")

    assert storage(emulator, "deleteMany", ids=["t-2", "t-3"]) == {"ok": True}
    assert query(emulator) == ["t-1", "t-4"]
    assert emulator.table_counts() == {TABLE: 1, "mastra_documents": 1}


# clearTable: twenty-five rows of both together


def clear(emulator: Emulator) -> tuple[bool, int, int]:
    """Whether there is more, and how many typed and legacy tasks are left."""
    answer = storage(emulator, "clearTable")
    counts = emulator.table_counts()
    return answer["hasMore"], counts.get(TABLE, 0), counts.get("mastra_documents", 0)


def test_legacy_tasks_fill_the_batch(emulator: Emulator) -> None:
    insert(emulator, *numbered("t", 10))
    insert_legacy(emulator, *numbered("l", 20))

    assert clear(emulator) == (True, 0, 5)
    assert clear(emulator) == (False, 0, 0)


def test_batch_that_is_just_filled_is_the_last(emulator: Emulator) -> None:
    insert(emulator, *numbered("t", 24))
    insert_legacy(emulator, "l-1")

    assert clear(emulator) == (False, 0, 0)


def test_one_legacy_task_too_many_is_left(emulator: Emulator) -> None:
    insert(emulator, *numbered("t", 24))
    insert_legacy(emulator, "l-1", "l-2")

    assert clear(emulator) == (True, 0, 1)


# With exactly twenty-five typed tasks legacy ones are not looked at, and nobody calls again.
def test_exactly_twenty_five_typed_tasks_leave_the_legacy_ones(emulator: Emulator) -> None:
    insert(emulator, *numbered("t", 25))
    insert_legacy(emulator, "l-1")

    assert clear(emulator) == (False, 0, 1)


def test_twenty_six_typed_tasks_come_before_the_legacy_ones(emulator: Emulator) -> None:
    insert(emulator, *numbered("t", 26))
    insert_legacy(emulator, "l-1")

    assert clear(emulator) == (True, 1, 1)
    assert clear(emulator) == (False, 0, 0)


@pytest.mark.parametrize(("count", "outcome"), [(25, (False, 0, 0)), (26, (True, 0, 1))])
def test_legacy_tasks_alone_are_cleared_in_twenty_fives(
    emulator: Emulator, count: int, outcome: tuple[bool, int, int]
) -> None:
    insert_legacy(emulator, *numbered("l", count))

    assert clear(emulator) == outcome


# A project that has not declared the table yet: everything lives in the fallback table


@pytest.fixture
def older_project() -> Emulator:
    tables = {name: table for name, table in mastra_tables().items() if name != TABLE}
    return Emulator(define_schema(tables), seed=1)


def test_tasks_go_to_the_fallback_table(older_project: Emulator) -> None:
    insert(older_project, "t-1")

    assert older_project.table_counts() == {"mastra_documents": 1}
    assert storage(older_project, "load", keys={"id": "t-1"})["result"] == {"id": "t-1", **TASK}


def test_tasks_are_queried_in_the_fallback_table(older_project: Emulator) -> None:
    insert(older_project, "t-1", "t-2")

    assert query(older_project, ("runId", "run-1")) == ["t-1", "t-2"]
    assert query(older_project) == ["t-1", "t-2"]
    assert query(older_project, ("runId", "run-2")) == []


def test_tasks_are_patched_in_the_fallback_table(older_project: Emulator) -> None:
    insert_legacy(older_project, "t-1", runId="old")

    assert storage(older_project, "patch", id="t-1", record={"run_id": "new"})["result"] is True
    assert legacy_records(older_project) == [{"id": "t-1", "run_id": "new"}]


def test_tasks_are_deleted_in_the_fallback_table(older_project: Emulator) -> None:
    insert(older_project, "t-1", "t-2")

    assert storage(older_project, "deleteMany", ids=["t-1"]) == {"ok": True}
    assert ids(storage(older_project, "loadMany", ids=["t-1", "t-2"])) == ["t-2"]


def test_tasks_are_cleared_in_the_fallback_table(older_project: Emulator) -> None:
    insert(older_project, *numbered("t", 26))

    assert storage(older_project, "clearTable") == {"ok": True, "hasMore": True}
    assert storage(older_project, "clearTable") == {"ok": True, "hasMore": False}
    assert older_project.table_counts() == {}


# The handler only looks for words: an error that quotes a task which says "not found" looks like a missing table.
def test_refused_task_that_says_not_found_goes_to_the_fallback_table(emulator: Emulator) -> None:
    task = {"id": "t-1", **TASK, "status": "sleeping", "error": "Tool not found"}
    del task["args"]

    answer = storage(emulator, "insert", record=task)

    assert answer == {"ok": True}
    assert legacy_records(emulator) == [task]

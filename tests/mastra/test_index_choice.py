"""Which index `queryTable` reads: told by how many rows it reads, and by their order."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.mastra.index_choice import INDEXES, best_index
from convex_mastra_emulator.mastra.tables import mastra_tables


def storage(emulator: Emulator, op: str, table: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": table, **args})


def filters(**values: Any) -> list[dict[str, Any]]:
    return [{"field": field, "value": value} for field, value in values.items()]


def chosen(table: str, **values: Any) -> str | None:
    choice = best_index(table, filters(**values))
    return None if choice is None else choice[0]


def message(record_id: str, thread: str, created: str, **fields: Any) -> dict[str, Any]:
    base = {"role": "user", "type": "v2", "content": "{}"}
    return {"id": record_id, "thread_id": thread, "createdAt": created, **base, **fields}


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer["result"]]


@pytest.fixture
def messages(emulator: Emulator) -> Emulator:
    """Three messages of thread a, written newest first, and two of thread b."""
    records = [
        message("m-3", "a", "2026-01-03", resourceId="r-1"),
        message("m-2", "a", "2026-01-02"),
        message("m-1", "a", "2026-01-01", resourceId="r-1"),
        message("m-5", "b", "2026-01-02", resourceId="r-1"),
        message("m-4", "b", "2026-01-02", resourceId="r-2"),
    ]
    storage(emulator, "batchInsert", "mastra_messages", records=records)
    return emulator


# The lists


# The server keeps its own list of indexes; a name or field order that the schema lacks fails at a user's deployment.
@pytest.mark.parametrize("table", INDEXES)
def test_listed_indexes_are_those_of_the_schema(table: str) -> None:
    declared = {index.name: index.fields for index in mastra_tables()[table].indexes}

    assert dict(INDEXES[table]) == declared


@pytest.mark.parametrize("table", INDEXES)
def test_record_id_is_tried_last(table: str) -> None:
    assert INDEXES[table][-1] == ("by_record_id", ("id",))


# The choice


def test_longest_covered_prefix_is_chosen() -> None:
    assert chosen("mastra_workflow_snapshots", workflow_name="w", run_id="1") == "by_workflow_run"
    assert chosen("mastra_scorers", runId="1", entityType="t", entityId="e") == "by_entity"


def test_first_listed_index_is_chosen_on_a_tie() -> None:
    assert chosen("mastra_messages", thread_id="a") == "by_thread_created"
    assert chosen("mastra_schedules", workflow_id="w") == "by_workflow_status"
    assert chosen("mastra_schedules", owner_type="t", status="active") == "by_owner"
    assert chosen("mastra_channel_installations", platform="p") == "by_platform_agent"
    assert chosen("mastra_background_tasks", status="running", agent_id="a") == "by_agent_status"


def test_id_is_chosen_before_nothing_only() -> None:
    assert chosen("mastra_threads", id="t-1") == "by_record_id"
    assert chosen("mastra_threads", id="t-1", resourceId="r-1") == "by_resource"


def test_field_behind_an_uncovered_one_does_not_count() -> None:
    assert chosen("mastra_workflow_snapshots", run_id="1") is None
    assert chosen("mastra_schedules", next_fire_at=5) is None


def test_no_filter_means_no_index() -> None:
    assert chosen("mastra_messages") is None


def test_unknown_table_has_no_index() -> None:
    assert chosen("mastra_vectors", indexName="docs") is None


# What a query reads


def test_filter_on_an_indexed_field_reads_its_rows_only(messages: Emulator) -> None:
    storage(messages, "queryTable", "mastra_messages", filters=filters(thread_id="b"))

    assert messages.usage.documents_read == 2


def test_filter_without_an_index_reads_the_table(messages: Emulator) -> None:
    answer = storage(messages, "queryTable", "mastra_messages", filters=filters(createdAt="2026-01-02"))

    assert ids(answer) == ["m-2", "m-5", "m-4"]
    assert messages.usage.documents_read == 5


def test_filters_beyond_the_index_still_hold(messages: Emulator) -> None:
    answer = storage(messages, "queryTable", "mastra_messages", filters=filters(thread_id="a", resourceId="r-1"))

    assert ids(answer) == ["m-1", "m-3"]
    assert messages.usage.documents_read == 3


def test_two_covered_fields_read_fewer_rows(messages: Emulator) -> None:
    both = filters(createdAt="2026-01-02", thread_id="a")

    assert ids(storage(messages, "queryTable", "mastra_messages", filters=both)) == ["m-2"]
    assert messages.usage.documents_read == 1


# by_thread_created, not by_thread: clients sort stably, so the order of equal times is the server's.
def test_rows_come_in_the_order_of_the_chosen_index(messages: Emulator) -> None:
    assert ids(storage(messages, "queryTable", "mastra_messages", filters=filters(thread_id="a"))) == [
        "m-1",
        "m-2",
        "m-3",
    ]


def test_equal_index_keys_come_in_order_of_creation(messages: Emulator) -> None:
    assert ids(storage(messages, "queryTable", "mastra_messages", filters=filters(thread_id="b"))) == ["m-5", "m-4"]


def test_query_without_filters_comes_in_order_of_creation(messages: Emulator) -> None:
    assert ids(storage(messages, "queryTable", "mastra_messages")) == ["m-3", "m-2", "m-1", "m-5", "m-4"]


# Unlike in vector and fallback tables, the filter works before the limit, so a page is full if there are rows for it.
def test_limit_counts_rows_that_pass_the_filters(messages: Emulator) -> None:
    answer = storage(messages, "queryTable", "mastra_messages", filters=filters(createdAt="2026-01-02"), limit=2)

    assert ids(answer) == ["m-2", "m-5"]


# Null, absent, twice


def test_null_filter_does_not_match_an_absent_field(messages: Emulator) -> None:
    answer = storage(messages, "queryTable", "mastra_messages", filters=filters(resourceId=None))

    assert ids(answer) == []


def test_null_filter_matches_null(emulator: Emulator) -> None:
    base = {"platform": "p", "agentId": "a", "status": "active", "data": "{}", "createdAt": "a", "updatedAt": "a"}
    for record_id, webhook in (("c-1", None), ("c-2", "w")):
        record = {"id": record_id, "webhookId": webhook, **base}
        storage(emulator, "insert", "mastra_channel_installations", record=record)
    storage(emulator, "insert", "mastra_channel_installations", record={"id": "c-3", **base})

    answer = storage(emulator, "queryTable", "mastra_channel_installations", filters=filters(webhookId=None))

    assert ids(answer) == ["c-1"]


# JSON drops undefined: a client that filters by an unset variable gets the rows without that field.
def test_indexed_filter_without_a_value_matches_an_absent_field(messages: Emulator) -> None:
    answer = storage(messages, "queryTable", "mastra_messages", filters=[{"field": "resourceId"}])

    assert ids(answer) == ["m-2"]
    assert messages.usage.documents_read == 1


def test_unindexed_filter_without_a_value_matches_an_absent_field(messages: Emulator) -> None:
    both = [{"field": "thread_id", "value": "a"}, {"field": "resourceId"}]

    assert ids(storage(messages, "queryTable", "mastra_messages", filters=both)) == ["m-2"]


def test_of_two_filters_on_an_indexed_field_the_last_counts(messages: Emulator) -> None:
    twice = [{"field": "thread_id", "value": "a"}, {"field": "thread_id", "value": "b"}]

    assert ids(storage(messages, "queryTable", "mastra_messages", filters=twice)) == ["m-5", "m-4"]


def test_two_filters_on_an_unindexed_field_both_count(messages: Emulator) -> None:
    twice = [{"field": "createdAt", "value": "2026-01-01"}, {"field": "createdAt", "value": "2026-01-02"}]

    assert ids(storage(messages, "queryTable", "mastra_messages", filters=twice)) == []


@pytest.mark.parametrize("empty", [[], None])
def test_no_filters_match_every_row(messages: Emulator, empty: list[Any] | None) -> None:
    assert len(ids(storage(messages, "queryTable", "mastra_messages", filters=empty))) == 5


def test_filters_that_are_no_list_are_a_type_error(messages: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Uncaught TypeError: filters\?\.filter is not a function"):
        storage(messages, "queryTable", "mastra_messages", filters={"field": "thread_id", "value": "a"})


# pageSize and cursor belong to vectors; a typed table does not look at them.
def test_paging_arguments_are_ignored(messages: Emulator) -> None:
    answer = storage(messages, "queryTable", "mastra_messages", pageSize=-1, cursor="nonsense", limit=1)

    assert answer["ok"] is True
    assert ids(answer) == ["m-3"]
    assert "hasMore" not in answer


# Index hints


@pytest.fixture
def runs(emulator: Emulator) -> Emulator:
    """Three runs of workflow w and one of workflow x."""
    for name, run in (("w", "3"), ("w", "1"), ("w", "2"), ("x", "1")):
        record = {"id": f"{name}-{run}", "workflow_name": name, "run_id": run, "createdAt": "a", "updatedAt": "a"}
        storage(emulator, "insert", "mastra_workflow_snapshot", record={**record, "snapshot": "{}"})
    return emulator


def hinted(emulator: Emulator, hint: Any, **values: Any) -> list[str]:
    args = {"indexHint": hint, "filters": filters(**values)}
    return ids(storage(emulator, "queryTable", "mastra_workflow_snapshot", **args))


def test_hint_by_workflow_reads_that_workflow(runs: Emulator) -> None:
    assert hinted(runs, {"index": "by_workflow", "workflowName": "w"}) == ["w-3", "w-1", "w-2"]
    assert runs.usage.documents_read == 3


# Without the hint by_workflow_run would be read, which is in the order of the runs.
def test_hint_replaces_the_choice(runs: Emulator) -> None:
    assert ids(storage(runs, "queryTable", "mastra_workflow_snapshot", filters=filters(workflow_name="w"))) == [
        "w-1",
        "w-2",
        "w-3",
    ]
    assert hinted(runs, {"index": "by_workflow", "workflowName": "w"}, workflow_name="w") == ["w-3", "w-1", "w-2"]


def test_hint_by_workflow_run_reads_that_run(runs: Emulator) -> None:
    assert hinted(runs, {"index": "by_workflow_run", "workflowName": "w", "runId": "2"}) == ["w-2"]
    assert runs.usage.documents_read == 1


def test_every_filter_holds_with_a_hint(runs: Emulator) -> None:
    hint = {"index": "by_workflow", "workflowName": "w"}

    assert hinted(runs, hint, run_id="1") == ["w-1"]
    assert hinted(runs, hint, workflow_name="x") == []
    assert runs.usage.documents_read == 3


def test_hint_of_another_name_means_no_index(runs: Emulator) -> None:
    assert hinted(runs, {"index": "by_resource"}, workflow_name="w", run_id="1") == ["w-1"]
    assert runs.usage.documents_read == 4


def test_null_hint_is_none(runs: Emulator) -> None:
    assert hinted(runs, None, workflow_name="w", run_id="1") == ["w-1"]
    assert runs.usage.documents_read == 1


def test_hint_for_a_table_without_that_index_fails(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Index mastra_messages\.by_workflow not found"):
        storage(emulator, "queryTable", "mastra_messages", indexHint={"index": "by_workflow", "workflowName": "w"})

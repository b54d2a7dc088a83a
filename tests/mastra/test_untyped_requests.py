"""What the handlers make of requests that no typed client would send.

They check nothing themselves: a value of the wrong kind goes through JavaScript's operators, and what comes out (a
TypeError, a text that counts as a number, an object made of letters) is what a caller of a deployment gets.  Each of
these was found by comparing random requests with the published handlers (`tests/differential`).

npm @mastra/convex 1.5.2 `mastraStorage`, `mastraCache`, `mastraNativeVector…`; texts are V8's.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from convex_mastra_emulator import ConvexInt64, Emulator, FunctionError

MESSAGE = {"thread_id": "t", "content": "", "role": "user", "type": "v2", "createdAt": "2026-01-01"}
SNAPSHOT = {"workflow_name": "w", "run_id": "r", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
MEMORY = {
    "lookupKey": "thread:t",
    "scope": "thread",
    "activeObservations": "",
    "originType": "initial",
    "config": "{}",
    "generationCount": 0,
    "pendingMessageTokens": 0,
    "totalTokensObserved": 0,
    "observationTokenCount": 0,
    "isObserving": False,
    "isReflecting": False,
    "isBufferingObservation": False,
    "isBufferingReflection": False,
    "lastBufferedAtTokens": 0,
    "createdAt": "2026-01-01",
    "updatedAt": "2026-01-01",
}
DOCS = {"tableName": "untyped_vectors", "vectorIndexName": "by_embedding"}


def storage(emulator: Emulator, op: str, table: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": table, **args})


def cache(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/cache:handle", {"op": op, **args})


def store_messages(emulator: Emulator, *ids: str) -> None:
    storage(emulator, "batchInsert", "mastra_messages", records=[{**MESSAGE, "id": record_id} for record_id in ids])


def store_snapshot(emulator: Emulator, snapshot: Any) -> None:
    storage(emulator, "insert", "mastra_workflow_snapshot", record={**SNAPSHOT, "id": "w-r", "snapshot": snapshot})


def merge_step(emulator: Emulator, result: str = "{}", *, step_id: str = "s", request_context: str = "{}") -> Any:
    run = {"workflowName": "w", "runId": "r", "stepId": step_id}
    args = {**run, "result": result, "requestContext": request_context}
    return storage(emulator, "mergeWorkflowStepResult", "mastra_workflow_snapshot", **args)


def store_memory(emulator: Emulator, **fields: Any) -> None:
    storage(emulator, "insert", "mastra_observational_memory", record={**MEMORY, "id": "m", **fields})


def loaded_memory(emulator: Emulator) -> Any:
    return storage(emulator, "load", "mastra_observational_memory", keys={"id": "m"})["result"]


def activate(emulator: Emulator, chunks: list[Any], **args: Any) -> Any:
    store_memory(emulator, bufferedObservationChunks=json.dumps(chunks))
    request = {"id": "m", "now": "2026-01-02", **args}
    return storage(emulator, "omSwapBuffered", "mastra_observational_memory", **request)["result"]


# Lists that are none


@pytest.mark.parametrize(
    ("ids", "shown"), [(5, "number 5"), (True, "boolean true"), ({"a": 1}, "object"), (ConvexInt64(1), "object")]
)
def test_ids_that_are_no_list(emulator: Emulator, ids: Any, shown: str) -> None:
    with pytest.raises(FunctionError, match=rf"TypeError: {shown} is not iterable \(cannot read property"):
        storage(emulator, "deleteMany", "mastra_messages", ids=ids)


def test_text_for_ids_is_a_list_of_letters(emulator: Emulator) -> None:
    store_messages(emulator, "a", "b", "ab")

    storage(emulator, "deleteMany", "mastra_messages", ids="ab")

    assert [row["id"] for row in storage(emulator, "queryTable", "mastra_messages")["result"]] == ["ab"]


# Ten is the most that may be asked for, of whatever has a length.
@pytest.mark.parametrize(("ids", "is_refused"), [("x" * 10, False), ("x" * 11, True), ("😀" * 6, True)])
def test_text_for_ids_is_measured(emulator: Emulator, ids: str, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(FunctionError, match="loadMany supports at most 10 ids per request"):
            storage(emulator, "loadMany", "mastra_messages", ids=ids)
    else:
        assert storage(emulator, "loadMany", "mastra_messages", ids=ids)["result"] == []


def test_text_for_records_holds_no_records(emulator: Emulator) -> None:
    assert storage(emulator, "batchInsert", "mastra_messages", records="ab") == {"ok": True}


@pytest.mark.parametrize("filters", [True, "id", {}])
def test_filters_that_are_no_list_of_a_typed_table(emulator: Emulator, filters: Any) -> None:
    with pytest.raises(FunctionError, match=r"TypeError: filters\?\.filter is not a function"):
        storage(emulator, "queryTable", "mastra_messages", filters=filters)


def test_filters_that_are_text_of_a_vector_table(emulator: Emulator) -> None:
    answer = storage(emulator, "queryTable", "mastra_vector_untyped", filters="id")

    assert answer == {"ok": False, "error": "request.filters.every is not a function"}


def test_filter_that_is_null(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"TypeError: Cannot read properties of null \(reading 'field'\)"):
        storage(emulator, "queryTable", "mastra_messages", filters=[None])


@pytest.mark.parametrize("field", [["id"], 5, None])
def test_filter_of_a_typed_table_whose_field_is_no_text(emulator: Emulator, field: Any) -> None:
    with pytest.raises(FunctionError, match="Invalid argument `query` for `queryStream`"):
        storage(emulator, "queryTable", "mastra_messages", filters=[{"field": field, "value": 1}])


def test_filter_without_a_field_looks_for_none(emulator: Emulator) -> None:
    storage(emulator, "insert", "untyped_notes", record={"id": "a"})

    assert storage(emulator, "queryTable", "untyped_notes", filters=[{}])["result"] == [{"id": "a"}]
    assert storage(emulator, "queryTable", "untyped_notes", filters=[{"value": 1}])["result"] == []


def test_list_for_keys_finds_by_position(emulator: Emulator) -> None:
    storage(emulator, "batchInsert", "untyped_notes", records=[{"id": "a"}, {"id": "b", "0": "x"}])

    assert storage(emulator, "load", "untyped_notes", keys=["x"])["result"] == {"id": "b", "0": "x"}


# Numbers that are none


def test_limit_that_is_text_counts_as_its_number(emulator: Emulator) -> None:
    store_messages(emulator, "a", "b", "c")

    rows = storage(emulator, "queryTable", "mastra_messages", limit="2")["result"]

    assert [row["id"] for row in rows] == ["a", "b"]


@pytest.mark.parametrize("limit", [0.3, "two", {}])
def test_limit_whose_double_is_no_whole_number(emulator: Emulator, limit: Any) -> None:
    with pytest.raises(FunctionError, match="TypeError: Arg 1 `n` to `take` must be a non-negative integer"):
        storage(emulator, "queryTable", "mastra_messages", limit=limit)


@pytest.mark.parametrize(
    ("bounds", "items"),
    [
        ({}, []),
        ({"from": 0}, []),
        ({"to": 1}, [0.0, 1.0]),
        ({"from": "1", "to": "1"}, []),
        ({"from": 0, "to": None}, []),
    ],
)
def test_list_bounds_that_are_no_numbers(emulator: Emulator, bounds: dict[str, Any], items: list[float]) -> None:
    for number in range(3):
        cache(emulator, "listPush", key="untyped", keyPrefix="", value=number, expiresAt=None)

    assert cache(emulator, "listFromTo", key="untyped", **bounds)["result"] == items


def test_count_limit_that_is_no_number(emulator: Emulator) -> None:
    request = {"op": "describe", "config": DOCS, "countLimit": math.nan}

    with pytest.raises(FunctionError, match="Arg 1 `n` to `take` must be a non-negative integer"):
        emulator.query("mastra/nativeVector:read", request)


# Objects that are none


@pytest.mark.parametrize(
    ("metadata", "merged"),
    [("no", {"kept": 1.0, "0": "n", "1": "o"}), (["x"], {"kept": 1.0, "0": "x"}), (5, {"kept": 1.0})],
)
def test_metadata_that_is_no_object(emulator: Emulator, metadata: Any, merged: dict[str, Any]) -> None:
    resource = {"createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
    storage(emulator, "insert", "mastra_resources", record={"id": "r", "metadata": {"kept": 1}, **resource})

    args = {"resourceId": "r", "metadata": metadata, **resource}
    updated = storage(emulator, "updateResource", "mastra_resources", **args)["result"]

    assert updated["metadata"] == merged


# Stored as text the name is allowed, as the field of a value it is not: npm convex refuses it inside the function, in
# its own words, before the deployment sees it (convex-engine.md §1.5, §6).
def test_metadata_text_with_a_reserved_field_name(emulator: Emulator) -> None:
    resource = {"createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
    storage(emulator, "insert", "mastra_resources", record={"id": "r", "metadata": '{"$or": []}', **resource})

    with pytest.raises(FunctionError, match=r"Uncaught Error: Field name \$or starts with a '\$', which is reserved\."):
        storage(emulator, "updateResource", "mastra_resources", resourceId="r", metadata={}, **resource)


# `mastra_documents` takes any record, so a task of an older version may be anything.
def test_legacy_task_that_is_null(emulator: Emulator) -> None:
    row = {"table": "mastra_background_tasks", "primaryKey": "legacy", "record": None}
    emulator.run(lambda ctx: ctx.db.insert("mastra_documents", row))

    answer = storage(emulator, "queryTable", "mastra_background_tasks")

    assert answer == {"ok": False, "error": "Cannot read properties of null (reading 'id')"}


def test_task_id_that_is_a_list(emulator: Emulator) -> None:
    assert storage(emulator, "loadMany", "mastra_background_tasks", ids=[["a"], {}]) == {"ok": True, "result": []}


def test_bytes_for_metadata_of_a_vector_are_an_object_without_fields(emulator: Emulator) -> None:
    upsert = {"op": "upsert", "config": DOCS, "ids": ["a"], "vectors": [[1]], "metadata": [b"\x01"]}

    # The metadata passes; the table has no index to look the id up by.
    with pytest.raises(FunctionError, match=r"Index untyped_vectors\.by_record_id not found"):
        emulator.mutation("mastra/nativeVector:write", upsert)


# Batches


# That a row is new is known a step before that it is there, so its failure is the first.
def test_failure_of_a_new_row_is_reported_first(emulator: Emulator) -> None:
    store_messages(emulator, "known")

    records = [{"id": "known", "content": 5}, {**MESSAGE, "id": "new", "role": 5}]

    with pytest.raises(FunctionError, match=r"Path: \.role"):
        storage(emulator, "batchInsert", "mastra_messages", records=records)


# Workflow snapshots


@pytest.mark.parametrize(
    ("snapshot", "text"),
    [
        ("null", r"TypeError: Cannot read properties of null \(reading 'context'\)"),
        ('{"context": "text"}', "TypeError: Cannot create property 's' on string 'text'"),
        ('{"context": 5}', "TypeError: Cannot create property 's' on number '5'"),
        ('{"context": {"s": "done"}}', "TypeError: Cannot use 'in' operator to search for 'output' in done"),
        ("{'context': {}}", r"SyntaxError: Expected property name or '}' in JSON at position 1 \(line 1 column 2\)"),
    ],
)
def test_snapshot_that_cannot_be_merged(emulator: Emulator, snapshot: str, text: str) -> None:
    store_snapshot(emulator, snapshot)

    with pytest.raises(FunctionError, match=text):
        merge_step(emulator)


@pytest.mark.parametrize("snapshot", ["5", "[]", '"text"', '{"context": 0}', '{"context": ""}'])
def test_snapshot_without_a_context(emulator: Emulator, snapshot: str) -> None:
    store_snapshot(emulator, snapshot)

    assert merge_step(emulator) == {"ok": False, "error": "Snapshot for runId r is missing or has invalid context"}


@pytest.mark.parametrize(("step_id", "context"), [("2", '["a",null,{}]'), ("s", '["a"]')])
def test_step_of_a_context_that_is_a_list(emulator: Emulator, step_id: str, context: str) -> None:
    store_snapshot(emulator, '{"context": ["a"]}')

    assert merge_step(emulator, step_id=step_id)["result"] == context


def test_request_context_that_is_a_list(emulator: Emulator) -> None:
    store_snapshot(emulator, '{"context": {}, "requestContext": "xy"}')

    merge_step(emulator, request_context='["z"]')

    row = storage(emulator, "load", "mastra_workflow_snapshot", keys={"id": "w-r"})["result"]
    assert json.loads(row["snapshot"])["requestContext"] == {"0": "z", "1": "y"}


# A half character in JSON text is an escape; stored as a character, the deployment would refuse it.
def test_half_character_of_a_step_stays_an_escape(emulator: Emulator) -> None:
    store_snapshot(emulator, '{"context": {}}')

    assert merge_step(emulator, r'"\ud83d"')["result"] == r'{"s":"\ud83d"}'


# Observational memory


def test_history_by_a_limit_that_is_text(emulator: Emulator) -> None:
    store_memory(emulator)

    request = {"lookupKey": "thread:t", "limit": "1"}
    rows = storage(emulator, "omGetHistory", "mastra_observational_memory", **request)["result"]

    assert [row["id"] for row in rows] == ["m"]


def test_history_from_a_number_compares_with_no_number(emulator: Emulator) -> None:
    store_memory(emulator)

    request = {"lookupKey": "thread:t", "limit": 1, "from": 5}
    assert storage(emulator, "omGetHistory", "mastra_observational_memory", **request)["result"] == []


def test_chunk_that_is_null_cannot_be_activated(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"TypeError: Cannot read properties of null \(reading 'messageTokens'\)"):
        activate(emulator, [None], activationRatio=1, messageTokensThreshold=0, currentPendingTokens=0)


def test_chunk_without_a_count_counts_as_no_number(emulator: Emulator) -> None:
    result = activate(
        emulator, [{"observations": "o"}], activationRatio=1, messageTokensThreshold=0, currentPendingTokens=0
    )

    assert math.isnan(result["observationTokensActivated"])
    assert result["observations"] == "o"


def test_count_that_is_no_number_begins_again_at_zero(emulator: Emulator) -> None:
    store_memory(emulator, bufferedObservationChunks='[{"tokenCount": 2}]', observationTokenCount=math.nan)

    numbers = {"activationRatio": 1, "messageTokensThreshold": 0, "currentPendingTokens": 0}
    storage(emulator, "omSwapBuffered", "mastra_observational_memory", id="m", now="2026-01-02", **numbers)

    assert loaded_memory(emulator)["observationTokenCount"] == 2


def test_activation_without_numbers_takes_one_chunk(emulator: Emulator) -> None:
    chunks = [{"observations": text, "tokenCount": 1, "messageTokens": 5000} for text in ("a", "b")]

    assert activate(emulator, chunks)["chunksActivated"] == 1


# The sums of the tokens go down again: the boundary is where they first reached the target.
def test_activation_with_a_negative_weight(emulator: Emulator) -> None:
    chunks = [{"observations": "", "tokenCount": 0, "messageTokens": weight} for weight in (50, 50, -90)]

    result = activate(emulator, chunks, activationRatio=1, messageTokensThreshold=0, currentPendingTokens=100)

    assert result["chunksActivated"] == 2


# Byte order mark and no-break space are blanks to JavaScript, the information separators are not.
def test_reflection_swap_trims_as_javascript_does(emulator: Emulator) -> None:
    store_memory(
        emulator,
        activeObservations="old\n\ufeff\u00a0new\x1c\n",
        bufferedReflection="r",
        reflectedObservationLineCount=1,
    )

    request = {"currentRecord": {**MEMORY, "id": "m"}, "newId": "n", "tokenCount": 1, "now": "2026-01-02"}
    row = storage(emulator, "omSwapBufferedReflection", "mastra_observational_memory", **request)["result"]

    assert row["activeObservations"] == "r\n\nnew\x1c"


def test_reflection_swap_without_a_record(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"TypeError: Cannot read properties of undefined \(reading 'id'\)"):
        storage(emulator, "omSwapBufferedReflection", "mastra_observational_memory", newId="n")


def test_reflection_without_counts_counts_as_no_number(emulator: Emulator) -> None:
    store_memory(emulator)

    request = {"id": "m", "reflection": "r", "reflectedObservationLineCount": 0, "updatedAt": "2026-01-02"}
    storage(emulator, "omUpdateBufferedReflection", "mastra_observational_memory", **request)

    assert math.isnan(loaded_memory(emulator)["bufferedReflectionTokens"])

"""Workflow snapshots: step results and state merged on the server; lists of outputs and their reset markers."""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock
from convex_mastra_emulator.mastra.workflows import iso_time

TABLE = "mastra_workflow_snapshot"
MARKER = {"__mastra_pending__": True}
EMPTY: dict[str, Any] = {"context": {}}


def storage(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": TABLE, **args})


def insert(emulator: Emulator, snapshot: Any) -> None:
    """The snapshot as JSON text, which is how the client sends it."""
    insert_raw(emulator, json.dumps(snapshot))


def insert_raw(emulator: Emulator, snapshot: Any) -> None:
    record = {"id": "w-1", "workflow_name": "w", "run_id": "1", "createdAt": "a", "updatedAt": "a"}
    storage(emulator, "insert", record={**record, "snapshot": snapshot})


def merge_step(emulator: Emulator, result: Any, *, step: str = "s", context: Any = None, run: str = "1") -> Any:
    return storage(
        emulator,
        "mergeWorkflowStepResult",
        workflowName="w",
        runId=run,
        stepId=step,
        result=json.dumps(result),
        requestContext=json.dumps(context or {}),
    )


def merge_state(emulator: Emulator, run: str = "1", **options: Any) -> Any:
    return storage(emulator, "mergeWorkflowState", workflowName="w", runId=run, opts=json.dumps(options))


def row(emulator: Emulator) -> Any:
    return storage(emulator, "load", keys={"id": "w-1"})["result"]


def snapshot(emulator: Emulator) -> Any:
    return json.loads(row(emulator)["snapshot"])


def merged(emulator: Emulator, old: Any, new: Any) -> Any:
    """A step's result after `new` came to `old`."""
    insert(emulator, {"context": {"s": old}})
    return json.loads(merge_step(emulator, new)["result"])["s"]


def merged_output(emulator: Emulator, old: list[Any], new: list[Any]) -> Any:
    return merged(emulator, {"output": old}, {"output": new})["output"]


# mergeWorkflowStepResult


def test_result_is_the_merged_context_as_text(emulator: Emulator) -> None:
    insert(emulator, {"context": {"input": {"x": 1}}, "status": "running"})

    answer = merge_step(emulator, {"status": "success"})

    assert answer == {"ok": True, "result": '{"input":{"x":1},"s":{"status":"success"}}'}


def test_snapshot_is_stored_as_text(emulator: Emulator) -> None:
    insert(emulator, {"context": {"input": 1}, "status": "running"})

    merge_step(emulator, {"output": 5})

    assert snapshot(emulator) == {
        "context": {"input": 1, "s": {"output": 5}},
        "status": "running",
        "requestContext": {},
    }


# Five parallel steps each send their own result; none may overwrite the others'.
def test_other_steps_keep_their_results(emulator: Emulator) -> None:
    insert(emulator, EMPTY)

    for step in ("a", "b", "c", "d", "e"):
        merge_step(emulator, {"output": step}, step=step)

    assert snapshot(emulator)["context"] == {step: {"output": step} for step in "abcde"}


def test_request_context_is_merged_shallowly(emulator: Emulator) -> None:
    insert(emulator, {**EMPTY, "requestContext": {"a": 1, "b": {"x": 1}}})

    merge_step(emulator, {}, context={"b": {"y": 2}, "c": 3})

    assert snapshot(emulator)["requestContext"] == {"a": 1, "b": {"y": 2}, "c": 3}


# `$` is refused in the keys of arguments, which is why results travel as text.
def test_dollar_keys_survive_in_results(emulator: Emulator) -> None:
    insert(emulator, EMPTY)

    merge_step(emulator, {"$ref": 1})

    assert snapshot(emulator)["context"] == {"s": {"$ref": 1}}


def test_time_of_the_update_is_the_servers(emulator: Emulator, clock: ManualClock) -> None:
    insert(emulator, EMPTY)
    clock.advance(1.234)

    merge_step(emulator, {})

    assert (row(emulator)["updatedAt"], row(emulator)["createdAt"]) == ("2023-11-14T22:13:21.234Z", "a")


@pytest.mark.parametrize(
    ("now_ms", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_007.0, "2023-11-14T22:13:20.007Z"),
        (1_700_000_000_999.75, "2023-11-14T22:13:20.999Z"),
    ],
)
def test_iso_time_has_three_digits_of_milliseconds(now_ms: float, text: str) -> None:
    assert iso_time(now_ms) == text


# Snapshots that are not there, or not as expected


def test_missing_run_is_refused(emulator: Emulator) -> None:
    insert(emulator, EMPTY)
    expected = {"ok": False, "error": "Workflow snapshot not found for runId 2"}

    assert merge_step(emulator, {}, run="2") == expected
    assert merge_state(emulator, run="2") == expected


@pytest.mark.parametrize("bad", [{}, {"context": None}, {"context": ""}, {"context": 0}, [], 5])
def test_snapshot_without_context_is_refused(emulator: Emulator, bad: Any) -> None:
    insert(emulator, bad)
    expected = {"ok": False, "error": "Snapshot for runId 1 is missing or has invalid context"}

    assert merge_step(emulator, {}) == expected
    assert merge_state(emulator) == expected


def test_refused_merge_writes_nothing(emulator: Emulator) -> None:
    insert(emulator, {})
    before = row(emulator)

    merge_step(emulator, {})

    assert row(emulator) == before


# Only stored text that is malformed fails the call.
def test_malformed_snapshot_is_a_syntax_error(emulator: Emulator) -> None:
    insert_raw(emulator, "{context")

    with pytest.raises(FunctionError, match="Uncaught SyntaxError"):
        merge_step(emulator, {})
    with pytest.raises(FunctionError, match="Uncaught SyntaxError"):
        merge_state(emulator)


def test_text_null_has_no_context(emulator: Emulator) -> None:
    insert_raw(emulator, "null")

    with pytest.raises(
        FunctionError, match=r"Uncaught TypeError: Cannot read properties of null \(reading 'context'\)"
    ):
        merge_step(emulator, {})


def test_snapshot_stored_as_an_object_is_read(emulator: Emulator) -> None:
    insert_raw(emulator, {"context": {"input": 1}})

    merge_step(emulator, {"output": 5})

    assert snapshot(emulator)["context"] == {"input": 1, "s": {"output": 5}}


def test_null_snapshot_counts_as_an_empty_one(emulator: Emulator) -> None:
    insert_raw(emulator, None)

    merge_step(emulator, {"output": 5})

    assert snapshot(emulator) == {
        "context": {"s": {"output": 5}},
        "activePaths": [],
        "activeStepsPath": {},
        "timestamp": 1_700_000_000_000,
        "suspendedPaths": {},
        "resumeLabels": {},
        "serializedStepGraph": [],
        "value": {},
        "waitingPaths": {},
        "status": "pending",
        "runId": "1",
        "requestContext": {},
    }


@pytest.mark.parametrize("missing", ["result", "requestContext"])
def test_missing_text_is_a_syntax_error(emulator: Emulator, missing: str) -> None:
    insert(emulator, EMPTY)
    request = {"workflowName": "w", "runId": "1", "stepId": "s", "result": "{}", "requestContext": "{}"}
    del request[missing]

    with pytest.raises(FunctionError, match='Uncaught SyntaxError: "undefined" is not valid JSON'):
        storage(emulator, "mergeWorkflowStepResult", **request)


# Which results are replaced, and which merged


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"output": 1, "x": 1}, {"output": 2}),
        ({"output": [1], "x": 1}, {"output": 2}),
        ({"output": [1], "x": 1}, {"status": "failed"}),
        ({"output": {"0": 1}, "x": 1}, {"output": [2]}),
        ({"x": 1}, {"output": [2]}),
        ({"output": [1]}, [2]),
        ({"output": [1]}, None),
        (None, {"output": [2]}),
        ("", {"output": [2]}),
        ([1], {"output": [2]}),
    ],
)
def test_results_without_two_lists_are_replaced(emulator: Emulator, old: Any, new: Any) -> None:
    assert merged(emulator, old, new) == new


# Without an old list there is nothing to reset, so the marker itself is stored.
def test_marker_without_an_old_list_is_stored(emulator: Emulator) -> None:
    assert merged(emulator, {"status": "running"}, {"output": [MARKER]}) == {"output": [MARKER]}


@pytest.mark.parametrize(("old", "shown"), [(5, "5"), ("text", "text"), (True, "true")])
def test_old_result_that_is_no_object_is_a_type_error(emulator: Emulator, old: Any, shown: str) -> None:
    insert(emulator, {"context": {"s": old}})

    with pytest.raises(FunctionError, match=f"Cannot use 'in' operator to search for 'output' in {shown}"):
        merge_step(emulator, {"output": [1]})


# Lists of outputs without markers: a forEach whose iterations answer one by one


def test_new_elements_overwrite(emulator: Emulator) -> None:
    assert merged_output(emulator, [1, 2, 3], [7, 8, 9]) == [7, 8, 9]


def test_new_nulls_keep_what_was_there(emulator: Emulator) -> None:
    assert merged_output(emulator, [1, 2, 3], [None, 8, None]) == [1, 8, 3]


@pytest.mark.parametrize("element", [0, False, "", [], {}])
def test_empty_elements_overwrite_too(emulator: Emulator, element: Any) -> None:
    assert merged_output(emulator, [1], [element]) == [element]


def test_shorter_list_keeps_the_rest(emulator: Emulator) -> None:
    assert merged_output(emulator, [1, 2, 3], [7]) == [7, 2, 3]


def test_longer_list_adds_elements_and_nulls(emulator: Emulator) -> None:
    assert merged_output(emulator, [1], [None, None, 9, None]) == [1, None, 9, None]


def test_other_fields_of_the_new_result_overlay_the_old_ones(emulator: Emulator) -> None:
    old = {"status": "running", "startedAt": 1, "output": [1]}
    new = {"status": "success", "endedAt": 2, "output": [None]}

    assert merged(emulator, old, new) == {"status": "success", "startedAt": 1, "endedAt": 2, "output": [1]}


# Elements that only look like a marker


@pytest.mark.parametrize(
    "element",
    [
        {"__mastra_pending__": False},
        {"__mastra_pending__": 1},
        {"__mastra_pending__": "true"},
        {"__mastra_pending__": True, "x": 1},
        {"pending": True},
        [MARKER],
    ],
)
def test_element_that_is_no_marker_overwrites(emulator: Emulator, element: Any) -> None:
    assert merged_output(emulator, [1, 2], [element]) == [element, 2]


# Markers: the write is a command to reset


SUSPENDED_WITH_PAYLOAD = {"status": "suspended", "suspendPayload": None}
SUSPENDED_AT = {"status": "suspended", "suspendedAt": 5}


@pytest.mark.parametrize("old", [None, MARKER, SUSPENDED_WITH_PAYLOAD, SUSPENDED_AT])
def test_marked_element_is_reset(emulator: Emulator, old: Any) -> None:
    assert merged_output(emulator, ["kept", old], [None, MARKER]) == ["kept", None]


# A finished iteration must not be lost when a later one is run again.
@pytest.mark.parametrize(
    "old",
    [
        0,
        "",
        False,
        "done",
        {"status": "suspended"},
        {"status": "success", "suspendPayload": {}},
        {"suspendedAt": 5},
        {"__mastra_pending__": True, "x": 1},
    ],
)
def test_finished_element_is_not_reset(emulator: Emulator, old: Any) -> None:
    assert merged_output(emulator, [old], [MARKER]) == [old]


def test_plain_elements_beside_a_marker_are_ignored(emulator: Emulator) -> None:
    assert merged_output(emulator, [1, None, 3], [7, MARKER, 9]) == [1, None, 3]


def test_marker_resets_no_unmarked_element(emulator: Emulator) -> None:
    assert merged_output(emulator, [SUSPENDED_AT, SUSPENDED_AT], [None, MARKER]) == [SUSPENDED_AT, None]


def test_positions_past_the_end_become_null(emulator: Emulator) -> None:
    assert merged_output(emulator, [1], [None, MARKER, 9, None]) == [1, None, None, None]


def test_other_fields_beside_a_marker_are_ignored(emulator: Emulator) -> None:
    old = {"status": "suspended", "startedAt": 1, "output": [None]}
    new = {"status": "running", "endedAt": 2, "output": [MARKER]}

    assert merged(emulator, old, new) == {"status": "suspended", "startedAt": 1, "output": [None]}


def test_request_context_is_merged_beside_a_marker(emulator: Emulator) -> None:
    insert(emulator, {"context": {"s": {"output": [None]}}})

    merge_step(emulator, {"output": [MARKER]}, context={"a": 1})

    assert snapshot(emulator)["requestContext"] == {"a": 1}


# mergeWorkflowState


def test_state_is_merged_shallowly(emulator: Emulator) -> None:
    insert(emulator, {"context": {"a": 1}, "status": "running", "value": {"x": 1}})

    answer = merge_state(emulator, status="suspended", value={"y": 2})

    expected = {"context": {"a": 1}, "status": "suspended", "value": {"y": 2}}
    assert json.loads(answer["result"]) == expected
    assert snapshot(emulator) == expected


def test_merged_state_is_told_as_text_in_the_order_of_its_keys(emulator: Emulator) -> None:
    insert(emulator, {"status": "running", "context": {}})

    assert merge_state(emulator, error="e", status="failed") == {
        "ok": True,
        "result": '{"status":"failed","context":{},"error":"e"}',
    }


def test_state_can_replace_the_context(emulator: Emulator) -> None:
    insert(emulator, {"context": {"a": 1}})

    merge_state(emulator, context={"b": 2})

    assert snapshot(emulator) == {"context": {"b": 2}}


def test_time_of_a_merged_state_is_the_servers(emulator: Emulator, clock: ManualClock) -> None:
    insert(emulator, EMPTY)
    clock.advance(60)

    merge_state(emulator, status="failed")

    assert row(emulator)["updatedAt"] == "2023-11-14T22:14:20.000Z"


def test_null_snapshot_counts_as_an_empty_one_for_state(emulator: Emulator) -> None:
    insert_raw(emulator, None)

    merge_state(emulator, status="running")

    assert (snapshot(emulator)["status"], snapshot(emulator)["context"]) == ("running", {})


def test_missing_options_are_a_syntax_error(emulator: Emulator) -> None:
    insert(emulator, EMPTY)

    with pytest.raises(FunctionError, match='Uncaught SyntaxError: "undefined" is not valid JSON'):
        storage(emulator, "mergeWorkflowState", workflowName="w", runId="1")

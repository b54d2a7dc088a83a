"""Step results and state that the deployment merges into a snapshot in one transaction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexStore, ConvexWorkflows, StorageError
from pytest_mastra_convex.conformance.records import send

SNAPSHOTS = "mastra_workflow_snapshot"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PENDING = {"__mastra_pending__": True}
SUSPENDED = {"status": "suspended", "suspendPayload": {"ask": "why"}}


@pytest.fixture
def workflows(convex_store: ConvexStore) -> ConvexWorkflows:
    """The workflows domain alone."""
    return convex_store.workflows


def persist(workflows: ConvexWorkflows, **fields: Any) -> None:
    """Persists run-1, whose context holds the input."""
    stored = {"status": "running", "context": {"input": {"n": 1}}, **fields}
    workflows.persist_workflow_snapshot(
        workflow_name="trip", run_id="run-1", snapshot=stored, created_at=LONG_AGO, updated_at=LONG_AGO
    )


def loaded(workflows: ConvexWorkflows) -> Any:
    """The snapshot of run-1."""
    return workflows.load_workflow_snapshot(workflow_name="trip", run_id="run-1")


def merge(workflows: ConvexWorkflows, step_id: str, result: Any, **request_context: Any) -> Any:
    """Merges a step's result into run-1."""
    return workflows.update_workflow_results(
        workflow_name="trip", run_id="run-1", step_id=step_id, result=result, request_context=request_context
    )


# mastra-ai/mastra#17298: a step writes its own result, and nobody else's is lost.
def test_a_result_joins_the_others(workflows: ConvexWorkflows) -> None:
    persist(workflows)

    merge(workflows, "a", {"status": "success", "output": {"$ref": "x"}})
    context = merge(workflows, "b", {"status": "failed", "error": "no"})

    expected = {
        "input": {"n": 1},
        "a": {"status": "success", "output": {"$ref": "x"}},
        "b": {"status": "failed", "error": "no"},
    }
    assert context == expected
    assert loaded(workflows)["context"] == expected
    assert loaded(workflows)["status"] == "running"


# The request context grows with every step, key by key.
def test_the_request_context_is_merged_shallowly(workflows: ConvexWorkflows) -> None:
    persist(workflows, requestContext={"kept": 1, "changed": {"a": 1}})

    merge(workflows, "a", {}, changed={"b": 2}, added=None)

    assert loaded(workflows)["requestContext"] == {"kept": 1, "changed": {"b": 2}, "added": None}


# The deployment's own time is written, whatever the client's says.
def test_a_merge_moves_the_time_of_update(workflows: ConvexWorkflows) -> None:
    persist(workflows)

    merge(workflows, "a", {})

    run = workflows.get_workflow_run_by_id(run_id="run-1")
    assert run is not None
    assert run.created_at == LONG_AGO
    assert run.updated_at > LONG_AGO


# mastra-ai/mastra#16638: evented workflows finish steps at the same time; conflicts are retried on the deployment.
def test_results_at_the_same_time_are_all_kept(convex_deployment: Deployment, workflows: ConvexWorkflows) -> None:
    persist(workflows)

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda n: merge(ConvexStore(convex_deployment).workflows, f"step-{n}", {"n": n}), range(10)))

    assert loaded(workflows)["context"] == {"input": {"n": 1}, **{f"step-{n}": {"n": n} for n in range(10)}}


# Results of a step


# Only lists on both sides are merged; anything else is replaced whole.
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"output": [1, 2], "kept": 1}, {"output": "text"}),
        ({"output": {"a": 1}, "kept": 1}, {"output": {"b": 2}}),
        ({"output": "text", "kept": 1}, {"output": [1]}),
        ({"output": [1], "kept": 1}, {"status": "failed"}),
        ({"output": [1], "kept": 1}, None),
    ],
    ids=["list-then-text", "objects", "text-then-list", "list-then-none", "null"],
)
def test_results_without_lists_are_replaced(workflows: ConvexWorkflows, old: Any, new: Any) -> None:
    persist(workflows, context={"each": old})

    assert merge(workflows, "each", new) == {"each": new}


# Iterations of forEach write the whole list, with null where they know nothing: that must not undo another's result.
@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ([1, 2], [None, 3], [1, 3]),
        ([1, 2], [3], [3, 2]),
        ([1], [None, None], [1, None]),
        ([None, {"a": 1}], [{"b": 2}, None], [{"b": 2}, {"a": 1}]),
        ([1, 2], [], [1, 2]),
        ([], [1], [1]),
        ([1], [0, False], [0, False]),
    ],
    ids=["null-keeps", "shorter", "longer", "both", "empty", "from-empty", "falsy"],
)
def test_lists_of_outputs_are_merged_by_position(
    workflows: ConvexWorkflows, old: list[Any], new: list[Any], merged: list[Any]
) -> None:
    persist(workflows, context={"each": {"status": "running", "output": old, "old": 1}})

    context = merge(workflows, "each", {"status": "success", "output": new, "new": 2})

    assert context["each"] == {"status": "success", "output": merged, "old": 1, "new": 2}


# A list with a marker is a command to start positions again: what is finished stays, whatever else the list says.
@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ([SUSPENDED, 1], [PENDING, None], [None, 1]),
        ([PENDING, None], [PENDING, PENDING], [None, None]),
        ([1, {"status": "success"}], [PENDING, PENDING], [1, {"status": "success"}]),
        ([{"status": "suspended"}], [PENDING], [{"status": "suspended"}]),
        ([{"status": "suspended", "suspendedAt": 5}], [PENDING], [None]),
        ([SUSPENDED, 1], [PENDING, 7], [None, 1]),
        ([1], [1, PENDING, 3], [1, None, None]),
        ([SUSPENDED, 1], [PENDING], [None, 1]),
    ],
    ids=[
        "suspended", "marker-and-null", "finished", "only-says-suspended", "suspended-at", "plain-ignored", "past-end",
        "shorter",
    ],
)  # fmt: skip
def test_markers_reset_positions(workflows: ConvexWorkflows, old: list[Any], new: list[Any], merged: list[Any]) -> None:
    persist(workflows, context={"each": {"status": "suspended", "output": old}})

    context = merge(workflows, "each", {"status": "ignored", "output": new})

    assert context["each"] == {"status": "suspended", "output": merged}


# A marker is an object with that one key and true: anything like it is an output as others are.
@pytest.mark.parametrize(
    "almost",
    [{"__mastra_pending__": 1}, {"__mastra_pending__": False}, {"__mastra_pending__": True, "more": 1}, [PENDING]],
    ids=["one", "false", "two-keys", "in-a-list"],
)
def test_what_is_almost_a_marker_is_an_output(workflows: ConvexWorkflows, almost: Any) -> None:
    persist(workflows, context={"each": {"output": [SUSPENDED]}})

    context = merge(workflows, "each", {"output": [almost]})

    assert context["each"]["output"] == [almost]


# State


# Suspending a run writes its state beside the results, field by field.
def test_state_is_merged_shallowly(workflows: ConvexWorkflows) -> None:
    persist(workflows, value={"old": 1}, waitingPaths={"a": [0]})

    merged = workflows.update_workflow_state(
        workflow_name="trip", run_id="run-1", opts={"status": "suspended", "value": {"new": 2}, "error": None}
    )

    expected = {
        "status": "suspended",
        "context": {"input": {"n": 1}},
        "value": {"new": 2},
        "waitingPaths": {"a": [0]},
        "error": None,
    }
    assert merged == expected
    assert loaded(workflows) == expected


# Refusals


def _merge_result(workflows: ConvexWorkflows) -> None:
    merge(workflows, "a", {})


def _merge_state(workflows: ConvexWorkflows) -> None:
    workflows.update_workflow_state(workflow_name="trip", run_id="run-1", opts={"status": "success"})


BOTH = pytest.mark.parametrize("update", [_merge_result, _merge_state], ids=["result", "state"])


# A run that was never persisted: an answer, not a failed call; nothing is made.
@BOTH
def test_a_missing_run_is_refused(workflows: ConvexWorkflows, update: Any) -> None:
    with pytest.raises(StorageError, match="Workflow snapshot not found for runId run-1"):
        update(workflows)

    assert loaded(workflows) is None


# mastra-ai/mastra#17298: merging into a snapshot that has no context would hide that it is broken.
@BOTH
@pytest.mark.parametrize("stored", ["{}", '{"context":null}', {"status": "running"}], ids=["empty", "null", "object"])
def test_a_snapshot_without_context_is_refused(convex_deployment: Deployment, update: Any, stored: Any) -> None:
    _insert_snapshot(convex_deployment, stored)

    with pytest.raises(StorageError, match="Snapshot for runId run-1 is missing or has invalid context"):
        update(ConvexStore(convex_deployment).workflows)

    assert send(convex_deployment, "load", SNAPSHOTS, keys={"id": "trip-run-1"})["result"]["snapshot"] == stored


# Malformed text cannot be merged into: the call fails and leaves the row as it was.
@BOTH
def test_a_malformed_snapshot_fails_the_call(convex_deployment: Deployment, update: Any) -> None:
    _insert_snapshot(convex_deployment, "{not json")

    with pytest.raises(FunctionError):
        update(ConvexStore(convex_deployment).workflows)

    assert send(convex_deployment, "load", SNAPSHOTS, keys={"id": "trip-run-1"})["result"]["snapshot"] == "{not json"


# A snapshot of null is an empty one, into which results are merged.
def test_a_null_snapshot_counts_as_an_empty_one(convex_deployment: Deployment) -> None:
    _insert_snapshot(convex_deployment, None)

    context = merge(ConvexStore(convex_deployment).workflows, "a", {"status": "success"})

    assert context == {"a": {"status": "success"}}


# The operations belong to one table.
@pytest.mark.parametrize("op", ["mergeWorkflowStepResult", "mergeWorkflowState"])
def test_merges_are_for_snapshots_only(convex_deployment: Deployment, op: str) -> None:
    answer = send(convex_deployment, op, "mastra_threads", workflowName="trip", runId="run-1")

    assert answer == {"ok": False, "error": f"Unsupported operation {op} for table mastra_threads"}


def _insert_snapshot(deployment: Deployment, stored: Any) -> None:
    times = {"createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": "2020-01-01T00:00:00.000Z"}
    record = {"id": "trip-run-1", "workflow_name": "trip", "run_id": "run-1", "snapshot": stored, **times}
    send(deployment, "insert", SNAPSHOTS, record=record)

"""Workflow runs, as the Python store reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.storage_client import StorageClient
from convex_mastra_emulator.stores.workflows import ConvexWorkflows, WorkflowRun
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)
STATE = {"status": "running", "context": {"input": {"n": 1}}, "requestContext": {"a": 1}, "$deep": [0.5, None]}


def on(deployment: Any) -> ConvexWorkflows:
    return ConvexWorkflows(StorageClient(deployment, clock=lambda: LATER))


def with_runs(count: int) -> ConvexWorkflows:
    workflows = on(Emulator())
    for number in range(count):
        workflows.persist_workflow_snapshot(
            workflow_name="w",
            run_id=f"r{number}",
            resource_id=f"of{number % 2}",
            snapshot={**STATE, "status": "done" if number % 2 else "running"},
            created_at=NOON + timedelta(minutes=number),
        )
    return workflows


def run_ids(runs: list[WorkflowRun]) -> list[str]:
    return [run.run_id for run in runs]


def insert_row(emulator: Emulator, **fields: Any) -> None:
    record = {"id": "w-r", "workflow_name": "w", "run_id": "r", "createdAt": "2026-01-02T12:00:00.000Z"}
    record |= {"updatedAt": "2026-01-02T12:00:00.000Z", **fields}
    table = "mastra_workflow_snapshot"
    emulator.mutation("mastra/storage:handle", {"op": "insert", "tableName": table, "record": record})


def test_concurrent_updates_are_supported() -> None:
    assert on(Emulator()).supports_concurrent_updates()


def test_missing_run_is_none() -> None:
    workflows = on(Emulator())

    assert workflows.load_workflow_snapshot(workflow_name="w", run_id="absent") is None
    assert workflows.get_workflow_run_by_id(workflow_name="w", run_id="absent") is None
    assert workflows.get_workflow_run_by_id(run_id="absent") is None


def test_persisted_run_is_read_back() -> None:
    workflows = on(Emulator())
    workflows.persist_workflow_snapshot(
        workflow_name="w", run_id="r", resource_id="of", snapshot=STATE, created_at=NOON, updated_at=NOON
    )

    expected = WorkflowRun(
        workflow_name="w", run_id="r", snapshot=STATE, created_at=NOON, updated_at=NOON, resource_id="of"
    )
    assert workflows.get_workflow_run_by_id(workflow_name="w", run_id="r") == expected
    assert workflows.get_workflow_run_by_id(run_id="r") == expected
    assert workflows.load_workflow_snapshot(workflow_name="w", run_id="r") == STATE


def test_first_creation_time_survives() -> None:
    workflows = on(Emulator())
    workflows.persist_workflow_snapshot(workflow_name="w", run_id="r", snapshot=STATE, created_at=NOON, updated_at=NOON)

    workflows.persist_workflow_snapshot(workflow_name="w", run_id="r", snapshot=STATE, created_at=LATER)

    run = workflows.get_workflow_run_by_id(run_id="r")
    assert run is not None
    assert (run.created_at, run.updated_at) == (NOON, LATER)


def test_times_are_now_unless_given() -> None:
    workflows = on(Emulator())
    workflows.persist_workflow_snapshot(workflow_name="w", run_id="r", snapshot=STATE)

    run = workflows.get_workflow_run_by_id(run_id="r")
    assert run is not None
    assert (run.created_at, run.updated_at) == (LATER, LATER)


def test_absent_resource_keeps_the_stored_one() -> None:
    workflows = on(Emulator())
    workflows.persist_workflow_snapshot(workflow_name="w", run_id="r", resource_id="of", snapshot=STATE)

    workflows.persist_workflow_snapshot(workflow_name="w", run_id="r", snapshot=STATE)

    run = workflows.get_workflow_run_by_id(run_id="r")
    assert run is not None
    assert run.resource_id == "of"


def test_persisting_reads_then_writes() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).persist_workflow_snapshot(workflow_name="w", run_id="r", snapshot={"n": 1.0})

    assert recording.operations == ["load", "insert"]
    assert recording.arguments[1]["record"] == {
        "id": "w-r",
        "workflow_name": "w",
        "run_id": "r",
        "snapshot": '{"n":1}',
        "createdAt": "2026-01-03T00:00:00.000Z",
        "updatedAt": "2026-01-03T00:00:00.000Z",
    }


# mastra-adapter.md §0.7: a defect of the adapter that a port must share, or the two would see different rows.
def test_ids_of_runs_collide_as_in_typescript() -> None:
    workflows = on(Emulator())
    workflows.persist_workflow_snapshot(workflow_name="a", run_id="b-c", snapshot={"n": 1})
    workflows.persist_workflow_snapshot(workflow_name="a-b", run_id="c", snapshot={"n": 2})

    assert workflows.load_workflow_snapshot(workflow_name="a", run_id="b-c") is None
    assert workflows.load_workflow_snapshot(workflow_name="a-b", run_id="c") == {"n": 2}


def test_step_results_are_merged() -> None:
    workflows = with_runs(1)

    context = workflows.update_workflow_results(
        workflow_name="w",
        run_id="r0",
        step_id="s",
        result={"status": "success", "output": [1, 0.5]},
        request_context={"b": 2},
    )

    assert context == {"input": {"n": 1}, "s": {"status": "success", "output": [1, 0.5]}}
    snapshot = workflows.load_workflow_snapshot(workflow_name="w", run_id="r0")
    assert (snapshot["context"], snapshot["requestContext"]) == (context, {"a": 1, "b": 2})


def test_state_is_merged() -> None:
    workflows = with_runs(1)

    snapshot = workflows.update_workflow_state(workflow_name="w", run_id="r0", opts={"status": "failed", "error": "No"})

    assert snapshot == {**STATE, "status": "failed", "error": "No"}
    assert workflows.load_workflow_snapshot(workflow_name="w", run_id="r0") == snapshot


def test_updates_of_a_missing_run_are_refused() -> None:
    workflows = on(Emulator())

    with pytest.raises(StorageError, match="Workflow snapshot not found for runId absent"):
        workflows.update_workflow_results(
            workflow_name="w", run_id="absent", step_id="s", result={}, request_context={}
        )
    with pytest.raises(StorageError, match="Workflow snapshot not found for runId absent"):
        workflows.update_workflow_state(workflow_name="w", run_id="absent", opts={})


class AnswersNothing:
    """A deployment whose handler answers without a result, as some later versions do."""

    def query(self, path: str, args: Any = None) -> Any:
        raise AssertionError(path)

    def mutation(self, path: str, args: Any = None) -> Any:
        return {"ok": True}

    def action(self, path: str, args: Any = None) -> Any:
        raise AssertionError(path)


def test_answers_without_a_result_are_errors() -> None:
    workflows = on(AnswersNothing())

    with pytest.raises(StorageError, match="Convex workflow step merge returned no context for runId r"):
        workflows.update_workflow_results(workflow_name="w", run_id="r", step_id="s", result={}, request_context={})
    with pytest.raises(StorageError, match="Convex workflow state merge returned no snapshot for runId r"):
        workflows.update_workflow_state(workflow_name="w", run_id="r", opts={})


@pytest.mark.parametrize(
    ("arguments", "expected", "total"),
    [
        ({}, ["r4", "r3", "r2", "r1", "r0"], 5),
        ({"workflow_name": "other"}, [], 0),
        ({"workflow_name": "", "resource_id": ""}, ["r4", "r3", "r2", "r1", "r0"], 5),
        ({"resource_id": "of1"}, ["r3", "r1"], 2),
        ({"status": "done"}, ["r3", "r1"], 2),
        ({"status": "absent"}, [], 0),
        ({"from_date": NOON + timedelta(minutes=3)}, ["r4", "r3"], 2),
        ({"to_date": NOON + timedelta(minutes=1)}, ["r1", "r0"], 2),
        ({"page": 0, "per_page": 2}, ["r4", "r3"], 5),
        ({"page": 2, "per_page": 2}, ["r0"], 5),
        ({"page": 3, "per_page": 2}, [], 5),
        ({"page": 0, "per_page": 0}, [], 5),
        ({"page": 0, "per_page": False}, ["r4", "r3", "r2", "r1", "r0"], 5),
        # One without the other pages nothing.
        ({"per_page": 2}, ["r4", "r3", "r2", "r1", "r0"], 5),
        ({"page": 2}, ["r4", "r3", "r2", "r1", "r0"], 5),
    ],
)
def test_runs_are_listed(arguments: Any, expected: list[str], total: int) -> None:
    found = with_runs(5).list_workflow_runs(**arguments)

    assert (run_ids(found.runs), found.total) == (expected, total)


def test_runs_of_one_time_keep_their_order() -> None:
    workflows = on(Emulator())
    for run_id in "bca":
        workflows.persist_workflow_snapshot(workflow_name="w", run_id=run_id, snapshot=STATE)

    assert run_ids(workflows.list_workflow_runs().runs) == ["b", "c", "a"]


@pytest.mark.parametrize("per_page", [-1, 0.5])
def test_pages_that_cannot_be_are_refused(per_page: Any) -> None:
    with pytest.raises(StorageError, match="perPage must be >= 0"):
        on(Emulator()).list_workflow_runs(page=0, per_page=per_page)


def test_unfiltered_list_sends_no_filters() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).list_workflow_runs()
    on(recording).list_workflow_runs(workflow_name="w", resource_id="of")

    unfiltered, filtered = recording.arguments
    assert "filters" not in unfiltered
    assert filtered["filters"] == [
        {"field": "workflow_name", "value": "w"},
        {"field": "resourceId", "value": "of"},
    ]


# The column takes anything: older rows hold objects.
def test_snapshot_stored_as_an_object_is_read() -> None:
    emulator = Emulator()
    insert_row(emulator, snapshot={"status": "done", "n": 1})

    assert on(emulator).load_workflow_snapshot(workflow_name="w", run_id="r") == {"status": "done", "n": 1}
    assert on(emulator).list_workflow_runs(status="done").total == 1


@pytest.mark.parametrize("snapshot", [None, "", 0, False])
def test_row_without_a_snapshot_is_a_pending_run(snapshot: Any) -> None:
    emulator = Emulator()
    insert_row(emulator, snapshot=snapshot)

    run = on(emulator).get_workflow_run_by_id(run_id="r")

    assert run is not None
    assert run.snapshot == {
        "context": {},
        "activePaths": [],
        "activeStepsPath": {},
        "timestamp": 1767398400000,
        "suspendedPaths": {},
        "resumeLabels": {},
        "serializedStepGraph": [],
        "value": {},
        "waitingPaths": {},
        "status": "pending",
        "runId": "",
    }


def test_snapshot_that_is_no_json_is_an_error() -> None:
    emulator = Emulator()
    insert_row(emulator, snapshot="{broken")

    with pytest.raises(ValueError, match="Expecting property name"):
        on(emulator).load_workflow_snapshot(workflow_name="w", run_id="r")


def test_status_of_a_null_snapshot_is_an_error() -> None:
    emulator = Emulator()
    insert_row(emulator, snapshot="null")

    with pytest.raises(TypeError, match=r"Cannot read properties of null \(reading 'status'\)"):
        on(emulator).list_workflow_runs(status="done")


def test_deleted_run_is_gone() -> None:
    workflows = with_runs(2)

    workflows.delete_workflow_run_by_id(workflow_name="w", run_id="r0")
    workflows.delete_workflow_run_by_id(workflow_name="w", run_id="absent")

    assert run_ids(workflows.list_workflow_runs().runs) == ["r1"]


# 26 rows are one more than a deployment deletes in one call.
def test_clearing_goes_on_until_nothing_is_left() -> None:
    workflows = with_runs(26)

    workflows.dangerously_clear_all()

    assert workflows.list_workflow_runs().total == 0

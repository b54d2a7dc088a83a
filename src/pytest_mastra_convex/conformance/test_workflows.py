"""Snapshots of workflow runs: persisting, loading, listing and deleting them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexStore, ConvexWorkflows, StorageError
from pytest_mastra_convex.conformance.records import NOON, after_noon, rows, send, store_at

SNAPSHOTS = "mastra_workflow_snapshot"


@pytest.fixture
def workflows(convex_store: ConvexStore) -> ConvexWorkflows:
    """The workflows domain alone."""
    return convex_store.workflows


def snapshot(status: str = "running", **fields: Any) -> dict[str, Any]:
    """A snapshot of a run, as far as storage looks at it."""
    return {"runId": "run-1", "status": status, "context": {}, "value": {}, "activePaths": [], **fields}


def persist(workflows: ConvexWorkflows, run_id: str, *, name: str = "trip", minutes: float = 0, **fields: Any) -> None:
    """Persists a run that began so many minutes after noon."""
    status, moment = fields.pop("status", "running"), after_noon(minutes)
    times = {"created_at": moment, "updated_at": moment}
    workflows.persist_workflow_snapshot(
        workflow_name=name, run_id=run_id, snapshot=snapshot(status), **{**times, **fields}
    )


def listed(workflows: ConvexWorkflows, **arguments: Any) -> list[str]:
    """The ids of the runs in a list."""
    return [run.run_id for run in workflows.list_workflow_runs(**arguments).runs]


# Persist and load


# mastra-ai/mastra#16110: every Zod tool puts `$schema` into a snapshot; as JSON text it is stored whatever it holds.
def test_a_snapshot_is_loaded_as_it_was_persisted(workflows: ConvexWorkflows) -> None:
    stored = snapshot(
        context={
            "input": {"city": "Köln 🌞", "nothing": None},
            "plan": {"status": "success", "output": [1, 2.5, None], "payload": {"$schema": "x", "$defs": {"ä": {}}}},
        }
    )
    workflows.persist_workflow_snapshot(workflow_name="trip", run_id="run-1", snapshot=stored)

    assert workflows.load_workflow_snapshot(workflow_name="trip", run_id="run-1") == stored


# The engine asks before it starts a run.
@pytest.mark.parametrize(("name", "run_id"), [("trip", "run-2"), ("other", "run-1")])
def test_a_run_that_is_not_there_is_none(workflows: ConvexWorkflows, name: str, run_id: str) -> None:
    persist(workflows, "run-1")

    assert workflows.load_workflow_snapshot(workflow_name=name, run_id=run_id) is None
    assert workflows.get_workflow_run_by_id(workflow_name=name, run_id=run_id) is None


# Every step persists again: the run keeps the time it began, and the time of update moves on.
def test_a_run_keeps_the_time_it_began(workflows: ConvexWorkflows) -> None:
    persist(workflows, "run-1", minutes=1)

    persist(workflows, "run-1", minutes=5, status="success")

    run = workflows.get_workflow_run_by_id(workflow_name="trip", run_id="run-1")
    assert run is not None
    assert (run.created_at, run.updated_at) == (after_noon(1), after_noon(5))
    assert run.snapshot["status"] == "success"
    assert workflows.list_workflow_runs().total == 1


# The row is patched, so that steps which do not know whose run it is do not take it away.
def test_an_absent_resource_keeps_the_stored_one(workflows: ConvexWorkflows) -> None:
    persist(workflows, "run-1", resource_id="ann")

    persist(workflows, "run-1")

    assert listed(workflows, resource_id="ann") == ["run-1"]


# A defect of `@mastra/convex`: rows are named `<workflow>-<run>`, so two different runs can be one row.
def test_names_with_dashes_overwrite_each_other(workflows: ConvexWorkflows) -> None:
    persist(workflows, "c", name="a-b", status="waiting")

    persist(workflows, "b-c", name="a", status="success")

    assert workflows.load_workflow_snapshot(workflow_name="a-b", run_id="c") is None
    assert workflows.load_workflow_snapshot(workflow_name="a", run_id="b-c") == snapshot("success")


# Early versions stored the snapshot as an object: both forms are readable, also in lists.
@pytest.mark.parametrize("stored", [snapshot("success"), '{"status":"success"}'], ids=["object", "text"])
def test_snapshots_of_both_forms_are_read(convex_deployment: Deployment, stored: Any) -> None:
    times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}
    record = {"id": "trip-run-1", "workflow_name": "trip", "run_id": "run-1", "snapshot": stored, **times}
    send(convex_deployment, "insert", SNAPSHOTS, record=record)

    workflows = ConvexStore(convex_deployment).workflows

    assert workflows.load_workflow_snapshot(workflow_name="trip", run_id="run-1")["status"] == "success"
    assert listed(workflows, status="success") == ["run-1"]


# Without times it is now, once and for both.
def test_times_are_now_unless_given(convex_deployment: Deployment) -> None:
    workflows = store_at(convex_deployment, NOON).workflows

    workflows.persist_workflow_snapshot(workflow_name="trip", run_id="run-1", snapshot=snapshot())

    run = workflows.get_workflow_run_by_id(run_id="run-1")
    assert run is not None
    assert (run.created_at, run.updated_at) == (NOON, NOON)


# List


# The dashboard shows the last run first; runs are persisted in another order than they began in.
def test_runs_come_newest_first(workflows: ConvexWorkflows) -> None:
    for minutes in (2, 3, 1):
        persist(workflows, f"run-{minutes}", minutes=minutes)

    assert listed(workflows) == ["run-3", "run-2", "run-1"]


# Every condition by itself and two together; the empty text filters nothing.
@pytest.mark.parametrize(
    ("arguments", "run_ids"),
    [
        ({"workflow_name": "trip"}, ["b", "a"]),
        ({"workflow_name": "none"}, []),
        ({"resource_id": "ann"}, ["c", "a"]),
        ({"workflow_name": "trip", "resource_id": "ann"}, ["a"]),
        ({"status": "failed"}, ["c", "b"]),
        ({"status": "failed", "workflow_name": "trip"}, ["b"]),
        ({"workflow_name": "", "resource_id": "", "status": ""}, ["c", "b", "a"]),
    ],
    ids=["name", "unknown-name", "resource", "name-and-resource", "status", "name-and-status", "empty"],
)
def test_runs_are_filtered(workflows: ConvexWorkflows, arguments: dict[str, Any], run_ids: list[str]) -> None:
    persist(workflows, "a", minutes=1, resource_id="ann", status="success")
    persist(workflows, "b", minutes=2, resource_id="bob", status="failed")
    persist(workflows, "c", minutes=3, resource_id="ann", status="failed", name="other")

    page = workflows.list_workflow_runs(**arguments)

    assert ([run.run_id for run in page.runs], page.total) == (run_ids, len(run_ids))


# Both ends belong to the range, to the millisecond: run-1 and run-3 began exactly at its ends.
@pytest.mark.parametrize(
    ("from_date", "to_date", "run_ids"),
    [
        (after_noon(1), after_noon(3), ["run-3", "run-2", "run-1"]),
        (after_noon(1, milliseconds=1), None, ["run-4", "run-3", "run-2"]),
        (None, after_noon(3, milliseconds=-1), ["run-2", "run-1", "run-0"]),
    ],
    ids=["both", "from", "to"],
)
def test_runs_of_a_range_of_time(
    workflows: ConvexWorkflows, from_date: datetime | None, to_date: datetime | None, run_ids: list[str]
) -> None:
    for minutes in range(5):
        persist(workflows, f"run-{minutes}", minutes=minutes)

    assert listed(workflows, from_date=from_date, to_date=to_date) == run_ids


# Five runs on pages of two; the total is that of all pages.
@pytest.mark.parametrize(
    ("page", "run_ids"),
    [(0, ["4", "3"]), (1, ["2", "1"]), (2, ["0"]), (3, [])],
    ids=["first", "second", "last", "past"],
)
def test_runs_come_in_pages(workflows: ConvexWorkflows, page: int, run_ids: list[str]) -> None:
    for minutes in range(5):
        persist(workflows, f"{minutes}", minutes=minutes)

    found = workflows.list_workflow_runs(page=page, per_page=2)

    assert ([run.run_id for run in found.runs], found.total) == (run_ids, 5)


# A page counts only together with its size: one of the two alone gives everything.
@pytest.mark.parametrize(
    "arguments", [{"page": 1}, {"per_page": 1}, {"page": 0, "per_page": False}], ids=["page", "size", "all"]
)
def test_half_a_page_is_no_page(workflows: ConvexWorkflows, arguments: dict[str, Any]) -> None:
    for minutes in range(3):
        persist(workflows, f"{minutes}", minutes=minutes)

    assert listed(workflows, **arguments) == ["2", "1", "0"]


# A size below 0 is the caller's mistake.
def test_a_negative_size_is_refused(workflows: ConvexWorkflows) -> None:
    with pytest.raises(StorageError, match="perPage must be >= 0"):
        workflows.list_workflow_runs(page=0, per_page=-1)


# Studio links to a run by its id alone.
@pytest.mark.parametrize("name", [None, "trip"], ids=["by-run", "by-workflow-and-run"])
def test_a_run_is_found_by_its_id(workflows: ConvexWorkflows, name: str | None) -> None:
    persist(workflows, "run-1", resource_id="ann")
    persist(workflows, "run-2")

    run = workflows.get_workflow_run_by_id(run_id="run-1", workflow_name=name)

    assert run is not None
    assert (run.workflow_name, run.run_id, run.resource_id, run.created_at) == ("trip", "run-1", "ann", NOON)
    assert run.snapshot == snapshot()


# Delete


# Deleting is repeated without harm, and takes one run of two.
def test_a_run_is_deleted(workflows: ConvexWorkflows) -> None:
    persist(workflows, "run-1")
    persist(workflows, "run-2")

    for _ in range(2):
        workflows.delete_workflow_run_by_id(workflow_name="trip", run_id="run-1")

    assert listed(workflows) == ["run-2"]


# 25 rows go per call: one more needs a second call.
def test_clearing_takes_more_than_one_batch(convex_deployment: Deployment) -> None:
    times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}
    records = [
        {"id": f"trip-{n}", "workflow_name": "trip", "run_id": str(n), "snapshot": "{}", **times} for n in range(51)
    ]
    send(convex_deployment, "batchInsert", SNAPSHOTS, records=records)

    ConvexStore(convex_deployment).workflows.dangerously_clear_all()

    assert rows(convex_deployment, SNAPSHOTS) == []

"""The workflows domain: snapshots of runs, one row per workflow and run.

A run's row is called ``<workflow>-<run>``, so ``a-b``/``c`` overwrites ``a``/``b-c``: a defect of `@mastra/convex`
that is kept.

npm @mastra/convex 1.5.2 ``WorkflowsConvex`` and ``ConvexDB`` (mastra-adapter.md §5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.json_text import from_json_text, to_json_text
from convex_mastra_emulator.stores.pagination import MAX_SAFE_INTEGER, PerPage, normalize_per_page
from convex_mastra_emulator.stores.storage_client import (
    UNSET,
    WORKFLOW_SNAPSHOTS,
    Record,
    StorageClient,
    equal,
)
from convex_mastra_emulator.stores.times import from_iso, to_epoch_ms, to_iso, to_milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """A run of a workflow; ``snapshot`` is Mastra's ``WorkflowRunState`` as JSON, its names as TypeScript has them."""

    workflow_name: str
    run_id: str
    snapshot: Any
    created_at: datetime
    updated_at: datetime
    resource_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRunPage:
    """Runs; ``total`` counts those of all pages."""

    runs: list[WorkflowRun]
    total: int


class ConvexWorkflows:
    """Workflow runs on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def supports_concurrent_updates(self) -> bool:
        """True: the deployment merges results and state in one step."""
        return True

    def init(self) -> None:
        """Does nothing: the deployment's schema makes the table."""

    def dangerously_clear_all(self) -> None:
        """Deletes all runs."""
        self._client.clear_table(WORKFLOW_SNAPSHOTS)

    def update_workflow_results(
        self, *, workflow_name: str, run_id: str, step_id: str, result: Any, request_context: Mapping[str, Any]
    ) -> Any:
        """Merges a step's result into a snapshot, and ``request_context`` into its own.

        Returns:
            The snapshot's context then: results by step.

        Raises:
            StorageError: if there is no such run, or its snapshot has no context.
        """
        context = self._client.call(
            "mergeWorkflowStepResult",
            WORKFLOW_SNAPSHOTS,
            workflowName=workflow_name,
            runId=run_id,
            stepId=step_id,
            result=to_json_text(result),
            requestContext=to_json_text(request_context),
        )
        if not context:
            raise StorageError(f"Convex workflow step merge returned no context for runId {run_id}")
        return from_json_text(context)

    def update_workflow_state(self, *, workflow_name: str, run_id: str, opts: Mapping[str, Any]) -> Any:
        """Merges fields into a snapshot, shallowly, and returns it.

        Raises:
            StorageError: if there is no such run, or its snapshot has no context.
        """
        snapshot = self._client.call(
            "mergeWorkflowState",
            WORKFLOW_SNAPSHOTS,
            workflowName=workflow_name,
            runId=run_id,
            opts=to_json_text(opts),
        )
        if not snapshot:
            raise StorageError(f"Convex workflow state merge returned no snapshot for runId {run_id}")
        return from_json_text(snapshot)

    def persist_workflow_snapshot(
        self,
        *,
        workflow_name: str,
        run_id: str,
        resource_id: str | None = None,
        snapshot: Any,
        created_at: datetime | None = None,
        updated_at: datetime | None = None,
    ) -> None:
        """Writes a run's snapshot, over the stored one; two requests, not one step.

        Args:
            workflow_name: of the workflow.
            run_id: of the run.
            resource_id: whose run it is; None keeps the stored one.
            snapshot: JSON.
            created_at: now if None; a stored one stays.
            updated_at: now if None.
        """
        now = self._client.clock()
        existing = self._row(workflow_name, run_id)
        created = None if existing is None else existing.get("createdAt")
        record = {
            "workflow_name": workflow_name,
            "run_id": run_id,
            "resourceId": UNSET if resource_id is None else resource_id,
            "snapshot": to_json_text(snapshot),
            "createdAt": to_iso(created_at or now) if created is None else created,
            "updatedAt": to_iso(updated_at or now),
        }
        self._client.insert(WORKFLOW_SNAPSHOTS, record)

    def load_workflow_snapshot(self, *, workflow_name: str, run_id: str) -> Any:
        """A run's snapshot, or None if there is no such run.

        Raises:
            ValueError: if what is stored is no JSON.
        """
        row = self._row(workflow_name, run_id)
        return None if row is None else _parsed(row.get("snapshot"))

    def list_workflow_runs(
        self,
        *,
        workflow_name: str | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        per_page: PerPage | None = None,
        page: int | None = None,
        resource_id: str | None = None,
        status: str | None = None,
    ) -> WorkflowRunPage:
        """Runs, newest first.

        Args:
            workflow_name: only this workflow's; the empty text filters nothing.
            from_date: none that began before.
            to_date: none that began after.
            per_page: how many on a page; only together with ``page``. False gives all.
            page: counted from 0; only together with ``per_page``.
            resource_id: only this resource's; the empty text filters nothing.
            status: only those whose snapshot says so.

        Raises:
            StorageError: ``perPage must be >= 0``.
        """
        filters = [equal("workflow_name", workflow_name)] if workflow_name else []
        filters += [equal("resourceId", resource_id)] if resource_id else []
        rows = self._client.query_table(WORKFLOW_SNAPSHOTS, filters or None)
        if from_date is not None:
            earliest = to_milliseconds(from_date)
            rows = [row for row in rows if _began(row) >= earliest]
        if to_date is not None:
            latest = to_milliseconds(to_date)
            rows = [row for row in rows if _began(row) <= latest]
        if status:
            rows = [row for row in rows if _status(self._snapshot(row)) == status]
        total = len(rows)
        rows = sorted(rows, key=_began, reverse=True)
        if per_page is not None and page is not None:
            size = normalize_per_page(per_page, MAX_SAFE_INTEGER)
            rows = rows[page * size : (page + 1) * size]
        return WorkflowRunPage(runs=[self._run(row) for row in rows], total=total)

    def get_workflow_run_by_id(self, *, run_id: str, workflow_name: str | None = None) -> WorkflowRun | None:
        """A run, or None; without ``workflow_name`` the first one of that id in whatever workflow."""
        row: Record | None
        if workflow_name:
            row = self._row(workflow_name, run_id)
        else:
            rows = self._client.query_table(WORKFLOW_SNAPSHOTS, [equal("run_id", run_id)])
            row = rows[0] if rows else None
        return None if row is None else self._run(row)

    def delete_workflow_run_by_id(self, *, run_id: str, workflow_name: str) -> None:
        """Deletes a run; one that is not there is none the worse."""
        self._client.delete_many(WORKFLOW_SNAPSHOTS, [f"{workflow_name}-{run_id}"])

    def _row(self, workflow_name: str, run_id: str) -> Record | None:
        return self._client.load(WORKFLOW_SNAPSHOTS, workflow_name=workflow_name, run_id=run_id)

    def _run(self, row: Record) -> WorkflowRun:
        return WorkflowRun(
            workflow_name=row["workflow_name"],
            run_id=row["run_id"],
            snapshot=self._snapshot(row),
            created_at=_began(row),
            updated_at=from_iso(row["updatedAt"]),
            resource_id=row.get("resourceId"),
        )

    def _snapshot(self, row: Record) -> Any:
        """The snapshot in a row, an empty one if it has none."""
        stored = row.get("snapshot")
        if stored or isinstance(stored, Mapping | list):
            return _parsed(stored)
        return {
            "context": {},
            "activePaths": [],
            "activeStepsPath": {},
            "timestamp": to_epoch_ms(self._client.clock()),
            "suspendedPaths": {},
            "resumeLabels": {},
            "serializedStepGraph": [],
            "value": {},
            "waitingPaths": {},
            "status": "pending",
            "runId": "",
        }


def _parsed(snapshot: Any) -> Any:
    """A snapshot that is stored as JSON text, or as an object."""
    return from_json_text(snapshot if isinstance(snapshot, str) else to_json_text(snapshot))


def _status(snapshot: Any) -> Any:
    if snapshot is None:
        raise TypeError("Cannot read properties of null (reading 'status')")
    return snapshot.get("status") if isinstance(snapshot, Mapping) else None


def _began(row: Record) -> datetime:
    return from_iso(row["createdAt"])

"""Workflow snapshots: step results and state merged on the server.

npm @mastra/convex 1.5.2 ``mergeWorkflowStepResult`` and ``mergeWorkflowState`` (mastra-adapter.md §5).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from convex_mastra_emulator.mastra.records import (
    Request,
    Response,
    argument,
    done,
    equal_to,
    refused,
    unsupported,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.values.javascript import (
    parse_json,
    property_of,
    set_property,
    spread,
    stringify,
    to_string,
    truthy,
)
from convex_mastra_emulator.values.types import Document

_TABLE = "mastra_workflow_snapshots"
_PENDING_MARKER = {"__mastra_pending__": True}


def iso_time(now_ms: float) -> str:
    """``new Date(now).toISOString()``."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now_ms) % 1000:03d}Z"


def _load_snapshot(ctx: MutationContext, request: Request) -> tuple[Document | None, Any, Response | None]:
    """The row and its snapshot, or the answer that there is none."""
    run_id = argument(request, "runId")
    by_run = equal_to(("workflow_name", argument(request, "workflowName")), ("run_id", run_id))
    existing = ctx.db.query(_TABLE).with_index("by_workflow_run", by_run).unique()
    if existing is None:
        return None, None, refused(f"Workflow snapshot not found for runId {to_string(run_id)}")
    snapshot = _parsed(existing["snapshot"], ctx.now(), run_id)
    if not truthy(property_of(snapshot, "context")):
        return None, None, refused(f"Snapshot for runId {to_string(run_id)} is missing or has invalid context")
    return existing, snapshot, None


def _parsed(stored: Any, now_ms: float, run_id: Any) -> Any:
    if isinstance(stored, str):
        return parse_json(stored)
    return _empty_snapshot(now_ms, run_id) if stored is None else parse_json(stringify(stored))


def _empty_snapshot(now_ms: float, run_id: Any) -> dict[str, Any]:
    return {
        "context": {},
        "activePaths": [],
        "activeStepsPath": {},
        "timestamp": now_ms,
        "suspendedPaths": {},
        "resumeLabels": {},
        "serializedStepGraph": [],
        "value": {},
        "waitingPaths": {},
        "status": "pending",
        "runId": run_id,
    }


def _store_snapshot(ctx: MutationContext, existing: Document, snapshot: dict[str, Any]) -> None:
    ctx.db.patch(existing["_id"], {"snapshot": stringify(snapshot), "updatedAt": iso_time(ctx.now())})


def _merge_step_result(ctx: MutationContext, table: str, request: Request) -> Response:
    if table != _TABLE:
        return unsupported(request, for_table=True)
    existing, snapshot, answer = _load_snapshot(ctx, request)
    if existing is None:
        assert answer is not None
        return answer
    result = parse_json(argument(request, "result"))
    request_context = parse_json(argument(request, "requestContext"))
    step_id = to_string(argument(request, "stepId"))
    context = snapshot["context"]
    set_property(context, step_id, _merged_result(property_of(context, step_id), result))
    snapshot["requestContext"] = {**spread(property_of(snapshot, "requestContext")), **spread(request_context)}
    _store_snapshot(ctx, existing, snapshot)
    return done(result=stringify(context))


def _merged_result(old: Any, new: Any) -> Any:
    """A step's new result; lists of outputs are merged position by position, everything else replaced."""
    if truthy(old) and not isinstance(old, (dict, list)):
        raise TypeError(f"Cannot use 'in' operator to search for 'output' in {to_string(old)}")
    old_output = old.get("output") if isinstance(old, dict) else None
    new_output = new.get("output") if isinstance(new, dict) else None
    if not isinstance(old_output, list) or not isinstance(new_output, list):
        return new
    if any(map(_is_marker, new_output)):
        return {**old, "output": _reset_output(old_output, new_output)}
    return {**old, **new, "output": _overlaid_output(old_output, new_output)}


def _overlaid_output(old: list[Any], new: list[Any]) -> list[Any]:
    """New elements overwrite, new nulls keep what was there."""
    merged = list(old)
    for position, item in enumerate(new):
        if position >= len(merged):
            merged.append(item)
        elif item is not None:
            merged[position] = item
    return merged


def _reset_output(old: list[Any], new: list[Any]) -> list[Any]:
    """A write with a marker is a command: marked positions become null if they may, the rest stays."""
    merged = list(old)
    for position, item in enumerate(new):
        if position >= len(old):
            merged.append(None)
        elif _is_marker(item) and _may_be_reset(old[position]):
            merged[position] = None
    return merged


def _is_marker(value: Any) -> bool:
    return isinstance(value, dict) and value == _PENDING_MARKER and value["__mastra_pending__"] is True


def _may_be_reset(value: Any) -> bool:
    if value is None or _is_marker(value):
        return True
    is_suspended = isinstance(value, dict) and value.get("status") == "suspended"
    return is_suspended and ("suspendPayload" in value or "suspendedAt" in value)


def _merge_state(ctx: MutationContext, table: str, request: Request) -> Response:
    if table != _TABLE:
        return unsupported(request, for_table=True)
    existing, snapshot, answer = _load_snapshot(ctx, request)
    if existing is None:
        assert answer is not None
        return answer
    options = parse_json(argument(request, "opts"))
    merged = {**snapshot, **spread(options)}
    _store_snapshot(ctx, existing, merged)
    return done(result=stringify(merged))


WORKFLOW_OPERATIONS = {"mergeWorkflowStepResult": _merge_step_result, "mergeWorkflowState": _merge_state}

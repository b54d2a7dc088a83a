"""Strategies for Mastra's records: threads, messages, resources, runs of workflows, scores.

A record that is saved with its store is read back equal: times are whole milliseconds, numbers are finite, and what a
column holds as a Convex value has names that Convex takes, while JSON text may have any.

npm @mastra/core 1.71.0 ``MastraMessageContentV2`` and ``WorkflowRunState`` (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from convex_mastra_emulator.stores import Message, Resource, SaveScorePayload, Thread, WorkflowRun
from convex_mastra_emulator.stores.times import to_epoch_ms
from pytest_mastra_convex.strategies.values import field_names

RUN_STATUSES = (
    "running",
    "success",
    "failed",
    "tripwire",
    "suspended",
    "waiting",
    "pending",
    "canceled",
    "bailed",
    "paused",
    "skipped",
)
"""npm @mastra/core 1.71.0 ``WorkflowRunStatus``."""

_SAFE_INTEGER_MAX = 2**53 - 1
# A century: times are one number each, which shrinks faster than Hypothesis' datetimes.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_MILLISECONDS_MAX = 100 * 365 * 86_400_000

_texts = st.text(max_size=30)
# Blank ids are refused where threads are listed; categories C and Z hold all that `trim` takes away.
_ids = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)
_times = st.integers(0, _MILLISECONDS_MAX).map(lambda milliseconds: _FIRST + timedelta(milliseconds=milliseconds))
_numbers = st.integers(-_SAFE_INTEGER_MAX, _SAFE_INTEGER_MAX) | st.floats(allow_nan=False, allow_infinity=False)
_scalars: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), _numbers, _texts)


def _json_values(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=5
    )


_json = _json_values(_texts)
_json_objects = st.dictionaries(_texts, _json, max_size=3)
# Stored as a Convex value.
_stored = _json_values(field_names())
_stored_objects = st.dictionaries(field_names(), _stored, max_size=3)


# Memory


def threads(
    *, ids: st.SearchStrategy[str] = _ids, resource_ids: st.SearchStrategy[str] = _ids
) -> st.SearchStrategy[Thread]:
    """Threads.

    Args:
        ids: of the threads.
        resource_ids: whose they are.
    """
    return st.builds(
        Thread,
        id=ids,
        resource_id=resource_ids,
        title=_texts,
        metadata=_stored_objects,
        created_at=_times,
        updated_at=_times,
    )


def resources(*, ids: st.SearchStrategy[str] = _ids) -> st.SearchStrategy[Resource]:
    """Resources, with working memory or without.

    Args:
        ids: of the resources.
    """
    return st.builds(
        Resource,
        id=ids,
        working_memory=st.none() | _texts,
        metadata=_stored_objects,
        created_at=_times,
        updated_at=_times,
    )


def messages(
    *,
    ids: st.SearchStrategy[str] = _ids,
    thread_ids: st.SearchStrategy[str] = _ids,
    resource_ids: st.SearchStrategy[str] = _ids,
    roles: Sequence[str] = ("user", "assistant", "tool"),
) -> st.SearchStrategy[Message]:
    """Messages of format 2, with the parts that their role has.

    Args:
        ids: of the messages.
        thread_ids: the threads they belong to.
        resource_ids: whose they are.
        roles: which of ``user``, ``assistant``, ``tool`` and ``system``; Mastra drops the last one's when it hands
            messages on.

    Raises:
        ValueError: for no roles, or another one.
    """
    if not roles or not set(roles) <= _PARTS.keys():
        raise ValueError(f"roles must be some of {', '.join(_PARTS)}, got {list(roles)}")
    return st.one_of(
        [
            st.builds(
                Message,
                id=ids,
                thread_id=thread_ids,
                resource_id=resource_ids,
                role=st.just(role),
                type=st.just("v2"),
                content=_contents(_PARTS[role]),
                created_at=_times,
            )
            for role in roles
        ]
    )


def _contents(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"format": st.just(2), "parts": st.lists(parts, min_size=1, max_size=4)},
        optional={"content": _texts, "metadata": _json_objects},
    )


def _tool_invocations(states: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    def invocation(state: str) -> st.SearchStrategy[dict[str, Any]]:
        fields = {"state": st.just(state), "toolCallId": _ids, "toolName": _ids, "args": _json_objects}
        result = {"result": _json} if state == "result" else {}
        return st.fixed_dictionaries({**fields, **result}, optional={"step": st.integers(0, 3)})

    return st.fixed_dictionaries(
        {"type": st.just("tool-invocation"), "toolInvocation": st.one_of(list(map(invocation, states)))}
    )


_text_parts = st.fixed_dictionaries({"type": st.just("text"), "text": _texts})
_file_parts = st.fixed_dictionaries(
    {
        "type": st.just("file"),
        "mimeType": st.sampled_from(("text/plain", "image/png", "application/pdf")),
        "data": st.sampled_from(("", "aGVsbG8=", "https://example.com/file", "data:text/plain;base64,aGk=")),
    },
    optional={"filename": _texts},
)
_reasoning_parts = st.fixed_dictionaries(
    {
        "type": st.just("reasoning"),
        "reasoning": _texts,
        "details": st.lists(
            st.one_of(
                st.fixed_dictionaries({"type": st.just("text"), "text": _texts}, optional={"signature": _texts}),
                st.fixed_dictionaries({"type": st.just("redacted"), "data": _texts}),
            ),
            max_size=2,
        ),
    }
)
_step_starts = st.fixed_dictionaries({"type": st.just("step-start")}, optional={"model": _texts})
_PARTS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "user": _text_parts | _file_parts,
    "assistant": st.one_of(
        _text_parts,
        _step_starts,
        _tool_invocations(("call", "partial-call", "result")),
        _reasoning_parts,
        _file_parts,
    ),
    "tool": _tool_invocations(("result",)),
    "system": _text_parts,
}


# Workflows


def workflow_snapshots(
    *, workflow_names: st.SearchStrategy[str] = _ids, run_ids: st.SearchStrategy[str] = _ids
) -> st.SearchStrategy[WorkflowRun]:
    """Runs whose snapshots are whole: what ``persist_workflow_snapshot`` takes, as the store lists it.

    Args:
        workflow_names: of their workflows.
        run_ids: of the runs; the snapshot says the same one.
    """
    return st.builds(
        lambda run_id, state, **fields: WorkflowRun(run_id=run_id, snapshot={"runId": run_id, **state}, **fields),
        run_ids,
        _run_states,
        workflow_name=workflow_names,
        created_at=_times,
        updated_at=_times,
        resource_id=st.none() | _ids,
    )


_paths = st.lists(st.integers(0, 3), max_size=3)
_paths_by_step = st.dictionaries(_ids, _paths, max_size=2)
_steps = st.one_of(
    st.fixed_dictionaries({"status": st.just("success"), "output": _json}, optional={"payload": _json}),
    st.fixed_dictionaries({"status": st.just("running")}, optional={"payload": _json}),
    st.fixed_dictionaries({"status": st.just("suspended"), "suspendPayload": _json_objects}),
    st.fixed_dictionaries(
        {"status": st.just("failed"), "error": st.fixed_dictionaries({"name": _texts, "message": _texts})}
    ),
)
_contexts = st.builds(
    lambda steps, given: {**steps, **given},
    st.dictionaries(_ids, _steps, max_size=3),
    st.fixed_dictionaries({}, optional={"input": _json_objects}),
)


_labels = st.fixed_dictionaries({"stepId": _ids}, optional={"foreachIndex": st.integers(0, 3)})
_entries = st.fixed_dictionaries({"type": st.just("step"), "step": st.fixed_dictionaries({"id": _ids})})
_run_states = st.fixed_dictionaries(
    {
        "status": st.sampled_from(RUN_STATUSES),
        "value": st.dictionaries(_ids, _texts, max_size=2),
        "context": _contexts,
        "serializedStepGraph": st.lists(_entries, max_size=2),
        "activePaths": _paths,
        "activeStepsPath": _paths_by_step,
        "suspendedPaths": _paths_by_step,
        "resumeLabels": st.dictionaries(_ids, _labels, max_size=2),
        "waitingPaths": _paths_by_step,
        "timestamp": _times.map(to_epoch_ms),
    },
    optional={
        "result": _json_objects,
        "error": st.fixed_dictionaries({"name": _texts, "message": _texts}),
        "requestContext": _json_objects,
    },
)


# Scores


def scores(
    *, scorer_ids: st.SearchStrategy[str] = _ids, run_ids: st.SearchStrategy[str] = _ids
) -> st.SearchStrategy[SaveScorePayload]:
    """Scores as they are handed to ``save_score``, which gives them their ids and times.

    Args:
        scorer_ids: of their scorers.
        run_ids: the runs that were scored.
    """
    texts = (
        "reason",
        "preprocess_prompt",
        "extract_prompt",
        "generate_score_prompt",
        "generate_reason_prompt",
        "analyze_prompt",
        "reason_prompt",
        "trace_id",
        "span_id",
        "resource_id",
        "thread_id",
        "organization_id",
        "project_id",
        "batch_id",
        "dataset_id",
        "dataset_item_id",
    )
    objects = ("entity", "metadata", "additional_context", "request_context")
    results = ("preprocess_step_result", "extract_step_result", "analyze_step_result")
    optional: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(texts, _texts),
        **dict.fromkeys(objects, _stored_objects),
        **dict.fromkeys(results, _stored),
        "entity_id": _ids,
        "entity_type": st.sampled_from(("AGENT", "WORKFLOW")),
    }
    required: dict[str, st.SearchStrategy[Any]] = {
        "scorer_id": scorer_ids,
        "run_id": run_ids,
        "scorer": _stored_objects,
        "score": st.floats(allow_nan=False, allow_infinity=False),
        "source": st.sampled_from(("LIVE", "TEST")),
        "input": _stored,
        "output": _stored,
    }
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: SaveScorePayload(**fields))

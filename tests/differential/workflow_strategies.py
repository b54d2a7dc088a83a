"""Requests to `mastra/storage:handle` that merge results and state into workflow snapshots."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.differential.pair import Step
from tests.differential.storage_strategies import (
    Fields,
    crud_of,
    filters,
    ids,
    in_turn,
    limits,
    mostly,
    records,
    requests,
    rows_of,
    sent_back,
    sequences,
    unknown_operations,
)
from tests.differential.value_strategies import (
    is_plain_json,
    json_objects,
    json_texts,
    leaves,
    reserved_names,
    values,
)

_plain_outputs = st.sampled_from(
    (
        None,
        1,
        "x",
        {},
        *({"status": "suspended", "suspendPayload": None}, {"status": "suspended", "suspendedAt": 1}) * 3,
        {"status": "suspended"},
        {"status": "success"},
        {"__mastra_pending__": 1},
        {"__mastra_pending__": True, "b": 1},
    )
)
_markers = st.just({"__mastra_pending__": True})
_outputs = st.one_of(
    st.lists(_plain_outputs, max_size=4),
    st.lists(_plain_outputs, max_size=4),
    st.lists(_plain_outputs | _markers, max_size=4),
    st.lists(_markers, min_size=1, max_size=4),
)
_step_results: st.SearchStrategy[Any] = mostly(
    st.fixed_dictionaries(
        {"output": _outputs},
        optional={"status": st.sampled_from(("success", "failed")), "a": leaves.filter(is_plain_json)},
    ),
    st.sampled_from((None, 5, "text", [], {}, {"status": "success"}, {"output": "x"}, True)),
)
_contexts = mostly(
    st.fixed_dictionaries(
        {"s1": _step_results}, optional={"s2": _step_results, "10": _step_results, "9": leaves}
    ).filter(is_plain_json),
    st.sampled_from((None, "", 0, "text", 5, [], ["a"], True)),
)
_snapshots = st.fixed_dictionaries(
    {"context": _contexts},
    optional={
        "requestContext": st.sampled_from(({"a": 1}, None, "xy", [1])),
        "status": st.just("running"),
        "b": leaves.filter(is_plain_json),
    },
)


@st.composite
def workflow_sequences(draw: st.DrawFn) -> list[Step]:
    """Workflow snapshots, whose steps are merged on the server."""
    table = "mastra_workflow_snapshot"
    run = {"workflowName": st.sampled_from(("w1", "w1", "w2")), "runId": st.sampled_from(("run1", "run1", "run2"))}
    stored = mostly(_snapshots.map(json.dumps) | _snapshots, json_texts | values | st.none())
    row = st.builds(lambda record, snapshot: {**record, "snapshot": snapshot}, records(table), stored)
    pair_keys = st.fixed_dictionaries(
        {"workflow_name": st.sampled_from(("w1", "w2", None)), "run_id": st.sampled_from(("run1", "run2", 1.0))},
        optional={"id": ids},
    )
    arguments = crud_of(table)
    hints = st.fixed_dictionaries(
        {"index": st.sampled_from(("by_workflow", "by_workflow_run", "by_created", None))},
        optional={"workflowName": st.sampled_from(("w1", "w2")), "runId": st.sampled_from(("run1", "run2"))},
    )
    own: dict[str, Fields] = {
        "insert": {"record": row},
        "load": {"keys": st.one_of(pair_keys, st.fixed_dictionaries({"id": ids}))},
        "queryTable": {"filters": filters(table), "limit": limits, "indexHint": hints},
        "mergeWorkflowStepResult": {
            **run,
            "stepId": mostly(st.sampled_from(("s1", "s1", "10")), st.sampled_from(("s2", "", 5.0))),
            "result": mostly(_step_results.map(json.dumps), json_texts),
            "requestContext": mostly(json_objects, json_texts),
        },
        "mergeWorkflowState": {
            **run,
            "opts": mostly(json_objects | _snapshots.map(json.dumps), json_texts | reserved_names),
        },
    }
    weights = {"insert": 4, "mergeWorkflowStepResult": 20, "mergeWorkflowState": 4, "queryTable": 2, "load": 2}
    step = in_turn(requests(table, {**arguments, **own}, weights), unknown_operations(table), sent_back(table))
    stored_first = [draw(stored) for _ in range(4)]
    runs = [{"workflow_name": name, "run_id": run_id} for name in ("w1", "w2") for run_id in ("run1", "run2")]
    rows = [{**pair, "snapshot": snapshot} for pair, snapshot in zip(runs, stored_first, strict=True)]
    return draw(sequences(step, rows_of(table, *rows)))

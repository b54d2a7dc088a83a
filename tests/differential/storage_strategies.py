"""Requests to `mastra/storage:handle`: every operation on every kind of table, most of them sensible.

Records are drawn from the tables' own validators; one request in a few is spoiled, as a caller without types would
send it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from convex_mastra_emulator.mastra import mastra_schema
from tests.differential.pair import Call, Pages, Row, SendBack, Step, Store
from tests.differential.value_strategies import (
    INFINITY,
    INT64_ONE,
    NOT_A_NUMBER,
    is_plain_json,
    json_objects,
    json_texts,
    junk,
    leaves,
    numbers,
    objects,
    reserved_names,
    texts,
    values,
)

PATH = "mastra/storage:handle"
IDS = ("a", "b", "1")
MANY = 31

Fields = Mapping[str, st.SearchStrategy[Any]]


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Five times out of six the one, else the other."""
    return st.integers(0, 5).flatmap(lambda turn: odd if turn == 5 else good)


def physical(table: str) -> str:
    """The table in the schema behind a logical one."""
    return "mastra_workflow_snapshots" if table == "mastra_workflow_snapshot" else table


# One in five is odd: 1 is the text "1" where a handler makes keys of ids, and another value where it does not.
ids = st.sampled_from(IDS * 8 + ("", 1.0, None, "ä", True, 0.0))
times = st.sampled_from(("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-03", "", "2025-12-31"))
fire_times = st.sampled_from((0.0, 10.0, 20.0, 20.5, 30.0, -1.0))

# What means something to a handler is drawn from a few values, so that requests meet.
_POOLS: Fields = {
    "thread_id": st.sampled_from(("t1", "t2", "")),
    "resourceId": st.sampled_from(("r1", "r2", "")),
    "status": st.sampled_from(("active", "paused", "pending", "running")),
    "snapshot": json_texts | reserved_names | values,
    "config": json_texts | reserved_names,
    "lookupKey": st.sampled_from(("thread:t1", "resource:r1")),
    "generationCount": st.sampled_from((0.0, 1.0, 2.0)),
    "workflow_name": st.sampled_from(("w1", "w2")),
    "run_id": st.sampled_from(("run1", "run2")),
    "schedule_id": st.sampled_from(("a", "b")),
    "actual_fire_at": fire_times,
    "next_fire_at": fire_times,
    "metadata": json_texts | objects | values,
    **dict.fromkeys(("createdAt", "updatedAt", "lastObservedAt"), times),
}


def field_strategy(name: str, validator: Row) -> st.SearchStrategy[Any]:
    """Values a validator takes (a pool may hold others: the schema then refuses them, on both sides)."""
    if name in _POOLS:
        return _POOLS[name]
    kind = validator["type"]
    if kind == "union":
        return st.one_of(*(field_strategy(name, member) for member in validator["value"]))
    if kind == "literal":
        return st.just(validator["value"])
    if kind == "array":
        return st.lists(field_strategy(name, validator["value"]), max_size=3)
    return {"string": texts, "number": numbers, "boolean": st.booleans(), "null": st.none(), "any": values}[kind]


def _plain(validator: Row) -> Any:
    """The simplest value a validator takes."""
    kind = validator["type"]
    if kind == "union":
        return _plain(validator["value"][0])
    if kind == "literal":
        return validator["value"]
    return {"string": "a", "number": 1.0, "boolean": False, "null": None, "any": {}, "array": []}[kind]


@cache
def _document_fields(table: str) -> dict[str, Row]:
    (exported,) = (each for each in mastra_schema().to_json()["tables"] if each["tableName"] == table)
    fields: dict[str, Row] = exported["documentType"]["value"]
    return fields


@cache
def plain_record(table: str) -> Row:
    """A record with every required field; the id is left to the caller."""
    return {
        name: _plain(field["fieldType"])
        for name, field in _document_fields(physical(table)).items()
        if not field["optional"] and name != "id"
    }


@cache
def _overridden(table: str) -> st.SearchStrategy[Row]:
    """Some fields of a record."""
    fields = _document_fields(physical(table))
    each = [
        field_strategy(name, field["fieldType"]).map(lambda value, name=name: (name, value))  # type: ignore[misc]
        for name, field in fields.items()
        if name != "id"
    ]
    return st.lists(st.one_of(*each), max_size=4).map(dict)


def partial_records(table: str) -> st.SearchStrategy[Row]:
    """Fields to patch: valid ones, null, unknown ones."""
    some = _overridden(table)
    names = st.sampled_from([*_document_fields(physical(table)), "unknown"])
    wrong = st.dictionaries(names, junk, min_size=1, max_size=2)
    return st.one_of(some, some, some, wrong, st.just({}), some.map(lambda row: {**row, "id": "c"}))


@st.composite
def records(draw: st.DrawFn, table: str) -> Row:
    """A record, whole in most cases."""
    record = {**plain_record(table), **draw(_overridden(table)), "id": draw(ids)}
    spoil = draw(st.integers(0, 19))
    if spoil == 0:
        record.pop(draw(st.sampled_from(sorted(record))))
    elif spoil == 1:
        record[draw(st.sampled_from([*sorted(record), "unknown"]))] = draw(junk)
    return record


@cache
def filters(table: str) -> st.SearchStrategy[list[Row]]:
    """Equality filters on any field, some without a value."""
    each: list[st.SearchStrategy[Row]] = []
    for name, field in _document_fields(physical(table)).items():
        value = field_strategy(name, field["fieldType"]) if name != "id" else ids
        each.append(st.fixed_dictionaries({"field": st.just(name), "value": st.one_of(value, value, st.none())}))
        if field["optional"]:
            each.append(st.just({"field": name}))
    return st.lists(st.one_of(*each), max_size=3)


limits = st.sampled_from((1.0, 2.0, 3.0, 10.0, 0.0, 20_000.0))
id_lists = st.lists(ids, max_size=5) | st.just([f"m{number}" for number in range(11)])


def crud_arguments(
    record: st.SearchStrategy[Row],
    changes: st.SearchStrategy[Row],
    keys: st.SearchStrategy[Row],
    filter_lists: st.SearchStrategy[list[Row]],
) -> dict[str, Fields]:
    """The arguments of the operations that every table has."""
    return {
        "insert": {"record": record},
        "batchInsert": {"records": st.lists(record, max_size=5)},
        "patch": {"id": ids, "record": changes},
        "load": {"keys": keys},
        "loadMany": {"ids": id_lists},
        "queryTable": {"filters": filter_lists, "limit": limits},
        "clearTable": {},
        "dropTable": {},
        "deleteMany": {"ids": id_lists},
    }


def crud_of(table: str) -> dict[str, Fields]:
    """The arguments of the operations that every typed table has."""
    by_field = filters(table).map(lambda items: {item["field"]: item.get("value") for item in items})
    by_id = st.fixed_dictionaries({"id": ids})
    return crud_arguments(
        records(table), partial_records(table), st.one_of(by_id, by_id, by_field, st.just({})), filters(table)
    )


# Which arguments of an operation are usually left out.
_RARE = ("filters", "limit")


@st.composite
def requests(
    draw: st.DrawFn, table: str, arguments: Mapping[str, Fields], weights: Mapping[str, int] | None = None
) -> Step:
    """One request; now and then without an argument, with a wrong one, or with one too many."""
    operations = [op for op in arguments for _ in range((weights or {}).get(op, 1))]
    op = draw(st.sampled_from(operations))
    args: Row = {"op": op, "tableName": table}
    for name, strategy in arguments[op].items():
        if name not in _RARE or draw(st.booleans()):
            args[name] = draw(strategy)
    # What is no object cannot be a patch; convex-test says so in its own way (divergence "patch-with-no-object").
    names = [name for name in arguments[op] if name != "patch"] or ["ids"]
    spoil = draw(st.integers(0, 29))
    if spoil == 0:
        args.pop(draw(st.sampled_from(names)), None)
    elif spoil == 1:
        name = draw(st.sampled_from(names))
        # A filter without a field is left out (divergence "filter-without-field").
        args[name] = draw(junk.filter(lambda value: name != "filters" or value != ["a"]))
    elif spoil == 2:
        args["extra"] = draw(junk)
    return Call(PATH, args)


def unknown_operations(table: str) -> st.SearchStrategy[Step]:
    """Operations that do not exist, and some that exist for other tables."""
    ops = (
        "count",
        "",
        None,
        5.0,
        "createSchedule",
        "listDueSchedules",
        "omGetLatest",
        "updateThread",
        "mergeWorkflowState",
    )
    return st.sampled_from(ops).map(lambda op: Call(PATH, {"op": op, "tableName": table}))


def batches(table: str, make: Callable[[str], Row]) -> st.SearchStrategy[Step]:
    """A batch around the size at which handlers split their work."""

    def batch(count: int) -> Step:
        records_made = [make(f"m{number}") for number in range(count)]
        return Call(PATH, {"op": "batchInsert", "tableName": table, "records": records_made})

    return st.integers(24, MANY).map(batch)


def sent_back(table: str) -> st.SearchStrategy[Step]:
    """Rows that go back as they came."""
    return st.builds(SendBack, st.just(PATH), st.just(table), st.sampled_from(IDS), _overridden(table))


def in_turn(usual: st.SearchStrategy[Step], *rare: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    """Mostly the usual step, each of the rare ones once in a while."""
    return st.integers(0, 11 + len(rare)).flatmap(lambda turn: usual if turn < 12 else rare[turn - 12])


USUAL_WEIGHTS = {"insert": 4, "batchInsert": 3, "patch": 2, "queryTable": 4, "load": 2}


def typed_steps(table: str, **operations: Fields) -> st.SearchStrategy[Step]:
    """Steps on a typed table; `operations` are the table's own."""
    arguments = {**crud_of(table), **operations}
    if operations:
        # Some of these can give two rows one id.  In a batch that fails for that and for another reason, convex-test
        # and a deployment report another failure first (divergence "first-failure-of-a-batch").
        del arguments["batchInsert"]
    weights = {**USUAL_WEIGHTS, **dict.fromkeys(operations, 4)}
    return in_turn(
        requests(table, arguments, weights),
        unknown_operations(table),
        sent_back(table),
        batches(table, lambda record_id: {**plain_record(table), "id": record_id}),
    )


@st.composite
def sequences(draw: st.DrawFn, step: st.SearchStrategy[Step], *first: Step) -> list[Step]:
    """What one example plays: the first steps, so that there is something to find, then any, the first among them."""
    return [*first, *draw(st.lists(in_turn(step, *map(st.just, first)), min_size=6, max_size=18))]


def rows_of(table: str, *changes: Row) -> Step:
    """Plain rows with the usual ids, each with some fields of its own."""
    rows = [{**plain_record(table), "id": record_id, **own} for record_id, own in zip(IDS, changes, strict=False)]
    return Call(PATH, {"op": "batchInsert", "tableName": table, "records": rows})


# Fallback tables


_plain_objects = st.dictionaries(st.sampled_from(("a", "b", "status", "10")), values, max_size=3)
_generic_records = st.builds(lambda fields, record_id: {**fields, "id": record_id}, _plain_objects, ids | values)
_generic_filters = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"field": st.sampled_from(("a", "b", "id", "status"))}, optional={"value": values | st.sampled_from(IDS)}
        ),
        st.just({"value": 1.0}),
        st.just({}),
    ),
    max_size=2,
)
_generic_keys = st.one_of(
    st.fixed_dictionaries({"id": ids | values}),
    _plain_objects,
    st.dictionaries(st.sampled_from(("a", "b")), st.sampled_from((1.0, "a", None)), max_size=2),
)


def fallback_sequences(table: str) -> st.SearchStrategy[list[Step]]:
    """A table that Mastra has no typed one for."""
    arguments = crud_arguments(_generic_records | _plain_objects, _plain_objects, _generic_keys, _generic_filters)
    step = in_turn(
        requests(table, arguments, USUAL_WEIGHTS),
        unknown_operations(table),
        batches(table, lambda record_id: {"id": record_id, "a": 1.0}),
    )
    rows = [{"id": "a", "a": 1.0}, {"id": "b", "a": None, "b": "x"}, {"id": 1.0, "status": {"a": 1.0}}]
    return sequences(step, Call(PATH, {"op": "batchInsert", "tableName": table, "records": rows}))


# Vector tables


_embeddings = st.one_of(
    st.lists(st.sampled_from((0.0, 1.0, -1.0, 0.5)), min_size=3, max_size=3),
    st.sampled_from(([], ["1"], [None], [1.0, NOT_A_NUMBER], "text", None, [INT64_ONE])),
)
_good_embeddings = st.lists(st.sampled_from((0.0, 1.0)), min_size=2, max_size=3)


def _vector_records() -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {"id": ids, "embedding": st.one_of(_good_embeddings, _good_embeddings, _embeddings)},
        optional={"metadata": objects | json_texts | values, "unknown": junk, "indexName": st.just("elsewhere")},
    )


@st.composite
def _partly_bad_batches(draw: st.DrawFn, table: str) -> Step:
    """Up to three batches of twenty-five, with rows that the schema refuses somewhere in them."""
    count = draw(st.integers(20, 60))
    bad = draw(st.sets(st.integers(0, count - 1), max_size=3))
    rows = [{"id": f"m{number}", "embedding": "bad" if number in bad else [1.0]} for number in range(count)]
    return Call(PATH, {"op": "batchInsert", "tableName": table, "records": rows})


def _pages(table: str, filter_lists: st.SearchStrategy[list[Row]]) -> st.SearchStrategy[Step]:
    def pages(size: float, filter_list: list[Row] | None) -> Step:
        args: Row = {"op": "queryTable", "tableName": table, "pageSize": size}
        return Pages(PATH, args if filter_list is None else {**args, "filters": filter_list})

    return st.builds(pages, st.sampled_from((3.0, 1.0, 10.0, 25.0)), st.none() | filter_lists)


# A size that is none, a cursor without a size, a limit beside a size: refused, in a certain order.
_bad_pages: st.SearchStrategy[Row] = st.fixed_dictionaries(
    {"pageSize": st.sampled_from((0.0, -1.0, 1.5, "5", None, True))},
    optional={"limit": st.sampled_from((1.0, None)), "cursor": st.sampled_from((None, "x"))},
) | st.sampled_from(
    ({"cursor": None}, {"cursor": "x"}, {"pageSize": 5.0, "limit": 1.0}, {"pageSize": 5.0, "limit": None})
)


def vector_sequences(table: str) -> st.SearchStrategy[list[Step]]:
    """A vector table."""
    record = _vector_records()
    changes = st.fixed_dictionaries({}, optional={"embedding": _embeddings, "metadata": values, "id": ids, "x": junk})
    filter_lists = st.lists(
        st.fixed_dictionaries(
            {"field": st.sampled_from(("id", "metadata", "indexName", "nothing"))}, optional={"value": values | ids}
        ),
        max_size=2,
    )
    arguments = crud_arguments(record, changes, st.fixed_dictionaries({}, optional={"id": ids}), filter_lists)
    step = in_turn(
        requests(table, arguments, USUAL_WEIGHTS),
        unknown_operations(table),
        _partly_bad_batches(table),
        _pages(table, filter_lists),
        _pages(table, filter_lists),
        _bad_pages.map(lambda args: Call(PATH, {"op": "queryTable", "tableName": table, **args})),
    )
    rows: list[Row] = [{"id": "a", "embedding": [1.0], "metadata": {"a": 1.0}}, {"id": "b", "embedding": []}]
    return sequences(step, Call(PATH, {"op": "batchInsert", "tableName": table, "records": rows}))


# Background tasks


TASKS = "mastra_background_tasks"
_task_fields = st.sampled_from(("agent_id", "agentId", "thread_id", "threadId", "retryCount", "retry_count", "status"))
_task_values = mostly(st.sampled_from(("a", "b")), st.sampled_from((1.0, None, "running")))


@st.composite
def _legacy_tasks(draw: st.DrawFn) -> Step:
    """A task in the fallback table, in camel case, in snake case or in both."""
    record = draw(st.dictionaries(_task_fields, _task_values, max_size=4))
    key = draw(st.sampled_from((*IDS, "x1", "x2", "undefined")))
    if draw(st.integers(0, 9)):
        record["id"] = key
    elif draw(st.booleans()):
        record["id"] = draw(ids)
    return Store("mastra_documents", [{"table": TASKS, "primaryKey": key, "record": record}])


def _many_legacy_tasks(count: int) -> Step:
    rows = [{"id": f"l{number}", "status": "running"} for number in range(count)]
    return Store("mastra_documents", [{"table": TASKS, "primaryKey": row["id"], "record": row} for row in rows])


def background_task_sequences() -> st.SearchStrategy[list[Step]]:
    """Tasks in both tables."""
    legacy_filters = st.lists(
        st.fixed_dictionaries({"field": _task_fields}, optional={"value": _task_values}), min_size=1, max_size=2
    )
    any_id = ids | st.sampled_from(("x1", "x2"))
    arguments: dict[str, Fields] = {
        **crud_of(TASKS),
        "queryTable": {"filters": mostly(legacy_filters, filters(TASKS)), "limit": limits},
        "patch": {
            "id": any_id,
            "record": partial_records(TASKS) | st.dictionaries(_task_fields, _task_values, min_size=1, max_size=2),
        },
        "load": {"keys": st.fixed_dictionaries({"id": any_id})},
        "loadMany": {"ids": st.lists(any_id, max_size=5)},
        "deleteMany": {"ids": st.lists(any_id, max_size=2)},
    }
    step = in_turn(
        requests(TASKS, arguments, USUAL_WEIGHTS),
        *[_legacy_tasks()] * 2,
        unknown_operations(TASKS),
        batches(TASKS, lambda record_id: {**plain_record(TASKS), "id": record_id}),
    )
    legacy: list[Row] = [
        {"agentId": "a", "retryCount": 1.0},
        {"thread_id": "b", "status": "a"},
        {"agent_id": "a", "threadId": "b"},
    ]
    stored: list[Row] = [
        {"table": TASKS, "primaryKey": key, "record": {**record, "id": key}}
        for key, record in zip(("x1", "x2", "a"), legacy, strict=True)
    ]
    first = (rows_of(TASKS, {"status": "running"}, {"agent_id": "b"}), Store("mastra_documents", stored))
    usual = sequences(step, *first)
    crowded = st.builds(lambda count, steps: [_many_legacy_tasks(count), *steps], st.integers(1, MANY), usual)
    return mostly(usual, crowded)


# Tables with operations of their own


def schedule_sequences() -> st.SearchStrategy[list[Step]]:
    """Schedules and their triggers."""
    schedules, triggers = "mastra_schedules", "mastra_schedule_triggers"
    odd_limits = st.sampled_from((1.0, 2.0, 0.0, -3.0, 1.9, None, NOT_A_NUMBER, INFINITY, "2"))
    on_schedules = typed_steps(
        schedules,
        createSchedule={"record": records(schedules)},
        listDueSchedules={"now": fire_times, "limit": odd_limits},
        updateScheduleNextFire={
            "id": ids,
            "expectedNextFireAt": fire_times,
            "newNextFireAt": fire_times,
            "lastFireAt": fire_times | st.none(),
            "lastRunId": st.sampled_from(("run1", None)),
        },
        # A patch may carry an id here, and so make two rows of one id.
        updateSchedule={"id": ids, "patch": partial_records(schedules)},
    )
    on_triggers = typed_steps(
        triggers,
        recordScheduleTrigger={"record": records(triggers)},
        listScheduleTriggers={
            "scheduleId": st.sampled_from(("a", "b", "c")),
            "fromActualFireAt": fire_times | st.none(),
            "toActualFireAt": fire_times | st.none(),
            "limit": odd_limits,
        },
        deleteScheduleTriggers={"scheduleId": st.sampled_from(("a", "b", "c"))},
    )
    due, paused = {"status": "active", "next_fire_at": 10.0}, {"status": "paused", "next_fire_at": 20.0}
    fired = [{"schedule_id": "a", "actual_fire_at": at} for at in (10.0, 30.0, 20.0)]
    return sequences(
        st.one_of(on_schedules, on_triggers), rows_of(schedules, due, paused, due), rows_of(triggers, *fired)
    )


def memory_sequences() -> st.SearchStrategy[list[Step]]:
    """Threads and resources, whose metadata is merged on the server."""
    # Spread as an object, a character of two UTF-16 units is two halves: a deployment takes no half characters, the
    # oracle stores them (divergence "half-characters").
    metadata = (objects | json_texts | values).filter(lambda value: value != "😀")
    on_threads = typed_steps(
        "mastra_threads", updateThread={"id": ids, "title": texts, "metadata": metadata, "updatedAt": times}
    )
    on_resources = typed_steps(
        "mastra_resources",
        updateResource={
            "resourceId": ids,
            "workingMemory": texts | st.none(),
            "metadata": metadata,
            "createdAt": times,
            "updatedAt": times,
        },
    )
    stored = ({"metadata": {"a": 1.0, "b": None}}, {"metadata": '"{\\"a\\":1}"'}, {"metadata": "no JSON"})
    return sequences(
        st.one_of(on_threads, on_resources), rows_of("mastra_threads", *stored), rows_of("mastra_resources", *stored)
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


_tokens = st.sampled_from((0.0, 1.0, 10.0, 500.0, 999.0, 1000.0, 1500.0, 4000.0, 10_000.0))
# With 30,000 pending tokens, a threshold of 20,000 and a ratio of 0 the target is 10,000, and an activation may
# overshoot up to 29,000: the sums of these lie below, at, between and above.
_small = st.sampled_from((5000.0, 9999.0, 1000.0, 1.0))
_large = st.sampled_from((19_000.0, 20_000.0, 24_000.0, 10_000.0, 28_999.0, 29_000.0, 29_001.0, 5000.0))
_weights = st.tuples(_small, _large, _large)
_activations = st.sampled_from(((0.0, 20_000.0, 30_000.0), (0.0, 20_000.0, 30_000.0), (0.8, 100_000.0, 30_000.0)))
_chunks = st.fixed_dictionaries(
    {"observations": st.sampled_from(("one", "two", "", "line\nline")), "tokenCount": _tokens},
    optional={
        "messageTokens": mostly(_large, _tokens | st.sampled_from((None, -5.0))),
        "messageIds": st.lists(st.sampled_from(("m1", "m2")), max_size=2) | st.none(),
        "cycleId": st.sampled_from(("c1", "", None)),
        "lastObservedAt": times | st.none(),
        "suggestedContinuation": st.sampled_from(("go on", None, "")),
        "currentTask": st.sampled_from(("task", None)),
        "10": values,
    },
)
_weighted = st.builds(
    lambda chunk, weights: [{**chunk, "messageTokens": weight} for weight in weights], _chunks, _weights
)
_odd_chunks = st.sampled_from((None, "text", {}, 5.0, {"tokenCount": 1.0}, {"observations": "x"}))


def _activation(record_id: Any, numbers_given: tuple[float, float, float], chunks: list[Row]) -> Step:
    ratio, threshold, pending = numbers_given
    given = {"activationRatio": ratio, "messageTokensThreshold": threshold, "currentPendingTokens": pending}
    args = {"op": "omSwapBuffered", "tableName": "mastra_observational_memory", "id": record_id, "now": "2026-01-04"}
    return Call(PATH, {**args, **given, "bufferedChunks": chunks})


@st.composite
def observational_memory_sequences(draw: st.DrawFn) -> list[Step]:
    """Observational memory."""
    table = "mastra_observational_memory"
    key = st.sampled_from(("thread:t1", "resource:r1", "thread:t2"))
    chunk = mostly(_chunks, _odd_chunks)
    updated = {"updatedAt": times}
    chunk_texts = st.lists(_chunks.filter(is_plain_json), min_size=1, max_size=5).map(json.dumps)
    record = st.builds(
        lambda row, chunks: {**row, "bufferedObservationChunks": chunks},
        records(table),
        mostly(chunk_texts, json_texts | st.none()),
    )
    current = st.builds(lambda row, record_id: {**row, "id": record_id}, records(table), ids)
    swaps = requests(
        table,
        {
            "omSwapBuffered": {
                "id": ids,
                "activationRatio": st.sampled_from((0.0, 0.2, 0.8, 1.0)),
                "messageTokensThreshold": _tokens,
                "currentPendingTokens": _tokens,
                "forceMaxActivation": st.sampled_from((True, False, None)),
                "lastObservedAt": times | st.none(),
                "bufferedChunks": st.none() | st.lists(chunk, max_size=5),
                "now": times,
            }
        },
    )
    usual = typed_steps(
        table,
        insert={"record": record},
        omGetLatest={"lookupKey": key},
        omGetHistory={
            "lookupKey": key,
            "limit": st.sampled_from((1.0, 2.0, 0.0, -1.0, 10.0, None, "2")),
            "from": times | st.none(),
            "to": times,
            "offset": st.sampled_from((0.0, 1.0, -1.0, None, 1.5)),
        },
        omUpdateActive={
            "id": ids,
            "observations": texts,
            "tokenCount": _tokens | st.sampled_from((-1.0, NOT_A_NUMBER, None, "5")),
            "lastObservedAt": times | st.none(),
            "observedMessageIds": st.none() | st.lists(texts, max_size=2),
            **updated,
        },
        omAppendBufferedChunk={"id": ids, "chunk": chunk, "lastBufferedAtTime": times | st.none(), **updated},
        omUpdateBufferedReflection={
            "id": ids,
            "reflection": texts,
            "tokenCount": _tokens | st.none(),
            "inputTokenCount": _tokens,
            "reflectedObservationLineCount": st.sampled_from((0.0, 1.0, 2.0, -1.0, 1.5)),
            **updated,
        },
        omSwapBufferedReflection={"currentRecord": current, "newId": ids, "tokenCount": _tokens, "now": times},
        omUpdateConfig={"id": ids, "config": json_texts | reserved_names, **updated},
    )
    step = st.one_of(usual, usual, swaps, st.builds(_activation, ids, _activations, _weighted))
    rows: list[Row] = [
        {"lookupKey": "thread:t1", "generationCount": 1.0, "bufferedObservationChunks": draw(chunk_texts)},
        {
            "lookupKey": "thread:t1",
            "generationCount": 0.0,
            "bufferedReflection": "reflection",
            "activeObservations": "1\n2",
        },
        {"lookupKey": "resource:r1", "config": '{"a":{"b":1}}', "bufferedObservationChunks": draw(chunk_texts)},
    ]
    return draw(sequences(step, rows_of(table, *rows)))

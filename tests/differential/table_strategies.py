"""Requests to `mastra/storage:handle` per kind of table: fallback, vectors, background tasks, schedules, memory."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.differential.pair import Call, Pages, Row, Step, Store
from tests.differential.storage_strategies import (
    IDS,
    MANY,
    PATH,
    USUAL_WEIGHTS,
    Fields,
    batches,
    crud_arguments,
    crud_of,
    filters,
    fire_times,
    ids,
    in_turn,
    limits,
    mostly,
    partial_records,
    plain_record,
    records,
    requests,
    rows_of,
    sequences,
    times,
    typed_steps,
    unknown_operations,
)
from tests.differential.value_strategies import (
    INFINITY,
    INT64_ONE,
    NOT_A_NUMBER,
    json_texts,
    junk,
    objects,
    texts,
    values,
)

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

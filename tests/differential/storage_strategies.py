"""Requests to `mastra/storage:handle`, most of them sensible: what every kind of table has in common.

Records are drawn from the tables' own validators; one request in a few is spoiled, as a caller without types would
send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from convex_mastra_emulator.mastra import mastra_schema
from tests.differential.pair import Call, Row, SendBack, Step
from tests.differential.value_strategies import (
    json_texts,
    junk,
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
def some_fields(table: str) -> st.SearchStrategy[Row]:
    """A few fields of a record, with values the table takes."""
    fields = _document_fields(physical(table))
    each = [
        field_strategy(name, field["fieldType"]).map(lambda value, name=name: (name, value))  # type: ignore[misc]
        for name, field in fields.items()
        if name != "id"
    ]
    return st.lists(st.one_of(*each), max_size=4).map(dict)


def partial_records(table: str) -> st.SearchStrategy[Row]:
    """Fields to patch: valid ones, null, unknown ones."""
    some = some_fields(table)
    names = st.sampled_from([*_document_fields(physical(table)), "unknown"])
    wrong = st.dictionaries(names, junk, min_size=1, max_size=2)
    return st.one_of(some, some, some, wrong, st.just({}), some.map(lambda row: {**row, "id": "c"}))


@st.composite
def records(draw: st.DrawFn, table: str) -> Row:
    """A record, whole in most cases."""
    record = {**plain_record(table), **draw(some_fields(table)), "id": draw(ids)}
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
    return st.builds(SendBack, st.just(PATH), st.just(table), st.sampled_from(IDS), some_fields(table))


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

"""Requests to `mastra/storage:handle`: every operation on every kind of table, most of them sensible.

Records are drawn from the tables' own validators; one request in a few is spoiled, as a caller without types would
send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from convex_mastra_emulator.mastra import mastra_schema
from tests.differential.pair import Call, Row, Step
from tests.differential.value_strategies import json_objects, json_texts, junk, numbers, objects, texts, values

PATH = "mastra/storage:handle"
IDS = ("a", "b", "c", "1")
MANY = 31

Fields = Mapping[str, st.SearchStrategy[Any]]


def physical(table: str) -> str:
    """The table in the schema behind a logical one."""
    return "mastra_workflow_snapshots" if table == "mastra_workflow_snapshot" else table


ids = st.sampled_from((*IDS, *IDS, *IDS, "", 1.0, None, "ä", True, 0.0))
times = st.sampled_from(("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-03", "", "2025-12-31"))
fire_times = st.sampled_from((0.0, 10.0, 20.0, 20.5, 30.0, -1.0))

# What means something to a handler is drawn from a few values, so that requests meet.
_POOLS: Fields = {
    "thread_id": st.sampled_from(("t1", "t2", "")),
    "resourceId": st.sampled_from(("r1", "r2", "")),
    "status": st.sampled_from(("active", "paused", "pending", "running")),
    "snapshot": json_texts | values,
    "config": json_texts,
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
    spoil = draw(st.integers(0, 11))
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
    names = list(arguments[op]) or ["ids"]
    spoil = draw(st.integers(0, 19))
    if spoil == 0:
        args.pop(draw(st.sampled_from(names)), None)
    elif spoil == 1:
        args[draw(st.sampled_from(names))] = draw(junk)
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


def typed_steps(table: str) -> st.SearchStrategy[Step]:
    """Steps on a typed table."""
    usual = requests(table, crud_of(table), {"insert": 4, "batchInsert": 3, "patch": 2, "queryTable": 4, "load": 2})
    many = batches(table, lambda record_id: {**plain_record(table), "id": record_id})
    return st.integers(0, 24).flatmap(lambda turn: {0: unknown_operations(table), 1: many}.get(turn, usual))


def sequences(step: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """What one example plays."""
    return st.lists(step, min_size=1, max_size=14)


__all__ = ["json_objects"]

"""Strategy for database programs: the probe plays what it draws, and what fails shrinks to a few steps."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, given, settings

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.schema import Schema, define_schema, define_table, v
from pytest_mastra_convex.probe import FUNCTIONS, Probe
from pytest_mastra_convex.strategies import programs

SCHEMA = define_schema(
    {
        "things": define_table(v.any()).index("by_a", ["a"]).index("by_nested", ["nested.x", "a"]),
        "links": define_table({"thing": v.id("things"), "rank": v.optional(v.int64())}).index("by_thing", ["thing"]),
        "shapes": define_table(
            v.union(
                v.object({"kind": v.literal("circle"), "radius": v.number()}),
                v.object({"kind": v.literal("named"), "names": v.record(v.string(), v.bytes())}),
            )
        )
        .index("by_kind", ["kind"])
        .index("by_radius", ["radius"], staged=True),
    }
)
Program = list[dict[str, Any]]


def errors_of(schema: Schema, program: Program) -> list[str]:
    """The texts of the steps that fail."""
    with Emulator(schema) as emulator:
        for path, function in FUNCTIONS.items():
            emulator.define(path, function)
        return [result.error for result in Probe(emulator).mutation(*program) if result.error is not None]


def minimal(is_wanted: Callable[[Program], bool], **arguments: Any) -> Program:
    """The simplest program; conditions that look alike would find each other's in a database."""
    without_database = settings(database=None, derandomize=True, max_examples=2000, deadline=None)
    return find(programs(SCHEMA, **arguments), is_wanted, settings=without_database)


def steps_of(program: Program, op: str) -> Program:
    return [step for step in program if step["op"] == op]


# Changing what an earlier step deleted, and `unique` of several: everything else must go well.
@pytest.mark.parametrize("schema", [SCHEMA, mastra_schema()], ids=["own", "mastra"])
def test_steps_fail_for_want_of_a_document_only(schema: Schema) -> None:
    @settings(max_examples=100, deadline=None)
    @given(programs(schema))
    def check(program: Program) -> None:
        for error in errors_of(schema, program):
            assert " on nonexistent document ID " in error or error.startswith("unique() query returned more than one")

    check()


@settings(max_examples=50)
@given(programs(SCHEMA))
def test_programs_are_json(program: Program) -> None:
    assert json.loads(json.dumps(program, allow_nan=False)) == program


@settings(max_examples=50)
@given(programs(SCHEMA, steps_max=3))
def test_programs_are_no_longer_than_asked(program: Program) -> None:
    assert 1 <= len(program) <= 3


@settings(max_examples=50)
@given(programs(SCHEMA, tables=["links", "things"]))
def test_programs_use_the_tables_they_may(program: Program) -> None:
    assert {step["table"] for step in program if "table" in step} <= {"links", "things"}


# A function may paginate once; a second page is refused on a deployment.
@settings(max_examples=50)
@given(programs(SCHEMA))
def test_programs_paginate_once_at_most(program: Program) -> None:
    assert sum("paginate" in step for step in program) <= 1


@settings(max_examples=50)
@given(programs(SCHEMA))
def test_staged_indexes_are_not_used(program: Program) -> None:
    assert "by_radius" not in {step.get("index") for step in program}


@settings(max_examples=50)
@given(programs(SCHEMA, comparisons=["eq"]))
def test_filters_compare_as_they_may(program: Program) -> None:
    text = json.dumps([step.get("filter") for step in program])

    assert not any(f'"op": "{op}"' in text for op in ("neq", "lt", "lte", "gt", "gte"))


def test_every_operation_and_every_end_of_a_query_is_drawn() -> None:
    seen: set[str] = set()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(programs(SCHEMA))
    def look(program: Program) -> None:
        seen.update(*program, (step["op"] for step in program))

    look()

    assert seen >= {"insert", "patch", "replace", "delete", "get", "query"}
    assert seen >= {"index", "range", "order", "filter", "take", "first", "unique", "paginate", "count"}


@pytest.mark.parametrize(("op", "length"), [("query", 1), ("delete", 2)])
def test_programs_shrink_to_the_steps_that_matter(op: str, length: int) -> None:
    program = minimal(lambda program: bool(steps_of(program, op)))

    assert len(program) == length


def test_range_on_a_document_that_is_there_shrinks_to_two_steps() -> None:
    def looks_a_thing_up(program: Program) -> bool:
        return any(step.get("range", [{}])[:1] == [equal_to_first] for step in program)

    equal_to_first = {"op": "eq", "field": "thing", "value": {"$ref": 0}}

    assert minimal(looks_a_thing_up, tables=["things", "links"], steps_max=4) == [
        {"op": "insert", "table": "things", "value": {}},
        {"op": "query", "table": "links", "index": "by_thing", "range": [equal_to_first]},
    ]


# Without a document in `things` there is no id to link to.
@settings(max_examples=50)
@given(programs(SCHEMA, tables=["links"]))
def test_documents_that_need_ids_of_others_wait_for_them(program: Program) -> None:
    assert steps_of(program, "insert") == []


def test_unknown_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="the schema has no nothing; known are things, links, shapes"):
        programs(SCHEMA, tables=["nothing"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"tables": []}, "programs need at least one table"),
        ({"steps_max": 0}, "steps_max must be at least 1, got 0"),
        ({"comparisons": ["like"]}, r"comparisons must be some of eq, .*, got \['like'\]"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        programs(SCHEMA, **arguments)

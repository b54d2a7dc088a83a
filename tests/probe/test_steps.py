"""The builders write what the interpreters read."""

from __future__ import annotations

import pytest

from convex_mastra_emulator import ConvexInt64, undefined
from pytest_mastra_convex.probe import (
    add,
    and_,
    counter,
    counter_text,
    delete,
    eq,
    field,
    fields,
    get,
    gt,
    insert,
    literal,
    log,
    neg,
    neq,
    nested,
    not_,
    or_,
    outer,
    parallel,
    patch,
    query,
    ref,
    repeat,
    repeat_list,
    run_mutation,
    throw,
    uncaught,
    vector_search,
)
from pytest_mastra_convex.probe.values import decoded, encoded


# An int is a Float64, as in PyPI convex; the types JSON lacks are written in Convex' encoded form.
def test_values_are_written_in_encoded_form() -> None:
    value = {"a": 1, "b": ConvexInt64(1), "c": b"\x01\x02", "d": float("inf"), "e": [True, None, -0.0]}

    written = encoded(value)

    assert written == {
        "a": 1.0,
        "b": {"$integer": "AQAAAAAAAAA="},
        "c": {"$bytes": "AQI="},
        "d": {"$float": "AAAAAAAA8H8="},
        "e": [True, None, {"$float": "AAAAAAAAAIA="}],
    }
    assert isinstance(written["a"], float)


def test_what_is_written_is_read_back() -> None:
    value = {"a": 1.0, "b": ConvexInt64(-5), "c": b"\x00", "d": [{"e": "text"}, float("inf")]}

    assert decoded(encoded(value)) == value


# Otherwise a document whose field is called $ref could not be tried out.
def test_names_of_forms_in_a_value_are_spelled_out() -> None:
    assert encoded({"a": {"$ref": 1, "b": [undefined]}}) == {
        "a": {"$entries": [["$ref", 1.0], ["b", [{"$undefined": None}]]]}
    }


def test_a_python_object_that_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a program cannot hold \{1\}"):
        insert("things", {"a": {1}})


def test_forms() -> None:
    written = encoded([ref(1), ref(0, "page", 0), outer(2, "_id"), undefined, nested(3), fields(9)])

    assert written == [
        {"$ref": 1},
        {"$ref": 0, "path": ["page", 0]},
        {"$outer": 2, "path": ["_id"]},
        {"$undefined": None},
        {"$nested": 3},
        {"$fields": 9},
    ]


def test_forms_that_repeat() -> None:
    assert encoded([repeat("ab", 2), repeat_list({"a": 1}, 3), counter(), counter_text("p-")]) == [
        {"$repeat": "ab", "times": 2},
        {"$repeatList": {"a": 1.0}, "times": 3},
        {"$counter": None},
        {"$counterText": "p-"},
    ]


def test_writes() -> None:
    assert insert("things", {"a": 1}, times=3) == {"op": "insert", "table": "things", "value": {"a": 1.0}, "times": 3}
    assert patch(ref(0), {"a": undefined}) == {"op": "patch", "id": {"$ref": 0}, "value": {"a": {"$undefined": None}}}
    assert delete("id", table="things") == {"op": "delete", "id": "id", "table": "things"}


# A text on the left is the name of a field in index ranges and vector searches; filters compare expressions.
def test_conditions() -> None:
    bound = eq("a", 1)
    compared = eq(field("a"), literal("x"))

    assert bound.json == {"op": "eq", "field": "a", "value": 1.0}
    assert compared.json == {"op": "eq", "left": {"field": "a"}, "right": {"value": "x"}}
    assert neq(field("a"), undefined).json["right"] == {"value": {"$undefined": None}}


def test_conditions_of_conditions() -> None:
    condition = and_(not_(or_(True)), gt(add(field("a"), 1), neg(2)))

    assert condition.json == {
        "op": "and",
        "args": [
            {"op": "not", "arg": {"op": "or", "args": [{"value": True}]}},
            {
                "op": "gt",
                "left": {"op": "add", "left": {"field": "a"}, "right": {"value": 1.0}},
                "right": {"op": "neg", "arg": {"value": 2.0}},
            },
        ],
    }


def test_a_query_with_everything() -> None:
    step = query(
        "things",
        index="by_a",
        range=[eq("a", 1)],
        order="desc",
        filter=[eq(field("b"), 1), eq(field("c"), 2)],
        select=["a"],
        take=10,
    )

    assert step == {
        "op": "query",
        "table": "things",
        "index": "by_a",
        "range": [{"op": "eq", "field": "a", "value": 1.0}],
        "order": "desc",
        "filter": [
            {"op": "eq", "left": {"field": "b"}, "right": {"value": 1.0}},
            {"op": "eq", "left": {"field": "c"}, "right": {"value": 2.0}},
        ],
        "select": ["a"],
        "take": 10.0,
    }


def test_a_text_search() -> None:
    step = query("texts", search={"index": "by_body", "field": "body", "text": "fox", "eq": [eq("group", 1)]})

    assert step == {
        "op": "query",
        "table": "texts",
        "search": {
            "index": "by_body",
            "field": "body",
            "text": "fox",
            "eq": [{"op": "eq", "field": "group", "value": 1.0}],
        },
    }


# `take(0)` is not the same as no `take` at all.
def test_the_ends_of_a_query() -> None:
    assert query("things") == {"op": "query", "table": "things"}
    assert query("things", take=0)["take"] == 0.0
    assert query("things", count=True)["count"] is True
    assert query("things", paginate={"numItems": 1, "cursor": None})["paginate"] == {"numItems": 1.0, "cursor": None}


def test_a_vector_search() -> None:
    step = vector_search("docs", "by_embedding", [1, 0], limit=3, filter=or_(eq("group", "a"), eq("group", None)))

    assert step == {
        "op": "vectorSearch",
        "table": "docs",
        "index": "by_embedding",
        "vector": [1.0, 0.0],
        "limit": 3.0,
        "filter": {
            "op": "or",
            "args": [
                {"op": "eq", "field": "group", "value": "a"},
                {"op": "eq", "field": "group", "value": None},
            ],
        },
    }


def test_steps_that_hold_steps() -> None:
    assert run_mutation(get("id"), internal=True) == {"op": "runMutation", "program": [get("id")], "internal": True}
    assert parallel(get("id"))["steps"] == [get("id")]
    assert uncaught(throw("x")) == {"op": "throw", "text": "x", "uncaught": True}
    assert log("a", 1, level="warn") == {"op": "log", "level": "warn", "values": ["a", 1.0]}

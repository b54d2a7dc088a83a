"""Index ranges: bounds and what lies between them, across types, and the ranges that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, store, store_keys
from pytest_mastra_convex.probe import Expression, Probe, eq, gt, gte, lt, lte, undefined


# Each bound with the value on it and the ones beside it: an off-by-one here is a message too many or too few.
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([], [1, 2, 3, 4, 5]),
        ([eq("key", 3)], [3]),
        ([eq("key", 3.5)], []),
        ([gt("key", 3)], [4, 5]),
        ([gte("key", 3)], [3, 4, 5]),
        ([gt("key", 5)], []),
        ([gte("key", 1), lt("key", 3)], [1, 2]),
        ([gte("key", 2), lte("key", 4)], [2, 3, 4]),
        ([gt("key", 2), lte("key", 4)], [3, 4]),
        ([gt("key", 2), lt("key", 4)], [3]),
        ([gte("key", 3), lte("key", 3)], [3]),
        ([lt("key", 3)], [1, 2]),
        ([lte("key", 3)], [1, 2, 3]),
        ([lt("key", 1)], []),
        ([lte("key", 4), gt("key", 2)], [3, 4]),
    ],
    ids=[
        "all",
        "eq",
        "eq-nothing",
        "gt",
        "gte",
        "gt-last",
        "gte-lt",
        "gte-lte",
        "gt-lte",
        "gt-lt",
        "gte-lte-same",
        "lt",
        "lte",
        "lt-first",
        "upper-then-lower",
    ],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_bounds_of_one_field(probe: Probe, order: str, bounds: list[Expression], expected: list[int]) -> None:
    store_keys(probe, 4, 2, 5, 1, 3)

    found = keys_of(probe.collect(THINGS, index="by_key", range=bounds, order=order))

    assert found == (expected if order == "asc" else expected[::-1])


# A window whose end is before its begin is empty; a report of no days is no crash.
@pytest.mark.parametrize(
    "bounds",
    [
        [gt("key", 3), lt("key", 3)],
        [gte("key", 3), lt("key", 3)],
        [gt("key", 3), lte("key", 3)],
        [gte("key", 4), lt("key", 2)],
    ],
    ids=["open", "open-above", "open-below", "crossed"],
)
def test_a_range_that_holds_nothing_is_empty(probe: Probe, bounds: list[Expression]) -> None:
    store_keys(probe, 1, 2, 3, 4)

    assert probe.collect(THINGS, index="by_key", range=bounds) == []


_MIXED: list[Any] = [None, ConvexInt64(7), 1.0, 5.0, False, "a", b"a", [1.0], {"a": 1.0}]


# convex-engine.md §4.3: bounds are over all types.  `gt("score", 3)` also finds the row whose score is a text.
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([gt("key", 3)], [5.0, False, "a", b"a", [1.0], {"a": 1.0}]),
        ([lt("key", 3)], ["missing", None, ConvexInt64(7), 1.0]),
        ([gte("key", False), lt("key", b"")], [False, "a"]),
        ([gt("key", None), lte("key", 1)], [ConvexInt64(7), 1.0]),
        ([gt("key", "a")], [b"a", [1.0], {"a": 1.0}]),
        ([gte("key", [])], [[1.0], {"a": 1.0}]),
        ([gt("key", {})], [{"a": 1.0}]),
    ],
    ids=["above-number", "below-number", "to-bytes", "above-null", "above-text", "from-list", "above-object"],
)
def test_bounds_reach_across_types(probe: Probe, bounds: list[Expression], expected: list[Any]) -> None:
    store_keys(probe, *_MIXED)
    store(probe, {"name": "missing"})

    found = probe.collect(THINGS, index="by_key", range=bounds)

    assert [row.get("name", row.get("key")) for row in found] == expected


# Rows without the field, rows with null, and all others are three different things, e.g. threads without a resource.
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([eq("key", undefined)], ["missing"]),
        ([eq("key", None)], ["null"]),
        ([gt("key", undefined)], ["null", "number"]),
        ([gte("key", undefined)], ["missing", "null", "number"]),
        ([lt("key", undefined)], []),
        ([lte("key", undefined)], ["missing"]),
        ([lt("key", None)], ["missing"]),
        ([lte("key", None)], ["missing", "null"]),
        ([gt("key", None)], ["number"]),
    ],
    ids=[
        "eq-missing",
        "eq-null",
        "gt-missing",
        "gte-missing",
        "lt-missing",
        "lte-missing",
        "lt-null",
        "lte-null",
        "gt-null",
    ],
)
def test_missing_and_null_in_bounds(probe: Probe, bounds: list[Expression], expected: list[str]) -> None:
    store(probe, {"name": "number", "key": 0}, {"name": "null", "key": None}, {"name": "missing"})

    assert names_of(probe.collect(THINGS, index="by_key", range=bounds)) == expected


# Keys such as `thread:7:message` are listed by their prefix, from it to the next character after `:`.
def test_a_prefix_is_a_range_of_texts(probe: Probe) -> None:
    store_keys(probe, "t:7", "t:7:b", "t:70:a", "t:7:a", "t:7;", "t:6:z")

    found = probe.collect(THINGS, index="by_key", range=[gte("key", "t:7:"), lt("key", "t:7;")])

    assert keys_of(found) == ["t:7:a", "t:7:b"]


# Two fields


# Messages of a thread from a moment on: equality of the first field, bounds of the second.
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([eq("a", 1)], ["1a", "1b", "1c"]),
        ([eq("a", 1), eq("b", "b")], ["1b"]),
        ([eq("a", 1), gt("b", "a")], ["1b", "1c"]),
        ([eq("a", 1), gte("b", "b")], ["1b", "1c"]),
        ([eq("a", 1), lt("b", "b")], ["1a"]),
        ([eq("a", 1), gt("b", "a"), lt("b", "c")], ["1b"]),
        ([gt("a", 1)], ["2a", "2b"]),
        ([gte("a", 1), lt("a", 2)], ["1a", "1b", "1c"]),
        ([eq("a", 3)], []),
        ([eq("a", 2), eq("b", "c")], []),
    ],
    ids=["first", "both", "gt", "gte", "lt", "between", "above-first", "around-first", "no-first", "no-second"],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_bounds_of_two_fields(probe: Probe, order: str, bounds: list[Expression], expected: list[str]) -> None:
    rows = [(2, "b"), (1, "c"), (1, "a"), (2, "a"), (1, "b")]
    store(probe, *({"a": a, "b": b, "name": f"{a}{b}"} for a, b in rows))

    found = names_of(probe.collect(THINGS, index="by_a_b", range=bounds, order=order))

    assert found == (expected if order == "asc" else expected[::-1])


# A row without the second field belongs to the first one's range, in front of the others.
def test_rows_without_the_second_field_are_in_the_range_of_the_first(probe: Probe) -> None:
    store(probe, {"a": 1, "b": None, "name": "null"}, {"a": 1, "name": "missing"}, {"b": 1, "name": "neither"})

    assert names_of(probe.collect(THINGS, index="by_a_b", range=[eq("a", 1)])) == ["missing", "null"]


# Numbers and texts of the second field must not be mixed with those of the next first field.
def test_a_bound_of_the_second_field_stays_within_the_first(probe: Probe) -> None:
    store(probe, {"a": 1, "b": 5, "name": "1-5"}, {"a": 2, "b": 9, "name": "2-9"}, {"a": 2, "b": 1, "name": "2-1"})

    assert names_of(probe.collect(THINGS, index="by_a_b", range=[eq("a", 1), gt("b", 1)])) == ["1-5"]
    assert names_of(probe.collect(THINGS, index="by_a_b", range=[eq("a", 2), lt("b", 9)])) == ["2-1"]


# convex-engine.md §4.3: equalities are a set; a range put together from an object's fields has any order.
@pytest.mark.diverges("index-range-order-probe")
def test_equalities_may_come_in_any_order(probe: Probe) -> None:
    store(probe, {"a": 1, "b": 2, "name": "found"}, {"a": 2, "b": 1, "name": "other"})

    assert names_of(probe.collect(THINGS, index="by_a_b", range=[eq("b", 2), eq("a", 1)])) == ["found"]


# Nested fields


# Metadata is looked up one level down, also for rows that have none.
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([eq("nested.value", 2)], ["2"]),
        ([gt("nested.value", 1)], ["2", "3"]),
        ([eq("nested.value", undefined)], ["none"]),
        ([lte("nested.value", 1)], ["none", "1"]),
    ],
    ids=["eq", "gt", "missing", "lte"],
)
def test_bounds_of_a_nested_field(probe: Probe, bounds: list[Expression], expected: list[str]) -> None:
    store(probe, {"name": "none"}, *({"name": str(value), "nested": {"value": value}} for value in (3, 2, 1)))

    assert names_of(probe.collect(THINGS, index="by_nested", range=bounds)) == expected


# The fields that every index ends with


# "Everything since the last look": the creation time may be bounded behind the fields of an index.
@pytest.mark.parametrize(
    ("bound", "expected"),
    [(gt, ["c"]), (gte, ["b", "c"]), (lt, ["a"]), (lte, ["a", "b"]), (eq, ["b"])],
    ids=["gt", "gte", "lt", "lte", "eq"],
)
@pytest.mark.parametrize(
    ("index", "first"), [("by_creation_time", []), ("by_key", [eq("key", 1)])], ids=["by_creation_time", "by_key"]
)
def test_bounds_of_the_creation_time(probe: Probe, index: str, first: list[Any], bound: Any, expected: Any) -> None:
    _, middle, *_ = store(probe, *({"key": 1, "name": name} for name in ("a", "b", "c")))
    row = probe.get(middle)
    assert row is not None

    found = probe.collect(THINGS, index=index, range=[*first, bound("_creationTime", row["_creationTime"])])

    assert names_of(found) == expected


# A BigInt is below every number, so as a bound it finds all rows or none.
def test_an_int64_as_a_bound_of_the_creation_time(probe: Probe) -> None:
    store_keys(probe, 1)

    above = probe.collect(THINGS, index="by_creation_time", range=[gt("_creationTime", ConvexInt64(2**62))])
    below = probe.collect(THINGS, index="by_creation_time", range=[lt("_creationTime", ConvexInt64(2**62))])

    assert (keys_of(above), below) == ([1], [])


# A reader that goes on behind the last id it saw.
def test_bounds_of_the_id(probe: Probe) -> None:
    lowest, middle, highest = sorted(store_keys(probe, 1, 2, 3))

    found = probe.collect(THINGS, index="by_id", range=[gt("_id", lowest), lte("_id", highest)])

    assert [row["_id"] for row in found] == [middle, highest]


# An id in a range is text like any other: what is no id finds nothing and is no mistake.
def test_text_that_is_no_id_finds_nothing(probe: Probe) -> None:
    store_keys(probe, 1)

    assert probe.collect(THINGS, index="by_id", range=[eq("_id", "no id")]) == []


# The very last field of an index is the id.
def test_equalities_down_to_the_id(probe: Probe) -> None:
    first, _ = store_keys(probe, 1, 1)
    row = probe.get(first)
    assert row is not None
    bounds = [eq("key", 1), eq("_creationTime", row["_creationTime"]), eq("_id", first)]

    assert probe.collect(THINGS, index="by_key", range=bounds) == [row]

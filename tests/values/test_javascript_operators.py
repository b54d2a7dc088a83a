"""JavaScript's operators on values of any kind (ECMA-262; each line tried in Node 24)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from convex_mastra_emulator import ConvexInt64, undefined
from convex_mastra_emulator.values.javascript import (
    is_less,
    is_less_or_equal,
    maximum,
    minimum,
    plus,
    property_of,
    set_property,
    slice_from,
    slice_to,
    spread,
    stringify,
    to_number,
    trim,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0),
        (True, 1),
        ("", 0),
        (" \n12\ufeff", 12),
        ("-1.5e2", -150),
        (".5", 0.5),
        ("5.", 5),
        ("0x1F", 31),
        ("0b11", 3),
        ("-Infinity", -math.inf),
        ([], 0),
        (["7"], 7),
        (ConvexInt64(9), 9),
    ],
)
def test_number_of(value: Any, number: float) -> None:
    assert to_number(value) == number


@pytest.mark.parametrize("value", [undefined, {}, [1, 2], "1_000", "1 2", "infinity", "-0x1", "٣", "five", "\x1c1"])
def test_no_number(value: Any) -> None:
    assert math.isnan(to_number(value))


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [(1.0, 2.0, 3.0), (1.0, None, 1.0), (1.0, True, 2.0), (1.0, "2", "12"), ("a", None, "anull"), (0.0, [1.0], "01")],
)
def test_plus(left: Any, right: Any, result: Any) -> None:
    assert plus(left, right) == result


@pytest.mark.parametrize(
    ("left", "right"),
    [(1.0, 2.0), ("10", "9"), ("9", 10.0), (None, 1.0), (False, True), ("😀", "\ufffd"), ([1.0], 2.0)],
)
def test_less(left: Any, right: Any) -> None:
    assert is_less(left, right)
    assert is_less_or_equal(left, right)
    assert not is_less(right, left)


@pytest.mark.parametrize(("left", "right"), [(1.0, undefined), (undefined, undefined), ("a", 1.0), ({}, 1.0)])
def test_what_is_no_number_is_neither_less_nor_greater(left: Any, right: Any) -> None:
    assert not is_less_or_equal(left, right)
    assert not is_less_or_equal(right, left)


def test_largest_and_smallest_of_what_is_no_number() -> None:
    assert math.isnan(maximum(math.nan, 1.0))
    assert math.isnan(minimum(1.0, math.nan))
    assert (maximum(1.0, 2.0), minimum(1.0, 2.0)) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("value", "fields"),
    [({"a": 1}, {"a": 1}), (["x"], {"0": "x"}), ("ab", {"0": "a", "1": "b"}), (None, {}), (5.0, {}), (b"x", {})],
)
def test_spread(value: Any, fields: dict[str, Any]) -> None:
    assert spread(value) == fields


# An emulator that copied the text as one character would store what a deployment refuses.
def test_spread_of_a_character_of_two_units() -> None:
    assert spread("😀") == {"0": "\ud83d", "1": "\ude00"}


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [({"a": 1}, "a", 1), ([1, 2], "length", 2), ("😀", "length", 2), (["x"], "0", "x"), ("ab", "1", "b")],
)
def test_property(value: Any, name: str, found: Any) -> None:
    assert property_of(value, name) == found


@pytest.mark.parametrize(("value", "name"), [({}, "a"), (["x"], "1"), (["x"], "01"), (["x"], "-1"), (5.0, "length")])
def test_missing_property(value: Any, name: str) -> None:
    assert property_of(value, name) is undefined


def test_position_of_a_list_is_set() -> None:
    items: list[Any] = ["a"]

    set_property(items, "2", "c")
    set_property(items, "name", "unseen")

    assert items == ["a", None, "c"]


@pytest.mark.parametrize(
    ("start", "rest"), [(1, ["b", "c"]), (-1, ["c"]), ("1", ["b", "c"]), (undefined, ["a", "b", "c"])]
)
def test_slice_from(start: Any, rest: list[str]) -> None:
    assert slice_from(["a", "b", "c"], start) == rest


@pytest.mark.parametrize(
    ("end", "head"),
    [(2, ["a", "b"]), (-1, ["a", "b"]), (1.9, ["a"]), (None, []), (math.inf, ["a", "b", "c"]), ("x", [])],
)
def test_slice_to(end: Any, head: list[str]) -> None:
    assert slice_to(["a", "b", "c"], end) == head


def test_trim_takes_off_what_javascript_calls_blank() -> None:
    assert trim("\ufeff\u00a0\u2028\v x\x1c\x85 ") == "x\x1c\x85"


# Well-formed JSON.stringify: the text of a lone surrogate can be stored, the surrogate cannot.
def test_lone_surrogate_is_escaped() -> None:
    assert stringify("\ud83d \ude00 😀") == '"\\ud83d \\ude00 😀"'

"""Metadata filters as Mastra documents them, and as 1.5.2 has them."""

import itertools
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator.stores.filters import is_empty, matches

PRODUCT = {"price": 100, "status": "active", "tags": ["new"], "size": {"cm": 3}, "sold": None, "open": True}


@pytest.mark.parametrize(
    "filter",
    [
        {},
        {"price": 100},
        {"price": 100.0},
        {"price": 100, "status": "active"},
        {"sold": None},
        {"open": True},
        {"price": {"$eq": 100}},
        {"price": {"$ne": 101}},
        {"missing": {"$ne": None}},
        {"price": {"$gt": 99}},
        {"price": {"$gte": 100}},
        {"price": {"$lt": 101}},
        {"price": {"$lte": 100}},
        {"price": {"$gt": 99, "$lt": 101}},
        {"price": {"$in": [1, 100]}},
        {"price": {"$nin": [1, 2]}},
        {"price": {"$nin": 100}},
        {"$and": [{"price": 100}, {"status": "active"}]},
        {"$and": []},
        {"$or": [{"price": 1}, {"status": "active"}]},
        {"$and": [{"$or": [{"price": 1}, {"price": 100}]}]},
        {"metadata": {"price": 100}},
        {"metadata": {}},
    ],
    ids=str,
)
def test_filter_holds(filter: dict[str, Any]) -> None:
    assert matches(PRODUCT, filter)


@pytest.mark.parametrize(
    "filter",
    [
        {"price": 101},
        {"price": "100"},
        {"price": True},
        {"open": 1},
        {"missing": None},
        {"price": 100, "status": "other"},
        {"price": {"$eq": 101}},
        {"price": {"$ne": 100}},
        {"sold": {"$ne": None}},
        {"price": {"$gt": 100}},
        {"price": {"$gte": 101}},
        {"price": {"$lt": 100}},
        {"price": {"$lte": 99}},
        {"price": {"$gt": 99, "$lt": 100}},
        {"price": {"$in": [1, 2]}},
        {"price": {"$in": 100}},
        {"missing": {"$in": [None]}},
        {"price": {"$nin": [100]}},
        {"$and": [{"price": 100}, {"status": "other"}]},
        {"$or": [{"price": 1}, {"status": "other"}]},
        {"$or": []},
        {"$or": "text"},
        {"metadata": {"price": 1}},
        {"price": {"$regex": "1"}},
    ],
    ids=str,
)
def test_filter_does_not_hold(filter: dict[str, Any]) -> None:
    assert not matches(PRODUCT, filter)


# Objects are compared by identity in JavaScript, and what was stored is never what the filter holds.
@pytest.mark.parametrize("filter", [{"tags": ["new"]}, {"size": {"cm": 3}}, {"tags": {"$in": [["new"]]}}], ids=str)
def test_lists_and_objects_equal_nothing(filter: dict[str, Any]) -> None:
    assert not matches(PRODUCT, filter)


@pytest.mark.parametrize("metadata", [None, "", 0, False, math.nan])
def test_row_without_metadata_meets_no_filter(metadata: Any) -> None:
    assert not matches(metadata, {})


def test_empty_metadata_is_metadata() -> None:
    assert matches({}, {})


# Next to `metadata` nothing else counts, in TypeScript too.
def test_filter_under_metadata_hides_what_stands_beside_it() -> None:
    assert matches(PRODUCT, {"metadata": {"price": 100}, "status": "other"})


@pytest.mark.parametrize("nothing", [None, "", 0, False])
def test_metadata_that_is_nothing_is_a_field(nothing: Any) -> None:
    assert matches({"metadata": nothing}, {"metadata": nothing})


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        (2, 1.5),
        ("2", 1),
        (2, "1"),
        ("b", "a"),
        ("10", "1"),
        (1, None),
        (True, 0),
        (2, ""),
        (17, " 0x10 "),
        (3, "0b10"),
        ([2], 1),
        ([1, None], "1"),
        ({}, "Z"),
        (math.inf, "1e308"),
        ("Infinity", 1),
        # By UTF-16 units a surrogate pair comes before U+FFFF.
        ("\uffff", "\U0001f600"),
        (1_700_000_000_001, datetime.fromtimestamp(1_700_000_000, UTC)),
    ],
)
def test_greater_as_javascript_sees_it(value: Any, bound: Any) -> None:
    assert matches({"field": value}, {"field": {"$gt": bound}})
    assert matches({"field": value}, {"field": {"$gte": bound}})
    assert not matches({"field": value}, {"field": {"$lt": bound}})
    assert not matches({"field": value}, {"field": {"$lte": bound}})


@pytest.mark.parametrize(("value", "bound"), [("a", 1), (math.nan, 1), ("1_0", 1), ({}, 1), ("2026-01-01", 1)])
def test_what_is_no_number_is_neither_more_nor_less(value: Any, bound: Any) -> None:
    for name in ("$gt", "$gte", "$lt", "$lte"):
        assert not matches({"field": value}, {"field": {name: bound}})


def test_missing_field_is_neither_more_nor_less() -> None:
    assert not matches({"other": 1}, {"field": {"$gte": 0}})


# null counts as 0 where numbers are compared, a missing field does not.
def test_null_counts_as_zero() -> None:
    assert matches({"field": None}, {"field": {"$lte": 0}})


def test_nan_is_in_a_list_that_has_it() -> None:
    assert matches({"field": math.nan}, {"field": {"$in": [math.nan]}})
    assert not matches({"field": math.nan}, {"field": math.nan})


def test_null_among_conditions_is_refused() -> None:
    with pytest.raises(TypeError, match="Cannot convert undefined or null to object"):
        matches(PRODUCT, {"$and": [None]})


@pytest.mark.parametrize("part", [5, True, "", []])
def test_condition_that_is_no_object_has_no_conditions(part: Any) -> None:
    assert matches(PRODUCT, {"$and": [part]})


def test_text_among_conditions_is_taken_letter_by_letter() -> None:
    assert matches({"0": "x"}, {"$and": ["x"]})
    assert not matches({"0": "y"}, {"$and": ["x"]})


@pytest.mark.parametrize("filter", [None, {}])
def test_empty_filter(filter: Any) -> None:
    assert is_empty(filter)


def test_filter_with_an_empty_list_is_not_empty() -> None:
    assert not is_empty({"$or": []})


# What 1.5.2 does, for whoever needs the same answers from both languages.


def test_faithful_eq_never_holds() -> None:
    assert not matches(PRODUCT, {"price": {"$eq": 100}}, faithful=True)


@pytest.mark.parametrize("condition", [{"$gt": 99, "$lt": 1}, {"$lt": 1, "$gt": 99}, {"$eq": 1, "$gt": 99}], ids=str)
def test_faithful_first_operator_decides(condition: dict[str, Any]) -> None:
    assert matches(PRODUCT, {"price": condition}, faithful=True)
    assert not matches(PRODUCT, {"price": condition})


def test_faithful_order_of_operators() -> None:
    names = ["$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$ne"]
    holds = {"$in": [5], "$nin": [], "$gt": 4, "$gte": 5, "$lt": 6, "$lte": 5, "$ne": 4}
    fails = {"$in": [], "$nin": [5], "$gt": 5, "$gte": 6, "$lt": 5, "$lte": 4, "$ne": 5}

    for first, second in itertools.pairwise(names):
        assert matches({"n": 5}, {"n": {second: fails[second], first: holds[first]}}, faithful=True)
        assert not matches({"n": 5}, {"n": {second: holds[second], first: fails[first]}}, faithful=True)


def test_faithful_reaches_inside_and_and_or() -> None:
    nested = {"$and": [{"$or": [{"price": {"$eq": 100}}]}]}

    assert matches(PRODUCT, nested)
    assert not matches(PRODUCT, nested, faithful=True)

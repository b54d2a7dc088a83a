"""Filters: every comparison and connective, what is missing and what is null, and filters beside order and take."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, store, store_keys
from pytest_mastra_convex.probe import (
    Expression,
    Probe,
    StepFailed,
    and_,
    eq,
    field,
    gt,
    gte,
    literal,
    lt,
    lte,
    neq,
    not_,
    or_,
    undefined,
)

KEY = field("key")


# The value itself and its neighbours, for each comparison.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (eq(KEY, 2), [2]),
        (neq(KEY, 2), [1, 3]),
        (lt(KEY, 2), [1]),
        (lte(KEY, 2), [1, 2]),
        (gt(KEY, 2), [3]),
        (gte(KEY, 2), [2, 3]),
        (lt(KEY, 1), []),
        (gt(KEY, 3), []),
        (lt(literal(2), KEY), [3]),
        (eq(literal(2), KEY), [2]),
        (eq(literal(1), 1), [1, 2, 3]),
        (eq(KEY, KEY), [1, 2, 3]),
    ],
    ids=["eq", "neq", "lt", "lte", "gt", "gte", "lt-none", "gt-none", "turned", "eq-turned", "constant", "itself"],
)
def test_comparisons_of_numbers(probe: Probe, condition: Expression, expected: list[int]) -> None:
    store_keys(probe, 1, 2, 3)

    assert keys_of(probe.collect(THINGS, filter=condition)) == expected


# Times are stored as ISO texts, which are compared as texts.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lt(KEY, "2026-02-01"), ["2026-01-31T23:59"]),
        (gte(KEY, "2026-02-01"), ["2026-02-01", "2026-02-01T00:00"]),
        (gt(KEY, "2026-02-01"), ["2026-02-01T00:00"]),
        (eq(KEY, "2026-02-01"), ["2026-02-01"]),
    ],
    ids=["lt", "gte", "gt", "eq"],
)
def test_comparisons_of_texts(probe: Probe, condition: Expression, expected: list[str]) -> None:
    store_keys(probe, "2026-02-01", "2026-01-31T23:59", "2026-02-01T00:00")

    assert sorted(keys_of(probe.collect(THINGS, filter=condition))) == expected


_ONE, _TWO = eq(KEY, 1), eq(KEY, 2)


# Conditions are put together in code, so that empty and nested ones occur.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (and_(gt(KEY, 1), lt(KEY, 3)), [2]),
        (and_(_ONE, _TWO), []),
        (and_(), [1, 2, 3]),
        (or_(_ONE, _TWO), [1, 2]),
        (or_(), []),
        (not_(_ONE), [2, 3]),
        (not_(not_(_ONE)), [1]),
        (and_(or_(_ONE, _TWO), not_(_TWO)), [1]),
        (or_(and_(gt(KEY, 1), lt(KEY, 3)), _ONE), [1, 2]),
        (not_(or_(_ONE, _TWO)), [3]),
        (and_(gte(KEY, 1), gte(KEY, 2), gte(KEY, 3)), [3]),
        (literal(True), [1, 2, 3]),
        (literal(False), []),
    ],
    ids=[
        "and",
        "and-none",
        "and-empty",
        "or",
        "or-empty",
        "not",
        "not-not",
        "or-in-and",
        "and-in-or",
        "not-or",
        "three",
        "true",
        "false",
    ],
)
def test_connectives(probe: Probe, condition: Expression, expected: list[int]) -> None:
    store_keys(probe, 1, 2, 3)

    assert keys_of(probe.collect(THINGS, filter=condition)) == expected


# A stored boolean is a condition by itself.
def test_a_boolean_field_is_a_condition(probe: Probe) -> None:
    store_keys(probe, True, False)

    assert keys_of(probe.collect(THINGS, filter=KEY)) == [True]
    assert keys_of(probe.collect(THINGS, filter=not_(KEY))) == [False]


# Both sides may be fields: updated after it was created.
def test_two_fields_are_compared(probe: Probe) -> None:
    store(probe, {"a": 1, "b": 2, "name": "less"}, {"a": 2, "b": 2, "name": "equal"}, {"a": 3, "b": 2, "name": "more"})

    assert names_of(probe.collect(THINGS, filter=gt(field("a"), field("b")))) == ["more"]
    assert names_of(probe.collect(THINGS, filter=eq(field("a"), field("b")))) == ["equal"]


# Soft-deleted rows: `deletedAt` is null in some, missing in the older ones, and `eq(…, null)` finds the first only.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (eq(KEY, None), ["null"]),
        (neq(KEY, None), ["missing", "number"]),
        (eq(KEY, undefined), ["missing"]),
        (neq(KEY, undefined), ["null", "number"]),
        (neq(KEY, 0), ["missing", "null"]),
        (or_(eq(KEY, None), eq(KEY, undefined)), ["missing", "null"]),
        (eq(KEY, field("name.more")), ["missing"]),
    ],
    ids=["eq-null", "neq-null", "eq-missing", "neq-missing", "neq-number", "either", "both-missing"],
)
def test_missing_and_null_are_two_things(probe: Probe, condition: Expression, expected: list[str]) -> None:
    store(probe, {"name": "missing"}, {"name": "null", "key": None}, {"name": "number", "key": 0})

    assert names_of(probe.collect(THINGS, filter=condition)) == expected


# Metadata is filtered by a dotted path; a path through a text or a list ends nowhere.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (eq(field("nested.value"), 1), ["object"]),
        (eq(field("nested.value"), undefined), ["empty", "text", "list", "missing"]),
        (eq(field("nested"), {"value": 1}), ["object"]),
        (eq(field("nested"), [{"value": 1}]), ["list"]),
        (eq(field("nested"), {}), ["empty"]),
    ],
    ids=["value", "missing", "object", "list", "empty"],
)
def test_paths(probe: Probe, condition: Expression, expected: list[str]) -> None:
    values = {"object": {"value": 1}, "empty": {}, "text": "value", "list": [{"value": 1}]}
    store(probe, *({"name": name, "nested": value} for name, value in values.items()), {"name": "missing"})

    assert names_of(probe.collect(THINGS, filter=condition)) == expected


# The system fields are fields.
def test_system_fields_can_be_filtered_by(probe: Probe) -> None:
    first, second = store_keys(probe, 1, 2)
    row = probe.get(second)
    assert row is not None

    assert keys_of(probe.collect(THINGS, filter=eq(field("_id"), first))) == [1]
    assert keys_of(probe.collect(THINGS, filter=gte(field("_creationTime"), row["_creationTime"]))) == [2]


# A deployment wants identifiers in paths, though a document may hold other names: such rows are filtered in code.
@pytest.mark.diverges("query-arguments")
@pytest.mark.parametrize("path", ["user-id", "nested..value", "", "0"], ids=["hyphen", "two-dots", "empty", "digit"])
def test_a_path_of_no_identifiers_is_refused(probe: Probe, path: str) -> None:
    with pytest.raises(StepFailed, match=r"^Invalid argument `query` for `queryStream`"):
        probe.collect(THINGS, filter=eq(field(path), 1))


# Across types


_MIXED: list[Any] = [None, ConvexInt64(2), 1.0, False, "text", b"bytes", [], {}]


# convex-engine.md §5.1: filters compare in the total order, so a missing field is below everything.
@pytest.mark.diverges("filter-comparison-probe")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lt(KEY, 1), ["missing", None, ConvexInt64(2)]),
        (lte(KEY, None), ["missing", None]),
        (gt(KEY, 1), [False, "text", b"bytes", [], {}]),
        (gt(KEY, "text"), [b"bytes", [], {}]),
        (gte(KEY, undefined), ["missing", *_MIXED]),
        (lt(KEY, ConvexInt64(-5)), ["missing", None]),
        (lt(KEY, True), ["missing", None, ConvexInt64(2), 1.0, False]),
    ],
    ids=["lt-number", "lte-null", "gt-number", "gt-text", "gte-missing", "lt-int64", "lt-true"],
)
def test_comparisons_reach_across_types(probe: Probe, condition: Expression, expected: list[Any]) -> None:
    store(probe, {"name": "missing"})
    store_keys(probe, *_MIXED)

    found = probe.collect(THINGS, filter=condition)

    assert [row.get("name", row.get("key")) for row in found] == expected


# Texts are ordered by code points, not by the halves of UTF-16: an emoji is above U+FFFD.
@pytest.mark.diverges("filter-comparison-probe")
def test_texts_are_compared_by_code_points(probe: Probe) -> None:
    store_keys(probe, "\U0001f600")

    assert keys_of(probe.collect(THINGS, filter=gt(KEY, "\ufffd"))) == ["\U0001f600"]


# Lists are compared element by element, and 10 is above 9 where texts would say otherwise.
@pytest.mark.diverges("filter-comparison-probe")
def test_lists_are_compared_by_element(probe: Probe) -> None:
    store_keys(probe, [9], [10])

    assert keys_of(probe.collect(THINGS, filter=gt(KEY, [9]))) == [[10]]


# What is not a condition


# A filter that forgets its comparison: JavaScript would take the value for true, a deployment refuses the query.
@pytest.mark.diverges("filter-truthiness-probe")
@pytest.mark.parametrize(
    "condition",
    [
        KEY,
        literal(1),
        literal("true"),
        literal(None),
        field("nothing"),
        not_(KEY),
        and_(literal(True), KEY),
        or_(literal(False), KEY),
    ],
    ids=["field", "number", "text", "null", "missing", "not", "and", "or"],
)
def test_a_condition_that_is_no_boolean_is_refused(probe: Probe, condition: Expression) -> None:
    store_keys(probe, 1)

    with pytest.raises(StepFailed, match=r"^Cannot use value .* \(type .*\) as a Boolean"):
        probe.collect(THINGS, filter=condition)


# The connectives stop at the first operand that decides, so what comes after it is not looked at.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [(and_(literal(False), KEY), []), (or_(literal(True), KEY), [1])],
    ids=["and", "or"],
)
def test_connectives_stop_where_it_is_decided(probe: Probe, condition: Expression, expected: list[int]) -> None:
    store_keys(probe, 1)

    assert keys_of(probe.collect(THINGS, filter=condition)) == expected


# A filter is evaluated on documents: without one its fault stays hidden, on a deployment as well.
def test_a_bad_condition_is_not_noticed_without_documents(probe: Probe) -> None:
    store_keys(probe, 1)

    assert probe.collect(THINGS, filter=KEY, index="by_key", range=[eq("key", 2)]) == []


# Filters beside other parts of a query


# Filters put on one after the other must all hold.
def test_several_filters_must_all_hold(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3, 4)

    assert keys_of(probe.collect(THINGS, filter=[gt(KEY, 1), lt(KEY, 4), neq(KEY, 3)])) == [2]


# What only the first can rule out must not trouble the second.
def test_the_second_filter_sees_what_the_first_lets_through(probe: Probe) -> None:
    store_keys(probe, "no condition", True)

    assert keys_of(probe.collect(THINGS, filter=[eq(KEY, True), KEY])) == [True]


# get-convex' own advice is to filter after an index: take counts what passes, in the order asked for.
@pytest.mark.parametrize(("order", "expected"), [("asc", [2, 4]), ("desc", [8, 6])], ids=["asc", "desc"])
def test_take_counts_what_passes_the_filter(probe: Probe, order: str, expected: list[int]) -> None:
    store(probe, *({"key": key, "even": key % 2 == 0} for key in range(1, 9)))

    found = probe.take(THINGS, 2, order=order, filter=eq(field("even"), True))

    assert keys_of(found) == expected


# The same over an index, of which the creation order tells nothing.
def test_filter_range_order_and_take_together(probe: Probe) -> None:
    store(probe, *({"key": key, "even": key % 2 == 0} for key in (5, 8, 2, 7, 4, 6, 1, 3)))

    found = probe.take(
        THINGS, 2, index="by_key", range=[gt("key", 2), lt("key", 8)], order="desc", filter=eq(field("even"), False)
    )

    assert keys_of(found) == [7, 5]


# The first and the only document are looked for among those that pass.
def test_first_and_unique_look_at_what_passes(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3)

    first = probe.first(THINGS, filter=gt(KEY, 1))
    only = probe.unique(THINGS, filter=eq(KEY, 3))

    assert first is not None
    assert only is not None
    assert (first["key"], only["key"]) == (2, 3)
    assert probe.first(THINGS, filter=gt(KEY, 3)) is None


# A filter that drops more rows than are fetched at once (100) still finds the one behind them.
def test_a_filter_goes_on_over_many_rows(probe: Probe) -> None:
    store(probe, *({"key": key} for key in range(350)))

    assert keys_of(probe.take(THINGS, 2, filter=gte(KEY, 349))) == [349]
    assert keys_of(probe.take(THINGS, 2, filter=eq(KEY, 0), order="desc")) == [0]


# convex-js query_impl.ts: 256 operators are a query, one more is none.
def test_256_filters_are_accepted(probe: Probe) -> None:
    store_keys(probe, 1)

    assert keys_of(probe.collect(THINGS, filter=[literal(True)] * 256)) == [1]


# One more: npm convex refuses to build it.
def test_257_filters_are_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="more than 256 operators"):
        probe.collect(THINGS, filter=[literal(True)] * 257)


# The take is an operator, too; only the deployment itself notices that one.
@pytest.mark.diverges("query-arguments")
def test_256_filters_and_a_take_are_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="Query has too many operators: 257"):
        probe.take(THINGS, 1, filter=[literal(True)] * 256)

"""Arithmetic in filters: two numbers of one kind, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.conformance.things import THINGS, names_of, store, store_keys
from pytest_mastra_convex.probe import (
    Expression,
    Probe,
    StepFailed,
    add,
    div,
    eq,
    field,
    gt,
    literal,
    mod,
    mul,
    neg,
    neq,
    sub,
    undefined,
)

KEY = field("key")
_INT64_MIN = ConvexInt64(-(2**63))
_INT64_MAX = ConvexInt64(2**63 - 1)


def assert_equals(probe: Probe, expression: Expression, expected: Any) -> None:
    """The expression has this very value for the one document there is."""
    assert probe.count(THINGS, filter=eq(expression, expected)) == 1


# convex-engine.md §5.1: Float64 follows IEEE 754, as in JavaScript.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (add(KEY, 2), 9),
        (sub(KEY, 2), 5),
        (mul(KEY, 2), 14),
        (div(KEY, 2), 3.5),
        (mod(KEY, 4), 3),
        (mod(-7, 4), -3),
        (mod(7, -4), 3),
        (add(0.1, 0.2), 0.30000000000000004),
        (div(KEY, 0), math.inf),
        (div(KEY, -0.0), -math.inf),
        (add(mul(KEY, KEY), div(KEY, 7)), 50),
    ],
    ids=[
        "add",
        "sub",
        "mul",
        "div",
        "mod",
        "mod-minus",
        "mod-by-minus",
        "rounding",
        "by-zero",
        "by-minus-zero",
        "deep",
    ],
)
def test_float64(probe: Probe, expression: Expression, expected: float) -> None:
    store_keys(probe, 7)

    assert_equals(probe, expression, expected)


# No number has no order and no equal but itself; whether its sign is set depends on the processor.
@pytest.mark.parametrize("expression", [mod(KEY, 0), mul(math.inf, 0)], ids=["mod", "mul"])
def test_float64_without_a_result_is_no_number(probe: Probe, expression: Expression) -> None:
    store_keys(probe, 7)

    for number in (0, math.inf, -math.inf):
        assert probe.count(THINGS, filter=neq(expression, number)) == 1


# BigInts are divided as whole numbers, and the remainder has the sign of the dividend.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (add(KEY, ConvexInt64(2)), 9),
        (sub(KEY, ConvexInt64(9)), -2),
        (mul(KEY, ConvexInt64(2)), 14),
        (div(KEY, ConvexInt64(2)), 3),
        (div(KEY, ConvexInt64(-2)), -3),
        (mod(KEY, ConvexInt64(4)), 3),
        (mod(ConvexInt64(-7), ConvexInt64(4)), -3),
        (sub(_INT64_MAX, ConvexInt64(1)), 2**63 - 2),
        (add(_INT64_MAX, _INT64_MIN), -1),
    ],
    ids=["add", "sub", "mul", "div", "div-minus", "mod", "mod-minus", "near-the-end", "across"],
)
def test_int64(probe: Probe, expression: Expression, expected: int) -> None:
    store_keys(probe, ConvexInt64(7))

    assert_equals(probe, expression, ConvexInt64(expected))


# npm convex has `q.neg`, and nothing but a deployment evaluates it.
@pytest.mark.diverges("filter-arithmetic")
@pytest.mark.parametrize(
    ("key", "expected"), [(7.0, -7.0), (0.0, -0.0), (ConvexInt64(7), ConvexInt64(-7))], ids=["float", "zero", "int64"]
)
def test_negation(probe: Probe, key: Any, expected: Any) -> None:
    store_keys(probe, key)

    assert_equals(probe, neg(KEY), expected)


# A price with a discount, over rows of which some pass.
def test_arithmetic_of_two_fields(probe: Probe) -> None:
    store(probe, {"name": "cheap", "a": 10, "b": 5}, {"name": "dear", "a": 30, "b": 5})

    assert names_of(probe.collect(THINGS, filter=gt(sub(field("a"), field("b")), 20))) == ["dear"]


# A BigInt and a number do not mix.
@pytest.mark.parametrize("operation", [add, sub, mul, div, mod], ids=["add", "sub", "mul", "div", "mod"])
def test_int64_and_float64_do_not_mix(probe: Probe, operation: Any) -> None:
    store_keys(probe, ConvexInt64(1))

    with pytest.raises(StepFailed, match=r"^Cannot "):
        probe.collect(THINGS, filter=eq(operation(KEY, 1.0), 2.0))


# JavaScript would make a text of it, or NaN; a deployment refuses the query.
@pytest.mark.diverges("filter-arithmetic")
@pytest.mark.parametrize(
    "value", ["1", None, True, [1.0], undefined], ids=["text", "null", "boolean", "list", "missing"]
)
def test_arithmetic_of_what_is_no_number_is_refused(probe: Probe, value: Any) -> None:
    store_keys(probe, 1)

    with pytest.raises(StepFailed, match=r"^Cannot add 1(\.0)? \(type Float64\) and .* \(type "):
        probe.collect(THINGS, filter=eq(add(KEY, literal(value)), 2))


# A counter at its end: the result fits or is refused, it never wraps around.
@pytest.mark.diverges("filter-arithmetic")
@pytest.mark.parametrize(
    "expression",
    [
        add(_INT64_MAX, ConvexInt64(1)),
        sub(_INT64_MIN, ConvexInt64(1)),
        mul(_INT64_MAX, ConvexInt64(2)),
        div(_INT64_MIN, ConvexInt64(-1)),
        neg(literal(_INT64_MIN)),
    ],
    ids=["add", "sub", "mul", "div", "neg"],
)
def test_int64_out_of_range_is_refused(probe: Probe, expression: Expression) -> None:
    store_keys(probe, 1)

    with pytest.raises(StepFailed, match="the result is out of range for Int64"):
        probe.collect(THINGS, filter=eq(expression, 0))


# BigInts have no infinity to divide by zero into.
@pytest.mark.parametrize("operation", [div, mod], ids=["div", "mod"])
def test_int64_by_zero_is_refused(probe: Probe, operation: Any) -> None:
    store_keys(probe, ConvexInt64(1))

    with pytest.raises(StepFailed, match="zero"):
        probe.collect(THINGS, filter=eq(operation(KEY, ConvexInt64(0)), 0))


# One bad row fails the whole query, also for the rows that would have passed.
def test_one_document_that_cannot_be_calculated_fails_the_query(probe: Probe) -> None:
    store_keys(probe, 1.0, ConvexInt64(1))

    with pytest.raises(StepFailed, match=r"^Cannot "):
        probe.collect(THINGS, filter=eq(add(KEY, 1.0), 2.0))
    assert probe.count(THINGS, filter=eq(add(KEY, 1.0), 2.0), index="by_key", range=[eq("key", 1.0)]) == 1

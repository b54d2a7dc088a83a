"""Filter expressions: convex-engine.md §5.1."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.database.expression import as_boolean
from convex_mastra_emulator.errors import InvalidQuery
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.expression_builders import FilterBuilder
from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.order import same

Build = Callable[[FilterBuilder], Any]

DOCUMENT = {
    "_id": "j57000820c20a1g7104gm2rc1m70ynr8",
    "_creationTime": 5.0,
    "n": 1.0,
    "i": ConvexInt64(7),
    "s": "b",
    "t": True,
    "z": -0.0,
    "nan": math.nan,
    "null": None,
    "o": {"p": [1.0]},
}


def evaluated(build: Build) -> Any:
    q = FilterBuilder(Limits())
    return q.expression(build(q)).evaluate(DOCUMENT)


def int64(number: int) -> ConvexInt64:
    return ConvexInt64(number)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("n", 1.0),
        ("o.p", [1.0]),
        ("_id", "j57000820c20a1g7104gm2rc1m70ynr8"),
        ("_creationTime", 5.0),
        ("missing", undefined),
        ("o.missing", undefined),
        ("n.deeper", undefined),
        ("o.p.q", undefined),
    ],
)
def test_field_is_its_value_or_undefined(path: str, value: Any) -> None:
    assert evaluated(lambda q: q.field(path)) == value


@pytest.mark.parametrize(
    ("build", "result"),
    [
        (lambda q: q.eq(q.field("n"), 1), True),
        (lambda q: q.eq(q.field("n"), int64(1)), False),
        (lambda q: q.eq(q.field("missing"), undefined), True),
        (lambda q: q.eq(q.field("missing"), None), False),
        (lambda q: q.eq(q.field("null"), undefined), False),
        (lambda q: q.eq(q.field("z"), 0.0), False),
        (lambda q: q.eq(q.field("z"), -0.0), True),
        (lambda q: q.eq(q.field("nan"), math.nan), True),
        (lambda q: q.eq(q.field("o"), {"p": [1]}), True),
        (lambda q: q.neq(q.field("n"), 2), True),
        (lambda q: q.neq(q.field("missing"), undefined), False),
        (lambda q: q.lt(q.field("missing"), None), True),
        (lambda q: q.lt(q.field("n"), 2), True),
        (lambda q: q.lt(q.field("n"), 1), False),
        (lambda q: q.lt(q.field("s"), 5), False),
        (lambda q: q.lt(q.field("i"), -1e9), True),
        (lambda q: q.lte(q.field("n"), 1), True),
        (lambda q: q.lte(q.field("missing"), undefined), True),
        (lambda q: q.gt(q.field("s"), 5), True),
        (lambda q: q.gt(q.field("s"), "a"), True),
        (lambda q: q.gt(q.field("nan"), math.inf), True),
        (lambda q: q.gt(q.field("n"), 1), False),
        (lambda q: q.gte(q.field("n"), 1), True),
        (lambda q: q.gte(q.field("t"), False), True),
        (lambda q: q.gt(q.field("missing"), undefined), False),
    ],
)
def test_comparisons_use_the_total_order(build: Build, result: bool) -> None:
    assert evaluated(build) is result


@pytest.mark.parametrize(
    ("build", "result"),
    [
        (lambda q: q.and_(), True),
        (lambda q: q.or_(), False),
        (lambda q: q.and_(True, True), True),
        (lambda q: q.and_(True, False), False),
        (lambda q: q.or_(False, True), True),
        (lambda q: q.or_(False, False), False),
        (lambda q: q.not_(q.field("t")), False),
        (lambda q: q.not_(False), True),
        (lambda q: q.and_(False, q.add(1, "x")), False),
        (lambda q: q.or_(True, q.field("missing")), True),
    ],
)
def test_logic_goes_left_to_right_and_stops_early(build: Build, result: bool) -> None:
    assert evaluated(build) is result


@pytest.mark.parametrize(
    ("build", "result"),
    [
        (lambda q: q.add(q.field("n"), 2), 3.0),
        (lambda q: q.sub(1, 2), -1.0),
        (lambda q: q.mul(1.5, 2), 3.0),
        (lambda q: q.div(1, 4), 0.25),
        (lambda q: q.div(1, 0), math.inf),
        (lambda q: q.div(-1, 0), -math.inf),
        (lambda q: q.div(1, -0.0), -math.inf),
        (lambda q: q.div(0, 0), math.nan),
        (lambda q: q.mod(5.5, 2), 1.5),
        (lambda q: q.mod(-5.5, 2), -1.5),
        (lambda q: q.mod(1, 0), math.nan),
        (lambda q: q.mod(math.inf, 2), math.nan),
        (lambda q: q.mod(1, math.inf), 1.0),
        (lambda q: q.mul(1e308, 10), math.inf),
        (lambda q: q.neg(q.field("n")), -1.0),
        (lambda q: q.neg(0), -0.0),
        (lambda q: q.add(q.field("i"), int64(1)), int64(8)),
        (lambda q: q.sub(int64(-(2**63)), int64(-1)), int64(-(2**63) + 1)),
        (lambda q: q.mul(int64(3), int64(-4)), int64(-12)),
        (lambda q: q.div(int64(7), int64(2)), int64(3)),
        (lambda q: q.div(int64(-7), int64(2)), int64(-3)),
        (lambda q: q.mod(int64(-7), int64(2)), int64(-1)),
        (lambda q: q.mod(int64(7), int64(-2)), int64(1)),
        (lambda q: q.neg(int64(7)), int64(-7)),
        (lambda q: q.add(int64(2**63 - 1), int64(0)), int64(2**63 - 1)),
    ],
)
def test_arithmetic_of_one_kind_of_number(build: Build, result: Any) -> None:
    assert same(evaluated(build), result) or (math.isnan(result) and math.isnan(evaluated(build)))


TOO_LARGE = "the result is out of range for Int64"


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda q: q.add(1, "x"), 'Cannot add 1.0 (type Float64) and "x" (type String)'),
        (lambda q: q.add(1, int64(1)), "Cannot add 1.0 (type Float64) and 1 (type Int64)"),
        (lambda q: q.sub(q.field("missing"), 1), "Cannot subtract undefined (type undefined) and 1.0 (type Float64)"),
        (lambda q: q.mul(None, True), "Cannot multiply null (type Null) and true (type Boolean)"),
        (lambda q: q.div([1], {"a": 1}), "Cannot divide [1.0] (type Array) and {a: 1.0} (type Object)"),
        (lambda q: q.mod(b"a", 1), 'Cannot mod b"YQ==" (type Bytes) and 1.0 (type Float64)'),
        (lambda q: q.div(int64(5), int64(0)), "Cannot divide 5 by zero"),
        (lambda q: q.mod(int64(5), int64(0)), "Cannot mod 5 by zero"),
        (lambda q: q.add(int64(2**63 - 1), int64(1)), f"Cannot add {2**63 - 1} and 1: {TOO_LARGE}"),
        (lambda q: q.sub(int64(-(2**63)), int64(1)), f"Cannot subtract {-(2**63)} and 1: {TOO_LARGE}"),
        (lambda q: q.mul(int64(2**62), int64(2)), f"Cannot multiply {2**62} and 2: {TOO_LARGE}"),
        (lambda q: q.div(int64(-(2**63)), int64(-1)), f"Cannot divide {-(2**63)} and -1: {TOO_LARGE}"),
        (lambda q: q.mod(int64(-(2**63)), int64(-1)), f"Cannot mod {-(2**63)} and -1: {TOO_LARGE}"),
        (lambda q: q.neg("x"), 'Cannot negate "x" (type String)'),
        (lambda q: q.neg(q.field("missing")), "Cannot negate undefined (type undefined)"),
        (lambda q: q.neg(int64(-(2**63))), f"Cannot negate {-(2**63)}: {TOO_LARGE}"),
        (lambda q: q.not_(1), "Cannot use value 1.0 (type Float64) as a Boolean"),
        (lambda q: q.and_(True, q.field("missing")), "Cannot use value undefined (type undefined) as a Boolean"),
        (lambda q: q.or_(None), "Cannot use value null (type Null) as a Boolean"),
    ],
)
def test_ill_typed_expression_is_an_evaluation_error(build: Build, text: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^Cannot ") as caught:
        evaluated(build)

    assert str(caught.value) == text
    assert caught.value.code == "EvalError"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("true", '"true" (type String)'),
        (1.0, "1.0 (type Float64)"),
        (ConvexInt64(1), "1 (type Int64)"),
        ([], "[] (type Array)"),
        (undefined, "undefined (type undefined)"),
    ],
)
def test_condition_must_be_a_boolean(value: Any, shown: str) -> None:
    with pytest.raises(InvalidQuery, match="as a Boolean") as caught:
        as_boolean(value)

    assert str(caught.value) == f"Cannot use value {shown} as a Boolean"


def insert_numbers(emulator: Emulator, *numbers: float) -> None:
    emulator.run(lambda ctx: [ctx.db.insert("numbers", {"n": number}) for number in numbers])


def filtered(emulator: Emulator, predicate: Callable[[Any], Any]) -> list[float]:
    rows = emulator.run(lambda ctx: ctx.db.query("numbers").filter(predicate).collect())
    return sorted(row["n"] for row in rows)


def test_predicate_keeps_the_documents_it_is_true_for(emulator: Emulator) -> None:
    insert_numbers(emulator, 1, 2, 3)

    assert filtered(emulator, lambda q: q.gt(q.field("n"), 1)) == [2.0, 3.0]


# `filter(q => true)` and `filter(q => q.field("n") === 1)`: a plain value is a literal.
@pytest.mark.parametrize(("literal", "kept"), [(True, [1.0, 2.0]), (False, [])])
def test_plain_boolean_is_a_predicate(emulator: Emulator, literal: bool, kept: list[float]) -> None:
    insert_numbers(emulator, 1, 2)

    assert filtered(emulator, lambda q: literal) == kept


def test_predicate_that_returns_nothing_is_an_evaluation_error(emulator: Emulator) -> None:
    insert_numbers(emulator, 1)

    with pytest.raises(InvalidQuery, match=r"^Cannot use value undefined \(type undefined\) as a Boolean$"):
        filtered(emulator, lambda q: None)


def test_predicate_that_is_no_boolean_is_an_evaluation_error(emulator: Emulator) -> None:
    insert_numbers(emulator, 1)

    with pytest.raises(InvalidQuery, match=r"^Cannot use value 1\.0 \(type Float64\) as a Boolean$"):
        filtered(emulator, lambda q: q.field("n"))


def test_ill_typed_predicate_over_no_documents_raises_nothing(emulator: Emulator) -> None:
    assert filtered(emulator, lambda q: q.add(1, "x")) == []


def test_evaluation_error_can_be_caught_by_the_function(emulator: Emulator) -> None:
    insert_numbers(emulator, 1)

    def body(ctx: Any) -> int:
        with pytest.raises(InvalidQuery, match="as a Boolean"):
            ctx.db.query("numbers").filter(lambda q: 1).collect()
        return len(ctx.db.query("numbers").collect())

    assert emulator.run(body) == 1

"""Which values validators accept, and the text of each refusal: convex-engine.md §7.2 to §7.4."""

import math
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.schema.validators import Field, NoTables, Validator
from convex_mastra_emulator.values.ids import encode_id
from convex_mastra_emulator.values.size import take_in

THREAD_ID = encode_id(10001, bytes(range(16)))
MESSAGE_ID = encode_id(10002, bytes(16))
STORAGE_ID = encode_id(540, bytes(16))
UNKNOWN_TABLE_ID = encode_id(10999, bytes(16))


class Tables:
    """Two user tables and one a user can only refer to."""

    def table_name(self, table_number: int) -> str | None:
        return {10001: "threads", 10002: "messages", 540: "_storage"}.get(table_number)


def problem(validator: Validator, value: Any) -> str | None:
    return validator.problem(take_in(value, Limits()).value, "", Tables())


ONE_OF_EACH: dict[str, Any] = {
    "null": None,
    "float64": 1.0,
    "int64": ConvexInt64(1),
    "boolean": True,
    "string": "text",
    "bytes": b"\1",
    "array": [],
    "object": {},
}


@pytest.mark.parametrize(
    ("validator", "accepted"),
    [
        (v.any(), set(ONE_OF_EACH)),
        (v.null(), {"null"}),
        (v.float64(), {"float64"}),
        (v.number(), {"float64"}),
        (v.int64(), {"int64"}),
        (v.bigint(), {"int64"}),
        (v.commit_ts(), {"int64"}),
        (v.boolean(), {"boolean"}),
        (v.string(), {"string"}),
        (v.bytes(), {"bytes"}),
        (v.literal("text"), {"string"}),
        (v.array(v.any()), {"array"}),
        (v.object({}), {"object"}),
        (v.record(v.string(), v.any()), {"object"}),
        (v.union(v.null(), v.string()), {"null", "string"}),
        (v.union(), set()),
        (v.id("threads"), set()),
    ],
    # Sets print in any order, but every worker must name a test alike.
    ids=lambda part: "-".join(sorted(part)) if isinstance(part, set) else str(part),
)
def test_validator_accepts_its_types_and_no_other(validator: Validator, accepted: set[str]) -> None:
    assert {name for name, value in ONE_OF_EACH.items() if problem(validator, value) is None} == accepted


@pytest.mark.parametrize(
    ("validator", "printed"),
    [
        (v.id("threads"), 'v.id("threads")'),
        (v.null(), "v.null()"),
        (v.number(), "v.float64()"),
        (v.bigint(), "v.int64()"),
        (v.commit_ts(), "v.commitTs()"),
        (v.boolean(), "v.boolean()"),
        (v.string(), "v.string()"),
        (v.bytes(), "v.bytes()"),
        (v.any(), "v.any()"),
        (v.literal("x"), 'v.literal("x")'),
        (v.literal(1), "v.literal(1.0)"),
        (v.literal(True), "v.literal(true)"),
        (v.literal(ConvexInt64(5)), "v.literal(<bigint>)"),
        (v.literal(math.inf), "v.literal(<number>)"),
        (v.array(v.string()), "v.array(v.string())"),
        (v.record(v.string(), v.float64()), "v.record(v.string(), v.float64())"),
        (
            v.object({"b": v.optional(v.float64()), "a": v.string()}),
            "v.object({a: v.string(), b: v.optional(v.float64())})",
        ),
        (v.object({}), "v.object({})"),
        (v.union(v.string(), v.null()), "v.union(v.string(), v.null())"),
    ],
)
def test_validator_is_printed_as_error_texts_print_it(validator: Validator, printed: str) -> None:
    assert str(validator) == printed


# The texts of §7.2, without a path (a blank line) and with one


def test_missing_field() -> None:
    assert problem(v.object({"a": v.string()}), {}) == (
        "Object is missing the required field `a`. Consider wrapping the field validator in `v.optional(...)` "
        "if this is expected.\n\nObject: {}\nValidator: v.object({a: v.string()})"
    )


def test_missing_field_with_a_path() -> None:
    validator = v.object({"outer": v.array(v.object({"a": v.string()}))})

    assert problem(validator, {"outer": [{"a": "x"}, {}]}) == (
        "Object is missing the required field `a`. Consider wrapping the field validator in `v.optional(...)` "
        "if this is expected.\nPath: .outer[1]\nObject: {}\nValidator: v.object({a: v.string()})"
    )


def test_extra_field() -> None:
    assert problem(v.object({}), {"b": 1.0}) == (
        "Object contains extra field `b` that is not in the validator.\n\nObject: {b: 1.0}\nValidator: v.object({})"
    )


def test_extra_field_with_a_path() -> None:
    assert problem(v.object({"a": v.object({})}), {"a": {"b": None}}) == (
        "Object contains extra field `b` that is not in the validator.\nPath: .a\n"
        "Object: {b: null}\nValidator: v.object({})"
    )


def test_no_match() -> None:
    assert problem(v.string(), 1) == "Value does not match validator.\n\nValue: 1.0\nValidator: v.string()"


def test_no_match_with_a_path() -> None:
    assert problem(v.object({"a": v.string()}), {"a": None}) == (
        "Value does not match validator.\nPath: .a\nValue: null\nValidator: v.string()"
    )


def test_literal() -> None:
    assert problem(v.literal("x"), "y") == '`"y"` does not match literal validator `v.literal("x")`.'


# One-line texts append the path without a space after the period.
def test_literal_with_a_path() -> None:
    assert problem(v.object({"a": v.literal(1)}), {"a": 2}) == (
        "`2.0` does not match literal validator `v.literal(1.0)`.Path: .a"
    )


def test_id_of_another_table() -> None:
    assert problem(v.id("threads"), MESSAGE_ID) == (
        f'Found ID "{MESSAGE_ID}" from table `messages`, '
        'which does not match the table name in validator `v.id("threads")`.'
    )


def test_id_of_another_table_with_a_path() -> None:
    assert problem(v.object({"thread": v.id("threads")}), {"thread": MESSAGE_ID}) == (
        f'Found ID "{MESSAGE_ID}" from table `messages`, '
        'which does not match the table name in validator `v.id("threads")`.Path: .thread'
    )


def test_id_of_a_system_table() -> None:
    assert problem(v.id("threads"), STORAGE_ID) == (
        f'Found ID "{STORAGE_ID}" from a system table, '
        'which does not match the table name in validator `v.id("threads")`.'
    )


def test_id_of_a_system_table_with_a_path() -> None:
    assert problem(v.array(v.id("threads")), [STORAGE_ID]) == (
        f'Found ID "{STORAGE_ID}" from a system table, '
        'which does not match the table name in validator `v.id("threads")`.Path: [0]'
    )


# Ids


@pytest.mark.parametrize("value", [THREAD_ID, encode_id(10001, b"\xff" * 16)])
def test_id_of_the_table_matches_whether_or_not_its_document_exists(value: str) -> None:
    assert problem(v.id("threads"), value) is None


def test_id_of_a_system_table_matches_its_own_validator() -> None:
    assert problem(v.id("_storage"), STORAGE_ID) is None


@pytest.mark.parametrize("value", ["garbage", "", UNKNOWN_TABLE_ID, 1, None])
def test_value_that_is_no_id_of_any_table_does_not_match(value: Any) -> None:
    assert str(problem(v.id("threads"), value)).startswith("Value does not match validator.\n\nValue: ")


def test_without_tables_no_id_matches() -> None:
    assert NoTables().table_name(10001) is None
    assert v.id("threads").problem(THREAD_ID, "", NoTables()) is not None


# Literals


@pytest.mark.parametrize("literal", ["x", "", True, False, 1.0, -0.0, math.nan, ConvexInt64(1)])
def test_literal_matches_itself(literal: Any) -> None:
    assert problem(v.literal(literal), literal) is None


@pytest.mark.parametrize(
    ("literal", "value"),
    [(1.0, ConvexInt64(1)), (ConvexInt64(1), 1.0), (0.0, -0.0), (True, 1.0), ("1", 1.0), ("x", "X"), (False, None)],
)
def test_literal_matches_nothing_that_looks_alike(literal: Any, value: Any) -> None:
    assert problem(v.literal(literal), value) is not None


def test_python_int_is_a_float_literal() -> None:
    assert problem(v.literal(1), 1.0) is None


# Objects


OPTIONAL = v.object({"a": v.optional(v.string())})


def test_optional_field_may_be_missing() -> None:
    assert problem(OPTIONAL, {}) is None


def test_optional_field_may_not_be_null() -> None:
    assert problem(OPTIONAL, {"a": None}) is not None


def test_optional_field_that_is_there_must_match() -> None:
    assert problem(OPTIONAL, {"a": "x"}) is None
    assert problem(OPTIONAL, {"a": 1.0}) is not None


def test_fields_are_checked_in_sorted_order() -> None:
    validator = v.object({"b": v.string(), "a": v.string(), "c": v.string()})

    assert "required field `a`" in str(problem(validator, {"b": 1.0}))
    assert "Path: .b" in str(problem(validator, {"a": "x", "b": 1.0}))
    assert "required field `c`" in str(problem(validator, {"a": "x", "b": "x"}))


def test_own_fields_are_checked_before_extra_ones() -> None:
    assert "required field `z`" in str(problem(v.object({"z": v.string()}), {"a": 1.0}))


def test_first_extra_field_in_sorted_order_is_named() -> None:
    assert "extra field `B`" in str(problem(v.object({}), {"b": 1.0, "a": 1.0, "B": 1.0}))


# Records


RECORD = v.record(v.string(), v.float64())


def test_record_takes_any_keys() -> None:
    assert problem(RECORD, {"a": 1.0, "b c": 2.0, "": 3.0}) is None


def test_record_value_is_refused_with_its_path() -> None:
    assert problem(v.object({"scores": RECORD}), {"scores": {"a": 1.0, "b": "x"}}) == (
        'Value does not match validator.\nPath: .scores.values()\nValue: "x"\nValidator: v.float64()'
    )


def test_record_key_is_refused_with_its_path() -> None:
    assert problem(v.record(v.id("threads"), v.any()), {"a": 1.0}) == (
        'Value does not match validator.\nPath: .keys()\nValue: "a"\nValidator: v.id("threads")'
    )


def test_record_key_is_checked_before_its_value() -> None:
    assert "Path: .keys()" in str(problem(v.record(v.id("threads"), v.string()), {"a": 1.0}))


def test_record_entries_are_checked_in_byte_order() -> None:
    assert 'Value: "B"' in str(problem(v.record(v.string(), v.float64()), {"a": "a", "B": "B"}))


def test_record_of_a_union_of_ids_takes_either() -> None:
    validator = v.record(v.union(v.id("threads"), v.id("messages")), v.null())

    assert problem(validator, {THREAD_ID: None, MESSAGE_ID: None}) is None


# Arrays


def test_first_element_that_is_refused_decides() -> None:
    assert problem(v.array(v.string()), ["a", 1.0, None]) == (
        "Value does not match validator.\nPath: [1]\nValue: 1.0\nValidator: v.string()"
    )


def test_one_int64_in_an_embedding_is_refused() -> None:
    assert "Path: [2]" in str(problem(v.array(v.float64()), [1.0, 2.0, ConvexInt64(3)]))


@pytest.mark.parametrize("value", [[], [1.0], [1.0, 2.0]])
def test_array_of_matching_elements_matches(value: list[float]) -> None:
    assert problem(v.array(v.float64()), value) is None


# Unions


def test_union_that_matches_nothing_hides_the_texts_of_its_members() -> None:
    validator = v.object({"a": v.union(v.object({"b": v.string()}), v.null())})

    assert problem(validator, {"a": {}}) == (
        "Value does not match validator.\nPath: .a\nValue: {}\nValidator: v.union(v.object({b: v.string()}), v.null())"
    )


def test_union_of_one_member_reports_as_that_member() -> None:
    assert "required field `a`" in str(problem(v.union(v.object({"a": v.string()})), {}))


def test_empty_union_matches_nothing() -> None:
    assert problem(v.union(), None) == "Value does not match validator.\n\nValue: null\nValidator: v.union()"


def test_second_member_may_match() -> None:
    assert problem(v.union(v.literal("a"), v.literal("b")), "b") is None


def test_field_is_printed_with_its_optionality() -> None:
    assert str(Field(v.string())) == "v.string()"
    assert str(Field(v.string(), optional=True)) == "v.optional(v.string())"


def test_equal_object_validators_are_equal_and_hash_alike() -> None:
    one, other = v.object({"a": v.string(), "b": v.null()}), v.object({"b": v.null(), "a": v.string()})

    assert one == other
    assert hash(one) == hash(other)

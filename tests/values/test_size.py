"""Sizes, nesting and the limits of values: convex-engine.md §0, §1.6 and §1.7."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from convex import ConvexInt64
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.errors import InvalidValue, UnsupportedType
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.codec import decode_measured
from convex_mastra_emulator.values.json_text import parse_json
from convex_mastra_emulator.values.size import copy_of, measure, size_of, take_in

GOLDEN = Path(__file__).parent.parent / "data" / "values.json"
LIMITS = Limits()

field_names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=4).filter(
    lambda name: not name.startswith("$")
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1).map(ConvexInt64)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(field_names, inner, max_size=4),
    max_leaves=10,
)


# The formula of §1.6, written again.
def expected_size(value: Any) -> int:
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, (float, ConvexInt64)):
        return 9
    if isinstance(value, str):
        return 2 + len(value.encode())
    if isinstance(value, bytes):
        return 2 + len(value)
    if isinstance(value, list):
        return 2 + sum(map(expected_size, value))
    return 2 + sum(len(name) + 1 + expected_size(item) for name, item in value.items())


def expected_nesting(value: Any) -> int:
    if isinstance(value, (list, dict)):
        return 1 + max(map(expected_nesting, value.values() if isinstance(value, dict) else value), default=0)
    return 0


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_sizes_are_those_of_npm_convex() -> None:
    for entry in parse_json(GOLDEN.read_text())["values"]:
        assert decode_measured(entry["json"], LIMITS).size == entry["size"], entry


@settings(deadline=None, max_examples=300)
@given(values)
def test_value_taken_in_has_the_size_and_nesting_of_the_formula(value: Any) -> None:
    taken = take_in(value, LIMITS)

    assert (taken.size, taken.nesting) == (expected_size(value), expected_nesting(value))


@settings(deadline=None, max_examples=200)
@given(values)
def test_measuring_again_gives_the_same(value: Any) -> None:
    taken = take_in(value, LIMITS)

    assert measure(taken.value) == (taken.size, taken.nesting)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (True, 1),
        (ConvexInt64(5), 9),
        (1.5, 9),
        ("", 2),
        ("é😀", 8),
        (b"\0\1", 4),
        ([], 2),
        ([1.0, None], 12),
        ({}, 2),
        ({"a": True}, 5),
        ({"": None}, 4),
    ],
)
def test_size_of_each_type(value: Any, size: int) -> None:
    assert size_of(value) == size


# Limits, each on both sides


def test_value_of_32_mib_fits() -> None:
    assert take_in(["x" * ((32 << 20) - 4)], LIMITS).size == 33_554_432


def test_value_of_one_byte_more_than_32_mib_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^Value is too large \(32\.00 MiB > maximum size 32 MiB\)$") as caught:
        take_in(["x" * ((32 << 20) - 3)], LIMITS)

    assert caught.value.code == "ValueTooLargeError"


def test_64_levels_of_nesting_fit() -> None:
    assert take_in(nested(64), LIMITS).nesting == 64


def test_65_levels_of_nesting_are_refused() -> None:
    text = r"^Value is too nested \(nested 65 levels deep > maximum nesting 64\)$"
    with pytest.raises(InvalidValue, match=text) as caught:
        take_in(nested(65), LIMITS)

    assert caught.value.code == "TooNestedError"


# Embeddings take a shorter way through the code than other arrays; both ways must stop at the same length.
@pytest.mark.parametrize("element", [0.5, "x", None])
def test_array_of_8192_elements_fits(element: Any) -> None:
    assert len(take_in([element] * 8192, LIMITS).value) == 8192


@pytest.mark.parametrize("element", [0.5, "x", None])
def test_array_of_8193_elements_is_refused(element: Any) -> None:
    text = r"^Array length is too long \(8193 > maximum length 8192\)$"
    with pytest.raises(InvalidValue, match=text) as caught:
        take_in([element] * 8193, LIMITS)

    assert caught.value.code == "ArrayTooLong"


def test_object_of_1024_fields_fits() -> None:
    assert len(take_in({f"f{n}": None for n in range(1024)}, LIMITS).value) == 1024


def test_object_of_1025_fields_is_refused() -> None:
    text = r"^Object has too many fields \(1025 > maximum number 1024\)$"
    with pytest.raises(InvalidValue, match=text) as caught:
        take_in({f"f{n}": None for n in range(1025)}, LIMITS)

    assert caught.value.code == "TooManyFieldsError"


def test_field_name_of_1024_bytes_fits() -> None:
    assert take_in({"n" * 1024: None}, LIMITS).size == 2 + 1024 + 1 + 1


def test_field_name_of_1025_bytes_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^Field name is too long \(1025 > maximum 1024\)$"):
        take_in({"n" * 1025: None}, LIMITS)


# A lowered limit holds for every kind of array: an embedding is measured on a way of its own.
@pytest.mark.parametrize("element", [0.5, None])
def test_lowered_size_limit_holds_for_arrays(element: Any) -> None:
    size = size_of([element] * 4)

    assert take_in([element] * 4, Limits(value_size_max=size)).size == size
    with pytest.raises(InvalidValue, match=r"^Value is too large"):
        take_in([element] * 4, Limits(value_size_max=size - 1))


# Order of the checks


def test_innermost_violation_is_reported_first() -> None:
    limits = Limits(array_length_max=2, value_nesting_max=2)

    with pytest.raises(InvalidValue, match=r"^Array length is too long \(3 > "):
        take_in({"a": {"b": {"c": [None, None, None]}}}, limits)


def test_count_is_checked_before_size() -> None:
    limits = Limits(array_length_max=1, object_fields_max=1, value_size_max=4)

    with pytest.raises(InvalidValue, match=r"^Array length is too long"):
        take_in(["xx", "xx"], limits)
    with pytest.raises(InvalidValue, match=r"^Object has too many fields"):
        take_in({"a": "xx", "b": "xx"}, limits)


def test_size_is_checked_before_nesting() -> None:
    with pytest.raises(InvalidValue, match=r"^Value is too large \(15 B > maximum size 10 B\)$"):
        take_in([[], "xxxxxxxxx"], Limits(value_size_max=10, value_nesting_max=1))


# What Python code may write for a value


@pytest.mark.parametrize(
    ("given_value", "taken"),
    [
        (1, 1.0),
        (2**53, 9007199254740992.0),
        ((1, "a"), [1.0, "a"]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (MappingProxyType({"b": 1, "a": 2}), {"a": 2.0, "b": 1.0}),
        (OrderedDict(b=1), {"b": 1.0}),
        (np.float64(1.5), 1.5),
    ],
)
def test_python_type_that_stands_for_a_value_is_taken_as_it(given_value: Any, taken: Any) -> None:
    assert take_in(given_value, LIMITS).value == taken


def test_int_becomes_a_float() -> None:
    assert type(take_in(3, LIMITS).value) is float


def test_true_stays_a_boolean() -> None:
    assert take_in(True, LIMITS).value is True


def test_text_of_a_subclass_becomes_plain_text() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert type(take_in(Colour.RED, LIMITS).value) is str


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1])
def test_int_that_no_float_holds_exactly_is_refused(number: int) -> None:
    with pytest.raises(InvalidValue, match=f"^Integer {number} is outside the range of a Convex `Float64`"):
        take_in(number, LIMITS)


@pytest.mark.parametrize("given_value", [{1, 2}, datetime(2026, 1, 1, tzinfo=UTC), object(), 1j, len])
def test_other_python_objects_are_refused(given_value: Any) -> None:
    with pytest.raises(UnsupportedType, match=f"^{type(given_value).__name__} .*is not a supported Convex type"):
        take_in([given_value], LIMITS)


def test_keys_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnsupportedType, match=r"^Convex object keys must be strings, found 1$"):
        take_in(MappingProxyType({1: "a"}), LIMITS)


# A plain dict is what callers pass; the same mistake in it must get the same answer.
def test_keys_of_a_plain_dict_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnsupportedType, match=r"^Convex object keys must be strings, found 1$"):
        take_in({1: "a"}, LIMITS)


@pytest.mark.parametrize("given_value", [undefined, [undefined], {"a": [1.0, undefined]}])
def test_undefined_is_no_value(given_value: Any) -> None:
    with pytest.raises(UnsupportedType, match=r"^undefined is not a valid Convex value"):
        take_in(given_value, LIMITS)


def test_undefined_fields_are_dropped() -> None:
    assert take_in({"a": undefined, "b": {"c": undefined}}, LIMITS).value == {"b": {}}


@pytest.mark.parametrize("given_value", ["\ud800", ["a\udc00"], {"a": "\ud83d"}])
def test_lone_surrogates_are_refused(given_value: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^Received invalid json: ") as caught:
        take_in(given_value, LIMITS)

    assert caught.value.code == "SyscallArgsInvalidJson"


def test_fields_come_in_byte_order() -> None:
    taken = take_in({"b": 1.0, "a": 2.0, "B": 3.0, "_x": {"z": 1.0, "y": 1.0}}, LIMITS).value

    assert list(taken) == ["B", "_x", "a", "b"]
    assert list(taken["_x"]) == ["y", "z"]


# A caller who goes on using his dict must not change what was stored.
def test_value_taken_in_shares_no_container_with_what_was_given() -> None:
    given_value: dict[str, Any] = {"embedding": [1.0, 2.0], "items": ["a", {}]}
    taken = take_in(given_value, LIMITS).value

    given_value["embedding"].append(3.0)
    given_value["items"][1]["b"] = 1.0

    assert taken == {"embedding": [1.0, 2.0], "items": ["a", {}]}


@settings(deadline=None, max_examples=100)
@given(values)
def test_copy_is_equal_and_shares_no_container(value: Any) -> None:
    taken = take_in(value, LIMITS).value
    copied = copy_of(taken)

    assert measure(copied) == measure(taken)
    assert not containers(copied) & containers(taken)


def containers(value: Any) -> set[int]:
    if isinstance(value, list):
        return {id(value)}.union(*map(containers, value))
    if isinstance(value, Mapping):
        return {id(value)}.union(*map(containers, value.values()))
    return set()

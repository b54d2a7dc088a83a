"""The total order of values: convex-engine.md §2 and appendix A, and ranks computed by npm convex 1.48.0."""

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from convex import ConvexInt64
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.json_text import parse_json
from convex_mastra_emulator.values.order import float_key, same, sort_key, successor, text_key

GOLDEN = Path(__file__).parent.parent / "data" / "values.json"


def float_of(bits: int) -> float:
    (number,) = struct.unpack(">d", struct.pack(">Q", bits))
    return float(number)


NAN = float_of(0x7FF8000000000000)
NEGATIVE_NAN = float_of(0xFFF8000000000000)

field_names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=3).filter(
    lambda name: not name.startswith("$")
)
texts = st.text(
    st.sampled_from("\0\x01a\xe9\xff\ufffd\U00010000\U0001f600") | st.characters(exclude_categories=["Cs"]), max_size=3
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1).map(ConvexInt64)
    | st.sampled_from([-129, -128, -1, 0, 1, 127, 128, 2**31]).map(ConvexInt64)
    | st.integers(0, 2**64 - 1).map(float_of)
    | st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, float("inf"), float("-inf"), NAN, NEGATIVE_NAN])
    | texts
    | st.binary(max_size=3)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(field_names, inner, max_size=3),
    max_leaves=6,
)


# Written from the rules of §2 alone: nothing of the code under test, no byte strings.
def compare(left: Any, right: Any) -> int:
    kind = type_rank(left)
    if kind != type_rank(right):
        return three_way(kind, type_rank(right))
    if isinstance(left, list):
        return compare_sequences(left, right)
    if isinstance(left, dict):
        return compare_sequences(flattened(left), flattened(right))
    return three_way(comparable(left), comparable(right))


def type_rank(value: Any) -> int:
    if value is undefined:
        return 0
    if value is None:
        return 1
    return 2 + [ConvexInt64, float, bool, str, bytes, list, dict].index(type(value))


def three_way(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def comparable(value: Any) -> Any:
    if isinstance(value, ConvexInt64):
        return value.value
    if isinstance(value, float):
        (bits,) = struct.unpack(">Q", struct.pack(">d", value))
        magnitude = bits & ~(1 << 63)
        # IEEE totalOrder: a larger magnitude is lower among negatives, and -0 is below +0.
        return -magnitude - 1 if bits >> 63 else magnitude
    if isinstance(value, str):
        return [ord(char) for char in value]
    return 0 if value is None or value is undefined else value


def compare_sequences(left: list[Any], right: list[Any]) -> int:
    for one, other in zip(left, right, strict=False):
        if (order := compare(one, other)) != 0:
            return order
    return three_way(len(left), len(right))


def flattened(value: dict[str, Any]) -> list[Any]:
    return [part for name in sorted(value) for part in (name, value[name])]


def golden_values() -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = parse_json(GOLDEN.read_text())["values"]
    return vectors


def test_keys_order_as_the_ranks_of_npm_convex() -> None:
    ranked = sorted((entry["rank"], sort_key(decode(entry["json"], Limits()))) for entry in golden_values())

    # 1,200 values: adjacent pairs suffice, because the order is total.
    for (rank, key), (next_rank, next_key) in pairwise(ranked):
        assert (key == next_key) if rank == next_rank else (key < next_key)


@settings(deadline=None, max_examples=400)
@given(values, values)
def test_keys_order_as_the_values_do(left: Any, right: Any) -> None:
    assert three_way(sort_key(left), sort_key(right)) == compare(left, right)


@settings(deadline=None, max_examples=200)
@given(texts, texts)
def test_text_orders_by_code_points(left: str, right: str) -> None:
    assert three_way(text_key(left), text_key(right)) == three_way(left, right)


@settings(deadline=None, max_examples=200)
@given(values, values)
def test_values_are_the_same_exactly_if_the_order_says_so(left: Any, right: Any) -> None:
    assert same(left, right) == (compare(left, right) == 0)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (undefined, "01"),
        (None, "03"),
        (ConvexInt64(0), "08"),
        (ConvexInt64(1), "0901"),
        (ConvexInt64(-1), "07ff"),
        (ConvexInt64(127), "097f"),
        (ConvexInt64(128), "0a0080"),
        (ConvexInt64(-128), "0780"),
        (ConvexInt64(-129), "06ff7f"),
        (ConvexInt64(2**15), "0b00008000"),
        (ConvexInt64(2**31), "0c0000000080000000"),
        (ConvexInt64(2**63 - 1), "0c7fffffffffffffff"),
        (ConvexInt64(-(2**63)), "048000000000000000"),
        (-1.0, "0d400fffffffffffff"),
        (-0.0, "0d7fffffffffffffff"),
        (0.0, "0d8000000000000000"),
        (1.0, "0dbff0000000000000"),
        (float("inf"), "0dfff0000000000000"),
        (NAN, "0dfff8000000000000"),
        (False, "0e"),
        (True, "0f"),
        ("", "1000"),
        ("a", "106100"),
        ("a\0b", "106100ff6200"),
        (b"\0\x01", "1100ff0100"),
        ([], "1200"),
        ([1.0, None], "120dbff00000000000000300"),
        ({}, "1500"),
        ({"a": True}, "1561000f00"),
        ({"": None}, "1500ff0300"),
    ],
)
def test_key_has_the_documented_bytes(value: Any, key: str) -> None:
    assert sort_key(value).hex() == key


def test_types_order_as_documented() -> None:
    lowest_first: list[Any] = [undefined, None, ConvexInt64(9), -9.0, False, True, "", b"", [], {}]

    keys = [sort_key(value) for value in lowest_first]

    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


# JavaScript's `<` compares UTF-16 units and says the opposite.
def test_astral_text_is_above_the_last_character_of_the_basic_plane() -> None:
    assert sort_key("\U0001f600") > sort_key("\ufffd")


def test_every_int64_is_below_every_float() -> None:
    assert sort_key(ConvexInt64(5)) < sort_key(-1e9)


@pytest.mark.parametrize(
    ("left", "right"),
    [(ConvexInt64(1), 1.0), (0.0, -0.0), (None, undefined), ("1", 1.0), ([], {}), (False, None), ("", b"")],
)
def test_values_that_look_alike_are_not_the_same(left: Any, right: Any) -> None:
    assert not same(left, right)


def test_nan_is_the_same_as_itself() -> None:
    assert same(NAN, float("nan"))


def test_nans_with_other_bits_are_not_the_same() -> None:
    assert not same(NAN, float_of(0x7FF8000000000001))


def test_negative_nan_is_below_negative_infinity() -> None:
    assert float_key(NEGATIVE_NAN) < float_key(float("-inf"))


def test_objects_are_the_same_whatever_the_order_of_their_keys() -> None:
    assert same({"a": 1.0, "b": [2.0]}, {"b": [2.0], "a": 1.0})


@pytest.mark.parametrize(
    ("prefix", "above"),
    [(b"\x05\x06", b"\x05\x07"), (b"\x05\xff\xff", b"\x06"), (b"\xff\xff", b""), (b"", b"")],
)
def test_successor_is_the_first_key_above_all_with_the_prefix(prefix: bytes, above: bytes) -> None:
    assert successor(prefix) == above

"""The order of values in an index, across types and within each.

    missing < null < int64 < float64 < boolean < string < bytes < array < object

convex-backend crates/value/src/sorting.rs; npm convex values/compare.ts.  Each case stores the higher value first, so
that the order of creation cannot pass for the order of values.
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import undefined
from pytest_mastra_convex.conformance.ordering import order_of
from pytest_mastra_convex.conformance.things import THINGS, pages, store
from pytest_mastra_convex.probe import Probe

INT64_MIN = ConvexInt64(-(2**63))
INT64_MAX = ConvexInt64(2**63 - 1)
FLOAT_MAX = 1.7976931348623157e308
INFINITY = float("inf")
NOT_A_NUMBER = float("nan")


# A page of messages that comes in another order than in production shows the wrong end of a conversation.
def test_numbers_are_ordered_by_size(probe: Probe) -> None:
    for key in (2.5, -1.0, 10.0):
        probe.insert(THINGS, {"key": key})

    found = probe.collect(THINGS, index="by_key")

    assert [row["key"] for row in found] == [-1.0, 2.5, 10.0]


# A field that is optional, or that changed its type with a version of Mastra, puts values of several types into one
# index.  The last value of one type is held against the first of the next: a comparison by size would swap them.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param(undefined, None, id="missing-null"),
        pytest.param(None, INT64_MIN, id="null-int64"),
        pytest.param(INT64_MAX, -INFINITY, id="int64-float64"),
        pytest.param(NOT_A_NUMBER, False, id="float64-boolean"),
        pytest.param(True, "", id="boolean-string"),
        pytest.param("\U0010ffff", b"", id="string-bytes"),
        pytest.param(b"\xff\xff", [], id="bytes-array"),
        pytest.param([{"z": 1.0}], {}, id="array-object"),
    ],
)
def test_types_come_one_after_the_other(probe: Probe, lower: Any, higher: Any) -> None:
    assert order_of(probe, higher=higher, lower=lower) == ["lower", "higher"]


# Int64 keys are stored in as few bytes as they need: each pair stands where the number of bytes changes, at zero, or
# where a double could not tell the two apart.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param(-(2**63), -(2**63) + 1, id="least"),
        pytest.param(-(2**31) - 1, -(2**31), id="minus-two-to-31"),
        pytest.param(-32_769, -32_768, id="minus-32768"),
        pytest.param(-129, -128, id="minus-128"),
        pytest.param(-2, -1, id="negative"),
        pytest.param(-1, 0, id="below-zero"),
        pytest.param(0, 1, id="above-zero"),
        pytest.param(127, 128, id="plus-128"),
        pytest.param(255, 256, id="plus-256"),
        pytest.param(32_767, 32_768, id="plus-32768"),
        pytest.param(2**31 - 1, 2**31, id="plus-two-to-31"),
        pytest.param(2**53, 2**53 + 1, id="beyond-a-double"),
        pytest.param(2**63 - 2, 2**63 - 1, id="greatest"),
    ],
)
def test_int64_by_number(probe: Probe, lower: int, higher: int) -> None:
    assert order_of(probe, higher=ConvexInt64(higher), lower=ConvexInt64(lower)) == ["lower", "higher"]


# IEEE 754 totalOrder: the two zeros differ and NaN has a place.  Python's and JavaScript's own comparison know neither,
# and a sort by them leaves NaN wherever it happened to be.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param(-INFINITY, -FLOAT_MAX, id="minus-infinity"),
        pytest.param(-2.0, -1.0, id="negative"),
        pytest.param(-5e-324, -0.0, id="below-minus-zero"),
        pytest.param(-0.0, 0.0, id="zeros"),
        pytest.param(0.0, 5e-324, id="above-zero"),
        pytest.param(1.0, 1.0000000000000002, id="next-double"),
        pytest.param(9.0, 10.0, id="not-by-digits"),
        pytest.param(FLOAT_MAX, INFINITY, id="infinity"),
        pytest.param(INFINITY, NOT_A_NUMBER, id="nan"),
    ],
)
def test_float64_by_total_order(probe: Probe, lower: float, higher: float) -> None:
    assert order_of(probe, higher=higher, lower=lower) == ["lower", "higher"]


# A value is an Int64 or a Float64 by its type, never by its size.
def test_any_int64_is_below_any_float64(probe: Probe) -> None:
    assert order_of(probe, higher=-1_000_000_000.0, lower=ConvexInt64(5)) == ["lower", "higher"]


def test_false_is_below_true(probe: Probe) -> None:
    assert order_of(probe, higher=True, lower=False) == ["lower", "higher"]


# Text is ordered by its bytes in UTF-8, without any language: emoji stand above all other characters (in UTF-16, the
# order of JavaScript, they stand below U+FFFD), and a NUL inside must not end a key early.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param("", " ", id="empty"),
        pytest.param("a", "aa", id="prefix"),
        pytest.param("a", "a\0", id="goes-on-with-nul"),
        pytest.param("a\0", "a\0\0", id="goes-on-with-two-nuls"),
        pytest.param("a\0z", "a\x01", id="nul-is-the-least"),
        pytest.param("10", "9", id="digits-are-text"),
        pytest.param("Z", "a", id="capitals-first"),
        pytest.param("z", "\u00e9", id="no-language"),
        pytest.param("e\u0301", "\u00e9", id="not-normalized"),
        pytest.param("\u07ff", "\u0800", id="two-and-three-bytes"),
        pytest.param("\ufffd", "\U0001f600", id="emoji-last"),
        pytest.param("\uffff", "\U00010000", id="three-and-four-bytes"),
    ],
)
def test_strings_by_utf8(probe: Probe, lower: str, higher: str) -> None:
    assert order_of(probe, higher=higher, lower=lower) == ["lower", "higher"]


# Bytes are unsigned, and 0 is the byte that keys are put together with.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param(b"", b"\x00", id="empty"),
        pytest.param(b"\x00", b"\x00\x00", id="zeros"),
        pytest.param(b"\x00\xff", b"\x01", id="first-byte-decides"),
        pytest.param(b"\x7f", b"\x80", id="unsigned"),
        pytest.param(b"\xff", b"\xff\x00", id="prefix"),
    ],
)
def test_bytes_by_byte(probe: Probe, lower: bytes, higher: bytes) -> None:
    assert order_of(probe, higher=higher, lower=lower) == ["lower", "higher"]


# Everything at once, so that no pair above holds by chance.
WHOLE_ORDER: list[Any] = [
    undefined,
    None,
    ConvexInt64(-1),
    ConvexInt64(7),
    -1.5,
    -0.0,
    0.0,
    False,
    True,
    "",
    "b",
    b"a",
    ["a"],
    {},
]


def test_whole_order_in_one_index(probe: Probe) -> None:
    store(probe, *reversed([{"key": key, "rank": rank} for rank, key in enumerate(WHOLE_ORDER)]))

    ascending = probe.collect(THINGS, index="by_key", order="asc")
    descending = probe.collect(THINGS, index="by_key", order="desc")

    assert [row["rank"] for row in ascending] == [float(rank) for rank in range(14)]
    assert [row["rank"] for row in descending] == [float(rank) for rank in range(13, -1, -1)]


# A cursor is a position in this order: pages of three end now between two documents of one key, now between two types,
# and the next one has to begin right there.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_go_on_after_a_key_of_any_type(probe: Probe, order: str) -> None:
    store(probe, *({"key": key, "name": f"{rank}a"} for rank, key in enumerate(WHOLE_ORDER)))
    store(probe, *({"key": key, "name": f"{rank}b"} for rank, key in enumerate(WHOLE_ORDER)))

    found = [row["name"] for page in pages(probe, 3, index="by_key", order=order) for row in page]

    expected = [f"{rank}{copy}" for rank in range(14) for copy in "ab"]
    assert found == (expected if order == "asc" else expected[::-1])

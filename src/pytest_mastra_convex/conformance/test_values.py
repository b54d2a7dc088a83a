"""Values come back as they were stored: every type, at its ends.

convex-backend crates/value/src/lib.rs (types); npm convex values/value.ts (what a function may pass on).
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import undefined
from pytest_mastra_convex.conformance.things import THINGS
from pytest_mastra_convex.probe import Probe, StepFailed, get, insert, ref

VALUES = [
    pytest.param(None, id="null"),
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param(ConvexInt64(0), id="int64-zero"),
    pytest.param(ConvexInt64(-1), id="int64-minus-one"),
    pytest.param(ConvexInt64(2**53 + 1), id="int64-beyond-a-double"),
    pytest.param(ConvexInt64(2**63 - 1), id="int64-max"),
    pytest.param(ConvexInt64(-(2**63)), id="int64-min"),
    pytest.param("", id="text-empty"),
    pytest.param("a\0b", id="text-nul"),
    pytest.param(" \t\r\n\"'\\/", id="text-quotes-and-white-space"),
    pytest.param("\u00e9 e\u0301 \u07ff \u0800 \uffff", id="text-not-normalized"),
    pytest.param("\U0001f600\U0010ffff", id="text-beyond-utf16"),
    pytest.param("\ufeff\u2028\u2029\u202e", id="text-invisible"),
    pytest.param("NaN", id="text-like-a-number"),
    pytest.param('{"$integer":"AQAAAAAAAAA="}', id="text-like-an-int64"),
    pytest.param(b"", id="bytes-empty"),
    pytest.param(b"\0", id="bytes-nul"),
    pytest.param(bytes(range(256)), id="bytes-all"),
    pytest.param([], id="list-empty"),
    pytest.param([None, 1.5, [True, [b"\x00"]], {"a": []}], id="list-mixed"),
    pytest.param({}, id="object-empty"),
    pytest.param({"a": {"b": {"c": [None, {}]}}, "d": ConvexInt64(4)}, id="object-nested"),
    pytest.param({"": "", " ": " "}, id="object-odd-names"),
    pytest.param({"integer": "AQAAAAAAAAA=", "type": "$integer"}, id="object-like-an-int64"),
]

# Ends of a double, and numbers that programs print in different ways.
FLOATS = [
    pytest.param(0.0, id="zero"),
    pytest.param(-0.0, id="minus-zero"),
    pytest.param(1.0, id="one"),
    pytest.param(-1.5, id="negative"),
    pytest.param(0.1, id="tenth"),
    pytest.param(1e-7, id="small"),
    pytest.param(1e21, id="large"),
    pytest.param(123456789012345680000.0, id="many-digits"),
    pytest.param(9007199254740991.0, id="safe-integer"),
    pytest.param(9007199254740994.0, id="beyond-safe-integer"),
    pytest.param(5e-324, id="least"),
    pytest.param(2.2250738585072014e-308, id="least-normal"),
    pytest.param(1.7976931348623157e308, id="greatest"),
    pytest.param(math.inf, id="infinity"),
    pytest.param(-math.inf, id="minus-infinity"),
    pytest.param(math.nan, id="nan"),
]


# Mastra stores what agents said and tools answered; nothing of it may change its type or its text on the way.
@pytest.mark.parametrize("value", VALUES)
def test_value_comes_back_as_it_was_stored(probe: Probe, value: Any) -> None:
    stored = probe.insert(THINGS, {"value": value})

    found = probe.get(stored)

    assert found is not None
    assert found["value"] == value
    assert type(found["value"]) is type(value)


# `==` takes -0 for 0 and NaN for nothing at all, so the bits are compared, by the text of the number.
@pytest.mark.parametrize("number", FLOATS)
def test_float64_comes_back_to_the_last_bit(probe: Probe, number: float) -> None:
    stored = probe.insert(THINGS, {"value": number})

    found = probe.get(stored)

    assert found is not None
    assert isinstance(found["value"], float)
    assert found["value"].hex() == number.hex()


# A function sees its own writes before they are committed: they have been through the same conversion.
@pytest.mark.parametrize("value", VALUES)
def test_value_is_the_same_within_the_mutation(probe: Probe, value: Any) -> None:
    answers = probe.mutation(insert(THINGS, {"value": value}), get(ref(0)))

    assert answers[1].value["value"] == value


# A whole number of Python stands for a JavaScript number, which is a Float64 whatever its size.
def test_whole_numbers_are_float64(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"value": 3, "list": [1, 2]})

    found = probe.get(stored)

    assert found is not None
    assert type(found["value"]) is float
    assert [type(item) for item in found["list"]] == [float, float]


# True is no number: a language in which it is would turn flags into ones.
def test_booleans_and_ones_are_kept_apart(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"values": [True, 1.0, ConvexInt64(1), False, 0.0, ConvexInt64(0)]})

    found = probe.get(stored)

    assert found is not None
    assert [type(item) for item in found["values"]] == [bool, float, ConvexInt64, bool, float, ConvexInt64]


# In a list it would leave a hole that no list of Convex has.
def test_undefined_in_a_list_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="undefined is not a valid Convex value"):
        probe.insert(THINGS, {"list": ["a", undefined]})

    assert probe.collect(THINGS) == []


# Fields have no order of their own: readers that print or hash a document see the order of the names.
def test_fields_come_in_the_order_of_their_names(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"nested": {"b": 1.0, "a": 2.0, "_": 3.0, "Z": 4.0}})

    found = probe.get(stored)

    assert found is not None
    assert list(found["nested"]) == ["Z", "_", "a", "b"]


# 8 KiB of text of every width: what is cut into pieces on the way must not be cut inside a character.
def test_long_text_comes_back_whole(probe: Probe) -> None:
    text = "a\u00e9\u0800\U0001f600" * 2_000

    stored = probe.insert(THINGS, {"value": text})

    found = probe.get(stored)
    assert found is not None
    assert found["value"] == text

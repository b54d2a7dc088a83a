"""The JSON forms of values: convex-engine.md §1.2, §1.3 and §1.8."""

import math
import struct
from pathlib import Path
from typing import Any

import pytest
from convex import ConvexInt64
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.errors import InvalidValue, RequestRefused
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.codec import (
    decode,
    decode_measured,
    decode_or_undefined,
    decode_stored,
    encode,
    export_clean,
    export_json,
    exporter,
)
from convex_mastra_emulator.values.json_text import parse_json, write_json
from convex_mastra_emulator.values.order import same, sort_key

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


@settings(deadline=None, max_examples=300)
@given(values)
def test_encoded_value_is_read_back(value: Any) -> None:
    assert same(decode(encode(value), LIMITS), value)


@settings(deadline=None, max_examples=200)
@given(values)
def test_encoded_text_is_read_back(value: Any) -> None:
    text = write_json(encode(value))

    assert sort_key(decode(parse_json(text), LIMITS)) == sort_key(value)


# Embeddings are written as a whole; one number that JSON does not have, and each is looked at.
@pytest.mark.parametrize("number", [0.0, -0.0, math.inf, -math.inf, math.nan, 1.5])
def test_lists_of_numbers_lose_nothing(number: float) -> None:
    numbers = [1.0, number, 2.0]

    encoded = encode(numbers)
    encoded.append(3.0)

    assert numbers == [1.0, number, 2.0] or math.isnan(number)
    assert repr(decode_stored(parse_json(write_json(encode(numbers))))) == repr(numbers)


def test_values_of_npm_convex_are_written_as_they_were() -> None:
    for entry in parse_json(GOLDEN.read_text())["values"]:
        assert encode(decode(entry["json"], LIMITS)) == entry["json"]


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (None, None),
        (True, True),
        ("a", "a"),
        (1.5, 1.5),
        (0.0, 0.0),
        (math.nan, {"$float": "AAAAAAAA+H8="}),
        (math.inf, {"$float": "AAAAAAAA8H8="}),
        (-math.inf, {"$float": "AAAAAAAA8P8="}),
        (-0.0, {"$float": "AAAAAAAAAIA="}),
        (ConvexInt64(1), {"$integer": "AQAAAAAAAAA="}),
        (ConvexInt64(-1), {"$integer": "//////////8="}),
        (b"\xff\xfe\0", {"$bytes": "//4A"}),
        (b"", {"$bytes": ""}),
        ([1.0, [None]], [1.0, [None]]),
        ({"a": {"b": b"\1"}}, {"a": {"b": {"$bytes": "AQ=="}}}),
    ],
)
def test_encoded_form_in_both_directions(value: Any, json: Any) -> None:
    assert encode(value) == json
    assert same(decode(json, LIMITS), value)


def test_nan_keeps_its_bits() -> None:
    (payload_nan,) = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000123))

    decoded = decode(encode(payload_nan), LIMITS)

    assert struct.pack("<d", decoded) == struct.pack("<d", payload_nan)


def test_every_json_number_is_a_float() -> None:
    assert type(decode(parse_json("3"), LIMITS)) is float


def test_integer_beyond_two_to_the_53_is_rounded_silently() -> None:
    assert decode(parse_json("9007199254740993"), LIMITS) == 9007199254740992.0


@pytest.mark.parametrize("text", ["-0", "-0.0"])
def test_negative_zero_keeps_its_sign(text: str) -> None:
    assert math.copysign(1, decode(parse_json(text), LIMITS)) == -1


def test_positive_zero_is_accepted_as_special_float() -> None:
    assert math.copysign(1, decode({"$float": "AAAAAAAAAAA="}, LIMITS)) == 1


@pytest.mark.parametrize(
    ("json", "text"),
    [
        ({"$integer": "AQAAAA=="}, r"^Int64 must be exactly eight bytes$"),
        ({"$integer": "AQAAAAAAAAAA"}, r"^Int64 must be exactly eight bytes$"),
        ({"$float": "AAAAAA=="}, r"^Float64 must be exactly eight bytes$"),
        ({"$float": "AAAAAAAA8D8="}, r"^Float64 1\.0 should be encoded as a number$"),
        ({"$float": "AQAAAAAAAAA="}, r"^Float64 5e-324 should be encoded as a number$"),
        ({"$bytes": "%%"}, r"^Invalid base64"),
        ({"$bytes": "AQ"}, r"^Invalid base64"),
        ({"$integer": 1.0}, r"^invalid type: integer `1`, expected a string$"),
        ({"$integer": True}, r"^invalid type: boolean `true`, expected a string$"),
        ({"$bytes": None}, r"^invalid type: null, expected a string$"),
        ({"$float": [1.0]}, r"^invalid type: sequence, expected a string$"),
        ({"$other": "AA=="}, r"^Field name \$other starts with '\$', which is reserved\.$"),
        ({"$integer": "AQAAAAAAAAA=", "a": 1.0}, r"^Field name \$integer starts with '\$', which is reserved\.$"),
        ({"$undefined": None}, r"^Field name \$undefined starts with '\$', which is reserved\.$"),
    ],
)
def test_malformed_json_is_refused_wherever_it_stands(json: Any, text: str) -> None:
    for wrapped in (json, [json], {"a": {"b": json}}):
        with pytest.raises(InvalidValue, match=text):
            decode(wrapped, LIMITS)


def test_tagged_value_inside_a_tag_is_no_value() -> None:
    with pytest.raises(InvalidValue, match=r"^invalid type: map, expected a string$"):
        decode({"$bytes": {"$bytes": ""}}, LIMITS)


def test_size_and_nesting_are_measured_while_reading() -> None:
    measured = decode_measured({"a": [{"$integer": "AQAAAAAAAAA="}]}, LIMITS)

    assert (measured.size, measured.nesting) == (2 + 2 + 2 + 9, 2)


def test_limits_hold_while_reading() -> None:
    with pytest.raises(InvalidValue, match=r"^Array length is too long \(2 > maximum length 1\)$"):
        decode([None, None], Limits(array_length_max=1))


# §1.8: a patch may remove a field, an index range may ask for a missing one.
def test_undefined_is_read_where_it_is_allowed() -> None:
    assert decode_or_undefined({"$undefined": None}, LIMITS) is undefined
    assert decode_or_undefined([1.0], LIMITS) == [1.0]


@pytest.mark.parametrize("json", [[{"$undefined": None}], {"a": {"$undefined": None}}, {"$undefined": 1.0}])
def test_undefined_is_refused_inside_a_value(json: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^Field name \$undefined starts with '\$', which is reserved\.$"):
        decode_or_undefined(json, LIMITS)


@pytest.mark.parametrize(
    ("value", "clean", "exported"),
    [
        (ConvexInt64(5), "5", 5),
        (1.5, 1.5, 1.5),
        (-0.0, -0.0, -0.0),
        (math.nan, "NaN", {"$float": "AAAAAAAA+H8="}),
        (math.inf, "Infinity", {"$float": "AAAAAAAA8H8="}),
        (-math.inf, "-Infinity", {"$float": "AAAAAAAA8P8="}),
        (b"\0\1", "AAE=", {"$bytes": "AAE="}),
        (None, None, None),
        (True, True, True),
        ("a", "a", "a"),
        ([ConvexInt64(1), {"a": b""}], ["1", {"a": ""}], [1, {"a": {"$bytes": ""}}]),
    ],
)
def test_output_formats_differ_where_json_has_no_such_value(value: Any, clean: Any, exported: Any) -> None:
    assert export_clean(value) == clean
    assert export_json(value) == exported


# "Float64 finite → number printed with a fraction": an import must not read 1 as an Int64.
def test_exported_float_is_printed_with_a_fraction() -> None:
    assert write_json(export_json([1.0, ConvexInt64(1)])) == "[1.0,1]"


@pytest.mark.parametrize(
    ("name", "json"),
    [
        ("convex_encoded_json", {"$integer": "AQAAAAAAAAA="}),
        ("convex_json", {"$integer": "AQAAAAAAAAA="}),
        ("json", "1"),
        ("convex_clean_json", "1"),
        ("export_json", 1),
    ],
)
def test_format_is_found_by_each_of_its_names(name: str, json: Any) -> None:
    assert exporter(name)(ConvexInt64(1)) == json


def test_unknown_format_is_refused() -> None:
    text = r"^format param must be one of \[`json`\]\. Got xml$"
    with pytest.raises(RequestRefused, match=text) as caught:
        exporter("xml")

    assert caught.value.code == "BadFormat"

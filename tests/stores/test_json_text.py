"""JSON text as JavaScript has it."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator.stores.json_text import (
    from_json_text,
    number_text,
    safely_parse_json,
    to_json_text,
    to_json_value,
    whole,
)
from convex_mastra_emulator.stores.storage_client import UNSET
from convex_mastra_emulator.values.javascript import stringify


# A snapshot must be the same text whether Python or TypeScript wrote it, or tools that compare rows see changes.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (math.nan, "null"),
        (-math.inf, "null"),
        (10**400, "null"),
        ('a"\\\n\u0001\u007fé\u2028', '"a\\"\\\\\\n\\u0001\u007fé\u2028"'),
        ("\ud800é", '"\\ud800é"'),
        ("\ud800", '"\\ud800"'),
        ([1, (2.0, None)], "[1,[2,null]]"),
        ({"b": 1, "a": {"c": []}}, '{"b":1,"a":{"c":[]}}'),
        ({"b": 1, "10": 2, "9": 3, "01": 4}, '{"9":3,"10":2,"b":1,"01":4}'),
        ({"4294967294": 1, "4294967295": 2, "0": 3}, '{"0":3,"4294967294":1,"4294967295":2}'),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00.000Z"'),
        ({"a": UNSET, "b": [UNSET]}, '{"b":[null]}'),
    ],
)
def test_values_are_written_as_javascript_writes_them(value: Any, text: str) -> None:
    assert to_json_text(value) == text


def test_array_index_ends_where_javascript_ends_it() -> None:
    assert to_json_text({"x": 1, "4294967294": 1}) == '{"4294967294":1,"x":1}'
    assert to_json_text({"x": 1, "4294967295": 1}) == '{"x":1,"4294967295":1}'


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (2**53 + 2, "9007199254740994"),
        (12345678901234567890, "12345678901234567000"),
        (123456789.125, "123456789.125"),
        (-0.25, "-0.25"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_numbers_have_their_javascript_form(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        to_json_text(value)


def test_keys_are_texts() -> None:
    with pytest.raises(TypeError, match="1 cannot be a key in JSON"):
        to_json_text({1: "one"})


def test_whole_numbers_are_read_as_int() -> None:
    value = from_json_text('{"a": 1, "b": 2.0, "c": 1e3, "d": 0.5, "e": -7}')

    assert [(number, type(number)) for number in value.values()] == [
        (1, int),
        (2, int),
        (1000, int),
        (0.5, float),
        (-7, int),
    ]


# JavaScript has floats only: digits beyond 2^53 are lost there, so they must not appear here.
def test_numbers_are_as_exact_as_in_javascript() -> None:
    assert from_json_text("12345678901234567890") == 12345678901234567168


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "{", "'a'"])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|JSON"):
        from_json_text(text)


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ("null", None),
        ("plain text", "plain text"),
        ({"a": 1}, {"a": 1}),
        ([1], [1]),
        (None, {}),
        (5.0, {}),
        (False, {}),
    ],
)
def test_columns_are_parsed_if_they_can_be(stored: Any, value: Any) -> None:
    assert safely_parse_json(stored) == value


def test_values_travel_as_json_does() -> None:
    sent = to_json_value(
        {"at": [datetime(2026, 1, 2, tzinfo=UTC)], "nan": math.nan, "no": UNSET, "list": (1, UNSET), "half": 0.5}
    )

    assert sent == {"at": ["2026-01-02T00:00:00.000Z"], "nan": None, "list": [1, None], "half": 0.5}


def test_whole_leaves_everything_but_whole_floats() -> None:
    assert [whole(2.0), whole(0.5), whole(None), whole("2")] == [2, 0.5, None, "2"]
    assert type(whole(2.0)) is int


_NUMBERS = st.floats() | st.integers(-(2**60), 2**60)
_TEXTS = st.text() | st.sampled_from(["0", "7", "10", "01", "4294967294", "4294967295", "\ud800", "é\u2028"])
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(_TEXTS, values, max_size=5),
    max_leaves=12,
)


# The stores may not know the emulator's layers, so the two write JSON on their own; they must not drift apart.
@given(_JSON)
def test_stores_write_what_the_emulator_writes(value: Any) -> None:
    assert to_json_text(value) == stringify(value)


@given(_JSON)
def test_text_stays_the_same_when_it_is_read_and_written(value: Any) -> None:
    text = to_json_text(value)

    assert to_json_text(from_json_text(text)) == text

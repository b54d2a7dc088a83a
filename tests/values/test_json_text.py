"""JSON text as the deployment reads it: convex-engine.md §1.2; wordings of serde_json (src/error.rs, src/de.rs)."""

import json
import math
from typing import Any

import pytest
from convex import ConvexInt64
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.values.json_text import (
    JsonTextError,
    parse_export_json,
    parse_json,
    parse_v8_json,
    write_json,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (' {"a" : [1, 2.5, true] }\n', {"a": [1.0, 2.5, True]}),
        ('"\\u00e9\\ud83d\\ude00\\n"', "é😀\n"),
        ('{"a":1,"a":2}', {"a": 2.0}),
        ("1e2", 100.0),
        ("1e-400", 0.0),
        ("[]", []),
    ],
)
def test_json_is_read(text: str, value: Any) -> None:
    assert parse_json(text) == value


def test_every_number_becomes_a_float() -> None:
    assert [type(number) for number in parse_json("[1, 1.0, 12345678901234567890]")] == [float, float, float]


def test_negative_zero_keeps_its_sign() -> None:
    assert math.copysign(1, parse_json("-0")) == -1


@pytest.mark.parametrize("text", ["1.7976931348623157e308", "1" + "0" * 308])
def test_largest_numbers_are_read(text: str) -> None:
    assert math.isfinite(parse_json(text))


# However a number beyond Float64 is written, JavaScript's Infinity must not come out of it.
@pytest.mark.parametrize(
    "text", ["1e400", "-1e400", "1E+400", "[1e0400]", "1" + "0" * 309, "1" + "0" * 290 + "e50", "123.5e307"]
)
def test_number_beyond_float64_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match=r"^number out of range at line 1 column \d+$"):
        parse_json(text)


def test_127_levels_are_read() -> None:
    assert parse_json("[" * 127 + "]" * 127)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_128_levels_are_refused(opening: str) -> None:
    text = opening * 128
    column = 127 * len(opening) + 1

    with pytest.raises(JsonTextError, match=f"^recursion limit exceeded at line 1 column {column}$"):
        parse_json(text)


# Brackets inside text are no levels, whatever stands before the quotes.
@pytest.mark.parametrize("content", ["[" * 200, '\\"' + "[" * 200, "\\\\\\" + '"' + "[" * 200, "[" * 200 + "\\\\"])
def test_brackets_in_text_are_not_counted(content: str) -> None:
    assert parse_json(f'["{content}"]')


def test_many_shallow_containers_are_read() -> None:
    assert len(parse_json("[" + ",".join(["[]"] * 500) + "]")) == 500


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[", "EOF while parsing a list at line 1 column 1"),
        ("[1", "EOF while parsing a list at line 1 column 2"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ('{"a"', "EOF while parsing an object at line 1 column 4"),
        ('{"a":', "EOF while parsing a value at line 1 column 5"),
        ('{"a":1', "EOF while parsing an object at line 1 column 6"),
        ('"abc', "EOF while parsing a string at line 1 column 4"),
        ("x", "expected value at line 1 column 1"),
        ("NaN", "expected value at line 1 column 1"),
        ("[NaN]", "expected value at line 1 column 2"),
        ("nulx", "expected ident at line 1 column 4"),
        ("01", "invalid number at line 1 column 2"),
        ("{a:1}", "key must be a string at line 1 column 2"),
        ('{"a" 1}', "expected `:` at line 1 column 6"),
        ('{"a":1 "b":2}', "expected `,` or `}` at line 1 column 8"),
        ("[1 2]", "expected `,` or `]` at line 1 column 4"),
        ("[1,]", "trailing comma at line 1 column 4"),
        ('{"a":1,}', "trailing comma at line 1 column 8"),
        ("1 2", "trailing characters at line 1 column 3"),
        ("{}\n}", "trailing characters at line 2 column 1"),
        ('"a\x01"', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 3"),
        ('"\\q"', "invalid escape at line 1 column 3"),
        ("1e400", "number out of range at line 1 column 5"),
    ],
)
def test_text_that_is_no_json_is_refused_in_serdes_words(text: str, problem: str) -> None:
    with pytest.raises(JsonTextError, match=r" at line \d+ column \d+$") as caught:
        parse_json(text)

    assert str(caught.value) == problem


@pytest.mark.parametrize("text", ['"\\ud800"', '["\\ud800x"]', '{"\\uDBFF":1}', '"\\ud800\\n"'])
def test_high_surrogate_alone_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match=r"^unexpected end of hex escape at line 1 column \d+$"):
        parse_json(text)


@pytest.mark.parametrize("text", ['"\\udc00"', '"\\ud800\\ud800"'])
def test_low_surrogate_where_none_belongs_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match=r"^lone leading surrogate in hex escape at line 1 column \d+$"):
        parse_json(text)


def test_surrogate_pair_is_one_character() -> None:
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("text", ["Infinity", "-Infinity", "[1,Infinity]"])
def test_constants_of_javascript_are_refused(text: str) -> None:
    with pytest.raises(JsonTextError, match=r" at line 1 column \d+$"):
        parse_json(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3, alphabet="ab é"), inner),
    max_leaves=8,
)


@settings(deadline=None, max_examples=200)
@given(json_values)
def test_written_text_is_read_back(value: Any) -> None:
    assert parse_json(write_json(value)) == value


# The standard library reads the same grammar, but for its constants; numbers and escapes are left out here.
@settings(deadline=None, max_examples=400)
@given(st.text(alphabet='[]{}",:019.- tfn\\\n', max_size=12) | json_values.map(write_json), st.integers(0, 30))
def test_text_is_refused_exactly_if_it_is_no_json(text: str, cut: int) -> None:
    for candidate in (text, text[:cut], text[:cut] + text[cut + 1 :]):
        if "u" in candidate or "e" in candidate or "NaN" in candidate or "Infinity" in candidate:
            continue
        try:
            expected = json.loads(candidate)
        except ValueError:
            with pytest.raises(JsonTextError, match=r" at line \d+ column \d+$"):
                parse_json(candidate)
        else:
            assert parse_json(candidate) == expected


def test_text_is_written_compactly_and_unescaped() -> None:
    assert write_json({"a": [1.0, "é"], "b": None}) == '{"a":[1.0,"é"],"b":null}'


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_number_json_cannot_hold_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json([number])


@pytest.mark.parametrize(("text", "value"), [("5", ConvexInt64(5)), ("5.0", 5.0), ("-0", -0.0), ("1e2", 100.0)])
def test_integers_of_an_export_are_int64(text: str, value: Any) -> None:
    found = parse_export_json(f"[{text}]")[0]

    assert (found, type(found)) == (value, type(value))


def test_faults_in_an_export_have_the_same_words() -> None:
    with pytest.raises(JsonTextError, match=r"^number out of range at line 1 column 5$"):
        parse_export_json("1e999")


@pytest.mark.parametrize(
    "text", ['{"a":[1,-0,1.7976931348623157e+308,"\\\\ud800"]}', "null", '"grüße"', "[" * 127 + "]" * 127]
)
def test_text_of_v8_is_read_like_any_other(text: str) -> None:
    assert parse_v8_json(text) == parse_json(text)


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', "[" * 128 + "]" * 128])
def test_text_of_v8_that_a_deployment_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError):
        parse_v8_json(text)

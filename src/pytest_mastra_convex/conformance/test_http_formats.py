"""Formats of answers over HTTP: which one without being asked, and every type in each of them.

Data of a `ConvexError` is written as results are, and may be of any type.  convex-backend crates/value/src/export.rs,
crates/common/src/version.rs (convex-wire.md §1.3, §1.4).
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.conformance.plain_http import PlainHttp
from pytest_mastra_convex.probe import throw_convex

RETURNS_NUMBER = "conformance/typed:returnsNumber"
NOT_A_NUMBER = {"value": {"$float": "AAAAAAAA+H8="}}
ENCODED = {"$float": "AAAAAAAA+H8="}
CLEAN = "NaN"


def error_data(plain_http: PlainHttp, data: Any, format: str) -> str:
    """The data of an error in a format, as it is spelled."""
    text = plain_http.run("query", throw_convex(data), format=format).body.decode().replace(" ", "")
    return text.partition('"errorData":')[2].removesuffix("}")


# Every type


VALUES = {
    "null": (None, "null", "null"),
    "true": (True, "true", "true"),
    "text": ('a"\u00e9', '"a\\"\u00e9"', '"a\\"\u00e9"'),
    "fraction": (0.1, "0.1", "0.1"),
    "minus-zero": (-0.0, '{"$float":"AAAAAAAAAIA="}', "-0.0"),
    "nan": (float("nan"), '{"$float":"AAAAAAAA+H8="}', '"NaN"'),
    "infinity": (float("inf"), '{"$float":"AAAAAAAA8H8="}', '"Infinity"'),
    "minus-infinity": (float("-inf"), '{"$float":"AAAAAAAA8P8="}', '"-Infinity"'),
    "int64": (ConvexInt64(7), '{"$integer":"BwAAAAAAAAA="}', '"7"'),
    "int64-negative": (ConvexInt64(-(2**63)), '{"$integer":"AAAAAAAAAIA="}', '"-9223372036854775808"'),
    "bytes": (b"\xfb\xff\x00", '{"$bytes":"+/8A"}', '"+/8A"'),
    "empty": ([[], {}, "", b""], '[[],{},"",{"$bytes":""}]', '[[],{},"",""]'),
    "nested": (
        {"b": [ConvexInt64(1)], "a": {"c": b"\x00"}},
        '{"a":{"c":{"$bytes":"AA=="}},"b":[{"$integer":"AQAAAAAAAAA="}]}',
        '{"a":{"c":"AA=="},"b":["1"]}',
    ),
}


# npm and PyPI convex ask for this one: nothing is lost, so that a client can rebuild each value.
@pytest.mark.parametrize("name", VALUES)
def test_the_encoded_format_of_a_value(plain_http: PlainHttp, name: str) -> None:
    value, encoded, _ = VALUES[name]

    assert error_data(plain_http, value, "convex_encoded_json") == encoded


# Mastra and readers of plain JSON ask for this one: types that JSON lacks are texts.
@pytest.mark.parametrize("name", VALUES)
def test_the_clean_format_of_a_value(plain_http: PlainHttp, name: str) -> None:
    value, _, clean = VALUES[name]

    assert error_data(plain_http, value, "json") == clean


# A whole number is a float: written as one or not, no reader may take it for an Int64.
@pytest.mark.parametrize("format", ["json", "convex_encoded_json"])
def test_a_whole_number_is_a_plain_number(plain_http: PlainHttp, format: str) -> None:
    assert error_data(plain_http, 3.0, format) in ("3", "3.0")


# Which format


# Who asks for none gets plain JSON.
@pytest.mark.parametrize("kind", ["query", "function"])
def test_without_a_format_answers_are_clean(plain_http: PlainHttp, kind: str) -> None:
    assert plain_http.call(kind, RETURNS_NUMBER, NOT_A_NUMBER).json()["value"] == CLEAN


# Old clients know only the encoded one and do not ask for it: it goes by their versions, both sides of each.
@pytest.mark.parametrize(
    ("client", "expected"),
    [
        pytest.param("npm-1.4.0", ENCODED, id="npm-1-4-0"),
        pytest.param("npm-1.4.1", CLEAN, id="npm-1-4-1"),
        pytest.param("npm-cli-1.4.0", ENCODED, id="cli-1-4-0"),
        pytest.param("actions-1.4.0", ENCODED, id="actions-1-4-0"),
        pytest.param("python-0.4.9", ENCODED, id="python-0-4-9"),
        pytest.param("python-0.5.0", CLEAN, id="python-0-5-0"),
        pytest.param("python-convex-0.4.9", ENCODED, id="python-convex-0-4-9"),
        pytest.param("rust-0.1.0", CLEAN, id="rust"),
        pytest.param("my-esolang-client-0.0.1", CLEAN, id="unknown-client"),
    ],
)
def test_the_default_format_goes_by_the_client(plain_http: PlainHttp, client: str, expected: Any) -> None:
    answer = plain_http.call("query", RETURNS_NUMBER, NOT_A_NUMBER, Convex_Client=client)

    assert answer.json()["value"] == expected


# Asking helps old clients, too.
def test_a_format_that_is_asked_for_wins_over_the_client(plain_http: PlainHttp) -> None:
    answer = plain_http.call("query", RETURNS_NUMBER, NOT_A_NUMBER, "json", Convex_Client="npm-1.4.0")

    assert answer.json()["value"] == CLEAN


# A function in the URL is answered in plain JSON, whoever asks.
def test_a_function_in_the_url_is_answered_clean(plain_http: PlainHttp) -> None:
    path = "/api/run/conformance/typed/returnsNumber"

    old = plain_http.post(path, {"args": NOT_A_NUMBER}, Convex_Client="npm-1.4.0")
    asked = plain_http.post(path, {"args": NOT_A_NUMBER, "format": "convex_encoded_json"})

    assert (old.json()["value"], asked.json()["value"]) == (CLEAN, ENCODED)


# The format is one of the answer: arguments are always read in the encoded form.
@pytest.mark.parametrize("format", ["json", "convex_encoded_json"])
def test_arguments_are_encoded_whatever_the_format(plain_http: PlainHttp, format: str) -> None:
    args = {"value": {"$integer": "BwAAAAAAAAA="}}

    answer = plain_http.call("query", "conformance/typed:takesInt64", args, format)

    assert answer.json()["value"] == '{"$integer":"BwAAAAAAAAA="}'


# Streaming exports have a format of their own.
@pytest.mark.parametrize(
    ("data", "exported"),
    [
        pytest.param(ConvexInt64(7), "7", id="int64"),
        pytest.param(float("inf"), '{"$float":"AAAAAAAA8H8="}', id="infinity"),
        pytest.param(b"\x00", '{"$bytes":"AA=="}', id="bytes"),
    ],
)
def test_the_format_of_exports(plain_http: PlainHttp, data: Any, exported: str) -> None:
    assert error_data(plain_http, data, "export_json") == exported


# Names are exact; there is no negotiation.
@pytest.mark.parametrize("format", ["xml", "JSON", "", "encoded"], ids=["xml", "capitals", "empty", "half"])
@pytest.mark.parametrize("kind", ["query", "function"])
def test_another_format_is_refused(plain_http: PlainHttp, kind: str, format: str) -> None:
    answer = plain_http.call(kind, RETURNS_NUMBER, NOT_A_NUMBER, format)

    assert answer.refusal == (400, "BadFormat")
    assert answer.message == f"format param must be one of [`json`]. Got {format}"

"""Values on the wire: the encoded form, which loses nothing, and the clean one, for plain JSON readers.

convex-backend crates/value/src/json/*.rs, export.rs.  The requests are made by hand: no client sends the faulty ones.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests
from convex import ConvexInt64

from convex_mastra_emulator import Deployment

TAKES_ANY = "conformance/typed:takesAny"
SECONDS = 30


def call(url: str, kind: str, path: str, args: str, output_format: str = "convex_encoded_json") -> requests.Response:
    """Posts a call whose arguments are given as JSON text, so that every spelling can be tried."""
    body = f'{{"path":{json.dumps(path)},"format":"{output_format}","args":{args}}}'
    headers = {"Content-Type": "application/json"}
    return requests.post(f"{url}/api/{kind}", data=body.encode(), headers=headers, timeout=SECONDS)


def arrived(url: str, value: str) -> Any:
    """What a function got for an argument that was spelled as ``value``, in encoded form."""
    answer = call(url, "query", TAKES_ANY, f'{{"value":{value}}}').json()
    assert answer["status"] == "success", answer
    return answer["value"]


# PyPI convex and npm convex write each type in one way; a server that wrote another would be misread by one of them.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="true"),
        pytest.param(1.0, "1", id="whole-number"),
        pytest.param(0.1, "0.1", id="fraction"),
        pytest.param(-0.0, '{"$float":"AAAAAAAAAIA="}', id="minus-zero"),
        pytest.param(float("nan"), '{"$float":"AAAAAAAA+H8="}', id="nan"),
        pytest.param(float("inf"), '{"$float":"AAAAAAAA8H8="}', id="infinity"),
        pytest.param(float("-inf"), '{"$float":"AAAAAAAA8P8="}', id="minus-infinity"),
        pytest.param(ConvexInt64(1), '{"$integer":"AQAAAAAAAAA="}', id="int64"),
        pytest.param(ConvexInt64(-1), '{"$integer":"//////////8="}', id="int64-negative"),
        pytest.param(ConvexInt64(-(2**63)), '{"$integer":"AAAAAAAAAIA="}', id="int64-min"),
        pytest.param(b"", '{"$bytes":""}', id="bytes-empty"),
        pytest.param(b"\xfb\xff\x00", '{"$bytes":"+/8A"}', id="bytes"),
        pytest.param(b"\x00", '{"$bytes":"AA=="}', id="bytes-padded"),
        pytest.param({"b": [ConvexInt64(2)], "a": ""}, '{"a":"","b":[{"$integer":"AgAAAAAAAAA="}]}', id="nested"),
    ],
)
def test_argument_in_encoded_form(convex_deployment: Deployment, value: Any, text: str) -> None:
    assert convex_deployment.query(TAKES_ANY, {"value": value}) == text


# A whole number in JSON is a Float64, whatever its size: ids of other systems lose their last digits.
@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        pytest.param("3", "3", id="whole"),
        pytest.param("3.0", "3", id="with-a-point"),
        pytest.param("30e-1", "3", id="with-an-exponent"),
        pytest.param("9007199254740993", "9007199254740992", id="beyond-a-double"),
        pytest.param("-0", '{"$float":"AAAAAAAAAIA="}', id="minus-zero"),
        pytest.param("-0.0", '{"$float":"AAAAAAAAAIA="}', id="minus-zero-with-a-point"),
        pytest.param("1e-400", "0", id="too-small"),
        pytest.param('"\\u00e9\\ud83d\\ude00"', '"\u00e9\U0001f600"', id="escaped-text"),
    ],
)
def test_spellings_in_json(convex_url: str, spelled: str, expected: str) -> None:
    assert arrived(convex_url, spelled) == expected


# Two fields of one name: JSON leaves open which one counts, serde and JavaScript take the last.
def test_last_of_equal_fields_counts(convex_url: str) -> None:
    assert arrived(convex_url, '{"a":1,"b":2,"a":3}') == '{"a":3,"b":2}'


# What looks like a value of another type but is none must fail loudly: taken as an object, it would be stored as one.
@pytest.mark.parametrize(
    ("spelled", "reason"),
    [
        pytest.param('{"$integer":"AQAAAA=="}', "eight|expected 8", id="int64-of-four-bytes"),
        pytest.param('{"$float":"AAAAAA=="}', "eight|expected 8", id="float64-of-four-bytes"),
        pytest.param('{"$float":"AAAAAAAA8D8="}', "should be encoded as a number", id="float64-one"),
        pytest.param('{"$integer":"AQAAAAAAAAA=","a":1}', "reserved", id="int64-with-another-field"),
        pytest.param('{"$integer":"AQAAAAAAAAA=","$float":"AAAAAAAA+H8="}', "reserved", id="two-types"),
        pytest.param('{"$undefined":null}', "reserved", id="undefined"),
        pytest.param('{"$date":"2026-01-01"}', "reserved", id="unknown-type"),
        pytest.param('[{"$date":"2026-01-01"}]', "reserved", id="unknown-type-in-a-list"),
    ],
)
def test_faulty_encoding_is_refused(convex_url: str, spelled: str, reason: str) -> None:
    answer = call(convex_url, "query", TAKES_ANY, f'{{"value":{spelled}}}').json()

    assert answer["status"] == "error"
    assert any(part in answer["errorMessage"] for part in reason.split("|")), answer


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param('{"$bytes":"A"}', id="bytes-cut-off"),
        pytest.param('{"$bytes":1}', id="bytes-of-a-number"),
        pytest.param('{"$integer":1}', id="int64-of-a-number"),
        pytest.param('{"$float":null}', id="float64-of-null"),
    ],
)
def test_encoding_of_another_type_is_refused(convex_url: str, spelled: str) -> None:
    answer = call(convex_url, "query", TAKES_ANY, f'{{"value":{spelled}}}').json()

    assert answer["status"] == "error"
    assert answer["errorMessage"]


# Half an emoji, cut by a program that counts in UTF-16: a deployment cannot read the arguments and calls no function.
@pytest.mark.diverges("half-characters-in-arguments")
@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\ud83da"], ids=["high", "low", "high-before-a-letter"])
def test_half_a_character_is_refused(convex_url: str, half: str) -> None:
    answer = call(convex_url, "query", TAKES_ANY, f'{{"value":"{half}"}}').json()

    assert answer["status"] == "error"
    assert "Invalid arguments provided" in answer["errorMessage"]


# npm @mastra/convex asks for `json`; a NaN there is a text, since JSON has no number for it.
@pytest.mark.parametrize(
    ("spelled", "encoded", "clean"),
    [
        pytest.param("1.5", 1.5, 1.5, id="number"),
        pytest.param('{"$float":"AAAAAAAA+H8="}', {"$float": "AAAAAAAA+H8="}, "NaN", id="nan"),
        pytest.param('{"$float":"AAAAAAAA8H8="}', {"$float": "AAAAAAAA8H8="}, "Infinity", id="infinity"),
        pytest.param('{"$float":"AAAAAAAA8P8="}', {"$float": "AAAAAAAA8P8="}, "-Infinity", id="minus-infinity"),
    ],
)
def test_returned_number_in_both_formats(convex_url: str, spelled: str, encoded: Any, clean: Any) -> None:
    path, args = "conformance/typed:returnsNumber", f'{{"value":{spelled}}}'

    for output_format, expected in (("convex_encoded_json", encoded), ("json", clean)):
        assert call(convex_url, "query", path, args, output_format).json()["value"] == expected


# Minus zero has a number in JSON, so only the encoded form writes it in another way; the sign is in the text.
def test_minus_zero_keeps_its_sign_in_both_formats(convex_url: str) -> None:
    path, args = "conformance/typed:returnsNumber", '{"value":-0.0}'

    assert call(convex_url, "query", path, args).json()["value"] == {"$float": "AAAAAAAAAIA="}
    assert '"value":-0.0' in call(convex_url, "query", path, args, "json").text.replace(" ", "")


# Int64 and bytes through a generic table of Mastra's: clean JSON has them as text.
def test_returned_record_in_both_formats(convex_url: str, convex_prefix: str) -> None:
    path, record_id = "mastra/storage:handle", f"{convex_prefix}encodings"
    record = {"id": record_id, "big": {"$integer": "BQAAAAAAAAA="}, "raw": {"$bytes": "+/8A"}, "list": [None, True]}
    insert = json.dumps({"op": "insert", "tableName": "conformance_clean", "record": record})
    load = json.dumps({"op": "load", "tableName": "conformance_clean", "keys": {"id": record_id}})
    call(convex_url, "mutation", path, insert)

    encoded = call(convex_url, "mutation", path, load).json()["value"]["result"]
    clean = call(convex_url, "mutation", path, load, "json").json()["value"]["result"]

    assert (encoded["big"], encoded["raw"]) == ({"$integer": "BQAAAAAAAAA="}, {"$bytes": "+/8A"})
    assert (clean["big"], clean["raw"], clean["list"]) == ("5", "+/8A", [None, True])


# The alias of each format, and the refusal of any other, which every client would otherwise read as a success.
@pytest.mark.parametrize(
    ("alias", "expected"), [("convex_json", {"$float": "AAAAAAAA+H8="}), ("convex_clean_json", "NaN")]
)
def test_format_aliases(convex_url: str, alias: str, expected: Any) -> None:
    args = '{"value":{"$float":"AAAAAAAA+H8="}}'

    assert call(convex_url, "query", "conformance/typed:returnsNumber", args, alias).json()["value"] == expected


def test_unknown_format_is_refused(convex_url: str) -> None:
    response = call(convex_url, "query", TAKES_ANY, '{"value":null}', "xml")

    assert response.status_code == 400
    assert response.json()["code"] == "BadFormat"


# All 256 bytes, so that every character of the alphabet occurs: standard base64, not the one of URLs.
def test_bytes_in_the_standard_alphabet(convex_url: str) -> None:
    text = base64.b64encode(bytes(range(256))).decode()

    assert arrived(convex_url, f'{{"$bytes":"{text}"}}') == f'{{"$bytes":"{text}"}}'


# `undefined` of a function is null for everyone else: there is no value for it on the wire.
def test_function_that_returns_nothing_answers_null(convex_url: str) -> None:
    for output_format in ("convex_encoded_json", "json"):
        answer = call(convex_url, "query", "conformance/typed:returnsUndefined", "{}", output_format).json()
        assert answer["value"] is None

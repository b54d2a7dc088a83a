"""Requests that a deployment refuses before any function runs: statuses, codes and the texts people search for.

convex-backend crates/common/src/http/extract.rs, crates/local_backend/src/{public_api,router}.rs; the words about JSON
are those of axum and serde (convex-wire.md §1.2, §1.7, §1.9).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_mastra_convex.conformance.plain_http import PlainHttp
from pytest_mastra_convex.probe import Probe, insert

THINGS = "conformance_things"
PROBE = "conformance/probe:query"
CALL = {"path": PROBE, "args": {"program": "[]"}}
NO_JSON = "Failed to parse the request body as JSON: "
MISTYPED = "Failed to deserialize the JSON body into the target type: "
BODY_SIZE_MAX = 16 * 1024 * 1024 + 2000

POST_ROUTES = {
    "query": "/api/query",
    "mutation": "/api/mutation",
    "action": "/api/action",
    "function": "/api/function",
    "run": "/api/run/conformance/probe/query",
    "at": "/api/query_at_ts",
    "batch": "/api/query_batch",
}


# Content type


# `fetch(url, {body: JSON.stringify(…)})` says text/plain: the text must tell what to change.
@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain;charset=UTF-8", "text/json", "application/jsonp", "application/x-www-form-urlencoded"],
    ids=["none", "plain-text", "text-json", "jsonp", "form"],
)
def test_another_content_type_is_refused(plain_http: PlainHttp, content_type: str | None) -> None:
    answer = plain_http.post("/api/query", CALL, content_type=content_type)

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message == "Expected request with `Content-Type: application/json`"


@pytest.mark.parametrize("route", POST_ROUTES)
def test_every_route_wants_the_content_type(plain_http: PlainHttp, route: str) -> None:
    answer = plain_http.post(POST_ROUTES[route], CALL, content_type="text/plain", is_admin=True)

    assert answer.refusal == (400, "BadJsonBody")


# JSON


# Templates that were not filled in, answers of a proxy, Python's repr: the text says where it went wrong.
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param("", "EOF while parsing a value at line 1 column 0", id="empty"),
        pytest.param("<html>", "expected value at line 1 column 1", id="html"),
        pytest.param("{'path': 'a:b'}", "key must be a string at line 1 column 2", id="single-quotes"),
        pytest.param('{"path":"a:b" "args":{}}', "expected `,` or `}` at line 1 column 15", id="no-comma"),
        pytest.param('{"path":"a:b",\n"args":{}} x', "trailing characters at line 2 column 12", id="trailing"),
        pytest.param('{"path":"a:b",}', "trailing comma at line 1 column 15", id="trailing-comma"),
        pytest.param('{"path":"a:b"', "EOF while parsing an object at line 1 column 13", id="cut-off"),
    ],
)
def test_a_body_that_is_no_json_is_refused_with_the_place(plain_http: PlainHttp, body: str, fault: str) -> None:
    answer = plain_http.post("/api/query", body)

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message == NO_JSON + fault


# What no JSON writer writes, but Python's does: NaN and Infinity.
@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "undefined", "01", "'a'", "[1,]"])
def test_literals_that_are_no_json_are_refused(plain_http: PlainHttp, literal: str) -> None:
    answer = plain_http.post("/api/query", f'{{"path":"{PROBE}","args":{{"value":{literal}}}}}')

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message.startswith(NO_JSON)


def test_bytes_that_are_no_utf8_are_refused(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/query", b'{"path":"conformance/typed:takesAny","args":{"value":"\xff"}}')

    assert answer.refusal == (400, "BadJsonBody")


# Fields


# A client that was written by hand: the field that is missing has a name.
@pytest.mark.parametrize("route", ["query", "mutation", "action", "function", "at"])
@pytest.mark.parametrize("missing", ["path", "args"])
def test_a_missing_field_is_named(plain_http: PlainHttp, route: str, missing: str) -> None:
    body = {name: value for name, value in {**CALL, "ts": "AAAAAAAAAAA="}.items() if name != missing}

    answer = plain_http.post(POST_ROUTES[route], body, is_admin=True)

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message.startswith(f"{MISTYPED}missing field `{missing}`")


def test_a_function_in_the_url_needs_arguments_all_the_same(plain_http: PlainHttp) -> None:
    answer = plain_http.post(POST_ROUTES["run"], {})

    assert answer.refusal == (400, "BadJsonBody")
    assert "missing field `args`" in answer.message


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        pytest.param("path", 1, "integer `1`", id="path-number"),
        pytest.param("path", None, "null", id="path-null"),
        pytest.param("path", ["a"], "sequence", id="path-list"),
        pytest.param("format", True, "boolean `true`", id="format-boolean"),
    ],
)
def test_a_field_of_another_type_is_named(plain_http: PlainHttp, field: str, value: Any, what: str) -> None:
    answer = plain_http.post("/api/query", {**CALL, field: value})

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message.startswith(f"{MISTYPED}{field}: invalid type: {what}, expected a string")


@pytest.mark.parametrize(
    ("body", "what"), [("null", "null"), ("7", "integer `7`"), ('"x"', 'string "x"')], ids=["null", "number", "text"]
)
def test_a_body_that_is_no_object_is_refused(plain_http: PlainHttp, body: str, what: str) -> None:
    answer = plain_http.post("/api/query", body)

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message.startswith(f"{MISTYPED}invalid type: {what}, expected struct")


# Arguments


# The text of arguments is only looked over at first: that a number is too large, half a character stands alone or
# brackets are nested too deep shows when the function is about to get them.
UNREADABLE = {
    "number": "1e400",
    "half-a-character": '"\\ud83d"',
    "depth": "[" * 200 + "]" * 200,
}


@pytest.mark.parametrize("fault", UNREADABLE)
@pytest.mark.parametrize(("kind", "function"), [("query", "query"), ("mutation", "mutation"), ("function", "query")])
def test_unreadable_arguments_fail_the_call(plain_http: PlainHttp, kind: str, function: str, fault: str) -> None:
    body = f'{{"path":"conformance/probe:{function}","args":{{"value":{UNREADABLE[fault]}}}}}'

    answer = plain_http.post(f"/api/{kind}", body, is_admin=True)

    assert (answer.status, answer.json()["status"]) == (200, "error")
    assert "Server Error\nInvalid arguments provided" in answer.json()["errorMessage"]


# Only of an action the same fault refuses the request.
@pytest.mark.parametrize("fault", UNREADABLE)
def test_unreadable_arguments_of_an_action_refuse_the_request(plain_http: PlainHttp, fault: str) -> None:
    body = f'{{"path":"conformance/probe:action","args":{{"value":{UNREADABLE[fault]}}}}}'

    answer = plain_http.post("/api/action", body)

    assert answer.refusal == (400, "InvalidArguments")
    assert answer.message == "Invalid arguments provided"


# A missing function is noticed before its arguments are.
def test_a_missing_function_comes_before_unreadable_arguments(plain_http: PlainHttp) -> None:
    body = '{"path":"conformance/probe:nothing","args":{"value":1e400}}'

    assert (
        "Could not find public function" in plain_http.post("/api/action", body, is_admin=True).json()["errorMessage"]
    )


# The parser's depth of 127 counts the list that arguments stand in; up to there the limit of 64 for values is told.
@pytest.mark.parametrize(("depth", "text"), [(125, "maximum nesting 64"), (126, "Invalid arguments provided")])
def test_arguments_can_be_parsed_127_levels_deep(plain_http: PlainHttp, depth: int, text: str) -> None:
    body = f'{{"path":"{PROBE}","args":{{"value":{"[" * depth}{"]" * depth}}}}}'

    assert text in plain_http.post("/api/query", body, is_admin=True).json()["errorMessage"]


# Routes and methods


# A base URL with a path in it, or a slip of the pen: 404, and no JSON to misread.
@pytest.mark.parametrize(
    "path",
    ["/api/nothing", "/api/query/", "/api/Query", "/api/query/more"],
    ids=["other", "slash", "capital", "longer"],
)
def test_an_unknown_route_is_404_without_a_body(plain_http: PlainHttp, path: str) -> None:
    answer = plain_http.post(path, CALL)

    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "mutation"),
        ("GET", "action"),
        ("GET", "function"),
        ("GET", "run"),
        ("GET", "at"),
        ("PUT", "query"),
        ("DELETE", "batch"),
        ("PATCH", "mutation"),
    ],
)
def test_another_method_is_405_without_a_body(plain_http: PlainHttp, method: str, route: str) -> None:
    answer = plain_http.send(method, POST_ROUTES[route])

    assert (answer.status, answer.body) == (405, b"")


# Paths


@pytest.mark.parametrize("route", ["query", "mutation", "action", "function"])
def test_a_malformed_path_is_refused_with_the_reason(plain_http: PlainHttp, route: str) -> None:
    answer = plain_http.post(POST_ROUTES[route], {"path": "my-module:f", "args": {}}, is_admin=True)

    assert answer.refusal == (400, "BadConvexFunctionIdentifier")
    assert answer.message == (
        "my-module:f is not a valid path to a Convex function. Path component my-module.js can only contain "
        "alphanumeric characters, underscores, or periods."
    )


def test_a_url_with_one_name_is_no_function(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/run/probe", {"args": {}})

    assert answer.refusal == (400, "MissingIdentifier")
    assert answer.message == "Path or function name not provided in path, e.g. /api/run/messages/list"


# Format


# Whoever retries after this writes twice: the format is looked at after the mutation was committed.
def test_a_mutation_with_an_unknown_format_is_committed_nevertheless(plain_http: PlainHttp, probe: Probe) -> None:
    answer = plain_http.run("mutation", insert(THINGS, {"key": "a"}), format="xml")

    assert answer.refusal == (400, "BadFormat")
    assert answer.message == "format param must be one of [`json`]. Got xml"
    assert probe.count(THINGS) == 1


# Size


def body_of(size: int) -> bytes:
    """A call of so many bytes, padded with blanks, which are no part of the arguments."""
    return json.dumps(CALL).encode().ljust(size)


# Conversations with files in them: 16 MiB for the arguments and 2000 bytes around them.
def test_a_body_of_the_largest_size_is_taken(plain_http: PlainHttp) -> None:
    assert plain_http.post("/api/query", body_of(BODY_SIZE_MAX)).status == 200


# The other side: 400, not 413, as those find who look for 413.
def test_a_body_of_one_byte_more_is_refused(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/query", body_of(BODY_SIZE_MAX + 1))

    assert answer.refusal == (400, "BadJsonBody")
    assert answer.message == "Failed to buffer the request body: length limit exceeded"

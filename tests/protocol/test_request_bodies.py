"""What the body of a call may be, and the texts that refuse another one.

Rules: convex-backend crates/common/src/http/extract.rs; the texts are those of axum, serde_json and
serde_path_to_error, which puts the field before the fault (convex-wire.md §1.2, §1.7, §1.9).
"""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi, HttpRequest

NO_JSON = "Failed to parse the request body as JSON: "
MISTYPED = "Failed to deserialize the JSON body into the target type: "
TOO_LARGE = "Failed to buffer the request body: length limit exceeded"
NO_JSON_TYPE = "Expected request with `Content-Type: application/json`"

CALL = b'{"path":"values:list","args":{}}'


def make_api(emulator: Emulator) -> HttpApi:
    emulator.define("values:list", query(lambda ctx, *args: list(args)))
    return HttpApi(emulator, Authenticator("bodies|secret"), instance_name="bodies")


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    return make_api(emulator)


def post(
    api: HttpApi, body: bytes, *, path: str = "/api/query", content_type: str | None = "application/json"
) -> tuple[int, dict[str, Any]]:
    headers = {} if content_type is None else {"content-type": content_type}
    response, _ = api.handle(HttpRequest(method="POST", path=path, headers=headers, body=body))
    return response.status, json.loads(response.body)


def refused(api: HttpApi, body: bytes, *, path: str = "/api/query") -> str:
    """The message that refuses a body, whose status and code are always the same."""
    status, answer = post(api, body, path=path)
    assert (status, answer["code"], sorted(answer)) == (400, "BadJsonBody", ["code", "message"])
    return str(answer["message"])


# Content type


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.convex+json"],
)
def test_a_json_content_type_is_taken(api: HttpApi, content_type: str) -> None:
    status, answer = post(api, CALL, content_type=content_type)

    assert (status, answer["status"]) == (200, "success")


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "text/json", "application/jsonp", "application/x-www-form-urlencoded"]
)
def test_another_content_type_is_refused(api: HttpApi, content_type: str | None) -> None:
    status, answer = post(api, CALL, content_type=content_type)

    assert (status, answer) == (400, {"code": "BadJsonBody", "message": NO_JSON_TYPE})


# Size: of the whole body, and 400 where others answer 413 (convex-wire.md §0.11).


def test_a_body_of_the_largest_size_is_taken() -> None:
    api = make_api(Emulator(limits=Limits(request_body_size_max=len(CALL))))

    assert post(api, CALL)[0] == 200


def test_a_body_of_one_byte_more_is_refused() -> None:
    api = make_api(Emulator(limits=Limits(request_body_size_max=len(CALL) - 1)))

    assert post(api, CALL) == (400, {"code": "BadJsonBody", "message": TOO_LARGE})


# 16 MiB for the arguments and 2000 bytes around them: padded with blanks, which are no part of the arguments.
@pytest.mark.parametrize(("size", "status"), [(16_779_216, 200), (16_779_217, 400)])
def test_the_largest_body_is_16_mib_and_2000_bytes(api: HttpApi, size: int, status: int) -> None:
    assert post(api, CALL.ljust(size))[0] == status


# Text


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"<html>", "expected value at line 1 column 1"),
        (b"{broken", "key must be a string at line 1 column 2"),
        (b'{"path":"a:b" "args":{}}', "expected `,` or `}` at line 1 column 15"),
        (b'{"path":"a:b"\n"args":{}}', "expected `,` or `}` at line 2 column 1"),
        (b'{"path":"a:b","args":{}} x', "trailing characters at line 1 column 26"),
    ],
)
def test_a_text_that_is_no_json_is_refused_in_serdes_words(api: HttpApi, body: bytes, fault: str) -> None:
    assert refused(api, body) == NO_JSON + fault


def test_a_comma_behind_the_last_field_is_named(api: HttpApi) -> None:
    assert refused(api, b'{"path":"a:b",}') == NO_JSON + "trailing comma at line 1 column 15"


def test_an_object_that_does_not_end_is_named(api: HttpApi) -> None:
    assert refused(api, b'{"path":"a:b"') == NO_JSON + "EOF while parsing an object at line 1 column 13"


def test_a_fault_inside_a_field_names_the_field(api: HttpApi) -> None:
    assert refused(api, b'{"path":"a') == NO_JSON + "path: EOF while parsing a string at line 1 column 10"


# Python's parser would take it; JavaScript's JSON.stringify never writes it.
def test_a_literal_nan_is_refused_where_it_stands(api: HttpApi) -> None:
    assert refused(api, b'{"path":"a:b","args":NaN}').endswith("expected value at line 1 column 22")


# A number no Float64 can hold: infinity would be stored in its place (convex-engine.md §1.2).
@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" + 400 * b"0"])
def test_a_number_beyond_the_range_is_refused(api: HttpApi, number: bytes) -> None:
    message = refused(api, b'{"path":"values:list","args":[' + number + b"]}")

    assert message.startswith(NO_JSON)
    assert "number out of range" in message


def test_the_largest_number_is_taken(api: HttpApi) -> None:
    _, answer = post(api, b'{"path":"values:list","args":[1.7976931348623157e308]}')

    assert answer["value"] == [1.7976931348623157e308]


@pytest.mark.parametrize("text", [rb'"\ud800"', rb'"\udc00"', rb'"\ud800\u0041"', rb'{"\ud83d": 1}'])
def test_half_a_surrogate_pair_is_refused(api: HttpApi, text: bytes) -> None:
    assert refused(api, b'{"path":"values:list","args":[' + text + b"]}").startswith(NO_JSON)


def test_a_whole_surrogate_pair_is_one_character(api: HttpApi) -> None:
    _, answer = post(api, rb'{"path":"values:list","args":["\ud83d\ude00"]}')

    assert answer["value"] == ["😀"]


def test_bytes_that_are_no_utf8_are_refused(api: HttpApi) -> None:
    assert refused(api, b'{"path":"values:list","args":["\xff"]}').startswith(NO_JSON)


# The parser stops at its own depth of 127, body included; the limit of 64 for values comes after it.
def test_127_levels_are_json(api: HttpApi) -> None:
    status, answer = post(api, b'{"path":"values:list","args":' + 126 * b"[" + 126 * b"]" + b"}")

    assert (status, answer["status"]) == (200, "error")
    assert "maximum nesting 64" in answer["errorMessage"]


def test_128_levels_are_too_deep_to_parse(api: HttpApi) -> None:
    body = b'{"path":"values:list","args":' + 127 * b"[" + 127 * b"]" + b"}"

    assert "recursion limit exceeded" in refused(api, body)


# Fields


@pytest.mark.parametrize("field", ["path", "args"])
def test_a_missing_field_is_named(api: HttpApi, field: str) -> None:
    body = {"path": "values:list", "args": {}}
    del body[field]

    assert refused(api, json.dumps(body).encode()).startswith(f"{MISTYPED}missing field `{field}`")


def test_a_missing_field_is_noticed_at_the_end_of_the_object(api: HttpApi) -> None:
    assert refused(api, b'{"path":"a:b"}') == f"{MISTYPED}missing field `args` at line 1 column 14"


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("path", "1", "integer `1`"),
        ("path", "null", "null"),
        ("path", "true", "boolean `true`"),
        ("path", "1.5", "floating point `1.5`"),
        ("path", "[]", "sequence"),
        ("path", "{}", "map"),
        ("format", "1", "integer `1`"),
    ],
)
def test_a_mistyped_field_is_named_with_what_it_is(api: HttpApi, field: str, value: str, what: str) -> None:
    fields = {"path": '"values:list"', "args": "{}"} | {field: value}
    body = "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"

    message = refused(api, body.encode())

    assert message.startswith(f"{MISTYPED}{field}: invalid type: {what}, expected a string")


def test_a_mistyped_field_is_noticed_where_it_stands(api: HttpApi) -> None:
    message = refused(api, b'{"path":1,"args":{}}')

    assert message == f"{MISTYPED}path: invalid type: integer `1`, expected a string at line 1 column 9"


@pytest.mark.parametrize(("body", "what"), [(b"null", "null"), (b"7", "integer `7`"), (b'"x"', 'string "x"')])
def test_a_body_that_is_no_object_is_refused(api: HttpApi, body: bytes, what: str) -> None:
    assert refused(api, body).startswith(f"{MISTYPED}invalid type: {what}, expected struct UdfPostRequest")


def test_unknown_fields_are_ignored(api: HttpApi) -> None:
    status, answer = post(api, b'{"path":"values:list","args":{},"debug":true,"componentPath":"child"}')

    assert (status, answer) == (200, {"status": "success", "value": [{}]})


def test_of_two_equal_keys_in_the_arguments_the_last_one_counts(api: HttpApi) -> None:
    _, answer = post(api, b'{"path":"values:list","args":{"a":1,"a":2}}')

    assert answer["value"] == [{"a": 2}]


def test_a_format_of_null_is_none_given(api: HttpApi) -> None:
    assert post(api, b'{"path":"values:list","args":{},"format":null}')[0] == 200


# npm sends a list of one object on some routes and the object itself on others (convex-wire.md §1.2).
@pytest.mark.parametrize(
    ("args", "received"),
    [
        (b'{"a":"x"}', [{"a": "x"}]),
        (b'[{"a":"x"}]', [{"a": "x"}]),
        (b'["a","b"]', ["a", "b"]),
        (b"[]", []),
        (b"null", [None]),
        (b'"a"', ["a"]),
        (b"[[]]", [[]]),
    ],
)
def test_arguments_are_a_list_or_the_only_one(api: HttpApi, args: bytes, received: list[Any]) -> None:
    assert post(api, b'{"path":"values:list","args":' + args + b"}") == (200, {"status": "success", "value": received})


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("a-b:f", "Path component a-b.js can only contain alphanumeric characters, underscores, or periods."),
        (
            "m:a-b",
            "Identifier a-b has invalid character '-': Identifiers can only contain alphanumeric characters "
            "or underscores",
        ),
        ("a.ts:f", "Module path (a.ts) has an extension that isn't 'js'."),
    ],
)
def test_a_path_that_is_none_is_refused_with_the_reason(api: HttpApi, path: str, why: str) -> None:
    status, answer = post(api, json.dumps({"path": path, "args": {}}).encode())

    assert (status, answer["code"]) == (400, "BadConvexFunctionIdentifier")
    assert answer["message"] == f"{path} is not a valid path to a Convex function. {why}"

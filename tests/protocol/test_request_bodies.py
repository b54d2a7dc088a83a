"""What the body of a call may be, and the texts that refuse another one.

Rules: convex-backend crates/common/src/http/extract.rs; the texts are those of axum, serde_json and
serde_path_to_error, which puts the field before the fault (convex-wire.md §1.2, §1.7, §1.9).
"""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, action, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

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


def test_the_largest_number_is_taken(api: HttpApi) -> None:
    _, answer = post(api, b'{"path":"values:list","args":[1.7976931348623157e308]}')

    assert answer["value"] == [1.7976931348623157e308]


def test_a_whole_surrogate_pair_is_one_character(api: HttpApi) -> None:
    _, answer = post(api, rb'{"path":"values:list","args":["\ud83d\ude00"]}')

    assert answer["value"] == ["😀"]


def test_bytes_that_are_no_utf8_are_refused(api: HttpApi) -> None:
    assert refused(api, b'{"path":"values:list","args":["\xff"]}').startswith(NO_JSON)


# Arguments that have the form of JSON: they are kept as text until the function is known, and read only then.

BEYOND_FLOAT64 = ["1e400", "-1e400", "1" + 400 * "0"]
HALVES_OF_PAIRS = [r'"\ud800"', r'"\udc00"', r'"\ud800\u0041"', r'{"\ud83d": 1}']
TOO_DEEP = [127 * '{"a":' + "1" + 127 * "}", 128 * "[" + 128 * "]", 100_000 * "[" + 100_000 * "]"]
UNREADABLE = [
    *(pytest.param(text, id=f"number{index}") for index, text in enumerate(BEYOND_FLOAT64)),
    *(pytest.param(text, id=f"surrogate{index}") for index, text in enumerate(HALVES_OF_PAIRS)),
    *(pytest.param(text, id=f"depth{index}") for index, text in enumerate(TOO_DEEP)),
]


def call_with(args: str, path: str = "values:list") -> bytes:
    return f'{{"path":"{path}","args":{args}}}'.encode()


# Infinity would be stored in place of the number, and U+FFFD in place of half a pair (convex-engine.md §1.2).
@pytest.mark.parametrize("args", UNREADABLE)
def test_unreadable_arguments_are_a_failure_of_the_query(api: HttpApi, args: str) -> None:
    status, answer = post(api, call_with(args))

    assert (status, answer["status"]) == (200, "error")
    assert answer["errorMessage"].endswith(" Server Error\nInvalid arguments provided\n")


@pytest.mark.parametrize("args", UNREADABLE)
def test_unreadable_arguments_refuse_the_request_for_an_action(emulator: Emulator, args: str) -> None:
    api = make_api(emulator)
    emulator.define("values:act", action(lambda ctx, args: None))

    answer = post(api, call_with(args, "values:act"), path="/api/action")

    assert answer == (400, {"code": "InvalidArguments", "message": "Invalid arguments provided"})


def test_unreadable_arguments_in_a_batch_fail_their_query_only(api: HttpApi) -> None:
    body = b'{"queries":[' + call_with("1e400") + b"," + call_with('["a"]') + b"]}"

    _, answer = post(api, body, path="/api/query_batch")

    assert [result["status"] for result in answer["results"]] == ["error", "success"]


def test_a_missing_function_comes_before_unreadable_arguments(api: HttpApi) -> None:
    _, answer = post(api, call_with("1e400", "values:missing"))

    assert "Could not find public function" in answer["errorMessage"]


# Nobody reads a field that the body has no use for.
@pytest.mark.parametrize("text", UNREADABLE)
def test_an_unknown_field_needs_only_the_form_of_json(api: HttpApi, text: str) -> None:
    assert post(api, f'{{"debug":{text},"path":"values:list","args":{{}}}}'.encode())[1]["value"] == [{}]


# The parser's depth of 127 counts the list that arguments stand in; the limit of 64 for values comes after it.
@pytest.mark.parametrize("args", [127 * "[" + 127 * "]", 126 * '{"a":' + "1" + 126 * "}"], ids=["list", "object"])
def test_127_levels_of_arguments_are_read(api: HttpApi, args: str) -> None:
    status, answer = post(api, call_with(args))

    assert (status, answer["status"]) == (200, "error")
    assert "maximum nesting 64" in answer["errorMessage"]


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ("[1,]", "args: expected value at line 1 column 33"),
        ('{"a":1,}', "args: key must be a string at line 1 column 37"),
        ('{"a" 1}', "args: expected `:` at line 1 column 35"),
        ("[1 2]", "args: expected `,` or `]` at line 1 column 33"),
        ('{"a":1 "b":2}', "args: expected `,` or `}` at line 1 column 37"),
        ('["\\x"]', "args: invalid escape at line 1 column 33"),
        ("[01]", "args: invalid number at line 1 column 32"),
        ("[nul]", "args: expected ident at line 1 column 34"),
        ('{"a":[{"b":tru}]}', "args: expected ident at line 1 column 44"),
    ],
)
def test_arguments_without_the_form_of_json_are_refused_with_the_body(api: HttpApi, args: str, fault: str) -> None:
    assert refused(api, call_with(args)) == NO_JSON + fault


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"path":"a:b","args":[', "args: EOF while parsing a list at line 1 column 22"),
        (b'{"path":"a:b","args":[1', "args: EOF while parsing a list at line 1 column 23"),
        (b'{"path":"a:b","args":[1,', "args: EOF while parsing a value at line 1 column 24"),
        (b'{"path":"a:b","args":{', "args: EOF while parsing an object at line 1 column 22"),
        (b'{"path":"a:b","args":{"a"', "args: EOF while parsing an object at line 1 column 25"),
        (b'{"path":"a:b","args":{"a":1', "args: EOF while parsing an object at line 1 column 27"),
        (b'{"path":"a:b","args":-', "args: invalid number at line 1 column 22"),
        (b'{"path":"a:b","args":', "args: EOF while parsing a value at line 1 column 21"),
    ],
)
def test_arguments_that_are_cut_off_are_refused_with_the_body(api: HttpApi, body: bytes, fault: str) -> None:
    assert refused(api, body) == NO_JSON + fault


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

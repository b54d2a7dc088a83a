"""How a failed function is told to a client: status 200, the text, the data, the log; and what redaction leaves.

Rules: convex-backend crates/application/src/redaction.rs, crates/common/src/errors.rs, crates/udf/src/validation.rs
(convex-wire.md §1.5, §1.6; convex-engine.md §10.2, §10.4, §10.8).
"""

import json
import re
from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Emulator, Limits, action, mutation, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest
from convex_mastra_emulator.schema import v

HEAD = "[Request ID: r] Server Error\n"


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    return make_api(emulator)


def make_api(emulator: Emulator) -> HttpApi:
    return HttpApi(emulator, Authenticator("errors|secret"), instance_name="errors")


def call(
    api: HttpApi, path: str, args: Any = None, *, route: str = "query", request_id: str | None = "r"
) -> dict[str, Any]:
    """The answer of a call, whose status is 200 whatever became of the function."""
    headers = {"content-type": "application/json"}
    if request_id is not None:
        headers["convex-request-id"] = request_id
    body = json.dumps({"path": path, "args": {} if args is None else args}).encode()
    response, _ = api.handle(HttpRequest(method="POST", path=f"/api/{route}", headers=headers, body=body))
    assert (response.status, dict(response.headers)["content-type"]) == (200, "application/json")
    answer: dict[str, Any] = json.loads(response.body)
    return answer


def fail(ctx: Any, args: Any) -> None:
    raise Exception("boom")


def fail_with_data(data: Any) -> Any:
    def handler(ctx: Any, args: Any) -> None:
        raise ConvexError("text of the exception", data)

    return handler


def log_and_fail(ctx: Any, args: Any) -> None:
    ctx.console.warn("about to fail")
    raise Exception("boom")


# Texts


@pytest.mark.parametrize(("route", "registration"), [("query", query), ("mutation", mutation), ("action", action)])
def test_a_failed_function_answers_200_with_its_text(
    emulator: Emulator, api: HttpApi, route: str, registration: Any
) -> None:
    emulator.define("fails:now", registration(fail))

    answer = call(api, "fails:now", route=route)

    assert sorted(answer) == ["errorMessage", "status"]
    assert answer["status"] == "error"
    assert answer["errorMessage"].startswith(f"{HEAD}Uncaught Error: boom\n")


# npm prints the text and then "  Called by client" on a line of its own (convex-wire.md §1.6).
def test_every_line_of_the_text_ends_with_a_newline(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("fails:now", query(fail))

    text = call(api, "fails:now")["errorMessage"]

    assert re.fullmatch(r"\[Request ID: r\] Server Error\nUncaught Error: boom\n(    at \w+ \(\S+:\d+:\d+\)\n)+", text)


def test_without_an_id_the_request_gets_one_of_16_digits(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("fails:now", query(fail))

    texts = [call(api, "fails:now", request_id=None)["errorMessage"] for _ in range(2)]

    ids = [re.match(r"\[Request ID: ([0-9a-f]{16})\] Server Error\n", text) for text in texts]
    assert ids[0] is not None
    assert ids[1] is not None
    assert ids[0][1] != ids[1][1]


def test_the_request_id_is_any_text_and_not_sent_back_in_a_header(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("fails:now", query(fail))
    headers = {"content-type": "application/json", "convex-request-id": "from the gateway: 7"}
    request = HttpRequest(method="POST", path="/api/query", headers=headers, body=b'{"path": "fails:now", "args": {}}')

    response, _ = api.handle(request)

    assert json.loads(response.body)["errorMessage"].startswith("[Request ID: from the gateway: 7] Server Error\n")
    assert [name for name, _ in response.headers] == ["content-type"]


# Errors of the deployment itself have neither "Uncaught" nor frames, but the newline.
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("messages:list", "messages:list"),
        ("messages.js:list", "messages:list"),
        ("messages", "messages"),
        ("messages:default", "messages"),
        ("mastra/storage:other", "mastra/storage:other"),
    ],
)
def test_an_unknown_function_is_named_as_its_author_writes_it(api: HttpApi, path: str, shown: str) -> None:
    assert call(api, path)["errorMessage"] == f"{HEAD}Could not find public function for '{shown}'.\n"


KINDS: list[tuple[str, Any]] = [("Query", query), ("Mutation", mutation), ("Action", action)]


@pytest.mark.parametrize(("kind", "registration"), KINDS)
@pytest.mark.parametrize("other", ["Query", "Mutation", "Action"])
def test_a_function_of_another_kind_is_named_with_both(
    emulator: Emulator, api: HttpApi, kind: str, registration: Any, other: str
) -> None:
    emulator.define("kinds:one", registration(lambda ctx, args: None))

    answer = call(api, "kinds:one", route=other.lower())

    told = f"{HEAD}Trying to execute kinds.js:one as {other}, but it is defined as {kind}.\n"
    assert answer == (
        {"status": "success", "value": None} if kind == other else {"status": "error", "errorMessage": told}
    )


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"n": "x"}, 'Value does not match validator.\nPath: .n\nValue: "x"\nValidator: v.float64()'),
        ({}, "Object is missing the required field `n`."),
        ({"n": 1, "m": 2}, "Object contains extra field `m` that is not in the validator."),
        (
            ["x", 1],
            'Expected to receive a single object as the function\'s argument. Instead received 2 arguments: ["x", 1.0]',
        ),
        ([], "Expected to receive a single object as the function's argument. Instead received 0 arguments: []"),
        (["x"], 'Expected to receive an object as the function\'s argument. Instead received: "x"'),
    ],
)
def test_arguments_that_do_not_match_are_told(emulator: Emulator, api: HttpApi, args: Any, text: str) -> None:
    emulator.define("checks:one", query(lambda ctx, args: None, args={"n": v.number()}))

    answer = call(api, "checks:one", args)

    assert answer["errorMessage"].startswith(f"{HEAD}ArgumentValidationError: {text}")
    assert "errorData" not in answer


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"$integer": "AAA="}, "Int64 must be exactly eight bytes"),
        ({"$float": "AAAAAAAA8D8="}, "Float64 1.0 should be encoded as a number"),
        ({"$unknown": "x"}, "Field name $unknown starts with '$', which is reserved."),
    ],
)
def test_arguments_that_cannot_be_decoded_are_told(emulator: Emulator, api: HttpApi, value: Any, reason: str) -> None:
    emulator.define("checks:two", query(lambda ctx, args: None))

    answer = call(api, "checks:two", {"value": value})

    assert answer["errorMessage"] == f"{HEAD}Invalid arguments for checks.js:two: {reason}\n"


# The size is that of the list of the one argument: 2 + 2 + (1 + 1 + 2 + characters).
@pytest.mark.parametrize(("text", "status"), [("x" * 92, "success"), ("x" * 93, "error")])
def test_arguments_may_be_as_large_as_their_limit(text: str, status: str) -> None:
    emulator = Emulator(limits=Limits(arguments_size_max=100))
    emulator.define("checks:three", query(lambda ctx, args: None))

    answer = call(make_api(emulator), "checks:three", {"a": text})

    assert answer["status"] == status
    if status == "error":
        assert answer["errorMessage"].startswith(f"{HEAD}Arguments for checks.js:three are too large (actual: ")


def test_a_result_that_does_not_match_is_told(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("checks:four", query(lambda ctx, args: "x", returns=v.null()))

    text = call(api, "checks:four")["errorMessage"]

    assert text.startswith(f"{HEAD}ReturnsValidationError: Value does not match validator.\n")


# Data


@pytest.mark.parametrize(
    ("data", "shown"),
    [("no such thread", "no such thread"), ({"code": 7.0}, '{"code":7}'), (None, "null"), ("", "")],
)
def test_the_data_of_a_convex_error_is_sent(emulator: Emulator, api: HttpApi, data: Any, shown: str) -> None:
    emulator.define("fails:data", query(fail_with_data(data)))

    answer = call(api, "fails:data")

    assert answer["errorData"] == data
    assert answer["errorMessage"].startswith(f"{HEAD}Uncaught ConvexError: {shown}\n")


# Clients tell a ConvexError whose data is null from any other error by the key alone (convex-wire.md §0.8).
def test_data_that_is_null_is_there(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("fails:null", query(fail_with_data(None)))
    emulator.define("fails:plain", query(fail))

    assert call(api, "fails:null")["errorData"] is None
    assert "errorData" not in call(api, "fails:plain")


# Log lines


def test_a_function_that_logs_nothing_has_no_log_lines(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("logs:none", query(lambda ctx, args: None))

    assert call(api, "logs:none") == {"status": "success", "value": None}


def test_the_lines_of_a_function_come_in_order(emulator: Emulator, api: HttpApi) -> None:
    def log(ctx: Any, args: Any) -> None:
        ctx.console.log("hello", 1.0)
        ctx.console.error("world")

    emulator.define("logs:two", query(log))

    assert call(api, "logs:two")["logLines"] == ["[LOG] 'hello' 1", "[ERROR] 'world'"]


def test_a_function_that_fails_keeps_its_lines(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("logs:fail", query(log_and_fail))

    assert call(api, "logs:fail")["logLines"] == ["[WARN] 'about to fail'"]


# Redaction


@pytest.fixture
def redacted() -> Emulator:
    return Emulator(redact_errors=True)


def test_redacted_text_is_the_request_id_and_nothing_else(redacted: Emulator) -> None:
    redacted.define("fails:now", query(log_and_fail))

    answer = call(make_api(redacted), "fails:now")

    assert answer == {"status": "error", "errorMessage": "[Request ID: r] Server Error"}


def test_errors_of_the_deployment_are_redacted_too(redacted: Emulator) -> None:
    assert call(make_api(redacted), "fails:missing")["errorMessage"] == "[Request ID: r] Server Error"


# What a developer throws as ConvexError is meant for the client.
def test_the_data_of_a_convex_error_is_never_redacted(redacted: Emulator) -> None:
    redacted.define("fails:data", query(fail_with_data({"code": "no_thread"})))

    answer = call(make_api(redacted), "fails:data")

    assert answer == {
        "status": "error",
        "errorMessage": "[Request ID: r] Server Error",
        "errorData": {"code": "no_thread"},
    }


def test_the_log_of_a_success_is_redacted(redacted: Emulator) -> None:
    redacted.define("logs:one", query(lambda ctx, args: ctx.console.log("secret")))

    assert call(make_api(redacted), "logs:one") == {"status": "success", "value": None}


def test_refused_requests_are_told_in_full_also_when_redacted(redacted: Emulator) -> None:
    headers = {"content-type": "text/plain"}

    response, _ = make_api(redacted).handle(HttpRequest(method="POST", path="/api/query", headers=headers))

    assert json.loads(response.body)["message"] == "Expected request with `Content-Type: application/json`"

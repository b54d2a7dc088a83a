"""Of two things that are wrong with a request, the one a deployment looks at first is told.

Rules: convex-wire.md §1.2, "Order of refusals".
"""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

SIZE_MAX = 200

BAD_CLIENT = {"convex-client": "curl"}
BAD_HEADER = {"authorization": "x"}
BAD_KEY = {"authorization": "Convex wrong"}
BAD_TYPE = {"content-type": "text/plain"}


@pytest.fixture
def api() -> HttpApi:
    emulator = Emulator(limits=Limits(request_body_size_max=SIZE_MAX))
    emulator.define("values:one", query(lambda ctx, args: 1.0))
    return HttpApi(emulator, Authenticator("order|secret"), instance_name="order")


def send(
    api: HttpApi, path: str, body: bytes, *faults: dict[str, str], method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    headers = {"content-type": "application/json"}
    for fault in faults:
        headers |= fault
    response, _ = api.handle(HttpRequest(method=method, path=path, headers=headers, body=body))
    return response.status, json.loads(response.body or b"{}")


def call(path: str, **fields: Any) -> bytes:
    return json.dumps({"path": path, "args": {}} | fields).encode()


def test_route_and_method_come_before_the_client(api: HttpApi) -> None:
    assert send(api, "/nothing", b"", BAD_CLIENT)[0] == 404
    assert send(api, "/api/query", b"", BAD_CLIENT, method="PUT")[0] == 405


GOOD = call("values:one")
BAD_JSON_TOO_LARGE = b"{".ljust(SIZE_MAX + 1)


@pytest.mark.parametrize(
    ("body", "faults", "code", "message"),
    [
        pytest.param(GOOD, [BAD_CLIENT, BAD_HEADER], "InvalidClientVersion", "", id="client, authorization"),
        pytest.param(
            GOOD,
            [{"convex-client": "npm-0.19.1"}, BAD_HEADER],
            "ClientVersionUnsupported",
            "",
            id="unsupported client, authorization",
        ),
        pytest.param(GOOD, [BAD_HEADER, BAD_TYPE], "InvalidHeaderFailure", "", id="authorization, content type"),
        pytest.param(
            BAD_JSON_TOO_LARGE,
            [BAD_TYPE],
            "BadJsonBody",
            "Expected request with `Content-Type: application/json`",
            id="content type, size",
        ),
        pytest.param(BAD_JSON_TOO_LARGE, [], "BadJsonBody", "Failed to buffer", id="size, json"),
        pytest.param(b"{", [BAD_KEY], "BadJsonBody", "Failed to parse", id="json, key"),
        pytest.param(b'{"path": "a-b"}', [], "BadJsonBody", "Failed to deserialize", id="field, path"),
        pytest.param(call("a-b"), [BAD_KEY], "BadConvexFunctionIdentifier", "a-b is not", id="path, key"),
    ],
)
def test_the_earlier_fault_of_a_request_is_told(
    api: HttpApi, body: bytes, faults: list[dict[str, str]], code: str, message: str
) -> None:
    status, answer = send(api, "/api/query", body, *faults)

    assert (status, answer["code"]) == (400, code)
    assert answer["message"].startswith(message)


@pytest.mark.parametrize("body", [call("values:missing"), call("_system/x:y"), call("values:one", format="xml")])
def test_the_key_comes_before_the_function_and_the_format(api: HttpApi, body: bytes) -> None:
    status, answer = send(api, "/api/query", body, BAD_KEY)

    assert (status, answer["code"]) == (401, "BadAdminKey")


def test_a_token_is_checked_where_a_key_is(api: HttpApi) -> None:
    token = {"authorization": "Bearer none"}

    assert send(api, "/api/query", call("a-b"), token)[1]["code"] == "BadConvexFunctionIdentifier"
    assert send(api, "/api/query", call("values:missing"), token)[1]["code"] == "InvalidAuthHeader"


# On these two routes the key is asked for before the path is looked at.
@pytest.mark.parametrize("route", ["/api/function", "/api/run/a-b/f", "/api/run/single"])
def test_on_routes_for_any_kind_the_key_comes_before_the_path(api: HttpApi, route: str) -> None:
    status, answer = send(api, route, call("a-b"), BAD_KEY)

    assert (status, answer["code"]) == (401, "BadAdminKey")


def test_a_stranger_is_refused_before_the_path(api: HttpApi) -> None:
    status, answer = send(api, "/api/function", call("a-b"))

    assert (status, answer["code"]) == (403, "BadDeployKey")


# The body is read into its type before anything else is done with it, on every route.
@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/api/function", b'{"path": "values:one"}'),
        ("/api/run/values/one", b"{}"),
        ("/api/query_at_ts", call("values:one")),
        ("/api/query_batch", b"{}"),
    ],
)
def test_missing_fields_come_before_the_key_on_every_route(api: HttpApi, route: str, body: bytes) -> None:
    status, answer = send(api, route, body, BAD_KEY)

    assert (status, answer["code"]) == (400, "BadJsonBody")


def test_missing_fields_come_before_a_missing_key(api: HttpApi) -> None:
    status, answer = send(api, "/api/function", b'{"path": "values:one"}')

    assert (status, answer["code"]) == (400, "BadJsonBody")

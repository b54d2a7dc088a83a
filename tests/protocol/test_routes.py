"""Which routes there are, what each answers when all is well, and what browsers are told.

Rules: convex-backend crates/local_backend/src/router.rs and public_api.rs (convex-wire.md §1.1, §1.7, §1.10).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse

JSON_TYPE = {"content-type": "application/json"}


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    emulator.define("kinds:read", query(lambda ctx, args: {"read": args}))
    emulator.define("kinds:write", mutation(lambda ctx, args: {"written": args}))
    emulator.define("kinds:act", action(lambda ctx, args: {"done": args}))
    return HttpApi(emulator, Authenticator("routes|secret"), instance_name="routes", version="v7")


def send(
    api: HttpApi, method: str, path: str, *, query: str = "", body: bytes = b"", headers: Mapping[str, str] = JSON_TYPE
) -> HttpResponse:
    response, _ = api.handle(HttpRequest(method=method, path=path, query=query, headers=headers, body=body))
    return response


def get_query(api: HttpApi, **parameters: str) -> tuple[int, dict[str, Any]]:
    response = send(api, "GET", "/api/query", query=urlencode(parameters))
    return response.status, json.loads(response.body)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "This Convex deployment is running. See https://docs.convex.dev/."),
        ("/version", "v7"),
        ("/instance_name", "routes"),
        ("/instance_version", "v7"),
    ],
)
def test_a_meta_route_answers_plain_text(api: HttpApi, path: str, text: str) -> None:
    response = send(api, "GET", path)

    assert (response.status, response.body.decode()) == (200, text)
    assert dict(response.headers)["content-type"].startswith("text/plain")


def test_the_version_is_unknown_unless_given(emulator: Emulator) -> None:
    api = HttpApi(emulator, Authenticator("key"), instance_name="routes")

    assert send(api, "GET", "/version").body == b"unknown"


@pytest.mark.parametrize(("route", "function"), [("query", "read"), ("mutation", "write"), ("action", "act")])
def test_each_kind_has_its_route(api: HttpApi, route: str, function: str) -> None:
    body = json.dumps({"path": f"kinds:{function}", "args": {"a": "x"}}).encode()

    response = send(api, "POST", f"/api/{route}", body=body)

    result = {"read": "read", "write": "written", "act": "done"}[function]
    assert (response.status, dict(response.headers)["content-type"]) == (200, "application/json")
    assert json.loads(response.body) == {"status": "success", "value": {result: {"a": "x"}}}


# Clients send a path as their users wrote it, and after a reconnect in its canonical form (convex-wire.md §0.9).
@pytest.mark.parametrize("path", ["folder/reads:default", "folder/reads.js:default", "folder/reads", "folder/reads.js"])
def test_a_path_may_come_in_every_form(emulator: Emulator, api: HttpApi, path: str) -> None:
    emulator.define("folder/reads", query(lambda ctx, args: "found"))

    response = send(api, "POST", "/api/query", body=json.dumps({"path": path, "args": {}}).encode())

    assert json.loads(response.body)["value"] == "found"


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/other", "/api/query/", "/api/run", "/API/query"])
def test_an_unknown_route_answers_404_without_a_body(api: HttpApi, path: str) -> None:
    response = send(api, "POST", path, body=b"{}")

    assert (response.status, response.body) == (404, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/version"),
        ("PUT", "/api/query"),
        ("GET", "/api/mutation"),
        ("GET", "/api/action"),
        ("GET", "/api/function"),
        ("GET", "/api/run/kinds/read"),
        ("GET", "/api/query_ts"),
        ("GET", "/api/query_at_ts"),
        ("DELETE", "/api/query_batch"),
    ],
)
def test_another_method_answers_405_without_a_body(api: HttpApi, method: str, path: str) -> None:
    response = send(api, method, path)

    assert (response.status, response.body) == (405, b"")


def test_head_is_answered_where_get_is(api: HttpApi) -> None:
    assert send(api, "HEAD", "/version").status == 200
    assert send(api, "HEAD", "/api/mutation").status == 405


# GET /api/query


def test_get_query_takes_arguments_as_json_text(api: HttpApi) -> None:
    status, answer = get_query(api, path="kinds:read", args='{"text": "a b&c"}')

    assert (status, answer) == (200, {"status": "success", "value": {"read": {"text": "a b&c"}}})


def test_get_query_takes_a_format(api: HttpApi) -> None:
    status, answer = get_query(api, path="kinds:read", args='{"n": {"$integer": "BwAAAAAAAAA="}}', format="convex_json")

    assert (status, answer["value"]) == (200, {"read": {"n": {"$integer": "BwAAAAAAAAA="}}})


@pytest.mark.parametrize("parameters", [{"args": "{}"}, {"path": "kinds:read"}, {"path": "kinds:read", "args": "{"}])
def test_get_query_refuses_missing_and_broken_parameters(api: HttpApi, parameters: dict[str, str]) -> None:
    status, answer = get_query(api, **parameters)

    assert (status, answer["code"]) == (400, "BadQueryArgs")
    assert answer["message"].startswith("Failed to deserialize query string: ")


def test_get_query_runs_no_mutation(api: HttpApi) -> None:
    _, answer = get_query(api, path="kinds:write", args="{}")

    assert "as Query, but it is defined as Mutation." in answer["errorMessage"]


# CORS

ORIGIN = {"origin": "http://localhost:5173"}


@pytest.mark.parametrize("path", ["/api/query", "/api/mutation", "/api/run/kinds/read", "/version"])
def test_a_preflight_is_answered_without_running_anything(api: HttpApi, path: str) -> None:
    asked = ORIGIN | {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,convex-client",
    }

    response = send(api, "OPTIONS", path, headers=asked)

    headers = dict(response.headers)
    assert (response.status, response.body) == (200, b"")
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-allow-headers"] == "content-type,convex-client"
    assert headers["access-control-max-age"] == "86400"
    methods = set(headers["access-control-allow-methods"].split(","))
    assert methods == {"GET", "POST", "OPTIONS", "PATCH", "DELETE", "PUT"}


# A page that may not read the answer cannot tell its user what was wrong.
@pytest.mark.parametrize("body", [b'{"path": "kinds:read", "args": {}}', b"{broken"], ids=["served", "refused"])
def test_an_answer_may_be_read_by_the_page_that_asked(api: HttpApi, body: bytes) -> None:
    headers = dict(send(api, "POST", "/api/query", body=body, headers=JSON_TYPE | ORIGIN).headers)

    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert headers["access-control-allow-credentials"] == "true"


def test_without_an_origin_none_is_allowed(api: HttpApi) -> None:
    headers = dict(send(api, "GET", "/version").headers)

    assert "access-control-allow-origin" not in headers

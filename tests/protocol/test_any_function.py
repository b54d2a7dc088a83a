"""The two routes that run a function of any kind: `/api/function` and `/api/run/{path}`.

Rules: convex-backend crates/local_backend/src/public_api.rs, crates/application/src/lib.rs
(convex-wire.md §1.1, §1.6, §1.7, §2.3; convex-engine.md §10.1, §10.2).
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, action, internal_query, mutation, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

KEY = "any|secret"
ADMIN = {"authorization": f"Convex {KEY}"}
INTEGER = {"$integer": "BwAAAAAAAAA="}


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    emulator.define("kinds:read", query(lambda ctx, args: ["read", args]))
    emulator.define("kinds:write", mutation(lambda ctx, args: ["written", args]))
    emulator.define("kinds:act", action(lambda ctx, args: ["done", args]))
    emulator.define("kinds:inside", internal_query(lambda ctx, args: ["inside", args]))
    emulator.define("kinds:seven", query(lambda ctx, args: ConvexInt64(7)))
    return HttpApi(emulator, Authenticator(KEY), instance_name="any")


def post(api: HttpApi, path: str, body: Any, headers: Mapping[str, str] = ADMIN) -> tuple[int, dict[str, Any]]:
    request = HttpRequest(
        method="POST",
        path=path,
        headers={"content-type": "application/json", "convex-request-id": "r", **headers},
        body=json.dumps(body).encode(),
    )
    response, _ = api.handle(request)
    return response.status, json.loads(response.body)


KINDS = [("read", "read"), ("write", "written"), ("act", "done"), ("inside", "inside")]


# /api/function


@pytest.mark.parametrize(("name", "result"), KINDS)
def test_an_administrator_runs_functions_of_every_kind(api: HttpApi, name: str, result: str) -> None:
    answer = post(api, "/api/function", {"path": f"kinds:{name}", "args": {"a": "x"}})

    assert answer == (200, {"status": "success", "value": [result, {"a": "x"}]})


# Also public functions: the route is for tools of the deployment's owner.
def test_strangers_may_not_use_the_route_at_all(api: HttpApi) -> None:
    status, answer = post(api, "/api/function", {"path": "kinds:read", "args": {}}, {})

    assert (status, answer["code"]) == (403, "BadDeployKey")
    assert answer["message"] == (
        "The provided deploy key was invalid for this deployment. Double check that the environment this key was "
        "generated for matches the desired deployment."
    )


def test_a_wrong_key_is_refused_on_the_route(api: HttpApi) -> None:
    status, answer = post(api, "/api/function", {"path": "kinds:read", "args": {}}, {"authorization": "Convex wrong"})

    assert (status, answer["code"]) == (401, "BadAdminKey")


def test_an_unknown_function_is_asked_back_for(api: HttpApi) -> None:
    status, answer = post(api, "/api/function", {"path": "kinds:missing", "args": {}})

    assert (status, answer["status"]) == (200, "error")
    assert answer["errorMessage"] == (
        "[Request ID: r] Server Error\n"
        "Could not find function for 'kinds:missing'. Did you forget to run `npx convex dev`?\n"
    )


@pytest.mark.parametrize("component", [None, ""])
def test_the_root_component_may_be_named(api: HttpApi, component: str | None) -> None:
    status, answer = post(api, "/api/function", {"path": "kinds:read", "args": {}, "componentPath": component})

    assert (status, answer["status"]) == (200, "success")


def test_another_component_is_not_found(api: HttpApi) -> None:
    answer = post(api, "/api/function", {"path": "kinds:read", "args": {}, "componentPath": "child/grandchild"})

    message = "Component path 'child/grandchild' not found"
    assert answer == (400, {"code": "ComponentPathNotFound", "message": message})


def test_a_component_must_be_text(api: HttpApi) -> None:
    status, answer = post(api, "/api/function", {"path": "kinds:read", "args": {}, "componentPath": 1})

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert "componentPath: invalid type: integer `1`, expected a string" in answer["message"]


def test_a_bad_path_is_refused_to_an_administrator(api: HttpApi) -> None:
    status, answer = post(api, "/api/function", {"path": "a-b", "args": {}})

    assert (status, answer["code"]) == (400, "BadConvexFunctionIdentifier")


# /api/run/{path}


@pytest.mark.parametrize(("name", "result"), KINDS[:3])
def test_the_url_names_a_function_of_every_kind(api: HttpApi, name: str, result: str) -> None:
    answer = post(api, f"/api/run/kinds/{name}", {"args": {"a": "x"}}, {})

    assert answer == (200, {"status": "success", "value": [result, {"a": "x"}]})


@pytest.mark.parametrize(
    "url",
    [
        "/api/run/one/two/three/four",
        "/api/run/one/two/three.js/four",
        "/api/run/one%2Ftwo/three/four",
        "/api/run/%6Fne/two/three/fou%72",
        "/api/run/one/two%2Fthree%2Ffour",
        "/api/run/one%252Ftwo/three/four",
    ],
)
def test_the_parts_of_the_url_are_the_path(emulator: Emulator, api: HttpApi, url: str) -> None:
    emulator.define("one/two/three:four", query(lambda ctx, args: "found"))

    assert post(api, url, {"args": {}}, {}) == (200, {"status": "success", "value": "found"})


# The router decodes a URL, then the route each of its parts: after both these are one part, or none.
@pytest.mark.parametrize("url", ["/api/run/single", "/api/run/kinds%252Fread", "/api/run/kinds/%25FF"])
def test_a_url_of_one_part_names_no_function(api: HttpApi, url: str) -> None:
    message = "Path or function name not provided in path, e.g. /api/run/messages/list"

    assert post(api, url, {"args": {}}) == (400, {"code": "MissingIdentifier", "message": message})


# Overlong forms of a dot or a slash are no UTF-8.
@pytest.mark.parametrize("url", ["/api/run/kinds/%FF", "/api/run/%C0%AE%C0%AE/x", "/api/run/a%C0%AFb/x"])
def test_a_url_that_is_no_utf_8_is_refused(api: HttpApi, url: str) -> None:
    refusal = {"code": "BadPathArgs", "message": "Invalid UTF-8 in `functionIdentifier`"}

    assert post(api, url, {"args": {}}) == (400, refusal)


def test_a_url_that_makes_no_path_is_refused(api: HttpApi) -> None:
    status, answer = post(api, "/api/run/a-b/f", {"args": {}})

    assert (status, answer["code"]) == (400, "BadConvexFunctionIdentifier")
    assert answer["message"].startswith("a-b:f is not a valid path")


def test_arguments_are_required_with_a_url_too(api: HttpApi) -> None:
    status, answer = post(api, "/api/run/kinds/read", {})

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert "missing field `args`" in answer["message"]


def test_a_path_in_the_body_does_not_count(api: HttpApi) -> None:
    _, answer = post(api, "/api/run/kinds/read", {"path": "kinds:write", "args": {}})

    assert answer["value"] == ["read", {}]


# The same words as for /api/function, and for a stranger the same for both.
@pytest.mark.parametrize("name", ["inside", "missing"])
def test_a_stranger_sees_no_internal_function_by_url(api: HttpApi, name: str) -> None:
    status, answer = post(api, f"/api/run/kinds/{name}", {"args": {}}, {})

    assert (status, answer["status"]) == (200, "error")
    assert answer["errorMessage"] == (
        "[Request ID: r] Server Error\n"
        f"Could not find function for 'kinds:{name}'. Did you forget to run `npx convex dev`?\n"
    )


def test_an_administrator_runs_an_internal_function_by_url(api: HttpApi) -> None:
    assert post(api, "/api/run/kinds/inside", {"args": {}})[1]["value"] == ["inside", {}]


# People call this route with curl: its answers are plain JSON, whoever asks.
@pytest.mark.parametrize("client", ["npm-1.4.0", "npm-1.48.0", "python-0.4.9"])
def test_answers_by_url_are_clean_for_every_client(api: HttpApi, client: str) -> None:
    assert post(api, "/api/run/kinds/seven", {"args": {}}, {"convex-client": client})[1]["value"] == "7"


def test_a_format_may_be_asked_for_by_url_too(api: HttpApi) -> None:
    _, answer = post(api, "/api/run/kinds/seven", {"args": {}, "format": "convex_encoded_json"})

    assert answer["value"] == INTEGER


# Only the other route has the default of the client.
def test_the_route_with_the_path_in_the_body_follows_the_client(api: HttpApi) -> None:
    call = {"path": "kinds:seven", "args": {}}

    assert post(api, "/api/function", call, ADMIN | {"convex-client": "npm-1.4.0"})[1]["value"] == INTEGER
    assert post(api, "/api/function", call, ADMIN | {"convex-client": "npm-1.4.1"})[1]["value"] == "7"

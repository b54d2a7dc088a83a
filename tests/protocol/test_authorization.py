"""Who calls: admin keys, users an administrator acts as, tokens; and what each of them may see.

Rules: convex-backend crates/local_backend/src/authentication.rs, crates/common/src/types/admin_key.rs,
crates/keybroker/src/broker.rs (convex-wire.md §1.2, §2; convex-engine.md §10.2).
"""

import base64
import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, internal_action, internal_mutation, internal_query, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

KEY = "happy-animal-1|0123abcd"
BAD_KEY = (401, {"code": "BadAdminKey", "message": "The provided admin key was invalid for this instance"})
MALFORMED = (400, {"code": "HeaderParseFailure", "message": "Malformed Authorization header."})
ADA = {"issuer": "https://id.example", "subject": "ada", "name": "Ada", "team": "engines"}


def make_api(emulator: Emulator, admin_key: str = KEY) -> HttpApi:
    emulator.define("who:am_i", query(lambda ctx, args: ctx.auth.get_user_identity()))
    emulator.define("who:inside", internal_query(lambda ctx, args: "inside"))
    return HttpApi(emulator, Authenticator(admin_key), instance_name="happy-animal-1")


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    return make_api(emulator)


def call(
    api: HttpApi,
    path: str,
    authorization: str | None = None,
    *,
    route: str = "query",
    query: str = "",
) -> tuple[int, dict[str, Any]]:
    headers = {"content-type": "application/json", "convex-request-id": "r"}
    if authorization is not None:
        headers["authorization"] = authorization
    body = json.dumps({"path": path, "args": {}}).encode()
    response, _ = api.handle(HttpRequest(method="POST", path=f"/api/{route}", query=query, headers=headers, body=body))
    return response.status, json.loads(response.body)


def is_admin(api: HttpApi, authorization: str | None = None, *, query: str = "") -> bool:
    """Whether the caller sees an internal function; a refused request fails the test."""
    status, answer = call(api, "who:inside", authorization, query=query)
    assert status == 200, answer
    return bool(answer["status"] == "success")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def acting_as(attributes: Any) -> str:
    return f"Convex {KEY}:{encoded(json.dumps(attributes))}"


# Admin keys


def test_nobody_in_particular_is_no_administrator(api: HttpApi) -> None:
    assert not is_admin(api)


@pytest.mark.parametrize("scheme", ["Convex", "convex", "CONVEX"])
def test_the_admin_key_makes_an_administrator(api: HttpApi, scheme: str) -> None:
    assert is_admin(api, f"{scheme} {KEY}")


@pytest.mark.parametrize(
    "key", ["", "x", "happy-animal-1", "happy-animal-1|0123abce", "sad-animal-2|0123abcd", KEY + " "]
)
def test_another_key_is_refused_also_for_a_public_function(api: HttpApi, key: str) -> None:
    assert call(api, "who:am_i", f"Convex {key}") == BAD_KEY


# Keys are copied from dashboards with the type of their deployment in front.
@pytest.mark.parametrize("key", [f"prod:{KEY}", f"dev:{KEY}", f"local:{KEY}"])
def test_the_type_of_the_deployment_is_no_part_of_the_key(api: HttpApi, key: str) -> None:
    assert is_admin(api, f"Convex {key}")


@pytest.mark.parametrize("prefix", ["preview:team:project", "PREVIEW:team:project", "project:team:project"])
def test_a_preview_key_is_known_by_what_stands_behind_the_bar(emulator: Emulator, prefix: str) -> None:
    api = make_api(emulator, "preview:team:project|0123abcd")

    assert is_admin(api, f"Convex {prefix}|0123abcd")


def test_a_key_configured_with_its_type_is_taken_without_it(emulator: Emulator) -> None:
    api = make_api(emulator, f"prod:{KEY}")

    assert is_admin(api, f"Convex {KEY}")


# Behind a colon clients append the user to act as: such a key could never be sent.
@pytest.mark.parametrize("key", ["", "a:b", "name|se:cret"])
def test_a_key_that_could_not_be_sent_cannot_be_configured(emulator: Emulator, key: str) -> None:
    with pytest.raises(ValueError, match="admin key must not be empty or contain ':'"):
        make_api(emulator, key)


# Acting as a user


def test_an_administrator_may_act_as_a_user(api: HttpApi) -> None:
    status, answer = call(api, "who:am_i", acting_as(ADA))

    assert (status, answer["value"]) == (200, ADA | {"tokenIdentifier": "https://id.example|ada"})


def test_the_token_identifier_of_a_user_is_kept(api: HttpApi) -> None:
    _, answer = call(api, "who:am_i", acting_as({"tokenIdentifier": "own"}))

    assert answer["value"]["tokenIdentifier"] == "own"


def test_an_administrator_who_acts_as_a_user_sees_internal_functions(api: HttpApi) -> None:
    assert is_admin(api, acting_as(ADA))


def test_an_administrator_as_such_is_no_user(api: HttpApi) -> None:
    assert call(api, "who:am_i", f"Convex {KEY}") == (200, {"status": "success", "value": None})


def test_the_type_of_the_deployment_may_stand_before_a_user(api: HttpApi) -> None:
    user = encoded(json.dumps(ADA))

    assert call(api, "who:am_i", f"Convex prod:{KEY}:{user}")[1]["value"]["subject"] == "ada"


@pytest.mark.parametrize(
    "user",
    [
        "not base64!",
        encoded("no json"),
        encoded('"text"'),
        encoded("7"),
        encoded("{}"),
        encoded('{"issuer": "https://id.example"}'),
        encoded('{"subject": "ada"}'),
    ],
    ids=["no base64", "no json", "a string", "a number", "nothing", "no subject", "no issuer"],
)
def test_a_user_that_cannot_be_read_is_refused(api: HttpApi, user: str) -> None:
    assert call(api, "who:am_i", f"Convex {KEY}:{user}") == MALFORMED


def test_a_user_does_not_make_up_for_a_wrong_key(api: HttpApi) -> None:
    user = encoded(json.dumps(ADA))

    assert call(api, "who:am_i", f"Convex wrong|key:{user}") == BAD_KEY


# The parameter adminKey


def test_the_admin_key_may_stand_in_the_url(api: HttpApi) -> None:
    assert is_admin(api, query="adminKey=happy-animal-1%7C0123abcd")


def test_a_wrong_key_in_the_url_is_refused(api: HttpApi) -> None:
    assert call(api, "who:am_i", query="adminKey=wrong") == BAD_KEY


def test_the_header_wins_over_the_url(api: HttpApi) -> None:
    assert call(api, "who:am_i", "Convex wrong", query="adminKey=happy-animal-1%7C0123abcd") == BAD_KEY


def test_the_type_of_the_deployment_may_stand_in_the_url(api: HttpApi) -> None:
    assert is_admin(api, query="adminKey=prod%3Ahappy-animal-1%7C0123abcd")


# Unlike the header: the parameter is taken whole (convex-wire.md §1.2).
@pytest.mark.parametrize("key", [f"{KEY}:{encoded(json.dumps(ADA))}", "preview:team:project|0123abcd"])
def test_the_url_takes_neither_a_user_nor_a_preview_prefix(api: HttpApi, key: str) -> None:
    quoted = key.replace("|", "%7C").replace(":", "%3A").replace("=", "%3D").replace("+", "%2B")

    assert call(api, "who:am_i", query=f"adminKey={quoted}") == BAD_KEY


# Tokens and headers that are none


@pytest.mark.parametrize("token", ["", "token", "a.b", "a.b.c", "a.b.c.d", f"a.{encoded('7')}.c"])
def test_a_token_that_is_no_jwt_fails_the_request(api: HttpApi, token: str) -> None:
    status, answer = call(api, "who:am_i", f"Bearer {token}")

    assert (status, answer["code"]) == (401, "InvalidAuthHeader")
    assert answer["message"] == (
        "Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded parts "
        "separated by dots."
    )


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_jwt_finds_no_provider(api: HttpApi, scheme: str) -> None:
    payload = encoded(json.dumps({"iss": "https://id.example"}))
    token = f"e30=.{payload}.c2lnbmF0dXJl"

    status, answer = call(api, "who:am_i", f"{scheme} {token}")

    assert (status, answer["code"]) == (401, "NoAuthProvider")
    assert answer["message"] == (
        "No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts."
    )


@pytest.mark.parametrize("header", ["", "x", "convex"])
def test_a_header_shorter_than_a_scheme_is_refused(api: HttpApi, header: str) -> None:
    refusal = {"code": "InvalidHeaderFailure", "message": "Invalid authentication header"}

    assert call(api, "who:am_i", header) == (400, refusal)


@pytest.mark.parametrize("header", ["Basic YTpi", "convexkey", "happy-animal-1|0123abcd"])
def test_another_scheme_is_refused(api: HttpApi, header: str) -> None:
    assert call(api, "who:am_i", header) == (400, {"code": "InvalidAdminKey", "message": "Invalid admin key"})


# Nobody is asked who they are there (convex-wire.md §1.1, column "auth").
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/version"), ("GET", "/instance_name"), ("POST", "/api/query_ts")]
)
def test_a_route_without_authorization_does_not_read_the_header(api: HttpApi, method: str, path: str) -> None:
    response, _ = api.handle(HttpRequest(method=method, path=path, headers={"authorization": "x"}))

    assert response.status == 200


# Internal and system functions


# Whoever has no key must not learn from the answer that the function exists.
def test_an_internal_function_looks_like_one_that_does_not_exist(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("who:gone", internal_query(lambda ctx, args: "gone"))
    hidden = call(api, "who:inside")[1]["errorMessage"]

    missing = call(api, "who:nothing")[1]["errorMessage"]

    assert hidden == "[Request ID: r] Server Error\nCould not find public function for 'who:inside'.\n"
    assert hidden.replace("inside", "nothing") == missing


@pytest.mark.parametrize(("route", "registration"), [("mutation", internal_mutation), ("action", internal_action)])
def test_internal_functions_of_each_kind_need_the_key(
    emulator: Emulator, api: HttpApi, route: str, registration: Any
) -> None:
    emulator.define("who:other", registration(lambda ctx, args: "inside"))

    assert call(api, "who:other", route=route)[1]["status"] == "error"
    assert call(api, "who:other", f"Convex {KEY}", route=route)[1]["value"] == "inside"


# The kind of an internal function is no business of whoever may not see it.
def test_the_wrong_kind_of_an_internal_function_is_not_told(api: HttpApi) -> None:
    assert "Could not find public function" in call(api, "who:inside", route="mutation")[1]["errorMessage"]


@pytest.mark.parametrize("route", ["query", "mutation", "action"])
def test_system_functions_are_forbidden_to_strangers(api: HttpApi, route: str) -> None:
    refusal = {"code": "SystemIdentityRequired", "message": f"Operation {route} not permitted"}

    assert call(api, "_system/cli/tables:default", route=route) == (403, refusal)


# An administrator who acts as a user has the user's rights there, not his own (convex-wire.md §2.4).
def test_system_functions_are_forbidden_to_users_an_administrator_acts_as(api: HttpApi) -> None:
    status, answer = call(api, "_system/cli/tables:default", acting_as(ADA))

    assert (status, answer.get("code")) == (403, "SystemIdentityRequired")


def test_system_functions_are_looked_for_by_an_administrator(api: HttpApi) -> None:
    status, answer = call(api, "_system/cli/tables:default", f"Convex {KEY}")

    assert (status, answer["status"]) == (200, "error")
    assert "Could not find public function for '_system/cli/tables'." in answer["errorMessage"]

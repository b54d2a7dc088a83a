"""Who calls over HTTP: keys and tokens, versions of clients, browsers, and which fault of a request is told first.

convex-backend crates/local_backend/src/{authentication,router}.rs, crates/common/src/version.rs
(convex-wire.md §1.2, §1.3, §1.10, §2).
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from pytest_mastra_convex.conformance.plain_http import PlainHttp
from pytest_mastra_convex.probe import Probe, insert

THINGS = "conformance_things"
CALL = {"path": "conformance/probe:query", "args": {"program": "[]"}}
INTERNAL = {"path": "conformance/probe:internalQuery", "args": {"program": "[]"}}
ADA = {"issuer": "https://issuer.test", "subject": "ada"}
ORIGIN = "http://localhost:5173"


def encoded(user: Any) -> str:
    """A user as it stands behind an admin key."""
    return base64.b64encode(json.dumps(user).encode()).decode()


# Authorization


# A key of another deployment, or one that was cut when it was copied: refused, also for public functions.
@pytest.mark.parametrize("route", ["query", "mutation", "function"])
@pytest.mark.parametrize("key", ["wrong", "other-deployment|0123abcd"], ids=["no-name", "other-name"])
def test_a_wrong_key_is_refused(plain_http: PlainHttp, route: str, key: str) -> None:
    answer = plain_http.post(f"/api/{route}", CALL, authorization=f"Convex {key}")

    assert answer.refusal == (401, "BadAdminKey")


# Nothing is written under a wrong key.
def test_a_mutation_with_a_wrong_key_writes_nothing(plain_http: PlainHttp, probe: Probe) -> None:
    answer = plain_http.run("mutation", insert(THINGS, {"key": "a"}), authorization="Convex wrong")

    assert answer.status == 401
    assert probe.count(THINGS) == 0


# Headers that are none of the two kinds; an empty variable in a shell script makes the first.
@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param("Convex", "InvalidHeaderFailure", id="no-key"),
        pytest.param("x", "InvalidHeaderFailure", id="short"),
        pytest.param("Basic dXNlcjpwYXNz", "InvalidAdminKey", id="basic"),
        pytest.param("convex|0123456789", "InvalidAdminKey", id="key-alone"),
        pytest.param("Convex key:@@@", "HeaderParseFailure", id="user-no-base64"),
        pytest.param("Convex key:" + base64.b64encode(b"{").decode(), "HeaderParseFailure", id="user-no-json"),
    ],
)
def test_a_malformed_authorization_is_refused(plain_http: PlainHttp, header: str, code: str) -> None:
    assert plain_http.post("/api/query", CALL, authorization=header).refusal == (400, code)


# A session that ended: a token that is none fails the whole request, also for a public function.
@pytest.mark.parametrize("token", ["expired", "a.b.c"], ids=["no-parts", "no-json"])
def test_a_malformed_token_is_refused(plain_http: PlainHttp, token: str) -> None:
    assert plain_http.post("/api/query", CALL, authorization=f"Bearer {token}").status == 401


# The word before the key may be spelled at will.
@pytest.mark.parametrize("word", ["Convex", "convex", "CONVEX"])
def test_the_scheme_is_read_without_regard_to_case(plain_http: PlainHttp, word: str) -> None:
    __tracebackhide__ = True  # pytest --showlocals would print the key
    answer = plain_http.post("/api/query", INTERNAL, authorization=f"{word} {plain_http.admin_key}")

    assert answer.json()["status"] == "success"


# The key may stand in the URL; there it is checked just so.
def test_the_key_may_stand_in_the_url(plain_http: PlainHttp) -> None:
    __tracebackhide__ = True
    answer = plain_http.post(f"/api/query?adminKey={quote(plain_http.admin_key, safe='')}", INTERNAL)

    assert answer.json()["status"] == "success"


def test_a_wrong_key_in_the_url_is_refused(plain_http: PlainHttp) -> None:
    assert plain_http.post("/api/query?adminKey=wrong", CALL).refusal == (401, "BadAdminKey")


# An administrator may act as a user, and still sees internal functions: npm `setAdminAuth(key, user)`.
def test_an_administrator_acting_as_a_user_sees_internal_functions(plain_http: PlainHttp) -> None:
    __tracebackhide__ = True
    answer = plain_http.post("/api/query", INTERNAL, authorization=f"Convex {plain_http.admin_key}:{encoded(ADA)}")

    assert answer.json()["status"] == "success"


# Without a key internal functions do not exist, in the words for those that do not.
def test_internal_functions_are_missing_for_others(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/query", INTERNAL)

    assert (answer.status, answer.json()["status"]) == (200, "error")


# The route for any function is for administrators, also where the function is public.
def test_the_route_for_any_function_needs_a_key(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/function", CALL)

    assert answer.refusal == (403, "BadDeployKey")
    assert "Double check that the environment this key was generated for" in answer.message


# Versions


# Clients send who they are; a proxy that writes something else there is told what is expected.
def test_a_client_without_a_version_is_refused(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/query", CALL, Convex_Client="curl")

    assert answer.refusal == (400, "InvalidClientVersion")
    assert answer.message.startswith("Failed to parse client version string: 'curl'. Expected format is ")


# Versions that are no longer served, and the first that are.
@pytest.mark.parametrize(
    ("refused", "served"),
    [("npm-0.19.1", "npm-0.19.2"), ("python-0.0.2", "python-0.0.3"), ("rust-0.0.1", "rust-0.0.2")],
    ids=["npm", "python", "rust"],
)
def test_a_client_that_is_too_old_is_refused(plain_http: PlainHttp, refused: str, served: str) -> None:
    answer = plain_http.post("/api/query", CALL, Convex_Client=refused)

    assert answer.refusal == (400, "ClientVersionUnsupported")
    assert "is no longer supported" in answer.message
    assert answer.headers["x-convex-deprecation-state"] == "Unsupported"
    assert plain_http.post("/api/query", CALL, Convex_Client=served).status == 200


# PyPI convex prints this warning: such a client is served, but told to upgrade.
@pytest.mark.parametrize(("client", "state"), [("python-0.2.0", "UpgradeRequired"), ("python-0.2.1", None)])
def test_an_old_client_is_told_to_upgrade(plain_http: PlainHttp, client: str, state: str | None) -> None:
    answer = plain_http.post("/api/query", CALL, Convex_Client=client)

    assert (answer.status, answer.headers.get("x-convex-deprecation-state")) == (200, state)


# Browsers


# A page of another origin may call: that is how web applications use a deployment.
@pytest.mark.parametrize("path", ["/api/query", "/api/mutation", "/api/run/conformance/probe/query"])
def test_a_preflight_allows_what_is_asked(plain_http: PlainHttp, path: str) -> None:
    answer = plain_http.send(
        "OPTIONS",
        path,
        content_type=None,
        Origin=ORIGIN,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type,convex-client",
    )

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-headers"].lower() == "content-type,convex-client"
    assert "POST" in answer.headers["access-control-allow-methods"]


# A page that may not read an answer cannot tell its user what was wrong.
@pytest.mark.parametrize(
    ("body", "headers"),
    [(CALL, {}), ("{broken", {}), (CALL, {"authorization": "Convex wrong"}), (CALL, {"Convex_Client": "curl"})],
    ids=["served", "body-refused", "key-refused", "client-refused"],
)
def test_the_page_that_asked_may_read_the_answer(plain_http: PlainHttp, body: Any, headers: dict[str, str]) -> None:
    answer = plain_http.post("/api/query", body, Origin=ORIGIN, **headers)

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"


# Order


BAD_CLIENT = {"Convex_Client": "curl"}
BAD_HEADER = {"authorization": "x"}
BAD_KEY = {"authorization": "Convex wrong"}


# Of two faults the one is told that the deployment meets first; repaired in this order, each shows in turn.
@pytest.mark.parametrize(
    ("body", "faults", "code"),
    [
        pytest.param(CALL, BAD_CLIENT | BAD_HEADER, "InvalidClientVersion", id="client-authorization"),
        pytest.param(
            CALL, BAD_HEADER | {"content_type": "text/plain"}, "InvalidHeaderFailure", id="authorization-type"
        ),
        pytest.param("{", BAD_KEY, "BadJsonBody", id="json-key"),
        pytest.param({"path": "a-b"}, {}, "BadJsonBody", id="field-path"),
        pytest.param({"path": "a-b", "args": {}}, BAD_KEY, "BadConvexFunctionIdentifier", id="path-key"),
        pytest.param({**CALL, "path": "nothing:f"}, BAD_KEY, "BadAdminKey", id="key-function"),
        pytest.param({**CALL, "format": "xml"}, BAD_KEY, "BadAdminKey", id="key-format"),
    ],
)
def test_the_earlier_fault_is_told(plain_http: PlainHttp, body: Any, faults: dict[str, str], code: str) -> None:
    assert plain_http.post("/api/query", body, **faults).refusal[1] == code


# Where only administrators may call, the key comes before the path.
@pytest.mark.parametrize("headers", [{}, BAD_KEY], ids=["none", "wrong"])
def test_on_the_route_for_any_function_the_key_comes_first(plain_http: PlainHttp, headers: dict[str, str]) -> None:
    assert plain_http.post("/api/function", {"path": "a-b", "args": {}}, **headers).status in (401, 403)

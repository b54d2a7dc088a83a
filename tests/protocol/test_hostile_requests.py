"""Requests that mean harm: out of a folder, from another page, with somebody else's rights.

What a deployment does with each: convex-backend crates/local_backend/src/{public_api,authentication,router}.rs.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from convex_mastra_emulator import Emulator, internal_query, mutation, query
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.sync import SyncSession

KEY = "hostile|0123abcd"
JSON_TYPE = {"content-type": "application/json"}


@pytest.fixture
def deployment(emulator: Emulator) -> DeploymentApi:
    emulator.define("who:am_i", query(lambda ctx, args: ctx.auth.get_user_identity()))
    emulator.define("who:inside", internal_query(lambda ctx, args: "inside"))
    emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", {})))
    return DeploymentApi(emulator, admin_key=KEY, instance_name="hostile")


@pytest.fixture
def api(deployment: DeploymentApi) -> HttpApi:
    return deployment.http


def send(
    api: HttpApi,
    path: str,
    *,
    method: str = "POST",
    query: str = "",
    headers: Mapping[str, str] = JSON_TYPE,
    body: bytes = b'{"args":{}}',
) -> HttpResponse:
    return api.handle(HttpRequest(method=method, path=path, query=query, headers=headers, body=body))[0]


def call(api: HttpApi, path: str, authorization: str | None = None) -> tuple[int, Any]:
    headers = JSON_TYPE if authorization is None else JSON_TYPE | {"authorization": authorization}
    response = send(api, "/api/query", headers=headers, body=json.dumps({"path": path, "args": {}}).encode())
    return response.status, json.loads(response.body)


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


# Out of the folder of functions


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%252e%252e%252f%252e%252e%252fetc/passwd",
        "..\\..\\windows/win",
        "/etc/passwd",
        "%2fetc/passwd",
        "a/%00/b",
        "a%00b/c",
        "a/b%00.js",
        "a%0d%0aset-cookie:%20x/b",
        "./a/b",
        "a/../b/c",
        "a//../b/c",
        "a;b/c",
        "~/a/b",
        "$HOME/a",
        "`id`/a",
        "a.py/b",
        "a" * 65 + "/b",
        "a/" * 2_000 + "b",
    ],
)
def test_no_path_leads_out_of_the_functions(api: HttpApi, path: str) -> None:
    response = send(api, f"/api/run/{path}")

    answer = json.loads(response.body)
    if response.status == 200:  # it names a function that is not there
        assert answer["errorMessage"].partition("\n")[2].startswith("Could not find")
    else:
        assert (response.status, answer["code"] in ("BadConvexFunctionIdentifier", "MissingIdentifier")) == (400, True)
    assert not any(char in f"{response.headers}" for char in "\r\n\0")


@pytest.mark.parametrize("path", ["/api/run/../query", "/api//query", "/api/./query", "/api/query/..", "//api/query"])
def test_no_path_leads_to_another_route(api: HttpApi, path: str) -> None:
    response = send(api, path, body=b'{"path":"who:am_i","args":{}}')

    assert (response.status, b"success" in response.body) in ((404, False), (400, False))


# The route of a function is looked for by its text as it came: no decoding, no case, no blanks.
@pytest.mark.parametrize("path", ["/_emulator%2fmark", "/%5femulator/mark", "/_EMULATOR/mark", "/_emulator/mark "])
def test_the_control_plane_has_one_spelling(api: HttpApi, path: str) -> None:
    assert send(api, path, headers={"authorization": f"Convex {KEY}"}).status == 404


# From another page


# A page may send forms anywhere without being asked; a function must not run because of one.
@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain;application/json",
        "",
    ],
)
def test_a_form_of_another_page_calls_no_function(api: HttpApi, emulator: Emulator, kind: str) -> None:
    body = b'{"path":"notes:add","args":{}}'

    response = send(api, "/api/mutation", headers={"content-type": kind, "origin": "https://evil.test"}, body=body)

    assert (response.status, json.loads(response.body)["code"]) == (400, "BadJsonBody")
    assert emulator.table_counts() == {}


# No browser sends a key by itself: it is no cookie.
@pytest.mark.parametrize("path", ["/_emulator/mark", "/_emulator/rollback"])
@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain", "origin": "https://evil.test"},
        {"content-type": "application/json", "cookie": f"adminKey={KEY}; authorization=Convex {KEY}"},
        {"content-type": "application/json", "x-convex-admin-key": KEY},
    ],
)
def test_another_page_does_not_control_the_emulator(api: HttpApi, path: str, headers: dict[str, str]) -> None:
    response = send(api, path, headers=headers)

    assert (response.status, json.loads(response.body)["code"]) == (403, "BadDeployKey")


def test_no_answer_sets_a_cookie(api: HttpApi) -> None:
    answers = [send(api, path, method="GET") for path in ("/", "/version", "/api/query")]

    assert all(name != "set-cookie" for answer in answers for name, _ in answer.headers)


# A deployment looks at no Host, and pages of every origin may call public functions: a name that leads to this machine
# opens nothing that is not open.
@pytest.mark.parametrize("host", ["evil.test", "evil.test:80", "", "127.0.0.1", "a b"])
def test_the_name_of_the_host_does_not_matter(api: HttpApi, host: str) -> None:
    body = b'{"path":"who:am_i","args":{}}'

    response = send(api, "/api/query", headers=JSON_TYPE | {"host": host, "origin": f"http://{host}"}, body=body)

    assert json.loads(response.body) == {"status": "success", "value": None}
    assert ("access-control-allow-origin", f"http://{host}") in response.headers


# With the rights of others


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {KEY}",
        f"Convex {KEY}x",
        f"Convex {KEY[:-1]}",
        f"Convex  {KEY}",
        f"Convex {KEY.upper()}",
        f"Convex {KEY}\t",
        f"Convex x|{KEY}",
        f"Convex |{KEY}",
        f"Convex {KEY}|",
        f"Convex prod:dev:{KEY}",
        "Convex |",
        "Convex 0123abcd|0123abcd",
    ],
)
def test_nothing_like_the_key_makes_an_administrator(api: HttpApi, authorization: str) -> None:
    status, answer = call(api, "who:inside", authorization)

    assert (status, answer["code"]) in (
        (401, "BadAdminKey"),
        (401, "InvalidAuthHeader"),
        (400, "HeaderParseFailure"),  # what stands behind the second colon is no user
    )


ADA = {"issuer": "https://id.example", "subject": "ada"}


@pytest.mark.parametrize("key", ["", "wrong", "hostile|", "hostile|0123abce", "|", "x|0123abcd"])
def test_only_the_key_may_carry_a_user(api: HttpApi, key: str) -> None:
    status, answer = call(api, "who:am_i", f"Convex {key}:{encoded(json.dumps(ADA))}")

    assert (status, answer["code"]) == (401, "BadAdminKey")


@pytest.mark.parametrize(
    "user",
    [
        encoded(json.dumps(ADA)) + ":" + encoded(json.dumps(ADA)),
        encoded(json.dumps(ADA)) + "\u00e9",
        encoded(json.dumps([ADA])),
        encoded(json.dumps(json.dumps(ADA))),
        encoded(json.dumps(ADA | {"subject": {"a": 1}})),
        encoded(json.dumps(ADA | {"issuer": 7})),
        encoded(json.dumps({"tokenIdentifier": ["a"]})),
        encoded(json.dumps(ADA | {"name": {"$bytes": "AAAA"}})),
        encoded(json.dumps(ADA | {"emailVerified": "yes"})),
        encoded(json.dumps({"issuer": "a", "subject": None})),
        encoded(b"\xff\xfe"),
        encoded('{"tokenIdentifier":"a","x":NaN}'),
        encoded('{"tokenIdentifier":"a","x":1e999}'),
        encoded('{"tokenIdentifier":"a"}}'),
        encoded('{"tokenIdentifier":"\\ud800"}'),
        encoded(200 * "[" + 200 * "]"),
        encoded(100_000 * "["),
        encoded('{"tokenIdentifier":' + 100_000 * "["),
        "",
        "====",
    ],
)
def test_a_user_that_is_none_is_refused_to_the_key_too(api: HttpApi, user: str) -> None:
    status, answer = call(api, "who:am_i", f"Convex {KEY}:{user}")

    assert (status, answer["code"]) == (400, "HeaderParseFailure")


# The rights are the key's; what the user says of himself gives him none.
@pytest.mark.parametrize("claims", [{"isAdmin": True}, {"is_admin": True}, {"role": "admin"}, {"tokenIdentifier": KEY}])
def test_no_claim_makes_an_administrator(emulator: Emulator, api: HttpApi, claims: dict[str, Any]) -> None:
    token = emulator.issue_token(subject="eve", **claims)
    verifying = DeploymentApi(emulator, admin_key=KEY, instance_name="hostile").http

    assert call(verifying, "who:inside", f"Bearer {token}")[1]["status"] == "error"


def test_claims_with_a_null_are_as_good_as_without(api: HttpApi) -> None:
    user = encoded(json.dumps(ADA | {"name": None, "own": None}))

    assert call(api, "who:am_i", f"Convex {KEY}:{user}")[1]["value"] == ADA | {
        "tokenIdentifier": "https://id.example|ada",
        "own": None,
    }


# What is no ASCII cannot be a key; a deployment cannot read such a header (http's `HeaderValue::to_str`).
@pytest.mark.parametrize("header", ["Convex é", "Bearer a.é.c", "Convex \x7f", "é"])
def test_a_header_that_is_no_ascii_is_refused(api: HttpApi, header: str) -> None:
    status, answer = call(api, "who:am_i", header)

    assert (status, answer) == (400, {"code": "HeaderParseFailure", "message": "Failed to parse header"})


@pytest.mark.parametrize(
    "fields",
    [
        {"tokenType": "Admin", "value": f"{KEY}x"},
        {"tokenType": "Admin", "value": f"{KEY}:{encoded(json.dumps(ADA))}"},
        {"tokenType": "Admin", "value": "", "impersonating": ADA},
        {"tokenType": "User", "value": KEY},
        {"tokenType": "User", "value": KEY, "impersonating": ADA},
    ],
)
def test_nothing_like_the_key_makes_an_administrator_of_a_socket(
    deployment: DeploymentApi, fields: dict[str, Any]
) -> None:
    session = open_session(deployment)

    answers = session.receive(json.dumps({"type": "Authenticate", "baseVersion": 0, **fields}))

    assert json.loads(str(answers[0]))["type"] == "AuthError"


@pytest.mark.parametrize("user", [[], "ada", 7, {"subject": "ada"}, ADA | {"subject": 7}, {"tokenIdentifier": {}}])
def test_a_user_that_is_none_ends_a_socket(deployment: DeploymentApi, user: Any) -> None:
    session = open_session(deployment)
    fields = {"tokenType": "Admin", "value": KEY, "impersonating": user}

    answers = session.receive(json.dumps({"type": "Authenticate", "baseVersion": 0, **fields}))

    assert json.loads(str(answers[0]))["type"] == "FatalError"


def open_session(deployment: DeploymentApi) -> SyncSession:
    open_ = deployment.sync_endpoint("/api/sync", None)
    assert open_ is not None
    return open_(lambda: None)


def test_a_request_id_is_text_in_json_and_nothing_else(api: HttpApi) -> None:
    hostile = '"}\r\nset-cookie: x<script>'
    headers = JSON_TYPE | {"convex-request-id": hostile}

    response = send(api, "/api/query", headers=headers, body=b'{"path":"who:missing","args":{}}')

    assert hostile in json.loads(response.body)["errorMessage"]
    assert hostile not in str(response.headers)


# The address in the query string is one of a function, too.
@pytest.mark.parametrize("path", ["../x:y", "_system/x:y", "who:inside", "a\nb:c"])
def test_get_reaches_no_more_than_post(api: HttpApi, path: str) -> None:
    response = send(api, "/api/query", method="GET", query=f"path={quote(path)}&args=%7B%7D", headers={}, body=b"")

    assert b"success" not in response.body
    assert response.status in (200, 400, 403)

"""The routes of HTTP actions and stored files: methods, headers, CORS, refusals.

Rules: convex-backend crates/local_backend/src/router.rs, storage.rs, http_actions.rs (convex-wire.md §6).
"""

import base64
import hashlib
import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, HttpActionResponse, HttpRouter, action, http_action, mutation, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse

BODY = b"0123456789"
DIGEST = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
ORIGIN = {"origin": "http://app.example"}
CACHED = {"cache-control": "private, max-age=2592000", "accept-ranges": "bytes"}
MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    emulator.define("files:url", mutation(lambda ctx, args: ctx.storage.generate_upload_url()))
    emulator.define("files:of", query(lambda ctx, args: ctx.storage.get_url(args["id"])))
    emulator.define(
        "files:store", action(lambda ctx, args: ctx.storage.get_url(ctx.storage.store(BODY, args.get("type"))))
    )
    return HttpApi(emulator, Authenticator("web|secret", emulator.verify_token), instance_name="web")


def send(api: HttpApi, method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b"") -> HttpResponse:
    path, _, query_string = url.partition("?")
    request = HttpRequest(method=method, path=path, query=query_string, headers=headers or {}, body=body)
    return api.handle(request)[0]


def path_of(url: Any) -> str:
    return str(url).removeprefix("http://127.0.0.1:3210")


@pytest.fixture
def upload_url(emulator: Emulator, api: HttpApi) -> str:
    return path_of(emulator.mutation("files:url"))


@pytest.fixture
def file_url(emulator: Emulator, api: HttpApi) -> str:
    return path_of(emulator.action("files:store", {"type": "text/plain"}))


def refusal(response: HttpResponse) -> tuple[int, str, str]:
    told = json.loads(response.body)
    return response.status, told["code"], told["message"]


# Uploads


def test_an_upload_answers_with_the_id(emulator: Emulator, api: HttpApi, upload_url: str) -> None:
    headers = {"content-type": "image/PNG", "content-length": "10", "digest": f"sha-256={DIGEST}"}

    response = send(api, "POST", upload_url, headers, BODY)

    assert (response.status, dict(response.headers)) == (200, {"content-type": "application/json"})
    storage_id = json.loads(response.body)["storageId"]
    fetched = send(api, "GET", path_of(emulator.query("files:of", {"id": storage_id})))
    assert (fetched.body, dict(fetched.headers)["content-type"]) == (BODY, "image/png")


def test_an_upload_needs_a_token(api: HttpApi) -> None:
    assert refusal(send(api, "POST", "/api/storage/upload")) == (
        400,
        "BadQueryArgs",
        "Failed to deserialize query string: missing field `token`",
    )


@pytest.mark.parametrize("token", ["", "x"])
def test_a_token_must_be_one(api: HttpApi, token: str) -> None:
    assert refusal(send(api, "POST", f"/api/storage/upload?token={token}")) == (
        401,
        "StorageTokenInvalid",
        "Couldn't decode the StoreFileAuthorization token",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "text"),
        ("content-type", ""),
        ("content-type", "text/pl\xe4in"),
        ("content-length", "-1"),
        ("content-length", "ten"),
        ("digest", DIGEST),
        ("digest", "sha-256=AAAA"),
        ("digest", f"SHA-256={DIGEST}"),
    ],
)
def test_headers_that_cannot_be_read_store_nothing(
    emulator: Emulator, api: HttpApi, upload_url: str, name: str, value: str
) -> None:
    response = send(api, "POST", upload_url, {name: value}, BODY)

    assert refusal(response) == (400, "BadHeader", f"Bad header for {name}: invalid HTTP header")
    assert emulator.run(lambda ctx: ctx.db.system.query("_storage").collect()) == []


# The token is looked at first: whoever has none learns nothing.
def test_the_token_comes_before_the_headers(api: HttpApi) -> None:
    response = send(api, "POST", "/api/storage/upload?token=x", {"content-type": "text"})

    assert refusal(response)[1] == "StorageTokenInvalid"


def test_a_digest_of_other_bytes_stores_nothing(emulator: Emulator, api: HttpApi, upload_url: str) -> None:
    response = send(api, "POST", upload_url, {"digest": f"sha-256={DIGEST}"}, b"other")

    status, code, text = refusal(response)
    assert (status, code) == (400, "Sha256Mismatch")
    assert text.startswith(f"Sha256 mismatch. Expected: {DIGEST} Actual: ")
    assert emulator.run(lambda ctx: ctx.db.system.query("_storage").collect()) == []


# How much of an upload a server reads before it knows whether it may be one.
def test_only_a_good_upload_is_read(emulator: Emulator, api: HttpApi, upload_url: str) -> None:
    good, _, token = upload_url.partition("?")

    def readable(query_string: str) -> int | None:
        return api.web.body_size_max(HttpRequest(method="POST", path=good, query=query_string))

    assert (readable(token), readable("token=x"), readable("")) == (None, 0, 0)
    assert api.web.body_size_max(HttpRequest(method="POST", path="/http/x")) == 20 << 20


# Downloads


def test_a_download_has_its_headers(api: HttpApi, file_url: str) -> None:
    response = send(api, "GET", file_url)

    assert (response.status, response.body) == (200, BODY)
    assert dict(response.headers) == {"digest": f"sha-256={DIGEST}", "content-type": "text/plain", **CACHED}


def test_a_file_without_a_type_is_sent_without_one(emulator: Emulator, api: HttpApi) -> None:
    response = send(api, "GET", path_of(emulator.action("files:store")))

    assert dict(response.headers) == {"digest": f"sha-256={DIGEST}", **CACHED}


def test_a_part_has_its_place_and_no_digest(api: HttpApi, file_url: str) -> None:
    response = send(api, "GET", file_url, {"range": "bytes=2-3"})

    assert (response.status, response.body) == (206, b"23")
    assert dict(response.headers) == {"content-type": "text/plain", "content-range": "bytes 2-3/10", **CACHED}


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "bytes=x"])
def test_no_range_and_several_cannot_be_satisfied(api: HttpApi, file_url: str, header: str) -> None:
    response = send(api, "GET", file_url, {"range": header})

    assert (response.status, response.body, response.headers) == (416, b"", ())


# crates/file_storage/src/core.rs: an empty file has no part, and no place to name.
def test_a_part_of_an_empty_file_is_all_of_it(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("files:empty", action(lambda ctx, args: ctx.storage.get_url(ctx.storage.store(b""))))
    url = path_of(emulator.action("files:empty"))

    response = send(api, "GET", url, {"range": "bytes=0-0"})

    assert (response.status, response.body, dict(response.headers)) == (200, b"", CACHED)


def test_the_head_of_a_download_is_asked_for(api: HttpApi, file_url: str) -> None:
    assert send(api, "HEAD", file_url).headers == send(api, "GET", file_url).headers


def test_a_path_that_is_no_uuid_is_explained(api: HttpApi) -> None:
    status, code, text = refusal(send(api, "GET", "/api/storage/a%20b"))

    assert (status, code) == (400, "InvalidStoragePath")
    assert text.startswith('Invalid storage path: "a b". Please use `storage.getUrl(storageId: Id<"_storage">)` to ')


@pytest.mark.parametrize("url", [f"/api/storage/{MISSING}", f"/api/storage/{MISSING.replace('-', '').upper()}"])
def test_a_file_that_is_not_there_is_not_found(api: HttpApi, url: str) -> None:
    assert refusal(send(api, "GET", url)) == (404, "FileNotFound", f"File {MISSING} not found")


# A range that cannot be satisfied is noticed before the file is looked for.
def test_several_ranges_of_no_file_cannot_be_satisfied(api: HttpApi) -> None:
    assert send(api, "GET", f"/api/storage/{MISSING}", {"range": "bytes=0-1,2-3"}).status == 416


# Files of components are not those of the app.
def test_a_component_has_no_files(api: HttpApi, file_url: str, upload_url: str, emulator: Emulator) -> None:
    storage_id = json.loads(send(api, "POST", upload_url, {}, BODY).body)["storageId"]

    assert refusal(send(api, "GET", f"{file_url}?component={storage_id}"))[1] == "FileNotFound"
    assert send(api, "GET", f"{file_url}?component=x").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/api/storage/upload", 405, "POST"),
        ("POST", f"/api/storage/{MISSING}", 405, "GET,HEAD"),
        ("DELETE", f"/api/storage/{MISSING}", 405, "GET,HEAD"),
        ("GET", "/api/storage/", 404, None),
        ("GET", "/api/storage/a/b", 404, None),
    ],
)
def test_routes_have_their_methods(api: HttpApi, method: str, path: str, status: int, allowed: str | None) -> None:
    response = send(api, method, path)

    assert (response.status, dict(response.headers).get("allow")) == (status, allowed)


# Browsers upload from pages of any origin, and signed-in apps send their token along.
def test_browsers_may_use_files_whatever_they_authorize_with(api: HttpApi, upload_url: str, file_url: str) -> None:
    uploaded = send(api, "POST", upload_url, {**ORIGIN, "authorization": "x"}, BODY)
    preflight = send(api, "OPTIONS", upload_url, {**ORIGIN, "access-control-request-headers": "content-type"})

    assert uploaded.status == 200
    assert dict(uploaded.headers)["access-control-allow-origin"] == ORIGIN["origin"]
    assert dict(preflight.headers)["access-control-allow-headers"] == "content-type"
    assert dict(send(api, "GET", file_url, ORIGIN).headers)["access-control-allow-credentials"] == "true"


# HTTP actions


@pytest.fixture
def echo(emulator: Emulator) -> None:
    def handler(ctx: Any, request: Any) -> HttpActionResponse:
        user = ctx.auth.get_user_identity()
        return HttpActionResponse.json([request.method, request.url, None if user is None else user["subject"]])

    router = HttpRouter()
    for method in ("GET", "POST", "OPTIONS"):
        router.route(path_prefix="/", method=method, handler=http_action(handler))
    emulator.define_http(router)


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("sent", "seen"), [("/http/", "/"), ("/http/a/b?c=d", "/a/b?c=d"), ("/http/http/x", "/http/x"), ("/http//a", "//a")]
)
def test_http_actions_answer_below_their_path(api: HttpApi, sent: str, seen: str) -> None:
    response = send(api, "POST", sent, {"host": "h:1"})

    assert (response.status, json.loads(response.body)) == (200, ["POST", f"http://h:1{seen}", None])


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("path", ["/http", "/httpx", "/HTTP/"])
def test_nothing_else_is_an_http_action(api: HttpApi, path: str) -> None:
    assert send(api, "GET", path, {"host": "h"}).status == 404


# router.rs: the layer that adds them stands above these routes; the action's author decides.
@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_nothing_is_added_for_browsers(api: HttpApi, method: str) -> None:
    response = send(api, method, "/http/x", {"host": "h", **ORIGIN, "access-control-request-method": "GET"})

    assert (json.loads(response.body)[0], response.headers) == (method, (("content-type", "application/json"),))


@pytest.mark.usefixtures("echo")
def test_a_token_makes_a_user_and_another_header_nobody(emulator: Emulator, api: HttpApi) -> None:
    token = emulator.issue_token(subject="ada")

    def subject(authorization: str) -> Any:
        return json.loads(send(api, "GET", "/http/x", {"host": "h", "authorization": authorization}).body)[2]

    assert subject(f"Bearer {token}") == "ada"
    assert [subject("Bearer x"), subject("Basic x"), subject("x"), subject("Convex web|wrong")] == [None] * 4


@pytest.mark.usefixtures("echo")
def test_a_request_without_a_host_fails(api: HttpApi) -> None:
    assert refusal(send(api, "GET", "/http/x"))[:2] == (500, "InternalServerError")


# A client that is too old for the function API may still be somebody's webhook.
@pytest.mark.usefixtures("echo")
def test_the_clients_version_does_not_matter(api: HttpApi) -> None:
    assert send(api, "GET", "/http/x", {"host": "h", "convex-client": "npm-0.1.0"}).status == 200


@pytest.mark.usefixtures("echo")
def test_a_call_is_reported_by_its_route(api: HttpApi) -> None:
    _, reports = api.handle(HttpRequest(method="GET", path="/http/x", headers={"host": "h"}))

    assert [report.line("1 ms") for report in reports] == ["GET /*  httpAction  1 ms  0 documents read  200"]


# A name may stand more than once, as cookies of old clients do.
@pytest.mark.usefixtures("echo")
def test_all_headers_of_a_name_arrive(emulator: Emulator, api: HttpApi) -> None:
    pairs = (("host", "h"), ("x-a", "1"), ("x-a", "2"))

    api.handle(HttpRequest(method="GET", path="/http/x", headers=dict(pairs), header_pairs=pairs))

    assert list(emulator.journal)[-1].arguments.headers["x-a"] == "1, 2"

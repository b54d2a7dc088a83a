"""HTTP actions without a socket: what they are handed, what becomes of their answers and failures.

convex-backend crates/application/src/application_function_runner/http_routing.rs, redaction.rs (convex-wire.md §6).
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import (
    ConvexError,
    ConvexInt64,
    Emulator,
    HttpActionRequest,
    HttpActionResponse,
    HttpRouter,
    Limits,
    http_action,
    internal_query,
    mutation,
    query,
    user_identity,
)
from convex_mastra_emulator.errors import ThrownError

Handler = Callable[[Any, HttpActionRequest], Any]


def answer_with(emulator: Emulator, handler: Handler, method: str = "POST", path: str = "/x") -> None:
    router = HttpRouter()
    router.route(path=path, method=method, handler=http_action(handler))
    emulator.define_http(router)


def raising(error: Exception) -> Handler:
    def handler(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        raise error

    return handler


def test_without_a_router_there_are_no_http_actions(emulator: Emulator) -> None:
    response = emulator.http_request("GET", "/x")

    assert response.status == 404
    assert response.text() == "This Convex deployment does not have HTTP actions enabled."
    assert response.headers.pairs == (("content-type", "text/plain; charset=utf-8"),)


def test_of_no_route_it_says_so(emulator: Emulator) -> None:
    emulator.define_http(HttpRouter())

    response = emulator.http_request("DELETE", "/x")

    assert (response.status, response.text()) == (404, "No matching routes found")


def test_a_request_arrives_as_it_was_sent(emulator: Emulator) -> None:
    seen: list[HttpActionRequest] = []

    def handler(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        seen.append(request)
        return HttpActionResponse("ok", 202, {"X-A": "b"})

    answer_with(emulator, handler)

    response = emulator.http_request("POST", "/x?a=1&b=2#c", headers=[("X-Two", "1"), ("x-two", "2")], body="grüß")

    assert (response.status, response.text(), response.headers["x-a"]) == (202, "ok", "b")
    [request] = seen
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:3211/x?a=1&b=2")
    assert (request.text(), request.headers["X-TWO"]) == ("grüß", "1, 2")


# crates/local_backend/src/http_actions.rs: these never have a body, whatever was sent.
@pytest.mark.parametrize(("method", "routed"), [("GET", "GET"), ("HEAD", "GET"), ("OPTIONS", "OPTIONS")])
def test_some_methods_have_no_body(emulator: Emulator, method: str, routed: str) -> None:
    answer_with(emulator, lambda ctx, request: HttpActionResponse([request.method, request.body].__repr__()), routed)

    assert emulator.http_request(method, "/x", body=b"sent").text() == f"['{method}', b'']"


def test_the_path_is_matched_as_it_stands_in_the_url(emulator: Emulator) -> None:
    answer_with(emulator, lambda ctx, request: HttpActionResponse(request.url), "GET", "/a%20b")

    assert emulator.http_request("GET", "/c/../a b").text() == "http://127.0.0.1:3211/a%20b"
    assert emulator.http_request("GET", "/a+b").status == 404


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "PROPFIND"])
def test_other_methods_are_refused(emulator: Emulator, method: str) -> None:
    response = emulator.http_request(method, "/x")

    assert (response.status, response.headers["allow"]) == (405, "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT")


def test_a_path_begins_with_a_slash(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="path must begin with a slash, got 'x'"):
        emulator.http_request("GET", "x")


def test_only_a_router_is_defined(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match="router must be an HttpRouter, got dict"):
        emulator.define_http({})  # type: ignore[arg-type]


# What an action can do


def test_an_http_action_calls_functions_that_clients_cannot(emulator: Emulator) -> None:
    emulator.define("t:add", mutation(lambda ctx, args: ctx.db.insert("notes", args)))
    emulator.define("t:count", internal_query(lambda ctx, args: len(ctx.db.query("notes").collect())))

    def handler(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        ctx.run_mutation("t:add", request.json())
        return HttpActionResponse.json(ctx.run_query("t:count"))

    answer_with(emulator, handler)

    assert emulator.http_request("POST", "/x", body='{"n": 1}').read_json() == 1
    assert emulator.http_request("POST", "/x", body='{"n": 2}').read_json() == 2


def test_an_http_action_stores_what_it_was_sent(emulator: Emulator) -> None:
    def handler(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        storage_id = ctx.storage.store(request.body, request.headers.get("content-type"))
        return HttpActionResponse(ctx.storage.get_url(storage_id))

    answer_with(emulator, handler)

    url = emulator.http_request("POST", "/x", body=b"png", headers={"Content-Type": "image/png"}).text()
    assert (emulator.download(url).body, emulator.download(url).content_type) == (b"png", "image/png")


def test_both_urls_are_variables_of_every_function(emulator: Emulator) -> None:
    emulator.env["OWN"] = "1"
    names = ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL", "OWN"]
    emulator.define("t:env", query(lambda ctx, args: [ctx.env[name] for name in names]))

    assert emulator.query("t:env") == ["http://127.0.0.1:3210", "http://127.0.0.1:3211", "1"]
    # They are not among those a user sets, lists and removes.
    assert emulator.env == {"OWN": "1"}


# Who calls


def who(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
    user = ctx.auth.get_user_identity()
    return HttpActionResponse("nobody" if user is None else user["subject"])


def test_a_good_token_makes_a_user(emulator: Emulator) -> None:
    answer_with(emulator, who)
    token = emulator.issue_token(subject="ada")

    assert emulator.http_request("POST", "/x", headers={"Authorization": f"Bearer {token}"}).text() == "ada"
    assert (
        emulator.http_request("POST", "/x", identity=user_identity({"tokenIdentifier": "t", "subject": "bo"})).text()
        == "bo"
    )


# Webhooks are signed with keys of their own in the same header: they must get through.
@pytest.mark.parametrize("header", ["Bearer x", "Bearer a.b.c", "Basic eDp5", "x", "Convex wrong|key", ""])
def test_another_authorization_is_the_actions_business(emulator: Emulator, header: str) -> None:
    answer_with(emulator, who)

    response = emulator.http_request("POST", "/x", headers={"Authorization": header})

    assert (response.status, response.text()) == (200, "nobody")


# Failures


def failure_of(emulator: Emulator, handler: Handler) -> dict[str, Any]:
    answer_with(emulator, handler)
    response = emulator.http_request("POST", "/x")
    assert (response.status, response.headers["content-type"]) == (500, "application/json")
    body: dict[str, Any] = response.read_json()
    request_id = re.match(r"\[Request ID: ([0-9a-f]{16})\] ", body["code"])
    assert request_id is not None
    body["code"] = body["code"].removeprefix(request_id[0])
    return body


def test_an_error_is_told_with_its_frames(emulator: Emulator) -> None:
    body = failure_of(emulator, raising(ThrownError("no room")))

    assert list(body) == ["code", "trace"]
    assert body["code"] == "Server Error: Uncaught Error: no room"
    first, frame = body["trace"].splitlines()
    assert first == "Uncaught Error: no room"
    assert re.fullmatch(r"    at handler \(\.\./tests/web/test_http_actions\.py:\d+:1\)", frame)
    assert body["trace"].endswith("\n")


def test_the_data_of_an_error_is_encoded(emulator: Emulator) -> None:
    body = failure_of(emulator, raising(ConvexError("", {"n": ConvexInt64(1)})))

    assert list(body) == ["code", "trace", "data"]
    assert body["data"] == {"n": {"$integer": "AQAAAAAAAAA="}}


def test_production_tells_nothing_but_the_data() -> None:
    emulator = Emulator(redact_errors=True)

    assert failure_of(emulator, raising(ThrownError("secret"))) == {"code": "Server Error"}
    assert failure_of(emulator, raising(ConvexError("", "data"))) == {"code": "Server Error", "data": "data"}


@pytest.mark.parametrize("returned", [None, "text", b"bytes", {"status": 200}, 404])
def test_an_http_action_must_return_a_response(emulator: Emulator, returned: Any) -> None:
    body = failure_of(emulator, lambda ctx, request: returned)

    assert body["code"] == "Server Error: Uncaught Error: HTTP actions must return a Response"


def test_a_status_that_is_none_is_javascripts_range_error(emulator: Emulator) -> None:
    body = failure_of(emulator, lambda ctx, request: HttpActionResponse(status=101))

    assert body["code"].startswith("Server Error: Uncaught RangeError: Failed to construct 'Response'")


def test_what_a_called_function_throws_is_told(emulator: Emulator) -> None:
    emulator.define("t:fail", query(lambda ctx, args: ctx.db.get("x")))

    body = failure_of(emulator, lambda ctx, request: ctx.run_query("t:fail"))

    assert body["code"].startswith("Server Error: Uncaught Error: Uncaught Error: Invalid argument `id` for `db.get`")


# Header injection: the response of one request would hold one for another.
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00", "a\x7f", "✓"])
def test_header_values_that_are_none_fail_the_deployment(emulator: Emulator, value: str) -> None:
    answer_with(emulator, lambda ctx, request: HttpActionResponse("x", headers={"X-Name": value}))

    response = emulator.http_request("POST", "/x")

    assert response.status == 500
    assert response.read_json() == {
        "code": "InternalServerError",
        "message": "Your request couldn't be completed. Try again later.",
    }
    # Whoever wrote the action finds out why.
    assert "the header x-name of an HTTP action's response" in str(list(emulator.journal)[-1].error)


@pytest.mark.parametrize("value", ["", "a\tb", " a ", "caf\xe9"])
def test_other_header_values_are_sent(emulator: Emulator, value: str) -> None:
    answer_with(emulator, lambda ctx, request: HttpActionResponse("x", headers={"X-Name": value}))

    assert emulator.http_request("POST", "/x").headers["x-name"] == value


# The server counts the bytes: a wrong length would mix up a connection's responses.
def test_a_length_that_an_action_names_is_not_sent(emulator: Emulator) -> None:
    headers = {"Content-Length": "5", "Transfer-Encoding": "chunked", "X-A": "b"}
    answer_with(emulator, lambda ctx, request: HttpActionResponse(b"x", headers=headers))

    assert emulator.http_request("POST", "/x").headers.pairs == (("x-a", "b"),)


# Limits


@pytest.fixture
def small() -> Emulator:
    return Emulator(limits=Limits(http_body_size_max=100))


@pytest.mark.parametrize(("size", "status"), [(100, 200), (101, 413)])
def test_a_request_has_a_largest_body(small: Emulator, size: int, status: int) -> None:
    answer_with(small, lambda ctx, request: HttpActionResponse(str(len(request.body))))

    assert small.http_request("POST", "/x", body=b"x" * size).status == status


# A deployment has sent status and headers when it notices.
@pytest.mark.parametrize(("size", "sent"), [(100, 100), (101, 0)])
def test_a_response_that_is_too_large_loses_its_body(small: Emulator, size: int, sent: int) -> None:
    answer_with(small, lambda ctx, request: HttpActionResponse(b"x" * size, 201, {"x-a": "b"}))

    response = small.http_request("POST", "/x")

    assert (response.status, len(response.body), response.headers["x-a"]) == (201, sent, "b")


def test_the_limit_is_twenty_mebibytes(emulator: Emulator) -> None:
    answer_with(emulator, lambda ctx, request: HttpActionResponse(request.body))

    assert len(emulator.http_request("POST", "/x", body=bytes(20 << 20)).body) == 20 << 20
    assert emulator.http_request("POST", "/x", body=bytes((20 << 20) + 1)).status == 413


# Bookkeeping


def test_calls_are_noted_by_their_route(emulator: Emulator) -> None:
    router = HttpRouter()
    router.route(path_prefix="/users/", method="GET", handler=http_action(lambda ctx, request: HttpActionResponse("x")))
    router.route(path="/fail", method="POST", handler=http_action(raising(ThrownError("no"))))
    emulator.define_http(router)

    emulator.http_request("HEAD", "/users/7")
    emulator.http_request("POST", "/fail")
    emulator.http_request("PUT", "/nobody")

    entries = list(emulator.journal)
    assert [(entry.kind, entry.path) for entry in entries] == [
        ("httpAction", "GET /users/*"),
        ("httpAction", "POST /fail"),
        ("httpAction", "PUT /nobody"),
    ]
    assert entries[0].arguments.url == "http://127.0.0.1:3211/users/7"
    assert entries[0].value.text() == "x"
    assert (entries[1].error, entries[1].value) == ("Uncaught Error: no", None)


# A deployed router is what it was when it was deployed.
def test_routes_added_later_are_not_served(emulator: Emulator) -> None:
    router = HttpRouter()
    emulator.define_http(router)

    router.route(path="/x", method="GET", handler=http_action(lambda ctx, request: HttpActionResponse("x")))

    assert emulator.http_request("GET", "/x").status == 404


def test_going_back_takes_the_routes_along(emulator: Emulator) -> None:
    before = emulator.snapshot()
    with emulator.rollback():
        answer_with(emulator, who)
        assert emulator.http_request("POST", "/x").status == 200
        assert emulator.clone().http_request("POST", "/x").status == 200
    assert emulator.http_request("POST", "/x").status == 404

    answer_with(emulator, who)
    emulator.restore(before)
    assert emulator.http_request("POST", "/x").status == 404
    answer_with(emulator, who)
    emulator.define_http(None)
    assert emulator.http_request("POST", "/x").text().startswith("This Convex deployment does not")

"""`ctx.fetch`: what tests prepare answers it, nothing is let out by mistake, redirects are followed as deployed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FetchRequest, FetchResponse, FunctionError, action, mutation, query

URL = "https://api.example.test/models"


def fetched(emulator: Emulator, body: Callable[[Any], Any]) -> Any:
    """What an action returns that runs `body(ctx)`."""
    emulator.define("test:act", action(lambda ctx, args: body(ctx)))
    return emulator.action("test:act")


@pytest.fixture
def convex() -> Emulator:
    return Emulator(seed=1)


def test_prepared_json_is_the_answer(convex: Emulator) -> None:
    convex.fetch.respond(URL, json={"models": ["a"]}, status=201, headers={"X-Total": "1"})

    response = fetched(
        convex,
        lambda ctx: (lambda got: [got.status, got.ok, got.json(), got.headers["x-total"], got.url])(ctx.fetch(URL)),
    )

    assert response == [201, True, {"models": ["a"]}, "1", URL]


def test_text_and_bytes_are_bodies_with_their_types(convex: Emulator) -> None:
    convex.fetch.respond(f"{URL}/text", text="ä")
    convex.fetch.respond(f"{URL}/bytes", body=b"\x00\xff")

    def both(ctx: Any) -> Any:
        text, data = ctx.fetch(f"{URL}/text"), ctx.fetch(f"{URL}/bytes")
        return [text.text(), text.headers.get("Content-Type"), data.body, data.headers.get("content-type")]

    assert fetched(convex, both) == ["ä", "text/plain;charset=UTF-8", b"\x00\xff", None]


@pytest.mark.parametrize(("status", "ok"), [(200, True), (299, True), (404, False), (599, False)])
def test_response_of_any_status_is_no_error(convex: Emulator, status: int, ok: bool) -> None:
    convex.fetch.respond(URL, status=status)

    assert fetched(convex, lambda ctx: ctx.fetch(URL).ok) is ok


# Code that calls a model for money must not do so from a test by mistake; the text says what to do instead.
def test_request_nothing_was_prepared_for_is_refused_with_both_ways_out(convex: Emulator) -> None:
    with pytest.raises(FunctionError) as caught:
        fetched(convex, lambda ctx: ctx.fetch(URL, method="POST"))

    assert f"fetch of POST {URL}: nothing was prepared for it" in caught.value.message
    assert f"emulator.fetch.respond('{URL}', json=…)" in caught.value.message
    assert "Emulator(allow_network=True)" in caught.value.message


# crates/isolate/src/environment/udf/mod.rs `not_allowed_in_udf`
@pytest.mark.parametrize("make", [query, mutation])
def test_queries_and_mutations_cannot_fetch(convex: Emulator, make: Any) -> None:
    convex.fetch.respond(URL, json=1)
    convex.define("test:run", make(lambda ctx, args: ctx.fetch(URL)))

    with pytest.raises(FunctionError) as caught:
        (convex.query if make is query else convex.mutation)("test:run")

    assert caught.value.message == (
        "Uncaught Error: Can't use fetch() in queries and mutations. Please consider using an action. "
        "See https://docs.convex.dev/functions/actions for more details."
    )
    assert convex.fetch.requests == []


def test_requests_are_kept_as_they_were_sent(convex: Emulator) -> None:
    convex.fetch.respond(URL, json=None)

    def send(ctx: Any) -> None:
        ctx.fetch(URL, method="post", json={"a": 1.0}, headers={"Authorization": "Bearer x"})
        ctx.fetch(URL, method="PUT", body="text")
        ctx.fetch(URL)

    fetched(convex, send)

    first, second, third = convex.fetch.requests
    assert (first.method, first.url, first.json()) == ("POST", URL, {"a": 1})
    assert dict(first.headers) == {"authorization": "Bearer x", "content-type": "application/json"}
    assert (second.body, second.headers["content-type"]) == (b"text", "text/plain;charset=UTF-8")
    assert (third.method, third.body, third.text(), dict(third.headers)) == ("GET", None, "", {})


def test_own_content_type_stays(convex: Emulator) -> None:
    convex.fetch.respond(URL)

    fetched(convex, lambda ctx: ctx.fetch(URL, method="POST", json=1, headers={"Content-Type": "x/y"}).status)

    assert convex.fetch.requests[0].headers["content-type"] == "x/y"


ADDRESSES: list[tuple[str | re.Pattern[str], str, bool]] = [
    (URL, URL, True),
    (URL, f"{URL}/gpt", False),
    ("https://api.example.test", "https://API.example.test:443/", True),
    ("https://api.example.test/*", f"{URL}/gpt?x=1", True),
    ("https://*/models", URL, True),
    ("https://*/models", f"{URL}/gpt", False),
    ("https://api.example.test/models?x=[1]*", f"{URL}?x=[1]&y", True),
    (re.compile(r"/models/\w+$"), f"{URL}/gpt", True),
    (re.compile(r"/models/\w+$"), URL, False),
]


@pytest.mark.parametrize(("address", "url", "fits"), ADDRESSES)
def test_addresses(convex: Emulator, address: str | re.Pattern[str], url: str, fits: bool) -> None:
    convex.fetch.respond(address, json="found")
    convex.fetch.respond("https://other.example.test/", json="other")

    if fits:
        assert fetched(convex, lambda ctx: ctx.fetch(url).json()) == "found"
    else:
        with pytest.raises(FunctionError, match="nothing was prepared"):
            fetched(convex, lambda ctx: ctx.fetch(url).json())


def test_method_narrows(convex: Emulator) -> None:
    convex.fetch.respond(URL, json="any")
    convex.fetch.respond(URL, method="post", json="posted")

    answers = fetched(convex, lambda ctx: [ctx.fetch(URL, method=name).json() for name in ("GET", "POST", "PUT")])

    assert answers == ["any", "posted", "any"]


# What a test of retries needs: it fails twice, then it works.
def test_latest_answers_until_it_is_used_up(convex: Emulator) -> None:
    convex.fetch.respond(URL, json="always")
    convex.fetch.respond(URL, status=503, times=2)

    statuses = fetched(convex, lambda ctx: [ctx.fetch(URL).status for _ in range(4)])

    assert statuses == [503, 503, 200, 200]


def test_response_that_is_used_up_is_gone(convex: Emulator) -> None:
    convex.fetch.respond(URL, json=1, times=1)

    with pytest.raises(FunctionError, match="nothing was prepared"):
        fetched(convex, lambda ctx: [ctx.fetch(URL).status, ctx.fetch(URL).status])


def test_handler_makes_the_response_of_the_request(convex: Emulator) -> None:
    def echo(request: FetchRequest) -> FetchResponse:
        return FetchResponse.of(json={"got": request.json()})

    convex.fetch.respond(URL, echo)

    assert fetched(convex, lambda ctx: ctx.fetch(URL, method="POST", json=[1]).json()) == {"got": [1]}


def test_failure_is_javascripts(convex: Emulator) -> None:
    convex.fetch.fail(URL, times=1)
    convex.fetch.fail("https://own.example.test/", text="error sending request for url (https://own.example.test/)")

    with pytest.raises(FunctionError) as caught:
        fetched(convex, lambda ctx: ctx.fetch(URL))
    with pytest.raises(FunctionError, match="error sending request"):
        fetched(convex, lambda ctx: ctx.fetch("https://own.example.test"))

    assert caught.value.message == "Uncaught TypeError: fetch failed"


def test_function_can_catch_a_failure_each_time(convex: Emulator) -> None:
    convex.fetch.respond(URL, error=ConnectionError("reset"))

    def attempt(ctx: Any) -> str:
        try:
            return str(ctx.fetch(URL).status)
        except ConnectionError as error:
            return str(error)

    assert fetched(convex, lambda ctx: [attempt(ctx), attempt(ctx)]) == ["reset", "reset"]


BAD_REQUESTS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda ctx: ctx.fetch("/models"), "Invalid URL: '/models'"),
    (lambda ctx: ctx.fetch("https://"), "Invalid URL: 'https://'"),
    (lambda ctx: ctx.fetch("https://a:port/"), "Invalid URL: 'https://a:port/'"),
    (
        lambda ctx: ctx.fetch("ftp://a.test/"),
        "Unsupported URL scheme -- http and https are supported (scheme was ftp)",
    ),
    (
        lambda ctx: ctx.fetch(URL, body="x"),
        "Failed to construct 'Request': Request with GET/HEAD method cannot have body.",
    ),
    (
        lambda ctx: ctx.fetch(URL, method="head", json=None),
        "Failed to construct 'Request': Request with GET/HEAD method cannot have body.",
    ),
    (lambda ctx: ctx.fetch(URL, method="POST", body="x", json=1), "only one of json, text can be given"),
    (lambda ctx: ctx.fetch(URL, headers={"a": 1}), "headers must be texts by name, got 'a': 1"),
]


# npm-packages/udf-runtime/src/23_request.ts
@pytest.mark.parametrize(("body", "text"), BAD_REQUESTS)
def test_what_is_no_request_is_a_type_error(convex: Emulator, body: Callable[[Any], Any], text: str) -> None:
    convex.fetch.respond("*", json=1)

    with pytest.raises(FunctionError) as caught:
        fetched(convex, body)

    assert caught.value.message == f"Uncaught TypeError: {text}"
    assert convex.fetch.requests == []


def test_body_that_is_no_json_is_a_syntax_error(convex: Emulator) -> None:
    convex.fetch.respond(URL, text="<html>")

    with pytest.raises(FunctionError) as caught:
        fetched(convex, lambda ctx: ctx.fetch(URL).json())

    assert caught.value.message == "Uncaught SyntaxError: Unexpected token '<', \"<html>\" is not valid JSON"


# Redirects: npm-packages/udf-runtime/src/26_fetch.ts


@pytest.mark.parametrize(
    ("status", "method", "then", "has_body"),
    [
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (302, "PUT", "PUT", True),
        (303, "PUT", "GET", False),
        (307, "POST", "POST", True),
        (308, "POST", "POST", True),
    ],
)
def test_redirect_is_followed(convex: Emulator, status: int, method: str, then: str, has_body: bool) -> None:
    convex.fetch.respond(URL, status=status, headers={"Location": "/v2/models"})
    convex.fetch.respond("https://api.example.test/v2/models", json="moved")

    fetched(convex, lambda ctx: ctx.fetch(URL, method=method, json=1, headers={"Authorization": "x"}).json())

    last = convex.fetch.requests[-1]
    assert (last.method, last.url, last.body is not None) == (then, "https://api.example.test/v2/models", has_body)
    assert ("content-type" in last.headers) == has_body
    assert last.headers["authorization"] == "x"


# A key for one host is none of another's business.
def test_authorization_does_not_go_to_another_host(convex: Emulator) -> None:
    convex.fetch.respond(URL, status=307, headers={"location": "https://other.example.test/"})
    convex.fetch.respond("https://other.example.test/", json=1)

    fetched(convex, lambda ctx: ctx.fetch(URL, headers={"Authorization": "x", "a": "b"}).status)

    assert dict(convex.fetch.requests[-1].headers) == {"a": "b"}


def test_redirect_is_given_or_refused_when_asked(convex: Emulator) -> None:
    convex.fetch.respond(URL, status=302, headers={"location": "/"})

    assert fetched(convex, lambda ctx: ctx.fetch(URL, redirect="manual").status) == 302
    with pytest.raises(FunctionError, match="Uncaught TypeError: fetch attempted redirect"):
        fetched(convex, lambda ctx: ctx.fetch(URL, redirect="error").status)
    with pytest.raises(FunctionError, match="redirect must be follow, manual or error, got 'no'"):
        fetched(convex, lambda ctx: ctx.fetch(URL, redirect="no").status)


@pytest.mark.parametrize(("redirects", "arrives"), [(19, True), (20, False)])
def test_redirects_are_followed_up_to_a_number(convex: Emulator, redirects: int, arrives: bool) -> None:
    convex.fetch.respond(URL, json="there")
    convex.fetch.respond(URL, status=302, headers={"location": URL}, times=redirects)

    if arrives:
        assert fetched(convex, lambda ctx: ctx.fetch(URL).json()) == "there"
    else:
        with pytest.raises(FunctionError, match="fetch too many redirects"):
            fetched(convex, lambda ctx: ctx.fetch(URL).json())


def test_redirect_without_a_place_is_the_answer(convex: Emulator) -> None:
    convex.fetch.respond(URL, status=302)

    assert fetched(convex, lambda ctx: ctx.fetch(URL).status) == 302


# Looking back


def test_all_answered(convex: Emulator) -> None:
    convex.fetch.respond(URL, json=1, times=1)
    fetched(convex, lambda ctx: ctx.fetch(URL).status)

    convex.fetch.assert_all_answered()


def test_responses_nobody_asked_for_and_requests_without_one_are_named(convex: Emulator) -> None:
    convex.fetch.respond(URL, json=1, times=3)
    convex.fetch.respond(re.compile("never"), method="put")
    fetched(convex, lambda ctx: ctx.fetch(URL).status)
    with pytest.raises(FunctionError):
        fetched(convex, lambda ctx: ctx.fetch("https://other.example.test/"))

    with pytest.raises(AssertionError) as caught:
        convex.fetch.assert_all_answered()

    assert str(caught.value).splitlines() == [
        f"nobody asked for: any method {URL}, 2 more times",
        "nobody asked for: PUT /never/",
        "nothing was prepared for: GET https://other.example.test/",
    ]


def test_cleared_is_as_new(convex: Emulator) -> None:
    convex.fetch.respond(URL, json=1)
    fetched(convex, lambda ctx: ctx.fetch(URL).status)

    convex.fetch.clear()

    assert convex.fetch.requests == []
    convex.fetch.assert_all_answered()
    with pytest.raises(FunctionError, match="nothing was prepared"):
        fetched(convex, lambda ctx: ctx.fetch(URL).status)


# Responses are what a test sets up, not what the deployment holds.
def test_rollback_leaves_it_alone(convex: Emulator) -> None:
    with convex.rollback():
        convex.fetch.respond(URL, json=1)

    assert fetched(convex, lambda ctx: ctx.fetch(URL).json()) == 1


BAD_RESPONSES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"status": 199}, ValueError, "status must be a whole number from 200 to 599, got 199"),
    ({"status": 600}, ValueError, "status must be a whole number from 200 to 599, got 600"),
    ({"times": 0}, ValueError, "times must be a whole number of at least 1, got 0"),
    ({"text": "a", "json": 1}, TypeError, "only one of json, text can be given"),
    ({"body": "text"}, TypeError, "body must be bytes, got str"),
    ({"handler": lambda request: FetchResponse(), "status": 201}, TypeError, "a handler makes the whole response"),
]


@pytest.mark.parametrize(("options", "kind", "text"), BAD_RESPONSES)
def test_what_is_no_response_is_refused_at_once(
    convex: Emulator, options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        convex.fetch.respond(URL, **options)

    convex.fetch.assert_all_answered()


def test_handler_that_gives_something_else_is_named(convex: Emulator) -> None:
    convex.fetch.respond(URL, lambda request: {"a": 1})  # type: ignore[arg-type, return-value]

    with pytest.raises(FunctionError, match=rf"the handler for GET {URL} must give a FetchResponse, got dict"):
        fetched(convex, lambda ctx: ctx.fetch(URL))


def test_what_is_let_out_goes_to_the_opener_unless_prepared(convex: Emulator) -> None:
    convex.fetch.let_out = lambda request: FetchResponse.of(json=f"sent {request}")
    convex.fetch.respond(URL, json="prepared")

    answers = fetched(convex, lambda ctx: [ctx.fetch(URL).json(), ctx.fetch("http://b.test").json()])

    assert answers == ["prepared", "sent GET http://b.test/"]
    convex.fetch.assert_all_answered()


def test_clone_lets_out_what_the_first_does_and_shares_no_answers() -> None:
    first = Emulator(allow_network=True)
    first.fetch.respond(URL, json=1)

    twin = first.clone()

    assert twin.fetch.let_out is first.fetch.let_out is not None
    twin.fetch.assert_all_answered()
    assert Emulator().fetch.let_out is None

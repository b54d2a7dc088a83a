"""HTTP actions: which one answers a request, what it is told, and what of its answer arrives.

convex-backend crates/isolate/src/environment/action/mod.rs, crates/local_backend/src/http_actions.rs; npm convex
src/server/router.ts (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pytest_mastra_convex.probe import Probe, insert, query, throw
from pytest_mastra_convex.site import Site

THINGS = "conformance_things"
ECHO = "/conformance/echo"
ANSWER = "/conformance/answer"


def asked(site: Site, method: str, path: str, **options: Any) -> dict[str, Any]:
    """What the HTTP action was told."""
    answer = site.request(method, path, **options)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def answer_of(site: Site, *, status: int = 200, headers: tuple[tuple[str, str], ...] = (), body: bytes | None) -> Any:
    """The answer to a request for just that answer."""
    text = None if body is None else base64.b64encode(body).decode()
    return site.post(ANSWER, json={"status": status, "headers": headers, "body": text})


# Which action answers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_each_method_has_its_route(site: Site, method: str) -> None:
    told = asked(site, method, ECHO)

    assert (told["route"], told["method"], told["path"]) == ("exact", method, ECHO)


# Health checks of load balancers ask so.
def test_get_answers_head_without_a_body(site: Site) -> None:
    answer = site.request("HEAD", ECHO)

    assert (answer.status_code, answer.content) == (200, b"")


# A webhook for POST that is tried out in a browser.
def test_a_path_has_no_route_for_another_method(site: Site) -> None:
    assert site.get(ANSWER).status_code == 404


def test_a_path_nobody_routes_is_not_found(site: Site) -> None:
    assert site.get("/conformance/nothing").status_code == 404


# Clients tell by this text that it is the deployment that answers.
@pytest.mark.diverges("http-action-not-found-text")
def test_the_text_for_a_path_nobody_routes(site: Site) -> None:
    assert site.get("/conformance/nothing").text == "No matching routes found"


# A slash at the end makes another path.
def test_a_path_is_matched_as_a_whole(site: Site) -> None:
    assert site.get(f"{ECHO}/").status_code == 404


@pytest.mark.parametrize(
    ("path", "route"),
    [
        pytest.param("/conformance/under/", "prefix", id="prefix-itself"),
        pytest.param("/conformance/under/files/1", "prefix", id="below"),
        pytest.param("/conformance/under/exact", "exact under a prefix", id="exact"),
        pytest.param("/conformance/under/exact/1", "prefix", id="below-exact"),
        pytest.param("/conformance/under/it/1", "longer prefix", id="longer"),
        pytest.param("/conformance/under/it", "prefix", id="longer-without-its-slash"),
    ],
)
def test_a_path_goes_before_a_prefix_and_a_long_one_before_a_short_one(site: Site, path: str, route: str) -> None:
    told = asked(site, "GET", path)

    assert (told["route"], told["path"]) == (route, path)


def test_a_prefix_ends_with_its_slash(site: Site) -> None:
    assert site.get("/conformance/under").status_code == 404


# What it is told


@pytest.mark.parametrize("query_string", ["?a=1&a=2&b", "?q=%20%C3%A9%2F", "?", pytest.param("", id="none")])
def test_the_query_string_arrives_as_it_was_sent(site: Site, query_string: str) -> None:
    told = asked(site, "GET", ECHO + query_string)

    # URL.search of a bare question mark is empty.
    assert told["query"] == query_string.removesuffix("?")


# Routes are found by the path as it stands in the URL; `%2F` is no slash.
def test_a_path_keeps_its_percent_signs(site: Site) -> None:
    assert asked(site, "GET", "/conformance/under/a%20b%2Fc")["path"] == "/conformance/under/a%20b%2Fc"


# The names of headers have no case: signatures of webhooks are looked up in any.
def test_headers_arrive(site: Site) -> None:
    headers = {"x-PROBE": "one, two", "Content-Type": "text/csv; charset=utf-8"}

    told = asked(site, "POST", ECHO, headers=headers, data=b"a,b")

    assert (told["probe"], told["contentType"]) == ("one, two", "text/csv; charset=utf-8")


def test_a_header_that_was_not_sent_is_null(site: Site) -> None:
    assert asked(site, "GET", ECHO)["probe"] is None


# A signature is one of bytes: a body that was text in between would not have it any more.
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "body", [b"", bytes(range(256)), b"\xef\xbb\xbf{}", "é 🙂".encode()], ids=["empty", "bytes", "mark", "text"]
)
def test_bytes_of_a_body_arrive(site: Site, method: str, body: bytes) -> None:
    told = asked(site, method, ECHO, data=body)

    assert base64.b64decode(told["body"]) == body


# Larger than what goes through a pipe or a socket at once.
def test_a_large_body_arrives(site: Site) -> None:
    body = bytes(range(256)) * 4096

    assert base64.b64decode(asked(site, "POST", ECHO, data=body)["body"]) == body


# What arrives of its answer


@pytest.mark.parametrize("status", [200, 201, 302, 400, 404, 418, 500, 599])
def test_the_status_is_the_actions(site: Site, status: int) -> None:
    answer = answer_of(site, status=status, body=b"text")

    assert (answer.status_code, answer.content) == (status, b"text")


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(site: Site, status: int) -> None:
    answer = answer_of(site, status=status, body=None)

    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("body", [b"", bytes(range(256)), bytes(range(256)) * 4096], ids=["empty", "bytes", "mib"])
def test_bytes_of_an_answer_arrive(site: Site, body: bytes) -> None:
    assert answer_of(site, body=body).content == body


def test_headers_of_an_answer_arrive(site: Site) -> None:
    answer = answer_of(site, headers=(("X-One", "1"), ("Content-Type", "image/png")), body=b"")

    assert (answer.headers["x-one"], answer.headers["content-type"]) == ("1", "image/png")


# Only a web page can do without: `fetch` of browsers asks for them.
def test_no_header_for_other_origins_is_added(site: Site) -> None:
    answer = site.get(ECHO, headers={"Origin": "https://app.example"})

    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


# What it calls


def program(*steps: Any) -> bytes:
    return json.dumps(steps).encode()


def test_a_mutation_is_called(site: Site, probe: Probe) -> None:
    [stored] = site.post("/conformance/mutation", data=program(insert(THINGS, {"key": "a"}))).json()

    row = probe.get(stored["value"])
    assert row is not None
    assert row["key"] == "a"


def test_a_query_is_called(site: Site, probe: Probe) -> None:
    probe.insert(THINGS, {"key": "a"})

    [found] = site.post("/conformance/query", data=program(query(THINGS, select=["key"]))).json()

    assert found["value"] == [{"key": "a"}]


def test_an_action_is_called(site: Site) -> None:
    [answer] = site.post("/conformance/action", data=program({"op": "runQuery", "program": [query(THINGS)]})).json()

    assert answer["value"] == [{"value": []}]


# Each of its calls is a transaction of its own: the one that failed has left nothing.
def test_a_mutation_that_fails_is_undone(site: Site, probe: Probe) -> None:
    answer = site.post("/conformance/mutation", data=program(insert(THINGS, {}), throw("no such luck")))

    assert answer.status_code == 500
    assert probe.count(THINGS) == 0


# What goes wrong


def test_an_action_that_throws_answers_500(site: Site) -> None:
    assert site.get("/conformance/failing").status_code == 500


@pytest.mark.diverges("http-action-errors")
def test_the_answer_of_an_action_that_throws(site: Site) -> None:
    answer = site.get("/conformance/failing")

    code = answer.json()["code"]
    assert answer.headers["content-type"] == "application/json"
    assert code.startswith("[Request ID: ")
    assert code.endswith("] Server Error: Uncaught Error: no such luck")
    assert answer.json()["trace"].startswith("Uncaught Error: no such luck\n")


@pytest.mark.diverges("http-action-errors")
def test_the_data_of_a_convex_error_arrive(site: Site) -> None:
    answer = site.get("/conformance/refusing")

    assert (answer.status_code, answer.json()["data"]) == (500, {"code": "NO_LUCK"})


# What was sent before goes on to be answered after.
def test_an_action_that_failed_stops_nobody_else(site: Site) -> None:
    site.get("/conformance/failing")

    assert asked(site, "GET", ECHO)["route"] == "exact"

"""Calls over plain HTTP: routes, bodies and answers as clients in other languages meet them.

convex-backend crates/local_backend/src/public_api.rs, crates/application/src/redaction.rs (convex-wire.md §1).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pytest_mastra_convex.conformance.plain_http import PlainHttp
from pytest_mastra_convex.probe import Probe, insert, log, query, throw, throw_convex

THINGS = "conformance_things"
PROBE = "conformance/probe"
KINDS = ["query", "mutation", "action"]
NOTHING_TO_DO = {"program": "[]"}
TAKES_ANY = "conformance/typed:takesAny"
TAKES_NOTHING = "conformance/typed:takesNothing"


# Routes


# Mastra, curl and clients of any language: one route per kind, the value beside `status`.
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_route(plain_http: PlainHttp, kind: str) -> None:
    answer = plain_http.call(kind, f"{PROBE}:{kind}", NOTHING_TO_DO)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {"status": "success", "value": "[]"}


# `npx convex run` does not know what kind a function is: /api/function finds out.
@pytest.mark.parametrize("function", [*KINDS, "internalQuery", "internalMutation", "internalAction"])
def test_one_route_runs_every_kind_for_administrators(plain_http: PlainHttp, function: str) -> None:
    answer = plain_http.call("function", f"{PROBE}:{function}", NOTHING_TO_DO)

    assert (answer.status, answer.json()) == (200, {"status": "success", "value": "[]"})


# The root component has two names.
@pytest.mark.parametrize("component", [None, ""], ids=["null", "empty"])
def test_the_root_component_may_be_named(plain_http: PlainHttp, component: str | None) -> None:
    body = {"componentPath": component, "path": f"{PROBE}:query", "args": NOTHING_TO_DO}

    assert plain_http.post("/api/function", body, is_admin=True).json()["status"] == "success"


# No-code tools put the function into the URL; nobody has to be an administrator for that.
@pytest.mark.parametrize("kind", KINDS)
def test_the_url_may_name_the_function(plain_http: PlainHttp, kind: str) -> None:
    answer = plain_http.post(f"/api/run/{PROBE}/{kind}", {"args": NOTHING_TO_DO})

    assert (answer.status, answer.json()) == (200, {"status": "success", "value": "[]"})


# Some of them encode the slashes.
def test_the_function_in_the_url_may_be_encoded(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/run/conformance%2Fprobe/query", {"args": NOTHING_TO_DO})

    assert answer.json() == {"status": "success", "value": "[]"}


# Internal functions stay hidden on that route, except from administrators.
def test_the_url_may_name_an_internal_function_for_administrators_only(plain_http: PlainHttp) -> None:
    path, body = f"/api/run/{PROBE}/internalQuery", {"args": NOTHING_TO_DO}

    assert plain_http.post(path, body).json()["status"] == "error"
    assert plain_http.post(path, body, is_admin=True).json()["status"] == "success"


# These two routes have words of their own for a missing function; the CLI looks for them.
@pytest.mark.parametrize(
    ("route", "body"),
    [
        pytest.param("/api/function", {"path": f"{PROBE}:nothing", "args": {}}, id="function"),
        pytest.param(f"/api/run/{PROBE}/nothing", {"args": {}}, id="run"),
    ],
)
def test_a_missing_function_of_any_kind_is_named(plain_http: PlainHttp, route: str, body: dict[str, Any]) -> None:
    answer = plain_http.post(route, body, is_admin=True)

    assert answer.status == 200
    assert (
        f"Could not find function for '{PROBE}:nothing'. Did you forget to run `npx convex dev`?"
        in answer.json()["errorMessage"]
    )


# Bodies


# npm convex sends the arguments in a list, PyPI convex and Mastra without one.
@pytest.mark.parametrize("args", [{"value": "x"}, [{"value": "x"}]], ids=["object", "list-of-one"])
def test_arguments_are_an_object_or_a_list_of_one(plain_http: PlainHttp, args: Any) -> None:
    assert plain_http.call("query", TAKES_ANY, args).json()["value"] == '"x"'


# Everything else is no argument of a function with a validator, and the text counts what came.
@pytest.mark.parametrize(
    ("args", "text"),
    [
        pytest.param([], "Instead received 0 arguments: []", id="empty-list"),
        pytest.param([{}, {}], "Instead received 2 arguments: [{}, {}]", id="list-of-two"),
        pytest.param("a", 'as the function\'s argument. Instead received: "a"', id="text"),
        pytest.param(None, "as the function's argument. Instead received: null", id="null"),
        pytest.param(1.5, "as the function's argument. Instead received: 1.5", id="number"),
        pytest.param([[]], "as the function's argument. Instead received: []", id="list-in-list"),
    ],
)
def test_other_arguments_fail_validation(plain_http: PlainHttp, args: Any, text: str) -> None:
    answer = plain_http.call("query", TAKES_NOTHING, args)

    assert (answer.status, answer.json()["status"]) == (200, "error")
    assert (
        f"ArgumentValidationError: Expected to receive a{'' if 'arguments:' in text else 'n'}"
        in answer.json()["errorMessage"]
    )
    assert text in answer.json()["errorMessage"]


# Newer clients send fields that older deployments do not know.
def test_unknown_fields_of_a_body_are_ignored(plain_http: PlainHttp) -> None:
    body = {"path": f"{PROBE}:query", "args": NOTHING_TO_DO, "format": None, "debug": [True], "componentPath": "child"}

    assert plain_http.post("/api/query", body).json()["status"] == "success"


# HTTP libraries add a charset, and proxies a suffix.
@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/vnd.convex+json"],
    ids=["charset", "capitals", "suffix"],
)
def test_each_kind_of_json_content_type_is_taken(plain_http: PlainHttp, content_type: str) -> None:
    assert plain_http.call("query", f"{PROBE}:query", NOTHING_TO_DO, content_type=content_type).status == 200


# Written without escapes: the bytes are UTF-8 whatever the header says about it.
def test_bodies_are_read_as_utf8(plain_http: PlainHttp) -> None:
    body = json.dumps({"path": TAKES_ANY, "args": {"value": "Grüße ✓ 𝄞"}}, ensure_ascii=False)

    assert plain_http.post("/api/query", body).json()["value"] == '"Grüße ✓ 𝄞"'


# Errors of functions


# A function that fails is no failure of HTTP: the status is 200, and no key stands for what is not there.
@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_function_answers_200(plain_http: PlainHttp, kind: str) -> None:
    answer = plain_http.run(kind, throw("out of luck"))

    assert (answer.status, sorted(answer.json())) == (200, ["errorMessage", "status"])
    assert answer.json()["status"] == "error"


# Support asks for the request id; the text comes behind it on a line of its own, then the frames.
@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_an_error_begins_with_the_request_id(plain_http: PlainHttp, kind: str) -> None:
    text = plain_http.run(kind, throw("out of luck")).json()["errorMessage"]

    assert re.match(r"\[Request ID: [0-9a-f]{16}\] Server Error\nUncaught Error: out of luck\n    at ", text)


# Errors before the function runs have no "Uncaught" and no frames.
def test_an_error_of_the_deployment_has_no_frames(plain_http: PlainHttp) -> None:
    text = plain_http.call("query", f"{PROBE}:nothing", {}).json()["errorMessage"]

    assert text.partition("Server Error\n")[2] == f"Could not find public function for '{PROBE}:nothing'.\n"


# Two failures must be told apart in the logs.
def test_each_request_has_an_id_of_its_own(plain_http: PlainHttp) -> None:
    texts = [plain_http.run("query", throw("stop")).json()["errorMessage"] for _ in range(2)]

    assert texts[0].partition("]")[0] != texts[1].partition("]")[0]


# A proxy that gives ids to requests finds them again.
def test_a_client_may_give_the_request_id(plain_http: PlainHttp) -> None:
    text = plain_http.run("query", throw("stop"), Convex_Request_Id="0123456789abcdef").json()["errorMessage"]

    assert text.startswith("[Request ID: 0123456789abcdef] Server Error\n")


# Data of an application's error: beside the text, and there for null, too, which is not the same as no data.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", ["sold out", {"code": 409.0}, None], ids=["text", "object", "null"])
def test_the_data_of_a_convex_error_is_answered(plain_http: PlainHttp, kind: str, data: Any) -> None:
    answer = plain_http.run(kind, throw_convex(data))

    assert (answer.status, answer.json()["status"]) == (200, "error")
    assert answer.json()["errorData"] == data
    assert "Server Error\nUncaught ConvexError: " in answer.json()["errorMessage"]


# A mutation that fails leaves nothing, whatever its status says.
def test_a_failed_mutation_leaves_nothing(plain_http: PlainHttp, probe: Probe) -> None:
    plain_http.run("mutation", insert(THINGS, {"key": "a"}), throw("stop"))

    assert probe.count(THINGS) == 0


# Log lines


# npm convex prints them in the browser's console; they come with the answer, whether it is good or bad.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [[], [throw("stop")]], ids=["success", "error"])
def test_log_lines_come_with_the_answer(plain_http: PlainHttp, kind: str, steps: list[Any]) -> None:
    answer = plain_http.run(kind, log("one"), log("two", 2.0, level="warn"), *steps)

    assert answer.json()["logLines"] == ["[LOG] 'one'", "[WARN] 'two' 2"]


# Without any there is no such field.
def test_without_log_lines_the_field_is_left_out(plain_http: PlainHttp) -> None:
    assert "logLines" not in plain_http.run("query", query(THINGS, count=True)).json()

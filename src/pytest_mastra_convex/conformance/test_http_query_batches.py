"""Queries in batches and at a time in the past, as npm `consistentQuery` and frameworks that render pages send them.

convex-backend crates/local_backend/src/public_api.rs (convex-wire.md §1.1).
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from pytest_mastra_convex.conformance.plain_http import Answer, PlainHttp
from pytest_mastra_convex.probe import Probe, Step, log, query, throw, throw_convex

THINGS = "conformance_things"
PROBE = "conformance/probe:query"
COUNT = query(THINGS, count=True)


def asked(*steps: Step, **fields: Any) -> dict[str, Any]:
    """One query of a batch: a program."""
    return {"path": PROBE, "args": {"program": json.dumps(steps)}, **fields}


def batch(plain_http: PlainHttp, *queries: dict[str, Any]) -> Answer:
    """The answer to a batch."""
    return plain_http.post("/api/query_batch", {"queries": list(queries)}, is_admin=True)


def latest(plain_http: PlainHttp) -> str:
    """The time at which queries may be asked, as it is sent back."""
    return str(plain_http.post("/api/query_ts", b"").json()["ts"])


def count_at(plain_http: PlainHttp, moment: str) -> float:
    """How many things there were then."""
    answer = plain_http.post("/api/query_at_ts", asked(COUNT, ts=moment)).json()
    return float(json.loads(answer["value"])[0]["value"])


# Batches


# One round trip for a page that needs several queries: results come in the order of the questions.
def test_a_batch_answers_in_its_order(plain_http: PlainHttp, probe: Probe) -> None:
    probe.insert(THINGS, {"key": "a"})

    answer = batch(plain_http, asked(COUNT), asked(), asked(query(THINGS, select=["key"])))

    assert answer.status == 200
    assert [json.loads(result["value"]) for result in answer.json()["results"]] == [
        [{"value": 1}],
        [],
        [{"value": [{"key": "a"}]}],
    ]


# Nothing asked, nothing answered.
def test_a_batch_may_be_empty(plain_http: PlainHttp) -> None:
    assert batch(plain_http).json() == {"results": []}


# One query that fails does not take the others with it; each has its own text, data and log lines.
def test_a_failed_query_of_a_batch_stands_among_the_others(plain_http: PlainHttp) -> None:
    results = batch(
        plain_http, asked(), asked(throw("out of luck")), asked(log("seen"), throw_convex({"code": 4.0})), asked()
    ).json()["results"]

    assert [result["status"] for result in results] == ["success", "error", "error", "success"]
    assert "Uncaught Error: out of luck" in results[1]["errorMessage"]
    assert (results[2]["errorData"], results[2]["logLines"]) == ({"code": 4.0}, ["[LOG] 'seen'"])


# A batch only reads.
@pytest.mark.parametrize("function", ["mutation", "action"])
def test_a_batch_runs_queries_only(plain_http: PlainHttp, function: str) -> None:
    result = batch(plain_http, {"path": f"conformance/probe:{function}", "args": {"program": "[]"}}).json()["results"][
        0
    ]

    assert result["status"] == "error"
    assert f"as Query, but it is defined as {function.title()}." in result["errorMessage"]


# Each query of a batch has its own format.
def test_each_query_of_a_batch_has_its_format(plain_http: PlainHttp) -> None:
    path, args = "conformance/typed:returnsNumber", {"value": {"$float": "AAAAAAAA+H8="}}
    formats = ["json", "convex_encoded_json", None]

    results = batch(plain_http, *({"path": path, "args": args, "format": each} for each in formats)).json()["results"]

    assert [result["value"] for result in results] == ["NaN", {"$float": "AAAAAAAA+H8="}, "NaN"]


# What is wrong with a request is wrong with the whole batch, wherever in it that stands.
@pytest.mark.parametrize("position", [0, 1], ids=["first", "last"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param({"path": "my-module:f", "args": {}}, "BadConvexFunctionIdentifier", id="path"),
        pytest.param(asked(format="xml"), "BadFormat", id="format"),
        pytest.param({"path": PROBE}, "BadJsonBody", id="args"),
    ],
)
def test_a_faulty_request_in_a_batch_refuses_all(
    plain_http: PlainHttp, position: int, fault: dict[str, Any], code: str
) -> None:
    queries = [asked()]
    queries.insert(position, fault)

    assert batch(plain_http, *queries).refusal == (400, code)


def test_a_batch_needs_its_queries(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/query_batch", {})

    assert answer.refusal == (400, "BadJsonBody")
    assert "missing field `queries`" in answer.message


# Times


# npm reads the eight bytes as a little-endian number; it is nanoseconds since 1970 of the deployment's clock.
def test_the_latest_time_is_nanoseconds_in_base64(plain_http: PlainHttp) -> None:
    data = base64.b64decode(latest(plain_http), validate=True)

    assert len(data) == 8
    assert abs(int.from_bytes(data, "little") / 1e9 - time.time()) < 600


# The body does not matter, and neither does who asks: npm sends none with a JSON content type.
@pytest.mark.parametrize("body", [b"", b"{}", b"{broken"], ids=["none", "object", "no-json"])
def test_everybody_may_ask_for_the_time(plain_http: PlainHttp, body: bytes) -> None:
    answer = plain_http.post("/api/query_ts", body)

    assert (answer.status, sorted(answer.json())) == (200, ["ts"])


# `consistentQuery`: everything a page shows is of one time, also what is read after others wrote.
def test_a_query_at_a_time_sees_what_there_was_then(plain_http: PlainHttp, probe: Probe) -> None:
    probe.insert(THINGS, {"key": "a"})
    before = latest(plain_http)
    probe.insert(THINGS, {"key": "b"})
    between = latest(plain_http)
    probe.clear()

    counts = [count_at(plain_http, moment) for moment in (before, between, before, latest(plain_http))]

    assert counts == [1, 2, 1, 0]


# Through an index and by id, too: a row that was changed reads as it was.
def test_a_row_at_a_time_has_the_fields_it_had(plain_http: PlainHttp, probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"key": "old"})
    before = latest(plain_http)
    probe.patch(identifier, {"key": "new"})
    program = asked({"op": "get", "id": identifier}, query(THINGS, index="by_key", select=["key"]), ts=before)

    then = json.loads(plain_http.post("/api/query_at_ts", program).json()["value"])

    assert (then[0]["value"]["key"], then[1]["value"]) == ("old", [{"key": "old"}])


# Nobody can write into the past.
def test_at_a_time_there_are_queries_only(plain_http: PlainHttp) -> None:
    body = {"path": "conformance/probe:mutation", "args": {"program": "[]"}, "ts": latest(plain_http)}

    answer = plain_http.post("/api/query_at_ts", body, is_admin=True)

    assert "as Query, but it is defined as Mutation." in answer.json()["errorMessage"]


def test_a_query_at_a_time_needs_the_time(plain_http: PlainHttp) -> None:
    answer = plain_http.post("/api/query_at_ts", asked())

    assert answer.refusal == (400, "BadJsonBody")
    assert "missing field `ts`" in answer.message


# A time that is none is a fault that the deployment has no words for.
@pytest.mark.parametrize("moment", ["*", "AAAA", ""], ids=["no-base64", "three-bytes", "empty"])
def test_a_malformed_time_is_an_internal_error(plain_http: PlainHttp, moment: str) -> None:
    answer = plain_http.post("/api/query_at_ts", asked(ts=moment))

    assert answer.refusal == (500, "InternalServerError")

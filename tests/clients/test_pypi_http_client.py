"""PyPI `convex.http_client.ConvexHttpClient`, and bare requests, against the served emulator.

The client is plain `requests`: what it sends and makes of an answer is in `convex/http_client.py` of the package; what
a deployment answers is in Convex' `crates/local_backend/src/public_api.rs`.
"""

import json
import math
import urllib.error
import urllib.request
from typing import Any

import pytest
from convex import ConvexInt64
from convex.http_client import ConvexExecutionError, ConvexHttpClient

from tests.clients.node_cases import ServedDeployment

STORAGE = "mastra/storage:handle"
CACHE = "mastra/cache:handle"
READ = "mastra/nativeVector:read"
WRITE = "mastra/nativeVector:write"
SEARCH = "mastra/nativeVector:query"

DOCS: dict[str, Any] = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding"}
DESCRIBE: dict[str, Any] = {"op": "describe", "config": DOCS}

pytestmark = pytest.mark.xdist_group("pypi http client")


@pytest.fixture
def client(served: ServedDeployment) -> ConvexHttpClient:
    client = ConvexHttpClient(served.url)
    client.set_admin_auth(served.admin_key)
    return client


def thread(record_id: str, **fields: Any) -> dict[str, Any]:
    moment = "2026-01-15T00:00:00.000Z"
    return {"id": record_id, "resourceId": "r", "title": "T", "createdAt": moment, "updatedAt": moment} | fields


def insert(table: str, record: dict[str, Any]) -> dict[str, Any]:
    return {"op": "insert", "tableName": table, "record": record}


def load(table: str, record_id: str) -> dict[str, Any]:
    return {"op": "load", "tableName": table, "keys": {"id": record_id}}


def post(served: ServedDeployment, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """Send a request as it stands, with the admin key; answer the status and the JSON of the body."""
    sent = {"Content-Type": "application/json", "Authorization": f"Convex {served.admin_key}"} | headers
    request = urllib.request.Request(served.url + path, body, sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def call(served: ServedDeployment, args: dict[str, Any], **fields: Any) -> tuple[int, dict[str, Any]]:
    """A mutation of Mastra's storage with fields of its own beside path and args."""
    return post(served, "/api/mutation", json.dumps({"path": STORAGE, "args": args} | fields).encode())


def test_a_row_of_a_typed_table_comes_back(client: ConvexHttpClient) -> None:
    record = thread("pypi-typed", metadata={"label": "é", "nested": [1.5, None, True]})

    assert client.mutation(STORAGE, insert("mastra_threads", record)) == {"ok": True}

    loaded = client.mutation(STORAGE, load("mastra_threads", "pypi-typed"))["result"]
    assert {key: loaded[key] for key in record} == record
    assert set(loaded) - set(record) == {"_id", "_creationTime"}


def test_the_cache_keeps_values_and_counts(client: ConvexHttpClient) -> None:
    entry: dict[str, Any] = {"key": "pypi:value", "keyPrefix": "pypi:", "expiresAt": None}
    counter: dict[str, Any] = {"op": "increment", "key": "pypi:counter", "keyPrefix": "pypi:", "expiresAt": None}

    client.mutation(CACHE, {"op": "set", "value": {"list": [1, None]}} | entry)

    assert client.mutation(CACHE, {"op": "get", "key": "pypi:value"}) == {"ok": True, "result": {"list": [1.0, None]}}
    assert [client.mutation(CACHE, counter)["result"] for _ in range(3)] == [1, 2, 3]


def test_queries_mutations_and_actions_reach_their_functions(client: ConvexHttpClient) -> None:
    upsert: dict[str, Any] = {"op": "upsert", "config": DOCS, "ids": ["pypi-vector"], "vectors": [[0.0, 0.0, 1.0]]}

    assert client.mutation(WRITE, upsert) == {"ok": True}
    found = client.action(SEARCH, {"config": DOCS, "vector": [0.0, 0.0, 1.0], "limit": 256})
    rows = client.query(READ, {"op": "getByConvexIds", "config": DOCS, "ids": [one["id"] for one in found]})

    assert "pypi-vector" in {row["id"] for row in rows}


# An unknown table name goes to the table of documents, whose record takes any value.
@pytest.mark.parametrize(
    "value",
    [
        ConvexInt64(0),
        ConvexInt64(2**63 - 1),
        ConvexInt64(-(2**63)),
        b"",
        b"\x00\xff",
        math.inf,
        -math.inf,
        5e-324,
        0.1,
        True,
        None,
        "",
        "é😀\x00",
        [],
        {},
        [{"deep": [ConvexInt64(7), b"x"]}],
    ],
    ids=repr,
)
def test_a_value_survives_the_way_in_and_out(client: ConvexHttpClient, value: Any) -> None:
    record_id = f"pypi-value-{value!r}"
    client.mutation(STORAGE, insert("anything", {"id": record_id, "value": value}))

    loaded = client.mutation(STORAGE, load("anything", record_id))["result"]

    assert loaded["value"] == value
    assert type(loaded["value"]) is type(value)


def test_not_a_number_and_minus_zero_survive(client: ConvexHttpClient) -> None:
    client.mutation(STORAGE, insert("anything", {"id": "pypi-special", "nan": math.nan, "zero": -0.0}))

    loaded = client.mutation(STORAGE, load("anything", "pypi-special"))["result"]

    assert math.isnan(loaded["nan"])
    assert math.copysign(1, loaded["zero"]) == -1


# Convex' numbers are floats; an integer of Python's becomes one.
def test_an_int_comes_back_as_float(client: ConvexHttpClient) -> None:
    client.mutation(STORAGE, insert("anything", {"id": "pypi-int", "value": 3}))

    loaded = client.mutation(STORAGE, load("anything", "pypi-int"))["result"]

    assert loaded["value"] == 3
    assert type(loaded["value"]) is float


def test_int64_and_float_of_one_value_are_not_equal_to_a_filter(client: ConvexHttpClient) -> None:
    client.mutation(STORAGE, insert("pypi-numbers", {"id": "integer", "value": ConvexInt64(1)}))
    client.mutation(STORAGE, insert("pypi-numbers", {"id": "float", "value": 1.0}))
    query = {"op": "queryTable", "tableName": "pypi-numbers"}

    def ids(value: Any) -> list[str]:
        rows = client.mutation(STORAGE, query | {"filters": [{"field": "value", "value": value}]})["result"]
        return [row["id"] for row in rows]

    assert ids(ConvexInt64(1)) == ["integer"]
    assert ids(1.0) == ["float"]


def test_a_function_that_fails_raises_its_text(client: ConvexHttpClient) -> None:
    record = thread("pypi-failing")
    del record["title"]

    with pytest.raises(ConvexExecutionError, match="Object is missing the required field `title`"):
        client.mutation(STORAGE, insert("mastra_threads", record))

    assert client.mutation(STORAGE, load("mastra_threads", "pypi-failing"))["result"] is None


def test_the_text_of_a_failure_starts_with_the_request_id(client: ConvexHttpClient) -> None:
    with pytest.raises(ConvexExecutionError, match=r"^\[Request ID: \w+\] Server Error\nUncaught Error: Native vector"):
        client.action(SEARCH, {"config": DOCS, "vector": [1.0, 0.0, 0.0], "limit": 257.0})


def test_arguments_that_are_not_declared_raise_a_validation_error(client: ConvexHttpClient) -> None:
    with pytest.raises(ConvexExecutionError, match="ArgumentValidationError: Object contains extra field `color`"):
        client.query(READ, DESCRIBE | {"color": "x"})


# Vector tables answer a success that says ok: false; it is for the caller to look.
def test_an_error_within_a_success_is_a_value(client: ConvexHttpClient) -> None:
    answer = client.mutation(STORAGE, insert("mastra_vector_pypi", {"id": "a", "embedding": ["x"]}))

    assert answer["ok"] is False
    assert "does not match" in answer["error"]


def test_an_unknown_function_is_named(client: ConvexHttpClient) -> None:
    with pytest.raises(ConvexExecutionError, match="Could not find public function for 'mastra/storage:other'"):
        client.mutation("mastra/storage:other", {})


def test_a_function_of_another_kind_is_named(client: ConvexHttpClient) -> None:
    with pytest.raises(
        ConvexExecutionError,
        match=r"Trying to execute mastra/cache\.js:handle as Query, but it is defined as Mutation\.",
    ):
        client.query(CACHE, {"op": "get", "key": "a"})


def test_a_path_that_is_no_path_is_a_bad_request(client: ConvexHttpClient) -> None:
    with pytest.raises(Exception, match=r"^400 BadConvexFunctionIdentifier: a-b:c is not a valid path"):
        client.query("a-b:c", {})


def test_a_wrong_admin_key_is_refused(client: ConvexHttpClient) -> None:
    client.set_admin_auth("wrong|key")

    with pytest.raises(Exception, match=r"^401 BadAdminKey: The provided admin key was invalid for this instance$"):
        client.query(READ, DESCRIBE)


# A token that cannot be read fails the whole request, also for a function that needs none.
def test_a_token_that_is_none_is_refused(client: ConvexHttpClient) -> None:
    client.set_auth("no token")

    with pytest.raises(Exception, match=r"^401 InvalidAuthHeader: Could not parse JWT payload"):
        client.query(READ, DESCRIBE)


def test_public_functions_need_no_key(client: ConvexHttpClient) -> None:
    client.clear_auth()

    assert client.query(READ, DESCRIBE)["countIsLimited"] is False


# What @mastra/convex asks for: integers and bytes become text, and what JSON has no number for becomes its name.
def test_the_json_format_writes_values_as_plain_json(client: ConvexHttpClient, served: ServedDeployment) -> None:
    values = {"integer": ConvexInt64(7), "bytes": b"\x00\x01", "nan": math.nan, "infinity": -math.inf, "number": 1.0}
    client.mutation(STORAGE, insert("anything", {"id": "pypi-json", **values}))

    status, answer = call(served, load("anything", "pypi-json"), format="json")

    plain = {"integer": "7", "bytes": "AAE=", "nan": "NaN", "infinity": "-Infinity", "number": 1}
    assert (status, answer["status"]) == (200, "success")
    assert answer["value"]["result"] == {"id": "pypi-json", **plain}


def test_the_encoded_format_marks_values_that_json_lacks(client: ConvexHttpClient, served: ServedDeployment) -> None:
    values = {"integer": ConvexInt64(7), "bytes": b"\x00\x01", "infinity": math.inf}
    client.mutation(STORAGE, insert("anything", {"id": "pypi-encoded", **values}))

    _, answer = call(served, load("anything", "pypi-encoded"), format="convex_encoded_json")

    assert answer["value"]["result"] == {
        "id": "pypi-encoded",
        "integer": {"$integer": "BwAAAAAAAAA="},
        "bytes": {"$bytes": "AAE="},
        "infinity": {"$float": "AAAAAAAA8H8="},
    }


def test_without_a_format_the_answer_is_plain_json(client: ConvexHttpClient, served: ServedDeployment) -> None:
    client.mutation(STORAGE, insert("anything", {"id": "pypi-default", "value": ConvexInt64(7)}))

    _, answer = call(served, load("anything", "pypi-default"))

    assert answer["value"]["result"]["value"] == "7"


# The format is read after the function ran: the mutation is committed, and the request is refused all the same.
def test_an_unknown_format_is_refused_after_the_function_ran(served: ServedDeployment) -> None:
    status, answer = call(served, insert("anything", {"id": "pypi-format"}), format="xml")

    assert (status, answer["code"]) == (400, "BadFormat")
    assert answer["message"] == "format param must be one of [`json`]. Got xml"
    assert call(served, load("anything", "pypi-format"))[1]["value"]["result"] == {"id": "pypi-format"}


def test_arguments_may_come_as_a_list_of_one(served: ServedDeployment) -> None:
    body = json.dumps({"path": STORAGE, "args": [load("anything", "pypi-missing")], "format": "json"}).encode()

    assert post(served, "/api/mutation", body) == (200, {"status": "success", "value": {"ok": True, "result": None}})


def test_a_body_that_is_no_json_is_refused(served: ServedDeployment) -> None:
    status, answer = post(served, "/api/mutation", b"{broken")

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert answer["message"].startswith("Failed to parse the request body as JSON")


def test_a_body_without_arguments_is_refused(served: ServedDeployment) -> None:
    status, answer = post(served, "/api/mutation", json.dumps({"path": STORAGE}).encode())

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert "missing field `args`" in answer["message"]


def test_another_content_type_is_refused(served: ServedDeployment) -> None:
    status, answer = post(served, "/api/mutation", b"{}", **{"Content-Type": "text/plain"})

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert answer["message"] == "Expected request with `Content-Type: application/json`"


# 1 MiB is the limit of one document, system fields included; neither side of it is close to that of the request.
def test_a_document_fits_up_to_one_mib(client: ConvexHttpClient) -> None:
    client.mutation(STORAGE, insert("anything", {"id": "pypi-fits", "text": "x" * (2**20 - 1000)}))

    with pytest.raises(ConvexExecutionError, match=r"Value is too large \(1\.00 MiB > maximum size 1 MiB\)"):
        client.mutation(STORAGE, insert("anything", {"id": "pypi-too-large", "text": "x" * 2**20}))

    assert len(client.mutation(STORAGE, load("anything", "pypi-fits"))["result"]["text"]) == 2**20 - 1000
    assert client.mutation(STORAGE, load("anything", "pypi-too-large"))["result"] is None

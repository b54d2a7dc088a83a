"""The formats of an answer: names, what becomes of each value, and when an unknown one is noticed.

Rules: convex-backend crates/value/src/export.rs, crates/local_backend/src/public_api.rs
(convex-wire.md §1.2, §1.4; convex-engine.md §1.2, §1.3).
"""

import json
import math
from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import Emulator, action, mutation, query, undefined
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

ENCODED = ["convex_encoded_json", "convex_json"]
CLEAN = ["json", "convex_clean_json"]
BAD_FORMAT = {"code": "BadFormat", "message": "format param must be one of [`json`]. Got xml"}


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    return HttpApi(emulator, Authenticator("formats|secret"), instance_name="formats")


def post(api: HttpApi, route: str, path: str, output_format: str, args: Any = None) -> tuple[int, bytes]:
    body = json.dumps({"path": path, "args": {} if args is None else args, "format": output_format}).encode()
    headers = {"content-type": "application/json"}
    response, _ = api.handle(HttpRequest(method="POST", path=f"/api/{route}", headers=headers, body=body))
    return response.status, response.body


def returned(emulator: Emulator, api: HttpApi, value: Any, output_format: str) -> bytes:
    """The text of a value in the answer of a query that returns it."""
    emulator.define("values:one", query(lambda ctx, args: value))
    status, body = post(api, "query", "values:one", output_format)
    assert status == 200
    return body.removeprefix(b'{"status":"success","value":').removesuffix(b"}")


VALUES = [
    pytest.param(None, b"null", b"null", b"null", id="null"),
    pytest.param(undefined, b"null", b"null", b"null", id="undefined"),
    pytest.param(True, b"true", b"true", b"true", id="boolean"),
    pytest.param("é😀", '"é😀"'.encode(), '"é😀"'.encode(), '"é😀"'.encode(), id="string"),
    pytest.param(1.0, b"1.0", b"1.0", b"1.0", id="whole float"),
    pytest.param(-0.1, b"-0.1", b"-0.1", b"-0.1", id="fraction"),
    pytest.param(-0.0, b'{"$float":"AAAAAAAAAIA="}', b"-0.0", b"-0.0", id="minus zero"),
    pytest.param(math.nan, b'{"$float":"AAAAAAAA+H8="}', b'"NaN"', b'{"$float":"AAAAAAAA+H8="}', id="not a number"),
    pytest.param(math.inf, b'{"$float":"AAAAAAAA8H8="}', b'"Infinity"', b'{"$float":"AAAAAAAA8H8="}', id="infinity"),
    pytest.param(
        -math.inf, b'{"$float":"AAAAAAAA8P8="}', b'"-Infinity"', b'{"$float":"AAAAAAAA8P8="}', id="minus infinity"
    ),
    pytest.param(ConvexInt64(1), b'{"$integer":"AQAAAAAAAAA="}', b'"1"', b"1", id="int64"),
    pytest.param(
        ConvexInt64(-(2**63)),
        b'{"$integer":"AAAAAAAAAIA="}',
        b'"-9223372036854775808"',
        b"-9223372036854775808",
        id="smallest int64",
    ),
    pytest.param(b"\x00\xff", b'{"$bytes":"AP8="}', b'"AP8="', b'{"$bytes":"AP8="}', id="bytes"),
    pytest.param(
        [{"a": [ConvexInt64(-1)]}],
        b'[{"a":[{"$integer":"//////////8="}]}]',
        b'[{"a":["-1"]}]',
        b'[{"a":[-1]}]',
        id="nested",
    ),
    pytest.param({"b": 1.0, "B": 2.0, "a": 3.0}, *3 * (b'{"B":2.0,"a":3.0,"b":1.0}',), id="keys are sorted"),
]


@pytest.mark.parametrize(("value", "encoded", "clean", "exported"), VALUES)
def test_a_value_is_written_as_its_format_says(
    emulator: Emulator, api: HttpApi, value: Any, encoded: bytes, clean: bytes, exported: bytes
) -> None:
    assert [returned(emulator, api, value, name) for name in ENCODED] == [encoded, encoded]
    assert [returned(emulator, api, value, name) for name in CLEAN] == [clean, clean]
    assert returned(emulator, api, value, "export_json") == exported


# A client that wants readable answers still has to be able to send every value.
@pytest.mark.parametrize("output_format", [*ENCODED, *CLEAN, "export_json"])
def test_arguments_are_read_in_the_encoded_form_whatever_the_format(
    emulator: Emulator, api: HttpApi, output_format: str
) -> None:
    received: list[Any] = []
    emulator.define("values:keep", query(lambda ctx, args: received.append(args)))

    post(api, "query", "values:keep", output_format, {"n": {"$integer": "BwAAAAAAAAA="}, "b": {"$bytes": "AP8="}})

    assert received == [{"n": ConvexInt64(7), "b": b"\x00\xff"}]


@pytest.mark.parametrize(
    ("output_format", "data"),
    [("convex_encoded_json", {"$integer": "BwAAAAAAAAA="}), ("json", "7"), ("export_json", 7)],
)
def test_error_data_is_written_in_the_format_too(
    emulator: Emulator, api: HttpApi, output_format: str, data: Any
) -> None:
    def fail(ctx: Any, args: Any) -> None:
        raise ConvexError("seven", ConvexInt64(7))

    emulator.define("values:fail", query(fail))

    _, body = post(api, "query", "values:fail", output_format)

    assert json.loads(body)["errorData"] == data


def test_an_unknown_format_is_refused_by_name(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("values:one", query(lambda ctx, args: 1.0))

    status, body = post(api, "query", "values:one", "xml")

    assert (status, json.loads(body)) == (400, BAD_FORMAT)


@pytest.mark.parametrize("name", ["", "JSON", "json ", "encoded"])
def test_the_names_of_formats_are_exact(emulator: Emulator, api: HttpApi, name: str) -> None:
    emulator.define("values:one", query(lambda ctx, args: 1.0))

    assert post(api, "query", "values:one", name)[0] == 400


# The deployment reads the format when it writes the answer: the client sees 400, and the data is there.
def test_a_mutation_with_an_unknown_format_is_committed_and_refused(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", {"text": "kept"})))

    status, body = post(api, "mutation", "notes:add", "xml")

    assert (status, json.loads(body)) == (400, BAD_FORMAT)
    assert emulator.table_counts() == {"notes": 1}


def test_an_action_with_an_unknown_format_runs_and_is_refused(emulator: Emulator, api: HttpApi) -> None:
    ran: list[Any] = []
    emulator.define("acts:note", action(lambda ctx, args: ran.append(args)))

    status, _ = post(api, "action", "acts:note", "xml")

    assert (status, ran) == (400, [{}])


def test_an_unknown_format_comes_before_the_failure_of_the_function(api: HttpApi) -> None:
    status, body = post(api, "query", "values:missing", "xml")

    assert (status, json.loads(body)) == (400, BAD_FORMAT)

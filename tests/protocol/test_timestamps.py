"""Queries at a timestamp, and several queries at one: `/api/query_ts`, `/api/query_at_ts`, `/api/query_batch`.

Rules: convex-backend crates/local_backend/src/public_api.rs, crates/errors/src/lib.rs
(convex-wire.md §1.1, §1.2, §1.7, §1.8).
"""

import base64
import json
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, ManualClock, mutation, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

INTERNAL = {"code": "InternalServerError", "message": "Your request couldn't be completed. Try again later."}


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    emulator.define("notes:list", query(lambda ctx, args: [row["text"] for row in ctx.db.query("notes").collect()]))
    emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", args)))
    emulator.define("values:echo", query(lambda ctx, args: args))
    return HttpApi(emulator, Authenticator("times|secret"), instance_name="times")


def post(api: HttpApi, route: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    request = HttpRequest(
        method="POST",
        path=f"/api/{route}",
        headers={"content-type": "application/json", "convex-request-id": "r"} | headers,
        body=json.dumps(body).encode(),
    )
    response, _ = api.handle(request)
    return response.status, json.loads(response.body)


def timestamp(api: HttpApi) -> str:
    return str(post(api, "query_ts", None)[1]["ts"])


def add(emulator: Emulator, text: str) -> str:
    return str(emulator.mutation("notes:add", {"text": text}))


def notes(api: HttpApi, ts: str | None = None) -> list[str]:
    body: dict[str, Any] = {"path": "notes:list", "args": {}}
    status, answer = post(api, "query", body) if ts is None else post(api, "query_at_ts", body | {"ts": ts})
    assert status == 200, answer
    return sorted(answer["value"])


def base64_of(nanoseconds: int) -> str:
    return base64.b64encode(nanoseconds.to_bytes(8, "little")).decode()


# query_ts


def test_a_timestamp_is_eight_little_endian_bytes_of_nanoseconds(api: HttpApi) -> None:
    assert timestamp(api) == base64_of(1_700_000_000_000_000_000) == "AAAqNv6clxc="


# npm sends the content type with an empty body; curl sends neither.
@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
def test_the_body_of_the_question_is_not_read(api: HttpApi, headers: dict[str, str]) -> None:
    response, _ = api.handle(HttpRequest(method="POST", path="/api/query_ts", headers=headers, body=b"{broken"))

    assert response.status == 200


# query_at_ts


def test_a_query_at_a_timestamp_sees_the_data_of_then(emulator: Emulator, api: HttpApi) -> None:
    add(emulator, "first")
    then = timestamp(api)
    add(emulator, "second")

    assert notes(api, then) == ["first"]


def test_the_data_of_now_is_back_after_a_query_of_then(emulator: Emulator, api: HttpApi) -> None:
    then = timestamp(api)
    add(emulator, "only")

    assert (notes(api, then), notes(api)) == ([], ["only"])
    add(emulator, "next")
    assert notes(api) == ["next", "only"]


def test_each_timestamp_has_its_own_data(emulator: Emulator, api: HttpApi) -> None:
    times = [timestamp(api)]
    for text in ("a", "b", "c"):
        add(emulator, text)
        times.append(timestamp(api))

    assert [notes(api, ts) for ts in reversed(times)] == [["a", "b", "c"], ["a", "b"], ["a"], []]


def test_changed_and_deleted_documents_are_as_they_were(emulator: Emulator, api: HttpApi) -> None:
    changed, deleted = add(emulator, "old"), add(emulator, "there")
    then = timestamp(api)
    emulator.run(lambda ctx: ctx.db.patch(changed, {"text": "new"}))
    emulator.run(lambda ctx: ctx.db.delete(deleted))

    assert (notes(api, then), notes(api)) == (["old", "there"], ["new"])


def test_a_query_of_then_that_fails_brings_the_data_of_now_back(emulator: Emulator, api: HttpApi) -> None:
    def fail(ctx: Any, args: Any) -> None:
        raise Exception("boom")

    emulator.define("notes:fail", query(fail))
    then = timestamp(api)
    add(emulator, "kept")

    status, answer = post(api, "query_at_ts", {"path": "notes:fail", "args": {}, "ts": then})

    assert (status, answer["status"]) == (200, "error")
    assert notes(api) == ["kept"]


def test_a_mutation_cannot_run_at_a_timestamp(emulator: Emulator, api: HttpApi) -> None:
    body = {"path": "notes:add", "args": {"text": "x"}, "ts": timestamp(api)}

    _, answer = post(api, "query_at_ts", body)

    assert "Trying to execute notes.js:add as Query, but it is defined as Mutation." in answer["errorMessage"]
    assert emulator.table_counts() == {}


def test_a_timestamp_from_before_anybody_asked_is_out_of_retention(emulator: Emulator, api: HttpApi) -> None:
    add(emulator, "first")

    status, answer = post(api, "query_at_ts", {"path": "notes:list", "args": {}, "ts": base64_of(1)})

    assert (status, answer["code"]) == (503, "OutOfRetention")


def test_a_timestamp_goes_out_of_retention(clock: ManualClock, emulator: Emulator, api: HttpApi) -> None:
    then = timestamp(api)
    add(emulator, "first")
    clock.advance(3600)
    add(emulator, "second")

    status, answer = post(api, "query_at_ts", {"path": "notes:list", "args": {}, "ts": then})

    assert (status, answer["code"]) == (503, "OutOfRetention")
    assert notes(api) == ["first", "second"]


def test_a_timestamp_is_required(api: HttpApi) -> None:
    status, answer = post(api, "query_at_ts", {"path": "notes:list", "args": {}})

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert "missing field `ts`" in answer["message"]


def test_a_timestamp_must_be_text(api: HttpApi) -> None:
    status, answer = post(api, "query_at_ts", {"path": "notes:list", "args": {}, "ts": 1})

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert "ts: invalid type: integer `1`, expected a string" in answer["message"]


# The deployment has no words for these: its own error, and nothing of the cause (convex-wire.md §1.7).
@pytest.mark.parametrize("ts", ["no base64!", "", "AAAA", "AAAAAAAAAAAAAA=="])
def test_a_timestamp_that_is_none_is_an_internal_error(api: HttpApi, ts: str) -> None:
    assert post(api, "query_at_ts", {"path": "notes:list", "args": {}, "ts": ts}) == (500, INTERNAL)


# query_batch


def test_a_batch_answers_in_order(api: HttpApi) -> None:
    calls = [{"path": "values:echo", "args": {"name": name}} for name in ("a", "b", "c")]

    status, answer = post(api, "query_batch", {"queries": calls})

    assert status == 200
    assert answer == {"results": [{"status": "success", "value": {"name": name}} for name in ("a", "b", "c")]}


def test_a_batch_may_be_empty(api: HttpApi) -> None:
    assert post(api, "query_batch", {"queries": []}) == (200, {"results": []})


def test_a_query_of_a_batch_may_fail_alone(api: HttpApi) -> None:
    calls = [{"path": f"notes:{name}", "args": {}} for name in ("missing", "add", "list")]

    status, answer = post(api, "query_batch", {"queries": calls})

    missing, wrong, good = answer["results"]
    assert status == 200
    assert missing["errorMessage"].endswith("Could not find public function for 'notes:missing'.\n")
    assert wrong["errorMessage"].endswith("as Query, but it is defined as Mutation.\n")
    assert good == {"status": "success", "value": []}


# A page of several queries must not show a thread and, beside it, messages of a later moment.
def test_all_queries_of_a_batch_see_the_same_moment(
    emulator: Emulator, api: HttpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = emulator.call

    def call_and_write(*args: Any, **options: Any) -> Any:
        outcome = call(*args, **options)
        emulator.run(lambda ctx: ctx.db.insert("notes", {"text": "written in between"}))
        return outcome

    monkeypatch.setattr(emulator, "call", call_and_write)

    _, answer = post(api, "query_batch", {"queries": 3 * [{"path": "notes:list", "args": {}}]})

    assert [result["value"] for result in answer["results"]] == [[], [], []]
    assert emulator.table_counts() == {"notes": 3}


def test_each_query_of_a_batch_has_its_format(emulator: Emulator, api: HttpApi) -> None:
    emulator.define("values:seven", query(lambda ctx, args: ConvexInt64(7)))
    calls: list[dict[str, Any]] = [
        {"path": "values:seven", "args": {}, "format": name} for name in ("json", "convex_json", None)
    ]

    _, answer = post(api, "query_batch", {"queries": calls}, **{"convex-client": "npm-1.4.0"})

    integer = {"$integer": "BwAAAAAAAAA="}
    assert [result["value"] for result in answer["results"]] == ["7", integer, integer]


# Here alone the format is read before the function runs.
def test_a_batch_reads_the_format_before_it_runs_a_query(emulator: Emulator, api: HttpApi) -> None:
    ran: list[Any] = []
    emulator.define("values:note", query(lambda ctx, args: ran.append(args)))

    status, answer = post(api, "query_batch", {"queries": [{"path": "values:note", "args": {}, "format": "xml"}]})

    assert (status, answer["code"], ran) == (400, "BadFormat", [])


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        ({"path": "a-b", "args": {}}, 400, "BadConvexFunctionIdentifier"),
        ({"path": "notes:list", "args": {}, "format": "xml"}, 400, "BadFormat"),
        ({"path": "_system/cli/tables", "args": {}}, 403, "SystemIdentityRequired"),
        ({"path": "notes:list"}, 400, "BadJsonBody"),
    ],
)
def test_one_request_that_is_none_fails_the_whole_batch(
    api: HttpApi, bad: dict[str, Any], status: int, code: str
) -> None:
    answered, answer = post(api, "query_batch", {"queries": [{"path": "notes:list", "args": {}}, bad]})

    assert (answered, answer["code"]) == (status, code)


@pytest.mark.parametrize("body", [{}, {"queries": {}}, {"queries": None}, [], None])
def test_a_batch_must_be_a_list_of_queries(api: HttpApi, body: Any) -> None:
    status, answer = post(api, "query_batch", body)

    assert (status, answer["code"]) == (400, "BadJsonBody")
    assert answer["message"].startswith("Failed to deserialize the JSON body into the target type: ")

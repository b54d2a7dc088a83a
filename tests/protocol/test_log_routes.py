"""The route of ``npx convex logs``: what is asked for, when it is answered, and what an entry looks like.

convex-backend crates/local_backend/src/logs.rs, crates/common/src/log_streaming.rs (convex-wire.md §5.2).
"""

import hashlib
import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, action, mutation, query
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from tests.protocol.admin_client import AdminClient
from tests.protocol.sync_client import ADMIN_KEY, SESSION_ID, SyncClient, add

PATH = "/api/stream_function_logs"
CLI = "npm-cli-1.48.0"
USAGE = """
databaseReadBytes databaseWriteBytes databaseIoReadBytes databaseIoWriteBytes databaseReadDocuments
databaseWriteDocuments storageReadBytes storageWriteBytes vectorIndexReadBytes vectorIndexWriteBytes
textIndexQueryBytes textIndexWriteQueryBytes vectorIndexReadQueryBytes vectorIndexWriteQueryBytes
networkEgressBytes memoryUsedMb
"""


def write(ctx: Any, args: Any) -> str:
    ctx.console.log("adding", 1)
    return str(ctx.db.insert("notes", {"n": 1.0}))


def fail(ctx: Any, args: Any) -> None:
    raise ValueError("boom")


def act(ctx: Any, args: Any) -> None:
    ctx.console.warn("before")
    ctx.run_mutation("notes:add", {})


@pytest.fixture
def admin(emulator: Emulator) -> AdminClient:
    emulator.define("notes:add", mutation(write))
    emulator.define("notes:fail", query(fail))
    emulator.define("notes:one", query(lambda ctx, args: 1))
    emulator.define("notes:act", action(act))
    return AdminClient(emulator)


def ask(
    admin: AdminClient, query_string: str, *, client: str | None = None, key: str | None = ADMIN_KEY, path: str = PATH
) -> HttpResponse:
    headers = {} if key is None else {"authorization": f"Convex {key}"}
    if client is not None:
        headers["convex-client"] = client
    return admin.api.http.handle(HttpRequest(method="GET", path=path, query=query_string, headers=headers))[0]


def told(response: HttpResponse) -> dict[str, Any]:
    """What is answered now: what there is to tell, else what is told when nothing happens for too long."""
    assert response.status == 200
    assert response.poll is not None
    body = response.poll.body()
    answer: dict[str, Any] = json.loads(response.body if body is None else body)
    return answer


def entries(admin: AdminClient, query_string: str = "cursor=0", client: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(ask(admin, query_string, client=client))["entries"]
    return found


def called(admin: AdminClient, kind: str, path: str, **headers: str) -> None:
    body = json.dumps({"path": path, "args": {}}).encode()
    sent = {"content-type": "application/json", **headers}
    admin.api.http.handle(HttpRequest(method="POST", path=f"/api/{kind}", headers=sent, body=body))


# When it is answered


def test_nothing_is_told_until_something_runs(admin: AdminClient) -> None:
    response = ask(admin, "cursor=0")
    assert response.poll is not None
    assert response.poll.body() is None
    assert json.loads(response.body) == {"entries": [], "newCursor": 0.0}

    wakings: list[int] = []
    with response.poll.watching(lambda: wakings.append(1)):
        admin.emulator.query("notes:one")
    admin.emulator.query("notes:one")

    assert wakings == [1]
    assert [entry["identifier"] for entry in told(response)["entries"]] == ["notes:one", "notes:one"]


def test_the_next_request_is_told_what_came_since(admin: AdminClient) -> None:
    admin.emulator.query("notes:one")
    first = told(ask(admin, "cursor=0"))
    admin.emulator.mutation("notes:add")

    second = told(ask(admin, f"cursor={first['newCursor']!r}"))
    third = told(ask(admin, f"cursor={second['newCursor']!r}"))

    assert [entry["identifier"] for entry in second["entries"]] == ["notes:add"]
    assert third == {"entries": [], "newCursor": second["newCursor"]}


# A client that was away for so long gets what is left, without a word of what is not.
def test_a_cursor_older_than_the_log_gets_all_there_is(admin: AdminClient) -> None:
    admin.emulator.query("notes:one")
    cursor = told(ask(admin, "cursor=0"))["newCursor"]
    for _ in range(1001):
        admin.emulator.mutation("notes:add")

    assert len(entries(admin, f"cursor={cursor!r}")) == 1000


def test_it_is_there_under_both_paths(admin: AdminClient) -> None:
    admin.emulator.query("notes:one")

    assert told(ask(admin, "cursor=0", path="/api/app_metrics/stream_function_logs")) == told(ask(admin, "cursor=0"))


# What is asked for


@pytest.mark.parametrize(
    ("query_string", "message"),
    [
        ("", "missing field `cursor`"),
        ("cursor", "cursor: cannot parse float from empty string"),
        ("cursor=", "cursor: cannot parse float from empty string"),
        ("cursor=x", "cursor: invalid float literal"),
        ("cursor=1_0", "cursor: invalid float literal"),
        ("cursor=%201", "cursor: invalid float literal"),
        ("cursor=+1", "cursor: invalid float literal"),
        ("cursor=0x10", "cursor: invalid float literal"),
        ("cursor=%D9%A1", "cursor: invalid float literal"),
        ("cursor=%FF", "cursor: invalid float literal"),
        ("cursor=1&cursor=1", "duplicate field `cursor`"),
        ("cursor=1&clientRequestCounter=-1", "clientRequestCounter: invalid digit found in string"),
        ("cursor=1&clientRequestCounter=4294967296", "clientRequestCounter: number too large to fit in target type"),
        (
            f"cursor=1&clientRequestCounter={'9' * 5000}",
            "clientRequestCounter: number too large to fit in target type",
        ),
    ],
)
def test_a_query_string_that_cannot_be_read(admin: AdminClient, query_string: str, message: str) -> None:
    response = ask(admin, query_string)

    assert response.status == 400
    assert json.loads(response.body) == {
        "code": "BadQueryArgs",
        "message": f"Failed to deserialize query string: {message}",
    }


@pytest.mark.parametrize("cursor", ["inf", "1e400", "NaN", "-Infinity"])
def test_a_cursor_that_json_cannot_hold_comes_back_as_null(admin: AdminClient, cursor: str) -> None:
    assert told(ask(admin, f"cursor={cursor}")) == {"entries": [], "newCursor": None}


@pytest.mark.parametrize("cursor", ["1.", ".5", "1e3", "%2B1", "-0", "1E-2"])
def test_numbers_are_read_as_rust_reads_them(admin: AdminClient, cursor: str) -> None:
    assert ask(admin, f"cursor={cursor}").status == 200


@pytest.mark.parametrize(("key", "status"), [(None, 403), ("other|key", 401)])
def test_only_administrators_are_told(admin: AdminClient, key: str | None, status: int) -> None:
    response = ask(admin, "cursor=0", key=key)

    assert (response.status, response.poll) == (status, None)


def test_a_session_that_is_none_is_an_internal_error(admin: AdminClient) -> None:
    assert ask(admin, "cursor=0&sessionId=me&clientRequestCounter=1").status == 500
    assert ask(admin, "cursor=0&sessionId=me").status == 200


# The dashboard follows one call of its own this way.
def test_runs_of_one_request_of_a_socket(admin: AdminClient) -> None:
    client = SyncClient(admin.api)
    for number in (7, 8):
        client.send(type="Action", requestId=number, udfPath="notes:act", args=[{}])
    client.run_actions()
    found = entries(admin, f"cursor=0&sessionId={SESSION_ID.upper()}&clientRequestCounter=7")

    digest = hashlib.sha256(f"{SESSION_ID}|7".encode()).hexdigest()[:16]
    assert [(entry["kind"], entry["identifier"], entry["requestId"]) for entry in found] == [
        ("Progress", "notes:act", digest),
        ("Completion", "notes:act", digest),
    ]


# What an entry looks like


def test_a_run_has_all_fields(admin: AdminClient) -> None:
    now_s = admin.emulator.clock.now_ns() / 1e9
    called(admin, "mutation", "notes:add", **{"convex-request-id": "0123456789abcdef"})

    [entry] = entries(admin)

    usage = entry.pop("usageStats")
    assert set(usage) == set(USAGE.split())
    assert usage.pop("databaseWriteDocuments") == 1
    assert usage.pop("databaseWriteBytes") > 10
    assert usage.pop("memoryUsedMb") == 64
    assert set(usage.values()) == {0}
    assert len(entry.pop("executionId")) == 36
    assert 0 < entry.pop("executionTime") < 10
    assert entry == {
        "kind": "Completion",
        "udfType": "Mutation",
        "componentPath": None,
        "identifier": "notes:add",
        "logLines": ["[LOG] 'adding' 1"],
        "timestamp": now_s,
        "cachedResult": False,
        "caller": "HttpApi",
        "parentExecutionId": None,
        "userExecutionTime": None,
        "success": None,
        "error": None,
        "requestId": "0123456789abcdef",
        "returnBytes": 34.0,
        "occInfo": None,
        "willRetry": False,
        "executionTimestamp": now_s,
        "identityType": "unknown",
        "environment": "isolate",
    }


def test_the_command_line_gets_lines_as_objects(admin: AdminClient) -> None:
    admin.emulator.mutation("notes:add")
    line = {
        "messages": ["'adding' 1"],
        "isTruncated": False,
        "timestamp": admin.emulator.clock.now_ns() // 1_000_000,
        "level": "LOG",
        "systemMetadata": None,
    }

    assert entries(admin, client=CLI)[0]["logLines"] == [line]
    assert entries(admin, client="dashboard-1.0.0")[0]["logLines"] == [line]
    assert entries(admin, client="npm-1.48.0")[0]["logLines"] == ["[LOG] 'adding' 1"]


@pytest.mark.parametrize(("length", "is_cut"), [(98, False), (99, True)])
def test_a_line_that_was_cut_says_so(length: int, is_cut: bool) -> None:
    admin = AdminClient(Emulator(limits=Limits(log_line_size_max=100)))
    admin.emulator.define("notes:long", query(lambda ctx, args: ctx.console.log("x" * length)))

    admin.emulator.query("notes:long")

    [line] = entries(admin, client=CLI)[0]["logLines"]
    assert (line["isTruncated"], len(line["messages"][0])) == (is_cut, 100)
    [text] = entries(admin)[0]["logLines"]
    assert text.endswith(" (truncated due to length)") == is_cut


# Lines of an action come once: while it runs, not again with its end.
def test_an_action_tells_its_lines_one_by_one(admin: AdminClient) -> None:
    admin.emulator.action("notes:act")

    line, called, acted = entries(admin)

    assert (line["kind"], line["identifier"], line["logLines"]) == ("Progress", "notes:act", ["[WARN] 'before'"])
    assert set(line) == {
        "kind", "udfType", "componentPath", "identifier", "timestamp", "logLines", "requestId", "executionId"
    }  # fmt: skip
    assert (acted["logLines"], line["executionId"]) == ([], acted["executionId"])
    assert (called["caller"], called["parentExecutionId"]) == ("Action", acted["executionId"])
    assert called["requestId"] == acted["requestId"] == line["requestId"]


def test_a_failure_is_told_with_its_frames(admin: AdminClient) -> None:
    called(admin, "query", "notes:fail", **{"convex-request-id": "a"})

    [entry] = entries(admin)

    assert entry["error"].startswith("Uncaught ValueError: boom\n    at fail (")
    assert (entry["returnBytes"], entry["requestId"]) == (None, "a")


def test_queries_of_a_socket_are_told_each_time_they_run(admin: AdminClient) -> None:
    client = SyncClient(admin.api)
    admin.emulator.define("notes:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    client.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[add(0, "notes:count")])
    client.update()
    client.send(type="Mutation", requestId=0, udfPath="notes:add", args=[{}])
    client.update()

    assert [(entry["identifier"], entry["caller"]) for entry in entries(admin)] == [
        ("notes:count", "SyncWorker"),
        ("notes:add", "SyncWorker"),
        ("notes:count", "SyncWorker"),
    ]


def test_who_called_is_told(admin: AdminClient) -> None:
    token = admin.emulator.issue_token(subject="ada")
    called(admin, "query", "notes:one", authorization=f"Bearer {token}")
    called(admin, "query", "notes:one", authorization=f"Convex {ADMIN_KEY}")
    called(admin, "query", "notes:one", authorization=f"Convex {ADMIN_KEY}:eyJpc3N1ZXIiOiJpIiwic3ViamVjdCI6InMifQ==")

    assert [entry["identityType"] for entry in entries(admin)] == ["user", "instance_admin", "member_acting_user"]

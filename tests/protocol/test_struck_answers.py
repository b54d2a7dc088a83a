"""What faults make of answers over HTTP and the sync protocol: statuses, bodies, delays, ends; without any socket."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, action, mutation, query
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.sync import SyncSession
from convex_mastra_emulator.protocol.sync_outputs import Close, Output, RunAction, UpdateLater, Wait
from tests.protocol.sync_client import SESSION_ID, add, api_of


def insert(ctx: Any, args: Mapping[str, Any]) -> int:
    ctx.db.insert("notes", {})
    return len(ctx.db.query("notes").collect())


@pytest.fixture
def convex() -> Emulator:
    emulator = Emulator(clock=ManualClock())
    emulator.define("notes:add", mutation(insert))
    emulator.define("notes:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    emulator.define("notes:other", query(lambda ctx, args: "other"))
    emulator.define("notes:act", action(lambda ctx, args: ctx.run_mutation("notes:add", {})))
    return emulator


@pytest.fixture
def api(convex: Emulator) -> DeploymentApi:
    return api_of(convex)


def stored(convex: Emulator) -> int:
    return convex.table_counts().get("notes", 0)


# HTTP


def post(api: DeploymentApi, route: str, path: str, **fields: Any) -> tuple[HttpResponse, list[str]]:
    body = json.dumps(fields or {"path": path, "args": {}}).encode()
    headers = {"content-type": "application/json", "origin": "http://page"}
    response, reports = api.http.handle(HttpRequest(method="POST", path=f"/api/{route}", headers=headers, body=body))
    return response, [report.outcome for report in reports]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("write_conflict", 503, "OptimisticConcurrencyControlFailure"),
        ("overloaded", 503, "ExecuteFullError"),
        ("rate_limited", 429, "TooManyConcurrentRequests"),
        ("refused", 400, "BadRequest"),
        ("internal", 500, "InternalServerError"),
    ],
)
def test_refusal_has_its_status(api: DeploymentApi, convex: Emulator, error: str, status: int, code: str) -> None:
    convex.faults.fail("notes:add", error, delay=0.5)

    response, outcomes = post(api, "mutation", "notes:add")

    answer = json.loads(response.body)
    assert (response.status, answer["code"], sorted(answer)) == (status, code, ["code", "message"])
    assert response.delay_seconds == (2.5 if error == "write_conflict" else 0.5)
    assert not response.is_cut
    assert outcomes == [f"refused: {code}"]
    assert stored(convex) == 0


@pytest.mark.parametrize(
    ("error", "is_cut", "is_stored"), [("connection_cut", True, False), ("answer_lost", True, True)]
)
def test_connection_is_to_be_closed(
    api: DeploymentApi, convex: Emulator, error: str, *, is_cut: bool, is_stored: bool
) -> None:
    convex.faults.fail("notes:add", error, times=1)

    response, outcomes = post(api, "mutation", "notes:add")

    assert (response.is_cut, stored(convex)) == (is_cut, is_stored)
    assert outcomes == [f"ok  [fault: {error}]"]
    assert not post(api, "mutation", "notes:add")[0].is_cut


def test_malformed_answer_is_half_of_one(api: DeploymentApi, convex: Emulator) -> None:
    whole, _ = post(api, "query", "notes:other")
    with convex.faults.fail("notes:other", "malformed_json"):
        response, _ = post(api, "query", "notes:other")

    assert (response.status, response.headers) == (200, whole.headers)
    assert response.body == whole.body[: len(whole.body) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)


def test_delay_is_the_servers_to_wait(api: DeploymentApi, convex: Emulator) -> None:
    begin = convex.clock.now_ns()
    convex.faults.fail("*", delay=3)

    response, _ = post(api, "query", "notes:other")

    assert (response.delay_seconds, response.status) == (3, 200)
    assert convex.clock.now_ns() == begin


# One request, one answer: what strikes any of its queries strikes all.
def test_batch_is_struck_as_one(api: DeploymentApi, convex: Emulator) -> None:
    convex.faults.fail("notes:count", delay=1)
    convex.faults.fail("notes:other", "answer_lost")
    queries: list[dict[str, Any]] = [
        {"path": path, "args": {}} for path in ("notes:count", "notes:other", "notes:count")
    ]

    response, _ = post(api, "query_batch", "", queries=queries)

    assert (response.is_cut, response.delay_seconds) == (True, 2)


def test_answers_without_faults_are_as_ever(api: DeploymentApi, convex: Emulator) -> None:
    convex.faults.fail("notes:add", "overloaded")

    response, outcomes = post(api, "query", "notes:other")

    assert (response.delay_seconds, response.is_cut, outcomes) == (0, False, ["ok"])


# The sync protocol


class Socket:
    """A session, spoken to in raw messages."""

    def __init__(self, api: DeploymentApi) -> None:
        open_session = api.sync_endpoint("/api/1.48.0/sync", None)
        assert open_session is not None
        self.session: SyncSession = open_session(lambda: None)
        self.send(type="Connect", sessionId=SESSION_ID, connectionCount=0)
        self._version = 0

    def send(self, **message: Any) -> list[Output]:
        return self.session.receive(json.dumps(message))

    def mutate(self, request_id: int = 0, path: str = "notes:add") -> list[Output]:
        return self.send(type="Mutation", requestId=request_id, udfPath=path, args=[{}])

    def act(self) -> list[Output]:
        [output] = self.send(type="Action", requestId=0, udfPath="notes:act", args=[{}])
        assert isinstance(output, RunAction)
        return output.run()

    def subscribe(self, *paths: str) -> list[Output]:
        modifications = [add(number, path) for number, path in enumerate(paths)]
        self.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=modifications)
        return self.session.update()


@pytest.fixture
def socket(api: DeploymentApi) -> Socket:
    return Socket(api)


def message(output: Output) -> dict[str, Any]:
    assert isinstance(output, str)
    return dict(json.loads(output))


# crates/errors/src/lib.rs ``close_frame``: never a MutationResponse
@pytest.mark.parametrize(
    ("error", "close"),
    [
        ("overloaded", Close(1013, "ExecuteFullError")),
        ("rate_limited", Close(1013, "TooManyConcurrentRequests")),
        ("internal", Close(1011, "InternalServerError")),
        ("connection_cut", Close(1006)),
        ("answer_lost", Close(1006)),
    ],
)
@pytest.mark.parametrize("kind", ["mutation", "action"])
def test_fault_of_a_call_ends_the_socket(socket: Socket, convex: Emulator, kind: str, error: str, close: Close) -> None:
    convex.faults.fail("notes:add" if kind == "mutation" else "notes:act", error, delay=1)

    outputs = socket.mutate() if kind == "mutation" else socket.act()

    assert outputs == [Wait(1), close]
    assert stored(convex) == (error == "answer_lost")


def test_fifth_conflict_ends_the_socket(socket: Socket, convex: Emulator) -> None:
    convex.faults.fail("notes:add", "write_conflict", times=5)

    assert socket.mutate() == [Close(1013, "OptimisticConcurrencyControlFailure")]
    assert isinstance(socket.mutate(1)[0], str)


def test_bad_request_is_a_fatal_error(socket: Socket, convex: Emulator) -> None:
    convex.faults.fail("notes:add", "refused", message="No.")

    text, close = socket.mutate()

    assert message(text) == {"type": "FatalError", "error": "No."}
    assert close == Close()


def test_malformed_and_late_answers(socket: Socket, convex: Emulator) -> None:
    with convex.faults.fail("notes:add", "malformed_json", delay=2):
        wait, text = socket.mutate()

    assert wait == Wait(2)
    assert isinstance(text, str)
    assert text.startswith('{"type":"MutationResponse"')
    assert not text.endswith("}")
    assert stored(convex) == 1


# The client comes back and sends again what it got no answer for; it must not run twice, and is answered now.
def test_lost_answer_is_told_when_it_is_asked_for_again(api: DeploymentApi, convex: Emulator) -> None:
    convex.faults.fail("notes:add", "answer_lost")

    assert Socket(api).mutate(7) == [Close(1006)]
    [answer] = Socket(api).mutate(7)

    assert (message(answer)["result"], stored(convex)) == (1, 1)


# Nothing ran: sent again, it must run.
@pytest.mark.parametrize("error", ["connection_cut", "overloaded", "write_conflict"])
def test_call_that_did_not_run_runs_when_it_is_sent_again(api: DeploymentApi, convex: Emulator, error: str) -> None:
    with convex.faults.fail("notes:add", error):
        assert isinstance(Socket(api).mutate(7)[0], Close)
    assert stored(convex) == 0

    [answer] = Socket(api).mutate(7)

    assert (message(answer)["result"], stored(convex)) == (1, 1)


@pytest.mark.parametrize("error", ["connection_cut", "answer_lost"])
def test_fault_of_a_query_cuts_the_socket(socket: Socket, convex: Emulator, error: str) -> None:
    convex.faults.fail("notes:count", error)

    assert socket.subscribe("notes:other", "notes:count") == [Close(1006)]


def test_late_and_malformed_transition(socket: Socket, convex: Emulator) -> None:
    convex.faults.fail("notes:count", delay=1)
    convex.faults.fail("notes:other", "malformed_json", delay=2)

    wait, text = socket.subscribe("notes:other", "notes:count")

    assert wait == Wait(3)
    assert isinstance(text, str)
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


# crates/sync/src/worker.rs: a query that meets overload is tried again with back-off, and nothing is told meanwhile.
@pytest.mark.parametrize("error", ["overloaded", "internal"])
def test_overloaded_query_is_tried_again_later(socket: Socket, convex: Emulator, error: str) -> None:
    convex.faults.fail("notes:count", error, times=3)

    waits = [socket.subscribe("notes:other", "notes:count"), socket.session.update(), socket.session.update()]
    [transition] = socket.session.update()

    assert waits == [[UpdateLater(0.5)], [UpdateLater(1.0)], [UpdateLater(2.0)]]
    told = message(transition)["modifications"]
    assert [(query["queryId"], query["value"]) for query in told] == [(0, "other"), (1, 0)]


# What ran before the query that failed is told with it, once, and is watched once.
def test_queries_that_wait_with_another_are_told_of_changes_afterwards(socket: Socket, convex: Emulator) -> None:
    with convex.faults.fail("notes:other", "overloaded", times=1):
        assert socket.subscribe("notes:count", "notes:other") == [UpdateLater(0.5)]
    convex.mutation("notes:add")
    [transition] = socket.session.update()
    assert [query["value"] for query in message(transition)["modifications"]] == [1, "other"]

    convex.mutation("notes:add")
    assert socket.session.needs_update
    [transition] = socket.session.update()

    assert [query["value"] for query in message(transition)["modifications"]] == [2]


def test_rate_limited_query_ends_the_socket(socket: Socket, convex: Emulator) -> None:
    convex.faults.fail("notes:count", "rate_limited")

    assert socket.subscribe("notes:count") == [Close(1013, "TooManyConcurrentRequests")]


# The end at a message


def test_socket_ends_instead_of_its_message(api: DeploymentApi, convex: Emulator) -> None:
    convex.faults.close_socket(at_message=2, code=1001)
    first, second = Socket(api), Socket(api)

    assert [first.session.to_send(text) for text in ("a", "b")] == ["a", Close(1001)]
    assert [second.session.to_send(text) for text in ("a", "b", "c")] == ["a", "b", "c"]
    assert [(entry.kind, entry.fault) for entry in convex.journal] == [("socket", "close_socket 1001 at message 2")]


def test_messages_count_before_a_fault_is_armed(socket: Socket, convex: Emulator) -> None:
    socket.session.to_send("a")
    convex.faults.close_socket(at_message=2)

    assert socket.session.to_send("b") == Close(1006)

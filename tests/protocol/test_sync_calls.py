"""Mutations and actions over the sync protocol, without sockets.

convex-backend crates/sync/src/worker.rs, crates/application/src/application_function_runner/mod.rs,
crates/common/src/execution_context.rs (convex-wire.md §1.6, §3.3 and §3.5).
"""

import hashlib
import threading
from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.errors import DeploymentError, ErrorKind, ThrownError
from convex_mastra_emulator.protocol.sync import SessionRequests
from convex_mastra_emulator.protocol.sync_outputs import Close
from convex_mastra_emulator.runtime.calls import Outcome
from tests.protocol.sync_client import ADMIN_KEY, SESSION_ID, SyncClient, add, api_of

OTHER_SESSION_ID = "00000000-0000-4000-8000-000000000001"
# The first 16 hexadecimal digits of sha256("{session}|{request}").
REQUEST_7 = hashlib.sha256(f"{SESSION_ID}|7".encode()).hexdigest()[:16]


def count_up(ctx: Any, args: Any) -> float:
    rows = ctx.db.query("counters").collect()
    if rows:
        ctx.db.patch(rows[0]["_id"], {"n": rows[0]["n"] + 1})
        return float(rows[0]["n"] + 1)
    ctx.db.insert("counters", {"n": 1})
    return 1.0


def refuse(ctx: Any, args: Any) -> None:
    ctx.console.log("about to fail")
    if args.get("data") is not None:
        raise ConvexError("", args["data"])
    raise ThrownError("no such thing")


def counter(ctx: Any, args: Any) -> Any:
    return [row["n"] for row in ctx.db.query("counters").collect()]


@pytest.fixture
def deployment(emulator: Emulator) -> Emulator:
    emulator.define("counters:up", mutation(count_up))
    emulator.define("counters:all", query(counter))
    emulator.define("counters:refuse", mutation(refuse))
    emulator.define("counters:refuseAction", action(refuse))
    emulator.define("counters:act", action(lambda ctx, args: ctx.run_mutation("counters:up")))
    return emulator


@pytest.fixture
def client(deployment: Emulator) -> SyncClient:
    return SyncClient(api_of(deployment))


# Failures


def test_failed_mutation_tells_why(client: SyncClient) -> None:
    response = client.mutate(7, "counters:refuse")

    text = response.pop("result")
    assert text.startswith(f"[Request ID: {REQUEST_7}] Server Error\nUncaught Error: no such thing\n    at refuse (")
    assert response == {
        "type": "MutationResponse",
        "requestId": 7,
        "success": False,
        "ts": None,
        "logLines": ["[LOG] 'about to fail'"],
    }


@pytest.mark.parametrize("data", ["text", {"code": 1.0}, [None]])
def test_data_of_a_convex_error_is_told(client: SyncClient, data: Any) -> None:
    assert client.mutate(0, "counters:refuse", {"data": data})["errorData"] == data


def test_failed_mutation_is_followed_by_a_transition(client: SyncClient) -> None:
    client.mutate(0, "counters:refuse")

    assert client.transition()["modifications"] == []
    assert client.closed is None


def test_missing_function_is_a_failure(client: SyncClient) -> None:
    response = client.mutate(7, "counters:missing")

    assert response["result"] == (
        f"[Request ID: {REQUEST_7}] Server Error\nCould not find public function for 'counters:missing'.\n"
    )
    assert response["logLines"] == []


def test_argument_that_is_no_value_is_a_failure(client: SyncClient) -> None:
    response = client.mutate(0, "counters:up", {"n": {"$integer": "too short"}})

    assert "Invalid arguments for counters.js:up: " in response["result"]


def test_redacted_failure_keeps_request_id_and_data() -> None:
    with Emulator(seed=1, redact_errors=True) as emulator:
        emulator.define("counters:refuse", mutation(refuse))
        client = SyncClient(api_of(emulator))

        response = client.mutate(7, "counters:refuse", {"data": "for the client"})

    assert response["result"] == f"[Request ID: {REQUEST_7}] Server Error"
    assert (response["errorData"], response["logLines"]) == ("for the client", [])


# Errors of the deployment end the socket; they are no answer of a mutation (convex-wire.md §1.8).
@pytest.mark.parametrize(
    ("kind", "close"),
    [
        (ErrorKind.INTERNAL, Close(1011, "TheCode")),
        (ErrorKind.OVERLOADED, Close(1013, "TheCode")),
        (ErrorKind.OUT_OF_RETENTION, Close(1013, "TheCode")),
        (ErrorKind.NOT_FOUND, Close(1000, "TheCode")),
    ],
)
def test_error_of_the_deployment_closes(
    client: SyncClient, deployment: Emulator, monkeypatch: pytest.MonkeyPatch, kind: ErrorKind, close: Close
) -> None:
    def fail(*args: Any, **options: Any) -> Outcome:
        raise DeploymentError("the deployment failed", code="TheCode", kind=kind)

    monkeypatch.setattr(deployment, "call", fail)

    assert client.send(type="Mutation", requestId=0, udfPath="counters:up", args=[{}]) == []
    assert client.closed == close


@pytest.mark.parametrize("kind", ["Mutation", "Action"])
def test_system_function_is_fatal_to_others_than_administrators(client: SyncClient, kind: str) -> None:
    answers = client.send(type=kind, requestId=0, udfPath="_system/cli/tables", args=[{}]) + client.run_actions()

    assert answers == [{"type": "FatalError", "error": f"Operation {kind.lower()} not permitted"}]
    assert client.closed == Close(1000)


# Components


@pytest.mark.parametrize("kind", ["Mutation", "Action"])
def test_component_is_closed_to_others_than_administrators(client: SyncClient, kind: str) -> None:
    assert client.send(type=kind, requestId=0, udfPath="counters:up", args=[{}], componentPath="auth") == []

    assert client.closed == Close(1011, "InternalServerError")


def test_component_of_a_query_is_closed_to_others_than_administrators(client: SyncClient) -> None:
    message = add(0, "counters:all", componentPath="auth")

    assert client.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[message]) == []
    assert client.closed == Close(1011, "InternalServerError")


# There are no components here: the function of the root must not run in the place of one.
@pytest.mark.parametrize(
    "message",
    [
        {"type": "Mutation", "requestId": 0, "udfPath": "counters:up", "args": [{}], "componentPath": "auth"},
        {
            "type": "ModifyQuerySet",
            "baseVersion": 0,
            "newVersion": 1,
            "modifications": [add(0, "counters:all", componentPath="auth")],
        },
    ],
    ids=["mutation", "query"],
)
def test_unknown_component_is_fatal_to_administrators(client: SyncClient, message: dict[str, Any]) -> None:
    client.send(type="Authenticate", baseVersion=0, tokenType="Admin", value=ADMIN_KEY)

    assert client.send(**message) == [{"type": "FatalError", "error": "Component path 'auth' not found"}]
    assert client.closed == Close()


# The CLI names the root so.
def test_root_component_may_be_named(client: SyncClient) -> None:
    [response] = client.send(type="Mutation", requestId=0, udfPath="counters:up", args=[{}], componentPath="")

    assert response["result"] == 1.0


# Actions


def test_action_runs_beside_the_socket(client: SyncClient) -> None:
    assert client.send(type="Action", requestId=0, udfPath="counters:act", args=[{}]) == []
    assert client.mutate(1, "counters:up")["result"] == 1.0

    assert client.run_actions() == [
        {"type": "ActionResponse", "requestId": 0, "success": True, "result": 2.0, "logLines": []}
    ]


def test_action_is_followed_by_a_transition(client: SyncClient) -> None:
    client.modify(add(0, "counters:all"))
    client.send(type="Action", requestId=0, udfPath="counters:act", args=[{}])
    client.run_actions()

    assert client.transition()["modifications"][0]["value"] == [1.0]


def test_failed_action_tells_why(client: SyncClient) -> None:
    client.send(type="Action", requestId=7, udfPath="counters:refuseAction", args=[{"data": "why"}])

    [response] = client.run_actions()

    assert response["result"].startswith(f"[Request ID: {REQUEST_7}] Server Error\nUncaught ConvexError: why\n")
    assert (response["success"], response["errorData"]) == (False, "why")
    assert response["logLines"] == ["[LOG] 'about to fail'"]
    assert "ts" not in response


# An action that was sent before a log-out still belongs to who sent it.
def test_action_runs_as_who_the_client_was_when_it_came(client: SyncClient, deployment: Emulator) -> None:
    deployment.define("counters:who", action(lambda ctx, args: ctx.auth.get_user_identity()["subject"]))
    client.send(type="Authenticate", baseVersion=0, tokenType="User", value=deployment.issue_token(subject="ada"))
    client.send(type="Action", requestId=0, udfPath="counters:who", args=[{}])
    client.send(type="Authenticate", baseVersion=1, tokenType="None")

    assert client.run_actions()[0]["result"] == "ada"


# Once only


# npm keeps its session over reconnects and sends again whatever was not answered (convex-wire.md §3.5).
def test_repeated_mutation_runs_once(deployment: Emulator) -> None:
    api = api_of(deployment)
    first = SyncClient(api).mutate(0, "counters:up")

    again = SyncClient(api).mutate(0, "counters:up")

    assert again == first
    assert deployment.query("counters:all") == [1.0]


def test_failed_mutation_runs_again(deployment: Emulator) -> None:
    api = api_of(deployment)
    assert not SyncClient(api).mutate(0, "counters:late")["success"]
    deployment.define("counters:late", mutation(count_up))

    assert SyncClient(api).mutate(0, "counters:late")["success"]


def test_sessions_number_their_requests_apart(deployment: Emulator) -> None:
    api = api_of(deployment)

    SyncClient(api).mutate(0, "counters:up")
    SyncClient(api, session_id=OTHER_SESSION_ID).mutate(0, "counters:up")

    assert deployment.query("counters:all") == [2.0]


def test_requests_of_one_session_are_told_apart(client: SyncClient, deployment: Emulator) -> None:
    client.mutate(0, "counters:up")
    client.mutate(1, "counters:up")

    assert deployment.query("counters:all") == [2.0]


# A client that lost its socket while the mutation ran sends it again before the first run has ended.
def test_mutation_repeated_while_it_runs_runs_once(deployment: Emulator) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def slow(ctx: Any, args: Any) -> float:
        has_begun.set()
        assert may_end.wait(20)
        return count_up(ctx, args)

    deployment.define("counters:slow", mutation(slow))
    api = api_of(deployment)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(SyncClient(api).mutate(0, "counters:slow"))) for _ in range(2)
    ]
    threads[0].start()
    assert has_begun.wait(20)
    threads[1].start()
    may_end.set()
    for thread in threads:
        thread.join(20)

    assert [answer["result"] for answer in answers] == [1.0, 1.0]
    assert deployment.query("counters:all") == [1.0]


def test_the_oldest_answers_are_forgotten() -> None:
    requests = SessionRequests(size_max=2)
    for number in range(3):
        requests.keep(SESSION_ID, number, Outcome(value=number))

    assert requests.find(SESSION_ID, 0) is None
    assert [outcome.value for number in (1, 2) if (outcome := requests.find(SESSION_ID, number))] == [1, 2]

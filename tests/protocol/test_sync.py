"""The sync protocol without sockets: connections, query sets, and the order of what a client is told.

convex-backend crates/sync/src/worker.rs and state.rs, crates/convex/sync_types/src/types/json.rs
(convex-wire.md §3.1 to §3.8).
"""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, action, mutation, query
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.sync_outputs import Close
from tests.protocol.sync_client import ADMIN_KEY, SESSION_ID, ZEROS, SyncClient, add, nanoseconds, remove

NOW_MS = 1_700_000_000_000
CONFUSED = Close(1011, "InternalServerError")


def texts(ctx: Any, args: Any) -> list[str]:
    ctx.console.log("query ran")
    return [note["text"] for note in ctx.db.query("notes").collect()]


def write(ctx: Any, args: Any) -> dict[str, bool]:
    ctx.console.log("mutation ran")
    ctx.db.insert("notes", args)
    return {"ok": True}


@pytest.fixture
def client(api: DeploymentApi) -> SyncClient:
    return SyncClient(api)


@pytest.fixture
def api(emulator: Emulator) -> DeploymentApi:
    emulator.define("notes:list", query(texts))
    emulator.define("notes:write", mutation(write))
    emulator.define("notes:echo", query(lambda ctx, args: args))
    emulator.define("notes:run", action(lambda ctx, args: args))
    return DeploymentApi(emulator, admin_key=ADMIN_KEY, instance_name="happy-animal-123")


# Captured sessions

# The texts are those PyPI convex 0.8.1 sent, key for key (convex-wire.md §3.7).
PYPI_CONNECT = (
    '{"type":"Connect","sessionId":"e12e4ba6-2371-4018-a6c8-6cf56a737da3","connectionCount":0,'
    '"lastCloseReason":"InitialConnect","clientTs":0}'
)
PYPI_ARGS = (
    '{"a":1.0,"b":{"$bytes":"AAE="},"big":1e+20,"half":1.5,"i":{"$integer":"BwAAAAAAAAA="},'
    '"inf":{"$float":"AAAAAAAA8H8="},"l":[1.0,2.5,null,true],"nz":{"$float":"AAAAAAAAAIA="},"s":"x"}'
)
PYPI_ADD = (
    '{"modifications":[{"args":[' + PYPI_ARGS + '],"type":"Add","queryId":0,"udfPath":"notes:echo"}],'
    '"type":"ModifyQuerySet","baseVersion":0,"newVersion":1}'
)
PYPI_REMOVE = '{"modifications":[{"type":"Remove","queryId":0}],"type":"ModifyQuerySet","baseVersion":1,"newVersion":2}'
PYPI_MUTATION = '{"args":[{"text":"hi"}],"type":"Mutation","requestId":0,"udfPath":"notes:write"}'
PYPI_ACTION = '{"args":[{"x":1.0}],"type":"Action","requestId":3,"udfPath":"notes:run"}'
PYPI_CLEAR_AUTH = '{"type":"Authenticate","baseVersion":0,"tokenType":"None"}'
PYPI_ADMIN_AUTH = f'{{"type":"Authenticate","baseVersion":1,"tokenType":"Admin","value":"{ADMIN_KEY}"}}'


def test_the_captured_session_of_pypi(api: DeploymentApi) -> None:
    client = SyncClient(api, session_id=None)

    assert client.send_text(PYPI_CONNECT) == []
    assert not client.session.needs_update

    assert client.send_text(PYPI_ADD) == []
    first = client.transition()
    assert first["startVersion"] == ZEROS
    assert first["endVersion"] | {"ts": None} == {"querySet": 1, "identity": 0, "ts": None}
    [update] = first["modifications"]
    value = update.pop("value")
    assert update == {"type": "QueryUpdated", "queryId": 0, "logLines": [], "journal": None}
    assert (value["i"], value["b"]) == ({"$integer": "BwAAAAAAAAA="}, {"$bytes": "AAE="})
    assert (value["inf"], value["nz"]) == ({"$float": "AAAAAAAA8H8="}, {"$float": "AAAAAAAAAIA="})
    assert (value["a"], value["big"], value["l"]) == (1.0, 1e20, [1.0, 2.5, None, True])

    assert client.send_text(PYPI_REMOVE) == []
    assert client.transition()["modifications"] == [{"type": "QueryRemoved", "queryId": 0}]

    [response] = client.send_text(PYPI_MUTATION)
    committed = response.pop("ts")
    assert response == {
        "type": "MutationResponse",
        "requestId": 0,
        "success": True,
        "result": {"ok": True},
        "logLines": ["[LOG] 'mutation ran'"],
    }
    after = client.transition()
    assert after["modifications"] == []
    assert nanoseconds(after["endVersion"]["ts"]) >= nanoseconds(committed)

    assert client.send_text(PYPI_ACTION) == []
    assert client.run_actions() == [
        {"type": "ActionResponse", "requestId": 3, "success": True, "result": {"x": 1.0}, "logLines": []}
    ]
    client.transition()

    assert client.send_text(PYPI_CLEAR_AUTH) == []
    assert client.transition()["endVersion"]["identity"] == 1
    assert client.send_text(PYPI_ADMIN_AUTH) == []
    assert client.transition()["endVersion"]["identity"] == 2


# The socket goes on while an action runs: an update because of it must not overtake its answer.
def test_an_action_brings_an_update_when_its_answer_was_sent(client: SyncClient) -> None:
    assert client.send(type="Action", requestId=0, udfPath="notes:run", args=[{}]) == []
    [action] = client.actions
    [_answer] = action.run()
    assert not client.session.needs_update

    client.session.action_ended()

    assert client.session.needs_update


# npm sends everything again on a new socket, in this order, and throws when a Transition does not begin where the
# last one ended (convex-wire.md §3.4, §3.6).
def test_npm_comes_back_on_a_new_socket(api: DeploymentApi) -> None:
    first = SyncClient(api, client=None, path="/api/1.48.0/sync", clientTs=NOW_MS)
    first.modify(add(0, "notes:list"))
    first.mutate(0, "notes:write", {"text": "sent before the socket broke"})

    second = SyncClient(
        api,
        client=None,
        path="/api/1.48.0/sync",
        lastCloseReason="InternalServerError",
        maxObservedTimestamp=first.version["ts"],
        clientTs=NOW_MS,
    )
    second.send(type="Authenticate", baseVersion=0, tokenType="Admin", value=ADMIN_KEY)
    second.send_modify(add(0, "notes:list"))
    second.mutate(0, "notes:write", {"text": "sent before the socket broke"})
    transition = second.transition()

    assert transition["startVersion"] == ZEROS
    assert (transition["endVersion"]["querySet"], transition["endVersion"]["identity"]) == (1, 1)
    [update] = transition["modifications"]
    assert update["value"] == ["sent before the socket broke"]


# npm sends ModifyQuerySet 0→1 at once, also when nothing is subscribed yet.
def test_an_empty_query_set_is_answered(client: SyncClient) -> None:
    assert client.modify() == []
    assert client.version["querySet"] == 1


# Connect


def test_connect_is_not_answered(client: SyncClient) -> None:
    assert not client.session.needs_update
    assert client.closed is None


def test_second_connect_closes(client: SyncClient) -> None:
    assert client.send(type="Connect", sessionId=SESSION_ID, connectionCount=1) == []

    assert client.closed == CONFUSED


# The Rust client refuses anything but an integer or null.
@pytest.mark.parametrize(
    ("connect", "skew_ms"),
    [({"clientTs": NOW_MS + 250}, 250), ({"clientTs": 0}, -NOW_MS), ({}, None), ({"clientTs": None}, None)],
    ids=["ahead", "of PyPI", "absent", "null"],
)
def test_clock_skew_is_an_integer_or_null(api: DeploymentApi, connect: dict[str, Any], skew_ms: int | None) -> None:
    client = SyncClient(api, **connect)
    client.send_modify()

    skew = client.transition()["clientClockSkew"]

    assert (skew, type(skew)) == (skew_ms, type(skew_ms))


def test_every_transition_says_when_it_was_sent(client: SyncClient, clock: ManualClock) -> None:
    client.send_modify()
    sent = client.transition()["serverTs"]
    clock.advance(2)
    client.send_modify()

    assert sent == NOW_MS * 1_000_000
    assert client.transition()["serverTs"] == sent + 2_000_000_000


def test_ping_has_nothing_but_its_type(client: SyncClient) -> None:
    assert client.session.ping() == '{"type":"Ping"}'


def test_event_is_ignored(client: SyncClient) -> None:
    assert client.send(type="Event", eventType="ClientConnect", event={"session": 1}) == []

    assert not client.session.needs_update
    assert client.closed is None


def test_binary_frame_closes(client: SyncClient) -> None:
    assert client.send_bytes() == []

    assert client.closed == CONFUSED


# Query sets


def test_wrong_base_version_is_fatal(client: SyncClient) -> None:
    client.modify()

    [error] = client.send(type="ModifyQuerySet", baseVersion=2, newVersion=3, modifications=[])

    assert error == {
        "type": "FatalError",
        "error": "Base version 2 passed up doesn't match the current version 1",
    }
    assert client.closed == Close()


# The base counts what was received, not what was answered: clients do not wait for Transitions.
def test_base_version_is_that_of_the_last_message(client: SyncClient) -> None:
    client.send_modify(add(0, "notes:list"))
    client.send_modify(add(1, "notes:echo"))

    transition = client.transition()

    assert transition["endVersion"]["querySet"] == 2
    assert [update["queryId"] for update in transition["modifications"]] == [0, 1]
    assert not client.session.needs_update


@pytest.mark.parametrize("new_version", [0, 1])
def test_new_version_must_be_larger(client: SyncClient, new_version: int) -> None:
    client.modify()

    assert client.send(type="ModifyQuerySet", baseVersion=1, newVersion=new_version, modifications=[]) == []
    assert client.closed == CONFUSED


def test_new_version_may_leap(client: SyncClient) -> None:
    client.send(type="ModifyQuerySet", baseVersion=0, newVersion=7, modifications=[])

    assert client.transition()["endVersion"]["querySet"] == 7


@pytest.mark.parametrize(
    "modifications",
    [[add(0, "notes:list")], [remove(1)], [remove(0), remove(0)], [add(1, "notes:list"), add(1, "notes:list")]],
    ids=["add twice", "remove unknown", "remove twice", "add twice at once"],
)
def test_impossible_change_closes(client: SyncClient, modifications: list[dict[str, Any]]) -> None:
    client.modify(add(0, "notes:list"))

    assert client.send(type="ModifyQuerySet", baseVersion=1, newVersion=2, modifications=modifications) == []
    assert client.closed == CONFUSED


def test_modifications_are_sorted_by_query(client: SyncClient) -> None:
    client.modify(add(9, "notes:list"))

    told = client.modify(add(12, "notes:echo"), remove(9), add(3, "notes:list"))

    assert [(change["type"], change["queryId"]) for change in told] == [
        ("QueryUpdated", 3),
        ("QueryRemoved", 9),
        ("QueryUpdated", 12),
    ]


def test_query_removed_and_added_again_is_told_once(client: SyncClient) -> None:
    client.modify(add(0, "notes:list"))

    [update] = client.modify(remove(0), add(0, "notes:echo", {"n": 1.0}))

    assert (update["type"], update["value"]) == ("QueryUpdated", {"n": 1.0})


def test_removed_query_is_not_watched(client: SyncClient, emulator: Emulator) -> None:
    client.modify(add(0, "notes:list"))
    client.modify(remove(0))

    emulator.mutation("notes:write", {"text": "x"})

    assert client.wakings == 0


def test_closed_session_is_not_woken(client: SyncClient, emulator: Emulator) -> None:
    client.modify(add(0, "notes:list"))
    client.session.close()

    emulator.mutation("notes:write", {"text": "x"})

    assert client.wakings == 0


# What is told, and when


# A client takes the result of its mutation to be in what it shows once the Transition behind the response is there.
def test_response_comes_before_a_transition_that_is_not_older(client: SyncClient) -> None:
    client.modify(add(0, "notes:list"))

    response = client.mutate(0, "notes:write", {"text": "new"})
    transition = client.transition()

    assert nanoseconds(transition["endVersion"]["ts"]) >= nanoseconds(response["ts"])
    [update] = transition["modifications"]
    assert (update["value"], update["logLines"]) == (["new"], ["[LOG] 'query ran'"])


def test_write_of_somebody_else_wakes_and_is_told(client: SyncClient, emulator: Emulator) -> None:
    client.modify(add(0, "notes:list"))

    emulator.mutation("notes:write", {"text": "theirs"})

    assert client.wakings == 1
    [update] = client.transition()["modifications"]
    assert update["value"] == ["theirs"]


def test_many_writes_are_told_in_one_transition(client: SyncClient, emulator: Emulator) -> None:
    client.modify(add(0, "notes:list"))

    for text in ("one", "two", "three"):
        emulator.mutation("notes:write", {"text": text})

    [update] = client.transition()["modifications"]
    assert update["value"] == ["one", "two", "three"]
    assert not client.session.needs_update


# What a query read may change without its result: the client gets an empty Transition, which is legal.
def test_unchanged_result_is_not_told_again(client: SyncClient, emulator: Emulator) -> None:
    note = emulator.run(lambda ctx: ctx.db.insert("notes", {"text": "x"}))
    client.modify(add(0, "notes:list"), add(1, "notes:echo"))

    emulator.run(lambda ctx: ctx.db.patch(note, {"seen": True}))

    assert client.wakings == 1
    assert client.transition()["modifications"] == []


def test_transition_without_a_change_is_legal(client: SyncClient) -> None:
    client.mutate(0, "notes:write", {"text": "x"})
    client.transition()
    client.mutate(1, "notes:missing")

    assert client.transition()["modifications"] == []


def test_changed_log_lines_are_told(client: SyncClient, emulator: Emulator) -> None:
    def count(ctx: Any, args: Any) -> None:
        ctx.console.warn(f"{len(ctx.db.query('notes').collect())} notes")

    emulator.define("notes:count", query(count))
    client.modify(add(0, "notes:count"))

    emulator.mutation("notes:write", {"text": "x"})

    [update] = client.transition()["modifications"]
    assert (update["value"], update["logLines"]) == (None, ["[WARN] '1 notes'"])


def test_results_of_one_transition_are_of_one_time(client: SyncClient, emulator: Emulator) -> None:
    client.modify(add(0, "notes:list"), add(1, "notes:list", {"again": True}))

    emulator.mutation("notes:write", {"text": "x"})

    values = [update["value"] for update in client.transition()["modifications"]]
    assert values == [["x"], ["x"]]


def test_time_never_goes_back(client: SyncClient, emulator: Emulator, clock: ManualClock) -> None:
    client.modify(add(0, "notes:list"))
    for seconds in (0, 5, 0):
        clock.advance(seconds)
        emulator.mutation("notes:write", {"text": "x"})
        client.transition()  # holds its times against those of the last one

    assert nanoseconds(client.version["ts"]) > (NOW_MS + 5000) * 1_000_000


# `rollback()` takes a client's data away like a commit would; a live page must not go on showing it.
def test_rollback_is_told(client: SyncClient, emulator: Emulator) -> None:
    with emulator.rollback():
        emulator.mutation("notes:write", {"text": "not to stay"})
        [update] = client.modify(add(0, "notes:list"))
        assert update["value"] == ["not to stay"]

    [update] = client.transition()["modifications"]
    assert update["value"] == []


def test_calls_are_reported_for_the_log(client: SyncClient) -> None:
    client.modify(add(0, "notes:list"))
    client.mutate(0, "notes:write", {"text": "x"})

    assert [(report.path, report.kind, report.outcome) for report in client.session.reports] == [
        ("notes:list", "query", "ok"),
        ("notes:write", "mutation", "ok"),
    ]

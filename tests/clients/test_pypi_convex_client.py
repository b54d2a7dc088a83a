"""PyPI `convex.ConvexClient`, the WebSocket client, against a served child process.

The client waits with the GIL held and without an end: the server must be another process, and every call stands under
a deadline that names the URL, the call and what the server saw last.
"""

import math
import re
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from convex import ConvexClient, ConvexError, ConvexInt64

from convex_mastra_emulator.server.process import ServedProcess
from pytest_mastra_convex.deadline import DeadlineExceeded, deadline
from tests.clients.live_functions import VALUES

FUNCTIONS = "tests.clients.live_functions:FUNCTIONS"
CALL_SECONDS_MAX = 15

pytestmark = pytest.mark.xdist_group("pypi convex client")


@pytest.fixture(scope="module")
def served() -> Iterator[ServedProcess]:
    with ServedProcess(functions=FUNCTIONS) as served:
        yield served


@pytest.fixture
def client(served: ServedProcess) -> ConvexClient:
    with in_time(served, "connect"):
        return ConvexClient(served.url)


def in_time(served: ServedProcess, call: str) -> AbstractContextManager[None]:
    return deadline(CALL_SECONDS_MAX, call, url=served.url, last_seen=lambda: served.last_seen)


# Calls


def test_query_mutation_and_action(served: ServedProcess, client: ConvexClient) -> None:
    room: dict[str, Any] = {"room": "pypi-calls"}
    with in_time(served, "a call of each kind"):
        assert client.mutation("live:send", room | {"text": "one"}) == 1.0
        assert client.mutation("live:send", room | {"text": "two"}) == 2.0
        assert client.query("live:list", room) == ["one", "two"]
        assert client.action("live:echoAction", {"value": "back"}) == "back"


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back(served: ServedProcess, client: ConvexClient, name: str) -> None:
    with in_time(served, "query live:values"):
        value = client.query("live:values")[name]

    assert repr(value) == repr(VALUES[name])


@pytest.mark.parametrize("name", VALUES)
def test_values_go_there_and_back(served: ServedProcess, client: ConvexClient, name: str) -> None:
    args = {"value": VALUES[name]}
    with in_time(served, "echo"):
        values = [
            client.query("live:echo", args),
            client.mutation("live:echoMutation", args),
            client.action("live:echoAction", args),
        ]

    assert list(map(repr, values)) == [repr(VALUES[name])] * 3


def test_not_a_number_comes_back(served: ServedProcess, client: ConvexClient) -> None:
    with in_time(served, "query live:echo"):
        assert math.isnan(client.query("live:echo", {"value": float("nan")}))


def test_large_value_comes_back(served: ServedProcess, client: ConvexClient) -> None:
    text = "€" * 2_000_000
    with in_time(served, "query live:echo"):
        assert client.query("live:echo", {"value": text}) == text


# Errors


@pytest.mark.parametrize(
    ("kind", "path"), [("mutation", "live:refuse"), ("query", "live:refuseQuery"), ("action", "live:refuseAction")]
)
def test_error_has_the_text_of_the_deployment(
    served: ServedProcess, client: ConvexClient, kind: str, path: str
) -> None:
    text = r"^\[Request ID: [0-9a-f]{16}\] Server Error\nUncaught Error: no such room\n"
    with pytest.raises(Exception, match=text), in_time(served, path):
        getattr(client, kind)(path)


@pytest.mark.parametrize("data", ["text", {"code": ConvexInt64(4)}, [None, 1.5]])
@pytest.mark.parametrize(
    ("kind", "path"), [("mutation", "live:refuse"), ("query", "live:refuseQuery"), ("action", "live:refuseAction")]
)
def test_convex_error_brings_its_data(
    served: ServedProcess, client: ConvexClient, kind: str, path: str, data: Any
) -> None:
    with pytest.raises(ConvexError, match="Uncaught ConvexError: ") as thrown, in_time(served, path):
        getattr(client, kind)(path, {"data": data})

    assert thrown.value.data == data


# Live queries


def test_subscription_follows(served: ServedProcess, client: ConvexClient) -> None:
    room: dict[str, Any] = {"room": "pypi-subscription"}
    with in_time(served, "subscribe live:list"):
        subscription = client.subscribe("live:list", room)
        seen = [next(subscription)]
        for text in ("one", "two"):
            client.mutation("live:send", room | {"text": text})
            seen.append(next(subscription))
        subscription.unsubscribe()

    assert seen == [[], ["one"], ["one", "two"]]


def test_subscription_sees_the_writes_of_others(served: ServedProcess, client: ConvexClient) -> None:
    room: dict[str, Any] = {"room": "pypi-others"}
    with in_time(served, "subscribe live:list"):
        subscription = client.subscribe("live:list", room)
        assert next(subscription) == []

        ConvexClient(served.url).mutation("live:send", room | {"text": "theirs"})

        assert next(subscription) == ["theirs"]


def test_failing_subscription_recovers(served: ServedProcess, client: ConvexClient) -> None:
    room: dict[str, Any] = {"room": "pypi-failing"}
    with in_time(served, "subscribe live:failWhileEmpty"):
        subscription = client.subscribe("live:failWhileEmpty", room)
        with pytest.raises(ConvexError, match="Uncaught ConvexError: ") as thrown:
            next(subscription)
        client.mutation("live:send", room | {"text": "mended"})

        assert next(subscription) == ["mended"]
    assert thrown.value.data == room


# All results of one item are of one time: a total never disagrees with its parts.
def test_watch_all_shows_consistent_results(served: ServedProcess, client: ConvexClient) -> None:
    room: dict[str, Any] = {"room": "pypi-watch-all"}
    with in_time(served, "watch_all"):
        subscriptions = [client.subscribe("live:list", room), client.subscribe("live:list", room | {"again": True})]
        items: Any = client.watch_all()
        seen: list[Any] = []
        while not seen or len(seen[-1]) < 2:
            seen.append(next(items) or {})
        for text in ("one", "two"):
            client.mutation("live:send", room | {"text": text})
            seen.append(next(items) or {})

    results = [[item[subscription.id] for subscription in subscriptions] for item in seen[-3:]]
    assert results == [[{"type": "value", "value": texts}] * 2 for texts in ([], ["one"], ["one", "two"])]


# Who calls


def test_identity_changes(served: ServedProcess, client: ConvexClient) -> None:
    with in_time(served, "query live:who"):
        subjects = [client.query("live:who")]
        client.set_auth(served.issue_token(subject="ada"))
        subjects.append(client.query("live:who"))
        client.clear_auth()
        subjects.append(client.query("live:who"))

    assert subjects == [None, "ada", None]


def test_subscription_runs_again_for_another_user(served: ServedProcess, client: ConvexClient) -> None:
    with in_time(served, "subscribe live:who"):
        subscription = client.subscribe("live:who")
        seen = [next(subscription)]
        client.set_auth(served.issue_token(subject="ada"))
        seen.append(next(subscription))

    assert seen == [None, "ada"]


def test_administrators_see_internal_functions(served: ServedProcess, client: ConvexClient) -> None:
    with pytest.raises(Exception, match="Could not find public function"), in_time(served, "query live:secret"):
        client.query("live:secret")

    with in_time(served, "query live:secret as administrator"):
        client.set_admin_auth(served.admin_key)
        assert client.query("live:secret") == "secret"


# Peers that go, and peers that are silent


def test_client_comes_back_after_a_restart() -> None:
    room: dict[str, Any] = {"room": "pypi-restart"}
    with ServedProcess(functions=FUNCTIONS) as first:
        port = int(first.url.rpartition(":")[2])
        with in_time(first, "subscribe live:list"):
            client = ConvexClient(first.url)
            subscription = client.subscribe("live:list", room)
            client.mutation("live:send", room | {"text": "before"})
            while next(subscription) != ["before"]:
                pass

    with ServedProcess(functions=FUNCTIONS, port=port) as second, in_time(second, "after the restart"):
        assert second.url == first.url
        assert next(subscription) == []
        assert client.mutation("live:send", room | {"text": "after"}) == 1.0
        assert next(subscription) == ["after"]


# The client itself would wait for ever and say nothing; a test that hangs tells nobody why.
def test_silent_peer_is_named_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        text = f"query live:list at {url} gave no answer within 0.5 seconds; the server saw last: nothing yet"
        started = time.monotonic()
        with (
            pytest.raises(DeadlineExceeded, match=re.escape(text)),
            deadline(0.5, "query live:list", url=url, last_seen=lambda: "nothing yet"),
        ):
            ConvexClient(url).query("live:list", {"room": "pypi-silent"})

    assert time.monotonic() - started < 0.5 + 2


def test_call_without_an_answer_is_named(served: ServedProcess, client: ConvexClient) -> None:
    with in_time(served, "query live:echo"):
        client.query("live:echo", {"value": "seen"})

    with (
        pytest.raises(DeadlineExceeded, match=r"action live:wait at .* the server saw last: live:echo  query  "),
        deadline(0.5, "action live:wait", url=served.url, last_seen=lambda: served.last_seen),
    ):
        client.action("live:wait", {"seconds": 4})


# With a wrong key the client connects again and again and never returns; the deadline says what the server saw.
def test_wrong_key_is_named(served: ServedProcess, client: ConvexClient) -> None:
    client.set_admin_auth("wrong|key")

    with (
        pytest.raises(DeadlineExceeded, match=r"the server saw last: Authenticate  admin  .*  refused: BadAdminKey"),
        deadline(0.5, "query live:secret", url=served.url, last_seen=lambda: served.last_seen),
    ):
        client.query("live:secret")

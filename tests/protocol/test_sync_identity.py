"""Who the client of a socket is: keys, users' tokens, nobody; refusals and expiry, without sockets.

convex-backend crates/sync/src/worker.rs, crates/convex/sync_types/src/types/json.rs (convex-wire.md §2, §3.2, §3.6).
"""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, internal_query, mutation, query
from convex_mastra_emulator.protocol.sync_outputs import Close
from tests.protocol.sync_client import ADMIN_KEY, SyncClient, add, api_of

ADA = {"issuer": "https://issuer.test", "subject": "ada", "name": "Ada"}
BAD_KEY = "The provided admin key was invalid for this instance"


@pytest.fixture
def client(emulator: Emulator) -> SyncClient:
    emulator.define("users:who", query(lambda ctx, args: ctx.auth.get_user_identity()))
    emulator.define("users:secret", internal_query(lambda ctx, args: "secret"))
    emulator.define("users:write", mutation(lambda ctx, args: None))
    return SyncClient(api_of(emulator))


def authenticate(client: SyncClient, base_version: int, token_type: str, **fields: Any) -> list[dict[str, Any]]:
    return client.send(type="Authenticate", baseVersion=base_version, tokenType=token_type, **fields)


def told(client: SyncClient) -> list[Any]:
    return [update["value"] for update in client.transition()["modifications"]]


def test_user_token(client: SyncClient, emulator: Emulator) -> None:
    client.modify(add(0, "users:who"))

    assert authenticate(client, 0, "User", value=emulator.issue_token(subject="ada", name="Ada")) == []

    [user] = told(client)
    assert (user["subject"], user["name"]) == ("ada", "Ada")
    assert client.version["identity"] == 1


@pytest.mark.parametrize("field", ["impersonating", "acting_as"])
def test_admin_who_acts_as_a_user(client: SyncClient, field: str) -> None:
    client.modify(add(0, "users:who"))

    authenticate(client, 0, "Admin", value=ADMIN_KEY, **{field: ADA})

    assert told(client) == [{**ADA, "tokenIdentifier": "https://issuer.test|ada"}]


def test_admin_sees_internal_functions(client: SyncClient) -> None:
    [failed] = client.modify(add(0, "users:secret"))
    assert failed["type"] == "QueryFailed"

    authenticate(client, 0, "Admin", value=ADMIN_KEY)

    assert told(client) == ["secret"]


def test_log_out(client: SyncClient, emulator: Emulator) -> None:
    authenticate(client, 0, "User", value=emulator.issue_token(subject="ada"))
    client.modify(add(0, "users:who"))

    authenticate(client, 1, "None")

    assert told(client) == [None]


# npm waits for the Transition that confirms an identity, whether or not a result changed.
def test_every_authenticate_is_confirmed(client: SyncClient) -> None:
    authenticate(client, 0, "None")

    transition = client.transition()

    assert (transition["modifications"], transition["endVersion"]["identity"]) == ([], 1)


def test_several_authenticates_are_confirmed_together(client: SyncClient) -> None:
    authenticate(client, 0, "None")
    authenticate(client, 1, "Admin", value=ADMIN_KEY)

    assert client.transition()["endVersion"]["identity"] == 2


def test_identity_runs_all_queries_again(client: SyncClient) -> None:
    client.modify(add(0, "users:who"), add(1, "users:who", {"again": True}))
    client.session.reports.clear()

    authenticate(client, 0, "None")
    client.transition()

    assert [report.path for report in client.session.reports] == ["users:who", "users:who"]


@pytest.mark.parametrize("base_version", [0, 2])
def test_wrong_base_version_closes(client: SyncClient, base_version: int) -> None:
    authenticate(client, 0, "None")

    assert authenticate(client, base_version, "None") == []
    assert client.closed == Close(1011, "InternalServerError")


# Refusals


def test_wrong_key_is_refused(client: SyncClient) -> None:
    [error] = authenticate(client, 0, "Admin", value="happy-animal-123|wrong")

    assert error == {"type": "AuthError", "error": BAD_KEY, "baseVersion": 0, "authUpdateAttempted": True}
    assert client.closed == Close()


def test_bad_token_is_refused(client: SyncClient) -> None:
    [error] = authenticate(client, 0, "User", value="eyJ.a.b")

    assert error["error"].startswith("Could not parse JWT payload.")
    assert client.closed == Close()


# PyPI's client comes back for ever and says nothing; whoever looks at the log must see why.
def test_refusal_is_reported_for_the_log(client: SyncClient) -> None:
    authenticate(client, 0, "Admin", value="happy-animal-123|wrong")

    assert [report.line("1 ms") for report in client.session.reports] == [
        "Authenticate  admin  1 ms  0 documents read  refused: BadAdminKey"
    ]


# npm drops the identity it named only if it is not older than the one it had confirmed.
def test_refusal_names_the_identity_last_confirmed(client: SyncClient) -> None:
    authenticate(client, 0, "None")
    client.transition()
    authenticate(client, 1, "None")

    [error] = authenticate(client, 2, "Admin", value="wrong")

    assert error["baseVersion"] == 1


@pytest.mark.parametrize("user", [{}, {"issuer": "https://issuer.test"}, "ada", []])
def test_user_without_identifier_cannot_be_acted_as(client: SyncClient, user: Any) -> None:
    [error] = authenticate(client, 0, "Admin", value=ADMIN_KEY, impersonating=user)

    assert error["type"] == "FatalError"
    assert error["error"].startswith("Received Invalid JSON on websocket: impersonating: ")
    assert client.closed == Close()


# Expiry

EXPIRED = {
    "type": "AuthError",
    "error": "Convex token identity expired",
    "baseVersion": 1,
    "authUpdateAttempted": False,
}


@pytest.fixture
def user_client(client: SyncClient, emulator: Emulator) -> SyncClient:
    """A user whose token is good for a minute."""
    authenticate(client, 0, "User", value=emulator.issue_token(subject="ada", valid_seconds=60))
    client.modify(add(0, "users:who"))
    return client


@pytest.mark.parametrize("kind", ["Mutation", "Action"])
def test_expired_token_is_noticed_at_the_next_call(user_client: SyncClient, clock: ManualClock, kind: str) -> None:
    clock.advance(60)

    assert user_client.send(type=kind, requestId=0, udfPath="users:write", args=[{}]) == [EXPIRED]
    assert user_client.closed == Close()


def test_token_is_good_to_its_last_moment(user_client: SyncClient, clock: ManualClock) -> None:
    clock.advance(59.999)

    assert user_client.mutate(0, "users:write")["success"]


def test_expired_token_is_noticed_at_the_next_update(user_client: SyncClient, clock: ManualClock) -> None:
    clock.advance(60)
    user_client.send_modify(add(1, "users:who", {"again": True}))

    assert user_client.update() == [EXPIRED]
    assert user_client.closed == Close()


# An idle page stays connected: nothing looks at the token until something is asked for.
def test_expired_token_does_not_end_an_idle_socket(user_client: SyncClient, clock: ManualClock) -> None:
    clock.advance(60)

    assert user_client.send(type="Event", eventType="ClientConnect", event={}) == []
    assert user_client.closed is None


def test_new_token_in_time_goes_on(user_client: SyncClient, clock: ManualClock, emulator: Emulator) -> None:
    clock.advance(60)

    authenticate(user_client, 1, "User", value=emulator.issue_token(subject="ada", valid_seconds=60))

    user_client.transition()
    assert user_client.mutate(0, "users:write")["success"]

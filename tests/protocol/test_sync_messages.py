"""What is no message: every refusal ends the socket with a FatalError that says why.

convex-backend crates/convex/sync_types/src/types/json.rs (convex-wire.md §3.2 and §3.6).
"""

import json
import re
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.protocol.sync_messages import (
    AddQuery,
    Authenticate,
    CallMessage,
    Connect,
    Event,
    ModifyQuerySet,
    RemoveQuery,
    StateVersion,
    UnreadableMessage,
    read_message,
    write_u64,
)
from convex_mastra_emulator.protocol.sync_outputs import Close
from tests.protocol.sync_client import SESSION_ID, SyncClient, api_of

U32_MAX = 2**32 - 1


def connect(**fields: Any) -> dict[str, Any]:
    return {"type": "Connect", "sessionId": SESSION_ID, "connectionCount": 0} | fields


def call(**fields: Any) -> dict[str, Any]:
    return {"type": "Mutation", "requestId": 0, "udfPath": "notes:write", "args": [{}]} | fields


def addition(**fields: Any) -> dict[str, Any]:
    return {"type": "Add", "queryId": 0, "udfPath": "notes:list", "args": [{}]} | fields


def modify(*modifications: Any, **fields: Any) -> dict[str, Any]:
    whole = {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": list(modifications)}
    return whole | fields


def authenticate(**fields: Any) -> dict[str, Any]:
    return {"type": "Authenticate", "baseVersion": 0, "tokenType": "User", "value": "token"} | fields


def without(message: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != field}


def read(message: Any) -> Any:
    return read_message(json.dumps(message))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ('{"type":"Event"} x', "trailing characters at line 1 column 18"),
        ("[]", "invalid type: expected a message object"),
        ("null", "invalid type: expected a message object"),
        ("{}", "unknown variant `None`, expected one of `Connect`, `ModifyQuerySet`, `Mutation`, `Action`"),
        ('{"type":"Subscribe"}', "unknown variant `Subscribe`, expected one of `Connect`, `ModifyQuerySet`"),
        ('{"type":["Connect"]}', "unknown variant `['Connect']`"),
    ],
)
def test_text_that_is_no_message_is_fatal(emulator: Emulator, text: str, why: str) -> None:
    client = SyncClient(api_of(emulator))

    [error] = client.send_text(text)

    assert error["type"] == "FatalError"
    assert error["error"].startswith(f"Received Invalid JSON on websocket: {why}")
    assert client.closed == Close()
    assert [report.outcome for report in client.session.reports] == ["refused: UnreadableMessage"]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (without(connect(), "sessionId"), "missing field `sessionId`"),
        (connect(sessionId=1), "sessionId: invalid type, expected a string"),
        (connect(sessionId="not-a-uuid"), "sessionId: badly formed"),
        (without(call(), "requestId"), "missing field `requestId`"),
        (call(requestId="0"), "requestId: invalid value, expected u32"),
        (call(requestId=0.5), "requestId: invalid value, expected u32"),
        (call(requestId=-1), "requestId: invalid value, expected u32"),
        (call(requestId=U32_MAX + 1), "requestId: invalid value, expected u32"),
        (call(requestId=True), "requestId: invalid value, expected u32"),
        (without(call(), "udfPath"), "missing field `udfPath`"),
        (call(udfPath=None), "udfPath: invalid type, expected a string"),
        (call(udfPath="a-b:c"), "can only contain alphanumeric characters, underscores, or periods"),
        (without(call(), "args"), "missing field `args`"),
        (call(args={}), "Invalid arguments provided"),
        (call(componentPath=1), "componentPath: invalid type, expected a string"),
        (without(modify(), "modifications"), "missing field `modifications`"),
        (modify(modifications={}), "modifications: invalid type, expected a sequence"),
        (without(modify(), "baseVersion"), "missing field `baseVersion`"),
        (modify(newVersion=None), "newVersion: invalid value, expected u32"),
        (modify(1), "modifications: invalid type, expected an object"),
        (modify({"queryId": 0}), "missing field `type`"),
        (modify({"type": "Replace", "queryId": 0}), "unknown variant `Replace`, expected `Add` or `Remove`"),
        (modify({"type": "Remove"}), "missing field `queryId`"),
        (modify(addition(queryId=-1)), "queryId: invalid value, expected u32"),
        (modify(addition(udfPath="../x:y")), "../x:y"),
        (modify(without(addition(), "args")), "Invalid arguments provided"),
        (modify(addition(args="x")), "Invalid arguments provided"),
        (modify(addition(journal=1)), "journal: invalid type, expected a string"),
        (without(authenticate(), "tokenType"), "missing field `tokenType`"),
        (authenticate(tokenType="Key"), "unknown variant `Key`, expected one of `Admin`, `User`, `None`"),
        (without(authenticate(), "baseVersion"), "missing field `baseVersion`"),
        (without(authenticate(), "value"), "missing field `value`"),
        (authenticate(tokenType="Admin", value=None), "value: invalid type, expected a string"),
    ],
)
def test_message_with_a_fault_is_unreadable(message: Any, why: str) -> None:
    with pytest.raises(UnreadableMessage, match=re.escape(why)):
        read(message)


def test_largest_numbers_are_read() -> None:
    assert read(call(requestId=U32_MAX)).request_id == U32_MAX


def test_connect_is_read() -> None:
    assert read(connect(clientTs=12)) == Connect(session_id=SESSION_ID, client_ts_ms=12.0)


@pytest.mark.parametrize(("kind", "is_action"), [("Mutation", False), ("Action", True)])
def test_call_is_read(kind: str, is_action: bool) -> None:
    assert read(call(type=kind, componentPath=None)) == CallMessage(
        is_action=is_action, request_id=0, path="notes:write", args=[{}], component_path=""
    )


def test_query_set_is_read() -> None:
    message = modify(addition(journal="end", componentPath="c"), {"type": "Remove", "queryId": 3}, addition(queryId=4))

    assert read(message) == ModifyQuerySet(
        base_version=0,
        new_version=1,
        modifications=(
            AddQuery(query_id=0, path="notes:list", args=[{}], journal="end", component_path="c"),
            RemoveQuery(3),
            AddQuery(query_id=4, path="notes:list", args=[{}], journal=None, component_path=""),
        ),
    )


# A user's attributes beside a user's token mean nothing.
def test_user_is_read_beside_an_admin_key_only() -> None:
    user = {"tokenIdentifier": "ada"}

    admin = read(authenticate(tokenType="Admin", impersonating=user))

    assert admin == Authenticate(base_version=0, token_type="Admin", value="token", acting_as=user)
    assert read(authenticate(impersonating=user)).acting_as is None


def test_token_of_nobody_is_not_read() -> None:
    nobody = read({"type": "Authenticate", "baseVersion": 2, "tokenType": "None"})

    assert nobody == Authenticate(base_version=2, token_type="None", value=None, acting_as=None)


def test_unknown_fields_are_ignored() -> None:
    assert read({"type": "Event", "eventType": "x", "event": None, "more": 1}) == Event()


# The examples of convex-wire.md §3.3.
@pytest.mark.parametrize(("number", "text"), [(0, "AAAAAAAAAAA="), (1001, "6QMAAAAAAAA="), (2**63 - 1, "/////////38=")])
def test_timestamps_are_eight_little_endian_bytes(number: int, text: str) -> None:
    assert write_u64(number) == text


def test_version_is_written() -> None:
    version = StateVersion(query_set=1, identity=2, timestamp_ns=1001)

    assert version.to_json() == {"querySet": 1, "identity": 2, "ts": "6QMAAAAAAAA="}

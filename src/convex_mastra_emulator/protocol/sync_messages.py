"""Messages of the WebSocket sync protocol: reading those of clients, writing those of the server.

convex-backend crates/convex/sync_types/src/types/json.rs (convex-wire.md §3.2 and §3.3, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.errors import EmulatorError, RequestRefused
from convex_mastra_emulator.runtime.identity import user_attributes
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.values.json_text import JsonTextError, parse_json


class UnreadableMessage(EmulatorError):
    """A message that is none; the text goes behind ``Received Invalid JSON on websocket: ``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """The first message of a socket."""

    session_id: str
    client_ts_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddQuery:
    """Subscribe to a query."""

    query_id: int
    path: str
    args: list[Any]
    journal: str | None
    component_path: str


@dataclass(frozen=True, slots=True)
class RemoveQuery:
    """Unsubscribe from a query."""

    query_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyQuerySet:
    """Changes of the set of subscribed queries."""

    base_version: int
    new_version: int
    modifications: tuple[AddQuery | RemoveQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMessage:
    """A mutation or an action."""

    is_action: bool
    request_id: int
    path: str
    args: list[Any]
    component_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """Who the client is from now on: a ``Admin`` key, a ``User`` token, or ``None``."""

    base_version: int
    token_type: str
    value: str | None = field(repr=False)
    acting_as: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something a client tells about itself; not answered."""


ClientMessage = Connect | ModifyQuerySet | CallMessage | Authenticate | Event


def read_message(text: str) -> ClientMessage:
    """Reads a message of a client.

    Raises:
        UnreadableMessage: if it is none.
    """
    try:
        fields = parse_json(text)
    except JsonTextError as error:
        raise UnreadableMessage(str(error)) from None
    if not isinstance(fields, dict):
        raise UnreadableMessage("invalid type: expected a message object")
    kind = fields.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise UnreadableMessage(
            f"unknown variant `{kind}`, expected one of {', '.join(f'`{name}`' for name in _READERS)}"
        )
    return read(fields)


def _field(fields: Mapping[str, Any], name: str) -> Any:
    if name not in fields:
        raise UnreadableMessage(f"missing field `{name}`")
    return fields[name]


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = _field(fields, name)
    if not isinstance(value, str):
        raise UnreadableMessage(f"{name}: invalid type, expected a string")
    return value


def _optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, name)


def _whole(fields: Mapping[str, Any], name: str) -> int:
    value = _field(fields, name)
    if not isinstance(value, float) or not value.is_integer() or not 0 <= value < 1 << 32:
        raise UnreadableMessage(f"{name}: invalid value, expected u32")
    return int(value)


def _arguments(fields: Mapping[str, Any]) -> list[Any]:
    args = fields.get("args")
    if not isinstance(args, list):
        raise UnreadableMessage("Invalid arguments provided")
    return args


def _path(fields: Mapping[str, Any]) -> str:
    path = _text(fields, "udfPath")
    try:
        parse_path(path)
    except RequestRefused as error:
        raise UnreadableMessage(str(error)) from None
    return path


def _connect(fields: Mapping[str, Any]) -> Connect:
    session_id = _text(fields, "sessionId")
    try:
        uuid.UUID(session_id)
    except ValueError as error:
        raise UnreadableMessage(f"sessionId: {error}") from None
    client_ts = fields.get("clientTs")
    return Connect(session_id=session_id, client_ts_ms=client_ts if isinstance(client_ts, float) else None)


def _modification(fields: Any) -> AddQuery | RemoveQuery:
    if not isinstance(fields, dict):
        raise UnreadableMessage("modifications: invalid type, expected an object")
    kind = _field(fields, "type")
    if kind == "Remove":
        return RemoveQuery(_whole(fields, "queryId"))
    if kind != "Add":
        raise UnreadableMessage(f"unknown variant `{kind}`, expected `Add` or `Remove`")
    return AddQuery(
        query_id=_whole(fields, "queryId"),
        path=_path(fields),
        args=_arguments(fields),
        journal=_optional_text(fields, "journal"),
        component_path=_optional_text(fields, "componentPath") or "",
    )


def _modify_query_set(fields: Mapping[str, Any]) -> ModifyQuerySet:
    modifications = _field(fields, "modifications")
    if not isinstance(modifications, list):
        raise UnreadableMessage("modifications: invalid type, expected a sequence")
    return ModifyQuerySet(
        base_version=_whole(fields, "baseVersion"),
        new_version=_whole(fields, "newVersion"),
        modifications=tuple(map(_modification, modifications)),
    )


def _call(fields: Mapping[str, Any]) -> CallMessage:
    _field(fields, "args")
    return CallMessage(
        is_action=fields["type"] == "Action",
        request_id=_whole(fields, "requestId"),
        path=_path(fields),
        args=_arguments(fields),
        component_path=_optional_text(fields, "componentPath") or "",
    )


def _authenticate(fields: Mapping[str, Any]) -> Authenticate:
    token_type = _text(fields, "tokenType")
    if token_type not in ("Admin", "User", "None"):
        raise UnreadableMessage(f"unknown variant `{token_type}`, expected one of `Admin`, `User`, `None`")
    return Authenticate(
        base_version=_whole(fields, "baseVersion"),
        token_type=token_type,
        value=None if token_type == "None" else _text(fields, "value"),
        acting_as=_user(fields) if token_type == "Admin" else None,
    )


def _user(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The user an administrator acts as: npm sends `impersonating`, the Rust client `acting_as`."""
    user = fields.get("impersonating")
    user = fields.get("acting_as") if user is None else user
    if user is None:
        return None
    if not isinstance(user, dict):
        raise UnreadableMessage("impersonating: invalid type, expected user attributes")
    try:
        return user_attributes(user)
    except ValueError as error:
        raise UnreadableMessage(f"impersonating: {error}") from None


def _event(_fields: Mapping[str, Any]) -> Event:
    return Event()


_READERS: dict[str, Callable[[Mapping[str, Any]], ClientMessage]] = {
    "Connect": _connect,
    "ModifyQuerySet": _modify_query_set,
    "Mutation": _call,
    "Action": _call,
    "Authenticate": _authenticate,
    "Event": _event,
}


def write_u64(number: int) -> str:
    """A timestamp as the protocol writes it: base64 of eight little-endian bytes."""
    return base64.b64encode(number.to_bytes(8, "little")).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVersion:
    """What a client has been told of: its query set, its identity, and the time of all results."""

    query_set: int = 0
    identity: int = 0
    timestamp_ns: int = 0

    def to_json(self) -> dict[str, Any]:
        """As it stands in a Transition."""
        return {"querySet": self.query_set, "identity": self.identity, "ts": write_u64(self.timestamp_ns)}

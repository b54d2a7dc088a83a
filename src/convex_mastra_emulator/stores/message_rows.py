"""Messages of the memory domain as values: what a message is, what is asked of a list of them, and their rows.

npm @mastra/convex 1.5.2 ``MemoryConvex.parseStoredMessage`` (mastra-adapter.md §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.json_text import safely_parse_json, to_json_text
from convex_mastra_emulator.stores.pagination import DateRange, OrderBy, PerPage, in_order
from convex_mastra_emulator.stores.storage_client import UNSET, Record
from convex_mastra_emulator.stores.times import from_iso, to_milliseconds

TABLE_MESSAGES = "mastra_messages"
MESSAGES_PER_PAGE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a thread.

    Attributes:
        id: its own id.
        thread_id: the thread it belongs to; storing one needs it.
        resource_id: whose it is; storing one needs it.
        role: ``user``, ``assistant``, ``system``, ``tool`` or ``signal``.
        type: stored as ``v2`` if None.
        content: ``{"format": 2, "parts": […], …}``; older messages have a text or a list of parts.
        created_at: when it was said.
    """

    id: str
    thread_id: str | None = None
    resource_id: str | None = None
    role: str
    type: str | None = None
    content: Any
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUpdate:
    """What to change of the message with this id; what is not given stays.

    Attributes:
        id: of the message.
        thread_id: the thread it moves to.
        resource_id: whose it becomes; None is sent as null, which a deployment refuses.
        role: replaces the stored one.
        type: replaces the stored one.
        content: its fields replace those of the stored content; ``metadata`` is merged, shallowly.
    """

    id: str
    thread_id: str | None = None
    resource_id: Any = UNSET
    role: str | None = None
    type: str | None = None
    content: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages are listed; None filters nothing.

    Attributes:
        date_range: when they were said.
        metadata: values (text, finite number, boolean, None) that ``content["metadata"]`` must have, all of them.
    """

    date_range: DateRange | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """A message that is added to a page with some of its neighbours, wherever it is.

    Attributes:
        id: of the message; an unknown one adds nothing.
        thread_id: not looked at: the message's own thread counts.
        with_previous_messages: how many messages before it.
        with_next_messages: how many messages after it.
    """

    id: str
    thread_id: str | None = None
    with_previous_messages: int = 0
    with_next_messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """A page of messages; ``total`` counts those of all pages, without the included ones."""

    messages: list[Message]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


def message_of(row: Record) -> Message:
    """The message in a row."""
    return Message(
        id=row["id"],
        thread_id=row["thread_id"],
        resource_id=row.get("resourceId"),
        role=row["role"],
        type=row["type"],
        content=safely_parse_json(row.get("content")),
        created_at=from_iso(row["createdAt"]),
    )


def record_of(message: Message) -> Record:
    """The row for a message that has a thread and a resource."""
    return {
        "id": message.id,
        "thread_id": message.thread_id,
        "content": to_json_text(message.content),
        "role": message.role,
        "type": message.type or "v2",
        "createdAt": to_milliseconds(message.created_at),
        "resourceId": message.resource_id,
    }


def said_at(row: Record) -> datetime:
    """When the message in a row was said."""
    return from_iso(row["createdAt"])


def rows_in_order(rows: list[Record], order: OrderBy) -> list[Record]:
    """Rows sorted by time; by ``updated_at``, which messages do not have, they stay as they are."""
    return rows if order.field == "updated_at" else in_order(rows, said_at, order)


def messages_in_order(messages: Iterable[Message], order: OrderBy) -> list[Message]:
    """Messages sorted by time; by ``updated_at``, which messages do not have, they stay as they are."""
    if order.field == "updated_at":
        return list(messages)
    return in_order(messages, lambda message: message.created_at, order)

"""What many cases on Mastra's functions begin with: its records, times, and requests as `@mastra/convex` sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexStore, Message, Thread

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""The time of a record that says no other."""


def after_noon(minutes: float = 0, *, milliseconds: float = 0) -> datetime:
    """So long after noon."""
    return NOON + timedelta(minutes=minutes, milliseconds=milliseconds)


def store_at(deployment: Deployment, moment: datetime) -> ConvexStore:
    """Mastra's storage with a clock that stands still."""
    return ConvexStore(deployment, clock=lambda: moment)


def send(deployment: Deployment, op: str, table: str, **arguments: Any) -> dict[str, Any]:
    """One request to ``storage:handle``; returns the whole answer."""
    answer = deployment.mutation("mastra/storage:handle", {"op": op, "tableName": table, **arguments})
    assert isinstance(answer, dict)
    return answer


def rows(deployment: Deployment, table: str, **arguments: Any) -> list[dict[str, Any]]:
    """The rows that ``queryTable`` answers."""
    result = send(deployment, "queryTable", table, **arguments)["result"]
    assert isinstance(result, list)
    return result


def equal(field: str, value: Any) -> dict[str, Any]:
    """An equality filter of ``queryTable``."""
    return {"field": field, "value": value}


def ids_of(items: Iterable[Any]) -> list[str]:
    """The id of each row or record."""
    return [item["id"] if isinstance(item, Mapping) else item.id for item in items]


def without_system_fields(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What was written; None if there is no row."""
    return None if row is None else {name: value for name, value in row.items() if not name.startswith("_")}


def thread(thread_id: str, resource_id: str = "resource-1", *, minutes: float = 0, **fields: Any) -> Thread:
    """A thread that began so many minutes after noon."""
    moment = after_noon(minutes)
    given = {"title": "A title", "metadata": {}, "created_at": moment, "updated_at": moment, **fields}
    return Thread(id=thread_id, resource_id=resource_id, **given)


def text_content(text: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The content of a message that is one text."""
    content: dict[str, Any] = {"format": 2, "parts": [{"type": "text", "text": text}]}
    return content if metadata is None else {**content, "metadata": dict(metadata)}


def message(message_id: str, thread_id: str = "thread-1", *, minutes: float = 0, **fields: Any) -> Message:
    """A message that was said so many minutes after noon."""
    given = {
        "resource_id": "resource-1",
        "role": "user",
        "type": "v2",
        "content": text_content(message_id),
        "created_at": after_noon(minutes),
        **fields,
    }
    return Message(id=message_id, thread_id=thread_id, **given)

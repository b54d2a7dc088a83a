"""What Mastra's ``MessageList`` makes of messages from memory, as far as it shows in what the Convex store returns.

``saveMessages``, ``listMessagesById``, ``listMessagesByResourceId`` and a page of included messages only go through
``new MessageList().add(messages, "memory").get.all.db()``, which

* leaves system messages out,
* drops a message that equals an earlier one (same id, parts that look the same), and lets one of the same id with
  other parts replace it,
* leaves out parts that are no objects, gives tool invocations without arguments those of their part,
* turns content that is not of format 2 into format 2 (which loses the message's ``type``),
* sorts by time, whatever order was asked for.

Not reproduced: list content with parts other than text, which stays as it is stored; ids that are missing; a second
version of a message that Mastra sealed (``content.metadata.mastra.sealed``), which becomes a new message there and
replaces the first here.

npm @mastra/core 1.71.0 ``MessageList.addOne``, ``inputToMastraDBMessage``, ``CacheKeyGenerator.fromDBParts`` and
``AIV4Adapter.fromCoreMessage``.  Checked 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.json_text import to_json_text
from convex_mastra_emulator.stores.message_rows import Message
from convex_mastra_emulator.stores.times import to_iso, to_milliseconds

_FORMAT = 2
_ITEM_PROVIDERS = ("openai", "azure")
_CORE_ROLES = {"assistant": "assistant", "tool": "assistant", "user": "user", "system": "system"}


def through_message_list(messages: Iterable[Message]) -> list[Message]:
    """The messages as ``MessageList`` gives them back.

    Raises:
        MastraError: ``INVALID_MESSAGE_CONTENT``, for content that is null, false or 0.
        StorageError: for content that is not of format 2 and a role that only format 2 knows.
    """
    kept: list[Message] = []
    keys: dict[str, Any] = {}
    for message in messages:
        _check_content(message)
        if message.role == "system":
            continue
        hydrated = _hydrated(message)
        key = _parts_key(hydrated.content)
        if hydrated.id not in keys:
            kept.append(hydrated)
        elif keys[hydrated.id] != key:
            # The place of the first one counts among messages of the same time, so the list is sorted by now.
            kept = _by_time(kept)
            kept[[other.id for other in kept].index(hydrated.id)] = hydrated
        keys[hydrated.id] = key
    return _by_time(kept)


def _by_time(messages: list[Message]) -> list[Message]:
    return sorted(messages, key=lambda message: message.created_at)


def _check_content(message: Message) -> None:
    content = message.content
    if content or isinstance(content, str | Mapping | list):
        return
    shown = {
        "id": message.id,
        "threadId": message.thread_id,
        "content": content,
        "role": message.role,
        "type": message.type,
        "createdAt": to_iso(message.created_at),
        "resourceId": message.resource_id,
    }
    received = json.dumps({name: value for name, value in shown.items() if name == "content" or value}, indent=2)
    raise MastraError(
        f"Message with role \"{message.role}\" must have either a 'content' property (string or array) or a 'parts'"
        " property (array) that is not empty, null, or undefined. Received message: " + received,
        id="INVALID_MESSAGE_CONTENT",
        domain="AGENT",
        category="USER",
        details={"role": message.role, "messageSource": "memory", "hasContent": True, "hasParts": False},
    )


def _hydrated(message: Message) -> Message:
    created_at = to_milliseconds(message.created_at)
    content = message.content
    if isinstance(content, Mapping) and _is_format_2(content):
        return replace(message, content=_with_whole_parts(content), created_at=created_at)
    if isinstance(content, list) and not all(map(_is_text_part, content)):
        return replace(message, created_at=created_at)
    if message.role not in _CORE_ROLES:
        shown = json.dumps({"content": content, "role": message.role}, indent=2, ensure_ascii=False)
        raise StorageError(f"BUG: add handling for message role {message.role} in message {shown}")
    converted = _from_core_content(content)
    return replace(message, role=_CORE_ROLES[message.role], type=None, content=converted, created_at=created_at)


def _is_format_2(content: Mapping[str, Any]) -> bool:
    stored = content.get("format")
    return stored == _FORMAT and not isinstance(stored, bool)


def _is_text_part(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text"


def _with_whole_parts(content: Mapping[str, Any]) -> dict[str, Any]:
    parts = content.get("parts")
    whole = [part for part in parts if isinstance(part, Mapping | list)] if isinstance(parts, list) else []
    hydrated = {**content, "parts": whole}
    if content.get("toolInvocations"):
        hydrated["toolInvocations"] = [_with_arguments(call, whole) for call in content["toolInvocations"]]
    return hydrated


def _with_arguments(invocation: Mapping[str, Any], parts: list[Any]) -> Mapping[str, Any]:
    """A tool invocation, with the arguments of its part if it has none of its own."""
    if invocation.get("args"):
        return invocation
    for part in parts:
        found = part.get("toolInvocation") if isinstance(part, Mapping) else None
        if (
            found
            and part.get("type") == "tool-invocation"
            and found.get("toolCallId") == invocation.get("toolCallId")
            and found.get("args")
        ):
            return {**invocation, "args": found["args"]}
    return invocation


def _from_core_content(content: Any) -> dict[str, Any]:
    """Format 2 for a text, a list of text parts, or (empty) for an object."""
    if isinstance(content, str):
        return {"format": _FORMAT, "parts": [{"type": "text", "text": content}], "content": content}
    parts = [_from_text_part(part) for part in content] if isinstance(content, list) else []
    return {"format": _FORMAT, "parts": [part for part in parts if part["text"] != ""] or parts}


def _from_text_part(part: Mapping[str, Any]) -> dict[str, Any]:
    converted = {"type": "text", "text": part.get("text")}
    if part.get("providerOptions"):
        converted["providerMetadata"] = part["providerOptions"]
    return converted


def _parts_key(content: Any) -> Any:
    """What two versions of a message must have in common to count as the same."""
    if not isinstance(content, Mapping):
        return to_json_text(content)
    return [_part_key(part) for part in content["parts"] if isinstance(part, Mapping)]


def _part_key(part: Mapping[str, Any]) -> list[Any]:
    kind = part.get("type")
    if isinstance(kind, str) and kind.startswith("data-"):
        return [kind, json.dumps(part.get("data"), sort_keys=True, default=str)]
    if kind == "text":
        return [kind, part.get("text"), _item_keys(part.get("providerMetadata"))]
    if kind == "tool-invocation":
        invocation = part.get("toolInvocation") or {}
        return [kind, invocation.get("toolCallId"), invocation.get("state")]
    if kind == "reasoning":
        details = [detail for detail in part.get("details") or [] if detail.get("type") == "text"]
        length = sum(len(detail.get("text") or "") + len(detail.get("signature") or "") for detail in details)
        return [kind, part.get("reasoning"), length, _item_keys(part.get("providerMetadata"))]
    if kind == "file":
        return [kind, _first(part, "data", "url"), _first(part, "mimeType", "mediaType")]
    return [kind]


def _item_keys(provider_metadata: Any) -> list[tuple[str, str]]:
    """The item ids that OpenAI and Azure gave a part; the same id from both is Azure's."""
    metadata = provider_metadata if isinstance(provider_metadata, Mapping) else {}
    found = {name: (metadata.get(name) or {}).get("itemId") for name in _ITEM_PROVIDERS}
    keys = [(name, item) for name, item in found.items() if isinstance(item, str)]
    return keys[1:] if len(keys) > 1 and found["openai"] == found["azure"] else keys


def _first(part: Mapping[str, Any], name: str, other: str) -> Any:
    return part[name] if part.get(name) is not None else part.get(other)

"""Journals as files: JSON lines with values in Convex' encoded form, which loses nothing.

The first line says what the file is; each of the others is one call.  A field with its default value is left out.
What is no value of Convex is written as Python shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from convex_mastra_emulator.errors import EmulatorError, InvalidValue
from convex_mastra_emulator.journal import JournalEntry
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.usage import QueryUsage, Usage
from convex_mastra_emulator.values.codec import decode, encode
from convex_mastra_emulator.values.size import take_in

FORMAT = 1
_FORMAT_FIELD = "convexJournal"
_FIELDS = {field.name: field for field in fields(JournalEntry)}
_NEEDED = ("kind", "path", "arguments")
# Values were held against the limits of the deployment that had them.
_NO_LIMITS = Limits(value_size_max=1 << 62, array_length_max=1 << 62, object_fields_max=1 << 62)


class MalformedJournal(EmulatorError, ValueError):
    """A file is no journal; the text names the line and the field."""


def write_journal(path: Path, entries: Iterable[JournalEntry], count: int) -> None:
    """Writes a journal to a file.

    Args:
        path: the file; one that is there is replaced.
        entries: the calls that are kept.
        count: how many there were.
    """
    lines = [{_FORMAT_FIELD: FORMAT, "calls": count}, *map(_entry_json, entries)]
    text = "".join(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n" for line in lines)
    path.write_text(text, encoding="ascii", newline="\n")


def read_journal(path: Path) -> tuple[list[JournalEntry], int]:
    """The calls of a file, and how many there were.

    Raises:
        MalformedJournal: naming the line and the field.
        OSError: if it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise MalformedJournal(f"{path.name}: is no text: {error}") from None
    head, *rest = [_object(line, f"{path.name}: line {number}") for number, line in enumerate(lines, 1)] or [{}]
    if head.get(_FORMAT_FIELD) != FORMAT:
        raise MalformedJournal(
            f"{path.name}: line 1: {_FORMAT_FIELD!r} must be {FORMAT}, got {head.get(_FORMAT_FIELD)!r}"
        )
    entries = [_entry(line, f"{path.name}: line {number}") for number, line in enumerate(rest, 2)]
    count = head.get("calls")
    if type(count) is not int or count < len(entries):
        raise MalformedJournal(f"{path.name}: line 1: 'calls' must be at least {len(entries)}, got {count!r}")
    return entries, count


def _entry_json(entry: JournalEntry) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        value = getattr(entry, name)
        if name in _NEEDED or field.default is MISSING or value != field.default:
            written[name] = _WRITERS.get(name, _as_it_is)(value)
    return written


def _usage_json(usage: Usage) -> dict[str, Any]:
    written = {name: value for name, value in usage._asdict().items() if value != Usage._field_defaults[name]}
    if usage.queries:
        written["queries"] = [query._asdict() for query in usage.queries]
    return written


def _identity_json(identity: Identity) -> dict[str, Any]:
    user = None if identity.user is None else encode(dict(identity.user))
    return {"is_admin": identity.is_admin, "user": user, "expires_s": identity.expires_s}


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise MalformedJournal(f"{where}: is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedJournal(f"{where}: must be an object, got {type(value).__name__}")
    return value


def _entry(line: dict[str, Any], where: str) -> JournalEntry:
    for name in _NEEDED:
        if name not in line:
            raise MalformedJournal(f"{where}: {name!r} is missing")
    read: dict[str, Any] = {}
    for name, value in line.items():
        if name not in _FIELDS:
            raise MalformedJournal(f"{where}: {name!r} is not known; there are {', '.join(_FIELDS)}")
        try:
            read[name] = _READERS.get(name, _as_it_is)(value)
        except (InvalidValue, TypeError, ValueError, AttributeError, LookupError) as error:
            raise MalformedJournal(f"{where}: {name!r} cannot be read: {error}") from None
    return JournalEntry(**read)


def encoded(value: Any) -> Any:
    """What an entry holds, in encoded form, whatever limits its deployment had.

    Of a deployment at a URL it is what the caller gave, whole numbers and tuples among it; what is no value of Convex
    becomes the text that Python shows of it.
    """
    try:
        return encode(take_in(value, _NO_LIMITS).value)
    except InvalidValue:
        return repr(value)


def _decoded(value: Any) -> Any:
    return decode(value, _NO_LIMITS)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a text, got {value!r}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"must be a whole number, got {value!r}")
    return value


def _usage(written: Any) -> Usage:
    read = dict(written)
    queries = tuple(
        QueryUsage(**{**query, "filtered_by": tuple(query["filtered_by"])}) for query in read.pop("queries", ())
    )
    for name in ("largest_document", "deepest_document"):
        if name in read:
            document_id, size = read[name]
            read[name] = (_text(document_id), _whole(size))
    return Usage(**read, queries=queries)


def _identity(written: Any) -> Identity:
    return Identity(
        is_admin=bool(written["is_admin"]),
        user=None if written["user"] is None else _decoded(written["user"]),
        expires_s=written["expires_s"],
    )


def _as_it_is(value: Any) -> Any:
    return value


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "arguments": encoded,
    "value": encoded,
    "usage": _usage_json,
    "identity": _identity_json,
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "kind": _text,
    "path": _text,
    "arguments": _decoded,
    "value": _decoded,
    "usage": _usage,
    "duration_ns": _whole,
    "timestamp_ns": _whole,
    "identity": _identity,
}

"""The JSON bodies of the function API, read with the deployment's refusals.

convex-backend crates/common/src/http/extract.rs, crates/local_backend/src/public_api.rs; the texts of parsing
are serde's and axum's (convex-wire.md §1.2 and §1.7, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol
from urllib.parse import unquote

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, RequestRefused
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.arguments import UnreadableArguments
from convex_mastra_emulator.values.codec import decode_measured
from convex_mastra_emulator.values.json_text import JsonTextError, parse_json, parse_json_around
from convex_mastra_emulator.values.serde_syntax import IsRaw, Path, ValuePlaces
from convex_mastra_emulator.values.size import Measured


class _Unreadable(Enum):
    UNREADABLE = "unreadable"


UNREADABLE: Final = _Unreadable.UNREADABLE
"""Stands for arguments that have the form of JSON and yet cannot be read."""

MISSING_IDENTIFIER = "Path or function name not provided in path, e.g. /api/run/messages/list"
_READ_FIELDS = frozenset({"path", "format", "componentPath", "ts", "queries"})


class BodyRequest(Protocol):
    """What reading a body needs of a request."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""

    @property
    def body(self) -> bytes:
        """As it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A function to call; ``args`` are still encoded, or ``UNREADABLE``."""

    path: str
    args: Any
    format: str | None = None
    component_path: str | None = None


def _bad_body(text: str) -> RequestRefused:
    return RequestRefused(text, code="BadJsonBody")


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";", 1)[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A parsed body, with its text to tell places in it."""

    text: str
    value: Any
    is_raw: IsRaw


def is_raw_in_calls(path: Path) -> bool:
    """Whether a body keeps a value as text: ``args``, and what it has no use for, of a call or of one in a batch."""
    is_of_call = len(path) == 1 or (len(path) == 3 and path[0] == "queries")
    return is_of_call and isinstance(path[-1], str) and path[-1] not in _READ_FIELDS


def read_json_body(request: BodyRequest, size_max: int, is_raw: IsRaw = is_raw_in_calls) -> JsonBody:
    """Parses the body of a request; which values it keeps as text says ``is_raw``.

    Raises:
        RequestRefused: ``BadJsonBody``.
    """
    if not _is_json(request.headers.get("content-type", "")):
        raise _bad_body("Expected request with `Content-Type: application/json`")
    if len(request.body) > size_max:
        # Not 413: a deployment answers 400 (convex-wire.md §0.11).
        raise _bad_body("Failed to buffer the request body: length limit exceeded")
    text = _decoded(request.body)
    try:
        value, unreadable = parse_json_around(text, is_raw)
    except JsonTextError as error:
        raise _bad_body(f"Failed to parse the request body as JSON: {_prefix(error.path)}{error}") from None
    for *above, name in unreadable:
        holder = value
        for part in above:
            holder = holder[part]
        holder[name] = UNREADABLE
    return JsonBody(text, value, is_raw)


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        column = error.start - (body.rfind(b"\n", 0, error.start) + 1) + 1
        raise _bad_body(
            f"Failed to parse the request body as JSON: invalid unicode code point at line {line} column {column}"
        ) from None


def _prefix(path: Path) -> str:
    """``queries[0].path: `` and the like; nothing for the whole body."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if path else ""


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, float):
        return f"integer `{int(value)}`" if value.is_integer() else f"floating point `{value}`"
    if isinstance(value, str):
        return f'string "{value}"'
    return "sequence" if isinstance(value, list) else "map"


def unknown_variant(text: str, choices: Sequence[str]) -> str:
    """What serde says of a text that is none of an enumeration's."""
    return f"unknown variant `{text}`, expected one of {', '.join(f'`{choice}`' for choice in choices)}"


class BodyReader:
    """Takes one value of a body apart; refusals say where in the body they stand."""

    def __init__(self, body: JsonBody, path: Path = ()) -> None:
        self._body = body
        self._path = path

    def at(self, path: Path) -> BodyReader:
        """The same for a value below."""
        return BodyReader(self._body, (*self._path, *path))

    @property
    def value(self) -> Any:
        """The value itself."""
        value = self._body.value
        for part in self._path:
            value = value[part]
        return value

    @property
    def _places(self) -> ValuePlaces:
        return ValuePlaces(self._body.text, self._body.is_raw)

    def _refused(self, what: str, place: str) -> RequestRefused:
        return _bad_body(
            f"Failed to deserialize the JSON body into the target type: {_prefix(self._path)}{what} at {place}"
        )

    def _mistyped(self, expected: str) -> RequestRefused:
        # Of a list or an object serde has only seen that it begins.
        is_container = isinstance(self.value, (list, dict))
        place = self._places.start_of(self._path) if is_container else self._places.end_of(self._path)
        return self._refused(f"invalid type: {_kind_of(self.value)}, expected {expected}", place)

    def fields(self, what: str) -> BodyReader:
        """Itself, if it is an object."""
        if not isinstance(self.value, dict):
            raise self._mistyped(what)
        return self

    def required(self, name: str) -> BodyReader:
        """A field that must be there."""
        if name not in self.value:
            raise self._refused(f"missing field `{name}`", self._places.end_of(self._path))
        return self.at((name,))

    def text(self) -> str:
        """Itself, if it is text."""
        if not isinstance(self.value, str):
            raise self._mistyped("a string")
        return str(self.value)

    def optional_text(self, name: str) -> str | None:
        """A field that is text, null, or not there."""
        return None if self.value.get(name) is None else self.at((name,)).text()

    def choice(self, choices: Sequence[str]) -> str:
        """Itself, if it is one of these texts."""
        text = self.text()
        if text not in choices:
            raise self._refused(unknown_variant(text, choices), self._places.end_of(self._path))
        return text

    def whole(self, number: Any, type_name: str, maximum: int) -> int:
        """Itself, if it is a whole number of at least 0; ``number`` is what its text says exactly."""
        if type(number) is not int:
            raise self._mistyped(type_name)
        if not 0 <= number <= maximum:
            what = f"invalid value: integer `{number}`, expected {type_name}"
            raise self._refused(what, self._places.end_of(self._path))
        return number

    def items(self) -> list[BodyReader]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            raise self._mistyped("a sequence")
        return [self.at((position,)) for position in range(len(self.value))]


def _call(reader: BodyReader, path: str | None = None) -> CallRequest:
    fields = reader.fields("struct UdfPostRequest")
    return CallRequest(
        path=fields.required("path").text() if path is None else path,
        args=fields.required("args").value,
        format=fields.optional_text("format"),
        component_path=fields.optional_text("componentPath"),
    )


def call_request(body: JsonBody, *, path: str | None = None) -> CallRequest:
    """The call a body asks for; ``path`` if the URL names the function.

    Raises:
        RequestRefused: ``BadJsonBody`` with the name of the field.
    """
    return _call(BodyReader(body), path)


def batch_request(body: JsonBody) -> list[CallRequest]:
    """The calls of a batch.

    Raises:
        RequestRefused: ``BadJsonBody`` with the name of the field.
    """
    queries = BodyReader(body).fields("struct QueryBatchArgs").required("queries")
    return [_call(query) for query in queries.items()]


def query_request(parameters: Mapping[str, str]) -> CallRequest:
    """The call a query string asks for; ``args`` is JSON text.

    Raises:
        RequestRefused: ``BadQueryArgs`` with the name of the parameter.
    """
    for name in ("path", "args"):
        if name not in parameters:
            raise RequestRefused(f"Failed to deserialize query string: missing field `{name}`", code="BadQueryArgs")
    try:
        args = parse_json(parameters["args"])
    except JsonTextError as error:
        raise RequestRefused(f"Failed to deserialize query string: args: {error}", code="BadQueryArgs") from None
    return CallRequest(path=parameters["path"], args=args, format=parameters.get("format"))


def timestamp_text(body: JsonBody) -> str:
    """The ``ts`` of a body.

    Raises:
        RequestRefused: ``BadJsonBody`` if it is missing or no text.
    """
    return BodyReader(body).fields("struct QueryAtTsRequest").required("ts").text()


def timestamp_of(text: str) -> int:
    """The nanoseconds of a ``ts``: base64 of eight little-endian bytes.

    Raises:
        DeploymentError: the internal error a deployment answers to malformed base64.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 8:
        raise DeploymentError(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)
    return int.from_bytes(data, "little")


def parts_of_url(path: str) -> list[str]:
    """Module and function of a call by URL, decoded twice as a deployment does: by its router, then by its route.

    Raises:
        RequestRefused: for a path that is no text.
    """
    try:
        path = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise RequestRefused("Invalid UTF-8 in `functionIdentifier`", code="BadPathArgs") from None
    try:
        return [unquote(part, errors="strict") for part in path.split("/")]
    except UnicodeDecodeError:
        raise RequestRefused(MISSING_IDENTIFIER, code="MissingIdentifier") from None


def encoded_arguments(args: Any) -> Callable[[Limits], list[Measured]]:
    """Reads encoded arguments: an array is a legacy list of positional ones; everything else is the one argument."""
    positional = args if isinstance(args, list) else [args]

    def read(limits: Limits) -> list[Measured]:
        if args is UNREADABLE:
            raise UnreadableArguments
        return [decode_measured(item, limits) for item in positional]

    return read

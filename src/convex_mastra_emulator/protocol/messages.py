"""The JSON bodies of the function API, read with the deployment's refusals.

convex-backend crates/common/src/http/extract.rs, crates/local_backend/src/public_api.rs; the texts of parsing
are serde's and axum's (convex-wire.md §1.2 and §1.7, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, RequestRefused
from convex_mastra_emulator.values.json_text import JsonTextError, parse_json


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
    """A function to call; ``args`` are still encoded."""

    path: str
    args: Any
    format: str | None = None
    component_path: str | None = None


def _bad_body(text: str) -> RequestRefused:
    return RequestRefused(text, code="BadJsonBody")


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";", 1)[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def read_json_body(request: BodyRequest, size_max: int) -> Any:
    """Parses the body of a request.

    Raises:
        RequestRefused: ``BadJsonBody``.
    """
    if not _is_json(request.headers.get("content-type", "")):
        raise _bad_body("Expected request with `Content-Type: application/json`")
    if len(request.body) > size_max:
        # Not 413: a deployment answers 400 (convex-wire.md §0.11).
        raise _bad_body("Failed to buffer the request body: length limit exceeded")
    return _parsed(request.body)


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body.decode())
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        column = error.start - (body.rfind(b"\n", 0, error.start) + 1) + 1
        raise _bad_body(
            f"Failed to parse the request body as JSON: invalid unicode code point at line {line} column {column}"
        ) from None
    except JsonTextError as error:
        raise _bad_body(f"Failed to parse the request body as JSON: {error}") from None


def _mistyped(text: str) -> RequestRefused:
    return _bad_body(f"Failed to deserialize the JSON body into the target type: {text}")


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


def _field(body: Mapping[str, Any], name: str) -> Any:
    if name not in body:
        raise _mistyped(f"missing field `{name}`")
    return body[name]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _mistyped(f"{name}: invalid type: {_kind_of(value)}, expected a string")
    return value


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return None if value is None else _text(value, name)


def _object(body: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise _mistyped(f"invalid type: {_kind_of(body)}, expected {what}")
    return body


def call_request(body: Any, *, path: str | None = None) -> CallRequest:
    """The call a body asks for; ``path`` if the URL names the function.

    Raises:
        RequestRefused: ``BadJsonBody`` with the name of the field.
    """
    fields = _object(body, "struct UdfPostRequest")
    return CallRequest(
        path=_text(_field(fields, "path"), "path") if path is None else path,
        args=_field(fields, "args"),
        format=_optional_text(fields, "format"),
        component_path=_optional_text(fields, "componentPath"),
    )


def batch_request(body: Any) -> list[CallRequest]:
    """The calls of a batch.

    Raises:
        RequestRefused: ``BadJsonBody`` with the name of the field.
    """
    queries = _field(_object(body, "struct QueryBatchArgs"), "queries")
    if not isinstance(queries, list):
        raise _mistyped(f"queries: invalid type: {_kind_of(queries)}, expected a sequence")
    return [call_request(query) for query in queries]


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


def timestamp_of(body: Any) -> int:
    """The ``ts`` of a body: nanoseconds, as base64 of eight little-endian bytes.

    Raises:
        RequestRefused: ``BadJsonBody`` if it is missing or no text.
        DeploymentError: the internal error a deployment answers to malformed base64.
    """
    text = _text(_field(_object(body, "struct QueryAtTsRequest"), "ts"), "ts")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 8:
        raise DeploymentError(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)
    return int.from_bytes(data, "little")

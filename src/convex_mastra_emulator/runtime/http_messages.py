"""The request an HTTP action is handed, and the response it gives: ``Request`` and ``Response`` of the web.

convex-backend npm-packages/udf-runtime/src/20_headers.ts, 23_request.ts, 23_response.ts (checked 2026-11-21).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from convex_mastra_emulator.values.javascript import parse_json, stringify
from convex_mastra_emulator.values.types import undefined

HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]
HeadersGiven: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
_STATUS_MIN, _STATUS_MAX = 200, 599
# Rust's crate http, HeaderName::from_bytes.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class HttpHeaders(Mapping[str, str]):
    """Headers by name in any case; several of one name are one value with commas.

    Attributes:
        pairs: all of them, names in lower case.
    """

    __slots__ = ("pairs",)

    def __init__(self, headers: HeadersGiven = ()) -> None:
        given = headers.items() if isinstance(headers, Mapping) else headers
        self.pairs: HeaderPairs = tuple((_normalized(name), str(value)) for name, value in given)

    def get_all(self, name: str) -> list[str]:
        """The values of all headers of that name."""
        wanted = name.lower()
        return [value for found, value in self.pairs if found == wanted]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self.pairs))

    def __len__(self) -> int:
        return len({name for name, _ in self.pairs})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(found == name.lower() for found, _ in self.pairs)

    def __repr__(self) -> str:
        return f"HttpHeaders({list(self.pairs)!r})"


def _normalized(name: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        # Without the closing quote, as the deployment has it.
        raise TypeError("Failed to execute 'append' on 'Headers: Invalid name")
    return name.lower()


class RangeError(ValueError):
    """JavaScript's; clients see the class' name."""


@dataclass(frozen=True, slots=True)
class HttpActionRequest:
    """What an HTTP action is asked.

    Attributes:
        method: such as ``POST``.
        url: the whole URL, as the client sees it.
        headers: by name in any case.
        body: the bytes; none for GET, HEAD and OPTIONS.
    """

    method: str
    url: str
    headers: HttpHeaders = field(default_factory=HttpHeaders)
    body: bytes = b""

    def text(self) -> str:
        """The body as text in UTF-8; what is none becomes U+FFFD."""
        return self.body.decode("utf-8", "replace").removeprefix("\ufeff")

    def json(self) -> Any:
        """The body as JSON; numbers become floats.

        Raises:
            SyntaxError: with V8's text, if it is none.
        """
        return parse_json(self.text())


class HttpActionResponse:
    """What an HTTP action answers.

    Args:
        body: bytes, or text, which is sent in UTF-8 and as ``text/plain`` unless the headers say otherwise.
        status: from 200 to 599.
        headers: a mapping, or pairs of names and values.

    Attributes:
        status: as given.
        headers: as given, and those that follow from the body.
        body: the bytes.

    Raises:
        ValueError: for another status.
        TypeError: for a header's name that is none, and a body of another type.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes | str | None = None, status: int = 200, headers: HeadersGiven = ()) -> None:
        if type(status) is not int or not _STATUS_MIN <= status <= _STATUS_MAX:
            raise RangeError(
                "Failed to construct 'Response': The status provided is outside the range "
                f"[{_STATUS_MIN}, {_STATUS_MAX}]."
            )
        if not isinstance(body, (bytes, bytearray, memoryview, str, type(None))):
            raise TypeError(f"body must be bytes or text, got {type(body).__name__}")
        self.status = status
        self.headers = HttpHeaders(headers)
        if isinstance(body, str) and "content-type" not in self.headers:
            self.headers = HttpHeaders([*self.headers.pairs, ("content-type", "text/plain;charset=UTF-8")])
        self.body = body.encode("utf-8", "replace") if isinstance(body, str) else bytes(body or b"")

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: HeadersGiven = ()) -> HttpActionResponse:
        """A response with a value as JSON.

        Raises:
            TypeError: for what is no JSON.
        """
        try:
            text = stringify(_plain(value))
            if value is undefined:
                raise TypeError
        except (TypeError, AssertionError):
            raise TypeError("Failed to execute 'json' on 'Response': The data is not JSON serializable") from None
        given = HttpHeaders(headers)
        pairs = [pair for pair in given.pairs if pair[0] != "content-type"]
        return cls(text, status, [*pairs, ("content-type", "application/json")])

    def text(self) -> str:
        """The body as text in UTF-8."""
        return self.body.decode("utf-8", "replace")

    def read_json(self) -> Any:
        """The body as JSON, in Python's types.

        Raises:
            ValueError: if it is none.
        """
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<HttpActionResponse {self.status}, {len(self.body):,} bytes>"


def _plain(value: Any) -> Any:
    """Tuples as lists, which JSON has."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value

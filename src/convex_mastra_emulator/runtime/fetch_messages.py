"""What ``fetch`` sends and what it gets: requests, responses, headers.

convex-backend npm-packages/udf-runtime/src/20_headers.ts, 23_request.ts, 23_response.ts (checked 2026-11-21).
"""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from convex_mastra_emulator.values.javascript import stringify
from convex_mastra_emulator.values.types import undefined

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_STATUS_MIN, _STATUS_MAX = 200, 599


class Headers(Mapping[str, str]):
    """Headers by name, in lower case as a deployment has them; looked up in any case.

    Args:
        headers: names and values.

    Raises:
        TypeError: for what is no name or no value of a header.
    """

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = {}
        for name, value in (headers or {}).items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"headers must be texts by name, got {name!r}: {value!r}")
            self._values[name.lower()] = value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What a function sends.

    Attributes:
        method: in capitals.
        url: as JavaScript's ``new URL(…).href`` writes it: ``https://example.com`` has a slash at its end.
        headers: with the content type that goes with the body.
        body: None if there is none.
    """

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes | None = None

    def text(self) -> str:
        """The body as text; empty if there is none."""
        return (self.body or b"").decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: if it is none.
        """
        return json_module.loads(self.text())

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """What a function gets.

    Attributes:
        status: from 200 to 599.
        headers: looked up in any case.
        body: the bytes.
        url: where it came from in the end, redirects followed.
    """

    status: int = 200
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    url: str = ""

    def __post_init__(self) -> None:
        if type(self.status) is not int or not _STATUS_MIN <= self.status <= _STATUS_MAX:
            raise ValueError(f"status must be a whole number from {_STATUS_MIN} to {_STATUS_MAX}, got {self.status!r}")

    @classmethod
    def of(
        cls,
        *,
        status: int = 200,
        json: Any = undefined,
        text: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> FetchResponse:
        """A response of JSON, text or bytes, with the content type that goes with it unless one is given.

        Raises:
            TypeError: when more than one of them is given.
            ValueError: for a status that is none.
        """
        content, content_type = _content(json, text, body)
        return cls(status, _with_content_type(headers, content_type), content or b"")

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status <= 299

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            SyntaxError: as ``JSON.parse`` does, if it is none.
        """
        text = self.text()
        try:
            return json_module.loads(text)
        except ValueError:
            raise SyntaxError(_parse_problem(text)) from None


def _parse_problem(text: str) -> str:
    """What V8 says of a text that is no JSON, as far as it can be told without its parser."""
    if not text.strip():
        return "Unexpected end of JSON input"
    shown = text if len(text) <= 40 else f"{text[:10]}..."
    return f"Unexpected token '{text.lstrip()[0]}', \"{shown}\" is not valid JSON"


def _content(json: Any, text: str | None, body: bytes | None) -> tuple[bytes | None, str | None]:
    given = [name for name, value in (("text", text), ("body", body)) if value is not None]
    given += ["json"] if json is not undefined else []
    if len(given) > 1:
        raise TypeError(f"only one of {', '.join(sorted(given))} can be given")
    if json is not undefined:
        return stringify(json).encode(), "application/json"
    if text is not None:
        return text.encode(), "text/plain;charset=UTF-8"
    if body is not None and not isinstance(body, bytes):
        raise TypeError(f"body must be bytes, got {type(body).__name__}")
    return body, None


def _with_content_type(headers: Mapping[str, str] | None, content_type: str | None) -> Headers:
    given = Headers(headers)
    if content_type is None or "content-type" in given:
        return given
    return Headers({**given, "content-type": content_type})


def new_request(
    url: Any,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
    json: Any = undefined,
) -> FetchRequest:
    """The request JavaScript makes of the arguments of ``fetch``.

    Args:
        url: the address, ``http:`` or ``https:``.
        method: any; the usual ones in capitals.
        headers: names and values.
        body: text or bytes.
        json: a value to send as JSON; what ``JSON.stringify`` and the header do in TypeScript.

    Raises:
        TypeError: with JavaScript's text, for what is no request.
    """
    if url is undefined:
        raise TypeError("Request URL is undefined")
    name = method.upper() if method.upper() in _METHODS else method
    if (body is not None or json is not undefined) and name in ("GET", "HEAD"):
        raise TypeError("Failed to construct 'Request': Request with GET/HEAD method cannot have body.")
    is_text = isinstance(body, str)
    content, content_type = _content(json, body if is_text else None, None if is_text else body)  # type: ignore[arg-type]
    return FetchRequest(name, href(url), _with_content_type(headers, content_type), content)


def href(url: Any, base: str = "") -> str:
    """An address as ``new URL(url, base).href`` writes it, as far as scheme, host, port and path go.

    Raises:
        TypeError: with JavaScript's text, for what is no address.
    """
    text = str(url)
    try:
        parts = urlsplit(urljoin(base, text) if base else text)
        port = parts.port
    except ValueError:
        raise TypeError(f"Invalid URL: '{text}'") from None
    if not parts.scheme or (parts.scheme in _DEFAULT_PORTS and not parts.hostname):
        raise TypeError(f"Invalid URL: '{text}'")
    if parts.scheme not in _DEFAULT_PORTS:
        raise TypeError(f"Unsupported URL scheme -- http and https are supported (scheme was {parts.scheme})")
    user, at, _ = parts.netloc.rpartition("@")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    shown_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    path = (parts.path or "/").replace(" ", "%20")
    query = parts.query.replace(" ", "%20")
    return urlunsplit((parts.scheme, f"{user}{at}{host}{shown_port}", path, query, parts.fragment))

"""Requests to a deployment as they stand on the wire, without a client that hides status, headers and body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

SECONDS = 30
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        status: such as 200.
        headers: by lower-case name.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, every number a float."""
        return json.loads(self.body, parse_int=float)

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of a refused request."""
        return self.status, self.json()["code"]

    @property
    def message(self) -> str:
        """The text of a refused request."""
        return str(self.json()["message"])


@dataclass(frozen=True, slots=True)
class PlainHttp:
    """The HTTP interface of a deployment.

    Attributes:
        url: of the deployment.
        admin_key: its key; it may be a real one and shows in no text.
    """

    url: str
    admin_key: str = field(repr=False)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str | Mapping[str, Any] | None = None,
        *,
        content_type: str | None = JSON_TYPE,
        authorization: str | None = None,
        is_admin: bool = False,
        **headers: str,
    ) -> Answer:
        """Sends one request on a connection of its own.

        Args:
            method: such as ``POST``.
            path: with its query string, percent-encoded.
            body: bytes as they are, or what is to be written as JSON.
            content_type: None sends none.
            authorization: the header; None sends none.
            is_admin: sends the admin key.
            headers: others, with ``_`` for ``-``.
        """
        __tracebackhide__ = True  # pytest --showlocals would print the key
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if content_type is not None:
            sent["Content-Type"] = content_type
        if authorization is not None or is_admin:
            sent["Authorization"] = f"Convex {self.admin_key}" if authorization is None else authorization
        address = urlsplit(self.url)
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=SECONDS)
        try:
            connection.request(method, address.path + path, _bytes(body), sent)
            answer = connection.getresponse()
            got = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(status=answer.status, headers=got, body=answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: bytes | str | Mapping[str, Any] | None, **options: Any) -> Answer:
        """Posts a body, which is JSON unless ``content_type`` says otherwise; options are those of :meth:`send`."""
        __tracebackhide__ = True
        return self.send("POST", path, body, **options)

    def call(self, kind: str, path: str, args: Any, format: str | None = None, **options: Any) -> Answer:
        """Calls a function as an administrator, who is told the text of every error.

        Args:
            kind: ``query``, ``mutation``, ``action`` or ``function``.
            path: of the function.
            args: in encoded form.
            format: of the answer; None sends none.
            options: those of :meth:`send`.
        """
        __tracebackhide__ = True
        body = {"path": path, "args": args} | ({} if format is None else {"format": format})
        return self.post(f"/api/{kind}", body, **{"is_admin": True, **options})

    def run(self, kind: str, *steps: Mapping[str, Any], format: str | None = None, **options: Any) -> Answer:
        """Calls one of the probe's functions with a program; options are those of :meth:`call`."""
        __tracebackhide__ = True
        args = {"program": json.dumps(steps)}
        return self.call(kind, f"conformance/probe:{kind}", args, format, **options)


def _bytes(body: bytes | str | Mapping[str, Any] | None) -> bytes | None:
    if isinstance(body, Mapping):
        return json.dumps(body).encode()
    return body.encode() if isinstance(body, str) else body

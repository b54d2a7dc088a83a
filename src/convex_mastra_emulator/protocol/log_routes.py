"""The route by which ``npx convex logs`` reads the deployment's log: answered when there is something to tell.

convex-backend crates/local_backend/src/logs.rs ``stream_function_logs``, router.rs (convex-wire.md §5.2, checked
2026-11-21).
"""

from __future__ import annotations

import math
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind
from convex_mastra_emulator.protocol.auth import require_admin
from convex_mastra_emulator.protocol.client_version import parse_client_version
from convex_mastra_emulator.protocol.data_requests import bad_query, whole_number
from convex_mastra_emulator.protocol.http_exchange import AdminRoute, HttpRequest, HttpResponse, Poll
from convex_mastra_emulator.protocol.log_entries import entry_json
from convex_mastra_emulator.runtime.function_log import Entry, Run, request_id_of
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.values.json_text import write_json

_PATHS = ("/api/stream_function_logs", "/api/app_metrics/stream_function_logs")
_FIELDS = ("cursor", "sessionId", "clientRequestCounter")
# What Rust reads as an f64.
_NUMBER = re.compile(r"[+-]?(?:inf|infinity|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)", re.IGNORECASE)
# The forms of a UUID that Rust's crate uuid reads.
_HEX = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_UUID = re.compile(rf"[0-9a-f]{{32}}|(?:urn:uuid:)?(?:{_HEX})|\{{{_HEX}\}}", re.IGNORECASE)
_COUNTER_MAX = 2**32 - 1
# These understand lines that are objects.
_STRUCTURED = frozenset({"npm-cli", "dashboard"})


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What is asked for.

    Attributes:
        cursor: behind which time, in milliseconds since the Unix epoch.
        request_id: runs of which request alone; None for all.
    """

    cursor: float
    request_id: str | None = None

    def wants(self, entry: Entry) -> bool:
        """Whether an entry is asked for; of a request not what its actions started."""
        run = entry if isinstance(entry, Run) else entry.run
        return self.request_id is None or (run.request.id == self.request_id and run.parent is None)


def log_request(query: str) -> LogRequest:
    """Reads the query string.

    Raises:
        RequestRefused: ``BadQueryArgs`` with the name of the parameter.
        DeploymentError: of kind INTERNAL, for a session that is none, as a deployment has no words for it.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1 and name in _FIELDS:
            raise bad_query(f"duplicate field `{name}`")
    parameters = dict(pairs)
    if "cursor" in parameters:
        cursor = _number("cursor", parameters["cursor"])
    counter: int | None = None
    if "clientRequestCounter" in parameters:
        text = parameters["clientRequestCounter"]
        counter = whole_number("clientRequestCounter", text, _COUNTER_MAX)
    if "cursor" not in parameters:
        raise bad_query("missing field `cursor`")
    session = parameters.get("sessionId")
    if session is None or counter is None:
        return LogRequest(cursor)
    if not _UUID.fullmatch(session):
        raise DeploymentError(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)
    return LogRequest(cursor, request_id_of(str(uuid.UUID(session)), counter))


def _number(name: str, text: str) -> float:
    if text == "":
        raise bad_query(f"{name}: cannot parse float from empty string")
    if not _NUMBER.fullmatch(text):
        raise bad_query(f"{name}: invalid float literal")
    return float(text)


class LogRoutes:
    """The route of one deployment.

    Args:
        emulator: the deployment.

    Attributes:
        routes: by path and method.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.routes: Mapping[str, Mapping[str, AdminRoute]] = {path: {"GET": self._stream} for path in _PATHS}

    def _stream(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        asked = log_request(request.query)
        require_admin(identity)
        client = request.headers.get("convex-client")
        is_structured = client is not None and parse_client_version(client).client in _STRUCTURED
        nothing = _body([], asked.cursor)
        headers = (("content-type", "application/json"),)
        poll = Poll(self._watching, lambda: self._told(asked, is_structured=is_structured))
        return HttpResponse(200, nothing, headers, poll=poll)

    def _told(self, asked: LogRequest, *, is_structured: bool) -> bytes | None:
        entries, cursor = self._emulator.log.after(asked.cursor)
        if not entries:
            return None
        size_max = self._emulator.limits.log_line_size_max
        told = [entry_json(entry, size_max, is_structured=is_structured) for entry in entries if asked.wants(entry)]
        return _body(told, cursor)

    @contextmanager
    def _watching(self, wake: Callable[[], None]) -> Iterator[None]:
        listeners = self._emulator.log.listeners
        listeners.append(wake)
        try:
            yield
        finally:
            listeners.remove(wake)


def _body(entries: list[dict[str, object]], cursor: float) -> bytes:
    # JSON has no word for numbers that are none; serde writes null.
    return write_json({"entries": entries, "newCursor": cursor if math.isfinite(cursor) else None}).encode()

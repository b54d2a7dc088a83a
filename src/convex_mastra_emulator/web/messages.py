"""What the web's routes are asked and what they answer, without a socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs

from convex_mastra_emulator.runtime.http_messages import HeaderPairs, HttpHeaders


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A request; ``path`` is as it was sent (percent-encoded)."""

    method: str
    path: str
    query: str = ""
    headers: HttpHeaders = field(default_factory=HttpHeaders)
    body: bytes = b""

    def parameter(self, name: str) -> str | None:
        """A parameter of the query string."""
        return parse_qs(self.query, keep_blank_values=True).get(name, [None])[0]

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next(iter(self.headers.get_all(name)), None)


@dataclass(frozen=True, slots=True)
class WebResponse:
    """A response; whoever sends it says how long it is."""

    status: int
    body: bytes = b""
    headers: HeaderPairs = ()

"""What goes in and out of the HTTP API, and what its routes are, whatever carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

from convex_mastra_emulator.runtime.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request; header names are lower case, ``path`` is as it was sent (percent-encoded)."""

    method: str
    path: str
    # Each of these may hold a key, which must not get into a log with the request.
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    header_pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """All headers, where it matters that a name may stand more than once."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A response that waits until there is something to tell; with its own body if there is nothing for too long.

    Attributes:
        watching: while that runs, what it is given is called, from any thread, when there may be something.
        body: what is told instead; None while there is nothing.
    """

    watching: Callable[[Callable[[], None]], AbstractContextManager[None]]
    body: Callable[[], bytes | None]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay_seconds: float = 0.0
    """How long the server waits before it answers."""
    is_cut: bool = False
    """Whether the connection is closed instead."""
    poll: Poll | None = None
    """What the server waits for before it answers; None if for nothing."""


AdminRoute: TypeAlias = Callable[[HttpRequest, Identity], HttpResponse]
"""Answers a request whose caller is known; lets administrators pass itself, once it has read the request."""
OwnRoute: TypeAlias = Callable[[HttpRequest], HttpResponse]
"""Answers a request; finds out by itself who calls."""

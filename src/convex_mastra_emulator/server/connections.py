"""Connections that can be closed without an answer: uvicorn's protocols, which hand that to the application.

ASGI has no word for it: an application that answers nothing is an error there, and logged as one.  So each scope
carries a function that closes the connection; what was sent before still arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

_EXTENSION = "convex_emulator.cut"


class CuttableHttp(HttpToolsProtocol):
    """A connection of HTTP."""

    def on_message_begin(self) -> None:
        """Gives each request what closes its connection."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"cut": self.transport.close}}


class CuttableSocket(WebSocketsSansIOProtocol):
    """A WebSocket; cut, its client sees 1006."""

    def handle_connect(self, event: Request) -> None:
        """Gives the socket what closes its connection; the application runs only afterwards."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:  # a handshake that was refused has none
            extensions = cast("dict[str, Any]", scope["extensions"])
            extensions[_EXTENSION] = {"cut": self.transport.close}


def cut_of(scope: Mapping[str, Any]) -> Callable[[], None] | None:
    """What closes the connection; None on a server that is not ours."""
    extension = (scope.get("extensions") or {}).get(_EXTENSION)
    return None if extension is None else cast("Callable[[], None]", extension["cut"])

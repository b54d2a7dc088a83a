"""The routes that are no calls of functions: HTTP actions, and up and downloads of stored files.

convex-backend crates/local_backend/src/router.rs ``http_action_routes`` and ``storage_api_routes``,
authentication.rs ``TryExtractIdentity`` (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qs

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.protocol.auth import Authenticator, read_authorization
from convex_mastra_emulator.runtime.http_messages import HeaderPairs, HttpHeaders
from convex_mastra_emulator.runtime.identity import ANONYMOUS, Identity
from convex_mastra_emulator.web.http_actions import ACTIONS_PATH, Answer
from convex_mastra_emulator.web.messages import WebRequest, WebResponse
from convex_mastra_emulator.web.stored_files import FILES_PATH, UPLOAD_PATH

HTTP_ACTIONS = ACTIONS_PATH + "/"


class SentRequest(Protocol):
    """What the routes need of a request."""

    @property
    def method(self) -> str:
        """Such as ``GET``."""

    @property
    def path(self) -> str:
        """As it was sent."""

    @property
    def query(self) -> str:
        """As it was sent."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""

    @property
    def header_pairs(self) -> HeaderPairs:
        """All of them, where a name may stand more than once; empty if nobody asked for them."""

    @property
    def body(self) -> bytes:
        """As it came."""


def takes_large_bodies(path: str) -> bool:
    """Whether the bodies of a path have a limit of their own."""
    return path.startswith((HTTP_ACTIONS, UPLOAD_PATH))


class WebRoutes:
    """HTTP actions and stored files of one deployment.

    Args:
        emulator: the deployment.
        authenticator: checks keys and tokens.
    """

    def __init__(self, emulator: Emulator, authenticator: Authenticator) -> None:
        self._emulator = emulator
        self._authenticator = authenticator

    @staticmethod
    def file_methods(path: str) -> tuple[str, ...]:
        """The methods of a path below ``/api/storage/``; none if there is no such route."""
        if path == UPLOAD_PATH:
            return ("POST",)
        name = path.removeprefix(FILES_PATH)
        return ("GET",) if name and "/" not in name else ()

    def body_size_max(self, request: SentRequest) -> int | None:
        """How much of a body is worth reading; None for all of it.

        An upload has no limit but that of its time on a deployment; one that is refused is not read.
        """
        if request.path.startswith(HTTP_ACTIONS):
            return self._emulator.limits.http_body_size_max
        try:
            self._emulator.check_upload(_read(request, request.path))
        except RequestRefused:
            return 0
        return None

    def answer_files(self, request: SentRequest) -> WebResponse:
        """Answers an upload or a download.

        Raises:
            DeploymentError: with the deployment's text, if it is refused.
        """
        return self._emulator.answer_files(_read(request, request.path))

    def answer_action(self, request: SentRequest) -> Answer:
        """Answers a request to an HTTP action."""
        path = request.path.removeprefix(ACTIONS_PATH)
        return self._emulator.answer_http(_read(request, path), self._identify(request))

    def _identify(self, request: SentRequest) -> Identity:
        """Who calls; what cannot be read or is not good may be meant for the action, and makes nobody."""
        admin_key = parse_qs(request.query).get("adminKey", [None])[0] if request.query else None
        try:
            return self._authenticator.identify(read_authorization(request.headers.get("authorization"), admin_key))
        except RequestRefused:
            return ANONYMOUS


def _read(request: SentRequest, path: str) -> WebRequest:
    return WebRequest(
        method=request.method,
        path=path,
        query=request.query,
        headers=HttpHeaders(request.header_pairs or request.headers),
        body=request.body,
    )

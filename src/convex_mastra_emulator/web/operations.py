"""What an emulator does with files and HTTP actions: the routes of its web server, and the same without a socket."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.journal import Journal, JournalEntry
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.file_storage import StoredBlob
from convex_mastra_emulator.runtime.http_messages import HeadersGiven, HttpActionResponse, HttpHeaders
from convex_mastra_emulator.runtime.http_router import HttpRouter, Route
from convex_mastra_emulator.runtime.identity import ANONYMOUS, Identity
from convex_mastra_emulator.runtime.origins import Origins
from convex_mastra_emulator.usage import NOTHING_USED
from convex_mastra_emulator.web.http_actions import Answer, answer
from convex_mastra_emulator.web.messages import WebRequest, WebResponse
from convex_mastra_emulator.web.stored_files import FILES_PATH, UPLOAD_PATH, check_upload, download, upload

_BEARER = "bearer "


class WebOperations:
    """Files and HTTP actions of an emulator."""

    journal: Journal
    redact_errors: bool
    _executor: Executor

    if TYPE_CHECKING:  # the emulator's own

        def new_request_id(self) -> str:
            """A name for a request."""

        def verify_token(self, token: str) -> Identity:
            """The user a token stands for."""

    @property
    def origins(self) -> Origins:
        """Where the deployment says that it can be reached: a local backend's addresses unless it is served."""
        return self._executor.origins

    def define_http(self, router: HttpRouter | None) -> None:
        """Replaces the HTTP actions by those of a router, as it is now; None leaves the deployment without any.

        Raises:
            TypeError: if ``router`` is none.
        """
        if router is not None and not isinstance(router, HttpRouter):
            raise TypeError(f"router must be an HttpRouter, got {type(router).__name__}")
        self._executor.http_router = None if router is None else router.copy()

    @property
    def http_routes(self) -> list[Route]:
        """The routes of the HTTP actions; none if there are no HTTP actions."""
        router = self._executor.http_router
        return [] if router is None else router.routes()

    # Without a socket

    def http_request(
        self,
        method: str,
        path: str,
        *,
        headers: HeadersGiven = (),
        body: bytes | str = b"",
        identity: Identity | None = None,
    ) -> HttpActionResponse:
        """Asks an HTTP action, as a client of the deployment's site URL does.

        Args:
            method: such as ``POST``.
            path: of the URL, with its query string; it begins with a slash.
            headers: of the request.
            body: bytes, or text to be sent in UTF-8.
            identity: who calls; None is the user of a token in ``Authorization: Bearer``, if it is good.

        Raises:
            ValueError: if ``path`` begins with no slash.
            TypeError: for a header's name that is none.
        """
        if not path.startswith("/"):
            raise ValueError(f"path must begin with a slash, got {path!r}")
        given = HttpHeaders(headers)
        if "host" not in given:
            given = HttpHeaders([("host", urlsplit(self.origins.site_url).netloc), *given.pairs])
        where, _, query = path.partition("?")
        request = WebRequest(
            method=method,
            path=where,
            query=query.partition("#")[0],
            headers=given,
            body=body.encode() if isinstance(body, str) else body,
        )
        response = self.answer_http(request, self._user_of(given) if identity is None else identity).response
        return HttpActionResponse(response.body, response.status, response.headers)

    def _user_of(self, headers: HttpHeaders) -> Identity:
        """The user of a token; whatever else the header says is the action's business."""
        authorization = headers.get("authorization", "")
        if not authorization.lower().startswith(_BEARER):
            return ANONYMOUS
        try:
            return self.verify_token(authorization[len(_BEARER) :])
        except RequestRefused:
            return ANONYMOUS

    def upload(self, url: str, body: bytes, content_type: str | None = None) -> str:
        """Stores a file as a client does that was given an upload URL, and returns its id.

        Args:
            url: of ``ctx.storage.generate_upload_url()``.
            body: the bytes.
            content_type: their media type.

        Raises:
            ValueError: for another URL.
            RequestRefused: for a URL that is not good, or no longer, and a type that is none.
        """
        parts = urlsplit(url)
        if parts.path != UPLOAD_PATH:
            raise ValueError(f"url must be one of generate_upload_url(), got {url!r}")
        headers = () if content_type is None else (("content-type", content_type),)
        request = WebRequest(
            method="POST", path=parts.path, query=parts.query, headers=HttpHeaders(headers), body=bytes(body)
        )
        return str(json.loads(self.answer_files(request).body)["storageId"])

    def download(self, url: str) -> StoredBlob:
        """Fetches a file as a client does that was given its URL.

        Args:
            url: of ``ctx.storage.get_url(id)``.

        Raises:
            ValueError: for another URL.
            RequestRefused: ``FileNotFound``, if it is gone.
        """
        parts = urlsplit(url)
        if not parts.path.startswith(FILES_PATH):
            raise ValueError(f"url must be one of get_url(), got {url!r}")
        response = self.answer_files(WebRequest(method="GET", path=parts.path, query=parts.query))
        return StoredBlob(response.body, dict(response.headers).get("content-type"))

    # What the protocol builds on

    def check_upload(self, request: WebRequest) -> None:
        """Lets an upload pass whose URL is good, before its body is read.

        Raises:
            RequestRefused: for one that is not.
        """
        check_upload(self._executor, request)

    def answer_files(self, request: WebRequest) -> WebResponse:
        """Answers an upload (POST) or a download.

        Raises:
            DeploymentError: with the deployment's text, if it is refused.
        """
        if request.method == "POST":
            return upload(self._executor, request)
        return download(self._executor, request)

    def answer_http(self, request: WebRequest, identity: Identity) -> Answer:
        """Asks an HTTP action, and notes it in the journal."""
        started_ns = time.perf_counter_ns()
        answered = answer(
            self._executor, request, identity, request_id=self.new_request_id(), is_redacted=self.redact_errors
        )
        outcome = answered.outcome
        failure = None if outcome is None or outcome.failure is None else outcome.failure.message
        entry = JournalEntry(
            "httpAction",
            f"{request.method} {request.path}" if outcome is None else outcome.route,
            answered.asked,
            None if outcome is None else outcome.response,
            answered.problem or failure,
            NOTHING_USED if outcome is None else outcome.usage,
            duration_ns=time.perf_counter_ns() - started_ns,
        )
        self.journal.add(entry)
        return answered

"""``fetch`` of actions: answered by what a test has prepared, or let out of the process, or refused.

Nothing is let out unless the emulator is told to: a test that calls a model for money by mistake should fail.

convex-backend npm-packages/udf-runtime/src/26_fetch.ts, crates/isolate/src/environment/udf/mod.rs
``not_allowed_in_udf`` (convex-engine.md §10.5, checked 2026-11-21).
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.errors import DeploymentError, NotEmulated
from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse, Headers, href
from convex_mastra_emulator.values.types import undefined

REQUESTS_KEPT_MAX = 1000
_REDIRECTS_MAX = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS_OF_A_BODY = ("content-encoding", "content-language", "content-location", "content-type")

Handler = Callable[[FetchRequest], FetchResponse]
Address = str | re.Pattern[str]


def fetch_in_transaction() -> DeploymentError:
    """The refusal of ``fetch`` in queries and mutations."""
    return DeploymentError(
        "Can't use fetch() in queries and mutations. Please consider using an action. "
        "See https://docs.convex.dev/functions/actions for more details.",
        code="NoFetchInQueriesOrMutations",
    )


@dataclass(slots=True)
class _Prepared:
    """A response that waits for its requests."""

    address: Address
    method: str | None
    handler: Handler
    left: int | None
    used: int = 0

    def fits(self, request: FetchRequest) -> bool:
        if self.left == 0 or (self.method is not None and self.method != request.method):
            return False
        if isinstance(self.address, re.Pattern):
            return self.address.search(request.url) is not None
        if "*" in self.address:
            pattern = ".*".join(map(re.escape, self.address.split("*")))
            return re.fullmatch(pattern, request.url, re.DOTALL) is not None
        return self.address == request.url

    def __str__(self) -> str:
        address = self.address if isinstance(self.address, str) else f"/{self.address.pattern}/"
        times = "" if self.left is None else f", {self.left} more time{'' if self.left == 1 else 's'}"
        return f"{self.method or 'any method'} {address}{times}"


class Fetches:
    """The other end of ``ctx.fetch``: what tests answer, and what was asked.

    It is set up by tests and so left alone by ``rollback()``, ``snapshot()`` and ``restore()``: :meth:`clear` empties
    it, and the fixtures of the pytest plugin do that for every test.

    Args:
        let_out: answers what nothing was prepared for; None refuses it.
    """

    def __init__(self, let_out: Handler | None = None) -> None:
        self.let_out = let_out
        self._prepared: list[_Prepared] = []
        self._requests: deque[FetchRequest] = deque(maxlen=REQUESTS_KEPT_MAX)
        self._unanswered: deque[FetchRequest] = deque(maxlen=REQUESTS_KEPT_MAX)
        # Actions run side by side on a server.
        self._lock = threading.Lock()

    # Preparing

    def respond(
        self,
        url: Address,
        handler: Handler | None = None,
        *,
        method: str | None = None,
        status: int = 200,
        json: Any = undefined,
        text: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
        error: Exception | None = None,
    ) -> None:
        """Prepares a response.  Of several that fit a request the latest answers that is not used up.

        So what comes last is prepared first: a response for always, then ``times=2`` of a failure before it.

        Args:
            url: the whole address; ``*`` in it stands for anything; a pattern is searched for in the address.
            handler: called with the request, gives the response.
            method: only for requests of this one.
            status: of the response.
            json: its body as JSON.
            text: its body as text.
            body: its body as bytes.
            headers: its headers.
            times: for how many requests it is there; None for all.
            error: what is raised instead.

        Raises:
            TypeError: for arguments that do not go together.
            ValueError: for a number that is none.
        """
        if times is not None and (type(times) is not int or times < 1):
            raise ValueError(f"times must be a whole number of at least 1, got {times!r}")
        if handler is None:
            handler = _answering(
                FetchResponse.of(status=status, json=json, text=text, body=body, headers=headers), error
            )
        elif (status, json, text, body, headers, error) != (200, undefined, None, None, None, None):
            raise TypeError("a handler makes the whole response: nothing else of it can be given")
        address = href(url) if isinstance(url, str) and "*" not in url else url
        prepared = _Prepared(address, None if method is None else method.upper(), handler, times)
        with self._lock:
            self._prepared.append(prepared)

    def fail(
        self, url: Address, *, method: str | None = None, times: int | None = None, text: str = "fetch failed"
    ) -> None:
        """Lets a request fail before there is a response, as when nobody can be reached.

        Args:
            url: as for :meth:`respond`.
            method: only for requests of this one.
            times: for how many requests; None for all.
            text: of the ``TypeError`` that is raised; unless given that of Node, in which actions with ``"use node"``
                run.  Convex' own runtime says ``error sending request for url (…)`` and the cause.
        """
        self.respond(url, method=method, times=times, error=TypeError(text))

    def clear(self) -> None:
        """Forgets what was prepared, and what was asked."""
        with self._lock:
            self._prepared.clear()
            self._requests.clear()
            self._unanswered.clear()

    # Looking back

    @property
    def requests(self) -> list[FetchRequest]:
        """What was asked so far, oldest first, those that were refused included; the last 1,000."""
        with self._lock:
            return list(self._requests)

    def assert_all_answered(self) -> None:
        """Fails if a response was not asked for as often as it was prepared for, or a request got none.

        Raises:
            AssertionError: naming them.
        """
        __tracebackhide__ = True
        with self._lock:
            waiting = [str(each) for each in self._prepared if (each.left or 0) > 0 or not each.used]
            unanswered = list(map(str, self._unanswered))
        problems = [f"nobody asked for: {each}" for each in waiting]
        problems += [f"nothing was prepared for: {each}" for each in unanswered]
        if problems:
            raise AssertionError("\n".join(problems))

    # Answering

    def answer(self, request: FetchRequest, redirect: str = "follow") -> FetchResponse:
        """What a request gets in the end, redirects followed as a deployment does.

        Args:
            request: the first one.
            redirect: ``follow``, ``manual`` gives the redirect itself, ``error`` takes it for a failure.

        Raises:
            NotEmulated: when nothing was prepared for it and nothing is let out.
            TypeError: for a redirect that cannot be followed.
            Exception: what was prepared to be raised.
        """
        if redirect not in ("follow", "manual", "error"):
            raise ValueError(f"redirect must be follow, manual or error, got {redirect!r}")
        response = self._one_answer(request)
        if redirect == "manual":
            return response
        for _ in range(_REDIRECTS_MAX):
            if response.status not in _REDIRECTS:
                return response
            if redirect == "error":
                raise TypeError("fetch attempted redirect")
            location = response.headers.get("location")
            if location is None:
                return response
            request = _redirected(request, response.status, location)
            response = self._one_answer(request)
        raise TypeError("fetch too many redirects")

    def _one_answer(self, request: FetchRequest) -> FetchResponse:
        handler = self._handler_of(request)
        if handler is None:
            raise NotEmulated(
                f"fetch of {request}: nothing was prepared for it, and the emulator lets nothing out. "
                f"Prepare an answer, emulator.fetch.respond({request.url!r}, json=…), "
                "or let requests out, Emulator(allow_network=True) or `serve --allow-network`"
            )
        response = handler(request)
        if not isinstance(response, FetchResponse):
            raise TypeError(f"the handler for {request} must give a FetchResponse, got {type(response).__name__}")
        return FetchResponse(response.status, response.headers, response.body, response.url or request.url)

    def _handler_of(self, request: FetchRequest) -> Handler | None:
        with self._lock:
            self._requests.append(request)
            for prepared in reversed(self._prepared):
                if prepared.fits(request):
                    prepared.used += 1
                    if prepared.left is not None:
                        prepared.left -= 1
                    return prepared.handler
            if self.let_out is None:
                self._unanswered.append(request)
            return self.let_out


def _answering(response: FetchResponse, error: Exception | None) -> Handler:
    def answer(_request: FetchRequest) -> FetchResponse:
        if error is not None:
            # With a traceback of its own each time: one object would gather those of all.
            raise error.with_traceback(None)
        return response

    return answer


def _redirected(request: FetchRequest, status: int, location: str) -> FetchRequest:
    """The request that follows a redirect (26_fetch.ts)."""
    url = href(location, request.url)
    headers, method, body = dict(request.headers), request.method, request.body
    if (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD")):
        method, body = "GET", None
        for name in _HEADERS_OF_A_BODY:
            headers.pop(name, None)
    if _origin(url) != _origin(request.url):
        headers.pop("authorization", None)
    return FetchRequest(method, url, Headers(headers), body)


def _origin(url: str) -> str:
    return url[: url.index("/", url.index("//") + 2)]

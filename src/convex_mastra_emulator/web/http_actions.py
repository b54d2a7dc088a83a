"""HTTP actions as a web server's route: a request in, the action's response out, or what is said of its failure.

No header is added, neither for browsers (CORS) nor for anybody else.

convex-backend crates/local_backend/src/http_actions.rs, crates/application/src/redaction.rs
``to_http_response_parts`` (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.function_log import Request
from convex_mastra_emulator.runtime.http_actions import HttpActionOutcome, run_http_action
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.http_router import ROUTABLE_METHODS
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.types import undefined
from convex_mastra_emulator.web.messages import WebRequest, WebResponse
from convex_mastra_emulator.web.urls import request_url

ACTIONS_PATH = "/http"
_METHODS = frozenset({*ROUTABLE_METHODS, "HEAD"})
_ALLOWED = (("allow", "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),)
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
_JSON = (("content-type", "application/json"),)
# The server says how a body is sent; an action's own word on it could only contradict.
_OF_THE_SERVER = frozenset({"content-length", "transfer-encoding"})
_INTERNAL_ERROR = WebResponse(
    500, write_json({"code": "InternalServerError", "message": INTERNAL_ERROR_TEXT}).encode(), _JSON
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to.

    Attributes:
        response: what is sent.
        asked: what the action was asked; None if no action could be.
        outcome: how it ended; None if no action could be asked, or the deployment itself failed.
        problem: why the deployment failed.
    """

    response: WebResponse
    asked: HttpActionRequest | None = None
    outcome: HttpActionOutcome | None = None
    problem: str | None = None


def answer(
    executor: Executor, request: WebRequest, identity: Identity, *, request_id: str, is_redacted: bool
) -> Answer:
    """Answers a request to HTTP actions.

    Args:
        executor: whose HTTP actions.
        request: its path is that of the HTTP action.
        identity: who calls.
        request_id: how the request is called.
        is_redacted: whether a failure is told as in production.
    """
    if request.method not in _METHODS:
        return Answer(WebResponse(405, b"", _ALLOWED))
    if len(request.body) > executor.limits.http_body_size_max:
        # Unverified: the limit stands in crates/local_backend/src/router.rs, the text is that of Rust's crate axum.
        text = b"Failed to buffer the request body: length limit exceeded"
        return Answer(WebResponse(413, text, (("content-type", "text/plain; charset=utf-8"),)))
    asked: HttpActionRequest | None = None
    try:
        url, path = request_url(request, request.path)
        body = b"" if request.method in _WITHOUT_BODY else request.body
        asked = HttpActionRequest(request.method, url, request.headers, body)
        outcome = run_http_action(executor, asked, path, identity, Request("HttpEndpoint", request_id))
    except DeploymentError as error:
        return Answer(_INTERNAL_ERROR, asked, None, str(error))
    if outcome.failure is not None:
        return Answer(_failed(outcome.failure, request_id, is_redacted=is_redacted), asked, outcome)
    assert outcome.response is not None
    return Answer(_sent(outcome.response), asked, outcome)


def _sent(response: HttpActionResponse) -> WebResponse:
    headers = tuple(pair for pair in response.headers.pairs if pair[0] not in _OF_THE_SERVER)
    return WebResponse(response.status, response.body, headers)


def _failed(failure: Failure, request_id: str, *, is_redacted: bool) -> WebResponse:
    told = "Server Error" if is_redacted else f"Server Error: {failure.message}"
    body: dict[str, Any] = {"code": f"[Request ID: {request_id}] {told}"}
    if not is_redacted:
        body["trace"] = "".join(f"{line}\n" for line in (failure.message, *failure.frames))
    if failure.data is not undefined:
        body["data"] = encode(failure.data)
    return WebResponse(500, write_json(body).encode(), _JSON)

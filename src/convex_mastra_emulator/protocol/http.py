"""The HTTP function API: requests in, responses out.

Checks follow the deployment's order: route and method, client version, authorization syntax, content type, body
size, JSON, path, key, then the function runs, and only then the format is looked at.

convex-backend crates/local_backend/src/public_api.rs, router.rs
(convex-wire.md §1, convex-engine.md §10.3, checked 2026-11-21).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, RequestRefused
from convex_mastra_emulator.fault_kinds import WITHOUT_ANSWER, FaultKind, Strike, cut_off
from convex_mastra_emulator.protocol.auth import Authenticator, Credentials, read_authorization, require_admin
from convex_mastra_emulator.protocol.call_report import CallReport
from convex_mastra_emulator.protocol.client_version import UNKNOWN_CLIENT, ClientVersion, parse_client_version
from convex_mastra_emulator.protocol.control import Control, Operation
from convex_mastra_emulator.protocol.cors import cors_headers, preflight_headers
from convex_mastra_emulator.protocol.fault_control import FaultControl
from convex_mastra_emulator.protocol.http_exchange import AdminRoute, HttpRequest, HttpResponse, OwnRoute
from convex_mastra_emulator.protocol.messages import (
    MISSING_IDENTIFIER,
    CallRequest,
    JsonBody,
    batch_request,
    call_request,
    encoded_arguments,
    parts_of_url,
    query_request,
    read_json_body,
    timestamp_of,
    timestamp_text,
)
from convex_mastra_emulator.protocol.openapi import openapi_document
from convex_mastra_emulator.protocol.web import HTTP_ACTIONS, WebRoutes
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.function_log import Request
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.values.codec import exporter
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.types import undefined
from convex_mastra_emulator.web.stored_files import FILES_PATH

ECHO_PATH = "/echo"
"""What comes in goes out again: how ``npx convex network-test`` measures a connection."""
ECHO_SIZE_MAX = 128 << 20  # crates/common/src/knobs.rs MAX_ECHO_BYTES
RUNNING_TEXT = "This Convex deployment is running. See https://docs.convex.dev/."
# These look at no credentials, so that malformed ones do not matter.
_OPEN_PATHS = frozenset(
    {"/", "/version", "/instance_name", "/instance_version", "/api/query_ts", ECHO_PATH, "/_emulator/openapi.json"}
)


@dataclass(slots=True)
class _Exchange:
    """One request being answered."""

    request: HttpRequest
    client: ClientVersion = UNKNOWN_CLIENT
    default_format: str = "json"
    credentials: Credentials = field(default_factory=Credentials)
    reports: list[CallReport] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    asked: Request = field(default_factory=Request)


# Paths that say in their last parts what is meant, as they are described.
OPEN_ENDED = frozenset(
    {
        ("POST", "/api/run/{module}/{function}"),
        ("POST", "/api/storage/upload"),
        ("GET", "/api/storage/{id}"),
    }
)
Route = Callable[["_Exchange"], HttpResponse]


def _without_caller(route: OwnRoute) -> Route:
    return lambda exchange: route(exchange.request)


def _json_response(status: int, value: Any) -> HttpResponse:
    return HttpResponse(status, write_json(value).encode(), (("content-type", "application/json"),))


def _text_response(text: str) -> HttpResponse:
    return HttpResponse(200, text.encode(), (("content-type", "text/plain; charset=utf-8"),))


def _echo(body: bytes) -> HttpResponse:
    if len(body) > ECHO_SIZE_MAX:
        return HttpResponse(413)
    return HttpResponse(200, body, (("content-type", "application/octet-stream"),))


def _refusal(error: DeploymentError) -> HttpResponse:
    if error.kind is ErrorKind.INTERNAL:
        return _json_response(500, {"code": "InternalServerError", "message": INTERNAL_ERROR_TEXT})
    return _json_response(error.kind.status, {"code": error.code, "message": error.message})


def _struck(response: HttpResponse, strikes: list[Strike]) -> HttpResponse:
    """A response as it arrives when faults strike the answer."""
    kinds = {strike.kind for strike in strikes}
    return replace(
        response,
        body=cut_off(response.body) if FaultKind.MALFORMED_JSON in kinds else response.body,
        delay_seconds=sum(strike.delay_seconds for strike in strikes),
        is_cut=not kinds.isdisjoint(WITHOUT_ANSWER),
    )


class HttpApi:
    """The function API of one deployment.

    Args:
        emulator: the deployment.
        authenticator: checks keys and tokens.
        instance_name: what ``/instance_name`` answers.
        version: what ``/version`` answers.
    """

    def __init__(
        self, emulator: Emulator, authenticator: Authenticator, *, instance_name: str, version: str = "unknown"
    ) -> None:
        self._emulator = emulator
        self._authenticator = authenticator
        self.web = WebRoutes(emulator, authenticator)
        self._routes: dict[str, dict[str, Route]] = {
            "/": {"GET": lambda _: _text_response(RUNNING_TEXT)},
            "/version": {"GET": lambda _: _text_response(version)},
            "/instance_name": {"GET": lambda _: _text_response(instance_name)},
            "/instance_version": {"GET": lambda _: _text_response(version)},
            "/api/query": {"POST": lambda e: self._call(e, FunctionKind.QUERY), "GET": self._get_query},
            "/api/mutation": {"POST": lambda e: self._call(e, FunctionKind.MUTATION)},
            "/api/action": {"POST": lambda e: self._call(e, FunctionKind.ACTION)},
            "/api/function": {"POST": self._call_any},
            "/api/query_ts": {"POST": self._timestamp},
            "/api/query_at_ts": {"POST": self._call_at},
            "/api/query_batch": {"POST": self._call_batch},
            ECHO_PATH: {"POST": lambda exchange: _echo(exchange.request.body)},
        }
        operations = {**Control(emulator).operations, **FaultControl(emulator.faults).operations}
        self._routes |= {path: {"POST": self._control(operation)} for path, operation in operations.items()}
        self._routes["/_emulator/openapi.json"] = {"GET": lambda _: _json_response(200, openapi_document(version))}

    def add_admin_routes(self, routes: Mapping[str, Mapping[str, AdminRoute]]) -> None:
        """Adds routes by path and method; ``{}`` as the last part of a path stands for anything."""
        self._routes |= {
            path: {method: self._known_caller(route) for method, route in methods.items()}
            for path, methods in routes.items()
        }

    def add_routes(self, routes: Mapping[str, Mapping[str, OwnRoute]]) -> None:
        """Adds routes by path and method that find out by themselves who calls."""
        self._routes |= {
            path: {method: _without_caller(route) for method, route in methods.items()}
            for path, methods in routes.items()
        }

    def _known_caller(self, route: AdminRoute) -> Route:
        return lambda exchange: route(exchange.request, self._identify(exchange))

    def described_routes(self) -> set[tuple[str, str]]:
        """Method and path of every route, as the OpenAPI description names them."""
        fixed = {(method, path.replace("{}", "{id}")) for path, methods in self._routes.items() for method in methods}
        return fixed | OPEN_ENDED

    def handle(self, request: HttpRequest) -> tuple[HttpResponse, list[CallReport]]:
        """Answers a request, and reports the calls it made."""
        if request.path.startswith(HTTP_ACTIONS):
            return self._answer_action(request)
        exchange = _Exchange(request, asked=Request("HttpApi", request.headers.get("convex-request-id") or None))
        if request.method == "OPTIONS":
            return HttpResponse(200, b"", preflight_headers(request.headers)), []
        response = self._answer(exchange)
        headers = (*response.headers, *exchange.client.deprecation_headers, *cors_headers(request.headers))
        response = replace(response, headers=headers)
        return _struck(response, exchange.strikes) if exchange.strikes else response, exchange.reports

    def _answer(self, exchange: _Exchange) -> HttpResponse:
        request = exchange.request
        methods = self._methods(request.path)
        if methods is None:
            return HttpResponse(404)
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            return HttpResponse(405, b"", (("allow", ",".join(sorted({*methods, *_with_head(methods)}))),))
        try:
            self._read_headers(exchange)
            return route(exchange)
        except DeploymentError as error:
            if error.fault is not None:
                exchange.strikes.append(error.fault)
            return _refusal(error)

    def _methods(self, path: str) -> dict[str, Route] | None:
        if path.startswith("/api/run/"):
            return {"POST": self._call_by_url}
        if path.startswith(FILES_PATH):
            return dict.fromkeys(self.web.file_methods(path), self._answer_files) or None
        found = self._routes.get(path)
        return self._routes.get(path.rpartition("/")[0] + "/{}") if found is None else found

    @staticmethod
    def _read_headers(exchange: _Exchange) -> None:
        headers = exchange.request.headers
        client = headers.get("convex-client")
        if client is not None:
            exchange.client = parse_client_version(client)
            unsupported = exchange.client.unsupported_message
            if unsupported is not None:
                raise RequestRefused(unsupported, code="ClientVersionUnsupported")
            exchange.default_format = exchange.client.default_format
        if exchange.request.path not in _OPEN_PATHS and not exchange.request.path.startswith(FILES_PATH):
            query = exchange.request.query
            admin_key = parse_qs(query).get("adminKey", [None])[0] if query else None
            exchange.credentials = read_authorization(headers.get("authorization"), admin_key)

    # Routes

    def _body(self, exchange: _Exchange) -> JsonBody:
        return read_json_body(exchange.request, self._emulator.limits.request_body_size_max)

    def _identify(self, exchange: _Exchange) -> Identity:
        return self._authenticator.identify(exchange.credentials)

    def _call(self, exchange: _Exchange, kind: FunctionKind) -> HttpResponse:
        call = call_request(self._body(exchange))
        parse_path(call.path)
        return self._run(exchange, call, kind, self._identify(exchange))

    def _get_query(self, exchange: _Exchange) -> HttpResponse:
        parameters = {name: values[0] for name, values in parse_qs(exchange.request.query).items()}
        call = query_request(parameters)
        parse_path(call.path)
        return self._run(exchange, call, FunctionKind.QUERY, self._identify(exchange))

    def _call_any(self, exchange: _Exchange) -> HttpResponse:
        call = call_request(self._body(exchange))
        identity = self._identify(exchange)
        require_admin(identity)
        if call.component_path:
            message = f"Component path '{call.component_path}' not found"
            raise RequestRefused(message, code="ComponentPathNotFound")
        return self._run(exchange, call, None, identity)

    def _call_by_url(self, exchange: _Exchange) -> HttpResponse:
        call = call_request(self._body(exchange), path="")
        parts = parts_of_url(exchange.request.path.removeprefix("/api/run/"))
        identity = self._identify(exchange)
        if len(parts) < 2 or not parts[0]:
            raise RequestRefused(MISSING_IDENTIFIER, code="MissingIdentifier")
        call = replace(call, path="/".join(parts[:-1]) + ":" + parts[-1])
        exchange.default_format = "json"  # whatever the client
        return self._run(exchange, call, None, identity)

    def _timestamp(self, exchange: _Exchange) -> HttpResponse:
        data = self._emulator.timestamp_ns().to_bytes(8, "little")
        return _json_response(200, {"ts": base64.b64encode(data).decode("ascii")})

    def _call_at(self, exchange: _Exchange) -> HttpResponse:
        body = self._body(exchange)
        call, timestamp = call_request(body), timestamp_text(body)
        parse_path(call.path)
        identity = self._identify(exchange)
        return self._run(exchange, call, FunctionKind.QUERY, identity, at_ns=timestamp_of(timestamp))

    def _call_batch(self, exchange: _Exchange) -> HttpResponse:
        calls = batch_request(self._body(exchange))
        for call in calls:
            exporter(_format(exchange, call))
            parse_path(call.path)
        identity = self._identify(exchange)
        at_ns = self._emulator.timestamp_ns()
        results = [self._result(exchange, call, FunctionKind.QUERY, identity, at_ns=at_ns) for call in calls]
        return _json_response(200, {"results": results})

    def _control(self, operation: Operation) -> Route:
        def route(exchange: _Exchange) -> HttpResponse:
            require_admin(self._identify(exchange))
            return _json_response(200, operation(exchange.request.body))

        return route

    def _answer_files(self, exchange: _Exchange) -> HttpResponse:
        response = self.web.answer_files(exchange.request)
        return HttpResponse(response.status, response.body, response.headers)

    def _answer_action(self, request: HttpRequest) -> tuple[HttpResponse, list[CallReport]]:
        answer = self.web.answer_action(request)
        response = HttpResponse(answer.response.status, answer.response.body, answer.response.headers)
        if answer.outcome is None:
            return response, []
        failure = answer.outcome.failure
        told = str(response.status) if failure is None else f"failed: {failure.message.splitlines()[0]}"
        return response, [CallReport(answer.outcome.route, "httpAction", 0, told)]

    # Running

    def _run(
        self,
        exchange: _Exchange,
        call: CallRequest,
        kind: FunctionKind | None,
        identity: Identity,
        *,
        at_ns: int | None = None,
    ) -> HttpResponse:
        return _json_response(200, self._result(exchange, call, kind, identity, at_ns=at_ns))

    def _result(
        self,
        exchange: _Exchange,
        call: CallRequest,
        kind: FunctionKind | None,
        identity: Identity,
        *,
        at_ns: int | None = None,
    ) -> dict[str, Any]:
        try:
            outcome = self._emulator.call(
                call.path, encoded_arguments(call.args), kind, identity, at_ns=at_ns, request=exchange.asked
            )
        except DeploymentError as error:
            name = "function" if kind is None else kind.value.lower()
            exchange.reports.append(CallReport(call.path, name, 0, f"refused: {error.code}"))
            raise
        exchange.reports.append(CallReport.of(call.path, kind, outcome))
        if outcome.fault is not None:
            exchange.strikes.append(outcome.fault)
        # A bad format is noticed now: a mutation is committed nevertheless.
        export = exporter(_format(exchange, call))
        return self._told(exchange, outcome, export)

    def _told(self, exchange: _Exchange, outcome: Outcome, export: Callable[[Any], Any]) -> dict[str, Any]:
        is_redacted = self._emulator.redact_errors
        answer: dict[str, Any]
        if outcome.failure is None:
            answer = {"status": "success", "value": export(outcome.value)}
        else:
            request_id = exchange.asked.named(self._emulator.new_request_id)
            text = outcome.failure.client_text(request_id, is_redacted=is_redacted)
            answer = {"status": "error", "errorMessage": text}
            if outcome.failure.data is not undefined:
                answer["errorData"] = export(outcome.failure.data)
        if outcome.log_lines and not is_redacted:
            answer["logLines"] = list(outcome.log_lines)
        return answer


def _format(exchange: _Exchange, call: CallRequest) -> str:
    return exchange.default_format if call.format is None else call.format


def _with_head(methods: Mapping[str, Route]) -> tuple[str, ...]:
    return ("HEAD",) if "GET" in methods else ()

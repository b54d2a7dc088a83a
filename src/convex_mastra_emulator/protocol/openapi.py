"""The HTTP API as an OpenAPI 3.1 document: one entry of a table for each route.

A route of :class:`~convex_mastra_emulator.protocol.http.HttpApi` without an entry here, or the other way round, fails
a test.  Whoever adds a route adds a :class:`RouteDescription` to ``ROUTES``.

convex-backend crates/local_backend/src/public_api.rs (convex-wire.md §1, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convex_mastra_emulator.protocol.openapi_data import DATA_ROUTES
from convex_mastra_emulator.protocol.openapi_push import PUSH_ROUTES
from convex_mastra_emulator.protocol.route_description import (
    ANY,
    NULL_OR_TEXT,
    TEXT,
    RouteDescription,
    Schema,
    record,
    reference,
)

_FORMAT: Schema = {
    "enum": ["json", "convex_clean_json", "convex_encoded_json", "convex_json", "export_json", None],
    "description": "How values of the answer are written; arguments are always read as `convex_encoded_json`.",
}
_ARGUMENTS: Schema = {"description": "An object; an array is a list of positional arguments, as old clients send it."}
_CALL = record({"path": TEXT, "args": _ARGUMENTS}, {"format": _FORMAT})
_RESULT = reference("FunctionResult")
_TIMESTAMP: Schema = {"type": "string", "description": "Base64 of eight bytes, nanoseconds, little endian."}
_MARKS = record({"marks": {"type": "integer", "minimum": 1}})
_FUNCTIONS, _DEPLOYMENT, _CONTROL = "functions", "deployment", "control plane"

ROUTES: tuple[RouteDescription, ...] = (
    *(
        RouteDescription(
            method="POST",
            path=f"/api/{kind}",
            summary=f"Runs {article} {kind}.",
            tag=_FUNCTIONS,
            body=_CALL,
            answer=_RESULT,
            refusals=(400, 403),
        )
        for article, kind in (("a", "query"), ("a", "mutation"), ("an", "action"))
    ),
    RouteDescription(
        method="GET",
        path="/api/query",
        summary="Runs a query named in the URL.",
        tag=_FUNCTIONS,
        parameters={"path": TEXT, "args": {"type": "string", "description": "JSON text."}, "format": TEXT},
        required=("path", "args"),
        answer=_RESULT,
        refusals=(400, 403),
    ),
    RouteDescription(
        method="POST",
        path="/api/function",
        summary="Runs a function of any kind, also an internal one.",
        tag=_FUNCTIONS,
        access="admin",
        body=record({"path": TEXT, "args": _ARGUMENTS}, {"format": _FORMAT, "componentPath": NULL_OR_TEXT}),
        answer=_RESULT,
    ),
    RouteDescription(
        method="POST",
        path="/api/run/{module}/{function}",
        summary="Runs a function of any kind; a module in folders has more parts.",
        tag=_FUNCTIONS,
        body=record({"args": _ARGUMENTS}, {"format": _FORMAT}),
        answer=_RESULT,
        refusals=(400, 403),
    ),
    RouteDescription(
        method="POST",
        path="/api/query_batch",
        summary="Runs queries, all at one time.",
        tag=_FUNCTIONS,
        body=record({"queries": {"type": "array", "items": _CALL}}),
        answer=record({"results": {"type": "array", "items": _RESULT}}),
        refusals=(400, 403),
    ),
    RouteDescription(
        method="POST",
        path="/api/query_ts",
        summary="The time of now, for `/api/query_at_ts`.",
        tag=_FUNCTIONS,
        access="open",
        answer=record({"ts": _TIMESTAMP}),
    ),
    RouteDescription(
        method="POST",
        path="/api/query_at_ts",
        summary="Runs a query on the state of a time.",
        tag=_FUNCTIONS,
        body=record({"path": TEXT, "args": _ARGUMENTS, "ts": _TIMESTAMP}, {"format": _FORMAT}),
        answer=_RESULT,
        # 500 for a time that cannot be read, as a deployment answers it; 503 for one that is no longer kept.
        refusals=(400, 403, 500, 503),
    ),
    *(
        RouteDescription(
            method="GET",
            path=path,
            summary=summary,
            tag=_DEPLOYMENT,
            access="open",
            answer=TEXT,
            answer_type="text/plain",
        )
        for path, summary in (
            ("/", "Says that it runs."),
            ("/version", "The version of what serves."),
            ("/instance_name", "The name of the deployment."),
            ("/instance_version", "The version of what serves."),
        )
    ),
    RouteDescription(
        method="POST",
        path="/echo",
        summary="Gives back what was sent.",
        tag=_DEPLOYMENT,
        access="open",
        body={"type": "string", "format": "binary"},
        body_type="application/octet-stream",
        answer={"type": "string", "format": "binary"},
        answer_type="application/octet-stream",
    ),
    RouteDescription(
        method="POST",
        path="/_emulator/mark",
        summary="Remembers the state as it is now.",
        tag=_CONTROL,
        access="admin",
        answer=_MARKS,
    ),
    RouteDescription(
        method="POST",
        path="/_emulator/rollback",
        summary="Goes back to the last mark, which stays.",
        tag=_CONTROL,
        access="admin",
        answer=_MARKS,
    ),
    RouteDescription(
        method="GET",
        path="/_emulator/openapi.json",
        summary="This description.",
        tag=_CONTROL,
        access="open",
        answer={"type": "object"},
    ),
    *DATA_ROUTES,
    *PUSH_ROUTES,
)

_SCHEMAS: Mapping[str, Schema] = {
    "Error": {
        **record({"code": TEXT, "message": TEXT}),
        "description": "A request that was refused before a function ran.",
    },
    "FunctionResult": {
        "description": "What a function gave, or why it failed; both come with status 200.",
        "oneOf": [
            record(
                {"status": {"const": "success"}, "value": ANY},
                {"logLines": {"type": "array", "items": TEXT}},
            ),
            record(
                {"status": {"const": "error"}, "errorMessage": TEXT},
                {"errorData": ANY, "logLines": {"type": "array", "items": TEXT}},
            ),
        ],
    },
}
_SECURITY_SCHEMES: Mapping[str, Schema] = {
    "adminKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Convex <key>`, or `Convex <key>:<base64 of a user's JSON>` to act as that user.",
    },
    "adminKeyInUrl": {"type": "apiKey", "in": "query", "name": "adminKey"},
    "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
_HEADERS: tuple[Schema, ...] = (
    {
        "name": "Convex-Client",
        "in": "header",
        "schema": {"type": "string", "pattern": "^[A-Za-z-]{1,20}-[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$"},
        "description": "Which client speaks; old ones are refused, and get the encoded format.",
    },
    {
        "name": "Convex-Request-Id",
        "in": "header",
        "schema": {"type": "string", "pattern": "^[ -~]*$"},
        "description": "Shown in the texts of errors.",
    },
)
_SECURITY: Mapping[str, list[dict[str, list[str]]]] = {
    "open": [],
    "public": [{}, {"adminKey": []}, {"adminKeyInUrl": []}, {"user": []}],
    "admin": [{"adminKey": []}, {"adminKeyInUrl": []}],
}
_ACCESS_REFUSALS: Mapping[str, tuple[int, ...]] = {"open": (), "public": (401,), "admin": (401, 403)}
_REFUSAL_TEXTS: Mapping[int, str] = {
    400: "The request cannot be read, or asks for what cannot be.",
    401: "The key or the token is not good.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    409: "Somebody else changed it meanwhile.",
    413: "It is too large.",
    500: "An internal error, as a deployment answers it.",
    503: "Not now, or no longer.",
}


def openapi_document(version: str) -> dict[str, Any]:
    """The whole description.

    Args:
        version: what ``/version`` answers.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "convex-mastra-emulator",
            "version": version,
            "description": "The HTTP function API of a Convex deployment, and what the emulator adds to it.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": dict(_SCHEMAS), "securitySchemes": dict(_SECURITY_SCHEMES)},
    }


def _operation(route: RouteDescription) -> dict[str, Any]:
    answers = {str(route.status): _answer("All is well.", route.answer, route.answer_type)}
    for status in sorted({*route.refusals, *_ACCESS_REFUSALS[route.access]}):
        answers[str(status)] = _answer(_REFUSAL_TEXTS[status], reference("Error"), "application/json")
    operation: dict[str, Any] = {
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": answers,
        "security": _SECURITY[route.access],
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {route.body_type: {"schema": route.body}}}
    return operation


def _answer(description: str, schema: Schema | None, kind: str) -> dict[str, Any]:
    return {"description": description} | ({} if schema is None else {"content": {kind: {"schema": schema}}})


def _parameters(route: RouteDescription) -> list[dict[str, Any]]:
    free = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    in_path = [{"name": name, "in": "path", "required": True, "schema": {**TEXT, "minLength": 1}} for name in free]
    in_query = [
        {"name": name, "in": "query", "required": name in route.required, "schema": schema}
        for name, schema in route.parameters.items()
    ]
    return [*in_path, *in_query, *map(dict, _HEADERS)]

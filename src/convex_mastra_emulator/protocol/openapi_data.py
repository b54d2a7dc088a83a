"""The routes for data in the OpenAPI document: variables, imports, exports, stored files; and those for faults."""

from __future__ import annotations

from convex_mastra_emulator.protocol.route_description import NULL_OR_TEXT, TEXT, RouteDescription, Schema, record

_BYTES: Schema = {"type": "string", "format": "binary"}
_VARIABLES, _IMPORT, _EXPORT, _FILES, _CONTROL = "variables", "import", "export", "files", "control plane"
_NUMBER: Schema = {"type": "number"}
_LOG_LINES: Schema = {"type": "array", "items": {"type": ["string", "object"]}}
_LOG_ENTRY = record(
    {
        "kind": {"enum": ["Completion", "Progress"]},
        "udfType": {"enum": ["Query", "Mutation", "Action", "HttpAction"]},
        "identifier": TEXT,
        "timestamp": _NUMBER,
        "logLines": _LOG_LINES,
        "requestId": TEXT,
        "executionId": TEXT,
    },
    {"caller": TEXT, "executionTime": _NUMBER, "error": NULL_OR_TEXT, "usageStats": {"type": "object"}},
)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_FORMATS: Schema = {"enum": ["csv", "jsonLines", "jsonArray", "zip"]}
_MODES: Schema = {"enum": ["append", "replace", "replaceAll", "requireEmpty"]}
_IMPORT_ID = record({"importId": TEXT})
# A deployment answers an internal error to ids of imports and exports that are none.
_INTERNAL = (400, 500)


def _admin(method: str, path: str, summary: str, tag: str, **more: object) -> RouteDescription:
    return RouteDescription(method=method, path=path, summary=summary, tag=tag, access="admin", **more)  # type: ignore[arg-type]


DATA_ROUTES: tuple[RouteDescription, ...] = (
    *(
        description
        for prefix in ("/api", "/api/v1")
        for description in (
            _admin(
                "POST",
                f"{prefix}/update_environment_variables",
                "Sets and removes environment variables, all or none.",
                _VARIABLES,
                body=record({"changes": {"type": "array", "items": record({"name": TEXT}, {"value": NULL_OR_TEXT})}}),
            ),
            _admin(
                "GET",
                f"{prefix}/list_environment_variables",
                "All environment variables.",
                _VARIABLES,
                answer=record({"environmentVariables": {"type": "object", "additionalProperties": TEXT}}),
            ),
        )
    ),
    *(
        _admin(
            "GET",
            f"{prefix}/stream_function_logs",
            "Runs of functions that ended behind a cursor; waits up to a minute for the next one.",
            "log",
            parameters={
                "cursor": {"type": "number", "description": "Milliseconds since the Unix epoch; 0 for all."},
                "sessionId": {"type": "string", "format": "uuid"},
                "clientRequestCounter": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
            },
            required=("cursor",),
            answer=record(
                {"entries": {"type": "array", "items": _LOG_ENTRY}, "newCursor": {"type": ["number", "null"]}}
            ),
            refusals=_INTERNAL,
        )
        for prefix in ("/api", "/api/app_metrics")
    ),
    _admin(
        "POST",
        "/api/import",
        "Imports a file at once.",
        _IMPORT,
        parameters={"tableName": TEXT, "componentPath": TEXT, "format": _FORMATS, "mode": _MODES},
        required=("format",),
        body=_BYTES,
        body_type="application/octet-stream",
        answer=record({"numWritten": _COUNT}),
        refusals=_INTERNAL,
    ),
    _admin(
        "POST",
        "/api/import/start_upload",
        "Begins to take the parts of a file.",
        _IMPORT,
        answer=record({"uploadToken": TEXT}),
    ),
    _admin(
        "POST",
        "/api/import/upload_part",
        "Takes a part of a file.",
        _IMPORT,
        parameters={"uploadToken": TEXT, "partNumber": {"type": "integer", "minimum": 1}},
        required=("uploadToken", "partNumber"),
        body=_BYTES,
        body_type="application/octet-stream",
        answer=TEXT,
    ),
    _admin(
        "POST",
        "/api/import/finish_upload",
        "Puts the parts together; the import waits to be confirmed.",
        _IMPORT,
        body=record(
            {
                "import": record({"format": _FORMATS, "mode": _MODES}, {"tableName": NULL_OR_TEXT}),
                "uploadToken": TEXT,
                "partTokens": {"type": "array", "items": TEXT},
            }
        ),
        answer=_IMPORT_ID,
    ),
    _admin("POST", "/api/perform_import", "Confirms an import.", _IMPORT, body=_IMPORT_ID, refusals=_INTERNAL),
    _admin("POST", "/api/cancel_import", "Ends an import.", _IMPORT, body=_IMPORT_ID, refusals=_INTERNAL),
    _admin(
        "POST",
        "/api/export/request/zip",
        "Asks for an export.",
        _EXPORT,
        parameters={"includeStorage": {"enum": ["true", "false"]}},
    ),
    _admin(
        "GET",
        "/api/export/zip/{id}",
        "The ZIP of an export, by its id or the time of its snapshot.",
        _EXPORT,
        answer=_BYTES,
        answer_type="application/octet-stream",
        refusals=(400, 404, 500),
    ),
    _admin(
        "POST",
        "/api/export/set_expiration/{id}",
        "Sets how long the ZIP of an export is kept.",
        _EXPORT,
        body=record({"expirationTsNs": {"type": "integer"}}),
        refusals=_INTERNAL,
    ),
    _admin("POST", "/api/export/cancel/{id}", "Ends an export.", _EXPORT, refusals=_INTERNAL),
    RouteDescription(
        method="POST",
        path="/api/storage/upload",
        summary="Stores a file.",
        tag=_FILES,
        access="open",
        parameters={"token": TEXT},
        required=("token",),
        body=_BYTES,
        body_type="application/octet-stream",
        answer=record({"storageId": TEXT}),
        refusals=(400, 401),
    ),
    RouteDescription(
        method="GET",
        path="/api/storage/{id}",
        summary="A stored file, or a range of its bytes.",
        tag=_FILES,
        access="open",
        answer=_BYTES,
        answer_type="application/octet-stream",
        refusals=(400, 404),
    ),
    _admin(
        "POST",
        "/_emulator/faults",
        "Arms a fault.",
        _CONTROL,
        body=record({}, {"path": TEXT, "error": TEXT, "times": _COUNT, "probability": {"type": "number"}}),
        answer=record({"id": {"type": "integer", "minimum": 1}}),
    ),
    _admin(
        "POST",
        "/_emulator/faults/clear",
        "Disarms all faults, or one.",
        _CONTROL,
        body=record({}, {"id": {"type": "integer"}}),
        answer={"type": "object"},
    ),
)

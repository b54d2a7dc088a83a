"""The routes of ``npx convex deploy`` in the OpenAPI document."""

from __future__ import annotations

from convex_mastra_emulator.protocol.route_description import (
    ANY,
    NULL_OR_TEXT,
    TEXT,
    RouteDescription,
    Schema,
    record,
)

_DEPLOY = "deploy"
_OBJECT: Schema = {"type": "object"}
_KEY: dict[str, Schema] = {"adminKey": TEXT}
_ENVIRONMENT: Schema = {"enum": ["isolate", "node", None]}
_MODULE = record({"path": TEXT, "source": TEXT}, {"sourceMap": NULL_OR_TEXT, "environment": _ENVIRONMENT})
_HASH = record({"path": TEXT, "sha256": TEXT}, {"environment": _ENVIRONMENT})
_APP = record(
    {
        "dependencies": {"type": "array", "items": TEXT},
        "changedModules": {"type": "array", "items": _MODULE},
        "udfServerVersion": TEXT,
    },
    {"schema": {"anyOf": [_MODULE, {"type": "null"}]}, "unchangedModuleHashes": {"type": "array", "items": _HASH}},
)
_PUSH = record(
    {
        **_KEY,
        "functions": TEXT,
        "appDefinition": _APP,
        "componentDefinitions": {"type": "array"},
        "nodeDependencies": {"type": "array", "items": record({"name": TEXT, "version": TEXT})},
    },
    {"dryRun": {"type": "boolean"}, "nodeVersion": NULL_OR_TEXT},
)
# The key is in the body: a wrong one is 403, and a header has no say.  Modules that were to stay may be gone: 409.
_REFUSALS = (400, 401, 403, 409)


def _step(path: str, summary: str, body: Schema, answer: Schema) -> RouteDescription:
    return RouteDescription(
        method="POST", path=path, summary=summary, tag=_DEPLOY, body=body, answer=answer, refusals=_REFUSALS
    )


PUSH_ROUTES: tuple[RouteDescription, ...] = (
    _step(
        "/api/get_config_hashes",
        "By what to find which modules have changed.",
        record(_KEY),
        record({"config": _OBJECT, "moduleHashes": {"type": "array", "items": _OBJECT}}),
    ),
    _step("/api/deploy2/start_push", "Begins a push: reads its modules.", _PUSH, _OBJECT),
    _step("/api/deploy2/evaluate_push", "What a push would change.", _PUSH, record({"schemaChange": _OBJECT})),
    _step(
        "/api/deploy2/evaluate_schema",
        "What a push would do to documents and indexes.",
        _PUSH,
        record({"componentSchemaEvaluations": _OBJECT, "newComponentDefinitions": {"type": "array"}}),
    ),
    _step(
        "/api/deploy2/wait_for_schema",
        "Whether the documents fit the schema of a push.",
        record({**_KEY, "schemaChange": record({"schemaIds": {"type": "object"}})}),
        record({"type": {"enum": ["complete", "failed", "raceDetected"]}}),
    ),
    _step(
        "/api/deploy2/finish_push",
        "Lets a push take effect: all of it, or nothing.",
        record({**_KEY, "startPush": _OBJECT, "dryRun": {"type": "boolean"}}, {"message": NULL_OR_TEXT}),
        record({"authDiff": _OBJECT, "definitionDiffs": _OBJECT, "componentDiffs": _OBJECT}),
    ),
    _step("/api/deploy2/report_push_completed", "Takes how long a push took.", record(_KEY), ANY),
    RouteDescription(
        method="GET",
        path="/api/v1/get_canonical_urls",
        summary="Where the deployment can be reached.",
        tag=_DEPLOY,
        access="admin",
        answer=record({"convexCloudUrl": TEXT, "convexSiteUrl": TEXT}),
    ),
)

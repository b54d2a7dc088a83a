"""What a deployment tells ``npx convex`` of a push: what it found in the modules, and what has changed.

convex-backend crates/model/src/components/config.rs, types.rs, type_checking.rs, modules/module_versions.rs,
crates/local_backend/src/deploy_config2.rs; npm convex src/cli/lib/deployApi/*.ts
(convex-wire.md §4.3, checked 2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from convex_mastra_emulator.deploys import DeployDiff
from convex_mastra_emulator.pushes import NO_DOCUMENTS, Evaluation, Push, SchemaStatus, TableSize
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule
from convex_mastra_emulator.schema.index_diff import IndexDiff, NamedIndex

Json = dict[str, Any]
ROOT = ""
"""How the app itself is named among components; there are no others here."""


def config_hashes(modules: Iterable[PushedModule], server_version: str | None, node_version: str | None) -> Json:
    """``get_config_hashes``: by what the command line finds which modules it need not send."""
    return {
        "config": {"functions": "convex/"},
        "moduleHashes": [
            {"path": module.path, "hash": module.sha256, "environment": module.environment} for module in modules
        ],
        "udfServerVersion": server_version,
        "nodeVersion": node_version,
    }


def schema_change(schema_id: str | None, indexes: IndexDiff) -> Json:
    """What becomes of the schema."""
    return {
        "allocatedComponentIds": {},
        "schemaIds": {ROOT: schema_id},
        "indexDiffs": {ROOT: indexes.to_json()},
    }


def started(push: Push) -> Json:
    """``start_push``; ``finish_push`` gets it back."""
    deploy = push.deploy
    routes = None if deploy.deployed.routes is None else [_route(*route) for route in deploy.deployed.routes]
    return {
        "environmentVariables": dict(deploy.environment),
        "externalDepsId": None,
        "componentDefinitionPackages": {ROOT: {"storageKey": push.id}},
        "appAuth": [info.to_json() for info in deploy.deployed.auth],
        "analysis": {
            ROOT: {
                "definition": {
                    "path": ROOT,
                    "definitionType": {"type": "app"},
                    "childComponents": [],
                    "httpMounts": {},
                    "exports": {"type": "branch", "branch": []},
                },
                "schema": None if deploy.deployed.schema is None else deploy.schema.to_json(),
                "functions": {module["path"]: _module(module) for module in deploy.deployed.exports},
                "udfConfig": {"serverVersion": push.server_version},
            }
        },
        "app": {
            "definitionPath": ROOT,
            "componentPath": ROOT,
            "args": {},
            "childComponents": {},
            "httpRoutes": {"httpModuleRoutes": routes, "mounts": []},
            "exports": {},
        },
        "schemaChange": schema_change(push.schema_id, push.indexes),
    }


def _route(path: str, method: str) -> Json:
    return {"path": path, "method": method}


def _module(exports: Mapping[str, Any]) -> Json:
    routes = exports.get("routes")
    crons = exports.get("crons")
    return {
        "functions": [_function(function) for function in exports["functions"]],
        "httpRoutes": None if routes is None else [{"route": _route(*route), "pos": None} for route in routes],
        "cronSpecs": None if crons is None else [_cron(id, cron) for id, cron in json.loads(crons).items()],
        "sourceMapped": None,
    }


def _function(exported: Mapping[str, Any]) -> Json:
    return {
        "name": exported["name"],
        "pos": None,
        "udfType": exported["kind"].capitalize(),
        "visibility": {"kind": "internal" if exported["isInternal"] else "public"},
        "args": exported["args"],
        "returns": exported["returns"],
    }


def _cron(id: str, cron: Mapping[str, Any]) -> Json:
    arguments = json.dumps(cron["args"]).encode()
    return {
        "identifier": id,
        "spec": {"udfPath": cron["name"], "udfArgs": list(arguments), "cronSchedule": cron["schedule"]},
    }


def schema_status(status: SchemaStatus) -> Json:
    """``wait_for_schema``; documents are looked at while it is asked, so it is never in progress."""
    if status.violation is None:
        return {"type": status.type}
    return {
        "type": "failed",
        "error": str(status.violation),
        "componentPath": ROOT,
        "tableName": status.violation.table,
    }


NOTHING_FINISHED: Json = {"authDiff": {"added": [], "removed": []}, "definitionDiffs": {}, "componentDiffs": {}}
"""What ``finish_push`` answers when nothing is to come of it."""


def finished(diff: DeployDiff) -> Json:
    """``finish_push``."""
    before, after = diff.schemas
    return {
        **NOTHING_FINISHED,
        "authDiff": {
            "added": [info.stored_text() for info in diff.auth.added],
            "removed": [info.stored_text() for info in diff.auth.removed],
        },
        "componentDiffs": {
            ROOT: {
                "diffType": {"type": "modify"},
                "moduleDiff": {"added": list(diff.modules_added), "removed": list(diff.modules_removed)},
                "udfConfigDiff": None,
                "cronDiff": {
                    "added": list(diff.crons_added),
                    "updated": list(diff.crons_updated),
                    "deleted": list(diff.crons_deleted),
                },
                "indexDiff": diff.indexes.to_json(),
                "schemaDiff": None
                if before == after
                else {"previous_schema": json.dumps(before.to_json()), "next_schema": json.dumps(after.to_json())},
            }
        },
    }


def schema_evaluation(evaluation: Evaluation) -> Json:
    """``evaluate_schema``: what the push would do to documents and indexes, and to how many."""
    indexes, sizes = evaluation.indexes, evaluation.sizes
    return {
        "componentSchemaEvaluations": {
            ROOT: {
                "definitionPath": ROOT,
                "schemaValidation": evaluation.schema.schema_validation,
                "tables": [_table(name, evaluation) for name in evaluation.schema.tables],
                "indexes": [
                    *_predictions("added", indexes.added, sizes),
                    *_predictions("dropped", indexes.removed, sizes),
                    *_predictions("enabled", indexes.enabled, sizes),
                    *_predictions("disabled", indexes.disabled, sizes),
                    *_predictions("identical", indexes.kept, sizes),
                ],
            }
        },
        "newComponentDefinitions": [],
    }


def _table(name: str, evaluation: Evaluation) -> Json:
    before, after = evaluation.schema_before, evaluation.schema
    if not after.schema_validation:
        outcome = "notValidated"
    elif before.schema_validation and before.tables.get(name) == after.tables[name]:
        outcome = "supersetOfEnforced"
    else:
        outcome = "mustWalk"
    count, size = evaluation.sizes.get(name, NO_DOCUMENTS)
    return {"name": name, "outcome": outcome, "numDocs": count, "sizeBytes": size}


def _predictions(change: str, indexes: Iterable[NamedIndex], sizes: Mapping[str, TableSize]) -> Iterable[Json]:
    for each in indexes:
        count = sizes.get(each.table, NO_DOCUMENTS).documents
        yield {**each.to_json(), "change": change, "needsBackfill": change == "added", "numDocs": count}

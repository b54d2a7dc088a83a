"""What a deploy brings: functions, a schema, crons and HTTP routes, as the bundle's modules export them.

convex-backend crates/application/src/deploy_config.rs, crates/model/src/cron_jobs/types.rs; npm convex
src/server/cron.ts (convex-wire.md §4, checked 2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.errors import DeploymentError, InvalidArgument
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.node.host import TypeScriptHost
from convex_mastra_emulator.runtime.node.pipes import ModuleNotLoaded
from convex_mastra_emulator.runtime.paths import parse_module_path
from convex_mastra_emulator.schema.schema import Schema
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.json_text import parse_json
from convex_mastra_emulator.values.names import identifier_problem

_SCHEMA = "schema.js"


class DeployRefused(DeploymentError):
    """A deploy that a deployment would not take; nothing of it is there."""

    default_code = "InvalidModules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What a bundle brings.

    Attributes:
        functions: by path.
        schema: of ``schema.ts``; None without one.
        crons: of ``crons.ts``.
        routes: of ``http.ts``: path and method, a prefix ends in ``*``; None without one.
        exports: what each module exports, as ``modules.mjs`` tells it.
    """

    functions: Mapping[str, Function]
    schema: Schema | None
    crons: Crons
    routes: tuple[tuple[str, str], ...] | None
    exports: Sequence[Mapping[str, Any]]


def read_deploy(host: TypeScriptHost, env: Mapping[str, str]) -> Deployed:
    """Loads a bundle's modules and reads what they export.

    Args:
        host: of the bundle.
        env: the environment variables modules see when they are loaded.

    Raises:
        DeployRefused: when a module cannot be loaded, with the deployment's text.
        SchemaDefinitionError: for a schema or crons no deployment takes.
    """
    for path in (*host.bundle.isolate, *host.bundle.node):
        _check_module_path(path)
    try:
        exports = host.exports(env)
    except ModuleNotLoaded as error:
        raise _refused(error) from None
    for module in exports:
        _check_functions(module, is_node=module["path"] in host.bundle.node)
    schema_text = _only(exports, "schema")
    routes = _only(exports, "routes")
    return Deployed(
        functions=host.functions(exports),
        schema=None if schema_text is None else Schema.from_json(json.loads(schema_text)),
        crons=_crons(_only(exports, "crons")),
        routes=None if routes is None else tuple((path, method) for path, method in routes),
        exports=[module for module in exports if module["path"] != _SCHEMA],
    )


def _check_module_path(path: str) -> None:
    try:
        parse_module_path(path)
    except InvalidArgument as error:
        # crates/application/src/deploy_config.rs ``parse_module_path``
        text = f"{path} is not a valid path to a Convex module. {error}"
        raise DeployRefused(text, code="BadConvexModuleIdentifier") from None


def _check_functions(module: Mapping[str, Any], *, is_node: bool) -> None:
    path = module["path"]
    for function in module["functions"]:
        name, kind = function["name"], function["kind"].title()
        if is_node and kind != "Action":
            # crates/node_executor/src/executor.rs ``analyze``
            raise _not_loaded(
                f"`{name}` defined in `{path}` is a {kind} function. Only actions can be defined in Node.js. "
                "See https://docs.convex.dev/functions/actions for more details."
            )
        problem = identifier_problem(name)
        if problem is not None:
            # crates/model/src/modules/module_versions.rs ``invalid_function_name_error``
            text = f"Invalid function name used in `{path}`: {problem}"
            raise DeployRefused(text, code="InvalidFunctionName")


def _refused(error: ModuleNotLoaded) -> DeployRefused:
    thrown = "\n".join([error.failure.message, *error.failure.frames])
    if error.module == _SCHEMA:
        # crates/application/src/lib.rs ``evaluate_schema``
        return DeployRefused(f"Hit an error while evaluating your schema:\n{thrown}", code="InvalidSchema")
    # crates/application/src/lib.rs ``analyze_modules``, crates/isolate/src/environment/analyze.rs
    return _not_loaded(thrown if error.module is None else f"Failed to analyze {error.module}: {thrown}")


def _not_loaded(text: str) -> DeployRefused:
    return DeployRefused(f"Loading the pushed modules encountered the following\n    error:\n{text}")


def _only(exports: list[dict[str, Any]], name: str) -> Any:
    return next((module[name] for module in exports if module.get(name) is not None), None)


def _crons(text: str | None) -> Crons:
    crons = Crons()
    for id, cron in ({} if text is None else json.loads(text)).items():
        args = decode(parse_json(json.dumps(cron["args"][0])), DEFAULT_LIMITS)
        _add(crons, id, cron["name"], args, cron["schedule"])
    return crons


def _add(crons: Crons, id: str, path: str, args: Any, schedule: Mapping[str, Any]) -> None:
    kind = schedule["type"]
    minute = {"minute_utc": schedule["minuteUTC"]} if "minuteUTC" in schedule else {}
    hour = {"hour_utc": schedule.get("hourUTC"), **minute}
    if kind == "interval":
        units = {name: schedule[name] for name in ("seconds", "minutes", "hours") if schedule.get(name) is not None}
        crons.interval(id, path, args, **units)
    elif kind == "hourly":
        crons.hourly(id, path, args, **minute)
    elif kind == "daily":
        crons.daily(id, path, args, **hour)
    elif kind == "weekly":
        crons.weekly(id, path, args, day_of_week=schedule["dayOfWeek"], **hour)
    elif kind == "monthly":
        crons.monthly(id, path, args, day=schedule["day"], **hour)
    else:
        crons.cron(id, schedule["cron"], path, args)

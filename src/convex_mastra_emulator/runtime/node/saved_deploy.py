"""A deploy of TypeScript as text, for the file of data: its modules, what they export, what came of its auth config.

With what they export no Node is started when the file is opened, only when a function is called.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convex_mastra_emulator.errors import DataFileRefused, InvalidArgument
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.external_packages import MODULES
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule, modules_of, schema_of, write_bundle
from convex_mastra_emulator.runtime.paths import parse_module_path


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDeploy:
    """What stands in the text.

    Attributes:
        modules: the functions', and what they share.
        schema: ``schema.js``; None without one.
        root: the folder of the sources, as frames of errors name them; None if it is the one they are written to.
        node_modules: where npm packages lie that are not bundled.
        is_strict: whether it was deployed in the dialect ``strict``.
        exports: what the modules export.
        env: the environment variables they have read when they were loaded.
        auth_config: what came of the auth config.
    """

    modules: tuple[PushedModule, ...]
    schema: PushedModule | None
    root: str | None
    node_modules: str | None
    is_strict: bool
    exports: list[dict[str, Any]]
    env: Mapping[str, str | None]
    auth_config: Mapping[str, Any]

    def write(self, folder: Path) -> Bundle:
        """Puts the modules into an empty folder, to be run from there."""
        node_modules = None if self.node_modules is None else Path(self.node_modules)
        made = write_bundle(self.modules, self.schema, folder, node_modules)
        return made if self.root is None else replace(made, root=Path(self.root))

    def exports_with(self, env: Mapping[str, str]) -> list[dict[str, Any]] | None:
        """What the modules export with these environment variables; None if that is not known."""
        return self.exports if all(env.get(name) == value for name, value in self.env.items()) else None


def save_deploy(
    bundle: Bundle,
    exports: list[dict[str, Any]],
    env: Mapping[str, str],
    auth_config: Mapping[str, Any],
    *,
    is_strict: bool,
) -> str:
    """The text of a deploy.

    Args:
        bundle: what runs.
        exports: of its modules, loaded with ``env``.
        env: the environment variables.
        auth_config: what came of the auth config.
        is_strict: whether the dialect is ``strict``.
    """
    schema = schema_of(bundle)
    read = {name for module in exports for name in module["reads"]}
    links = (folder / MODULES for folder in (bundle.folder, bundle.folder.parent))
    told = {
        "modules": [_told(module) for module in modules_of(bundle)],
        "schema": None if schema is None else _told(schema),
        "root": None if bundle.root == bundle.folder.parent else str(bundle.root),
        "nodeModules": next((str(link.readlink()) for link in links if link.is_symlink()), None),
        "isStrict": is_strict,
        "exports": exports,
        "env": {name: env.get(name) for name in sorted(read)},
        "authConfig": auth_config,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def read_saved_deploy(text: str) -> SavedDeploy:
    """Reads what :func:`save_deploy` gave.

    Raises:
        DataFileRefused: for a damaged text.
    """
    try:
        return _read(json.loads(text))
    except (InvalidArgument, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataFileRefused(f"its deploy of TypeScript cannot be read: {error!r}") from error


def _read(told: Mapping[str, Any]) -> SavedDeploy:
    return SavedDeploy(
        modules=tuple(map(_module, told["modules"])),
        schema=None if told["schema"] is None else _module(told["schema"]),
        root=told["root"],
        node_modules=told["nodeModules"],
        is_strict=told["isStrict"],
        exports=told["exports"],
        env=told["env"],
        auth_config=told.get("authConfig", {}),
    )


def _module(told: Mapping[str, Any]) -> PushedModule:
    parse_module_path(told["path"])  # it is written to a place of that name
    return PushedModule(**told)


def _told(module: PushedModule) -> dict[str, Any]:
    return {
        "path": module.path,
        "source": module.source,
        "source_map": module.source_map,
        "environment": module.environment,
    }

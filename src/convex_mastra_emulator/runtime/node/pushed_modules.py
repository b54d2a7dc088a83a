"""Modules as ``npx convex deploy`` sends them: already bundled, each with its source map.

convex-backend crates/application/src/deploy_config.rs ``ModuleJson``, crates/model/src/modules/hash_module_source.rs
(convex-wire.md §4.3 and §4.4, checked 2026-11-21).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.external_packages import MODULES

SHARED_FOLDER = "_deps/"
"""Where code lies that several modules share; it has no functions."""
_SCHEMA = "schema.js"


@dataclass(frozen=True, slots=True)
class PushedModule:
    """One module.

    Attributes:
        path: such as ``messages.js``.
        source: JavaScript.
        source_map: JSON text.
        environment: where its functions run.
    """

    path: str
    source: str
    source_map: str | None
    environment: Literal["isolate", "node"]

    @property
    def sha256(self) -> str:
        """By what ``npx convex`` finds out that a module has not changed, in hexadecimal."""
        digest = hashlib.sha256(self.source.encode())
        digest.update((self.source_map or "").encode())
        return digest.hexdigest()


def write_bundle(
    modules: Iterable[PushedModule], schema: PushedModule | None, folder: Path, node_modules: Path | None = None
) -> Bundle:
    """Puts modules into an empty folder, to be run from there.

    Args:
        modules: the functions', and what they share.
        schema: ``schema.ts``, if there is one.
        folder: the empty one.
        node_modules: where npm packages lie that are not bundled, if any are wanted.
    """
    kept = list(modules)
    if node_modules is not None:
        (folder / MODULES).symlink_to(node_modules)
    # Source maps name the sources from where the modules lie: `../convex/messages.ts` is beside their folder.
    modules_folder = folder / "modules"
    for module in kept:
        _write(module, modules_folder / module.path)
    if schema is not None:
        _write(schema, modules_folder / _SCHEMA)
    own = [module for module in kept if not module.path.startswith(SHARED_FOLDER)]
    return Bundle(
        folder=modules_folder,
        root=folder,
        isolate=tuple(module.path for module in own if module.environment == "isolate"),
        node=tuple(module.path for module in own if module.environment == "node"),
        schema=schema is not None,
    )


def _write(module: PushedModule, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(module.source, encoding="utf-8")
    if module.source_map is not None:
        path.with_name(f"{path.name}.map").write_text(module.source_map, encoding="utf-8")


def schema_of(bundle: Bundle) -> PushedModule | None:
    """The module ``schema.js`` of a bundle."""
    return _read(bundle.folder, _SCHEMA, "isolate") if bundle.schema else None


def modules_of(bundle: Bundle) -> Iterator[PushedModule]:
    """The modules of a bundle, those that are shared among them."""
    shared = sorted(path.relative_to(bundle.folder).as_posix() for path in bundle.folder.glob(f"{SHARED_FOLDER}*.js"))
    for path in (*bundle.isolate, *shared):
        yield _read(bundle.folder, path, "isolate")
    for path in bundle.node:
        yield _read(bundle.folder, path, "node")


def _read(folder: Path, path: str, environment: Literal["isolate", "node"]) -> PushedModule:
    source_map = folder / f"{path}.map"
    return PushedModule(
        path,
        (folder / path).read_text(encoding="utf-8"),
        source_map.read_text(encoding="utf-8") if source_map.exists() else None,
        environment,
    )

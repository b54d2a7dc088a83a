"""npm packages that are not bundled with ``"use node"`` modules, but loaded from ``node_modules``.

``node.externalPackages`` of ``convex.json``: convex-js src/bundler/external.ts ``computeExternalPackages``
(checked 2026-11-21).  A deployment installs them; here they are those of the project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convex_mastra_emulator.errors import EmulatorError

CONFIG, PACKAGE, MODULES = "convex.json", "package.json", "node_modules"
_ALL = "*"
_KINDS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
# Convex bundles what it could not install.
_BUNDLED_VERSION = re.compile(r"(?:git\+)?file:|https?:|git:|git\+(?:ssh|https?):")


class PackagesMissing(EmulatorError):
    """Packages that a deploy wants are not there."""


class ConfigUnreadable(EmulatorError):
    """``convex.json`` or ``package.json`` says something nobody understands; the text names file and field."""


@dataclass(frozen=True, slots=True)
class ExternalPackages:
    """What is not bundled.

    Attributes:
        names: of the packages, sorted.
        node_modules: where they lie; None if there are none.
        inputs: the files that say so.
    """

    names: tuple[str, ...] = ()
    node_modules: Path | None = None
    inputs: tuple[Path, ...] = ()


def external_packages(folder: Path) -> ExternalPackages:
    """Those of the project a folder of functions belongs to.

    Raises:
        ConfigUnreadable: for a file that does not say what it should.
    """
    config = _nearest(folder, CONFIG)
    if config is None:
        return ExternalPackages()
    allowed = _allowed(config)
    package = _nearest(folder, PACKAGE)
    if not allowed or package is None:
        return ExternalPackages(inputs=(config,))
    node_modules = package.parent / MODULES
    names = sorted(
        {
            name
            for name, version in _dependencies(package)
            if _is_external(name, version, allowed) and (node_modules / name).exists()
        }
    )
    return ExternalPackages(tuple(names), node_modules if names else None, (config, package))


def _nearest(folder: Path, name: str) -> Path | None:
    resolved = folder.resolve()
    found = (candidate / name for candidate in (resolved, *resolved.parents))
    return next((path for path in found if path.is_file()), None)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigUnreadable(f"{path}: {error}") from None


def _allowed(config: Path) -> list[str]:
    told = _read(config)
    node = told.get("node", {}) if isinstance(told, dict) else None
    packages = node.get("externalPackages", []) if isinstance(node, dict) else None
    if not isinstance(packages, list) or not all(isinstance(name, str) for name in packages):
        raise ConfigUnreadable(f"{config}: `node.externalPackages` is to be a list of names of npm packages")
    return packages


def _dependencies(package: Path) -> Iterator[tuple[str, str]]:
    told = _read(package)
    for kind in _KINDS:
        versions = told.get(kind, {}) if isinstance(told, dict) else None
        if not isinstance(versions, dict) or not all(isinstance(version, str) for version in versions.values()):
            raise ConfigUnreadable(f"{package}: `{kind}` is to name packages and their versions")
        yield from versions.items()


def _is_external(name: str, version: str, allowed: list[str]) -> bool:
    if name == "convex" or _BUNDLED_VERSION.match(version):
        return False
    return name in allowed or _ALL in allowed


# What a push wants


def node_modules_with(versions: Mapping[str, str], folder: Path) -> Path:
    """The first ``node_modules`` in a folder or above it that has these packages in these versions.

    Raises:
        PackagesMissing: if there is none.
    """
    resolved = folder.resolve()
    for candidate in (resolved, *resolved.parents):
        node_modules = candidate / MODULES
        if node_modules.is_dir() and not _missing(node_modules, versions.items()):
            return node_modules
    wanted = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    raise PackagesMissing(
        f"External packages are not installed by the emulator, which takes those in node_modules of the folder it was "
        f"started in or of one above it: not all of {wanted} are there"
    )


def _missing(node_modules: Path, wanted: Iterable[tuple[str, str]]) -> list[str]:
    return [name for name, version in wanted if _version(node_modules / name) != version]


def _version(package: Path) -> str | None:
    try:
        told = json.loads((package / PACKAGE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    version = told.get("version") if isinstance(told, dict) else None
    return version if isinstance(version, str) else None

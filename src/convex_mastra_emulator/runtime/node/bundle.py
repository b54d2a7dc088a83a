"""The user's ``convex/`` folder, bundled by the esbuild that npm ``convex`` brings, as ``npx convex deploy`` does.

convex-js src/bundler/index.ts: one module per file, shared code in ``_deps``, ``"use node"`` files apart and whole;
``schema.ts`` and ``convex.config.ts`` apart, ``_generated`` and files that are no modules left out
(convex-wire.md §4.4, checked 2026-11-21).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convex_mastra_emulator.errors import EmulatorError, NotEmulated
from convex_mastra_emulator.runtime.node.external_packages import MODULES, external_packages

_EXTENSIONS = (".js", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".jsx")
_SHARED = "_deps/[hash]"
_USE_NODE = re.compile(r"""^\s*(?://[^\n]*\n|/\*.*?\*/|\s)*["']use node["']""", re.DOTALL)
_HAS_EXPORT = re.compile(r"^\s{0,100}(?:import|export)", re.MULTILINE)
# What esbuild says, and what to do about it here: it gives advice about options nobody has at hand.
_HINTS = (
    (
        re.compile(r'Could not resolve "\./_generated/'),
        "What is in _generated is written by npx convex codegen, which asks a deployment: "
        "convex-mastra-emulator run -- npx convex codegen",
    ),
    (
        re.compile(r"is built into node"),
        'Only files that begin with "use node" can use Node\'s modules: put such actions into a file of their own.',
    ),
    (re.compile(r'Could not resolve "(?![./])(?!node:)'), "Is the package installed? npm install brings packages."),
)
_CONFIG = re.compile(r"(?:^|/)convex\.config\.[cm]?[jt]s$")
_PACKAGE = re.compile(r"/node_modules/((?:@[^/]+/)?[^/]+)/(?!.*/node_modules/)")
AUTH_CONFIG = "auth.config.js"
_NO_FOLDERS = ("_generated", "node_modules", "_deps")


class BundleFailed(EmulatorError):
    """esbuild refused; the text is its own, with files and lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What esbuild has written.

    Attributes:
        folder: where it lies.
        root: the folder of the sources, as frames of errors name them.
        isolate: modules of the default runtime, such as ``messages.js``; names with slashes.
        node: modules with ``"use node"``.
        schema: whether there is a ``schema.js``.
        auth_config: whether there is an ``auth.config.js``.
        inputs: the files it was made from, those of npm packages among them; none if that is not known.
        cached: what is kept of it between runs, if anything is.
    """

    folder: Path
    root: Path
    isolate: tuple[str, ...]
    node: tuple[str, ...]
    schema: bool
    auth_config: bool = False
    inputs: tuple[Path, ...] = ()
    cached: Path | None = None


def entry_points(folder: Path) -> list[Path]:
    """The files of a folder that are modules, sorted.

    Raises:
        BundleFailed: when two files would be one module.
    """
    found = sorted(_modules(folder))
    names: dict[Path, Path] = {}
    for path in found:
        name = path.relative_to(folder).with_suffix("")
        if name in names:
            raise BundleFailed(f"Two output files share the same path: {names[name]} and {path}")
        names[name] = path
    return found


def _modules(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        # A folder within that has a convex.config.ts is a component of its own.
        folders[:] = [
            name
            for name in folders
            if name not in _NO_FOLDERS and " " not in name and not (Path(parent) / name / "convex.config.ts").exists()
        ]
        yield from (Path(parent) / name for name in files if _is_module(Path(parent) / name))


def _is_module(path: Path) -> bool:
    name = path.name
    if path.suffix not in _EXTENSIONS or name.startswith((".", "#")) or " " in name:
        return False
    # Files with more than one dot are tests and configurations.
    if name in ("schema.ts", "schema.js") or name.count(".") > 1:
        return False
    # TypeScript takes a file for a module if a line of it begins so.
    is_typed = path.suffix in (".ts", ".tsx")
    return not is_typed or _HAS_EXPORT.search(path.read_text(encoding="utf-8", errors="replace")) is not None


def bundle(folder: Path, output: Path, npm_folder: Path | None = None) -> Bundle:
    """Bundles a folder.

    Args:
        folder: the sources, such as ``convex/``.
        output: an empty folder for what comes out.
        npm_folder: where ``node_modules`` lies; the folder or the first one above it that has one, if None.

    Raises:
        BundleFailed: what esbuild said, or why it could not be asked.
        ConfigUnreadable: for a ``convex.json`` that does not say what it should.
        NotEmulated: when the app uses components.
    """
    if not folder.is_dir():
        raise BundleFailed(f"{folder} is no folder: functions are deployed from the folder they stand in")
    esbuild = _esbuild(npm_folder or _npm_folder(folder))
    inputs = _refuse_components(esbuild, folder, output)
    paths = entry_points(folder)
    node = [path for path in paths if _uses_node(path)]
    isolate = [path for path in paths if path not in node]
    root = folder.resolve().parent
    if isolate:
        inputs |= _run(
            esbuild, folder, isolate, output, "--splitting", f"--chunk-names={_SHARED}", "--platform=browser"
        )
    if node:
        inputs |= _bundle_node(esbuild, folder, node, output)
    schema = _module_named(folder, "schema")
    if schema is not None:
        inputs |= _run(esbuild, folder, [schema], output, "--platform=browser")
    auth_config = _auth_config(folder)
    if auth_config is not None:
        # It must be one module, which shares nothing with others.
        inputs |= _run(esbuild, folder, [auth_config], output, "--platform=browser")
    return Bundle(
        folder=output,
        root=root,
        isolate=tuple(_name(folder, path) for path in isolate),
        node=tuple(_name(folder, path) for path in node),
        schema=schema is not None,
        auth_config=auth_config is not None,
        inputs=tuple(sorted(inputs)),
    )


def _bundle_node(esbuild: Path, folder: Path, paths: Sequence[Path], output: Path) -> set[Path]:
    external = external_packages(folder)
    if external.node_modules is not None:
        (output / MODULES).symlink_to(external.node_modules)
    options = ("--platform=node", "--banner:js=" + _REQUIRE, *(f"--external:{name}" for name in external.names))
    return _run(esbuild, folder, paths, output, *options) | set(external.inputs)


def _auth_config(folder: Path) -> Path | None:
    found = [path for name in (AUTH_CONFIG, "auth.config.ts") if (path := folder / name).exists()]
    if len(found) > 1:
        raise BundleFailed(f"Found both {found[0].resolve()} and {found[1].resolve()}, choose one.")
    return found[0] if found else None


def _module_named(folder: Path, name: str) -> Path | None:
    found = (folder / f"{name}{extension}" for extension in _EXTENSIONS)
    return next((path for path in found if path.exists()), None)


def _refuse_components(esbuild: Path, folder: Path, output: Path) -> set[Path]:
    """Looks whether ``convex.config.ts`` imports those of components; gives the files that say it does not."""
    config = _module_named(folder, "convex.config")
    if config is None:
        return set()
    inputs = _run(esbuild, folder, [config], output, "--platform=browser")
    (output / _name(folder, config)).unlink()
    others = (path for path in inputs if _CONFIG.search(path.as_posix()) and path.resolve() != config.resolve())
    names = sorted(map(_component_name, others))
    if names:
        raise NotEmulated(
            f"Components are not emulated: take {', '.join(names)} out of {config.name} to deploy to the emulator"
        )
    return inputs


def _component_name(config: Path) -> str:
    """Of an npm package its name, of a folder the folder's."""
    package = _PACKAGE.search(config.as_posix())
    return config.parent.name if package is None else package[1]


# What CommonJS packages call in an ES module.
_REQUIRE = (
    'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).with_suffix(".js").as_posix()


def _uses_node(path: Path) -> bool:
    return _USE_NODE.match(path.read_text(encoding="utf-8", errors="replace")) is not None


def _npm_folder(folder: Path) -> Path:
    for candidate in (folder.resolve(), *folder.resolve().parents):
        if (candidate / "node_modules").is_dir():
            return candidate
    raise BundleFailed(
        f"no node_modules in {folder} or above it: run npm install, which brings npm convex and its esbuild"
    )


def _esbuild(npm_folder: Path) -> Path:
    modules = npm_folder / "node_modules"
    binaries = sorted(modules.glob("@esbuild/*/bin/esbuild")) + sorted(modules.glob("@esbuild/*/esbuild.exe"))
    binaries += [modules / ".bin" / "esbuild"]
    for binary in binaries:
        if binary.exists():
            return binary
    raise BundleFailed(f"no esbuild in {modules}: run npm install convex")


def _run(esbuild: Path, folder: Path, entries: Sequence[Path], output: Path, *options: str) -> set[Path]:
    """Runs esbuild; gives the files it has read."""
    root = folder.resolve().parent
    metafile = output / "meta.json"
    command = [
        str(esbuild),
        *(str(path.resolve()) for path in entries),
        "--bundle",
        "--format=esm",
        "--target=esnext",
        "--jsx=automatic",
        "--keep-names",
        "--sourcemap=linked",
        "--conditions=convex,module",
        '--define:process.env.NODE_ENV="production"',
        f"--outdir={output}",
        f"--outbase={folder.resolve()}",
        "--log-level=warning",
        "--log-limit=0",
        "--allow-overwrite",
        f"--metafile={metafile}",
        *options,
    ]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise BundleFailed("\n\n".join([ran.stderr.strip(), *_hints(ran.stderr)]))
    read = json.loads(metafile.read_text(encoding="utf-8"))["inputs"]
    metafile.unlink()
    # What esbuild makes up itself has a name like `(disabled):fs`.
    return {path for name in read if (path := root / name).is_file()}


def _hints(said: str) -> list[str]:
    matching = [hint for pattern, hint in _HINTS if pattern.search(said)]
    return matching[:1]

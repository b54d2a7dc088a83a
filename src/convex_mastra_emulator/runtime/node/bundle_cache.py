"""Bundles that were made before: equal sources are neither bundled again, nor loaded to see what they export.

An entry tells of every file it was made from, those of npm packages among them; it is used while all are as they were.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from convex_mastra_emulator.cache_folder import cache_folder
from convex_mastra_emulator.runtime.node.bundle import Bundle, bundle
from convex_mastra_emulator.runtime.node.external_packages import CONFIG, PACKAGE

FORMAT = 2
"""Of what stands in an entry, and of how sources are bundled; another number makes all entries worthless."""
ENTRIES_MAX = 64
_MADE, _MODULES = "made.json", "modules"


def cached_bundle(folder: Path, output: Path, npm_folder: Path | None = None, *, cache: Path | None = None) -> Bundle:
    """Bundles a folder, or brings what was made of equal sources before.

    Args:
        folder: the sources, such as ``convex/``.
        output: an empty folder for what comes out.
        npm_folder: where ``node_modules`` lies; the folder or the first one above it that has one, if None.
        cache: where entries are kept; in the user's cache, if None.  Without a right to write there nothing is kept.

    Raises:
        BundleFailed: what esbuild said, or why it could not be asked.
    """
    entries = cache_folder() / "bundles" if cache is None else cache
    key = _key(folder, npm_folder)
    found = _find(entries, key, output)
    if found is not None:
        return found
    made = bundle(folder, output, npm_folder)
    _name_sources_from_the_root(output)
    try:
        return _keep(entries, key, made)
    except OSError:
        return made


def _key(folder: Path, npm_folder: Path | None) -> str:
    """What is asked for, apart from what the files say: a file that comes or goes may be another module's source."""
    digest = hashlib.sha256(f"{FORMAT}\0{folder.resolve()}\0{npm_folder and npm_folder.resolve()}\0".encode())
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "node_modules")
        digest.update("\0".join([parent, *sorted(files)]).encode())
    for above in (folder, *folder.resolve().parents):
        for config in (above / "tsconfig.json", above / CONFIG, above / PACKAGE):
            if config.exists():
                digest.update(config.read_bytes())
    return digest.hexdigest()[:16]


def _find(entries: Path, key: str, output: Path) -> Bundle | None:
    for entry in entries.glob(f"{key}-*"):
        try:
            made = json.loads((entry / _MADE).read_text(encoding="utf-8"))
            if _digests(map(Path, made["inputs"])) == made["inputs"]:
                shutil.copytree(entry / _MODULES, output, symlinks=True, dirs_exist_ok=True)
                os.utime(entry)
                return _bundle(made, output, entry)
        except (OSError, ValueError, KeyError):
            continue  # another process is taking it away, or a source is there no longer
    return None


def _digests(inputs: Iterable[Path]) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in inputs}


def _bundle(made: Mapping[str, Any], output: Path, entry: Path) -> Bundle:
    return Bundle(
        folder=output,
        root=Path(made["root"]),
        isolate=tuple(made["isolate"]),
        node=tuple(made["node"]),
        schema=made["schema"],
        inputs=tuple(map(Path, made["inputs"])),
        cached=entry,
    )


def _keep(entries: Path, key: str, made: Bundle) -> Bundle:
    told = {
        "root": str(made.root),
        "isolate": made.isolate,
        "node": made.node,
        "schema": made.schema,
        "inputs": _digests(made.inputs),
    }
    text = json.dumps(told)
    entry = entries / f"{key}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    entries.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=entries))
    try:
        shutil.copytree(made.folder, new / _MODULES, symlinks=True)
        (new / _MADE).write_text(text, encoding="utf-8")
        new.rename(entry)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        if not entry.exists():  # if it is there, another process was faster
            raise
    _forget_old(entries)
    return replace(made, cached=entry)


def _forget_old(entries: Path) -> None:
    by_age = sorted(entries.iterdir(), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in by_age[ENTRIES_MAX:]:
        shutil.rmtree(entry, ignore_errors=True)


def _name_sources_from_the_root(output: Path) -> None:
    """Makes source maps good wherever the modules are copied to."""
    for path in output.rglob("*.map"):
        source_map = json.loads(path.read_text(encoding="utf-8"))
        source_map["sources"] = [
            os.path.normpath(path.parent / source) if _is_path(source) else source for source in source_map["sources"]
        ]
        path.write_text(json.dumps(source_map), encoding="utf-8")


def _is_path(source: str) -> bool:
    return ":" not in source  # such as `(disabled):fs`


# What the modules export


def read_exports(made: Bundle, env: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """What the modules of a bundle export when they are loaded with these variables; None if that is not known."""
    if made.cached is None:
        return None
    try:
        exports: list[dict[str, Any]] = json.loads(_exports_file(made.cached, env).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return exports


def keep_exports(made: Bundle, env: Mapping[str, str], exports: list[dict[str, Any]]) -> None:
    """Keeps what the modules of a bundle export."""
    if made.cached is None:
        return
    path = _exports_file(made.cached, env)
    try:
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.write_text(json.dumps(exports), encoding="utf-8")
        new.replace(path)
    except OSError:
        return  # the entry was taken away meanwhile


def _exports_file(entry: Path, env: Mapping[str, str]) -> Path:
    digest = hashlib.sha256(json.dumps(sorted(env.items())).encode()).hexdigest()[:16]
    return entry / f"exports-{digest}.json"

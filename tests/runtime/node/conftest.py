"""Projects of TypeScript, each in a folder of its own, with the npm packages of this repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, ManualClock
from pytest_mastra_convex.node_project import ensure_npm_project

Write = Callable[..., Path]

SERVER = """
import { v, ConvexError } from "convex/values";
import {
  actionGeneric as action, httpActionGeneric as httpAction, internalMutationGeneric as internalMutation,
  makeFunctionReference, mutationGeneric as mutation, queryGeneric as query,
} from "convex/server";
const call = (path: string): any => makeFunctionReference(path);
"""


@pytest.fixture(scope="session")
def npm_packages() -> Path:
    return ensure_npm_project(print) / "node_modules"


@pytest.fixture
def write(tmp_path: Path, npm_packages: Path) -> Write:
    """Writes files into a project's ``convex/``; functions find what they need without importing it."""

    def write_files(**files: str) -> Path:
        if not (tmp_path / "node_modules").exists():
            (tmp_path / "node_modules").symlink_to(npm_packages)
        folder = tmp_path / "convex"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            path = folder / f"{name.replace('__', '/')}.ts"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(SERVER + text)
        return folder

    return write_files


@pytest.fixture
def convex() -> Iterator[Emulator]:
    with Emulator(clock=ManualClock(), seed=1) as emulator:
        yield emulator

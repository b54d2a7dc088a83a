"""Projects with npm packages that bring Convex functions or helpers for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator
from pytest_mastra_convex.node_project import ensure_npm_project

DeployComponent = Callable[..., Emulator]
# Their tests, and the definition that makes a component of them: deployed by themselves they are an app.
_LEFT_OUT = shutil.ignore_patterns("*.test.ts", "convex.config.ts")


@pytest.fixture(scope="session")
def npm_packages() -> Path:
    """Here the packages of this folder's own ``package.json``."""
    return ensure_npm_project(print, Path(__file__).parent) / "node_modules"


@pytest.fixture
def deploy_component(tmp_path: Path, npm_packages: Path, convex: Emulator) -> DeployComponent:
    """Deploys the source of a component as an app, together with modules of the test's own."""

    def deploy(package: str, **modules: str) -> Emulator:
        (tmp_path / "node_modules").symlink_to(npm_packages)
        shutil.copytree(npm_packages / package / "src", tmp_path / "src", ignore=_LEFT_OUT)
        folder = tmp_path / "src" / "component"
        for name, text in modules.items():
            (folder / f"{name}.ts").write_text(text)
        convex.deploy(folder)
        return convex

    return deploy

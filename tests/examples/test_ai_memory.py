"""examples/ai-memory: its types fit, and its tests hold on the emulator and on a deployment in another process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, connect
from convex_mastra_emulator.server import ServedEmulator
from pytest_mastra_convex.node_project import ensure_npm_project, node_binary
from tests.clients.convex_cli import ConvexCli

EXAMPLE = Path(__file__).parents[2] / "examples" / "ai-memory"
EMULATOR_ONLY = "needs the emulator in this process"


@pytest.fixture(scope="module")
def example(report_progress: Callable[[str], None]) -> Path:
    return ensure_npm_project(report_progress, EXAMPLE)


@pytest.fixture
def served() -> Iterator[ServedEmulator]:
    """An empty deployment; the tests of the example run in a process of their own."""
    with Emulator(allow_network=True) as convex, convex.serve() as served:
        yield served


@pytest.fixture
def project(example: Path, served: ServedEmulator, tmp_path: Path) -> Path:
    """A copy of the example, deployed as its README says."""
    project = tmp_path / "ai-memory"
    shutil.copytree(example, project, ignore=shutil.ignore_patterns("node_modules", "tests"))
    (project / "node_modules").symlink_to(example / "node_modules")
    npx_convex = ConvexCli(example, project, served)
    npx_convex.ok("deploy")
    npx_convex.ok("env", "set", "IS_TEST", "1")
    return project


def run(example: Path, *options: str, **environment: str) -> list[str]:
    """What pytest prints; not by ``pytester``, after which what a test has imported is there twice."""
    settings = ["-p", "no:cacheprovider", "-c", str(example / "pyproject.toml"), "--rootdir", str(example)]
    command = [sys.executable, "-m", "pytest", *settings, *options, str(example)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def rows_left(served: ServedEmulator) -> dict[str, int]:
    with connect(served.url, served.admin_key) as deployed:
        size = "_system/cli/tableSize:default"
        return {name: deployed.query(size, {"tableName": name}) for name in ("messages", "userMemories")}


def generated_in(project: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (project / "convex" / "_generated").iterdir()}


def test_types_fit(example: Path) -> None:
    tsc = example / "node_modules" / "typescript" / "bin" / "tsc"
    command = [str(part) for part in (node_binary(), tsc, "--noEmit", "--project", example / "convex")]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_its_tests_hold_on_the_emulator(example: Path) -> None:
    outcomes = pytest.RunResult.parse_summary_nouns(run(example))

    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] >= 40


def test_its_tests_hold_on_a_deployment(example: Path, served: ServedEmulator, project: Path) -> None:
    variables = {"CONVEX_URL": served.url, "CONVEX_ADMIN_KEY": served.admin_key}

    lines = run(example, "--convex-target=live", **variables)

    outcomes = pytest.RunResult.parse_summary_nouns(lines)
    assert set(outcomes) == {"passed", "skipped"}
    assert outcomes["passed"] >= 35
    assert all(EMULATOR_ONLY in line for line in lines if line.startswith("SKIPPED"))
    assert rows_left(served) == {"messages": 0, "userMemories": 0}


# The deploy writes the types anew, and would be in the way of the next commit.
def test_its_generated_types_are_those_of_the_deploy(example: Path, project: Path) -> None:
    assert generated_in(project) == generated_in(example)

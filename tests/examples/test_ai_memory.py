"""examples/ai-memory: its types fit, and its tests hold on the emulator and on a deployment in another process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convex_mastra_emulator import connect
from pytest_mastra_convex.node_project import ensure_npm_project, node_binary

EXAMPLE = Path(__file__).parents[2] / "examples" / "ai-memory"
PLAYED = Path(__file__).parent / "deployed_folder.py"
EMULATOR_ONLY = "needs the emulator in this process"


@pytest.fixture(scope="module")
def example(report_progress: Callable[[str], None]) -> Path:
    return ensure_npm_project(report_progress, EXAMPLE)


@pytest.fixture
def deployment(example: Path) -> Iterator[tuple[str, str]]:
    """URL and admin key of a deployment to which the example was deployed."""
    command = [sys.executable, str(PLAYED), str(example / "convex")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, admin_key = (process.stdout.readline().strip() for _ in range(2))
        assert url, "the deployment did not start"
        yield url, admin_key


def run(pytester: pytest.Pytester, example: Path, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-c", example / "pyproject.toml", "--rootdir", example, *options, example)


def rows_left(url: str, admin_key: str) -> dict[str, int]:
    with connect(url, admin_key) as deployed:
        size = "_system/cli/tableSize:default"
        return {name: deployed.query(size, {"tableName": name}) for name in ("messages", "userMemories")}


def test_types_fit(example: Path) -> None:
    tsc = example / "node_modules" / "typescript" / "bin" / "tsc"
    command = [str(part) for part in (node_binary(), tsc, "--noEmit", "--project", example / "convex")]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_its_tests_hold_on_the_emulator(pytester: pytest.Pytester, example: Path) -> None:
    outcomes = run(pytester, example).parseoutcomes()

    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] >= 40


def test_its_tests_hold_on_a_deployment(
    pytester: pytest.Pytester, example: Path, deployment: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(("CONVEX_URL", "CONVEX_ADMIN_KEY"), deployment, strict=True):
        monkeypatch.setenv(name, value)

    result = run(pytester, example, "--convex-target=live")

    outcomes = result.parseoutcomes()
    skipped = [line for line in result.outlines if line.startswith("SKIPPED")]
    assert set(outcomes) == {"passed", "skipped"}
    assert outcomes["passed"] >= 35
    assert all(EMULATOR_ONLY in line for line in skipped)
    assert rows_left(*deployment) == {"messages": 0, "userMemories": 0}

"""`run -- <command>` with the commands it is made for: the tests of an npm project, and `npx convex`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mastra_convex.node_project import ensure_npm_project, node_binary, npm_command

RUN_SECONDS_MAX = 100
PROJECT = Path(__file__).parents[1] / "vitest"
# What somebody's shell and files may say of other deployments.
ELSEWHERE = {"CONVEX_DEPLOYMENT": "dev:happy-animal-123", "CONVEX_URL": "https://happy-animal-123.convex.cloud"}


@pytest.fixture(scope="module")
def installed(report_progress: Callable[[str], None]) -> Path:
    """The project with its packages installed as its lock file says."""
    return ensure_npm_project(report_progress, PROJECT)


@pytest.fixture
def project(installed: Path, tmp_path: Path) -> Path:
    """A copy of the project, for what a test writes into it."""
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    return tmp_path


def run_npx(*arguments: str, options: tuple[str, ...] = (), folder: Path) -> subprocess.CompletedProcess[str]:
    """`convex-mastra-emulator run [options] -- npx <arguments>`; npx is short for `npm exec`."""
    node = node_binary()
    npx = [*map(str, npm_command(node)), "exec", "--no", "--no-update-notifier", "--"]
    return subprocess.run(
        [sys.executable, "-m", "convex_mastra_emulator", "run", *options, "--", *npx, *arguments],
        cwd=folder,
        env={**os.environ, **ELSEWHERE, "CI": "1", "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )


# vitest


@pytest.mark.parametrize(
    ("options", "files", "count"),
    [((), ("tests/convex.test.ts", "tests/mastra.test.ts"), 4), (("--deploy", "convex"), (), 8)],
    ids=["Mastra's functions in Python", "the project's own in TypeScript"],
)
def test_vitest_runs_on_a_deployment_of_its_own(
    installed: Path, options: tuple[str, ...], files: tuple[str, ...], count: int
) -> None:
    for _ in range(2):  # the second finds nothing of the first: a counter begins at 1 again
        done = run_npx("vitest", "run", "--no-color", *files, options=options, folder=installed)

        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Tests  {count} passed ({count})" in done.stdout


def test_a_failing_vitest_ends_with_its_code(project: Path) -> None:
    (project / "tests" / "failing.test.ts").write_text(
        'import { expect, test } from "vitest";\ntest("fails", () => expect(1).toBe(2));\n'
    )

    done = run_npx("vitest", "run", "--no-color", "tests/failing.test.ts", folder=project)

    assert done.returncode == 1
    assert "Tests  1 failed (1)" in done.stdout


# npx convex


def test_npx_convex_finds_the_deployment_by_itself(project: Path) -> None:
    (project / ".env.local").write_text("CONVEX_DEPLOYMENT=dev:sad-animal-321\n")

    done = run_npx("convex", "run", "notes:by", '{"author": "ada"}', options=("--deploy", "convex"), folder=project)

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_npx_convex_deploys_and_fails_with_its_code(project: Path) -> None:
    assert run_npx("convex", "deploy", folder=project).returncode == 0

    (project / "convex" / "bad.ts").write_text("export const one = ;")
    assert run_npx("convex", "deploy", folder=project).returncode == 1

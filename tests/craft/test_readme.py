"""README.md is true: its Python runs, its commands exist, its files are there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from convex_mastra_emulator.cli import main
from pytest_mastra_convex.node_project import ensure_npm_project

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


# The blocks build on each other, as a reader types them one after the other.
def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, report_progress: Callable[[str], None]) -> None:
    monkeypatch.chdir(ROOT)
    ensure_npm_project(report_progress, ROOT / "examples" / "ai-memory")
    namespace: dict[str, object] = {}

    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), namespace)

    assert len(PYTHON) >= 4


@pytest.mark.parametrize(
    "command", ["pip install . && convex-mastra-emulator demo", 'pip install -e ".[test]" && pytest']
)
def test_the_two_commands_stand_in_the_readme(command: str) -> None:
    assert f"$ {command}\n" in README


@pytest.mark.parametrize("command", ["serve", "run", "demo"])
def test_the_commands_of_the_readme_exist(command: str) -> None:
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("command", ["serve", "run"])
@pytest.mark.parametrize("option", ["--schema", "--port", "--deploy", "--watch"])
def test_the_options_of_the_readme_exist(option: str, command: str) -> None:
    assert option in CliRunner().invoke(main, [command, "--help"]).output


# `tests/clients/test_run_command.py` runs the files of that project.
@pytest.mark.parametrize(("page", "file"), [("README.md", "notes.test.ts"), ("docs/run.md", "undone.test.ts")])
def test_the_tests_for_vitest_are_run(page: str, file: str) -> None:
    shown = re.findall(r"```ts\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    run = (ROOT / "tests" / "vitest" / "tests" / file).read_text(encoding="utf-8")

    assert any(run.endswith(block) for block in shown)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)]+)\)", README))
def test_the_links_of_the_readme_lead_somewhere(target: str) -> None:
    assert (ROOT / target.partition("#")[0]).exists()

"""The examples of these pages run as they stand there: one after the other, and the tests among them as tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES_WITH_TESTS = ("usage_and_journal.md", "time_and_chance.md")
PAGES = (*PAGES_WITH_TESTS, "files_and_http_actions.md", "data_on_disk.md", "convex_cli.md")


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    namespace: dict[str, Any] = {"__name__": page}

    for block in blocks(page):
        exec(compile(block, page, "exec"), namespace)


@pytest.mark.parametrize("page", PAGES_WITH_TESTS)
def test_tests_pass(page: str, pytester: pytest.Pytester) -> None:
    tests = [block for block in blocks(page) if "\ndef test_" in f"\n{block}"]
    pytester.makepyfile("from convex_mastra_emulator import query\n" + "\n".join(tests))

    pytester.runpytest_subprocess().assert_outcomes(passed=len(tests))
    assert tests

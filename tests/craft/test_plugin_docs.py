"""docs/pytest.md is true: every option, fixture, marker and target stands there as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mastra_convex import fixtures
from pytest_mastra_convex.options import OPTIONS, TARGETS, Option

PAGE = (Path(__file__).parents[2] / "docs" / "pytest.md").read_text(encoding="utf-8")
FIXTURES = [name for name in vars(fixtures) if name.startswith("convex_") or name == "mastra_factory"]


def row(option: Option) -> str:
    return (
        f"| `{option.flag} {option.metavar}` | `{option.environment}` | `{option.ini}` | {option.default} | "
        f"{option.help} |"
    )


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_option_stands_in_the_table(option: Option) -> None:
    assert row(option) in PAGE.splitlines()


# `convex_place` and `convex_target` are what the others are made of, and nothing a test should ask for.
@pytest.mark.parametrize("name", sorted(set(FIXTURES) - {"convex_place", "convex_target", "convex_marker"}))
def test_fixture_is_described(name: str) -> None:
    assert any(line.startswith("| `") and f"`{name}`" in line for line in PAGE.splitlines())


@pytest.mark.parametrize("name", TARGETS)
def test_target_is_described(name: str) -> None:
    assert f"| `{name}` |" in PAGE


# The page's own tests run as they stand there.
def test_examples_run(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    recall, conftest, examples, _markers = blocks
    pytester.makepyfile(test_recall=recall, test_examples=examples)
    pytester.makeconftest(conftest)

    pytester.runpytest_subprocess("--convex-target=emulator", "--convex-target=server").assert_outcomes(passed=4)

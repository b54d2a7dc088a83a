"""The pages that are written from code are up to date, and the register of divergences names what the tests show."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from pytest_mastra_convex.divergences import divergences_page, load_divergences

ROOT = Path(__file__).parents[2]
SUITES = {"tests": ROOT / "tests", "conformance": ROOT / "src" / "pytest_mastra_convex" / "conformance"}


def shown_in(texts: Iterable[str]) -> set[str]:
    """The ids in calls of `diverges("id")`; one in a text or a comment is none."""
    calls = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return {
        argument.value
        for call in calls
        if "diverges" in (getattr(call.func, "attr", None), getattr(call.func, "id", None))
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def differences_between_register_and(suite: str) -> dict[str, set[str]]:
    shown = shown_in(path.read_text(encoding="utf-8") for path in SUITES[suite].rglob("*.py"))
    registered = {entry.id for entry in load_divergences().values() if entry.shown_by == suite}
    return {"nobody shows": registered - shown, "nobody registered": shown - registered}


def test_page_of_the_divergences_is_that_of_the_register() -> None:
    page = (ROOT / "docs" / "divergences.md").read_text(encoding="utf-8")

    assert page == divergences_page(load_divergences()), (
        "write it again: python -m pytest_mastra_convex.divergences > docs/divergences.md"
    )


# A test that is gone leaves an entry that nobody would ever take out.
def test_tests_show_the_entries_that_are_theirs() -> None:
    assert differences_between_register_and("tests") == {"nobody shows": set(), "nobody registered": set()}


def test_shipped_suite_shows_the_entries_that_are_its_own() -> None:
    assert differences_between_register_and("conformance") == {"nobody shows": set(), "nobody registered": set()}


def test_marks_are_told_from_what_looks_like_them() -> None:
    text = """
@pytest.mark.diverges("a")
def test_it(): "diverges('b')"  # diverges("c")
CASES = [pytest.param(1, marks=diverges("d")), other("e"), diverges(name)]
"""

    assert shown_in([text]) == {"a", "d"}

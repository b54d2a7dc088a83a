"""The pages that are written from code are up to date, and the register of divergences names what the tests show."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from convex_mastra_emulator.server.patience import Patience
from convex_mastra_emulator.server.websocket import ACTIONS_MAX
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


def test_page_of_security_names_the_limits_of_a_connection() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    patience = Patience()

    for told in (
        f"{patience.head_size_max:,} bytes, {patience.headers_max} headers | 431",
        f"{patience.url_size_max:,} bytes | 414",
        f"{patience.frame_size_max >> 20} MiB, {patience.message_size_max >> 20} MiB | closed with 1011",
        f"actions at once on a WebSocket | {ACTIONS_MAX + 1:,}",
        f"connections | {patience.connections_max:,} | 503",
        f"time for a head | {patience.head_seconds:g} s",
        f"a body without a byte | {patience.body_seconds:g} s | 408",
        f"between two requests | {patience.idle_seconds:g} s",
        f"an answer nobody reads | {patience.unread_seconds:g} s",
    ):
        assert told in page

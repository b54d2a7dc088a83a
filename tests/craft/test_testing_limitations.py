"""docs/testing_limitations.md links a test for every claim; those tests are there."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "testing_limitations.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| documented", "| | "))]
LINKS = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", TEXT)


@pytest.mark.parametrize(("name", "path"), LINKS, ids=[name for name, _ in LINKS])
def test_the_linked_test_is_there(name: str, path: str) -> None:
    assert f"def {name}(" in (PAGE.parent / path).read_text(encoding="utf-8")


# What is shown by nothing must say that it is not so.
@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_shown_by_a_test_or_says_no(row: str) -> None:
    assert "[`test_" in row or ("not" in row and row.endswith("| nothing |"))


def test_every_limitation_convex_documents_has_a_row() -> None:
    assert len(ROWS) >= 20

"""Keys, tokens and signatures are compared in one way only, whose time tells nothing: ``hmac.compare_digest``."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "convex_mastra_emulator"
SECRET = re.compile(r"(admin_?key|secret|signature|password|(^|_)tokens?$|credential|authorization)")
COMPARISONS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def is_secret(node: ast.expr) -> bool:
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    return name is not None and bool(SECRET.search(name))


def comparisons_of_secrets(text: str) -> list[str]:
    """Comparisons with a constant are none: they tell what kind of thing something is."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Compare) and any(isinstance(operator, COMPARISONS) for operator in node.ops)
        if any(map(is_secret, sides := [node.left, *node.comparators]))
        if not any(isinstance(side, ast.Constant) for side in sides)
    ]


def test_no_secret_is_compared_by_an_operator() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): comparisons
        for path in SOURCE.rglob("*.py")
        if (comparisons := comparisons_of_secrets(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def test_keys_tokens_and_cursors_have_a_comparison() -> None:
    users = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if "compare_digest(" in path.read_text(encoding="utf-8")
    }

    assert {"protocol/auth.py", "database/pagination.py"} <= users


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("given == self.admin_key", 1),
        ("given in self._secrets", 1),
        ("signature != expected", 1),
        ("token is None", 0),
        ("token_type == 'Admin'", 0),
        ("scheme == 'convex '", 0),
    ],
)
def test_comparisons_are_found(text: str, number: int) -> None:
    assert len(comparisons_of_secrets(text)) == number

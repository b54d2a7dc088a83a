"""How large modules and functions may get, how they are called, and that they are documented.

The numbers come from measuring well-read code bases: their largest modules and their 95th percentile of functions.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(SOURCE.rglob("*.py"))
MODULE_LINES_MAX = 400
TABLE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_USUAL = 40
FUNCTION_SHARE_ABOVE_USUAL = 0.02
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Definition: TypeAlias = Function | ast.ClassDef


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def label(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def functions_in(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: Function) -> int:
    """From `def` to the last line of the body, the documentation included."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def is_plain_data(tree: ast.Module) -> bool:
    """Whether most of a module's lines are tables: assignments outside of functions and classes."""
    data = sum(
        (node.end_lineno or 0) - node.lineno + 1 for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)
    )
    return data * 2 > (tree.body[-1].end_lineno or 0)


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_module_is_short(path: Path) -> None:
    allowed = TABLE_LINES_MAX if is_plain_data(tree_of(path)) else MODULE_LINES_MAX

    assert len(path.read_text(encoding="utf-8").splitlines()) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_functions_are_short(path: Path) -> None:
    long = {function.name: lines_of(function) for function in functions_in(path)}

    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES_MAX} == {}


def test_most_functions_are_shorter_still() -> None:
    lines = [lines_of(function) for path in MODULES for function in functions_in(path)]

    assert sum(count > FUNCTION_LINES_USUAL for count in lines) <= FUNCTION_SHARE_ABOVE_USUAL * len(lines)


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_module_is_called_by_what_it_is_about(path: Path) -> None:
    names = set(path.relative_to(SOURCE).with_suffix("").parts)

    assert names & NAMES_THAT_SAY_NOTHING == set()


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


def undocumented(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Public functions, classes and methods without documentation; nested functions are nobody's business."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_") or _is_overload(node):
            continue
        if ast.get_docstring(node) is None:
            yield f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{node.name}.")


def _is_overload(node: Definition) -> bool:
    return any(isinstance(name, ast.Name) and name.id == "overload" for name in node.decorator_list)


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_public_names_are_documented(path: Path) -> None:
    assert list(undocumented(tree_of(path).body)) == []


def test_undocumented_names_are_found() -> None:
    tree = ast.parse('class A:\n    "yes"\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...\n')

    assert list(undocumented(tree.body)) == ["A.b", "d"]

"""How large modules and functions may get, how they are called, and that they are documented.

The numbers come from measuring well-read code bases: their largest modules and their 95th percentile of functions.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

SOURCE = Path(__file__).parents[2] / "src"
MODULE_LINES_MAX = 400
TABLE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_USUAL = 40
FUNCTION_SHARE_ABOVE_USUAL = 0.02
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Definition: TypeAlias = Function | ast.ClassDef

TEXTS = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}


def lines_of(node: ast.stmt) -> int:
    """From the first line of a statement to its last, the documentation of a function included."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def functions_with_lines() -> dict[str, int]:
    return {
        f"{name}:{node.lineno} {node.name}": lines_of(node)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }


def is_plain_data(tree: ast.Module) -> bool:
    """Whether most of a module's lines are tables: assignments outside of functions and classes."""
    data = sum(lines_of(node) for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign))
    return data * 2 > sum(lines_of(node) for node in tree.body)


def test_modules_are_short() -> None:
    lines = {name: len(text.splitlines()) for name, text in TEXTS.items()}

    assert {
        name: count
        for name, count in lines.items()
        if count > (TABLE_LINES_MAX if is_plain_data(TREES[name]) else MODULE_LINES_MAX)
    } == {}


def test_functions_are_short() -> None:
    assert {name: lines for name, lines in functions_with_lines().items() if lines > FUNCTION_LINES_MAX} == {}


def test_most_functions_are_shorter_still() -> None:
    lines = functions_with_lines()
    above = {name: count for name, count in lines.items() if count > FUNCTION_LINES_USUAL}

    assert len(above) <= FUNCTION_SHARE_ABOVE_USUAL * len(lines), above


def test_modules_are_called_by_what_they_are_about() -> None:
    assert [name for name in TEXTS if NAMES_THAT_SAY_NOTHING & set(name.removesuffix(".py").split("/"))] == []


def test_modules_say_what_they_are() -> None:
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def undocumented(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Public functions, classes and methods without documentation; functions inside functions are left out."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_") or _is_overload(node):
            continue
        if ast.get_docstring(node) is None:
            yield f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{prefix}{node.name}.")


def _is_overload(node: Definition) -> bool:
    return any(isinstance(name, ast.Name) and name.id == "overload" for name in node.decorator_list)


# A case of the conformance suite has its reason in the comment above it, as every test.
def test_public_names_are_documented() -> None:
    assert [
        found
        for name, tree in TREES.items()
        for found in undocumented(tree.body, f"{name} ")
        if "/conformance/test_" not in name
    ] == []


def test_undocumented_names_are_found() -> None:
    tree = ast.parse('class A:\n    "yes"\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...\n')

    assert list(undocumented(tree.body)) == ["A.b", "d"]


def test_tables_are_told_from_code() -> None:
    assert is_plain_data(ast.parse("A = {\n    1: 2,\n    3: 4,\n}\n"))
    assert not is_plain_data(ast.parse("A = 1\ndef f():\n    x = {\n        1: 2,\n    }\n    return x\n"))

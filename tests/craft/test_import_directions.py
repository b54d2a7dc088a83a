"""Imports go down only: a module of one layer knows its own layer and the lower ones.

The layers are those of the architecture; `demo` stands between the server and the command line, which starts it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = "convex_mastra_emulator"
LAYERS = (
    (
        "errors",
        "limits",
        "clock",
        "usage",
        "deployment",
        "turns",
        "faults",
        "fault_kinds",
        "fault_arguments",
        "cache_folder",
    ),
    ("values",),
    ("schema",),
    ("database",),
    ("runtime", "journal"),
    ("mastra",),
    ("data", "web"),
    ("hooks", "serving", "deploys", "watching", "deploying", "pushes"),
    ("emulator", "connection", "network", "sources", "interleaving"),
    ("protocol",),
    ("server",),
    ("demo",),
    ("cli", "cli_deploy", "cli_options", "cli_run"),
    ("__main__",),
)
HEIGHTS = {name: height for height, names in enumerate(LAYERS) for name in names}
# The package itself holds the public names and so stands where the emulator does.
FRONT = "emulator"
# The client classes know one protocol and nothing of what answers it.
STORES_MAY_IMPORT = {"stores", "deployment", "errors"}


# `Servable.serve` reaches up when it is called, so that the front door has the handle to the server
# (docs/decisions/0004-serve-looks-upwards.md).
UPWARD = {("serving", "server"), ("serving", "emulator")}


def name_of(path: Path) -> str:
    names = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


TREES = {
    name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted((SOURCE / PACKAGE).rglob("*.py"))
}


def part_of(module: str) -> str:
    """`values` for `convex_mastra_emulator.values.size`."""
    names = module.split(".")
    return names[1] if len(names) > 1 else FRONT


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import wherever it stands, with its line; `from package import errors` is one of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (
                (node.lineno, f"{PACKAGE}.{alias.name}" if alias.name in HEIGHTS else PACKAGE) for alias in node.names
            )
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def is_allowed(importer: str, imported: str) -> bool:
    own, other = part_of(importer), part_of(imported)
    if own == "stores":
        return other in STORES_MAY_IMPORT
    return HEIGHTS[other] <= HEIGHTS[own] or (own, other) in UPWARD


def test_modules_import_their_own_layer_and_lower_ones() -> None:
    upward = [
        f"{importer}:{line} imports {imported}"
        for importer, tree in TREES.items()
        for line, imported in imported_modules(tree)
        if imported.split(".")[0] == PACKAGE and not is_allowed(importer, imported)
    ]

    assert upward == []


# `from . import x` hides which layer is meant.
def test_modules_are_imported_by_their_full_names() -> None:
    relative = [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]

    assert relative == []


# The plugin stands on top of everything: nothing of the emulator knows that pytest exists.
def test_modules_know_nothing_of_pytest() -> None:
    knowing = [
        f"{importer}:{line} imports {imported}"
        for importer, tree in TREES.items()
        for line, imported in imported_modules(tree)
        if imported.split(".")[0] in ("pytest", "_pytest", "pytest_mastra_convex")
    ]

    assert knowing == []


# A new folder has no place yet; whoever makes one says where it stands.
def test_every_part_has_its_layer() -> None:
    assert {part_of(name) for name in TREES} - set(HEIGHTS) - STORES_MAY_IMPORT == set()


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("values.size", "errors", True),
        ("values.size", "values.types", True),
        ("errors", "values.types", False),
        ("database.store", "runtime.logs", False),
        ("mastra.cache", "runtime.functions", True),
        ("runtime.executor", "mastra.cache", False),
        ("stores.vector", "deployment", True),
        ("stores.vector", "emulator", False),
    ],
)
def test_rule_tells_down_from_up(importer: str, imported: str, allowed: bool) -> None:
    assert is_allowed(f"{PACKAGE}.{importer}", f"{PACKAGE}.{imported}") is allowed


def test_package_stands_above_what_it_exports() -> None:
    assert is_allowed(PACKAGE, f"{PACKAGE}.emulator")
    assert not is_allowed(f"{PACKAGE}.runtime.executor", PACKAGE)


def test_imports_are_found_in_all_their_forms() -> None:
    tree = ast.parse(
        f"import {PACKAGE}.errors\n"
        f"from {PACKAGE} import limits, Emulator\n"
        f"def f():\n    from {PACKAGE}.values.size import measure\n"
    )

    assert [imported.removeprefix(PACKAGE) for _, imported in imported_modules(tree)] == [
        ".errors",
        ".limits",
        "",
        ".values.size",
    ]

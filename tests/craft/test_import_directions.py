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
    ("errors", "limits", "clock", "usage"),
    ("values",),
    ("schema",),
    ("database",),
    ("runtime",),
    ("mastra",),
    ("emulator",),
    ("protocol",),
    ("server",),
    ("demo",),
    ("cli",),
    ("__main__",),
)
HEIGHTS = {name: height for height, names in enumerate(LAYERS) for name in names}
# Above the emulator stands the package itself, with its public names; the client classes know one protocol only.
FRONT = "emulator"
STORES_MAY_IMPORT = {"stores", "deployment"}
MODULES = sorted((SOURCE / PACKAGE).rglob("*.py"))


def part_of(module: str) -> str:
    """`values` for `convex_mastra_emulator.values.size`; the emulator's for the package itself."""
    names = module.split(".")
    return names[1] if len(names) > 1 else FRONT


def name_of(path: Path) -> str:
    names = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import of the package's own modules, wherever it stands, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = _full_names(node)
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == PACKAGE)


def _full_names(node: ast.ImportFrom) -> list[str]:
    """`from package import errors` imports a module, `from package import Emulator` the package."""
    module = node.module or ""
    if module != PACKAGE:
        return [module]
    return [f"{module}.{alias.name}" if alias.name in HEIGHTS else module for alias in node.names]


def is_allowed(importer: str, imported: str) -> bool:
    own, other = part_of(importer), part_of(imported)
    if "stores" in (own, other):
        return own != "stores" or other in STORES_MAY_IMPORT
    return HEIGHTS[other] <= HEIGHTS[own]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: name_of(path))
def test_module_imports_its_own_layer_and_lower_ones(path: Path) -> None:
    importer = name_of(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))

    upward = [
        f"{importer}:{line} imports {imported}"
        for line, imported in imported_modules(tree)
        if not is_allowed(importer, imported)
    ]

    assert upward == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: name_of(path))
def test_module_is_imported_by_its_full_name(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level] == []


# A new folder has no place yet; whoever makes one says where it stands.
def test_every_part_has_its_layer() -> None:
    parts = {part_of(name_of(path)) for path in MODULES}

    assert parts - set(HEIGHTS) - STORES_MAY_IMPORT == set()


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
def test_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    assert is_allowed(f"{PACKAGE}.{importer}", f"{PACKAGE}.{imported}") is allowed


def test_package_itself_stands_above_what_it_exports() -> None:
    assert is_allowed(PACKAGE, f"{PACKAGE}.emulator")
    assert not is_allowed(f"{PACKAGE}.runtime.executor", PACKAGE)


# The plugin stands on top of everything: nothing of the emulator knows that pytest exists.
@pytest.mark.parametrize("path", MODULES, ids=lambda path: name_of(path))
def test_module_knows_nothing_of_pytest(path: Path) -> None:
    roots = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])

    assert roots & {"pytest", "_pytest", "pytest_mastra_convex"} == set()

"""The project's own documents: its README, as the installed package carries it, and its modules' docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGE = "convex_mastra_emulator"


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A text, where it stands, and of which kind it is: ``readme`` or ``module``."""

    name: str
    kind: str
    text: str


def project_documents() -> list[SourceDocument]:
    """The README, then the docstring of every module."""
    readme = distribution("convex-mastra-emulator").metadata["Description"]
    modules = [SourceDocument(name, "module", text) for name, text in sorted(_docstrings(files(PACKAGE), ""))]
    return [SourceDocument("README.md", "readme", str(readme)), *modules]


def _docstrings(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _docstrings(entry, f"{prefix}{entry.name}.")
        elif entry.name.endswith(".py"):
            docstring = ast.get_docstring(ast.parse(entry.read_text(encoding="utf-8")))
            if docstring:
                yield f"{prefix}{entry.name.removesuffix('.py')}", docstring

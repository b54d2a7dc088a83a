"""One fault for the mutation run: a small change of the source that a case of the conformance suite must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[3]
PACKAGE = "convex_mastra_emulator"


class StaleFault(Exception):
    """The source has moved on: the text a fault replaces is not there exactly once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong version of one place in the emulator.

    Attributes:
        name: what is wrong, in a few words; unique.
        module: the file in the package ``convex_mastra_emulator``.
        right: the text to replace, which stands there once.
        wrong: what stands there instead.
        hurts: which user it would hurt, and how.
        first: modules of the suite most likely to notice it, without ``test_`` and ``.py``; they are run first.
        survives: why no case can notice it; empty if one must.
        target: the one the suite runs on.
    """

    name: str
    module: str
    right: str
    wrong: str
    hurts: str
    first: tuple[str, ...]
    survives: str = ""
    target: str = "emulator"

    def applied_to(self, text: str) -> str:
        """The module's text with the fault in it.

        Raises:
            StaleFault: if the text to replace is not there exactly once.
        """
        count = text.count(self.right)
        if count != 1 or self.right == self.wrong:
            raise StaleFault(f"{self.name}: its text stands {count} times in {self.module}: {self.right!r}")
        return text.replace(self.right, self.wrong)

    def source(self, root: Path) -> Path:
        """The module's file in a tree that has ``src`` in it."""
        return root / "src" / PACKAGE / self.module

"""The control plane: what no deployment has and tests of a served emulator need, under ``/_emulator/``.

``POST /_emulator/mark`` remembers the state; ``POST /_emulator/rollback`` goes back to the last mark, as often as
wanted.  Both need the admin key; what stands in their body does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import RequestRefused

Operation = Callable[[bytes], dict[str, Any]]
"""Takes the body of a request and gives the answer."""


class Control:
    """The marks of one emulator.

    Attributes:
        operations: by path; each gives the answer.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        # The emulator's own, so that a server that ends does not roll back: a mark nobody holds undoes itself.
        self._marks = emulator.control_marks
        self.operations: Mapping[str, Operation] = {
            "/_emulator/mark": lambda _body: self.mark(),
            "/_emulator/rollback": lambda _body: self.rollback(),
        }

    def mark(self) -> dict[str, Any]:
        """Remembers the state as it is now."""
        self._enter()
        return {"marks": len(self._marks)}

    def rollback(self) -> dict[str, Any]:
        """Goes back to the last mark, which stays.

        Raises:
            RequestRefused: if there is no mark.
        """
        if not self._marks:
            raise RequestRefused("No mark to roll back to; POST /_emulator/mark makes one", code="NoMark")
        self._marks.pop().close()
        self._enter()
        return {"marks": len(self._marks)}

    def _enter(self) -> None:
        stack = ExitStack()
        stack.enter_context(self._emulator.rollback())
        self._marks.append(stack)

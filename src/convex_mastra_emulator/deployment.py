"""What one talks to, emulated or real: three calls, the same values, the same errors.

``Emulator`` is one; :func:`~convex_mastra_emulator.connection.connect` makes one of any URL.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Deployment(Protocol):
    """A Convex deployment.

    Every call raises ``FunctionError`` when the function fails, ``convex.ConvexError`` when it threw one, and
    ``RequestRefused`` when the request fails before a function runs (keys, paths).
    """

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value."""

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value."""

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value."""

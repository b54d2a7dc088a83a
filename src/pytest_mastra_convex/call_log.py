"""A deployment that notes every call, so that a failing test can show what it did."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from convex import ConvexError

from convex_mastra_emulator import Deployment, EmulatorError
from convex_mastra_emulator.journal import Journal, JournalEntry


class LoggedDeployment:
    """Forwards every call and notes it in a journal, as an emulator in process does by itself.

    Args:
        inner: what answers.
    """

    def __init__(self, inner: Deployment) -> None:
        self._inner = inner
        self.journal = Journal()

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value."""
        return self._noted("query", self._inner.query, path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value."""
        return self._noted("mutation", self._inner.mutation, path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value."""
        return self._noted("action", self._inner.action, path, args)

    def _noted(self, kind: str, call: Callable[[str, Any], Any], path: str, args: Any) -> Any:
        started_ns = time.perf_counter_ns()
        value, error = None, None
        try:
            value = call(path, args)
        except (EmulatorError, ConvexError) as failure:
            error = str(failure)
            raise
        finally:
            duration_ns = time.perf_counter_ns() - started_ns
            self.journal.add(JournalEntry(kind, path, args, value, error, duration_ns=duration_ns))
        return value

"""What one call of a function did, for the log of a server."""

from __future__ import annotations

from dataclasses import dataclass

from convex_mastra_emulator.protocol.log_text import in_one_line
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.functions import FunctionKind


@dataclass(frozen=True, slots=True)
class CallReport:
    """What one call of a function did, for the log."""

    path: str
    kind: str
    documents_read: int
    outcome: str

    def line(self, duration: str) -> str:
        """One line of the log, whatever its parts hold."""
        path, outcome = in_one_line(self.path), in_one_line(self.outcome)
        return f"{path}  {self.kind}  {duration}  {self.documents_read} documents read  {outcome}"

    @classmethod
    def of(cls, path: str, kind: FunctionKind | None, outcome: Outcome) -> CallReport:
        """What is to be said of a call that ran."""
        told = "ok" if outcome.failure is None else f"failed: {outcome.failure.message.splitlines()[0]}"
        if outcome.fault is not None:
            told += f"  [fault: {outcome.fault}]"
        return cls(path, "function" if kind is None else kind.value.lower(), outcome.usage.documents_read, told)

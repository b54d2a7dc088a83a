"""One call of a function, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from convex_mastra_emulator.database.read_set import ReadSet
from convex_mastra_emulator.fault_kinds import Strike
from convex_mastra_emulator.runtime.chance import Chance
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.function_log import Run
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.logs import LogLines
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.usage import NOTHING_USED, Usage, UsageSum
from convex_mastra_emulator.values.types import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended: with a value, or with a failure.

    Attributes:
        value: what the function returned; belongs to the deployment and must be copied before it is handed out.
        failure: why it failed; None if it did not.
        log_lines: what it and the functions it called logged.
        usage: what its transaction read and wrote; of an action, all those it started.
        timestamp_ns: the commit of a mutation, the snapshot of a query; nanoseconds since the Unix epoch.
        read_set: what its transaction read; None for actions and for calls that opened none.
        end_cursor: where the page of a query ended; None if it read none.
        fault: what faults did to it, and have yet to do to the answer; None if none struck.
    """

    value: Value = None
    failure: Failure | None = None
    log_lines: tuple[str, ...] = ()
    usage: Usage = NOTHING_USED
    timestamp_ns: int = 0
    read_set: ReadSet | None = None
    end_cursor: str | None = None
    fault: Strike | None = None


class Call(NamedTuple):
    """One call of a function, as the executor sees it; ``depth`` is 0 for what the client called."""

    path: FunctionPath
    function: Function
    identity: Identity
    logs: LogLines
    depth: int = 0
    job_id: str | None = None
    """The scheduled function that runs it, if one does."""
    strikes: list[Strike] | None = None
    """Where faults that strike it, or calls it makes, are noted; None while no fault is armed."""
    used: UsageSum | None = None
    """What the transactions of an action use; None for other functions."""
    chance: Chance | None = None
    """Whose random numbers seed this call's: those of the function that called it; None for the deployment's."""
    run: Run | None = None
    """What the log tells of it; None for a function inside another one's transaction."""


class CallFailed(Exception):
    """Ends a call with a failure that is no exception of the function's own code."""

    def __init__(self, message: str, *, is_merged: bool = False) -> None:
        super().__init__(message)
        self.failure = Failure(message=message)
        self.is_merged = is_merged
        """Whether a nested call had merged its writes when it failed (§7.6)."""

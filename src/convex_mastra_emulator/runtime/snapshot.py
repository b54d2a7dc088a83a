"""Everything a deployment holds at one moment, to go back to: documents and functions.

Environment variables are documents of the deployment's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convex_mastra_emulator.database.snapshot import StoreState, bring_to, state_of
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.paths import FunctionPath


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What :func:`take_snapshot` gives; only :func:`restore_snapshot` looks inside."""

    state: StoreState
    functions: Mapping[FunctionPath, Function]
    timestamp_ns: int


def take_snapshot(executor: Executor) -> Snapshot:
    """What the deployment holds now; costs a reference for each document.

    Raises:
        EmulatorError: from inside a function, whose writes may still be undone.
    """
    with executor.between_transactions() as timestamp_ns:
        return Snapshot(state_of(executor.store), executor.functions.snapshot(), timestamp_ns)


def restore_snapshot(executor: Executor, snapshot: Snapshot) -> None:
    """Brings everything to what it was; ids and timestamps go on from where they are.

    Raises:
        EmulatorError: for the snapshot of a deployment with another schema, and from inside a function.
    """
    if snapshot.state.schema != executor.store.schema:
        raise EmulatorError("the snapshot is of a deployment with another schema: its indexes are not the same")
    with executor.lock:
        executor.in_transaction(lambda _: bring_to(executor.store, snapshot.state), not_before_ns=snapshot.timestamp_ns)
        executor.functions.restore(dict(snapshot.functions))
        executor.env.tell()

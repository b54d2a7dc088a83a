"""Everything a deployment holds at one moment, to go back to: documents, functions, routes, crons.

The providers of tokens belong to it, too.  Environment variables are documents of the deployment's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from convex_mastra_emulator.database.snapshot import StoreState, bring_to, state_of
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.auth_config import AuthInfo
from convex_mastra_emulator.runtime.crons import CronJob
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.http_router import Router
from convex_mastra_emulator.runtime.jobs import Jobs
from convex_mastra_emulator.runtime.node.host import TypeScriptHost
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.runtime.saved_state import deploy_settings, settings_in_effect, settings_of
from convex_mastra_emulator.schema.schema import Schema


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What :func:`take_snapshot` gives; only :func:`restore_snapshot` looks inside."""

    state: StoreState
    functions: Mapping[FunctionPath, Function]
    timestamp_ns: int
    crons: Mapping[str, CronJob] = field(default_factory=dict)
    http_router: Router | None = None
    typescript: TypeScriptHost | None = None
    auth_infos: tuple[AuthInfo, ...] = ()


def take_snapshot(executor: Executor) -> Snapshot:
    """What the deployment holds now; costs a reference for each document.

    Raises:
        EmulatorError: from inside a function, whose writes may still be undone.
    """
    with executor.between_transactions() as timestamp_ns:
        return Snapshot(
            state_of(executor.store),
            executor.functions.snapshot(),
            timestamp_ns,
            executor.crons.state(),
            executor.http_router,
            executor.typescript,
            executor.auth_infos,
        )


def restore_snapshot(executor: Executor, snapshot: Snapshot) -> None:
    """Brings everything to what it was; ids and timestamps go on from where they are.

    Actions that were in progress and do not run here have failed, as after a crash.

    Raises:
        EmulatorError: for the snapshot of a deployment with another schema, and from inside a function.
        DataNotWritten: when the file of data cannot be written; then nothing has changed.
    """
    if snapshot.state.schema != executor.store.schema:
        raise EmulatorError("the snapshot is of a deployment with another schema: its indexes are not the same")

    def restore(transaction: Transaction) -> None:
        bring_to(executor.store, snapshot.state)
        Jobs(transaction, executor.functions).fail_interrupted(executor.running)

    settings = settings_of(executor, snapshot.crons.values())
    settings |= deploy_settings(executor, snapshot.state.schema, snapshot.typescript)
    with executor.saving(settings):
        executor.in_transaction(restore, not_before_ns=snapshot.timestamp_ns)
        executor.save(settings)  # if no document has changed
        _Definitions(
            snapshot.functions,
            snapshot.crons,
            snapshot.http_router,
            snapshot.typescript,
            snapshot.auth_infos,
            snapshot.state.schema,
        ).restore(executor)


@dataclass(frozen=True, slots=True)
class _Definitions:
    """What a deployment holds besides documents."""

    functions: Mapping[FunctionPath, Function]
    crons: Mapping[str, CronJob]
    http_router: Router | None
    typescript: TypeScriptHost | None
    auth_infos: tuple[AuthInfo, ...]
    schema: Schema

    def restore(self, executor: Executor) -> None:
        """Makes it what the deployment holds, and tells of environment variables, which are documents."""
        executor.functions.restore(dict(self.functions))
        executor.crons.restore(self.crons)
        executor.http_router = self.http_router
        executor.typescript = self.typescript
        executor.auth_infos = self.auth_infos
        executor.store.schema = self.schema
        executor.env.tell()


@contextmanager
def undone_at_the_end(executor: Executor) -> Iterator[None]:
    """Undoes, at its end, everything that was written and defined inside.

    Raises:
        EmulatorError: when the deployment is closed.
        DataNotWritten: at the end, when the file of data cannot be written; then nothing is undone.
    """
    executor.check_open()
    with executor.lock:
        definitions = _Definitions(
            executor.functions.snapshot(),
            executor.crons.state(),
            executor.http_router,
            executor.typescript,
            executor.auth_infos,
            executor.store.schema,
        )
        settings = settings_in_effect(executor)
    with executor.mark(settings, lambda: definitions.restore(executor)):
        yield

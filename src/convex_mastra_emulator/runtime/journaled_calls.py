"""Calls from outside, and runs of what was scheduled, each with its entry in the journal, however it ended."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from convex_mastra_emulator.errors import EmulatorError, RequestRefused, UnsupportedType
from convex_mastra_emulator.fault_kinds import FaultKind
from convex_mastra_emulator.journal import Journal, JournalEntry
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.arguments import ReadArguments
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.function_log import Request
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path
from convex_mastra_emulator.values.size import Measured


def journaled_call(
    executor: Executor,
    journal: Journal,
    path: str,
    read_arguments: ReadArguments,
    kind: FunctionKind | None,
    identity: Identity,
    request: Request,
    *,
    at_ns: int | None,
    end_cursor: str | None,
) -> Outcome:
    """Runs a function (:meth:`Executor.call`) and notes it.

    Raises:
        RequestRefused: when the request fails before a function runs.
        UnsupportedType: when an argument is no Convex value.
        DeploymentError: of kind INTERNAL, when the deployment itself fails.
    """
    given: list[Measured] = []
    unsupported: list[UnsupportedType] = []

    def read(limits: Limits) -> list[Measured]:
        try:
            # Not added: a mutation that is tried again reads them again.
            given[:] = read_arguments(limits)
        except UnsupportedType as error:
            unsupported.append(error)
            raise
        return given

    started_ns = time.perf_counter_ns()
    try:
        outcome = executor.call(path, read, kind, identity, at_ns=at_ns, end_cursor=end_cursor, request=request)
    except EmulatorError as error:
        told = Outcome(failure=Failure(message=str(error)), fault=error.fault)
        if not given:
            _read_for_journal(read, executor.limits)
        journal.add(_entry(executor, path, kind, given, told, identity, started_ns))
        raise
    refused = unsupported[0] if unsupported else None
    if not given and (outcome.failure is not None or outcome.fault is not None):
        _read_for_journal(read, executor.limits)
    journal.add(_entry(executor, path, kind, given, outcome, identity, started_ns))
    if refused is not None:
        # No client could have sent it: the fault is the caller's, not the function's.
        raise refused
    return outcome


def _read_for_journal(read: ReadArguments, limits: Limits) -> None:
    """Reads the arguments of a call that failed before a function wanted them; bad ones matter to nobody then."""
    with suppress(EmulatorError):
        read(limits)


def note_run(journal: Journal, path: FunctionPath, arguments: Any, outcome: Outcome, duration_ns: int) -> None:
    """Notes a run of a scheduled function or a cron."""
    journal.add(
        JournalEntry(
            "scheduled",
            path.stripped,
            arguments,
            outcome.value,
            None if outcome.failure is None else outcome.failure.message,
            outcome.usage,
            duration_ns,
            None if outcome.fault is None else str(outcome.fault),
            timestamp_ns=outcome.timestamp_ns,
        )
    )


def _entry(
    executor: Executor,
    path: str,
    kind: FunctionKind | None,
    given: list[Measured],
    outcome: Outcome,
    identity: Identity,
    started_ns: int,
) -> JournalEntry:
    fault = outcome.fault
    if fault is not None and fault.kind is FaultKind.CONNECTION_CUT:
        outcome = Outcome(failure=Failure(message="the connection was cut before anything ran"), fault=fault)
    if kind is None:
        # The caller did not say, but the function knows.
        with suppress(RequestRefused):
            kind = executor.functions.kind_of(parse_path(path))
    return JournalEntry(
        "function" if kind is None else kind.value.lower(),
        path,
        given[0].value if given else None,
        outcome.value,
        None if outcome.failure is None else outcome.failure.message,
        outcome.usage,
        # A library that freezes time may set this clock back, too.
        max(0, time.perf_counter_ns() - started_ns),
        None if fault is None else str(fault),
        identity,
        outcome.timestamp_ns,
    )

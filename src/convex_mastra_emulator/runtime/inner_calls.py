"""Calls that functions make: inside the caller's transaction, or from an action in one of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from convex_mastra_emulator.clock import SystemClock, wait_by
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.database.vector_search import VectorQuery
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, ThrownError
from convex_mastra_emulator.fault_kinds import Place, Strike
from convex_mastra_emulator.runtime.arguments import inner_arguments
from convex_mastra_emulator.runtime.calls import Call, CallFailed
from convex_mastra_emulator.runtime.failures import Failure, NestedConvexError, thrown
from convex_mastra_emulator.runtime.fetch import fetch_in_transaction
from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse
from convex_mastra_emulator.runtime.files import Files
from convex_mastra_emulator.runtime.functions import Function, FunctionKind, FunctionRegistry
from convex_mastra_emulator.runtime.jobs import Jobs
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_inner_path
from convex_mastra_emulator.runtime.struck_calls import raising
from convex_mastra_emulator.usage import QueryUsage, Usage, UsageSum
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Value, undefined

if TYPE_CHECKING:
    from convex_mastra_emulator.runtime.executor import Executor


def _rethrown(failure: Failure) -> Exception:
    if failure.data is not undefined:
        return NestedConvexError(failure.nested_text, failure.data)
    return ThrownError(failure.nested_text)


class _InnerCalls:
    """What the calls of all kinds of functions have in common."""

    _random: random.Random | None = None

    def __init__(self, executor: Executor, caller: Call) -> None:
        self._executor = executor
        self._caller = caller
        self.limits = executor.limits

    @property
    def is_clock_running(self) -> bool:
        """Whether time goes by without anybody's moving it."""
        return isinstance(self._executor.clock, SystemClock)

    @property
    def functions(self) -> FunctionRegistry:
        """All functions there are."""
        return self._executor.functions

    @property
    def random(self) -> random.Random:
        """The random numbers of the running function, which has them to itself; made when they are first asked for.

        A function that is called inside a transaction gets a seed from its caller's numbers, all others one of the
        deployment's (crates/isolate/src/environment/udf/phase.rs ``start_nested_udf``).
        """
        if self._random is None:
            chance = self._caller.chance or self._executor
            self._random = random.Random(chance.random.getrandbits(256))
        return self._random

    @property
    def job_id(self) -> str | None:
        """The scheduled function that is running, if one is."""
        return self._caller.job_id


class NestedCalls(_InnerCalls):
    """Calls from a query or mutation: in its own transaction, where a failed one leaves nothing but read counts."""

    def __init__(self, executor: Executor, caller: Call, transaction: Transaction) -> None:
        # Every call makes one of these: what the other constructor does, without its cost.
        self._executor = executor
        self._caller = caller
        self.limits = executor.limits
        self._transaction = transaction

    def run_on_stale_snapshot(self, path: str, args: Any) -> Value:
        """Runs a query that sees nothing of what the transaction has written.

        Raises:
            DeploymentError: when it cannot be called.
            ThrownError: with the inner text when it fails; ``ConvexError`` when it threw one.
        """
        with self._transaction.stale_snapshot():
            return self.run(FunctionKind.QUERY, path, args)

    def run(self, kind: FunctionKind, path: str, args: Any) -> Value:
        """Runs a function.

        Raises:
            DeploymentError: when it cannot be called.
            ThrownError: with the inner text when it fails; ``ConvexError`` when it threw one.
        """
        caller, executor, transaction = self._caller, self._executor, self._transaction
        read_arguments = inner_arguments(args, self.limits)
        parsed = parse_inner_path(path, "runUdf")
        function = executor.functions.find(parsed, kind, internal_allowed=True)
        if caller.depth >= self.limits.call_depth_max:
            raise DeploymentError(
                "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
                code="MaximumCallDepthExceeded",
            )
        if executor.faults.armed:
            function = self._struck(parsed, function)
        call = Call(
            parsed,
            function,
            caller.identity,
            caller.logs,
            caller.depth + 1,
            caller.job_id,
            caller.strikes,
            chance=self,
        )
        start = transaction.savepoint()
        try:
            with transaction.nested_function():
                return copy_of(executor.run_body(call, read_arguments, transaction))
        except CallFailed as failed:
            if not failed.is_merged:
                transaction.rollback(start)
            raise ThrownError(failed.failure.message) from None
        except Exception as error:
            transaction.rollback(start)
            raise _rethrown(thrown(error, self.limits)) from error

    def _struck(self, path: FunctionPath, function: Function) -> Function:
        """The function as an armed fault lets it run: it may only raise, as the call is part of a transaction."""
        strike = self._executor.faults.strike(path.stripped, Place.NESTED)
        if strike is None or strike.raised is None:
            return function
        if self._caller.strikes is not None:
            self._caller.strikes.append(strike.at(path.stripped))
        return raising(function, strike.raised)

    @property
    def job_id(self) -> str | None:
        """The scheduled function that is running, if one is."""
        return self._caller.job_id

    def fetch(self, request: FetchRequest, redirect: str) -> FetchResponse:
        """Refuses it: what a transaction does must be repeatable.

        Raises:
            DeploymentError: always.
        """
        raise fetch_in_transaction()

    @contextmanager
    def open_jobs(self) -> Iterator[Jobs]:
        """The scheduled functions, as part of this transaction."""
        yield Jobs(self._transaction, self._executor.functions)

    @contextmanager
    def open_files(self) -> Iterator[Files]:
        """The stored files, as part of this transaction."""
        yield self._executor.files_of(self._transaction)


class ActionCalls(_InnerCalls):
    """Calls from an action: each in a transaction of its own."""

    def __init__(self, executor: Executor, caller: Call) -> None:
        super().__init__(executor, caller)
        self._used = caller.used or UsageSum()

    def run(self, kind: FunctionKind, path: str, args: Any) -> Value:
        """Runs a function.

        Raises:
            InvalidArgument: when ``path`` is none.
            ThrownError: with the inner text when it fails; ``ConvexError`` when it threw one.
        """
        read_arguments = inner_arguments(args, self.limits)
        parsed = parse_inner_path(path, f"run{kind.value}")
        try:
            with _hiding_internal_errors():
                outcome = self._executor.call_internally(parsed, read_arguments, kind, self._caller)
        except DeploymentError as error:
            if error.fault is None:
                raise
            self._suffer(error.fault, parsed)
            # An action can catch everything (crates/isolate/src/environment/helpers/promise.rs).
            raise ThrownError(error.message) from error
        if outcome.fault is not None:
            self._suffer(outcome.fault, parsed)
        self._used.add(outcome.usage)
        if outcome.failure is not None:
            raise _rethrown(outcome.failure)
        return copy_of(outcome.value)

    def _suffer(self, fault: Strike, path: FunctionPath) -> None:
        if self._caller.strikes is not None:
            self._caller.strikes.append(fault.at(path.stripped))
        if fault.delay_seconds:
            wait_by(self._executor.clock, fault.delay_seconds)

    @property
    def job_id(self) -> str | None:
        """The scheduled function that is running, if one is."""
        return self._caller.job_id

    def fetch(self, request: FetchRequest, redirect: str) -> FetchResponse:
        """Sends a request to whoever answers for the network.

        Raises:
            NotEmulated: when nobody does.
            Exception: what was prepared to be raised.
        """
        return self._executor.fetches.answer(request, redirect)

    @contextmanager
    def open_jobs(self) -> Iterator[Jobs]:
        """The scheduled functions, in a transaction of their own."""
        with _hiding_internal_errors(), self._executor.jobs() as jobs:
            yield jobs

    @contextmanager
    def open_files(self) -> Iterator[Files]:
        """The stored files, in a transaction of their own."""
        with _hiding_internal_errors(), self._executor.files() as files:
            yield files

    def vector_search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        """Searches the latest committed documents.

        Raises:
            InvalidQuery: when the search cannot be run.
            ThrownError: with the generic text when the deployment itself fails.
        """
        with _hiding_internal_errors():
            found = self._executor.search(table, index, query)
        search = QueryUsage(table, index, rows_returned=len(found), has_range=query.filter is not None, kind="vector")
        self._used.add(Usage(queries=(search,)))
        return found


@contextmanager
def _hiding_internal_errors() -> Iterator[None]:
    """An action sees of the deployment's own failures what clients see, and may catch it."""
    try:
        yield
    except DeploymentError as error:
        if error.kind is ErrorKind.INTERNAL:
            raise ThrownError(INTERNAL_ERROR_TEXT) from error
        raise

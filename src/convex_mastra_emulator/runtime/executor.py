"""Runs functions: finds them, checks what goes in and out, opens and closes their transactions.

convex-backend crates/udf/src/validation.rs, crates/isolate/src/environment/udf/async_syscall.rs,
crates/application/src/lib.rs (convex-engine.md §7.6, §10.2 to §10.6, checked 2026-11-21).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.database.pagination import CursorCodec
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.database.vector_search import VectorQuery, vector_search
from convex_mastra_emulator.errors import (
    INTERNAL_ERROR_TEXT,
    DeploymentError,
    ErrorKind,
    FunctionUnavailable,
    InvalidValue,
    RequestRefused,
    ThrownError,
    UnsupportedType,
)
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.context import (
    ActionContext,
    DatabaseReader,
    DatabaseWriter,
    MutationContext,
    QueryContext,
)
from convex_mastra_emulator.runtime.failures import Failure, NestedConvexError, thrown
from convex_mastra_emulator.runtime.functions import Function, FunctionKind, FunctionRegistry
from convex_mastra_emulator.runtime.history import History
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.logs import Console, LogLines, warn_of_usage
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path
from convex_mastra_emulator.runtime.query_builder import QueryBuilder, TableQuery
from convex_mastra_emulator.schema.validators import AnyValidator, TableNumbers
from convex_mastra_emulator.usage import NOTHING_USED, Usage
from convex_mastra_emulator.values.display import display, human_size
from convex_mastra_emulator.values.ids import IdSource
from convex_mastra_emulator.values.size import Measured, copy_of, take_in
from convex_mastra_emulator.values.types import Value, undefined

ReadArguments = Callable[[Limits], list[Measured]]
"""Gives the positional arguments (nearly always one object); raises InvalidValue."""

_ARRAY_OVERHEAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended: with a value, or with a failure."""

    value: Value = None
    failure: Failure | None = None
    log_lines: tuple[str, ...] = ()
    usage: Usage = NOTHING_USED
    timestamp_ns: int = 0
    """The commit of a mutation, the snapshot of a query."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function, as the executor sees it."""

    path: FunctionPath
    function: Function
    identity: Identity
    logs: LogLines
    depth: int = 0


class _Failed(Exception):
    """Ends a call with a failure that is no exception of the function's own code."""

    def __init__(self, message: str, *, is_merged: bool = False) -> None:
        self.failure = Failure(message=message)
        self.is_merged = is_merged
        """Whether a nested call had merged its writes when it failed (§7.6)."""


def python_arguments(args: Any) -> ReadArguments:
    """Arguments given by Python code: a mapping, or None for no arguments.

    Raises:
        UnsupportedType: when it is neither.
    """
    if args is None or args is undefined:
        args = {}
    if not hasattr(args, "keys"):
        raise UnsupportedType(f"The arguments to a Convex function must be an object. Received: {args!r}")

    def read(limits: Limits) -> list[Measured]:
        return [take_in(args, limits)]

    return read


def _converted_arguments(args: Any, limits: Limits) -> ReadArguments:
    """Arguments of a call from inside: what is no value at all is refused on the caller's side.

    Raises:
        UnsupportedType: for such a value.
    """
    read = python_arguments(args)
    try:
        read(limits)
    except UnsupportedType:
        raise
    except InvalidValue:
        pass  # the called side tells this
    return read


class Executor:
    """The functions of one deployment, and the lock that lets one transaction run at a time."""

    def __init__(
        self,
        store: Store,
        functions: FunctionRegistry,
        *,
        limits: Limits,
        clock: Clock,
        id_source: IdSource,
        cursors: CursorCodec,
    ) -> None:
        self.store = store
        self.functions = functions
        self.limits = limits
        self.clock = clock
        self.cursors = cursors
        self.lock = threading.RLock()
        self.history = History(store)
        self._id_source = id_source
        self._latest_ns = 0

    # Calls from outside

    def call(
        self,
        path: str,
        read_arguments: ReadArguments,
        kind: FunctionKind | None,
        identity: Identity,
        *,
        at_ns: int | None = None,
    ) -> Outcome:
        """Runs a function for a client.

        Args:
            path: the function's path in any of its forms.
            read_arguments: gives the arguments.
            kind: what the function must be; None runs any kind.
            identity: who calls.
            at_ns: for queries, the time whose documents are read; None means now.

        Raises:
            RequestRefused: when the request fails before a function runs.
            DeploymentError: of kind INTERNAL, when the deployment itself fails.
        """
        parsed = parse_path(path)
        if parsed.is_system and (not identity.is_admin or identity.user is not None):
            # An administrator who acts as a user is not enough here.
            operation = "query" if kind is None else kind.value.lower()
            raise RequestRefused(
                f"Operation {operation} not permitted", code="SystemIdentityRequired", kind=ErrorKind.FORBIDDEN
            )
        return self._call(
            parsed, read_arguments, kind, identity, LogLines(self.limits), internal=identity.is_admin, at_ns=at_ns
        )

    def _call(
        self,
        path: FunctionPath,
        read_arguments: ReadArguments,
        kind: FunctionKind | None,
        identity: Identity,
        logs: LogLines,
        *,
        internal: bool,
        at_ns: int | None = None,
    ) -> Outcome:
        try:
            function = self.functions.find(path, kind, internal_allowed=internal)
        except FunctionUnavailable as error:
            return Outcome(failure=Failure(message=str(error)))
        call = Call(path, function, identity, logs)
        if function.kind is FunctionKind.ACTION:
            return self._run_action(call, read_arguments)
        with self.lock, self.history.at(at_ns):
            return self._run_transaction(call, read_arguments)

    def _run_transaction(self, call: Call, read_arguments: ReadArguments) -> Outcome:
        transaction = self._begin()
        start = transaction.savepoint()
        failure: Failure | None = None
        value: Value = None
        try:
            value = self._run(call, read_arguments, transaction)
        except _Failed as failed:
            failure = failed.failure
        except Exception as error:
            failure = thrown(error, self.limits)
        except BaseException:
            transaction.rollback(start)
            raise
        if failure is not None or transaction.fatal_error is not None or call.function.kind is FunctionKind.QUERY:
            transaction.rollback(start)
        if transaction.fatal_error is not None:
            raise transaction.fatal_error
        usage = transaction.usage
        warn_of_usage(call.logs, usage, self.limits)
        timestamp = self._commit(transaction, start.log_size)
        return Outcome(
            value=value, failure=failure, log_lines=tuple(call.logs.lines), usage=usage, timestamp_ns=timestamp
        )

    def _run_action(self, call: Call, read_arguments: ReadArguments) -> Outcome:
        failure: Failure | None = None
        value: Value = None
        try:
            value = self._run(call, read_arguments, None)
        except _Failed as failed:
            failure = failed.failure
        except Exception as error:
            failure = thrown(error, self.limits)
        return Outcome(value=value, failure=failure, log_lines=tuple(call.logs.lines), timestamp_ns=self._latest_ns)

    def run_inline(self, body: Callable[[MutationContext], Any], identity: Identity) -> Any:
        """Runs ``body`` as a mutation; what it raises is raised as it is, and undoes its writes."""
        with self.lock:
            transaction = self._begin()
            start = transaction.savepoint()
            call = Call(
                FunctionPath("_inline.js", "run"),
                Function(kind=FunctionKind.MUTATION, handler=body),
                identity,
                LogLines(self.limits),
            )
            try:
                result = body(self._context(call, transaction))
            except BaseException:
                transaction.rollback(start)
                self._commit(transaction, start.log_size)
                raise
            self._commit(transaction, start.log_size)
            return result

    @contextmanager
    def mark(self) -> Iterator[None]:
        """At its end, everything that was committed inside is undone."""
        with self.lock:
            size = len(self.store.log)
            self.store.marks += 1
        try:
            yield
        finally:
            with self.lock:
                self.store.marks -= 1
                self.store.undo(size)
                self.history.clear()

    # Time

    def timestamp_ns(self) -> int:
        """The latest time queries can be asked for; from now on it can be gone back to."""
        with self.lock:
            self._latest_ns = max(self._latest_ns, self.clock.now_ns())
            self.history.keep_from(self._latest_ns)
            return self._latest_ns

    def _begin(self) -> Transaction:
        begin = max(self._latest_ns + 1, self.clock.now_ns())
        return Transaction(self.store, self.limits, begin, self._id_source)

    def _commit(self, transaction: Transaction, mark: int) -> int:
        changes = self.store.log[mark:]
        if changes:
            self._latest_ns = max(self._latest_ns + 1, transaction.begin_ns)
            self.history.add(self._latest_ns, changes)
            self.store.forget_log()
        return max(self._latest_ns, transaction.begin_ns)

    # One function

    def _run(self, call: Call, read_arguments: ReadArguments, transaction: Transaction | None) -> Value:
        arguments = self._arguments(call, read_arguments)
        context = self._context(call, transaction)
        returned = call.function.handler(context, *(measured.value for measured in arguments))
        result = self._result(call, returned)
        if call.depth == 0:
            self._warn_of_sizes(call, _ARRAY_OVERHEAD + sum(measured.size for measured in arguments), result.size)
        return result.value

    def _warn_of_sizes(self, call: Call, arguments_size: int, result_size: int) -> None:
        name = "action" if call.function.kind is FunctionKind.ACTION else "function"
        limits = self.limits
        call.logs.warn_of_limit(
            f"Large size of the {name} arguments", arguments_size, limits.arguments_size_max, unit=" bytes"
        )
        call.logs.warn_of_limit(
            f"Large size of the {name} return value", result_size, limits.return_size_max, unit=" bytes"
        )

    def _arguments(self, call: Call, read_arguments: ReadArguments) -> list[Measured]:
        canonical = call.path.canonical
        try:
            arguments = read_arguments(self.limits)
        except UnsupportedType:
            raise
        except InvalidValue as error:
            raise _Failed(f"Invalid arguments for {canonical}: {error}") from None
        size = _ARRAY_OVERHEAD + sum(measured.size for measured in arguments)
        if size > self.limits.arguments_size_max:
            raise _Failed(
                f"Arguments for {canonical} are too large "
                f"(actual: {human_size(size)}, limit: {human_size(self.limits.arguments_size_max)})"
            )
        problem = _arguments_problem(call.function, [measured.value for measured in arguments], self.store)
        if problem is not None:
            raise _Failed(f"ArgumentValidationError: {problem}")
        return arguments

    def _result(self, call: Call, returned: Any) -> Measured:
        if isinstance(returned, (TableQuery, QueryBuilder)):
            raise ThrownError(
                "Return value is a Query. Results must be retrieved with `.collect()`, `.take(n), `.unique()`, "
                "or `.first()`."
            )
        canonical = call.path.canonical
        if returned is undefined:
            returned = None
        try:
            result = take_in(returned, self.limits)
        except UnsupportedType as error:
            raise ThrownError(str(error)) from None
        except InvalidValue as error:
            raise _Failed(f"Function {canonical} return value invalid: {error}") from None
        if result.size > self.limits.return_size_max:
            raise _Failed(
                f"Function {canonical} return value is too large "
                f"(actual: {human_size(result.size)}, limit: {human_size(self.limits.return_size_max)})"
            )
        if call.function.returns is not None:
            problem = call.function.returns.problem(result.value, "", self.store)
            if problem is not None:
                raise _Failed(f"ReturnsValidationError: {problem}", is_merged=True)
        return result

    def _context(self, call: Call, transaction: Transaction | None) -> Any:
        console = Console(call.logs)
        if transaction is None:
            return ActionContext(_ActionCalls(self, call), call.identity, console, self._now_ms)
        started_ms = float(transaction.begin_ns // 1_000_000)
        calls = _NestedCalls(self, call, transaction)
        rest = (calls, call.identity, console, lambda: started_ms)
        if call.function.kind is FunctionKind.QUERY:
            return QueryContext(DatabaseReader(transaction, self.cursors), *rest)
        return MutationContext(DatabaseWriter(transaction, self.cursors), *rest)

    def _now_ms(self) -> float:
        return float(self.clock.now_ns() // 1_000_000)

    # Calls from inside

    def run_nested(self, caller: Call, transaction: Transaction, kind: FunctionKind, path: str, args: Any) -> Value:
        """Runs a function inside the caller's transaction; a failed one leaves nothing behind but read counts.

        Raises:
            DeploymentError: when the function cannot be called.
            ThrownError: with the inner text when it fails; ``ConvexError`` when it threw one.
        """
        if caller.depth >= self.limits.call_depth_max:
            raise DeploymentError(
                "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
                code="MaximumCallDepthExceeded",
            )
        parsed = parse_path(path)
        function = self.functions.find(parsed, kind, internal_allowed=True)
        call = Call(parsed, function, caller.identity, caller.logs, caller.depth + 1)
        read_arguments = _converted_arguments(args, self.limits)
        start = transaction.savepoint()
        try:
            with transaction.nested_function():
                return copy_of(self._run(call, read_arguments, transaction))
        except _Failed as failed:
            if not failed.is_merged:
                transaction.rollback(start)
            raise ThrownError(failed.failure.message) from None
        except Exception as error:
            transaction.rollback(start)
            raise _rethrown(thrown(error, self.limits)) from error

    def call_from_action(self, caller: Call, kind: FunctionKind, path: str, args: Any) -> Value:
        """Runs a function for an action, in a transaction of its own.

        Raises:
            ThrownError: with the inner text when it fails; ``ConvexError`` when it threw one.
        """
        outcome = self._call(
            parse_path(path),
            _converted_arguments(args, self.limits),
            kind,
            caller.identity,
            caller.logs,
            internal=True,
        )
        if outcome.failure is not None:
            raise _rethrown(outcome.failure)
        return copy_of(outcome.value)

    def search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        """Searches the committed documents.

        Raises:
            InvalidQuery: when the search cannot be run.
        """
        with self.lock:
            return vector_search(self.store, self.limits, table, index, query)


class _NestedCalls:
    """Calls from a query or mutation: in its own transaction."""

    def __init__(self, executor: Executor, call: Call, transaction: Transaction) -> None:
        self._executor = executor
        self._call = call
        self._transaction = transaction

    def run(self, kind: FunctionKind, path: str, args: Any) -> Value:
        return self._executor.run_nested(self._call, self._transaction, kind, path, args)


class _ActionCalls:
    """Calls from an action: each in a transaction of its own."""

    def __init__(self, executor: Executor, call: Call) -> None:
        self._executor = executor
        self._call = call
        self.limits = executor.limits

    def run(self, kind: FunctionKind, path: str, args: Any) -> Value:
        return self._executor.call_from_action(self._call, kind, path, args)

    def vector_search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        try:
            return self._executor.search(table, index, query)
        except DeploymentError as error:
            if error.kind is ErrorKind.INTERNAL:
                raise ThrownError(INTERNAL_ERROR_TEXT) from error
            raise


def _rethrown(failure: Failure) -> Exception:
    if failure.data is not undefined:
        return NestedConvexError(failure.nested_text, failure.data)
    return ThrownError(failure.nested_text)


def _arguments_problem(function: Function, arguments: list[Value], tables: TableNumbers) -> str | None:
    validator = function.arguments
    if validator is None or isinstance(validator, AnyValidator):
        return None
    if len(arguments) != 1:
        return (
            "Expected to receive a single object as the function's argument. "
            f"Instead received {len(arguments)} arguments: {display(arguments)}"
        )
    if type(arguments[0]) is not dict:
        return f"Expected to receive an object as the function's argument. Instead received: {display(arguments[0])}"
    return validator.problem(arguments[0], "", tables)

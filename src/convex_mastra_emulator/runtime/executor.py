"""Runs functions: finds them, checks what goes in and comes out, and tells how they ended.

convex-backend crates/udf/src/validation.rs, crates/isolate/src/environment/udf/async_syscall.rs,
crates/application/src/lib.rs (convex-engine.md §10.2 to §10.6, checked 2026-11-21).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.database.pagination import CursorCodec
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.transaction import Savepoint, Transaction
from convex_mastra_emulator.database.vector_search import VectorQuery, vector_search
from convex_mastra_emulator.errors import ErrorKind, FunctionUnavailable, RequestRefused
from convex_mastra_emulator.fault_kinds import Place
from convex_mastra_emulator.faults import Faults
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.arguments import (
    Arguments,
    ReadArguments,
    UnreadableArguments,
    check_arguments,
    check_result,
    python_arguments,
)
from convex_mastra_emulator.runtime.auth_config import AuthInfo
from convex_mastra_emulator.runtime.calls import Call, CallFailed, Outcome
from convex_mastra_emulator.runtime.context import (
    ActionContext,
    MutationContext,
    QueryContext,
)
from convex_mastra_emulator.runtime.crons import CronJobs
from convex_mastra_emulator.runtime.database_context import DatabaseReader, DatabaseWriter
from convex_mastra_emulator.runtime.environment import Environment
from convex_mastra_emulator.runtime.failures import Failure, thrown
from convex_mastra_emulator.runtime.fetch import Fetches
from convex_mastra_emulator.runtime.function_log import FunctionLog, Request, Run
from convex_mastra_emulator.runtime.functions import Function, FunctionKind, FunctionRegistry
from convex_mastra_emulator.runtime.http_router import Router
from convex_mastra_emulator.runtime.identity import ANONYMOUS, Identity
from convex_mastra_emulator.runtime.inner_calls import ActionCalls, NestedCalls
from convex_mastra_emulator.runtime.jobs import Jobs, ended
from convex_mastra_emulator.runtime.logged_calls import logged, note_missing
from convex_mastra_emulator.runtime.logs import Console, LogLines, warn_of_usage
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path
from convex_mastra_emulator.runtime.struck_calls import (
    UnderFaults,
    WriteConflict,
    call_under_faults,
    fresh,
    tried_again,
)
from convex_mastra_emulator.runtime.transactions import Transactions
from convex_mastra_emulator.usage import UsageSum
from convex_mastra_emulator.values.ids import IdSource
from convex_mastra_emulator.values.types import Value

if TYPE_CHECKING:
    from convex_mastra_emulator.runtime.node.host import TypeScriptHost

_INLINE = FunctionPath("_inline.js", "run")


class Executor(Transactions):
    """The functions of one deployment, and what runs them."""

    def __init__(
        self,
        store: Store,
        functions: FunctionRegistry,
        *,
        limits: Limits,
        clock: Clock,
        id_source: IdSource,
        cursors: CursorCodec,
        faults: Faults,
        chance: random.Random,
        log: FunctionLog,
    ) -> None:
        super().__init__(store, functions, limits=limits, clock=clock, id_source=id_source)
        self.cursors = cursors
        self.random = chance
        """Seeds the random numbers of functions."""
        self.log = log
        self.fetches = Fetches()
        self.faults = faults
        self.before_calls_of_actions: list[Callable[[], None]] = []
        """Called in an action's thread before each transaction it starts: there others may come in between."""
        self.env = Environment(self)
        self.crons = CronJobs()
        self.running: set[str] = set()
        """The ids of scheduled functions and crons that run now."""
        self.env.built_in = self.origins.environment
        self.http_router: Router | None = None
        """What answers HTTP actions; never changed, only replaced."""
        self.typescript: TypeScriptHost | None = None
        """What runs the functions of the latest deploy."""
        self.auth_infos: tuple[AuthInfo, ...] = ()
        """The providers of its ``auth.config.ts``."""

    # Calls

    def call(
        self,
        path: str,
        read_arguments: ReadArguments,
        kind: FunctionKind | None,
        identity: Identity,
        *,
        at_ns: int | None = None,
        end_cursor: str | None = None,
        request: Request | None = None,
    ) -> Outcome:
        """Runs a function for a client.

        Args:
            path: the function's path in any of its forms.
            read_arguments: gives the arguments.
            kind: what the function must be; None runs any kind.
            identity: who calls.
            at_ns: for queries, the time whose documents are read; None means now.
            end_cursor: for queries, where the page ended when the query ran before.
            request: what the log tells of the request.

        Raises:
            RequestRefused: when the request fails before a function runs.
            UnsupportedType: when an argument is no Convex value.
            DeploymentError: of kind INTERNAL, when the deployment itself fails.
        """
        if at_ns is not None and kind is not FunctionKind.QUERY:
            raise ValueError("at_ns is for queries: nothing can be written into the past")
        parsed = parse_path(path)
        if parsed.is_system and (not identity.is_admin or identity.user is not None):
            # An administrator who acts as a user is not enough here.
            operation = "query" if kind is None else kind.value.lower()
            raise RequestRefused(
                f"Operation {operation} not permitted", code="SystemIdentityRequired", kind=ErrorKind.FORBIDDEN
            )
        return self._call(
            parsed,
            read_arguments,
            kind,
            identity,
            request or Request(),
            internal=identity.is_admin,
            at_ns=at_ns,
            end_cursor=end_cursor,
        )

    def call_of_deployment(self, path: FunctionPath, arguments: Any) -> Outcome:
        """Runs a function for the deployment itself, as crons do: nobody calls, internal functions are seen."""
        return self._call(
            path,
            python_arguments(arguments),
            None,
            ANONYMOUS,
            Request("Cron"),
            internal=True,
            place=Place.SCHEDULED,
        )

    def call_internally(
        self, path: FunctionPath, read_arguments: ReadArguments, kind: FunctionKind, caller: Call
    ) -> Outcome:
        """Runs a function for an action, which sees internal functions, too; its lines are its own.

        crates/application/src/application_function_runner/mod.rs ``ActionCallbacks``
        """
        for wait in self.before_calls_of_actions:
            wait()
        return self._call(
            path,
            read_arguments,
            kind,
            caller.identity,
            Request() if caller.run is None else caller.run.request,
            internal=True,
            job_id=caller.job_id,
            place=Place.ACTION,
            parent=caller.run,
        )

    def _call(
        self,
        path: FunctionPath,
        read_arguments: ReadArguments,
        kind: FunctionKind | None,
        identity: Identity,
        request: Request,
        *,
        internal: bool,
        at_ns: int | None = None,
        end_cursor: str | None = None,
        job_id: str | None = None,
        place: Place = Place.CLIENT,
        parent: Run | None = None,
        under: UnderFaults | None = None,
    ) -> Outcome:
        if under is None and self.faults.armed:
            run = partial(self._call, path, read_arguments, kind, identity, request, internal=internal, parent=parent)
            return call_under_faults(
                self.faults.strike(path.stripped, place),
                kind or self.functions.kind_of(path) or FunctionKind.QUERY,
                place,
                self.clock,
                lambda under: run(at_ns=at_ns, end_cursor=end_cursor, job_id=job_id, under=under),
            )
        try:
            function = self.functions.find(path, kind, internal_allowed=internal)
        except FunctionUnavailable as error:
            failure = Failure(message=str(error))
            note_missing(self.log, request, path, kind, identity, parent, failure)
            return Outcome(failure=failure)
        noted = self.log.begin(request, path, function.kind.value, identity, parent, function.environment)
        call = Call(path, function, identity, LogLines(self.limits), job_id=job_id, run=noted)
        if under is not None:
            call = under.struck(call)
        return logged(self.log, call, lambda: self._run(call, read_arguments, at_ns, end_cursor, under))

    def _run(
        self,
        call: Call,
        read_arguments: ReadArguments,
        at_ns: int | None,
        end_cursor: str | None,
        under: UnderFaults | None,
    ) -> Outcome:
        if call.function.kind is FunctionKind.ACTION:
            self.check_open()
            return self.run_action(call, read_arguments)
        if under is not None and call.function.kind is FunctionKind.MUTATION:
            return tried_again(call, lambda: self._try(call, fresh(read_arguments)), under.tries_max)
        with self.exclusively(), self.history.at(at_ns):
            return self.run_transaction(call, read_arguments, end_cursor)

    def _try(self, call: Call, read_arguments: ReadArguments) -> Outcome:
        with self.exclusively():
            return self.run_transaction(call, read_arguments, None, may_conflict=True)

    def run_transaction(
        self,
        call: Call,
        read_arguments: ReadArguments,
        end_cursor: str | None,
        *,
        ends_job: bool = False,
        may_conflict: bool = False,
    ) -> Outcome:
        """Runs a query or a mutation; the caller holds :meth:`exclusively`.

        Args:
            call: what is run.
            read_arguments: gives the arguments.
            end_cursor: where the page of a query ended when it ran before.
            ends_job: whether this is the scheduled function itself, whose state changes in the same commit.
            may_conflict: whether a fault may undo it instead of its commit.

        Raises:
            WriteConflict: when one does.
        """
        transaction = self.begin()
        transaction.previous_end_cursor = end_cursor
        begin = start = transaction.savepoint()
        job_id = call.job_id if ends_job else None
        jobs = Jobs(transaction, self.functions)
        if job_id is not None:
            jobs.begin(job_id)
            start = transaction.savepoint()
        value: Value = None
        failure: Failure | None = None
        try:
            value = self.run_body(call, read_arguments, transaction)
        except CallFailed as failed:
            failure = failed.failure
        except Exception as error:
            failure = thrown(error, self.limits)
        except BaseException:
            transaction.rollback(begin)
            raise
        usage = transaction.usage
        warn_of_usage(call.logs, usage, self.limits)
        if failure is not None or transaction.fatal_error is not None or call.function.kind is FunctionKind.QUERY:
            transaction.rollback(start)
        if transaction.fatal_error is not None:
            transaction.rollback(begin)
            raise transaction.fatal_error
        if may_conflict and failure is None:
            self._meet_conflict(call, transaction, begin)
        if job_id is not None:
            jobs.complete(job_id, *ended(failure))
        return Outcome(
            value=value,
            failure=failure,
            log_lines=tuple(call.logs.lines),
            usage=usage,
            timestamp_ns=self.commit(transaction, begin.log_size),
            read_set=transaction.read_set,
            end_cursor=transaction.end_cursor,
        )

    def _meet_conflict(self, call: Call, transaction: Transaction, begin: Savepoint) -> None:
        """Undoes a mutation that is about to commit if a fault strikes; one that wrote nothing meets no conflict.

        crates/database/src/committer.rs commits what is read-only without a look at what else was written.
        """
        changes = self.store.log[begin.log_size :]
        strike = self.faults.strike(call.path.stripped, Place.COMMIT) if changes else None
        if strike is not None:
            conflict = WriteConflict(strike, changes, transaction.read_set)
            transaction.rollback(begin)
            raise conflict

    def run_action(self, call: Call, read_arguments: ReadArguments) -> Outcome:
        """Runs an action."""
        used = UsageSum()
        call = call._replace(used=used)
        if call.run is not None:
            call.logs.listener = partial(self.log.say, call.run)
        value: Value = None
        failure: Failure | None = None
        try:
            value = self.run_body(call, read_arguments, None)
        except CallFailed as failed:
            failure = failed.failure
        except UnreadableArguments:
            raise
        except Exception as error:
            failure = thrown(error, self.limits)
        return Outcome(
            value=value,
            failure=failure,
            log_lines=tuple(call.logs.lines),
            usage=used.usage,
            timestamp_ns=self._latest_ns,
        )

    def run_inline(self, body: Callable[[MutationContext], Any], identity: Identity) -> Any:
        """Runs ``body`` as a mutation; what it raises is raised as it is, and undoes its writes."""
        function = Function(kind=FunctionKind.MUTATION, handler=body)
        call = Call(_INLINE, function, identity, LogLines(self.limits))
        return self.in_transaction(lambda transaction: body(self._context(call, transaction)))

    def run_body(self, call: Call, read_arguments: ReadArguments, transaction: Transaction | None) -> Value:
        """Checks the arguments, runs the handler, checks what it returned.

        Raises:
            CallFailed: when a check fails.
            Exception: what the handler raised.
        """
        arguments = check_arguments(call, read_arguments, self.limits, self.store)
        if call.depth == 0:
            self._warn(call, "arguments", arguments.size, self.limits.arguments_size_max)
        result = check_result(call, self._handle(call, arguments, transaction), self.limits, self.store)
        if call.depth == 0:
            self._warn(call, "return value", result.size, self.limits.return_size_max)
            if call.run is not None:
                call.run.return_size = result.size
        return result.value

    def _handle(self, call: Call, arguments: Arguments, transaction: Transaction | None) -> Any:
        return call.function.handler(self._context(call, transaction), *arguments.values)

    @staticmethod
    def _warn(call: Call, what: str, size: int, limit: int) -> None:
        name = "action" if call.function.kind is FunctionKind.ACTION else "function"
        call.logs.warn_of_limit(f"Large size of the {name} {what}", size, limit, unit=" bytes")

    def _context(self, call: Call, transaction: Transaction | None) -> Any:
        if transaction is None:
            return self.action_context(call)
        console = Console(call.logs)
        started_ms = float(transaction.started_ns // 1_000_000)
        rest = (NestedCalls(self, call, transaction), call.identity, console, self.env, lambda: started_ms)
        if call.function.kind is FunctionKind.QUERY:
            return QueryContext(DatabaseReader(transaction, self.cursors), *rest)
        return MutationContext(DatabaseWriter(transaction, self.cursors), *rest)

    def action_context(self, call: Call) -> ActionContext:
        """``ctx`` of an action."""
        console = Console(call.logs)
        return ActionContext(ActionCalls(self, call), call.identity, console, self.env, self._now_ms)

    def _now_ms(self) -> float:
        return float(self.clock.now_ns() // 1_000_000)

    def search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        """Searches the committed documents.

        Raises:
            InvalidQuery: when the search cannot be run.
        """
        with self.lock:
            return vector_search(self.store, self.limits, table, index, query)

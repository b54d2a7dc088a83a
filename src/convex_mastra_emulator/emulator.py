"""The front door: an empty deployment in this process, with Mastra's functions and tables.

>>> with Emulator() as convex:
...     convex.mutation("mastra/cache:handle", {"op": "increment", "key": "k", "keyPrefix": "", "expiresAt": None})
{'ok': True, 'result': 1.0}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from os import PathLike
from types import TracebackType
from typing import Any

from convex_mastra_emulator.clock import Clock, ManualClock, SystemClock, wait_by
from convex_mastra_emulator.data.export_jobs import ExportJobs
from convex_mastra_emulator.data.import_jobs import ImportJobs
from convex_mastra_emulator.data.operations import DataOperations
from convex_mastra_emulator.database.pagination import CursorCodec
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.deploying import Deployable
from convex_mastra_emulator.deploys import Deploys, Dialect
from convex_mastra_emulator.errors import DataFileRefused, DeploymentError
from convex_mastra_emulator.faults import Faults
from convex_mastra_emulator.hooks import Hooks
from convex_mastra_emulator.journal import Journal
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.mastra import MASTRA_FUNCTIONS, mastra_schema
from convex_mastra_emulator.network import send
from convex_mastra_emulator.pushes import Pushes
from convex_mastra_emulator.runtime.arguments import ReadArguments, python_arguments
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.chance import stream
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.failures import raised_to_client
from convex_mastra_emulator.runtime.function_log import FunctionLog, Request
from convex_mastra_emulator.runtime.functions import Function, FunctionKind, FunctionRegistry
from convex_mastra_emulator.runtime.identity import ADMIN, Identity
from convex_mastra_emulator.runtime.journaled_calls import journaled_call, note_run
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.runtime.saved_state import LoadProgress, begin_with_data, open_file, saved_deploy
from convex_mastra_emulator.runtime.scheduler import Scheduler
from convex_mastra_emulator.runtime.snapshot import Snapshot, restore_snapshot, take_snapshot, undone_at_the_end
from convex_mastra_emulator.runtime.struck_calls import suffer
from convex_mastra_emulator.runtime.subscriptions import Subscriptions
from convex_mastra_emulator.runtime.tokens import AuthProvider
from convex_mastra_emulator.runtime.users import Users
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.serving import Servable
from convex_mastra_emulator.usage import Usage
from convex_mastra_emulator.values.ids import IdSource
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Value
from convex_mastra_emulator.web.operations import WebOperations

_CURSOR_KEY = b"convex-mastra-emulator"


class Emulator(DataOperations, WebOperations, Hooks, Servable, Deployable):
    """A deployment inside this process; empty, and shared with nobody.

    Args:
        schema: the tables; Mastra's (:func:`~convex_mastra_emulator.mastra.mastra_schema`) if None.
        limits: what the deployment allows; lower a number to reach it in a small test.
        seed: the same seed and calls give the same ids, random numbers and request ids; None begins at a random place.
        clock: where the time comes from; the machine's if None.
        auth_providers: whose tokens make users, beside those of a deployed ``auth.config.ts``.
        redact_errors: whether callers see of errors what they see in production: a request id and nothing else.
        path: a file that keeps documents, scheduled functions, crons and environment variables; made if it is not
            there.  None keeps them in memory.
        load_progress: told how many documents of the file are loaded, and of how many.
        allow_network: whether ``ctx.fetch`` of actions may leave the process; if not, only ``fetch`` below answers.
        dialect: ``strict`` refuses what a deployment refuses of deployed TypeScript; otherwise ``@mastra/convex``'s
            validator with a field ``$or``, which no deployment takes, is let through with a warning.

    Attributes:
        limits: as given.
        clock: as given.
        env: the environment variables of its functions (``ctx.env``); none from the machine's.
        fetch: what answers ``ctx.fetch``, to prepare responses and to look at requests.
        usage: what the last call read and wrote.
        journal: the last calls.
        log: the last runs of functions, for ``npx convex logs``.
        faults: what is to go wrong (docs/faults.md); not cloned.
        scheduler: the scheduled functions and crons, and what runs them.
        dialect: as given.
        pushes: the deploys that were asked for through the network.
        imports: the imports that were asked for through the network.
        exports: the exports that were asked for through the network.

    Raises:
        DataFileRefused: when the file cannot be opened, saying why; it then stays as it is.
    """

    def __init__(
        self,
        schema: Schema | None = None,
        *,
        limits: Limits | None = None,
        seed: int | None = None,
        clock: Clock | None = None,
        auth_providers: Sequence[AuthProvider] = (),
        redact_errors: bool = False,
        path: str | PathLike[str] | None = None,
        load_progress: LoadProgress | None = None,
        allow_network: bool = False,
        dialect: Dialect = "documented",
    ) -> None:
        self.limits = limits or Limits()
        self.clock: Clock = clock or SystemClock()
        self.redact_errors = redact_errors
        self.dialect = dialect
        self.usage = Usage()
        self.journal = Journal()
        self._requests = stream(seed, "requests")
        self.faults = Faults(seed, lambda path: parse_path(path).stripped)
        self._functions = FunctionRegistry(MASTRA_FUNCTIONS)
        self._ids = IdSource(seed)
        file = open_file(path)
        schema_of_deploy, deploy = saved_deploy(file)
        numbers = None if file is None else file.table_numbers
        self._store = Store(schema or schema_of_deploy or mastra_schema(), numbers)
        self._executor = Executor(
            self._store,
            self._functions,
            limits=self.limits,
            clock=self.clock,
            id_source=self._ids,
            cursors=CursorCodec(_CURSOR_KEY),
            faults=self.faults,
            chance=stream(seed, "functions"),
            log=FunctionLog(self.clock, stream(seed, "log")),
        )
        self.log = self._executor.log

        self._users = Users(
            self.clock,
            self._requests,
            auth_providers,
            config=lambda: self._executor.auth_infos,
            fetch=self.answer_key_request,
        )

        self.env = self._executor.env
        self.fetch = self._executor.fetches
        self.fetch.let_out = send if allow_network else None
        self.scheduler = Scheduler(self._executor, self.clock, partial(note_run, self.journal))
        if isinstance(self.clock, ManualClock):
            self.clock.attach(self.scheduler)
        self._deploys = Deploys(self._executor, self.scheduler)
        self.pushes = Pushes(self._deploys, self.env, self.dialect, self.new_request_id)
        self.imports = ImportJobs(self._executor, self.scheduler.do_soon, self.new_request_id)
        self.exports = ExportJobs(self._executor, self.scheduler.do_soon, self.new_request_id)
        self._subscriptions = Subscriptions()
        self.control_marks = []
        self._watches = []
        self._executor.commit_listeners.append(self._subscriptions.on_commit)
        begin_with_data(self._executor, file, load_progress)
        if file is not None:
            self.exports.fail_interrupted()
        if deploy:
            self._reopen(deploy, path)

    def _reopen(self, deploy: str, path: str | PathLike[str] | None) -> None:
        try:
            self._deploys.reopen(deploy)
        except DataFileRefused as error:
            self._executor.close()
            raise DataFileRefused(f"{path}: {error}") from error
        except BaseException:
            self._executor.close()
            raise

    # Calls

    def query(self, path: str, args: Any = None, *, identity: Identity = ADMIN) -> Value:
        """Runs a query and returns its value.

        Args:
            path: such as ``mastra/nativeVector:read``.
            args: the arguments, a mapping.
            identity: who calls; an administrator unless said otherwise.

        Raises:
            FunctionError: if it fails, with the text a client sees.
            convex.ConvexError: if it threw one.
            RequestRefused: if ``path`` is none.
        """
        return self._value(path, args, FunctionKind.QUERY, identity)

    def mutation(self, path: str, args: Any = None, *, identity: Identity = ADMIN) -> Value:
        """Runs a mutation and returns its value; a failed one leaves nothing behind.

        Raises:
            FunctionError: if it fails, with the text a client sees.
            convex.ConvexError: if it threw one.
            RequestRefused: if ``path`` is none.
        """
        return self._value(path, args, FunctionKind.MUTATION, identity)

    def action(self, path: str, args: Any = None, *, identity: Identity = ADMIN) -> Value:
        """Runs an action and returns its value.

        Raises:
            FunctionError: if it fails, with the text a client sees.
            convex.ConvexError: if it threw one.
            RequestRefused: if ``path`` is none.
        """
        return self._value(path, args, FunctionKind.ACTION, identity)

    def run(self, body: Callable[[MutationContext], Any], *, identity: Identity = ADMIN) -> Any:
        """Runs ``body(ctx)`` as a mutation, to prepare or to look at data in a test.

        What it raises is raised as it is, and undoes what it wrote.
        """
        return self._executor.run_inline(body, identity)

    def _value(self, path: str, args: Any, kind: FunctionKind, identity: Identity) -> Value:
        request = Request()
        try:
            outcome = self.call(path, python_arguments(args), kind, identity, request=request)
        except DeploymentError as error:
            if error.fault is not None and error.fault.delay_seconds:
                wait_by(self.clock, error.fault.delay_seconds)
            raise
        if outcome.fault is not None:
            suffer(outcome, outcome.fault, kind, path, self.clock)
        if outcome.failure is not None:
            raise raised_to_client(
                outcome.failure,
                request.named(self.new_request_id),
                outcome.log_lines,
                is_redacted=self.redact_errors,
            )
        return copy_of(outcome.value)

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
        """Runs a function and tells how it ended; what protocols build on.

        Raises:
            RequestRefused: when the request fails before a function runs.
            UnsupportedType: when an argument is no Convex value.
            DeploymentError: of kind INTERNAL, when the deployment itself fails.
        """
        outcome = journaled_call(
            self._executor,
            self.journal,
            path,
            read_arguments,
            kind,
            identity,
            request or Request(),
            at_ns=at_ns,
            end_cursor=end_cursor,
        )
        self.usage = outcome.usage
        return outcome

    def new_request_id(self) -> str:
        """Sixteen hexadecimal digits, as a deployment names its requests."""
        return f"{self._requests.getrandbits(64):016x}"

    # Deployment

    def define(self, path: str, function: Function) -> None:
        """Adds a function made by ``query(...)``, ``mutation(...)`` or ``action(...)``, or replaces one.

        Raises:
            RequestRefused: if ``path`` is none.
            TypeError: if ``function`` is no function of a deployment.
        """
        self._functions.define(path, function)

    def define_crons(self, crons: Crons) -> None:
        """Replaces the crons; those that stay as they were keep their next time."""
        self.scheduler.deploy(crons)

    def define_system(self, functions: Mapping[str, Function]) -> None:
        """Adds functions of the deployment itself, which only administrators can call and no list shows."""
        self._functions.define_system(functions)

    @property
    def functions(self) -> dict[str, Function]:
        """All functions by their paths, sorted, such as ``mastra/storage.js:handle``."""
        return self._functions.by_path()

    def function_paths(self) -> list[str]:
        """The paths of all functions, sorted."""
        return self._functions.paths()

    def table_counts(self) -> dict[str, int]:
        """How many documents each table holds, tables without any left out."""
        return {name: len(table.documents) for name, table in sorted(self._store.tables.items()) if table.documents}

    # Data

    def snapshot(self) -> Snapshot:
        """Everything as it is now, for :meth:`restore`; costs a reference per document."""
        return take_snapshot(self._executor)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a snapshot: documents, table numbers, functions, environment, crons; :meth:`rollback` undoes it.

        Ids and timestamps go on from where they are, and subscriptions are told.

        Raises:
            EmulatorError: for the snapshot of an emulator with another schema, and inside a function.
        """
        restore_snapshot(self._executor, snapshot)

    def clone(self, *, seed: int | None = None, clock: Clock | None = None) -> Emulator:
        """Another emulator that goes on from here, apart from this one and in memory.

        Args:
            seed: where its chance begins, ids among it; None goes on with this one's.
            clock: where its time comes from; if None this one's, or a copy of it if it is a manual one.
        """
        with self._executor.lock:
            if clock is None:
                clock = self.clock.copy() if isinstance(self.clock, ManualClock) else self.clock
            twin = Emulator(
                self.schema,
                limits=self.limits,
                seed=seed,
                clock=clock,
                redact_errors=self.redact_errors,
                dialect=self.dialect,
            )
            twin.fetch.let_out = self.fetch.let_out
            twin._users.continue_from(self._users)
            twin.scheduler.crons.are_on = self.scheduler.crons.are_on
            twin._executor.upload_tokens.continue_from(self._executor.upload_tokens)
            if seed is None:
                twin._continue_chance(self)
            twin.restore(self.snapshot())
        return twin

    def _continue_chance(self, other: Emulator) -> None:
        self.faults.seed = other.faults.seed
        self._requests.setstate(other._requests.getstate())
        self._executor.random.setstate(other._executor.random.getstate())
        self._ids.continue_from(other._ids)

    # Life

    @contextmanager
    def rollback(self) -> Iterator[Emulator]:
        """Undoes, at its end, everything that was written and defined inside.

        It costs what was written, not what is stored.
        """
        with undone_at_the_end(self._executor):
            yield self

    def close(self) -> None:
        """Closes the file of data: from then on every call is refused, and another emulator may open it.

        An emulator without one needs no closing and goes on.  Leaving a ``with`` block closes, too.

        Raises:
            EmulatorError: inside a function.
        """
        self.end_watches()
        self._executor.close()
        self.pushes.close()
        self._deploys.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

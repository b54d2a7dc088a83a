"""What a function is handed: ``ctx.auth``, ``ctx.console``, ``ctx.storage``, ``ctx.scheduler``, calls of functions.

The checks and texts of npm convex' side of each call stand here; the deployment's side is the database's.

convex-js src/server/impl/database_impl.ts, vector_search_impl.ts
(convex-engine.md §3.3, §6, §8.3 and §10.6, checked 2026-11-21).
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from convex import ConvexInt64

from convex_mastra_emulator.database.expression import Expression, Literal
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.database.vector_search import VectorQuery
from convex_mastra_emulator.errors import (
    INTERNAL_ERROR_TEXT,
    ThrownError,
)
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.database_context import DatabaseReader, DatabaseWriter, transaction_of
from convex_mastra_emulator.runtime.environment import Environment
from convex_mastra_emulator.runtime.expression_builders import VectorFilterBuilder
from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse, new_request
from convex_mastra_emulator.runtime.file_storage import ActionStorage, StorageReader, StorageWriter
from convex_mastra_emulator.runtime.files import Files
from convex_mastra_emulator.runtime.function_handles import FunctionHandles
from convex_mastra_emulator.runtime.functions import FunctionKind, FunctionRegistry
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.jobs import Jobs
from convex_mastra_emulator.runtime.logs import Console
from convex_mastra_emulator.runtime.scheduling import FunctionScheduler
from convex_mastra_emulator.values.types import Value, undefined


class Auth:
    """``ctx.auth``."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def get_user_identity(self) -> dict[str, Any] | None:
        """The attributes of the user who calls, or None."""
        user = self._identity.user
        return None if user is None else dict(user)


class Calls(Protocol):
    """How a context calls other functions; the executor's side of it."""

    limits: Limits

    @property
    def job_id(self) -> str | None:
        """The scheduled function that is running, if one is."""

    @property
    def functions(self) -> FunctionRegistry:
        """All functions there are."""

    @property
    def is_clock_running(self) -> bool:
        """Whether time goes by without anybody's moving it."""

    @property
    def random(self) -> random.Random:
        """The random numbers of the running function."""

    def run(self, kind: FunctionKind, path: str, args: Any) -> Value:
        """Calls a function and returns what it returns, or raises what it threw."""

    def open_jobs(self) -> AbstractContextManager[Jobs]:
        """The scheduled functions, as they may be changed."""

    def open_files(self) -> AbstractContextManager[Files]:
        """The stored files, as they may be changed."""

    def fetch(self, request: FetchRequest, redirect: str) -> FetchResponse:
        """Sends a request."""


class CallsOfActions(Calls, Protocol):
    """The same for actions."""

    def vector_search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        """Searches the latest committed documents."""


class CallsOfMutations(Calls, Protocol):
    """The same for mutations."""

    def run_on_stale_snapshot(self, path: str, args: Any) -> Value:
        """Calls a query that sees nothing of what the mutation has written."""


class _Context:
    """What every function gets.

    Attributes:
        auth: who calls.
        console: logs into the lines of the response.
    """

    _transaction: Transaction | None = None

    def __init__(
        self,
        calls: Calls,
        identity: Identity,
        console: Console,
        env: Environment,
        now_ms: Callable[[], float],
    ) -> None:
        self._calls = calls
        self._now_ms = now_ms
        self.auth = Auth(identity)
        self.console = console
        self._env = env

    @property
    def env(self) -> Mapping[str, str]:
        """The deployment's environment variables, ``process.env`` in TypeScript."""
        return self._env.read_by(self._transaction)

    def process_env(self) -> dict[str, str]:
        """All environment variables at once; none of them counts as read."""
        return self._env.of_process()

    @property
    def function_handles(self) -> FunctionHandles:
        """``createFunctionHandle`` of TypeScript, and what such handles stand for."""
        return FunctionHandles(self._calls.functions)

    @property
    def is_clock_running(self) -> bool:
        """Whether the deployment's time goes on by itself while the function runs."""
        return self._calls.is_clock_running

    def now(self) -> float:
        """``Date.now()``: whole milliseconds; stands still in queries and mutations."""
        return self._now_ms()

    @property
    def random(self) -> random.Random:
        """``Math.random``: random numbers of this execution's own; ``ctx.random.random()`` gives one below 1.

        They come from the emulator's seed, those of a called function from a seed drawn here.
        """
        return self._calls.random

    def random_uuid(self) -> str:
        """``crypto.randomUUID()``: a UUID of version 4, from the same numbers."""
        return str(uuid.UUID(bytes=self.random.randbytes(16), version=4))

    def fetch(
        self,
        url: Any,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        json: Any = undefined,
        redirect: str = "follow",
    ) -> FetchResponse:
        """``fetch(…)`` of actions; the emulator answers what a test has prepared (``emulator.fetch``).

        Args:
            url: the address, ``http:`` or ``https:``.
            method: ``GET``, ``POST``, ….
            headers: names and values.
            body: text or bytes.
            json: a value to send as JSON instead.
            redirect: ``follow``, ``manual`` or ``error``.

        Raises:
            DeploymentError: in queries and mutations.
            NotEmulated: when nothing was prepared for it.
            TypeError: for what is no request, and when nobody can be reached.
        """
        return self._calls.fetch(new_request(url, method, headers, body, json), redirect)

    def run_query(self, path: str, args: Any = None) -> Value:
        """Calls a query.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run(FunctionKind.QUERY, path, args)

    def _scheduler(self, *, may_cancel_itself: bool) -> FunctionScheduler:
        calls = self._calls
        return FunctionScheduler(
            calls.open_jobs,
            self._now_ms,
            calls.job_id,
            self.console,
            calls.limits,
            may_cancel_itself=may_cancel_itself,
        )


class QueryContext(_Context):
    """``ctx`` of a query."""

    def __init__(self, db: DatabaseReader, *rest: Any) -> None:
        super().__init__(*rest)
        self.db = db
        self._transaction = transaction_of(db)

    @property
    def storage(self) -> StorageReader:
        """The stored files, to be read."""
        return StorageReader(self._calls.open_files)


class MutationContext(_Context):
    """``ctx`` of a mutation."""

    _calls: CallsOfMutations

    def __init__(self, db: DatabaseWriter, *rest: Any) -> None:
        super().__init__(*rest)
        self.db = db
        self._transaction = transaction_of(db)

    @property
    def scheduler(self) -> FunctionScheduler:
        """Lets functions run later: what it does is part of this transaction."""
        return self._scheduler(may_cancel_itself=False)

    @property
    def storage(self) -> StorageWriter:
        """The stored files: what it does is part of this transaction."""
        return StorageWriter(self._calls.open_files)

    def run_query_on_stale_snapshot(self, path: str, args: Any = None) -> Value:
        """Calls a query on the documents as they were when this transaction began: ``useStaleSnapshot`` in TypeScript.

        What it reads cannot make this mutation conflict with another one.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run_on_stale_snapshot(path, args)

    def run_mutation(self, path: str, args: Any = None) -> Value:
        """Calls a mutation as a sub-transaction: if it fails, only its own writes are undone.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run(FunctionKind.MUTATION, path, args)


class ActionContext(_Context):
    """``ctx`` of an action: no database, but calls, each in a transaction of its own, and vector search."""

    _calls: CallsOfActions

    @property
    def scheduler(self) -> FunctionScheduler:
        """Lets functions run later: what it does is done at once."""
        return self._scheduler(may_cancel_itself=True)

    @property
    def storage(self) -> ActionStorage:
        """The stored files: what it does is done at once."""
        return ActionStorage(self._calls.open_files)

    def run_mutation(self, path: str, args: Any = None) -> Value:
        """Calls a mutation in a transaction of its own.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run(FunctionKind.MUTATION, path, args)

    def run_action(self, path: str, args: Any = None) -> Value:
        """Calls another action.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run(FunctionKind.ACTION, path, args)

    def vector_search(
        self,
        table: str,
        index: str,
        *,
        vector: Any,
        limit: float | None = None,
        filter: Callable[[VectorFilterBuilder], Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The documents nearest to ``vector``, best first: ``[{"_id", "_score"}]``.

        Args:
            table: whose vector index is searched.
            index: the vector index's name.
            vector: as many numbers as the index has dimensions.
            limit: 0 to 256 results; 10 if None.
            filter: ``lambda q: q.eq("field", value)`` or ``q.or_(…)`` of such.

        Raises:
            InvalidQuery: when the search cannot be run.
            ThrownError: for an empty vector.
        """
        query = vector_query(vector, limit, filter, self._calls.limits)
        found = self.search(table, index, query)
        return [{"_id": document_id, "_score": score} for document_id, score in found]

    def search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        """The same for a query that is built already: ids with their scores.

        Raises:
            InvalidQuery: when the search cannot be run.
        """
        return self._calls.vector_search(table, index, query)


def vector_query(
    vector: Any, limit: Any, filter: Callable[[VectorFilterBuilder], Any] | None, limits: Limits
) -> VectorQuery:
    """Checks what JavaScript's side of a vector search checks."""
    if not isinstance(vector, (list, tuple)) or not vector:
        raise ThrownError("`vector` must be a non-empty Array in vectorSearch")
    numbers = vector_elements(vector)
    condition = None if filter is None else filter(VectorFilterBuilder(limits))
    if filter is not None and not isinstance(condition, Expression):
        condition = Literal(condition)
    return VectorQuery(vector=numbers, limit=float(limit) if isinstance(limit, int) else limit, filter=condition)


def vector_elements(vector: Sequence[Any]) -> list[float]:
    """The numbers of a vector.

    Raises:
        ThrownError: for what is no number, on which the deployment fails without saying so.
    """
    return [_vector_element(number) for number in vector]


def _vector_element(number: Any) -> float:
    """JSON has no NaN and no infinity: they travel as null, which the deployment cannot read as a number."""
    if isinstance(number, ConvexInt64):
        raise TypeError("Do not know how to serialize a BigInt")
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ThrownError(INTERNAL_ERROR_TEXT)
    return float(number)

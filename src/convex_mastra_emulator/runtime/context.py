"""What a function is handed: ``ctx.db``, ``ctx.auth``, ``ctx.console``, and the calls of other functions.

The checks and texts of npm convex' side of each call stand here; the deployment's side is the database's.

convex-js src/server/impl/database_impl.ts, vector_search_impl.ts
(convex-engine.md §3.3, §6, §8.3 and §10.6, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from convex import ConvexInt64

from convex_mastra_emulator.database.expression import Expression, Literal
from convex_mastra_emulator.database.pagination import CursorCodec
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.database.vector_search import VectorQuery
from convex_mastra_emulator.errors import (
    INTERNAL_ERROR_TEXT,
    DeploymentError,
    EmulatorError,
    InvalidArgument,
    ThrownError,
)
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.expression_builders import VectorFilterBuilder
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.logs import Console
from convex_mastra_emulator.runtime.query_builder import TableQuery
from convex_mastra_emulator.values.javascript import stringify
from convex_mastra_emulator.values.names import client_name_problem
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Document, Value, undefined

_TYPES = {bool: "boolean", float: "number", int: "number", str: "string"}


def _check_id(value: Any, function: str) -> None:
    if not isinstance(value, str):
        kind = _TYPES.get(type(value), "object")
        shown = stringify(value) if kind != "object" or value is None else "[object Object]"
        raise InvalidArgument(f"Invalid argument `id` for `db.{function}`, expected string but got '{kind}': {shown}")


def _as_thrown(error: DeploymentError, value: Any) -> EmulatorError:
    """What a function sees: npm convex looks at the names of fields before the deployment looks at anything."""
    problem = client_name_problem(value)
    return error if problem is None else ThrownError(problem)


def _check_user_table(table: str, text: str) -> None:
    if table.startswith("_"):
        raise ThrownError(text)


class DatabaseReader:
    """``ctx.db`` of a query."""

    __slots__ = ("_cursors", "_transaction")

    def __init__(self, transaction: Transaction, cursors: CursorCodec) -> None:
        self._transaction = transaction
        self._cursors = cursors

    def get(self, *arguments: Any) -> Document | None:
        """``get(id)`` or ``get(table, id)``: the document, or None if there is none.

        Raises:
            InvalidArgument: for text that is no id, and for the id of another table.
        """
        table, document_id = _with_table(arguments, "get")
        _check_id(document_id, "get")
        document = self._transaction.get(document_id, table)
        return None if document is None else copy_of(document.value)

    def query(self, table: str) -> TableQuery:
        """A query of a table.

        Raises:
            ThrownError: for system tables.
        """
        _check_user_table(table, "System tables can only be accessed from db.system.query().")
        return TableQuery(self._transaction, self._cursors, table)

    def normalize_id(self, table: str, text: Any) -> str | None:
        """The id of ``table`` that ``text`` stands for, or None.

        Raises:
            InvalidArgument: if the table's name is no identifier.
            ThrownError: for system tables.
        """
        if text is undefined:
            raise _missing(2, "id", "normalizeId")
        _check_user_table(table, "System tables can only be accessed from db.system.normalizeId().")
        _check_serialised_id(text, "normalizeId")
        return self._transaction.normalize_id(table, text)


class DatabaseWriter(DatabaseReader):
    """``ctx.db`` of a mutation."""

    __slots__ = ()

    def insert(self, table: str, value: Any) -> str:
        """Stores a document and returns its id.

        Raises:
            DeploymentError: as :meth:`Transaction.insert`.
            ThrownError: for system tables.
        """
        _check_user_table(table, "System tables (prefixed with `_`) are read-only.")
        if value is undefined:
            raise _missing(2, "value", "insert")
        try:
            return self._transaction.insert(table, value)
        except DeploymentError as error:
            raise _as_thrown(error, value) from None

    def patch(self, *arguments: Any) -> None:
        """``patch(id, value)`` or ``patch(table, id, value)``: merges fields; :data:`undefined` removes one.

        Raises:
            DeploymentError: as :meth:`Transaction.patch`.
        """
        table, document_id, value = _with_table_and_value(arguments, "patch")
        try:
            self._transaction.patch(document_id, value, table)
        except DeploymentError as error:
            raise _as_thrown(error, value) from None

    def replace(self, *arguments: Any) -> None:
        """``replace(id, value)`` or ``replace(table, id, value)``.

        Raises:
            DeploymentError: as :meth:`Transaction.replace`.
        """
        table, document_id, value = _with_table_and_value(arguments, "replace")
        try:
            self._transaction.replace(document_id, value, table)
        except DeploymentError as error:
            raise _as_thrown(error, value) from None

    def delete(self, *arguments: Any) -> None:
        """``delete(id)`` or ``delete(table, id)``.

        Raises:
            DeploymentError: as :meth:`Transaction.delete`.
        """
        table, document_id = _with_table(arguments, "delete")
        _check_serialised_id(document_id, "delete")
        self._transaction.delete(document_id, table)


def _missing(position: int, name: str, method: str) -> TypeError:
    return TypeError(f"Must provide arg {position} `{name}` to `{method}`")


def _with_table(arguments: tuple[Any, ...], method: str) -> tuple[str | None, Any]:
    """Splits ``(id)`` and ``(table, id)``; an undefined last argument is as if it were not there."""
    if len(arguments) == 2 and arguments[1] is not undefined:
        return arguments[0], arguments[1]
    if not arguments or arguments[0] is undefined:
        raise _missing(1, "id", method)
    return None, arguments[0]


def _with_table_and_value(arguments: tuple[Any, ...], method: str) -> tuple[str | None, str, Any]:
    if len(arguments) == 3 and arguments[2] is not undefined:
        table, document_id, value = arguments
    else:
        table = None
        document_id, value = (*arguments, undefined, undefined)[:2]
    if document_id is undefined:
        raise _missing(1, "id", method)
    if value is undefined:
        raise _missing(2, "value", method)
    _check_serialised_id(document_id, method)
    return table, document_id, value


def _check_serialised_id(document_id: Any, method: str) -> None:
    if not isinstance(document_id, str):
        kind = {bool: "boolean", type(None): "null", list: "sequence", dict: "map"}.get(type(document_id), "number")
        raise InvalidArgument(f"Invalid arguments for `db.{method}`: invalid type: {kind}, expected a string")


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

    def run(self, kind: FunctionKind, path: str, args: Any) -> Value:
        """Calls a function and returns what it returns, or raises what it threw."""


class CallsOfActions(Calls, Protocol):
    """The same for actions."""

    def vector_search(self, table: str, index: str, query: VectorQuery) -> list[tuple[str, float | None]]:
        """Searches the latest committed documents."""


class _Context:
    """What every function gets.

    Attributes:
        auth: who calls.
        console: logs into the lines of the response.
        env: the deployment's environment variables, ``process.env`` in TypeScript.
    """

    def __init__(
        self,
        calls: Calls,
        identity: Identity,
        console: Console,
        env: Mapping[str, str],
        now_ms: Callable[[], float],
    ) -> None:
        self._calls = calls
        self._now_ms = now_ms
        self.auth = Auth(identity)
        self.console = console
        self.env = env

    def now(self) -> float:
        """``Date.now()``: whole milliseconds; stands still in queries and mutations."""
        return self._now_ms()

    def run_query(self, path: str, args: Any = None) -> Value:
        """Calls a query.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run(FunctionKind.QUERY, path, args)


class QueryContext(_Context):
    """``ctx`` of a query."""

    def __init__(self, db: DatabaseReader, *rest: Any) -> None:
        super().__init__(*rest)
        self.db = db


class MutationContext(_Context):
    """``ctx`` of a mutation."""

    def __init__(self, db: DatabaseWriter, *rest: Any) -> None:
        super().__init__(*rest)
        self.db = db

    def run_mutation(self, path: str, args: Any = None) -> Value:
        """Calls a mutation as a sub-transaction: if it fails, only its own writes are undone.

        Raises:
            ThrownError: with the inner text if it fails; ``ConvexError`` if it threw one.
        """
        return self._calls.run(FunctionKind.MUTATION, path, args)


class ActionContext(_Context):
    """``ctx`` of an action: no database, but calls, each in a transaction of its own, and vector search."""

    _calls: CallsOfActions

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
        found = self._calls.vector_search(table, index, query)
        return [{"_id": document_id, "_score": score} for document_id, score in found]


def vector_query(
    vector: Any, limit: Any, filter: Callable[[VectorFilterBuilder], Any] | None, limits: Limits
) -> VectorQuery:
    """Checks what JavaScript's side of a vector search checks."""
    if not isinstance(vector, (list, tuple)) or not vector:
        raise ThrownError("`vector` must be a non-empty Array in vectorSearch")
    numbers = [_vector_element(number) for number in vector]
    condition = None if filter is None else filter(VectorFilterBuilder(limits))
    if filter is not None and not isinstance(condition, Expression):
        condition = Literal(condition)
    return VectorQuery(vector=numbers, limit=float(limit) if isinstance(limit, int) else limit, filter=condition)


def _vector_element(number: Any) -> float:
    """JSON has no NaN and no infinity: they travel as null, which the deployment cannot read as a number."""
    if isinstance(number, ConvexInt64):
        raise TypeError("Do not know how to serialize a BigInt")
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ThrownError(INTERNAL_ERROR_TEXT)
    return float(number)

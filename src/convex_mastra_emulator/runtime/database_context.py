"""``ctx.db`` of functions, and ``ctx.db.system``.

The checks and texts of npm convex' side of each call stand here; the deployment's side is the database's.

convex-js src/server/impl/database_impl.ts (convex-engine.md §3.3, §5.4 and §6, checked 2026-11-21).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.database.pagination import CursorCodec
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, EmulatorError, InvalidArgument, ThrownError
from convex_mastra_emulator.runtime.query_builder import TableQuery
from convex_mastra_emulator.values.javascript import stringify
from convex_mastra_emulator.values.names import client_name_problem
from convex_mastra_emulator.values.size import copy_of
from convex_mastra_emulator.values.types import Document, undefined

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


class SystemReader:
    """``ctx.db.system``: the tables a deployment keeps itself, ``_scheduled_functions`` and ``_storage``."""

    __slots__ = ("_cursors", "_transaction")

    def __init__(self, transaction: Transaction, cursors: CursorCodec) -> None:
        self._transaction = transaction
        self._cursors = cursors

    def get(self, *arguments: Any) -> Document | None:
        """``get(id)`` or ``get(table, id)``: the document, or None if there is none.

        Raises:
            InvalidArgument: for text that is no id, and for the id of another table.
            DeploymentError: for the id of a user's table.
        """
        table, document_id = _with_table(arguments, "get")
        _check_id(document_id, "get")
        document = self._transaction.get(document_id, table, is_system=True)
        return None if document is None else copy_of(document.value)

    def query(self, table: str) -> TableQuery:
        """A query of a system table.

        Raises:
            ThrownError: for a user's table.
        """
        if not table.startswith("_"):
            raise ThrownError("User tables can only be accessed from db.query().")
        return TableQuery(self._transaction, self._cursors, table)

    def normalize_id(self, table: str, text: Any) -> str | None:
        """The id of ``table`` that ``text`` stands for, or None.

        Raises:
            ThrownError: for a user's table.
        """
        if text is undefined:
            raise _missing(2, "id", "normalizeId")
        if not table.startswith("_"):
            raise ThrownError("User tables can only be accessed from db.normalizeId().")
        check_serialised_id(text, "normalizeId")
        return self._transaction.normalize_id(table, text)


class DatabaseReader:
    """``ctx.db`` of a query."""

    __slots__ = ("_cursors", "_transaction")

    @property
    def transaction(self) -> Transaction:
        """What it reads, for those who answer functions in Node."""
        return self._transaction

    @property
    def cursors(self) -> CursorCodec:
        """Writes and reads cursors."""
        return self._cursors

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

    @property
    def system(self) -> SystemReader:
        """The tables of the deployment itself, to read."""
        return SystemReader(self._transaction, self._cursors)

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
        check_serialised_id(text, "normalizeId")
        return self._transaction.normalize_id(table, text)


def transaction_of(database: DatabaseReader) -> Transaction:
    """What a function's ``ctx.db`` reads through; for functions of the deployment itself."""
    return database._transaction


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
        check_serialised_id(document_id, "delete")
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
    check_serialised_id(document_id, method)
    return table, document_id, value


def check_serialised_id(document_id: Any, method: str) -> None:
    """Refuses an id that is no text, as the deployment does when it reads the request of a write.

    Raises:
        InvalidArgument: naming the method.
    """
    if not isinstance(document_id, str):
        kind = {bool: "boolean", type(None): "null", list: "sequence", dict: "map"}.get(type(document_id), "number")
        raise InvalidArgument(f"Invalid arguments for `db.{method}`: invalid type: {kind}, expected a string")

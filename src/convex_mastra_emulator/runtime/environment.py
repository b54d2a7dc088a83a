"""The environment variables of a deployment: ``emulator.env`` outside of functions, ``ctx.env`` inside.

Each variable is a document of ``_environment_variables``, so that a rollback takes changes back and a live query that
read a variable runs again when that one changes.  A batch of changes is made as a whole or not at all.

convex-backend crates/common/src/types/environment_variables.rs, crates/model/src/environment_variables/mod.rs
(``PreloadedEnvironmentVariables``: a read of the one name), crates/application/src/lib.rs
``update_environment_variables``, crates/udf/src/environment.rs (checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.store import Table
from convex_mastra_emulator.database.system_documents import delete_system, insert_system
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.transactions import Transactions
from convex_mastra_emulator.values.order import text_key

ENVIRONMENT_VARIABLES = "_environment_variables"
BY_NAME = " by_name"
CLOUD_URL, SITE_URL = "CONVEX_CLOUD_URL", "CONVEX_SITE_URL"
Change = tuple[str, str | None]
"""A variable and its new value; None takes it away."""

_NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
_ALL = Interval(b"", None)


class Environment(MutableMapping[str, str]):
    """The environment variables of one deployment.

    Args:
        transactions: where they are kept.

    Attributes:
        listeners: told after each change.
        built_in: what functions see beside the variables: the deployment's URLs.
    """

    def __init__(self, transactions: Transactions) -> None:
        self.listeners: list[Callable[[], None]] = []
        self.built_in: dict[str, str] = {}
        self._transactions = transactions
        self._told: dict[str, str] = {}

    # A mapping

    def __getitem__(self, name: str) -> str:
        with self._transactions.lock:
            document = _variable(self._table, name)
        if document is None:
            raise KeyError(name)
        return _value_of(document)

    def __iter__(self) -> Iterator[str]:
        with self._transactions.lock:
            documents = [document.value for document in self._table.documents.values()]
        return iter(sorted(document["name"] for document in documents))

    def __len__(self) -> int:
        return len(self._table.documents)

    def __repr__(self) -> str:
        return f"Environment({dict(self)!r})"

    def __setitem__(self, name: str, value: str) -> None:
        self.apply([(name, value)])

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self.apply([(name, None)])

    def update(self, *args: Any, **kwargs: str) -> None:
        """Sets several variables, or none if one of them is refused; takes what ``dict.update`` takes.

        Raises:
            DeploymentError: as :meth:`apply`.
        """
        self.apply(dict(*args, **kwargs).items())

    def clear(self) -> None:
        """Takes all variables away."""
        self.apply([(name, None) for name in self])

    def of_process(self) -> dict[str, str]:
        """All that ``process.env`` holds: the variables, and what is built in."""
        return {**self.built_in, **self}

    # Changes

    def apply(self, changes: Iterable[Change]) -> None:
        """Makes changes, all or none; what is taken away goes before what is set.

        Raises:
            DeploymentError: with the deployment's text, for a name, a value, or a number of variables it refuses.
            TypeError: for a name or value that is no text.
            EmulatorError: inside a function.
        """
        limits = self._transactions.limits
        removed, given = [], []
        for name, value in changes:
            _check_name(name, limits)
            if value is None:
                removed.append(name)
            else:
                _check_value(name, value, limits)
                given.append((name, value))
        # Sorted as a deployment does it: of a name that was given twice the greater value stays.
        self._transactions.in_transaction(lambda transaction: self._write(transaction, removed, sorted(given)))
        self.tell()

    def _write(self, transaction: Transaction, removed: Iterable[str], given: Iterable[tuple[str, str]]) -> None:
        table = self._table
        for name in removed:
            _delete(transaction, table, name)
        for name, value in given:
            _delete(transaction, table, name)
            if name in (CLOUD_URL, SITE_URL):
                raise DeploymentError(
                    f'Environment variable with name "{name}" is built-in and cannot be overridden',
                    code="EnvVarNameForbidden",
                )
            insert_system(transaction, ENVIRONMENT_VARIABLES, {"name": name, "value": value})
        _check_all([document.value for document in table.documents.values()], transaction.limits)

    def tell(self) -> None:
        """Tells the listeners, if anything differs from what they were told last; a rollback calls it, too."""
        current = dict(self)
        if current != self._told:
            self._told = current
            for listener in self.listeners:
                listener()

    # Inside of functions

    def read_by(self, transaction: Transaction | None) -> Mapping[str, str]:
        """The variables as a function sees them; what it looks for counts as read by its transaction."""
        return _EnvironmentReader(self, transaction)

    @property
    def _table(self) -> Table:
        return self._transactions.store.system_table(ENVIRONMENT_VARIABLES)


class _EnvironmentReader(Mapping[str, str]):
    """``ctx.env``."""

    __slots__ = ("_environment", "_transaction")

    def __init__(self, environment: Environment, transaction: Transaction | None) -> None:
        self._environment = environment
        self._transaction = transaction

    def __getitem__(self, name: str) -> str:
        if not isinstance(name, str):
            raise KeyError(name)
        self._note(_range_of(name))
        found = self._environment.get(name)
        return self._environment.built_in[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        self._note(_ALL)
        return iter(self._environment)

    def __len__(self) -> int:
        self._note(_ALL)
        return len(self._environment)

    def _note(self, interval: Interval) -> None:
        if self._transaction is not None:
            self._transaction.read_set.add(ENVIRONMENT_VARIABLES, BY_NAME, interval)


def _range_of(name: str) -> Interval:
    start = text_key(name)
    return Interval(start, start + b"\xff")


def _variable(table: Table, name: str) -> StoredDocument | None:
    key = next(table.indexes[BY_NAME].keys(*_range_of(name)), None)
    return None if key is None else table.document_by_key(key)


def _value_of(document: StoredDocument) -> str:
    value = document.value["value"]
    assert isinstance(value, str)
    return value


def _delete(transaction: Transaction, table: Table, name: str) -> None:
    document = _variable(table, name)
    if document is not None:
        delete_system(transaction, ENVIRONMENT_VARIABLES, document.value["_id"])


def _check_name(name: Any, limits: Limits) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of an environment variable must be a str, got {name!r}")
    if not _NAME.fullmatch(name):
        raise DeploymentError(
            f"The environment variable name {name} is invalid. Environment variable names must begin with a letter and "
            "may only include characters a-z, A-Z, 0-9, and underscores.",
            code="EnvironmentVariableNameInvalid",
        )
    if len(name) > limits.variable_name_size_max:
        raise DeploymentError(
            f"The environment variable name {name} is too long. Environment variable names must be less than "
            f"{limits.variable_name_size_max}.",
            code="EnvironmentVariableNameTooLong",
        )


def _check_value(name: str, value: Any, limits: Limits) -> None:
    if not isinstance(value, str):
        raise TypeError(f"the value of the environment variable {name} must be a str, got {type(value).__name__}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"the value of the environment variable {name} has a lone surrogate") from None
    if size > limits.variable_value_size_max:
        # The parenthesis is open in the deployment's text, too.
        raise DeploymentError(
            f"The environment variable value is {size} bytes, which is too large. (max size: "
            f"{limits.variable_value_size_max}",
            code="EnvironmentVariableValueTooLarge",
        )


def _check_all(variables: list[Any], limits: Limits) -> None:
    if len(variables) > limits.variables_count_max:
        raise DeploymentError(
            f"The environment variable limit ({limits.variables_count_max}) has been met.", code="EnvVarLimitMet"
        )
    size = sum(len(variable["name"]) + len(variable["value"].encode()) for variable in variables)
    if size > limits.variables_size_max:
        raise DeploymentError(
            f"The total size of all environment variables ({size} bytes) exceeds the limit "
            f"({limits.variables_size_max} bytes).",
            code="EnvVarTotalSizeLimitMet",
        )

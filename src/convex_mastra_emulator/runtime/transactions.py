"""The transactions of one deployment: one at a time, each with its timestamp, and whoever watches is told of a commit.

convex-backend crates/database/src/database.rs, crates/database/src/committer.rs (design.md §6.2).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.database.store import Change, Store
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.functions import FunctionRegistry
from convex_mastra_emulator.runtime.history import History
from convex_mastra_emulator.runtime.jobs import Jobs
from convex_mastra_emulator.values.ids import IdSource

Result = TypeVar("Result")
CommitListener = Callable[[int, list[Change]], None]
"""Told of a commit: its timestamp in nanoseconds and its changes; called under the deployment's lock."""


class Transactions:
    """Opens and closes transactions, and holds the lock that lets one run at a time.

    Args:
        store: the documents.
        functions: what can be scheduled.
        limits: what a transaction may use.
        clock: where timestamps come from.
        id_source: where new ids come from.
    """

    def __init__(
        self, store: Store, functions: FunctionRegistry, *, limits: Limits, clock: Clock, id_source: IdSource
    ) -> None:
        self.store = store
        self.functions = functions
        self.limits = limits
        self.clock = clock
        self.lock = threading.RLock()
        self.history = History(store)
        self.commit_listeners: list[CommitListener] = []
        self._id_source = id_source
        self._latest_ns = 0
        self._is_open = False

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Holds the lock for one transaction; one inside another is refused, as it could not be undone alone."""
        with self.lock:
            if self._is_open:
                raise EmulatorError(
                    "a function of this emulator is already running in this thread: "
                    "inside of it use ctx.db, ctx.run_query and ctx.run_mutation"
                )
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False

    def in_transaction(self, body: Callable[[Transaction], Result], *, not_before_ns: int = 0) -> Result:
        """Runs ``body`` in a transaction that is committed at its end; what it raises undoes its writes.

        Args:
            body: may write into the store itself, where no limit of a transaction holds it back.
            not_before_ns: the timestamp lies behind this one.
        """
        with self.exclusively():
            self._latest_ns = max(self._latest_ns, not_before_ns)
            transaction = self.begin()
            start = transaction.savepoint()
            try:
                return body(transaction)
            except BaseException:
                transaction.rollback(start)
                raise
            finally:
                self.commit(transaction, start.log_size)

    @contextmanager
    def jobs(self) -> Iterator[Jobs]:
        """The scheduled functions, in a transaction of their own."""
        with self.exclusively():
            transaction = self.begin()
            start = transaction.savepoint()
            try:
                yield Jobs(transaction, self.functions)
            except BaseException:
                transaction.rollback(start)
                raise
            finally:
                self.commit(transaction, start.log_size)

    @contextmanager
    def between_transactions(self) -> Iterator[int]:
        """As :meth:`standing_still`, and refused inside a function, whose writes may still be undone."""
        with self.exclusively(), self.standing_still() as timestamp_ns:
            yield timestamp_ns

    @contextmanager
    def standing_still(self) -> Iterator[int]:
        """While this runs nothing is committed; gives the timestamp at which queries then read."""
        with self.lock:
            self._latest_ns = max(self._latest_ns, self.clock.now_ns())
            yield self._latest_ns

    # Time

    def timestamp_ns(self) -> int:
        """The latest time queries can be asked for; from now on it can be gone back to."""
        with self.lock:
            self._latest_ns = max(self._latest_ns, self.clock.now_ns())
            self.history.keep_from(self._latest_ns)
            return self._latest_ns

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
                undone = self.store.log[size:]
                self.store.undo(size)
                self.history.clear()
                self._tell(undone)

    def begin(self) -> Transaction:
        """A transaction that begins now; the caller holds :meth:`exclusively`."""
        begin = max(self._latest_ns + 1, self.clock.now_ns())
        return Transaction(self.store, self.limits, begin, self._id_source)

    def commit(self, transaction: Transaction, mark: int) -> int:
        """Closes a transaction and gives its timestamp; the next one begins, and creates documents, behind it."""
        created_ns = _not_before(transaction.next_creation_time)
        changes = self.store.log[mark:]
        if not changes:
            self._latest_ns = max(self._latest_ns, transaction.begin_ns)
            return self._latest_ns
        self._latest_ns = max(self._latest_ns + 1, transaction.begin_ns, created_ns)
        self.history.add(self._latest_ns, changes)
        self._tell(changes)
        self.store.forget_log()
        return self._latest_ns

    def _tell(self, changes: list[Change]) -> None:
        for listener in self.commit_listeners:
            listener(self._latest_ns, changes)


def _not_before(time_ms: float) -> int:
    """The first nanosecond that is not before a time in milliseconds; a product of floats would be 256 ns off."""
    whole = math.floor(time_ms)
    return whole * 1_000_000 + math.ceil((time_ms - whole) * 1e6)

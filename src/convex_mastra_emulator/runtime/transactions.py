"""The transactions of one deployment: one at a time, each with its timestamp, and whoever watches is told of a commit.

convex-backend crates/database/src/database.rs, crates/database/src/committer.rs (design.md §6.2).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.database.store import Change, Store
from convex_mastra_emulator.database.stored_rows import undoing
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, EmulatorError, ErrorKind
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.files import Files
from convex_mastra_emulator.runtime.functions import FunctionRegistry
from convex_mastra_emulator.runtime.history import History
from convex_mastra_emulator.runtime.jobs import Jobs
from convex_mastra_emulator.runtime.origins import Origins
from convex_mastra_emulator.runtime.upload_tokens import UploadTokens
from convex_mastra_emulator.values.ids import IdSource

if TYPE_CHECKING:
    from convex_mastra_emulator.database.persistence import DataFile

Result = TypeVar("Result")
CommitListener = Callable[[int, list[Change]], None]
"""Told of a commit: its timestamp in nanoseconds and its changes; called under the deployment's lock."""
_IS_RUNNING = (
    "a function of this emulator is already running in this thread: "
    "inside of it use ctx.db, ctx.run_query and ctx.run_mutation"
)


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
        self.file: DataFile | None = None
        """Where every commit is written before anybody is told of it; None for data that ends with the process."""
        self.origins = Origins()
        self.upload_tokens = UploadTokens(id_source)
        self.id_source = id_source
        self._latest_ns = 0
        self._settings: Mapping[str, str] = {}
        self._refusal: str | None = None
        """Why no transaction can begin now; None if one can."""

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Holds the lock for one transaction; one inside another is refused, as it could not be undone alone."""
        with self.lock:
            if self._refusal is not None:
                self.check_open()
                raise EmulatorError(self._refusal)
            self._refusal = _IS_RUNNING
            try:
                yield
            finally:
                self._refusal = None

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
    def _opened(self) -> Iterator[Transaction]:
        """A transaction for the block; what the block raises undoes its writes."""
        with self.exclusively():
            transaction = self.begin()
            start = transaction.savepoint()
            try:
                yield transaction
            except BaseException:
                transaction.rollback(start)
                raise
            finally:
                self.commit(transaction, start.log_size)

    @contextmanager
    def jobs(self) -> Iterator[Jobs]:
        """The scheduled functions, in a transaction of their own."""
        with self._opened() as transaction:
            yield Jobs(transaction, self.functions)

    @contextmanager
    def files(self) -> Iterator[Files]:
        """The stored files, in a transaction of their own."""
        with self._opened() as transaction:
            yield self.files_of(transaction)

    def files_of(self, transaction: Transaction) -> Files:
        """The stored files, as part of a transaction."""
        return Files(transaction, self.id_source, self.origins, self.upload_tokens)

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
    def mark(
        self, settings: Mapping[str, str] = MappingProxyType({}), then: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """At its end, everything that was committed inside is undone.

        Args:
            settings: written into the file with the undoing.
            then: called when it is done, under the lock.

        Raises:
            DataNotWritten: when the file cannot be written; then nothing is undone.
        """
        with self.lock:
            size = len(self.store.log)
            self.store.marks += 1
        try:
            yield
        finally:
            with self.lock:
                self.store.marks -= 1
                if not self.is_closed:
                    self._undo(size, settings, then)

    def _undo(self, size: int, settings: Mapping[str, str], then: Callable[[], None]) -> None:
        undone = self.store.log[size:]
        if self.file is not None:
            self.file.write(undoing(undone), self._latest_ns, settings)
        self.store.undo(size)
        self.history.clear()
        then()
        self._tell(undone)

    def begin(self) -> Transaction:
        """A transaction that begins now; the caller holds :meth:`exclusively`.

        Its timestamp lies behind all others, also when the clock was set back; what functions see of the time is the
        clock's (crates/database/src/database.rs ``begin_with_repeatable_ts``, crates/function_runner/src/server.rs).
        """
        now_ns = self.clock.now_ns()
        return Transaction(self.store, self.limits, max(self._latest_ns + 1, now_ns), self.id_source, now_ns)

    def commit(self, transaction: Transaction, mark: int) -> int:
        """Closes a transaction and gives its timestamp; the next one begins, and creates documents, behind it.

        Raises:
            DataNotWritten: when the file cannot be written; the transaction is then undone.
        """
        transaction.meter.forget_queries()
        created_ns = _not_before(transaction.next_creation_time)
        changes = self.store.log[mark:]
        if not changes:
            self._latest_ns = max(self._latest_ns, transaction.begin_ns)
            return self._latest_ns
        latest_ns = max(self._latest_ns + 1, transaction.begin_ns, created_ns)
        if self.file is not None:
            try:
                self.file.write(changes, latest_ns, self._settings)
            except BaseException:
                self.store.undo(mark)
                raise
        self._latest_ns = latest_ns
        self.history.add(self._latest_ns, changes)
        self._tell(changes)
        self.store.forget_log()
        return self._latest_ns

    # The file

    @contextmanager
    def saving(self, settings: Mapping[str, str]) -> Iterator[None]:
        """What is committed inside is written together with settings; nothing is if nothing is committed."""
        with self.lock:
            self._settings = settings
            try:
                yield
            finally:
                self._settings = {}

    def save(self, settings: Mapping[str, str]) -> None:
        """Writes settings alone.

        Raises:
            DataNotWritten: when the file cannot be written.
        """
        if self.file is not None:
            self.file.write((), self._latest_ns, settings)

    def close(self) -> None:
        """Closes the file; from then on nothing runs.  Without a file nothing happens.

        Raises:
            EmulatorError: inside a function.
        """
        with self.lock:
            if self.file is None or not self.file.is_open:
                return
            with self.exclusively():
                self.file.close(self._latest_ns)
            self._refusal = f"this emulator is closed; its data is in {self.file.path}: open it with another one"

    def check_open(self) -> None:
        """Refuses what begins without a transaction.

        Raises:
            DeploymentError: of kind INTERNAL, as clients see it, after :meth:`close`.
        """
        if self._refusal is not None and self.is_closed:
            raise DeploymentError(self._refusal, code="InternalServerError", kind=ErrorKind.INTERNAL)

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` has closed a file; nothing runs any more."""
        return self._refusal is not None and self._refusal is not _IS_RUNNING

    def _tell(self, changes: list[Change]) -> None:
        for listener in self.commit_listeners:
            listener(self._latest_ns, changes)


def _not_before(time_ms: float) -> int:
    """The first nanosecond that is not before a time in milliseconds; a product of floats would be 256 ns off."""
    whole = math.floor(time_ms)
    return whole * 1_000_000 + math.ceil((time_ms - whole) * 1e6)

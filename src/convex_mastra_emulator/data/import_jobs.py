"""Imports that were asked for through the network: uploaded, confirmed, and done behind the requests, one at a time.

How far one is stands in its document of ``_snapshot_imports``, which live queries watch.  The file is kept in memory
until the import has ended.

convex-backend crates/application/src/snapshot_import/mod.rs and worker.rs, crates/model/src/snapshot_imports/mod.rs
(checked 2026-11-21).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

from convex_mastra_emulator.data import import_states as states
from convex_mastra_emulator.data.files import read_upload, read_zip
from convex_mastra_emulator.data.import_states import Fields, ImportEnded, ImportRequest
from convex_mastra_emulator.data.import_summary import count_rows, failure_text, message_to_confirm, table_changes
from convex_mastra_emulator.data.table_import import TableImport, import_tables
from convex_mastra_emulator.data.uploads import Uploads
from convex_mastra_emulator.database.documents import CREATION_TIME, without_system_fields
from convex_mastra_emulator.database.system_documents import insert_system, replace_system
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, EmulatorError, RequestRefused
from convex_mastra_emulator.runtime.executor import Executor

SNAPSHOT_IMPORTS = "_snapshot_imports"
_AGE_MAX_MS = 7 * 24 * 3600 * 1000  # crates/common/src/knobs.rs ``MAX_IMPORT_AGE``


class ImportJobs:
    """The imports of one deployment.

    Args:
        executor: imports them.
        do_soon: takes what is to be done behind the request.
        new_token: gives texts that nobody guesses.

    Attributes:
        uploads: files that are coming in.
    """

    def __init__(
        self, executor: Executor, do_soon: Callable[[Callable[[], None]], None], new_token: Callable[[], str]
    ) -> None:
        self.uploads = Uploads(executor.clock, new_token)
        self._executor = executor
        self._do_soon = do_soon
        self._new_token = new_token
        self._requests: dict[str, ImportRequest] = {}
        self._turn = threading.Lock()

    @property
    def files_kept(self) -> int:
        """How many files wait in memory for their import to begin, or are being imported."""
        return len(self._requests)

    # What requests ask for

    def start(self, request: ImportRequest) -> str:
        """Takes a file that has come in; gives the id of its import."""
        import_id = self._add(request)
        self._do_soon(self.run)
        return import_id

    def _add(self, request: ImportRequest) -> str:
        def write(transaction: Transaction) -> str:
            documents = transaction.store.system_table(SNAPSHOT_IMPORTS).documents
            # A rollback may have taken documents away whose imports never ended.
            self._requests = {known: kept for known, kept in self._requests.items() if known in documents}
            fields = states.new_fields(request, f"snapshot_imports/{self._new_token()}")
            import_id = insert_system(transaction, SNAPSHOT_IMPORTS, fields)
            self._requests[import_id] = request
            return import_id

        return self._executor.in_transaction(write)

    def confirm(self, import_id: str) -> None:
        """Lets an import begin.

        Raises:
            RequestRefused: if there is none.
        """
        self._change(import_id, states.confirmed)
        self._do_soon(self.run)

    def cancel(self, import_id: str) -> None:
        """Ends an import, which leaves nothing.

        Raises:
            RequestRefused: if there is none, or it has ended.
        """
        self._change(import_id, states.canceled)
        self._forget(import_id)

    def import_now(self, request: ImportRequest) -> int:
        """Imports a file without asking anybody; gives the number of rows.

        Raises:
            RequestRefused: ``ImportFailed``.
        """
        import_id = self._add(request)
        self._run_now(import_id)
        self._change(import_id, states.confirmed)
        state = self._run_now(import_id)
        return int(state["num_rows_written"].value)

    def _run_now(self, import_id: str) -> Fields:
        with self._turn:
            self._run_all()
        self.run()  # what others wanted done meanwhile
        state: Fields = self._fields(import_id)["state"]
        if state["state"] == states.FAILED:
            raise RequestRefused(state["error_message"], code="ImportFailed")
        return state

    # Behind the requests

    def run(self) -> None:
        """Reads what was uploaded and imports what was confirmed, until nothing is left to do."""
        while self._next() is not None:
            if not self._turn.acquire(blocking=False):
                return  # whoever has the turn looks again before it ends
            try:
                self._run_all()
            finally:
                self._turn.release()

    def _run_all(self) -> None:
        while (found := self._next()) is not None:
            import_id, state = found
            work = self._summarize if state == states.UPLOADED else self._import
            try:
                request = self._requests.get(import_id)
                if request is None:
                    raise EmulatorError("the uploaded file is no longer there: upload it again")
                self._check_age(import_id)
                work(import_id, request)
            except ImportEnded:
                self._forget(import_id)
            except (EmulatorError, ValueError) as error:
                self._fail(import_id, failure_text(error))
            except BaseException:
                self._fail(import_id, failure_text(EmulatorError(INTERNAL_ERROR_TEXT)))
                raise

    def _next(self) -> tuple[str, str] | None:
        """What is to be done first: files are looked into before anything is imported."""
        with self._executor.lock:
            documents = self._executor.store.system_table(SNAPSHOT_IMPORTS).documents
            by_state = {
                states.state_name(document.value): import_id for import_id, document in reversed(documents.items())
            }
        for state in (states.UPLOADED, states.IN_PROGRESS):
            if state in by_state:
                return by_state[state], state
        return None

    def _check_age(self, import_id: str) -> None:
        with self._executor.lock:
            document = self._executor.store.system_table(SNAPSHOT_IMPORTS).documents.get(import_id)
        if document is None:
            raise ImportEnded
        if self._executor.clock.now_ns() / 1e6 - document.value[CREATION_TIME] > _AGE_MAX_MS:
            raise EmulatorError("Import took too long. Try again or contact Convex.")

    def _read(self, request: ImportRequest) -> TableImport:
        if request.table is None or request.format is None:
            return read_zip(BytesIO(request.data))
        executor = self._executor
        return read_upload(request.table, request.data, request.format, executor.store.schema, executor.limits)

    def _summarize(self, import_id: str, request: ImportRequest) -> None:
        tables = self._read(request)
        counts = {name: count_rows(files) for name, files in tables.files.items()}
        with self._executor.lock:
            store = self._executor.store
            existing = {name: len(table.documents) for name, table in store.tables.items()}
            existing = dict.fromkeys(store.schema.tables, 0) | existing
        changes = table_changes(tables, counts, existing, request.mode)
        self._change(import_id, lambda fields: states.waiting(fields, message_to_confirm(changes), changes))

    def _import(self, import_id: str, request: ImportRequest) -> None:
        watcher = _Watcher(self, import_id)
        tables = self._read(request)
        result = import_tables(
            self._executor, tables, mode=request.mode, progress=watcher.note_progress, watcher=watcher
        )
        with self._executor.standing_still() as timestamp_ns:
            count = sum(result.added.values())
            self._change(import_id, lambda fields: states.completed(fields, timestamp_ns, count))
        self._forget(import_id)

    def _fail(self, import_id: str, message: str) -> None:
        with suppress(ImportEnded, RequestRefused):  # cancelled, or gone with a rollback
            self._change(import_id, lambda fields: states.failed(fields, message))
        self._forget(import_id)

    def _forget(self, import_id: str) -> None:
        with self._executor.lock:
            self._requests.pop(import_id, None)

    # Its documents

    def is_kept(self, import_id: str) -> bool:
        """Whether an import still has its file: a cancelled one has not."""
        return import_id in self._requests

    def _fields(self, import_id: str) -> Fields:
        with self._executor.lock:
            return fields_of(self._executor.store.system_table(SNAPSHOT_IMPORTS).documents, import_id)

    def _change(self, import_id: str, change: Callable[[Fields], Fields]) -> None:
        self._executor.in_transaction(lambda transaction: change_fields(transaction, import_id, change))

    def note(self, import_id: str, table: str, count: int, *, is_done: bool) -> None:
        """Writes into the document how far an import is.

        Raises:
            ImportEnded: if it was cancelled.
            RequestRefused: if its document is gone.
        """
        self._change(import_id, lambda fields: states.told(fields, table, count, is_done=is_done))


def fields_of(documents: Any, import_id: str) -> Fields:
    """The fields of an import's document.

    Raises:
        RequestRefused: if there is none.
    """
    document = documents.get(import_id)
    if document is None:
        raise states.not_found(import_id)
    return without_system_fields(document.value)


def change_fields(transaction: Transaction, import_id: str, change: Callable[[Fields], Fields]) -> None:
    """Changes an import's document, if it has to be changed."""
    before = fields_of(transaction.store.system_table(SNAPSHOT_IMPORTS).documents, import_id)
    after = change(before)
    if after is not before:
        replace_system(transaction, SNAPSHOT_IMPORTS, import_id, after)


class _Watcher:
    """Follows one import, and ends it once it was cancelled."""

    def __init__(self, jobs: ImportJobs, import_id: str) -> None:
        self._jobs = jobs
        self._import_id = import_id

    def note_progress(self, _done: int, _total: int) -> None:
        """Rows have been read or checked."""
        if not self._jobs.is_kept(self._import_id):
            raise ImportEnded

    def table(self, name: str, count: int, *, is_done: bool) -> None:
        """So many rows of a table have passed."""
        self._jobs.note(self._import_id, name, count, is_done=is_done)

    def commit(self, transaction: Transaction) -> None:
        """Everything is about to be committed, unless the import was cancelled or is gone."""
        fields = fields_of(transaction.store.system_table(SNAPSHOT_IMPORTS).documents, self._import_id)
        if states.state_name(fields) != states.IN_PROGRESS:
            raise ImportEnded

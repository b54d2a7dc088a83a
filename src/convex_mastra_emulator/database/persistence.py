"""The file an emulator keeps its data in: one SQLite database, which holds every commit before anybody is told of it.

One process has it open at a time; the lock is the operating system's, so it is free at once when that process dies.
While it is open a second file, ``-wal``, stands beside it; both belong together until it is closed.

    tables      the numbers of the users' tables, those without documents included
    documents   in the order in which they came; values as ``convex_encoded_json``, bytes of stored files beside them
    settings    everything else: environment variables, crons, the schema, the latest timestamp

SQLite: "Write-Ahead Logging", "PRAGMA locking_mode", "How To Corrupt" (checked 2026-11-21).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from convex_mastra_emulator.database.store import Change
from convex_mastra_emulator.database.stored_rows import DocumentRow, rows_of
from convex_mastra_emulator.errors import DataFileRefused, DataNotWritten

APPLICATION_ID = 0x436D4564
FORMAT = 1
"""Of what stands in the file; one more for every change that an older release would not understand."""
_LATEST_NS = "latest_ns"
_CREATION = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
    "CREATE TABLE tables (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE documents (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL, "
    "attachment BLOB)",
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
# A version of a document that is there keeps its place, as in a dictionary.
_PUT_DOCUMENT = (
    "INSERT INTO documents (id, value, attachment) VALUES (?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET value = excluded.value, attachment = excluded.attachment"
)
_PUT_SETTING = (
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_logger = logging.getLogger(__name__)


class DataFile:
    """An open file of data; used under the deployment's lock.

    Args:
        path: where it is; made if nothing or an empty file is there.

    Attributes:
        path: as given, from the root on.
        table_numbers: the users' tables when it was opened, and their numbers.
        document_count: how many documents there were when it was opened.
        settings: what was last written of the settings.
        latest_ns: the timestamp of the last commit, nanoseconds since the Unix epoch.

    Raises:
        DataFileRefused: when it cannot be opened, saying why; it then stays as it is.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        with _refusing(self.path):
            _check_place(self.path)
            _check_without_touching(self.path)
            self._connection = _open(self.path)
        # Whoever forgets to close it leaves no open file and no warning behind.
        self._process_id = os.getpid()
        self._close = weakref.finalize(self, _release, self._connection, self._process_id)
        self._why_closed = f"{self.path}: the file is closed"
        try:
            with _refusing(self.path):
                self.table_numbers: dict[str, int] = dict(
                    self._connection.execute("SELECT name, number FROM tables ORDER BY number")
                )
                self.settings: dict[str, str] = dict(self._connection.execute("SELECT name, value FROM settings"))
                (self.document_count,) = self._connection.execute("SELECT count(*) FROM documents").fetchone()
                self.latest_ns = int(self.settings.pop(_LATEST_NS, "0"))
        except BaseException:
            self._close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it was not closed yet."""
        return self._close.alive

    def documents(self) -> Iterator[DocumentRow]:
        """All documents, in the order in which they came.

        Raises:
            DataFileRefused: when the file is damaged.
        """
        with _refusing(self.path):
            yield from self._connection.execute("SELECT id, value, attachment FROM documents ORDER BY position")

    def write(
        self,
        changes: Iterable[Change],
        latest_ns: int,
        settings: Mapping[str, str],
        new_tables: Mapping[str, int] | None = None,
    ) -> None:
        """Writes a commit; when this returns it outlasts the process and the machine.

        Args:
            changes: of documents and tables, oldest first.
            latest_ns: its timestamp.
            settings: settings to write with it; those that stand there so already cost nothing.
            new_tables: tables the schema brings along, with their numbers.

        Raises:
            DataNotWritten: when it cannot be written; nothing of it is.
        """
        self._check_open()
        rows = rows_of(changes)
        changed = [(name, text) for name, text in settings.items() if self.settings.get(name) != text]
        if not rows and not changed and not new_tables and latest_ns <= self.latest_ns:
            return
        connection = self._connection
        with self._transaction():
            # Whatever goes, goes first: tables may exchange their numbers, and what comes back stands at the end.
            for statement, parameters in (
                ("DELETE FROM documents WHERE id = ?", rows.deleted),
                ("DELETE FROM tables WHERE name = ?", rows.tables_removed),
                ("INSERT INTO tables (name, number) VALUES (?, ?)", [*(new_tables or {}).items(), *rows.tables_added]),
                (_PUT_DOCUMENT, rows.written),
                (_PUT_SETTING, [*changed, (_LATEST_NS, str(max(latest_ns, self.latest_ns)))]),
            ):
                if parameters:
                    connection.executemany(statement, parameters)
        self.settings.update(changed)
        self.latest_ns = max(latest_ns, self.latest_ns)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            text = f"{self.path}: nothing was changed, because the file could not be written: {error}"
            _logger.error("%s", text)  # clients see an internal error and no more
            raise DataNotWritten(text) from error
        except BaseException:
            # An interrupt may have come just before or just behind the commit: only the file knows.
            self._why_closed = f"{self.path}: a write into the file was interrupted; open it again"
            self._close()
            raise

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._why_closed = f"{self.path}: a write into the file failed and could not be undone; open it again"
            self._close()

    def _check_open(self) -> None:
        if not self.is_open:
            raise DataNotWritten(self._why_closed)
        if os.getpid() != self._process_id:
            raise DataNotWritten(f"{self.path}: the file was opened before this process was forked; open it here")

    def close(self, latest_ns: int = 0) -> None:
        """Closes the file; it is then one file again, which can be copied.

        Args:
            latest_ns: a timestamp that no later one of the deployment may lie before.
        """
        if not self.is_open:
            return
        try:
            # What was committed stands there; a full disk is no reason to fail now.
            with suppress(DataNotWritten):
                self.write((), latest_ns, {})
        finally:
            self._close()


def _release(connection: sqlite3.Connection, process_id: int) -> None:
    if os.getpid() == process_id:
        connection.close()
        return
    # In a fork SQLite would delete the `-wal` file into which its parent writes; what is never freed is never closed.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise DataFileRefused(f"{path}: this is a folder; name a file for the data")
    if not path.parent.is_dir():
        raise DataFileRefused(f"{path}: there is no folder {path.parent}")
    # SQLite would open it for reading, and fail when it writes.
    for place in (path, path.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise DataFileRefused(f"{path}: {place} may not be written")


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turns what SQLite and the system raise into a refusal that names the file."""
    try:
        yield
    except OSError as error:
        raise DataFileRefused(f"{path}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise DataFileRefused(f"{path}: {_reason(error)}") from error


def _reason(error: sqlite3.Error) -> str:
    # Extended codes carry the plain one in their last byte.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another emulator has this file open; close it first"
    if code == sqlite3.SQLITE_NOTADB:
        return "this is no data of an emulator"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"the file is damaged: {error}"
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return f"the file cannot be opened for writing: {error}"
    return str(error)


def _check_without_touching(path: Path) -> None:
    """Refuses what is none of ours; SQLite itself would bring another program's database up to date first.

    The file is not read in Python: closing it would take the lock from another emulator of this process.
    """
    if not path.exists() or path.stat().st_size == 0 or path.with_name(path.name + "-journal").exists():
        return  # new, or its making was interrupted, which SQLite undoes
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            _check_identity(path, connection)
    except sqlite3.Error as error:
        # Without the `-wal` file beside it one of ours may look damaged, but never like another one.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
            raise


def _check_identity(path: Path, connection: sqlite3.Connection) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise DataFileRefused(f"{path}: this is no data of an emulator")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise DataFileRefused(
            f"{path}: the file has format {version}, this release reads up to format {FORMAT}; "
            "open it with the release that wrote it, or a newer one"
        )


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rwc", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")
        # From here on the file is locked until it is closed.
        connection.execute("BEGIN EXCLUSIVE")
        if path.stat().st_size == 0:
            for statement in _CREATION:
                connection.execute(statement)
        else:
            _check_identity(path, connection)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        connection.close()
        raise
    return connection

"""The file of data: what can be opened, what is refused untouched, who has it, and disks that fail."""

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator.database.persistence import APPLICATION_ID, FORMAT, DataFile
from convex_mastra_emulator.errors import DataFileRefused, DataNotWritten, ErrorKind

WAIT_SECONDS_MAX = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


def made(path: Path) -> Path:
    """A file of data without documents."""
    DataFile(path).close()
    return path


@contextmanager
def opened(path: Path) -> Iterator[DataFile]:
    with closing(DataFile(path)) as file:
        yield file


class FailingConnection:
    """A connection whose disk fails at one statement."""

    def __init__(self, connection: sqlite3.Connection, at: str, error: BaseException) -> None:
        self._connection = connection
        self._at = at
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement.startswith(self._at):
            raise self._error
        return self._connection.execute(statement, *parameters)

    def executemany(self, statement: str, parameters: Any) -> Any:
        if statement.startswith(self._at):
            raise self._error
        return self._connection.executemany(statement, parameters)


@contextmanager
def failing(file: DataFile, at: str, error: BaseException) -> Iterator[None]:
    """While this runs, the file's disk fails at one statement."""
    connection = file._connection
    file._connection = FailingConnection(connection, at, error)  # type: ignore[assignment]
    try:
        yield
    finally:
        file._connection = connection


# New files


def test_a_file_is_made_with_its_mark_and_format(path: Path) -> None:
    made(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)


# What tempfile.NamedTemporaryFile() and `touch` leave.
def test_an_empty_file_is_as_good_as_none(path: Path) -> None:
    path.touch()

    with opened(path) as file:
        assert (file.document_count, file.table_numbers, file.settings, file.latest_ns) == (0, {}, {}, 0)


# A copy of the one file must be everything there is.
def test_a_closed_file_stands_alone(path: Path) -> None:
    with opened(path) as file:
        file.write((), 1, {"a": "1"})

    assert [entry.name for entry in path.parent.iterdir()] == ["data.db"]


@pytest.mark.parametrize("name", ["a b.db", "ü?x=1#y%20.db", ":memory:"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / name) as file:
        file.write((), 1, {"a": "1"})

    assert [entry.name for entry in tmp_path.iterdir()] == [name]


# Half a file that a killed process left behind is made anew: SQLite takes it back by the journal beside it.
def test_a_making_that_was_cut_short_is_taken_back(path: Path) -> None:
    maker = f"""
import os, signal, sqlite3
from convex_mastra_emulator.database import persistence
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN EXCLUSIVE")
for statement in persistence._CREATION:
    connection.execute(statement)
connection.execute("CREATE TABLE large (x)")
connection.executemany("INSERT INTO large VALUES (?)", [("x" * 3000,)] * 100)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", maker], timeout=WAIT_SECONDS_MAX, check=False)
    assert path.stat().st_size > 0

    with opened(path) as file:
        assert file.document_count == 0


# What is refused


def sqlite_file(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("text", ["h", "hello", "hello\n" * 1000])
def test_text_is_refused(path: Path, text: str) -> None:
    path.write_text(text)

    with pytest.raises(DataFileRefused, match=r"data\.db: this is no data of an emulator"):
        DataFile(path)

    assert path.read_text() == text


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_another_programs_database_is_refused(path: Path, mode: str) -> None:
    sqlite_file(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE a (x)")
    before = path.read_bytes()

    with pytest.raises(DataFileRefused, match=r"data\.db: this is no data of an emulator"):
        DataFile(path)

    assert path.read_bytes() == before


# A file that SQLite opens is brought up to date from the `-wal` beside it: another program's is none of our business.
def test_what_another_program_has_not_brought_up_to_date_is_left_alone(path: Path) -> None:
    writer = f"""
import os, signal, sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE a (x)")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", writer], timeout=WAIT_SECONDS_MAX, check=False)
    before = {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}
    assert before["data.db-wal"]

    with pytest.raises(DataFileRefused, match="this is no data of an emulator"):
        DataFile(path)

    assert {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} == before


def test_a_newer_format_is_refused(path: Path) -> None:
    sqlite_file(made(path), f"PRAGMA user_version = {FORMAT + 1}")
    before = path.read_bytes()

    with pytest.raises(DataFileRefused, match=f"has format {FORMAT + 1}, this release reads up to format {FORMAT}"):
        DataFile(path)

    assert path.read_bytes() == before


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileRefused, match="this is a folder; name a file for the data"):
        DataFile(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileRefused, match=r"missing/data\.db: there is no folder .*missing"):
        DataFile(tmp_path / "missing" / "data.db")


# The system is asked, because SQLite opens such a file for reading; an administrator's tests may write everywhere.
@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_may_not_be_written_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    place = made(path) if which == "file" else path.parent
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != place or mode != os.W_OK)

    with pytest.raises(DataFileRefused, match=rf"data\.db: {place} may not be written"):
        DataFile(path)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(13, "Permission denied"), r"data\.db: Permission denied"),
        (sqlite3.OperationalError("out of order"), r"data\.db: out of order"),
    ],
)
def test_what_the_system_refuses_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(sqlite3, "connect", refuse)

    with pytest.raises(DataFileRefused, match=text):
        DataFile(path)


def test_a_damaged_file_is_refused(path: Path) -> None:
    with opened(path) as file:
        file.write((), 1, {"a": "x" * 100_000})
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))

    with pytest.raises(DataFileRefused, match=r"data\.db: the file is damaged: "):
        DataFile(path)


# One writer


def test_a_second_one_in_the_same_process_is_refused(path: Path) -> None:
    with opened(path), pytest.raises(DataFileRefused, match=r"data\.db: another emulator has this file open"):
        DataFile(path)


# Looking at a file must not give up the lock on it: POSIX locks end when any handle of the process is closed.
def test_a_refused_second_one_does_not_take_the_lock_away(path: Path) -> None:
    with opened(path):
        with pytest.raises(DataFileRefused):
            DataFile(path)

        assert "another emulator has this file open" in complaint_of_another_process(path)


def test_a_second_process_is_refused_until_the_first_closes(path: Path) -> None:
    with opened(path):
        assert "another emulator has this file open; close it first" in complaint_of_another_process(path)

    assert complaint_of_another_process(path) == ""


def complaint_of_another_process(path: Path) -> str:
    opening = f"from convex_mastra_emulator.database.persistence import DataFile; DataFile({str(path)!r}).close()"
    done = subprocess.run(
        [sys.executable, "-c", opening], capture_output=True, text=True, timeout=WAIT_SECONDS_MAX, check=False
    )
    return done.stderr


HOLDER = """
import sys, time
from convex_mastra_emulator.database.persistence import DataFile
file = DataFile(sys.argv[1])
file.write((), 7, {"a": "1"})
print("open", flush=True)
time.sleep(60)
"""


def test_a_killed_process_gives_the_file_free_at_once(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DataFileRefused, match="another emulator has this file open"):
            DataFile(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait(WAIT_SECONDS_MAX)

        with opened(path) as file:
            assert (file.settings, file.latest_ns) == ({"a": "1"}, 7)


# Warnings of files left open fail whole test runs from Python 3.13 on.
def test_a_file_nobody_closed_is_free_when_it_is_forgotten(path: Path) -> None:
    file = DataFile(path)
    forgotten = weakref.ref(file)
    del file
    gc.collect()

    assert forgotten() is None
    with opened(path) as second:
        assert second.is_open


FORKING = """
import gc, os, sys
from convex_mastra_emulator.database.persistence import DataFile
from convex_mastra_emulator.errors import DataNotWritten
file = DataFile(sys.argv[1])
file.write((), 1, {"a": "1"})
child = os.fork()
if child == 0:
    try:
        file.write((), 2, {"a": "child"})
    except DataNotWritten as error:
        print(error)
    if sys.argv[2] == "closes":
        file.close()
    elif sys.argv[2] == "forgets":
        del file
        gc.collect()
    sys.exit()
os.waitpid(child, 0)
file.write((), 3, {"b": "2"})
os._exit(0)  # as a kill: nothing is closed
"""


# A fork has a copy of the open database: closing it, SQLite would delete what its parent has written since.
@pytest.mark.parametrize("how", ["ends", "closes", "forgets"])
def test_a_fork_neither_writes_nor_harms_the_file(path: Path, how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(path), how],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS_MAX,
        check=True,
    )

    assert "the file was opened before this process was forked; open it here" in done.stdout
    assert done.stderr == ""
    with opened(path) as file:
        assert (file.settings, file.latest_ns) == ({"a": "1", "b": "2"}, 3)


# Writing


def test_settings_that_stand_there_cost_nothing(path: Path) -> None:
    with opened(path) as file:
        file.write((), 5, {"a": "1"})
        before = file._connection.total_changes
        file.write((), 5, {"a": "1"})

        assert file._connection.total_changes == before


def test_the_latest_timestamp_never_goes_back(path: Path) -> None:
    with opened(path) as file:
        file.write((), 9, {})
        file.write((), 5, {"a": "1"})
        file.close(7)
    with opened(path) as file:
        assert file.latest_ns == 9
        file.close(11)

    with opened(path) as file:
        assert file.latest_ns == 11


def test_commits_wait_for_the_disk(path: Path) -> None:
    with opened(path) as file:
        assert file._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert file._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


@pytest.mark.parametrize("at", ["BEGIN", "INSERT INTO settings", "COMMIT"])
def test_a_disk_that_fails_leaves_what_was_there(path: Path, at: str, caplog: pytest.LogCaptureFixture) -> None:
    with opened(path) as file:
        file.write((), 1, {"a": "1"})
        with (
            failing(file, at, sqlite3.OperationalError("disk I/O error")),
            pytest.raises(DataNotWritten, match=r"data\.db: nothing was changed, .*: disk I/O error") as caught,
        ):
            file.write((), 2, {"a": "2"})
        assert caught.value.kind is ErrorKind.INTERNAL
        assert "disk I/O error" in caplog.text
        assert (file.settings, file.latest_ns) == ({"a": "1"}, 1)
        file.write((), 3, {"b": "3"})

    with opened(path) as file:
        assert (file.settings, file.latest_ns) == ({"a": "1", "b": "3"}, 3)


# Whether the commit came through, only the file knows: going on could contradict it.
def test_an_interrupted_write_closes_the_file(path: Path) -> None:
    with opened(path) as file:
        with failing(file, "COMMIT", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            file.write((), 2, {"a": "2"})
        with pytest.raises(DataNotWritten, match="a write into the file was interrupted; open it again"):
            file.write((), 3, {"a": "3"})

    with opened(path) as file:
        assert file.settings == {}


def test_a_failed_undoing_closes_the_file(path: Path) -> None:
    with opened(path) as file:
        connection = FailingConnection(file._connection, "ROLLBACK", sqlite3.OperationalError("still no disk"))
        file._connection = FailingConnection(connection, "COMMIT", sqlite3.OperationalError("no disk"))  # type: ignore
        with pytest.raises(DataNotWritten, match="no disk"):
            file.write((), 2, {"a": "2"})
        with pytest.raises(DataNotWritten, match="failed and could not be undone; open it again"):
            file.write((), 3, {"a": "3"})

    with opened(path) as file:
        assert file.settings == {}


def test_a_closed_file_is_not_written(path: Path) -> None:
    file = DataFile(path)
    file.close()
    file.close()

    with pytest.raises(DataNotWritten, match=r"data\.db: the file is closed"):
        file.write((), 1, {"a": "1"})


def test_closing_works_without_a_disk(path: Path) -> None:
    with opened(path) as file, failing(file, "BEGIN", sqlite3.OperationalError("disk is full")):
        file.close(5)

    with opened(path) as file:
        assert file.latest_ns == 0

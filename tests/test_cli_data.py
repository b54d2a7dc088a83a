"""`serve --data`: what was written is there when the process comes back; bad files are refused."""

import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, cli_options
from convex_mastra_emulator.data.rows import Progress
from convex_mastra_emulator.database.persistence import DataFile
from convex_mastra_emulator.errors import DataNotWritten
from tests.test_cli import INCREMENT, Serving, run, serving


def increment(served: Serving) -> float:
    number: float = served.post("function", "mastra/cache:handle", INCREMENT)["value"]["result"]
    return number


def with_documents(path: Path) -> Path:
    with Emulator(path=path) as emulator:
        emulator.run(lambda ctx: [ctx.db.insert("notes", {"n": n}) for n in range(3)])
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_data_is_there_when_the_process_comes_back(tmp_path: Path, number: signal.Signals) -> None:
    file = str(tmp_path / "data.db")
    with serving("--data", file, "--env", "A=1") as served:
        assert served.log()[0] == f"opened {file}: documents: 0, tables: 0"
        assert [increment(served) for _ in range(2)] == [1.0, 2.0]
        served.stop(number)

    with serving("--data", file, "--env", "B=2") as served:
        assert served.log()[0] == f"opened {file}: documents: 1, tables: 1"
        assert increment(served) == 3.0
        served.stop()

    with Emulator(path=file) as emulator:
        assert emulator.env == {"A": "1", "B": "2"}


# Only a closed file stands alone and can be copied.
def test_a_stopped_process_leaves_one_file(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data.db")) as served:
        increment(served)
        assert served.stop() == 0

    assert [entry.name for entry in tmp_path.iterdir()] == ["data.db"]


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    file = str(tmp_path / "data.db")
    with serving("--data", file) as served:
        code, output = run("serve", "--port", "0", "--data", file)

        assert code == 2
        assert "Invalid value for --data" in output
        assert "another emulator has this file open; close it first" in output
        assert increment(served) == 1.0


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no data")

    code, output = run("serve", "--data", str(file))

    assert code == 2
    assert re.search(r"Invalid value for --data: \S*notes\.txt: this is no data of an emulator", output)
    assert file.read_text() == "no data"


def test_documents_that_do_not_match_the_schema_are_named(tmp_path: Path) -> None:
    schema = tmp_path / "cli_data_schema.py"
    schema.write_text(
        "from convex_mastra_emulator.schema import define_schema, define_table, v\n"
        "SCHEMA = define_schema({'notes': define_table({'n': v.string()})})\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        code, output = run(
            "serve", "--data", str(with_documents(tmp_path / "a.db")), "--schema", "cli_data_schema:SCHEMA"
        )
    finally:
        sys.path.remove(str(tmp_path))

    assert code == 2
    assert re.search(r'Document with ID "\w+" in table "notes" does not match the schema: Value does not', output)


def test_a_new_file_can_be_filled(tmp_path: Path) -> None:
    rows = tmp_path / "notes.csv"
    rows.write_text("n\n1\n2\n")
    file = str(tmp_path / "data.db")

    with serving("--data", file, "--load", str(rows)) as served:
        assert served.log()[:2] == [f"opened {file}: documents: 0, tables: 0", "loaded documents: 2, tables: 1"]
        served.stop()

    with Emulator(path=file) as emulator:
        assert emulator.table_counts() == {"notes": 2}


# Loading replaces everything: it must not be done to data somebody keeps.
def test_a_file_with_documents_is_not_filled(tmp_path: Path) -> None:
    rows = tmp_path / "notes.csv"
    rows.write_text("n\n1\n")
    file = with_documents(tmp_path / "data.db")

    code, output = run("serve", "--data", str(file), "--load", str(rows))

    assert code == 2
    assert "Invalid value for --load: the file of --data already holds documents; load into a new one" in output
    with Emulator(path=file) as emulator:
        assert emulator.table_counts() == {"notes": 3}


def test_variables_that_cannot_be_written_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = with_documents(tmp_path / "data.db")
    write = DataFile.write

    def failing(self: DataFile, changes: Any, latest_ns: int, settings: Mapping[str, str], *rest: Any) -> None:
        if any(change.table.name == "_environment_variables" for change in changes):
            raise DataNotWritten("the disk is full")
        write(self, changes, latest_ns, settings, *rest)

    monkeypatch.setattr(DataFile, "write", failing)
    code, output = run("serve", "--data", str(file), "--env", "A=1")

    assert code == 2
    assert "Invalid value for --env: the disk is full" in output


def test_opening_shows_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[object, ...]] = []

    @contextmanager
    def bar(title: str) -> Iterator[Progress]:
        yield lambda done, total: told.append((title, done, total))

    monkeypatch.setattr(cli_options, "progress_bar", bar)
    file = with_documents(tmp_path / "data.db")

    run("serve", "--data", str(file), "--load", str(file))

    assert told == [(f"Opening {file}", 3, 3)]

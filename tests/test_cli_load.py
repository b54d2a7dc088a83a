"""`serve --load`: an emulator that begins with data, and data that cannot be loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from tests.test_cli import Serving, run, serving

NOTES = """
from convex_mastra_emulator import query
FUNCTIONS = {"notes:all": query(lambda ctx, args: [row["n"] for row in ctx.db.query("notes").collect()])}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of functions; data goes beside it."""
    (tmp_path / "notes_functions.py").write_text(NOTES, encoding="utf-8")
    return tmp_path


def notes(served: Serving) -> Any:
    return served.post("query", "notes:all", {})["value"]


def options(path: Path, *more: str) -> tuple[str, ...]:
    return ("--functions", "notes_functions:FUNCTIONS", "--load", str(path), *more)


def test_a_zip_is_loaded_before_connections_are_accepted(folder: Path) -> None:
    emulator = Emulator()
    emulator.run(lambda ctx: [ctx.db.insert("notes", {"n": n}) for n in (1, 2)])
    emulator.export_zip(folder / "snapshot.zip")

    with serving(*options(folder / "snapshot.zip"), folder=folder) as served:
        assert notes(served) == [1.0, 2.0]
        assert served.log()[0] == "loaded documents: 2, tables: 1"


def test_a_folder_is_loaded(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    (data / "notes.csv").write_text("n\n1\n", encoding="utf-8")
    (data / "others.json").write_text(json.dumps([{"n": 5}]), encoding="utf-8")

    with serving(*options(data), folder=folder) as served:
        assert notes(served) == [1.0]


def test_bad_rows_end_the_command_with_file_line_and_field(tmp_path: Path) -> None:
    file = tmp_path / "mastra_threads.jsonl"
    file.write_text('{"$a":1}\n', encoding="utf-8")

    code, output = run("serve", "--load", str(file))

    assert code == 2
    assert "Invalid value for --load" in output
    assert "mastra_threads.jsonl, line 1, field `$a`: Row 1 wasn't a valid Convex value: Field name $a" in output


def test_bad_rows_can_be_left_out_and_are_named(folder: Path) -> None:
    (folder / "notes.jsonl").write_text('{"n":1}\n{"n":\n{"n":3}\n', encoding="utf-8")

    with serving(*options(folder / "notes.jsonl", "--skip-bad"), folder=folder) as served:
        assert notes(served) == [1.0, 3.0]
        assert served.log()[0].startswith("skipped notes.jsonl, line 2, field `n`: Row 2 wasn't valid JSON: EOF")


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.txt", "no format can be told"), ("x.zip", "invalid zip file"), ("a b.csv", "table name 'a b' invalid")],
)
def test_files_that_cannot_be_loaded_are_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text("n\n1\n", encoding="utf-8")

    code, output = run("serve", "--load", str(tmp_path / name))

    assert code == 2
    assert text in output


def test_a_path_that_is_not_there_is_named() -> None:
    code, output = run("serve", "--load", "missing.zip")

    assert code == 2
    assert "Path 'missing.zip' does not exist." in output

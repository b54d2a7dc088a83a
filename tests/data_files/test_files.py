"""Where data is read from: the format by the file's name, folders, unpacked exports."""

import io
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits
from convex_mastra_emulator.data import ImportRefused
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import UNIFORM, export_of, id_of, lines_of, rows_of

SCHEMA = define_schema({"notes": define_table({"n": v.float64(), "text": v.optional(v.string())})})


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(SCHEMA)


def numbers(emulator: Emulator, table: str = "notes") -> list[float]:
    return [row["n"] for row in rows_of(emulator, table)]


def folder_of(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


# One table


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.jsonl", '{"n":1}\n{"n":2}'), ("x.json", '[{"n":1},{"n":2}]'), ("x.csv", "n\n1\n2\n"), ("x.CSV", "n\n1\n2\n")],
)
def test_the_name_of_a_file_says_its_format(emulator: Emulator, tmp_path: Path, name: str, text: str) -> None:
    folder_of(tmp_path, {name: text})

    emulator.import_table("notes", tmp_path / name)

    assert numbers(emulator) == [1.0, 2.0]


def test_a_format_that_is_named_counts_more_than_the_name(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"x.json": "n\n1\n"})

    emulator.import_table("notes", tmp_path / "x.json", format="csv")

    assert numbers(emulator) == [1.0]


def test_an_open_file_is_read(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"x.csv": "n\n1\nx\n"})

    with (tmp_path / "x.csv").open("rb") as file, pytest.raises(ImportRefused, match=r"x\.csv, line 3, field `n`"):
        emulator.import_table("notes", file)


@pytest.mark.parametrize(("format", "text"), [(None, "no format can be told"), ("xml", "format must be one of csv, ")])
def test_a_file_without_a_format_is_refused(emulator: Emulator, format: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emulator.import_table("notes", io.BytesIO(b""), format=format)


# What a CSV cannot say: the schema decides, for the table it is imported into.
def test_empty_cells_of_optional_fields_are_no_fields(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"x.csv": "n,text\n1,\n2,b\n"})

    emulator.import_table("notes", tmp_path / "x.csv")

    assert ["text" in row for row in rows_of(emulator, "notes")] == [False, True]


def test_arrays_are_held_against_the_emulators_limit() -> None:
    emulator = Emulator(SCHEMA, limits=Limits(written_size_max=8))

    with pytest.raises(ImportRefused, match="Import is too large for JSON"):
        emulator.import_table("notes", io.BytesIO(b'[{"n":1}]'), format="jsonArray")


# Folders


def test_a_folder_has_a_file_for_each_table(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"notes.csv": "n\n1\n", "others.jsonl": '{"n":2}\n', ".hidden": "?"})

    result = emulator.import_files(tmp_path)

    assert result.added == {"notes": 1, "others": 1}
    assert (numbers(emulator), numbers(emulator, "others")) == ([1.0], [2.0])


def test_a_folder_with_a_bad_row_imports_nothing(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"notes.csv": "n\nx\n", "others.jsonl": '{"n":2}\n'})

    with pytest.raises(ImportRefused, match=r"notes\.csv, line 2, field `n`"):
        emulator.import_files(tmp_path)

    assert emulator.table_counts() == {}


# Nothing is passed over in silence.
def test_a_file_of_no_format_in_a_folder_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"notes.csv": "n\n1\n", "readme.txt": ""})

    with pytest.raises(ValueError, match=r"no format can be told from the name of 'readme\.txt'"):
        emulator.import_files(tmp_path)


def test_two_files_for_one_table_are_refused(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(tmp_path, {"notes.csv": "n\n1\n", "notes.jsonl": '{"n":2}\n'})

    with pytest.raises(ImportRefused, match="more than one file for table `notes`"):
        emulator.import_files(tmp_path)


def test_an_export_that_was_unpacked_is_one(emulator: Emulator, tmp_path: Path) -> None:
    folder_of(
        tmp_path,
        {
            "README.md": "",
            "_tables/documents.jsonl": lines_of([{"name": "notes", "id": 10007}]),
            "notes/documents.jsonl": lines_of([{"n": 1.5, "_id": id_of(10007, 1)}]),
            "notes/generated_schema.jsonl": UNIFORM,
        },
    )

    emulator.import_files(tmp_path)

    assert rows_of(emulator, "notes")[0]["_id"] == id_of(10007, 1)


def test_an_empty_folder_imports_nothing(emulator: Emulator, tmp_path: Path) -> None:
    assert emulator.import_files(tmp_path).added == {}


def test_a_zip_and_the_file_of_a_table_are_read_by_their_names(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(export_of({"notes": 10001}, {"notes": [{"n": 1.0}]}).getvalue())
    folder_of(tmp_path, {"others.jsonl": '{"n":2}\n'})

    emulator.import_files(tmp_path / "all.zip")
    emulator.import_files(str(tmp_path / "others.jsonl"))

    assert emulator.table_counts() == {"notes": 1, "others": 1}

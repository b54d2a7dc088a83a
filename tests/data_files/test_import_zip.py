"""`import_zip`: exports a deployment writes, made by hand here, and what is wrong with others."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator import ConvexInt64, Emulator, ManualClock
from convex_mastra_emulator.data import ImportRefused
from convex_mastra_emulator.errors import NotEmulated
from convex_mastra_emulator.schema import define_schema
from tests.data_files.exports import UNIFORM, export_of, id_of, lines_of, rows_of, zip_of

NOTE = {"_creationTime": 1700000000000.25, "_id": id_of(10004, 1), "n": 5}


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(define_schema({}), seed=1, clock=ManualClock())


def refused(emulator: Emulator, file: io.BytesIO, **options: Any) -> ImportRefused:
    with pytest.raises(ImportRefused) as refusal:
        emulator.import_zip(file, **options)
    assert emulator.table_counts() == {}
    return refusal.value


def test_tables_keep_numbers_ids_creation_times_and_types(emulator: Emulator) -> None:
    result = emulator.import_zip(export_of({"notes": 10004, "empty": 10009}, {"notes": [NOTE], "empty": []}))

    assert rows_of(emulator, "notes") == [{**NOTE, "n": ConvexInt64(5)}]
    assert emulator.run(lambda ctx: ctx.db.get(NOTE["_id"])) == {**NOTE, "n": ConvexInt64(5)}
    assert result.added == {"notes": 1, "empty": 0}
    assert emulator.run(lambda ctx: ctx.db.normalize_id("empty", id_of(10009, 1))) == id_of(10009, 1)


# The ZIP may have been made again from an unpacked folder.
def test_folders_in_front_are_ignored(emulator: Emulator) -> None:
    file = zip_of(
        {
            "backup/1/_tables/documents.jsonl": lines_of([{"name": "notes", "id": 10004}]),
            "backup/1/notes/generated_schema.jsonl": UNIFORM,
            "backup/1/notes/documents.jsonl": lines_of([NOTE]),
            "backup/1/README.md": "# anything",
        }
    )

    emulator.import_zip(file)

    assert rows_of(emulator, "notes")[0]["n"] == ConvexInt64(5)


# Without the mark nothing says what an integer was, and a number is a Float64.
def test_a_table_without_its_mark_has_floats(emulator: Emulator) -> None:
    emulator.import_zip(zip_of({"notes/documents.jsonl": lines_of([NOTE])}))

    assert rows_of(emulator, "notes")[0]["n"] == 5.0


def test_tables_without_tables_file_take_the_number_of_their_first_id(emulator: Emulator) -> None:
    emulator.import_zip(zip_of({"notes/documents.jsonl": lines_of([NOTE])}))

    assert rows_of(emulator, "notes")[0]["_id"] == NOTE["_id"]


def test_system_tables_other_than_that_of_files_are_left_out(emulator: Emulator) -> None:
    file = zip_of({"_scheduled_functions/documents.jsonl": "no json", "_storage/documents.jsonl": ""})

    assert emulator.import_zip(file).added == {"_storage": 0}


def test_a_path_is_read(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.zip"
    path.write_bytes(export_of({"notes": 10004}, {"notes": [NOTE]}).getvalue())

    assert emulator.import_zip(path).added == {"notes": 1}


# What is no ZIP, or a broken one


def good_zip() -> bytes:
    return export_of({"notes": 10004}, {"notes": [{**NOTE, "text": "abc" * 100}]}).getvalue()


def with_wrong_byte(data: bytes) -> bytes:
    """One byte changed in the compressed documents, so that their checksum is wrong."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo("notes/documents.jsonl")
    position = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


@pytest.mark.parametrize(
    "data",
    [b"", b"no zip", good_zip()[:-30], good_zip()[40:100], with_wrong_byte(good_zip())],
    ids=lambda data: len(data),
)
def test_what_is_no_zip_is_refused(emulator: Emulator, data: bytes) -> None:
    refusal = refused(emulator, io.BytesIO(data))

    assert (refusal.code, refusal.rows) == ("InvalidZip", ())
    assert str(refusal) == "Hit an error while importing:\ninvalid zip file"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_exports_do_not_have_are_refused(emulator: Emulator, compression: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("notes/documents.jsonl", lines_of([NOTE]))
    file.seek(0)

    assert refused(emulator, file).code == "InvalidZip"


# Found with damaged files: Python's own check of what is a folder looks at the last letter.
def test_folders_and_a_file_without_a_name_are_left_out(emulator: Emulator) -> None:
    file = zip_of({"notes/": "", "notes/documents.jsonl": lines_of([NOTE])})
    with zipfile.ZipFile(file, "a") as archive:
        archive.open(zipfile.ZipInfo(""), "w").close()
    file.seek(0)

    assert emulator.import_zip(file).added == {"notes": 1}


# Whatever a file holds, it is imported or refused in words; Python's own errors are for nobody.
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_zip_is_imported_or_refused(changes: list[tuple[int, int]]) -> None:
    emulator = Emulator(define_schema({}))
    data = bytearray(good_zip())
    for position, byte in changes:
        data[position % len(data)] = byte

    try:
        result = emulator.import_zip(io.BytesIO(data))
    except (ImportRefused, NotEmulated):
        assert emulator.table_counts() == {}
    else:
        assert sum(emulator.table_counts().values()) == sum(result.added.values())


# One of the two would be lost.
def test_a_file_twice_in_a_zip_is_refused(emulator: Emulator) -> None:
    file = zip_of({"notes/documents.jsonl": lines_of([NOTE])})
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("notes/documents.jsonl", "")
    file.seek(0)

    assert str(refused(emulator, file)) == "the ZIP has more than one file notes/documents.jsonl"


def test_a_missing_file_is_the_systems_error(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        emulator.import_zip(tmp_path / "missing.zip")


# Bad rows


def test_a_bad_row_is_named_by_file_line_and_field(emulator: Emulator) -> None:
    rows = [NOTE, {"ok": 1, "bad": {"$bytes": "?"}}]

    refusal = refused(emulator, export_of({"notes": 10004}, {"notes": rows}))

    (row,) = refusal.rows
    assert (row.file, row.line, row.field) == ("notes/documents.jsonl", 2, "bad")
    assert "notes/documents.jsonl, line 2, field `bad`: Row 2 wasn't a valid Convex value: Invalid base64" in str(
        refusal
    )


@pytest.mark.parametrize(
    ("row", "text", "code", "field"),
    [
        (5, "Row 1 wasn't an object", "NotAnObject", None),
        ({"id": 10001}, "Row 1 wasn't a valid Convex value: table requires name", "InvalidConvexValue", "name"),
        ({"name": "a"}, "a valid Convex value: table requires id (received None)", "InvalidConvexValue", "id"),
        ({"name": "a", "id": 0}, "(received 0.0)", "InvalidConvexValue", "id"),
        ({"name": "a", "id": 2**32}, "(received 4294967296.0)", "InvalidConvexValue", "id"),
        ({"name": "a b", "id": 10001}, "\"a b\" isn't a valid table name: Identifier a b has", "InvalidName", "name"),
    ],
)  # fmt: skip
def test_a_bad_tables_file_is_refused(emulator: Emulator, row: Any, text: str, code: str, field: str | None) -> None:
    refusal = refused(emulator, zip_of({"_tables/documents.jsonl": lines_of([row])}), skip_bad=True)

    assert text in refusal.rows[0].message
    assert (refusal.code, refusal.rows[0].field) == (code, field)


def test_a_tables_file_that_is_no_json_is_refused(emulator: Emulator) -> None:
    refusal = refused(emulator, zip_of({"_tables/documents.jsonl": "{\n"}), skip_bad=True)

    assert refusal.code == "JsonInvalidRow"


def test_the_largest_table_number_is_taken(emulator: Emulator) -> None:
    emulator.import_zip(zip_of({"_tables/documents.jsonl": lines_of([{"name": "a", "id": 2**32 - 1}])}))

    assert emulator.run(lambda ctx: ctx.db.normalize_id("a", id_of(2**32 - 1, 1))) is not None


def test_a_table_named_twice_is_refused(emulator: Emulator) -> None:
    tables = lines_of([{"name": "a", "id": 10001}, {"name": "a", "id": 10002}])

    refusal = refused(emulator, zip_of({"_tables/documents.jsonl": tables}))

    assert (refusal.code, str(refusal)) == ("DuplicateTableName", "`_tables` contains duplicate entries for `a`")


@pytest.mark.parametrize("path", ["a b/documents.jsonl", "a-b/generated_schema.jsonl"])
def test_a_folder_that_can_be_no_table_is_refused(emulator: Emulator, path: str) -> None:
    refusal = refused(emulator, zip_of({path: UNIFORM}))

    assert refusal.code == "InvalidTableName"
    assert f"table name '{path.split('/')[0]}' invalid: Identifier" in str(refusal)


def test_a_generated_schema_that_is_no_json_is_refused(emulator: Emulator) -> None:
    refusal = refused(emulator, zip_of({"a/generated_schema.jsonl": "uniform"}))

    assert (refusal.rows[0].file, refusal.code) == ("a/generated_schema.jsonl", "JsonInvalidRow")


# What is not emulated


@pytest.mark.parametrize(
    ("path", "content", "text"),
    [
        ("_components/mail/sent/documents.jsonl", "{}\n", "components are not emulated"),
        ("up/_components/a/_components/b/sent/documents.jsonl", "{}\n", "components are not emulated"),
        ("notes/generated_schema.jsonl", '"int64"\n', 'only the generated schema "uniform" is read'),
    ],
)
def test_parts_without_a_counterpart_are_named(emulator: Emulator, path: str, content: str, text: str) -> None:
    with pytest.raises(NotEmulated, match=text) as refusal:
        emulator.import_zip(zip_of({path: content}))

    assert str(refusal.value).startswith(path)


def test_an_empty_component_is_no_obstacle(emulator: Emulator) -> None:
    file = zip_of(
        {
            "_components/mail/_tables/documents.jsonl": lines_of([{"name": "sent", "id": 10001}]),
            "_components/mail/sent/documents.jsonl": "",
            "_components/mail/sent/generated_schema.jsonl": UNIFORM,
            "notes/documents.jsonl": lines_of([NOTE]),
        }
    )

    assert emulator.import_zip(file).added == {"notes": 1}

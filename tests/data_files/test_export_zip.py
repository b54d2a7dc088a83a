"""`export_zip`: what a deployment writes (crates/exports/src/lib.rs, zip_uploader.rs), the same bytes each time."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import ConvexInt64, Emulator
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import rows_of

SCHEMA = define_schema({"notes": define_table(v.any()), "users": define_table(v.any())})


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(SCHEMA, seed=1)


def exported(emulator: Emulator) -> zipfile.ZipFile:
    file = io.BytesIO()
    emulator.export_zip(file)
    return zipfile.ZipFile(file)


def insert(emulator: Emulator, table: str, *documents: dict[str, Any]) -> None:
    emulator.run(lambda ctx: [ctx.db.insert(table, document) for document in documents])


def lines(archive: zipfile.ZipFile, table: str) -> list[str]:
    return archive.read(f"{table}/documents.jsonl").decode().splitlines()


def test_tables_are_named_with_their_numbers_in_order(emulator: Emulator) -> None:
    insert(emulator, "extra", {})

    tables = lines(exported(emulator), "_tables")

    assert tables == ['{"name":"notes","id":10001}', '{"name":"users","id":10002}', '{"name":"extra","id":10003}']


def test_entries_stand_in_a_deployments_order_from_small_tables_to_large_ones(emulator: Emulator) -> None:
    insert(emulator, "notes", {"text": "long" * 10})
    insert(emulator, "extra", {}, {})

    names = exported(emulator).namelist()

    assert names == [
        "README.md",
        "_tables/documents.jsonl",
        "users/documents.jsonl",
        "users/generated_schema.jsonl",
        "notes/documents.jsonl",
        "notes/generated_schema.jsonl",
        "extra/documents.jsonl",
        "extra/generated_schema.jsonl",
    ]


def test_every_table_has_the_mark_that_its_lines_lose_nothing(emulator: Emulator) -> None:
    archive = exported(emulator)

    assert archive.read("notes/documents.jsonl") == b""
    assert archive.read("notes/generated_schema.jsonl") == b'"uniform"\n'


def test_lines_are_export_json_with_the_fields_in_order(emulator: Emulator) -> None:
    values = {"i": ConvexInt64(5), "f": 5, "z": -0.0, "n": float("inf"), "b": b"\x01", "t": 'é"\n', "a": [None, True]}
    insert(emulator, "notes", values)
    (row,) = rows_of(emulator, "notes")

    assert lines(exported(emulator), "notes") == [
        f'{{"_creationTime":{row["_creationTime"]!r},"_id":"{row["_id"]}","a":[null,true],"b":{{"$bytes":"AQ=="}},'
        '"f":5.0,"i":5,"n":{"$float":"AAAAAAAA8H8="},"t":"é\\"\\n","z":-0.0}'
    ]


def test_documents_are_ordered_by_id(emulator: Emulator) -> None:
    insert(emulator, "notes", *({} for _ in range(20)))
    by_id = emulator.run(lambda ctx: [row["_id"] for row in ctx.db.query("notes").with_index("by_id").collect()])

    assert [line.split('"_id":"')[1][:32] for line in lines(exported(emulator), "notes")] == by_id


def test_two_exports_are_the_same_bytes(emulator: Emulator) -> None:
    insert(emulator, "notes", {"n": 1}, {"n": 2})
    first, second = io.BytesIO(), io.BytesIO()

    emulator.export_zip(first)
    emulator.export_zip(second)

    assert first.getvalue() == second.getvalue()


def test_entries_are_deflated_and_readable_by_all(emulator: Emulator) -> None:
    for entry in exported(emulator).infolist():
        assert entry.compress_type == zipfile.ZIP_DEFLATED
        assert entry.external_attr >> 16 == 0o644
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_a_path_gets_the_file(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.zip"

    emulator.export_zip(path)

    assert zipfile.ZipFile(path).testzip() is None
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.zip"]


# A half-written file in the place of a good one would be found out too late.
def test_an_export_that_fails_leaves_the_old_file_and_no_other(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.zip"
    path.write_bytes(b"old")

    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emulator.export_zip(path, progress=fail)

    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.zip"]


def test_progress_is_told_in_documents(emulator: Emulator) -> None:
    insert(emulator, "notes", *({} for _ in range(1001)))
    steps: list[tuple[int, int]] = []

    emulator.export_zip(io.BytesIO(), progress=lambda done, total: steps.append((done, total)))

    assert steps == [(500, 1001), (1000, 1001), (1001, 1001)]

"""Stored files in exports: what a deployment writes, and what it makes of such a ZIP.

convex-backend crates/exports/src/export_storage.rs, crates/application/src/snapshot_import/import_file_storage.rs.
"""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, StoredBlob, action, query
from convex_mastra_emulator.data.refusals import ImportRefused
from tests.data_files.exports import id_of, lines_of, zip_of

UUID = "01234567-89ab-4def-8123-456789abcdef"
OTHER_UUID = "11234567-89ab-4def-8123-456789abcdef"


@pytest.fixture
def emulator() -> Emulator:
    emulator = Emulator(seed=1)
    define(emulator)
    return emulator


def define(emulator: Emulator) -> None:
    emulator.define("f:store", action(lambda ctx, args: ctx.storage.store(args["body"], args.get("type"))))
    emulator.define("f:url", query(lambda ctx, args: ctx.storage.get_url(args["id"])))
    emulator.define("f:all", query(lambda ctx, args: ctx.db.system.query("_storage").collect()))


def store(emulator: Emulator, body: bytes, content_type: str | None = None) -> str:
    storage_id: str = emulator.action("f:store", {"body": body, "type": content_type})
    return storage_id


def fetched(emulator: Emulator, storage_id: str) -> StoredBlob:
    return emulator.download(emulator.query("f:url", {"id": storage_id}))


def exported(emulator: Emulator, *, include_storage: bool = True) -> io.BytesIO:
    file = io.BytesIO()
    emulator.export_zip(file, include_storage=include_storage)
    file.seek(0)
    return file


def row(n: int, **fields: Any) -> dict[str, Any]:
    return {"_id": id_of(540, n), "_creationTime": 1_700_000_000_000.5, **fields}


def storage_zip(rows: list[Any], files: dict[str, bytes]) -> io.BytesIO:
    return zip_of({"_storage/documents.jsonl": lines_of(rows), **files})


# Exports


def test_files_are_exported_only_if_asked_for(emulator: Emulator) -> None:
    store(emulator, b"x")

    assert "_storage/documents.jsonl" not in zipfile.ZipFile(exported(emulator, include_storage=False)).namelist()


def test_an_export_has_a_line_and_the_bytes_of_each_file(emulator: Emulator) -> None:
    picture, text = store(emulator, b"\x89PNG", "image/png"), store(emulator, b"", None)

    archive = zipfile.ZipFile(exported(emulator))

    documents = sorted(emulator.query("f:all"), key=lambda document: document["_id"])
    rows = [json.loads(line) for line in archive.read("_storage/documents.jsonl").decode().splitlines()]
    names = ["_id", "_creationTime", "sha256", "size", "contentType", "internalId"]
    assert [list(found) for found in rows] == [names, names]
    for found, document in zip(rows, documents, strict=True):
        url = emulator.query("f:url", {"id": document["_id"]})
        assert found.pop("internalId") == url.rsplit("/", 1)[1]
        assert found == document
        assert type(found["size"]) is int
    assert archive.read(f"_storage/{picture}.png") == b"\x89PNG"
    assert archive.read(f"_storage/{text}") == b""
    # They come last: people who look into a large ZIP find the tables first.
    assert archive.namelist()[-3:] == [
        "_storage/documents.jsonl",
        *sorted([f"_storage/{picture}.png", f"_storage/{text}"]),
    ]


@pytest.mark.parametrize(
    ("content_type", "ending"),
    [("text/plain; charset=utf-8", ".txt"), ("application/x-own", ""), ("image/jpeg", ".jpeg")],
)
def test_an_ending_is_guessed(emulator: Emulator, content_type: str, ending: str) -> None:
    storage_id = store(emulator, b"x", content_type)

    assert f"_storage/{storage_id}{ending}" in zipfile.ZipFile(exported(emulator)).namelist()


# Round trip


def test_an_import_brings_files_and_their_urls(emulator: Emulator) -> None:
    ids = [store(emulator, b"one", "text/plain"), store(emulator, bytes(range(256)) * 1000)]
    emulator.run(lambda ctx: ctx.db.insert("posts", {"picture": ids[0]}))
    other = Emulator(seed=2)
    define(other)

    result = other.import_zip(exported(emulator))

    assert result.added == {"posts": 1, "_storage": 2} | {name: 0 for name in result.added if name.startswith("mastra")}
    assert other.query("f:all") == emulator.query("f:all")
    for storage_id in ids:
        url = emulator.query("f:url", {"id": storage_id})
        assert other.query("f:url", {"id": storage_id}) == url
        assert other.download(url) == emulator.download(url)
    assert exported(other).read() == exported(emulator).read()


def test_an_unpacked_export_is_read(emulator: Emulator, tmp_path: Path) -> None:
    storage_id = store(emulator, b"one", "text/plain")
    zipfile.ZipFile(exported(emulator)).extractall(tmp_path)
    other = Emulator()
    define(other)

    other.import_files(tmp_path)

    assert fetched(other, storage_id) == StoredBlob(b"one", "text/plain")


# Imports


def test_what_is_told_of_a_file_is_kept(emulator: Emulator) -> None:
    digest = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    told = row(1, sha256=digest, size=3, contentType="Image/PNG", internalId=UUID.upper())

    emulator.import_zip(storage_zip([told], {f"_storage/{told['_id']}.anything": b"abc"}))

    assert emulator.query("f:all") == [
        {**row(1), "contentType": "image/png", "sha256": digest, "size": 3.0},
    ]
    assert emulator.query("f:url", {"id": told["_id"]}).endswith(f"/{UUID}")


# Robust to people who take a line out of the file.
def test_a_file_nobody_tells_of_is_imported(emulator: Emulator) -> None:
    emulator.import_zip(storage_zip([], {f"up/_storage/{id_of(540, 1)}": b"abc"}))

    [document] = emulator.query("f:all")
    assert (document["_id"], document["contentType"], document["size"]) == (id_of(540, 1), None, 3.0)


def test_a_line_without_a_file_and_files_without_lines_are_left_out(emulator: Emulator) -> None:
    assert emulator.import_zip(storage_zip([row(1)], {})).added == {"_storage": 0}
    assert emulator.import_zip(zip_of({f"_storage/{id_of(540, 1)}.png": b"x"})).added == {}
    assert emulator.query("f:all") == []


@pytest.mark.parametrize(
    ("mode", "bodies", "deleted"),
    [("append", [b"old", b"new"], 0), ("replace", [b"new"], 1), ("replace-all", [b"new"], 1)],
)
def test_files_that_are_there_stay_or_go(emulator: Emulator, mode: Any, bodies: list[bytes], deleted: int) -> None:
    store(emulator, b"old")

    result = emulator.import_zip(storage_zip([], {f"_storage/{id_of(540, 1)}": b"new"}), mode=mode)

    found = {fetched(emulator, document["_id"]).body for document in emulator.query("f:all")}
    assert (found, result.added["_storage"], result.deleted) == (set(bodies), 1, deleted)


# crates/application/src/snapshot_import/mod.rs names the table as it is called inside.
def test_files_that_are_there_are_not_mixed_with_others_by_accident(emulator: Emulator) -> None:
    store(emulator, b"old")

    with pytest.raises(ImportRefused, match="Table _file_storage already exists") as refused:
        emulator.import_zip(storage_zip([], {f"_storage/{id_of(540, 1)}": b"new"}))

    assert refused.value.code == "TableExists"
    assert len(emulator.query("f:all")) == 1


# An export without files says nothing about them.
def test_an_import_without_files_leaves_them(emulator: Emulator) -> None:
    storage_id = store(emulator, b"old")

    emulator.import_zip(exported(Emulator(), include_storage=False), mode="replace-all")

    assert fetched(emulator, storage_id).body == b"old"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("picture.png", "_storage id 'picture' invalid: Unable to decode ID: Invalid ID length 7", "InvalidStorageId"),
        (f"{id_of(10_001, 1)}.png", "has invalid ID .* != TableNumber\\(540\\)", "InvalidId"),
    ],
)
def test_a_file_must_be_called_by_its_id(emulator: Emulator, name: str, text: str, code: str) -> None:
    with pytest.raises(ImportRefused, match=text) as refused:
        emulator.import_zip(storage_zip([], {f"_storage/{name}": b"x"}))

    assert refused.value.code == code
    assert emulator.query("f:all") == []


def test_two_files_of_one_id_are_refused(emulator: Emulator) -> None:
    name = f"_storage/{id_of(540, 1)}"

    with pytest.raises(ImportRefused, match='Objects in table "_storage" have duplicate _id fields'):
        emulator.import_zip(storage_zip([], {f"{name}.a": b"1", f"{name}.b": b"2"}))


def test_a_file_that_was_changed_is_refused(emulator: Emulator) -> None:
    digest = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()

    with pytest.raises(ImportRefused, match=r"Sha256 mismatch\. Expected: ") as refused:
        emulator.import_zip(storage_zip([row(1, sha256=digest)], {f"_storage/{id_of(540, 1)}": b"abd"}))

    assert refused.value.code == "Sha256Mismatch"


BAD_ROWS: list[tuple[Any, str | None, str]] = [
    ([], None, "expected struct"),
    ({}, "_id", "missing field `_id`"),
    ({"_id": "x"}, "_id", "Unable to decode ID: Invalid ID length 1"),
    (row(1, sha256="AAAA"), "sha256", "sha256 not 32 bytes"),
    (row(1, contentType="x"), "contentType", "mime parse error"),
    (row(1, internalId="x"), "internalId", "Couldn't parse storage_id"),
    (row(1, size="3"), "size", "must be a number"),
    (row(1) | {"_creationTime": -1.0}, "_creationTime", "Invalid creation time -1.0"),
]


@pytest.mark.parametrize(("bad", "field", "text"), BAD_ROWS)
def test_a_line_that_cannot_be_understood_names_its_place(
    emulator: Emulator, bad: Any, field: str | None, text: str
) -> None:
    with pytest.raises(ImportRefused, match=text) as refused:
        emulator.import_zip(storage_zip([row(2), bad], {f"_storage/{id_of(540, 1)}": b"x"}))

    [found] = refused.value.rows
    assert (found.file, found.line, found.field, found.code) == (
        "_storage/documents.jsonl",
        2,
        field,
        "InvalidConvexValue",
    )
    assert emulator.query("f:all") == []


def test_a_bad_line_can_be_left_out_with_its_file(emulator: Emulator) -> None:
    files = {f"_storage/{id_of(540, n)}": b"x" for n in (1, 2)}

    result = emulator.import_zip(storage_zip([row(1, internalId="x"), row(2)], files), skip_bad=True)

    assert [skipped.line for skipped in result.skipped] == [1]
    assert [document["_id"] for document in emulator.query("f:all")] == [id_of(540, 2)]


# All or nothing: a table before a bad file is not imported either.
def test_a_bad_file_keeps_the_tables_out(emulator: Emulator) -> None:
    file = zip_of({"notes/documents.jsonl": "{}\n", "_storage/documents.jsonl": "", "_storage/x": b""})

    with pytest.raises(ImportRefused):
        emulator.import_zip(file)

    assert emulator.table_counts() == {}

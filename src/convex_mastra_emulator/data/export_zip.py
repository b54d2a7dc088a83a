"""Writes all tables into the ZIP that ``npx convex export`` gives; the same documents always give the same bytes.

The order is a deployment's: ``_tables`` first, then the tables from small to large, documents by id, last the stored
files.

convex-backend crates/exports/src/lib.rs, export_storage.rs and zip_uploader.rs, crates/value/src/export.rs
``export_clean_lossless`` (checked 2026-11-21).
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from convex_mastra_emulator.data.files import FileOrPath
from convex_mastra_emulator.data.rows import Progress
from convex_mastra_emulator.data.stored_files import DOCUMENTS, exported_path, exported_row
from convex_mastra_emulator.database.snapshot import StoreState, TableState
from convex_mastra_emulator.runtime.files import STORAGE, file_of
from convex_mastra_emulator.values.codec import export_json
from convex_mastra_emulator.values.json_text import write_json

UNIFORM = '"uniform"\n'
README = """\
# Tables of an emulated Convex deployment

The documents of each table are in <table>/documents.jsonl, one JSON object per line.
`npx convex import` and `Emulator.import_zip` read this ZIP.
"""
# ZIP knows no earlier time; the time of day would make two exports of the same documents differ.
_ENTRY_TIME = (1980, 1, 1, 0, 0, 0)
_READ_BY_ALL = 0o644
_UNIX = 3
_STEPS_BETWEEN_REPORTS = 500


def write_export(
    state: StoreState,
    target: FileOrPath,
    progress: Progress | None,
    on_table: Callable[[str], None] = lambda _name: None,
    *,
    include_storage: bool = False,
) -> None:
    """Writes a ZIP.

    Args:
        state: the tables.
        target: a path, which is replaced once everything is written, or a file opened for writing bytes.
        progress: told how many documents are written, and of how many.
        on_table: told of each table before it is written.
        include_storage: whether the stored files are written, too.

    Raises:
        OSError: when it cannot be written.
    """
    with _opened(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _write_entry(archive, "README.md", README)
        on_table("_tables")
        numbers = sorted((table.number, name) for name, table in state.tables.items())
        lines = [write_json({"name": name, "id": number}) + "\n" for number, name in numbers]
        _write_entry(archive, "_tables/documents.jsonl", "".join(lines))
        total = sum(len(table.documents) for table in state.tables.values())
        done = 0
        for name in _from_small_to_large(state):
            on_table(name)
            done = _write_documents(archive, name, state.tables[name], done, total, progress)
            _write_entry(archive, f"{name}/generated_schema.jsonl", UNIFORM)
        if include_storage:
            _write_files(archive, state)
        if progress is not None:
            progress(done, total)


def _from_small_to_large(state: StoreState) -> list[str]:
    """The tables' names by the size of all their documents; of equal ones, the lower number comes first."""
    return sorted(state.tables, key=lambda name: (_size(state.tables[name]), state.tables[name].number))


def _size(table: TableState) -> int:
    return sum(document.size for document in table.documents.values())


def _write_documents(
    archive: zipfile.ZipFile, name: str, table: TableState, done: int, total: int, progress: Progress | None
) -> int:
    with archive.open(_entry(f"{name}/documents.jsonl"), "w") as file:
        for document_id in sorted(table.documents):
            file.write((write_json(export_json(table.documents[document_id].value)) + "\n").encode())
            done += 1
            if progress is not None and done % _STEPS_BETWEEN_REPORTS == 0:
                progress(done, total)
    return done


def _write_files(archive: zipfile.ZipFile, state: StoreState) -> None:
    documents = [document for _, document in sorted(state.system.get(STORAGE, {}).items())]
    _write_entry(archive, DOCUMENTS, "".join(map(exported_row, documents)))
    for document in documents:
        _write_entry(archive, exported_path(document), file_of(document).body)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _ENTRY_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = _READ_BY_ALL << 16
    return entry


def _write_entry(archive: zipfile.ZipFile, path: str, content: str | bytes) -> None:
    archive.writestr(_entry(path), content)


@contextmanager
def _opened(target: FileOrPath) -> Iterator[IO[bytes]]:
    """The target, open; one given by its path is complete or as it was."""
    if not isinstance(target, (str, os.PathLike)):
        yield target
        return
    path = Path(target)
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)

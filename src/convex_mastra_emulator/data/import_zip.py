r"""Reads what ``npx convex export`` writes: a ZIP, or the folder it was unpacked into.

    _tables/documents.jsonl           the tables and their numbers
    <table>/documents.jsonl           one document per line
    <table>/generated_schema.jsonl    "uniform": the lines lose nothing
    _storage/documents.jsonl          one stored file per line
    _storage/<id>.<extension>         the bytes of a stored file

Any folders may stand in front of these.

convex-backend crates/application/src/snapshot_import/parse.rs and mod.rs ``parse_tables_table``
(checked 2026-11-21).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

from convex_mastra_emulator.data.json_lines import exported_lines, json_lines
from convex_mastra_emulator.data.refusals import BadRow, ImportRefused, rows_refused
from convex_mastra_emulator.data.rows import RowFile
from convex_mastra_emulator.data.stored_files import StoredFiles, is_stored_file
from convex_mastra_emulator.data.table_import import TableImport
from convex_mastra_emulator.errors import NotEmulated
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.json_text import JsonTextError, parse_json
from convex_mastra_emulator.values.names import identifier_problem

Entries = Mapping[str, Callable[[], bytes]]
"""The files of an export by their paths, in its order; each is read when it is called."""

_DOCUMENTS = re.compile(r"(?P<folder>.*/)?(?P<table>[^/]+)/documents\.jsonl")
_GENERATED_SCHEMA = re.compile(r"(?P<folder>.*/)?(?P<table>[^/]+)/generated_schema\.jsonl")
_COMPONENT = re.compile(r"(?:.*/)?_components/[^/]+/")
# What exports and the tools that people pack folders with use; others have errors of their own.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_TABLES, _STORAGE = "_tables", "_storage"
_TABLE_NUMBERS = 2**32
# Rows of JSON pack into a tenth or a twentieth; a bomb of a ZIP into a thousandth.
_UNPACKED_RATIO_MAX = 200
_UNPACKED_SIZE_FREE = 256 << 20


def zip_entries(data: bytes) -> Entries:
    """The files of a ZIP.

    Raises:
        ImportRefused: when it is none, or damaged.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _invalid_zip() from None
    unpacked_size = sum(info.file_size for info in archive.infolist())
    if unpacked_size > max(_UNPACKED_SIZE_FREE, _UNPACKED_RATIO_MAX * len(data)):
        raise ImportRefused(
            f"the ZIP of {len(data):,} bytes would unpack to {unpacked_size:,} bytes, which no export does",
            code="InvalidZip",
        )
    entries: dict[str, Callable[[], bytes]] = {}
    for info in archive.infolist():
        if info.filename in entries:
            raise ImportRefused(f"the ZIP has more than one file {info.filename}", code="InvalidZip")
        if not info.filename.endswith("/"):  # as is_dir(), which fails on an empty name before Python 3.12
            entries[info.filename] = _reader(archive, info)
    return entries


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        if info.compress_type not in _COMPRESSIONS:
            raise _invalid_zip()
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError):
            # A wrong checksum, a cut stream, encryption.
            raise _invalid_zip() from None

    return read


def _invalid_zip() -> ImportRefused:
    return ImportRefused("Hit an error while importing:\ninvalid zip file", code="InvalidZip")


def is_export(entries: Entries) -> bool:
    """Whether some file stands where an export has the documents of a table."""
    return any(_DOCUMENTS.fullmatch(path) for path in entries)


def tables_of_export(entries: Entries) -> TableImport:
    """The tables of an export.

    Raises:
        ImportRefused: for names that are none, and a ``_tables`` that cannot be read.
        NotEmulated: for components, and generated schemas of the time before "uniform".
    """
    uniform = {
        table
        for path, table in _tables_at(entries, _GENERATED_SCHEMA)
        if not table.startswith("_") and _is_uniform(path, entries[path]())
    }
    files: dict[str, list[RowFile]] = {}
    declared: dict[str, int] = {}
    stored: StoredFiles | None = None
    for path, table in _tables_at(entries, _DOCUMENTS):
        if table == _TABLES:
            _declare(path, entries[path](), declared)
        elif table == _STORAGE:
            stored = _stored_files(path, entries)
        elif not table.startswith("_"):  # other system tables are left out by a deployment, too
            read = exported_lines if table in uniform else json_lines
            files.setdefault(table, []).append(read(path, entries[path]()))
    return TableImport(files, declared, stored)


def _tables_at(entries: Entries, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """The paths that match, each with its table."""
    for path in entries:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        table = found["table"]
        if _COMPONENT.fullmatch(found["folder"] or ""):
            if pattern is _DOCUMENTS and table != _TABLES and entries[path]():
                raise NotEmulated(f"{path}: components are not emulated; leave the folder _components out of the ZIP")
            continue
        problem = identifier_problem(table)
        if problem is not None:
            raise ImportRefused(f"table name '{table}' invalid: {problem}", code="InvalidTableName")
        yield path, table


def _is_uniform(path: str, data: bytes) -> bool:
    line = data.split(b"\n", 1)[0]
    try:
        mark = parse_json(line.decode("utf-8"))
    except (UnicodeDecodeError, JsonTextError) as error:
        raise rows_refused([BadRow(path, 1, f"Row 1 wasn't valid JSON: {error}", "JsonInvalidRow")]) from None
    if mark != "uniform":
        raise NotEmulated(f'{path}: only the generated schema "uniform" is read; export the deployment again')
    return True


def _stored_files(path: str, entries: Entries) -> StoredFiles:
    files = {name: read for name, read in entries.items() if is_stored_file(name) and not _COMPONENT.match(name)}
    return StoredFiles(path, entries[path](), files)


def _declare(path: str, data: bytes, declared: dict[str, int]) -> None:
    """Reads a ``_tables``, of which every row must be right."""
    for row in json_lines(path, data).rows():
        if isinstance(row, BadRow):
            raise rows_refused([row])
        name, number = _declared_table(path, row.line, row.json)
        if name in declared:
            raise ImportRefused(f"`_tables` contains duplicate entries for `{name}`", code="DuplicateTableName")
        declared[name] = number


def _declared_table(path: str, line: int, row: Any) -> tuple[str, int]:
    def bad(message: str, code: str, field: str | None = None) -> ImportRefused:
        return rows_refused([BadRow(path, line, message, code, field)])

    if type(row) is not dict:
        raise bad(f"Row {line} wasn't an object", "NotAnObject")
    name, number = row.get("name"), row.get("id")
    if type(name) is not str:
        raise bad(f"Row {line} wasn't a valid Convex value: table requires name", "InvalidConvexValue", "name")
    problem = identifier_problem(name)
    if problem is not None:
        raise bad(f"{quoted(name)} isn't a valid table name: {problem}", "InvalidName", "name")
    if type(number) is not float or not 1 <= number < _TABLE_NUMBERS:
        text = f"Row {line} wasn't a valid Convex value: table requires id (received {number!r})"
        raise bad(text, "InvalidConvexValue", "id")
    return name, int(number)

"""Files that data is read from: an export, a table in a format of its own, or a folder of such files.

npm convex src/cli/lib/convexImport.ts ``determineFormat`` (checked 2026-11-21).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal, TypeAlias, get_args

from convex_mastra_emulator.data.csv_rows import csv_rows, optional_fields_of
from convex_mastra_emulator.data.import_zip import Entries, is_export, tables_of_export, zip_entries
from convex_mastra_emulator.data.json_lines import json_array, json_lines
from convex_mastra_emulator.data.refusals import ImportRefused
from convex_mastra_emulator.data.rows import RowFile
from convex_mastra_emulator.data.table_import import TableImport
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.schema.schema import Schema

FileOrPath: TypeAlias = str | os.PathLike[str] | IO[bytes]
TableFormat = Literal["csv", "jsonLines", "jsonArray"]
"""The formats of one table, as ``npx convex import --format`` calls them."""

_FORMATS: dict[str, TableFormat] = {".csv": "csv", ".jsonl": "jsonLines", ".json": "jsonArray"}


def _name_and_bytes(source: FileOrPath) -> tuple[str, bytes]:
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return path.name, path.read_bytes()
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else "<file>", source.read()


def read_zip(source: FileOrPath) -> TableImport:
    """The tables of an export ZIP.

    Raises:
        ImportRefused: when it is none.
        NotEmulated: for parts of it that have no counterpart here.
        OSError: when it cannot be read.
    """
    return tables_of_export(zip_entries(_name_and_bytes(source)[1]))


def read_table(
    table: str, source: FileOrPath, table_format: TableFormat | None, schema: Schema, limits: Limits
) -> TableImport:
    """One table in a file of its own.

    Args:
        table: its name.
        source: the file.
        table_format: how it is written; None goes by the end of the file's name.
        schema: says which fields are optional.
        limits: says how large an array may be.

    Raises:
        ImportRefused: for a file that is not in that format.
        ValueError: for no format.
        OSError: when it cannot be read.
    """
    name, data = _name_and_bytes(source)
    chosen = table_format or _FORMATS.get(Path(name).suffix.lower())
    return TableImport({table: [_row_file(name, data, table, chosen, schema, limits)]})


def read_upload(table: str, data: bytes, table_format: TableFormat, schema: Schema, limits: Limits) -> TableImport:
    """One table in a file without a name, as :func:`read_table`; messages call it by the table's name.

    Raises:
        ImportRefused: for a file that is not in that format.
    """
    return TableImport({table: [_row_file(table, data, table, table_format, schema, limits)]})


def _row_file(
    name: str, data: bytes, table: str, table_format: TableFormat | None, schema: Schema, limits: Limits
) -> RowFile:
    match table_format:
        case "csv":
            return csv_rows(name, data, optional_fields_of(schema, table))
        case "jsonLines":
            return json_lines(name, data)
        case "jsonArray":
            return json_array(name, data, limits)
        case None:
            known = ", ".join(_FORMATS)
            raise ValueError(f"no format can be told from the name of {name!r}; name one, or call it by one of {known}")
    raise ValueError(f"format must be one of {', '.join(get_args(TableFormat))}, got {table_format!r}")


def read_files(source: str | os.PathLike[str], schema: Schema, limits: Limits) -> TableImport:
    """Everything at a path: a ZIP, the file of a table named like it, or a folder.

    A folder is an export that was unpacked, or has a file for each table; hidden files are left out.

    Raises:
        ImportRefused: when something there is not in its format.
        NotEmulated: for parts of an export that have no counterpart here.
        ValueError: for a file of no known format.
        OSError: when something cannot be read.
    """
    path = Path(source)
    if not path.is_dir():
        if path.suffix.lower() == ".zip":
            return read_zip(path)
        return read_table(path.stem, path, None, schema, limits)
    entries = _entries_of_folder(path)
    return tables_of_export(entries) if is_export(entries) else _tables_of_folder(path, schema, limits)


def _entries_of_folder(folder: Path) -> Entries:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes for path in files}


def _tables_of_folder(folder: Path, schema: Schema, limits: Limits) -> TableImport:
    tables: dict[str, Sequence[RowFile]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.stem in tables:
            raise ImportRefused(f"{folder.name}: more than one file for table `{path.stem}`", code="DuplicateTableName")
        tables.update(read_table(path.stem, path, None, schema, limits).files)
    return TableImport(tables)

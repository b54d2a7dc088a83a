"""Exports made by hand, from the documented format alone, and what tests ask of an emulator."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.values.ids import encode_id

UNIFORM = '"uniform"\n'


def zip_of(entries: Mapping[str, str | bytes]) -> io.BytesIO:
    """A ZIP with these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in entries.items():
            archive.writestr(path, content)
    file.seek(0)
    return file


def lines_of(rows: Iterable[Any]) -> str:
    """One JSON text per line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def export_of(numbers: Mapping[str, int], tables: Mapping[str, Iterable[Any]]) -> io.BytesIO:
    """An export as a deployment writes it: `_tables`, then each table with the mark that its lines lose nothing."""
    entries = {"_tables/documents.jsonl": lines_of({"name": name, "id": number} for name, number in numbers.items())}
    for name, rows in tables.items():
        entries[f"{name}/documents.jsonl"] = lines_of(rows)
        entries[f"{name}/generated_schema.jsonl"] = UNIFORM
    return zip_of(entries)


def id_of(table_number: int, n: int) -> str:
    """The n-th id of a table."""
    return encode_id(table_number, n.to_bytes(16))


def rows_of(emulator: Emulator, table: str) -> list[dict[str, Any]]:
    """The documents of a table by creation time."""
    found: list[dict[str, Any]] = emulator.run(lambda ctx: ctx.db.query(table).collect())
    return found

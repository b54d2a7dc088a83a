"""What an import would do, told before it begins: the message ``npx convex import`` shows and asks about.

convex-backend crates/application/src/snapshot_import/confirmation.rs, table_change.rs and import_error.rs
``wrap_import_err`` (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convex_mastra_emulator.data.import_states import TableChange
from convex_mastra_emulator.data.refusals import BadRow, ImportRefused, rows_refused
from convex_mastra_emulator.data.rows import RowFile
from convex_mastra_emulator.data.table_import import TableImport, table_exists
from convex_mastra_emulator.data.table_numbers import ImportMode
from convex_mastra_emulator.database.documents import ID

_PREFIX = "Hit an error while importing:\n"
_HEADER = ("table", "create", "delete")
_BACKGROUND = (
    "Once the import has started, it will run in the background.\nInterrupting `npx convex import` will not cancel it."
)


def count_rows(files: Sequence[RowFile]) -> tuple[int, bool]:
    """How many rows the files of a table have, and whether one of them has no ``_id``; what they say is not looked at.

    Raises:
        ImportRefused: for rows that cannot be read.
    """
    count = 0
    is_missing_id = False
    bad = []
    for file in files:
        for row in file.rows():
            count += 1
            if isinstance(row, BadRow):
                bad.append(row)
            elif type(row.json) is not dict or ID not in row.json:
                is_missing_id = True
    if bad:
        raise rows_refused(bad)
    return count, is_missing_id


def table_changes(
    tables: TableImport, counts: Mapping[str, tuple[int, bool]], existing: Mapping[str, int], mode: ImportMode
) -> list[TableChange]:
    """What the import means for each table, by name.

    Args:
        tables: what is imported.
        counts: the rows of each table with a file, as :func:`count_rows` gives them.
        existing: how many documents each table of the deployment has.
        mode: what happens to them.

    Raises:
        ImportRefused: ``TableExists``.
    """
    names = {*tables.declared, *tables.files, *(existing if mode == "replace-all" else ())}
    changes = []
    for name in sorted(name for name in names if not name.startswith("_")):
        there = existing.get(name, 0)
        if mode == "require-empty" and there:
            raise table_exists(name)
        deleted = there if mode in ("replace", "replace-all") else 0
        added, is_missing_id = counts.get(name, (0, False))
        changes.append(TableChange(name, added, deleted, there, is_missing_id))
    return changes


def message_to_confirm(changes: Sequence[TableChange]) -> str:
    """The message with a table of the changes."""
    if not changes:
        return _BACKGROUND
    rows = [_HEADER]
    rows += [(change.table, f"{change.added:,}", f"{change.deleted:,} of {change.existing:,}") for change in changes]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [" | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(["Import change summary:", *lines, _BACKGROUND])


def failure_text(error: Exception) -> str:
    """What the state of a failed import says.

    It begins with the deployment's words, which are those of the first bad row; behind them stand all rows that are
    bad, with file, line and field, which a deployment does not say.
    """
    if not isinstance(error, ImportRefused) or not error.rows:
        text = str(error)
        return text if text.startswith(_PREFIX) else _PREFIX + text
    first = error.rows[0]
    title = "This row cannot be imported:" if error.row_count == 1 else f"{error.row_count:,} rows cannot be imported:"
    lines = [_place(row, first.message) for row in error.rows]
    if error.row_count > len(error.rows):
        lines.append(f"… and {error.row_count - len(error.rows):,} more rows")
    return "\n".join([_PREFIX + first.message, "", title, *lines])


def _place(row: BadRow, already_said: str) -> str:
    field = "" if row.field is None else f", field `{row.field}`"
    reason = "" if row.message == already_said else f": {row.message}"
    return f"{row.file}, line {row.line}{field}{reason}"

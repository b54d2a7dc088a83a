"""Why data was not imported: what is wrong with the whole, or with which rows.

Codes and texts: convex-backend crates/application/src/snapshot_import/import_error.rs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convex_mastra_emulator.errors import DeploymentError

ROWS_NAMED_MAX = 20
"""So many bad rows an error names; a file in the wrong format would fill the screen otherwise."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported.

    Attributes:
        file: the file's name, or that of the file inside a ZIP.
        line: where the row begins; the first line is 1.
        message: why, in the deployment's words.
        code: the machine code of the deployment's error.
        field: the row's field that is at fault; None when it is the row as a whole.
    """

    file: str
    line: int
    message: str
    code: str
    field: str | None = None

    def __str__(self) -> str:
        where = "" if self.field is None else f", field `{self.field}`"
        return f"{self.file}, line {self.line}{where}: {self.message}"


class ImportRefused(DeploymentError):
    """Nothing was imported.

    Attributes:
        rows: the first rows that are at fault; empty when it is the file as a whole, or the tables that are there.
        row_count: how many rows are at fault.
    """

    default_code = "ImportFailed"

    def __init__(self, message: str, *, code: str | None = None, rows: Sequence[BadRow] = ()) -> None:
        super().__init__(message, code=code)
        self.rows = tuple(rows[:ROWS_NAMED_MAX])
        self.row_count = len(rows)


def rows_refused(rows: Sequence[BadRow]) -> ImportRefused:
    """The refusal of a file because of its rows, of which there is at least one."""
    lines = [str(row) for row in rows[:ROWS_NAMED_MAX]]
    if len(rows) > ROWS_NAMED_MAX:
        lines.append(f"… and {len(rows) - ROWS_NAMED_MAX:,} more rows")
    return ImportRefused("Hit an error while importing:\n" + "\n".join(lines), code=rows[0].code, rows=rows)

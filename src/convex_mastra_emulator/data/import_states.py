"""Documents of ``_snapshot_imports``: what they say of an import, and how that changes while it goes on.

    uploaded → waiting_for_confirmation → in_progress → completed
    each of them but the last → failed

convex-backend crates/model/src/snapshot_imports/types.rs and mod.rs, crates/application/src/snapshot_import/mod.rs
``import_single_table`` (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.data.files import TableFormat
from convex_mastra_emulator.data.table_numbers import ImportMode
from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.values.types import Value

Fields = dict[str, Any]
UPLOADED, WAITING, IN_PROGRESS = "uploaded", "waiting_for_confirmation", "in_progress"
COMPLETED, FAILED = "completed", "failed"
_OPEN = (UPLOADED, WAITING, IN_PROGRESS)

_FORMAT_NAMES = {"csv": "csv", "jsonLines": "jsonl", "jsonArray": "json_array"}
_MODE_NAMES: dict[ImportMode, str] = {
    "append": "Append",
    "replace": "Replace",
    "replace-all": "ReplaceAll",
    "require-empty": "RequireEmpty",
}


class ImportEnded(Exception):
    """The import is no longer in the state that it should leave: somebody cancelled it, or it is gone."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is to be imported, and how.

    Attributes:
        data: the file's bytes.
        table: where the rows go; None for a ZIP.
        format: the format of a table's file; None for a ZIP.
        mode: what happens to documents that are there.
    """

    data: bytes
    table: str | None
    format: TableFormat | None
    mode: ImportMode


@dataclass(frozen=True, slots=True)
class TableChange:
    """What an import means for one table."""

    table: str
    added: int
    deleted: int
    existing: int
    is_missing_id: bool


def new_fields(request: ImportRequest, object_key: str) -> Fields:
    """The document of an import whose file has come in."""
    format: Value = {"format": "zip"}
    if request.format is not None:
        format = {"format": _FORMAT_NAMES[request.format], "table": request.table}
    return {
        "checkpoints": None,
        "component_path": None,
        "format": format,
        "fq_object_key": object_key,
        "member_id": None,
        "mode": _MODE_NAMES[request.mode],
        "requestor": {"type": "snapshotImport"},
        "state": {"state": UPLOADED},
    }


def state_name(fields: Fields) -> str:
    """Which of the states it is."""
    name: str = fields["state"]["state"]
    return name


def _moved(fields: Fields, expected: Sequence[str], state: Fields, **changed: Any) -> Fields:
    if state_name(fields) not in expected:
        raise ImportEnded
    return {**fields, "state": state, **changed}


def waiting(fields: Fields, message: str, changes: Sequence[TableChange]) -> Fields:
    """The file was read; it is known what the import would do."""
    state = {
        "message_to_confirm": message,
        "require_manual_confirmation": any(change.deleted > 0 for change in changes),
        "state": WAITING,
    }
    return _moved(fields, (UPLOADED,), state, checkpoints=[_checkpoint(change) for change in changes])


def _checkpoint(change: TableChange) -> Fields:
    return {
        "component_path": None,
        "display_table_name": change.table,
        "existing_rows_in_table": ConvexInt64(change.existing),
        "existing_rows_to_delete": ConvexInt64(change.deleted),
        "is_missing_id_field": change.is_missing_id,
        "num_rows_written": ConvexInt64(0),
        "tablet_id": None,
        "total_num_rows_to_write": ConvexInt64(change.added),
    }


def confirmed(fields: Fields) -> Fields:
    """The import may begin; nothing changes if it has begun or ended."""
    if state_name(fields) != WAITING:
        return fields
    state = {"checkpoint_messages": [], "progress_message": "Importing", "state": IN_PROGRESS}
    return _moved(fields, (WAITING,), state)


def canceled(fields: Fields) -> Fields:
    """The import is to end and to leave nothing.

    Raises:
        RequestRefused: when it has ended.
    """
    name = state_name(fields)
    if name not in _OPEN:
        raise RequestRefused(f"Cannot cancel an import that has {name}", code="CannotCancelImport")
    return failed(fields, "Import canceled")


def failed(fields: Fields, message: str) -> Fields:
    """Nothing was imported."""
    return _moved(fields, _OPEN, {"error_message": message, "state": FAILED})


def completed(fields: Fields, timestamp_ns: int, count: int) -> Fields:
    """Everything was imported."""
    state = {
        "num_rows_written": ConvexInt64(count),
        "state": COMPLETED,
        "timestamp": ConvexInt64(timestamp_ns),
    }
    return _moved(fields, (IN_PROGRESS,), state)


def told(fields: Fields, table: str, count: int, *, is_done: bool) -> Fields:
    """So many rows of a table have passed; all of them if ``is_done``."""
    if state_name(fields) != IN_PROGRESS:
        raise ImportEnded
    before = _written(fields, table)
    # A count that is no greater says nothing new; the first 0 does, before there is another.
    is_old = before is not None and count <= before and (is_done or before > 0)
    if is_old and not is_done:
        return fields
    state = dict(fields["state"])
    if is_done:
        message = f'Imported "{table}" ({count:,} documents)'
        if message not in state["checkpoint_messages"]:
            state["checkpoint_messages"] = [*state["checkpoint_messages"], message]
    else:
        message = f'Importing "{table}" ({count:,} documents)' if count else f'Importing "{table}"'
    if not is_old:
        state["progress_message"] = message
    checkpoints = [
        {**checkpoint, "num_rows_written": ConvexInt64(count)}
        if checkpoint["display_table_name"] == table and not is_old
        else checkpoint
        for checkpoint in fields["checkpoints"] or ()
    ]
    return {**fields, "state": state, "checkpoints": checkpoints}


def _written(fields: Fields, table: str) -> int | None:
    for checkpoint in fields["checkpoints"] or ():
        if checkpoint["display_table_name"] == table:
            return int(checkpoint["num_rows_written"].value)
    return None


def not_found(import_id: str) -> RequestRefused:
    """The refusal of an id that is no import's."""
    return RequestRefused(f"import {import_id} not found", code="ImportNotFound", kind=ErrorKind.NOT_FOUND)

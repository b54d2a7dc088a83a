"""Background tasks that older versions wrote into the fallback table.

A typed row hides the legacy one; field names are matched in both spellings.
npm @mastra/convex 1.5.2 (mastra-adapter.md §7).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.mastra.records import (
    BATCH_SIZE,
    Response,
    delete_all,
    done,
    equal_to,
    field_of,
    find_by_record_id,
    find_existing,
    in_batches,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.values.javascript import property_of, spread, strictly_equal, to_string
from convex_mastra_emulator.values.types import Document, undefined

TABLE = "mastra_background_tasks"
DOCUMENTS_TABLE = "mastra_documents"

_SNAKE_CASE = {
    "toolCallId": "tool_call_id",
    "toolName": "tool_name",
    "agentId": "agent_id",
    "runId": "run_id",
    "threadId": "thread_id",
    "resourceId": "resource_id",
    "suspendPayload": "suspend_payload",
    "retryCount": "retry_count",
    "maxRetries": "max_retries",
    "timeoutMs": "timeout_ms",
}
OTHER_SPELLING = {**_SNAKE_CASE, **{snake: camel for camel, snake in _SNAKE_CASE.items()}}

_MISSING_TABLE_WORDS = ("does not exist", "not found", "not defined", "no such")


def is_missing_table(error_text: str) -> bool:
    """Whether an error says that the typed table is not deployed."""
    text = error_text.lower()
    return TABLE in text and any(words in text for words in _MISSING_TABLE_WORDS)


def find_legacy(ctx: MutationContext, record_id: Any) -> Document | None:
    """The row of the fallback table that holds a task."""
    by_id = equal_to(("table", TABLE), ("primaryKey", to_string(record_id)))
    return ctx.db.query(DOCUMENTS_TABLE).with_index("by_table_primary", by_id).unique()


def load_legacy(ctx: MutationContext, record_id: Any) -> Any:
    """The task in the fallback table, or None."""
    legacy = find_legacy(ctx, record_id)
    return None if legacy is None else legacy["record"]


def patch_legacy(ctx: MutationContext, record_id: Any, changes: dict[str, Any]) -> bool:
    """Changes the task in the fallback table, where it stays; False if there is none."""
    legacy = find_legacy(ctx, record_id)
    if legacy is None:
        return False
    ctx.db.patch(legacy["_id"], {"record": merge_spellings(legacy["record"], changes)})
    return True


def delete_legacy(ctx: MutationContext, record_id: Any) -> None:
    """Removes the task from the fallback table, if it is there."""
    legacy = find_legacy(ctx, record_id)
    if legacy is not None:
        ctx.db.delete(legacy["_id"])


def merge_spellings(record: Any, changes: dict[str, Any]) -> dict[str, Any]:
    """``{...record, ...changes}``, in which a changed field's other spelling goes."""
    merged = spread(record)
    for field, value in changes.items():
        merged.pop(OTHER_SPELLING.get(field, ""), None)
        merged[field] = value
    return merged


def matches_in_any_spelling(record: Any, filters: list[dict[str, Any]]) -> bool:
    """Whether every filter holds under its field's name or the other spelling of it."""
    return all(_matches(record, property_of(item, "field"), property_of(item, "value")) for item in filters)


def _matches(record: Any, field: Any, value: Any) -> bool:
    field = to_string(field)
    if strictly_equal(property_of(record, field), value):
        return True
    other = OTHER_SPELLING.get(field)
    return other is not None and strictly_equal(property_of(record, other), value)


def with_legacy(ctx: MutationContext, ids: list[Any], rows: list[Document]) -> list[Any]:
    """The tasks of those ids, in their order: typed rows, else legacy ones."""
    typed = {to_string(row["id"]): row for row in rows}
    missing = [record_id for record_id in ids if not (isinstance(record_id, str) and record_id in typed)]
    legacy = find_existing(missing, lambda record_id: find_legacy(ctx, record_id))
    found = {**{to_string(property_of(row["record"], "id")): row["record"] for row in legacy}, **typed}
    return [found[record_id] for record_id in ids if isinstance(record_id, str) and record_id in found]


def with_legacy_matches(
    ctx: MutationContext, rows: list[Document], filters: list[dict[str, Any]], rows_max: int
) -> list[Any]:
    """The rows of a query, then the legacy tasks that match it and have no typed row; each id once."""
    legacy = [row["record"] for row in _legacy_rows(ctx, rows_max)]
    legacy = [record for record in legacy if matches_in_any_spelling(record, filters)]
    hidden = in_batches(legacy, lambda record: _has_typed_row(ctx, record))
    kept = [record for record, is_hidden in zip(legacy, hidden, strict=True) if not is_hidden]
    return _once_each([*rows, *kept])


def _legacy_rows(ctx: MutationContext, count: int) -> list[Document]:
    return ctx.db.query(DOCUMENTS_TABLE).with_index("by_table", equal_to(("table", TABLE))).take(count)


def _has_typed_row(ctx: MutationContext, record: Any) -> bool:
    record_id = property_of(record, "id")
    is_absent = record_id is None or record_id is undefined
    return not is_absent and find_by_record_id(ctx, TABLE, to_string(record_id)) is not None


def _once_each(records: list[Any]) -> list[Any]:
    seen: set[str] = set()
    kept = []
    for record in records:
        record_id = field_of(record, "id")
        if record_id is not None and record_id is not undefined:
            text = to_string(record_id)
            if text in seen:
                continue
            seen.add(text)
        kept.append(record)
    return kept


def clear_with_legacy(ctx: MutationContext, rows: list[Document]) -> Response:
    """Deletes fewer than twenty-five typed rows and fills the batch up with legacy ones."""
    room = BATCH_SIZE - len(rows)
    legacy = _legacy_rows(ctx, room + 1)
    delete_all(ctx, [*rows, *legacy[:room]])
    return done(hasMore=len(legacy) > room)

"""``storage:handle``: one mutation for every table of Mastra, reads included.

The logical table of a request decides who answers: vector tables, a typed table, or the fallback table.
Vector tables and the background tasks answer their errors as ``{ok: false}`` and keep what was written before;
the other branches let them out, so that the whole mutation is undone (mastra-adapter.md §2).

npm @mastra/convex 1.5.2 ``mastraStorage``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.mastra import background_tasks, fallback, vectors
from convex_mastra_emulator.mastra.memory import MEMORY_OPERATIONS
from convex_mastra_emulator.mastra.observational_memory import OBSERVATIONAL_MEMORY_OPERATIONS
from convex_mastra_emulator.mastra.records import Request, Response, argument, refused, unsupported
from convex_mastra_emulator.mastra.schedules import SCHEDULE_OPERATIONS
from convex_mastra_emulator.mastra.typed import TYPED_OPERATIONS
from convex_mastra_emulator.mastra.workflows import WORKFLOW_OPERATIONS
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.values.javascript import property_of
from convex_mastra_emulator.values.types import undefined

Operation: TypeAlias = Callable[[MutationContext, str, Request], Response]

# Logical names that are not the table's own; every other known name stands for itself.
_RENAMED = {"mastra_workflow_snapshot": "mastra_workflow_snapshots"}
_TYPED_TABLES = frozenset(
    {
        "mastra_threads",
        "mastra_messages",
        "mastra_resources",
        "mastra_workflow_snapshots",
        "mastra_scorers",
        "mastra_schedules",
        "mastra_schedule_triggers",
        "mastra_channel_installations",
        "mastra_channel_config",
        background_tasks.TABLE,
        vectors.INDEXES_TABLE,
        "mastra_observational_memory",
    }
)

OPERATIONS: Mapping[str, Operation] = {
    **TYPED_OPERATIONS,
    **MEMORY_OPERATIONS,
    **WORKFLOW_OPERATIONS,
    **SCHEDULE_OPERATIONS,
    **OBSERVATIONAL_MEMORY_OPERATIONS,
}
"""The operations of typed tables; a new one is one entry more."""


def handle_storage(ctx: MutationContext, request: Any = undefined) -> Response:
    """Answers one request of ``ConvexStore`` or ``ConvexVector``.

    Raises:
        Exception: whatever a typed table or the fallback table refuses; the mutation is then undone.
    """
    try:
        table_name = property_of(request, "tableName")
        if not isinstance(table_name, str):
            _starts_with(table_name)
        if vectors.is_vector_table(table_name):
            return vectors.handle(ctx, request)
    except Exception as error:
        return refused(_text_of(error))
    table = _typed_table(table_name)
    if table is None:
        return fallback.handle(ctx, request)
    if table == background_tasks.TABLE:
        return _handle_background_tasks(ctx, request)
    return _handle_typed(ctx, table, request)


def _typed_table(table_name: str) -> str | None:
    if table_name in _RENAMED:
        return _RENAMED[table_name]
    # The physical names of renamed tables are unknown as logical ones and go to the fallback table.
    return table_name if table_name in _TYPED_TABLES and table_name not in _RENAMED.values() else None


def _handle_typed(ctx: MutationContext, table: str, request: Request) -> Response:
    op = argument(request, "op")
    operation = OPERATIONS.get(op) if isinstance(op, str) else None
    return unsupported(request) if operation is None else operation(ctx, table, request)


def _handle_background_tasks(ctx: MutationContext, request: Request) -> Response:
    try:
        return _handle_typed(ctx, background_tasks.TABLE, request)
    except Exception as error:
        if not background_tasks.is_missing_table(_text_of(error)):
            return refused(_text_of(error))
    return fallback.handle(ctx, request)


def _text_of(error: Exception) -> str:
    """``error.message``."""
    return error.message if isinstance(error, DeploymentError) else str(error)


def _starts_with(table_name: Any) -> None:
    """``tableName.startsWith(…)`` of something that is no text."""
    property_of(table_name, "startsWith")
    raise TypeError("tableName.startsWith is not a function")

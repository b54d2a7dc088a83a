"""What requests to ``storage:handle`` carry names in: the one table that :mod:`.storage` goes by.

An operation that is not here is refused, so that nothing is sent that nobody thought about (mastra-adapter.md §2, §13).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Answer = Literal["as it is", "own rows", "own due schedules", "first own match", "own rows deleted"]
"""What becomes of an answer that may hold other people's rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One operation on a typed table.

    Attributes:
        names: arguments that are a name by which rows are found; they must be texts.
        name_lists: arguments that are lists of such.
        new_names: arguments that are a name of something that is made.
        records: arguments that are a record; columns that hold names are changed.
        record_lists: arguments that are lists of such.
        creates: whether a record has to have an id that is not empty, and is refused by the handler if it has none.
        makes: those of all these arguments that name a row which may be new.
        repeats: where an id stands that another row may have; the handlers find neither of the two then.
        answer: see :data:`Answer`.
    """

    names: tuple[str, ...] = ()
    name_lists: tuple[str, ...] = ()
    new_names: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    record_lists: tuple[str, ...] = ()
    creates: bool = False
    makes: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    answer: Answer = "as it is"


_BY_ID = Rule(names=("id",))
_CREATE = Rule(records=("record",), creates=True)
_RUN = Rule(names=("workflowName", "runId"))
_BY_KEY = Rule(names=("lookupKey",))

STORAGE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "insert": _CREATE,
        "batchInsert": Rule(record_lists=("records",), creates=True),
        "patch": Rule(names=("id",), records=("record",)),
        "load": Rule(answer="first own match"),
        "loadMany": Rule(name_lists=("ids",)),
        "queryTable": Rule(answer="own rows"),
        "clearTable": Rule(answer="own rows deleted"),
        "dropTable": Rule(answer="own rows deleted"),
        "deleteMany": Rule(name_lists=("ids",)),
        "updateThread": _BY_ID,
        "updateResource": Rule(names=("resourceId",), makes=("resourceId",)),
        "mergeWorkflowStepResult": _RUN,
        "mergeWorkflowState": _RUN,
        "createSchedule": _CREATE,
        "recordScheduleTrigger": _CREATE,
        "listDueSchedules": Rule(answer="own due schedules"),
        "updateScheduleNextFire": Rule(names=("id",), new_names=("lastRunId",)),
        # Here a patch may carry an id.
        "updateSchedule": Rule(names=("id",), records=("patch",), repeats=("patch", "id")),
        "listScheduleTriggers": Rule(names=("scheduleId",)),
        "deleteScheduleTriggers": Rule(names=("scheduleId",)),
        "omGetLatest": _BY_KEY,
        "omGetHistory": _BY_KEY,
        "omUpdateActive": _BY_ID,
        "omAppendBufferedChunk": _BY_ID,
        "omSwapBuffered": _BY_ID,
        "omUpdateBufferedReflection": _BY_ID,
        "omSwapBufferedReflection": Rule(
            new_names=("newId",), records=("currentRecord",), makes=("newId",), repeats=("newId",)
        ),
        "omUpdateConfig": _BY_ID,
    }
)

# The columns that hold a name a test gives, or refer to one, above all those by which the handlers find rows: the first
# fields of the indexes.  All other columns stay as they are.  mastra-adapter.md §13.
NAME_COLUMNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "mastra_threads": frozenset({"id", "resourceId"}),
        "mastra_messages": frozenset({"id", "thread_id", "resourceId"}),
        "mastra_resources": frozenset({"id"}),
        "mastra_workflow_snapshot": frozenset({"id", "workflow_name", "run_id", "resourceId"}),
        "mastra_scorers": frozenset({"id", "scorerId", "runId", "entityId", "resourceId", "threadId"}),
        "mastra_schedules": frozenset({"id", "workflow_id", "owner_id", "last_run_id"}),
        "mastra_schedule_triggers": frozenset({"id", "schedule_id", "run_id", "parent_trigger_id"}),
        "mastra_channel_installations": frozenset({"id", "platform", "agentId", "webhookId"}),
        "mastra_channel_config": frozenset({"id", "platform"}),
        "mastra_background_tasks": frozenset(
            {"id", "run_id", "tool_call_id", "thread_id", "resource_id", "agent_id", "tool_name"}
        ),
        "mastra_observational_memory": frozenset({"id", "lookupKey", "resourceId", "threadId"}),
        "mastra_vector_indexes": frozenset({"id", "indexName"}),
    }
)
"""By typed table, under the name requests give it."""

CACHE_OPERATIONS = frozenset({"get", "set", "listPush", "listLength", "listFromTo", "delete", "clear", "increment"})
"""Every operation of ``cache:handle``; all of them carry ``key``, ``keyPrefix`` or both (mastra-adapter.md §12)."""

NATIVE_OPERATIONS = frozenset({"getByConvexIds", "describe", "listByIds", "upsert", "updateById", "deleteByIds"})
"""Every operation of ``nativeVector:read`` and ``:write`` (mastra-adapter.md §11)."""

"""The domain ``schedules``: what is run again and again, and the triggers that ran it.

Targets and metadata are JSON text on the deployment, times are numbers of milliseconds.
npm @mastra/convex 1.5.2 ``SchedulesConvex``, npm @mastra/core 1.71.0 ``normalizeScheduleTarget`` (mastra-adapter.md
§8, checked 2026-11-21).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from convex import ConvexError

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.json_text import from_json_text, number_text, to_json_text
from convex_mastra_emulator.stores.storage_client import UNSET, Record, StorageClient, Unset, equal, given
from convex_mastra_emulator.stores.times import from_epoch_ms, to_epoch_ms

TABLE_SCHEDULES = "mastra_schedules"
TABLE_SCHEDULE_TRIGGERS = "mastra_schedule_triggers"
SCHEDULE_LIST_LIMIT = 8000

_MISSING_TABLE = re.compile(
    r"Table\s+[\"'`]?(?:mastra_schedules|mastra_schedule_triggers)[\"'`]?\s+(?:is\s+)?"
    r"(?:not\s+in\s+the\s+schema|not\s+found\s+in\s+schema|not\s+found|does\s+not\s+exist)",
    re.IGNORECASE,
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What runs when.

    Attributes:
        id: its own id.
        target: what runs, a JSON object in Mastra's spelling: ``{"type": "workflow", "workflowId": …}`` or
            ``{"type": "agent", "agentId": …, "prompt": …}``.
        cron: when, as cron says it.
        timezone: whose clock cron means.
        status: ``active`` or ``paused``.
        next_fire_at: when it runs next.
        last_fire_at: when it ran last.
        last_run_id: the run of that time.
        metadata: a JSON object.
        owner_type: what it belongs to, for example ``agent``.
        owner_id: whom it belongs to.
        created_at: when it was made.
        updated_at: when it was last changed.
    """

    id: str
    target: Mapping[str, Any]
    cron: str
    timezone: str | None = None
    status: str
    next_fire_at: datetime
    last_fire_at: datetime | None = None
    last_run_id: str | None = None
    metadata: Any = None
    owner_type: str | None = None
    owner_id: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTrigger:
    """One time a schedule ran, or should have.

    Attributes:
        id: its own id; a new one if None.
        schedule_id: the schedule.
        run_id: the run; None if there was none.
        scheduled_fire_at: when it should have run.
        actual_fire_at: when it did.
        outcome: what came of it, for example ``published``.
        error: why it failed.
        trigger_kind: ``schedule-fire``, ``queue-drain`` or ``manual``.
        parent_trigger_id: the trigger that caused this one.
        metadata: a JSON object.
    """

    id: str | None = None
    schedule_id: str
    run_id: str | None = None
    scheduled_fire_at: datetime
    actual_fire_at: datetime
    outcome: str
    error: str | None = None
    trigger_kind: str = "schedule-fire"
    parent_trigger_id: str | None = None
    metadata: Any = None


class ConvexSchedules:
    """Schedules on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def dangerously_clear_all(self) -> None:
        """Deletes all triggers and all schedules."""
        self._client.clear_table(TABLE_SCHEDULE_TRIGGERS)
        self._client.clear_table(TABLE_SCHEDULES)

    # Schedules

    def create_schedule(self, schedule: Schedule) -> Schedule:
        """Writes a schedule and returns its argument.

        Raises:
            StorageError: without an id.
            FunctionError: when there is one of its id.
        """
        if not schedule.id:
            raise StorageError("Schedule is missing an id")
        self._client.call("createSchedule", TABLE_SCHEDULES, record=_schedule_record(schedule))
        return schedule

    def get_schedule(self, id: str) -> Schedule | None:
        """The schedule, or None if there is none."""
        row = self._client.load(TABLE_SCHEDULES, id=id)
        return _schedule(row) if row else None

    def list_schedules(
        self,
        *,
        status: str | None = None,
        workflow_id: str | None = None,
        owner_type: str | Unset | None = UNSET,
        owner_id: str | Unset | None = UNSET,
    ) -> list[Schedule]:
        """The schedules that meet all conditions, oldest first, 8,000 at most.

        A deployment without the table has none; that is logged as a warning.

        Args:
            status: ``active`` or ``paused``.
            workflow_id: the workflow that is their target.
            owner_type: what they belong to; None lists those that belong to nothing.
            owner_id: whom they belong to; None lists those that belong to nobody.
        """
        filters = [equal("status", status)] if status else []
        filters += [equal("owner_type", owner_type)] if owner_type is not UNSET else []
        filters += [equal("owner_id", owner_id)] if owner_id is not UNSET else []
        filters += [equal("workflow_id", workflow_id)] if workflow_id else []
        try:
            rows = self._client.query_table(TABLE_SCHEDULES, filters or None, limit=SCHEDULE_LIST_LIMIT)
        except (EmulatorError, ConvexError) as error:
            return _none_if_table_is_missing(error)
        if len(rows) >= SCHEDULE_LIST_LIMIT:
            _logger.warning("The list of schedules ends at the limit of %d", SCHEDULE_LIST_LIMIT)
        schedules = list(map(_schedule, rows))
        if workflow_id:
            schedules = [schedule for schedule in schedules if _workflow_id(schedule.target) == workflow_id]
        return sorted(schedules, key=lambda schedule: schedule.created_at)

    def list_due_schedules(self, now: datetime, limit: float | None = None) -> list[Schedule]:
        """The active schedules that should run at a time, the one that waits longest first.

        A deployment without the table has none; that is logged as a warning.

        Args:
            now: the time.
            limit: how many at most; 100 unless given.
        """
        try:
            rows = self._client.call(
                "listDueSchedules", TABLE_SCHEDULES, now=to_epoch_ms(now), limit=UNSET if limit is None else limit
            )
        except (EmulatorError, ConvexError) as error:
            return _none_if_table_is_missing(error)
        return list(map(_schedule, rows))

    def update_schedule(
        self,
        id: str,
        *,
        cron: str | Unset = UNSET,
        timezone: str | Unset | None = UNSET,
        status: str | Unset = UNSET,
        next_fire_at: datetime | Unset = UNSET,
        target: Mapping[str, Any] | Unset = UNSET,
        metadata: Any = UNSET,
        owner_type: str | Unset | None = UNSET,
        owner_id: str | Unset | None = UNSET,
    ) -> Schedule:
        """Changes what is given and returns the schedule as it is then; None clears.

        Raises:
            StorageError: ``Schedule <id> not found``, when nothing is to be changed.
            FunctionError: the same, when something is.
        """
        changes = given(
            cron=cron,
            timezone=timezone,
            status=status,
            next_fire_at=to_epoch_ms(next_fire_at) if isinstance(next_fire_at, datetime) else next_fire_at,
            metadata=metadata if metadata is UNSET else _optional_text(metadata),
            owner_type=owner_type,
            owner_id=owner_id,
        )
        if isinstance(target, Mapping):
            changes.update(target=to_json_text(target), workflow_id=_workflow_id(target))
        if not changes:
            existing = self.get_schedule(id)
            if existing is None:
                raise StorageError(f"Schedule {id} not found")
            return existing
        changes["updated_at"] = to_epoch_ms(self._client.clock())
        return _schedule(self._client.call("updateSchedule", TABLE_SCHEDULES, id=id, patch=changes))

    def update_schedule_next_fire(
        self,
        id: str,
        expected_next_fire_at: datetime,
        new_next_fire_at: datetime,
        last_fire_at: datetime,
        last_run_id: str,
    ) -> bool:
        """Moves a schedule on if it is active and runs next when the caller thinks; False, and no write, if not."""
        moved: bool = self._client.call(
            "updateScheduleNextFire",
            TABLE_SCHEDULES,
            id=id,
            expectedNextFireAt=to_epoch_ms(expected_next_fire_at),
            newNextFireAt=to_epoch_ms(new_next_fire_at),
            lastFireAt=to_epoch_ms(last_fire_at),
            lastRunId=last_run_id,
        )
        return moved

    def delete_schedule(self, id: str) -> None:
        """Deletes a schedule's triggers, then itself; a missing one is no error."""
        self._client.until_done("deleteScheduleTriggers", TABLE_SCHEDULE_TRIGGERS, scheduleId=id)
        self._client.delete_many(TABLE_SCHEDULES, [id])

    # Triggers

    def record_trigger(self, trigger: ScheduleTrigger) -> None:
        """Writes a trigger.

        Raises:
            StorageError: when its id is empty.
            FunctionError: when there is one of its id.
        """
        record_id = self._client.new_id() if trigger.id is None else trigger.id
        if not record_id:
            raise StorageError("Schedule trigger is missing an id")
        record = _trigger_record(record_id, trigger)
        self._client.call("recordScheduleTrigger", TABLE_SCHEDULE_TRIGGERS, record=record)

    def list_triggers(
        self,
        schedule_id: str,
        *,
        from_actual_fire_at: datetime | None = None,
        to_actual_fire_at: datetime | None = None,
        limit: float | None = None,
    ) -> list[ScheduleTrigger]:
        """The triggers of a schedule, newest first.

        Args:
            schedule_id: the schedule.
            from_actual_fire_at: those of this time or later.
            to_actual_fire_at: those before this time.
            limit: how many at most; 100 unless given.
        """
        rows = self._client.call(
            "listScheduleTriggers",
            TABLE_SCHEDULE_TRIGGERS,
            scheduleId=schedule_id,
            fromActualFireAt=UNSET if from_actual_fire_at is None else to_epoch_ms(from_actual_fire_at),
            toActualFireAt=UNSET if to_actual_fire_at is None else to_epoch_ms(to_actual_fire_at),
            limit=UNSET if limit is None else limit,
        )
        return list(map(_trigger, rows))


def _none_if_table_is_missing(error: Exception) -> list[Schedule]:
    if not _MISSING_TABLE.search(str(error)):
        raise error
    _logger.warning("The deployment has no tables for schedules, so there are none: %s", error)
    return []


# Rows


def _workflow_id(target: Mapping[str, Any]) -> Any:
    return target.get("workflowId", UNSET) if target.get("type") == "workflow" else None


def _optional_text(value: Any) -> str | None:
    return None if value is None else to_json_text(value)


def _optional_ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_epoch_ms(moment)


def _schedule_record(schedule: Schedule) -> Record:
    return given(
        id=schedule.id,
        target=to_json_text(schedule.target),
        cron=schedule.cron,
        timezone=schedule.timezone,
        status=schedule.status,
        next_fire_at=to_epoch_ms(schedule.next_fire_at),
        last_fire_at=_optional_ms(schedule.last_fire_at),
        last_run_id=schedule.last_run_id,
        created_at=to_epoch_ms(schedule.created_at),
        updated_at=to_epoch_ms(schedule.updated_at),
        metadata=_optional_text(schedule.metadata),
        owner_type=schedule.owner_type,
        owner_id=schedule.owner_id,
        workflow_id=_workflow_id(schedule.target),
    )


def _schedule(row: Record) -> Schedule:
    target = _parsed(row.get("target"))
    if not isinstance(target, Mapping) or not isinstance(target.get("type"), str):
        raise StorageError(f"Schedule {row.get('id')} has invalid target")
    # "heartbeat" is what agents' schedules were called once.
    is_legacy = target["type"] == "heartbeat"
    last_fire_at = row.get("last_fire_at")
    return Schedule(
        id=_text(row["id"]),
        target={**target, "type": "agent"} if is_legacy else target,
        cron=_text(row["cron"]),
        timezone=_optional(row, "timezone"),
        status=_text(row["status"]),
        next_fire_at=from_epoch_ms(row["next_fire_at"]),
        last_fire_at=None if last_fire_at is None else from_epoch_ms(last_fire_at),
        last_run_id=_optional(row, "last_run_id"),
        metadata=_parsed(row.get("metadata")),
        owner_type=_optional(row, "owner_type"),
        owner_id=_optional(row, "owner_id"),
        created_at=from_epoch_ms(row["created_at"]),
        updated_at=from_epoch_ms(row["updated_at"]),
    )


def _trigger_record(record_id: str, trigger: ScheduleTrigger) -> Record:
    return {
        "id": record_id,
        "schedule_id": trigger.schedule_id,
        "run_id": trigger.run_id,
        "scheduled_fire_at": to_epoch_ms(trigger.scheduled_fire_at),
        "actual_fire_at": to_epoch_ms(trigger.actual_fire_at),
        "outcome": trigger.outcome,
        "error": trigger.error,
        "trigger_kind": trigger.trigger_kind,
        "parent_trigger_id": trigger.parent_trigger_id,
        "metadata": _optional_text(trigger.metadata),
    }


def _trigger(row: Record) -> ScheduleTrigger:
    return ScheduleTrigger(
        id=_optional(row, "id"),
        schedule_id=_text(row["schedule_id"]),
        run_id=_optional(row, "run_id"),
        scheduled_fire_at=from_epoch_ms(row["scheduled_fire_at"]),
        actual_fire_at=from_epoch_ms(row["actual_fire_at"]),
        outcome=_text(row["outcome"]),
        error=_optional(row, "error"),
        trigger_kind=_optional(row, "trigger_kind") or "schedule-fire",
        parent_trigger_id=_optional(row, "parent_trigger_id"),
        metadata=_parsed(row.get("metadata")),
    )


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def _optional(row: Record, column: str) -> str | None:
    value = row.get(column)
    return None if value is None else _text(value)


def _parsed(value: Any) -> Any:
    """What a column of JSON text says; what is no JSON stands for itself."""
    if not isinstance(value, str):
        return value
    try:
        return from_json_text(value)
    except ValueError:
        return value

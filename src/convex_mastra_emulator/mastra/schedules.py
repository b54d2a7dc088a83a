"""Schedules and their triggers.

npm @mastra/convex 1.5.2 (mastra-adapter.md §2 and §8).
"""

from __future__ import annotations

import math

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.mastra.records import (
    BATCH_SIZE,
    Request,
    Response,
    argument,
    delete_batch,
    done,
    equal_to,
    find_by_record_id,
)
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.expression_builders import IndexRangeBuilder
from convex_mastra_emulator.values.javascript import property_of, spread, strictly_equal, to_string, truthy
from convex_mastra_emulator.values.types import undefined

_SCHEDULES = "mastra_schedules"
_TRIGGERS = "mastra_schedule_triggers"
_LIMIT_DEFAULT = 100


def _only_for(table: str, expected: str, request: Request) -> None:
    if table != expected:
        raise ThrownError(f"{argument(request, 'op')} is only supported for {expected}")


def _limit(request: Request) -> int:
    """Whole and not negative; 100 if it is absent or no finite number."""
    limit = argument(request, "limit")
    if not isinstance(limit, float) or not math.isfinite(limit):
        return _LIMIT_DEFAULT
    return max(0, math.floor(limit))


def _create(ctx: MutationContext, table: str, request: Request, what: str) -> Response:
    record = argument(request, "record")
    record_id = property_of(record, "id")
    if not truthy(record_id):
        raise ThrownError(f"{what} is missing an id")
    if find_by_record_id(ctx, table, record_id) is not None:
        raise ThrownError(f'{what} with id "{to_string(record_id)}" already exists')
    ctx.db.insert(table, record)
    return done()


def _create_schedule(ctx: MutationContext, table: str, request: Request) -> Response:
    _only_for(table, _SCHEDULES, request)
    return _create(ctx, table, request, "Schedule")


def _record_trigger(ctx: MutationContext, table: str, request: Request) -> Response:
    _only_for(table, _TRIGGERS, request)
    return _create(ctx, table, request, "Schedule trigger")


def _list_due(ctx: MutationContext, table: str, request: Request) -> Response:
    _only_for(table, _SCHEDULES, request)
    now = argument(request, "now")
    due = ctx.db.query(table).with_index(
        "by_status_next_fire_at", lambda q: q.eq("status", "active").lte("next_fire_at", now)
    )
    return done(result=due.take(_limit(request)))


def _update_next_fire(ctx: MutationContext, table: str, request: Request) -> Response:
    """Compare and set: nothing is written unless the schedule is active and fires when the caller thinks."""
    _only_for(table, _SCHEDULES, request)
    existing = find_by_record_id(ctx, table, argument(request, "id"))
    expected = argument(request, "expectedNextFireAt")
    if (
        existing is None
        or existing.get("status") != "active"
        or not strictly_equal(existing.get("next_fire_at", undefined), expected)
    ):
        return done(result=False)
    ctx.db.patch(
        existing["_id"],
        {
            "next_fire_at": argument(request, "newNextFireAt"),
            "last_fire_at": argument(request, "lastFireAt"),
            "last_run_id": argument(request, "lastRunId"),
            "updated_at": ctx.now(),
        },
    )
    return done(result=True)


def _update_schedule(ctx: MutationContext, table: str, request: Request) -> Response:
    _only_for(table, _SCHEDULES, request)
    record_id = argument(request, "id")
    existing = find_by_record_id(ctx, table, record_id)
    if existing is None:
        raise ThrownError(f"Schedule {to_string(record_id)} not found")
    changes = argument(request, "patch")
    ctx.db.patch(existing["_id"], changes)
    return done(result={**existing, **spread(changes)})


def _list_triggers(ctx: MutationContext, table: str, request: Request) -> Response:
    _only_for(table, _TRIGGERS, request)
    first, end = argument(request, "fromActualFireAt"), argument(request, "toActualFireAt")

    def in_range(q: IndexRangeBuilder) -> IndexRangeBuilder:
        q = q.eq("schedule_id", argument(request, "scheduleId"))
        if first is not undefined and first is not None:
            q = q.gte("actual_fire_at", first)
        if end is not undefined and end is not None:
            q = q.lt("actual_fire_at", end)
        return q

    triggers = ctx.db.query(table).with_index("by_schedule_actual", in_range).order("desc")
    return done(result=triggers.take(_limit(request)))


def _delete_triggers(ctx: MutationContext, table: str, request: Request) -> Response:
    _only_for(table, _TRIGGERS, request)
    by_schedule = equal_to(("schedule_id", argument(request, "scheduleId")))
    return delete_batch(ctx, ctx.db.query(table).with_index("by_schedule_actual", by_schedule).take(BATCH_SIZE + 1))


SCHEDULE_OPERATIONS = {
    "createSchedule": _create_schedule,
    "recordScheduleTrigger": _record_trigger,
    "listDueSchedules": _list_due,
    "updateScheduleNextFire": _update_next_fire,
    "updateSchedule": _update_schedule,
    "listScheduleTriggers": _list_triggers,
    "deleteScheduleTriggers": _delete_triggers,
}

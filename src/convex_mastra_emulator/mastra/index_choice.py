"""Which index ``queryTable`` reads: the longest prefix covered by equality filters, the first one on a tie.

The order is that of the server's own list, which differs from the schema's (mastra-adapter.md §13).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.values.javascript import property_of

_RECORD_ID = ("by_record_id", ("id",))

INDEXES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "mastra_messages": (
        ("by_thread_created", ("thread_id", "createdAt")),
        ("by_thread", ("thread_id",)),
        ("by_resource", ("resourceId",)),
        _RECORD_ID,
    ),
    "mastra_threads": (
        ("by_resource", ("resourceId",)),
        ("by_created", ("createdAt",)),
        ("by_updated", ("updatedAt",)),
        _RECORD_ID,
    ),
    "mastra_resources": (("by_updated", ("updatedAt",)), _RECORD_ID),
    "mastra_workflow_snapshots": (
        ("by_workflow_run", ("workflow_name", "run_id")),
        ("by_workflow", ("workflow_name",)),
        ("by_resource", ("resourceId",)),
        ("by_created", ("createdAt",)),
        _RECORD_ID,
    ),
    "mastra_scorers": (
        ("by_entity", ("entityId", "entityType")),
        ("by_scorer", ("scorerId",)),
        ("by_run", ("runId",)),
        ("by_created", ("createdAt",)),
        _RECORD_ID,
    ),
    "mastra_schedules": (
        ("by_workflow_status", ("workflow_id", "status")),
        ("by_workflow_id", ("workflow_id",)),
        ("by_owner", ("owner_type", "owner_id")),
        ("by_owner_id", ("owner_id",)),
        ("by_status_next_fire_at", ("status", "next_fire_at")),
        ("by_created", ("created_at",)),
        _RECORD_ID,
    ),
    "mastra_schedule_triggers": (
        ("by_schedule_actual", ("schedule_id", "actual_fire_at")),
        ("by_parent_trigger", ("parent_trigger_id",)),
        _RECORD_ID,
    ),
    "mastra_channel_installations": (
        ("by_platform_agent", ("platform", "agentId")),
        ("by_webhook", ("webhookId",)),
        ("by_platform", ("platform",)),
        _RECORD_ID,
    ),
    "mastra_channel_config": (("by_platform", ("platform",)), _RECORD_ID),
    "mastra_background_tasks": (
        ("by_agent_status", ("agent_id", "status")),
        ("by_status_created", ("status", "createdAt")),
        ("by_run", ("run_id",)),
        ("by_tool_call", ("tool_call_id",)),
        ("by_thread", ("thread_id",)),
        ("by_resource", ("resource_id",)),
        ("by_tool", ("tool_name",)),
        ("by_created", ("createdAt",)),
        _RECORD_ID,
    ),
    "mastra_vector_indexes": (("by_name", ("indexName",)), _RECORD_ID),
    "mastra_observational_memory": (("by_lookup_key", ("lookupKey", "generationCount")), _RECORD_ID),
}


def best_index(table: str, filters: list[dict[str, Any]]) -> tuple[str, tuple[tuple[str, Any], ...]] | None:
    """The name of the best index and its equalities; None if no index begins with a filtered field.

    Of two filters on one field the last one counts.
    """
    fields_filtered = [(property_of(item, "field"), property_of(item, "value")) for item in filters]
    values = {field: value for field, value in fields_filtered if isinstance(field, str)}
    best: tuple[str, tuple[tuple[str, Any], ...]] | None = None
    for name, fields in INDEXES.get(table, ()):
        covered = []
        for field in fields:
            if field not in values:
                break
            covered.append((field, values[field]))
        if covered and (best is None or len(covered) > len(best[1])):
            best = name, tuple(covered)
    return best

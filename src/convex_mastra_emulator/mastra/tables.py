"""The sixteen tables of `@mastra/convex/schema` 1.5.2 with @mastra/core 1.71.0, in the order of its README.

A test holds them against the ``schema.export()`` of the published package (mastra-adapter.md §13).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from convex_mastra_emulator.schema import Schema, TableDefinition, define_schema, define_table, v
from convex_mastra_emulator.schema.validators import Field, Validator

_TEXT = v.string()
_NUMBER = v.float64()
_FLAG = v.boolean()
_ANY = v.any()
_OPTIONAL_TEXT = v.optional(_TEXT)
_OPTIONAL_ANY = v.optional(_ANY)
_NULLABLE_TEXT = v.union(_TEXT, v.null())
_NULLABLE_NUMBER = v.union(_NUMBER, v.null())
_OPTIONAL_NULLABLE_TEXT = v.optional(_NULLABLE_TEXT)
_OPTIONAL_NULLABLE_NUMBER = v.optional(_NULLABLE_NUMBER)
_OPTIONAL_NULLABLE_TEXTS = v.optional(v.union(v.array(_TEXT), v.null()))


def _texts(*names: str) -> dict[str, Validator | Field]:
    return dict.fromkeys(names, _TEXT)


def _optional_texts(*names: str) -> dict[str, Validator | Field]:
    return dict.fromkeys(names, _OPTIONAL_TEXT)


def _by_record_id(fields: Mapping[str, Validator | Field]) -> TableDefinition:
    return define_table(fields).index("by_record_id", ["id"])


def _threads() -> TableDefinition:
    fields = {
        **_texts("id", "resourceId", "title"),
        "metadata": _OPTIONAL_ANY,
        **_texts("createdAt", "updatedAt"),
    }
    return (
        _by_record_id(fields)
        .index("by_resource", ["resourceId"])
        .index("by_created", ["createdAt"])
        .index("by_updated", ["updatedAt"])
    )


def _messages() -> TableDefinition:
    fields = {
        **_texts("id", "thread_id", "content", "role", "type", "createdAt"),
        "resourceId": _OPTIONAL_TEXT,
    }
    return (
        _by_record_id(fields)
        .index("by_thread", ["thread_id"])
        .index("by_thread_created", ["thread_id", "createdAt"])
        .index("by_resource", ["resourceId"])
    )


def _resources() -> TableDefinition:
    fields = {
        "id": _TEXT,
        "workingMemory": _OPTIONAL_TEXT,
        "metadata": _OPTIONAL_ANY,
        **_texts("createdAt", "updatedAt"),
    }
    return _by_record_id(fields).index("by_updated", ["updatedAt"])


def _workflow_snapshots() -> TableDefinition:
    fields = {
        "id": _OPTIONAL_TEXT,
        **_texts("workflow_name", "run_id"),
        "resourceId": _OPTIONAL_TEXT,
        "snapshot": _ANY,
        **_texts("createdAt", "updatedAt"),
    }
    return (
        _by_record_id(fields)
        .index("by_workflow_run", ["workflow_name", "run_id"])
        .index("by_workflow", ["workflow_name"])
        .index("by_resource", ["resourceId"])
        .index("by_created", ["createdAt"])
    )


def _scorers() -> TableDefinition:
    fields = {
        **_texts("id", "scorerId"),
        **_optional_texts("traceId", "spanId"),
        "runId": _TEXT,
        "scorer": _ANY,
        "preprocessStepResult": _OPTIONAL_ANY,
        "extractStepResult": _OPTIONAL_ANY,
        "analyzeStepResult": _OPTIONAL_ANY,
        "score": _NUMBER,
        "reason": _OPTIONAL_TEXT,
        "metadata": _OPTIONAL_ANY,
        **_optional_texts(
            "preprocessPrompt", "extractPrompt", "generateScorePrompt", "generateReasonPrompt", "analyzePrompt"
        ),
        "reasonPrompt": _OPTIONAL_TEXT,
        "input": _ANY,
        "output": _ANY,
        "additionalContext": _OPTIONAL_ANY,
        "requestContext": _OPTIONAL_ANY,
        "entityType": _OPTIONAL_TEXT,
        "entity": _OPTIONAL_ANY,
        "entityId": _OPTIONAL_TEXT,
        "source": _TEXT,
        **_optional_texts(
            "resourceId", "threadId", "organizationId", "projectId", "batchId", "datasetId", "datasetItemId"
        ),
        **_texts("createdAt", "updatedAt"),
    }
    return (
        _by_record_id(fields)
        .index("by_scorer", ["scorerId"])
        .index("by_entity", ["entityId", "entityType"])
        .index("by_run", ["runId"])
        .index("by_created", ["createdAt"])
    )


def _schedules() -> TableDefinition:
    fields = {
        **_texts("id", "target", "cron"),
        "timezone": _OPTIONAL_NULLABLE_TEXT,
        "status": _TEXT,
        "next_fire_at": _NUMBER,
        "last_fire_at": _OPTIONAL_NULLABLE_NUMBER,
        "last_run_id": _OPTIONAL_NULLABLE_TEXT,
        "created_at": _NUMBER,
        "updated_at": _NUMBER,
        "metadata": _OPTIONAL_NULLABLE_TEXT,
        "owner_type": _OPTIONAL_NULLABLE_TEXT,
        "owner_id": _OPTIONAL_NULLABLE_TEXT,
        "workflow_id": _OPTIONAL_NULLABLE_TEXT,
    }
    return (
        _by_record_id(fields)
        .index("by_status_next_fire_at", ["status", "next_fire_at"])
        .index("by_workflow_status", ["workflow_id", "status"])
        .index("by_workflow_id", ["workflow_id"])
        .index("by_owner", ["owner_type", "owner_id"])
        .index("by_owner_id", ["owner_id"])
        .index("by_created", ["created_at"])
    )


def _schedule_triggers() -> TableDefinition:
    fields = {
        **_texts("id", "schedule_id"),
        "run_id": _OPTIONAL_NULLABLE_TEXT,
        "scheduled_fire_at": _NUMBER,
        "actual_fire_at": _NUMBER,
        "outcome": _TEXT,
        "error": _OPTIONAL_NULLABLE_TEXT,
        "trigger_kind": _TEXT,
        "parent_trigger_id": _OPTIONAL_NULLABLE_TEXT,
        "metadata": _OPTIONAL_NULLABLE_TEXT,
    }
    return (
        _by_record_id(fields)
        .index("by_schedule_actual", ["schedule_id", "actual_fire_at"])
        .index("by_parent_trigger", ["parent_trigger_id"])
    )


def _channel_installations() -> TableDefinition:
    fields = {
        **_texts("id", "platform", "agentId", "status"),
        "webhookId": _OPTIONAL_NULLABLE_TEXT,
        "data": _TEXT,
        "configHash": _OPTIONAL_NULLABLE_TEXT,
        "error": _OPTIONAL_NULLABLE_TEXT,
        **_texts("createdAt", "updatedAt"),
    }
    return (
        _by_record_id(fields)
        .index("by_webhook", ["webhookId"])
        .index("by_platform_agent", ["platform", "agentId"])
        .index("by_platform", ["platform"])
    )


def _channel_config() -> TableDefinition:
    return _by_record_id(_texts("id", "platform", "data", "updatedAt")).index("by_platform", ["platform"])


_TASK_STATUSES = ("pending", "running", "suspended", "completed", "failed", "cancelled", "timed_out")


def _background_tasks() -> TableDefinition:
    fields = {
        **_texts("id", "tool_call_id", "tool_name", "agent_id", "run_id"),
        "thread_id": _NULLABLE_TEXT,
        "resource_id": _NULLABLE_TEXT,
        "status": v.union(*map(v.literal, _TASK_STATUSES)),
        "args": _TEXT,
        "result": _NULLABLE_TEXT,
        "error": _NULLABLE_TEXT,
        "suspend_payload": _NULLABLE_TEXT,
        "retry_count": _NUMBER,
        "max_retries": _NUMBER,
        "timeout_ms": _NUMBER,
        "createdAt": _TEXT,
        "startedAt": _NULLABLE_TEXT,
        "suspendedAt": _NULLABLE_TEXT,
        "completedAt": _NULLABLE_TEXT,
    }
    return (
        _by_record_id(fields)
        .index("by_status_created", ["status", "createdAt"])
        .index("by_agent_status", ["agent_id", "status"])
        .index("by_run", ["run_id"])
        .index("by_tool_call", ["tool_call_id"])
        .index("by_thread", ["thread_id"])
        .index("by_resource", ["resource_id"])
        .index("by_tool", ["tool_name"])
        .index("by_created", ["createdAt"])
    )


def _observational_memory() -> TableDefinition:
    fields = {
        **_texts("id", "lookupKey", "scope"),
        "resourceId": _OPTIONAL_NULLABLE_TEXT,
        "threadId": _OPTIONAL_NULLABLE_TEXT,
        "activeObservations": _TEXT,
        "activeObservationsPendingUpdate": _OPTIONAL_NULLABLE_TEXT,
        **_texts("originType", "config"),
        "generationCount": _NUMBER,
        "lastObservedAt": _OPTIONAL_NULLABLE_TEXT,
        "lastReflectionAt": _OPTIONAL_NULLABLE_TEXT,
        "pendingMessageTokens": _NUMBER,
        "totalTokensObserved": _NUMBER,
        "observationTokenCount": _NUMBER,
        "isObserving": _FLAG,
        "isReflecting": _FLAG,
        "observedMessageIds": _OPTIONAL_NULLABLE_TEXTS,
        "observedTimezone": _OPTIONAL_NULLABLE_TEXT,
        "bufferedObservations": _OPTIONAL_NULLABLE_TEXT,
        "bufferedObservationTokens": _OPTIONAL_NULLABLE_NUMBER,
        "bufferedMessageIds": _OPTIONAL_NULLABLE_TEXTS,
        "bufferedReflection": _OPTIONAL_NULLABLE_TEXT,
        "bufferedReflectionTokens": _OPTIONAL_NULLABLE_NUMBER,
        "bufferedReflectionInputTokens": _OPTIONAL_NULLABLE_NUMBER,
        "reflectedObservationLineCount": _OPTIONAL_NULLABLE_NUMBER,
        "bufferedObservationChunks": _OPTIONAL_NULLABLE_TEXT,
        "isBufferingObservation": _FLAG,
        "isBufferingReflection": _FLAG,
        "lastBufferedAtTokens": _NUMBER,
        "lastBufferedAtTime": _OPTIONAL_NULLABLE_TEXT,
        "metadata": _OPTIONAL_NULLABLE_TEXT,
        **_texts("createdAt", "updatedAt"),
    }
    return _by_record_id(fields).index("by_lookup_key", ["lookupKey", "generationCount"])


def _vector_indexes() -> TableDefinition:
    fields = {**_texts("id", "indexName"), "dimension": _NUMBER, **_texts("metric", "createdAt")}
    return _by_record_id(fields).index("by_name", ["indexName"])


def _vectors() -> TableDefinition:
    fields = {**_texts("id", "indexName"), "embedding": v.array(_NUMBER), "metadata": _OPTIONAL_ANY}
    return define_table(fields).index("by_index_id", ["indexName", "id"]).index("by_index", ["indexName"])


def _cache() -> TableDefinition:
    fields = {
        **_texts("key", "keyPrefix"),
        "kind": v.union(*map(v.literal, ("value", "list", "counter", "deleted"))),
        "value": _OPTIONAL_TEXT,
        "counter": v.optional(_NUMBER),
        "expiresAt": _NULLABLE_NUMBER,
    }
    return define_table(fields).index("by_key", ["key"]).index("by_key_prefix", ["keyPrefix"])


def _cache_list_items() -> TableDefinition:
    fields = {**_texts("key", "keyPrefix"), "index": _NUMBER, "value": _TEXT}
    return define_table(fields).index("by_key_prefix", ["keyPrefix"]).index("by_key_index", ["key", "index"])


def _documents() -> TableDefinition:
    fields = {**_texts("table", "primaryKey"), "record": _ANY}
    return define_table(fields).index("by_table", ["table"]).index("by_table_primary", ["table", "primaryKey"])


def mastra_tables() -> dict[str, TableDefinition]:
    """Mastra's tables by name, to be put into a schema beside one's own."""
    return dict(mastra_schema().tables)


@lru_cache(maxsize=1)
def mastra_schema() -> Schema:
    """The schema of the README of `@mastra/convex`: Mastra's tables and nothing else."""
    return define_schema(
        {
            "mastra_threads": _threads(),
            "mastra_messages": _messages(),
            "mastra_resources": _resources(),
            "mastra_workflow_snapshots": _workflow_snapshots(),
            "mastra_scorers": _scorers(),
            "mastra_schedules": _schedules(),
            "mastra_schedule_triggers": _schedule_triggers(),
            "mastra_channel_installations": _channel_installations(),
            "mastra_channel_config": _channel_config(),
            "mastra_background_tasks": _background_tasks(),
            "mastra_observational_memory": _observational_memory(),
            "mastra_vector_indexes": _vector_indexes(),
            "mastra_vectors": _vectors(),
            "mastra_cache": _cache(),
            "mastra_cache_list_items": _cache_list_items(),
            "mastra_documents": _documents(),
        }
    )


def define_native_vector_table(
    *,
    dimensions: int,
    filter_fields: Mapping[str, Validator | Field] | None = None,
    index_name: str = "by_embedding",
) -> TableDefinition:
    """A table for ``ConvexNativeVector``, as ``defineMastraNativeVectorTable`` makes it.

    Args:
        dimensions: of the vectors, 2 to 4096.
        filter_fields: fields that searches may filter by, with their validators (optional ones, usually);
            the published helper has none, a project writes such a table by hand.
        index_name: of the vector index.
    """
    fields: dict[str, Validator | Field] = {"id": _TEXT, "embedding": v.array(_NUMBER), "metadata": _OPTIONAL_ANY}
    extra = dict(filter_fields or {})
    return _by_record_id({**fields, **extra}).vector_index(
        index_name, vector_field="embedding", dimensions=dimensions, filter_fields=list(extra)
    )

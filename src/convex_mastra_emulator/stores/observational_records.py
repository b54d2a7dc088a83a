"""Records of observational memory: generations of observations, their buffered chunks, and their rows.

npm @mastra/core 1.71.0 ``ObservationalMemoryRecord`` and npm @mastra/convex 1.5.2 ``parseStoredOMRecord``
(mastra-adapter.md §4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.json_text import safely_parse_json, to_json_text, to_json_value, whole
from convex_mastra_emulator.stores.storage_client import UNSET, Record, given
from convex_mastra_emulator.stores.times import from_iso, to_iso

TABLE_OBSERVATIONAL_MEMORY = "mastra_observational_memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferedObservationChunkInput:
    """Observations of one cycle, to be buffered.

    Attributes:
        cycle_id: of the cycle that made them.
        observations: their text.
        token_count: tokens of that text.
        message_ids: the messages they are about.
        message_tokens: tokens of those messages.
        last_observed_at: the time of the last of those messages.
        suggested_continuation: what the agent should go on with.
        current_task: what it is at.
        thread_title: a title for the thread.
        extracted_values: what extractors found, by their name.
        extraction_failures: ``{"slug": …, "error": …}`` of those that failed.
    """

    cycle_id: str
    observations: str
    token_count: int
    message_ids: list[str]
    message_tokens: int
    last_observed_at: datetime
    suggested_continuation: str | None = None
    current_task: str | None = None
    thread_title: str | None = None
    extracted_values: Mapping[str, Any] | None = None
    extraction_failures: list[dict[str, str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferedObservationChunk(BufferedObservationChunkInput):
    """Buffered observations: what was given, with an ``ombuf-…`` id and the time they were buffered."""

    id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatedChunk:
    """What became of one buffered chunk."""

    cycle_id: str
    message_tokens: int
    observation_tokens: int
    message_count: int
    observations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferedActivation:
    """What an activation of buffered chunks moved; all zero and empty, texts None, if there were none."""

    chunks_activated: int
    message_tokens_activated: int
    observation_tokens_activated: int
    messages_activated: int
    activated_cycle_ids: list[str]
    activated_message_ids: list[str]
    observations: str | None = None
    per_chunk: list[ActivatedChunk] | None = None
    suggested_continuation: str | None = None
    current_task: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationalMemoryRecord:
    """One generation of what was observed in a thread or for a resource.

    Attributes:
        id: its own id.
        scope: ``thread`` or ``resource``.
        thread_id: None in scope ``resource``.
        resource_id: always there.
        last_observed_at: up to when messages are observed; None if none are.
        origin_type: ``initial`` or ``reflection``.
        generation_count: counted from 0.
        active_observations: their text.
        buffered_observation_chunks: chunks that wait to be activated; None if there are none.
        buffered_observations: of old records.
        buffered_observation_tokens: of old records.
        buffered_message_ids: of old records; never read.
        buffered_reflection: a reflection that waits to be swapped in.
        buffered_reflection_tokens: its tokens.
        buffered_reflection_input_tokens: tokens of what it reflects on.
        reflected_observation_line_count: how many lines of the active observations it reflects on.
        observed_message_ids: the messages of this generation.
        observed_timezone: an IANA name.
        total_tokens_observed: over all generations.
        observation_token_count: tokens of the active observations.
        pending_message_tokens: tokens of messages not yet observed.
        last_buffered_at_tokens: pending tokens when chunks were last buffered.
        last_buffered_at_time: the time of the last message that is buffered.
        config: a JSON object.
        metadata: a JSON object, or None.
    """

    id: str
    scope: str
    thread_id: str | None
    resource_id: str
    created_at: datetime
    updated_at: datetime
    last_observed_at: datetime | None = None
    origin_type: str = "initial"
    generation_count: int = 0
    active_observations: str = ""
    buffered_observation_chunks: list[BufferedObservationChunk] | None = None
    buffered_observations: str | None = None
    buffered_observation_tokens: int | None = None
    buffered_message_ids: list[str] | None = None
    buffered_reflection: str | None = None
    buffered_reflection_tokens: int | None = None
    buffered_reflection_input_tokens: int | None = None
    reflected_observation_line_count: int | None = None
    observed_message_ids: list[str] | None = None
    observed_timezone: str | None = None
    total_tokens_observed: int = 0
    observation_token_count: int = 0
    pending_message_tokens: int = 0
    is_reflecting: bool = False
    is_observing: bool = False
    is_buffering_observation: bool = False
    is_buffering_reflection: bool = False
    last_buffered_at_tokens: int = 0
    last_buffered_at_time: datetime | None = None
    config: Any = field(default_factory=dict)
    metadata: Any = None


def lookup_key(thread_id: str | None, resource_id: str) -> str:
    """What the generations of one memory have in common."""
    return f"thread:{thread_id}" if thread_id else f"resource:{resource_id}"


def record_of_row(row: Record) -> ObservationalMemoryRecord:
    """The generation in a row."""
    config = safely_parse_json(row.get("config"))
    return ObservationalMemoryRecord(
        id=row["id"],
        scope=row["scope"],
        thread_id=row.get("threadId") or None,
        resource_id=row["resourceId"],
        created_at=from_iso(row["createdAt"]),
        updated_at=from_iso(row["updatedAt"]),
        last_observed_at=_time_or_none(row.get("lastObservedAt")),
        origin_type=row.get("originType") or "initial",
        generation_count=_count(row.get("generationCount")),
        active_observations=row.get("activeObservations") or "",
        buffered_observation_chunks=_chunks_in(row.get("bufferedObservationChunks")),
        buffered_observations=row.get("activeObservationsPendingUpdate") or None,
        buffered_observation_tokens=_count(row.get("bufferedObservationTokens")) or None,
        buffered_reflection=row.get("bufferedReflection") or None,
        buffered_reflection_tokens=_count(row.get("bufferedReflectionTokens")) or None,
        buffered_reflection_input_tokens=_count(row.get("bufferedReflectionInputTokens")) or None,
        reflected_observation_line_count=_count(row.get("reflectedObservationLineCount")) or None,
        observed_message_ids=row.get("observedMessageIds"),
        observed_timezone=row.get("observedTimezone") or None,
        total_tokens_observed=_count(row.get("totalTokensObserved")),
        observation_token_count=_count(row.get("observationTokenCount")),
        pending_message_tokens=_count(row.get("pendingMessageTokens")),
        is_reflecting=bool(row.get("isReflecting")),
        is_observing=bool(row.get("isObserving")),
        is_buffering_observation=bool(row.get("isBufferingObservation")),
        is_buffering_reflection=bool(row.get("isBufferingReflection")),
        last_buffered_at_tokens=_count(row.get("lastBufferedAtTokens")),
        last_buffered_at_time=_time_or_none(row.get("lastBufferedAtTime")),
        config={} if config is None else config,
        metadata=safely_parse_json(row["metadata"]) if row.get("metadata") else None,
    )


def generation_row(record: ObservationalMemoryRecord) -> Record:
    """The columns that every new generation has; those of its life so far are added by who writes it."""
    return {
        "id": record.id,
        "lookupKey": lookup_key(record.thread_id, record.resource_id),
        "scope": record.scope,
        "resourceId": record.resource_id,
        "threadId": record.thread_id or None,
        "activeObservations": record.active_observations,
        "activeObservationsPendingUpdate": None,
        "originType": record.origin_type,
        "config": to_json_text(record.config if record.config is not None else {}),
        "generationCount": record.generation_count,
        "lastObservedAt": iso_or_none(record.last_observed_at),
        "lastReflectionAt": None,
        "pendingMessageTokens": record.pending_message_tokens,
        "totalTokensObserved": record.total_tokens_observed,
        "observationTokenCount": record.observation_token_count,
        "isObserving": record.is_observing,
        "isReflecting": record.is_reflecting,
        "isBufferingObservation": record.is_buffering_observation,
        "isBufferingReflection": record.is_buffering_reflection,
        "lastBufferedAtTokens": record.last_buffered_at_tokens,
        "lastBufferedAtTime": iso_or_none(record.last_buffered_at_time),
        "observedTimezone": record.observed_timezone or None,
        "createdAt": to_iso(record.created_at),
        "updatedAt": to_iso(record.updated_at),
    }


def whole_row(record: ObservationalMemoryRecord) -> Record:
    """All columns of a generation as it stands."""
    chunks = [chunk_fields(chunk) for chunk in record.buffered_observation_chunks or ()]
    return {
        **generation_row(record),
        "observedMessageIds": record.observed_message_ids,
        "bufferedObservationChunks": to_json_text(chunks),
        "bufferedReflection": record.buffered_reflection or None,
        "bufferedReflectionTokens": record.buffered_reflection_tokens,
        "bufferedReflectionInputTokens": record.buffered_reflection_input_tokens,
        "reflectedObservationLineCount": record.reflected_observation_line_count,
        "metadata": json_or_none(record.metadata),
    }


def chunk_fields(chunk: BufferedObservationChunk) -> dict[str, Any]:
    """A buffered chunk as it travels; what is None does not."""
    fields = {
        "id": chunk.id,
        "cycleId": chunk.cycle_id,
        "observations": chunk.observations,
        "tokenCount": chunk.token_count,
        "messageIds": chunk.message_ids,
        "messageTokens": chunk.message_tokens,
        "lastObservedAt": chunk.last_observed_at,
        "createdAt": chunk.created_at,
        "suggestedContinuation": chunk.suggested_continuation,
        "currentTask": chunk.current_task,
        "threadTitle": chunk.thread_title,
        "extractedValues": chunk.extracted_values,
        "extractionFailures": chunk.extraction_failures,
    }
    sent: dict[str, Any] = to_json_value(
        given(**{name: UNSET if value is None else value for name, value in fields.items()})
    )
    return sent


def activation_of(result: Mapping[str, Any]) -> BufferedActivation:
    """The answer to an activation."""
    per_chunk = result.get("perChunk")
    return BufferedActivation(
        chunks_activated=whole(result["chunksActivated"]),
        message_tokens_activated=whole(result["messageTokensActivated"]),
        observation_tokens_activated=whole(result["observationTokensActivated"]),
        messages_activated=whole(result["messagesActivated"]),
        activated_cycle_ids=result["activatedCycleIds"],
        activated_message_ids=result["activatedMessageIds"],
        observations=result.get("observations"),
        per_chunk=None if per_chunk is None else list(map(_activated_chunk, per_chunk)),
        suggested_continuation=result.get("suggestedContinuation"),
        current_task=result.get("currentTask"),
    )


def iso_or_none(moment: datetime | None) -> str | None:
    """A time as ISO text."""
    return None if moment is None else to_iso(moment)


def json_or_none(value: Any) -> str | None:
    """A JSON object as text; what JavaScript takes for false is None."""
    return to_json_text(value) if value or isinstance(value, Mapping | list) else None


def _activated_chunk(item: Mapping[str, Any]) -> ActivatedChunk:
    return ActivatedChunk(
        cycle_id=item["cycleId"],
        message_tokens=whole(item["messageTokens"]),
        observation_tokens=whole(item.get("observationTokens")),
        message_count=whole(item["messageCount"]),
        observations=item.get("observations", ""),
    )


def _chunks_in(text: Any) -> list[BufferedObservationChunk] | None:
    parsed = safely_parse_json(text) if text else None
    return list(map(_chunk, parsed)) if isinstance(parsed, list) else None


def _chunk(stored: Mapping[str, Any]) -> BufferedObservationChunk:
    return BufferedObservationChunk(
        id=stored["id"],
        cycle_id=stored["cycleId"],
        observations=stored["observations"],
        token_count=stored["tokenCount"],
        message_ids=stored["messageIds"],
        message_tokens=stored["messageTokens"],
        last_observed_at=from_iso(stored["lastObservedAt"]),
        created_at=from_iso(stored["createdAt"]),
        suggested_continuation=stored.get("suggestedContinuation"),
        current_task=stored.get("currentTask"),
        thread_title=stored.get("threadTitle"),
        extracted_values=stored.get("extractedValues"),
        extraction_failures=stored.get("extractionFailures"),
    )


def _time_or_none(text: Any) -> datetime | None:
    return from_iso(text) if text else None


def _count(number: Any) -> int:
    """``Number(number || 0)``."""
    count: int = whole(number or 0)
    return count

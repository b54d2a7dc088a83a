"""Observational memory of the memory domain: what was observed, buffered and reflected on, generation by generation.

npm @mastra/convex 1.5.2 ``MemoryConvex`` (mastra-adapter.md §4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from convex_mastra_emulator.stores.errors import MastraError
from convex_mastra_emulator.stores.json_text import number_text, to_json_text
from convex_mastra_emulator.stores.observational_records import (
    TABLE_OBSERVATIONAL_MEMORY,
    BufferedActivation,
    BufferedObservationChunk,
    BufferedObservationChunkInput,
    ObservationalMemoryRecord,
    activation_of,
    chunk_fields,
    generation_row,
    iso_or_none,
    json_or_none,
    lookup_key,
    record_of_row,
    whole_row,
)
from convex_mastra_emulator.stores.storage_client import UNSET, StorageClient, equal, given
from convex_mastra_emulator.stores.times import to_iso

HISTORY_LIMIT = 10


class ConvexObservationalMemory:
    """Observational memory on a deployment.

    Every write to an id that is not there fails: ``Observational memory record not found: <id>``, as a
    ``MastraError`` where the adapter finds out, as a ``FunctionError`` where the deployment does.
    """

    supports_observational_memory: ClassVar[bool] = True

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    # Generations

    def get_observational_memory(self, thread_id: str | None, resource_id: str) -> ObservationalMemoryRecord | None:
        """The latest generation for a thread, or for a resource if ``thread_id`` is None."""
        row = self._call("omGetLatest", lookupKey=lookup_key(thread_id, resource_id))
        return record_of_row(row) if row else None

    def get_observational_memory_history(
        self,
        thread_id: str | None,
        resource_id: str,
        limit: int = HISTORY_LIMIT,
        *,
        from_: datetime | None = None,
        to: datetime | None = None,
        offset: int | None = None,
    ) -> list[ObservationalMemoryRecord]:
        """Generations, newest first.

        Args:
            thread_id: None for the resource's own memory.
            resource_id: whose.
            limit: how many at most.
            from_: none that were created before.
            to: none that were created after.
            offset: how many of the newest to leave out.
        """
        rows = self._call(
            "omGetHistory",
            lookupKey=lookup_key(thread_id, resource_id),
            limit=limit,
            **{"from": UNSET if from_ is None else to_iso(from_)},
            to=UNSET if to is None else to_iso(to),
            offset=UNSET if offset is None else offset,
        )
        return list(map(record_of_row, rows))

    def initialize_observational_memory(
        self,
        *,
        thread_id: str | None,
        resource_id: str,
        scope: str,
        config: Mapping[str, Any],
        observed_timezone: str | None = None,
    ) -> ObservationalMemoryRecord:
        """Writes generation 0, empty, and returns it."""
        now = self._client.clock()
        record = ObservationalMemoryRecord(
            id=self._client.new_id(),
            scope=scope,
            thread_id=thread_id,
            resource_id=resource_id,
            created_at=now,
            updated_at=now,
            config=config,
            observed_timezone=observed_timezone,
        )
        self._client.insert(TABLE_OBSERVATIONAL_MEMORY, generation_row(record))
        return record

    def insert_observational_memory_record(self, record: ObservationalMemoryRecord) -> None:
        """Writes a generation as it is, over the one with its id if there is one."""
        self._client.insert(TABLE_OBSERVATIONAL_MEMORY, whole_row(record))

    def create_reflection_generation(
        self, *, current_record: ObservationalMemoryRecord, reflection: str, token_count: int
    ) -> ObservationalMemoryRecord:
        """Writes the generation after ``current_record``, with ``reflection`` as its observations, and returns it.

        It keeps what is observed so far, the settings and the metadata; its counters and flags begin anew.
        """
        now = self._client.clock()
        record = ObservationalMemoryRecord(
            id=self._client.new_id(),
            scope=current_record.scope,
            thread_id=current_record.thread_id,
            resource_id=current_record.resource_id,
            created_at=now,
            updated_at=now,
            last_observed_at=current_record.last_observed_at,
            origin_type="reflection",
            generation_count=current_record.generation_count + 1,
            active_observations=reflection,
            total_tokens_observed=current_record.total_tokens_observed,
            observation_token_count=token_count,
            config=current_record.config,
            metadata=current_record.metadata,
            observed_timezone=current_record.observed_timezone,
        )
        row = {**generation_row(record), "lastReflectionAt": to_iso(now), "metadata": json_or_none(record.metadata)}
        self._client.insert(TABLE_OBSERVATIONAL_MEMORY, row)
        return record

    def clear_observational_memory(self, thread_id: str | None, resource_id: str) -> None:
        """Deletes every generation of a thread's memory, or of a resource's if ``thread_id`` is None."""
        filters = [equal("lookupKey", lookup_key(thread_id, resource_id))]
        rows = self._client.query_table(TABLE_OBSERVATIONAL_MEMORY, filters)
        self._client.delete_many(TABLE_OBSERVATIONAL_MEMORY, [row["id"] for row in rows])

    # Observations

    def update_active_observations(
        self,
        *,
        id: str,
        observations: str,
        token_count: int,
        last_observed_at: datetime,
        observed_message_ids: Sequence[str] | None = None,
    ) -> None:
        """Replaces the active observations; without ``observed_message_ids`` those are cleared."""
        self._call(
            "omUpdateActive",
            id=id,
            observations=observations,
            tokenCount=token_count,
            lastObservedAt=to_iso(last_observed_at),
            observedMessageIds=None if observed_message_ids is None else list(observed_message_ids),
            updatedAt=self._now(),
        )

    def update_buffered_observations(
        self, *, id: str, chunk: BufferedObservationChunkInput, last_buffered_at_time: datetime | None = None
    ) -> None:
        """Adds a chunk to those that wait to be activated."""
        buffered = BufferedObservationChunk(
            **{**asdict(chunk), "id": f"ombuf-{self._client.new_id()}", "created_at": self._client.clock()}
        )
        self._call(
            "omAppendBufferedChunk",
            id=id,
            chunk=chunk_fields(buffered),
            lastBufferedAtTime=UNSET if last_buffered_at_time is None else to_iso(last_buffered_at_time),
            updatedAt=self._now(),
        )

    def swap_buffered_to_active(
        self,
        *,
        id: str,
        activation_ratio: float,
        message_tokens_threshold: int,
        current_pending_tokens: int,
        force_max_activation: bool | None = None,
        last_observed_at: datetime | None = None,
        buffered_chunks: Sequence[BufferedObservationChunk] | None = None,
    ) -> BufferedActivation:
        """Activates buffered chunks, oldest first, until few enough messages remain.

        Args:
            id: of the generation.
            activation_ratio: the share of ``message_tokens_threshold`` to free, from 0 to 1.
            message_tokens_threshold: tokens of messages that make an observation due.
            current_pending_tokens: tokens of messages there are now.
            force_max_activation: takes a chunk more rather than one less.
            last_observed_at: up to when messages are observed then; the last activated chunk's time if None.
            buffered_chunks: stands for the stored chunks if there are any.
        """
        chunks = UNSET if buffered_chunks is None else [chunk_fields(chunk) for chunk in buffered_chunks]
        return activation_of(
            self._call(
                "omSwapBuffered",
                id=id,
                activationRatio=activation_ratio,
                messageTokensThreshold=message_tokens_threshold,
                currentPendingTokens=current_pending_tokens,
                forceMaxActivation=UNSET if force_max_activation is None else force_max_activation,
                lastObservedAt=UNSET if last_observed_at is None else to_iso(last_observed_at),
                bufferedChunks=chunks,
                now=self._now(),
            )
        )

    # Reflections

    def update_buffered_reflection(
        self,
        *,
        id: str,
        reflection: str,
        token_count: int,
        input_token_count: int,
        reflected_observation_line_count: int,
    ) -> None:
        """Adds to the reflection that waits to be swapped in; the token counts add up, the line count is replaced."""
        self._call(
            "omUpdateBufferedReflection",
            id=id,
            reflection=reflection,
            tokenCount=token_count,
            inputTokenCount=input_token_count,
            reflectedObservationLineCount=reflected_observation_line_count,
            updatedAt=self._now(),
        )

    def swap_buffered_reflection_to_active(
        self, *, current_record: ObservationalMemoryRecord, token_count: int
    ) -> ObservationalMemoryRecord:
        """Makes the buffered reflection, with the observations since, the next generation, and returns it.

        Raises:
            FunctionError: ``No buffered reflection to swap``.
        """
        current = {
            "id": current_record.id,
            "lookupKey": lookup_key(current_record.thread_id, current_record.resource_id),
            "scope": current_record.scope,
            "threadId": current_record.thread_id or None,
            "resourceId": current_record.resource_id,
            "config": to_json_text(current_record.config if current_record.config is not None else {}),
            "metadata": json_or_none(current_record.metadata),
            "observedTimezone": current_record.observed_timezone or None,
            "lastObservedAt": iso_or_none(current_record.last_observed_at),
            "totalTokensObserved": current_record.total_tokens_observed,
            "generationCount": current_record.generation_count,
        }
        row = self._call(
            "omSwapBufferedReflection",
            currentRecord=current,
            newId=self._client.new_id(),
            tokenCount=token_count,
            now=self._now(),
        )
        return record_of_row(row)

    # Flags, counters, settings

    def set_reflecting_flag(self, id: str, is_reflecting: bool) -> None:
        """Says whether a reflection is being made."""
        self._patch("SET_REFLECTING_FLAG", id, isReflecting=is_reflecting)

    def set_observing_flag(self, id: str, is_observing: bool) -> None:
        """Says whether messages are being observed."""
        self._patch("SET_OBSERVING_FLAG", id, isObserving=is_observing)

    def set_buffering_observation_flag(
        self, id: str, is_buffering: bool, last_buffered_at_tokens: int | None = None
    ) -> None:
        """Says whether observations are being buffered, and at how many pending tokens that began."""
        tokens = UNSET if last_buffered_at_tokens is None else last_buffered_at_tokens
        fields = given(isBufferingObservation=is_buffering, lastBufferedAtTokens=tokens)
        self._patch("SET_BUFFERING_OBSERVATION_FLAG", id, **fields)

    def set_buffering_reflection_flag(self, id: str, is_buffering: bool) -> None:
        """Says whether a reflection is being buffered."""
        self._patch("SET_BUFFERING_REFLECTION_FLAG", id, isBufferingReflection=is_buffering)

    def set_pending_message_tokens(self, id: str, token_count: float) -> None:
        """Replaces the count of tokens not yet observed.

        Raises:
            MastraError: ``…_SET_PENDING_MESSAGE_TOKENS_INVALID_INPUT`` for anything but a finite number from 0;
                then nothing is sent.
        """
        if not _is_token_count(token_count):
            raise MastraError(
                f"Invalid tokenCount: must be a finite non-negative number, got {_shown(token_count)}",
                id="MASTRA_STORAGE_CONVEX_SET_PENDING_MESSAGE_TOKENS_INVALID_INPUT",
                domain="STORAGE",
                category="USER",
                details={"id": id, "tokenCount": token_count},
            )
        self._patch("SET_PENDING_MESSAGE_TOKENS", id, pendingMessageTokens=token_count)

    def update_observational_memory_config(self, *, id: str, config: Mapping[str, Any]) -> None:
        """Merges settings into the stored ones, deeply; lists and None replace."""
        self._call("omUpdateConfig", id=id, config=to_json_text(config), updatedAt=self._now())

    def _call(self, op: str, **arguments: Any) -> Any:
        return self._client.call(op, TABLE_OBSERVATIONAL_MEMORY, **arguments)

    def _patch(self, operation: str, record_id: str, **fields: Any) -> None:
        changes = {**fields, "updatedAt": self._client.clock()}
        if not self._client.patch(TABLE_OBSERVATIONAL_MEMORY, record_id, changes):
            raise MastraError(
                f"Observational memory record not found: {record_id}",
                id=f"MASTRA_STORAGE_CONVEX_{operation}_NOT_FOUND",
                domain="STORAGE",
                category="THIRD_PARTY",
                details={"id": record_id},
            )

    def _now(self) -> str:
        return to_iso(self._client.clock())


def _is_token_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _shown(value: Any) -> str:
    """A bad count as JavaScript puts it into a text."""
    if isinstance(value, str):
        return value
    return number_text(value) if isinstance(value, float) else to_json_text(value)

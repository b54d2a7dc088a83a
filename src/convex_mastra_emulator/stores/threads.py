"""Threads of the memory domain: conversations, each owned by a resource.

npm @mastra/convex 1.5.2 ``MemoryConvex`` and npm @mastra/core 1.71.0 ``MemoryStorage`` (mastra-adapter.md §3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.json_text import safely_parse_json, to_json_value
from convex_mastra_emulator.stores.pagination import (
    OrderBy,
    PerPage,
    calculate_pagination,
    has_values,
    in_order,
    normalize_per_page,
    parse_order_by,
    refused,
    validate_metadata_keys,
    validate_pagination_input,
)
from convex_mastra_emulator.stores.storage_client import UNSET, Record, StorageClient, equal, given
from convex_mastra_emulator.stores.times import from_iso, to_iso

TABLE_THREADS = "mastra_threads"
TABLE_MESSAGES = "mastra_messages"
THREADS_PER_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation.

    Attributes:
        id: its own id.
        resource_id: whose it is.
        title: may be empty; a deployment refuses to store a thread without one.
        metadata: a JSON object; what is stored as malformed text stays text.
        created_at: when it began.
        updated_at: when it, or one of its messages, was last written.
        convex_id: the row's ``_id``; None for a thread that was not read.
        creation_time: the row's ``_creationTime``, in milliseconds; None for a thread that was not read.
    """

    id: str
    resource_id: str
    title: str | None = None
    metadata: Any = None
    created_at: datetime
    updated_at: datetime
    convex_id: str | None = field(default=None, compare=False, repr=False)
    creation_time: float | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadFilter:
    """Which threads are listed; None filters nothing.

    Attributes:
        resource_id: whose threads; the empty text filters nothing either.
        metadata: values that the threads' metadata must have, all of them, compared as ``===`` does.
    """

    resource_id: str | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """A page of threads; ``total`` counts those of all pages."""

    threads: list[Thread]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


class ConvexThreads:
    """Threads on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def get_thread_by_id(self, *, thread_id: str, resource_id: str | None = None) -> Thread | None:
        """The thread, or None if there is none, or if it is not ``resource_id``'s (the empty text is a scope too)."""
        row = self._client.load(TABLE_THREADS, id=thread_id)
        if row is None or (resource_id is not None and row["resourceId"] != resource_id):
            return None
        return _thread(row)

    def save_thread(self, *, thread: Thread) -> Thread:
        """Writes a thread, over the one with its id if there is one, and returns its argument."""
        self._client.insert(TABLE_THREADS, _record(thread))
        return thread

    def update_thread(self, *, id: str, title: str | None = None, metadata: Mapping[str, Any] | None = None) -> Thread:
        """Gives a thread a new title and merges ``metadata`` into its own, shallowly.

        `@mastra/convex` 1.5.2 needs both: a deployment refuses the absent title.

        Raises:
            MastraError: ``…_UPDATE_THREAD_THREAD_NOT_FOUND``, if there is none.
        """
        row = self._client.call(
            "updateThread",
            TABLE_THREADS,
            id=id,
            title=UNSET if title is None else title,
            metadata=UNSET if metadata is None else to_json_value(metadata),
            updatedAt=to_iso(self._client.clock()),
        )
        if not row:
            raise MastraError(
                f"Thread {id} not found",
                id="MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND",
                domain="STORAGE",
                category="USER",
            )
        return _thread(row)

    def patch_thread(self, *, id: str, title: str | None = None, metadata: Mapping[str, Any] | None = None) -> Thread:
        """Changes the title, the metadata or both; what is not given is read first and sent back.

        Raises:
            MastraError: ``…_UPDATE_THREAD_THREAD_NOT_FOUND``, if there is none.
        """
        if title is None or metadata is None:
            existing = self.get_thread_by_id(thread_id=id)
            if existing is not None:
                title = title if title is not None else existing.title or ""
                metadata = metadata if metadata is not None else existing.metadata or {}
        return self.update_thread(id=id, title=title, metadata=metadata)

    def update_thread_metadata(
        self,
        *,
        id: str,
        resource_id: str | None = None,
        update: Callable[[Thread], Mapping[str, Any] | None],
    ) -> Thread | None:
        """Reads a thread, hands it to ``update`` and merges what that returns; a read and a write, not one step.

        Returns:
            The thread as it is then; None if there is none.
        """
        thread = self.get_thread_by_id(thread_id=id, resource_id=resource_id)
        if thread is None:
            return None
        metadata = update(thread)
        return thread if metadata is None else self.patch_thread(id=id, metadata=metadata)

    def delete_thread(self, *, thread_id: str) -> None:
        """Deletes a thread and its messages; one that is not there is none the worse."""
        messages = self._client.query_table(TABLE_MESSAGES, [equal("thread_id", thread_id)])
        self._client.delete_many(TABLE_MESSAGES, [message["id"] for message in messages])
        self._client.delete_many(TABLE_THREADS, [thread_id])

    def list_threads(
        self,
        *,
        page: int = 0,
        per_page: PerPage | None = None,
        order_by: OrderBy | None = None,
        filter: ThreadFilter | None = None,
    ) -> ThreadPage:
        """A page of threads, newest first unless ``order_by`` says otherwise.

        Args:
            page: counted from 0.
            per_page: 100 unless given; 0 gives none but counts, False gives all.
            order_by: by ``created_at`` or ``updated_at``.
            filter: which threads.

        Raises:
            MastraError: ``…_LIST_THREADS_INVALID_PAGE`` or ``…_LIST_THREADS_INVALID_METADATA_KEY``.
        """
        wanted = filter or ThreadFilter()
        _validate(page, per_page, wanted)
        size = normalize_per_page(per_page, THREADS_PER_PAGE)
        pagination = calculate_pagination(page, per_page, size)
        order = parse_order_by(order_by, "DESC")
        filters = [equal("resourceId", wanted.resource_id)] if wanted.resource_id else []
        threads = [_thread(row) for row in self._client.query_table(TABLE_THREADS, filters)]
        if wanted.metadata:
            threads = [thread for thread in threads if has_values(thread.metadata, wanted.metadata)]
        threads = in_order(threads, lambda thread: getattr(thread, str(order.field)), order)
        end = pagination.offset + size
        return ThreadPage(
            threads=threads[pagination.offset : end],
            total=len(threads),
            page=page,
            per_page=pagination.per_page,
            has_more=per_page is not False and end < len(threads),
        )


def _validate(page: Any, per_page: Any, wanted: ThreadFilter) -> None:
    try:
        validate_pagination_input(page, THREADS_PER_PAGE if per_page is None else per_page)
    except StorageError as error:
        details = given(page=page, perPage=UNSET if per_page is None else per_page)
        refused(error, "LIST_THREADS", "INVALID_PAGE", details)
    try:
        validate_metadata_keys(wanted.metadata)
    except StorageError as error:
        details = {"metadataKeys": ", ".join(wanted.metadata or ())}
        refused(error, "LIST_THREADS", "INVALID_METADATA_KEY", details)


def _thread(row: Record) -> Thread:
    metadata = row.get("metadata")
    return Thread(
        id=row["id"],
        resource_id=row["resourceId"],
        title=row.get("title"),
        metadata=safely_parse_json(metadata) if isinstance(metadata, str) else metadata,
        created_at=from_iso(row["createdAt"]),
        updated_at=from_iso(row["updatedAt"]),
        convex_id=row.get("_id"),
        creation_time=row.get("_creationTime"),
    )


def _record(thread: Thread) -> Record:
    # A row that was read goes back whole, system fields included, as `{...thread}` does.
    return given(
        id=thread.id,
        resourceId=thread.resource_id,
        title=UNSET if thread.title is None else thread.title,
        metadata={} if thread.metadata is None else to_json_value(thread.metadata),
        createdAt=thread.created_at,
        updatedAt=thread.updated_at,
        _id=UNSET if thread.convex_id is None else thread.convex_id,
        _creationTime=UNSET if thread.creation_time is None else thread.creation_time,
    )

"""Messages of the memory domain: saving, changing and listing them.

npm @mastra/convex 1.5.2 ``MemoryConvex`` (mastra-adapter.md §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.included_messages import IncludedMessages
from convex_mastra_emulator.stores.json_text import safely_parse_json, to_json_text
from convex_mastra_emulator.stores.message_list import through_message_list
from convex_mastra_emulator.stores.message_rows import (
    MESSAGES_PER_PAGE,
    TABLE_MESSAGES,
    Include,
    Message,
    MessageFilter,
    MessagePage,
    MessageUpdate,
    message_of,
    messages_in_order,
    record_of,
    rows_in_order,
    said_at,
)
from convex_mastra_emulator.stores.pagination import (
    MAX_SAFE_INTEGER,
    OrderBy,
    PerPage,
    calculate_pagination,
    matches_metadata_filter,
    normalize_per_page,
    parse_order_by,
    refused,
    validate_metadata_filter,
    within,
)
from convex_mastra_emulator.stores.storage_client import UNSET, Record, StorageClient, equal
from convex_mastra_emulator.stores.threads import TABLE_THREADS

# What `String.prototype.trim` takes off (ECMA-262, WhiteSpace and LineTerminator).
_WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_WHITESPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"


class ConvexMessages:
    """Messages on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def save_messages(self, *, messages: Sequence[Message]) -> list[Message]:
        """Writes messages in one request, over those with their ids, then gives their threads a new ``updated_at``.

        Returns:
            The messages as ``MessageList`` gives them back: without system messages, ordered by time.

        Raises:
            StorageError: ``Thread ID is required`` or ``Resource ID is required``; then nothing is sent.
        """
        if not messages:
            return []
        for message in messages:
            if not message.thread_id:
                raise StorageError("Thread ID is required")
            if not message.resource_id:
                raise StorageError("Resource ID is required")
        self._client.batch_insert(TABLE_MESSAGES, [record_of(message) for message in messages])
        self._touch_threads(dict.fromkeys(str(message.thread_id) for message in messages))
        return through_message_list(messages)

    def update_messages(self, *, messages: Sequence[MessageUpdate]) -> list[Message]:
        """Changes messages, one request each, then gives their old and new threads a new ``updated_at``.

        Returns:
            The changed messages in the order of the argument; unknown ids are left out.
        """
        if not messages:
            return []
        rows = {row["id"]: row for row in self._client.load_many(TABLE_MESSAGES, [update.id for update in messages])}
        updated: list[Message] = []
        # A dict keeps the order in which threads are come upon; a set does not.
        thread_ids: dict[str, None] = {}
        for update in messages:
            row = rows.get(update.id)
            if row is None:
                continue
            thread_ids[row["thread_id"]] = None
            _apply(update, row)
            thread_ids[row["thread_id"]] = None
            # The whole row goes back, system fields included.
            self._client.insert(TABLE_MESSAGES, row)
            updated.append(message_of(row))
        self._touch_threads(thread_ids)
        return updated

    def delete_messages(self, message_ids: Sequence[str]) -> None:
        """Deletes messages; ids without one are ignored, and threads stay as they are."""
        self._client.delete_many(TABLE_MESSAGES, message_ids)

    def list_messages_by_id(self, *, message_ids: Sequence[str]) -> list[Message]:
        """The messages with these ids, oldest first; ids without one are left out."""
        if not message_ids:
            return []
        return through_message_list(map(message_of, self._client.load_many(TABLE_MESSAGES, message_ids)))

    def list_messages(
        self,
        *,
        thread_id: str | Sequence[str],
        resource_id: str | None = None,
        include: Sequence[Include] | None = None,
        filter: MessageFilter | None = None,
        per_page: PerPage | None = None,
        page: int = 0,
        order_by: OrderBy | None = None,
    ) -> MessagePage:
        """A page of the messages of threads, oldest first unless ``order_by`` says otherwise.

        Args:
            thread_id: the thread, or several.
            resource_id: only this resource's; the empty text filters nothing.
            include: messages to add to the page, with neighbours.
            filter: which messages.
            per_page: 40 unless given; 0 gives only the included ones, False gives all.
            page: counted from 0.
            order_by: by ``created_at``; ``updated_at``, which messages do not have, leaves them in stored order.

        Raises:
            TypeError: for a metadata filter that cannot be.
            MastraError: ``…_LIST_MESSAGES_INVALID_THREAD_ID``.
            StorageError: ``perPage must be >= 0`` or ``page must be >= 0``.
        """
        wanted = filter or MessageFilter()
        metadata = validate_metadata_filter(wanted.metadata)
        thread_ids = _checked_thread_ids(thread_id)
        size = normalize_per_page(per_page, MESSAGES_PER_PAGE)
        pagination = calculate_pagination(page, per_page, size)
        order = parse_order_by(order_by, "ASC")
        if size == 0:
            included = self._included(include or (), {})
            messages = messages_in_order(through_message_list(included), order)
            return MessagePage(messages=messages, total=0, page=page, per_page=0, has_more=False)
        rows = self._rows_of_threads(thread_ids)
        if resource_id:
            rows = [row for row in rows if row.get("resourceId") == resource_id]
        rows = rows_in_order(_matching(rows, wanted, metadata), order)
        end = pagination.offset + size
        messages = [message_of(row) for row in rows[pagination.offset : end]]
        has_more = per_page is not False and end < len(rows)
        if include:
            is_filtered = bool(resource_id or wanted.date_range is not None or metadata is not None)
            read = {} if is_filtered else {one: [row for row in rows if row["thread_id"] == one] for one in thread_ids}
            present = {message.id for message in messages}
            messages += [message for message in self._included(include, read) if message.id not in present]
            if metadata is None:
                # A list of threads is equal to no message's thread, so there is always more.
                of_thread = {message.id for message in messages if message.thread_id == thread_id}
                has_more = len(of_thread) < len(rows)
        return MessagePage(
            messages=messages_in_order(messages, order),
            total=len(rows),
            page=page,
            per_page=pagination.per_page,
            has_more=has_more,
        )

    def list_messages_by_resource_id(
        self,
        *,
        resource_id: str,
        filter: MessageFilter | None = None,
        per_page: PerPage | None = None,
        page: int = 0,
        order_by: OrderBy | None = None,
    ) -> MessagePage:
        """A page of a resource's messages across its threads.

        ``order_by`` decides which messages are on the page, but `@mastra/convex` 1.5.2 returns them oldest first.

        Args:
            resource_id: whose.
            filter: which messages.
            per_page: 40 unless given; 0 gives none but counts, False gives all.
            page: counted from 0; with ``per_page=False`` only 0 is not too large.
            order_by: as for :meth:`list_messages`.

        Raises:
            TypeError: for a metadata filter that cannot be.
            MastraError: ``…_LIST_MESSAGES_BY_RESOURCE_ID_INVALID_PAGE``.
            StorageError: ``perPage must be >= 0``, or ``page must be >= 0`` for a page that is no whole number.
        """
        wanted = filter or MessageFilter()
        metadata = validate_metadata_filter(wanted.metadata)
        order = parse_order_by(order_by, "ASC")
        size = normalize_per_page(per_page, MESSAGES_PER_PAGE)
        _check_page(page, size)
        pagination = calculate_pagination(page, per_page, size)
        rows = self._client.query_table(TABLE_MESSAGES, [equal("resourceId", resource_id)])
        rows = rows_in_order(_matching(rows, wanted, metadata), order)
        on_page = rows[pagination.offset : pagination.offset + size]
        return MessagePage(
            messages=through_message_list(map(message_of, on_page)),
            total=len(rows),
            page=page,
            per_page=pagination.per_page,
            has_more=pagination.offset + len(on_page) < len(rows),
        )

    def _rows_of_threads(self, thread_ids: Sequence[str]) -> list[Record]:
        return [
            row
            for thread_id in thread_ids
            for row in self._client.query_table(TABLE_MESSAGES, [equal("thread_id", thread_id)])
        ]

    def _included(self, include: Sequence[Include], read_threads: Mapping[str, Sequence[Record]]) -> list[Message]:
        return IncludedMessages(self._client, read_threads).find(include)

    def _touch_threads(self, thread_ids: Iterable[str]) -> None:
        now = self._client.clock()
        for thread_id in thread_ids:
            self._client.patch(TABLE_THREADS, thread_id, {"updatedAt": now})


def _checked_thread_ids(thread_id: str | Sequence[str]) -> list[str]:
    thread_ids = [thread_id] if isinstance(thread_id, str) else list(thread_id)
    if not thread_ids or not all(one.strip(_WHITESPACE) for one in thread_ids):
        reason = StorageError("threadId must be a non-empty string or array of non-empty strings")
        refused(reason, "LIST_MESSAGES", "INVALID_THREAD_ID", {"threadId": ",".join(thread_ids)})
    return thread_ids


def _check_page(page: int, size: int) -> None:
    operation = "LIST_MESSAGES_BY_RESOURCE_ID"
    if page < 0:
        refused(StorageError("page must be >= 0"), operation, "INVALID_PAGE", {"page": page})
    if page * size > MAX_SAFE_INTEGER / 2:
        details = {"page": page, "perPage": size}
        refused(StorageError("page value too large"), operation, "INVALID_PAGE", details)


def _matching(rows: list[Record], wanted: MessageFilter, metadata: Mapping[str, Any] | None) -> list[Record]:
    rows = within(rows, said_at, wanted.date_range)
    return [row for row in rows if matches_metadata_filter(row.get("content"), metadata)]


def _apply(update: MessageUpdate, row: Record) -> None:
    """Changes a loaded row; a later update of the same message finds it changed."""
    if update.thread_id:
        row["thread_id"] = update.thread_id
    if update.resource_id is not UNSET:
        row["resourceId"] = update.resource_id
    if update.role:
        row["role"] = update.role
    if update.type:
        row["type"] = update.type
    if update.content is not None:
        row["content"] = to_json_text(_merged_content(safely_parse_json(row.get("content")), update.content))


def _merged_content(stored: Any, changes: Any) -> dict[str, Any]:
    existing, given_fields = _spread(stored), _spread(changes)
    merged = {**existing, **given_fields}
    if existing.get("metadata") is not None and given_fields.get("metadata") is not None:
        merged["metadata"] = {**_spread(existing["metadata"]), **_spread(given_fields["metadata"])}
    return merged


def _spread(value: Any) -> dict[str, Any]:
    """``{...value}``: lists and texts give their elements by index, what has no fields gives none."""
    if isinstance(value, Mapping):
        return dict(value)
    return {str(index): item for index, item in enumerate(value)} if isinstance(value, str | list) else {}

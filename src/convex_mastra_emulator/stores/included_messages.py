"""Messages that a list adds to its page: each with some of its neighbours, read from whatever thread it is in.

npm @mastra/convex 1.5.2 ``MemoryConvex._getIncludedMessages`` and ``addContextMessages`` (mastra-adapter.md §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from convex_mastra_emulator.stores.message_rows import TABLE_MESSAGES, Include, Message, message_of, said_at
from convex_mastra_emulator.stores.storage_client import Record, StorageClient, equal


class IncludedMessages:
    """Finds messages and their neighbours, reading each thread once.

    Args:
        client: where they are.
        read_threads: rows of threads that were read anyway, by the thread's id.
    """

    def __init__(self, client: StorageClient, read_threads: Mapping[str, Sequence[Record]]) -> None:
        self._client = client
        self._threads = dict(read_threads)
        self._targets = {row["id"]: (thread_id, row) for thread_id, rows in self._threads.items() for row in rows}

    def find(self, include: Iterable[Include]) -> list[Message]:
        """The messages, each once, in the order they are come upon."""
        found: dict[str, Record] = {}
        for item in include:
            for row in self._with_neighbours(item):
                found.setdefault(row["id"], row)
        return [message_of(row) for row in found.values()]

    def _with_neighbours(self, item: Include) -> Iterator[Record]:
        thread_id, target = self._target(item.id)
        if target is None or not thread_id:
            return
        yield target
        rows = [row for row in self._threads.get(thread_id, ()) if row["thread_id"] == thread_id]
        ordered = sorted(rows, key=said_at)
        place = next((index for index, row in enumerate(ordered) if row["id"] == item.id), None)
        if place is None:
            return
        yield from ordered[max(0, place - (item.with_previous_messages or 0)) : place]
        yield from ordered[place + 1 : max(0, place + (item.with_next_messages or 0) + 1)]

    def _target(self, message_id: str) -> tuple[str | None, Record | None]:
        known = self._targets.get(message_id)
        if known is not None:
            return known
        rows = self._client.query_table(TABLE_MESSAGES, [equal("id", message_id)])
        if not rows:
            return None, None
        thread_id = rows[0]["thread_id"]
        if thread_id and thread_id not in self._threads:
            self._threads[thread_id] = self._client.query_table(TABLE_MESSAGES, [equal("thread_id", thread_id)])
            self._targets.update((row["id"], (thread_id, row)) for row in self._threads[thread_id])
        return thread_id, rows[0]

"""The memory domain: threads, messages, resources and observational memory in one class.

npm @mastra/convex 1.5.2 ``MemoryConvex``; ``update_thread_resource_id`` is npm @mastra/core's ``MemoryStorage``
(mastra-adapter.md §3 and §4).
"""

from __future__ import annotations

from dataclasses import replace

from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.message_rows import TABLE_MESSAGES, MessageUpdate
from convex_mastra_emulator.stores.messages import ConvexMessages
from convex_mastra_emulator.stores.observational_memory import ConvexObservationalMemory
from convex_mastra_emulator.stores.observational_records import TABLE_OBSERVATIONAL_MEMORY
from convex_mastra_emulator.stores.resources import TABLE_RESOURCES, ConvexResources
from convex_mastra_emulator.stores.threads import TABLE_THREADS, ConvexThreads, Thread


class ConvexMemory(ConvexThreads, ConvexMessages, ConvexResources, ConvexObservationalMemory):
    """Mastra's memory on a deployment.

    Not there, because ``MemoryConvex`` refuses them too: ``copy_thread`` and ``clone_thread``.
    """

    def init(self) -> None:
        """Does nothing: the deployment's schema makes the tables."""

    def dangerously_clear_all(self) -> None:
        """Deletes all threads, messages, resources and observational memory."""
        for table in (TABLE_THREADS, TABLE_MESSAGES, TABLE_RESOURCES, TABLE_OBSERVATIONAL_MEMORY):
            self._client.clear_table(table)

    def update_thread_resource_id(self, *, thread_id: str, resource_id: str) -> Thread:
        """Gives a thread and all its messages to another resource.

        Unlike TypeScript it does not try to take back what it wrote when a later request fails.

        Raises:
            StorageError: ``Thread "…" not found``.
        """
        thread = self.get_thread_by_id(thread_id=thread_id)
        if thread is None:
            raise StorageError(f'Thread "{thread_id}" not found')
        if thread.resource_id == resource_id:
            return thread
        moved = self.save_thread(thread=replace(thread, resource_id=resource_id, updated_at=self._client.clock()))
        messages = self.list_messages(thread_id=thread_id, per_page=False).messages
        self.update_messages(
            messages=[
                MessageUpdate(id=message.id, resource_id=resource_id)
                for message in messages
                if message.resource_id != resource_id
            ]
        )
        return moved

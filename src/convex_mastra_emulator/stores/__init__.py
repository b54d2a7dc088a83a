"""Mastra's Convex stores in Python: the same requests as `@mastra/convex` 1.5.2, on any deployment.

``get_store("observability")`` of :class:`ConvexStore` is None, as in TypeScript: `@mastra/convex` 1.5.2 has no
observability domain.
"""

from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.memory import ConvexMemory
from convex_mastra_emulator.stores.message_rows import Include, Message, MessageFilter, MessagePage, MessageUpdate
from convex_mastra_emulator.stores.observational_records import (
    ActivatedChunk,
    BufferedActivation,
    BufferedObservationChunk,
    BufferedObservationChunkInput,
    ObservationalMemoryRecord,
)
from convex_mastra_emulator.stores.pagination import DateRange, OrderBy
from convex_mastra_emulator.stores.resources import Resource
from convex_mastra_emulator.stores.store import ConvexStore
from convex_mastra_emulator.stores.threads import Thread, ThreadFilter, ThreadPage
from convex_mastra_emulator.stores.workflows import ConvexWorkflows, WorkflowRun, WorkflowRunPage

__all__ = [
    "ActivatedChunk",
    "BufferedActivation",
    "BufferedObservationChunk",
    "BufferedObservationChunkInput",
    "ConvexMemory",
    "ConvexStore",
    "ConvexWorkflows",
    "DateRange",
    "Include",
    "MastraError",
    "Message",
    "MessageFilter",
    "MessagePage",
    "MessageUpdate",
    "ObservationalMemoryRecord",
    "OrderBy",
    "Resource",
    "StorageError",
    "Thread",
    "ThreadFilter",
    "ThreadPage",
    "WorkflowRun",
    "WorkflowRunPage",
]

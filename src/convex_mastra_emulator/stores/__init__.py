"""Mastra's Convex stores in Python: the same requests as `@mastra/convex` 1.5.2, on any deployment.

``get_store("observability")`` of :class:`ConvexStore` is None, as in TypeScript: `@mastra/convex` 1.5.2 has no
observability domain.
"""

from convex_mastra_emulator.stores.background_tasks import (
    BackgroundTask,
    ConvexBackgroundTasks,
    TaskFilter,
    TaskListResult,
    TaskQuery,
)
from convex_mastra_emulator.stores.channels import ChannelConfig, ChannelInstallation, ConvexChannels
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.memory import ConvexMemory
from convex_mastra_emulator.stores.message_rows import Include, Message, MessageFilter, MessagePage, MessageUpdate
from convex_mastra_emulator.stores.native_vector import ConvexNativeVector, NativeVectorIndex
from convex_mastra_emulator.stores.observational_records import (
    ActivatedChunk,
    BufferedActivation,
    BufferedObservationChunk,
    BufferedObservationChunkInput,
    ObservationalMemoryRecord,
)
from convex_mastra_emulator.stores.pagination import DateRange, OrderBy
from convex_mastra_emulator.stores.resources import Resource
from convex_mastra_emulator.stores.schedules import ConvexSchedules, Schedule, ScheduleTrigger
from convex_mastra_emulator.stores.scores import ConvexScores, SaveScorePayload, Score, ScoreFilters, ScorePage
from convex_mastra_emulator.stores.server_cache import ConvexServerCache
from convex_mastra_emulator.stores.storage_client import UNSET
from convex_mastra_emulator.stores.store import ConvexStore
from convex_mastra_emulator.stores.threads import Thread, ThreadFilter, ThreadPage
from convex_mastra_emulator.stores.vector import ConvexVector, IndexStats, QueryResult, VectorUpdate
from convex_mastra_emulator.stores.workflows import ConvexWorkflows, WorkflowRun, WorkflowRunPage

__all__ = [
    "UNSET",
    "ActivatedChunk",
    "BackgroundTask",
    "BufferedActivation",
    "BufferedObservationChunk",
    "BufferedObservationChunkInput",
    "ChannelConfig",
    "ChannelInstallation",
    "ConvexBackgroundTasks",
    "ConvexChannels",
    "ConvexMemory",
    "ConvexNativeVector",
    "ConvexSchedules",
    "ConvexScores",
    "ConvexServerCache",
    "ConvexStore",
    "ConvexVector",
    "ConvexWorkflows",
    "DateRange",
    "Include",
    "IndexStats",
    "MastraError",
    "Message",
    "MessageFilter",
    "MessagePage",
    "MessageUpdate",
    "NativeVectorIndex",
    "ObservationalMemoryRecord",
    "OrderBy",
    "QueryResult",
    "Resource",
    "SaveScorePayload",
    "Schedule",
    "ScheduleTrigger",
    "Score",
    "ScoreFilters",
    "ScorePage",
    "StorageError",
    "TaskFilter",
    "TaskListResult",
    "TaskQuery",
    "Thread",
    "ThreadFilter",
    "ThreadPage",
    "VectorUpdate",
    "WorkflowRun",
    "WorkflowRunPage",
]

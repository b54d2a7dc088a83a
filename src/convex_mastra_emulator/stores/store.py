"""Mastra's storage on a deployment: the domains of `@mastra/convex`, sharing one client.

npm @mastra/convex 1.5.2 ``ConvexStore``, checked 2026-11-21.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias, overload

from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.stores.background_tasks import ConvexBackgroundTasks
from convex_mastra_emulator.stores.channels import ConvexChannels
from convex_mastra_emulator.stores.memory import ConvexMemory
from convex_mastra_emulator.stores.schedules import ConvexSchedules
from convex_mastra_emulator.stores.scores import ConvexScores
from convex_mastra_emulator.stores.storage_client import DEFAULT_STORAGE_FUNCTION, StorageClient
from convex_mastra_emulator.stores.times import now
from convex_mastra_emulator.stores.workflows import ConvexWorkflows

StoreName: TypeAlias = Literal[
    "memory", "workflows", "scores", "background_tasks", "schedules", "channels", "observability"
]
Domain: TypeAlias = (
    ConvexMemory | ConvexWorkflows | ConvexScores | ConvexBackgroundTasks | ConvexSchedules | ConvexChannels
)


def _new_id() -> str:
    return str(uuid.uuid4())


class ConvexStore:
    """The domains of Mastra's storage on one deployment.

    >>> from convex_mastra_emulator import Emulator
    >>> store = ConvexStore(Emulator())
    >>> store.memory.list_threads().total
    0
    >>> store.get_store("workflows").list_workflow_runs()
    WorkflowRunPage(runs=[], total=0)

    Args:
        deployment: an ``Emulator``, or what ``connect(url)`` gives.
        id: the store's own name.
        storage_function: the path of ``storage:handle`` there.
        clock: gives the time that is written as ``updatedAt`` and the like.
        new_id: makes ids for records that have none.

    Attributes:
        id: as given.
        memory: threads, messages, resources, observational memory.
        workflows: snapshots of runs.
        scores: what scorers found.
        background_tasks: tool calls that outlive their run.
        schedules: schedules and their triggers.
        channels: installations on platforms, and their settings.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        id: str = "convex",
        storage_function: str = DEFAULT_STORAGE_FUNCTION,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        client = StorageClient(deployment, storage_function=storage_function, clock=clock, new_id=new_id)
        self.id = id
        self.memory = ConvexMemory(client)
        self.workflows = ConvexWorkflows(client)
        self.scores = ConvexScores(client)
        self.background_tasks = ConvexBackgroundTasks(client)
        self.schedules = ConvexSchedules(client)
        self.channels = ConvexChannels(client)

    def init(self) -> None:
        """Does nothing: the deployment's schema makes the tables."""

    @overload
    def get_store(self, name: Literal["memory"]) -> ConvexMemory: ...
    @overload
    def get_store(self, name: Literal["workflows"]) -> ConvexWorkflows: ...
    @overload
    def get_store(self, name: Literal["scores"]) -> ConvexScores: ...
    @overload
    def get_store(self, name: Literal["background_tasks"]) -> ConvexBackgroundTasks: ...
    @overload
    def get_store(self, name: Literal["schedules"]) -> ConvexSchedules: ...
    @overload
    def get_store(self, name: Literal["channels"]) -> ConvexChannels: ...
    @overload
    def get_store(self, name: Literal["observability"]) -> None: ...

    def get_store(self, name: StoreName) -> Domain | None:
        """A domain by its name; None for ``observability``, which `@mastra/convex` 1.5.2 does not have.

        Raises:
            ValueError: for any other name.
        """
        domains: dict[str, Domain | None] = {
            "memory": self.memory,
            "workflows": self.workflows,
            "scores": self.scores,
            "background_tasks": self.background_tasks,
            "schedules": self.schedules,
            "channels": self.channels,
            "observability": None,
        }
        if name not in domains:
            raise ValueError(f"no store is called {name!r}; there are {', '.join(domains)}")
        return domains[name]

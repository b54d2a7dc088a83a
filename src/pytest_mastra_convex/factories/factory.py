"""The factory tests use: records one at a time, or a deployment full of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from faker import Faker

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import (
    BackgroundTask,
    ChannelConfig,
    ChannelInstallation,
    ConvexServerCache,
    ConvexStore,
    ConvexVector,
    Message,
    ObservationalMemoryRecord,
    Resource,
    SaveScorePayload,
    Schedule,
    ScheduleTrigger,
    Thread,
    WorkflowRun,
)
from pytest_mastra_convex.factories.provider import CacheEntry, MastraProvider, VectorEntry
from pytest_mastra_convex.factories.rows import RECORDS_PER_REQUEST, RowCollector, write_rows

_CONVERSATION = ("user", "assistant", "tool", "assistant")
# A number takes nine bytes on the deployment, and about twice that as text in the request.
_NUMBER_SIZE = 9
_REQUEST_SIZE_MAX = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What :meth:`MastraFactory.fill` stored: the ids of each kind, in the order in which they were made.

    Channel configurations are known by their platforms, cache entries by their keys, runs of workflows by their run
    ids.
    """

    resources: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observational_memories: tuple[str, ...] = ()
    workflow_snapshots: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    schedule_triggers: tuple[str, ...] = ()
    background_tasks: tuple[str, ...] = ()
    channel_installations: tuple[str, ...] = ()
    channel_configs: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    cache_entries: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, without the kinds of which there are none."""
        return {field.name: len(ids) for field in fields(self) if (ids := getattr(self, field.name))}


class MastraFactory:
    """Makes records up, and stores as many as wanted.

    The methods that make one record take fields that are to have other values, and store nothing.

    Args:
        deployment: where :meth:`fill` stores.
        seed: the same seed gives the same records; the name of a test, for example.

    Attributes:
        deployment: as given.
        faker: for anything else; it has the methods of :class:`~.provider.MastraProvider` too.
    """

    def __init__(self, deployment: Deployment, seed: str | int) -> None:
        self.deployment = deployment
        self.faker = Faker("en_US")
        self.faker.seed_instance(seed)
        self._provider = MastraProvider(self.faker.factories[0])
        self.faker.add_provider(self._provider)

    # One record

    def resource(self, **fields: Any) -> Resource:
        """Somebody threads belong to."""
        return self._provider.mastra_resource(**fields)

    def thread(self, **fields: Any) -> Thread:
        """A conversation."""
        return self._provider.mastra_thread(**fields)

    def message(self, thread: Thread | None = None, **fields: Any) -> Message:
        """Something said in a thread; ``role`` may be ``user``, ``assistant`` or ``tool``."""
        return self._provider.mastra_message(thread, **fields)

    def observational_memory(self, **fields: Any) -> ObservationalMemoryRecord:
        """A generation of what was observed in a thread."""
        return self._provider.mastra_observational_memory(**fields)

    def workflow_snapshot(self, **fields: Any) -> WorkflowRun:
        """A run of a workflow with its snapshot."""
        return self._provider.mastra_workflow_snapshot(**fields)

    def score(self, **fields: Any) -> SaveScorePayload:
        """A score that is to be saved."""
        return self._provider.mastra_score(**fields)

    def schedule(self, **fields: Any) -> Schedule:
        """A schedule of a workflow."""
        return self._provider.mastra_schedule(**fields)

    def schedule_trigger(self, schedule: Schedule | None = None, **fields: Any) -> ScheduleTrigger:
        """One time a schedule ran."""
        return self._provider.mastra_schedule_trigger(schedule, **fields)

    def background_task(self, **fields: Any) -> BackgroundTask:
        """A call of a tool that runs or waits to."""
        return self._provider.mastra_background_task(**fields)

    def channel_installation(self, **fields: Any) -> ChannelInstallation:
        """An agent on a platform."""
        return self._provider.mastra_channel_installation(**fields)

    def channel_config(self, **fields: Any) -> ChannelConfig:
        """What a platform needs to know; each one is of another platform."""
        return self._provider.mastra_channel_config(**fields)

    def vector(self, dimension: int = 3, **fields: Any) -> VectorEntry:
        """A vector and what it is about."""
        return self._provider.mastra_vector(dimension, **fields)

    def cache_entry(self, **fields: Any) -> CacheEntry:
        """A key and its value."""
        return self._provider.mastra_cache_entry(**fields)

    # Many records

    def fill(
        self,
        *,
        resources: int = 0,
        threads: int = 0,
        messages: int = 0,
        observational_memories: int = 0,
        workflow_snapshots: int = 0,
        scores: int = 0,
        schedules: int = 0,
        schedule_triggers: int = 0,
        background_tasks: int = 0,
        channel_installations: int = 0,
        channel_configs: int = 0,
        vectors: int = 0,
        dimension: int = 3,
        index_name: str = "factory",
        cache_entries: int = 0,
    ) -> Filled:
        """Stores that many records, a thousand in a request; cache entries one by one.

        Messages go to the threads in turn, and threads belong to the resources in turn.  Where there is none to go to,
        one is made: a thread for messages, a schedule for triggers.  Threads without resources have one owner.

        Args:
            resources: how many resources.
            threads: how many threads.
            messages: how many messages, a second apart.
            observational_memories: how many generations, each of a thread of its own.
            workflow_snapshots: how many runs of workflows.
            scores: how many scores.
            schedules: how many schedules.
            schedule_triggers: how many triggers, of the schedules in turn.
            background_tasks: how many tasks.
            channel_installations: how many installations.
            channel_configs: how many platforms' configurations.
            vectors: how many vectors.
            dimension: of the vectors.
            index_name: the index of ``ConvexVector`` that the vectors go to; it is created.
            cache_entries: how many values in the cache; they never expire.

        Raises:
            ValueError: for a negative number, or a ``dimension`` below 1.
            FunctionError: for what the deployment refuses.
        """
        singles = {
            "observational_memories": observational_memories,
            "workflow_snapshots": workflow_snapshots,
            "scores": scores,
            "background_tasks": background_tasks,
            "channel_installations": channel_installations,
            "channel_configs": channel_configs,
        }
        others = (resources, threads, messages, schedules, schedule_triggers, vectors, cache_entries)
        if min(*others, *singles.values()) < 0 or dimension < 1:
            raise ValueError("how many records there are to be must not be negative, and dimension at least 1")
        collector = RowCollector()
        store = ConvexStore(collector, clock=self._provider.mastra_time, new_id=self._new_id)
        ids = self._save_memory(store, resources, threads, messages)
        ids |= self._save_schedules(store, schedules, schedule_triggers)
        ids |= {kind: tuple(_SAVE[kind](self, store) for _ in range(count)) for kind, count in singles.items()}
        write_rows(collector, self.deployment)
        ids["vectors"] = self._fill_vectors(vectors, dimension, index_name)
        ids["cache_entries"] = self._fill_cache(cache_entries)
        return Filled(**ids)

    def _new_id(self) -> str:
        return self._provider.mastra_id("record")

    def _save_memory(
        self, store: ConvexStore, resources: int, threads: int, messages: int
    ) -> dict[str, tuple[str, ...]]:
        owners = [store.memory.save_resource(resource=self.resource()).id for _ in range(resources)]
        owner_ids = owners or [self._provider.mastra_id("resource")]
        made = [
            store.memory.save_thread(thread=self.thread(resource_id=owner_ids[number % len(owner_ids)]))
            for number in range(max(threads, 1 if messages else 0))
        ]
        said = [
            self._provider.mastra_message(made[number % len(made)], role=_CONVERSATION[number % len(_CONVERSATION)])
            for number in range(messages)
        ]
        store.memory.save_messages(messages=said)
        return {
            "resources": tuple(owners),
            "threads": tuple(thread.id for thread in made),
            "messages": tuple(message.id for message in said),
        }

    def _save_schedules(self, store: ConvexStore, schedules: int, triggers: int) -> dict[str, tuple[str, ...]]:
        made = [store.schedules.create_schedule(self.schedule()) for _ in range(max(schedules, 1 if triggers else 0))]
        fired = [self.schedule_trigger(made[number % len(made)]) for number in range(triggers)]
        for trigger in fired:
            store.schedules.record_trigger(trigger)
        return {
            "schedules": tuple(schedule.id for schedule in made),
            "schedule_triggers": tuple(str(trigger.id) for trigger in fired),
        }

    def _fill_vectors(self, count: int, dimension: int, index_name: str) -> tuple[str, ...]:
        if not count:
            return ()
        store = ConvexVector(self.deployment, clock=self._provider.mastra_time)
        store.create_index(index_name, dimension=dimension)
        per_request = max(1, min(RECORDS_PER_REQUEST, _REQUEST_SIZE_MAX // (_NUMBER_SIZE * dimension)))
        ids: list[str] = []
        for start in range(0, count, per_request):
            entries = [self.vector(dimension) for _ in range(min(per_request, count - start))]
            ids += store.upsert(
                index_name,
                ids=[entry.id for entry in entries],
                vectors=[entry.vector for entry in entries],
                metadata=[entry.metadata for entry in entries],
            )
        return tuple(ids)

    def _fill_cache(self, count: int) -> tuple[str, ...]:
        cache = ConvexServerCache(self.deployment, ttl_ms=0)
        entries = [self.cache_entry() for _ in range(count)]
        for entry in entries:
            cache.set(entry.key, entry.value)
        return tuple(entry.key for entry in entries)


def _save_observational_memory(factory: MastraFactory, store: ConvexStore) -> str:
    record = factory.observational_memory()
    store.memory.insert_observational_memory_record(record)
    return record.id


def _save_workflow_snapshot(factory: MastraFactory, store: ConvexStore) -> str:
    run = factory.workflow_snapshot()
    store.workflows.persist_workflow_snapshot(
        workflow_name=run.workflow_name,
        run_id=run.run_id,
        resource_id=run.resource_id,
        snapshot=run.snapshot,
        created_at=run.created_at,
        updated_at=run.updated_at,
    )
    return run.run_id


def _save_score(factory: MastraFactory, store: ConvexStore) -> str:
    return store.scores.save_score(factory.score()).id


def _save_background_task(factory: MastraFactory, store: ConvexStore) -> str:
    task = factory.background_task()
    store.background_tasks.create_task(task)
    return task.id


def _save_channel_installation(factory: MastraFactory, store: ConvexStore) -> str:
    installation = factory.channel_installation()
    store.channels.save_installation(installation)
    return installation.id


def _save_channel_config(factory: MastraFactory, store: ConvexStore) -> str:
    config = factory.channel_config()
    store.channels.save_config(config)
    return config.platform


_SAVE: Mapping[str, Callable[[MastraFactory, ConvexStore], str]] = {
    "observational_memories": _save_observational_memory,
    "workflow_snapshots": _save_workflow_snapshot,
    "scores": _save_score,
    "background_tasks": _save_background_task,
    "channel_installations": _save_channel_installation,
    "channel_configs": _save_channel_config,
}

"""A provider for Faker with a method for every record of Mastra, as the Python stores take it.

Ids are random, so that the records of two seeds meet on no deployment; times begin at :data:`FIRST_MOMENT` and go on by
a second each; sentences come from a pool that is made once, because Faker takes its time for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from faker.providers import BaseProvider

from convex_mastra_emulator.stores import (
    BackgroundTask,
    BufferedObservationChunk,
    ChannelConfig,
    ChannelInstallation,
    Message,
    ObservationalMemoryRecord,
    Resource,
    SaveScorePayload,
    Schedule,
    ScheduleTrigger,
    Thread,
    WorkflowRun,
)
from convex_mastra_emulator.stores.times import to_epoch_ms

FIRST_MOMENT = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""When the first record was made."""

_SENTENCES = 64
_TOOLS = ("search", "weather", "calculator", "calendar")
_AGENTS = ("assistant", "researcher", "planner")
_WORKFLOWS = ("import", "report", "review")
_PLATFORMS = ("slack", "discord", "telegram", "teams")
_MESSAGE_ROLES = ("user", "assistant", "tool")


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorEntry:
    """A vector with its metadata, for ``upsert``."""

    id: str
    vector: list[float]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """A key and its value, for ``ConvexServerCache.set``."""

    key: str
    value: Any


class MastraProvider(BaseProvider):
    """Mastra's records; ``faker.add_provider(MastraProvider)`` adds ``faker.mastra_thread()`` and so on.

    Every method takes fields that are to have other values by their names.
    """

    def __init__(self, generator: Any) -> None:
        super().__init__(generator)
        self._moments = 0
        self._platforms = 0

    # What records are made of

    def mastra_time(self) -> datetime:
        """The next moment, a second after the one before."""
        self._moments += 1
        return FIRST_MOMENT + timedelta(seconds=self._moments - 1)

    def mastra_id(self, kind: str) -> str:
        """A new id, such as ``thread-0f3a…``.

        Args:
            kind: what it is the id of.
        """
        return f"{kind}-{self.generator.random.getrandbits(64):016x}"

    def mastra_sentence(self) -> str:
        """One of a few sentences."""
        return self._one_of(self._sentences)

    @cached_property
    def _sentences(self) -> tuple[str, ...]:
        return tuple(self.generator.sentence() for _ in range(_SENTENCES))

    def _one_of(self, items: tuple[str, ...]) -> str:
        return items[int(self.generator.random.random() * len(items))]

    # Memory

    def mastra_resource(self, **fields: Any) -> Resource:
        """Somebody threads belong to."""
        moment = self.mastra_time()
        resource = Resource(
            id=self.mastra_id("resource"),
            working_memory=self.mastra_sentence(),
            metadata={"plan": self._one_of(("free", "team")), "visits": self.random_int(0, 99)},
            created_at=moment,
            updated_at=moment,
        )
        return replace(resource, **fields)

    def mastra_thread(self, **fields: Any) -> Thread:
        """A conversation."""
        moment = self.mastra_time()
        thread = Thread(
            id=self.mastra_id("thread"),
            resource_id=self.mastra_id("resource"),
            title=self.mastra_sentence(),
            metadata={"topic": self._one_of(_TOOLS), "pinned": self.generator.random.random() < 0.1},
            created_at=moment,
            updated_at=moment,
        )
        return replace(thread, **fields)

    def mastra_message(self, thread: Thread | None = None, **fields: Any) -> Message:
        """Something said in a thread.

        Args:
            thread: where; in a thread of its own if None.
            **fields: other values; ``role`` decides on the content: ``user``, ``assistant`` or ``tool``.

        Raises:
            ValueError: for another role, when no content is given.
        """
        role = fields["role"] if "role" in fields else self._one_of(_MESSAGE_ROLES)
        message = Message(
            id=self.mastra_id("message"),
            thread_id=self.mastra_id("thread") if thread is None else thread.id,
            resource_id=self.mastra_id("resource") if thread is None else thread.resource_id,
            role=role,
            type="v2",
            content=fields["content"] if "content" in fields else self._content(role),
            created_at=self.mastra_time(),
        )
        return replace(message, **fields) if fields.keys() - {"role", "content"} else message

    def _content(self, role: str) -> dict[str, Any]:
        text = self.mastra_sentence()
        spoken = {"type": "text", "text": text}
        if role == "user":
            return {"format": 2, "parts": [spoken], "content": text}
        if role == "assistant":
            return {"format": 2, "parts": [{"type": "step-start"}, spoken], "content": text}
        if role == "tool":
            invocation = {
                "state": "result",
                "toolCallId": self.mastra_id("call"),
                "toolName": self._one_of(_TOOLS),
                "args": {"text": text},
                "result": {"found": self.random_int(0, 9)},
            }
            return {"format": 2, "parts": [{"type": "tool-invocation", "toolInvocation": invocation}]}
        raise ValueError(f"role must be one of {', '.join(_MESSAGE_ROLES)} where no content is given, got {role!r}")

    def mastra_observational_memory(self, **fields: Any) -> ObservationalMemoryRecord:
        """A generation of what was observed in a thread, with a chunk that waits to be activated."""
        moment = self.mastra_time()
        seen = [self.mastra_id("message") for _ in range(2)]
        chunk = BufferedObservationChunk(
            id=self.mastra_id("ombuf"),
            cycle_id=self.mastra_id("cycle"),
            observations=self.mastra_sentence(),
            token_count=self.random_int(1, 50),
            message_ids=seen,
            message_tokens=self.random_int(50, 500),
            last_observed_at=moment,
            created_at=moment,
        )
        record = ObservationalMemoryRecord(
            id=self.mastra_id("observation"),
            scope="thread",
            thread_id=self.mastra_id("thread"),
            resource_id=self.mastra_id("resource"),
            created_at=moment,
            updated_at=moment,
            last_observed_at=moment,
            active_observations=self.mastra_sentence(),
            buffered_observation_chunks=[chunk],
            observed_message_ids=seen,
            observed_timezone="Europe/Lisbon",
            total_tokens_observed=self.random_int(500, 900),
            observation_token_count=self.random_int(1, 99),
            pending_message_tokens=self.random_int(0, 400),
            config={"scope": "thread", "observation": {"messageTokens": 500}},
        )
        return replace(record, **fields)

    # Other domains

    def mastra_workflow_snapshot(self, **fields: Any) -> WorkflowRun:
        """A run of a workflow with its snapshot; without ``snapshot``, that of ``run_id``."""
        run_id = fields.get("run_id") or self.mastra_id("run")
        moment = self.mastra_time()
        run = WorkflowRun(
            workflow_name=self._one_of(_WORKFLOWS),
            run_id=run_id,
            snapshot=self._run_state(run_id, moment),
            created_at=moment,
            updated_at=moment,
            resource_id=self.mastra_id("resource"),
        )
        return replace(run, **fields)

    def _run_state(self, run_id: str, moment: datetime) -> dict[str, Any]:
        text = self.mastra_sentence()
        status = self._one_of(("running", "success", "suspended", "failed"))
        return {
            "runId": run_id,
            "status": status,
            "value": {},
            "context": {
                "input": {"text": text},
                "first": {"status": "success", "output": {"text": text}, "payload": {}},
            },
            "serializedStepGraph": [{"type": "step", "step": {"id": "first"}}],
            "activePaths": [],
            "activeStepsPath": {},
            "suspendedPaths": {"second": [1]} if status == "suspended" else {},
            "resumeLabels": {},
            "waitingPaths": {},
            "timestamp": to_epoch_ms(moment),
        }

    def mastra_score(self, **fields: Any) -> SaveScorePayload:
        """A score that is to be saved."""
        score = SaveScorePayload(
            scorer_id=self._one_of(("relevance", "toxicity", "tone")),
            run_id=self.mastra_id("run"),
            scorer={"name": self.mastra_sentence()},
            score=self.random_int(0, 100) / 100,
            source=self._one_of(("LIVE", "TEST")),
            input={"text": self.mastra_sentence()},
            output={"text": self.mastra_sentence()},
            entity_id=self._one_of(_AGENTS),
            entity_type="AGENT",
            reason=self.mastra_sentence(),
        )
        return replace(score, **fields)

    def mastra_schedule(self, **fields: Any) -> Schedule:
        """A schedule of a workflow."""
        moment = self.mastra_time()
        schedule = Schedule(
            id=self.mastra_id("schedule"),
            target={"type": "workflow", "workflowId": self._one_of(_WORKFLOWS)},
            cron=f"{self.random_int(0, 59)} * * * *",
            timezone="Europe/Lisbon",
            status=self._one_of(("active", "paused")),
            next_fire_at=moment + timedelta(hours=1),
            metadata={"note": self.mastra_sentence()},
            owner_type="agent",
            owner_id=self._one_of(_AGENTS),
            created_at=moment,
            updated_at=moment,
        )
        return replace(schedule, **fields)

    def mastra_schedule_trigger(self, schedule: Schedule | None = None, **fields: Any) -> ScheduleTrigger:
        """One time a schedule ran.

        Args:
            schedule: which; one of its own if None.
            **fields: other values.
        """
        moment = self.mastra_time()
        trigger = ScheduleTrigger(
            id=self.mastra_id("trigger"),
            schedule_id=self.mastra_id("schedule") if schedule is None else schedule.id,
            run_id=self.mastra_id("run"),
            scheduled_fire_at=moment,
            actual_fire_at=moment + timedelta(milliseconds=self.random_int(0, 900)),
            outcome="published",
        )
        return replace(trigger, **fields)

    def mastra_background_task(self, **fields: Any) -> BackgroundTask:
        """A call of a tool that runs or waits to."""
        moment = self.mastra_time()
        is_running = self.generator.random.random() < 0.5
        task = BackgroundTask(
            id=self.mastra_id("task"),
            status="running" if is_running else "pending",
            tool_name=self._one_of(_TOOLS),
            tool_call_id=self.mastra_id("call"),
            args={"text": self.mastra_sentence()},
            agent_id=self._one_of(_AGENTS),
            run_id=self.mastra_id("run"),
            thread_id=self.mastra_id("thread"),
            resource_id=self.mastra_id("resource"),
            retry_count=0,
            max_retries=self.random_int(0, 3),
            timeout_ms=60_000,
            created_at=moment,
            started_at=moment if is_running else None,
        )
        return replace(task, **fields)

    def mastra_channel_installation(self, **fields: Any) -> ChannelInstallation:
        """An agent on a platform."""
        moment = self.mastra_time()
        installation = ChannelInstallation(
            id=self.mastra_id("installation"),
            platform=self._one_of(_PLATFORMS),
            agent_id=self._one_of(_AGENTS),
            status=self._one_of(("active", "pending")),
            data={"team": self.mastra_sentence()},
            webhook_id=self.mastra_id("webhook"),
            config_hash=f"{self.generator.random.getrandbits(32):08x}",
            created_at=moment,
            updated_at=moment,
        )
        return replace(installation, **fields)

    def mastra_channel_config(self, **fields: Any) -> ChannelConfig:
        """What a platform needs to know; each one is of another platform."""
        turn, position = divmod(self._platforms, len(_PLATFORMS))
        self._platforms += 1
        config = ChannelConfig(
            platform=f"{_PLATFORMS[position]}-{turn + 1}" if turn else _PLATFORMS[position],
            data={"token": self.mastra_id("token")},
            updated_at=self.mastra_time(),
        )
        return replace(config, **fields)

    def mastra_vector(self, dimension: int = 3, **fields: Any) -> VectorEntry:
        """A vector and what it is about.

        Args:
            dimension: how many numbers it has, each between -1 and 1.
            **fields: other values.
        """
        draw = self.generator.random.random
        entry = VectorEntry(
            id=self.mastra_id("vector"),
            vector=[2 * draw() - 1 for _ in range(dimension)],
            metadata={"text": self.mastra_sentence(), "topic": self._one_of(_TOOLS), "page": self.random_int(1, 9)},
        )
        return replace(entry, **fields)

    def mastra_cache_entry(self, **fields: Any) -> CacheEntry:
        """A key and its value."""
        entry = CacheEntry(key=self.mastra_id("key"), value={"text": self.mastra_sentence()})
        return replace(entry, **fields)

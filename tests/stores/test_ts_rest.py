"""Scores, tasks, schedules, channels, vectors and the cache: Python's classes against the published TypeScript ones.

Both make the same calls, each on an emulator of its own with the same seed and a clock that stands still, so requests,
results and errors can be compared as they are, ids and creation times included.  Then each reads what the other wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator.server import serve
from convex_mastra_emulator.stores.background_tasks import BackgroundTask
from convex_mastra_emulator.stores.channels import ChannelConfig, ChannelInstallation
from convex_mastra_emulator.stores.schedules import Schedule, ScheduleTrigger
from convex_mastra_emulator.stores.scores import SaveScorePayload, ScoreFilters
from convex_mastra_emulator.stores.times import to_epoch_ms
from pytest_mastra_convex.node_project import ensure_npm_project
from tests.stores.ts_rest_calls import Answer, Call, by_python, by_typescript, new_emulator

UNDEFINED = {"$undefined": True}


def when(minute: int, ms: int = 0) -> datetime:
    return datetime(2025, 12, 1, 10, minute, 0, ms * 1000, UTC)


# Scores


def save_score(scorer: str, run: str, **fields: Any) -> Call:
    given: dict[str, Any] = {
        "scorer_id": scorer,
        "run_id": run,
        "entity_id": "agent-1",
        "entity_type": "AGENT",
        "source": "LIVE",
        "score": 0.5,
        "scorer": {"id": scorer, "prompt": None},
        "entity": {"id": "agent-1"},
        "input": [{"role": "user", "at": when(1)}],
        "output": {"text": "é", "nan": math.nan},
        **fields,
    }
    return Call("scores", "saveScore", [camel(given)], lambda s: s.scores.save_score(SaveScorePayload(**given)))


def camel(fields: dict[str, Any]) -> dict[str, Any]:
    return {first + "".join(map(str.title, rest)): item for (first, *rest), item in split_names(fields)}


def split_names(fields: dict[str, Any]) -> Iterator[tuple[list[str], Any]]:
    return ((name.split("_"), item) for name, item in fields.items())


def scores_page(page: int, per_page: Any) -> dict[str, Any]:
    return {"pagination": {"page": page, "perPage": per_page}}


SCORE_READS = [
    Call("scores", "getScoreById", [{"id": "id-1"}], lambda s: s.scores.get_score_by_id(id="id-1")),
    Call("scores", "getScoreById", [{"id": "none"}], lambda s: s.scores.get_score_by_id(id="none")),
    Call(
        "scores",
        "listScoresByScorerId",
        [{"scorerId": "sc-1", **scores_page(0, 2)}],
        lambda s: s.scores.list_scores_by_scorer_id(scorer_id="sc-1", page=0, per_page=2),
    ),
    Call(
        "scores",
        "listScoresByScorerId",
        [{"scorerId": "sc-1", **scores_page(1, 2)}],
        lambda s: s.scores.list_scores_by_scorer_id(scorer_id="sc-1", page=1, per_page=2),
    ),
    Call(
        "scores",
        "listScoresByScorerId",
        [{"scorerId": "", "source": "TEST", "entityId": "agent-2", "entityType": "", **scores_page(3, False)}],
        lambda s: s.scores.list_scores_by_scorer_id(
            scorer_id="", source="TEST", entity_id="agent-2", entity_type="", page=3, per_page=False
        ),
    ),
    Call(
        "scores",
        "listScoresByRunId",
        [{"runId": "run-1", "filters": {"organizationId": "org"}, **scores_page(0, 10)}],
        lambda s: s.scores.list_scores_by_run_id(
            run_id="run-1", filters=ScoreFilters(organization_id="org"), page=0, per_page=10
        ),
    ),
    Call(
        "scores",
        "listScoresByRunId",
        [{"runId": "run-1", "filters": {"projectId": None}, **scores_page(0, 10)}],
        lambda s: s.scores.list_scores_by_run_id(
            run_id="run-1", filters=ScoreFilters(project_id=None), page=0, per_page=10
        ),
    ),
    Call(
        "scores",
        "listScoresByEntityId",
        [{"entityId": "agent-1", "entityType": "AGENT", **scores_page(0, 0)}],
        lambda s: s.scores.list_scores_by_entity_id(entity_id="agent-1", entity_type="AGENT", page=0, per_page=0),
    ),
]
SCORES = [
    save_score("sc-1", "run-1", reason="first", metadata={"n": 1}, organization_id="org", trace_id="t"),
    save_score("sc-1", "run-1", preprocess_step_result={"a": [1, None]}, batch_id="b", dataset_item_id="d"),
    save_score("sc-1", "run-2", additional_context={"x": {}}, request_context={"y": []}),
    save_score("sc-2", "run-2", source="TEST", entity_id="agent-2"),
    save_score("sc-3", "run-3", structured_output=True),
    *SCORE_READS,
    Call(
        "scores",
        "listScoresByRunId",
        [{"runId": "run-1", **scores_page(-1, 10)}],
        lambda s: s.scores.list_scores_by_run_id(run_id="run-1", page=-1, per_page=10),
    ),
]


# Background tasks


def new_task(id: str, minute: int, **fields: Any) -> BackgroundTask:
    given: dict[str, Any] = {
        "status": "pending",
        "tool_name": "search",
        "tool_call_id": f"{id}.call",
        "args": {"q": "x", "1": 1.0, "at": when(2)},
        "agent_id": "agent-1",
        "run_id": "run-1",
        "retry_count": 0,
        "max_retries": 3,
        "timeout_ms": 1500.5,
        **fields,
    }
    return BackgroundTask(id=id, created_at=when(minute), **given)


def create_task(task: BackgroundTask) -> Call:
    given = {name: getattr(task, name) for name in BackgroundTask.__slots__}
    present = {name: item for name, item in given.items() if item is not None}
    return Call("backgroundTasks", "createTask", [camel(present)], lambda s: s.tasks.create_task(task))


def update_task(id: str, **changes: Any) -> Call:
    as_typescript = {name: UNDEFINED if item is None else item for name, item in camel(changes).items()}
    return Call("backgroundTasks", "updateTask", [id, as_typescript], lambda s: s.tasks.update_task(id, **changes))


def list_tasks(**query: Any) -> Call:
    given = camel(query)
    for name in ("dateFilterBy", "orderBy"):
        if name in given:
            given[name] = "".join(camel({given[name]: 0}))
    return Call("backgroundTasks", "listTasks", [given], lambda s: s.tasks.list_tasks(**query))


def delete_tasks(**query: Any) -> Call:
    return Call("backgroundTasks", "deleteTasks", [camel(query)], lambda s: s.tasks.delete_tasks(**query))


TASK_READS = [
    Call("backgroundTasks", "getTask", ["task-1"], lambda s: s.tasks.get_task("task-1")),
    Call("backgroundTasks", "getTask", ["none"], lambda s: s.tasks.get_task("none")),
    list_tasks(),
    list_tasks(status="running"),
    list_tasks(status=["running"]),
    list_tasks(status=["running", "completed"], agent_id="agent-1"),
    list_tasks(status=[]),
    list_tasks(thread_id="thread-1", resource_id="resource-1", tool_name="search"),
    list_tasks(tool_call_id="task-1.call", run_id="run-1"),
    list_tasks(from_date=when(2), to_date=when(4)),
    list_tasks(from_date=when(20), date_filter_by="completed_at"),
    list_tasks(order_by="started_at", order_direction="desc"),
    list_tasks(order_by="completed_at", order_direction="asc"),
    list_tasks(page=1, per_page=2),
    list_tasks(per_page=3),
    list_tasks(page=1),
    Call("backgroundTasks", "getRunningCount", [], lambda s: s.tasks.get_running_count()),
    Call(
        "backgroundTasks",
        "getRunningCountByAgent",
        ["agent-2"],
        lambda s: s.tasks.get_running_count_by_agent("agent-2"),
    ),
]
TASKS = [
    create_task(new_task("task-1", 3, thread_id="thread-1", resource_id="resource-1", result={"n": 1.5})),
    create_task(new_task("task-2", 1, status="running", started_at=when(10), suspend_payload=[0])),
    create_task(new_task("task-3", 2, status="running", agent_id="agent-2", error={"message": "no"})),
    create_task(new_task("task-4", 4, status="completed", completed_at=when(20, 7), suspended_at=when(15))),
    create_task(new_task("task-5", 4, status="completed", completed_at=when(20, 6), args={})),
    update_task("task-2", status="suspended", suspended_at=when(11), suspend_payload={"why": "é"}),
    update_task("task-2", status="running", suspended_at=None, suspend_payload=None, retry_count=1),
    update_task("task-3", result="done", error=None, max_retries=5, timeout_ms=10, completed_at=when(30)),
    update_task("task-1"),
    update_task("none", status="failed"),
    update_task("task-1", retry_count="many"),
    *TASK_READS,
    delete_tasks(),
    delete_tasks(status=[]),
    delete_tasks(order_by="created_at"),
    delete_tasks(status="completed", per_page=1),
    delete_tasks(status="failed"),
    Call("backgroundTasks", "deleteTask", ["task-1"], lambda s: s.tasks.delete_task("task-1")),
    list_tasks(),
]


# Schedules

WORKFLOW = {"type": "workflow", "workflowId": "wf", "inputData": {"$k": 1.0, "b": [None]}}
AGENT = {"type": "agent", "agentId": "a", "prompt": "go"}


def new_schedule(id: str, minute: int, **fields: Any) -> Schedule:
    given: dict[str, Any] = {"target": AGENT, "cron": "* * * * *", "status": "active", **fields}
    return Schedule(id=id, next_fire_at=when(minute), created_at=when(minute), updated_at=when(minute), **given)


def in_ms(fields: dict[str, Any]) -> dict[str, Any]:
    present = {name: item for name, item in fields.items() if item is not None}
    return camel({name: to_epoch_ms(item) if isinstance(item, datetime) else item for name, item in present.items()})


def create_schedule(schedule: Schedule) -> Call:
    given = {name: getattr(schedule, name) for name in Schedule.__slots__}
    return Call("schedules", "createSchedule", [in_ms(given)], lambda s: s.schedules.create_schedule(schedule))


def update_schedule(id: str, **changes: Any) -> Call:
    as_typescript = {**in_ms(changes), **{name: None for name, item in camel(changes).items() if item is None}}
    return Call(
        "schedules", "updateSchedule", [id, as_typescript], lambda s: s.schedules.update_schedule(id, **changes)
    )


def list_schedules(**query: Any) -> Call:
    return Call("schedules", "listSchedules", [camel(query)], lambda s: s.schedules.list_schedules(**query))


def record_trigger(**fields: Any) -> Call:
    trigger = ScheduleTrigger(schedule_id="s-1", outcome="published", **fields)
    given = {name: getattr(trigger, name) for name in ScheduleTrigger.__slots__}
    return Call(
        "schedules", "recordTrigger", [{"runId": None, **in_ms(given)}], lambda s: s.schedules.record_trigger(trigger)
    )


def list_triggers(**query: Any) -> Call:
    return Call("schedules", "listTriggers", ["s-1", in_ms(query)], lambda s: s.schedules.list_triggers("s-1", **query))


def list_due(minute: int, *limit: Any) -> Call:
    return Call(
        "schedules",
        "listDueSchedules",
        [to_epoch_ms(when(minute)), *limit],
        lambda s: s.schedules.list_due_schedules(when(minute), *limit),
    )


def move_on(expected: int) -> Call:
    due, next_time, fired = when(expected), when(40), when(39)
    return Call(
        "schedules",
        "updateScheduleNextFire",
        ["s-1", *map(to_epoch_ms, (due, next_time, fired)), "run-9"],
        lambda s: s.schedules.update_schedule_next_fire("s-1", due, next_time, fired, "run-9"),
    )


SCHEDULE_READS = [
    Call("schedules", "getSchedule", ["s-1"], lambda s: s.schedules.get_schedule("s-1")),
    Call("schedules", "getSchedule", ["none"], lambda s: s.schedules.get_schedule("none")),
    Call("schedules", "listSchedules", [], lambda s: s.schedules.list_schedules()),
    list_schedules(status="paused"),
    list_schedules(workflow_id="wf"),
    list_schedules(owner_type="agent", owner_id="a"),
    list_schedules(owner_type=None),
    list_schedules(owner_id=None, status="active"),
    list_due(30),
    list_due(30, 1),
    list_due(30, 0),
    list_due(30, -2),
    list_due(30, 1.9),
    list_triggers(),
    list_triggers(from_actual_fire_at=when(2), to_actual_fire_at=when(4)),
    list_triggers(limit=2),
]
SCHEDULES = [
    create_schedule(new_schedule("s-1", 3, target=WORKFLOW, timezone="Europe/Zurich", metadata={"n": 1.0, "é": None})),
    create_schedule(new_schedule("s-2", 1, owner_type="agent", owner_id="a", last_fire_at=when(0), last_run_id="r")),
    create_schedule(new_schedule("s-3", 2, status="paused", metadata={})),
    create_schedule(new_schedule("s-4", 2, target={"type": "heartbeat", "agentId": "old"})),
    create_schedule(new_schedule("s-1", 9)),
    create_schedule(new_schedule("", 9)),
    update_schedule("s-2", cron="0 0 * * *", status="paused", next_fire_at=when(8), target=WORKFLOW),
    update_schedule("s-2", timezone=None, metadata=None, owner_type=None, owner_id=None, target=AGENT),
    update_schedule("s-2", metadata={"a": [1.5]}, status="active"),
    update_schedule("s-2"),
    update_schedule("none"),
    update_schedule("none", cron="x"),
    record_trigger(scheduled_fire_at=when(1), actual_fire_at=when(1, 5), run_id="run-1"),
    record_trigger(id="t-2", scheduled_fire_at=when(2), actual_fire_at=when(2), metadata={"k": 1}, error="e"),
    record_trigger(scheduled_fire_at=when(3), actual_fire_at=when(3), trigger_kind="manual", parent_trigger_id="t-2"),
    record_trigger(scheduled_fire_at=when(4), actual_fire_at=when(4)),
    record_trigger(id="t-2", scheduled_fire_at=when(4), actual_fire_at=when(4)),
    record_trigger(id="", scheduled_fire_at=when(4), actual_fire_at=when(4)),
    *SCHEDULE_READS,
    move_on(2),
    move_on(3),
    Call("schedules", "getSchedule", ["s-1"], lambda s: s.schedules.get_schedule("s-1")),
    Call("schedules", "deleteSchedule", ["s-1"], lambda s: s.schedules.delete_schedule("s-1")),
    list_triggers(),
]


# Channels


def save_installation(id: str, **fields: Any) -> Call:
    installation = ChannelInstallation(id=id, platform="slack", data={"token": 1.0, "$é": None}, **fields)
    given = {name: getattr(installation, name) for name in ChannelInstallation.__slots__}
    present = camel({name: item for name, item in given.items() if item is not None})
    return Call("channels", "saveInstallation", [present], lambda s: s.channels.save_installation(installation))


CONFIG = ChannelConfig(platform="slack", data={"a": {"1": 2, "b": 0.5}}, updated_at=when(7, 8))

CHANNEL_READS = [
    Call("channels", "getInstallation", ["i-1"], lambda s: s.channels.get_installation("i-1")),
    Call("channels", "getInstallation", ["none"], lambda s: s.channels.get_installation("none")),
    Call(
        "channels",
        "getInstallationByAgent",
        ["slack", "agent-1"],
        lambda s: s.channels.get_installation_by_agent("slack", "agent-1"),
    ),
    Call(
        "channels",
        "getInstallationByAgent",
        ["discord", "agent-1"],
        lambda s: s.channels.get_installation_by_agent("discord", "agent-1"),
    ),
    Call(
        "channels",
        "getInstallationByWebhookId",
        ["hook"],
        lambda s: s.channels.get_installation_by_webhook_id("hook"),
    ),
    Call("channels", "listInstallations", ["slack"], lambda s: s.channels.list_installations("slack")),
    Call("channels", "getConfig", ["slack"], lambda s: s.channels.get_config("slack")),
    Call("channels", "getConfig", ["none"], lambda s: s.channels.get_config("none")),
]
CHANNELS = [
    save_installation("i-1", agent_id="agent-1", status="error", webhook_id="hook", error="no", created_at=when(5)),
    save_installation("i-2", agent_id="agent-1", status="pending", webhook_id="hook", config_hash="h"),
    save_installation("i-3", agent_id="agent-1", status="pending", created_at=when(9), updated_at=when(1)),
    save_installation("i-1", agent_id="agent-1", status="error", created_at=when(59)),
    Call(
        "channels",
        "saveConfig",
        [{"platform": "slack", "data": CONFIG.data, "updatedAt": CONFIG.updated_at}],
        lambda s: s.channels.save_config(CONFIG),
    ),
    *CHANNEL_READS,
    Call("channels", "deleteInstallation", ["i-1"], lambda s: s.channels.delete_installation("i-1")),
    Call("channels", "listInstallations", ["slack"], lambda s: s.channels.list_installations("slack")),
    Call("channels", "deleteConfig", ["slack"], lambda s: s.channels.delete_config("slack")),
    Call("channels", "getConfig", ["slack"], lambda s: s.channels.get_config("slack")),
]


# Vectors


def vector(method: str, index_name: str = "docs", *, on: str = "vector", **arguments: Any) -> Call:
    snake = {
        "createIndex": "create_index",
        "deleteIndex": "delete_index",
        "truncateIndex": "truncate_index",
        "describeIndex": "describe_index",
        "updateVector": "update_vector",
        "deleteVector": "delete_vector",
        "deleteVectors": "delete_vectors",
    }
    name = snake.get(method, method)
    return Call(
        on,
        method,
        [{"indexName": index_name, **camel(arguments)}],
        lambda s: getattr(s.vector if on == "vector" else s.native, name)(index_name, **arguments),
    )


MANY = [[float(number % 7) - 3, number / 16, 1] for number in range(300)]
FILTERS: list[dict[str, Any]] = [
    {"label": "a"},
    {"metadata": {"label": "a"}, "n": 99},
    {"n": {"$gt": 1}},
    {"n": {"$gte": "1"}},
    {"n": {"$lt": 2, "$in": [5, 6]}},
    {"n": {"$lte": True}},
    {"n": {"$ne": None}},
    {"label": {"$in": ["a", None]}},
    {"label": {"$in": "a"}},
    {"label": {"$nin": ["a"]}},
    {"label": {"$nin": "a"}},
    {"label": {"$gt": 1}},
    {"label": {"$gt": "A"}},
    {"tags": ["x"]},
    {"nested": {"$ne": {}}},
    {"missing": None},
    {"missing": {"$gt": -1}},
    {"none": {"$gte": 0}},
    {"$and": []},
    {"$or": []},
    {"$and": [{"label": "a"}, {"$or": [{"n": 1}, {"n": 2}]}]},
    {"$or": "x"},
    {"tags": {"$gt": "w"}},
    {"tags": {"$regex": "x"}},
    {"label": {"$exists": True}},
]
VECTOR_READS = [
    Call("vector", "listIndexes", [], lambda s: s.vector.list_indexes()),
    vector("describeIndex"),
    vector("describeIndex", "many"),
    vector("describeIndex", "none"),
    vector("query", query_vector=[1, 0.5, -2], top_k=3, include_vector=True),
    vector("query", query_vector=[1, 0.5, -2], filter={}),
    vector("query", "many", query_vector=[1, 0.1, 0.3], top_k=290),
    vector("query", "none", query_vector=[1]),
    vector("query", query_vector=[0, 0, 0]),
    vector("query", query_vector=[1, 2]),
    vector("query", query_vector=[math.nan, 0, 0]),
    vector("query", query_vector=[math.inf, 0, 0]),
    vector("query", query_vector=[1, 0, 0], top_k=-2),
    vector("query", query_vector=[1, 0, 0], top_k=0),
    *(vector("query", query_vector=[1, 0, 0], filter=each) for each in FILTERS),
]
VECTORS = [
    vector("createIndex", dimension=3),
    vector("createIndex", "many", dimension=3, metric="euclidean"),
    vector(
        "upsert",
        vectors=[[1, 0, 0], [0.5, 0.25, 1e-3], [1, 0, 0], [0, 0, 0], [3]],
        metadata=[
            {"label": "a", "n": 1, "tags": ["x"], "none": None},
            {"label": "b", "n": 2.5, "nested": {"k": [1]}},
            {"label": "a", "n": 2, "at": when(3), "nan": math.nan},
            {},
        ],
        ids=["v-1", "v-2", "v-3", "v-4", "v-5"],
    ),
    vector("upsert", "many", vectors=MANY),
    vector("upsert", "ids", vectors=[[1], [2], [3]], ids=["x", "y"]),
    vector("upsert", "ids", vectors=[[1]], ids=["x", "y"]),
    vector("upsert", "ids", vectors=[]),
    vector("upsert", "bad", vectors=[[1, math.nan]], ids=["n"]),
    vector("upsert", "bad", vectors=["text"], ids=["n"]),
    vector("upsert", "bad", vectors=[[1, "2"], [1, 2]], ids=["n", "fine"]),
    vector("upsert", "bad", vectors=[[1, 2]], metadata=[{"$k": 1}], ids=["n"]),
    vector("describeIndex", "bad"),
    *VECTOR_READS,
    vector("query"),
    vector("updateVector", id="v-1", update={"metadata": {"n": 7, "new": [when(4)]}}),
    vector("updateVector", id="v-2", update={"vector": [0, 1, 0]}),
    vector("updateVector", id="v-3", update={}),
    vector("updateVector", id="none", update={"vector": [1]}),
    vector("updateVector", filter={"label": "a"}, update={"vector": [1, 1, 1], "metadata": {"seen": True}}),
    vector("updateVector", filter={}, update={"vector": [1]}),
    vector("updateVector", id="v-1", filter={"a": 1}, update={"vector": [1]}),
    vector("updateVector", update={"vector": [1]}),
    vector("updateVector", id="", update={"vector": [1]}),
    vector("query", query_vector=[1, 1, 1], include_vector=True),
    vector("deleteVectors", filter={"label": "b"}),
    vector("deleteVectors", filter={"label": "b"}),
    vector("deleteVectors", ids=["v-4", "none"]),
    vector("deleteVectors", ids=[]),
    vector("deleteVectors", filter={}),
    vector("deleteVectors"),
    vector("deleteVectors", ids=["a"], filter={"a": 1}),
    vector("deleteVector", id="v-5"),
    vector("query", query_vector=[1, 1, 1]),
    vector("truncateIndex", "many"),
    vector("deleteIndex"),
    vector("describeIndex", "many"),
    vector("describeIndex"),
]

# Where Python does what Mastra documents, `faithful=True` is what equals TypeScript.
FAITHFUL_FILTERS: list[dict[str, Any]] = [
    {"n": {"$eq": 1}},
    {"n": {"$eq": 1, "$gt": 1}},
    {"n": {"$gt": 1, "$lt": 2}},
    {"n": {"$lt": 2, "$gt": 1}},
    {"n": {"$ne": 1, "$lte": 1}},
    {"n": {"$nin": [1], "$in": [1]}},
    {"$or": [{"n": {"$eq": 2}}, {"n": {"$gte": 2, "$ne": 2}}]},
]


def faithful_query(filter: dict[str, Any]) -> Call:
    arguments = {"indexName": "faithful", "queryVector": [1, 0], "filter": filter}
    return Call(
        "vector",
        "query",
        [arguments],
        lambda s: s.faithful_vector.query("faithful", query_vector=[1, 0], filter=filter),
    )


FAITHFUL = [
    vector("upsert", "faithful", vectors=[[1, 0]] * 3, metadata=[{"n": 1}, {"n": 2}, {"n": 3}], ids=["a", "b", "c"]),
    *map(faithful_query, FAITHFUL_FILTERS),
]


# Native vectors


def native(method: str, index_name: str = "notes", **arguments: Any) -> Call:
    return vector(method, index_name, on="nativeVector", **arguments)


NATIVE_READS = [
    Call("nativeVector", "listIndexes", [], lambda s: s.native.list_indexes()),
    native("describeIndex"),
    native("query", query_vector=[1, 0, 0]),
    native("query", query_vector=[1, 0, 0], top_k=2, include_vector=True),
    native("query", query_vector=[1, 0, 0], filter={}),
    native("query", query_vector=[1, 0, 0], filter={"label": "a"}),
    native("query", query_vector=[1, 0, 0], filter={"metadata": {"label": {"$eq": "b"}}}),
    native("query", query_vector=[1, 0, 0], filter={"tenant": None}),
    native("query", "docs", query_vector=[1, 0, 0]),
]
NATIVE = [
    native("createIndex", dimension=3),
    native("createIndex", dimension=4),
    native("createIndex", dimension=3, metric="dotproduct"),
    native("createIndex", "none", dimension=3),
    native(
        "upsert",
        vectors=[[1, 0, 0], [0, 1, 0], [1, 1, 0]],
        metadata=[{"label": "a", "n": 1}, {"label": "b", "tenant": 5}, {"tenant": None, "at": when(1)}],
        ids=["n-1", "n-2", "n-3"],
    ),
    native("upsert", vectors=MANY[:101], ids=[f"m-{number}" for number in range(101)]),
    native("upsert", vectors=[[0, 0, 1]]),
    native("upsert", vectors=[]),
    native("upsert", vectors=[[1, 0, 0]], ids=["a", "b"]),
    native("upsert", vectors=[[1, 0, 0]], metadata=[]),
    native("upsert", vectors=[[1, 0, 0]], metadata=["x"]),
    native("upsert", vectors=[[1, 0, 0], [1, 0, 0]], ids=["a", "a"]),
    native("upsert", vectors=[[1, 0, 0]], delete_filter={}),
    native("upsert", vectors=[[1, math.nan, 0]], ids=["nan"]),
    native("upsert", vectors=[[1, 0]], ids=["short"]),
    native("upsert", "none", vectors=[[1, 0]]),
    *NATIVE_READS,
    native("describeIndex", "none"),
    native("query", query_vector=[1, 0]),
    native("query"),
    native("query", query_vector=[1, 0, 0], top_k=0),
    native("query", query_vector=[1, 0, 0], top_k=257),
    native("query", query_vector=[1, 0, 0], top_k=256),
    native("query", query_vector=[1, 0, 0], top_k=1.5),
    native("query", "none", query_vector=[1, 0, 0]),
    native("query", query_vector=[1, 0, 0], filter={"label": "a", "tenant": 1}),
    native("query", query_vector=[1, 0, 0], filter={"n": 1}),
    native("query", query_vector=[1, 0, 0], filter={"label": ["a"]}),
    native("query", query_vector=[1, 0, 0], filter={"label": {"$gt": 1}}),
    native("query", query_vector=[1, 0, 0], filter={"$or": [{"label": "a", "tenant": 1}]}),
    native("updateVector", id="n-1", update={"vector": [0, 0, 1], "metadata": {"label": "c"}}),
    native("updateVector", id="n-1", update={}),
    native("updateVector", id="none", update={"vector": [0, 0, 1]}),
    native("updateVector", update={"vector": [0, 0, 1]}),
    native("updateVector", filter={"a": 1}, update={}),
    native("updateVector", id="n-1", update={"metadata": "x"}),
    native("deleteVector", id="n-2"),
    native("deleteVectors", ids=["n-3", "none"]),
    native("deleteVectors", ids=[]),
    native("deleteVectors"),
    native("deleteVectors", filter={"a": 1}),
    native("deleteIndex"),
    native("deleteIndex", "none"),
    *NATIVE_READS,
]


# Cache


def cache(method: str, *arguments: Any, on: str = "cache") -> Call:
    names = {"listPush": "list_push", "listLength": "list_length", "listFromTo": "list_from_to"}
    name = names.get(method, method)
    return Call(
        on,
        method,
        arguments,
        lambda s: getattr(s.cache if on == "cache" else s.cache_for_ever, name)(*arguments),
    )


CACHE_READS = [
    cache("get", "k"),
    cache("get", "list"),
    cache("get", "none"),
    cache("listLength", "list"),
    cache("listFromTo", "list", 0),
    cache("listFromTo", "list", -3, -2),
    cache("listFromTo", "list", 28, 99),
    cache("listFromTo", "list", 4, 3),
    cache("listFromTo", "k", 0),
    cache("listFromTo", "none", 0),
]
CACHE = [
    cache("set", "k", {"a": [1, None, 1.5, "é"], "at": when(1), "nan": math.nan}),
    cache("set", "short", "x", 5),
    cache("set", "long", None, 0),
    cache("set", "negative", False, -1),
    cache("set", "ever", 1, on="cacheForEver"),
    cache("get", "ever", on="cacheForEver"),
    *(cache("listPush", "list", number) for number in range(30)),
    *CACHE_READS,
    cache("increment", "count"),
    cache("increment", "count"),
    cache("increment", "k"),
    cache("listPush", "count", 1),
    cache("listLength", "k"),
    cache("set", "bad", {"$k": 1}),
    cache("set", "list", "was a list"),
    cache("get", "list"),
    cache("delete", "k"),
    cache("delete", "k"),
    cache("get", "k"),
    cache("clear"),
    cache("get", "list"),
    cache("get", "ever", on="cacheForEver"),
]

SCENARIOS = {
    "scores": SCORES,
    "background_tasks": TASKS,
    "schedules": SCHEDULES,
    "channels": CHANNELS,
    "vectors": VECTORS,
    "faithful_vectors": FAITHFUL,
    "native_vectors": NATIVE,
    "cache": CACHE,
}
# What each does on what the other left behind: it reads, writes over it, and clears it away.
CROSSED = [
    *SCORE_READS,
    update_task("task-3", status="failed", result=None),
    *TASK_READS,
    update_schedule("s-2", metadata={"z": 1}, cron="1 * * * *"),
    *SCHEDULE_READS,
    save_installation("i-2", agent_id="agent-1", status="active", created_at=when(59)),
    *CHANNEL_READS,
    vector("updateVector", "ids", id="x", update={"metadata": {"n": 1}}),
    vector("query", "ids", query_vector=[1], include_vector=True),
    *NATIVE_READS,
    cache("get", "ever", on="cacheForEver"),
    Call("scores", "dangerouslyClearAll", [], lambda s: s.scores.dangerously_clear_all()),
    Call("backgroundTasks", "dangerouslyClearAll", [], lambda s: s.tasks.dangerously_clear_all()),
    Call("schedules", "dangerouslyClearAll", [], lambda s: s.schedules.dangerously_clear_all()),
    Call("channels", "dangerouslyClearAll", [], lambda s: s.channels.dangerously_clear_all()),
    list_tasks(),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What both answered; `crossed` is each working with what the other wrote."""

    typescript: list[Answer]
    python: list[Answer]
    typescript_crossed: list[Answer]
    python_crossed: list[Answer]
    tables: tuple[dict[str, int], dict[str, int]]


@pytest.fixture(scope="module")
def runs(report_progress: Callable[[str], None]) -> Runs:
    ensure_npm_project(report_progress)
    calls = [one for scenario in SCENARIOS.values() for one in scenario]
    with new_emulator() as for_typescript, new_emulator() as for_python:
        with serve(for_typescript) as served:
            typescript = by_typescript(calls, served.url, served.admin_key)
        python = by_python(calls, for_python)
        tables = for_typescript.table_counts(), for_python.table_counts()
        with serve(for_python) as served:
            typescript_crossed = by_typescript(CROSSED, served.url, served.admin_key)
        python_crossed = by_python(CROSSED, for_typescript)
    return Runs(
        typescript=typescript,
        python=python,
        typescript_crossed=typescript_crossed,
        python_crossed=python_crossed,
        tables=tables,
    )


def of_scenario(answers: list[Answer], name: str) -> list[Answer]:
    start = 0
    for other, calls in SCENARIOS.items():
        if other == name:
            return answers[start : start + len(calls)]
        start += len(calls)
    raise KeyError(name)


def labelled(calls: list[Call], values: list[Any]) -> list[tuple[int, str, Any]]:
    return [(index, one.method, value) for index, (one, value) in enumerate(zip(calls, values, strict=True))]


# A deployment runs the published handlers, whichever client asks: what is sent must be what they expect.
@pytest.mark.parametrize("name", SCENARIOS)
def test_requests_are_the_same(runs: Runs, name: str) -> None:
    sent, expected = of_scenario(runs.python, name), of_scenario(runs.typescript, name)

    assert labelled(SCENARIOS[name], [answer.requests for answer in sent]) == labelled(
        SCENARIOS[name], [answer.requests for answer in expected]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_results_are_the_same(runs: Runs, name: str) -> None:
    got, expected = of_scenario(runs.python, name), of_scenario(runs.typescript, name)

    assert labelled(SCENARIOS[name], [answer.result for answer in got]) == labelled(
        SCENARIOS[name], [answer.result for answer in expected]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_errors_are_the_same(runs: Runs, name: str) -> None:
    got, expected = of_scenario(runs.python, name), of_scenario(runs.typescript, name)

    assert labelled(SCENARIOS[name], [answer.error for answer in got]) == labelled(
        SCENARIOS[name], [answer.error for answer in expected]
    )


def test_both_leave_the_same_number_of_rows(runs: Runs) -> None:
    typescript, python = runs.tables

    assert python == typescript
    assert python["mastra_vectors"] > 0


# One team, two languages, one deployment.
def test_each_works_with_what_the_other_wrote(runs: Runs) -> None:
    assert labelled(CROSSED, runs.python_crossed) == labelled(CROSSED, runs.typescript_crossed)

"""Scenarios of the other stores, of plain requests, and of errors."""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.stores import (
    BackgroundTask,
    ConvexNativeVector,
    NativeVectorIndex,
    Schedule,
    ScheduleTrigger,
    VectorUpdate,
)
from tests.recordings.scene import Scene, at

STORAGE = "mastra/storage:handle"


def request(scene: Scene, op: str, table: str, **arguments: Any) -> Any:
    return scene.deployment.mutation(STORAGE, {"op": op, "tableName": table, **arguments})


def vectors(scene: Scene) -> None:
    store = scene.vectors
    store.create_index("docs", dimension=2)
    store.upsert(
        "docs",
        vectors=[[1, 0], [0, 1], [1, 1], [-1, 0.5]],
        metadata=[{"n": n, "deep": {"x": [n]}} for n in range(4)],
        ids=list("abcd"),
    )
    store.query("docs", query_vector=[1, 0], top_k=2)
    store.query("docs", query_vector=[1, 0], filter={"n": {"$gt": 0}})
    store.update_vector("docs", id="a", update=VectorUpdate(metadata={"n": 10}))
    store.describe_index("docs")
    store.delete_vectors("docs", filter={"n": {"$lt": 2}})
    store.list_indexes()
    store.delete_index("docs")
    store.query("docs", query_vector=[1, 0])


# Five rows in pages of two: the last page is not full, because convex-test and a deployment end full ones differently.
def pages_of_vectors(scene: Scene) -> None:
    table = "mastra_vector_pages"
    records = [{"id": f"v{n}", "embedding": [n, 1], "metadata": {"n": n}} for n in range(5)]
    request(scene, "batchInsert", table, records=records)
    cursor = None
    for _ in range(3):
        cursor = request(scene, "queryTable", table, pageSize=2, cursor=cursor)["continuationCursor"]
    again = request(scene, "queryTable", table, pageSize=3)["continuationCursor"]
    request(scene, "queryTable", table, pageSize=3, cursor=again)
    request(scene, "queryTable", table, cursor=again)
    request(scene, "queryTable", table, pageSize=0)


def native_vectors(scene: Scene) -> None:
    index = NativeVectorIndex(table_name="notes_vectors", dimension=3, filter_fields=("label",))
    store = ConvexNativeVector(scene.deployment, indexes={"notes": index})
    store.upsert(
        "notes",
        vectors=[[1, 0, 0], [0.6, 0.8, 0], [0.1, 0.7, 0.7]],
        metadata=[{"label": "x", "page": 1}, {"label": "y"}, {"label": "y", "page": 3}],
        ids=["note-a", "note-b", "note-c"],
    )
    store.query("notes", query_vector=[1, 0.1, 0.2], top_k=2)
    store.query("notes", query_vector=[1, 0.1, 0.2], top_k=5, filter={"label": "y"}, include_vector=True)
    store.update_vector("notes", id="note-b", update=VectorUpdate(vector=[0, 0, 1], metadata={"label": "z"}))
    store.query("notes", query_vector=[0.3, 0.2, 0.9], top_k=3)
    store.delete_vector("notes", id="note-a")
    store.describe_index("notes")
    store.query("notes", query_vector=[1, 0.1, 0.2], filter={"label": "x"})


def workflows(scene: Scene) -> None:
    store = scene.store.workflows
    snapshot = {"runId": "run-1", "status": "running", "context": {}, "value": {}, "schema": {"$ref": "#/x"}}
    store.persist_workflow_snapshot(workflow_name="flow", run_id="run-1", snapshot=snapshot, resource_id="ada")
    scene.wait(1500)
    store.update_workflow_results(
        workflow_name="flow",
        run_id="run-1",
        step_id="step-1",
        result={"status": "success", "output": {"n": 1}},
        request_context={"user": "ada"},
    )
    store.update_workflow_results(
        workflow_name="flow",
        run_id="run-1",
        step_id="step-2",
        result={"status": "failed", "error": "no"},
        request_context={},
    )
    store.update_workflow_state(workflow_name="flow", run_id="run-1", opts={"status": "suspended"})
    store.load_workflow_snapshot(workflow_name="flow", run_id="run-1")
    store.list_workflow_runs(workflow_name="flow", status="suspended")
    store.get_workflow_run_by_id(run_id="run-1")
    scene.refused(lambda: store.update_workflow_state(workflow_name="flow", run_id="nobody", opts={}))
    # A snapshot without text: the deployment makes an empty one, with its own time in it.
    row = {"workflow_name": "flow", "run_id": "run-2", "createdAt": "2026-11-20T12:00:00.000Z"}
    request(
        scene,
        "insert",
        "mastra_workflow_snapshot",
        record={**row, "id": "flow-run-2", "snapshot": None, "updatedAt": "2026-11-20T12:00:00.000Z"},
    )
    scene.refused(
        lambda: store.update_workflow_results(
            workflow_name="flow", run_id="run-2", step_id="s", result={"status": "success"}, request_context={}
        )
    )
    request(scene, "load", "mastra_workflow_snapshot", keys={"workflow_name": "flow", "run_id": "run-2"})
    store.delete_workflow_run_by_id(run_id="run-1", workflow_name="flow")
    store.load_workflow_snapshot(workflow_name="flow", run_id="run-1")


def schedules(scene: Scene) -> None:
    store = scene.store.schedules
    schedule = Schedule(
        id="schedule-1",
        target={"type": "workflow", "workflowId": "flow"},
        cron="* * * * *",
        status="active",
        next_fire_at=at(1),
        created_at=at(0),
        updated_at=at(0),
    )
    store.create_schedule(schedule)
    scene.refused(lambda: store.create_schedule(schedule))
    store.list_due_schedules(at(2))
    for _ in range(2):
        store.update_schedule_next_fire(
            "schedule-1",
            expected_next_fire_at=at(1),
            new_next_fire_at=at(5),
            last_fire_at=at(1),
            last_run_id="run-1",
        )
    store.get_schedule("schedule-1")
    trigger = ScheduleTrigger(
        id="trigger-1",
        schedule_id="schedule-1",
        run_id="run-1",
        scheduled_fire_at=at(1),
        actual_fire_at=at(1),
        outcome="published",
    )
    store.record_trigger(trigger)
    scene.refused(lambda: store.record_trigger(trigger))
    store.list_triggers("schedule-1")
    store.update_schedule("schedule-1", status="paused", metadata={"why": "holidays"})
    store.list_due_schedules(at(9))
    scene.refused(lambda: store.update_schedule("nobody", status="paused"))
    store.delete_schedule("schedule-1")
    store.list_schedules()


def background_tasks(scene: Scene) -> None:
    store = scene.store.background_tasks
    for number in range(3):
        store.create_task(
            BackgroundTask(
                id=f"task-{number}",
                status="pending",
                tool_name="search",
                tool_call_id=f"call-{number}",
                args={"query": "engines"},
                agent_id="agent-1" if number < 2 else "agent-2",
                run_id="run-1",
                retry_count=0,
                max_retries=2,
                timeout_ms=1000,
                created_at=at(number),
            )
        )
    store.update_task("task-0", status="running", started_at=at(5))
    store.update_task("task-1", status="completed", result={"found": [1, None]}, completed_at=at(6))
    store.update_task("nobody", status="running")
    store.get_task("task-1")
    store.list_tasks(agent_id="agent-1")
    store.list_tasks(status=["pending", "running"])
    store.get_running_count()
    store.delete_task("task-0")
    store.delete_tasks(status="completed")
    store.list_tasks()


def cache(scene: Scene) -> None:
    store = scene.cache()
    store.set("value", {"deep": [1, None, "x"]})
    store.get("value")
    for item in ("a", "b", "c"):
        store.list_push("list", item)
    store.list_from_to("list", -2)
    store.list_length("list")
    store.increment("count")
    store.increment("count")
    scene.refused(lambda: store.increment("list"))
    scene.wait(999)
    store.get("value")
    scene.wait(1)
    store.get("value")
    store.list_length("list")
    store.set("kept", 1, ttl_ms=0)
    scene.cache("other:").set("kept", 2, ttl_ms=0)
    store.clear()
    store.get("kept")
    scene.cache("other:").get("kept")


def fallback_tables(scene: Scene) -> None:
    records = [{"id": f"n{n}", "tags": ["a", n], "draft": n % 2 == 0} for n in range(4)]
    request(scene, "batchInsert", "notes", records=[*records, {"no": "id"}, {"id": "n1", "replaced": True}])
    request(scene, "load", "notes", keys={"id": "n1"})
    request(scene, "queryTable", "notes", filters=[{"field": "draft", "value": True}])
    request(scene, "patch", "notes", id="n2", record={"draft": False, "more": {"x": 1.5}})
    request(scene, "patch", "notes", id="nobody", record={"x": 1})
    request(scene, "loadMany", "notes", ids=["n2", "nobody", "n0", "n2"])
    request(scene, "deleteMany", "notes", ids=["n0", "n0", "nobody"])
    request(scene, "queryTable", "notes", limit=2)
    request(scene, "clearTable", "notes")
    request(scene, "queryTable", "notes")


def errors(scene: Scene) -> None:
    row = {"id": "t", "resourceId": "ada", "title": "x", "createdAt": "2026", "updatedAt": "2026"}
    scene.refused(lambda: request(scene, "bogus", "mastra_threads"))
    scene.refused(lambda: request(scene, "insert", "mastra_threads", record={"title": "no id"}))
    scene.refused(lambda: request(scene, "insert", "mastra_threads", record={"id": "t", "title": "not all fields"}))
    request(scene, "insert", "mastra_threads", record=row)
    scene.refused(lambda: request(scene, "insert", "mastra_threads", record={**row, "title": 7}))
    stored = request(scene, "load", "mastra_threads", keys={"id": "t"})["result"]
    scene.refused(lambda: request(scene, "insert", "mastra_threads", record={**row, "_creationTime": 1}))
    request(scene, "insert", "mastra_threads", record={**stored, "title": "same system fields"})
    request(scene, "load", "mastra_threads", keys={"id": "t"})
    scene.refused(lambda: request(scene, "loadMany", "mastra_threads", ids=[str(n) for n in range(11)]))
    scene.refused(lambda: request(scene, "updateThread", "mastra_messages", id="t"))
    scene.refused(lambda: request(scene, "createSchedule", "mastra_threads", record=row))
    scene.refused(lambda: request(scene, "insert", "mastra_vector_docs", record={"id": "v", "embedding": ["x"]}))
    scene.refused(lambda: scene.deployment.mutation("mastra/cache:handle", {"op": "bogus", "key": "k"}))
    scene.refused(lambda: scene.deployment.query("mastra/nativeVector:read", {"op": "describe"}))
    config = {"tableName": "notes_vectors", "vectorIndexName": "by_nothing"}
    scene.refused(lambda: scene.deployment.action("mastra/nativeVector:query", {"config": config, "vector": [1, 0, 0]}))


SCENARIOS = (
    vectors,
    pages_of_vectors,
    native_vectors,
    workflows,
    schedules,
    background_tasks,
    cache,
    fallback_tables,
    errors,
)

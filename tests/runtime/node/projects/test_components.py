"""Convex' own components from npm: the functions they ship, unmodified, deployed as apps and called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import ConvexError, Emulator, FetchResponse, FunctionError, ManualClock

DeployComponent = Callable[..., Emulator]

# What an app beside a component would do: hand it functions of its own.
APP = """
import { createFunctionHandle, makeFunctionReference } from "convex/server";
import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server.js";
export const handle = query({ args: { path: v.string() }, handler: async (_, { path }) =>
  await createFunctionHandle(makeFunctionReference(path) as any) });
"""


def advance(convex: Emulator, seconds: float) -> None:
    assert isinstance(convex.clock, ManualClock)
    convex.clock.advance(seconds)


def test_sharded_counter(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/sharded-counter")

    shards = {convex.mutation("public:add", {"name": "users", "count": 5.0}) for _ in range(30)}
    convex.mutation("public:rebalance", {"name": "users", "shards": 3.0})

    # Which shard is drawn by Math.random.
    assert len(shards) > 1
    assert convex.query("public:count", {"name": "users"}) == 150.0
    assert convex.query("public:estimateCount", {"name": "users", "shards": 3.0, "readFromShards": 1.0}) == 150.0


def test_rate_limiter_lets_pass_again_when_time_has_passed(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/rate-limiter")
    config = {"kind": "token bucket", "rate": 1.0, "period": 60_000.0, "capacity": 2.0}
    args: dict[str, Any] = {"name": "messages", "key": "ada", "config": config}

    seen = [convex.mutation("lib:rateLimit", args)["ok"] for _ in range(3)]
    refused = convex.query("lib:checkRateLimit", args)
    advance(convex, 60)

    assert seen == [True, True, False]
    assert refused == {"ok": False, "retryAfter": 60_000.0}
    assert convex.mutation("lib:rateLimit", args)["ok"] is True


def test_rate_limiter_throws_a_convex_error(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/rate-limiter")
    config = {"kind": "fixed window", "rate": 1.0, "period": 1000.0, "start": 0.0}
    args = {"name": "messages", "config": config, "throws": True}
    convex.mutation("lib:rateLimit", args)

    with pytest.raises(ConvexError) as caught:
        convex.mutation("lib:rateLimit", args)

    assert isinstance(caught.value.data, dict)
    assert (caught.value.data["kind"], caught.value.data["name"]) == ("RateLimited", "messages")


def test_aggregate_counts_sums_and_finds_by_offset(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/aggregate")
    # Nodes of four keys, so that the tree grows several levels.
    convex.mutation("public:init", {"maxNodeSize": 4.0, "rootLazy": False})
    for n in range(40):
        convex.mutation("public:insert", {"key": float(n * 7 % 40), "value": f"v{n}", "summand": float(n * 7 % 40)})
    convex.mutation("public:delete_", {"key": 39.0})

    assert convex.query("btree:aggregateBetween", {}) == {"count": 39.0, "sum": sum(range(39))}
    assert convex.query("btree:atOffset", {"offset": 10.0})["k"] == 10.0
    assert convex.query("btree:offset", {"key": 10.0}) == 10.0
    convex.query("btree:validate", {})


def test_aggregate_refuses_a_second_tree(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/aggregate")
    convex.mutation("public:init", {})

    with pytest.raises(FunctionError, match="Uncaught Error: tree already initialized"):
        convex.mutation("public:init", {})


def test_action_cache_expires_what_it_holds(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/action-cache")
    key = {"name": "embed", "args": {"text": "figs"}}
    convex.mutation("lib:put", {**key, "value": [1.0, 2.0], "ttl": 1000.0})

    found = convex.query("lib:get", {**key, "ttl": None})
    advance(convex, 2)

    assert found == {"kind": "hit", "value": [1.0, 2.0]}
    assert convex.query("lib:get", {**key, "ttl": None})["kind"] == "miss"


def test_crons_call_a_function_by_its_handle(deploy_component: DeployComponent) -> None:
    source = """
export const tick = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => { console.log("tick", n); } });
"""
    convex = deploy_component("@convex-dev/crons", app=APP + source)
    handle = convex.query("app:handle", {"path": "app:tick"})
    schedule = {"kind": "interval", "ms": 60_000.0}
    convex.mutation(
        "public:register", {"name": "minutely", "schedule": schedule, "functionHandle": handle, "args": {"n": 5.0}}
    )

    advance(convex, 181)

    jobs = convex.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())
    assert [job["state"]["kind"] for job in jobs if job["name"] == "app.js:tick"] == ["success"] * 3
    assert convex.query("public:get", {"identifier": {"name": "minutely"}})["schedule"] == schedule


def test_migrations_go_through_a_table_in_batches(deploy_component: DeployComponent) -> None:
    source = """
export const add = mutation({ args: {}, handler: async (ctx) => {
  for (let n = 0; n < 25; n += 1) await ctx.db.insert("migrations",
    { name: `row ${n}`, cursor: null, isDone: true, processed: 0, latestStart: 0 });
} });
export const upgrade = mutation({
  args: { cursor: v.union(v.string(), v.null()), batchSize: v.optional(v.number()), dryRun: v.boolean(),
    oneBatchOnly: v.optional(v.boolean()) },
  handler: async (ctx, { cursor, batchSize }) => {
    const { page, isDone, continueCursor } = await ctx.db.query("migrations")
      .withIndex("name", (q) => q.gte("name", "row ").lt("name", "row~"))
      .paginate({ cursor, numItems: batchSize ?? 10 });
    for (const row of page) await ctx.db.patch("migrations", row._id, { latestEnd: 1 });
    return { isDone, continueCursor, processed: page.length };
  },
});
"""
    convex = deploy_component("@convex-dev/migrations", app=APP + source)
    convex.mutation("app:add")
    handle = convex.query("app:handle", {"path": "app:upgrade"})

    convex.mutation("lib:migrate", {"name": "upgrade", "fnHandle": handle, "dryRun": False, "batchSize": 10.0})
    advance(convex, 1)

    [status] = convex.query("lib:getStatus", {"names": ["upgrade"]})
    assert (status["processed"], status["isDone"], status["state"]) == (25.0, True, "success")


def test_action_retrier_runs_an_action_until_it_succeeds(deploy_component: DeployComponent) -> None:
    source = """
export const flaky = action({ args: {}, handler: async () => {
  const response = await fetch("https://flaky.example/");
  if (!response.ok) throw new Error(`status ${response.status}`);
  return await response.text();
} });
"""
    convex = deploy_component("@convex-dev/action-retrier", app=APP + source)
    answers = iter([500, 503, 200])
    convex.fetch.respond("https://flaky.example/", lambda _: FetchResponse.of(status=next(answers), text="done"))
    options = {"initialBackoffMs": 100.0, "base": 2.0, "maxFailures": 4.0, "logLevel": "DEBUG"}
    handle = convex.query("app:handle", {"path": "app:flaky"})

    run = convex.mutation("public:start", {"functionHandle": handle, "functionArgs": {}, "options": options})
    advance(convex, 60)

    status = convex.query("public:status", {"runId": run})
    assert status == {"type": "completed", "result": {"type": "success", "returnValue": "done"}}


def test_batch_worker_drains_a_queue_until_it_is_idle(deploy_component: DeployComponent) -> None:
    source = """
export const fill = mutation({ args: { count: v.number() }, handler: async (ctx, { count }) => {
  for (let n = 0; n < count; n += 1) await ctx.db.insert("queue" as any, { n });
} });
export const next = query({ args: { name: v.string(), cursor: v.optional(v.any()) }, handler: async (ctx) => {
  const rows: any[] = await ctx.db.query("queue" as any).take(10);
  return rows.length > 0 ? { batch: { ids: rows.map((row) => row._id) } } : { kind: "idle" };
} });
export const work = mutation({ args: { ids: v.array(v.string()) }, handler: async (ctx, { ids }) => {
  for (const id of ids) await ctx.db.delete(id as any);
} });
export const left = query({ args: {}, handler: async (ctx) => (await ctx.db.query("queue" as any).collect()).length });
"""
    convex = deploy_component("@convex-dev/batch-worker", app=APP + source)
    convex.mutation("app:fill", {"count": 35.0})
    handles = [convex.query("app:handle", {"path": f"app:{name}"}) for name in ("next", "work")]

    convex.mutation("lib:ping", {"name": "worker", "workQuery": handles[0], "workerMutation": handles[1]})
    working = convex.query("lib:status", {"name": "worker"})
    advance(convex, 10)

    assert (working["kind"], convex.query("lib:status", {"name": "worker"})["kind"]) == ("running", "idle")
    assert convex.query("app:left") == 0.0


def test_what_a_component_calls_of_another_one_is_refused(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/workpool")
    config = {"maxParallelism": 2.0, "logLevel": "REPORT"}

    with pytest.raises(FunctionError, match="Components are not emulated"):
        convex.mutation("lib:enqueueBatch", {"items": [], "config": config})


def test_agent_keeps_and_searches_messages(deploy_component: DeployComponent) -> None:
    convex = deploy_component("@convex-dev/agent")
    thread = convex.mutation("threads:createThread", {"userId": "ada", "title": "Fruit"})["_id"]
    messages = [
        {"message": {"role": "user", "content": "I like green figs"}},
        {"message": {"role": "assistant", "content": "Noted."}},
    ]

    added = convex.mutation("messages:addMessages", {"threadId": thread, "userId": "ada", "messages": messages})
    listed = convex.query(
        "messages:listMessagesByThreadId",
        {"threadId": thread, "order": "asc", "paginationOpts": {"numItems": 10.0, "cursor": None}},
    )
    found = convex.query("messages:textSearch", {"searchAllMessagesForUserId": "ada", "text": "figs", "limit": 5.0})

    assert len(added["messages"]) == 2
    assert [message["text"] for message in listed["page"]] == ["I like green figs", "Noted."]
    assert [message["text"] for message in found] == ["I like green figs"]

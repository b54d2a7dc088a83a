// ConvexStore, backgroundTasks domain.

import { assert, minute, range, run, test } from "./harness.mjs";

const task = (t, name, fields = {}) => ({
  id: t.id(name),
  status: "pending",
  toolName: "search",
  toolCallId: t.id("call"),
  args: { query: "?" },
  agentId: t.id("agent"),
  runId: t.id("run"),
  retryCount: 0,
  maxRetries: 3,
  timeoutMs: 1000,
  createdAt: minute(0),
  ...fields,
});

const create = async (backgroundTasks, ...tasks) => {
  for (const one of tasks) await backgroundTasks.createTask(one);
};

const names = ({ tasks }) => tasks.map((one) => one.id.split(".").at(-1));

test("a created task comes back as it was", async ({ backgroundTasks, t }) => {
  const full = task(t, "full", {
    status: "suspended",
    threadId: t.id("thread"),
    resourceId: t.id("resource"),
    args: { $ref: [1, null] },
    result: { $answer: 42 },
    error: { message: "no" },
    suspendPayload: [1],
    startedAt: minute(1),
    suspendedAt: minute(2),
    completedAt: minute(3),
  });
  await create(backgroundTasks, full, task(t, "bare"));

  assert.deepEqual(await backgroundTasks.getTask(t.id("full")), full);
  const bare = await backgroundTasks.getTask(t.id("bare"));
  for (const key of ["threadId", "resourceId", "result", "error", "suspendPayload", "startedAt", "completedAt"]) {
    assert.equal(bare[key], undefined, key);
  }
});

test("a task that was never created is null", async ({ backgroundTasks, t }) => {
  assert.equal(await backgroundTasks.getTask(t.id("missing")), null);
});

// This table answers success with ok: false and the text, where the other typed tables answer an error.
test("a status that the schema does not know is refused", async ({ backgroundTasks, t }) => {
  await assert.rejects(create(backgroundTasks, task(t, "a", { status: "asleep" })), /asleep/);

  const record = { id: t.id("a"), status: "asleep" };
  const response = await t.storage({ op: "insert", tableName: "mastra_background_tasks", record });
  assert.deepEqual([response.status, response.value.ok], ["success", false]);
  assert.equal(await backgroundTasks.getTask(t.id("a")), null);
});

test("an update changes only the fields that are given", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, task(t, "a", { result: { old: true } }));

  await backgroundTasks.updateTask(t.id("a"), { status: "running", retryCount: 1, startedAt: minute(1) });

  const updated = await backgroundTasks.getTask(t.id("a"));
  assert.deepEqual([updated.status, updated.retryCount, updated.startedAt], ["running", 1, minute(1)]);
  assert.deepEqual([updated.result, updated.maxRetries, updated.args], [{ old: true }, 3, { query: "?" }]);
});

test("an update clears what is given as undefined", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, task(t, "a", { result: 1, error: { message: "x" }, startedAt: minute(1) }));

  await backgroundTasks.updateTask(t.id("a"), { result: undefined, error: undefined, startedAt: undefined });

  const updated = await backgroundTasks.getTask(t.id("a"));
  assert.deepEqual([updated.result, updated.error, updated.startedAt], [undefined, undefined, undefined]);
});

test("an empty update and an update of a missing task change nothing", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, task(t, "a"));

  await backgroundTasks.updateTask(t.id("a"), {});
  await backgroundTasks.updateTask(t.id("missing"), { status: "running" });

  assert.equal((await backgroundTasks.getTask(t.id("a"))).status, "pending");
  assert.equal(await backgroundTasks.getTask(t.id("missing")), null);
});

test("listTasks filters by each of its fields", async ({ backgroundTasks, t }) => {
  await create(
    backgroundTasks,
    task(t, "plain"),
    task(t, "running", { status: "running" }),
    task(t, "failed", { status: "failed" }),
    task(t, "thread", { threadId: t.id("thread") }),
    task(t, "resource", { resourceId: t.id("resource") }),
    task(t, "tool", { toolName: t.id("tool") }),
    task(t, "call", { toolCallId: t.id("other") }),
    task(t, "run", { runId: t.id("other") }),
    task(t, "agent", { agentId: t.id("other") }),
  );
  const list = async (filter) => names(await backgroundTasks.listTasks({ agentId: t.id("agent"), ...filter }));

  assert.deepEqual(await list({ status: "running" }), ["running"]);
  assert.deepEqual(await list({ status: ["failed"] }), ["failed"]);
  // Created at one time, so the index shows: with agent and status known, it is ordered by status.
  assert.deepEqual(await list({ status: ["running", "failed"] }), ["failed", "running"]);
  assert.deepEqual(await list({ threadId: t.id("thread") }), ["thread"]);
  assert.deepEqual(await list({ resourceId: t.id("resource") }), ["resource"]);
  assert.deepEqual(await list({ toolName: t.id("tool") }), ["tool"]);
  assert.deepEqual(await list({ toolCallId: t.id("other") }), ["call"]);
  assert.deepEqual(await list({ runId: t.id("other") }), ["run"]);
  assert.deepEqual(await list({ agentId: t.id("other") }), ["agent"]);
  assert.deepEqual(await list({ status: "running", toolName: t.id("tool") }), []);
  assert.equal((await list({})).length, 8);
});

test("a date range of tasks includes its start and not its end", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, ...range(4).map((number) => task(t, `${number}`, { createdAt: minute(number) })));
  const list = async (filter) => names(await backgroundTasks.listTasks({ agentId: t.id("agent"), ...filter }));

  assert.deepEqual(await list({ fromDate: minute(1), toDate: minute(3) }), ["1", "2"]);
  assert.deepEqual(await list({ fromDate: minute(2) }), ["2", "3"]);
  assert.deepEqual(await list({ toDate: minute(1) }), ["0"]);
});

test("a date range may look at another time, and unset times never match", async ({ backgroundTasks, t }) => {
  await create(
    backgroundTasks,
    task(t, "unset"),
    task(t, "early", { startedAt: minute(1) }),
    task(t, "late", { startedAt: minute(5), completedAt: minute(6) }),
  );
  const list = async (filter) => names(await backgroundTasks.listTasks({ agentId: t.id("agent"), ...filter }));

  assert.deepEqual(await list({ fromDate: minute(2), dateFilterBy: "startedAt" }), ["late"]);
  assert.deepEqual(await list({ toDate: minute(2), dateFilterBy: "startedAt" }), ["early"]);
  assert.deepEqual(await list({ toDate: minute(9), dateFilterBy: "completedAt" }), ["late"]);
});

test("listTasks orders by a time in both directions", async ({ backgroundTasks, t }) => {
  await create(
    backgroundTasks,
    task(t, "b", { createdAt: minute(2), startedAt: minute(11) }),
    task(t, "a", { createdAt: minute(1), startedAt: minute(12) }),
    task(t, "c", { createdAt: minute(3) }),
  );
  const list = async (filter) => names(await backgroundTasks.listTasks({ agentId: t.id("agent"), ...filter }));

  assert.deepEqual(await list({}), ["a", "b", "c"]);
  assert.deepEqual(await list({ orderDirection: "desc" }), ["c", "b", "a"]);
  assert.deepEqual(await list({ orderBy: "startedAt" }), ["c", "b", "a"]);
  assert.deepEqual(await list({ orderBy: "startedAt", orderDirection: "desc" }), ["a", "b", "c"]);
});

test("listTasks pages, and perPage alone is the first page", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, ...range(5).map((number) => task(t, `${number}`, { createdAt: minute(number) })));
  const list = async (filter) => {
    const result = await backgroundTasks.listTasks({ agentId: t.id("agent"), ...filter });
    assert.equal(result.total, 5);
    return names(result);
  };

  assert.deepEqual(await list({ page: 0, perPage: 2 }), ["0", "1"]);
  assert.deepEqual(await list({ page: 2, perPage: 2 }), ["4"]);
  assert.deepEqual(await list({ page: 3, perPage: 2 }), []);
  assert.deepEqual(await list({ perPage: 2 }), ["0", "1"]);
  assert.equal((await list({ page: 1 })).length, 5);
});

test("deleteTask deletes one task and takes a missing one", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, task(t, "a"), task(t, "b"));

  await backgroundTasks.deleteTask(t.id("a"));
  await backgroundTasks.deleteTask(t.id("missing"));

  assert.deepEqual(names(await backgroundTasks.listTasks({ agentId: t.id("agent") })), ["b"]);
});

test("deleteTasks deletes what its filter finds, more than 25 at once", async ({ backgroundTasks, t }) => {
  await create(
    backgroundTasks,
    ...range(30).map((number) => task(t, `${number}`, { status: "completed" })),
    task(t, "kept"),
  );

  await backgroundTasks.deleteTasks({ agentId: t.id("agent"), status: "completed" });

  assert.deepEqual(names(await backgroundTasks.listTasks({ agentId: t.id("agent") })), ["kept"]);
});

test("deleteTasks without a condition deletes nothing", async ({ backgroundTasks, t }) => {
  await create(backgroundTasks, task(t, "a"));

  await backgroundTasks.deleteTasks({});
  await backgroundTasks.deleteTasks({ status: [] });

  assert.equal((await backgroundTasks.listTasks({ agentId: t.id("agent") })).total, 1);
});

test("running tasks are counted in all and by agent", async ({ backgroundTasks, t }) => {
  const before = await backgroundTasks.getRunningCount();
  await create(
    backgroundTasks,
    task(t, "a", { status: "running" }),
    task(t, "b", { status: "running" }),
    task(t, "c", { status: "running", agentId: t.id("other") }),
    task(t, "d"),
  );

  assert.equal((await backgroundTasks.getRunningCount()) - before, 3);
  assert.equal(await backgroundTasks.getRunningCountByAgent(t.id("agent")), 2);
  assert.equal(await backgroundTasks.getRunningCountByAgent(t.id("nobody")), 0);
});

test("dangerouslyClearAll empties a table of more than 25 rows", async ({ backgroundTasks, t }) => {
  await Promise.all(range(60).map((number) => backgroundTasks.createTask(task(t, `${number}`))));

  await backgroundTasks.dangerouslyClearAll();

  assert.equal((await backgroundTasks.listTasks({})).total, 0);
});

test(
  "a task of more than one MiB is refused and leaves nothing",
  { emulatorOnly: true },
  async ({ backgroundTasks, t }) => {
    const large = task(t, "a", { args: { text: "x".repeat(1 << 20) } });

    await assert.rejects(backgroundTasks.createTask(large), /Value is too large/);

    assert.equal(await backgroundTasks.getTask(t.id("a")), null);
  },
);

await run(import.meta);

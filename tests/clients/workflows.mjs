// ConvexStore, workflows domain.

import { assert, minute, range, run, test } from "./harness.mjs";

const snapshot = (t, fields = {}) => ({
  runId: t.id("run"),
  status: "running",
  value: {},
  context: { input: { question: "?" } },
  activePaths: [],
  activeStepsPath: {},
  suspendedPaths: {},
  resumeLabels: {},
  serializedStepGraph: [],
  waitingPaths: {},
  timestamp: 1_700_000_000_000,
  ...fields,
});

const persist = (workflows, t, fields = {}) =>
  workflows.persistWorkflowSnapshot({
    workflowName: t.id("workflow"),
    runId: t.id("run"),
    snapshot: snapshot(t),
    ...fields,
  });

const load = (workflows, t) => workflows.loadWorkflowSnapshot({ workflowName: t.id("workflow"), runId: t.id("run") });

const find = (workflows, t) => workflows.getWorkflowRunById({ workflowName: t.id("workflow"), runId: t.id("run") });

const stepResult = (workflows, t, stepId, result, requestContext = {}) =>
  workflows.updateWorkflowResults({
    workflowName: t.id("workflow"),
    runId: t.id("run"),
    stepId,
    result,
    requestContext,
  });

/** Persists a snapshot whose step "each" has this output, merges another in, and answers what becomes of the step. */
const mergeOutputs = async (workflows, t, stored, written) => {
  await persist(workflows, t, { snapshot: snapshot(t, { context: { each: stored } }) });
  const context = await stepResult(workflows, t, "each", written);
  assert.deepEqual((await load(workflows, t)).context, context);
  return context.each;
};

const pending = { __mastra_pending__: true };

test("the store supports concurrent updates", async ({ workflows }) => {
  assert.equal(workflows.supportsConcurrentUpdates(), true);
});

// mastra-ai/mastra#16110: snapshots hold tool schemas. They travel as JSON text, so any key may occur.
test("a snapshot comes back as it was, dollar keys included", async ({ workflows, t }) => {
  const saved = snapshot(t, { context: { input: { $schema: "x", größe: [1.5, null, { $ref: "y" }] } } });

  await persist(workflows, t, { snapshot: saved });

  assert.deepEqual(await load(workflows, t), saved);
});

test("a snapshot that was never saved is null", async ({ workflows, t }) => {
  assert.equal(await load(workflows, t), null);
  assert.equal(await find(workflows, t), null);
  assert.equal(await workflows.getWorkflowRunById({ runId: t.id("run") }), null);
});

// Text is what the adapter writes; the column takes any value, and older versions wrote objects.
test("a snapshot that is stored as an object is readable", async ({ workflows, t }) => {
  const record = {
    id: `${t.id("workflow")}-${t.id("run")}`,
    workflow_name: t.id("workflow"),
    run_id: t.id("run"),
    snapshot: snapshot(t),
    createdAt: minute(0).toISOString(),
    updatedAt: minute(0).toISOString(),
  };
  const { value } = await t.storage({ op: "insert", tableName: "mastra_workflow_snapshot", record });

  assert.equal(value.ok, true);
  assert.deepEqual(await load(workflows, t), snapshot(t));
});

test("persisting again replaces the snapshot and keeps createdAt and resource", async ({ workflows, t }) => {
  await persist(workflows, t, { resourceId: t.id("resource"), createdAt: minute(1), updatedAt: minute(1) });
  await persist(workflows, t, {
    snapshot: snapshot(t, { status: "success" }),
    createdAt: minute(5),
    updatedAt: minute(6),
  });

  const found = await find(workflows, t);

  assert.equal(found.snapshot.status, "success");
  assert.deepEqual([found.createdAt, found.updatedAt], [minute(1), minute(6)]);
  assert.equal(found.resourceId, t.id("resource"));
});

// The record id is "<workflowName>-<runId>": two pairs can give one id, and the second takes the row.
test("record ids collide when names and run ids join to the same text", async ({ workflows, t }) => {
  const name = t.id("a");
  await workflows.persistWorkflowSnapshot({ workflowName: name, runId: "b-c", snapshot: snapshot(t) });
  await workflows.persistWorkflowSnapshot({ workflowName: `${name}-b`, runId: "c", snapshot: snapshot(t) });

  assert.equal(await workflows.loadWorkflowSnapshot({ workflowName: name, runId: "b-c" }), null);
  assert.notEqual(await workflows.loadWorkflowSnapshot({ workflowName: `${name}-b`, runId: "c" }), null);
});

test("a run is found with and without the name of its workflow", async ({ workflows, t }) => {
  await persist(workflows, t, { createdAt: minute(1), updatedAt: minute(2) });

  const expected = {
    workflowName: t.id("workflow"),
    runId: t.id("run"),
    snapshot: snapshot(t),
    createdAt: minute(1),
    updatedAt: minute(2),
    resourceId: undefined,
  };

  assert.deepEqual(await find(workflows, t), expected);
  assert.deepEqual(await workflows.getWorkflowRunById({ runId: t.id("run") }), expected);
});

test("getRun answers the row as it is stored", async ({ workflows, t }) => {
  await persist(workflows, t, { createdAt: minute(1), updatedAt: minute(2) });

  const { _id, _creationTime, ...row } = await workflows.getRun(t.id("workflow"), t.id("run"));

  assert.deepEqual([typeof _id, typeof _creationTime], ["string", "number"]);
  assert.deepEqual(row, {
    id: `${t.id("workflow")}-${t.id("run")}`,
    workflow_name: t.id("workflow"),
    run_id: t.id("run"),
    snapshot: JSON.stringify(snapshot(t)),
    createdAt: minute(1).toISOString(),
    updatedAt: minute(2).toISOString(),
  });
});

// Version 1.5.2 sends no hint, but the function still takes those of older clients.
test("an index hint chooses the rows, and every filter still applies", async ({ workflows, t }) => {
  for (const name of ["a", "b"]) await persist(workflows, t, { runId: t.id(name), resourceId: t.id(name) });
  const query = async (indexHint, filters) => {
    const { value } = await t.storage({ op: "queryTable", tableName: "mastra_workflow_snapshot", indexHint, filters });
    return value.result.map((row) => row.run_id.split(".").at(-1));
  };
  const workflowName = t.id("workflow");

  assert.deepEqual(await query({ index: "by_workflow", workflowName }), ["a", "b"]);
  assert.deepEqual(await query({ index: "by_workflow_run", workflowName, runId: t.id("b") }), ["b"]);
  const filters = [{ field: "resourceId", value: t.id("a") }];
  assert.deepEqual(await query({ index: "by_workflow", workflowName }, filters), ["a"]);
  assert.deepEqual(await query({ index: "unknown" }, filters), ["a"]);
});

test("deleting a run deletes this run only", async ({ workflows, t }) => {
  await persist(workflows, t);
  await persist(workflows, t, { runId: t.id("other") });

  await workflows.deleteWorkflowRunById({ workflowName: t.id("workflow"), runId: t.id("run") });
  await workflows.deleteWorkflowRunById({ workflowName: t.id("workflow"), runId: t.id("missing") });

  assert.equal(await load(workflows, t), null);
  assert.equal((await workflows.listWorkflowRuns({ workflowName: t.id("workflow") })).total, 1);
});

test("listWorkflowRuns puts the newest first and filters", async ({ workflows, t }) => {
  const save = (number, fields = {}) =>
    persist(workflows, t, {
      runId: t.id(`${number}`),
      createdAt: minute(number),
      snapshot: snapshot(t, { status: number % 2 === 0 ? "success" : "failed" }),
      ...fields,
    });
  for (const number of [1, 3, 0, 2]) await save(number);
  await save(4, { workflowName: t.id("other"), resourceId: t.id("resource") });
  const list = async (args) => {
    const { runs, total } = await workflows.listWorkflowRuns({ workflowName: t.id("workflow"), ...args });
    assert.equal(runs.length, total);
    return runs.map((one) => one.runId.split(".").at(-1));
  };

  assert.deepEqual(await list({}), ["3", "2", "1", "0"]);
  assert.deepEqual(await list({ status: "success" }), ["2", "0"]);
  assert.deepEqual(await list({ fromDate: minute(1), toDate: minute(2) }), ["2", "1"]);
  assert.deepEqual(await list({ status: "failed", fromDate: minute(2) }), ["3"]);
  assert.deepEqual(await list({ workflowName: undefined, resourceId: t.id("resource") }), ["4"]);
  assert.deepEqual(await list({ resourceId: t.id("resource") }), []);
});

test("listWorkflowRuns without arguments lists the runs of all workflows", async ({ workflows, t }) => {
  await persist(workflows, t);
  await persist(workflows, t, { workflowName: t.id("other") });

  const { runs } = await workflows.listWorkflowRuns();

  const names = runs.map((one) => one.workflowName);
  assert.ok(names.includes(t.id("workflow")) && names.includes(t.id("other")));
});

test("listWorkflowRuns pages only with both page and perPage", async ({ workflows, t }) => {
  for (const number of range(5)) await persist(workflows, t, { runId: t.id(`${number}`), createdAt: minute(number) });
  const list = async (args) => {
    const { runs, total } = await workflows.listWorkflowRuns({ workflowName: t.id("workflow"), ...args });
    assert.equal(total, 5);
    return runs.map((one) => one.runId.split(".").at(-1));
  };

  assert.deepEqual(await list({ page: 0, perPage: 2 }), ["4", "3"]);
  assert.deepEqual(await list({ page: 2, perPage: 2 }), ["0"]);
  assert.deepEqual(await list({ page: 3, perPage: 2 }), []);
  assert.equal((await list({ perPage: 2 })).length, 5);
  assert.equal((await list({ page: 1 })).length, 5);
});

test("a step result is merged into the context and comes back with it", async ({ workflows, t }) => {
  await persist(workflows, t, { updatedAt: minute(0) });

  const context = await stepResult(workflows, t, "first", { status: "success", output: { $answer: 42 } });

  const expected = { input: { question: "?" }, first: { status: "success", output: { $answer: 42 } } };
  assert.deepEqual(context, expected);
  assert.deepEqual((await load(workflows, t)).context, expected);
  assert.ok((await find(workflows, t)).updatedAt > minute(0));
});

test("a step result replaces the one before it", async ({ workflows, t }) => {
  await persist(workflows, t);
  await stepResult(workflows, t, "first", { status: "running", startedAt: 1 });

  const context = await stepResult(workflows, t, "first", { status: "success", output: [1] });

  assert.deepEqual(context.first, { status: "success", output: [1] });
});

test("the request context is merged one level deep", async ({ workflows, t }) => {
  await persist(workflows, t, { snapshot: snapshot(t, { requestContext: { kept: 1, replaced: { a: 1 } } }) });

  await stepResult(workflows, t, "first", {}, { replaced: { b: 2 }, added: true });

  assert.deepEqual((await load(workflows, t)).requestContext, { kept: 1, replaced: { b: 2 }, added: true });
});

// mastra-ai/mastra#16638: evented workflows need updates that are atomic on the deployment.
test("twenty parallel step results are all kept", async ({ workflows, t }) => {
  await persist(workflows, t);

  await Promise.all(
    range(20).map((number) =>
      stepResult(workflows, t, `step${number}`, { status: "success", output: number }, { [`key${number}`]: number }),
    ),
  );

  const loaded = await load(workflows, t);
  for (const number of range(20)) {
    assert.deepEqual(loaded.context[`step${number}`], { status: "success", output: number });
    assert.equal(loaded.requestContext[`key${number}`], number);
  }
});

test("parallel elements of a forEach step end up in one output", async ({ workflows, t }) => {
  const size = 10;
  await persist(workflows, t, {
    snapshot: snapshot(t, { context: { each: { status: "running", output: Array(size).fill(null) } } }),
  });
  const element = (number) => range(size).map((index) => (index === number ? { value: number } : null));

  await Promise.all(range(size).map((number) => stepResult(workflows, t, "each", { output: element(number) })));

  assert.deepEqual((await load(workflows, t)).context.each, {
    status: "running",
    output: range(size).map((number) => ({ value: number })),
  });
});

test("a list output without markers fills in element by element", async ({ workflows, t }) => {
  const merged = await mergeOutputs(
    workflows,
    t,
    { status: "running", kept: true, output: [1, null, 3] },
    { status: "success", output: [null, 20, 30, null, 50] },
  );

  assert.deepEqual(merged, { status: "success", kept: true, output: [1, 20, 30, null, 50] });
});

test("a shorter list output leaves the rest", async ({ workflows, t }) => {
  const merged = await mergeOutputs(workflows, t, { output: [1, 2, 3] }, { output: [10] });

  assert.deepEqual(merged, { output: [10, 2, 3] });
});

// With a marker the write only resets: positions that are empty, pending or suspended become null, all else stays.
test("a pending marker resets its position and nothing else", async ({ workflows, t }) => {
  const suspended = { status: "suspended", suspendPayload: {} };
  const alsoSuspended = { status: "suspended", suspendedAt: 1 };
  const merged = await mergeOutputs(
    workflows,
    t,
    { status: "running", output: [null, pending, suspended, alsoSuspended, { status: "suspended" }, 6, 7] },
    { status: "success", output: [pending, pending, pending, pending, pending, pending, 70, pending, 9] },
  );

  assert.deepEqual(merged, {
    status: "running",
    output: [null, null, null, null, { status: "suspended" }, 6, 7, null, null],
  });
});

test("an object with more than the marker key is no marker", async ({ workflows, t }) => {
  const almost = [{ __mastra_pending__: true, other: 1 }, { __mastra_pending__: false }];

  const merged = await mergeOutputs(workflows, t, { output: [1, 2] }, { output: almost });

  assert.deepEqual(merged, { output: almost });
});

test("outputs are merged only when both are lists", async ({ workflows, t }) => {
  const written = { output: [pending] };

  assert.deepEqual(await mergeOutputs(workflows, t, { kept: true, output: { 0: 1 } }, written), written);
  assert.deepEqual(await mergeOutputs(workflows, t, { kept: true, output: [1] }, { output: "x" }), { output: "x" });
});

test("updateWorkflowState merges its options into the snapshot", async ({ workflows, t }) => {
  await persist(workflows, t, { updatedAt: minute(0) });

  const merged = await workflows.updateWorkflowState({
    workflowName: t.id("workflow"),
    runId: t.id("run"),
    opts: { status: "suspended", suspendedPaths: { step: [0] }, result: { $ref: 1 } },
  });

  const expected = snapshot(t, { status: "suspended", suspendedPaths: { step: [0] }, result: { $ref: 1 } });
  assert.deepEqual(merged, expected);
  assert.deepEqual(await load(workflows, t), expected);
  assert.ok((await find(workflows, t)).updatedAt > minute(0));
});

test("updates of a missing run say so", async ({ workflows, t }) => {
  const message = `Workflow snapshot not found for runId ${t.id("run")}`;
  const run = { workflowName: t.id("workflow"), runId: t.id("run") };

  await assert.rejects(stepResult(workflows, t, "first", {}), { message });
  await assert.rejects(workflows.updateWorkflowState({ ...run, opts: { status: "success" } }), { message });

  assert.equal(await load(workflows, t), null);
});

test("updates of a snapshot without context say so", async ({ workflows, t }) => {
  const message = `Snapshot for runId ${t.id("run")} is missing or has invalid context`;
  const run = { workflowName: t.id("workflow"), runId: t.id("run") };
  await persist(workflows, t, { snapshot: { status: "running" } });

  await assert.rejects(stepResult(workflows, t, "first", {}), { message });
  await assert.rejects(workflows.updateWorkflowState({ ...run, opts: { status: "success" } }), { message });

  assert.deepEqual(await load(workflows, t), { status: "running" });
});

test("dangerouslyClearAll empties a table of more than 25 rows", async ({ workflows, t }) => {
  await Promise.all(range(60).map((number) => persist(workflows, t, { runId: t.id(`${number}`) })));

  await workflows.dangerouslyClearAll();

  assert.equal((await workflows.listWorkflowRuns()).total, 0);
});

// get-convex/workflow#241: a step result that does not fit must fail the call and leave the run as it was.
test(
  "a step result of more than one MiB is refused and changes nothing",
  { emulatorOnly: true },
  async ({ workflows, t }) => {
    await persist(workflows, t);

    await assert.rejects(stepResult(workflows, t, "large", { output: "x".repeat(1 << 20) }), /Value is too large/);

    assert.deepEqual(await load(workflows, t), snapshot(t));
  },
);

await run(import.meta);

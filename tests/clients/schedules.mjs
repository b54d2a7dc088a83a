// ConvexStore, schedules domain.

import { assert, range, run, test } from "./harness.mjs";

// Times of schedules are integers, in milliseconds. Cases about due schedules use small ones that no other case uses.
const start = 1_800_000_000_000;

const schedule = (t, name, fields = {}) => ({
  id: t.id(name),
  target: { type: "workflow", workflowId: t.id("workflow"), inputData: { $ref: 1 } },
  cron: "* * * * *",
  status: "active",
  nextFireAt: start,
  createdAt: start,
  updatedAt: start,
  ...fields,
});

const agentTarget = (t) => ({ type: "agent", agentId: t.id("agent"), prompt: "?" });

const create = async (schedules, ...all) => {
  for (const one of all) await schedules.createSchedule(one);
};

const trigger = (t, name, fields = {}) => ({
  id: t.id(name),
  scheduleId: t.id("schedule"),
  runId: t.id("run"),
  scheduledFireAt: start,
  actualFireAt: start,
  outcome: "published",
  ...fields,
});

const record = async (schedules, ...all) => {
  for (const one of all) await schedules.recordTrigger(one);
};

const names = (rows) => rows.map((one) => one.id.split(".").at(-1));

test("a created schedule comes back as it was", async ({ schedules, t }) => {
  const full = schedule(t, "full", {
    timezone: "Europe/Berlin",
    lastFireAt: start - 1,
    lastRunId: t.id("run"),
    metadata: { $label: "x" },
    ownerType: "agent",
    ownerId: t.id("owner"),
  });

  const returned = await schedules.createSchedule(full);
  await create(schedules, schedule(t, "bare"), schedule(t, "agent", { target: agentTarget(t) }));

  assert.equal(returned, full);
  assert.deepEqual(await schedules.getSchedule(t.id("full")), full);
  assert.deepEqual(await schedules.getSchedule(t.id("bare")), schedule(t, "bare"));
  assert.deepEqual((await schedules.getSchedule(t.id("agent"))).target, agentTarget(t));
});

test("a schedule that was never created is null", async ({ schedules, t }) => {
  assert.equal(await schedules.getSchedule(t.id("missing")), null);
});

test("a schedule that exists is not created again", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "a"));

  await assert.rejects(
    create(schedules, schedule(t, "a", { cron: "0 0 * * *" })),
    new RegExp(`Schedule with id "${t.id("a")}" already exists`),
  );

  assert.equal((await schedules.getSchedule(t.id("a"))).cron, "* * * * *");
});

test("a schedule without id is refused", async ({ schedules, t }) => {
  await assert.rejects(create(schedules, schedule(t, "a", { id: "" })), /Schedule is missing an id/);
});

test("listSchedules filters and puts the oldest first", async ({ schedules, t }) => {
  const owned = { ownerType: t.id("type"), ownerId: t.id("owner") };
  await create(
    schedules,
    schedule(t, "c", { createdAt: start + 3, ...owned }),
    schedule(t, "a", { createdAt: start + 1, ...owned, status: "paused" }),
    schedule(t, "b", { createdAt: start + 2, ...owned, target: agentTarget(t) }),
    schedule(t, "d", { createdAt: start + 4, ownerType: t.id("type") }),
  );
  const list = async (filter) => names(await schedules.listSchedules(filter));

  assert.deepEqual(await list({ ownerType: t.id("type") }), ["a", "b", "c", "d"]);
  assert.deepEqual(await list({ ownerType: t.id("type"), ownerId: t.id("owner") }), ["a", "b", "c"]);
  assert.deepEqual(await list({ ownerId: t.id("owner"), status: "paused" }), ["a"]);
  assert.deepEqual(await list({ workflowId: t.id("workflow") }), ["a", "c", "d"]);
  assert.deepEqual(await list({ workflowId: t.id("workflow"), status: "active" }), ["c", "d"]);
  // A null owner asks for schedules that have none.
  assert.deepEqual(await list({ ownerType: t.id("type"), ownerId: null }), ["d"]);
  assert.deepEqual(await list({ ownerType: null, ownerId: t.id("owner") }), []);
});

test("listSchedules without a filter lists all", async ({ schedules, t }) => {
  await create(schedules, ...range(30).map((number) => schedule(t, `${number}`, { createdAt: start + number })));

  const listed = (await schedules.listSchedules()).filter((one) => one.target.workflowId === t.id("workflow"));

  assert.deepEqual(names(listed), range(30).map(String));
});

// Older cores called agent schedules heartbeats.
test("a target of the legacy type heartbeat reads as agent", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "a", { target: { ...agentTarget(t), type: "heartbeat" } }));

  assert.deepEqual((await schedules.getSchedule(t.id("a"))).target, agentTarget(t));
});

test("due schedules are the active ones up to now, the longest due first", async ({ schedules, t }) => {
  await create(
    schedules,
    schedule(t, "c", { nextFireAt: 300 }),
    schedule(t, "a", { nextFireAt: 100 }),
    schedule(t, "b", { nextFireAt: 200 }),
    schedule(t, "paused", { nextFireAt: 150, status: "paused" }),
  );

  assert.deepEqual(names(await schedules.listDueSchedules(300)), ["a", "b", "c"]);
  assert.deepEqual(names(await schedules.listDueSchedules(299)), ["a", "b"]);
  assert.deepEqual(names(await schedules.listDueSchedules(99)), []);
  assert.deepEqual(names(await schedules.listDueSchedules(300, 2)), ["a", "b"]);
  assert.deepEqual(names(await schedules.listDueSchedules(300, 1.9)), ["a"]);
  assert.deepEqual(names(await schedules.listDueSchedules(300, 0)), []);
  assert.deepEqual(names(await schedules.listDueSchedules(300, -1)), []);
});

test("a hundred due schedules are listed unless told otherwise", async ({ schedules, t }) => {
  await Promise.all(
    range(101).map((number) => schedules.createSchedule(schedule(t, `${number}`, { nextFireAt: -500 }))),
  );

  assert.equal((await schedules.listDueSchedules(-500)).length, 100);
  assert.equal((await schedules.listDueSchedules(-500, 101)).length, 101);
});

test("an update changes what it is given and moves updatedAt", async ({ schedules, t }) => {
  await create(
    schedules,
    schedule(t, "a", { timezone: "UTC", metadata: { old: 1 }, ownerType: "agent", ownerId: "o" }),
  );

  const updated = await schedules.updateSchedule(t.id("a"), {
    cron: "0 0 * * *",
    status: "paused",
    nextFireAt: start + 5,
    target: agentTarget(t),
    metadata: { $new: 2 },
  });

  const { updatedAt, ...fields } = updated;
  assert.ok(updatedAt !== start);
  const { updatedAt: _, ...expected } = schedule(t, "a", {
    cron: "0 0 * * *",
    timezone: "UTC",
    status: "paused",
    nextFireAt: start + 5,
    target: agentTarget(t),
    metadata: { $new: 2 },
    ownerType: "agent",
    ownerId: "o",
  });
  assert.deepEqual(fields, expected);
  assert.deepEqual(await schedules.getSchedule(t.id("a")), updated);
  assert.deepEqual(await schedules.listSchedules({ workflowId: t.id("workflow") }), []);
});

test("an update clears what is given as null or undefined", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "a", { timezone: "UTC", metadata: { a: 1 }, ownerType: "agent", ownerId: "o" }));

  const updated = await schedules.updateSchedule(t.id("a"), {
    timezone: undefined,
    metadata: null,
    ownerType: null,
    ownerId: undefined,
    cron: undefined,
  });

  const { updatedAt: _, ...fields } = updated;
  const { updatedAt: __, ...expected } = schedule(t, "a");
  assert.deepEqual(fields, expected);
});

test("an empty update answers the schedule as it is", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "a"));

  assert.deepEqual(await schedules.updateSchedule(t.id("a"), {}), schedule(t, "a"));
});

test("an update of a missing schedule says which one", async ({ schedules, t }) => {
  const message = new RegExp(`Schedule ${t.id("missing")} not found`);

  await assert.rejects(schedules.updateSchedule(t.id("missing"), { cron: "0 0 * * *" }), message);
  await assert.rejects(schedules.updateSchedule(t.id("missing"), {}), message);
});

test("the next fire time is claimed once", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "a"));
  const claim = () => schedules.updateScheduleNextFire(t.id("a"), start, start + 60_000, start, t.id("run"));

  const claims = await Promise.all(range(5).map(claim));

  assert.deepEqual(claims.filter(Boolean), [true]);
  const { nextFireAt, lastFireAt, lastRunId } = await schedules.getSchedule(t.id("a"));
  assert.deepEqual([nextFireAt, lastFireAt, lastRunId], [start + 60_000, start, t.id("run")]);
});

test("the next fire time of a paused or missing schedule is not claimed", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "a", { status: "paused" }));

  assert.equal(await schedules.updateScheduleNextFire(t.id("a"), start, start + 1, start, "r"), false);
  assert.equal(await schedules.updateScheduleNextFire(t.id("missing"), start, start + 1, start, "r"), false);
  assert.deepEqual(await schedules.getSchedule(t.id("a")), schedule(t, "a", { status: "paused" }));
});

test("a recorded trigger comes back as it was", async ({ schedules, t }) => {
  const full = trigger(t, "full", {
    error: "no",
    triggerKind: "manual",
    parentTriggerId: t.id("parent"),
    metadata: { $label: "x" },
    actualFireAt: start + 1,
  });
  await record(schedules, full, trigger(t, "bare", { runId: null }));

  const [first, second] = await schedules.listTriggers(t.id("schedule"));

  assert.deepEqual(first, full);
  assert.deepEqual(second, trigger(t, "bare", { runId: null, triggerKind: "schedule-fire" }));
});

test("a trigger without id gets one, and an id that exists is refused", async ({ schedules, t }) => {
  await record(schedules, trigger(t, "a", { id: undefined }), trigger(t, "b"));

  await assert.rejects(
    record(schedules, trigger(t, "b", { outcome: "failed" })),
    new RegExp(`Schedule trigger with id "${t.id("b")}" already exists`),
  );

  const listed = await schedules.listTriggers(t.id("schedule"));
  assert.equal(listed.length, 2);
  assert.ok(listed.every((one) => one.id && one.outcome === "published"));
});

test("triggers are listed newest first, from inclusive, to exclusive", async ({ schedules, t }) => {
  await record(schedules, ...[2, 0, 3, 1].map((n) => trigger(t, `${n}`, { actualFireAt: start + n })));
  await record(schedules, trigger(t, "other", { scheduleId: t.id("other") }));
  const list = async (options) => names(await schedules.listTriggers(t.id("schedule"), options));

  assert.deepEqual(await list(), ["3", "2", "1", "0"]);
  assert.deepEqual(await list({ fromActualFireAt: start + 1, toActualFireAt: start + 3 }), ["2", "1"]);
  assert.deepEqual(await list({ fromActualFireAt: start + 2 }), ["3", "2"]);
  assert.deepEqual(await list({ limit: 2 }), ["3", "2"]);
  assert.deepEqual(await list({ limit: 0 }), []);
});

test("a hundred triggers are listed unless told otherwise", async ({ schedules, t }) => {
  await Promise.all(range(101).map((n) => schedules.recordTrigger(trigger(t, `${n}`, { actualFireAt: start + n }))));

  const listed = await schedules.listTriggers(t.id("schedule"));

  assert.deepEqual([listed.length, names(listed).at(0), names(listed).at(-1)], [100, "100", "1"]);
  assert.equal((await schedules.listTriggers(t.id("schedule"), { limit: 200 })).length, 101);
});

test("deleting a schedule deletes its triggers, more than 25 of them", async ({ schedules, t }) => {
  await create(schedules, schedule(t, "schedule"), schedule(t, "other"));
  await Promise.all(range(60).map((number) => schedules.recordTrigger(trigger(t, `${number}`))));
  await record(schedules, trigger(t, "kept", { scheduleId: t.id("other") }));

  await schedules.deleteSchedule(t.id("schedule"));
  await schedules.deleteSchedule(t.id("missing"));

  assert.equal(await schedules.getSchedule(t.id("schedule")), null);
  assert.deepEqual(await schedules.listTriggers(t.id("schedule")), []);
  assert.deepEqual(names(await schedules.listTriggers(t.id("other"))), ["kept"]);
});

test("dangerouslyClearAll empties tables of more than 25 rows", async ({ schedules, t }) => {
  await Promise.all(range(30).map((number) => schedules.createSchedule(schedule(t, `${number}`))));
  await Promise.all(range(30).map((number) => schedules.recordTrigger(trigger(t, `${number}`))));

  await schedules.dangerouslyClearAll();

  assert.deepEqual(await schedules.listSchedules(), []);
  assert.deepEqual(await schedules.listTriggers(t.id("schedule")), []);
});

test(
  "a schedule of more than one MiB is refused and leaves nothing",
  { emulatorOnly: true },
  async ({ schedules, t }) => {
    const large = schedule(t, "a", { metadata: { text: "x".repeat(1 << 20) } });

    await assert.rejects(create(schedules, large), /Value is too large/);

    assert.equal(await schedules.getSchedule(t.id("a")), null);
  },
);

await run(import.meta);

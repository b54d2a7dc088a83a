// ConvexStore, memory domain: resources (working memory).

import { assert, minute, range, run, test } from "./harness.mjs";

const resource = (t, fields = {}) => ({
  id: t.id("resource"),
  workingMemory: "# Notes",
  metadata: { label: "x" },
  createdAt: minute(0),
  updatedAt: minute(0),
  ...fields,
});

const load = (memory, t) => memory.getResourceById({ resourceId: t.id("resource") });

test("a saved resource comes back with its dates", async ({ memory, t }) => {
  const saved = resource(t);

  const returned = await memory.saveResource({ resource: saved });

  assert.equal(returned, saved);
  const { _id, _creationTime, ...fields } = await load(memory, t);
  assert.deepEqual(fields, saved);
  assert.equal(typeof _id, "string");
  assert.equal(typeof _creationTime, "number");
});

test("a resource that was never saved is null", async ({ memory, t }) => {
  assert.equal(await memory.getResourceById({ resourceId: t.id("missing") }), null);
});

test("a resource without metadata reads as an empty object", async ({ memory, t }) => {
  await memory.saveResource({ resource: resource(t, { metadata: undefined, workingMemory: undefined }) });

  const loaded = await load(memory, t);
  assert.deepEqual(loaded.metadata, {});
  assert.ok(!("workingMemory" in loaded));
});

test("an empty working memory stays empty", async ({ memory, t }) => {
  await memory.saveResource({ resource: resource(t, { workingMemory: "" }) });

  assert.equal((await load(memory, t)).workingMemory, "");
});

// Core's nullable columns are optional in the schema: they may be absent, but not null. A jsonb column is `any`.
test("a null working memory is refused but null metadata is stored", async ({ memory, t }) => {
  await assert.rejects(memory.saveResource({ resource: resource(t, { workingMemory: null }) }), /workingMemory|null/);
  assert.equal(await load(memory, t), null);

  await memory.saveResource({ resource: resource(t, { metadata: null }) });
  assert.deepEqual((await load(memory, t)).metadata, {});
});

test("saving a resource again keeps the fields that are not sent", async ({ memory, t }) => {
  await memory.saveResource({ resource: resource(t) });
  await memory.saveResource({ resource: resource(t, { workingMemory: undefined, metadata: { fresh: true } }) });

  const loaded = await load(memory, t);
  assert.equal(loaded.workingMemory, "# Notes");
  assert.deepEqual(loaded.metadata, { fresh: true });
});

test("an update changes only what is sent", async ({ memory, t }) => {
  await memory.saveResource({ resource: resource(t) });

  const first = await memory.updateResource({ resourceId: t.id("resource"), workingMemory: "New" });
  const second = await memory.updateResource({ resourceId: t.id("resource"), metadata: { added: 1 } });

  assert.deepEqual([first.workingMemory, first.metadata], ["New", { label: "x" }]);
  assert.deepEqual([second.workingMemory, second.metadata], ["New", { label: "x", added: 1 }]);
  assert.deepEqual((await load(memory, t)).metadata, second.metadata);
  assert.deepEqual(second.createdAt, minute(0));
  assert.ok(second.updatedAt > minute(0));
});

test("an update creates a resource that is missing", async ({ memory, t }) => {
  const created = await memory.updateResource({ resourceId: t.id("resource"), workingMemory: "New" });

  assert.equal(created.workingMemory, "New");
  assert.deepEqual(created.metadata, {});
  assert.deepEqual(created.createdAt, created.updatedAt);
  assert.ok(!("_id" in created));
  assert.equal((await load(memory, t)).workingMemory, "New");
});

test("parallel updates keep each other's fields", async ({ memory, t }) => {
  await memory.saveResource({ resource: resource(t) });
  const update = (fields) => memory.updateResource({ resourceId: t.id("resource"), ...fields });

  await Promise.all([
    update({ workingMemory: "New" }),
    ...range(20).map((number) => update({ metadata: { [`key${number}`]: number } })),
  ]);

  const loaded = await load(memory, t);
  assert.equal(loaded.workingMemory, "New");
  assert.equal(Object.keys(loaded.metadata).length, 21);
});

test("ten thousand characters of working memory survive", async ({ memory, t }) => {
  const workingMemory = "ü€😀x".repeat(2500);

  await memory.updateResource({ resourceId: t.id("resource"), workingMemory });

  assert.equal((await load(memory, t)).workingMemory, workingMemory);
});

test(
  "a working memory of more than one MiB is refused and keeps the old",
  { emulatorOnly: true },
  async ({ memory, t }) => {
    await memory.saveResource({ resource: resource(t) });
    const workingMemory = "x".repeat(1 << 20);

    await assert.rejects(memory.updateResource({ resourceId: t.id("resource"), workingMemory }), /Value is too large/);

    assert.equal((await load(memory, t)).workingMemory, "# Notes");
  },
);

await run(import.meta);

// ConvexStore, memory domain: threads.

import { assert, minute, range, run, test } from "./harness.mjs";

const thread = (t, name, fields = {}) => ({
  id: t.id(name),
  resourceId: t.id("resource"),
  title: `Title of ${name}`,
  metadata: {},
  createdAt: minute(0),
  updatedAt: minute(0),
  ...fields,
});

const message = (t, name, number) => ({
  id: t.id(`message-${number}`),
  threadId: t.id(name),
  resourceId: t.id("resource"),
  role: "user",
  type: "v2",
  content: { format: 2, parts: [{ type: "text", text: `message ${number}` }] },
  createdAt: minute(number),
});

const save = async (memory, ...threads) => {
  for (const one of threads) await memory.saveThread({ thread: one });
};

const names = (threads) => threads.map((one) => one.id.split(".").at(-1));

test("a saved thread comes back with its dates and metadata", async ({ memory, t }) => {
  const saved = thread(t, "a", { metadata: { label: "x", nested: { list: [1, null, "é"] } }, updatedAt: minute(1) });

  const returned = await memory.saveThread({ thread: saved });
  const loaded = await memory.getThreadById({ threadId: t.id("a") });

  assert.equal(returned, saved);
  const { _id, _creationTime, ...fields } = loaded;
  assert.deepEqual(fields, saved);
});

// The rows of typed tables reach the user with their system fields, and updates send them back.
test("a loaded thread carries the system fields of its document", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));

  const loaded = await memory.getThreadById({ threadId: t.id("a") });

  assert.match(loaded._id, /^\S+$/);
  assert.equal(typeof loaded._creationTime, "number");
});

test("a thread without metadata is stored with an empty object", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { metadata: undefined }));

  assert.deepEqual((await memory.getThreadById({ threadId: t.id("a") })).metadata, {});
});

test("an empty title stays empty", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { title: "" }));

  assert.equal((await memory.getThreadById({ threadId: t.id("a") })).title, "");
});

test("a thread that was never saved is null", async ({ memory, t }) => {
  assert.equal(await memory.getThreadById({ threadId: t.id("missing") }), null);
});

// An empty text is a scope of its own, not "no scope": a caller without a resource must not see everybody's threads.
test("a thread of another resource is null", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));

  assert.equal(await memory.getThreadById({ threadId: t.id("a"), resourceId: t.id("other") }), null);
  assert.equal(await memory.getThreadById({ threadId: t.id("a"), resourceId: "" }), null);
  assert.equal((await memory.getThreadById({ threadId: t.id("a"), resourceId: t.id("resource") })).id, t.id("a"));
});

test("saving a thread again keeps one row and replaces the fields that are sent", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { metadata: { old: true } }));
  await save(memory, thread(t, "a", { title: "New", metadata: { fresh: true }, createdAt: minute(9) }));

  const { threads } = await memory.listThreads({ filter: { resourceId: t.id("resource") } });

  assert.equal(threads.length, 1);
  assert.equal(threads[0].title, "New");
  assert.deepEqual(threads[0].metadata, { fresh: true });
  assert.deepEqual(threads[0].createdAt, minute(9));
});

// mastra-ai/mastra#11356: the types allow a thread without title, the schema does not.
test("a thread without title is refused", async ({ memory, t }) => {
  await assert.rejects(save(memory, thread(t, "a", { title: undefined })), /required field `title`/);

  assert.equal(await memory.getThreadById({ threadId: t.id("a") }), null);
});

test("a field that the schema does not know is refused", async ({ memory, t }) => {
  await assert.rejects(save(memory, thread(t, "a", { pinned: true })), /pinned/);

  assert.equal(await memory.getThreadById({ threadId: t.id("a") }), null);
});

test("a title of the wrong type is refused", async ({ memory, t }) => {
  await assert.rejects(save(memory, thread(t, "a", { title: 7 })), /v\.string\(\)|string/);

  assert.equal(await memory.getThreadById({ threadId: t.id("a") }), null);
});

// mastra-ai/mastra#16110: a JSON schema in metadata brings "$schema" along.
test("a metadata key that starts with a dollar sign is refused", async ({ memory, t }) => {
  await assert.rejects(save(memory, thread(t, "a", { metadata: { $schema: "x" } })), /\$schema starts with/);
  await assert.rejects(save(memory, thread(t, "b", { metadata: { deep: [{ $ref: 1 }] } })), /\$ref starts with/);

  assert.equal(await memory.getThreadById({ threadId: t.id("a") }), null);
  assert.equal(await memory.getThreadById({ threadId: t.id("b") }), null);
});

test("a metadata key outside ASCII is refused", async ({ memory, t }) => {
  await assert.rejects(save(memory, thread(t, "a", { metadata: { größe: 1 } })), /non-control ASCII/);
});

test("an update merges metadata one level deep", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { metadata: { kept: 1, replaced: { left: 1, gone: 2 } } }));

  const updated = await memory.updateThread({
    id: t.id("a"),
    title: "New",
    metadata: { replaced: { left: 9 }, added: null },
  });

  assert.equal(updated.title, "New");
  assert.deepEqual(updated.metadata, { kept: 1, replaced: { left: 9 }, added: null });
  assert.deepEqual((await memory.getThreadById({ threadId: t.id("a") })).metadata, updated.metadata);
});

test("an update moves updatedAt and keeps createdAt", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));

  const updated = await memory.updateThread({ id: t.id("a"), title: "New", metadata: {} });

  assert.deepEqual(updated.createdAt, minute(0));
  assert.ok(updated.updatedAt > minute(0));
});

// Older versions of the adapter stored metadata as JSON text; text inside text happened too.
test("an update reads metadata that is stored as text", async ({ memory, t }) => {
  await save(memory, thread(t, "once", { metadata: '{"a":1}' }), thread(t, "twice", { metadata: '"{\\"a\\":1}"' }));

  const once = await memory.updateThread({ id: t.id("once"), title: "T", metadata: { b: 2 } });
  const twice = await memory.updateThread({ id: t.id("twice"), title: "T", metadata: { b: 2 } });

  assert.deepEqual(once.metadata, { a: 1, b: 2 });
  assert.deepEqual(twice.metadata, { a: 1, b: 2 });
});

test("an update drops stored metadata that is no object", async ({ memory, t }) => {
  await save(memory, thread(t, "text", { metadata: "{broken" }), thread(t, "list", { metadata: [1, 2] }));

  for (const name of ["text", "list"]) {
    const updated = await memory.updateThread({ id: t.id(name), title: "T", metadata: { b: 2 } });
    assert.deepEqual(updated.metadata, { b: 2 });
  }
});

test("an update of a missing thread says which one", async ({ memory, t }) => {
  await assert.rejects(memory.updateThread({ id: t.id("missing"), title: "T", metadata: {} }), {
    id: "MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND",
    message: `Thread ${t.id("missing")} not found`,
    category: "USER",
  });
  assert.equal(await memory.getThreadById({ threadId: t.id("missing") }), null);
});

// Version 1.5.2 sends an absent title as the removal of a required field.
test("an update without title is refused and changes nothing", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));

  await assert.rejects(memory.updateThread({ id: t.id("a"), metadata: { b: 2 } }), /title/);

  const loaded = await memory.getThreadById({ threadId: t.id("a") });
  assert.equal(loaded.title, "Title of a");
  assert.deepEqual(loaded.metadata, {});
});

test("patchThread keeps the title that it is not given", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { metadata: { a: 1 } }));

  const patched = await memory.patchThread({ id: t.id("a"), metadata: { b: 2 } });

  assert.equal(patched.title, "Title of a");
  assert.deepEqual(patched.metadata, { a: 1, b: 2 });
});

test("updateThreadMetadata applies updates of one thread after each other", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { metadata: { count: 0 } }));
  const increment = (current) => ({ count: current.metadata.count + 1 });

  await Promise.all(range(5).map(() => memory.updateThreadMetadata({ id: t.id("a"), update: increment })));

  assert.equal((await memory.getThreadById({ threadId: t.id("a") })).metadata.count, 5);
  assert.equal(await memory.updateThreadMetadata({ id: t.id("missing"), update: increment }), null);
});

// mastra-ai/mastra#17298: read, merge in the client, write the whole row lost updates.
test("a hundred parallel updates lose nothing", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));

  await Promise.all(
    range(100).map((number) =>
      memory.updateThread({ id: t.id("a"), title: "T", metadata: { [`key${number}`]: number } }),
    ),
  );

  const { metadata } = await memory.getThreadById({ threadId: t.id("a") });
  assert.deepEqual(metadata, Object.fromEntries(range(100).map((number) => [`key${number}`, number])));
});

// The row goes back through insert with its system fields: `_creationTime` must survive JSON both ways.
test("updateThreadResourceId moves a thread and its messages", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));
  await memory.saveMessages({ messages: range(12).map((number) => message(t, "a", number)) });
  const before = await memory.getThreadById({ threadId: t.id("a") });

  const moved = await memory.updateThreadResourceId({ threadId: t.id("a"), resourceId: t.id("other") });

  assert.equal(moved.resourceId, t.id("other"));
  const after = await memory.getThreadById({ threadId: t.id("a") });
  assert.equal(after._creationTime, before._creationTime);
  const { total } = await memory.listMessagesByResourceId({ resourceId: t.id("other") });
  assert.equal(total, 12);
  assert.equal((await memory.listMessagesByResourceId({ resourceId: t.id("resource") })).total, 0);
});

test("updateThreadResourceId of a missing thread says so", async ({ memory, t }) => {
  await assert.rejects(
    memory.updateThreadResourceId({ threadId: t.id("missing"), resourceId: t.id("other") }),
    /Thread ".*missing" not found/,
  );
});

test("cloning is not offered by this adapter", async ({ memory, t }) => {
  const source = { sourceThreadId: t.id("a") };

  await assert.rejects(memory.cloneThread(source), /Thread cloning is not implemented by this storage adapter/);
  await assert.rejects(memory.copyThread(source), /Thread cloning is not implemented by this storage adapter/);
});

test("deleting a thread deletes its messages and no others", async ({ memory, t }) => {
  await save(memory, thread(t, "a"), thread(t, "b"));
  await memory.saveMessages({ messages: [message(t, "a", 1), message(t, "a", 2), message(t, "b", 3)] });

  await memory.deleteThread({ threadId: t.id("a") });

  assert.equal(await memory.getThreadById({ threadId: t.id("a") }), null);
  assert.equal((await memory.listMessages({ threadId: t.id("a") })).total, 0);
  assert.equal((await memory.listMessages({ threadId: t.id("b") })).total, 1);
});

// All ids travel in one deleteMany, however many they are.
test("deleting a thread deletes more than 256 messages", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));
  await memory.saveMessages({ messages: range(300).map((number) => message(t, "a", number)) });

  await memory.deleteThread({ threadId: t.id("a") });

  assert.equal((await memory.listMessages({ threadId: t.id("a") })).total, 0);
});

test("deleting a missing thread is no error", async ({ memory, t }) => {
  await memory.deleteThread({ threadId: t.id("missing") });
});

test("listThreads puts the newest first", async ({ memory, t }) => {
  await save(
    memory,
    thread(t, "b", { createdAt: minute(2) }),
    thread(t, "c", { createdAt: minute(3) }),
    thread(t, "a", { createdAt: minute(1) }),
  );

  const { threads } = await memory.listThreads({ filter: { resourceId: t.id("resource") } });

  assert.deepEqual(names(threads), ["c", "b", "a"]);
});

test("listThreads orders by updatedAt in both directions", async ({ memory, t }) => {
  await save(
    memory,
    thread(t, "b", { createdAt: minute(1), updatedAt: minute(12) }),
    thread(t, "c", { createdAt: minute(2), updatedAt: minute(13) }),
    thread(t, "a", { createdAt: minute(3), updatedAt: minute(11) }),
  );
  const list = (direction) =>
    memory.listThreads({ filter: { resourceId: t.id("resource") }, orderBy: { field: "updatedAt", direction } });

  assert.deepEqual(names((await list("ASC")).threads), ["a", "b", "c"]);
  assert.deepEqual(names((await list("DESC")).threads), ["c", "b", "a"]);
});

test("listThreads falls back to createdAt and DESC for an order it does not know", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { createdAt: minute(1) }), thread(t, "b", { createdAt: minute(2) }));

  const { threads } = await memory.listThreads({
    filter: { resourceId: t.id("resource") },
    orderBy: { field: "title", direction: "sideways" },
  });

  assert.deepEqual(names(threads), ["b", "a"]);
});

// The sort in the client is stable, so the deployment's row order shows: the index entry, then the creation.
test("listThreads keeps the order of creation among equal times", async ({ memory, t }) => {
  await save(memory, thread(t, "c"), thread(t, "a"), thread(t, "b"));

  const { threads } = await memory.listThreads({ filter: { resourceId: t.id("resource") } });

  assert.deepEqual(names(threads), ["c", "a", "b"]);
});

test("listThreads pages through five threads two by two", async ({ memory, t }) => {
  await save(memory, ...range(5).map((number) => thread(t, `${number}`, { createdAt: minute(number) })));
  const list = (page) => memory.listThreads({ filter: { resourceId: t.id("resource") }, page, perPage: 2 });

  const pages = [await list(0), await list(1), await list(2), await list(3)];

  assert.deepEqual(
    pages.map((page) => names(page.threads)),
    [["4", "3"], ["2", "1"], ["0"], []],
  );
  assert.deepEqual(
    pages.map((page) => page.hasMore),
    [true, true, false, false],
  );
  assert.deepEqual(
    pages.map((page) => page.total),
    [5, 5, 5, 5],
  );
  assert.deepEqual(
    pages.map((page) => [page.page, page.perPage]),
    [
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 2],
    ],
  );
});

test("listThreads gives 100 threads to a page unless told otherwise", async ({ memory, t }) => {
  await Promise.all(range(101).map((number) => memory.saveThread({ thread: thread(t, `${number}`) })));
  const filter = { resourceId: t.id("resource") };

  const page = await memory.listThreads({ filter });
  const all = await memory.listThreads({ filter, perPage: false });

  assert.deepEqual([page.threads.length, page.perPage, page.hasMore], [100, 100, true]);
  assert.deepEqual([all.threads.length, all.perPage, all.hasMore], [101, false, false]);
});

test("listThreads with perPage 0 only counts", async ({ memory, t }) => {
  await save(memory, thread(t, "a"));
  const filter = { resourceId: t.id("resource") };

  const counted = await memory.listThreads({ filter, perPage: 0 });
  const nothing = await memory.listThreads({ filter: { resourceId: t.id("nobody") }, perPage: 0 });

  assert.deepEqual(counted, { threads: [], total: 1, page: 0, perPage: 0, hasMore: true });
  assert.deepEqual(nothing, { threads: [], total: 0, page: 0, perPage: 0, hasMore: false });
});

test("listThreads refuses pages that cannot be", async ({ memory }) => {
  const id = "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_PAGE";
  const refused = [
    [{ page: -1 }, /page must be >= 0/],
    [{ perPage: -1 }, /perPage must be >= 0/],
    [{ perPage: 1.5 }, /perPage must be false or a safe integer/],
    [{ page: 1, perPage: false }, /page must be 0 when perPage is false/],
    [{ page: Number.MAX_SAFE_INTEGER, perPage: 2 }, /page value too large/],
  ];

  for (const [args, message] of refused) await assert.rejects(memory.listThreads(args), { id, message });
});

test("listThreads without a resource sees the threads of all", async ({ memory, t }) => {
  await save(memory, thread(t, "a", { resourceId: t.id("one") }), thread(t, "b", { resourceId: t.id("two") }));

  for (const args of [{ perPage: false }, { perPage: false, filter: { resourceId: "" } }]) {
    const { threads } = await memory.listThreads(args);
    const ids = threads.map((one) => one.id);
    assert.ok(ids.includes(t.id("a")) && ids.includes(t.id("b")));
  }
});

test("listThreads filters by every metadata field given", async ({ memory, t }) => {
  await save(
    memory,
    thread(t, "both", { metadata: { label: "x", count: 1 } }),
    thread(t, "one", { metadata: { label: "x", count: 2 } }),
    thread(t, "none", { metadata: {} }),
  );
  const list = (metadata) => memory.listThreads({ filter: { resourceId: t.id("resource"), metadata } });

  assert.deepEqual(names((await list({ label: "x" })).threads), ["both", "one"]);
  assert.deepEqual(names((await list({ label: "x", count: 1 })).threads), ["both"]);
  assert.equal((await list({ label: "x", count: 1 })).total, 1);
  assert.deepEqual(names((await list({})).threads), ["both", "one", "none"]);
});

test("a metadata filter compares strictly", async ({ memory, t }) => {
  await save(
    memory,
    thread(t, "number", { metadata: { value: 1 } }),
    thread(t, "text", { metadata: { value: "1" } }),
    thread(t, "null", { metadata: { value: null } }),
    thread(t, "absent", { metadata: {} }),
    thread(t, "list", { metadata: { value: [1] } }),
  );
  const list = async (value) =>
    names((await memory.listThreads({ filter: { resourceId: t.id("resource"), metadata: { value } } })).threads);

  assert.deepEqual(await list(1), ["number"]);
  assert.deepEqual(await list("1"), ["text"]);
  assert.deepEqual(await list(null), ["null"]);
  assert.deepEqual(await list([1]), []);
});

test("stored metadata that is no object matches no metadata filter", async ({ memory, t }) => {
  await save(
    memory,
    thread(t, "broken", { metadata: "{broken" }),
    thread(t, "list", { metadata: ["x"] }),
    thread(t, "text", { metadata: '{"label":"x"}' }),
  );

  const { threads } = await memory.listThreads({ filter: { resourceId: t.id("resource"), metadata: { label: "x" } } });

  assert.deepEqual(names(threads), ["text"]);
});

test("a metadata filter refuses keys that are no identifiers", async ({ memory }) => {
  const id = "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_METADATA_KEY";
  const refused = ["a.b", "1a", "", "constructor", "a".repeat(129)];

  for (const key of refused) {
    await assert.rejects(memory.listThreads({ filter: { metadata: { [key]: 1 } } }), { id });
  }
  await memory.listThreads({ perPage: 0, filter: { metadata: { ["a".repeat(128)]: 1 } } });
});

// Deletes go 25 rows per call; the client repeats while the deployment says hasMore.
test("dangerouslyClearAll empties tables of more than 25 rows", async ({ memory, t }) => {
  await Promise.all(range(60).map((number) => memory.saveThread({ thread: thread(t, `${number}`) })));
  await memory.saveMessages({ messages: range(60).map((number) => message(t, "0", number)) });
  await memory.saveResource({ resource: { id: t.id("resource"), createdAt: minute(0), updatedAt: minute(0) } });

  await memory.dangerouslyClearAll();

  assert.equal((await memory.listThreads({ perPage: false })).total, 0);
  assert.equal((await memory.listMessages({ threadId: t.id("0") })).total, 0);
  assert.equal(await memory.getResourceById({ resourceId: t.id("resource") }), null);
});

// Convex: a document may hold 1 MiB, system fields included (documentation "Limits").
test("a thread of more than one MiB is refused and leaves nothing", { emulatorOnly: true }, async ({ memory, t }) => {
  const large = thread(t, "a", { metadata: { text: "x".repeat(1 << 20) } });

  await assert.rejects(memory.saveThread({ thread: large }), /Value is too large \(1\.00 MiB > maximum size 1 MiB\)/);

  assert.equal(await memory.getThreadById({ threadId: t.id("a") }), null);
});

test("a thread of a little less than one MiB is stored", async ({ memory, t }) => {
  const text = "x".repeat((1 << 20) - 1000);

  await memory.saveThread({ thread: thread(t, "a", { metadata: { text } }) });

  assert.equal((await memory.getThreadById({ threadId: t.id("a") })).metadata.text.length, text.length);
});

await run(import.meta);

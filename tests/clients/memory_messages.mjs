// ConvexStore, memory domain: messages.

import { assert, minute, range, run, test } from "./harness.mjs";

const message = (t, name, number, fields = {}) => ({
  id: t.id(name),
  threadId: t.id("thread"),
  resourceId: t.id("resource"),
  role: "user",
  type: "v2",
  content: { format: 2, parts: [{ type: "text", text: name }] },
  createdAt: minute(number),
  ...fields,
});

const withMetadata = (name, metadata) => ({ format: 2, parts: [{ type: "text", text: name }], metadata });

const saveThread = (memory, t, name = "thread") =>
  memory.saveThread({
    thread: { id: t.id(name), resourceId: t.id("resource"), title: "", createdAt: minute(0), updatedAt: minute(0) },
  });

/** Saves messages `prefix0`, `prefix1`, … one minute apart. */
const saveMany = (memory, t, count, prefix = "m", fields = {}) =>
  memory.saveMessages({ messages: range(count).map((number) => message(t, `${prefix}${number}`, number, fields)) });

const names = (messages) => messages.map((one) => one.id.split(".").at(-1));

test("a saved message comes back as it was", async ({ memory, t }) => {
  const saved = message(t, "a", 1, {
    role: "assistant",
    content: {
      format: 2,
      content: "two parts, ü",
      parts: [
        { type: "text", text: "one" },
        { type: "text", text: "two" },
      ],
      metadata: { label: "x", nested: { list: [1, null] } },
    },
  });

  const { messages: returned } = await memory.saveMessages({ messages: [saved] });
  const { messages } = await memory.listMessages({ threadId: t.id("thread") });

  assert.deepEqual(names(returned), ["a"]);
  assert.deepEqual(messages, [saved]);
});

// mastra-ai/mastra#16110: every tool made with Zod carries "$schema". Content travels as JSON text, so it may.
test("message content may hold keys that start with a dollar sign", async ({ memory, t }) => {
  const content = withMetadata("a", { $schema: "x", größe: 1, parameters: { $ref: "#/y" } });

  await memory.saveMessages({ messages: [message(t, "a", 1, { content })] });

  const { messages } = await memory.listMessages({ threadId: t.id("thread") });
  assert.deepEqual(messages[0].content.metadata, content.metadata);
});

test("saveMessages gives type v2 to a message without type", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1, { type: undefined })] });

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).messages[0].type, "v2");
});

test("saveMessages of nothing is nothing", async ({ memory }) => {
  assert.deepEqual(await memory.saveMessages({ messages: [] }), { messages: [] });
});

test("saveMessages answers in the order of createdAt", async ({ memory, t }) => {
  const { messages } = await memory.saveMessages({ messages: [message(t, "b", 2), message(t, "a", 1)] });

  assert.deepEqual(names(messages), ["a", "b"]);
});

// Both are checked before anything is sent, so the good message of the batch is not saved either.
test("a message without thread or resource saves nothing", async ({ memory, t }) => {
  const good = message(t, "good", 1);

  await assert.rejects(
    memory.saveMessages({ messages: [good, message(t, "bad", 2, { threadId: undefined })] }),
    /Thread ID is required/,
  );
  await assert.rejects(
    memory.saveMessages({ messages: [good, message(t, "bad", 2, { resourceId: undefined })] }),
    /Resource ID is required/,
  );

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).total, 0);
});

test("saving a message again replaces it", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1)] });
  await memory.saveMessages({
    messages: [message(t, "a", 2, { role: "assistant", content: withMetadata("new", {}) })],
  });

  const { messages, total } = await memory.listMessages({ threadId: t.id("thread") });

  assert.equal(total, 1);
  assert.equal(messages[0].role, "assistant");
  assert.equal(messages[0].content.parts[0].text, "new");
  assert.deepEqual(messages[0].createdAt, minute(2));
});

test("saving a message with another thread moves it", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1)] });
  await memory.saveMessages({ messages: [message(t, "a", 1, { threadId: t.id("other") })] });

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).total, 0);
  assert.equal((await memory.listMessages({ threadId: t.id("other") })).total, 1);
});

// One batchInsert may name an id twice: typed tables merge the two field by field.
test("an id that comes twice in one save is one message", async ({ memory, t }) => {
  await memory.saveMessages({
    messages: [message(t, "a", 1), message(t, "b", 2), message(t, "a", 3, { role: "assistant" })],
  });

  const { messages } = await memory.listMessages({ threadId: t.id("thread") });

  assert.deepEqual(names(messages), ["b", "a"]);
  assert.equal(messages[1].role, "assistant");
});

test("saving messages moves updatedAt of their threads", async ({ memory, t }) => {
  await saveThread(memory, t);
  await saveThread(memory, t, "untouched");

  await memory.saveMessages({ messages: [message(t, "a", 1)] });

  assert.ok((await memory.getThreadById({ threadId: t.id("thread") })).updatedAt > minute(0));
  assert.deepEqual((await memory.getThreadById({ threadId: t.id("untouched") })).updatedAt, minute(0));
});

// Core's nullable columns are optional in the schema: they may be absent, but not null.
test("a null resource of a message is refused", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1)] });

  await assert.rejects(memory.updateMessages({ messages: [{ id: t.id("a"), resourceId: null }] }), /resourceId|null/);

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).messages[0].resourceId, t.id("resource"));
});

test("listMessages puts the oldest first", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "b", 2), message(t, "c", 3), message(t, "a", 1)] });
  const list = (direction) =>
    memory.listMessages({ threadId: t.id("thread"), orderBy: { field: "createdAt", direction } });

  assert.deepEqual(names((await memory.listMessages({ threadId: t.id("thread") })).messages), ["a", "b", "c"]);
  assert.deepEqual(names((await list("DESC")).messages), ["c", "b", "a"]);
});

test("messages of one moment keep the order in which they were saved", async ({ memory, t }) => {
  await memory.saveMessages({ messages: ["c", "a", "b"].map((name) => message(t, name, 1)) });

  assert.deepEqual(names((await memory.listMessages({ threadId: t.id("thread") })).messages), ["c", "a", "b"]);
});

test("listMessages pages through five messages two by two", async ({ memory, t }) => {
  await saveMany(memory, t, 5);
  const list = (page) => memory.listMessages({ threadId: t.id("thread"), page, perPage: 2 });

  const pages = [await list(0), await list(1), await list(2), await list(3)];

  assert.deepEqual(
    pages.map((page) => names(page.messages)),
    [["m0", "m1"], ["m2", "m3"], ["m4"], []],
  );
  assert.deepEqual(
    pages.map((page) => page.hasMore),
    [true, true, false, false],
  );
  assert.deepEqual(
    pages.map((page) => page.total),
    [5, 5, 5, 5],
  );
});

test("listMessages gives 40 messages to a page unless told otherwise", async ({ memory, t }) => {
  await saveMany(memory, t, 41);

  const page = await memory.listMessages({ threadId: t.id("thread") });
  const all = await memory.listMessages({ threadId: t.id("thread"), perPage: false });

  assert.deepEqual([page.messages.length, page.perPage, page.hasMore, page.total], [40, 40, true, 41]);
  assert.deepEqual([all.messages.length, all.perPage, all.hasMore, all.total], [41, false, false, 41]);
});

test("listMessages with perPage 0 gives nothing and counts nothing", async ({ memory, t }) => {
  await saveMany(memory, t, 2);

  const page = await memory.listMessages({ threadId: t.id("thread"), perPage: 0 });

  assert.deepEqual(page, { messages: [], total: 0, page: 0, perPage: 0, hasMore: false });
});

test("listMessages refuses a negative perPage", async ({ memory, t }) => {
  await assert.rejects(memory.listMessages({ threadId: t.id("thread"), perPage: -1 }), /perPage must be >= 0/);
});

test("listMessages takes a list of threads", async ({ memory, t }) => {
  await saveMany(memory, t, 3, "a", { threadId: t.id("one") });
  await saveMany(memory, t, 3, "b", { threadId: t.id("two") });
  await saveMany(memory, t, 3, "c", { threadId: t.id("three") });

  const { messages, total } = await memory.listMessages({ threadId: [t.id("one"), t.id("two")], perPage: 4 });

  assert.deepEqual(names(messages), ["a0", "b0", "a1", "b1"]);
  assert.equal(total, 6);
});

test("listMessages refuses blank threads", async ({ memory, t }) => {
  const expected = {
    id: "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_INVALID_THREAD_ID",
    message: /threadId must be a non-empty string or array of non-empty strings/,
  };

  for (const threadId of ["", "  ", [], [t.id("thread"), ""]]) {
    await assert.rejects(memory.listMessages({ threadId }), expected);
  }
});

test("listMessages filters by resource", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1), message(t, "b", 2, { resourceId: t.id("other") })] });
  const list = (resourceId) => memory.listMessages({ threadId: t.id("thread"), resourceId });

  assert.deepEqual(names((await list(t.id("other"))).messages), ["b"]);
  assert.equal((await list(t.id("other"))).total, 1);
  assert.deepEqual(names((await list("")).messages), ["a", "b"]);
});

test("a date range includes both its ends unless told otherwise", async ({ memory, t }) => {
  await saveMany(memory, t, 5);
  const list = async (dateRange) =>
    names((await memory.listMessages({ threadId: t.id("thread"), filter: { dateRange } })).messages);

  assert.deepEqual(await list({ start: minute(1), end: minute(3) }), ["m1", "m2", "m3"]);
  assert.deepEqual(await list({ start: minute(1), startExclusive: true, end: minute(3) }), ["m2", "m3"]);
  assert.deepEqual(await list({ start: minute(1), end: minute(3), endExclusive: true }), ["m1", "m2"]);
  assert.deepEqual(await list({ start: minute(3).toISOString() }), ["m3", "m4"]);
  assert.deepEqual(await list({ end: minute(0) }), ["m0"]);
});

test("a date range counts milliseconds", async ({ memory, t }) => {
  const at = (milliseconds) => new Date(minute(1).getTime() + milliseconds);
  await memory.saveMessages({ messages: range(3).map((ms) => message(t, `m${ms}`, 0, { createdAt: at(ms) })) });

  const { messages, total } = await memory.listMessages({
    threadId: t.id("thread"),
    filter: { dateRange: { start: at(1), end: at(1) } },
  });

  assert.deepEqual(names(messages), ["m1"]);
  assert.equal(total, 1);
});

test("listMessages filters by scalars in the metadata of the content", async ({ memory, t }) => {
  const save = (name, number, metadata) => message(t, name, number, { content: withMetadata(name, metadata) });
  await memory.saveMessages({
    messages: [
      save("both", 1, { label: "x", count: 1 }),
      save("one", 2, { label: "x", count: "1" }),
      save("null", 3, { label: null }),
      message(t, "none", 4),
    ],
  });
  const list = async (metadata) =>
    names((await memory.listMessages({ threadId: t.id("thread"), filter: { metadata } })).messages);

  assert.deepEqual(await list({ label: "x" }), ["both", "one"]);
  assert.deepEqual(await list({ label: "x", count: 1 }), ["both"]);
  assert.deepEqual(await list({ label: null }), ["null"]);
  assert.deepEqual(await list({}), ["both", "one", "null", "none"]);
});

test("a metadata filter is applied before the page is cut", async ({ memory, t }) => {
  const label = (number) => (number % 2 === 0 ? "even" : "odd");
  await memory.saveMessages({
    messages: range(6).map((number) =>
      message(t, `m${number}`, number, { content: withMetadata("m", { label: label(number) }) }),
    ),
  });
  const list = (page) =>
    memory.listMessages({ threadId: t.id("thread"), filter: { metadata: { label: "odd" } }, page, perPage: 2 });

  const first = await list(0);
  const second = await list(1);

  assert.deepEqual([names(first.messages), first.total, first.hasMore], [["m1", "m3"], 3, true]);
  assert.deepEqual([names(second.messages), second.total, second.hasMore], [["m5"], 3, false]);
});

test("a metadata filter refuses what is no scalar", async ({ memory, t }) => {
  const list = (metadata) => memory.listMessages({ threadId: t.id("thread"), filter: { metadata } });

  await assert.rejects(list("x"), { name: "TypeError", message: /Metadata filter must be an object/ });
  await assert.rejects(list({ label: [1] }), { name: "TypeError", message: /value/ });
  await assert.rejects(list({ label: Infinity }), { name: "TypeError", message: /value/ });
  await assert.rejects(list({ "a-b": 1 }), { name: "TypeError", message: /Invalid metadata filter key/ });
});

test("include brings a message with its neighbours", async ({ memory, t }) => {
  await saveMany(memory, t, 6);
  const list = (include) => memory.listMessages({ threadId: t.id("thread"), perPage: 0, include });

  const page = await list([{ id: t.id("m3"), withPreviousMessages: 2, withNextMessages: 1 }]);

  assert.deepEqual(names(page.messages), ["m1", "m2", "m3", "m4"]);
  assert.deepEqual([page.total, page.perPage, page.hasMore], [0, 0, false]);
  assert.deepEqual(names((await list([{ id: t.id("m3") }])).messages), ["m3"]);
});

test("the neighbours of an included message stop at both ends of its thread", async ({ memory, t }) => {
  await saveMany(memory, t, 3);
  const include = (name) => [{ id: t.id(name), withPreviousMessages: 9, withNextMessages: 9 }];

  for (const name of ["m0", "m2"]) {
    const { messages } = await memory.listMessages({ threadId: t.id("thread"), perPage: 0, include: include(name) });
    assert.deepEqual(names(messages), ["m0", "m1", "m2"]);
  }
});

test("include finds a message in another thread", async ({ memory, t }) => {
  await saveMany(memory, t, 2);
  await saveMany(memory, t, 5, "other", { threadId: t.id("elsewhere") });

  const { messages, total } = await memory.listMessages({
    threadId: t.id("thread"),
    include: [{ id: t.id("other3"), withPreviousMessages: 1, withNextMessages: 1 }],
  });

  assert.deepEqual(names(messages), ["m0", "m1", "other2", "other3", "other4"]);
  assert.equal(total, 2);
});

test("include ignores unknown ids and gives nothing twice", async ({ memory, t }) => {
  await saveMany(memory, t, 4);

  const { messages } = await memory.listMessages({
    threadId: t.id("thread"),
    perPage: 2,
    include: [
      { id: t.id("m1"), withNextMessages: 1 },
      { id: t.id("missing"), withNextMessages: 3 },
      { id: t.id("m2"), withPreviousMessages: 2 },
    ],
  });

  assert.deepEqual(names(messages), ["m0", "m1", "m2"]);
});

test("include follows the order that was asked for", async ({ memory, t }) => {
  await saveMany(memory, t, 5);

  const { messages } = await memory.listMessages({
    threadId: t.id("thread"),
    perPage: 1,
    orderBy: { field: "createdAt", direction: "DESC" },
    include: [{ id: t.id("m1"), withPreviousMessages: 1 }],
  });

  assert.deepEqual(names(messages), ["m4", "m1", "m0"]);
});

test("context of an included message is not filtered", async ({ memory, t }) => {
  const labelled = (number) => (number === 2 ? { label: "x" } : {});
  await memory.saveMessages({
    messages: range(4).map((number) =>
      message(t, `m${number}`, number, { content: withMetadata("m", labelled(number)) }),
    ),
  });

  const page = await memory.listMessages({
    threadId: t.id("thread"),
    filter: { metadata: { label: "x" } },
    include: [{ id: t.id("m2"), withPreviousMessages: 1 }],
  });

  assert.deepEqual(names(page.messages), ["m1", "m2"]);
  assert.deepEqual([page.total, page.hasMore], [1, false]);
});

// hasMore then counts the returned messages of the one thread; with a list of threads it compares text with list.
test("with include hasMore says whether messages of the thread are missing", async ({ memory, t }) => {
  await saveMany(memory, t, 3);
  const include = [{ id: t.id("m2") }];
  const list = (threadId, perPage) => memory.listMessages({ threadId, perPage, include });

  assert.equal((await list(t.id("thread"), 1)).hasMore, true);
  assert.equal((await list(t.id("thread"), 2)).hasMore, false);
  assert.equal((await list([t.id("thread")], 3)).hasMore, true);
});

test("listMessagesByResourceId reads across threads", async ({ memory, t }) => {
  await memory.saveMessages({
    messages: [
      message(t, "b", 2, { threadId: t.id("one") }),
      message(t, "a", 1, { threadId: t.id("two") }),
      message(t, "other", 3, { resourceId: t.id("somebody") }),
    ],
  });

  const page = await memory.listMessagesByResourceId({ resourceId: t.id("resource") });

  assert.deepEqual(names(page.messages), ["a", "b"]);
  assert.deepEqual([page.total, page.page, page.perPage, page.hasMore], [2, 0, 40, false]);
});

test("listMessagesByResourceId pages and filters", async ({ memory, t }) => {
  await memory.saveMessages({
    messages: range(7).map((number) =>
      message(t, `m${number}`, number, { content: withMetadata("m", { odd: number % 2 === 1 }) }),
    ),
  });
  const list = (args) => memory.listMessagesByResourceId({ resourceId: t.id("resource"), ...args });
  const last = await list({ page: 2, perPage: 3 });

  assert.deepEqual([names(last.messages), last.total, last.hasMore], [["m6"], 7, false]);
  assert.equal((await list({ page: 1, perPage: 3 })).hasMore, true);
  const filter = { metadata: { odd: true }, dateRange: { start: minute(2) } };
  assert.deepEqual(names((await list({ filter })).messages), ["m3", "m5"]);
});

test("listMessagesByResourceId picks the newest page but gives it oldest first", async ({ memory, t }) => {
  await saveMany(memory, t, 5);

  const { messages } = await memory.listMessagesByResourceId({
    resourceId: t.id("resource"),
    perPage: 2,
    orderBy: { field: "createdAt", direction: "DESC" },
  });

  assert.deepEqual(names(messages), ["m3", "m4"]);
});

test("listMessagesByResourceId with perPage 0 or false", async ({ memory, t }) => {
  await saveMany(memory, t, 41);
  const list = (perPage) => memory.listMessagesByResourceId({ resourceId: t.id("resource"), perPage });

  const none = await list(0);
  const all = await list(false);

  assert.deepEqual([none.messages.length, none.total, none.hasMore], [0, 41, true]);
  assert.deepEqual([all.messages.length, all.perPage, all.hasMore], [41, false, false]);
});

test("listMessagesByResourceId refuses pages that cannot be", async ({ memory, t }) => {
  const id = "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_BY_RESOURCE_ID_INVALID_PAGE";
  const list = (args) => memory.listMessagesByResourceId({ resourceId: t.id("resource"), ...args });

  await assert.rejects(list({ page: -1 }), { id, message: /page must be >= 0/ });
  await assert.rejects(list({ page: 1, perPage: false }), { id, message: /page value too large/ });
});

// Ids travel ten to a request, which is all the function takes.
test("listMessagesById loads more than ten messages", async ({ memory, t }) => {
  await saveMany(memory, t, 25);
  const ids = range(25).map((number) => t.id(`m${24 - number}`));

  const { messages } = await memory.listMessagesById({ messageIds: [...ids, t.id("m0"), t.id("missing")] });

  assert.deepEqual(
    names(messages),
    range(25).map((number) => `m${number}`),
  );
});

test("listMessagesById of nothing is nothing", async ({ memory }) => {
  assert.deepEqual(await memory.listMessagesById({ messageIds: [] }), { messages: [] });
});

test("loadMany refuses eleven ids", async ({ t }) => {
  const request = (count) => ({
    op: "loadMany",
    tableName: "mastra_messages",
    ids: range(count).map((number) => t.id(`${number}`)),
  });

  assert.deepEqual((await t.storage(request(10))).value, { ok: true, result: [] });
  const { status, errorMessage } = await t.storage(request(11));
  assert.equal(status, "error");
  assert.match(errorMessage, /loadMany supports at most 10 ids per request/);
});

// The whole loaded row goes back, system fields included, so a patch must accept them when they are unchanged.
test("updateMessages merges content and its metadata", async ({ memory, t }) => {
  const content = { ...withMetadata("a", { kept: 1, replaced: 1 }), content: "old" };
  await memory.saveMessages({ messages: [message(t, "a", 1, { content })] });

  const updated = await memory.updateMessages({
    messages: [{ id: t.id("a"), content: { content: "new", metadata: { replaced: 2, added: 3 } } }],
  });

  const expected = { ...content, content: "new", metadata: { kept: 1, replaced: 2, added: 3 } };
  assert.deepEqual(updated[0].content, expected);
  const { messages } = await memory.listMessages({ threadId: t.id("thread") });
  assert.deepEqual(messages, [{ ...message(t, "a", 1), content: expected }]);
});

test("updateMessages replaces role, type, thread and resource", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1)] });
  const changed = { role: "assistant", type: "text", threadId: t.id("other"), resourceId: t.id("somebody") };

  await memory.updateMessages({ messages: [{ id: t.id("a"), ...changed }] });

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).total, 0);
  const { messages } = await memory.listMessages({ threadId: t.id("other") });
  assert.deepEqual(messages, [message(t, "a", 1, changed)]);
});

test("updateMessages answers in request order and skips unknown ids", async ({ memory, t }) => {
  await saveMany(memory, t, 15);
  const wanted = ["m14", "m2", "missing", "m7"];

  const updated = await memory.updateMessages({
    messages: wanted.map((name) => ({ id: t.id(name), role: "assistant" })),
  });

  assert.deepEqual(names(updated), ["m14", "m2", "m7"]);
  assert.deepEqual(await memory.updateMessages({ messages: [] }), []);
});

test("updateMessages moves updatedAt of the old and the new thread", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1)] });
  await saveThread(memory, t);
  await saveThread(memory, t, "other");

  await memory.updateMessages({ messages: [{ id: t.id("a"), threadId: t.id("other") }] });

  for (const name of ["thread", "other"]) {
    assert.ok((await memory.getThreadById({ threadId: t.id(name) })).updatedAt > minute(0));
  }
});

test("deleteMessages deletes fifty at once and leaves the others", async ({ memory, t }) => {
  await saveMany(memory, t, 60);

  await memory.deleteMessages([...range(50).map((number) => t.id(`m${number}`)), t.id("missing"), t.id("m0")]);

  const { messages } = await memory.listMessages({ threadId: t.id("thread") });
  assert.deepEqual(
    names(messages),
    range(10).map((number) => `m${number + 50}`),
  );
});

test("deleteMessages deletes 300 at once", async ({ memory, t }) => {
  await saveMany(memory, t, 301);

  await memory.deleteMessages(range(300).map((number) => t.id(`m${number}`)));

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).total, 1);
});

test("deleteMessages leaves the thread untouched and takes an empty list", async ({ memory, t }) => {
  await memory.saveMessages({ messages: [message(t, "a", 1)] });
  await saveThread(memory, t);

  await memory.deleteMessages([t.id("a")]);
  await memory.deleteMessages([]);

  assert.deepEqual((await memory.getThreadById({ threadId: t.id("thread") })).updatedAt, minute(0));
});

// A typed table fails the whole mutation, and with it every record of the batch, also those of earlier batches of 25.
test("a message that the schema refuses undoes the whole save", async ({ memory, t }) => {
  const messages = range(60).map((number) =>
    message(t, `m${number}`, number, number === 40 ? { role: undefined } : {}),
  );

  await assert.rejects(memory.saveMessages({ messages }), /required field `role`/);

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).total, 0);
});

// One transaction: the message that fits must not stay when the one that does not is refused.
test("a message of more than one MiB undoes the whole save", { emulatorOnly: true }, async ({ memory, t }) => {
  const large = message(t, "large", 2, { content: withMetadata("x".repeat(1 << 20), {}) });

  await assert.rejects(memory.saveMessages({ messages: [message(t, "small", 1), large] }), /Value is too large/);

  assert.equal((await memory.listMessages({ threadId: t.id("thread") })).total, 0);
});

await run(import.meta);

// ConvexStore, memory domain: observational memory.

import { assert, minute, range, run, test } from "./harness.mjs";

const config = { observation: { model: "m", threshold: 1000 }, list: [1, 2] };

const initialize = (memory, t, fields = {}) =>
  memory.initializeObservationalMemory({
    threadId: t.id("thread"),
    resourceId: t.id("resource"),
    scope: "thread",
    config,
    ...fields,
  });

const current = (memory, t) => memory.getObservationalMemory(t.id("thread"), t.id("resource"));

/** A buffered chunk of 100 message tokens and 10 observation tokens. */
const chunk = (name, fields = {}) => ({
  cycleId: `cycle-${name}`,
  observations: `observed ${name}`,
  tokenCount: 10,
  messageIds: [`${name}1`, `${name}2`],
  messageTokens: 100,
  lastObservedAt: minute(1),
  ...fields,
});

const buffer = async (memory, id, ...chunks) => {
  for (const one of chunks) await memory.updateBufferedObservations({ id, chunk: one });
};

/** With a threshold of 1000 and 500 pending, a ratio of 1 keeps nothing and aims at all 500. */
const swap = (memory, id, fields = {}) =>
  memory.swapBufferedToActive({
    id,
    activationRatio: 1,
    messageTokensThreshold: 1000,
    currentPendingTokens: 500,
    ...fields,
  });

const generation = (memory, t, number, fields = {}) =>
  memory.insertObservationalMemoryRecord({
    id: t.id(`generation-${number}`),
    scope: "thread",
    threadId: t.id("thread"),
    resourceId: t.id("resource"),
    createdAt: minute(number),
    updatedAt: minute(number),
    originType: number === 0 ? "initial" : "reflection",
    generationCount: number,
    activeObservations: `generation ${number}`,
    totalTokensObserved: 0,
    observationTokenCount: 0,
    pendingMessageTokens: 0,
    isReflecting: false,
    isObserving: false,
    isBufferingObservation: false,
    isBufferingReflection: false,
    lastBufferedAtTokens: 0,
    lastBufferedAtTime: null,
    config: {},
    ...fields,
  });

test("the store supports observational memory", async ({ memory }) => {
  assert.equal(memory.supportsObservationalMemory, true);
});

test("a new record is empty", async ({ memory, t }) => {
  const created = await initialize(memory, t, { observedTimezone: "Europe/Berlin" });

  const loaded = await current(memory, t);
  const { lastObservedAt, ...fields } = created;
  assert.equal(lastObservedAt, undefined);
  for (const [key, value] of Object.entries(fields)) assert.deepEqual(loaded[key], value, key);
  assert.deepEqual(
    [loaded.generationCount, loaded.originType, loaded.activeObservations, loaded.pendingMessageTokens],
    [0, "initial", "", 0],
  );
  assert.deepEqual([loaded.lastObservedAt, loaded.lastBufferedAtTime], [undefined, null]);
});

test("there is no record before the first", async ({ memory, t }) => {
  assert.equal(await current(memory, t), null);
});

test("a resource has its own record beside those of its threads", async ({ memory, t }) => {
  const own = await initialize(memory, t);
  const shared = await initialize(memory, t, { threadId: null, scope: "resource" });

  assert.equal((await current(memory, t)).id, own.id);
  const loaded = await memory.getObservationalMemory(null, t.id("resource"));
  assert.deepEqual([loaded.id, loaded.threadId, loaded.scope], [shared.id, null, "resource"]);
});

test("an inserted record comes back field by field", async ({ memory, t }) => {
  const record = {
    lastObservedAt: minute(3),
    lastBufferedAtTime: minute(4),
    lastBufferedAtTokens: 5,
    totalTokensObserved: 6,
    observationTokenCount: 7,
    pendingMessageTokens: 8,
    isReflecting: true,
    isBufferingObservation: true,
    bufferedReflection: "reflected",
    bufferedReflectionTokens: 9,
    bufferedReflectionInputTokens: 10,
    reflectedObservationLineCount: 11,
    observedMessageIds: ["m1", "m2"],
    observedTimezone: "UTC",
    metadata: { $label: "JSON text may hold any key" },
    bufferedObservationChunks: [{ id: "c", ...chunk("a"), createdAt: minute(2) }],
  };
  await generation(memory, t, 0, record);

  const loaded = await current(memory, t);

  for (const [key, value] of Object.entries(record)) assert.deepEqual(loaded[key], value, key);
});

test("the record with the highest generation is the current one", async ({ memory, t }) => {
  for (const number of [1, 10, 9]) await generation(memory, t, number);

  assert.equal((await current(memory, t)).generationCount, 10);
});

test("the history puts the newest generation first and gives ten unless told otherwise", async ({ memory, t }) => {
  for (const number of range(12)) await generation(memory, t, number);
  const history = async (...rest) => {
    const records = await memory.getObservationalMemoryHistory(t.id("thread"), t.id("resource"), ...rest);
    return records.map((record) => record.generationCount);
  };

  assert.deepEqual(await history(), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
  assert.deepEqual(await history(2), [11, 10]);
  assert.deepEqual(await history(2, { offset: 2 }), [9, 8]);
  assert.deepEqual(await history(99, { offset: 10 }), [1, 0]);
});

test("the history filters by creation before it counts", async ({ memory, t }) => {
  for (const number of range(5)) await generation(memory, t, number);
  await generation(memory, t, 7, { threadId: t.id("other") });
  const history = async (limit, options) => {
    const records = await memory.getObservationalMemoryHistory(t.id("thread"), t.id("resource"), limit, options);
    return records.map((record) => record.generationCount);
  };

  assert.deepEqual(await history(10, { from: minute(1), to: minute(3) }), [3, 2, 1]);
  assert.deepEqual(await history(1, { from: minute(1), to: minute(3), offset: 1 }), [2]);
  assert.deepEqual(await history(10, { from: minute(4) }), [4]);
});

test("updateActiveObservations replaces the text and counts the tokens", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await memory.setPendingMessageTokens(id, 50);
  const update = (observations, tokenCount, observedMessageIds) =>
    memory.updateActiveObservations({ id, observations, tokenCount, lastObservedAt: minute(5), observedMessageIds });

  await update("first", 30, ["m1"]);
  const first = await current(memory, t);
  await update("second", 12);
  const second = await current(memory, t);

  assert.deepEqual(
    [first.activeObservations, first.observedMessageIds, first.pendingMessageTokens],
    ["first", ["m1"], 0],
  );
  assert.deepEqual([first.observationTokenCount, first.totalTokensObserved, first.lastObservedAt], [30, 30, minute(5)]);
  assert.deepEqual([second.activeObservations, second.observedMessageIds], ["second", undefined]);
  assert.deepEqual([second.observationTokenCount, second.totalTokensObserved], [12, 42]);
});

test("updateActiveObservations counts a bad token count as zero", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);

  for (const tokenCount of [-1, NaN]) {
    await memory.updateActiveObservations({ id, observations: "x", tokenCount, lastObservedAt: minute(5) });
  }

  const loaded = await current(memory, t);
  assert.deepEqual([loaded.observationTokenCount, loaded.totalTokensObserved], [0, 0]);
});

test("the flags are set one by one", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  const flags = async () => {
    const loaded = await current(memory, t);
    return [loaded.isReflecting, loaded.isObserving, loaded.isBufferingObservation, loaded.isBufferingReflection];
  };

  await memory.setReflectingFlag(id, true);
  assert.deepEqual(await flags(), [true, false, false, false]);
  await memory.setObservingFlag(id, true);
  await memory.setBufferingObservationFlag(id, true, 123);
  await memory.setBufferingReflectionFlag(id, true);
  assert.deepEqual(await flags(), [true, true, true, true]);
  await memory.setReflectingFlag(id, false);
  await memory.setBufferingObservationFlag(id, false);
  assert.deepEqual(await flags(), [false, true, false, true]);
  assert.equal((await current(memory, t)).lastBufferedAtTokens, 123);
});

test("flags and chunks written at the same time are all kept", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);

  await Promise.all([
    memory.setReflectingFlag(id, true),
    memory.setObservingFlag(id, true),
    memory.setBufferingReflectionFlag(id, true),
    ...range(20).map((number) => buffer(memory, id, chunk(`${number}`))),
  ]);

  const loaded = await current(memory, t);
  assert.deepEqual([loaded.isReflecting, loaded.isObserving, loaded.isBufferingReflection], [true, true, true]);
  assert.equal(loaded.bufferedObservationChunks.length, 20);
});

test("setPendingMessageTokens overwrites and takes no bad number", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);

  await memory.setPendingMessageTokens(id, 7);
  await memory.setPendingMessageTokens(id, 0);
  await memory.setPendingMessageTokens(id, 12.5);

  assert.equal((await current(memory, t)).pendingMessageTokens, 12.5);
  for (const bad of [-1, NaN, Infinity]) {
    await assert.rejects(memory.setPendingMessageTokens(id, bad), /must be a finite non-negative number, got/);
  }
});

test("every write to a missing record says which one", async ({ memory, t }) => {
  const id = t.id("missing");
  const writes = [
    () => memory.setReflectingFlag(id, true),
    () => memory.setObservingFlag(id, true),
    () => memory.setBufferingObservationFlag(id, true, 1),
    () => memory.setBufferingReflectionFlag(id, true),
    () => memory.setPendingMessageTokens(id, 1),
    () => memory.updateActiveObservations({ id, observations: "", tokenCount: 1, lastObservedAt: minute(1) }),
    () => buffer(memory, id, chunk("a")),
    () => swap(memory, id),
    () =>
      memory.updateBufferedReflection({
        id,
        reflection: "",
        tokenCount: 1,
        inputTokenCount: 1,
        reflectedObservationLineCount: 1,
      }),
    () => memory.updateObservationalMemoryConfig({ id, config: {} }),
  ];

  for (const write of writes) await assert.rejects(write, /Observational memory record not found: .*missing/);
});

test("a buffered chunk gets an id and a time of creation", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);

  const lastBufferedAtTime = minute(9);
  const one = chunk("a", { threadTitle: "T", extractedValues: { name: "x" }, extractionFailures: ["y"] });
  await memory.updateBufferedObservations({ id, chunk: one, lastBufferedAtTime });
  await buffer(memory, id, chunk("b"));

  const loaded = await current(memory, t);
  const [first, second] = loaded.bufferedObservationChunks;
  assert.match(first.id, /^ombuf-/);
  assert.ok(first.createdAt > minute(0));
  const { id: _, createdAt, ...fields } = first;
  assert.deepEqual(fields, one);
  assert.equal(second.observations, "observed b");
  assert.deepEqual(loaded.lastBufferedAtTime, lastBufferedAtTime);
});

// The chunk itself travels as a Convex value; only the stored list is JSON text.
test("a dollar key in the extracted values of a chunk is refused", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);

  await assert.rejects(buffer(memory, id, chunk("a", { extractedValues: { $ref: 1 } })), /\$ref starts with/);

  assert.equal((await current(memory, t)).bufferedObservationChunks, undefined);
});

test("a swap without chunks does nothing, even with fresh weights", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  const nothing = {
    chunksActivated: 0,
    messageTokensActivated: 0,
    observationTokensActivated: 0,
    messagesActivated: 0,
    activatedCycleIds: [],
    activatedMessageIds: [],
  };

  assert.deepEqual(await swap(memory, id), nothing);
  assert.deepEqual(await swap(memory, id, { bufferedChunks: [chunk("a", { createdAt: minute(1) })] }), nothing);
  await buffer(memory, id, chunk("a"));
  assert.deepEqual(await swap(memory, id, { bufferedChunks: [] }), nothing);

  const loaded = await current(memory, t);
  assert.deepEqual([loaded.activeObservations, loaded.bufferedObservationChunks.length], ["", 1]);
});

test("a swap activates all chunks and says what it did", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await memory.setPendingMessageTokens(id, 500);
  const hints = { suggestedContinuation: "go on", currentTask: "task" };
  await buffer(
    memory,
    id,
    chunk("a", { suggestedContinuation: "old" }),
    chunk("b", { ...hints, lastObservedAt: minute(8), messageIds: ["b1"] }),
  );

  const result = await swap(memory, id);

  assert.deepEqual(result, {
    chunksActivated: 2,
    messageTokensActivated: 200,
    observationTokensActivated: 20,
    messagesActivated: 3,
    activatedCycleIds: ["cycle-a", "cycle-b"],
    activatedMessageIds: ["a1", "a2", "b1"],
    observations: "observed a\n\nobserved b",
    perChunk: [
      { cycleId: "cycle-a", messageTokens: 100, observationTokens: 10, messageCount: 2, observations: "observed a" },
      { cycleId: "cycle-b", messageTokens: 100, observationTokens: 10, messageCount: 1, observations: "observed b" },
    ],
    ...hints,
  });
  const loaded = await current(memory, t);
  assert.equal(loaded.activeObservations, "observed a\n\nobserved b");
  assert.deepEqual([loaded.observationTokenCount, loaded.pendingMessageTokens], [20, 300]);
  assert.deepEqual([loaded.bufferedObservationChunks, loaded.lastObservedAt], [undefined, minute(8)]);
  assert.equal(loaded.totalTokensObserved, 0);
});

test("a swap without hints leaves them out of its result", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await buffer(memory, id, chunk("a"));

  const result = await swap(memory, id);

  assert.ok(!("suggestedContinuation" in result) && !("currentTask" in result));
});

test("a second swap appends below a dated message boundary", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await buffer(memory, id, chunk("a"));
  await swap(memory, id);
  await buffer(memory, id, chunk("b"));

  await swap(memory, id, { lastObservedAt: minute(30) });

  const expected = "observed a\n\n--- message boundary (2020-01-15T00:30:00.000Z) ---\n\nobserved b";
  assert.equal((await current(memory, t)).activeObservations, expected);
  assert.deepEqual((await current(memory, t)).lastObservedAt, minute(30));
});

// The floor is threshold x (1 - ratio), the target is pending - floor: the boundary nearest to the target is taken, the
// one above it first, unless it goes too far past the target or leaves less than the floor (at most 1000).
test("the activation ratio decides how many chunks a swap takes", async ({ memory, t }) => {
  const five = [100, 100, 100, 100, 100];
  const expected = [
    // floor 0, target 500: exactly all
    [five, { activationRatio: 1, messageTokensThreshold: 500, currentPendingTokens: 500 }, 5],
    // floor 100 and target 400, but for the rounding of 1 - 0.8: 400 is just below the target
    [five, { activationRatio: 0.8, messageTokensThreshold: 500, currentPendingTokens: 500 }, 4],
    // floor 250, target 250: 300 would leave 200, so 200
    [five, { activationRatio: 0.5, messageTokensThreshold: 500, currentPendingTokens: 500 }, 2],
    // floor 500, target 0: 100 leaves too little, but there is nothing below
    [five, { activationRatio: 0, messageTokensThreshold: 500, currentPendingTokens: 500 }, 1],
    // floor 10, target 450: 500 overshoots, so 400
    [five, { activationRatio: 0.9, messageTokensThreshold: 100, currentPendingTokens: 460 }, 4],
    // floor 50, target 4950: nothing reaches it
    [five, { activationRatio: 0.5, messageTokensThreshold: 100, currentPendingTokens: 5000 }, 5],
    // floor 50,000, target 50,000: 98,500 overshoots by 48,500, more than 0.95 of the floor
    [[10_000, 88_500], { activationRatio: 0.5, messageTokensThreshold: 100_000, currentPendingTokens: 100_000 }, 1],
    // without any weight, the first
    [[0, 0], { activationRatio: 1, messageTokensThreshold: 500, currentPendingTokens: 500 }, 1],
  ];

  for (const [index, [weights, fields, count]] of expected.entries()) {
    const threadId = t.id(`thread-${index}`);
    const { id } = await initialize(memory, t, { threadId });
    await buffer(memory, id, ...weights.map((messageTokens, name) => chunk(`${name}`, { messageTokens })));

    const result = await swap(memory, id, fields);

    assert.equal(result.chunksActivated, count, JSON.stringify(fields));
    const left = (await memory.getObservationalMemory(threadId, "")).bufferedObservationChunks ?? [];
    assert.equal(left.length, weights.length - count);
  }
});

test("a forced swap may overshoot as long as a thousand tokens remain", async ({ memory, t }) => {
  const fields = { activationRatio: 0.5, messageTokensThreshold: 100_000, forceMaxActivation: true };
  const activated = async (name, currentPendingTokens) => {
    const { id } = await initialize(memory, t, { threadId: t.id(name) });
    await buffer(memory, id, chunk("a", { messageTokens: 10_000 }), chunk("b", { messageTokens: 88_500 }));
    return (await swap(memory, id, { ...fields, currentPendingTokens })).chunksActivated;
  };

  assert.equal(await activated("enough", 99_500), 2);
  assert.equal(await activated("too-few", 99_499), 1);
});

test("fresh weights replace the stored ones", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await buffer(memory, id, chunk("a"), chunk("b"));
  const weighed = [chunk("x", { messageTokens: 500, createdAt: minute(1) }), chunk("y", { createdAt: minute(1) })];

  const result = await swap(memory, id, { bufferedChunks: weighed });

  assert.deepEqual([result.chunksActivated, result.observations], [1, "observed x"]);
  const loaded = await current(memory, t);
  assert.deepEqual(
    loaded.bufferedObservationChunks.map((one) => one.observations),
    ["observed y"],
  );
});

test("a chunk without weight and cycle counts as nothing", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await buffer(memory, id, chunk("a", { messageTokens: undefined, cycleId: undefined }), chunk("b"));

  const result = await swap(memory, id, { currentPendingTokens: 100 });

  assert.deepEqual([result.chunksActivated, result.messageTokensActivated], [2, 100]);
  assert.deepEqual(result.activatedCycleIds, ["cycle-b"]);
  assert.deepEqual([result.perChunk[0].cycleId, result.perChunk[0].messageTokens], ["", 0]);
});

test("createReflectionGeneration adds a generation and keeps the old", async ({ memory, t }) => {
  const first = await initialize(memory, t, { observedTimezone: "UTC" });
  await memory.updateActiveObservations({ id: first.id, observations: "x", tokenCount: 30, lastObservedAt: minute(5) });
  await memory.setReflectingFlag(first.id, true);

  const created = await memory.createReflectionGeneration({
    currentRecord: await current(memory, t),
    reflection: "reflected",
    tokenCount: 12,
  });

  const loaded = await current(memory, t);
  assert.equal(loaded.id, created.id);
  assert.deepEqual(
    [loaded.generationCount, loaded.originType, loaded.activeObservations],
    [1, "reflection", "reflected"],
  );
  assert.deepEqual([loaded.observationTokenCount, loaded.totalTokensObserved, loaded.isReflecting], [12, 30, false]);
  assert.deepEqual([loaded.config, loaded.observedTimezone, loaded.lastObservedAt], [config, "UTC", minute(5)]);
  const history = await memory.getObservationalMemoryHistory(t.id("thread"), t.id("resource"));
  assert.deepEqual(
    history.map((record) => record.id),
    [created.id, first.id],
  );
  assert.equal(history[1].isReflecting, true);
});

test("updateBufferedReflection appends and adds up", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  const update = (reflection, number) =>
    memory.updateBufferedReflection({
      id,
      reflection,
      tokenCount: number,
      inputTokenCount: number * 2,
      reflectedObservationLineCount: number * 3,
    });

  await update("one", 1);
  await update("two", 2);

  const loaded = await current(memory, t);
  assert.equal(loaded.bufferedReflection, "one\n\ntwo");
  assert.deepEqual([loaded.bufferedReflectionTokens, loaded.bufferedReflectionInputTokens], [3, 6]);
  assert.equal(loaded.reflectedObservationLineCount, 6);
});

test("swapBufferedReflectionToActive keeps the lines that were not reflected on", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await memory.updateActiveObservations({
    id,
    observations: "line 1\nline 2\n\nline 4",
    tokenCount: 30,
    lastObservedAt: minute(5),
  });
  await memory.updateBufferedReflection({
    id,
    reflection: "reflected",
    tokenCount: 5,
    inputTokenCount: 20,
    reflectedObservationLineCount: 2,
  });

  const created = await memory.swapBufferedReflectionToActive({
    currentRecord: await current(memory, t),
    tokenCount: 9,
  });

  assert.equal(created.activeObservations, "reflected\n\nline 4");
  assert.deepEqual([created.generationCount, created.originType, created.observationTokenCount], [1, "reflection", 9]);
  assert.deepEqual([created.totalTokensObserved, created.lastObservedAt, created.config], [30, minute(5), config]);
  const [newest, old] = await memory.getObservationalMemoryHistory(t.id("thread"), t.id("resource"));
  assert.deepEqual(newest, created);
  assert.deepEqual([old.bufferedReflection, old.bufferedReflectionTokens], [undefined, undefined]);
  assert.deepEqual([old.bufferedReflectionInputTokens, old.reflectedObservationLineCount], [undefined, undefined]);
});

test("swapBufferedReflectionToActive needs a buffered reflection", async ({ memory, t }) => {
  const currentRecord = await initialize(memory, t);

  await assert.rejects(
    memory.swapBufferedReflectionToActive({ currentRecord, tokenCount: 9 }),
    /No buffered reflection to swap/,
  );

  assert.equal((await memory.getObservationalMemoryHistory(t.id("thread"), t.id("resource"))).length, 1);
});

test("a config update merges objects deeply and replaces the rest", async ({ memory, t }) => {
  const { id } = await initialize(memory, t);

  await memory.updateObservationalMemoryConfig({
    id,
    config: { observation: { threshold: null, $new: true }, list: [3] },
  });

  assert.deepEqual((await current(memory, t)).config, {
    observation: { model: "m", threshold: null, $new: true },
    list: [3],
  });
});

test("clearObservationalMemory removes every generation of its key only", async ({ memory, t }) => {
  for (const number of range(30)) await generation(memory, t, number);
  await generation(memory, t, 99, { threadId: t.id("other") });

  await memory.clearObservationalMemory(t.id("thread"), t.id("resource"));
  await memory.clearObservationalMemory(t.id("nothing"), t.id("resource"));

  assert.equal(await current(memory, t), null);
  assert.equal((await memory.getObservationalMemory(t.id("other"), "")).generationCount, 99);
});

test("chunks of more than one MiB in one record are refused", { emulatorOnly: true }, async ({ memory, t }) => {
  const { id } = await initialize(memory, t);
  await buffer(memory, id, chunk("a", { observations: "x".repeat(600_000) }));

  await assert.rejects(
    buffer(memory, id, chunk("b", { observations: "x".repeat(600_000) })),
    /Value is too large \(1\.1\d MiB > maximum size 1 MiB\)/,
  );

  assert.equal((await current(memory, t)).bufferedObservationChunks.length, 1);
});

await run(import.meta);

/**
 * The peer: the same work on convex-test in Node.  Reads one JSON request per line, answers the median in microseconds.
 */
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const project = process.argv[2];
const load = (path) => import(pathToFileURL(join(project, path)));
const { convexTest } = await load("node_modules/convex-test/dist/index.js");
const { makeFunctionReference, defineSchema, defineTable } = await load("node_modules/convex/dist/esm/server/index.js");
const { v } = await load("node_modules/convex/dist/esm/values/index.js");
const { default: mastraSchema } = await load("schema.ts");
const storage = await load("mastra/storage.ts");

const modules = { "./_generated/api.js": async () => ({}), "./mastra/storage.ts": async () => storage };
const handle = makeFunctionReference("mastra/storage:handle");

const record = (n) => ({
  id: `m${n}`, thread_id: `t${n % 100}`, content: '{"format":2,"parts":[{"type":"text","text":"hello there"}]}',
  role: "user", type: "v2", createdAt: "2026-01-01T00:00:00.000Z", resourceId: "r1",
});
const seed = (t, rows, table = "mastra_messages", make = record) =>
  t.run(async (ctx) => { for (let n = 0; n < rows; n++) await ctx.db.insert(table, make(n)); });

async function median(runs, work) {
  const times = [];
  for (let run = 0; run < runs; run++) {
    const start = process.hrtime.bigint();
    await work(run);
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)];
}
const inRun = (t, runs, work) => t.run((ctx) => median(runs, (run) => work(ctx, run)));
const messages = async (rows) => { const t = convexTest({ schema: mastraSchema, modules }); await seed(t, rows); return t; };
const byId = (ctx, id) => ctx.db.query("mastra_messages").withIndex("by_record_id", (q) => q.eq("id", id)).unique();
const vector = (dimensions, n) => Array.from({ length: dimensions }, (_, i) => Math.sin(n * 31 + i));
const vectorSchema = (dimensions) => defineSchema({
  docs: defineTable({ embedding: v.array(v.float64()), label: v.string() })
    .vectorIndex("by_embedding", { vectorField: "embedding", dimensions, filterFields: ["label"] }),
});

const WORK = {
  fresh: ({ runs }) => median(runs, () => convexTest({ schema: mastraSchema, modules })),
  lookup: async ({ rows, runs }) => inRun(await messages(rows), runs, (ctx) => byId(ctx, "m77")),
  small_beside_large: async ({ rows, runs }) => {
    const t = await messages(rows);
    await t.run((ctx) => ctx.db.insert("mastra_resources", { id: "r1", createdAt: "x", updatedAt: "x" }));
    return inRun(t, runs, (ctx) =>
      ctx.db.query("mastra_resources").withIndex("by_record_id", (q) => q.eq("id", "r1")).unique());
  },
  collect: async ({ rows, runs }) => inRun(await messages(rows), runs, (ctx) =>
    ctx.db.query("mastra_messages").withIndex("by_thread", (q) => q.eq("thread_id", "t7")).take(100)),
  insert: async ({ rows, runs }) =>
    inRun(await messages(rows), runs, (ctx, run) => ctx.db.insert("mastra_messages", record(rows + run))),
  patch: async ({ rows, runs }) => {
    const t = await messages(rows);
    const { _id } = await t.run((ctx) => byId(ctx, "m7"));
    return inRun(t, runs, (ctx, run) => ctx.db.patch(_id, { content: `${run}` }));
  },
  empty_query: ({ runs }) => { const t = convexTest({ schema: mastraSchema, modules }); return median(runs, () => t.query(async () => null)); },
  batch_insert: async ({ rows, runs }) => {
    const t = await messages(rows);
    return median(runs, (run) => t.mutation(handle, {
      op: "batchInsert", tableName: "mastra_messages",
      records: Array.from({ length: 100 }, (_, n) => record(1_000_000 + run * 100 + n)),
    }));
  },
  vector_search: async ({ rows, dimensions, runs, label }) => {
    const t = convexTest({ schema: vectorSchema(dimensions), modules });
    await seed(t, rows, "docs", (n) => ({ embedding: vector(dimensions, n), label: `${n % 10}` }));
    const filter = label === undefined ? {} : { filter: (q) => q.eq("label", label) };
    return t.action((ctx) => median(runs, () =>
      ctx.vectorSearch("docs", "by_embedding", { vector: vector(dimensions, 5), limit: 10, ...filter })));
  },
  vector_insert: async ({ dimensions, runs }) => {
    const t = convexTest({ schema: vectorSchema(dimensions), modules });
    return inRun(t, runs, (ctx, run) => ctx.db.insert("docs", { embedding: vector(dimensions, run), label: "x" }));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { work, ...options } = JSON.parse(line);
  console.log(JSON.stringify(await WORK[work](options)));
}

import { ConvexError, v } from "convex/values";

import { api, internal } from "./_generated/api";
import { action, internalAction, internalMutation, internalQuery, mutation, query } from "./_generated/server";

export class Rejected extends ConvexError<{ reason: string }> {
  name = "Rejected";
}

// Internal functions

export const count = internalQuery({ args: {}, handler: async ({ db }) => (await db.query("events").collect()).length });
export const record = internalMutation({
  args: { what: v.string() },
  handler: async ({ db }, { what }) => {
    if (what === "forbidden") throw new ConvexError({ code: 403, what });
    return await db.insert("events", { what });
  },
});
export const twice = internalAction({ args: { n: v.number() }, handler: async (_, { n }) => n * 2 });

// Calls

export const countBesides = query(async (ctx) => [await ctx.runQuery(internal.calls.count), await ctx.runQuery(internal.calls.count)]);
export const recordAndCount = mutation({
  args: { what: v.string() },
  handler: async (ctx, { what }) => {
    await ctx.db.insert("events", { what: "before" });
    try {
      await ctx.runMutation(internal.calls.record, { what });
    } catch (error) {
      if (!(error instanceof ConvexError)) throw error;
      return { failed: error.data, left: await ctx.runQuery(internal.calls.count) };
    }
    return { failed: null, left: await ctx.runQuery(internal.calls.count) };
  },
});
export const everyKind = action({
  args: { what: v.string() },
  handler: async (ctx, { what }): Promise<unknown> => {
    await ctx.runMutation(internal.calls.record, { what });
    const [events, doubled, ingredients] = await Promise.all([
      ctx.runQuery(internal.calls.count),
      ctx.runAction(internal.calls.twice, { n: 21 }),
      ctx.runQuery(api.shop.orders.list.default, {}),
    ]);
    return { events, doubled, ingredients };
  },
});
export const caughtInAction = action(async (ctx): Promise<unknown> => {
  try {
    await ctx.runMutation(internal.calls.record, { what: "forbidden" });
    return null;
  } catch (error) {
    return error instanceof ConvexError ? error.data : String(error);
  }
});

// Errors

export const reject = mutation(async (ctx, { how }: { how: string }) => {
  await ctx.db.insert("events", { what: "undone" });
  if (how === "text") throw new ConvexError("no");
  if (how === "object") throw new ConvexError({ code: 5, deep: [1n, null] });
  if (how === "subclass") throw new Rejected({ reason: "full" });
  throw new Error("plain");
});

// What is told of the call

export const about = query(async ({ meta }) => {
  const { name, type, visibility } = await meta.getFunctionMetadata();
  const { documentsRead } = await meta.getTransactionMetrics();
  return { name, type, visibility, documentsRead: documentsRead.used, class: (await meta.getDeploymentMetadata()).class };
});
export const whoAsks = query(async ({ auth }) => await auth.getUserIdentity());
export const whoActs = action(async (ctx): Promise<unknown> =>
  [(await ctx.auth.getUserIdentity())?.subject ?? null, (await ctx.runQuery(api.calls.whoAsks))?.subject ?? null]);
export const told = mutation(async () => {
  console.log("log", 1);
  console.info("info", { a: [1, "b"] });
  console.warn("warn", null);
  console.error("error", undefined);
  console.debug("debug", new Error("inside"));
});
export const timed = mutation(async () => {
  console.time("work");
  console.timeLog("work", "halfway");
  console.timeEnd("work");
});
export const variable = query(async () => process.env.KITCHEN ?? "none");

import { v } from "convex/values";

import { internal } from "./_generated/api";
import { action, internalAction, internalMutation, mutation, query } from "./_generated/server";

export const happen = internalMutation({
  args: { what: v.string() },
  handler: async ({ db }, { what }) => {
    await db.insert("events", { what });
  },
});
export const act = internalAction({
  args: { what: v.string() },
  handler: async (ctx, { what }) => {
    await ctx.runMutation(internal.scheduling.happen, { what: `acted: ${what}` });
  },
});
export const later = mutation({
  args: {},
  handler: async ({ scheduler }) => [
    await scheduler.runAfter(5_000, internal.scheduling.happen, { what: "after" }),
    await scheduler.runAt(Date.now() + 10_000, internal.scheduling.happen, { what: "at" }),
    await scheduler.runAt(new Date(Date.now() + 15_000), internal.scheduling.act, { what: "at a date" }),
    await scheduler.runAfter(0, internal.scheduling.act, { what: "now" }),
  ],
});
export const laterFromAction = action(async ({ scheduler }) =>
  await scheduler.runAfter(1_000, internal.scheduling.happen, { what: "from an action" }));
export const laterAndFail = mutation(async ({ scheduler }) => {
  await scheduler.runAfter(0, internal.scheduling.happen, { what: "never" });
  throw new Error("undone");
});
export const cancel = mutation({ args: { id: v.id("_scheduled_functions") }, handler: (ctx, { id }) => ctx.scheduler.cancel(id) });
export const states = query(async ({ db }) =>
  (await db.system.query("_scheduled_functions").collect()).map(({ name, state, args }) => [name, state.kind, args[0].what]));
export const state = query({
  args: { id: v.id("_scheduled_functions") },
  handler: async ({ db }, { id }) => (await db.system.get(id))?.state.kind ?? null,
});
export const events = query(async ({ db }) => (await db.query("events").collect()).map(({ what }) => what));

// What crons.ts runs

export const tick = internalMutation({
  args: { what: v.string() },
  handler: async ({ db }, { what }) => {
    await db.insert("ticks", { what });
  },
});
export const tickInAction = internalAction({
  args: { what: v.string() },
  handler: async (ctx, { what }) => {
    await ctx.runMutation(internal.scheduling.tick, { what: `${what}, in an action` });
  },
});
export const ticks = query(async ({ db }) => (await db.query("ticks").collect()).map(({ what }) => what));

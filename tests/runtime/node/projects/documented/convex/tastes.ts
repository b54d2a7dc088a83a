import { v } from "convex/values";

import { internal } from "./_generated/api";
import { action, internalQuery, mutation } from "./_generated/server";

export const add = mutation({
  args: { dish: v.string(), cuisine: v.string(), vector: v.array(v.float64()) },
  handler: ({ db }, taste) => db.insert("tastes", taste),
});
export const dishes = internalQuery({
  args: { ids: v.array(v.id("tastes")) },
  handler: async ({ db }, { ids }) => await Promise.all(ids.map(async (id) => (await db.get(id))!.dish)),
});
export const similar = action({
  args: { vector: v.array(v.float64()), cuisines: v.optional(v.array(v.string())), limit: v.optional(v.number()) },
  handler: async (ctx, { vector, cuisines, limit }): Promise<unknown> => {
    const found = await ctx.vectorSearch("tastes", "by_taste", {
      vector,
      limit,
      filter: cuisines && ((q: any) => q.or(...cuisines.map((cuisine) => q.eq("cuisine", cuisine)))),
    });
    const names: string[] = await ctx.runQuery(internal.tastes.dishes, { ids: found.map(({ _id }) => _id) });
    return names.map((name, at) => [name, Math.round(found[at]!._score * 1000) / 1000]);
  },
});

import { v } from "convex/values";

import { mutation, query } from "./_generated/server";

const everything = {
  id: v.id("teams"),
  nothing: v.null(),
  big: v.int64(),
  number: v.number(),
  flag: v.boolean(),
  text: v.string(),
  bytes: v.bytes(),
  list: v.array(v.union(v.string(), v.number())),
  object: v.object({ inner: v.optional(v.string()) }),
  record: v.record(v.id("teams"), v.array(v.boolean())),
  literal: v.union(v.literal("a"), v.literal(1), v.literal(2n), v.literal(true)),
  nullable: v.nullable(v.string()),
  any: v.any(),
  optional: v.optional(v.number()),
};
const shape = v.object({ a: v.string(), b: v.number(), c: v.boolean() });

export const team = mutation({ args: {}, returns: v.id("teams"), handler: (ctx) => ctx.db.insert("teams", { name: "t" }) as any });
export const echo = query({ args: everything, returns: v.object(everything), handler: async (_, args) => args });
export const derived = query({
  args: { picked: shape.pick("a"), omitted: shape.omit("a"), partial: shape.partial(), more: shape.extend({ d: v.null() }) },
  handler: async (_, args) => Object.keys(args).length,
});
export const wronglyReturned = query({ args: {}, returns: v.string(), handler: async () => 5 as any });
export const nothingReturned = query({ args: {}, returns: v.null(), handler: async () => undefined as any });
export const unvalidated = query(async (_, args) => args);

import { customCtx, NoOp } from "convex-helpers/server/customFunctions";
import { convexToZod, zCustomMutation, zCustomQuery, zid, zodToConvex } from "convex-helpers/server/zod4";
import { v } from "convex/values";
import * as z from "zod";

import { mutation, query } from "./_generated/server";

const zodQuery = zCustomQuery(query, NoOp);
const zodMutation = zCustomMutation(mutation, customCtx(async () => ({ by: "zod" })));

export const all = zodQuery({
  args: {
    email: z.email(),
    count: z.number().min(1).default(3),
    big: z.nullable(z.bigint()),
    shape: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("circle"), radius: z.number() }),
      z.object({ kind: z.literal("square"), side: z.number() }),
    ]),
    text: z.number().pipe(z.coerce.string()),
  },
  handler: async (_, args) => args,
});
export const add = zodMutation({
  args: { author: z.object({ name: z.string().trim().min(2) }) },
  returns: z.object({ id: zid("authors"), by: z.string() }),
  handler: async (ctx, { author }) => ({ id: (await ctx.db.insert("authors", author)) as any, by: ctx.by }),
});
export const wronglyReturned = zodQuery({
  args: {},
  returns: z.object({ n: z.number().max(5) }),
  handler: async () => ({ n: 6 }),
});
export const converted = query(async () => [
  (zodToConvex(z.object({ a: z.string().optional(), b: z.array(z.number()) })) as any).json,
  convexToZod(v.object({ a: v.int64() })).safeParse({ a: 5 }).success,
  convexToZod(v.object({ a: v.int64() })).safeParse({ a: 5n }).success,
]);

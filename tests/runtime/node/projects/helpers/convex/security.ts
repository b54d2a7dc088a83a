import { customCtx, customMutation, customQuery } from "convex-helpers/server/customFunctions";
import { wrapDatabaseReader, wrapDatabaseWriter } from "convex-helpers/server/rowLevelSecurity";
import { v } from "convex/values";

import { mutation, query } from "./_generated/server";

const rules = {
  notes: {
    read: async (ctx: any, note: any) => note.isPublic || note.owner === ctx.user,
    insert: async (ctx: any, note: any) => note.owner === ctx.user,
    modify: async (ctx: any, note: any) => note.owner === ctx.user,
  },
};
const user = async (ctx: any) => ({ user: (await ctx.auth.getUserIdentity())?.subject ?? null });
const securedQuery = customQuery(query, customCtx(async (ctx: any) => ({
  db: wrapDatabaseReader(await user(ctx), ctx.db, rules as any, { defaultPolicy: "deny" }),
})));
const securedMutation = customMutation(mutation, customCtx(async (ctx: any) => ({
  ...(await user(ctx)), db: wrapDatabaseWriter(await user(ctx), ctx.db, rules as any),
})));

export const add = securedMutation({
  args: { owner: v.optional(v.string()), text: v.string(), isPublic: v.boolean() },
  handler: async (ctx: any, args) => await ctx.db.insert("notes", { owner: ctx.user, ...args }),
});
export const edit = securedMutation({
  args: { id: v.id("notes"), text: v.string() },
  handler: async (ctx: any, { id, text }) => await ctx.db.patch(id, { text }),
});
export const list = securedQuery(async (ctx: any) => (await ctx.db.query("notes").collect()).map((n: any) => n.text));
export const get = securedQuery(async (ctx: any, { id }: any) => (await ctx.db.get(id))?.text ?? null);
export const denied = securedQuery(async (ctx: any) => (await ctx.db.query("authors").collect()).length);

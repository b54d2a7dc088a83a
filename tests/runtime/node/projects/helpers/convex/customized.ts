import { customAction, customCtx, customMutation, customQuery } from "convex-helpers/server/customFunctions";
import { v } from "convex/values";

import { action, mutation, query } from "./_generated/server";

const authorQuery = customQuery(query, {
  args: { author: v.id("authors") },
  input: async (ctx, { author }, { verb }: { verb: string }) => {
    const found = await ctx.db.get(author);
    return {
      ctx: { author: found },
      args: { verb },
      onSuccess: ({ result }: any) => console.log("told", result),
    };
  },
});
const auditedMutation = customMutation(
  mutation,
  customCtx(async (ctx) => ({ audit: (text: string) => ctx.db.insert("genres", { name: text }) })),
);
const keyedAction = customAction(action, {
  args: { key: v.string() },
  input: async (_, { key }) => {
    if (key !== process.env.API_KEY) throw new Error("wrong key");
    return { ctx: {}, args: {} };
  },
});

export const tell = authorQuery({
  verb: "wrote",
  args: { title: v.string() },
  returns: v.string(),
  handler: async (ctx: any, { title, verb }: any) => `${ctx.author.name} ${verb} ${title}`,
});
export const audited = auditedMutation({
  args: {},
  handler: async (ctx) => {
    await ctx.audit("audited");
    return (await ctx.db.query("genres").collect()).map((genre) => genre.name);
  },
});
export const keyed = keyedAction({ args: { n: v.number() }, handler: async (_, args) => args });

import { customMutation, customQuery } from "convex-helpers/server/customFunctions";
import { runSessionFunctions, SessionIdArg, vSessionId } from "convex-helpers/server/sessions";
import { v } from "convex/values";

import { api } from "./_generated/api";
import { action, mutation, query } from "./_generated/server";

const withSession = { args: SessionIdArg, input: async (_: any, { sessionId }: any) => ({ ctx: { sessionId }, args: {} }) };
const sessionQuery = customQuery(query, withSession);
const sessionMutation = customMutation(mutation, withSession);

export const visit = sessionMutation({
  args: { page: v.string() },
  handler: async (ctx: any, { page }) => await ctx.db.insert("visits", { sessionId: ctx.sessionId, page }),
});
export const pages = sessionQuery({
  args: {},
  handler: async (ctx: any) =>
    (await ctx.db.query("visits").withIndex("sessionId", (q: any) => q.eq("sessionId", ctx.sessionId)).collect())
      .map((visit: any) => visit.page),
});
export const visitAndList = action({
  args: { sessionId: vSessionId, page: v.string() },
  handler: async (ctx, { sessionId, page }): Promise<string[]> => {
    const { runSessionMutation, runSessionQuery } = runSessionFunctions(ctx as any, sessionId);
    await runSessionMutation(api.sessions.visit, { page });
    return await runSessionQuery(api.sessions.pages);
  },
});

/** The conversation: each answer is given with what is known of the user. */
import { v } from "convex/values";

import { api, internal } from "./_generated/api";
import type { Doc, Id } from "./_generated/dataModel";
import { action, internalMutation, query } from "./_generated/server";
import { nearest, type Found } from "./embeddings";
import { complete, embed } from "./openai";

const HISTORY = 20;

type Answer = { messageId: Id<"messages">; reply: string };

/** Answers a message. Both are written together, after the model has answered: a model that fails leaves nothing. */
export const send = action({
  args: { userId: v.string(), sessionId: v.string(), text: v.string() },
  returns: v.object({ messageId: v.id("messages"), reply: v.string() }),
  handler: async (ctx, { userId, sessionId, text }): Promise<Answer> => {
    const [embedding] = await embed([text]);
    const memories = await nearest(ctx, userId, embedding);
    const history: Doc<"messages">[] = await ctx.runQuery(api.chat.history, { userId, sessionId });
    const reply = await complete([
      { role: "system", content: instructions(memories) },
      ...history.map(({ role, text }) => ({ role, content: text })),
      { role: "user", content: text },
    ]);
    const messageId = await ctx.runMutation(internal.chat.record, { userId, sessionId, text, reply });
    return { messageId, reply };
  },
});

function instructions(memories: Found[]): string {
  const known = memories.map(({ text }) => `- ${text}`).join("\n");
  return `You are a helpful assistant. What you know about the user:\n${known || "nothing yet"}`;
}

/** Writes a message and its answer, and lets the message be looked through for facts as soon as that is done. */
export const record = internalMutation({
  args: { userId: v.string(), sessionId: v.string(), text: v.string(), reply: v.string() },
  handler: async (ctx, { userId, sessionId, text, reply }) => {
    const whose = { userId, sessionId };
    const messageId = await ctx.db.insert("messages", { ...whose, role: "user", text, extraction: "waiting" });
    await ctx.db.insert("messages", { ...whose, role: "assistant", text: reply });
    await ctx.scheduler.runAfter(0, internal.extraction.extract, { messageId, attempt: 1 });
    return messageId;
  },
});

/** The last messages of a session, oldest first. */
export const history = query({
  args: { userId: v.string(), sessionId: v.string() },
  handler: async (ctx, { userId, sessionId }) => {
    const messages = await ctx.db
      .query("messages")
      .withIndex("by_session", (q) => q.eq("userId", userId).eq("sessionId", sessionId))
      .order("desc")
      .take(HISTORY);
    return messages.reverse();
  },
});

/** What a message says about its user becomes memories, behind the answer. */
import { ConvexError, v } from "convex/values";

import { internal } from "./_generated/api";
import { internalAction, internalMutation, internalQuery } from "./_generated/server";
import { prepared } from "./embeddings";
import { fact, keep } from "./memories";
import { complete, isBusy } from "./openai";

const ATTEMPTS_MAX = 5;
const FIRST_PAUSE_MS = 1000;

const PROMPT =
  "List the lasting facts about the user in their message, each as one short sentence in the user's words. " +
  'Answer with JSON: {"facts": ["…"]}. Without any: {"facts": []}.';

/** Runs behind each message. All of its facts are kept, or none. */
export const extract = internalAction({
  args: { messageId: v.id("messages"), attempt: v.number() },
  returns: v.null(),
  handler: async (ctx, { messageId, attempt }) => {
    const message = await ctx.runQuery(internal.extraction.message, { messageId });
    if (message === null) return null; // forgotten meanwhile
    try {
      const facts = await prepared(ctx, message.userId, await factsIn(message.text));
      await ctx.runMutation(internal.extraction.finish, { messageId, facts });
    } catch (error) {
      if (isBusy(error) && attempt < ATTEMPTS_MAX) {
        await ctx.runMutation(internal.extraction.tryAgain, { messageId, attempt });
        return null;
      }
      await ctx.runMutation(internal.extraction.fail, { messageId, reason: reasonOf(error) });
      throw error; // for the deployment's logs
    }
    return null;
  },
});

export const message = internalQuery({
  args: { messageId: v.id("messages") },
  handler: async (ctx, { messageId }) => await ctx.db.get(messageId),
});

export const finish = internalMutation({
  args: { messageId: v.id("messages"), facts: v.array(fact) },
  returns: v.null(),
  handler: async (ctx, { messageId, facts }) => {
    const message = await ctx.db.get(messageId);
    if (message === null) return null; // who was forgotten stays forgotten
    for (const fact of facts) await keep(ctx, message.userId, fact);
    await ctx.db.patch(messageId, { extraction: "done" });
    return null;
  },
});

/** After 1, 2, 4 and 8 seconds. */
export const tryAgain = internalMutation({
  args: { messageId: v.id("messages"), attempt: v.number() },
  returns: v.null(),
  handler: async (ctx, { messageId, attempt }) => {
    const pauseMs = FIRST_PAUSE_MS * 2 ** (attempt - 1);
    await ctx.scheduler.runAfter(pauseMs, internal.extraction.extract, { messageId, attempt: attempt + 1 });
    return null;
  },
});

export const fail = internalMutation({
  args: { messageId: v.id("messages"), reason: v.string() },
  returns: v.null(),
  handler: async (ctx, { messageId, reason }) => {
    if ((await ctx.db.get(messageId)) === null) return null;
    await ctx.db.patch(messageId, { extraction: "failed", extractionError: reason });
    return null;
  },
});

async function factsIn(text: string): Promise<string[]> {
  const answer = await complete(
    [
      { role: "system", content: PROMPT },
      { role: "user", content: text },
    ],
    { json: true },
  );
  const { facts } = JSON.parse(answer);
  if (!Array.isArray(facts) || facts.some((fact) => typeof fact !== "string")) {
    throw new Error(`The model was asked for a list of facts and answered ${answer.slice(0, 200)}`);
  }
  return facts;
}

function reasonOf(error: unknown): string {
  if (error instanceof ConvexError) return error.data.message;
  return error instanceof Error ? error.message : String(error);
}

import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

import { EMBEDDING_DIMENSIONS } from "./openai";

/** How far a user's message is on its way into the memory. */
export const extraction = v.union(v.literal("waiting"), v.literal("done"), v.literal("failed"));

export default defineSchema({
  messages: defineTable({
    userId: v.string(),
    sessionId: v.string(),
    role: v.union(v.literal("user"), v.literal("assistant")),
    text: v.string(),
    extraction: v.optional(extraction), // of messages of users
    extractionError: v.optional(v.string()),
  }).index("by_session", ["userId", "sessionId"]), // a beginning of it finds all of a user

  userMemories: defineTable({
    userId: v.string(),
    text: v.string(),
    embedding: v.array(v.float64()),
    mentions: v.number(), // how often the user has said so
  })
    .index("by_user_and_text", ["userId", "text"])
    .vectorIndex("by_embedding", {
      vectorField: "embedding",
      dimensions: EMBEDDING_DIMENSIONS,
      filterFields: ["userId"],
    }),
});

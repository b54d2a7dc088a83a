/** A library: authors, their books, and what the helpers keep for themselves. */
import { migrationsTable } from "convex-helpers/server/migrations";
import { rateLimitTables } from "convex-helpers/server/rateLimit";
import { vSessionId } from "convex-helpers/server/sessions";
import { brandedString, deprecated, literals, nullable } from "convex-helpers/validators";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  authors: defineTable({ name: v.string(), bookCount: v.optional(v.number()) }).index("name", ["name"]),
  books: defineTable({ title: v.string(), authorId: v.id("authors"), year: v.number() })
    .index("authorId", ["authorId"])
    .index("by_year", ["year"])
    .index("by_author_and_year", ["authorId", "year"]),
  genres: defineTable({ name: v.string() }),
  bookGenres: defineTable({ bookId: v.id("books"), genreId: v.id("genres") })
    .index("bookId", ["bookId"])
    .index("genreId", ["genreId"]),
  readers: defineTable({
    email: brandedString("email"),
    state: literals("active", "blocked"),
    balance: nullable(v.int64()),
    nickname: deprecated,
  }),
  visits: defineTable({ sessionId: vSessionId, page: v.string() }).index("sessionId", ["sessionId"]),
  notes: defineTable({ owner: v.string(), text: v.string(), isPublic: v.boolean() }),
  migrations: migrationsTable,
  ...rateLimitTables,
});

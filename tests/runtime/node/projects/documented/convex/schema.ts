/** A cookery book that people write together. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema(
  {
    recipes: defineTable({
      title: v.string(),
      cuisine: v.string(),
      minutes: v.optional(v.number()),
      author: v.object({ name: v.string(), team: v.optional(v.id("teams")) }),
      notes: v.optional(v.string()),
    })
      .index("by_cuisine", ["cuisine"])
      .index("by_cuisine_and_minutes", ["cuisine", "minutes"])
      .index("by_author", ["author.name"])
      .searchIndex("search_title", { searchField: "title", filterFields: ["cuisine", "author.name"] })
      .index("still_staged", { fields: ["notes"], staged: true }),
    teams: defineTable({ name: v.string() }),
    pictures: defineTable({ file: v.id("_storage"), recipe: v.id("recipes") }),
    tastes: defineTable({ dish: v.string(), cuisine: v.string(), vector: v.array(v.float64()) }).vectorIndex("by_taste", {
      vectorField: "vector",
      dimensions: 3,
      filterFields: ["cuisine"],
    }),
    outcomes: defineTable(
      v.union(
        v.object({ kind: v.literal("done"), points: v.number() }),
        v.object({ kind: v.literal("failed"), reason: v.string() }),
      ),
    ).index("by_kind", ["kind"]),
    ticks: defineTable(v.any()),
    events: defineTable({ what: v.string() }),
  },
  { schemaValidation: true },
);

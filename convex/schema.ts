/**
 * The tables of this deployment: Mastra's sixteen, as the README of `@mastra/convex` 1.5.2 lists them, and the tables of our own tests.
 *
 * Node loads this file as it stands, so only TypeScript that can be erased may be used here.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import {
  defineMastraNativeVectorTable,
  mastraBackgroundTasksTable,
  mastraCacheListItemsTable,
  mastraCacheTable,
  mastraChannelConfigTable,
  mastraChannelInstallationsTable,
  mastraDocumentsTable,
  mastraMessagesTable,
  mastraObservationalMemoryTable,
  mastraResourcesTable,
  mastraSchedulesTable,
  mastraScheduleTriggersTable,
  mastraScoresTable,
  mastraThreadsTable,
  mastraVectorIndexesTable,
  mastraVectorsTable,
  mastraWorkflowSnapshotsTable,
} from "@mastra/convex/schema";

export default defineSchema({
  mastra_threads: mastraThreadsTable,
  mastra_messages: mastraMessagesTable,
  mastra_resources: mastraResourcesTable,
  mastra_workflow_snapshots: mastraWorkflowSnapshotsTable,
  mastra_scorers: mastraScoresTable,
  mastra_schedules: mastraSchedulesTable,
  mastra_schedule_triggers: mastraScheduleTriggersTable,
  mastra_channel_installations: mastraChannelInstallationsTable,
  mastra_channel_config: mastraChannelConfigTable,
  mastra_background_tasks: mastraBackgroundTasksTable,
  mastra_observational_memory: mastraObservationalMemoryTable,
  mastra_vector_indexes: mastraVectorIndexesTable,
  mastra_vectors: mastraVectorsTable,
  mastra_cache: mastraCacheTable,
  mastra_cache_list_items: mastraCacheListItemsTable,
  mastra_documents: mastraDocumentsTable,

  // The table that Mastra's own definition makes; it has no filter fields.
  docs_vectors: defineMastraNativeVectorTable({ dimensions: 3 }),

  // A table of one's own, which is how the README says filter fields are declared.
  notes_vectors: defineTable({
    id: v.string(),
    embedding: v.array(v.float64()),
    metadata: v.optional(v.any()),
    label: v.optional(v.any()),
    tenant: v.optional(v.any()),
  })
    .index("by_record_id", ["id"])
    .vectorIndex("by_embedding", {
      vectorField: "embedding",
      dimensions: 3,
      filterFields: ["label", "tenant"],
    }),

  // Free form: the engine's rules are tried out here, without a Mastra handler in between.
  playground: defineTable(v.any())
    .index("by_a", ["a"])
    .index("by_a_b", ["a", "b"])
    .index("by_nested", ["nested.x"]),

  // The tables of the conformance probe (conformance/probe.ts).
  conformance_things: defineTable(v.any())
    .index("by_key", ["key"])
    .index("by_a_b", ["a", "b"])
    .index("by_nested", ["nested.value"])
    .index("by_staged", { fields: ["waiting"], staged: true }),

  // A field for each kind of validator.
  conformance_typed: defineTable({
    name: v.string(),
    text: v.optional(v.string()),
    number: v.optional(v.float64()),
    int64: v.optional(v.int64()),
    flag: v.optional(v.boolean()),
    nothing: v.optional(v.null()),
    bytes: v.optional(v.bytes()),
    thing: v.optional(v.id("conformance_things")),
    list: v.optional(v.array(v.string())),
    shape: v.optional(v.object({ a: v.string(), b: v.optional(v.float64()) })),
    map: v.optional(v.record(v.string(), v.float64())),
    either: v.optional(v.union(v.string(), v.float64())),
    exactly: v.optional(v.literal("yes")),
    whatever: v.optional(v.any()),
  }).index("by_name", ["name"]),

  conformance_vectors: defineTable({
    embedding: v.array(v.float64()),
    name: v.string(),
    group: v.optional(v.string()),
    rank: v.optional(v.any()),
    note: v.optional(v.string()),
  })
    .index("by_name", ["name"])
    .vectorIndex("by_embedding", { vectorField: "embedding", dimensions: 3, filterFields: ["group", "rank"] }),

  // Documents of any shape, also ones that a vector index cannot hold.
  conformance_loose_vectors: defineTable(v.any()).vectorIndex("by_embedding", {
    vectorField: "embedding",
    dimensions: 2,
    filterFields: ["group"],
  }),

  // Texts, and what stands in place of one.
  conformance_texts: defineTable({
    body: v.any(),
    group: v.optional(v.any()),
    name: v.string(),
  })
    .index("by_name", ["name"])
    .searchIndex("by_body", { searchField: "body", filterFields: ["group"] })
    .searchIndex("by_staged", { searchField: "name", staged: true }),
});

import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import {
  mastraCacheListItemsTable,
  mastraCacheTable,
  mastraDocumentsTable,
  mastraMessagesTable,
  mastraThreadsTable,
  mastraVectorIndexesTable,
  mastraVectorsTable,
} from "@mastra/convex/schema";

export default defineSchema({
  notes: defineTable({ author: v.string(), text: v.string() }).index("by_author", ["author"]),
  mastra_threads: mastraThreadsTable,
  mastra_messages: mastraMessagesTable,
  mastra_vector_indexes: mastraVectorIndexesTable,
  mastra_vectors: mastraVectorsTable,
  mastra_documents: mastraDocumentsTable,
  mastra_cache: mastraCacheTable,
  mastra_cache_list_items: mastraCacheListItemsTable,
});

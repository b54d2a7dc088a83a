/** Mastra's cache handler under the path its clients call by default: `mastra/cache:handle`. */
import { mastraCache } from "@mastra/convex/server";

export const handle = mastraCache;

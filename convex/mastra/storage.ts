/** Mastra's storage handler under the path its clients call by default: `mastra/storage:handle`. */
import { mastraStorage } from "@mastra/convex/server";

export const handle = mastraStorage;

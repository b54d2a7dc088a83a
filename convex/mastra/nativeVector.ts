/** Mastra's native vector handlers under the paths their clients call by default: `mastra/nativeVector:query`, `:read`, `:write`. */
import { mastraNativeVectorAction, mastraNativeVectorMutation, mastraNativeVectorQuery } from "@mastra/convex/server";

export const query = mastraNativeVectorAction;
export const read = mastraNativeVectorQuery;
export const write = mastraNativeVectorMutation;

/**
 * The probe: functions that run programs of database steps, so that the rules of a deployment can be tried out from
 * outside. Deploy it to a deployment of tests only: whoever may call it may read and write every table.
 */
import {
  actionGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { getDocumentSize, v } from "convex/values";

import { runProgram, type Kind } from "./interpreter.ts";

const TABLES = [
  "conformance_things",
  "conformance_typed",
  "conformance_vectors",
  "conformance_loose_vectors",
  "conformance_texts",
];

// What one call of `clear` deletes is read twice, by the query and by the deletion; a transaction may read 16 MiB.
const CLEARED_AT_ONCE = 2000;
const CLEARED_BYTES = 4 * 1024 * 1024;

const running = (kind: Kind) => ({
  args: { program: v.string() },
  returns: v.string(),
  handler: (ctx: any, { program }: { program: string }) => runProgram(ctx, kind, program),
});

export const query = queryGeneric(running("query"));
export const mutation = mutationGeneric(running("mutation"));
export const action = actionGeneric(running("action"));
export const internalQuery = internalQueryGeneric(running("query"));
export const internalMutation = internalMutationGeneric(running("mutation"));
export const internalAction = internalActionGeneric(running("action"));

/** What the probe says of itself. */
export const about = queryGeneric({
  args: {},
  handler: () => ({ isTest: process.env.IS_TEST === "1", probe: 1 }),
});

/** Delete some documents of the conformance tables and tell how many; 0 when none was left. */
export const clear = mutationGeneric({
  args: {},
  handler: async ({ db }) => {
    let deleted = 0;
    let bytes = 0;
    for (const table of TABLES) {
      if (deleted === CLEARED_AT_ONCE || bytes > CLEARED_BYTES) break;
      for await (const document of db.query(table)) {
        await db.delete(document._id);
        deleted += 1;
        bytes += getDocumentSize(document);
        if (deleted === CLEARED_AT_ONCE || bytes > CLEARED_BYTES) break;
      }
    }
    return deleted;
  },
});

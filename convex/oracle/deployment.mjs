/**
 * The published functions of `@mastra/convex` and our schema on convex-test: what the oracle serves.
 *
 * convex-test keeps everything in memory, so a new instance is an empty deployment and costs next to nothing; the
 * functions themselves hold no state and are loaded once.
 */
import { convexTest } from "convex-test";
import { makeFunctionReference } from "convex/server";
import { jsonToConvex } from "convex/values";

import { MalformedProgram } from "../conformance/forms.ts";
import { runProgram } from "../conformance/interpreter.ts";
import * as probe from "../conformance/probe.ts";
import http from "../http.ts";
import * as typed from "../conformance/typed.ts";
import * as cache from "../mastra/cache.ts";
import * as nativeVector from "../mastra/nativeVector.ts";
import * as storage from "../mastra/storage.ts";
import schema from "../schema.ts";
import { RequestError } from "./request_error.mjs";

// convex-test takes what Vite's import.meta.glob gives: a loader by file. It finds the root of the functions by the
// folder `_generated`, of which nothing is read.
const MODULES = {
  "./_generated/api.js": async () => ({}),
  "./conformance/probe.ts": async () => probe,
  "./conformance/typed.ts": async () => typed,
  "./http.ts": async () => ({ default: http }),
  "./mastra/cache.ts": async () => cache,
  "./mastra/nativeVector.ts": async () => nativeVector,
  "./mastra/storage.ts": async () => storage,
};

const emptyConvex = () => convexTest({ schema, modules: MODULES });

/** One deployment that can be emptied. Calls run one after the other, in the order they came. */
export class Deployment {
  #convex = emptyConvex();
  #lastCall = Promise.resolve();

  /** Call the public function at `path`; `kind` is "query", "mutation" or "action". */
  call(kind, path, args) {
    const reference = makeFunctionReference(path.replace(/\.js(?=:|$)/, ""));
    return this.#inTurn(() => this.#convex[kind](reference, argumentsOf(args)));
  }

  /** Ask the HTTP action at `path`, as `fetch` does. */
  fetch(path, init) {
    return this.#inTurn(() => this.#convex.fetch(path, init));
  }

  /** Run a database program inside one mutation, any table's; see conformance/interpreter.ts. */
  program(steps) {
    const text = JSON.stringify(steps);
    let answers;
    const run = async (ctx) => {
      answers = await runProgram(ctx, "mutation", text);
    };
    return this.#inTurn(async () => {
      try {
        await this.#convex.mutation(run);
      } catch (error) {
        throw error instanceof MalformedProgram ? new RequestError("BadProgram", error.message) : error;
      }
      return JSON.parse(answers);
    });
  }

  /** All documents of a table, in creation order. */
  dump(table) {
    if (!Object.hasOwn(schema.tables, table)) {
      const known = Object.keys(schema.tables).join(", ");
      throw new RequestError("UnknownTable", `unknown table ${JSON.stringify(table)}; known are ${known}`);
    }
    return this.#inTurn(() => this.#convex.query(({ db }) => db.query(table).collect()));
  }

  /** Forget everything that was stored. */
  reset() {
    return this.#inTurn(() => {
      this.#convex = emptyConvex();
    });
  }

  // convex-test lets an action read what a mutation beside it has not committed yet, so nothing runs side by side.
  #inTurn(work) {
    const result = this.#lastCall.then(work);
    this.#lastCall = result.catch(() => undefined);
    return result;
  }
}

/** The schema as a deployment's push would send it: JSON text. */
export function schemaExport() {
  return schema.export();
}

// npm convex sends the arguments as a list of one object, every other client as the object itself.
function argumentsOf(args) {
  return jsonToConvex(Array.isArray(args) ? (args[0] ?? {}) : args);
}

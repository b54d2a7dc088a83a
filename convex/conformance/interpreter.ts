/**
 * Runs programs of database steps inside a function.
 *
 * A program is JSON text: a list of steps, which run one after the other. The answer is JSON text, too: for each step
 * {value} or {error: text}, with {data} for a ConvexError. An error is caught as by a try/catch around the one step; a
 * step with "uncaught": true lets it out of the function. In Python: `pytest_mastra_convex/probe/interpreter.py`.
 */
import { makeFunctionReference } from "convex/server";
import { ConvexError, jsonToConvex } from "convex/values";

import { encoded, filledIn, MalformedProgram, valueOf, type Answer, type Frame, type Json } from "./forms.ts";
import { QUERY_ENDS, runQueryStep, runVectorSearch } from "./queries.ts";
import { runCancel, runSystemGet, SCHEDULED, scheduleOf } from "./schedules.ts";
import { deleteFile, metadata, readFile, storeFile, uploadUrl, url } from "./storage.ts";

export type Kind = "query" | "mutation" | "action";

/**
 * What a step does: it must say what it `needs` and may say what it `takes`; only these `kinds` of functions can do it;
 * its error is there to leave the function if it `ends` it.
 */
type Operation = {
  run: (ctx: any, step: Json, frame: Frame) => any;
  needs?: string[];
  takes?: string[];
  kinds?: Kind[];
  ends?: boolean;
};

// Each call around the malformed program puts its "Uncaught" before the text.
const MALFORMED_INSIDE = /^(?:Uncaught Error: )*probe: (.*)/;
const LEVELS = ["log", "debug", "info", "warn", "error"];
const READERS: Kind[] = ["query", "mutation"];
const WRITERS: Kind[] = ["mutation"];
const CALLERS: Kind[] = ["mutation", "action"];
const ACTIONS: Kind[] = ["action"];
const EVERY_STEP = ["op", "times", "uncaught"];
const CALL = ["path", "args", "program", "internal"];

const OPERATIONS: Record<string, Operation> = {
  insert: {
    run: (ctx, step, frame) => ctx.db.insert(step.table, valueOf(step.value, frame)),
    needs: ["table", "value"],
    kinds: WRITERS,
  },
  patch: { run: onDocument("patch"), needs: ["id", "value"], takes: ["table"], kinds: WRITERS },
  replace: { run: onDocument("replace"), needs: ["id", "value"], takes: ["table"], kinds: WRITERS },
  delete: { run: onDocument("delete"), needs: ["id"], takes: ["table"], kinds: WRITERS },
  get: { run: onDocument("get"), needs: ["id"], takes: ["table"], kinds: READERS },
  normalizeId: {
    run: (ctx, step, frame) => ctx.db.normalizeId(step.table, valueOf(step.text, frame)),
    needs: ["table", "text"],
    kinds: READERS,
  },
  query: {
    run: (ctx, step, frame) => runQueryStep(ctx.db, step, frame),
    needs: ["table"],
    takes: ["index", "range", "search", "order", "filter", "select", ...QUERY_ENDS],
    kinds: READERS,
  },
  now: { run: () => Date.now() },
  log: { run: log, needs: ["level", "values"] },
  throw: { run: throwError, needs: ["text"], ends: true },
  throwConvex: { run: throwConvexError, needs: ["data"], ends: true },
  runQuery: { run: callOf("runQuery", "query"), takes: CALL },
  runMutation: { run: callOf("runMutation", "mutation"), takes: CALL, kinds: CALLERS },
  runAction: { run: callOf("runAction", "action"), takes: CALL, kinds: ACTIONS },
  vectorSearch: {
    run: runVectorSearch,
    needs: ["table", "index", "vector"],
    takes: ["limit", "filter"],
    kinds: ACTIONS,
  },
  runAfter: { run: scheduleOf("runAfter", "delay"), needs: ["delay"], takes: SCHEDULED, kinds: CALLERS },
  runAt: { run: scheduleOf("runAt", "time"), needs: ["time"], takes: SCHEDULED, kinds: CALLERS },
  cancel: { run: runCancel, needs: ["id"], kinds: CALLERS },
  systemGet: { run: runSystemGet, needs: ["id"], takes: ["table"], kinds: READERS },
  systemQuery: {
    run: (ctx, step, frame) => runQueryStep(ctx.db.system, step, frame),
    needs: ["table"],
    takes: ["index", "range", "search", "order", "filter", "select", ...QUERY_ENDS],
    kinds: READERS,
  },
  storageUrl: { run: url, needs: ["id"], takes: ["plain"] },
  storageMetadata: { run: metadata, needs: ["id"] },
  storageUploadUrl: { run: uploadUrl, takes: ["plain"], kinds: CALLERS },
  storageDelete: { run: deleteFile, needs: ["id"], kinds: CALLERS },
  storageStore: { run: storeFile, needs: ["body"], takes: ["contentType", "sha256"], kinds: CALLERS },
  storageGet: { run: readFile, needs: ["id"], kinds: CALLERS },
  parallel: { run: () => undefined, needs: ["steps"] },
};

/** Run a program in a function of that kind. */
export async function runProgram(ctx: any, kind: Kind, program: string): Promise<string> {
  const steps = parsed(program);
  const answers: Answer[] = [];
  for (const step of steps) answers.push(await runStep(ctx, kind, step, answers));
  return JSON.stringify(answers);
}

function parsed(program: string): Json[] {
  let steps: Json;
  try {
    steps = JSON.parse(program);
  } catch {
    throw new MalformedProgram("the program is no JSON text");
  }
  if (!Array.isArray(steps)) throw new MalformedProgram("the program must be a list of steps");
  return steps;
}

async function runStep(ctx: any, kind: Kind, step: Json, answers: Answer[]): Promise<Answer> {
  const operation = operationOf(step, kind);
  if (step.op === "parallel") return { value: await sideBySide(ctx, kind, step.steps, answers) };
  try {
    let value: any;
    for (let repetition = 0; repetition < (step.times ?? 1); repetition += 1) {
      value = await operation.run(ctx, step, { answers, repetition });
    }
    return { value: encoded(value) };
  } catch (error: any) {
    if (error instanceof MalformedProgram || operation.ends || step.uncaught) throw error;
    return failed(error);
  }
}

// All of them come to their end, also when one ends the function.
async function sideBySide(ctx: any, kind: Kind, steps: Json[], answers: Answer[]): Promise<Answer[]> {
  const results = await Promise.allSettled(steps.map((each) => runStep(ctx, kind, each, answers)));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

function operationOf(step: Json, kind: Kind): Operation {
  const name = step?.op;
  if (typeof name !== "string" || !Object.hasOwn(OPERATIONS, name)) throw new MalformedProgram(`unknown step ${name}`);
  const { needs = [], takes = [], kinds } = OPERATIONS[name];
  if (kinds !== undefined && !kinds.includes(kind)) throw new MalformedProgram(`${name} is nothing for a ${kind}`);
  for (const needed of needs) if (step[needed] === undefined) throw new MalformedProgram(`${name} needs ${needed}`);
  const known = [...EVERY_STEP, ...needs, ...takes];
  for (const said of Object.keys(step)) if (!known.includes(said)) throw new MalformedProgram(`${name} takes no ${said}`);
  return OPERATIONS[name];
}

function failed(error: any): Answer {
  const answer: Answer = { error: error.message };
  return error instanceof ConvexError ? { ...answer, data: encoded(error.data) } : answer;
}

// A call of the database about a document, in its form with the table's name or without.
function onDocument(method: string) {
  return (ctx: any, step: Json, frame: Frame) => {
    const named = step.table === undefined ? [] : [step.table];
    const rest = ["id", "value"].filter((name) => step[name] !== undefined).map((name) => valueOf(step[name], frame));
    return ctx.db[method](...named, ...rest);
  };
}

function log(ctx: any, { level, values }: Json, frame: Frame): void {
  if (!LEVELS.includes(level)) throw new MalformedProgram(`unknown level ${level}`);
  (console as any)[level](...valueOf(values, frame));
}

function throwError(ctx: any, { text }: Json, frame: Frame): never {
  throw new Error(valueOf(text, frame));
}

function throwConvexError(ctx: any, { data }: Json, frame: Frame): never {
  throw new ConvexError(valueOf(data, frame));
}

// A call of a function; one of the probe's own if the step brings a program.
function callOf(method: string, kind: Kind) {
  return async (ctx: any, step: Json, frame: Frame) => {
    if (step.program === undefined) {
      if (step.path === undefined) throw new MalformedProgram(`${step.op} needs path or program`);
      return await ctx[method](makeFunctionReference(step.path), valueOf(step.args ?? {}, frame));
    }
    const own = step.internal ? `internal${kind[0].toUpperCase()}${kind.slice(1)}` : kind;
    const path = step.path ?? `conformance/probe:${own}`;
    const program = JSON.stringify(filledIn(step.program, frame));
    try {
      return jsonToConvex(JSON.parse(await ctx[method](makeFunctionReference(path), { program })));
    } catch (error: any) {
      // What the test got wrong in there is no answer of the deployment either.
      const malformed = MALFORMED_INSIDE.exec(error.message);
      throw malformed === null ? error : new MalformedProgram(malformed[1]);
    }
  };
}

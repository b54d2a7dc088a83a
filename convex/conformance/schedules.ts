/** Steps that let functions run later, and that read what the deployment keeps of them. */
import { makeFunctionReference } from "convex/server";

import { filledIn, MalformedProgram, valueOf, type Frame, type Json } from "./forms.ts";

/** What a step may say of the function: its path and arguments, or a program for one of the probe's own. */
export const SCHEDULED = ["path", "args", "program", "function"];

/** A step that schedules: `method` of `ctx.scheduler` with what the step says under `when`. */
export function scheduleOf(method: "runAfter" | "runAt", when: "delay" | "time") {
  return (ctx: any, step: Json, frame: Frame) => {
    const [path, args] = functionOf(step, frame);
    return ctx.scheduler[method](valueOf(step[when], frame), makeFunctionReference(path), args);
  };
}

function functionOf(step: Json, frame: Frame): [string, any] {
  if (step.program !== undefined) {
    const program = JSON.stringify(filledIn(step.program, frame));
    return [`conformance/probe:${step.function ?? "mutation"}`, { program }];
  }
  if (step.path === undefined) throw new MalformedProgram(`${step.op} needs path or program`);
  return [step.path, valueOf(step.args ?? {}, frame)];
}

/** Cancel a scheduled function. */
export function runCancel(ctx: any, step: Json, frame: Frame) {
  return ctx.scheduler.cancel(valueOf(step.id, frame));
}

/** Read a document of a system table. */
export function runSystemGet(ctx: any, step: Json, frame: Frame) {
  const named = step.table === undefined ? [] : [step.table];
  return ctx.db.system.get(...named, valueOf(step.id, frame));
}

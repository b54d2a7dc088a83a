/**
 * What the values in a program stand for: encoded values and the forms that make large or special ones.
 *
 * In the encoded form no field name begins with "$", so such names are free for forms. The same in Python is
 * `pytest_mastra_convex/probe/forms.py`.
 */
import { convexToJson, jsonToConvex } from "convex/values";

export type Json = any;
export type Answer = { value: Json } | { error: string; data?: Json };

const TAGS = ["$integer", "$float", "$bytes"];

/** A step nobody can run: the fault of the test, so it is never caught. */
export class MalformedProgram extends Error {
  constructor(text: string) {
    super(`probe: ${text}`);
  }
}

/** What forms can refer to: the answers of earlier steps, and which run of its step this is, from 0. */
export type Frame = { answers: Answer[]; repetition: number };

const FORMS: Record<string, (json: Json, frame: Frame) => any> = {
  $undefined: () => undefined,
  $ref: ({ $ref, path = [] }, frame) => jsonToConvex(answered(frame, $ref, path)),
  $repeat: ({ $repeat, times }, frame) => textOf(valueOf($repeat, frame)).repeat(countOf(times)),
  $repeatList: ({ $repeatList, times }, frame) => Array.from({ length: countOf(times) }, () => valueOf($repeatList, frame)),
  $nested: ({ $nested }) => nested(countOf($nested)),
  $fields: ({ $fields }) => Object.fromEntries(Array.from({ length: countOf($fields) }, (_, number) => [`f${number}`, null])),
  $counter: (_, frame) => frame.repetition,
  $counterText: ({ $counterText }, frame) => $counterText + String(frame.repetition),
  // An object spelled out, whose names may begin with "$".
  $entries: ({ $entries }, frame) =>
    Object.fromEntries($entries.map(([name, item]: [string, Json]) => [name, valueOf(item, frame)])),
};

/** The value that `json` stands for. */
export function valueOf(json: Json, frame: Frame): any {
  if (Array.isArray(json)) return json.map((item) => valueOf(item, frame));
  if (json === null || typeof json !== "object") return json;
  const names = Object.keys(json);
  for (const name of names) if (Object.hasOwn(FORMS, name)) return FORMS[name](json, frame);
  if (names.length === 1 && TAGS.includes(names[0])) return jsonToConvex(json);
  return Object.fromEntries(names.map((name) => [name, valueOf(json[name], frame)]));
}

/** A value as answers hold it; missing is null. */
export function encoded(value: any): Json {
  return convexToJson(value ?? null);
}

/** A nested program, in which what it wants of this one's answers is filled in. */
export function filledIn(program: Json, frame: Frame): Json {
  if (Array.isArray(program)) return program.map((item) => filledIn(item, frame));
  if (program === null || typeof program !== "object") return program;
  if ("$outer" in program) return answered(frame, program.$outer, program.path ?? []);
  // What stands in a program inside of it is about that one's caller.
  const members = Object.entries(program).map(([name, item]) => [name, name === "program" ? item : filledIn(item, frame)]);
  return Object.fromEntries(members);
}

function answered(frame: Frame, step: Json, path: (string | number)[]): Json {
  const answer = Number.isInteger(step) ? frame.answers[step] : undefined;
  if (answer === undefined) throw new MalformedProgram("a reference must be the number of an earlier step");
  if ("error" in answer) throw new Error(`step ${step} failed, so it gave no value`);
  return path.reduce(memberOf, answer.value);
}

function memberOf(value: Json, part: string | number): Json {
  const isThere = value !== null && typeof value === "object" && Object.hasOwn(value, part);
  if (!isThere) throw new MalformedProgram("a reference leads to nothing");
  return value[part];
}

function countOf(number: Json): number {
  if (!Number.isInteger(number) || number < 0) throw new MalformedProgram("a form needs a whole number");
  return number;
}

function textOf(value: any): string {
  if (typeof value !== "string") throw new MalformedProgram("$repeat needs a text");
  return value;
}

function nested(depth: number): any[] {
  let value: any[] = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

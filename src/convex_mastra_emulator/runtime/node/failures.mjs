/**
 * How a function failed, as the emulator wants to know it: V8's text, the frames in the user's own files, and what a
 * ConvexError carries (convex-backend crates/isolate/src/helpers.rs, crates/common/src/errors.rs).
 */
const CONVEX_ERROR = Symbol.for("ConvexError");
const FRAME = /^ {4}at (?:(async )?(.*) \((.*):(\d+):(\d+)\)|(async )?(.*):(\d+):(\d+))$/;

/** A module could not be loaded. */
export class LoadFailed {
  constructor(module, error) {
    this.module = module;
    this.error = error;
  }
}

/** What a module exports a deployment would not take; the message is its own. */
export class ExportRefused extends Error {}

/** {module, message, frames}: why modules could not be loaded, and which one, if it was one. */
export function loadFailureOf(thrown) {
  if (thrown instanceof ExportRefused) return { message: thrown.message, frames: [] };
  if (!(thrown instanceof LoadFailed)) return failureOf(thrown);
  return { module: thrown.module, ...failureOf(thrown.error) };
}

/** {message, frames, data?}; `message` has its "Uncaught". */
export function failureOf(error) {
  if (!(error instanceof Error)) return { message: `Uncaught ${thrownText(error)}`, frames: [] };
  const name = error.name ?? "";
  const text = error.message ?? "";
  const message = ["Uncaught " + [name, text].filter((part) => part !== "").join(": ")].join("");
  const failure = { message, frames: userFramesOf(error) };
  if (CONVEX_ERROR in error && typeof error.data === "string") failure.data = error.data;
  return failure;
}

function thrownText(thrown) {
  if (typeof thrown === "object" && thrown !== null) return `#<${thrown.constructor?.name ?? "Object"}>`;
  return String(thrown);
}

/** The frames of the user's own code, mapped to its sources by Node's --enable-source-maps. */
export function userFramesOf(error) {
  const frames = [];
  for (const line of String(error.stack ?? "").split("\n")) {
    const found = FRAME.exec(line);
    if (found === null) continue;
    const [, firstAsync, name, file, row, column, otherAsync, bareFile, bareRow, bareColumn] = found;
    const source = sourceOf(file ?? bareFile);
    if (source === undefined) continue;
    const place = `${source}:${row ?? bareRow}:${column ?? bareColumn}`;
    const isAsync = (firstAsync ?? otherAsync) !== undefined ? "async " : "";
    frames.push(`    at ${isAsync}${file === undefined ? `<anonymous> (${place})` : `${name} (${place})`}`);
  }
  return frames;
}

let root = "";

/** Where the user's folder lies; frames outside of it, and in npm packages, are named as a deployment names them. */
export function setRoot(folder) {
  root = folder;
}

function sourceOf(file) {
  const path = file.replace(/^file:\/\//, "");
  if (root === "" || !path.startsWith(root)) return undefined;
  return `../${path.slice(root.length)}`;
}

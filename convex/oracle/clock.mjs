/**
 * The time that functions on the oracle see: the machine's, or one that a test has fixed.
 *
 * Importing this module replaces the global `Date`. Mastra's handlers and convex-test read it on every call, so both
 * follow. Timers are left alone: nothing here waits for them.
 */
import { RequestError } from "./request_error.mjs";

const RealDate = globalThis.Date;

// The last millisecond a JavaScript Date can hold (ECMA-262, "Time Values and Time Range").
const TIME_MS_MAX = 8.64e15;

let fixedMs = null;

const now = () => fixedMs ?? RealDate.now();

/** Fix the time to `ms` since the epoch; `null` gives the machine's time back. */
export function fixTime(ms) {
  if (ms !== null && !(Number.isInteger(ms) && Math.abs(ms) <= TIME_MS_MAX)) {
    throw new RequestError("BadTime", `now must be whole milliseconds or null, not ${JSON.stringify(ms)}`);
  }
  fixedMs = ms;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});

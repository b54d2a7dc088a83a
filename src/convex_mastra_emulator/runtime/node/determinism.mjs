/**
 * What functions see of time and chance: the emulator's clock, and random numbers from its seed; in queries and mutations
 * a clock that stands still, and no way out (convex-engine.md §10.5; convex-backend
 * crates/isolate/src/environment/udf/phase.rs).
 */
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";

const RealDate = globalThis.Date;
const HELP = "Please consider using an action. See https://docs.convex.dev/functions/actions for more details.";

const realNow = performance.now.bind(performance);

let nowMs = 0;
let chance = () => 0;
let isStanding = true; // whether even performance.now() stands still, as in queries

/** How many promises of the platform itself wait. */
export const hostPromises = { count: 0 };

/** Sets time and chance for one function; gives what puts the caller's back. */
export function makeDeterministic({ nowMs: now, seed, kind }) {
  const before = [nowMs, chance, isStanding];
  nowMs = now;
  chance = seed === null ? chance : randomStream(seed);
  isStanding = kind === "query";
  return () => {
    [nowMs, chance, isStanding] = before;
  };
}

// Cryptography is loaded when it is wanted: that takes as long as a fifth of the start of Node.
const realCrypto = Object.getOwnPropertyDescriptor(globalThis, "crypto");
let cryptoModule;

function sha256() {
  cryptoModule ??= createRequire(import.meta.url)("node:crypto");
  return cryptoModule.createHash("sha256");
}

/** A `crypto` of functions: its chance, and Node's own `subtle`, or what is made of that. */
function defineCrypto(chance, made = (subtle) => subtle) {
  let subtle;
  const value = {
    get subtle() {
      subtle ??= made(realCrypto.get.call(globalThis).subtle);
      return subtle;
    },
    ...chance,
  };
  Object.defineProperty(globalThis, "crypto", { configurable: true, value });
}

/** Random bytes from a seed, one at a call: blocks of SHA-256, which every machine computes alike. */
export function randomStream(seed) {
  let block = Buffer.alloc(0);
  let used = 0;
  let count = 0;
  return () => {
    if (used === block.length) {
      block = sha256().update(`${seed}:${(count += 1)}`).digest();
      used = 0;
    }
    return block[(used += 1) - 1];
  };
}

/** Change the globals of queries and mutations, for good. */
export function setUpDeterminism() {
  setUpDate(() => nowMs);
  const random = setUpChance(() => chance());
  forbid();
  Object.defineProperty(globalThis, "performance", {
    configurable: true,
    value: { now: () => (isStanding ? 0 : realNow()), timeOrigin: 0 },
  });
  defineCrypto(random, (subtle) => withoutChance(counted(subtle)));
}

function counted(subtle) {
  return new Proxy(subtle, {
    get: (target, name) =>
      typeof target[name] !== "function" ? target[name] : (...values) => count(target[name](...values)),
  });
}

/** Change the globals of actions, for good; both are asked at each use. */
export function setUpActionsDeterminism(now, nextByte) {
  setUpDate(now);
  defineCrypto(setUpChance(nextByte));
}

function setUpDate(now) {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
  });
}

/** Replaces Math.random, and gives what `crypto` has of chance. */
function setUpChance(nextByte) {
  function getRandomValues(target) {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = nextByte();
    return target;
  }
  // 53 bits, as many as a number between 0 and 1 can have.
  Math.random = () => {
    const [a, b] = new Uint32Array(getRandomValues(new Uint8Array(8)).buffer);
    return ((a >>> 5) * 67108864 + (b >>> 6)) / 9007199254740992;
  };
  return { getRandomValues, randomUUID: () => uuidOf(getRandomValues(new Uint8Array(16))) };
}

function uuidOf(bytes) {
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Buffer.from(bytes).toString("hex");
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

const FORBIDDEN = {
  fetch: "fetch()",
  setTimeout: "setTimeout",
  setInterval: "setInterval",
};

function forbid() {
  for (const [name, shown] of Object.entries(FORBIDDEN)) {
    globalThis[name] = () => {
      throw new Error(`Can't use ${shown} in queries and mutations. ${HELP}`);
    };
  }
}

function withoutChance(subtle) {
  return new Proxy(subtle, {
    get: (target, name) =>
      name !== "generateKey"
        ? target[name]
        : () => {
            throw new Error(`Can't use cryptographic randomness in queries and mutations. ${HELP}`);
          },
  });
}

async function count(promise) {
  hostPromises.count += 1;
  try {
    return await promise;
  } finally {
    hostPromises.count -= 1;
  }
}

/**
 * What a deployment logs when an action ends and operations of it are still under way (convex-backend
 * crates/isolate/src/environment/action/mod.rs, task.rs; npm-packages/node-executor/src/syscalls.ts).
 */
import { inspect } from "node:util";

const HELP = "See https://docs.convex.dev/functions/actions#dangling-promises for more information.";
const NAMES = { "emulator/fetch": "fetch", "1.0/storageStore": "storage.store", "1.0/storageGet": "storage.get" };

/** The lines, none if nothing is under way. */
export function unawaitedLines(operations, isNode) {
  if (operations.length === 0) return [];
  if (isNode) return nodeLines(operations);
  const names = [...new Set(operations.map((operation) => NAMES[operation] ?? shortName(operation)))].sort();
  const what = `unawaited operation${operations.length === 1 ? "" : "s"}`;
  const help = `Async operations should be awaited or they might not run. ${HELP}`;
  return [`${operations.length} ${what}: [${names.join(", ")}]. ${help}`];
}

function nodeLines(operations) {
  const own = operations.filter((operation) => operation.startsWith("1.0/")).map(shortName);
  return [...new Set(own)].map((name) =>
    inspect(
      `You have an outstanding ${name.replace(/^storage/, "storage ")} call. Operations should be awaited or they might ` +
        `not run. Not awaiting promises might result in unexpected failures. ${HELP}`,
    ),
  );
}

const shortName = (operation) => operation.replace("1.0/", "").replace("actions/", "");

/** The physical limit: what comes in goes out, with nothing in between. */
import { Buffer } from "node:buffer";
import { readSync, writeSync } from "node:fs";

const [read, write] = process.argv.slice(2).map(Number);
const buffer = Buffer.allocUnsafe(1 << 16);
for (;;) {
  const size = readSync(read, buffer, 0, buffer.length, null);
  if (size === 0) process.exit(0);
  writeSync(write, buffer, 0, size);
}

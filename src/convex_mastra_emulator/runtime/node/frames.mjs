/**
 * Frames between the emulator and a worker, on two pipes of their own: a length (u32, little-endian), a kind (u8), text.
 *
 * Reading blocks on purpose: a function of a transaction waits for nothing but the emulator, and a blocking answer is
 * there sooner than one the event loop brings.
 */
import { Buffer } from "node:buffer";
import { readSync, writeSync } from "node:fs";

export const KIND = {
  // from the emulator
  load: 1,
  invoke: 2,
  reply: 3,
  refuse: 4,
  abort: 5,
  environment: 6,
  // to the emulator
  syscall: 10,
  result: 11,
  failure: 12,
  log: 13,
  variable: 14,
};

export const READ_FD = Number(process.argv[2]);
const WRITE_FD = Number(process.argv[3]);
const HEAD = 5;
const UTF8_BYTES_MAX = 3; // of one UTF-16 code unit

let frame = Buffer.allocUnsafe(1 << 16);
let buffer = Buffer.allocUnsafe(1 << 16);
let filled = 0;

/** The next frame; undefined when the emulator has gone. Bytes that came along stay for the next one. */
export function readFrame() {
  while (filled < HEAD) if (!readMore(HEAD)) return undefined;
  const size = buffer.readUInt32LE(0);
  while (filled < HEAD + size) if (!readMore(HEAD + size)) return undefined;
  const kind = buffer[4];
  const text = buffer.toString("utf8", HEAD, HEAD + size);
  filled -= HEAD + size;
  if (filled > 0) buffer.copyWithin(0, HEAD + size, HEAD + size + filled);
  return { kind, text };
}

function readMore(wanted) {
  if (buffer.length < wanted) {
    const larger = Buffer.allocUnsafe(Math.max(wanted, buffer.length * 2));
    buffer.copy(larger, 0, 0, filled);
    buffer = larger;
  }
  const count = readSync(READ_FD, buffer, filled, buffer.length - filled, null);
  filled += count;
  return count > 0;
}

/** Takes frames from chunks as they come. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  /** The frames that are whole with this chunk. */
  *feed(chunk) {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEAD) {
      const end = HEAD + this.#rest.readUInt32LE(0);
      if (this.#rest.length < end) return;
      const received = { kind: this.#rest[4], text: this.#rest.toString("utf8", HEAD, end) };
      this.#rest = this.#rest.subarray(end);
      yield received;
    }
  }
}

/** Send a frame. */
export function writeFrame(kind, text) {
  const sizeMax = HEAD + text.length * UTF8_BYTES_MAX;
  if (frame.length < sizeMax) frame = Buffer.allocUnsafe(sizeMax);
  const size = frame.write(text, HEAD, "utf8");
  frame.writeUInt32LE(size, 0);
  frame[4] = kind;
  for (let sent = 0; sent < HEAD + size; ) sent += writeSync(WRITE_FD, frame, sent, HEAD + size - sent);
}

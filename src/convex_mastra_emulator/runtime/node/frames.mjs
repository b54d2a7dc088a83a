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
const decoder = new TextDecoder();
const encoder = new TextEncoder();

let buffer = Buffer.allocUnsafe(1 << 16);
let filled = 0;

/** The next frame; undefined when the emulator has gone. Bytes that came along stay for the next one. */
export function readFrame() {
  while (filled < HEAD) if (!readMore(HEAD)) return undefined;
  const size = buffer.readUInt32LE(0);
  while (filled < HEAD + size) if (!readMore(HEAD + size)) return undefined;
  const kind = buffer[4];
  const text = decoder.decode(buffer.subarray(HEAD, HEAD + size));
  buffer.copyWithin(0, HEAD + size, filled);
  filled -= HEAD + size;
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
      const frame = { kind: this.#rest[4], text: decoder.decode(this.#rest.subarray(HEAD, end)) };
      this.#rest = this.#rest.subarray(end);
      yield frame;
    }
  }
}

/** Send a frame. */
export function writeFrame(kind, text) {
  const frame = frameOf(kind, text);
  let sent = 0;
  while (sent < frame.length) sent += writeSync(WRITE_FD, frame, sent);
}

function frameOf(kind, text) {
  const body = encoder.encode(text);
  const frame = Buffer.allocUnsafe(HEAD + body.length);
  frame.writeUInt32LE(body.length, 0);
  frame[4] = kind;
  frame.set(body, HEAD);
  return frame;
}

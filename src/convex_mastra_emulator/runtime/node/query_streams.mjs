/**
 * Queries whose documents come in batches: npm convex asks for one document at a time, and each would be a round trip.
 *
 * What of a batch was consumed is told along with the next frame, before anything else happens, so that it counts as
 * read when it is; a write makes what was not consumed void, as it may have changed.
 */
const BATCH = 100;
const WRITES = new Set(["1.0/insert", "1.0/shallowMerge", "1.0/replace", "1.0/remove", "1.0/runUdf"]);
// What becomes of the documents that were fetched and not consumed.
const [KEPT, VOID, CLOSED] = [0, 1, 2];
const DONE = '{"value":null,"done":true}';

export class QueryStreams {
  #ask;
  #streams = new Map();
  #lastId = 0;
  #notes = [];

  /** @param ask sends a request to the emulator and gives its answer. */
  constructor(ask) {
    this.#ask = ask;
  }

  /** What was consumed since the last frame: [stream, rows, what of the rest, whether its end was seen]. */
  takeNotes() {
    const notes = this.#notes;
    if (notes.length === 0) return "";
    this.#notes = [];
    return JSON.stringify(notes);
  }

  /** The answer to a synchronous request, or undefined if it is none of a query. */
  answerNow(operation, json) {
    if (operation === "1.0/queryStream") {
      const queryId = (this.#lastId += 1);
      this.#streams.set(queryId, { query: json, rows: [], next: 0, isOpen: false, isDone: false });
      return `{"queryId":${queryId}}`;
    }
    if (operation !== "1.0/queryCleanup") return undefined;
    this.#close(JSON.parse(json).queryId);
    return "true";
  }

  /** The answer to an asynchronous request, or undefined if it is none of a query. */
  answer(operation, json) {
    if (operation === "1.0/queryStreamNext") return this.#next(JSON.parse(json).queryId);
    if (this.#streams.size > 0) this.#settle(WRITES.has(operation));
    return undefined;
  }

  #next(queryId) {
    const stream = this.#streams.get(queryId);
    if (stream === undefined) throw new Error("Invalid queryId");
    if (stream.next === stream.rows.length && !stream.isDone) this.#fetch(queryId, stream);
    if (stream.next === stream.rows.length) {
      stream.sawEnd = true;
      return DONE;
    }
    const row = stream.rows[stream.next];
    stream.next += 1;
    return `{"value":${row},"done":false}`;
  }

  #fetch(queryId, stream) {
    this.#settle(false);
    const query = stream.isOpen ? "" : stream.query;
    // Of a query that is refused the emulator knows nothing.
    const answer = this.#ask("emulator/fetch", `${queryId}\n${BATCH}\n${query}`);
    stream.isOpen = true;
    // A line says whether there is more; each of the others is a document.
    const [state, ...rows] = answer.split("\n");
    Object.assign(stream, { rows, next: 0, isDone: state === "done" });
  }

  #settle(isWrite) {
    for (const [queryId, stream] of this.#streams) {
      const isVoid = isWrite && stream.isOpen;
      if (stream.next > 0 || isVoid) this.#notes.push([queryId, stream.next, isVoid ? VOID : KEPT, false]);
      if (isVoid) Object.assign(stream, { rows: [], next: 0, isDone: false });
      else if (stream.next > 0) Object.assign(stream, { rows: stream.rows.slice(stream.next), next: 0 });
    }
  }

  #close(queryId) {
    const stream = this.#streams.get(queryId);
    this.#streams.delete(queryId);
    if (stream?.isOpen) this.#notes.push([queryId, stream.next, CLOSED, stream.sawEnd === true]);
  }

  /** The function has ended: what it consumed counts, the rest was never read. */
  close() {
    for (const queryId of [...this.#streams.keys()]) this.#close(queryId);
  }
}

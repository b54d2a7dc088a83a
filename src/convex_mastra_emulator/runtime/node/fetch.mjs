/** `fetch` of actions goes through the emulator, where a test answers it or lets it out. */
import { Buffer } from "node:buffer";

const NO_BODY = [101, 204, 205, 304];

/** Replaces `fetch`; `ask` sends a request to the emulator. */
export function setUpFetch(ask) {
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const sent = {
      url: request.url,
      method: request.method,
      headers: [...request.headers],
      body: Buffer.from(await request.arrayBuffer()).toString("base64"),
      redirect: request.redirect,
    };
    request.signal.throwIfAborted();
    const told = JSON.parse(await unlessAborted(request.signal, ask("emulator/fetch", JSON.stringify(sent))));
    if (told.failure !== undefined) throw new TypeError(told.failure);
    return responseOf(request, told);
  };
}

function unlessAborted(signal, promise) {
  const aborted = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([promise, aborted]);
}

function responseOf(request, { status, headers, body, url }) {
  const content = NO_BODY.includes(status) ? null : Buffer.from(body, "base64");
  const response = new Response(content, { status, headers });
  Object.defineProperty(response, "url", { value: url });
  Object.defineProperty(response, "redirected", { value: url !== request.url });
  return response;
}

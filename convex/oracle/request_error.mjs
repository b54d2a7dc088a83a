/** A fault of the request, not of the function it calls: answered with HTTP 400 and {code, message}, as a deployment does. */
export class RequestError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

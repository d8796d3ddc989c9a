import type { ErrorStatus } from "../std_http/status.ts";

/**
 * An error that knows its HTTP status. Thrown in a handler or middleware it becomes that answer, through the nearest
 * error page; `message` is what the visitor reads when there is none.
 */
export class HttpError extends Error {
  status: ErrorStatus;

  constructor(status: ErrorStatus, message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = this.constructor.name;
    this.status = status;
  }
}

/** What every failed assertion throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Ends a message with the caller's words, if there are any. */
export function withReason(message: string, reason: string | undefined): string {
  return reason ? `${message}: ${reason}` : `${message}.`;
}

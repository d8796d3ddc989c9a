/** The error that every failed assertion throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Appends the caller's message, if there is one. */
export function withReason(message: string, reason: string | undefined): string {
  return reason ? `${message}: ${reason}` : `${message}.`;
}

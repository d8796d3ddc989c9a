import { AssertionError, withReason } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- any error class may be given
type ErrorClass<E> = abstract new (...args: any[]) => E;

/** Fails unless the thrown value is an error of the class whose message contains the text. */
function checkError<E>(error: unknown, ErrorClass: ErrorClass<E>, msgIncludes?: string, msg?: string): void {
  if (!(error instanceof Error)) {
    throw new AssertionError(withReason(`Expected "error" to be an Error object`, msg));
  }
  if (!(error instanceof ErrorClass)) {
    const seen = error.constructor?.name;
    throw new AssertionError(
      withReason(`Expected error to be instance of "${ErrorClass.name}", but was "${seen}"`, msg),
      { cause: error },
    );
  }
  if (!msgIncludes || error.message.includes(msgIncludes)) return;
  const [wanted, seen] = [JSON.stringify(msgIncludes), JSON.stringify(error.message)];
  throw new AssertionError(withReason(`Expected error message to include ${wanted}, but got ${seen}`, msg), {
    cause: error,
  });
}

/** Reads the arguments after the function: an error class with a text, or only a message. */
function readArguments<E extends Error>(
  first: ErrorClass<E> | string | undefined,
  second: string | undefined,
  third: string | undefined,
): { ErrorClass?: ErrorClass<E>; msgIncludes?: string; msg?: string } {
  return typeof first === "string" ? { msg: first } : { ErrorClass: first, msgIncludes: second, msg: third };
}

/** Fails unless the function throws; returns the thrown value. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  first?: ErrorClass<E> | string,
  second?: string,
  third?: string,
): E | Error | unknown {
  const { ErrorClass, msgIncludes, msg } = readArguments(first, second, third);
  try {
    fn();
  } catch (error) {
    if (ErrorClass !== undefined) checkError(error, ErrorClass, msgIncludes, msg);
    return error;
  }
  throw new AssertionError(withReason("Expected function to throw", msg));
}

/** Fails unless the function's promise is rejected; returns the reason. Also fails if the function itself throws. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  first?: ErrorClass<E> | string,
  second?: string,
  third?: string,
): Promise<E | Error | unknown> {
  const { ErrorClass, msgIncludes, msg } = readArguments(first, second, third);
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch (cause) {
    throw new AssertionError(withReason("Function throws when expected to reject", msg), { cause });
  }
  if (typeof promise?.then !== "function") {
    throw new AssertionError(withReason("Function throws when expected to reject", msg));
  }
  try {
    await promise;
  } catch (error) {
    if (ErrorClass !== undefined) checkError(error, ErrorClass, msgIncludes, msg);
    return error;
  }
  throw new AssertionError(withReason("Expected function to reject", msg));
}

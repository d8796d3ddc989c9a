import { AssertionError, withReason } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- any error class may be given
type ErrorClass<E> = abstract new (...args: any[]) => E;

/** Fails unless the value is an error, of the class if one is given, whose message has the text or matches. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(withReason(`Expected "error" to be an Error object`, msg));
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      withReason(
        `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}"`,
        msg,
      ),
      { cause: error },
    );
  }
  if (!msgMatches) return;
  const isMatch = typeof msgMatches === "string" ? error.message.includes(msgMatches) : msgMatches.test(error.message);
  if (isMatch) return;
  const wanted = typeof msgMatches === "string" ? JSON.stringify(msgMatches) : String(msgMatches);
  throw new AssertionError(
    withReason(`Expected error message to include ${wanted}, but got ${JSON.stringify(error.message)}`, msg),
    { cause: error },
  );
}

/** What the arguments after the function mean: an error class with a text, or only the caller's words. */
function readArguments<E extends Error>(
  first: ErrorClass<E> | string | undefined,
  second: string | undefined,
  third: string | undefined,
): { ErrorClass?: ErrorClass<E>; msgIncludes?: string; msg?: string } {
  return typeof first === "string" ? { msg: first } : { ErrorClass: first, msgIncludes: second, msg: third };
}

/** Fails unless the function throws; returns what it threw. */
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
    if (ErrorClass !== undefined) assertIsError(error, ErrorClass, msgIncludes, msg);
    return error;
  }
  throw new AssertionError(withReason("Expected function to throw", msg));
}

/** Fails unless the function's promise is rejected; returns the reason. A function that throws at once fails too. */
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
    if (ErrorClass !== undefined) assertIsError(error, ErrorClass, msgIncludes, msg);
    return error;
  }
  throw new AssertionError(withReason("Expected function to reject", msg));
}

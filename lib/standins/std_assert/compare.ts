import { AssertionError, withReason } from "./assertion_error.ts";
import { equal } from "./equal.ts";
import { diff, format } from "./format.ts";

/** Strings are compared as they are, other values as they are printed. */
function difference(actual: unknown, expected: unknown): string {
  const areStrings = typeof actual === "string" && typeof expected === "string";
  return areStrings ? diff(actual, expected) : diff(format(actual), format(expected));
}

/** Fails unless the two are equal all the way down. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`${withReason("Values are not equal", msg)}\n${difference(actual, expected)}`);
}

/** Fails if the two are equal all the way down. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    withReason(`Expected actual: ${format(actual)} not to be: ${format(expected)}`, msg),
  );
}

/** Fails unless the two are the same value, in the sense of `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const isTwin = format(actual) === format(expected);
  throw new AssertionError(
    isTwin
      ? `${withReason("Values have the same structure but are not reference-equal", msg)}\n\n${format(actual)}`
      : `${withReason("Values are not strictly equal", msg)}\n${difference(actual, expected)}`,
  );
}

/** Fails if the two are the same value, in the sense of `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(withReason(`Expected "actual" to not be strictly equal to: ${format(actual)}`, msg));
}

/** Default tolerance as a part of the expected number. */
const RELATIVE_TOLERANCE = 1e-7;

/** Fails unless two numbers differ by at most `tolerance`. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * RELATIVE_TOLERANCE) : RELATIVE_TOLERANCE);
  const delta = Math.abs(expected - actual);
  if (delta <= allowed) return;
  throw new AssertionError(
    withReason(`Expected ${actual} to be close to ${expected}: they differ by ${delta}, allowed is ${allowed}`, msg),
  );
}

function assertOrder(holds: boolean, actual: unknown, sign: string, expected: unknown, msg?: string): void {
  if (!holds) throw new AssertionError(msg ?? `Expect ${format(actual)} ${sign} ${format(expected)}`);
}

/** Fails unless actual > expected. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual > expected, actual, ">", expected, msg);
}

/** Fails unless actual >= expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual >= expected, actual, ">=", expected, msg);
}

/** Fails unless actual < expected. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual < expected, actual, "<", expected, msg);
}

/** Fails unless actual <= expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual <= expected, actual, "<=", expected, msg);
}

import { AssertionError, withReason } from "./assertion_error.ts";
import { equal } from "./equal.ts";
import { diff, format } from "./format.ts";

/** Compares strings as they are and other values as they are printed. */
function difference(actual: unknown, expected: unknown): string {
  const areStrings = typeof actual === "string" && typeof expected === "string";
  return areStrings ? diff(actual, expected) : diff(format(actual), format(expected));
}

/** Fails unless the two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`${withReason("Values are not equal", msg)}\n${difference(actual, expected)}`);
}

/** Fails if the two values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    withReason(`Expected actual: ${format(actual)} not to be: ${format(expected)}`, msg),
  );
}

/** Fails unless the two are the same value by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const isTwin = format(actual) === format(expected);
  throw new AssertionError(
    isTwin
      ? `${withReason("Values have the same structure but are not reference-equal", msg)}\n\n${format(actual)}`
      : `${withReason("Values are not strictly equal", msg)}\n${difference(actual, expected)}`,
  );
}

/** Fails unless the value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(withReason(`Expected actual: "${actual}" to match: "${expected}"`, msg));
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(withReason(`Expected actual: "${actual}" to contain: "${expected}"`, msg));
}

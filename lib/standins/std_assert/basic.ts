import { AssertionError, withReason } from "./assertion_error.ts";
import { equal } from "./equal.ts";
import { format } from "./format.ts";

/** A list of any kind, but not a string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Fails unless the value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** What {@linkcode assertFalse} lets through. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Fails unless the value is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Fails for null and undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(withReason(`Expected actual: "${actual}" to not be null or undefined`, msg));
}

/** Fails unless the value was made by the class or one that extends it. */
// deno-lint-ignore no-explicit-any -- any class may be given
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const seen = actual === null || actual === undefined
    ? String(actual)
    : typeof actual === "object"
    ? actual.constructor?.name ?? "Object"
    : typeof actual;
  throw new AssertionError(
    withReason(`Expected object to be an instance of "${expectedType.name}" but was "${seen}"`, msg),
  );
}

/** Fails if the value was made by the class or one that extends it. */
export function assertNotInstanceOf<A, T>(
  actual: A,
  // deno-lint-ignore no-explicit-any -- any class may be given
  unexpectedType: abstract new (...args: any[]) => T,
  msg?: string,
): asserts actual is Exclude<A, T> {
  if (!(actual instanceof unexpectedType)) return;
  throw new AssertionError(withReason(`Expected object to not be an instance of "${unexpectedType.name}"`, msg));
}

/** Fails unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(withReason(`Expected actual: "${actual}" to match: "${expected}"`, msg));
}

/** Fails if the text matches. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(withReason(`Expected actual: "${actual}" to not match: "${expected}"`, msg));
}

/** Fails unless the text contains the other. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(withReason(`Expected actual: "${actual}" to contain: "${expected}"`, msg));
}

/** Fails unless each expected item equals some item of the list. */
export function assertArrayIncludes<T>(actual: ArrayLikeArg<T>, expected: ArrayLikeArg<T>, msg?: string): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !items.some((item) => equal(wanted, item)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `${withReason(`Expected actual: "${format(actual)}" to include: "${format(expected)}"`, msg)}\nmissing: ${
      format(missing)
    }`,
  );
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(withReason("Failed assertion", msg));
}

/** Fails: for a place that the code must never come to. */
export function unreachable(msg?: string): never {
  throw new AssertionError(withReason("Unreachable", msg));
}

/** Fails: for what is left out on purpose. */
export function unimplemented(msg?: string): never {
  throw new AssertionError(withReason("Unimplemented", msg));
}

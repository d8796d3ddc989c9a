/** Local stand-in for the JSR package `@std/assert`: the assertions that this project's tests use. */
export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "./compare.ts";
export {
  assert,
  assertArrayIncludes,
  assertExists,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertNotInstanceOf,
  assertNotMatch,
  assertStringIncludes,
  fail,
  unimplemented,
  unreachable,
} from "./basic.ts";
export { assertObjectMatch } from "./object_match.ts";
export { assertIsError, assertRejects, assertThrows } from "./errors.ts";

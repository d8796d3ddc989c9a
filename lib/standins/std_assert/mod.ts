/** Local stand-in for the JSR package `@std/assert`: the assertions that this project's tests use. */
export { AssertionError } from "./assertion_error.ts";
export {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "./compare.ts";
export { assertRejects, assertThrows } from "./errors.ts";

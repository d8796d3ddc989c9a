import {
  assert,
  assertEquals,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";

function messageOf(error: unknown): string {
  return error instanceof AssertionError ? error.message : `not an AssertionError: ${error}`;
}

/** Returns the message, without colours, of the AssertionError that `run` must throw. Uses none of the tested assertions. */
function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    // deno-lint-ignore no-control-regex -- the escape character that colours begin with
    if (error instanceof AssertionError) return error.message.replace(/\x1b\[\d+m/g, "");
    throw error;
  }
  throw new Error(`Nothing was thrown by ${run}`);
}

function must(condition: boolean, what: unknown): void {
  if (!condition) throw new Error(`Wrong: ${what}`);
}

/** Whether assertEquals takes the two for equal; it and assertNotEquals must agree. */
function equal(a: unknown, b: unknown): boolean {
  const fails = (check: () => void) => {
    try {
      check();
    } catch {
      return true;
    }
    return false;
  };
  const isEqual = !fails(() => assertEquals(a, b));
  must(isEqual === fails(() => assertNotEquals(a, b)), [a, b]);
  return isEqual;
}

class Point {
  constructor(readonly x: number) {}
}

Deno.test("assertEquals compares content deeply", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const twin: { self?: unknown } = {};
  twin.self = twin;
  const pairs: [unknown, unknown][] = [
    [NaN, NaN],
    [0, -0],
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }],
    [new Date(5), new Date(5)],
    [/a/g, /a/g],
    [new URL("https://a.example"), new URL("https://a.example")],
    [new Set([{ a: 1 }, 2]), new Set([2, { a: 1 }])],
    [new Map([[{ k: 1 }, [1]]]), new Map([[{ k: 1 }, [1]]])],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    [new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
    [new Point(1), new Point(1)],
    [Object.create(null), {}],
    [circle, twin],
    [new Error("x", { cause: 1 }).message, "x"],
  ];
  for (const [a, b] of pairs) must(equal(a, b) && equal(b, a), [a, b]);
});

Deno.test("assertEquals distinguishes values that differ anywhere", () => {
  const pairs: [unknown, unknown][] = [
    [1, "1"],
    [null, undefined],
    [{ a: undefined }, {}],
    [[1, 2], [1]],
    [[undefined], new Array(1)],
    [{ 0: 1 }, [1]],
    [new Date(5), new Date(6)],
    [/a/g, /a/i],
    [new Set([{ a: 1 }]), new Set([{ a: 2 }])],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
    [new Uint8Array([1]), new Int8Array([1])],
    [new Point(1), { x: 1 }],
    [new Point(1), new Point(2)],
    [{ [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 2 }],
    [() => {}, () => {}],
    [{}, null],
  ];
  for (const [a, b] of pairs) must(!equal(a, b) && !equal(b, a), [a, b]);
});

Deno.test("assertEquals shows the lines that differ and the caller's message", () => {
  const message = failure(() => assertEquals({ same: 1, other: 2 }, { same: 1, other: 3 }, "the figures"));
  must(message.includes("Values are not equal: the figures"), message);
  must(
    /\n- {5}other: 2,/.test(message) && /\n\+ {5}other: 3,/.test(message) && /\n {6}same: 1,/.test(message),
    message,
  );
  const text = failure(() => assertEquals("a\nb\nc", "a\nx\nc"));
  must(/\n- {3}b/.test(text) && /\n\+ {3}x/.test(text), text);
  assertEquals([1], [1]);
  assertNotEquals([1], [2]);
  failure(() => assertNotEquals([1], [1]));
});

Deno.test("assertStrictEquals requires the same value and narrows its type", () => {
  const value: unknown = "a";
  assertStrictEquals(value, "a" as const);
  const narrowed: "a" = value;
  must(narrowed === "a", narrowed);
  must(failure(() => assertStrictEquals({}, {})).includes("not reference-equal"), "the message");
  failure(() => assertStrictEquals(0, -0));
  assertStrictEquals(NaN, NaN);
});

Deno.test("assert, assertStringIncludes and assertMatch", () => {
  assert(1);
  failure(() => assert(""));
  assertStringIncludes("abc", "b");
  failure(() => assertStringIncludes("abc", "x"));
  assertMatch("abc", /^a/);
  failure(() => assertMatch("abc", /^b/));
});

Deno.test("assertThrows checks the class and the message and returns the error", () => {
  const thrown = new TypeError("it is broken");
  const run = () => {
    throw thrown;
  };
  must(assertThrows(run, TypeError, "broken") === thrown, "the returned error");
  must(assertThrows(run) === thrown, "the returned error");
  failure(() => assertThrows(() => {}));
  failure(() => assertThrows(run, RangeError));
  failure(() => assertThrows(run, TypeError, "other"));
});

Deno.test("assertRejects checks a promise's reason and requires a promise", async () => {
  const reason = new RangeError("too far");
  must(await assertRejects(() => Promise.reject(reason), RangeError, "far") === reason, "the returned error");
  const messages: string[] = await Promise.all([
    assertRejects(() => Promise.resolve()).then(String, messageOf),
    assertRejects(() => {
      throw reason;
    }).then(String, messageOf),
    assertRejects(() => Promise.reject(reason), TypeError).then(String, messageOf),
  ]);
  must(messages[0]!.includes("Expected function to reject"), messages[0]);
  must(messages[1]!.includes("throws when expected to reject"), messages[1]);
  must(messages[2]!.includes('"TypeError", but was "RangeError"'), messages[2]);
});

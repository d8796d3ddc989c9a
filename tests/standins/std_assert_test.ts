import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";

function messageOf(error: unknown): string {
  return error instanceof AssertionError ? error.message : `not an AssertionError: ${error}`;
}

/** The message, without colours, of the AssertionError that `run` must throw. Uses no assertion, since those are what is tested. */
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
  if (!condition) throw new Error(`Not as it must be: ${what}`);
}

class Point {
  constructor(readonly x: number) {}
}

Deno.test("equal compares content all the way down", () => {
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

Deno.test("equal tells apart what differs anywhere", () => {
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

Deno.test("assertEquals shows the lines that differ, and the caller's words", () => {
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

Deno.test("assertStrictEquals wants the same value and narrows its type", () => {
  const value: unknown = "a";
  assertStrictEquals(value, "a" as const);
  const narrowed: "a" = value;
  must(narrowed === "a", narrowed);
  must(failure(() => assertStrictEquals({}, {})).includes("not reference-equal"), "the message");
  failure(() => assertStrictEquals(0, -0));
  assertNotStrictEquals({}, {});
  failure(() => assertNotStrictEquals(NaN, NaN));
});

Deno.test("truth, presence, class, order and closeness", () => {
  assert(1);
  failure(() => assert(""));
  assertFalse(0);
  failure(() => assertFalse("x"));
  assertExists(0);
  failure(() => assertExists(null));
  assertInstanceOf(new Point(1), Point);
  must(failure(() => assertInstanceOf({}, Point)).includes('"Point" but was "Object"'), "the message");
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  failure(() => assertGreater(1, 1));
  failure(() => assertGreaterOrEqual(0, 1));
  failure(() => assertLess(1, 1));
  failure(() => assertLessOrEqual(2, 1));
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(10, 11, 1);
  failure(() => assertAlmostEquals(10, 11.1, 1));
  failure(() => assertAlmostEquals(NaN, 1));
});

Deno.test("texts and lists contain what is looked for", () => {
  assertStringIncludes("abc", "b");
  failure(() => assertStringIncludes("abc", "x"));
  assertMatch("abc", /^a/);
  failure(() => assertMatch("abc", /^b/));
  assertArrayIncludes([1, { a: 1 }, 3], [{ a: 1 }, 1]);
  must(failure(() => assertArrayIncludes([1], [1, 2])).includes("missing: [\n  2,\n]"), "the message");
});

Deno.test("assertObjectMatch looks only at what is expected, all the way down", () => {
  const shared = { x: 1, y: 2 };
  const actual = { a: 1, b: { c: [1, { d: 2, e: 3 }], f: new Date(0) }, g: new Map([["k", { v: 1, w: 2 }]]), shared };
  assertObjectMatch(actual, { b: { c: [1, { d: 2 }], f: new Date(0) }, g: new Map([["k", { v: 1 }]]) });
  assertObjectMatch({ one: shared, two: shared }, { one: { x: 1 }, two: { y: 2 } });
  failure(() => assertObjectMatch(actual, { b: { c: [1, { d: 9 }] } }));
  failure(() => assertObjectMatch(actual, { missing: undefined }));
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

Deno.test("assertRejects checks a promise's reason, and wants a promise", async () => {
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

Deno.test("fail and unreachable always fail", () => {
  must(failure(() => fail("why")) === "Failed assertion: why", "fail");
  must(failure(() => unreachable()) === "Unreachable.", "unreachable");
});

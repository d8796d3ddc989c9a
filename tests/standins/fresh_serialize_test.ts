import { assert, assertEquals, assertThrows } from "@std/assert";
import { computed, signal } from "@preact/signals";
import fc from "fast-check";
import { deserialize } from "../../lib/standins/fresh_core/deserialize.ts";
import { serialize } from "../../lib/standins/fresh_core/serialize.ts";

const makers = {
  signal,
  computed: (value: unknown) => computed(() => value),
  slot: (id: number) => ({ isSlot: id }),
};

function write(value: unknown): string {
  return serialize(value, { slotOf: () => null });
}

function roundTrip<T>(value: T): T {
  return deserialize(JSON.parse(write(value)), makers) as T;
}

Deno.test("every kind of value that upstream can send arrives as it was", () => {
  const value = {
    text: "a\u2028</script>",
    numbers: [0, -0, NaN, Infinity, -Infinity, 1e300, -1.5],
    big: -(2n ** 70n),
    nothing: undefined,
    nil: null,
    yes: true,
    date: new Date(1e12),
    url: new URL("https://a.example/?q#f"),
    pattern: /a\/b/giu,
    bytes: new Uint8Array([0, 255]),
    set: new Set([1, new Set(["x"])]),
    map: new Map<unknown, unknown>([[{ k: 1 }, [2]], ["s", undefined]]),
  };
  const back = roundTrip(value);
  assertEquals(back, value);
  assert(Object.is(back.numbers[1], -0) && Object.is(back.numbers[0], 0));
  assert(!(1 in roundTrip([1, , 3])));
  assert(Number.isNaN(roundTrip(new Date(NaN)).getTime()));
});

Deno.test("only the bytes of a view on a larger buffer are sent", () => {
  assertEquals(roundTrip(new Uint8Array([9, 1, 2, 9]).subarray(1, 3)), new Uint8Array([1, 2]));
});

Deno.test("shared, circular and signal references stay what they are", () => {
  const inner = { n: 1 };
  const circle: { self?: unknown; inner: object; again: object } = { inner, again: inner };
  circle.self = circle;
  const back = roundTrip(circle);
  assert(back.self === back && back.inner === back.again);

  const one = signal<unknown>(1);
  const signals = roundTrip([one, one, computed(() => 5)]);
  assert(signals[0] === signals[1]);
  (signals[0] as typeof one).value = 2;
  assertEquals([signals[1]!.value, signals[2]!.value], [2, 5]);

  const loop = signal<unknown>(null);
  loop.value = { loop };
  const backLoop = roundTrip(loop) as typeof loop;
  assert((backLoop.value as { loop: unknown }).loop === backLoop);
});

Deno.test("the key __proto__ is a property and pollutes nothing", () => {
  const back = roundTrip(JSON.parse('{"__proto__": {"polluted": 1}}'));
  assert(!("polluted" in back));
  assertEquals(Object.keys(back), ["__proto__"]);
});

Deno.test("functions, symbols and class instances are refused, with their place named", () => {
  class Thing {}
  assertThrows(() => write({ a: { onClick: () => {} } }), TypeError, '"a.onClick" is a function');
  assertThrows(() => write([Symbol("s")]), TypeError, "symbol");
  assertThrows(() => write({ thing: new Thing() }), TypeError, '"thing" is a Thing');
});

Deno.test("any JSON value arrives as it was, and what is sent never ends or comments out a script", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("</script>", "<!--", "-->", "<script", "]]>"),
  );
  fc.assert(fc.property(fc.jsonValue(), hostile, (value, text) => {
    const all = { value, text, [text]: text };
    const written = write(all);
    assert(!/[<>\u2028\u2029]/.test(written));
    const expected = JSON.parse(JSON.stringify(all));
    assertEquals(JSON.parse(JSON.stringify(roundTrip(all))), expected);
  }));
});

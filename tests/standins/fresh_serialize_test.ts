import { assert, assertEquals, assertThrows } from "@std/assert";
import { signal } from "@preact/signals";
import fc from "fast-check";
import { h } from "preact";
import { serialize } from "../../lib/standins/fresh_core/render/serialize.ts";

/** Reads what the browser gets: a string literal of JavaScript with JSON in it. */
function roundTrip(value: unknown): unknown {
  return JSON.parse((0, eval)(serialize([value])))[0];
}

Deno.test("the key __proto__ is a property and pollutes nothing", () => {
  const back = roundTrip(JSON.parse('{"__proto__": {"polluted": 1}}')) as object;
  assert(!("polluted" in back));
  assertEquals(Object.keys(back), ["__proto__"]);
});

Deno.test("an undefined property arrives as a missing one", () => {
  assertEquals(roundTrip({ a: undefined, b: 1 }), { b: 1 });
});

Deno.test("values that JSON would change are refused, and the message names the prop", () => {
  class Thing {}
  const refused = (value: unknown, message: string) => assertThrows(() => serialize([value]), TypeError, message);
  refused({ a: { onClick: () => {} } }, '"onClick" is a function');
  refused([Symbol("s")], "symbol");
  refused({ big: 1n }, '"big" is a bigint');
  refused({ rate: NaN }, '"rate" is NaN');
  refused({ thing: new Thing() }, '"thing" is a Thing');
  refused({ at: new Date(0) }, '"at" is a Date');
  refused({ map: new Map() }, '"map" is a Map');
  refused({ count: signal(1) }, '"count" is a ');
  refused({ children: h("p", null) }, '"children" is a JSX element');
});

Deno.test("any JSON value arrives unchanged, and no value ends or comments out the script", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("</script>", "<!--", "-->", "<script", "]]>"),
  );
  fc.assert(fc.property(fc.jsonValue(), hostile, (value, text) => {
    const all = { value, text, [text]: text };
    assert(!/[<>\u2028\u2029]/.test(serialize([all])));
    assertEquals(roundTrip(all), JSON.parse(JSON.stringify(all)));
  }));
});

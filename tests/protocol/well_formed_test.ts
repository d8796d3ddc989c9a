import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isWellFormed, toWellFormed } from "../../lib/shared/well_formed.ts";

Deno.test("texts are found and made well-formed as the language itself does where it can", () => {
  fc.assert(fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (text) => {
    assertEquals(isWellFormed(text), text.isWellFormed());
    assertEquals(toWellFormed(text), text.toWellFormed());
  }));
  fc.assert(fc.property(
    fc.array(fc.constantFrom("a", "\ud83c", "\udf89", "🎉")).map((parts) => parts.join("")),
    (text) => {
      assertEquals(isWellFormed(text), text.isWellFormed());
      assertEquals(toWellFormed(text), text.toWellFormed());
    },
  ));
});

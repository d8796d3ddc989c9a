import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { linkify } from "@/lib/ui/linkify.ts";

const links = (text: string) => linkify(text).filter((part) => part.href !== undefined);

Deno.test("http and https addresses and www names become links, nothing else does", () => {
  assertEquals(linkify("see https://a.example/x and http://b.example"), [
    { text: "see " },
    { text: "https://a.example/x", href: "https://a.example/x" },
    { text: " and " },
    { text: "http://b.example", href: "http://b.example/" },
  ]);
  assertEquals(links("www.a.example"), [{ text: "www.a.example", href: "https://www.a.example/" }]);
  for (
    const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc", "a.example", "me@a.example", "https://"]
  ) {
    assertEquals(linkify(text), [{ text }]);
  }
});

Deno.test("punctuation of the sentence after a link is not part of it", () => {
  for (const after of [".", ",", "!", "?", ":", ";", "…", ")", "”", "'", "**", "。"]) {
    assertEquals(links(`https://a.example/x${after}`)[0]?.text, "https://a.example/x", after);
  }
});

Deno.test("a bracket that opens inside a link closes inside it", () => {
  assertEquals(links("(https://a.example/x_(y))")[0]?.text, "https://a.example/x_(y)");
});

Deno.test("a link that hides its host behind a name stays text", () => {
  assertEquals(links("https://bank.example@evil.example/"), []);
});

Deno.test("a link cannot hold characters that turn or hide text", () => {
  assertEquals(links("https://a.example/\u202Egnp.exe")[0]?.text, "https://a.example/");
});

Deno.test("an address inside a word is not a link", () => {
  assertEquals(links("xhttps://a.example"), []);
});

Deno.test("the parts of any text joined are the text, and every link is http or https", () => {
  const piece = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("https://", "http://", "www.", "a.example", "javascript:", "(", ")", "@", " ", "\u202E"),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      const parts = linkify(text);
      assertEquals(parts.map((part) => part.text).join(""), text);
      for (const { href } of parts) assert(href === undefined || /^https?:\/\//.test(href), href);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a text made to slow the link finder down takes no longer", () => {
  const startedAt = performance.now();
  for (const unit of ["https://a.example)", "www.", "https://((((", "!?!?!?", "https://a.example/!!!!"]) {
    linkify(unit.repeat(2_000));
  }
  assert(performance.now() - startedAt < 1_000);
});

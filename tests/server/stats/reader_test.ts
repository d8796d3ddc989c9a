/** Access to the figures. */
import { assertEquals } from "@std/assert";
import { FigureReaders } from "../../../lib/server/stats/reader.ts";

const TOKEN = "a long token of the operator";
const basic = (text: string) => new Headers({ authorization: `Basic ${btoa(text)}` });
const bearer = (text: string) => new Headers({ authorization: `Bearer ${text}` });

const guarded = (token: string | undefined) => new FigureReaders({ publicFigures: false, token });

Deno.test("public figures are open to everybody, closed ones to nobody without a token", () => {
  assertEquals(new FigureReaders({ publicFigures: true, token: undefined }).refusal(new Headers(), "a", 0), undefined);
  assertEquals(guarded(undefined).refusal(bearer("undefined"), "a", 0)?.status, 403);
});

Deno.test("with a token, only requests that present it are answered, as Bearer token or as a browser's password", () => {
  const readers = guarded(TOKEN.replaceAll(" ", "-"));
  const token = TOKEN.replaceAll(" ", "-");
  assertEquals(readers.refusal(bearer(token), "a", 0), undefined);
  assertEquals(readers.refusal(basic(`anybody:${token}`), "a", 0), undefined);
  const wrong = [new Headers(), bearer(`${token}x`), basic(token.slice(1)), bearer(""), basic(`${token}:x`)];
  wrong.push(new Headers({ authorization: "Basic %%%" }), new Headers({ authorization: `Digest ${token}` }));
  for (const headers of wrong) {
    const refusal = readers.refusal(headers, "a", 0);
    assertEquals([refusal?.status, refusal?.headers.get("www-authenticate")?.slice(0, 5)], [401, "Basic"]);
  }
});

Deno.test("guessing is slow and locks nobody out for long", () => {
  const readers = guarded("0123456789abcdef");
  const tried = Array.from({ length: 1_000 }, (_, n) => readers.refusal(bearer(`guess${n}`), "a", 0)?.status);
  assertEquals(tried.filter((status) => status === 401).length, 21);
  assertEquals(tried.filter((status) => status === 429).length, 979);
  assertEquals(readers.refusal(bearer("0123456789abcdef"), "a", 2_000), undefined);
});

Deno.test("a guesser keeps nobody else from reading, and is forgotten when very many addresses guess", () => {
  const readers = guarded("0123456789abcdef");
  for (let n = 0; n < 100; n++) readers.refusal(bearer("guess"), "a", 0);
  assertEquals(readers.refusal(bearer("0123456789abcdef"), "a", 0)?.status, 429);
  assertEquals(readers.refusal(bearer("0123456789abcdef"), "b", 0), undefined);
  for (let n = 0; n < 1_000; n++) readers.refusal(bearer("guess"), `other ${n}`, 0);
  assertEquals(readers.refusal(bearer("0123456789abcdef"), "a", 0), undefined);
});

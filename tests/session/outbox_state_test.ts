/** The outbox as a value: numbers without holes or doubles, whatever happens to single entries. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  EMPTY_OUTBOX,
  enqueue,
  fill,
  type OutboxState,
  raise,
  refuse,
  renumber,
  settle,
  sign,
} from "../../lib/session/outbox/outbox_state.ts";
import { OUTBOX_MAX_EVENTS } from "../../lib/session/ports/session_limits.ts";
import type { WireEvent } from "../../lib/protocol/event.ts";

const draft = (text: string) => ({ at: 1, content: { kind: "message" as const, body: { name: "Ada", text } } });
const noop = { at: 2, content: { kind: "profile" as const, body: { name: "Ada" } } };
const NONE = { n: 0, clock: 0 };

const wireOf = (text: string): WireEvent => [text, text];
const numbers = (book: OutboxState) => book.entries.filter((entry) => entry.refused === undefined).map(({ n }) => n);

Deno.test("numbers and clocks go on from the highest known here or there", () => {
  let book = enqueue(EMPTY_OUTBOX, draft("a"), { n: 4, clock: 90 });
  assertEquals([book.n, book.clock], [5, 91]);
  book = enqueue(book, draft("b"), { n: 2, clock: 10 });
  assertEquals([book.n, book.clock], [6, 92]);
  book = enqueue(raise(book, { n: 9, clock: 200 }), draft("c"), NONE);
  assertEquals([book.n, book.clock], [10, 201]);
});

Deno.test("a full book takes nothing", () => {
  let book = EMPTY_OUTBOX;
  for (let at = 0; at < OUTBOX_MAX_EVENTS; at++) book = enqueue(book, draft("x"), NONE);
  assertEquals(enqueue(book, draft("one more"), NONE), book);
});

Deno.test("the first signature of an entry wins", () => {
  const book = enqueue(EMPTY_OUTBOX, draft("a"), NONE);
  const [entry] = book.entries;
  const signed = sign(sign(book, entry!, wireOf("first")), entry!, wireOf("second"));
  assertEquals(signed.entries[0]?.wire, wireOf("first"));
});

Deno.test("a refused entry stays for its writer, and a noop takes its number", () => {
  let book = enqueue(enqueue(EMPTY_OUTBOX, draft("a"), NONE), draft("b"), NONE);
  const entry = book.entries[0]!;
  book = refuse(book, entry, "wrong_kind", noop);
  assertEquals(book.entries.map(({ n, refused, noop: noop }) => [n, refused, noop]), [
    [1, "wrong_kind", undefined],
    [1, undefined, true],
    [2, undefined, undefined],
  ]);
  // Another tab heard the same refusal: nothing happens twice.
  assertEquals(refuse(book, entry, "wrong_kind", noop), book);
  assertEquals(book.n, 2);
});

Deno.test("an entry whose number is taken gets a new one at the end, and has to be signed again", () => {
  let book = enqueue(enqueue(EMPTY_OUTBOX, draft("a"), NONE), draft("b"), NONE);
  book = sign(book, book.entries[0]!, wireOf("a"));
  const entry = book.entries[0]!;
  book = renumber(book, entry, { n: 7, clock: 0 });
  assertEquals(book.entries.map(({ key, n, wire }) => [key, n, wire]), [[2, 2, undefined], [1, 8, undefined]]);
  assertEquals(renumber(book, entry, { n: 7, clock: 0 }), book);
});

Deno.test("numbers that are lost on both sides are filled, up to the bound", () => {
  const book = enqueue(raise(EMPTY_OUTBOX, { n: 5, clock: 5 }), draft("a"), NONE);
  assertEquals(numbers(fill(book, 3, noop, 100)), [3, 4, 5, 6]);
  assertEquals(fill(book, 3, noop, 2), book);
  assertEquals(fill(book, 6, noop, 100), book);
});

/** What may happen to a book: somebody writes, an entry is signed, stored, or refused. */
const step = fc.record({
  act: fc.constantFrom("write", "sign", "store", "refuse", "renumber" as const),
  pick: fc.nat(),
});

Deno.test("whatever happens, every number up to the highest is in the book once or was used up", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let book = EMPTY_OUTBOX;
      const used = new Set<number>();
      const clocks = new Set<number>();
      for (const { act, pick } of steps) {
        const waiting = book.entries.filter((entry) => entry.refused === undefined);
        const entry = waiting[pick % Math.max(1, waiting.length)];
        if (act === "write") book = enqueue(book, draft(`${pick}`), NONE);
        if (entry === undefined) continue;
        if (act === "sign") book = sign(book, entry, wireOf(`${entry.key}`));
        // A server stores and refuses in the order of n only; the book does not rely on it.
        if (act === "store") book = settle(book, new Set([entry.key]));
        if (act === "refuse") book = refuse(book, entry, "bad_event", noop);
        if (act === "renumber") book = renumber(book, entry, NONE);
        if (act === "store" || act === "renumber") used.add(entry.n);
      }
      const inBook = numbers(book);
      assertEquals(inBook, [...inBook].sort((a, b) => a - b));
      assertEquals(new Set(inBook).size, inBook.length);
      for (const { clock } of book.entries) {
        assert(!clocks.has(clock) && clock <= book.clock);
        clocks.add(clock);
      }
      for (let n = 1; n <= book.n; n++) assert(used.has(n) !== inBook.includes(n), `number ${n} of ${book.n}`);
    }),
    { numRuns: 500 },
  );
});

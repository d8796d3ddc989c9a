/** The outbox as a value: numbers without holes or doubles, whatever happens to single entries. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  EMPTY_OUTBOX,
  enqueue,
  fill,
  isReplaced,
  type OutboxState,
  raise,
  refuse,
  renumber,
  restore,
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

Deno.test("numbers and clocks continue from the highest known on either side", () => {
  let book = enqueue(EMPTY_OUTBOX, draft("a"), { n: 4, clock: 90 });
  assertEquals([book.n, book.clock], [5, 91]);
  book = enqueue(book, draft("b"), { n: 2, clock: 10 });
  assertEquals([book.n, book.clock], [6, 92]);
  book = enqueue(raise(book, { n: 9, clock: 200 }), draft("c"), NONE);
  assertEquals([book.n, book.clock], [10, 201]);
});

Deno.test("a full outbox takes nothing", () => {
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

Deno.test("a refused entry stays for its writer, and a no-op takes its number", () => {
  let book = enqueue(enqueue(EMPTY_OUTBOX, draft("a"), NONE), draft("b"), NONE);
  const entry = book.entries[0]!;
  book = refuse(book, entry, "wrong_kind", noop);
  assertEquals(book.entries.map(({ n, refused, noop: noop }) => [n, refused, noop]), [
    [1, "wrong_kind", undefined],
    [1, undefined, true],
    [2, undefined, undefined],
  ]);
  // Another tab handled the same refusal: nothing happens twice.
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

Deno.test("numbers lost on both sides are filled, up to the limit", () => {
  const book = enqueue(raise(EMPTY_OUTBOX, { n: 5, clock: 5 }), draft("a"), NONE);
  assertEquals(numbers(fill(book, 3, noop, 100)), [3, 4, 5, 6]);
  assertEquals(fill(book, 3, noop, 2), book);
  assertEquals(fill(book, 6, noop, 100), book);
});

/** Changes of an outbox: somebody writes, an entry is signed, stored, or refused. */
const step = fc.record({
  act: fc.constantFrom("write", "sign", "store", "refuse", "renumber" as const),
  pick: fc.nat(),
});

Deno.test("after any sequence of changes every number up to the highest is in the outbox once or used up", () => {
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
        // A server stores and refuses in the order of n only; the outbox does not rely on it.
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

Deno.test("a lost outbox is restored once by any number of tabs, and takes no number or key from entries added in between", () => {
  const step = fc.record({ text: fc.string(), signed: fc.boolean(), refused: fc.boolean() });
  fc.assert(fc.property(fc.array(step), fc.array(step), (before, between) => {
    const play = (book: OutboxState, steps: typeof before, at: number) => {
      for (const { text, signed, refused } of steps) {
        book = enqueue(book, { ...draft(text), at: at++ }, NONE);
        const entry = book.entries.at(-1)!;
        if (signed) book = sign(book, entry, wireOf(`${at} ${text}`));
        if (refused) book = refuse(book, book.entries.at(-1)!, "wrong_kind", undefined);
      }
      return { ...book, revision: steps.length };
    };
    const known: OutboxState = { ...play(EMPTY_OUTBOX, before, 1), id: "known" };
    const found: OutboxState = { ...play(EMPTY_OUTBOX, between, 1_000), id: "found" };
    assert(isReplaced(known, found) && !isReplaced(known, known));
    const restored = restore(found, known);
    assertEquals(restore(restored, known), restored);
    assertEquals(restored.entries.length, before.length + between.length);
    assertEquals(new Set(restored.entries.map(({ key }) => key)).size, restored.entries.length);
    for (const { entries } of [known, found]) {
      for (const entry of entries) {
        const there = restored.entries.find(({ at }) => at === entry.at)!;
        assertEquals([there.content, there.wire, there.refused], [entry.content, entry.wire, entry.refused]);
        if (entry.wire !== undefined) assertEquals(there.n, entry.n); // Signed bytes keep their number.
      }
    }
    const next = enqueue(restored, { ...draft("next"), at: 5_000 }, NONE).entries.find(({ at }) => at === 5_000)!;
    for (const { n, clock, key } of restored.entries) assert(n < next.n && clock < next.clock && key < next.key);
    // No text without a signature shares its number with another one that is still to be sent.
    const waiting = restored.entries.filter(({ refused }) => refused === undefined);
    for (const entry of waiting.filter(({ wire, at }) => wire === undefined && at < 1_000)) {
      assertEquals(waiting.filter(({ n }) => n === entry.n).length, 1, `${entry.n}`);
    }
  }));
});

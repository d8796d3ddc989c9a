/** The view of a room: the same lines for the same events, whatever way they came. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { Timeline, type TimelineItem } from "../../lib/chat/timeline.ts";
import { compareEvents } from "../../lib/protocol/event.ts";
import type { Event, EventContent } from "../../lib/kinds/kinds.ts";

const AUTHORS = ["ada", "bo", "cy"].map((name) => name.padEnd(43, "_"));
const [ADA, BO, CY] = AUTHORS as [string, string, string];

let serial = 0;

/** An event as the timeline sees it: it looks at no signature and no payload. */
function event(author: string, clock: number, content: EventContent, id = `e${++serial}`, n = clock): Event {
  return { id, room: "room", author, n, clock, at: clock, wire: ["", ""], ...content };
}

const message = (author: string, clock: number, text: string, name = author.slice(0, 2)) =>
  event(author, clock, { kind: "message", body: { name, text } });
const reply = (author: string, clock: number, text: string, to: Event) =>
  event(author, clock, { kind: "reply", body: { name: author.slice(0, 2), text, to: to.id } });
const edit = (author: string, clock: number, to: Event, text: string) =>
  event(author, clock, { kind: "edit", body: { to: to.id, text } });
const retract = (author: string, clock: number, to: Event) =>
  event(author, clock, { kind: "retract", body: { to: to.id, n: to.n } });
const react = (author: string, clock: number, to: Event, emoji: string, on = true) =>
  event(author, clock, { kind: "reaction", body: { to: to.id, emoji, on } });
const profile = (author: string, clock: number, name: string) =>
  event(author, clock, { kind: "profile", body: { name } });

function folded(...events: Event[]): Timeline {
  const timeline = new Timeline({ me: ADA, host: BO });
  timeline.add(events);
  return timeline;
}

function only(timeline: Timeline): Extract<TimelineItem, { type: "message" }> {
  const [item] = timeline.items;
  assert(item?.type === "message");
  return item;
}

Deno.test("lines stand in the order of clock, author and n", () => {
  const events = [message(CY, 2, "c"), message(ADA, 2, "b"), message(BO, 1, "a")];
  const timeline = folded(...events);
  assertEquals(timeline.items.map(({ id }) => id), events.toSorted(compareEvents).map(({ id }) => id));
});

Deno.test("a reply quotes its message's current text, also when that arrives later", () => {
  const asked = message(BO, 1, "asked");
  const answered = reply(ADA, 2, "answered", asked);
  const timeline = folded(answered);
  assertEquals(only(timeline).replyTo, { id: asked.id });
  timeline.add([asked]);
  const quote = () => {
    const item = timeline.items.at(-1);
    assert(item?.type === "message");
    return item.replyTo;
  };
  assertEquals([quote()?.text, quote()?.author?.author], ["asked", BO]);
  timeline.add([edit(BO, 3, asked, "asked better")]);
  assertEquals(quote()?.text, "asked better");
  timeline.add([retract(BO, 4, asked)]);
  assertEquals(quote()?.text, undefined);
});

Deno.test("only its author edits or deletes a message, and the last edit in order wins", () => {
  const said = message(BO, 1, "one");
  const timeline = folded(said, edit(BO, 5, said, "three"), edit(BO, 3, said, "two"), edit(CY, 9, said, "not mine"));
  assertEquals([only(timeline).text, only(timeline).edited], ["three", true]);
  timeline.add([retract(CY, 10, said)]);
  assertEquals(only(timeline).text, "three");
  timeline.add([retract(BO, 4, said)]);
  assertEquals(timeline.items[0]?.type, "retracted");
});

Deno.test("another person's retract that arrives first does not keep an author's retract from deleting", () => {
  const said = message(BO, 1, "one");
  const timeline = folded(retract(CY, 10, said), retract(BO, 4, said), said);
  assertEquals(timeline.items[0]?.type, "retracted");
});

Deno.test("the line of a deleted file keeps its root, because devices hold the file", () => {
  const file = { name: "map.pdf", type: "application/pdf", bytes: 1, root: "A".repeat(43) };
  const said = event(BO, 1, { kind: "file", body: { name: "Bo", file } });
  const timeline = folded(said, retract(BO, 2, said));
  const [item] = timeline.items;
  assert(item?.type === "retracted");
  assertEquals(item.root, file.root);
});

Deno.test("a reaction counts once per author and emoji, and the last one in order says whether it is on", () => {
  const said = message(BO, 1, "text");
  const timeline = folded(
    said,
    react(ADA, 2, said, "🎉"),
    react(ADA, 3, said, "🎉"),
    react(CY, 4, said, "🎉"),
    react(CY, 5, said, "🔥"),
    react(CY, 7, said, "🔥", false),
    react(CY, 6, said, "🔥"),
  );
  assertEquals(only(timeline).reactions, [{ emoji: "🎉", count: 2, mine: true }]);
});

Deno.test("the latest name in order is shown on all of an author's lines, and a change of it is a line", () => {
  const timeline = folded(message(BO, 1, "hi", "Bo"), profile(BO, 2, "Bob"), profile(BO, 3, "Bob"));
  assertEquals(timeline.items.map(({ type }) => type), ["message", "note"]);
  assertEquals(only(timeline).author.name, "Bob");
  timeline.add([message(BO, 0, "earlier", "Bob")]);
  assertEquals(timeline.items.map(({ type }) => type), ["message", "message", "note"]);
});

Deno.test("a first name is no change of name", () => {
  assertEquals(folded(profile(BO, 1, "Bo")).items, []);
});

Deno.test("a name that somebody else used before is marked, however it is written; the first one is not", () => {
  const timeline = folded(message(CY, 5, "me too", "jOHN "));
  const copied = () => timeline.items.map((item) => item.type === "message" && item.author.copiedName);
  assertEquals(copied(), [false]);
  timeline.add([message(BO, 2, "I was here first", "John")]);
  assertEquals(copied(), [false, true]);
  timeline.add([message(CY, 1, "no, me", "john")]);
  assertEquals(copied(), [false, true, false]);
});

Deno.test("the genesis event is a line, and a sealed event that did not open is an unreadable one", () => {
  const timeline = folded(
    event(BO, 1, { kind: "room", body: { roomKind: "sealed", name: "Stage" } }),
    event(CY, 2, { kind: "sealed", body: { sealed: "A".repeat(40) } }),
  );
  assertEquals(timeline.items.map((item) => item.type === "note" ? item.name : item.type), ["Stage", "unreadable"]);
  assert(timeline.items[0]?.type === "note" && timeline.items[0].author.host);
});

Deno.test("[PHONES-2] own waiting messages are last, by number, and move to their place when stored", () => {
  const timeline = folded(message(BO, 5, "theirs"));
  const mine = [message(ADA, 2, "second"), message(ADA, 1, "first")];
  for (const waiting of mine) timeline.setDelivery(waiting.id, { state: "queued" });
  timeline.add(mine);
  const texts = () => timeline.items.map((item) => item.type === "message" && item.text);
  assertEquals(texts(), ["theirs", "first", "second"]);
  timeline.setDelivery(mine[0]!.id, { state: "on_its_way" });
  timeline.setDelivery(mine[1]!.id, { state: "stored" });
  assertEquals(texts(), ["first", "theirs", "second"]);
  const item = timeline.items.at(-1);
  assert(item?.type === "message" && item.delivery?.state === "on_its_way");
  assert(timeline.items[1]?.type === "message" && timeline.items[1].delivery === undefined);
});

Deno.test("[PHONES-2] mine that other phones hold stand among theirs, and go back to the end when they are refused", () => {
  const timeline = folded(message(BO, 5, "theirs"));
  const mine = message(ADA, 1, "mine");
  timeline.setDelivery(mine.id, { state: "queued" });
  timeline.add([mine]);
  const texts = () => timeline.items.map((item) => item.type === "message" && item.text);
  assertEquals(texts(), ["theirs", "mine"]);
  for (const phones of [1, 2]) {
    timeline.setDelivery(mine.id, { state: "on_phones", phones });
    assertEquals(texts(), ["mine", "theirs"]);
  }
  const item = timeline.items[0];
  assert(item?.type === "message" && item.delivery?.state === "on_phones" && item.delivery.phones === 2);
  timeline.setDelivery(mine.id, { state: "refused", reason: "too_long" });
  assertEquals(texts(), ["theirs", "mine"]);
  timeline.setDelivery(mine.id, { state: "stored" });
  assertEquals(texts(), ["mine", "theirs"]);
});

Deno.test("gaps stand right above the first event after them, the lost part on top", () => {
  const above = message(BO, 5, "after");
  const timeline = folded(message(BO, 1, "before"), above);
  timeline.setGaps([{ id: "g", count: 3, gone: false, above }, { id: "l", count: 2, gone: true, above }]);
  assertEquals(timeline.items.map(({ id, type }) => type === "gap" ? id : type), ["message", "l", "g", "message"]);
  timeline.setGaps([{ id: "g2", count: 1, gone: false, above }]);
  assertEquals(timeline.items.map(({ id, type }) => type === "gap" ? id : type), ["message", "g2", "message"]);
  timeline.setGaps([]);
  assertEquals(timeline.items.length, 2);
});

Deno.test("items that an added event does not change keep their identity; nothing new gives the same array", () => {
  const said = message(BO, 1, "one");
  const timeline = folded(said, message(CY, 2, "two"));
  const before = timeline.items;
  timeline.add([said]);
  assertStrictEquals(timeline.items, before);
  timeline.add([message(BO, 3, "three"), react(CY, 4, said, "🎉")]);
  assert(timeline.items[0] !== before[0]);
  assertStrictEquals(timeline.items[1], before[1]);
});

Deno.test("a message that came late says so; other lines keep their identity, and another log forgets it", () => {
  const minutes = (said: Event) => ({ ...said, at: said.clock * 60_000 });
  const events = [1, 3, 4].map((clock) => minutes(message(BO, clock, `${clock}`)));
  const carried = minutes(message(CY, 2, "carried"));
  const timeline = folded(...events);
  timeline.setPositions(events.map((event, at) => [at + 1, event]));
  const before = timeline.items;
  timeline.add([carried]);
  const late = () => timeline.items.map((item) => item.type === "message" && item.late === true);
  assertEquals(late(), [false, false, false, false]);
  timeline.setPositions([[4, carried]]);
  assertEquals(late(), [false, true, false, false]);
  const lines = timeline.items;
  assertStrictEquals(lines[0], before[0]);
  assertStrictEquals(lines[3], before[2]);
  // Said again, and of an event that is not held: nothing new.
  timeline.setPositions([[4, carried], [5, message(ADA, 1, "not here")]]);
  assertStrictEquals(timeline.items, lines);
  timeline.remove([events[1]!.id]);
  assertEquals(late(), [false, true, false]);
  timeline.remove([events[2]!.id]);
  assertEquals(late(), [false, false]);
  timeline.add(events);
  timeline.setPositions([[2, events[1]!], [3, events[2]!]]);
  assertEquals(late(), [false, true, false, false]);
  timeline.forgetPositions();
  assertEquals(late(), [false, false, false, false]);
});

// ---- properties ----

/** A conversation of many kinds of events: what comes later may be about anything before or after it. */
const conversation: fc.Arbitrary<Event[]> = fc.array(
  fc.record({
    author: fc.constantFrom(...AUTHORS),
    clock: fc.integer({ min: 1, max: 12 }),
    n: fc.integer({ min: 1, max: 4 }),
    to: fc.nat({ max: 20 }),
    kind: fc.constantFrom("message", "reply", "file", "edit", "retract", "reaction", "profile", "sealed" as const),
    name: fc.constantFrom("Ann", "ann ", "Ben", "8en"),
    on: fc.boolean(),
  }),
  { minLength: 1, maxLength: 21 },
).map((drafts) =>
  drafts.map(({ author, clock, n, to, kind, name, on }, at) => {
    const target = `p${to}`;
    const contents: Record<typeof kind, EventContent> = {
      message: { kind: "message", body: { name, text: `text ${at}` } },
      reply: { kind: "reply", body: { name, text: `reply ${at}`, to: target } },
      file: { kind: "file", body: { name, file: { name: `file ${at}`, type: "a/b", bytes: 1, root: "A".repeat(43) } } },
      edit: { kind: "edit", body: { text: `edit ${at}`, to: target } },
      retract: { kind: "retract", body: { to: target, n: 1 } },
      reaction: { kind: "reaction", body: { to: target, emoji: on ? "🎉" : "🔥", on: clock % 3 > 0 } },
      profile: { kind: "profile", body: { name } },
      sealed: { kind: "sealed", body: { sealed: "A".repeat(40) } },
    };
    return event(author, clock, contents[kind], `p${at}`, n);
  })
);

Deno.test("the same set of events gives the same lines, in any order, with any doubles, in any portions", () => {
  fc.assert(
    fc.property(
      conversation.chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 }),
          fc.integer({ min: 1, max: 5 }),
        )
      ),
      ([events, shuffled, portion]) => {
        const expected = folded(...events.toSorted(compareEvents)).items;
        const timeline = folded();
        for (let at = 0; at < shuffled.length; at += portion) {
          timeline.add(shuffled.slice(at, at + portion));
          assert(timeline.items.length <= events.length);
        }
        assertEquals(timeline.items, expected);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("[STUB-3] a phone that never held a deleted message shows the same lines as one that did", () => {
  fc.assert(
    fc.property(
      conversation.chain((events) =>
        fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))
      ),
      ([events, shuffled]) => {
        const held = folded();
        const left = new Map(held.add(shuffled).map((event) => [event.id, event]));
        const late = new Timeline({ me: ADA, host: BO });
        // The stub as it travels: the file that the message offered is not in it.
        late.add(events.map((event) => {
          const stub = left.get(event.id);
          return stub === undefined ? event : { ...stub, body: {} };
        }));
        const lines = (items: readonly TimelineItem[]) =>
          JSON.parse(JSON.stringify(items, (key, value) => key === "root" ? undefined : value));
        assertEquals(lines(late.items), lines(held.items));
        for (const { id, kind } of left.values()) assertEquals([kind, held.get(id)?.kind], ["deleted", "deleted"]);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("[DEL-2] a deleted message and its edits leave no text behind, in any order of arrival", () => {
  const said = message(BO, 1, "SECRET one"), edited = edit(BO, 2, said, "SECRET two");
  const gone = event(BO, 9, {
    kind: "retract",
    body: { to: said.id, n: said.n, edits: [[edited.id, edited.n]] },
  });
  for (const order of [[said, edited, gone], [gone, edited, said], [edited, gone, said]]) {
    const timeline = new Timeline({ me: ADA });
    const deleted = order.flatMap((event) => timeline.add([event])).map(({ id }) => id);
    assertEquals(deleted.sort(), [said.id, edited.id].sort());
    assertEquals(timeline.items.map(({ type }) => type), ["retracted"]);
    const held = [said.id, edited.id].map((id) => timeline.get(id));
    assert(!JSON.stringify([held, timeline.items]).includes("SECRET"));
  }
});

Deno.test("[SKEW-4] a stub with a reason that this build does not know is a deleted message", () => {
  const said = message(BO, 1, "text");
  const wire = { stub: "by_the_moon", id: said.id, author: BO, n: 1, clock: 1, at: 1 };
  const timeline = new Timeline({ me: ADA });
  timeline.add([{ ...said, wire, kind: "deleted", body: {} }]);
  const [item] = timeline.items;
  assert(item?.type === "retracted" && item.reason === "by_the_moon");
});

Deno.test("[SKEW-2] an event of a kind that this build does not know has one line that says so", () => {
  const timeline = folded(message(BO, 1, "text"), event(CY, 2, { kind: "unknown", body: { kind: "poll" } }));
  assertEquals(timeline.items.map(({ type }) => type), ["message", "newer"]);
});

Deno.test("a removed event leaves no trace", () => {
  fc.assert(
    fc.property(conversation, fc.nat(), (events, pick) => {
      const removed = events[pick % events.length]!;
      // Removing a retract does not bring its message back.
      fc.pre(removed.kind !== "retract");
      const timeline = folded(...events);
      assert(timeline.items.length >= 0);
      timeline.remove([removed.id]);
      assertEquals(timeline.items, folded(...events.filter((event) => event !== removed)).items);
    }),
    { numRuns: 300 },
  );
});

Deno.test("appending to 10,000 lines changes no other line and takes well under a millisecond", () => {
  const timeline = folded(...Array.from({ length: 10_000 }, (_, at) => message(AUTHORS[at % 3]!, at + 1, `${at}`)));
  const before = timeline.items;
  const startedAt = performance.now();
  for (let at = 0; at < 100; at++) {
    timeline.add([message(BO, 20_000 + at, "new")]);
    assertEquals(timeline.items.length, 10_001 + at);
  }
  const tookMs = (performance.now() - startedAt) / 100;
  for (let at = 0; at < before.length; at += 99) assertStrictEquals(timeline.items[at], before[at]);
  // Measured at about 0.05 ms; the bound only tells small from proportional.
  assert(tookMs < 2, `${tookMs} ms`);
});

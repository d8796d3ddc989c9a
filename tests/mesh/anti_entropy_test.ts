/** How holes are filled, and what is kept: [MESH-30] to [MESH-33] of docs/PROTOCOL.md. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MESH_COPIES_MAX, MESH_PAGE_EVENTS } from "../../lib/protocol/peer/mesh_frames.ts";
import { StoreAndForward } from "../../lib/mesh/events/store_and_forward.ts";
import { digestBucketOf, HeldEvents } from "../../lib/mesh/events/held_events.ts";
import { CARRIED_MS, FETCHES_MAX } from "../../lib/mesh/mesh_limits.ts";
import { MeshNode } from "../../lib/mesh/mesh_node.ts";
import { ROOM } from "./crowd.ts";
import { fakeEvent } from "./fake_keys.ts";
import { Rig } from "./rig.ts";

/** All sixteen buckets. */
const ALL = Array.from({ length: 16 }, (_, bucket) => bucket);

Deno.test("[MESH-30] equal digests end the comparison; of others only the differing buckets are told", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1);
  const [one, other] = [rig.event(), rig.event()];
  rig.node.hold(one);
  rig.node.hold(other);
  rig.node.linked(a!);
  const [hello] = rig.pass(0, "hello", a);
  rig.say(a!, { type: "digest", buckets: hello!.frame.buckets });
  assertEquals(rig.pass(0, "summary"), []);
  const differing = hello!.frame.buckets.with(digestBucketOf(one.author), 7);
  rig.say(a!, { type: "digest", buckets: differing });
  const [summary] = rig.pass(0, "summary");
  assertEquals(summary!.frame.buckets, [digestBucketOf(one.author)]);
  assert(summary!.frame.authors.some(([author, ends]) => author === one.author && ends.join() === "1,1"));
});

Deno.test("[MESH-30] exactly what a neighbour holds and this phone lacks is fetched, and told once", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), author = rig.key();
  const events = Array.from({ length: 6 }, () => rig.event(author));
  rig.node.hold(events[1]!);
  rig.node.hold(events[4]!);
  rig.say(a!, { type: "summary", buckets: ALL, complete: true, answer: true, authors: [[author, [1, 6]]] });
  const [fetch] = rig.pass(0, "fetch");
  assertEquals(new Set(fetch!.frame.ranges), new Set([[author, 6, 6], [author, 3, 4], [author, 1, 1]]));
  rig.say(a!, { type: "page", events: events.map(({ wire }) => [wire[0], wire[1], 9, 0]) });
  assertEquals(rig.told.map(({ n }) => n).toSorted(), [1, 3, 4, 6]);
  assertEquals(rig.pass(0, "fetch"), []);
});

Deno.test("[MESH-30] who lacks something this phone holds is told so", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), event = rig.event();
  rig.node.hold(event);
  rig.say(a!, { type: "summary", buckets: ALL, complete: true, answer: false, authors: [] });
  const [answer] = rig.pass(0, "summary");
  assertEquals(answer!.frame.answer, true);
  assertEquals(answer!.frame.authors, [[event.author, [1, 1]]]);
  rig.say(a!, { type: "fetch", ranges: [[event.author, 1, 1]] });
  assertEquals(rig.pass(0, "page").map(({ frame }) => frame.events.map(([payload]) => payload)), [[event.wire[0]]]);
});

Deno.test("[DEL-7] what its author deleted is passed on no more, counts as held, and does not come back", () => {
  const rig = new Rig(), other = new Rig();
  const [a] = rig.neighbours(1), author = rig.key();
  const said = rig.event(author, "a text that nobody may find");
  const body = { to: said.id, n: said.n };
  const gone = fakeEvent({ room: ROOM, author, n: 2, clock: 2, at: 0 }, "", { kind: "retract", body });
  rig.node.hold(said);
  rig.node.hold(gone);
  rig.say(a!, { type: "fetch", ranges: [[author, 1, 2]] });
  assertEquals(rig.pass(0, "page").map(({ frame }) => frame.events.map(([payload]) => payload)), [[gone.wire[0]]]);
  // A phone that only heard of its end holds the same, and fetches nothing.
  const [b] = other.neighbours(1);
  other.node.hold(gone);
  other.say(b!, { type: "summary", buckets: ALL, complete: true, answer: true, authors: [[author, [1, 2]]] });
  assertEquals(other.pass(0, "fetch"), []);
  const digestOf = (rig: Rig, peer: string) => {
    rig.node.linked(peer);
    return rig.pass(0, "hello", peer)[0]!.frame.buckets;
  };
  assertEquals(digestOf(other, other.key()), digestOf(rig, rig.key()));
  other.push(b!, said);
  assertEquals([other.told, other.banned], [[], []]);
});

Deno.test("[MESH-31] a page is bounded, whatever is asked for, and so are pages per second", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), author = rig.key();
  for (let count = 0; count < 300; count++) rig.node.hold(rig.event(author, "x".repeat(200)));
  for (let count = 0; count < 100; count++) {
    rig.say(a!, { type: "fetch", ranges: [[author, 1, Number.MAX_SAFE_INTEGER]] });
  }
  const pages = rig.pass(0, "page");
  assert(pages.length <= 20, `${pages.length} pages`);
  assert(pages.every(({ frame }) => frame.events.length <= MESH_PAGE_EVENTS));
});

Deno.test("[MESH-31] who claims to hold what it never sends is asked three times, then its word is worth nothing", () => {
  const rig = new Rig();
  const [liar, b] = rig.neighbours(2), author = rig.key(), event = rig.event(author);
  const claim = (peer: string, to: number) =>
    rig.say(peer, { type: "summary", buckets: ALL, complete: true, answer: true, authors: [[author, [1, to]]] });
  claim(liar!, Number.MAX_SAFE_INTEGER);
  claim(b!, 1);
  assertEquals(
    rig.pass(0, "fetch", b).map(({ frame }) => frame.ranges),
    [[[author, 1, 1]]],
    "others are asked meanwhile",
  );
  rig.say(b!, { type: "page", events: [[event.wire[0], event.wire[1], 9, 0]] });
  assertEquals(rig.told.length, 1);
  claim(liar!, Number.MAX_SAFE_INTEGER);
  rig.time.run(60_000);
  assert(rig.sent.filter(({ to, frame }) => to === liar && frame.type === "fetch").length <= 2 * FETCHES_MAX);
});

Deno.test("[MESH-31] a page nobody asked for is not read", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), { wire } = rig.event();
  rig.say(a!, { type: "page", events: [[wire[0], wire[1], 9, 0]] });
  assertEquals(rig.told, []);
});

Deno.test("[MESH-32] when full, the author with the most events loses its oldest one, and it is not fetched again", () => {
  const held = new HeldEvents(() => false, 10);
  const rig = new Rig(), flooder = rig.key(), quiet = rig.event();
  held.add(quiet);
  for (let count = 0; count < 100; count++) held.add(rig.event(flooder));
  assertEquals(held.size, 10);
  assert(held.has(quiet.id), "who floods pushes out only itself");
  assertEquals(held.ranges(flooder, 4), [92, 100]);
  assertEquals(held.isWanted(flooder, 91), false);
  assertEquals(held.isWanted(flooder, 101), true);
});

Deno.test("[MESH-32] the digest is the same for the same events, whatever their order and what went before", () => {
  const rig = new Rig();
  const authors = [rig.key(), rig.key(), rig.key()];
  const events = authors.flatMap((author) => Array.from({ length: 5 }, () => rig.event(author)));
  fc.assert(fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (order) => {
    const one = new HeldEvents(), other = new HeldEvents();
    for (const event of events) one.add(event);
    for (const event of order) other.add(event);
    assertEquals(one.buckets(), other.buckets());
    for (const author of authors) assertEquals(other.ranges(author, 16), [1, 5]);
  }));
  const less = new HeldEvents();
  for (const event of events.slice(1)) less.add(event);
  const all = new HeldEvents();
  for (const event of events) all.add(event);
  assertEquals(less.buckets().filter((bucket, at) => bucket !== all.buckets()[at]).length, 1);
});

Deno.test("[MESH-30] two nodes with any parts of a history, linked, both end up with all of it", () => {
  const rig = new Rig();
  const authors = [rig.key(), rig.key(), rig.key(), rig.key()];
  const events = authors.flatMap((author) => Array.from({ length: 40 }, () => rig.event(author)));
  fc.assert(
    fc.property(fc.subarray(events), fc.subarray(events), (ofOne, ofOther) => {
      const pair = new Pair(rig);
      for (const event of ofOne) pair.one.hold(event);
      for (const event of ofOther) pair.other.hold(event);
      pair.link();
      rig.time.run(20_000);
      const union = new Set([...ofOne, ...ofOther]).size;
      assertEquals([pair.one.stats().held, pair.other.stats().held], [union, union]);
      pair.one.close();
      pair.other.close();
    }),
    { numRuns: 20 },
  );
});

Deno.test("[MESH-33] copies are halved with every handing on, and all together are never more than at first", () => {
  const carry = new StoreAndForward();
  carry.accept("event", MESH_COPIES_MAX, 0);
  const given = [1, 2, 3, 4, 5, 6].map(() => carry.give("event"));
  assertEquals(given, [8, 4, 2, 1, 0, 0]);
  assert(given.reduce((sum, copies) => sum + copies) < MESH_COPIES_MAX);
  assertEquals(carry.give("unknown"), 0);
});

Deno.test("[MESH-33] what is carried for others is kept before what is not, for its time", () => {
  let now = 0;
  const carry = new StoreAndForward(), rig = new Rig(), author = rig.key();
  const held = new HeldEvents((id) => carry.isCarried(id, now), 5);
  const carried = rig.event(author);
  carry.accept(carried.id, 1, now);
  held.add(carried);
  for (let count = 0; count < 20; count++) held.add(rig.event(author));
  assert(held.has(carried.id));
  now = CARRIED_MS + 1;
  held.add(rig.event(author));
  assert(!held.has(carried.id));
});

/** Two nodes, one link, 10 ms. */
class Pair {
  readonly one: MeshNode;
  readonly other: MeshNode;

  constructor(readonly rig: Rig) {
    const { time } = rig;
    const make = (me: string, peer: () => MeshNode): MeshNode =>
      new MeshNode({ room: ROOM, me, maxLinks: 8 }, {
        now: () => time.now,
        random: () => rig.random.fraction(),
        after: (delayMs, run) => time.after(delayMs, run),
        send: (_to, text) => {
          time.after(10, () => peer().receive(me, text));
          return true;
        },
        verify: () => "good",
        onEvent: () => {},
        connect: () => {},
        disconnect: () => {},
      });
    this.one = make("A".repeat(43), () => this.other);
    this.other = make("E".repeat(43), () => this.one);
  }

  link(): void {
    this.one.linked(this.other.me);
    this.other.linked(this.one.me);
  }
}

/** Anti-entropy and held events: [MESH-30] to [MESH-33] of docs/PROTOCOL.md. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MESH_COPIES_MAX, MESH_PAGE_EVENTS } from "../../lib/protocol/peer/mesh_frames.ts";
import { StoreAndForward } from "../../lib/mesh/events/store_and_forward.ts";
import { digestBucketOf, HeldEvents } from "../../lib/mesh/events/held_events.ts";
import { CARRIED_MS, FETCHES_MAX } from "../../lib/mesh/mesh_limits.ts";
import { MeshNode } from "../../lib/mesh/mesh_node.ts";
import { ROOM } from "./crowd.ts";
import { fakeEvent } from "./fake_keys.ts";
import { MeshHarness } from "./mesh_harness.ts";

/** All sixteen buckets. */
const ALL = Array.from({ length: 16 }, (_, bucket) => bucket);

Deno.test("[MESH-30] equal digests end the comparison; otherwise a summary lists only the differing buckets", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1);
  const [one, other] = [mesh.event(), mesh.event()];
  mesh.node.hold(one);
  mesh.node.hold(other);
  mesh.node.linked(a!);
  const [hello] = mesh.sentWithin(0, "hello", a);
  mesh.receive(a!, { type: "digest", buckets: hello!.frame.buckets });
  assertEquals(mesh.sentWithin(0, "summary"), []);
  const differing = hello!.frame.buckets.with(digestBucketOf(one.author), 7);
  mesh.receive(a!, { type: "digest", buckets: differing });
  const [summary] = mesh.sentWithin(0, "summary");
  assertEquals(summary!.frame.buckets, [digestBucketOf(one.author)]);
  assert(summary!.frame.authors.some(([author, ends]) => author === one.author && ends.join() === "1,1"));
});

Deno.test("[MESH-30] a phone fetches exactly the events that it lacks and a peer holds, and delivers each once", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), author = mesh.key();
  const events = Array.from({ length: 6 }, () => mesh.event(author));
  mesh.node.hold(events[1]!);
  mesh.node.hold(events[4]!);
  mesh.receive(a!, { type: "summary", buckets: ALL, complete: true, answer: true, authors: [[author, [1, 6]]] });
  const [fetch] = mesh.sentWithin(0, "fetch");
  assertEquals(new Set(fetch!.frame.ranges), new Set([[author, 6, 6], [author, 3, 4], [author, 1, 1]]));
  mesh.receive(a!, { type: "page", events: events.map(({ wire }) => [wire[0], wire[1], 9, 0]) });
  assertEquals(mesh.delivered.map(({ n }) => n).toSorted(), [1, 3, 4, 6]);
  assertEquals(mesh.sentWithin(0, "fetch"), []);
});

Deno.test("[MESH-30] a phone tells a peer about events that the peer lacks", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), event = mesh.event();
  mesh.node.hold(event);
  mesh.receive(a!, { type: "summary", buckets: ALL, complete: true, answer: false, authors: [] });
  const [answer] = mesh.sentWithin(0, "summary");
  assertEquals(answer!.frame.answer, true);
  assertEquals(answer!.frame.authors, [[event.author, [1, 1]]]);
  mesh.receive(a!, { type: "fetch", ranges: [[event.author, 1, 1]] });
  assertEquals(mesh.sentWithin(0, "page").map(({ frame }) => frame.events.map(([payload]) => payload)), [[
    event.wire[0],
  ]]);
});

Deno.test("[DEL-7] a deleted event is no longer relayed, counts as held, and does not come back", () => {
  const mesh = new MeshHarness(), other = new MeshHarness();
  const [a] = mesh.peers(1), author = mesh.key();
  const said = mesh.event(author, "a text that nobody may find");
  const body = { to: said.id, n: said.n };
  const gone = fakeEvent({ room: ROOM, author, n: 2, clock: 2, at: 0 }, "", { kind: "retract", body });
  mesh.node.hold(said);
  mesh.node.hold(gone);
  mesh.receive(a!, { type: "fetch", ranges: [[author, 1, 2]] });
  assertEquals(mesh.sentWithin(0, "page").map(({ frame }) => frame.events.map(([payload]) => payload)), [[
    gone.wire[0],
  ]]);
  // A phone that only heard of its end holds the same, and fetches nothing.
  const [b] = other.peers(1);
  other.node.hold(gone);
  other.receive(b!, { type: "summary", buckets: ALL, complete: true, answer: true, authors: [[author, [1, 2]]] });
  assertEquals(other.sentWithin(0, "fetch"), []);
  const digestOf = (mesh: MeshHarness, peer: string) => {
    mesh.node.linked(peer);
    return mesh.sentWithin(0, "hello", peer)[0]!.frame.buckets;
  };
  assertEquals(digestOf(other, other.key()), digestOf(mesh, mesh.key()));
  other.push(b!, said);
  assertEquals([other.delivered, other.banned], [[], []]);
});

Deno.test("[DEL-7] a retract by somebody else neither deletes an event nor keeps it away, whichever comes first", () => {
  const mesh = new MeshHarness(), other = new MeshHarness();
  const [a] = mesh.peers(1), [b] = other.peers(1), author = mesh.key(), stranger = mesh.key();
  const said = mesh.event(author, "still here");
  const body = { to: said.id, n: 1 };
  const foreign = fakeEvent({ room: ROOM, author: stranger, n: 2, clock: 2, at: 0 }, "", { kind: "retract", body });
  mesh.push(a!, foreign);
  mesh.push(a!, said);
  assertEquals(mesh.delivered.map(({ id }) => id), [foreign.id, said.id]);
  other.push(b!, said);
  other.push(b!, foreign);
  for (const [phone, peer] of [[mesh, a!], [other, b!]] as const) {
    phone.receive(peer, { type: "fetch", ranges: [[author, said.n, said.n]] });
    const pages = phone.sentWithin(0, "page", peer);
    assertEquals(pages.map(({ frame }) => frame.events.map(([payload]) => payload)), [[said.wire[0]]]);
  }
});

Deno.test("[MESH-31] the size of a page and the pages per second are bounded, whatever is requested", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), author = mesh.key();
  for (let count = 0; count < 300; count++) mesh.node.hold(mesh.event(author, "x".repeat(200)));
  for (let count = 0; count < 100; count++) {
    mesh.receive(a!, { type: "fetch", ranges: [[author, 1, Number.MAX_SAFE_INTEGER]] });
  }
  const pages = mesh.sentWithin(0, "page");
  assert(pages.length <= 20, `${pages.length} pages`);
  assert(pages.every(({ frame }) => frame.events.length <= MESH_PAGE_EVENTS));
});

Deno.test("[MESH-31] a peer that never sends what it claims is asked three times, then its claim is dropped", () => {
  const mesh = new MeshHarness();
  const [cheat, b] = mesh.peers(2), author = mesh.key(), event = mesh.event(author);
  const claim = (peer: string, to: number) =>
    mesh.receive(peer, { type: "summary", buckets: ALL, complete: true, answer: true, authors: [[author, [1, to]]] });
  claim(cheat!, Number.MAX_SAFE_INTEGER);
  claim(b!, 1);
  assertEquals(
    mesh.sentWithin(0, "fetch", b).map(({ frame }) => frame.ranges),
    [[[author, 1, 1]]],
    "others are asked meanwhile",
  );
  mesh.receive(b!, { type: "page", events: [[event.wire[0], event.wire[1], 9, 0]] });
  assertEquals(mesh.delivered.length, 1);
  claim(cheat!, Number.MAX_SAFE_INTEGER);
  mesh.time.run(60_000);
  assert(mesh.sent.filter(({ to, frame }) => to === cheat && frame.type === "fetch").length <= 2 * FETCHES_MAX);
});

Deno.test("[MESH-31] an unrequested page is ignored", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), { wire } = mesh.event();
  mesh.receive(a!, { type: "page", events: [[wire[0], wire[1], 9, 0]] });
  assertEquals(mesh.delivered, []);
});

Deno.test("[MESH-32] when full, the author with the most events loses its oldest one, which is not fetched again", () => {
  const held = new HeldEvents(() => false, 10);
  const mesh = new MeshHarness(), flooder = mesh.key(), quiet = mesh.event();
  held.add(quiet);
  for (let count = 0; count < 100; count++) held.add(mesh.event(flooder));
  assertEquals(held.size, 10);
  assert(held.has(quiet.id), "a flood evicts only its own author's events");
  assertEquals(held.ranges(flooder, 4), [92, 100]);
  assertEquals(held.isWanted(flooder, 91), false);
  assertEquals(held.isWanted(flooder, 101), true);
});

Deno.test("[MESH-32] the digest depends only on the held events, not on their order or history", () => {
  const mesh = new MeshHarness();
  const authors = [mesh.key(), mesh.key(), mesh.key()];
  const events = authors.flatMap((author) => Array.from({ length: 5 }, () => mesh.event(author)));
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

Deno.test("[MESH-30] two linked nodes with any parts of a history end up with all of it", () => {
  const mesh = new MeshHarness();
  const authors = [mesh.key(), mesh.key(), mesh.key(), mesh.key()];
  const events = authors.flatMap((author) => Array.from({ length: 40 }, () => mesh.event(author)));
  fc.assert(
    fc.property(fc.subarray(events), fc.subarray(events), (ofOne, ofOther) => {
      const pair = new Pair(mesh);
      for (const event of ofOne) pair.one.hold(event);
      for (const event of ofOther) pair.other.hold(event);
      pair.link();
      mesh.time.run(20_000);
      const union = new Set([...ofOne, ...ofOther]).size;
      assertEquals([pair.one.stats().held, pair.other.stats().held], [union, union]);
      pair.one.close();
      pair.other.close();
    }),
    { numRuns: 20 },
  );
});

Deno.test("[MESH-33] each handover halves the copies, and their total never grows", () => {
  const carry = new StoreAndForward();
  carry.accept("event", MESH_COPIES_MAX, 0);
  const given = [1, 2, 3, 4, 5, 6].map(() => carry.give("event"));
  assertEquals(given, [8, 4, 2, 1, 0, 0]);
  assert(given.reduce((sum, copies) => sum + copies) < MESH_COPIES_MAX);
  assertEquals(carry.give("unknown"), 0);
});

Deno.test("[MESH-33] carried events are protected from eviction until CARRIED_MS is over", () => {
  let now = 0;
  const carry = new StoreAndForward(), mesh = new MeshHarness(), author = mesh.key();
  const held = new HeldEvents((id) => carry.isCarried(id, now), 5);
  const carried = mesh.event(author);
  carry.accept(carried.id, 1, now);
  held.add(carried);
  for (let count = 0; count < 20; count++) held.add(mesh.event(author));
  assert(held.has(carried.id));
  now = CARRIED_MS + 1;
  held.add(mesh.event(author));
  assert(!held.has(carried.id));
});

/** Two nodes and one link with 10 ms latency. */
class Pair {
  readonly one: MeshNode;
  readonly other: MeshNode;

  constructor(readonly mesh: MeshHarness) {
    const { time } = mesh;
    const make = (me: string, peer: () => MeshNode): MeshNode =>
      new MeshNode({ room: ROOM, me, maxLinks: 8 }, {
        now: () => time.now,
        random: () => mesh.random.fraction(),
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

/** How one node relays events: [MESH-20] to [MESH-29] of docs/PROTOCOL.md. */
import { assert, assertEquals } from "@std/assert";
import { MESH_HOPS_MAX } from "../../lib/protocol/peer/mesh_frames.ts";
import { OFFERS_MAX, PUSH_LIMIT, UNCHECKED_PER_PEER, WANTED_PER_PEER } from "../../lib/mesh/mesh_limits.ts";
import type { CheckVerdict } from "../../lib/mesh/mesh_ports.ts";
import { fakeEvent, fakeSign } from "./fake_keys.ts";
import { ROOM } from "./crowd.ts";
import { MeshHarness } from "./mesh_harness.ts";

Deno.test("[MESH-20] a forged event is not delivered, held or relayed, and its sender is banned", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  const forged = { ...event, wire: [event.wire[0], fakeSign(a!, event.wire[0])] as const };
  mesh.push(a!, forged);
  assertEquals(mesh.delivered, []);
  assertEquals(mesh.banned, [a]);
  assertEquals(mesh.ended, [a]);
  assertEquals(mesh.sentWithin(5_000, "push", b), []);
  assertEquals(mesh.node.accepts(a!, 0), { accept: false, reason: "banned" });

  mesh.push(b!, event);
  assertEquals(mesh.delivered.map(({ id }) => id), [event.id], "the true event still gets in");
});

Deno.test("[MESH-20] a true payload with a false signature does not block the true event during verification", async () => {
  const verdicts = new Map<string, (verdict: CheckVerdict) => void>();
  const mesh = new MeshHarness({ verify: (event) => new Promise((resolve) => verdicts.set(event.wire[1], resolve)) });
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  const forged = { ...event, wire: [event.wire[0], fakeSign(a!, event.wire[0])] as const };
  mesh.push(a!, forged);
  mesh.push(b!, event);
  verdicts.get(forged.wire[1])!("forged");
  verdicts.get(event.wire[1])!("good");
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(mesh.delivered.map(({ id }) => id), [event.id]);
  assertEquals(mesh.banned, [a]);
});

Deno.test("[MESH-20] an event that only this phone refuses costs its sender nothing", () => {
  const mesh = new MeshHarness({ verify: () => "refused" });
  const [a, b] = mesh.peers(2);
  mesh.push(a!, mesh.event());
  assertEquals(mesh.delivered, []);
  assertEquals(mesh.banned, []);
  assertEquals(mesh.sentWithin(5_000, "push", b), []);
});

Deno.test("[MESH-20] the unverified events of one peer are bounded", () => {
  let started = 0;
  const mesh = new MeshHarness({ verify: () => (started++, new Promise(() => {})) });
  const [a, b] = mesh.peers(2);
  for (let count = 0; count < UNCHECKED_PER_PEER + 50; count++) mesh.push(a!, mesh.event());
  assertEquals(started, UNCHECKED_PER_PEER);
  mesh.push(b!, mesh.event());
  assertEquals(started, UNCHECKED_PER_PEER + 1, "events of others are still verified");
});

Deno.test("[SKEW-2] an event of an unknown kind is checked, delivered and relayed like any other", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  // deno-lint-ignore no-explicit-any -- as a later build writes it.
  const content = { kind: "poll", body: { question: "Where?" } } as any;
  const poll = fakeEvent({ room: ROOM, author: mesh.key(), n: 1, clock: 1, at: 0 }, "", content);
  mesh.push(a!, poll);
  assertEquals(mesh.delivered.map(({ id, kind }) => [id, kind]), [[poll.id, "unknown"]]);
  assertEquals(mesh.sentWithin(0, "push", b).map(({ frame }) => frame.event), [poll.wire]);
});

Deno.test("[MESH-21] an event that arrives several times is delivered once", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  mesh.push(a!, event);
  mesh.push(b!, event);
  mesh.push(a!, event);
  mesh.node.offer(event);
  mesh.node.publish(event);
  assertEquals(mesh.delivered.length, 1);
  assertEquals(mesh.verified.length, 1, "and verified once");
});

Deno.test("[MESH-21] of two events with the same author and number the first one stays", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), author = mesh.key();
  mesh.push(a!, mesh.event(author, "one", 1));
  mesh.push(a!, mesh.event(author, "other", 1));
  assertEquals(mesh.delivered.length, 1);
  assertEquals(mesh.node.stats().conflicts, 1);
  assertEquals(mesh.banned, []);
});

Deno.test("[MESH-22] a small room is flooded: all peers but the sender and the author get a push", () => {
  const mesh = new MeshHarness();
  const [a, b, c, author] = mesh.peers(4);
  const event = mesh.event(author);
  mesh.push(a!, event, 7);
  const pushes = mesh.sentWithin(10, "push");
  assertEquals(new Set(pushes.map(({ to }) => to)), new Set([b, c]));
  assert(pushes.every(({ frame }) => frame.hopsLeft === 6 && frame.event[0] === event.wire[0]));
});

Deno.test("[MESH-22] in a large room pushes go along the tree and the other peers get an offer", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b, c, d] = mesh.peers(4);
  const event = mesh.event();
  mesh.push(d!, event);
  mesh.time.run(50);
  assertEquals(new Set(mesh.sent.filter(({ frame }) => frame.type === "push").map(({ to }) => to)), new Set([a, b]));
  assertEquals(mesh.sent.filter(({ frame }) => frame.type === "offer"), [{
    to: c!,
    frame: { type: "offer", ids: [event.id] },
  }]);
});

Deno.test("[MESH-23] a peer that holds an event gets neither a push nor an offer", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b, c] = mesh.peers(3);
  const event = mesh.event();
  mesh.receive(b!, { type: "offer", ids: [event.id] });
  mesh.push(a!, event);
  mesh.receive(c!, { type: "held", ids: [event.id] });
  mesh.time.run(10_000);
  const toB = mesh.sent.filter(({ to, frame }) => to === b && (frame.type === "push" || frame.type === "offer"));
  assertEquals(toB, []);
  const toC = mesh.sent.filter(({ to, frame }) => to === c && (frame.type === "push" || frame.type === "offer"));
  assertEquals(toC.length, 1, "one frame before its `held`, none after");
});

Deno.test("[MESH-24] a duplicate push prunes the link; a want grafts it back", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b] = mesh.peers(2);
  const first = mesh.event();
  mesh.push(a!, first);
  mesh.push(b!, first);
  assertEquals(mesh.sentWithin(0, "prune").map(({ to }) => to), [b]);
  mesh.push(a!, mesh.event());
  mesh.time.run(100);
  assertEquals(mesh.sent.filter(({ to, frame }) => to === b && frame.type === "push"), []);

  const second = mesh.delivered.at(-1)!;
  mesh.receive(b!, { type: "want", ids: [second.id] });
  const [answer] = mesh.sentWithin(0, "push", b);
  assertEquals(answer?.frame.asked, true);
  mesh.push(a!, mesh.event());
  assertEquals(mesh.sentWithin(10, "push", b).length, 1, "b is in the tree again");
});

Deno.test("[MESH-24] a peer that sent prune gets offers from then on", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b] = mesh.peers(2);
  mesh.receive(b!, { type: "prune" });
  mesh.push(a!, mesh.event());
  mesh.time.run(50);
  assertEquals(mesh.sent.filter(({ to }) => to === b).map(({ frame }) => frame.type), ["offer"]);
});

Deno.test("[MESH-25] an unanswered push or offer is offered again, six tries in all", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b] = mesh.peers(2);
  mesh.push(a!, mesh.event());
  mesh.time.run(20_000);
  const tries = mesh.sent.filter(({ to, frame }) => to === b && (frame.type === "push" || frame.type === "offer"));
  assertEquals(tries.length, OFFERS_MAX);
});

Deno.test("[MESH-25] an offer of a held event is answered with held", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  mesh.push(a!, event);
  mesh.receive(b!, { type: "held", ids: [event.id] });
  mesh.sent.length = 0;
  mesh.receive(b!, { type: "offer", ids: [event.id] });
  assertEquals(mesh.sentWithin(100, "held", b).map(({ frame }) => frame.ids), [[event.id]]);
});

Deno.test("[MESH-26] an offered event is requested from one peer at a time until it arrives", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  mesh.receive(a!, { type: "offer", ids: [event.id] });
  mesh.receive(b!, { type: "offer", ids: [event.id] });
  const wants = [mesh.sentWithin(90, "want"), mesh.sentWithin(150, "want"), mesh.sentWithin(150, "want")].map((sent) =>
    sent.map(({ to }) => to)
  );
  assertEquals(wants, [[a], [b], [a]]);
  mesh.push(b!, event);
  assertEquals(mesh.sentWithin(5_000, "want"), []);
});

Deno.test("[MESH-26] a push that arrives first makes the request unnecessary", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  mesh.receive(a!, { type: "offer", ids: [event.id] });
  mesh.time.run(30);
  mesh.push(b!, event);
  assertEquals(mesh.sentWithin(5_000, "want"), []);
});

Deno.test("[MESH-26] a peer that never sends what it offers is banned and delays nobody", () => {
  const mesh = new MeshHarness();
  mesh.largeRoom();
  const [cheat, b] = mesh.peers(2);
  const event = mesh.event();
  const ids = Array.from({ length: WANTED_PER_PEER + 100 }, () => mesh.event().id);
  for (let at = 0; at < ids.length; at += 50) mesh.receive(cheat!, { type: "offer", ids: ids.slice(at, at + 50) });
  assert(mesh.node.stats().wanted <= WANTED_PER_PEER);
  mesh.receive(cheat!, { type: "offer", ids: [event.id] });
  mesh.receive(b!, { type: "offer", ids: [event.id] });
  assert(mesh.sentWithin(400, "want", b).some(({ frame }) => frame.ids.includes(event.id)));
  mesh.time.run(10_000);
  assertEquals(mesh.banned, [cheat]);
});

Deno.test("[MESH-27] an event without hops left is held and delivered, but not relayed", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  mesh.push(a!, mesh.event(), 0);
  assertEquals(mesh.delivered.length, 1);
  mesh.time.run(3_000);
  assertEquals(mesh.sent.filter(({ to, frame }) => to === b && (frame.type === "push" || frame.type === "offer")), []);
});

Deno.test("[MESH-27] an own event starts with all hops", () => {
  const mesh = new MeshHarness();
  mesh.peers(1);
  mesh.node.publish(mesh.event(mesh.me));
  assertEquals(mesh.sentWithin(10, "push").map(({ frame }) => frame.hopsLeft), [MESH_HOPS_MAX - 1]);
});

Deno.test("[MESH-28] events beyond an author's rate limit are neither verified nor relayed; those of others are", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2), flooder = mesh.key();
  for (let count = 0; count < 100; count++) mesh.push(a!, mesh.event(flooder));
  assertEquals(mesh.verified.length, PUSH_LIMIT.burst);
  mesh.push(a!, mesh.event());
  assertEquals(mesh.delivered.length, PUSH_LIMIT.burst + 1);
  assertEquals(mesh.sentWithin(10, "push", b).length, PUSH_LIMIT.burst + 1);
  assertEquals(mesh.banned, [], "a relay is not blamed for the author");
  mesh.time.run(1_000);
  mesh.push(a!, mesh.event(flooder));
  assertEquals(mesh.delivered.length, PUSH_LIMIT.burst + 2, "one more a second");
});

Deno.test("[MESH-28] an author that floods its own neighbours is banned", () => {
  const mesh = new MeshHarness();
  const [flooder] = mesh.peers(1);
  for (let count = 0; count < 100; count++) mesh.push(flooder!, mesh.event(flooder));
  assertEquals(mesh.banned, [flooder]);
});

Deno.test("[MESH-28] forged events do not use up an author's rate limit", () => {
  const mesh = new MeshHarness();
  const author = mesh.key();
  for (let count = 0; count < 2 * PUSH_LIMIT.burst; count++) {
    const [cheat] = mesh.peers(1);
    const event = mesh.event(author, `false ${count}`, 1);
    mesh.push(cheat!, { ...event, wire: [event.wire[0], fakeSign(cheat!, event.wire[0])] });
  }
  const [a] = mesh.peers(1);
  mesh.push(a!, mesh.event(author, "true", 1));
  assertEquals(mesh.delivered.length, 1);
});

Deno.test("[MESH-29] a link under backpressure gets an offer later", () => {
  let open = false;
  const sent: string[] = [];
  const mesh = new MeshHarness({ send: (_to, text) => (open && sent.push(text), open) });
  mesh.peers(1);
  const event = mesh.event(mesh.me);
  mesh.node.publish(event);
  mesh.time.run(100);
  open = true;
  mesh.time.run(1_000);
  assert(sent.some((text) => text.includes('"offer"') && text.includes(event.id)), sent.join("\n"));
});

Deno.test("[MESH-29] a peer that replays events loses its link", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), event = mesh.event();
  for (let count = 0; count < 300; count++) mesh.push(a!, event);
  assertEquals(mesh.banned, [a]);
  assertEquals(mesh.verified.length, 1);
});

Deno.test("[MESH-61] an event from the server is offered, not pushed", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  const event = mesh.event();
  mesh.node.offer(event);
  mesh.time.run(100);
  assertEquals(mesh.sent.map(({ to, frame }) => [to, frame.type]), [[a, "offer"], [b, "offer"]]);
});

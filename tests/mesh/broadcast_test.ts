/** How one node passes events on: [MESH-20] to [MESH-29] of docs/PROTOCOL.md. */
import { assert, assertEquals } from "@std/assert";
import { MESH_HOPS_MAX } from "../../lib/protocol/peer/mesh_frames.ts";
import { AUTHOR_BURST, OFFERS_MAX, UNCHECKED_PER_PEER, WANTED_PER_PEER } from "../../lib/mesh/mesh_limits.ts";
import type { CheckVerdict } from "../../lib/mesh/mesh_ports.ts";
import { fakeEvent, fakeSign } from "./fake_keys.ts";
import { ROOM } from "./crowd.ts";
import { Rig } from "./rig.ts";

Deno.test("[MESH-20] a forged event is not told, not kept and not passed on, and its sender is banned", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  const forged = { ...event, wire: [event.wire[0], fakeSign(a!, event.wire[0])] as const };
  rig.push(a!, forged);
  assertEquals(rig.told, []);
  assertEquals(rig.banned, [a]);
  assertEquals(rig.ended, [a]);
  assertEquals(rig.pass(5_000, "push", b), []);
  assertEquals(rig.node.accepts(a!, 0), { accept: false, reason: "banned" });

  rig.push(b!, event);
  assertEquals(rig.told.map(({ id }) => id), [event.id], "the true event still gets in");
});

Deno.test("[MESH-20] a true payload with a false signature does not keep the true event out while it is checked", async () => {
  const verdicts = new Map<string, (verdict: CheckVerdict) => void>();
  const rig = new Rig({ verify: (event) => new Promise((resolve) => verdicts.set(event.wire[1], resolve)) });
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  const forged = { ...event, wire: [event.wire[0], fakeSign(a!, event.wire[0])] as const };
  rig.push(a!, forged);
  rig.push(b!, event);
  verdicts.get(forged.wire[1])!("forged");
  verdicts.get(event.wire[1])!("good");
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(rig.told.map(({ id }) => id), [event.id]);
  assertEquals(rig.banned, [a]);
});

Deno.test("[MESH-20] an event this phone refuses for itself costs its sender nothing", () => {
  const rig = new Rig({ verify: () => "refused" });
  const [a, b] = rig.neighbours(2);
  rig.push(a!, rig.event());
  assertEquals(rig.told, []);
  assertEquals(rig.banned, []);
  assertEquals(rig.pass(5_000, "push", b), []);
});

Deno.test("[MESH-20] events of one neighbour that wait for their check are bounded", () => {
  let started = 0;
  const rig = new Rig({ verify: () => (started++, new Promise(() => {})) });
  const [a, b] = rig.neighbours(2);
  for (let count = 0; count < UNCHECKED_PER_PEER + 50; count++) rig.push(a!, rig.event());
  assertEquals(started, UNCHECKED_PER_PEER);
  rig.push(b!, rig.event());
  assertEquals(started, UNCHECKED_PER_PEER + 1, "others still get theirs checked");
});

Deno.test("[SKEW-2] an event of a kind that this phone does not know is checked, told and passed on like any other", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  // deno-lint-ignore no-explicit-any -- as a later build writes it.
  const content = { kind: "poll", body: { question: "Where?" } } as any;
  const poll = fakeEvent({ room: ROOM, author: rig.key(), n: 1, clock: 1, at: 0 }, "", content);
  rig.push(a!, poll);
  assertEquals(rig.told.map(({ id, kind }) => [id, kind]), [[poll.id, "unknown"]]);
  assertEquals(rig.pass(0, "push", b).map(({ frame }) => frame.event), [poll.wire]);
});

Deno.test("[MESH-21] an event that comes again, from anybody, is told once", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  rig.push(a!, event);
  rig.push(b!, event);
  rig.push(a!, event);
  rig.node.heard(event);
  rig.node.publish(event);
  assertEquals(rig.told.length, 1);
  assertEquals(rig.checked.length, 1, "and checked once");
});

Deno.test("[MESH-21] of two events of one author with one number the first stays", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), author = rig.key();
  rig.push(a!, rig.event(author, "one", 1));
  rig.push(a!, rig.event(author, "other", 1));
  assertEquals(rig.told.length, 1);
  assertEquals(rig.node.stats().conflicts, 1);
  assertEquals(rig.banned, []);
});

Deno.test("[MESH-22] a small room is flooded: everybody but the sender and the author gets a push", () => {
  const rig = new Rig();
  const [a, b, c, author] = rig.neighbours(4);
  const event = rig.event(author);
  rig.push(a!, event, 7);
  const pushes = rig.pass(10, "push");
  assertEquals(new Set(pushes.map(({ to }) => to)), new Set([b, c]));
  assert(pushes.every(({ frame }) => frame.hopsLeft === 6 && frame.event[0] === event.wire[0]));
});

Deno.test("[MESH-22] a large room: pushes go along the tree, the other neighbours get an offer", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b, c, d] = rig.neighbours(4);
  const event = rig.event();
  rig.push(d!, event);
  rig.time.run(50);
  assertEquals(new Set(rig.sent.filter(({ frame }) => frame.type === "push").map(({ to }) => to)), new Set([a, b]));
  assertEquals(rig.sent.filter(({ frame }) => frame.type === "offer"), [{
    to: c!,
    frame: { type: "offer", ids: [event.id] },
  }]);
});

Deno.test("[MESH-23] who says that it holds an event gets neither a push nor an offer", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b, c] = rig.neighbours(3);
  const event = rig.event();
  rig.say(b!, { type: "offer", ids: [event.id] });
  rig.push(a!, event);
  rig.say(c!, { type: "held", ids: [event.id] });
  rig.time.run(10_000);
  const toB = rig.sent.filter(({ to, frame }) => to === b && (frame.type === "push" || frame.type === "offer"));
  assertEquals(toB, []);
  const toC = rig.sent.filter(({ to, frame }) => to === c && (frame.type === "push" || frame.type === "offer"));
  assertEquals(toC.length, 1, "what was sent before it said so, and nothing again");
});

Deno.test("[MESH-24] a push of something held prunes the link; a want puts it back", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b] = rig.neighbours(2);
  const first = rig.event();
  rig.push(a!, first);
  rig.push(b!, first);
  assertEquals(rig.pass(0, "prune").map(({ to }) => to), [b]);
  rig.push(a!, rig.event());
  rig.time.run(100);
  assertEquals(rig.sent.filter(({ to, frame }) => to === b && frame.type === "push"), []);

  const second = rig.told.at(-1)!;
  rig.say(b!, { type: "want", ids: [second.id] });
  const [answer] = rig.pass(0, "push", b);
  assertEquals(answer?.frame.asked, true);
  rig.push(a!, rig.event());
  assertEquals(rig.pass(10, "push", b).length, 1, "b is in the tree again");
});

Deno.test("[MESH-24] who is told prune gets offers from then on", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b] = rig.neighbours(2);
  rig.say(b!, { type: "prune" });
  rig.push(a!, rig.event());
  rig.time.run(50);
  assertEquals(rig.sent.filter(({ to }) => to === b).map(({ frame }) => frame.type), ["offer"]);
});

Deno.test("[MESH-25] who says nothing to a push or an offer is offered it again, six tries in all", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b] = rig.neighbours(2);
  rig.push(a!, rig.event());
  rig.time.run(20_000);
  const tries = rig.sent.filter(({ to, frame }) => to === b && (frame.type === "push" || frame.type === "offer"));
  assertEquals(tries.length, OFFERS_MAX);
});

Deno.test("[MESH-25] an offer of something held is answered with held", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  rig.push(a!, event);
  rig.say(b!, { type: "held", ids: [event.id] });
  rig.sent.length = 0;
  rig.say(b!, { type: "offer", ids: [event.id] });
  assertEquals(rig.pass(100, "held", b).map(({ frame }) => frame.ids), [[event.id]]);
});

Deno.test("[MESH-26] an event that was offered is asked for at one neighbour at a time, until it comes", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  rig.say(a!, { type: "offer", ids: [event.id] });
  rig.say(b!, { type: "offer", ids: [event.id] });
  const wants = [rig.pass(90, "want"), rig.pass(150, "want"), rig.pass(150, "want")].map((sent) =>
    sent.map(({ to }) => to)
  );
  assertEquals(wants, [[a], [b], [a]]);
  rig.push(b!, event);
  assertEquals(rig.pass(5_000, "want"), []);
});

Deno.test("[MESH-26] a push that comes meanwhile makes asking needless", () => {
  const rig = new Rig();
  rig.crowd();
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  rig.say(a!, { type: "offer", ids: [event.id] });
  rig.time.run(30);
  rig.push(b!, event);
  assertEquals(rig.pass(5_000, "want"), []);
});

Deno.test("[MESH-26] who offers what it never sends is banned, and hinders nobody", () => {
  const rig = new Rig();
  rig.crowd();
  const [liar, b] = rig.neighbours(2);
  const event = rig.event();
  const ids = Array.from({ length: WANTED_PER_PEER + 100 }, () => rig.event().id);
  for (let at = 0; at < ids.length; at += 50) rig.say(liar!, { type: "offer", ids: ids.slice(at, at + 50) });
  assert(rig.node.stats().wanted <= WANTED_PER_PEER);
  rig.say(liar!, { type: "offer", ids: [event.id] });
  rig.say(b!, { type: "offer", ids: [event.id] });
  assert(rig.pass(400, "want", b).some(({ frame }) => frame.ids.includes(event.id)));
  rig.time.run(10_000);
  assertEquals(rig.banned, [liar]);
});

Deno.test("[MESH-27] an event whose hops are used up is kept and told, and goes no further", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  rig.push(a!, rig.event(), 0);
  assertEquals(rig.told.length, 1);
  rig.time.run(3_000);
  assertEquals(rig.sent.filter(({ to, frame }) => to === b && (frame.type === "push" || frame.type === "offer")), []);
});

Deno.test("[MESH-27] an own event starts with all its hops", () => {
  const rig = new Rig();
  rig.neighbours(1);
  rig.node.publish(rig.event(rig.me));
  assertEquals(rig.pass(10, "push").map(({ frame }) => frame.hopsLeft), [MESH_HOPS_MAX - 1]);
});

Deno.test("[MESH-28] more than an author's budget is neither checked nor passed on; others' events are", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2), flooder = rig.key();
  for (let count = 0; count < 100; count++) rig.push(a!, rig.event(flooder));
  assertEquals(rig.checked.length, AUTHOR_BURST);
  rig.push(a!, rig.event());
  assertEquals(rig.told.length, AUTHOR_BURST + 1);
  assertEquals(rig.pass(10, "push", b).length, AUTHOR_BURST + 1);
  assertEquals(rig.banned, [], "a relay is not blamed for what an author does");
  rig.time.run(1_000);
  rig.push(a!, rig.event(flooder));
  assertEquals(rig.told.length, AUTHOR_BURST + 2, "one more a second");
});

Deno.test("[MESH-28] an author that floods its own neighbours is banned", () => {
  const rig = new Rig();
  const [flooder] = rig.neighbours(1);
  for (let count = 0; count < 100; count++) rig.push(flooder!, rig.event(flooder));
  assertEquals(rig.banned, [flooder]);
});

Deno.test("[MESH-28] forged events do not use up an author's budget", () => {
  const rig = new Rig();
  const author = rig.key();
  for (let count = 0; count < 2 * AUTHOR_BURST; count++) {
    const [liar] = rig.neighbours(1);
    const event = rig.event(author, `false ${count}`, 1);
    rig.push(liar!, { ...event, wire: [event.wire[0], fakeSign(liar!, event.wire[0])] });
  }
  const [a] = rig.neighbours(1);
  rig.push(a!, rig.event(author, "true", 1));
  assertEquals(rig.told.length, 1);
});

Deno.test("[MESH-29] a link that takes no more gets an offer when it does", () => {
  let open = false;
  const sent: string[] = [];
  const rig = new Rig({ send: (_to, text) => (open && sent.push(text), open) });
  rig.neighbours(1);
  const event = rig.event(rig.me);
  rig.node.publish(event);
  rig.time.run(100);
  open = true;
  rig.time.run(1_000);
  assert(sent.some((text) => text.includes('"offer"') && text.includes(event.id)), sent.join("\n"));
});

Deno.test("[MESH-29] replayed events cost who replays them its link", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), event = rig.event();
  for (let count = 0; count < 300; count++) rig.push(a!, event);
  assertEquals(rig.banned, [a]);
  assertEquals(rig.checked.length, 1);
});

Deno.test("[MESH-61] an event from the server is offered, not pushed", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  const event = rig.event();
  rig.node.heard(event);
  rig.time.run(100);
  assertEquals(rig.sent.map(({ to, frame }) => [to, frame.type]), [[a, "offer"], [b, "offer"]]);
});

/** Links, reach, receipts and signaling of one node: [MESH-1], [MESH-2], [MESH-40] to [MESH-52], [MESH-60]. */
import { assert, assertEquals } from "@std/assert";
import { type Receipt, receiptText } from "../../lib/protocol/peer/mesh_frames.ts";
import { FRAMES_BURST, REACH_FRESH_MS, RECEIPTS_BURST, RECEIPTS_TRIES } from "../../lib/mesh/mesh_limits.ts";
import { ROOM } from "./crowd.ts";
import { fakeSign } from "./fake_keys.ts";
import { Rig } from "./rig.ts";

Deno.test("[MESH-1] a link begins with hello; another version is told goodbye", () => {
  const rig = new Rig();
  const peer = rig.key();
  rig.node.linked(peer);
  const [hello] = rig.pass(0, "hello");
  assertEquals([hello!.frame.version, hello!.frame.links, hello!.frame.maxLinks], [1, 1, 8]);
  rig.say(peer, { ...hello!.frame, version: 2 });
  assertEquals(rig.pass(0, "goodbye").map(({ frame }) => frame.reason), ["version"]);
  assertEquals(rig.ended, [peer]);
});

Deno.test("[MESH-2] what is no frame changes nothing, and ten in a row end the link", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1);
  for (let count = 0; count < 9; count++) rig.say(a!, "{}");
  assertEquals([rig.banned, rig.sent, rig.told], [[], [], []]);
  rig.say(a!, "{}");
  assertEquals(rig.banned, [a]);
});

Deno.test("[SKEW-3] a frame of a type that this build does not know is not read, and costs its sender nothing", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1);
  for (let count = 0; count < 20; count++) rig.say(a!, '{"type":"weather","sun":true}');
  assertEquals([rig.banned, rig.sent, rig.told], [[], [], []]);
});

Deno.test("[MESH-2] more frames than a neighbour may send are not read", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1);
  for (let count = 0; count < FRAMES_BURST; count++) rig.say(a!, { type: "prune" });
  rig.push(a!, rig.event());
  assertEquals(rig.told, []);
  rig.time.run(1_000);
  rig.push(a!, rig.event());
  assertEquals(rig.told.length, 1);
});

Deno.test("[MESH-40] reached are neighbours, and whom they say they reach; missing is who is present and neither", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), [far, lost] = [rig.key(), rig.key()];
  rig.node.setPresent([a!, far, lost]);
  rig.say(a!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 1]] });
  assertEquals(rig.node.coverage(), { direct: [a!], viaMesh: [far], missing: [lost] });
  rig.node.unlinked(a!);
  assertEquals(rig.node.coverage(), { direct: [], viaMesh: [], missing: [a!, far, lost] });
});

Deno.test("[MESH-41] ages grow on the way, and who was not alive for long is not reached", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2), far = rig.key();
  rig.say(a!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 5_000, 2]] });
  const [told] = rig.pass(3_000, "peers", b);
  const row = told!.frame.peers.find(([phone]) => phone === far);
  assert(row !== undefined && row[1] >= 5_000 && row[2] === 3, `${row}`);
  rig.time.run(REACH_FRESH_MS - 8_001);
  assertEquals(rig.node.coverage().viaMesh, [far]);
  rig.time.run(10);
  assertEquals(rig.node.coverage().viaMesh, []);
});

Deno.test("[MESH-42] a liar's word about reach is forgotten with its link, and takes nobody else's place", () => {
  const rig = new Rig();
  const [liar, b] = rig.neighbours(2), far = rig.key();
  rig.say(b!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 1]] });
  rig.say(liar!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 86_400_000, 16], [rig.key(), 0, 1]] });
  assertEquals(rig.node.coverage().viaMesh.length, 2);
  rig.node.unlinked(liar!);
  assertEquals(rig.node.coverage().viaMesh, [far]);
});

function receipt(phone: string, author: string, from: number, to: number, signer = phone): Receipt {
  const words = { phone, author, from, to };
  return { ...words, signature: fakeSign(signer, receiptText(ROOM, words)) };
}

Deno.test("[MESH-50] a phone that holds an event signs one receipt for a run of them, back the way they came", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(2), author = rig.key();
  for (let count = 0; count < 3; count++) rig.push(a!, rig.event(author));
  const frames = rig.pass(500, "receipts");
  assertEquals(frames.map(({ to }) => to), [a]);
  assertEquals(frames[0]!.frame.receipts, [receipt(rig.me, author, 1, 3)]);
});

Deno.test("[MESH-50] a batch nobody took is sent again, some times", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1);
  rig.push(a!, rig.event());
  assertEquals(rig.pass(20_000, "receipts").length, RECEIPTS_TRIES);
  rig.push(a!, rig.event());
  const [batch] = rig.pass(500, "receipts");
  rig.say(a!, { type: "taken", batch: batch!.frame.batch });
  assertEquals(rig.pass(20_000, "receipts"), []);
});

Deno.test("[MESH-50] receipts of several phones go on together, each once", () => {
  const rig = new Rig();
  const [a, b, c] = rig.neighbours(3), author = rig.key();
  rig.push(a!, rig.event(author));
  const [one, other] = [receipt(rig.key(), author, 1, 1), receipt(rig.key(), author, 1, 1)];
  rig.say(b!, { type: "receipts", batch: 1, receipts: [one] });
  rig.say(c!, { type: "receipts", batch: 1, receipts: [other, one] });
  const [frame] = rig.pass(500, "receipts", a);
  assertEquals(frame!.frame.receipts.length, 3);
  rig.say(a!, { type: "taken", batch: frame!.frame.batch });
  rig.say(b!, { type: "receipts", batch: 2, receipts: [one] });
  assertEquals(rig.pass(2_000, "receipts"), []);
});

Deno.test("[MESH-51] a phone counts once, for events it signed for, when its signature is right", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  const events = [1, 2, 3].map(() => rig.event(rig.me));
  for (const event of events) rig.node.publish(event);
  const say = (receipt: Receipt) => rig.say(a!, { type: "receipts", batch: 1, receipts: [receipt] });
  say(receipt(a!, rig.me, 1, 2));
  say(receipt(a!, rig.me, 1, 2));
  say(receipt(a!, rig.me, 2, 2));
  say(receipt(b!, rig.me, 2, 2));
  say(receipt(b!, rig.me, 1, 3, a!));
  assertEquals(events.map(({ id }) => rig.receipts.get(id)), [1, 2, undefined]);
});

Deno.test("[MESH-52] keys that nobody knows to be there do not count", () => {
  const rig = new Rig();
  const [a] = rig.neighbours(1), present = rig.key();
  rig.node.setPresent([present]);
  const event = rig.event(rig.me);
  rig.node.publish(event);
  const invented = Array.from({ length: 20 }, () => receipt(rig.key(), rig.me, 1, 1));
  rig.say(a!, { type: "receipts", batch: 1, receipts: [...invented, receipt(present, rig.me, 1, 1)] });
  assertEquals(rig.receipts.get(event.id), 1);
});

Deno.test("[MESH-52] a false receipt takes no true one's place on its way, and a neighbour hands over only so many", () => {
  const rig = new Rig();
  const [liar, b, c] = rig.neighbours(3), author = rig.key(), phone = rig.key();
  rig.push(c!, rig.event(author));
  rig.pass(20_000, "receipts");
  rig.say(liar!, { type: "receipts", batch: 1, receipts: [receipt(phone, author, 1, 999, liar!)] });
  rig.say(b!, { type: "receipts", batch: 1, receipts: [receipt(phone, author, 1, 1)] });
  const [both] = rig.pass(500, "receipts", c);
  assertEquals(both!.frame.receipts.length, 2);
  rig.say(c!, { type: "taken", batch: both!.frame.batch });
  let passed = 0;
  for (let batch = 1; batch <= 40; batch++) {
    const receipts = Array.from({ length: 32 }, () => receipt(rig.key(), author, 1, 1, liar!));
    rig.say(liar!, { type: "receipts", batch, receipts });
  }
  for (let turn = 0; turn < 40; turn++) {
    for (const { to, frame } of rig.pass(500, "receipts")) {
      passed += frame.receipts.length;
      rig.say(to, { type: "taken", batch: frame.batch });
    }
  }
  assert(passed <= RECEIPTS_BURST, `${passed} of 1,280`);
});

Deno.test("[MESH-60] signaling goes to the neighbour that is nearest to its receiver, and is handed to nobody else", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2), far = rig.key();
  assertEquals(rig.node.signal(far, "offer"), false);
  rig.say(a!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 3]] });
  rig.say(b!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 1]] });
  assertEquals(rig.node.signal(far, "offer"), true);
  assertEquals(rig.pass(0, "signal").map(({ to, frame }) => [to, frame.from, frame.text]), [[b, rig.me, "offer"]]);
  rig.say(a!, { type: "signal", from: a!, to: far, hopsLeft: 3, text: "answer" });
  assertEquals(rig.pass(0, "signal").map(({ to, frame }) => [to, frame.hopsLeft]), [[b, 2]]);
  rig.say(a!, { type: "signal", from: far, to: rig.me, hopsLeft: 3, text: "candidate" });
  assertEquals(rig.signals, ["candidate"]);
});

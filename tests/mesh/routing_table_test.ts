/** Links, routes, receipts and signaling of one node: [MESH-1], [MESH-2], [MESH-40] to [MESH-52], [MESH-60]. */
import { assert, assertEquals } from "@std/assert";
import { type Receipt, receiptText } from "../../lib/protocol/peer/mesh_frames.ts";
import { FRAME_LIMIT, RECEIPT_LIMIT, RECEIPTS_TRIES, ROUTE_TTL_MS } from "../../lib/mesh/mesh_limits.ts";
import { ROOM } from "./crowd.ts";
import { fakeSign } from "./fake_keys.ts";
import { MeshHarness } from "./mesh_harness.ts";

Deno.test("[MESH-1] a link begins with hello; another version gets a goodbye", () => {
  const mesh = new MeshHarness();
  const peer = mesh.key();
  mesh.node.linked(peer);
  const [hello] = mesh.sentWithin(0, "hello");
  assertEquals([hello!.frame.version, hello!.frame.links, hello!.frame.maxLinks], [1, 1, 8]);
  mesh.receive(peer, { ...hello!.frame, version: 2 });
  assertEquals(mesh.sentWithin(0, "goodbye").map(({ frame }) => frame.reason), ["version"]);
  assertEquals(mesh.ended, [peer]);
});

Deno.test("[MESH-2] an invalid frame changes nothing, and ten in a row end the link", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1);
  for (let count = 0; count < 9; count++) mesh.receive(a!, "{}");
  assertEquals([mesh.banned, mesh.sent, mesh.delivered], [[], [], []]);
  mesh.receive(a!, "{}");
  assertEquals(mesh.banned, [a]);
});

Deno.test("[SKEW-3] a frame of a type that this build does not know is not read, and costs its sender nothing", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1);
  for (let count = 0; count < 20; count++) mesh.receive(a!, '{"type":"weather","sun":true}');
  assertEquals([mesh.banned, mesh.sent, mesh.delivered], [[], [], []]);
});

Deno.test("[MESH-2] frames beyond a peer's limit are ignored", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1);
  for (let count = 0; count < FRAME_LIMIT.burst; count++) mesh.receive(a!, { type: "prune" });
  mesh.push(a!, mesh.event());
  assertEquals(mesh.delivered, []);
  mesh.time.run(1_000);
  mesh.push(a!, mesh.event());
  assertEquals(mesh.delivered.length, 1);
});

Deno.test("[MESH-40] peers and the phones they report are reachable; other present phones are missing", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), [far, lost] = [mesh.key(), mesh.key()];
  mesh.node.setPresent([a!, far, lost]);
  mesh.receive(a!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 1]] });
  assertEquals(mesh.node.coverage(), { direct: [a!], viaMesh: [far], missing: [lost] });
  mesh.node.unlinked(a!);
  assertEquals(mesh.node.coverage(), { direct: [], viaMesh: [], missing: [a!, far, lost] });
});

Deno.test("[MESH-41] ages grow along the path, and a route expires after ROUTE_TTL_MS", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2), far = mesh.key();
  mesh.receive(a!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 5_000, 2]] });
  const [told] = mesh.sentWithin(3_000, "peers", b);
  const row = told!.frame.peers.find(([phone]) => phone === far);
  assert(row !== undefined && row[1] >= 5_000 && row[2] === 3, `${row}`);
  mesh.time.run(ROUTE_TTL_MS - 8_001);
  assertEquals(mesh.node.coverage().viaMesh, [far]);
  mesh.time.run(10);
  assertEquals(mesh.node.coverage().viaMesh, []);
});

Deno.test("[MESH-42] a misbehaving peer's routes end with its link and displace no others", () => {
  const mesh = new MeshHarness();
  const [cheat, b] = mesh.peers(2), far = mesh.key();
  mesh.receive(b!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 1]] });
  mesh.receive(cheat!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 86_400_000, 16], [mesh.key(), 0, 1]] });
  assertEquals(mesh.node.coverage().viaMesh.length, 2);
  mesh.node.unlinked(cheat!);
  assertEquals(mesh.node.coverage().viaMesh, [far]);
});

function receipt(phone: string, author: string, from: number, to: number, signer = phone): Receipt {
  const words = { phone, author, from, to };
  return { ...words, signature: fakeSign(signer, receiptText(ROOM, words)) };
}

Deno.test("[MESH-50] a phone signs one receipt for a run of held events and sends it back along their path", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(2), author = mesh.key();
  for (let count = 0; count < 3; count++) mesh.push(a!, mesh.event(author));
  const frames = mesh.sentWithin(500, "receipts");
  assertEquals(frames.map(({ to }) => to), [a]);
  assertEquals(frames[0]!.frame.receipts, [receipt(mesh.me, author, 1, 3)]);
});

Deno.test("[MESH-50] an unacknowledged batch is sent again, at most RECEIPTS_TRIES times", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1);
  mesh.push(a!, mesh.event());
  assertEquals(mesh.sentWithin(20_000, "receipts").length, RECEIPTS_TRIES);
  mesh.push(a!, mesh.event());
  const [batch] = mesh.sentWithin(500, "receipts");
  mesh.receive(a!, { type: "taken", batch: batch!.frame.batch });
  assertEquals(mesh.sentWithin(20_000, "receipts"), []);
});

Deno.test("[MESH-50] receipts of several phones are forwarded in one batch, each once", () => {
  const mesh = new MeshHarness();
  const [a, b, c] = mesh.peers(3), author = mesh.key();
  mesh.push(a!, mesh.event(author));
  const [one, other] = [receipt(mesh.key(), author, 1, 1), receipt(mesh.key(), author, 1, 1)];
  mesh.receive(b!, { type: "receipts", batch: 1, receipts: [one] });
  mesh.receive(c!, { type: "receipts", batch: 1, receipts: [other, one] });
  const [frame] = mesh.sentWithin(500, "receipts", a);
  assertEquals(frame!.frame.receipts.length, 3);
  mesh.receive(a!, { type: "taken", batch: frame!.frame.batch });
  mesh.receive(b!, { type: "receipts", batch: 2, receipts: [one] });
  assertEquals(mesh.sentWithin(2_000, "receipts"), []);
});

Deno.test("[MESH-51] a phone with a valid signature counts once for each event it signed for", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  const events = [1, 2, 3].map(() => mesh.event(mesh.me));
  for (const event of events) mesh.node.publish(event);
  const say = (receipt: Receipt) => mesh.receive(a!, { type: "receipts", batch: 1, receipts: [receipt] });
  say(receipt(a!, mesh.me, 1, 2));
  say(receipt(a!, mesh.me, 1, 2));
  say(receipt(a!, mesh.me, 2, 2));
  say(receipt(b!, mesh.me, 2, 2));
  say(receipt(b!, mesh.me, 1, 3, a!));
  assertEquals(events.map(({ id }) => mesh.receipts.get(id)), [1, 2, undefined]);
});

Deno.test("[MESH-52] keys that are not known to be present do not count", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), present = mesh.key();
  mesh.node.setPresent([present]);
  const event = mesh.event(mesh.me);
  mesh.node.publish(event);
  const invented = Array.from({ length: 20 }, () => receipt(mesh.key(), mesh.me, 1, 1));
  mesh.receive(a!, { type: "receipts", batch: 1, receipts: [...invented, receipt(present, mesh.me, 1, 1)] });
  assertEquals(mesh.receipts.get(event.id), 1);
});

Deno.test("[MESH-52] a false receipt displaces no true one, and receipts from one peer are limited", () => {
  const mesh = new MeshHarness();
  const [cheat, b, c] = mesh.peers(3), author = mesh.key(), phone = mesh.key();
  mesh.push(c!, mesh.event(author));
  mesh.sentWithin(20_000, "receipts");
  mesh.receive(cheat!, { type: "receipts", batch: 1, receipts: [receipt(phone, author, 1, 999, cheat!)] });
  mesh.receive(b!, { type: "receipts", batch: 1, receipts: [receipt(phone, author, 1, 1)] });
  const [both] = mesh.sentWithin(500, "receipts", c);
  assertEquals(both!.frame.receipts.length, 2);
  mesh.receive(c!, { type: "taken", batch: both!.frame.batch });
  let passed = 0;
  for (let batch = 1; batch <= 40; batch++) {
    const receipts = Array.from({ length: 32 }, () => receipt(mesh.key(), author, 1, 1, cheat!));
    mesh.receive(cheat!, { type: "receipts", batch, receipts });
  }
  for (let turn = 0; turn < 40; turn++) {
    for (const { to, frame } of mesh.sentWithin(500, "receipts")) {
      passed += frame.receipts.length;
      mesh.receive(to, { type: "taken", batch: frame.batch });
    }
  }
  assert(passed <= RECEIPT_LIMIT.burst, `${passed} of 1,280`);
});

Deno.test("[MESH-60] signaling takes the shortest route to its receiver and is delivered to nobody else", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2), far = mesh.key();
  assertEquals(mesh.node.signal(far, "offer"), false);
  mesh.receive(a!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 3]] });
  mesh.receive(b!, { type: "peers", links: 2, maxLinks: 8, peers: [[far, 1_000, 1]] });
  assertEquals(mesh.node.signal(far, "offer"), true);
  assertEquals(mesh.sentWithin(0, "signal").map(({ to, frame }) => [to, frame.from, frame.text]), [[
    b,
    mesh.me,
    "offer",
  ]]);
  mesh.receive(a!, { type: "signal", from: a!, to: far, hopsLeft: 3, text: "answer" });
  assertEquals(mesh.sentWithin(0, "signal").map(({ to, frame }) => [to, frame.hopsLeft]), [[b, 2]]);
  mesh.receive(a!, { type: "signal", from: far, to: mesh.me, hopsLeft: 3, text: "candidate" });
  assertEquals(mesh.signals, ["candidate"]);
});

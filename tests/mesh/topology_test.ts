/** Topology: [MESH-10] to [MESH-16] of docs/PROTOCOL.md. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import {
  type AcceptView,
  chooseEvicted,
  isCaller,
  judgeCaller,
  linksWanted,
  nextDial,
  type TopologyView,
} from "../../lib/mesh/peers/topology.ts";
import { CALLER_GRACE_MS, DIAL_EVERY_MS, EVICT_EVERY_MS, UNREACHABLE_PATIENCE_MS } from "../../lib/mesh/mesh_limits.ts";
import { MeshHarness } from "./mesh_harness.ts";

const ME = key(0);
const OTHERS = Array.from({ length: 20 }, (_, at) => key(at + 1));

function key(at: number): string {
  return toBase64Url(new Uint8Array(32).fill(at));
}

function view(over: Partial<TopologyView> = {}): TopologyView {
  return {
    me: ME,
    now: 1_000_000,
    maxLinks: 8,
    links: [],
    pending: new Set(),
    known: OTHERS,
    isReachable: () => true,
    unreachableSince: undefined,
    dials: { get: () => undefined },
    lastDialAt: -Infinity,
    underLinkedSince: 1_000_000,
    random: () => 0,
    ...over,
  };
}

const linksTo = (count: number) => OTHERS.slice(0, count).map((peer) => ({ peer, upAt: 0, links: 3 }));

Deno.test("[MESH-11] a phone wants links to all when they are few, else three quarters of what it may have", () => {
  assertEquals([1, 5, 8].map((others) => linksWanted(8, others)), [1, 5, 8]);
  assertEquals([9, 500].map((others) => linksWanted(8, others)), [6, 6]);
  assertEquals(linksWanted(3, 500), 3);
  assertEquals(nextDial(view({ links: linksTo(6) })), undefined);
  assert(nextDial(view({ links: linksTo(5) })) !== undefined);
});

Deno.test("[MESH-12] a phone dials every two seconds, each peer every five, and backs off after failures", () => {
  assertEquals(nextDial(view({ lastDialAt: 1_000_000 - DIAL_EVERY_MS + 1 })), undefined);
  const [peer] = OTHERS;
  const after = (ms: number, failures: number) =>
    nextDial(view({ known: [peer!], dials: { get: () => ({ at: 1_000_000 - ms, failures }) } }));
  assertEquals([after(4_999, 0), after(5_000, 0)], [undefined, peer]);
  assertEquals([after(9_999, 2), after(10_000, 2)], [undefined, peer]);
  assertEquals([after(59_999, 9), after(60_000, 9)], [undefined, peer]);
});

Deno.test("[MESH-12] a phone that failed three times counts as gone until it is named again", () => {
  const mesh = new MeshHarness();
  const gone = mesh.key();
  mesh.node.setPresent([gone]);
  for (let second = 0; second < 300; second++) {
    mesh.time.run(1_000);
    if (mesh.dialled.length > mesh.ended.length) {
      mesh.ended.push(gone);
      mesh.node.unlinked(gone);
    }
  }
  assertEquals(mesh.dialled.length, 3);
  mesh.node.setPresent([]);
  mesh.node.setPresent([gone]);
  mesh.time.run(3_000);
  assertEquals(mesh.dialled.length, 4);
});

Deno.test("[MESH-13] exactly one phone of each pair is the caller, each in about half of its pairs", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    const one = toBase64Url(a), other = toBase64Url(b);
    return one === other || isCaller(one, other) !== isCaller(other, one);
  }));
  const keys = new MeshHarness();
  const mine = Array.from({ length: 1_000 }, () => keys.key()).filter((peer) => isCaller(keys.me, peer)).length;
  assert(mine > 400 && mine < 600, `caller of ${mine} in 1,000`);
});

Deno.test("[MESH-13] the other phone of a pair dials when it has hardly any links or has waited long enough", () => {
  const theirs = OTHERS.filter((peer) => !isCaller(ME, peer));
  assert(theirs.length > 3);
  const others = view({ known: theirs, links: linksTo(3).map((link, at) => ({ ...link, peer: key(100 + at) })) });
  assertEquals(nextDial(others), undefined);
  assert(nextDial({ ...others, links: [] }) !== undefined);
  assert(nextDial({ ...others, underLinkedSince: others.now - CALLER_GRACE_MS }) !== undefined);
});

const full: AcceptView = {
  now: 1_000_000,
  maxLinks: 3,
  used: 3,
  isBanned: false,
  callerLinks: 0,
  isReachable: true,
  lastEvictionAt: -Infinity,
  lastEvictionForCallerAt: -Infinity,
};

Deno.test("[MESH-14] a caller gets a free place; without one only a newcomer or a bridge is accepted, at a limited rate", () => {
  assertEquals(judgeCaller({ ...full, used: 2, callerLinks: 5 }), { accept: true, reason: "place_free" });
  assertEquals(judgeCaller(full), { accept: true, reason: "evict" });
  assertEquals(judgeCaller({ ...full, callerLinks: 2 }), { accept: false, reason: "full" });
  assertEquals(judgeCaller({ ...full, callerLinks: 7, isReachable: false }), { accept: true, reason: "evict" });
  assertEquals(judgeCaller({ ...full, lastEvictionAt: full.now - EVICT_EVERY_MS + 1 }).reason, "evicted_recently");
  assertEquals(judgeCaller({ ...full, lastEvictionForCallerAt: full.now - 59_999 }).reason, "evicted_recently");
  assertEquals(judgeCaller({ ...full, used: 0, isBanned: true }).reason, "banned");
  assertEquals(judgeCaller({ ...full, used: 0, maxLinks: 0 }).reason, "off");
});

Deno.test("[MESH-15] the peer with the most links is evicted for the newcomer and told to link to it", () => {
  assertEquals(chooseEvicted([{ peer: "a", upAt: 1, links: 3 }, { peer: "b", upAt: 1, links: 8 }], "b"), "a");
  const mesh = new MeshHarness({}, { maxLinks: 3 });
  const [a, b, c] = mesh.peers(3), newcomer = mesh.key();
  mesh.receive(b!, { type: "peers", links: 7, maxLinks: 8, peers: [] });
  assertEquals(mesh.node.accepts(newcomer, 0), { accept: true, reason: "evict" });
  mesh.node.linked(newcomer);
  assertEquals(mesh.ended, [b]);
  assertEquals(mesh.sentWithin(0, "goodbye"), [{
    to: b!,
    frame: { type: "goodbye", reason: "evicted", peer: newcomer },
  }]);
  assertEquals(new Set(mesh.node.links.keys()), new Set([a, c, newcomer]));
});

Deno.test("[MESH-15] an evicted phone dials the newcomer at once", () => {
  const mesh = new MeshHarness();
  const [a] = mesh.peers(1), newcomer = mesh.key();
  mesh.receive(a!, { type: "goodbye", reason: "evicted", peer: newcomer });
  assertEquals(mesh.dialled, [newcomer]);
  assertEquals(mesh.ended, [a]);
});

Deno.test("[MESH-10] links and dials never exceed the limit, except for one eviction in two seconds", () => {
  const mesh = new MeshHarness({}, { maxLinks: 3 });
  const present = mesh.largeRoom();
  let accepted = 0;
  for (let count = 0; count < 20; count++) if (mesh.node.accepts(mesh.key(), 5).accept) accepted++;
  assertEquals(accepted, 4);
  mesh.time.run(9_000);
  assertEquals(mesh.dialled, []);
  for (const peer of present.slice(0, 6)) mesh.node.linked(peer);
  assertEquals(mesh.node.stats().links, 3);
});

Deno.test("[MESH-16] phones that stay unreachable are dialled even with enough links", () => {
  const unreachable = OTHERS.slice(10);
  const apart = (since: number, random: number) =>
    nextDial(view({
      links: linksTo(6),
      isReachable: (peer) => !unreachable.includes(peer),
      unreachableSince: since,
      random: () => random,
    }));
  assertEquals(apart(1_000_000 - UNREACHABLE_PATIENCE_MS + 1, 0), undefined);
  assert(unreachable.includes(apart(1_000_000 - UNREACHABLE_PATIENCE_MS, 0)!));
  assertEquals(apart(0, 0.9), undefined, "not by the whole partition at once");
});

Deno.test("[FILE-7] the only holder of a wanted file is dialled even with enough links, and another peer is evicted for it", () => {
  const mesh = new MeshHarness({}, { maxLinks: 3 });
  const [a, b, c] = mesh.peers(3), holder = mesh.key(), other = mesh.key();
  mesh.receive(c!, { type: "peers", links: 7, maxLinks: 8, peers: [] });
  for (const peer of [a!, mesh.me, holder, holder, other]) mesh.node.requestLink(peer);
  assertEquals(mesh.dialled, [holder]);
  mesh.node.linked(holder);
  assertEquals(mesh.ended, [c]);
  assertEquals(new Set(mesh.node.links.keys()), new Set([a, b, holder]));
});

/** Regressions that simulations found: the seeds that found them, and direct tests where possible. */
import { assertEquals } from "@std/assert";
import { ReplicaReader } from "../../lib/session/replica/replica_reader.ts";
import type { ServerFrame } from "../../lib/protocol/frames.ts";
import type { WireEvent } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { signEvent } from "../../lib/crypto/signing.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { People } from "../../lib/server/rooms/people.ts";
import { fakeSigner } from "./fake_ed25519.ts";
import { simulate } from "./simulate.ts";

const SEEDS: [seed: number, rule: string][] = [
  [76, "an instance that cannot read the newest events never welcomes a client with an older head than the client has"],
  [97, "what was typed while the disk was full for a moment is signed and sent once it is not"],
  [1190, "a room whose doubtful batch was refused as a whole stores events again afterwards"],
];

for (const [seed, rule] of SEEDS) {
  Deno.test(`seed ${seed}: ${rule}`, async () => {
    await simulate(seed);
  });
}

Deno.test("a newcomer gets the current count even while it fluctuates", () => {
  const people = new People(DEFAULT_CONFIG.presence);
  const elsewhere = (count: number) => [{ instance: "other", count, shown: [], expiresAt: 0 }];
  people.setElsewhere(elsewhere(3));
  people.enter({ author: "ada", name: "Ada" });
  assertEquals(people.takeChanges()?.count, 4);
  // Ada opens a second page: its welcome says 3. Then it is 4 again, which everybody but that page knows.
  people.setElsewhere(elsewhere(2));
  people.enter({ author: "ada", name: "Ada" });
  assertEquals(people.count, 3);
  people.setElsewhere(elsewhere(3));
  assertEquals(people.takeChanges(), { type: "presence", count: 4, joined: [], left: [] });
  assertEquals(people.takeChanges(), undefined);
});

Deno.test("a person who was away for a moment is visible to someone who joined in that moment", () => {
  const people = new People(DEFAULT_CONFIG.presence);
  people.enter({ author: "ada", name: "Ada" });
  people.takeChanges();
  people.leave("ada");
  const bob = { author: "bob", name: "Bob" };
  people.enter(bob);
  const seen = new Set(people.shown(bob).map(({ author }) => author));
  people.enter({ author: "ada", name: "Ada" });
  const { joined, left } = people.takeChanges()!;
  for (const { author } of joined) seen.add(author);
  for (const author of left) seen.delete(author);
  assertEquals(seen, new Set(["bob", "ada"]));
});

Deno.test("a tab adds only newly received events to the device's replica and does not restore what another tab removed", async () => {
  const room = "AAAAAAAAAAAAAAAAAAAAAA";
  const signer = fakeSigner(new Uint8Array(32));
  const wires: WireEvent[] = [];
  for (let n = 1; n <= 5; n++) {
    const content = { kind: "message", body: { name: "Ada", text: `${n}` } } as const;
    wires.push((await signEvent(signer, { room, n, clock: n, at: 0 }, content)).wire);
  }
  const reader = new ReplicaReader({
    room: "room",
    verifier: { verify: (event: Event) => Promise.resolve(event) },
    onEvents: () => {},
    onRenumbered: () => {},
    onChange: () => {},
    onWanted: () => {},
    log: () => {},
    steady: { now: () => 0 },
    timers: { after: (_, run) => (queueMicrotask(run), () => {}) },
  });
  const welcome = { mode: "latest", epoch: "AAAAAAAAAAA", head: 3, oldest: 1, from: 1 };
  reader.welcome(welcome as ServerFrame<"welcome">, undefined);
  const take = async (from: number, to: number) => {
    const frame: ServerFrame<"events"> = { type: "events", from, events: wires.slice(from - 1, to) };
    assertEquals(reader.take(frame), true);
    await reader.idle();
  };
  await take(1, 3);
  const first = reader.unsaved()!.copy;
  assertEquals(first.ranges, [{ from: 1, to: 3 }]);
  reader.saved(first);
  await take(4, 5);
  const second = reader.unsaved()!.copy;
  assertEquals(second.ranges, [{ from: 4, to: 5 }]);
  assertEquals(second.events.map(({ position }) => position), [4, 5]);
});

/** Events of others that are not in the log: kept, bounded, and sent for their authors. */
import { assert, assertEquals } from "@std/assert";
import { signEvent } from "../../lib/crypto/signing.ts";
import type { Event, WireEvent } from "../../lib/protocol/event.ts";
import type { SendFrame } from "../../lib/protocol/frames.ts";
import {
  FORWARD_AGAIN_MS,
  FORWARD_LEAST_MS,
  FORWARD_MAX_EVENTS,
  FORWARD_MOST_MS,
  LOOSE_MAX_EVENTS,
} from "../../lib/session/limits.ts";
import { LooseEvents } from "../../lib/session/loose_events.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/memory_storage.ts";
import { fakeSigner } from "../simulation/fake_ed25519.ts";
import { SeededRandom } from "../simulation/random.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const ROOM = "A".repeat(22);

async function eventsOf(author: number, count: number, from = 1): Promise<Event[]> {
  const signer = fakeSigner(new Uint8Array(32).fill(author));
  return await Promise.all(
    Array.from({ length: count }, (_, at) =>
      signEvent(signer, { room: ROOM, n: from + at, clock: from + at, at: 1 }, {
        kind: "message",
        body: { name: "Bo", text: `${author}.${from + at}` },
      })),
  );
}

/** One phone with what it carries. */
class Carrier {
  readonly frames: SendFrame[] = [];
  readonly sentAt: number[] = [];
  readonly logs: string[] = [];
  takes = true;
  readonly loose: LooseEvents;

  constructor(readonly time: VirtualTime, seed = 1, readonly disk = new MemoryDisk(), failing = () => false) {
    const storage = memoryStorage(disk, {
      turn: () => failing() ? Promise.reject(new Error("full")) : Promise.resolve(),
    });
    this.loose = new LooseEvents({
      room: ROOM,
      steady: time.clock,
      timers: time.timers,
      random: new SeededRandom(seed, "carrier"),
      storage: () => storage,
      send: (frame) => {
        if (!this.takes) return false;
        this.frames.push(frame);
        this.sentAt.push(time.now());
        return true;
      },
      log: (line) => this.logs.push(line),
    });
  }

  /** What was sent, frame by frame. */
  get sent(): string[][] {
    return this.frames.map(({ events }) => events.map(textOf));
  }

  get kept(): string[] {
    return [...this.disk.loose.get(ROOM)?.values() ?? []].map(textOf);
  }
}

const textOf = ([payload]: WireEvent) => /"text":"([^"]*)"/.exec(payload)![1]!;

Deno.test("[LOOSE-1] what came from other phones is kept soon, together, and is there for the next page", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  for (const event of await eventsOf(1, 3)) carrier.loose.add(event);
  assertEquals(carrier.kept, []);
  await time.run(300);
  assertEquals(carrier.kept, ["1.1", "1.2", "1.3"]);
  assertEquals(carrier.loose.wires.map(textOf), ["1.1", "1.2", "1.3"]);
});

Deno.test("[LOOSE-1] what the device has kept is not written again, and the same event is carried once", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const [event] = await eventsOf(1, 1);
  carrier.loose.add(event!, true);
  carrier.loose.add(event!);
  await time.run(300);
  assertEquals([carrier.kept, carrier.loose.size], [[], 1]);
});

Deno.test("[LOOSE-1] storage that fails loses nothing: the next change writes all of it", async () => {
  const time = new VirtualTime();
  let full = true;
  const carrier = new Carrier(time, 1, new MemoryDisk(), () => full);
  const [first, second, third] = await eventsOf(1, 3);
  carrier.loose.add(first!);
  await time.run(300);
  assertEquals([carrier.kept, carrier.logs.length], [[], 1]);
  full = false;
  carrier.loose.add(second!);
  carrier.loose.add(third!);
  carrier.loose.stored([third!.id]);
  await time.run(300);
  assertEquals(carrier.kept.toSorted(), ["1.1", "1.2"]);
});

Deno.test("[LOOSE-2] what is in the log is carried no further, and dropped from the device", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const events = await eventsOf(1, 3);
  for (const event of events) carrier.loose.add(event);
  await time.run(300);
  carrier.loose.stored([events[0]!.id, events[1]!.id, "unknown"]);
  await time.run(300);
  assertEquals([carrier.kept, carrier.loose.has(events[0]!.id), carrier.loose.has(events[2]!.id)], [
    ["1.3"],
    false,
    true,
  ]);
});

Deno.test("[LOOSE-3] no more than LOOSE_MAX_EVENTS are carried; the oldest go first, on the device too", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  for (const event of await eventsOf(1, LOOSE_MAX_EVENTS)) carrier.loose.add(event);
  await time.run(300);
  for (const event of await eventsOf(1, 5, LOOSE_MAX_EVENTS + 1)) carrier.loose.add(event);
  await time.run(300);
  assertEquals([carrier.loose.size, carrier.kept.length], [LOOSE_MAX_EVENTS, LOOSE_MAX_EVENTS]);
  assertEquals([carrier.kept[0], carrier.kept.at(-1)], ["1.6", `1.${LOOSE_MAX_EVENTS + 5}`]);
});

Deno.test("[FWD-1] without a connection nothing is sent; with one, after FORWARD_LEAST_MS and before FORWARD_MOST_MS", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const time = new VirtualTime();
    const carrier = new Carrier(time, seed);
    const [event] = await eventsOf(1, 1);
    carrier.loose.add(event!);
    await time.run(60_000);
    assertEquals(carrier.frames, []);
    const connectedAt = time.now();
    carrier.loose.connected();
    await time.run(FORWARD_MOST_MS);
    assertEquals(carrier.sent, [["1.1"]]);
    const waited = carrier.sentAt[0]! - connectedAt;
    assert(waited >= FORWARD_LEAST_MS && waited <= FORWARD_MOST_MS, `${waited} ms, seed ${seed}`);
  }
});

Deno.test("[FWD-1] of fifty phones that carry an event a few send it, most see it done", async () => {
  const time = new VirtualTime();
  const carriers = Array.from({ length: 50 }, (_, at) => new Carrier(time, at + 1));
  const [event] = await eventsOf(1, 1);
  let told = false;
  for (const { loose } of carriers) {
    loose.add(event!);
    loose.connected();
  }
  await time.run(FORWARD_MOST_MS, () => {
    // The log tells everybody 100 ms after the first one sent it.
    if (!told && carriers.some(({ frames }) => frames.length > 0)) {
      told = true;
      time.after(100, () => carriers.forEach(({ loose }) => loose.stored([event!.id])));
    }
    return false;
  });
  const senders = carriers.filter(({ frames }) => frames.length > 0).length;
  assert(senders >= 1 && senders <= 5, `${senders} of 50 sent it`);
  assert(carriers.every(({ loose }) => loose.size === 0));
});

Deno.test("[FWD-2] events of one author go in the order of their numbers, whatever came first and whenever each is due", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const time = new VirtualTime();
    const carrier = new Carrier(time, seed);
    const events = [...await eventsOf(1, 6), ...await eventsOf(2, 6)];
    for (const event of events.toReversed()) carrier.loose.add(event);
    carrier.loose.connected();
    const next = new Map<string, number>();
    await time.run(FORWARD_MOST_MS + 100);
    for (const text of carrier.sent.flat()) {
      const [author, n] = text.split(".");
      const expected = (next.get(author!) ?? 0) + 1;
      assertEquals(Number(n), expected, `seed ${seed}: ${carrier.sent.map((frame) => frame.join(" ")).join(" | ")}`);
      next.set(author!, expected);
    }
    assertEquals([...next.values()], [6, 6], `seed ${seed}`);
  }
});

Deno.test("[FWD-2] many events go in several frames, each once", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  for (const event of await eventsOf(1, 3 * FORWARD_MAX_EVENTS)) carrier.loose.add(event);
  carrier.loose.connected();
  await time.run(FORWARD_MOST_MS + 100);
  assert(carrier.sent.every((frame) => frame.length <= FORWARD_MAX_EVENTS));
  assertEquals(carrier.sent.flat(), Array.from({ length: 3 * FORWARD_MAX_EVENTS }, (_, at) => `1.${at + 1}`));
});

Deno.test("[FWD-3] no answer: it is sent again after FORWARD_AGAIN_MS; a road that takes nothing is asked again sooner", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const [event] = await eventsOf(1, 1);
  carrier.loose.add(event!);
  carrier.takes = false;
  carrier.loose.connected();
  await time.run(FORWARD_MOST_MS);
  carrier.takes = true;
  await time.until(() => carrier.frames.length === 1, FORWARD_LEAST_MS + 100);
  await time.run(FORWARD_AGAIN_MS - 100);
  assertEquals(carrier.frames.length, 1);
  await time.run(200);
  assertEquals(carrier.frames.length, 2);
  carrier.loose.disconnected();
  await time.run(60_000);
  assertEquals(carrier.frames.length, 2);
});

Deno.test("[FWD-3] a refusal that may pass is waited out; a final one ends the carrying", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const [one, two, three] = [...await eventsOf(1, 1), ...await eventsOf(2, 1), ...await eventsOf(3, 1)];
  for (const event of [one!, two!, three!]) carrier.loose.add(event);
  carrier.loose.connected();
  await time.run(FORWARD_MOST_MS + 100);
  const before = carrier.frames.length;
  carrier.loose.refused(one!.id, "rate_limited", 30_000);
  carrier.loose.refused(two!.id, "missing_previous");
  carrier.loose.refused(three!.id, "conflict");
  carrier.loose.refused("unknown", "conflict");
  assertEquals([one, two, three].map((event) => carrier.loose.has(event!.id)), [true, true, false]);
  await time.run(FORWARD_AGAIN_MS + 100);
  assertEquals(carrier.sent.slice(before), [["2.1"]]);
  await time.run(FORWARD_AGAIN_MS);
  assert(carrier.sent.slice(before).flat().includes("1.1"));
  assert(!carrier.kept.includes("3.1"));
});

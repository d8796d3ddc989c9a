/** Events of others that are not in the log: stored, bounded, and sent for their authors. */
import { assert, assertEquals } from "@std/assert";
import { signEvent } from "../../lib/crypto/signing.ts";
import { eventIdOf, type WireEvent } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import type { ClientFrame } from "../../lib/protocol/client_frames.ts";
import {
  FORWARD_AGAIN_MS,
  FORWARD_LEAST_MS,
  FORWARD_MAX_EVENTS,
  FORWARD_MOST_MS,
  LAZY_HELD_MS,
  RELAYED_MAX_EVENTS,
} from "../../lib/session/ports/session_limits.ts";
import { RelayedEvents } from "../../lib/session/replica/relayed_events.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
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

/** One phone with its relayed events. */
class Carrier {
  readonly frames: ClientFrame<"send">[] = [];
  readonly sentAt: number[] = [];
  readonly logs: string[] = [];
  takes = true;
  /** The author has a connection to the server. */
  present = false;
  readonly relayed: RelayedEvents;

  constructor(readonly time: VirtualTime, seed = 1, readonly disk = new MemoryDisk(), failing = () => false) {
    const storage = memoryStorage(disk, {
      turn: () => failing() ? Promise.reject(new Error("full")) : Promise.resolve(),
    });
    this.relayed = new RelayedEvents({
      room: ROOM,
      steady: time.clock,
      timers: time.timers,
      random: new SeededRandom(seed, "carrier"),
      storage,
      present: () => this.present,
      send: (frame) => {
        if (!this.takes) return false;
        this.frames.push(frame);
        this.sentAt.push(time.now());
        return true;
      },
      onKept: () => {},
      log: (line) => this.logs.push(line),
    });
  }

  /** Texts of the sent events, frame by frame. */
  get sent(): string[][] {
    return this.frames.map(({ events }) => events.map(textOf));
  }

  get kept(): string[] {
    return [...this.disk.relayed.get(ROOM)?.values() ?? []].map(textOf);
  }
}

const textOf = ([payload]: WireEvent) => /"text":"([^"]*)"/.exec(payload)![1]!;

Deno.test("[RELAY-1] relayed events are stored soon, together, and are there for the next page", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  for (const event of await eventsOf(1, 3)) carrier.relayed.add(event);
  assertEquals(carrier.kept, []);
  await time.run(300);
  assertEquals(carrier.kept, ["1.1", "1.2", "1.3"]);
  assertEquals(carrier.relayed.wires.map(textOf), ["1.1", "1.2", "1.3"]);
});

Deno.test("[RELAY-1] stored events are not written again, and each event is relayed once", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const [event] = await eventsOf(1, 1);
  carrier.relayed.add(event!, true);
  carrier.relayed.add(event!);
  await time.run(300);
  assertEquals([carrier.kept, carrier.relayed.wires.length], [[], 1]);
});

Deno.test("[RELAY-1] after a failure of the storage the next change writes everything", async () => {
  const time = new VirtualTime();
  let full = true;
  const carrier = new Carrier(time, 1, new MemoryDisk(), () => full);
  const [first, second, third] = await eventsOf(1, 3);
  carrier.relayed.add(first!);
  await time.run(300);
  assertEquals([carrier.kept, carrier.logs.length], [[], 1]);
  full = false;
  carrier.relayed.add(second!);
  carrier.relayed.add(third!);
  carrier.relayed.refused(third!.id, "conflict");
  await time.run(300);
  assertEquals(carrier.kept.toSorted(), ["1.1", "1.2"]);
});

Deno.test("[RELAY-2] events of the log are no longer relayed, and deleted from the storage", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const events = await eventsOf(1, 3);
  for (const event of events) carrier.relayed.add(event);
  await time.run(300);
  // The log takes numbers in order: if it has the second, it has the first.
  carrier.relayed.stored([events[1]!]);
  await time.run(300);
  assertEquals([carrier.kept, carrier.relayed.has(events[0]!.id), carrier.relayed.has(events[2]!.id)], [
    ["1.3"],
    false,
    true,
  ]);
});

Deno.test("[RELAY-4] of two events with one number the one in the log stays; the other is dropped", async () => {
  const carrier = new Carrier(new VirtualTime());
  const [first, second] = await eventsOf(1, 2);
  for (const event of [first!, second!]) carrier.relayed.add(event);
  assertEquals(carrier.relayed.stored([{ ...first!, id: "AAAAAAAAAAAAAAAAAAAAAA" }]), [first!.id]);
  assertEquals([carrier.relayed.has(first!.id), carrier.relayed.has(second!.id)], [false, true]);
  assertEquals(carrier.relayed.stored([second!]), []);
});

Deno.test("[RELAY-3] no more than RELAYED_MAX_EVENTS are relayed; the oldest go first, in the storage too", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  for (const event of await eventsOf(1, RELAYED_MAX_EVENTS)) carrier.relayed.add(event);
  await time.run(300);
  for (const event of await eventsOf(1, 5, RELAYED_MAX_EVENTS + 1)) carrier.relayed.add(event);
  await time.run(300);
  assertEquals([carrier.relayed.wires.length, carrier.kept.length], [RELAYED_MAX_EVENTS, RELAYED_MAX_EVENTS]);
  assertEquals([carrier.kept[0], carrier.kept.at(-1)], ["1.6", `1.${RELAYED_MAX_EVENTS + 5}`]);
});

Deno.test("[FWD-1] without a connection nothing is sent; with one, after FORWARD_LEAST_MS and before FORWARD_MOST_MS", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const time = new VirtualTime();
    const carrier = new Carrier(time, seed);
    const [event] = await eventsOf(1, 1);
    carrier.relayed.add(event!);
    await time.run(60_000);
    assertEquals(carrier.frames, []);
    const connectedAt = time.now();
    carrier.relayed.connected();
    await time.run(FORWARD_MOST_MS);
    assertEquals(carrier.sent, [["1.1"]]);
    const waited = carrier.sentAt[0]! - connectedAt;
    assert(waited >= FORWARD_LEAST_MS && waited <= FORWARD_MOST_MS, `${waited} ms, seed ${seed}`);
  }
});

Deno.test("[FWD-1] an event whose author is online waits longer: LAZY_HELD_MS is the author's own time", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const time = new VirtualTime();
    const carrier = new Carrier(time, seed);
    carrier.present = true;
    const [event] = await eventsOf(1, 1);
    carrier.relayed.connected();
    carrier.relayed.add(event!);
    await time.run(LAZY_HELD_MS + FORWARD_LEAST_MS - 1);
    assertEquals(carrier.frames, []);
    await time.run(FORWARD_MOST_MS);
    assertEquals(carrier.sent, [["1.1"]]);
  }
});

Deno.test("[FWD-1] of fifty phones with an event a few send it, and most see it done", async () => {
  const time = new VirtualTime();
  const carriers = Array.from({ length: 50 }, (_, at) => new Carrier(time, at + 1));
  const [event] = await eventsOf(1, 1);
  let told = false;
  for (const { relayed } of carriers) {
    relayed.add(event!);
    relayed.connected();
  }
  await time.run(FORWARD_MOST_MS, () => {
    // The log tells everybody 100 ms after the first one sent it.
    if (!told && carriers.some(({ frames }) => frames.length > 0)) {
      told = true;
      time.after(100, () => carriers.forEach(({ relayed }) => relayed.stored([event!])));
    }
    return false;
  });
  const senders = carriers.filter(({ frames }) => frames.length > 0).length;
  assert(senders >= 1 && senders <= 5, `${senders} of 50 sent it`);
  assert(carriers.every(({ relayed }) => relayed.wires.length === 0));
});

/** A log that answers as the server does, and tells nobody else. */
function answering(carrier: Carrier, has: ReadonlyMap<number, number> = new Map()) {
  const next = new Map([...has].map(([author, n]) => [String(author), n + 1]));
  const stored: string[] = [];
  let answered = 0;
  const refused: string[] = [];
  return {
    stored,
    refused,
    /** Answers what came, every 40 ms, for so long. */
    async run(ms: number): Promise<void> {
      for (let at = 0; at < ms; at += 40) {
        await carrier.time.run(40);
        for (const { events } of carrier.frames.slice(answered)) {
          for (const wire of events) {
            const text = textOf(wire);
            const [author, n] = [text.split(".")[0]!, Number(text.split(".")[1])];
            const id = eventIdOf(wire[0]);
            const expectedN = next.get(author) ?? 1;
            if (n > expectedN) {
              refused.push(text);
              carrier.relayed.refused(id, "missing_previous", undefined, expectedN);
            } else {
              if (n === expectedN) {
                stored.push(text);
                next.set(author, n + 1);
              }
              carrier.relayed.acked([id]);
            }
          }
        }
        answered = carrier.frames.length;
      }
    },
  };
}

Deno.test("[FWD-2] events of one author are stored in the order of their numbers, in any order of arrival and time", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const carrier = new Carrier(new VirtualTime(), seed);
    const log = answering(carrier, new Map([[1, 2]]));
    const events = [...await eventsOf(1, 6, 3), ...await eventsOf(2, 6)];
    for (const event of events.toReversed()) carrier.relayed.add(event);
    carrier.relayed.connected();
    await log.run(FORWARD_MOST_MS + 200);
    for (const author of [1, 2]) {
      const from = author === 1 ? 3 : 1;
      const stored = log.stored.filter((text) => text.startsWith(`${author}.`));
      assertEquals(stored, Array.from({ length: 6 }, (_, at) => `${author}.${from + at}`), `seed ${seed}`);
    }
    // One event probes for the author's place; then all are sent.
    assertEquals(log.refused.toSorted(), ["1.8", "2.6"], `seed ${seed}`);
    assertEquals(carrier.relayed.wires.length, 0);
  }
});

Deno.test("[FWD-2] with the author's place in the log known no probe is sent: all events go in order, in several frames, each once", async () => {
  const carrier = new Carrier(new VirtualTime());
  const log = answering(carrier, new Map([[1, 4]]));
  const [fourth, ...rest] = await eventsOf(1, 3 * FORWARD_MAX_EVENTS + 1, 4);
  carrier.relayed.stored([fourth!]);
  for (const event of [fourth!, ...rest]) carrier.relayed.add(event);
  assertEquals(carrier.relayed.wires.length, rest.length);
  carrier.relayed.connected();
  await log.run(FORWARD_MOST_MS + 200);
  assert(carrier.sent.every((frame) => frame.length <= FORWARD_MAX_EVENTS));
  assertEquals(carrier.sent.flat(), Array.from({ length: 3 * FORWARD_MAX_EVENTS }, (_, at) => `1.${at + 5}`));
  assertEquals(log.refused, []);
});

Deno.test("[FWD-5] of events that the log has already one per author is sent, and none of authors whose newer events came from it", async () => {
  const carrier = new Carrier(new VirtualTime());
  const log = answering(carrier, new Map([[1, 200], [2, 40]]));
  const [newest] = await eventsOf(1, 1, 200);
  carrier.relayed.stored([newest!]);
  for (const event of [...await eventsOf(1, 199), ...await eventsOf(2, 40)]) carrier.relayed.add(event);
  assertEquals(carrier.relayed.wires.length, 40);
  carrier.relayed.connected();
  await log.run(30_000);
  assertEquals([carrier.sent, log.stored, carrier.relayed.wires.length], [[["2.40"]], [], 0]);
});

Deno.test("[FWD-3] without an answer an event is sent again after FORWARD_AGAIN_MS, and sooner when the transport rejected it", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const [event] = await eventsOf(1, 1);
  carrier.relayed.add(event!);
  carrier.takes = false;
  carrier.relayed.connected();
  await time.run(FORWARD_MOST_MS);
  carrier.takes = true;
  await time.until(() => carrier.frames.length === 1, FORWARD_LEAST_MS + 100);
  await time.run(FORWARD_AGAIN_MS - 100);
  assertEquals(carrier.frames.length, 1);
  await time.run(200);
  assertEquals(carrier.frames.length, 2);
  carrier.relayed.disconnected();
  await time.run(60_000);
  assertEquals(carrier.frames.length, 2);
});

Deno.test("[FWD-3] a retriable refusal is waited out; a final one ends the relaying", async () => {
  const time = new VirtualTime();
  const carrier = new Carrier(time);
  const [one, two, three] = [...await eventsOf(1, 1), ...await eventsOf(2, 1), ...await eventsOf(3, 1)];
  for (const event of [one!, two!, three!]) carrier.relayed.add(event);
  carrier.relayed.connected();
  await time.run(FORWARD_MOST_MS + 100);
  const before = carrier.frames.length;
  carrier.relayed.refused(one!.id, "rate_limited", 30_000);
  carrier.relayed.refused(two!.id, "missing_previous");
  carrier.relayed.refused(three!.id, "conflict");
  carrier.relayed.refused("unknown", "conflict");
  assertEquals([one, two, three].map((event) => carrier.relayed.has(event!.id)), [true, true, false]);
  await time.run(FORWARD_AGAIN_MS + 100);
  assertEquals(carrier.sent.slice(before), [["2.1"]]);
  await time.run(FORWARD_AGAIN_MS);
  assert(carrier.sent.slice(before).flat().includes("1.1"));
  assert(!carrier.kept.includes("3.1"));
});

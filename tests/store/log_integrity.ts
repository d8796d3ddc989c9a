/** Checks that the keys of a room's log are consistent. */
import { assertEquals } from "@std/assert";
import { eventIdOf } from "../../lib/protocol/event.ts";
import { type EventValue, keys, type NumberValue } from "../../lib/store/keys.ts";
import { isStub } from "../../lib/protocol/stub.ts";
import { entryOf, type HeadRecord, numberOf } from "../../lib/store/rooms/log.ts";
import type { Kv } from "../../lib/store/database.ts";

/** Asserts: no gaps from `oldest` to `head`, and exactly one index entry for each event. Returns the positions. */
export async function assertLogIntact(kv: Kv, room: string): Promise<number[]> {
  const positions: number[] = [], events: unknown[] = [], numbers: unknown[] = [];
  for await (const { key, value } of kv.list<EventValue>({ prefix: ["event", room] })) {
    const position = Number(key[2]);
    const { entry } = entryOf(value);
    const { author, n } = numberOf(value);
    positions.push(position);
    events.push([author, n, isStub(entry) ? entry.id : eventIdOf(entry[0]), position]);
  }
  for await (const { key, value } of kv.list<NumberValue>({ prefix: ["number", room] })) {
    numbers.push([key[2], key[3], ...value]);
  }
  assertEquals(events.map((each) => JSON.stringify(each)).sort(), numbers.map((each) => JSON.stringify(each)).sort());
  const { value: head } = await kv.get<HeadRecord>(keys.head(room));
  const held = head ? Array.from({ length: head.head - head.oldest + 1 }, (_, at) => head.oldest + at) : [];
  assertEquals(positions, held);
  return positions;
}

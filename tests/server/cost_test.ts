/**
 * Requests to the database, counted over the real server and store in virtual time. docs/OPERATING.md, "What it costs",
 * has these figures.
 */
import { assert } from "@std/assert";
import { HEARTBEAT_MS } from "../../lib/protocol/limits.ts";
import { TestClient } from "../support/client.ts";
import { countingKv, type KvCost } from "../support/counting_kv.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { startTestServer } from "./support.ts";
import { VirtualTime } from "./virtual_time.ts";

const MEMBERS = 10;
const IDLE_MINUTES = 10;

async function room(
  test: (parts: {
    time: VirtualTime;
    clients: TestClient[];
    join(): Promise<TestClient>;
    take(): KvCost;
  }) => Promise<void>,
) {
  const time = new VirtualTime();
  const database = new MemoryDatabase({ now: () => time.now() });
  const counted = countingKv(database.open());
  const running = startTestServer({
    time,
    kv: counted.kv,
    config: { limits: { messages: { burst: 1_000, everyMs: 0 } } },
  });
  try {
    const { id } = await running.newRoom();
    const join = async () => {
      const client = await TestClient.create({ room: id, open: running.wire(id).open });
      await client.connect();
      return client;
    };
    const clients: TestClient[] = [];
    for (let count = 0; count < MEMBERS; count++) clients.push(await join());
    await time.advance(1_000);
    counted.take();
    await test({ time, clients, join, take: counted.take });
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    await Promise.all([running.close(), time.advance(5_000)]);
  }
}

/** Moves time on, with the pings of the connected clients. */
async function pass(time: VirtualTime, clients: readonly TestClient[], ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= HEARTBEAT_MS) {
    for (const client of clients) client.send({ type: "ping" });
    await time.advance(Math.min(left, HEARTBEAT_MS));
  }
}

/** Compares the counts with their row in docs/OPERATING.md: `| label | commits | write units | read units |`. */
async function isDocumented(label: string, cost: KvCost, by: number): Promise<void> {
  const text = await Deno.readTextFile(new URL("../../docs/OPERATING.md", import.meta.url));
  const row = text.split("\n").find((line) => line.startsWith(`| ${label} `));
  const written = row?.split("|").slice(2, 5).map(Number) ?? [];
  const counted = [cost.commits, cost.writeUnits, cost.readUnits].map((count) => count / by);
  const same = counted.every((count, at) => Math.abs(count - written[at]!) <= 0.1 * count + 0.1);
  assert(same, `${label}: ${counted.map((count) => count.toFixed(2))} counted, ${written} written`);
}

async function talk(
  { time, clients, take }: { time: VirtualTime; clients: TestClient[]; take(): KvCost },
  perSecond: number,
  seconds: number,
): Promise<{ cost: KvCost; idle: KvCost; events: number }> {
  await pass(time, clients, seconds * 1_000);
  const idle = take();
  const events = perSecond * seconds;
  for (let sent = 0; sent < events; sent++) {
    const client = clients[sent % clients.length]!;
    client.send({ type: "ping" });
    client.sendEvents(await client.signText(`message ${sent} about the band and the water and the big tree`));
    await time.advance(1_000 / perSecond);
  }
  await time.advance(1_000);
  for (const { acked, closeCode } of clients) assert(closeCode === undefined && acked.size >= events / clients.length);
  const cost = take();
  return { cost: without(cost, idle), idle, events };
}

function without(cost: KvCost, idle: KvCost): KvCost {
  const left = Object.keys(cost).map((name) => [name, cost[name as keyof KvCost] - idle[name as keyof KvCost]]);
  return Object.fromEntries(left) as unknown as KvCost;
}

Deno.test("a message in a quiet room costs one commit of five keys and a read of the head", () =>
  room(async (parts) => {
    const { cost, events } = await talk(parts, 1, 60);
    await isDocumented("a message, room of 10, one a second", cost, events);
  }));

Deno.test("in a busy room many messages share a commit", () =>
  room(async (parts) => {
    const { cost, events } = await talk(parts, 200, 3);
    await isDocumented("a message, room of 10, 200 a second", cost, events);
  }));

/** The requests of one instance for itself, independent of rooms, in ten minutes. */
async function ofTheInstance(): Promise<KvCost> {
  const time = new VirtualTime();
  const counted = countingKv(new MemoryDatabase({ now: () => time.now() }).open());
  const running = startTestServer({ time, kv: counted.kv });
  try {
    await time.advance(1_000);
    counted.take();
    await time.advance(IDLE_MINUTES * 60_000);
    return counted.take();
  } finally {
    await Promise.all([running.close(), time.advance(5_000)]);
  }
}

Deno.test("an instance rechecks the operators' settings from time to time", async () => {
  await isDocumented("an instance, each minute", await ofTheInstance(), IDLE_MINUTES);
});

Deno.test("an idle open room costs its presence and the rechecks, for any number of people", () =>
  room(async ({ time, clients, take }) => {
    await pass(time, clients, IDLE_MINUTES * 60_000);
    const cost = without(take(), await ofTheInstance());
    await isDocumented("an open room, each minute, on each instance", cost, IDLE_MINUTES);
  }));

Deno.test("joining an open room costs its limits and the author's record", () =>
  room(async ({ join, time, take }) => {
    const joins = 20;
    const joined: TestClient[] = [];
    for (let count = 0; count < joins; count++) {
      joined.push(await join());
      await time.advance(500);
    }
    const cost = take();
    await isDocumented("a person joins an open room", cost, joins);
    await Promise.all(joined.map((client) => client.close()));
  }));

/**
 * The cost of statistics: one room, its messages accepted, stored in memory and fanned out to connections, once with
 * the statistics and once with no-op ones, in turns in one process. Sockets are fakes, so that only the server's own
 * work is measured.
 *
 *   deno run -A bench/stats.ts [rounds]
 */
import { cpuUsage } from "node:process";
import { ChatServer } from "../lib/server/server.ts";
import { ServerStats } from "../lib/server/stats/server_stats.ts";
import { realEnvironment } from "../lib/server/environment.ts";
import { nodeVerifier } from "../lib/server/rooms/verifier.ts";
import { serveSocket } from "../lib/server/connections/websocket.ts";
import { openStore } from "../lib/store/store.ts";
import { configWith } from "../tests/server/support.ts";
import { newFounding, TestClient } from "../tests/support/client.ts";
import { MemoryDatabase } from "../tests/support/memory_kv.ts";

const MEMBERS = 200;
const MESSAGES = 4_000;

class NoStats extends ServerStats {
  override count() {}
  override observe() {}
  override sent() {}
  override received() {}
}

/** A socket whose other end is in this process. */
function standIn(onFrame: (text: string) => void) {
  return {
    readyState: WebSocket.OPEN,
    bufferedAmount: 0,
    send: (text: string) => onFrame(text),
    close() {},
  } as unknown as WebSocket & { onopen(): void; onmessage(message: { data: string }): void };
}

/** CPU time of accepting and fanning out one message, µs. */
async function measure(stats: ServerStats): Promise<number> {
  const database = new MemoryDatabase({ now: Date.now });
  const store = openStore({
    kv: database.open(),
    onCall: (kind, ms, worked) => {
      stats.count("kv_operations", kind);
      stats.observe("kv", ms, kind);
      if (!worked) stats.count("kv_failures", kind);
    },
  });
  const limits = {
    messages: { burst: 100_000, everyMs: 0 },
    connectionEvents: { burst: 100_000, everyMs: 0 },
    inFlightEvents: 100_000,
    addressConnections: { burst: 100_000, everyMs: 1, pauseMs: 0 },
  };
  const server = new ChatServer({
    ...realEnvironment,
    steady: performance,
    store,
    config: configWith({ limits }),
    stats,
    verifier: nodeVerifier(),
  });
  const founding = await newFounding();
  await server.createRoom(founding.wire, { device: "host", address: "host" });
  const join = async (name: string) => {
    const client = await TestClient.create({
      room: founding.room,
      name,
      open: ({ onFrame }) => {
        const socket = standIn((text) => open && onFrame(text));
        serveSocket(socket, server, founding.room, { device: name, address: "bench" });
        socket.onopen();
        return { send: (data) => socket.onmessage({ data }), close: () => {} };
      },
    });
    await client.connect();
    return client;
  };
  let open = true;
  const writer = await join("writer");
  for (let member = 1; member < MEMBERS; member++) await join(`member ${member}`);
  const events = [];
  for (let n = 0; n < MESSAGES; n++) {
    const event = await writer.sign({
      kind: "message",
      body: { name: "writer", text: `message ${n} ${"x".repeat(80)}` },
    });
    events.push(event);
  }
  // From here on no client reads: only the server works.
  open = false;
  const before = cpuUsage();
  const startedAt = performance.now();
  for (const [index, event] of events.entries()) {
    writer.send({ type: "send", events: [event.wire] });
    // Like in a busy room, several per turn of the event loop.
    if (index % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while ((await store.log.readHead(founding.room))!.head < MESSAGES + 1 && performance.now() - startedAt < 30_000) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { user, system } = cpuUsage(before);
  await server.close({ graceMs: 100 });
  return (user + system) / MESSAGES;
}

const rounds = Number(Deno.args[0] ?? 12);
const without: number[] = [], withStats: number[] = [];
await measure(new ServerStats());
await measure(new NoStats());
for (let round = 0; round < rounds; round++) {
  // In turns, each first equally often.
  const order = round % 2 === 0 ? [without, withStats] : [withStats, without];
  for (const results of order) results.push(await measure(results === withStats ? new ServerStats() : new NoStats()));
}
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const ratios = withStats.map((value, round) => value / without[round]!);
console.log(`CPU per message to ${MEMBERS} connections, medians of ${rounds}:`);
console.log(`  without statistics ${median(without).toFixed(1)} µs, with ${median(withStats).toFixed(1)} µs`);
console.log(`  ratio ${median(ratios).toFixed(3)} (of rounds: ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")})`);
Deno.exit();

/** A running instance and its monitor: probes on its transports, and figures that all have a source. */
import { assert, assertEquals } from "@std/assert";
import { ed25519 } from "../../../lib/crypto/ed25519.ts";
import type { Dashboard } from "../../../lib/protocol/reports/dashboard.ts";
import type { TransportReport } from "../../../lib/protocol/reports/transport_report.ts";
import { Monitor } from "../../../lib/server/stats/monitor.ts";
import { counted, timed } from "../../../lib/server/stats/totals.ts";
import { countOf, quantileMs } from "../../../lib/server/stats/histogram.ts";
import { realEnvironment } from "../../../lib/server/environment.ts";
import { TestClient } from "../../support/client.ts";
import { type PartialConfig, startTestServer } from "../support.ts";

const PROCESS = { memory: () => ({ rss: 100_000_000, heapUsed: 40_000_000 }), cpuMs: () => 1_000 };

async function start({ config = {}, slow = false }: { config?: PartialConfig; slow?: boolean } = {}) {
  const limits = { messages: { burst: 10_000, everyMs: 0 } };
  const database = { away: false };
  const instance = startTestServer({
    config: { monitoring: { probeEveryMs: 0, probePatienceMs: 2_000 }, health: { cacheMs: 0 }, limits, ...config },
    hooks: {
      ...(slow && { delay: () => new Promise<void>((resolve) => setTimeout(resolve, 40)) }),
      fail: (moment) => database.away && moment === "before" ? new Error("away") : undefined,
    },
  });
  const { server, store, log } = instance;
  const monitor = new Monitor({
    server,
    store,
    environment: { ...realEnvironment, log: (line) => log.push(line) },
    ed25519: await ed25519(),
    process: PROCESS,
  });
  return {
    ...instance,
    database,
    monitor,
    async close() {
      await monitor.close();
      await instance.close();
    },
  };
}

Deno.test("a probe goes out on each transport and arrives on both, signed as it was", async () => {
  const { monitor, server, close } = await start();
  await monitor.probe();
  await monitor.probe();
  const totals = server.stats.totals();
  for (const transport of ["websocket", "polling"]) {
    assertEquals(counted(totals, "probes_expected", transport), 4);
    assertEquals(counted(totals, "probes_delivered", transport), 4);
    assertEquals(countOf(timed(totals, "probe", transport)), 4);
  }
  await close();
});

Deno.test("probes have a room of their own, one for all instances and runs, which no list and no figure shows", async () => {
  const { monitor, server, store, newRoom, close } = await start();
  await newRoom({ roomKind: "listed" });
  await monitor.probe();
  const room = await store.stats.probeRoom();
  await monitor.probe();
  assertEquals(await store.stats.probeRoom(), room);
  assertEquals(await store.rooms.count(), 2);
  assertEquals((await server.health()).rooms, 1);
  assertEquals((await server.listedRooms()).map(({ room }) => room.name), ["Main stage"]);
  assertEquals([server.counts().users, server.counts().openRooms], [0, 0]);
  const totals = server.stats.totals();
  for (const name of ["events_stored", "fan_out_events", "goodbyes", "sent_bytes", "connections_opened"] as const) {
    assertEquals([name, counted(totals, name)], [name, 0]);
  }
  assertEquals(countOf(timed(totals, "ack")), 0);
  await close();
});

Deno.test("an instance without probes does not count the room of other instances' probes", async () => {
  const { server, store, newRoom, close } = await start();
  assertEquals((await server.health()).rooms, 0);
  const { id } = await newRoom({ name: "Probes" });
  await store.stats.setProbeRoom(id, undefined);
  assertEquals((await server.health()).rooms, 0);
  await close();
});

Deno.test("a probe that finds no room makes a new one", async () => {
  const { monitor, server, store, close } = await start();
  await monitor.probe();
  const before = await store.stats.probeRoom();
  await store.rooms.remove(before!);
  await monitor.probe();
  assert(await store.stats.probeRoom() !== before);
  assertEquals(counted(server.stats.totals(), "probes_delivered"), 8);
  await close();
});

Deno.test("missing probes count as not delivered, on a full instance and without a database", async () => {
  const full = await start({ config: { limits: { connections: 0 } } });
  await full.monitor.probe();
  assertEquals(counted(full.server.stats.totals(), "probes_delivered"), 0);
  assertEquals(counted(full.server.stats.totals(), "probes_expected"), 4);
  await full.close();

  const away = await start();
  await away.monitor.probe();
  away.database.away = true;
  await away.monitor.probe();
  assertEquals(counted(away.server.stats.totals(), "probes_delivered"), 4);
  assertEquals(counted(away.server.stats.totals(), "probes_expected"), 8);
  assert(away.log.some((line) => line.startsWith("probe: ")), away.log.join("\n"));
  away.database.away = false;
  await away.close();
});

Deno.test("the time to an ack includes the database's time", async () => {
  const { server, wire, newRoom, close } = await start({ slow: true });
  const { id } = await newRoom();
  const client = await TestClient.join({ ...wire(id), room: id });
  await client.say("slow");
  const { stats } = server;
  const ack = quantileMs(timed(stats.totals(), "ack"), 0.5)!;
  assert(ack >= 40 / 1.1, `${ack} ms`);
  assertEquals(counted(stats.totals(), "events_stored"), 1);
  await client.close();
  await close();
});

Deno.test("refusals are counted by their reasons", async () => {
  const { server, wire, newRoom, close } = await start({
    config: { limits: { messages: { burst: 1, everyMs: 60_000 } } },
  });
  const { id } = await newRoom();
  const client = await TestClient.join({ ...wire(id), room: id });
  await client.say("one");
  await client.say("two").catch(() => {});
  assertEquals(server.stats.totals().counters.refusals, { rate_limited: 1 });
  await client.close();
  await close();
});

const REPORT: TransportReport = {
  version: 1,
  forMs: 300_000,
  transports: {
    websocket: { roundTrips: [[36, 8]], worked: 9, failed: 1, received: 30 },
    polling: { roundTrips: [[44, 2]], worked: 1, failed: 0, received: 10 },
    p2p: { roundTrips: [[12, 3]], worked: 3, failed: 1, received: 60 },
  },
  fallbacks: 1,
  stored: [[40, 5]],
  refused: 0,
  duplicates: 4,
  toPeers: 10,
  receipted: 9,
  mesh: { links: 3, reached: 5, missing: 1 },
};

function row(dashboard: Dashboard, id: string, label?: string) {
  const found = dashboard.groups.flatMap(({ rows }) => rows).find((row) => row.id === id && row.label === label);
  assert(found !== undefined, `no row ${id} ${label}`);
  return [found.values.map(({ value }) => value), found.source];
}

Deno.test("figures from pages are marked as sampled, with the number of cases", async () => {
  const { monitor, close } = await start();
  monitor.takeReport(REPORT);
  const dashboard = await monitor.dashboard();
  assertEquals(row(dashboard, "received_share", "p2p"), [[0.6], { kind: "sampled", n: 100 }]);
  assertEquals(row(dashboard, "tries_worked", "p2p"), [[0.75], { kind: "sampled", n: 4 }]);
  assertEquals(row(dashboard, "peers_receipted"), [[0.9], { kind: "sampled", n: 10 }]);
  assertEquals(row(dashboard, "client_fallbacks"), [[1], { kind: "sampled", n: 1 }]);
  assertEquals(row(dashboard, "client_round_trip", "websocket")[1], { kind: "sampled", n: 8 });
  assertEquals(dashboard.mesh.source, { kind: "sampled", n: 1 });
  assertEquals(dashboard.mesh.byLinks.find(({ reports }) => reports > 0), { links: "3", reports: 1 });
  await close();
});

Deno.test("an unmeasured figure is unknown and has no value", async () => {
  const { monitor, close } = await start();
  const dashboard = await monitor.dashboard();
  for (const id of ["ack", "fan_out", "client_stored", "client_fallbacks", "peers_receipted", "cpu_share"]) {
    const [values, source] = row(dashboard, id);
    assertEquals([id, source], [id, { kind: "unknown" }]);
    assert((values as (number | null)[]).every((value) => value === null), id);
  }
  assertEquals(dashboard.mesh.source, { kind: "unknown" });
  for (const { source, points } of dashboard.series) assertEquals([source, points], [{ kind: "unknown" }, []]);
  await close();
});

/** Paths of numbers that have no source in any object around them. */
function sourceless(value: unknown, path = "", sourced = false): string[] {
  if (typeof value === "number") return sourced ? [] : [path];
  if (typeof value !== "object" || value === null) return [];
  const here = sourced || ("source" in value && isSource(value.source));
  return Object.entries(value).flatMap(([name, inner]) => sourceless(inner, `${path}/${name}`, here));
}

function isSource(source: unknown): boolean {
  const { kind, n } = source as { kind?: string; n?: number };
  return kind === "measured" || (kind === "sampled" && typeof n === "number" && n > 0) || kind === "unknown";
}

Deno.test("no number of the dashboard is without a source", async () => {
  const { monitor, wire, newRoom, close } = await start();
  const { id } = await newRoom();
  const client = await TestClient.join({ ...wire(id), room: id });
  await client.say("hello");
  await monitor.probe();
  monitor.takeReport(REPORT);
  const dashboard: unknown = JSON.parse(JSON.stringify(await monitor.dashboard()));
  assertEquals(sourceless(dashboard), []);
  assertEquals(sourceless({ groups: [{ rows: [{ value: 5 }] }] }), ["/groups/0/rows/0/value"]);
  await client.close();
  await close();
});

Deno.test("reports beyond an instance's limit are refused and counted", async () => {
  const { monitor, server, close } = await start({
    config: { monitoring: { reports: { burst: 2, everyMs: 60_000 }, probeEveryMs: 0 } },
  });
  assertEquals([monitor.admitReport(), monitor.admitReport()], [undefined, undefined]);
  assert(monitor.admitReport()! > 0);
  assertEquals(counted(server.stats.totals(), "client_reports_refused"), 1);
  await close();
});

Deno.test("an instance without room for more connections is not ready, and not down", async () => {
  const { server, close } = await start({ config: { limits: { connections: 0 } } });
  assertEquals([(await server.ready()).ready, (await server.health()).status], [false, "degraded"]);
  await close();
});

/** The reports of a page on its transports, and when it reports nothing. Rules: docs/PROTOCOL.md, [REP-…]. */
import { assert, assertEquals } from "@std/assert";
import { signal } from "@preact/signals";
import { latencyBucketOf } from "../../lib/protocol/reports/latency_buckets.ts";
import { readTransportReport, type TransportReport } from "../../lib/protocol/reports/transport_report.ts";
import {
  type CurrentRoute,
  type MeshView,
  NO_MESH,
  NO_STATS,
  type TransferStats,
} from "../../lib/session/model/connection_model.ts";
import type { TransportName } from "../../lib/routing/transport_choice.ts";
import { NEW_METER, type TransportMeter } from "../../lib/routing/transport_meter.ts";
import { TransportReporter } from "../../lib/session/reports/transport_reporter.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const EVERY_MS = 300_000;
const OPEN_FOR_MS = 15_000;
const NOTHING: Record<TransportName, TransportMeter> = { websocket: NEW_METER, polling: NEW_METER };

async function open(
  { draw = 0, rules = { share: 0.2, everyMs: EVERY_MS } as unknown, meters = NOTHING, storedAfterMs = [] as number[] } =
    {},
) {
  const time = new VirtualTime();
  const world = { allowed: true, asked: 0, measured: 0 };
  const reports: TransportReport[] = [];
  const currentRoute = signal<CurrentRoute | undefined>({ transport: "websocket", reason: "first_choice" });
  const transferStats = signal<TransferStats>(NO_STATS);
  const mesh = signal<MeshView>(NO_MESH);
  const reporter = new TransportReporter({
    steady: time.clock,
    timers: time.timers,
    random: { fraction: () => draw },
    allowed: () => world.allowed,
    fetchRules: () => {
      world.asked++;
      return rules === null ? Promise.reject(new TypeError("no network")) : Promise.resolve(rules);
    },
    send: (report) => reports.push(report),
    connection: {
      measure: () => void world.measured++,
      openedAt: time.now() - OPEN_FOR_MS,
      meters,
      storedAfterMs,
      currentRoute,
      transferStats,
      mesh,
    },
  });
  await time.run(0);
  return { time, world, reports, currentRoute, transferStats, mesh, reporter };
}

Deno.test("[REP-1] a report contains the counts since the last one, and the server accepts it", async () => {
  const { time, world, reports, currentRoute, transferStats, mesh, reporter } = await open();
  reporter.roundTrip("websocket", 20);
  reporter.roundTrip("websocket", 21);
  reporter.roundTrip("polling", 300);
  reporter.tried("websocket", true);
  reporter.tried("polling", false);
  reporter.stored(45);
  currentRoute.value = { transport: "polling", reason: "websocket_blocked" };
  transferStats.value = { ...NO_STATS, viaWebSocket: 5, viaPeers: 7, duplicates: 2, refused: 1 };
  const link = { peer: "x", path: undefined };
  mesh.value = {
    ...NO_MESH,
    enabled: true,
    links: [{ ...link, state: "connected", rttMs: 8 }, { ...link, state: "connecting", rttMs: undefined }],
    reached: 3,
    missing: 1,
    connected: 2,
    failed: 1,
    told: 4,
    receipted: 3,
  };
  await time.run(EVERY_MS / 2);
  const report = reports[0]!;
  assertEquals(report, {
    version: 1,
    forMs: OPEN_FOR_MS + EVERY_MS / 2,
    transports: {
      websocket: { roundTrips: [[latencyBucketOf(20), 2]], worked: 1, failed: 0, received: 5 },
      polling: { roundTrips: [[latencyBucketOf(300), 1]], worked: 0, failed: 1, received: 0 },
      p2p: { roundTrips: [[latencyBucketOf(8), 1]], worked: 2, failed: 1, received: 7 },
    },
    fallbacks: 1,
    stored: [[latencyBucketOf(45), 1]],
    refused: 1,
    duplicates: 2,
    toPeers: 4,
    receipted: 3,
    mesh: { links: 1, reached: 3, missing: 1 },
  });
  assertEquals(readTransportReport(JSON.parse(JSON.stringify(report))), { report });

  await time.run(EVERY_MS);
  assertEquals([reports.length, world.measured], [2, 2]);
  const { transports, fallbacks, stored, toPeers } = reports[1]!;
  assertEquals([transports.websocket.roundTrips, transports.websocket.received, fallbacks, stored, toPeers], [
    [],
    0,
    0,
    [],
    0,
  ]);
});

Deno.test("[REP-1] the first report covers all the time since the page was opened", async () => {
  const meters = { websocket: { roundTripsMs: [20], tries: [false, true] }, polling: NEW_METER };
  const { time, reports } = await open({ meters, storedAfterMs: [45] });
  await time.run(EVERY_MS);
  const { transports, stored } = reports[0]!;
  assertEquals(transports.websocket, { roundTrips: [[latencyBucketOf(20), 1]], worked: 1, failed: 1, received: 0 });
  assertEquals(stored, [[latencyBucketOf(45), 1]]);
});

Deno.test("[REP-2] a report stays within its limits after any events", async () => {
  const { time, reports, transferStats, reporter } = await open();
  for (let times = 0; times < 5_000; times++) {
    reporter.roundTrip("websocket", times);
    reporter.roundTrip("polling", 5);
    reporter.stored(times);
    reporter.tried("websocket", times % 2 === 0);
  }
  transferStats.value = { ...NO_STATS, viaWebSocket: 1_000_000, duplicates: 1e12 };
  await time.run(EVERY_MS);
  const text = JSON.stringify(reports[0]);
  assert("report" in readTransportReport(JSON.parse(text)), text);
  assert(text.length < 4_096, `${text.length} bytes`);
});

Deno.test("[REP-4] a page reports only when it is drawn", async () => {
  for (const [draw, count] of [[0.19, 3], [0.2, 0], [0.9, 0]] as const) {
    const { time, reports } = await open({ draw });
    await time.run(3.5 * EVERY_MS);
    assertEquals([draw, reports.length], [draw, count]);
  }
});

Deno.test("[REP-4] without an answer of the server, or with an invalid one, nothing is reported", async () => {
  for (const rules of [null, {}, { share: 5, everyMs: 1 }, { share: 0, everyMs: 1_000 }]) {
    const { time, reports } = await open({ rules });
    await time.run(10 * EVERY_MS);
    assertEquals(reports.length, 0);
  }
});

Deno.test("[REP-5] after a refusal of the user nothing is reported, and a browser that objects never requests the rules", async () => {
  const page = await open();
  await page.time.run(EVERY_MS);
  assertEquals(page.reports.length, 1);
  page.world.allowed = false;
  await page.time.run(3 * EVERY_MS);
  page.reporter.leave();
  assertEquals(page.reports.length, 1);
});

Deno.test("a tab that is connected through another one, or not at all, does not report", async () => {
  const { time, reports, currentRoute } = await open();
  currentRoute.value = { transport: "tab", reason: "shared" };
  await time.run(2 * EVERY_MS);
  currentRoute.value = undefined;
  await time.run(2 * EVERY_MS);
  assertEquals(reports.length, 0);
});

Deno.test("a page that is left reports its counts, unless it just did", async () => {
  const { time, reports, reporter } = await open();
  reporter.roundTrip("websocket", 20);
  await time.run(10_000);
  reporter.leave();
  assertEquals(reports.map(({ transports }) => transports.websocket.roundTrips.length), [1]);
  reporter.leave();
  assertEquals(reports.length, 1);
  reporter.dispose();
  await time.run(10 * EVERY_MS);
  assertEquals([reports.length, time.pending], [1, 0]);
});

import { assertEquals } from "@std/assert";
import { NEW_METER, qualityOf } from "../../lib/routing/transport_meter.ts";
import { type Finding, findingsOf } from "../../lib/session/connection/connection_check.ts";
import {
  type ConnectionDiagnostics,
  NO_MESH,
  NO_STATS,
  type TransportDiagnostics,
} from "../../lib/session/model/connection_model.ts";

const FRESH: TransportDiagnostics = {
  ...qualityOf(NEW_METER),
  available: true,
  breaker: "closed",
  obstacle: undefined,
  cooldownMs: 0,
};
const WELL: ConnectionDiagnostics = {
  at: "2026-07-04T20:00:00.000Z",
  openSinceMs: 60_000,
  connection: { state: "connected", since: 0 },
  route: { transport: "websocket", reason: "first_choice" },
  preference: "auto",
  mesh: NO_MESH,
  transports: { websocket: FRESH, polling: FRESH },
  next: undefined,
  stats: NO_STATS,
  waiting: 0,
  storage: true,
  network: { online: true },
  browser: "",
  log: [],
};
const LOST: Partial<ConnectionDiagnostics> = {
  connection: { state: "disconnected", reason: "lost", retryAtMs: 1 },
  route: undefined,
};

const rows: [name: string, change: Partial<ConnectionDiagnostics>, answeredMs: number | undefined, Finding[]][] = [
  ["nothing is wrong", {}, 20, [{ finding: "all_well" }]],
  ["the device has no network", { ...LOST, network: { online: false } }, undefined, [{ finding: "no_network" }]],
  ["a network, and no answer", LOST, undefined, [{ finding: "server_unreachable" }]],
  ["plain HTTP works, the connection does not", LOST, 30, [{ finding: "connection_failing" }]],
  [
    "the server asked for patience",
    { ...LOST, connection: { state: "disconnected", reason: "overloaded", retryAtMs: 1 } },
    30,
    [{ finding: "server_busy", reason: "overloaded" }],
  ],
  [
    "polling because WebSockets are blocked",
    { route: { transport: "polling", reason: "websocket_blocked" }, next: { transport: "websocket", inMs: 4_000 } },
    30,
    [{ finding: "websocket_blocked", nextTryInMs: 4_000 }],
  ],
  [
    "polling because somebody wants it",
    { route: { transport: "polling", reason: "preferred" }, preference: "polling" },
    30,
    [{ finding: "polling_chosen" }],
  ],
  ["another tab has the connection", { route: { transport: "tab", reason: "shared" } }, 30, [{ finding: "other_tab" }]],
  [
    "a slow and unsteady transport",
    { transports: { websocket: { ...FRESH, latencyMs: 1_900, reliability: 0.5 }, polling: FRESH } },
    30,
    [{ finding: "slow", latencyMs: 1_900 }, { finding: "unsteady", reliability: 0.5 }],
  ],
  [
    "messages wait on a device that keeps nothing",
    { ...LOST, network: { online: false }, waiting: 3, storage: false },
    undefined,
    [{ finding: "no_network" }, { finding: "waiting", count: 3 }, { finding: "no_storage" }],
  ],
];

for (const [name, change, answeredMs, findings] of rows) {
  Deno.test(`why is it not working? ${name}`, () => {
    assertEquals(findingsOf({ ...WELL, ...change }, answeredMs), findings);
  });
}

/** The dashboard of several instances, and of gaps in time. */
import { assertEquals } from "@std/assert";
import { dashboard, type DashboardFacts } from "../../../lib/server/stats/dashboard_figures.ts";
import type { Slot } from "../../../lib/server/stats/history.ts";
import { NO_TOTALS } from "../../../lib/server/stats/totals.ts";

const NOW = Date.UTC(2026, 6, 4, 20, 30, 30);
const MINUTE_MS = 60_000;

const HEALTH: DashboardFacts["health"] = {
  status: "ok",
  reasons: [],
  version: "1",
  protocol: 1,
  environment: "production",
  platform: "plain",
  mode: "shared",
  timestamp: new Date(NOW).toISOString(),
  rooms: 7,
  openRooms: 1,
  users: 2,
  connections: 3,
  kvLatencyMs: null,
  diskFreeBytes: null,
  databaseBytes: null,
  build: "b",
};

function slot(minutesAgo: number, stored: number, more: Partial<Slot> = {}): Slot {
  const at = NOW - 30_000 - minutesAgo * MINUTE_MS;
  const counters = { events_stored: { "": stored } };
  return { at, forMs: MINUTE_MS, counters, histograms: {}, gauges: { users: { "": stored } }, instances: 1, ...more };
}

function shown(more: Partial<DashboardFacts> = {}) {
  const facts: DashboardFacts = {
    now: NOW,
    health: HEALTH,
    gauges: { users: { "": 2 }, connections: { websocket: 3, polling: 1 }, rooms: { "": 7 }, open_rooms: { "": 1 } },
    upForMs: 3_600_000,
    history: { minutes: [], tens: [], others: [], unseen: NO_TOTALS },
    cpuShare: undefined,
    ...more,
  };
  const made = dashboard(facts);
  const value = (id: string, label?: string) => {
    const row = made.groups.flatMap(({ rows }) => rows).find((row) => row.id === id && row.label === label);
    return row?.values[0]?.value;
  };
  return { ...made, value };
}

Deno.test("people and connections of all instances are added up; the rooms are those of the one database", () => {
  const other = {
    ...NO_TOTALS,
    at: NOW - 90_000,
    forMs: MINUTE_MS,
    gauges: { users: { "": 40 }, connections: { websocket: 50 }, rooms: { "": 7 } },
  };
  const { value } = shown({ history: { minutes: [], tens: [], others: [other, other], unseen: NO_TOTALS } });
  assertEquals([value("users"), value("rooms"), value("instances")], [82, 7, 3]);
  assertEquals([value("connections", "websocket"), value("connections", "polling")], [103, 1]);
});

Deno.test("messages a minute are those of the last ten minutes, or of as much of them as there was", () => {
  const minutes = Array.from({ length: 30 }, (_, index) => slot(30 - index, 60));
  const { value } = shown({ history: { minutes, tens: [], others: [], unseen: NO_TOTALS } });
  const perMinute = value("messages_per_minute")!;
  assertEquals(Math.round(perMinute / 10), 6);
  const unseen = { counters: { events_stored: { "": 10 } }, histograms: {} };
  const young = (upForMs: number) => shown({ upForMs, history: { minutes: [], tens: [], others: [], unseen } });
  assertEquals(young(30_000).value("messages_per_minute"), 20);
  assertEquals(young(9_000).value("messages_per_minute"), null, "a moment is no minute");
});

Deno.test("the rate of several instances covers whole minutes, because other instances have not reported the current one", () => {
  const minutes = [slot(2, 60), slot(1, 60)];
  const other = { ...NO_TOTALS, at: NOW - 90_000, forMs: MINUTE_MS, gauges: {} };
  const unseen = { counters: { events_stored: { "": 10 } }, histograms: {} };
  assertEquals(
    shown({ history: { minutes, tens: [], others: [other], unseen } }).value("messages_per_minute"),
    60,
  );
});

Deno.test("a database that does not answer has no latency, instead of a wrong one", () => {
  const { value, groups } = shown();
  assertEquals(value("kv_ping"), null);
  const row = groups.flatMap(({ rows }) => rows).find(({ id }) => id === "kv_ping");
  assertEquals(row?.source, { kind: "unknown" });
});

Deno.test("the newest hour of a day comes from minutes, so that a killed instance is included", () => {
  const minutes = Array.from({ length: 12 }, (_, index) => slot(12 - index, 5));
  const { series } = shown({ history: { minutes, tens: [], others: [], unseen: NO_TOTALS } });
  const day = series.find(({ id, step }) => id === "messages" && step === "ten_minutes")!;
  assertEquals(day.points.map(({ value }) => value), [5, 5]);
  assertEquals(day.source, { kind: "measured" });
});

Deno.test("unmeasured times have no point, and no line crosses them", () => {
  const { series } = shown({
    history: {
      minutes: [slot(3, 4), slot(2, 4, { gauges: {} })],
      tens: [],
      others: [],
      unseen: NO_TOTALS,
    },
  });
  const users = series.find(({ id, step }) => id === "users" && step === "minute")!;
  assertEquals(users.points.map(({ value }) => value), [4, null]);
});

/** /metrics, read by an independent parser. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import parsePrometheus from "parse-prometheus-text-format";
import { COUNTERS, HISTOGRAMS } from "../../../lib/server/stats/figures.ts";
import { prometheusText } from "../../../lib/server/stats/prometheus.ts";
import { ServerStats } from "../../../lib/server/stats/server_stats.ts";

interface Family {
  name: string;
  help: string;
  type: string;
  metrics: {
    value?: string;
    labels?: Record<string, string>;
    buckets?: Record<string, string>;
    count?: string;
    sum?: string;
  }[];
}

const PROCESS = { cpuSeconds: 1.5, startedAtMs: 1_700_000_000_000, version: "1.0", build: 'a "build"\\with\nmarks' };

function families(stats: ServerStats, gauges = {}): Map<string, Family> {
  const parsed: Family[] = parsePrometheus(prometheusText(stats.totals(), gauges, PROCESS));
  return new Map(parsed.map((family) => [family.name, family]));
}

Deno.test("every figure has HELP, TYPE, and a name by Prometheus' conventions", () => {
  const all = families(new ServerStats(), { users: { "": 3 } });
  assertEquals(all.size >= Object.keys(COUNTERS).length + Object.keys(HISTOGRAMS).length + 4, true);
  for (const { name, help, type } of all.values()) {
    assert(help.length > 10, name);
    assertMatch(name, /^(festival|process)_[a-z_]+$/);
    if (type === "COUNTER") assertMatch(name, /_total$/);
    else assert(!name.endsWith("_total"), name);
    if (type === "HISTOGRAM") assertMatch(name, /_seconds$/);
    assert(!/_(ms|milliseconds|minutes)(_|$)/.test(name), name);
  }
});

Deno.test("counts and durations arrive as they were counted, in base units", () => {
  const stats = new ServerStats();
  stats.count("events_stored", "", 7);
  stats.count("refusals", "rate_limited", 2);
  for (const ms of [0.05, 1, 100, 100, 90_000]) stats.observe("ack", ms);
  const all = families(stats);
  assertEquals(all.get("festival_events_stored_total")?.metrics[0]?.value, "7");
  const refusals = all.get("festival_refusals_total")!.metrics;
  assertEquals(refusals.find(({ labels }) => labels?.reason === "rate_limited")?.value, "2");
  const [ack] = all.get("festival_ack_duration_seconds")!.metrics;
  assertEquals(ack?.count, "5");
  assertEquals(Number(ack?.sum), 90.20105);
  const buckets = Object.entries(ack!.buckets!).map((
    [le, count],
  ) => [Number(le.replace("+Inf", "Infinity")), Number(count)]);
  for (const [i, [le, count]] of buckets.entries()) {
    const [lastLe, lastCount] = buckets[i - 1] ?? [0, 0];
    assert(le! > lastLe! && count! >= lastCount!, `${le}: ${count}`);
  }
  assertEquals(buckets.at(-1), [Infinity, 5]);
  assertEquals(buckets.find(([le]) => le! >= 0.1)?.[1], 4);
});

Deno.test("unmeasured figures are left out", () => {
  const all = families(new ServerStats(), { users: { "": 0 } });
  assert(all.has("festival_users"));
  assert(!all.has("festival_rooms"));
});

Deno.test("a build's name cannot break the format", () => {
  const [info] = families(new ServerStats()).get("festival_build_info")!.metrics;
  assertEquals(info?.value, "1");
  assertEquals(info?.labels?.version, "1.0");
});

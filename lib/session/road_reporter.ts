/**
 * Tells the server now and then how its roads were: counts and buckets, nothing that names anybody or any room. A part of
 * all pages does it, drawn by lot; which, the page decides by itself. Loaded when a page has been open for a while.
 */
import type { ReadonlySignal } from "@preact/signals";
import { type BucketCounts, bucketOf } from "../protocol/latency_buckets.ts";
import {
  readReportRules,
  REPORT_MAX_COUNT,
  REPORT_MAX_LINKS,
  REPORT_MAX_MS,
  REPORTED_ROADS,
  type ReportedRoad,
  ROAD_REPORT_VERSION,
  type RoadFigures,
  type RoadReport,
} from "../protocol/road_report.ts";
import { type RoadName, ROADS } from "../routing/road_choice.ts";
import type { RoadMeter } from "../routing/road_meter.ts";
import { type CurrentRoute, type HybridStats, type MeshView, NO_MESH, NO_STATS } from "./connection_model.ts";
import type { Cancel, Clock, Random, Timers } from "./deps.ts";

/** What is told to a reporter as it happens. */
export interface RoadTap {
  roundTrip(road: RoadName, ms: number): void;
  tried(road: RoadName, worked: boolean): void;
  stored(afterMs: number): void;
  /** The page is left. */
  leave(): void;
  dispose(): void;
}

export interface RoadReporterParts {
  steady: Clock;
  timers: Timers;
  random: Pick<Random, "fraction">;
  /** Asked before anything is sent, each time: a "no" holds at once. */
  allowed(): boolean;
  /** Asks `GET /api/reports`. */
  fetchRules(): Promise<unknown>;
  send(report: RoadReport): void;
  /** Measures a round trip now: in a busy room nothing else does. */
  measure(): void;
  /** When the page was opened, by `steady`, and what was measured since: the first report tells of it, too. */
  openedAt: number;
  meters: Readonly<Record<RoadName, RoadMeter>>;
  storedAfterMs: readonly number[];
  currentRoute: ReadonlySignal<CurrentRoute | undefined>;
  hybridStats: ReadonlySignal<HybridStats>;
  mesh: ReadonlySignal<MeshView>;
}

/** Time for that measurement before a report. */
const MEASURE_MS = 3_000;
/** A page that is left so soon after its last report has nothing to add. */
const LEAST_MS = 5_000;

class Buckets {
  readonly #counts = new Map<number, number>();

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts.set(bucket, atMost((this.#counts.get(bucket) ?? 0) + 1));
  }

  get counts(): BucketCounts {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

export class RoadReporter implements RoadTap {
  readonly #parts: RoadReporterParts;
  #everyMs: number | undefined;
  #cancel: Cancel = () => {};
  readonly #stops: Cancel[] = [];
  #disposed = false;

  // Since the last report.
  #since: number;
  #roundTrips = bucketsByRoad();
  #stored = new Buckets();
  #tries = triesByRoad();
  #fallbacks = 0;
  #stats: HybridStats = NO_STATS;
  #mesh: MeshView = NO_MESH;

  constructor(parts: RoadReporterParts) {
    this.#parts = parts;
    this.#since = parts.openedAt;
    for (const road of ROADS) {
      for (const ms of parts.meters[road].roundTripsMs) this.roundTrip(road, ms);
      for (const worked of parts.meters[road].tries) this.tried(road, worked);
    }
    for (const ms of parts.storedAfterMs) this.stored(ms);
    let before: string | undefined;
    this.#stops.push(parts.currentRoute.subscribe((route) => {
      if (before === "websocket" && route?.road === "polling") this.#fallbacks++;
      if (route !== undefined && route.road !== "p2p") before = route.road;
    }));
    void this.#begin();
  }

  roundTrip(road: RoadName, ms: number): void {
    this.#roundTrips[road].add(ms);
  }

  tried(road: RoadName, worked: boolean): void {
    this.#tries[road][worked ? "worked" : "failed"]++;
  }

  stored(afterMs: number): void {
    this.#stored.add(afterMs);
  }

  leave(): void {
    if (this.#everyMs !== undefined && this.#parts.steady.now() - this.#since >= LEAST_MS) this.#report();
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel();
    for (const stop of this.#stops) stop();
  }

  async #begin(): Promise<void> {
    const { allowed, fetchRules, random } = this.#parts;
    if (!allowed()) return;
    // No network, or no such server: this page reports nothing.
    const rules = readReportRules(await fetchRules().catch(() => undefined));
    if (this.#disposed || rules === undefined || random.fraction() >= rules.share) return;
    this.#everyMs = rules.everyMs;
    // Pages that were opened together do not report together.
    this.#later(rules.everyMs * (0.5 + 0.5 * random.fraction()), rules.everyMs);
  }

  #later(delayMs: number, everyMs: number): void {
    this.#cancel = this.#parts.timers.after(Math.max(0, delayMs - MEASURE_MS), () => {
      if (this.#parts.allowed()) this.#parts.measure();
      this.#cancel = this.#parts.timers.after(Math.min(delayMs, MEASURE_MS), () => {
        this.#report();
        this.#later(everyMs, everyMs);
      });
    });
  }

  #report(): void {
    const { allowed, send, currentRoute } = this.#parts;
    const report = this.#take();
    const road = currentRoute.peek()?.road;
    // Another tab has the connection, and reports for it.
    if (allowed() && road !== undefined && road !== "tab") send(report);
  }

  /** What came since the last time; begins anew. */
  #take(): RoadReport {
    const { steady, hybridStats, mesh } = this.#parts;
    const now = steady.now();
    const stats = hybridStats.peek(), before = this.#stats;
    const links = mesh.peek(), linksBefore = this.#mesh;
    // A mesh that was opened anew counts from 0.
    const more = (name: "connected" | "failed" | "told" | "receipted") =>
      atMost(links[name] >= linksBefore[name] ? links[name] - linksBefore[name] : links[name]);
    const up = links.links.filter(({ state }) => state === "connected");
    for (const { rttMs } of up) if (rttMs !== undefined) this.#roundTrips.p2p.add(rttMs);
    const roads = {} as Record<ReportedRoad, RoadFigures>;
    const received = {
      websocket: stats.webSocketMessages - before.webSocketMessages,
      polling: stats.pollingMessages - before.pollingMessages,
      p2p: stats.p2pMessages - before.p2pMessages,
    };
    for (const road of REPORTED_ROADS) {
      const { worked, failed } = road === "p2p"
        ? { worked: more("connected"), failed: more("failed") }
        : this.#tries[road];
      roads[road] = {
        roundTrips: this.#roundTrips[road].counts,
        worked: atMost(worked),
        failed: atMost(failed),
        received: atMost(received[road]),
      };
    }
    const report: RoadReport = {
      version: ROAD_REPORT_VERSION,
      forMs: Math.min(Math.round(now - this.#since), REPORT_MAX_MS),
      roads,
      fallbacks: atMost(this.#fallbacks),
      stored: this.#stored.counts,
      refused: atMost(stats.refused - before.refused),
      duplicates: atMost(stats.duplicatesFiltered - before.duplicatesFiltered),
      toPeers: more("told"),
      receipted: more("receipted"),
      ...(links.enabled && {
        mesh: {
          links: Math.min(up.length, REPORT_MAX_LINKS),
          reached: atMost(links.reached),
          missing: atMost(links.missing),
        },
      }),
    };
    this.#since = now;
    this.#roundTrips = bucketsByRoad();
    this.#stored = new Buckets();
    this.#tries = triesByRoad();
    this.#fallbacks = 0;
    this.#stats = stats;
    this.#mesh = links;
    return report;
  }
}

function atMost(count: number): number {
  return Math.max(0, Math.min(count, REPORT_MAX_COUNT));
}

function bucketsByRoad(): Record<ReportedRoad, Buckets> {
  return { websocket: new Buckets(), polling: new Buckets(), p2p: new Buckets() };
}

function triesByRoad(): Record<RoadName, { worked: number; failed: number }> {
  return { websocket: { worked: 0, failed: 0 }, polling: { worked: 0, failed: 0 } };
}

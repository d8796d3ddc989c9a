/**
 * Reports transport statistics to the server now and then: counts and buckets that identify neither people nor rooms.
 * Each page decides by a random draw whether it reports. Loaded when a page has been open for a while.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { ReadonlySignal } from "@preact/signals";
import { type BucketCounts, latencyBucketOf } from "../../protocol/reports/latency_buckets.ts";
import {
  readReportRules,
  REPORT_MAX_COUNT,
  REPORT_MAX_LINKS,
  REPORT_MAX_MS,
  REPORTED_TRANSPORTS,
  type ReportedTransport,
  TRANSPORT_REPORT_VERSION,
  type TransportFigures,
  type TransportReport,
} from "../../protocol/reports/transport_report.ts";
import { type TransportName, TRANSPORTS } from "../../routing/transport_choice.ts";
import type { TransportMeter } from "../../routing/transport_meter.ts";
import { type CurrentRoute, type MeshView, NO_MESH, NO_STATS, type TransferStats } from "../model/connection_model.ts";
import type { SessionDeps } from "../ports/session_deps.ts";

/** The measurements of a page's connection. */
export interface MeasuredConnection {
  /** Measures a round trip now: in a busy room nothing else does. */
  measure(): void;
  /** When the page was opened, by the steady clock, ms. The first report covers everything since. */
  readonly openedAt: number;
  readonly meters: Readonly<Record<TransportName, TransportMeter>>;
  readonly storedAfterMs: readonly number[];
  readonly currentRoute: ReadonlySignal<CurrentRoute | undefined>;
  readonly transferStats: ReadonlySignal<TransferStats>;
  readonly mesh: ReadonlySignal<MeshView>;
}

export interface TransportReporterDeps extends Pick<SessionDeps, "steady" | "timers"> {
  random: Pick<SessionDeps["random"], "fraction">;
  /** Asked before each report, so a "no" holds at once. */
  allowed(): boolean;
  /** Requests `GET /api/reports`. */
  fetchRules(): Promise<unknown>;
  send(report: TransportReport): void;
  connection: MeasuredConnection;
}

/** Time for a measurement before a report. */
const MEASURE_MS = 3_000;
/** A page that is left this soon after its last report has nothing to add. */
const LEAST_MS = 5_000;

class Buckets {
  readonly #counts = new Map<number, number>();

  add(ms: number): void {
    const bucket = latencyBucketOf(ms);
    this.#counts.set(bucket, atMost((this.#counts.get(bucket) ?? 0) + 1));
  }

  get counts(): BucketCounts {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

/** Receives measurements as they happen. */
export type TransportTap = Pick<TransportReporter, "roundTrip" | "tried" | "stored" | "leave" | "dispose">;

export class TransportReporter {
  readonly #deps: TransportReporterDeps;
  #everyMs: number | undefined;
  #cancel: Cancel = () => {};
  readonly #stopListening: Cancel;
  #disposed = false;

  /** When the last report was made, and what the connection had counted by then. */
  #since: number;
  #stats: TransferStats = NO_STATS;
  #mesh: MeshView = NO_MESH;
  #counted = nothingCounted();

  constructor(deps: TransportReporterDeps) {
    this.#deps = deps;
    const { openedAt, meters, storedAfterMs, currentRoute } = deps.connection;
    this.#since = openedAt;
    for (const transport of TRANSPORTS) {
      for (const ms of meters[transport].roundTripsMs) this.roundTrip(transport, ms);
      for (const worked of meters[transport].tries) this.tried(transport, worked);
    }
    for (const ms of storedAfterMs) this.stored(ms);
    let before: string | undefined;
    this.#stopListening = currentRoute.subscribe((route) => {
      if (before === "websocket" && route?.transport === "polling") this.#counted.fallbacks++;
      if (route !== undefined && route.transport !== "p2p") before = route.transport;
    });
    void this.#begin();
  }

  roundTrip(transport: TransportName, ms: number): void {
    this.#counted.roundTrips[transport].add(ms);
  }

  tried(transport: TransportName, worked: boolean): void {
    this.#counted.tries[transport][worked ? "worked" : "failed"]++;
  }

  stored(afterMs: number): void {
    this.#counted.stored.add(afterMs);
  }

  /** The page is left. */
  leave(): void {
    if (this.#everyMs !== undefined && this.#deps.steady.now() - this.#since >= LEAST_MS) this.#report();
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel();
    this.#stopListening();
  }

  async #begin(): Promise<void> {
    const { allowed, fetchRules, random } = this.#deps;
    if (!allowed()) return;
    // No network, or no such server: this page reports nothing.
    const rules = readReportRules(await fetchRules().catch(() => undefined));
    if (this.#disposed || rules === undefined || random.fraction() >= rules.share) return;
    this.#everyMs = rules.everyMs;
    // Spreads the reports of pages that were opened together.
    this.#later(rules.everyMs * (0.5 + 0.5 * random.fraction()), rules.everyMs);
  }

  #later(delayMs: number, everyMs: number): void {
    this.#cancel = this.#deps.timers.after(Math.max(0, delayMs - MEASURE_MS), () => {
      if (this.#deps.allowed()) this.#deps.connection.measure();
      this.#cancel = this.#deps.timers.after(Math.min(delayMs, MEASURE_MS), () => {
        this.#report();
        this.#later(everyMs, everyMs);
      });
    });
  }

  #report(): void {
    const { allowed, send, connection } = this.#deps;
    const report = this.#take();
    const transport = connection.currentRoute.peek()?.transport;
    // Another tab has the connection, and reports for it.
    if (allowed() && transport !== undefined && transport !== "tab") send(report);
  }

  /** The counts since the last report; starts them again. */
  #take(): TransportReport {
    const { transferStats, mesh } = this.#deps.connection;
    const now = this.#deps.steady.now();
    const stats = transferStats.peek(), before = this.#stats;
    const links = mesh.peek(), linksBefore = this.#mesh;
    // A new mesh counts from 0.
    const more = (name: "connected" | "failed" | "sentToPeers" | "receipted") =>
      atMost(links[name] >= linksBefore[name] ? links[name] - linksBefore[name] : links[name]);
    const up = links.links.filter(({ state }) => state === "connected");
    for (const { rttMs } of up) if (rttMs !== undefined) this.#counted.roundTrips.p2p.add(rttMs);
    const transports = {} as Record<ReportedTransport, TransportFigures>;
    const received = {
      websocket: stats.viaWebSocket - before.viaWebSocket,
      polling: stats.viaPolling - before.viaPolling,
      p2p: stats.viaPeers - before.viaPeers,
    };
    for (const transport of REPORTED_TRANSPORTS) {
      const { worked, failed } = transport === "p2p"
        ? { worked: more("connected"), failed: more("failed") }
        : this.#counted.tries[transport];
      transports[transport] = {
        roundTrips: this.#counted.roundTrips[transport].counts,
        worked: atMost(worked),
        failed: atMost(failed),
        received: atMost(received[transport]),
      };
    }
    const report: TransportReport = {
      version: TRANSPORT_REPORT_VERSION,
      forMs: Math.min(Math.round(now - this.#since), REPORT_MAX_MS),
      transports,
      fallbacks: atMost(this.#counted.fallbacks),
      stored: this.#counted.stored.counts,
      refused: atMost(stats.refused - before.refused),
      duplicates: atMost(stats.duplicates - before.duplicates),
      toPeers: more("sentToPeers"),
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
    this.#counted = nothingCounted();
    this.#stats = stats;
    this.#mesh = links;
    return report;
  }
}

function atMost(count: number): number {
  return Math.max(0, Math.min(count, REPORT_MAX_COUNT));
}

/** The counts of this page since the last report. */
function nothingCounted() {
  return {
    roundTrips: { websocket: new Buckets(), polling: new Buckets(), p2p: new Buckets() },
    stored: new Buckets(),
    tries: { websocket: { worked: 0, failed: 0 }, polling: { worked: 0, failed: 0 } },
    fallbacks: 0,
  };
}

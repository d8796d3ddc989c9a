/** Monitors one running instance: probes, timers, history, and the dashboard made from them. */
import type { Cancel } from "../../shared/environment.ts";
import {
  REPORT_MAX_LINKS,
  REPORTED_TRANSPORTS,
  type ReportRules,
  type TransportReport,
} from "../../protocol/reports/transport_report.ts";
import { StorageUnavailable } from "../../store/database.ts";
import { APP_VERSION } from "./health.ts";
import { errorText } from "../logger.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import type { ChatServer } from "../server.ts";
import { inTime, onStorageFailure, repeat } from "../environment.ts";
import type { Dashboard } from "../../protocol/reports/dashboard.ts";
import { dashboard } from "./dashboard_figures.ts";
import { History } from "./history.ts";
import { type ProbeDeps, Prober } from "./probe.ts";
import { prometheusText } from "./prometheus.ts";
import type { Gauges } from "./totals.ts";

/** The process's own measurements. */
export interface ProcessMeter {
  memory(): { rss: number; heapUsed: number };
  /** CPU time used since the start, ms. */
  cpuMs(): number;
}

export interface MonitorDeps extends ProbeDeps {
  server: ChatServer;
  process: ProcessMeter;
}

/** How often the lateness of a timer is measured. */
const LAG_EVERY_MS = 500;
/** How often the share of the CPU is measured. */
const CPU_EVERY_MS = 10_000;
/** The dashboard is computed at most this often, for any number of readers. */
const FIGURES_CACHE_MS = 1_000;
/** Longest time for writing the last records when an instance ends. */
const LAST_RECORDS_MS = 1_000;

export class Monitor {
  readonly #deps: MonitorDeps;
  readonly #startedAt: number;
  readonly #history: History;
  readonly #prober: Prober;
  readonly #reports: RateLimiter;
  #cpu: { at: number; ms: number; share: number | undefined };
  readonly #cancels: Cancel[];
  #probing = Promise.resolve();
  #closed = false;

  constructor(deps: MonitorDeps) {
    this.#deps = deps;
    const { server, store, environment: { clock, timers, random, log } } = deps;
    const { stats, config: { monitoring } } = server;
    this.#startedAt = clock.now();
    this.#cpu = { at: clock.now(), ms: deps.process.cpuMs(), share: undefined };
    this.#reports = new RateLimiter(monitoring.reports);
    this.#history = new History({
      store: store.stats,
      instance: server.instance,
      stats,
      gauges: () => this.gauges(),
      clock,
      timers,
      refreshMs: monitoring.refreshMs,
      onFailure: onStorageFailure((error) => log(`statistics: ${error.message}`)),
    });
    this.#prober = new Prober(deps);
    // Also with probes off: the room of earlier probes still exists.
    this.#probing = this.#knowProbeRoom();
    let lagFrom = stats.clock.now();
    this.#cancels = [
      repeat(timers, () => LAG_EVERY_MS, () => {
        stats.observe("event_loop_lag", Math.max(0, stats.clock.now() - lagFrom - LAG_EVERY_MS));
        lagFrom = stats.clock.now();
      }),
      repeat(timers, () => CPU_EVERY_MS, () => this.#measureCpu()),
    ];
    if (monitoring.probeEveryMs > 0) {
      // Spreads the probes of instances that start together.
      let share = 0.1 + 0.9 * random.fraction();
      const delayMs = () => monitoring.probeEveryMs * share;
      this.#cancels.push(repeat(timers, delayMs, () => {
        share = 1;
        void this.probe();
      }));
    }
  }

  get rules(): ReportRules {
    const { reportShare, reportEveryMs } = this.#deps.server.config.monitoring;
    return { share: reportShare, everyMs: reportEveryMs };
  }

  /** Of this instance, now. `rooms`: those in the database, if somebody counted them. */
  gauges(rooms: number | null = null): Gauges {
    const { server, process } = this.#deps;
    const { users, openRooms } = server.counts();
    const { rss, heapUsed } = process.memory();
    const disk = server.disk();
    return {
      users: { "": users },
      connections: { ...server.stats.connections },
      open_rooms: { "": openRooms },
      resident_memory_bytes: { "": rss },
      heap_bytes: { "": heapUsed },
      ...disk && { database_bytes: { "": disk.database }, disk_free_bytes: { "": disk.free } },
      ...rooms !== null && { rooms: { "": rooms } },
    };
  }

  /** All figures for the page; gathered at most once a second, however many read them. */
  readonly dashboard = this.#onceASecond(() => this.#dashboard());
  /** All figures for Prometheus, in the same way. */
  readonly prometheus = this.#onceASecond(() => this.#prometheus());

  #onceASecond<Figures>(gather: () => Promise<Figures>): () => Promise<Figures> {
    let last: { at: number; figures: Promise<Figures> } | undefined;
    return () => {
      const now = this.#deps.environment.clock.now();
      if (last === undefined || Math.abs(now - last.at) >= FIGURES_CACHE_MS) last = { at: now, figures: gather() };
      return last.figures;
    };
  }

  async #prometheus(): Promise<string> {
    const { server, process } = this.#deps;
    const { rooms } = await server.health();
    return prometheusText(
      server.stats.totals(),
      this.gauges(rooms),
      {
        cpuSeconds: process.cpuMs() / 1_000,
        startedAtMs: this.#startedAt,
        version: APP_VERSION,
        build: server.config.build,
      },
    );
  }

  /** Admits another report, or counts it as refused and returns the wait in ms. */
  admitReport(): number | undefined {
    const waitMs = this.#reports.take(this.#deps.environment.clock.now());
    if (waitMs === 0) return undefined;
    this.refuseReport();
    return waitMs;
  }

  refuseReport(): void {
    this.#deps.server.stats.count("client_reports_refused");
  }

  takeReport({ transports, mesh, ...report }: TransportReport): void {
    const { stats } = this.#deps.server;
    stats.count("client_reports");
    for (const transport of REPORTED_TRANSPORTS) {
      const { roundTrips, worked, failed, received } = transports[transport];
      stats.addBuckets("client_round_trip", roundTrips, transport);
      stats.count("client_tries_worked", transport, worked);
      stats.count("client_tries_failed", transport, failed);
      stats.count("client_events_received", transport, received);
    }
    stats.addBuckets("client_stored", report.stored);
    stats.count("client_fallbacks", "", report.fallbacks);
    stats.count("client_refused", "", report.refused);
    stats.count("client_duplicates", "", report.duplicates);
    stats.count("client_peer_events", "", report.toPeers);
    stats.count("client_peer_events_receipted", "", report.receipted);
    if (mesh === undefined) return;
    stats.count("client_mesh_links", String(Math.min(mesh.links, REPORT_MAX_LINKS)));
    stats.count("client_mesh_reached", "", mesh.reached);
    stats.count("client_mesh_missing", "", mesh.missing);
  }

  /** Runs one probe now. */
  probe(): Promise<void> {
    return this.#probing = this.#probing.then(() => this.#prober.run()).catch((error) => {
      const { log } = this.#deps.environment;
      log(error instanceof StorageUnavailable ? `probe: ${error.message}` : `a probe failed: ${errorText(error)}`);
    });
  }

  /** This instance's counts since its last record; for OpenTelemetry. */
  get history(): History {
    return this.#history;
  }

  /** Writes the last records and leaves nothing running. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
    const { timers } = this.#deps.environment;
    await inTime(timers, LAST_RECORDS_MS, Promise.all([this.#probing, this.#history.close()]));
  }

  async #dashboard(): Promise<Dashboard> {
    const { server, environment: { clock } } = this.#deps;
    const [health, history] = await Promise.all([server.health(), this.#history.view()]);
    return dashboard({
      now: clock.now(),
      health,
      gauges: this.gauges(health.rooms),
      upForMs: clock.now() - this.#startedAt,
      history,
      cpuShare: this.#cpu.share,
    });
  }

  /** Leaves the probes' room out of all counts before the first probe. */
  async #knowProbeRoom(): Promise<void> {
    const { store, server } = this.#deps;
    try {
      const room = await store.stats.probeRoom();
      if (room !== undefined) server.leaveOut(room);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error; // The first probe finds it.
    }
  }

  #measureCpu(): void {
    const { process, environment: { clock } } = this.#deps;
    const at = clock.now(), ms = process.cpuMs();
    const forMs = at - this.#cpu.at;
    this.#cpu = { at, ms, share: forMs > 0 ? (ms - this.#cpu.ms) / forMs : undefined };
  }
}

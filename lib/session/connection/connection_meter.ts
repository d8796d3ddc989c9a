/** Measures a room's transports and counts what arrived over them, as signals for the connection panel. */
import { type Signal, signal } from "@preact/signals";
import type { TransportName } from "../../routing/transport_choice.ts";
import { medianOf, NEW_METER, type TransportMeter, withRoundTrip, withTry } from "../../routing/transport_meter.ts";
import { type CurrentRoute, NO_STATS, type TransferStats } from "../model/connection_model.ts";
import type { SessionMeter } from "../ports/session_deps.ts";
import type { TransportTap } from "../reports/transport_reporter.ts";

/** Times from sending to storing that are kept for their median. */
const STORED_MAX = 50;
const NOTHING_MEASURED: Readonly<Record<TransportName, TransportMeter>> = { websocket: NEW_METER, polling: NEW_METER };

export abstract class ConnectionMeter implements SessionMeter {
  readonly transferStats: Signal<TransferStats> = signal(NO_STATS);
  meters = NOTHING_MEASURED;
  /** Receives measurements too, once it is loaded. */
  protected tap: TransportTap | undefined;
  /** Times from sending to storing of my newest messages, ms. */
  storedAfterMs: readonly number[] = [];

  /** The transport to the server, or to the tab that has it; undefined without one. */
  protected transportInUse: CurrentRoute | undefined;

  protected forgetMeasured(): void {
    this.meters = NOTHING_MEASURED;
  }

  protected tried(transport: TransportName, worked: boolean): void {
    this.tap?.tried(transport, worked);
    this.meters = { ...this.meters, [transport]: withTry(this.meters[transport], worked) };
  }

  roundTrip(ms: number): void {
    const transport = this.transportInUse?.transport;
    if (transport !== "websocket" && transport !== "polling") return;
    this.tap?.roundTrip(transport, ms);
    this.meters = { ...this.meters, [transport]: withRoundTrip(this.meters[transport], ms) };
  }

  received(fresh: number, duplicates: number): void {
    const transport = this.transportInUse?.transport;
    // Events from the local copy came over no transport.
    if (transport === undefined || transport === "p2p") return;
    const name = ({ websocket: "viaWebSocket", polling: "viaPolling", tab: "viaTab" } as const)[transport];
    this.#count({ [name]: fresh, duplicates: duplicates });
  }

  heardFromPeers(count: number): void {
    this.#count({ viaPeers: count });
  }

  stored(afterMs: number | undefined): void {
    if (afterMs !== undefined) {
      this.storedAfterMs = [...this.storedAfterMs, afterMs].slice(-STORED_MAX);
      this.tap?.stored(afterMs);
    }
    this.#count({ stored: 1 });
  }

  refused(): void {
    this.#count({ refused: 1 });
  }

  #count(more: Partial<Omit<TransferStats, "storedAfterMs">>): void {
    const stats = { ...this.transferStats.peek(), storedAfterMs: medianOf(this.storedAfterMs) };
    for (const name of Object.keys(more) as (keyof typeof more)[]) stats[name] += more[name] ?? 0;
    this.transferStats.value = stats;
  }
}

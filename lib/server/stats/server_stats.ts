/** One instance's counters and timings since its start. */
import { Buffer } from "node:buffer";
import type { BucketCounts } from "../../protocol/reports/latency_buckets.ts";
import {
  type CounterName,
  COUNTERS,
  type HistogramName,
  HISTOGRAMS,
  labelsOf,
  type ServerTransport,
} from "./figures.ts";
import { Histogram } from "./histogram.ts";
import type { Totals } from "./totals.ts";

export interface SteadyClock {
  /** Ms, with fractions, from an arbitrary start; never goes back. */
  now(): number;
}

export class ServerStats {
  /** For durations. */
  readonly clock: SteadyClock;
  /** Connections now. */
  readonly connections: Record<ServerTransport, number> = { websocket: 0, polling: 0 };
  #lastSent = "";
  #lastBytes = 0;
  readonly #counters: Record<CounterName, Record<string, number>>;
  readonly #histograms: Record<HistogramName, Record<string, Histogram>>;

  constructor(clock: SteadyClock = performance) {
    this.clock = clock;
    this.#counters = tableOf(COUNTERS, () => 0);
    this.#histograms = tableOf(HISTOGRAMS, () => new Histogram());
  }

  /** `label` is one of the figure's values; others are not counted. */
  count(name: CounterName, label = "", by = 1): void {
    const values = this.#counters[name];
    const before = values[label];
    if (before !== undefined) values[label] = before + by;
  }

  /** A duration, ms. */
  observe(name: HistogramName, ms: number, label = ""): void {
    this.#histograms[name][label]?.observe(ms);
  }

  /** Durations counted elsewhere, as buckets. */
  addBuckets(name: HistogramName, buckets: BucketCounts, label = ""): void {
    this.#histograms[name][label]?.add(buckets);
  }

  /** Counts a sent frame. The size of a text that goes to many connections is computed once. */
  sent(transport: ServerTransport, text: string): void {
    if (text !== this.#lastSent) {
      this.#lastSent = text;
      this.#lastBytes = Buffer.byteLength(text);
    }
    this.count("sent_bytes", transport, this.#lastBytes);
  }

  received(transport: ServerTransport, text: string): void {
    this.count("received_bytes", transport, Buffer.byteLength(text));
  }

  opened(transport: ServerTransport): void {
    this.connections[transport]++;
    this.count("connections_opened", transport);
  }

  closed(transport: ServerTransport): void {
    this.connections[transport]--;
  }

  /** A snapshot of all counts. */
  totals(): Totals {
    const totals: Totals = { counters: {}, histograms: {} };
    for (const [name, values] of Object.entries(this.#counters)) {
      const some = Object.entries(values).filter(([, value]) => value > 0);
      if (some.length > 0) totals.counters[name as CounterName] = Object.fromEntries(some);
    }
    for (const [name, values] of Object.entries(this.#histograms)) {
      const some = Object.entries(values).map(([label, histogram]) => [label, histogram.data] as const)
        .filter(([, { buckets }]) => buckets.length > 0);
      if (some.length > 0) totals.histograms[name as HistogramName] = Object.fromEntries(some);
    }
    return totals;
  }
}

function tableOf<Name extends string, Value>(
  rows: Record<Name, Parameters<typeof labelsOf>[0]>,
  make: () => Value,
): Record<Name, Record<string, Value>> {
  const table: Partial<Record<Name, Record<string, Value>>> = {};
  for (const name of Object.keys(rows) as Name[]) {
    table[name] = Object.fromEntries(labelsOf(rows[name]).map((label) => [label, make()]));
  }
  return table as Record<Name, Record<string, Value>>;
}

/** One instance's counters and timings since its start. */
import { Buffer } from "node:buffer";
import type { Clock } from "../../shared/environment.ts";
import type { BucketCounts } from "../../protocol/reports/latency_buckets.ts";
import { type CounterName, COUNTERS, type HistogramName, HISTOGRAMS, type ServerTransport } from "./figures.ts";
import { Histogram } from "./histogram.ts";
import { byLabel, type Totals } from "./totals.ts";

export class ServerStats {
  /** Connections now. */
  readonly connections: Record<ServerTransport, number> = { websocket: 0, polling: 0 };
  #lastSent = "";
  #lastBytes = 0;
  readonly #counters = byLabel(COUNTERS, () => 0);
  readonly #histograms = byLabel(HISTOGRAMS, () => new Histogram());

  /** `clock`: for durations; ms, with fractions, from any moment on; never goes back. */
  constructor(readonly clock: Clock = performance) {}

  /** `label` is one of the figure's values; others are not counted. */
  count(name: CounterName, label = "", by = 1): void {
    const values = this.#counters[name];
    if (values?.[label] !== undefined) values[label] += by;
  }

  /** A duration, ms. */
  observe(name: HistogramName, ms: number, label = ""): void {
    this.#histograms[name]?.[label]?.observe(ms);
  }

  /** Durations counted elsewhere, as buckets. */
  addBuckets(name: HistogramName, buckets: BucketCounts, label = ""): void {
    this.#histograms[name]?.[label]?.add(buckets);
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
    return {
      counters: byLabel(COUNTERS, (name, label) => this.#counters[name]?.[label] || undefined),
      histograms: byLabel(HISTOGRAMS, (name, label) => {
        const data = this.#histograms[name]?.[label]?.data;
        return data !== undefined && data.buckets.length > 0 ? data : undefined;
      }),
    };
  }
}

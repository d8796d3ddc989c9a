/**
 * The figures for OpenTelemetry. Deno exports them when it is started with OTEL_DENO=true; otherwise the API is a no-op and
 * nothing calls back.
 */
import { metrics } from "@opentelemetry/api";
import {
  type CounterName,
  COUNTERS,
  type FigureRow,
  type GaugeName,
  GAUGES,
  type HistogramName,
  HISTOGRAMS,
} from "./figures.ts";
import { quantileMs } from "./histogram.ts";
import type { Gauges, Totals } from "./totals.ts";

export interface TelemetrySource {
  totals(): Totals;
  /** The counts of the current minute. */
  current(): Totals;
  gauges(): Gauges;
}

const QUANTILES = [0.5, 0.95, 0.99];

/** Registers the figures with OpenTelemetry's meter, if there is one. Returns a function that ends it. */
export function exportFigures({ totals, current, gauges }: TelemetrySource): () => void {
  const meter = metrics.getMeter("festival-chat");
  const stops: (() => void)[] = [];
  for (const name of Object.keys(COUNTERS) as CounterName[]) {
    const { help, label } = rowOf(COUNTERS[name]);
    const counter = meter.createObservableCounter(`festival.${name}`, { description: help });
    const read: Parameters<typeof counter.addCallback>[0] = (result) => {
      for (const [value, count] of Object.entries(totals().counters[name] ?? {})) {
        result.observe(count, label && { [label[0]]: value });
      }
    };
    counter.addCallback(read);
    stops.push(() => counter.removeCallback(read));
  }
  for (const name of Object.keys(HISTOGRAMS) as HistogramName[]) {
    const { help, label } = rowOf(HISTOGRAMS[name]);
    const description = `${help} Percentiles of the minute that runs.`;
    const gauge = meter.createObservableGauge(`festival.${name}.duration`, { description, unit: "ms" });
    const read: Parameters<typeof gauge.addCallback>[0] = (result) => {
      for (const [value, data] of Object.entries(current().histograms[name] ?? {})) {
        for (const quantile of QUANTILES) {
          const ms = quantileMs(data, quantile);
          if (ms !== undefined) result.observe(ms, { quantile, ...(label && { [label[0]]: value }) });
        }
      }
    };
    gauge.addCallback(read);
    stops.push(() => gauge.removeCallback(read));
  }
  for (const name of Object.keys(GAUGES) as GaugeName[]) {
    const { help, label } = rowOf(GAUGES[name]);
    const gauge = meter.createObservableGauge(`festival.${name}`, { description: help });
    const read: Parameters<typeof gauge.addCallback>[0] = (result) => {
      for (const [value, amount] of Object.entries(gauges()[name] ?? {})) {
        result.observe(amount, label && { [label[0]]: value });
      }
    };
    gauge.addCallback(read);
    stops.push(() => gauge.removeCallback(read));
  }
  return () => stops.forEach((stop) => stop());
}

/** Widens a row's type, so that rows with and without a label are read alike. */
function rowOf(row: FigureRow): FigureRow {
  return row;
}

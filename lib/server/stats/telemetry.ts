/**
 * The figures for OpenTelemetry. Deno exports them when it is started with OTEL_DENO=true; otherwise the API is a no-op and
 * nothing calls back.
 */
import { metrics, type Observable, type ObservableCallback } from "@opentelemetry/api";
import { COUNTERS, type FigureRow, figuresIn, GAUGES, HISTOGRAMS } from "./figures.ts";
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
  const register = (instrument: Observable, read: ObservableCallback) => {
    instrument.addCallback(read);
    stops.push(() => instrument.removeCallback(read));
  };
  const amounts = ({ label }: FigureRow, values: () => Record<string, number> | undefined): ObservableCallback => {
    return (result) => {
      for (const [value, amount] of Object.entries(values() ?? {})) {
        result.observe(amount, label && { [label[0]]: value });
      }
    };
  };
  for (const [name, row] of figuresIn(COUNTERS)) {
    const counter = meter.createObservableCounter(`festival.${name}`, { description: row.help });
    register(counter, amounts(row, () => totals().counters[name]));
  }
  for (const [name, { help, label }] of figuresIn(HISTOGRAMS)) {
    const description = `${help} Percentiles of the minute that runs.`;
    const gauge = meter.createObservableGauge(`festival.${name}.duration`, { description, unit: "ms" });
    register(gauge, (result) => {
      for (const [value, data] of Object.entries(current().histograms[name] ?? {})) {
        for (const quantile of QUANTILES) {
          const ms = quantileMs(data, quantile);
          if (ms !== undefined) result.observe(ms, { quantile, ...(label && { [label[0]]: value }) });
        }
      }
    });
  }
  for (const [name, row] of figuresIn(GAUGES)) {
    const gauge = meter.createObservableGauge(`festival.${name}`, { description: row.help });
    register(gauge, amounts(row, () => gauges()[name]));
  }
  return () => stops.forEach((stop) => stop());
}

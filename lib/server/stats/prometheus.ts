/**
 * Counters, gauges and histograms in Prometheus' text format 0.0.4, named by its conventions: base units, `_total` for
 * counters. Histograms have a bucket at every doubling, in seconds; finer buckets are merged into the next one.
 */
import { BUCKET_COUNT, BUCKETS_PER_DOUBLING, upperBoundMs } from "../../protocol/reports/latency_buckets.ts";
import { COUNTERS, type FigureRow, figuresIn, GAUGES, HISTOGRAMS, labelsOf } from "./figures.ts";
import { countOf, NO_DURATIONS } from "./histogram.ts";
import type { Gauges, Totals } from "./totals.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Figures beside those of the table. */
export interface ProcessFigures {
  cpuSeconds: number;
  startedAtMs: number;
  version: string;
  build: string;
}

/** 0.1 ms, 0.2 ms, … up to about a minute. */
const TOLD_BUCKETS = Array.from({ length: 20 }, (_, doubling) => doubling * BUCKETS_PER_DOUBLING)
  .filter((bucket) => bucket < BUCKET_COUNT - 1);

export function prometheusText(totals: Totals, gauges: Gauges, process: ProcessFigures): string {
  const lines: string[] = [];
  const head = (name: string, type: "counter" | "gauge" | "histogram", help: string) =>
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);

  for (const [name, row] of figuresIn(COUNTERS)) {
    const full = `festival_${name}_total`;
    head(full, "counter", helpOf(row));
    for (const label of labelsOf(row)) {
      lines.push(`${full}${labels(row, label)} ${number(totals.counters[name]?.[label] ?? 0)}`);
    }
  }
  for (const [name, row] of figuresIn(HISTOGRAMS)) {
    const full = `festival_${name}_duration_seconds`;
    head(full, "histogram", helpOf(row));
    for (const label of labelsOf(row)) {
      const data = totals.histograms[name]?.[label] ?? NO_DURATIONS;
      let next = 0, seen = 0;
      for (const bound of TOLD_BUCKETS) {
        for (; next < data.buckets.length && data.buckets[next]![0] <= bound; next++) seen += data.buckets[next]![1];
        lines.push(`${full}_bucket${labels(row, label, seconds(upperBoundMs(bound)))} ${number(seen)}`);
      }
      const count = countOf(data);
      lines.push(
        `${full}_bucket${labels(row, label, "+Inf")} ${number(count)}`,
        `${full}_sum${labels(row, label)} ${number(data.sumMs / 1_000)}`,
        `${full}_count${labels(row, label)} ${number(count)}`,
      );
    }
  }
  for (const [name, row] of figuresIn(GAUGES)) {
    const values = gauges[name];
    // Unmeasured figures are left out: a 0 would be false.
    if (values === undefined) continue;
    const full = name === "resident_memory_bytes" ? "process_resident_memory_bytes" : `festival_${name}`;
    head(full, "gauge", helpOf(row));
    for (const label of labelsOf(row)) {
      if (values[label] !== undefined) lines.push(`${full}${labels(row, label)} ${number(values[label])}`);
    }
  }
  head("process_cpu_seconds_total", "counter", "Time of CPUs that the process used.");
  lines.push(`process_cpu_seconds_total ${number(process.cpuSeconds)}`);
  head("process_start_time_seconds", "gauge", "When the instance started, seconds since 1970.");
  lines.push(`process_start_time_seconds ${number(process.startedAtMs / 1_000)}`);
  head("festival_build_info", "gauge", "The running build; the value is always 1.");
  lines.push(`festival_build_info{version="${escapeLabel(process.version)}",build="${escapeLabel(process.build)}"} 1`);
  return `${lines.join("\n")}\n`;
}

function helpOf({ help, origin }: FigureRow): string {
  return origin === "sampled" ? `${help} Sampled, unsigned.` : help;
}

function labels({ label }: FigureRow, value: string, le?: string): string {
  const pairs = [
    ...(label === undefined ? [] : [`${label[0]}="${escapeLabel(value)}"`]),
    ...(le === undefined ? [] : [`le="${le}"`]),
  ];
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function seconds(ms: number): string {
  return String(Number((ms / 1_000).toPrecision(6)));
}

function number(value: number): string {
  return String(Number(value.toPrecision(15)));
}

const escapeHelp = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"');

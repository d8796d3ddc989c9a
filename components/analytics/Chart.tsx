import { analyticsTexts as t, valueText } from "../../lib/ui/texts/analytics_texts.ts";
import type { Series } from "../../lib/protocol/reports/dashboard.ts";
import { SourceTag } from "./SourceTag.tsx";

const WIDTH = 320, HEIGHT = 96;
const STEP_MS = { minute: 60_000, ten_minutes: 600_000 };
const SPAN_MS = { minute: 3_600_000, ten_minutes: 86_400_000 };

/** One figure over time: a line with gaps where nothing was measured, and the same data as a table. */
export function Chart({ series, now }: { series: Series; now: number }) {
  const { id, unit, step, source, points } = series;
  const values = points.flatMap(({ value }) => value ?? []);
  const highest = Math.max(0, ...values);
  // Shares end at one; other figures fill the height.
  const top = unit === "share" ? 1 : highest || 1;
  const x = (at: string) => WIDTH * (1 - (now - Date.parse(at)) / SPAN_MS[step]);
  const y = (value: number) => HEIGHT - 2 - (HEIGHT - 6) * (value / top);
  const lines = linesOf(series).map((line) =>
    line.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
  );
  const latest = points.at(-1)?.value ?? null;
  return (
    <figure class="border-2 border-line p-3 flex flex-col gap-2 min-w-0" data-source={source.kind} data-series={id}>
      <figcaption class="flex flex-wrap items-baseline justify-between gap-x-3">
        <span class="font-bold">{t.series[id]}</span>
        <SourceTag source={source} />
      </figcaption>
      {values.length === 0 ? <p class="text-dim py-6">{t.none}</p> : (
        <>
          <p class="flex justify-between gap-3 text-sm tabular-nums">
            <span>
              {t.latest} <b>{valueText(latest, unit)}</b>
            </span>
            <span class="text-dim">{t.highest} {valueText(highest, unit)}</span>
          </p>
          <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} class="w-full h-auto text-flare-ink" aria-hidden="true">
            <path d={`M0 ${HEIGHT - 1}H${WIDTH}`} stroke="var(--line)" stroke-width="1" />
            <path d={`M0 4H${WIDTH}`} stroke="var(--line)" stroke-width="1" stroke-dasharray="2 4" />
            {lines.map((line) =>
              line.length === 1
                ? (
                  <circle
                    key={line[0]}
                    cx={line[0]!.split(",")[0]}
                    cy={line[0]!.split(",")[1]}
                    r="2"
                    fill="currentColor"
                  />
                )
                : (
                  <polyline
                    key={line[0]}
                    points={line.join(" ")}
                    fill="none"
                    stroke="currentColor"
                    stroke-width="2"
                    stroke-linejoin="round"
                  />
                )
            )}
          </svg>
          <p class="flex justify-between text-xs text-dim tabular-nums" aria-hidden="true">
            <ClockTime at={new Date(now - SPAN_MS[step]).toISOString()} />
            <ClockTime at={new Date(now).toISOString()} />
          </p>
          <details>
            <summary class="text-sm font-bold min-h-touch flex items-center">{t.values}</summary>
            <div class="max-h-64 overflow-y-auto">
              <table class="w-full text-sm tabular-nums text-left">
                <thead>
                  <tr>
                    <th scope="col">{t.time}</th>
                    <th scope="col" class="text-right">{t.series[id]}</th>
                  </tr>
                </thead>
                <tbody>
                  {points.map(({ at, value }) => (
                    <tr key={at} class="border-t border-line">
                      <td>
                        <ClockTime at={at} />
                      </td>
                      <td class="text-right">{valueText(value, unit)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
        </>
      )}
    </figure>
  );
}

/** UTC, because the server renders it too and does not know the reader's time zone. */
export function ClockTime({ at, seconds = false }: { at: string; seconds?: boolean }) {
  return <time dateTime={at}>{at.slice(11, seconds ? 19 : 16)} UTC</time>;
}

/** Runs without a gap: neither an empty value nor a missing record. */
function linesOf({ points, step }: Series): { at: string; value: number }[][] {
  const lines: { at: string; value: number }[][] = [];
  let last = -Infinity;
  for (const { at, value } of points) {
    if (value === null) continue;
    const time = Date.parse(at);
    const line = lines.at(-1);
    if (line === undefined || time - last > 1.5 * STEP_MS[step]) lines.push([{ at, value }]);
    else line.push({ at, value });
    last = time;
  }
  return lines;
}

import type { ComponentChildren } from "preact";
import { analyticsTexts as t, rowText, valueText } from "../../lib/ui/texts/analytics_texts.ts";
import type { Dashboard, DashboardRow, GroupId, Series } from "../../lib/protocol/reports/dashboard.ts";
import { Chart, ClockTime } from "./Chart.tsx";
import { MeshFigure } from "./MeshFigure.tsx";
import { SourceTag } from "./SourceTag.tsx";

export type Range = "hour" | "day";
const STEPS: Record<Range, Series["step"]> = { hour: "minute", day: "ten_minutes" };

const STATUS_LOOKS: Record<Dashboard["status"], string> = {
  ok: "border-good text-good",
  degraded: "border-warn text-warn",
  down: "border-alarm text-alarm bg-alarm-ground",
};

/** All figures of the server, each with its source. */
export function AnalyticsScreen({ figures, range, stale }: { figures: Dashboard; range: Range; stale: boolean }) {
  const { groups } = figures;
  const first = groups.find(({ id }) => id === "now");
  return (
    <div class="max-w-6xl mx-auto px-4 pb-10">
      <header class="flex flex-wrap items-end justify-between gap-x-6 gap-y-2 pt-6 pb-4 border-b-2 border-line">
        <div>
          <p class="flex gap-x-6 text-sm font-bold">
            <a href="/" class="inline-flex items-center min-h-touch">{t.app}</a>
            <a href="/admin" class="inline-flex items-center min-h-touch">{t.operator}</a>
          </p>
          <h1 class="font-display font-extrabold text-3xl uppercase">{t.title}</h1>
        </div>
        <p class="text-sm text-dim" data-meta>
          {t.updated} <ClockTime at={figures.at} seconds /> · {figures.environment} · {figures.platform} ·{" "}
          {figures.mode} · {t.version} {figures.version} · {t.build} {figures.build}
        </p>
      </header>
      {stale && <p role="status" class="bg-alarm-ground border-2 border-alarm px-4 py-3 mt-4 font-bold">{t.stale}</p>}
      <main id="content" class="flex flex-col gap-6 pt-4">
        <section
          class={`border-2 px-4 py-3 ${STATUS_LOOKS[figures.status]}`}
          data-source="measured"
          data-status={figures.status}
        >
          <h2 class="font-display font-extrabold text-2xl uppercase">{t.status[figures.status]}</h2>
          {figures.reasons.length > 0 && (
            <ul class="text-ink">{figures.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
          )}
          <SourceTag source={{ kind: "measured" }} over="now" of="instance" />
        </section>
        {first !== undefined && (
          <section class="grid grid-cols-2 md:grid-cols-4 gap-2" aria-label={t.groups.now}>
            {first.rows.map((row) => <Card key={keyOf(row)} row={row} />)}
          </section>
        )}
        <Part title={t.charts}>
          <nav class="flex mb-3" aria-label={t.rangeLabel}>
            {(["hour", "day"] as const).map((one) => (
              <a
                key={one}
                href={`/analytics?range=${one}`}
                aria-current={one === range ? "true" : undefined}
                class={`flex items-center min-h-touch px-4 border-2 font-bold ${
                  one === range ? "bg-ink text-ground border-ink" : "border-line hover:bg-raised"
                }`}
                data-meta
              >
                {t.ranges[one]}
              </a>
            ))}
          </nav>
          <div class="grid gap-2 md:grid-cols-2 lg:grid-cols-3">
            {figures.series.filter(({ step }) => step === STEPS[range])
              .map((series) => <Chart key={series.id} series={series} now={Date.parse(figures.at)} />)}
          </div>
        </Part>
        <div class="lg:columns-2 gap-12">
          {groups.filter(({ id }) => id !== "now").map(({ id, rows }) => <Group key={id} id={id} rows={rows} />)}
          <Part title={t.mesh.title}>
            <MeshFigure mesh={figures.mesh} />
          </Part>
        </div>
      </main>
    </div>
  );
}

function Part(props: { title: string; children: ComponentChildren }) {
  return (
    <section class="min-w-0 mb-8 break-inside-avoid">
      <h2 class="font-display font-extrabold text-2xl uppercase mb-3">{props.title}</h2>
      {props.children}
    </section>
  );
}

function Card({ row }: { row: DashboardRow }) {
  return (
    <dl
      class="border-2 border-line p-3 flex flex-col justify-between gap-1 min-w-0"
      data-figure={keyOf(row)}
      data-source={row.source.kind}
    >
      <dt class="text-sm font-bold">{rowText(row.id, row.label)}</dt>
      <dd class="font-display font-extrabold text-2xl tabular-nums">
        {valueText(row.values[0]?.value ?? null, row.unit)}
      </dd>
      <dd>
        <SourceTag source={row.source} over={row.over} of={row.of} />
      </dd>
    </dl>
  );
}

function Group({ id, rows }: { id: GroupId; rows: readonly DashboardRow[] }) {
  const wide = rows.some(({ values }) => values.length > 1);
  return (
    <Part title={t.groups[id]}>
      {t.hints[id] && <p class="text-dim text-sm mb-2">{t.hints[id]}</p>}
      {/* On a phone a row is two lines; the roles stay what they are when the boxes are no table's any more. */}
      <table role="table" class="w-full text-left border-t-2 border-line block sm:table">
        <tbody role="rowgroup" class="block sm:table-row-group">
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              role="row"
              class="border-b border-line align-top py-1 flex flex-wrap justify-end gap-x-3 sm:table-row"
              data-figure={keyOf(row)}
              data-source={row.source.kind}
            >
              <th
                role="rowheader"
                scope="row"
                class={`${
                  row.values.length > 1 && row.source.kind !== "unknown" ? "basis-full" : "flex-1"
                } min-w-[10rem] sm:py-1 sm:pr-2 font-bold`}
              >
                {rowText(row.id, row.label)}
                <SourceTag source={row.source} over={row.over} of={row.of} />
              </th>
              {row.source.kind === "unknown" || row.values.length === 1
                ? <Cell colSpan={wide ? 3 : 1} text={valueText(row.values[0]?.value ?? null, row.unit)} />
                : row.values.map(({ name, value }) => (
                  <Cell
                    key={name}
                    name={name}
                    text={valueText(value, row.unit)}
                  />
                ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function Cell(props: { name?: string; text: string; colSpan?: number }) {
  return (
    <td role="cell" class="sm:py-1 sm:pl-3 text-right tabular-nums whitespace-nowrap font-bold" colSpan={props.colSpan}>
      {props.name && <span class="text-xs text-dim font-normal sm:block">{`${props.name} `}</span>}
      {props.text}
    </td>
  );
}

function keyOf({ id, label }: DashboardRow): string {
  return label === undefined ? id : `${id} ${label}`;
}

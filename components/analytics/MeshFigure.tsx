import { analyticsTexts as t, valueText } from "../../lib/ui/texts/analytics_texts.ts";
import type { MeshPicture } from "../../lib/protocol/reports/dashboard.ts";
import { SourceTag } from "./SourceTag.tsx";

/** Dots that are drawn; the rest is shown as a number. */
const DOTS_MAX = 60;
const COLUMNS = 12, CELL = 28;

/** The known part of the meshes: how many links pages have. Pages do not report to whom, so no line is drawn. */
export function MeshFigure({ mesh }: { mesh: MeshPicture }) {
  const { source, byLinks, reachedShare } = mesh;
  const dots = byLinks.flatMap(({ links, reports }) =>
    Array.from({ length: Math.min(reports, DOTS_MAX) }, () => Number(links))
  );
  const shown = dots.slice(0, DOTS_MAX);
  const all = byLinks.reduce((sum, { reports }) => sum + reports, 0);
  return (
    <figure class="border-2 border-line p-3 flex flex-col gap-2" data-source={source.kind} data-mesh>
      <figcaption class="flex flex-wrap items-baseline justify-between gap-x-3">
        <span class="font-bold">{t.mesh.picture}</span>
        <SourceTag source={source} over="ten_minutes" of="all" />
      </figcaption>
      {shown.length === 0 ? <p class="text-dim py-4">{t.mesh.unknown}</p> : (
        <>
          <svg
            viewBox={`0 0 ${Math.min(COLUMNS, shown.length) * CELL} ${Math.ceil(shown.length / COLUMNS) * CELL}`}
            class="w-full max-w-md h-auto text-flare-ink"
            aria-hidden="true"
          >
            {shown.map((links, index) => <Dot key={index} links={links} index={index} />)}
          </svg>
          {all > shown.length && <p class="text-sm">{t.mesh.more(all - shown.length)}</p>}
          <div class="flex flex-wrap gap-x-6 gap-y-2">
            <table class="text-sm tabular-nums">
              <tbody>
                <tr>
                  <th scope="row" class="text-left pr-3">{t.mesh.links}</th>
                  {byLinks.map(({ links }) => <td key={links} class="text-right px-2">{links}</td>)}
                </tr>
                <tr>
                  <th scope="row" class="text-left pr-3">{t.mesh.pages}</th>
                  {byLinks.map(({ links, reports }) => <td key={links} class="text-right px-2 font-bold">{reports}
                  </td>)}
                </tr>
              </tbody>
            </table>
            <p class="text-sm">
              {t.mesh.reached}: <b>{valueText(reachedShare, "share")}</b>
            </p>
          </div>
        </>
      )}
      <p class="text-sm text-dim">{t.mesh.drawnFrom}</p>
    </figure>
  );
}

function Dot({ links, index }: { links: number; index: number }) {
  const x = (index % COLUMNS + 0.5) * CELL, y = (Math.floor(index / COLUMNS) + 0.5) * CELL;
  return (
    <g>
      {Array.from({ length: links }, (_, ray) => {
        const angle = 2 * Math.PI * ray / links - Math.PI / 2;
        return (
          <line
            key={ray}
            x1={x}
            y1={y}
            x2={(x + 11 * Math.cos(angle)).toFixed(1)}
            y2={(y + 11 * Math.sin(angle)).toFixed(1)}
            stroke="currentColor"
            stroke-width="1.5"
          />
        );
      })}
      <circle
        cx={x}
        cy={y}
        r="4"
        fill={links === 0 ? "none" : "currentColor"}
        stroke="currentColor"
        stroke-width="1.5"
      />
    </g>
  );
}

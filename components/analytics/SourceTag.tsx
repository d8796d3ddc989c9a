import type { Of, Over, Source } from "../../lib/protocol/reports/dashboard.ts";
import { analyticsTexts as t, sourceText } from "../../lib/ui/texts/analytics_texts.ts";

/** The mark of each kind, recognisable without reading: a full dot, an open one, none. */
const SIGNS: Record<Source["kind"], string> = {
  measured: "bg-good border-good",
  sampled: "border-warn",
  unknown: "border-dim border-dashed",
};

/** A figure's source and scope. */
export function SourceTag(props: { source: Source; over?: Over; of?: Of }) {
  const words = [sourceText(props.source), props.over && t.over[props.over], props.of && t.of[props.of]];
  return (
    <span class="flex items-baseline gap-1 text-xs text-dim font-normal">
      <span
        class={`flex-none inline-block w-2 h-2 rounded-full border-2 ${SIGNS[props.source.kind]}`}
        aria-hidden="true"
      />
      <span data-source-text={props.source.kind}>{words.filter(Boolean).join(" · ")}</span>
    </span>
  );
}

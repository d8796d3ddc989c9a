import { letteringOf } from "../../lib/ui/lettering.ts";

/**
 * Words in the display lettering, each line stretched to the full width. `label` is what a screen reader says; without it the
 * drawing is decoration and the words stand elsewhere.
 */
export function Lettering(props: { lines: readonly string[]; label?: string; class?: string }) {
  const { width, height, lines } = letteringOf(props.lines);
  const spoken = props.label === undefined
    ? { "aria-hidden": true }
    : { role: "img" as const, "aria-label": props.label };
  return (
    <svg viewBox={`0 0 ${width} ${height}`} class={`lettering ${props.class ?? ""}`} {...spoken}>
      {lines.map((line) => <path key={line.d} d={line.d} stroke-width={line.strokeWidth} />)}
    </svg>
  );
}

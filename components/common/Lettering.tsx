import { letteringOf } from "../../lib/ui/lettering.ts";

/**
 * Lines in the display lettering, each stretched to the full width. Screen readers say `label`; without it the drawing is
 * decorative, and its text stands elsewhere.
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

import { setLines } from "../../lib/ui/laser_type.ts";

/**
 * Words in the laser face, each line stretched to the full width. `label` is what a screen reader says; without it the
 * drawing is decoration and the words stand elsewhere.
 */
export function LaserType(props: { lines: readonly string[]; label?: string; class?: string }) {
  const { width, height, lines } = setLines(props.lines);
  const spoken = props.label === undefined
    ? { "aria-hidden": true }
    : { role: "img" as const, "aria-label": props.label };
  return (
    <svg viewBox={`0 0 ${width} ${height}`} class={`laser ${props.class ?? ""}`} {...spoken}>
      {lines.map((line) => <path key={line.d} d={line.d} stroke-width={line.strokeWidth} />)}
    </svg>
  );
}

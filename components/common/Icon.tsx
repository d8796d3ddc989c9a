/**
 * Icons: strokes with square ends on a grid of 24, to match the lettering. They are decorative; text stands beside them
 * or in a label. These are the icons that a room shows at once; the others load with what shows them (more_icons.ts).
 */
const PATHS = {
  back: "M14 4L6 12L14 20M6 12H20",
  share: "M12 15V3M7 8L12 3L17 8M4 13V21H20V13",
  people: "M3 21V17L6 14H11L14 17V21M8.5 4L11 6V8.5L8.5 11L6 8.5V6ZM15 5L17.5 7V9L15.5 11M17 14L21 17V21",
  send: "M4 12H19M12 5L19 12L12 19",
  undo: "M8 4L4 8L8 12M4 8H16L20 12V16L16 20H9",
  close: "M5 5L19 19M19 5L5 19",
  attach: "M19 11L11 19L7 19L5 17L5 13L14 4L17 4L19 6V8L11 16L9 14L15 8",
  gear: "M4 7H12M18 7H20M15 4V10M4 17H6M12 17H20M9 14V20",
  clock: "M8 3H16L21 8V16L16 21H8L3 16V8ZM12 7V12L15 15",
  late: "M6 3H18M6 21H18M8 3V7L16 17V21M16 3V7L8 17V21",
  up: "M12 20V5M6 11L12 5L18 11",
  down: "M12 4V19M6 13L12 19L18 13",
  check: "M4 13L9 18L20 6",
  warn: "M12 3L22 20H2ZM12 9V14M12 16.8V17.2",
  lock: "M5 11H19V21H5ZM8 11V6L10 4H14L16 6V11",
  more: "M5 12H5.1M12 12H12.1M19 12H19.1",
} as const;
/** The name of an icon, or its path. */
export type IconName = keyof typeof PATHS | `M${string}`;

/** An icon; `filled` draws the shape instead of its outline. Without `class` it is 1.5 rem wide and high. */
export function Icon({ name, ...props }: { name: IconName; filled?: boolean; class?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      class={`shrink-0 ${props.class ?? "w-6 h-6"}`}
      fill={props.filled ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width="2.4"
      stroke-linecap="square"
      aria-hidden="true"
    >
      <path d={name in PATHS ? PATHS[name as keyof typeof PATHS] : name} />
    </svg>
  );
}

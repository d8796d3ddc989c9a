import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./Icon.tsx";

type Look = "flare" | "band" | "plain" | "alarm";

const LOOKS: Record<Look, string> = {
  flare: "bg-flare text-on-band border-edge",
  band: "bg-band text-on-band border-edge",
  plain: "bg-raised text-ink border-line hover:border-ink",
  alarm: "bg-alarm-ground text-alarm border-alarm",
};

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "icon" | "class"> & {
  look?: Look;
  icon?: IconName;
  iconFilled?: boolean;
  wide?: boolean;
  children?: ComponentChildren;
};

/** A button with a text label. */
export function Button(
  { look = "plain", icon, iconFilled = false, wide, children, type = "button", ...rest }: ButtonProps,
) {
  return (
    <button
      {...rest}
      type={type}
      class={`inline-flex items-center justify-center gap-2 min-h-touch px-4 py-2 border-2 font-bold text-base text-left active:translate-y-px disabled:opacity-60 ${
        LOOKS[look]
      } ${wide ? "w-full" : ""}`}
    >
      {icon && <Icon name={icon} filled={iconFilled} />}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<JSX.IntrinsicElements["button"], "icon" | "class" | "label"> & {
  icon: IconName;
  /** Describes the action. */
  label: string;
  filled?: boolean;
  class?: string;
};

/** A button that shows only an icon; its label is the accessible name and the tooltip. */
export function IconButton({ icon, label, filled, class: extra, type = "button", ...rest }: IconButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      title={label}
      class={`inline-flex items-center justify-center min-w-touch min-h-touch active:translate-y-px ${extra ?? ""}`}
    >
      <Icon name={icon} {...filled ? { filled } : {}} />
    </button>
  );
}

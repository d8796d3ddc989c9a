import type { DeliveryState } from "../../lib/chat/timeline.ts";
import { Icon, type IconName } from "../common/Icon.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

const ICONS: Record<DeliveryState["state"], IconName> = {
  queued: "clock",
  on_its_way: "up",
  on_phones: "people",
  stored: "check",
  refused: "warn",
};

/** The delivery state of one of my messages. "Sent" is the usual end, so its text is only for screen readers. */
export function Delivery({ delivery }: { delivery: DeliveryState }) {
  const { state } = delivery;
  const words = delivery.state === "on_phones" ? t.delivery.on_phones(delivery.phones) : t.delivery[delivery.state];
  return (
    <span
      class={`inline-flex items-center gap-1 ${state === "refused" ? "text-alarm font-bold" : ""}`}
      title={words}
      data-delivery={state}
    >
      <Icon name={ICONS[state]} class={`w-4 h-4 ${state === "on_its_way" ? "pulse" : ""}`} />
      <span class={state === "stored" ? "sr-only" : ""}>{words}</span>
    </span>
  );
}

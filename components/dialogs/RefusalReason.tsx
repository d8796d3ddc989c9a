import type { Refusal } from "../../lib/protocol/codes.ts";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";

/** Why the room did not take a message, in a line of its own. */
export default function RefusalReason(props: { reason: Refusal }) {
  return <span class="block">{t.refusals[props.reason]}</span>;
}

import type { Refusal } from "../../lib/protocol/codes.ts";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";

/** Why a message was not accepted, on its own line. */
export default function RefusalReason(props: { reason: Refusal }) {
  return <span class="block">{t.refusals[props.reason]}</span>;
}

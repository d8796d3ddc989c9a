import type { Refusal } from "../../lib/protocol/codes.ts";
import { useDialogTexts } from "../dialog_texts.ts";

/** Why the room did not take a message, in a line of its own. */
export default function RefusalReason(props: { reason: Refusal }) {
  const t = useDialogTexts();
  return <span class="block">{t.refusals[props.reason]}</span>;
}

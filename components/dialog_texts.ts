import { type DialogTexts, dialogTextsFor } from "../lib/ui/texts/dialog_texts.ts";
import { useTexts } from "./texts.ts";

/** The words of what is loaded on demand, and those of the rooms, in this reader's language. */
export function useDialogTexts(): DialogTexts {
  return dialogTextsFor(useTexts().language);
}

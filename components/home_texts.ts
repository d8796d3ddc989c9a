import { type HomeTexts, homeTextsFor } from "../lib/ui/texts/home_texts.ts";
import { useTexts } from "./texts.ts";

/** The words of the pages around the rooms, and those of the rooms, in this reader's language. */
export function useHomeTexts(): HomeTexts {
  return homeTextsFor(useTexts().language);
}

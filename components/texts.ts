import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Texts, textsFor } from "../lib/ui/texts/room_texts.ts";

/** The words that the components below it show. English without a provider. */
export const TextsContext = createContext<Texts>(textsFor("en"));

/** The words in this reader's language. */
export function useTexts(): Texts {
  return useContext(TextsContext);
}

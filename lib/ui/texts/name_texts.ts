// Runs in browser and server.
/** Texts of the question for a name. A room page has them at once: the network may go before somebody writes. */
import { NAME_MAX_CHARS } from "../../protocol/limits.ts";

export const nameTexts = {
  title: "What should we call you?",
  hint: "No account. Just a name, saved on this phone.",
  label: "Your name",
  save: "That's me",
  change: "Change name",
  empty: "A name needs at least one letter, number or symbol.",
  tooLong: `Names can have up to ${NAME_MAX_CHARS} characters.`,
};

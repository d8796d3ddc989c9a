import { toWellFormed } from "../../lib/shared/well_formed.ts";

/** One line, NFC, nothing invisible that turns or hides letters: what a server takes as a room's name. */
export function tidyRoomName(typed: string): string {
  return toWellFormed(typed).normalize("NFC")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "")
    .replace(/\s+/gu, " ").trim();
}

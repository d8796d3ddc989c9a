import { toWellFormed } from "../../lib/shared/well_formed.ts";

/** Makes a text valid as a room's name: one line, in NFC, without invisible characters that turn or hide letters. */
export function tidyRoomName(typed: string): string {
  return toWellFormed(typed).normalize("NFC")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "")
    .replace(/\s+/gu, " ").trim();
}

// Runs in browser and simulator.
/** Cleans the names and types of files, as devices report them, for events. */
import { FILE_TYPE, NOT_IN_FILE_NAMES } from "../protocol/file_info.ts";
import { FILE_NAME_MAX_CHARS } from "../protocol/limits.ts";
import { toWellFormed } from "../shared/well_formed.ts";

/** A safe file name: without a path or characters that names may not contain; never empty. */
export function cleanFileName(name: string): string {
  const last = toWellFormed(name).split(/[/\\]/).at(-1)!.normalize("NFC");
  const tidy = trimmed(last.replace(NOT_IN_FILE_NAMES, "").replace(/\s+/g, " "));
  const chars = [...tidy];
  if (chars.length <= FILE_NAME_MAX_CHARS) return tidy || "file";
  // Keeps the extension, which decides the application that opens it.
  const end = /\.[^. ]{1,10}$/.exec(tidy)?.[0] ?? "";
  return trimmed(chars.slice(0, FILE_NAME_MAX_CHARS - [...end].length).join("")) + end;
}

function trimmed(name: string): string {
  return name.replace(/^[. ]+|[. ]+$/g, "");
}

/** The type of a file without a usable one. */
export const UNKNOWN_TYPE = "application/octet-stream";

/** A browser's media type without parameters; UNKNOWN_TYPE if it is invalid. */
export function cleanFileType(type: string): string {
  const bare = type.split(";")[0]!.trim().toLowerCase();
  return FILE_TYPE.test(bare) ? bare : UNKNOWN_TYPE;
}

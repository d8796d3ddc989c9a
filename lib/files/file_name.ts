// Runs in browser and simulator.
/** Names and types of files as events take them, from those that devices give. */
import { FILE_TYPE, NOT_IN_FILE_NAMES } from "../protocol/file_info.ts";
import { FILE_NAME_MAX_CHARS } from "../protocol/limits.ts";
import { toWellFormed } from "../shared/well_formed.ts";

/** A name to save a file under: without its path, without anything that is no letter of a name; never empty. */
export function cleanFileName(name: string): string {
  const last = toWellFormed(name).split(/[/\\]/).at(-1)!.normalize("NFC");
  const tidy = trimmed(last.replace(NOT_IN_FILE_NAMES, "").replace(/\s+/g, " "));
  const letters = [...tidy];
  if (letters.length <= FILE_NAME_MAX_CHARS) return tidy || "file";
  // Its end says what opens it.
  const end = /\.[^. ]{1,10}$/.exec(tidy)?.[0] ?? "";
  return trimmed(letters.slice(0, FILE_NAME_MAX_CHARS - [...end].length).join("")) + end;
}

function trimmed(name: string): string {
  return name.replace(/^[. ]+|[. ]+$/g, "");
}

/** What a file without a usable type is. */
export const UNKNOWN_TYPE = "application/octet-stream";

/** A media type as browsers give it, without parameters; UNKNOWN_TYPE when it is none. */
export function cleanFileType(type: string): string {
  const bare = type.split(";")[0]!.trim().toLowerCase();
  return FILE_TYPE.test(bare) ? bare : UNKNOWN_TYPE;
}

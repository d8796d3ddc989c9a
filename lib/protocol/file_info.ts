// Runs in browser and server.
/** What a `file` event says of a file: enough to show it, to ask for it, and to know it when it comes. Never the file itself. */
import { isBase64UrlOf } from "./base64url.ts";
import { FILE_MAX_BYTES, FILE_NAME_MAX_CHARS, FILE_SIDE_MAX, FILE_THUMBNAIL_MAX_BYTES } from "./limits.ts";
import { isWellFormed } from "./well_formed.ts";

/** Names a file by its content: SHA-256 over the hashes of its blocks and its size (lib/files/blocks.ts), base64url. */
export type FileRoot = string;

export interface FileInfo {
  /** As it is saved. */
  name: string;
  /** Media type as the sender says, lower case: `image/webp`. Nothing is run or shown because of it alone. */
  type: string;
  /** Size, 1 to FILE_MAX_BYTES. */
  bytes: number;
  root: FileRoot;
  /** Of pictures: CSS pixels, so that its place is kept before it is here. */
  size?: { width: number; height: number };
  /** Of pictures: a tiny JPEG or WebP, base64url. */
  thumbnail?: string;
}

/** What no name of a file has: paths, what file systems do not take, control characters, and what turns or hides letters. */
export const NOT_IN_FILE_NAMES = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff/\\:*?"<>|]/gu;

/** Whether a file may be saved under this name: with nothing of the above, no dot or space at its ends, and not too long. */
function isFileName(name: unknown): name is string {
  return typeof name === "string" && name.length <= 2 * FILE_NAME_MAX_CHARS && isWellFormed(name) &&
    [...name].length <= FILE_NAME_MAX_CHARS && name.search(NOT_IN_FILE_NAMES) < 0 && /^[^. ](.*[^. ])?$/.test(name);
}

/** Shape of a media type without parameters. */
export const FILE_TYPE = /^[a-z0-9][a-z0-9.+-]{0,63}\/[a-z0-9][a-z0-9.+-]{0,63}$/;
/** How the base64url of a JPEG (FF D8 FF) and of a WebP (RIFF) begins. */
const THUMBNAIL = /^(?:_9j_|UklGR)[A-Za-z0-9_-]+$/;

/** Reads the file of an event's body; the name of the first wrong field when it is none. */
export function readFileInfo(value: unknown): FileInfo | string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "file";
  const { name, type, bytes, root, size, thumbnail } = value as Record<string, unknown>;
  if (!isFileName(name)) return "file.name";
  if (typeof type !== "string" || !FILE_TYPE.test(type)) return "file.type";
  if (!isWhole(bytes, FILE_MAX_BYTES)) return "file.bytes";
  if (!isBase64UrlOf(root, 32)) return "file.root";
  const info: FileInfo = { name, type, bytes, root };
  if (size !== undefined) {
    const { width, height } = (size ?? {}) as Record<string, unknown>;
    if (!isWhole(width, FILE_SIDE_MAX) || !isWhole(height, FILE_SIDE_MAX)) return "file.size";
    info.size = { width, height };
  }
  if (thumbnail !== undefined) {
    const maxChars = Math.ceil(FILE_THUMBNAIL_MAX_BYTES * 4 / 3);
    if (typeof thumbnail !== "string" || thumbnail.length > maxChars || !THUMBNAIL.test(thumbnail)) {
      return "file.thumbnail";
    }
    info.thumbnail = thumbnail;
  }
  return info;
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}

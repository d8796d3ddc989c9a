// Runs in browser and server.
/** The description of a file in a `file` event: enough to show it, to ask for it, and to recognise it. Never the file itself. */
import { countChars } from "../shared/checks.ts";
import { BadField, key, object, optional, type Reader, readOr, text, where, whole } from "./fields.ts";
import { FILE_MAX_BYTES, FILE_NAME_MAX_CHARS, FILE_SIDE_MAX, FILE_THUMBNAIL_MAX_BYTES } from "./limits.ts";

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

/** Characters that no file name has: path separators, characters that file systems refuse, controls, and characters that reverse or hide text. */
export const NOT_IN_FILE_NAMES = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff/\\:*?"<>|]/gu;

/** A name to save a file under: nothing of the above, no dot or space at its ends, and not too long. */
const fileName = where(
  text(2 * FILE_NAME_MAX_CHARS),
  (name) =>
    countChars(name) <= FILE_NAME_MAX_CHARS && name.search(NOT_IN_FILE_NAMES) < 0 && /^[^. ](.*[^. ])?$/.test(name),
);

/** Shape of a media type without parameters. */
export const FILE_TYPE = /^[a-z0-9][a-z0-9.+-]{0,63}\/[a-z0-9][a-z0-9.+-]{0,63}$/;
/** How the base64url of a JPEG (FF D8 FF) and of a WebP (RIFF) begins. */
const THUMBNAIL = /^(?:_9j_|UklGR)[A-Za-z0-9_-]+$/;

/** Width and height of a picture. Whichever is wrong, `size` is named. */
const pictureSize: Reader<{ width: number; height: number }> = (value, field) => {
  const side = whole(1, FILE_SIDE_MAX);
  const size = readOr(object({ width: side, height: side }), value);
  if (size === undefined) throw new BadField(field);
  return size;
};

/** Reads the file of an event's body. */
export const fileInfo: Reader<FileInfo> = object({
  name: fileName,
  type: where(text(), (type) => FILE_TYPE.test(type)),
  bytes: whole(1, FILE_MAX_BYTES),
  root: key,
  size: optional(pictureSize),
  thumbnail: optional(
    where(text(Math.ceil(FILE_THUMBNAIL_MAX_BYTES * 4 / 3)), (thumbnail) => THUMBNAIL.test(thumbnail)),
  ),
});

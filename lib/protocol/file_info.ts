// Runs in browser and server.
/** The description of a file in a `file` event: enough to show, request and verify it. Never the file itself. */
import { countChars } from "../shared/checks.ts";
import { BadField, key, object, optional, type Read, type Reader, readOr, text, where, whole } from "./fields.ts";
import { FILE_MAX_BYTES, FILE_NAME_MAX_CHARS, FILE_SIDE_MAX, FILE_THUMBNAIL_MAX_BYTES } from "./limits.ts";

/** Identifies a file by its content: SHA-256 over its blocks' hashes and its size (lib/files/blocks.ts), base64url. */
export type FileRoot = string;

/** Not allowed in file names: path separators, characters that file systems refuse or that reverse or hide text, controls. */
export const NOT_IN_FILE_NAMES = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff/\\:*?"<>|]/gu;

/** A valid file name: none of the above, no dot or space at its ends, and not too long. */
const fileName = where(
  text(2 * FILE_NAME_MAX_CHARS),
  (name) =>
    countChars(name) <= FILE_NAME_MAX_CHARS && name.search(NOT_IN_FILE_NAMES) < 0 && /^[^. ](.*[^. ])?$/.test(name),
);

/** Shape of a media type without parameters. */
export const FILE_TYPE = /^[a-z0-9][a-z0-9.+-]{0,63}\/[a-z0-9][a-z0-9.+-]{0,63}$/;
/** How the base64url of a JPEG (FF D8 FF) and of a WebP (RIFF) begins. */
const THUMBNAIL = /^(?:_9j_|UklGR)[A-Za-z0-9_-]+$/;

/** Width and height of a picture. An error in either one names `size`. */
const pictureSize: Reader<{ width: number; height: number }> = (value, field) => {
  const side = whole(1, FILE_SIDE_MAX);
  const size = readOr(object({ width: side, height: side }), value);
  if (size === undefined) throw new BadField(field);
  return size;
};

/** Reads the file of an event's body. */
export const fileInfo = object({
  /** The name under which the file is saved. */
  name: fileName,
  /** The sender's claim of the media type, lower case: `image/webp`. Never the only reason to run or show the file. */
  type: where(text(), (type) => FILE_TYPE.test(type)),
  /** Size, 1 to FILE_MAX_BYTES. */
  bytes: whole(1, FILE_MAX_BYTES),
  root: key,
  /** Of pictures, in CSS pixels: screens reserve the space before the picture arrives. */
  size: optional(pictureSize),
  /** Of pictures: a tiny JPEG or WebP, base64url. */
  thumbnail: optional(
    where(text(Math.ceil(FILE_THUMBNAIL_MAX_BYTES * 4 / 3)), (thumbnail) => THUMBNAIL.test(thumbnail)),
  ),
});
export type FileInfo = Read<typeof fileInfo>;

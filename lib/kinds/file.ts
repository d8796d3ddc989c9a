// Runs in browser and server.
/** A file that its author offers to other phones; `text` is its caption. */
import { type FileInfo, fileInfo } from "../protocol/file_info.ts";
import { object, optional, prose } from "../protocol/fields.ts";
import { FILE_CAPTION_MAX_CHARS } from "../protocol/limits.ts";
import { type Composed, type ContentOf, defineKind } from "./kind.ts";
import { messageLine } from "./message_line.ts";
import { composed, displayName, tidyTyped } from "./texts.ts";

const caption = optional(prose(FILE_CAPTION_MAX_CHARS));

export const file = defineKind(
  "file",
  object({ name: displayName, text: caption, file: fileInfo }),
  {
    rooms: "plain",
    named: true,
    repeats: ({ file, text = "" }) => `file ${file.root} ${text}`,
    message: ({ file, text = "" }) => ({ text, file }),
    line: (event, room) => messageLine(event, { text: event.body.text ?? "", file: event.body.file }, room),
  },
);

/** The caption may be empty. */
export function composeFile(name: string, info: FileInfo, typed: string): Composed<ContentOf<typeof file>> {
  const text = tidyTyped(typed) || undefined;
  return composed(caption, text, { kind: "file", body: { name, ...(text && { text }), file: info } });
}

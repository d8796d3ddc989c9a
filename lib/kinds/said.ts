// Runs in browser and server.
/** The line that messages, replies and files have. */
import type { SignedEvent } from "../protocol/event.ts";
import { edit } from "./edit.ts";
import type { MessageLine, Quote, RoomFold, Said } from "./kind.ts";
import { reactionsOn } from "./reaction.ts";

export function messageLine(event: SignedEvent, said: Said, room: RoomFold, replyTo?: Quote): MessageLine {
  const { id, at } = event;
  const author = room.person(event.author);
  const edited = room.ownAbout(edit, event);
  return {
    type: "message",
    id,
    author,
    at,
    text: edited?.body.text ?? said.text,
    ...(said.file && { file: said.file }),
    edited: edited !== undefined,
    ...(room.isLate(id) && { late: true }),
    ...(replyTo && { replyTo }),
    reactions: reactionsOn(event, room),
    ...(author.me && { delivery: room.delivery(id) }),
  };
}

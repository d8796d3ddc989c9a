// Runs in browser and server.
/** The line of messages, replies and files. */
import type { SignedEvent } from "../protocol/event.ts";
import { edit } from "./edit.ts";
import type { MessageContent, MessageLine, Quote, RoomFold } from "./kind.ts";
import { reactionsOn } from "./reaction.ts";

export function messageLine(event: SignedEvent, content: MessageContent, room: RoomFold, replyTo?: Quote): MessageLine {
  const { id, at } = event;
  const author = room.person(event.author);
  const edited = room.ownAbout(edit, event);
  return {
    type: "message",
    id,
    author,
    at,
    text: edited?.body.text ?? content.text,
    ...(content.file && { file: content.file }),
    edited: edited !== undefined,
    ...(room.isLate(id) && { late: true }),
    ...(replyTo && { replyTo }),
    reactions: reactionsOn(event, room),
    ...(author.me && { delivery: room.delivery(id) }),
  };
}

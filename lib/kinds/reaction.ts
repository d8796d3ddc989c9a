// Runs in browser and server.
/** One author's emoji on one message, added or removed. */
import { compareEvents, type EventId, type SignedEvent } from "../protocol/event.ts";
import { filled, flag, id, object } from "../protocol/fields.ts";
import { REACTION_MAX_BYTES } from "../protocol/limits.ts";
import { type Composed, type ContentOf, defineKind, type ReactionView, type RoomFold } from "./kind.ts";
import { toWellFormed } from "../shared/well_formed.ts";
import { composed, inBytes } from "./texts.ts";

/** Most different emoji shown on one message; later ones are not shown. */
export const REACTIONS_SHOWN = 32;

const emojiText = inBytes(filled(), REACTION_MAX_BYTES);

export const reaction = defineKind(
  "reaction",
  object({ to: id, emoji: emojiText, on: flag }),
  {
    rooms: "plain",
    about: { target: ({ to }) => to, slot: ({ emoji }) => emoji },
  },
);

/** The reactions on a message, in the order in which their emoji first appeared. */
export function reactionsOn(event: SignedEvent, room: RoomFold): ReactionView[] {
  const on = room.about(reaction, event.id).filter(({ body }) => body.on).sort(compareEvents);
  const views = new Map<string, ReactionView>();
  for (const { author, body: { emoji } } of on) {
    const view = views.get(emoji) ?? { emoji, count: 0, mine: false };
    view.count++;
    view.mine ||= author === room.me;
    if (views.size < REACTIONS_SHOWN || views.has(emoji)) views.set(emoji, view);
  }
  return [...views.values()];
}

export function composeReaction(to: EventId, emoji: string, on: boolean): Composed<ContentOf<typeof reaction>> {
  return composed(emojiText, emoji, { kind: "reaction", body: { to, emoji: toWellFormed(emoji), on } });
}

// Runs in browser and server.
/** What was said about each event: edits, retractions, reactions, quotes. Kept also when the event itself comes later. */
import type { AuthorKey, Event, EventId } from "../protocol/event.ts";
import { compareOrder } from "./timeline_order.ts";

/** Most different emoji shown on one message; the first ones stay. */
export const REACTIONS_SHOWN = 32;

export interface ReactionView {
  emoji: string;
  count: number;
  mine: boolean;
}

type EditEvent = Extract<Event, { kind: "edit" }>;
type ReactionEvent = Extract<Event, { kind: "reaction" }>;

interface Target {
  /** Each author's latest edit: only those of the target's own author count, and it may not be known yet. */
  edits: Map<AuthorKey, EditEvent>;
  retractedBy: Set<AuthorKey>;
  /** The latest reaction of each author with each emoji, also those that took it off. */
  reactions: Map<string, ReactionEvent>;
  quotedBy: Set<EventId>;
}

export class Targets {
  readonly #targets = new Map<EventId, Target>();

  /** Takes an event that is about another one: the id of that one. Undefined when it is about none. */
  add(event: Event): EventId | undefined {
    switch (event.kind) {
      case "edit": {
        const { edits } = this.#of(event.body.to);
        if (isLater(event, edits.get(event.author))) edits.set(event.author, event);
        return event.body.to;
      }
      case "retract":
        this.#of(event.body.to).retractedBy.add(event.author);
        return event.body.to;
      case "reaction": {
        const { reactions } = this.#of(event.body.to);
        const key = `${event.author} ${event.body.emoji}`;
        if (isLater(event, reactions.get(key))) reactions.set(key, event);
        return event.body.to;
      }
      case "reply":
        this.#of(event.body.to).quotedBy.add(event.id);
        return undefined;
    }
  }

  /** The new text its author gave this message, if any. */
  editOf(event: Event): string | undefined {
    return this.#targets.get(event.id)?.edits.get(event.author)?.body.text;
  }

  /** Whether its author took this message back. No later edit brings it back: taken back is taken back. */
  isRetracted(event: Event): boolean {
    return this.#targets.get(event.id)?.retractedBy.has(event.author) ?? false;
  }

  quotesOf(id: EventId): Iterable<EventId> {
    return this.#targets.get(id)?.quotedBy ?? [];
  }

  /** Reactions on a message: the emoji that was there first comes first. */
  reactionsOf(id: EventId, me: AuthorKey | undefined): ReactionView[] {
    const target = this.#targets.get(id);
    if (target === undefined || target.reactions.size === 0) return [];
    const on = [...target.reactions.values()].filter((event) => event.body.on).sort(compareOrder);
    const views = new Map<string, ReactionView>();
    for (const { author, body: { emoji } } of on) {
      const view = views.get(emoji) ?? { emoji, count: 0, mine: false };
      view.count++;
      view.mine ||= author === me;
      if (views.size < REACTIONS_SHOWN || views.has(emoji)) views.set(emoji, view);
    }
    return [...views.values()];
  }

  clear(): void {
    this.#targets.clear();
  }

  #of(id: EventId): Target {
    let target = this.#targets.get(id);
    if (target === undefined) {
      target = { edits: new Map(), retractedBy: new Set(), reactions: new Map(), quotedBy: new Set() };
      this.#targets.set(id, target);
    }
    return target;
  }
}

function isLater(event: Event, than: Event | undefined): boolean {
  return than === undefined || compareOrder(event, than) > 0;
}

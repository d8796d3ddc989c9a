// Runs in browser and server.
/** Events about other events: edits, reactions, quotes. Kept also when the target comes later. */
import type { AuthorKey, EventId, SignedEvent } from "../protocol/event.ts";
import type { AnyKind, EventOf } from "../kinds/kind.ts";
import { aboutIn, type Event, type LogEvent, quotedIn } from "../kinds/kinds.ts";
import { compareOrder } from "./timeline_order.ts";

interface Target {
  /** By kind, then by author and slot: the latest event. Its target may not be known yet. */
  about: Map<string, Map<string, Event>>;
  quotedBy: Set<EventId>;
}

export class Targets {
  readonly #targets = new Map<EventId, Target>();

  /** Takes any event; keeps those that are about another one. */
  add(event: LogEvent): void {
    if (event.kind === "deleted") return;
    const quoted = quotedIn(event);
    if (quoted !== undefined) this.#of(quoted).quotedBy.add(event.id);
    const found = aboutIn(event);
    if (found === undefined) return;
    const { about } = this.#of(found.to);
    let latest = about.get(event.kind);
    if (latest === undefined) about.set(event.kind, latest = new Map());
    const slot = slotOf(event.author, found.slot);
    const before = latest.get(slot);
    if (before === undefined || compareOrder(event, before) > 0) latest.set(slot, event);
  }

  /** The latest event of each author and slot about the event `target`. */
  about<K extends AnyKind>(kind: K, target: EventId): EventOf<K>[] {
    return [...this.#targets.get(target)?.about.get(kind.kind)?.values() ?? []] as EventOf<K>[];
  }

  /** The latest event of this kind that an event's own author wrote about it. */
  ownAbout<K extends AnyKind>(kind: K, event: Pick<SignedEvent, "id" | "author">): EventOf<K> | undefined {
    const latest = this.#targets.get(event.id)?.about.get(kind.kind);
    return latest?.get(slotOf(event.author, "")) as EventOf<K> | undefined;
  }

  quotesOf(id: EventId): Iterable<EventId> {
    return this.#targets.get(id)?.quotedBy ?? [];
  }

  clear(): void {
    this.#targets.clear();
  }

  #of(id: EventId): Target {
    let target = this.#targets.get(id);
    if (target === undefined) this.#targets.set(id, target = { about: new Map(), quotedBy: new Set() });
    return target;
  }
}

function slotOf(author: AuthorKey, slot: string): string {
  return `${author} ${slot}`;
}

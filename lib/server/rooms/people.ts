/** The people in one room: on this instance, on the other instances, and as clients know them. Pure. */
import type { AuthorKey } from "../../protocol/event.ts";
import type { Person, ServerFrame } from "../../protocol/frames.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import type { PresenceEntry } from "../../store/instances/presence.ts";
import type { ServerConfig } from "../config/server_config.ts";

export class People {
  /** A person with several tabs counts once. */
  readonly #here = new Map<AuthorKey, { name: string; connections: number }>();
  #elsewhere: readonly PresenceEntry[] = [];
  /** Names that clients know. Bounded by `announced`: beyond that clients only learn the count. */
  readonly #announced = new Map<AuthorKey, string>();
  /** Undefined: clients know different counts. */
  #announcedCount: number | undefined = 0;
  readonly #changed = new Set<AuthorKey>();

  constructor(readonly bounds: Pick<ServerConfig["presence"], "announced" | "joinedPerFrame" | "leftPerFrame">) {}

  enter({ author, name }: Person): void {
    const person = this.#here.get(author);
    this.#here.set(author, { name, connections: (person?.connections ?? 0) + 1 });
    this.#changed.add(author);
    // The newcomer's `welcome` has the current count; the others may know another one.
    this.#announcedCount = undefined;
  }

  /** Removes one connection of this person. */
  leave(author: AuthorKey): void {
    const person = this.#here.get(author);
    if (person === undefined) return;
    if (person.connections > 1) person.connections--;
    else {
      this.#here.delete(author);
      this.#changed.add(author);
    }
  }

  rename(author: AuthorKey, name: string): void {
    const person = this.#here.get(author);
    if (person === undefined || person.name === name) return;
    person.name = name;
    this.#changed.add(author);
  }

  /** Takes the other instances' current entries. */
  setElsewhere(entries: readonly PresenceEntry[]): void {
    for (const entry of [...this.#elsewhere, ...entries]) {
      for (const { author } of entry.shown) this.#changed.add(author);
    }
    this.#elsewhere = entries;
  }

  /** People on this instance. */
  get here(): number {
    return this.#here.size;
  }

  /**
   * People on all instances. A person on two instances counts once where both name them; instances name only PEOPLE_SHOWN
   * people each, so in a large room such a person may count twice.
   */
  get count(): number {
    let count = this.#here.size;
    const named = new Set<AuthorKey>();
    for (const entry of this.#elsewhere) {
      count += entry.count;
      for (const { author } of entry.shown) {
        if (this.#here.has(author) || named.has(author)) count--;
        named.add(author);
      }
    }
    return count;
  }

  /**
   * Up to PEOPLE_SHOWN people, `me` first, as the other clients know them. Later changes reach everybody in the next frame;
   * otherwise a newcomer would miss a person who was away for just that moment.
   */
  shown(me: Person): Person[] {
    const shown = [me];
    for (const [author, name] of this.#announced) {
      if (shown.length >= PEOPLE_SHOWN) break;
      if (author !== me.author) shown.push({ author, name });
    }
    return shown;
  }

  /**
   * The other instances on which this person is. When none names the person: those with more people than they name, which
   * is a guess (`sure` is false).
   */
  instancesOf(author: AuthorKey): { instances: string[]; sure: boolean } {
    const named = this.#elsewhere.filter(({ shown }) => shown.some((person) => person.author === author));
    const sure = named.length > 0;
    const possible = sure ? named : this.#elsewhere.filter(({ count, shown }) => count > shown.length);
    return { instances: possible.map(({ instance }) => instance), sure };
  }

  /** This instance's entry, for the other instances. */
  entry(): Pick<PresenceEntry, "count" | "shown"> {
    const shown: Person[] = [];
    for (const [author, { name }] of this.#here) {
      if (shown.length >= PEOPLE_SHOWN) break;
      shown.push({ author, name });
    }
    return { count: this.#here.size, shown };
  }

  /** The next frame for clients; undefined when nothing changed for them. More may be left: see `pending`. */
  takeChanges(): ServerFrame<"presence"> | undefined {
    const joined: Person[] = [];
    const left: AuthorKey[] = [];
    for (const author of this.#changed) {
      const name = this.#nameOf(author);
      const announced = this.#announced.get(author);
      if (name === announced) this.#changed.delete(author);
      else if (name === undefined) {
        if (left.length >= this.bounds.leftPerFrame) continue;
        left.push(author);
        this.#announced.delete(author);
        this.#changed.delete(author);
      } else if (announced === undefined && this.#announced.size >= this.bounds.announced) this.#changed.delete(author);
      else if (joined.length < this.bounds.joinedPerFrame) {
        joined.push({ author, name });
        this.#announced.set(author, name);
        this.#changed.delete(author);
      }
    }
    const { count } = this;
    if (joined.length === 0 && left.length === 0 && count === this.#announcedCount) return undefined;
    this.#announcedCount = count;
    return { type: "presence", count, joined, left };
  }

  /** Whether changes did not fit into the last frame. */
  get pending(): boolean {
    return this.#changed.size > 0;
  }

  #nameOf(author: AuthorKey): string | undefined {
    const here = this.#here.get(author);
    if (here !== undefined) return here.name;
    for (const { shown } of this.#elsewhere) {
      for (const person of shown) if (person.author === author) return person.name;
    }
  }
}

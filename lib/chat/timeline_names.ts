// Runs in browser and server.
/** Names of authors in a room, from the events that carry them. The same set of events gives the same names. */
import type { AuthorKey } from "../protocol/event.ts";
import { displayNameKey } from "./display_name.ts";
import { compareOrder, type OrderKey } from "./timeline_order.ts";

/** One event that says its author's name. */
export interface NameUse {
  place: OrderKey;
  name: string;
}

/** The effect of a new use. */
export interface NameChange {
  /** Whose name or mark may look different now. */
  authors: AuthorKey[];
  /** The author's next use, which now follows another name. */
  next: NameUse | undefined;
}

export class Names {
  /** Each author's uses in order. */
  readonly #uses = new Map<AuthorKey, NameUse[]>();
  /** The first use of each name, by displayNameKey. */
  readonly #first = new Map<string, OrderKey>();
  /** Folding a name is costly, and a room has few of them. */
  readonly #keys = new Map<string, string>();

  add(use: NameUse): NameChange {
    const { author } = use.place;
    let uses = this.#uses.get(author);
    if (uses === undefined) this.#uses.set(author, uses = []);
    let at = uses.length;
    while (at > 0 && compareOrder(uses[at - 1]!.place, use.place) > 0) at--;
    uses.splice(at, 0, use);
    const authors: AuthorKey[] = [];
    if (at === uses.length - 1 && uses[at - 1]?.name !== use.name) authors.push(author);
    const key = this.#key(use.name);
    const first = this.#first.get(key);
    if (first === undefined || compareOrder(use.place, first) < 0) {
      this.#first.set(key, use.place);
      if (first !== undefined && first.author !== author) authors.push(first.author, author);
    }
    return { authors, next: uses[at + 1] };
  }

  /** The latest name this author used. */
  nameOf(author: AuthorKey): string | undefined {
    return this.#uses.get(author)?.at(-1)?.name;
  }

  /** The name this author used last before `place`. */
  nameBefore(place: OrderKey): string | undefined {
    const uses = this.#uses.get(place.author);
    if (uses === undefined) return undefined;
    for (let at = uses.length - 1; at >= 0; at--) {
      if (compareOrder(uses[at]!.place, place) < 0) return uses[at]!.name;
    }
  }

  /** Whether somebody else used this name, or one that looks like it, before this author did. */
  isCopied(author: AuthorKey, name: string): boolean {
    const first = this.#first.get(this.#key(name));
    return first !== undefined && first.author !== author;
  }

  clear(): void {
    this.#uses.clear();
    this.#first.clear();
  }

  #key(name: string): string {
    let key = this.#keys.get(name);
    if (key === undefined) this.#keys.set(name, key = displayNameKey(name));
    return key;
  }
}

/**
 * The people in the room, as the server tells. Names of sealed rooms are opened asynchronously, so changes queue up.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import type { Person, ServerFrame } from "../../protocol/frames.ts";
import { PEOPLE_MAX } from "../ports/session_limits.ts";

export interface RoomPeopleDeps {
  /** The name in the clear; undefined when it does not open. */
  openName(person: Person): Promise<string | undefined>;
  onChange(): void;
}

export class RoomPeople {
  readonly #deps: RoomPeopleDeps;
  #names = new Map<AuthorKey, string>();
  #count = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(deps: RoomPeopleDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#count;
  }

  /** Names in the clear by author, in the server's order. */
  get names(): ReadonlyMap<AuthorKey, string> {
    return this.#names;
  }

  /** A connection begins: replaces everybody. */
  welcome({ count, shown }: { count: number; shown: readonly Person[] }): void {
    this.#next(shown, (people) => {
      this.#names = new Map(people);
      this.#count = count;
    });
  }

  presence({ count, joined, left }: ServerFrame<"presence">): void {
    this.#next(joined, (people) => {
      for (const author of left) this.#names.delete(author);
      // Beyond the limit people are only counted.
      for (const [author, name] of people) {
        if (this.#names.size < PEOPLE_MAX || this.#names.has(author)) this.#names.set(author, name);
      }
      this.#count = count;
    });
  }

  /** Somebody changed their name. */
  rename(author: AuthorKey, name: string): void {
    if (!this.#names.has(author) || this.#names.get(author) === name) return;
    this.#names.set(author, name);
    this.#deps.onChange();
  }

  #next(people: readonly Person[], apply: (people: [AuthorKey, string][]) => void): void {
    this.#queue = this.#queue.then(async () => {
      const opened: [AuthorKey, string][] = [];
      for (const person of people) {
        const name = await this.#deps.openName(person);
        if (name !== undefined) opened.push([person.author, name]);
      }
      apply(opened);
      this.#deps.onChange();
    });
  }
}

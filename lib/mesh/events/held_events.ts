// Runs in browser and simulator.
/**
 * The events this phone holds for others, by id and by (author, n). Bounded in events and characters. When full, the
 * author with the most events loses its oldest event that is not carried for others, so a flood evicts only itself.
 */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { erasedBy, isErasable } from "../../kinds/retract.ts";
import { MESH_BUCKETS } from "../../protocol/peer/mesh_frames.ts";
import { base64UrlDigit } from "../../shared/base64url.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import { AUTHORS_MAX, HELD_MAX_CHARS, HELD_MAX_EVENTS } from "../mesh_limits.ts";

type Numbered = Pick<Event, "id" | "author" | "n">;

/** The held events of one author. */
interface Author {
  /** Rising. */
  ns: number[];
  ids: Map<number, EventId>;
}

/** `conflict`: another event with the same author and `n` is held; the first one stays. `old`: evicted before. */
type AddResult = "added" | "known" | "conflict" | "old";

/** The digest bucket of an author's events. */
export function digestBucketOf(author: AuthorKey): number {
  return base64UrlDigit(author, 0) % MESH_BUCKETS;
}

export class HeldEvents {
  /** The events held. Of one that its author deleted only the number is kept, so that nobody brings it back. */
  readonly #byId = new Map<EventId, Event | Numbered>();
  readonly #authors = new Map<AuthorKey, Author>();
  /** The highest evicted `n` per author: nothing up to it is fetched again. */
  readonly #evictedUpTo = new BoundedMap<AuthorKey, number>(AUTHORS_MAX);
  /** 48 bits per bucket in two halves of 24, because XOR works on 32 bits. */
  readonly #high = new Array<number>(MESH_BUCKETS).fill(0);
  readonly #low = new Array<number>(MESH_BUCKETS).fill(0);
  #chars = 0;
  #size = 0;

  constructor(
    readonly isCarried: (id: EventId) => boolean = () => false,
    readonly maxEvents = HELD_MAX_EVENTS,
    readonly maxChars = HELD_MAX_CHARS,
  ) {}

  get size(): number {
    return this.#size;
  }

  has(id: EventId): boolean {
    return this.#byId.has(id);
  }

  get(id: EventId): Event | undefined {
    const held = this.#byId.get(id);
    return held !== undefined && "wire" in held ? held : undefined;
  }

  /** The held event of this author with this number. */
  at(author: AuthorKey, n: number): Event | undefined {
    const id = this.#authors.get(author)?.ids.get(n);
    const held = id === undefined ? undefined : this.get(id);
    return held?.author === author ? held : undefined;
  }

  /** The result that `add` would have. */
  classify(event: Event): AddResult {
    const held = this.#authors.get(event.author)?.ids.get(event.n);
    if (held !== undefined) return held === event.id ? "known" : "conflict";
    return this.isWanted(event.author, event.n) ? "added" : "old";
  }

  /** Holds an event. May evict others. */
  add(event: Event): AddResult {
    const result = this.classify(event), { id, author, n } = event;
    if (result === "known" && !this.#byId.has(id)) this.#byId.set(id, { id, author, n });
    if (result !== "added") return result;
    this.#number(event);
    this.#byId.set(event.id, event);
    this.#chars += event.wire[0].length;
    if (event.kind === "retract") {
      for (const { id, n } of erasedBy(event)) this.#erase({ id, n, author });
    }
    while (this.#size > this.maxEvents || this.#chars > this.maxChars) this.#evictOne();
    return result;
  }

  #number({ id, author, n }: Numbered): void {
    let held = this.#authors.get(author);
    if (held === undefined) this.#authors.set(author, held = { ns: [], ids: new Map() });
    let at = held.ns.length;
    while (at > 0 && held.ns[at - 1]! > n) at--;
    held.ns.splice(at, 0, n);
    held.ids.set(n, id);
    this.#size++;
    this.#toggle({ id, author });
  }

  /**
   * Somebody deleted an event that they say is theirs: its payload goes, and does not come any more. Only the number is
   * noted while the event is not here: the id may be somebody else's, and then their event is still wanted.
   */
  #erase(erased: Numbered): void {
    const held = this.get(erased.id);
    if (held === undefined) {
      if (this.isWanted(erased.author, erased.n)) this.#number(erased);
    } else if (held.author === erased.author && held.n === erased.n && isErasable(held.kind)) {
      this.#byId.set(erased.id, erased);
      this.#chars -= held.wire[0].length;
    }
  }

  /** Whether an event with this number is missing here and was not evicted. */
  isWanted(author: AuthorKey, n: number): boolean {
    return n > (this.#evictedUpTo.get(author) ?? 0) && !this.#authors.get(author)?.ids.has(n);
  }

  /** The digest: see `digest` in mesh_frames.ts. */
  buckets(): number[] {
    return this.#high.map((high, bucket) => (high >>> 0) * 2 ** 24 + (this.#low[bucket]! >>> 0));
  }

  /** The authors whose events are in these buckets. */
  authorsIn(buckets: ReadonlySet<number>): AuthorKey[] {
    return [...this.#authors.keys()].filter((author) => buckets.has(digestBucketOf(author)));
  }

  /** The newest `max` ranges held of an author, rising: from, to, from, to, … */
  ranges(author: AuthorKey, max: number): number[] {
    const ns = this.#authors.get(author)?.ns ?? [];
    const ends: number[] = [];
    for (let at = ns.length - 1; at >= 0; at--) {
      const n = ns[at]!;
      if (ends.length > 0 && ends.at(-1) === n + 1) ends[ends.length - 1] = n;
      else if (ends.length >= 2 * max) break;
      else ends.push(n, n);
    }
    return ends.reverse();
  }

  /** The start of the unbroken run of held numbers that ends at `n`, which must be held. */
  unbrokenFrom(author: AuthorKey, n: number): number {
    const ids = this.#authors.get(author)?.ids;
    let from = n;
    while (ids?.has(from - 1)) from--;
    return from;
  }

  #toggle({ id, author }: Pick<Numbered, "id" | "author">): void {
    const bucket = digestBucketOf(author);
    let high = 0, low = 0;
    for (let at = 0; at < 4; at++) {
      high = high << 6 | base64UrlDigit(id, at);
      low = low << 6 | base64UrlDigit(id, at + 4);
    }
    this.#high[bucket]! ^= high;
    this.#low[bucket]! ^= low;
  }

  #evictOne(): void {
    let most: [AuthorKey, Author] | undefined;
    for (const entry of this.#authors) if (entry[1].ns.length > (most?.[1].ns.length ?? 0)) most = entry;
    if (most === undefined) return;
    const [key, { ns, ids }] = most;
    const at = Math.max(0, ns.findIndex((n) => !this.isCarried(ids.get(n)!)));
    const [n] = ns.splice(at, 1);
    const id = ids.get(n!)!;
    ids.delete(n!);
    if (ns.length === 0) this.#authors.delete(key);
    const held = this.#byId.get(id);
    if (held?.author === key && held.n === n) {
      this.#chars -= "wire" in held ? held.wire[0].length : 0;
      this.#byId.delete(id);
    }
    this.#size--;
    this.#toggle({ id, author: key });
    this.#evictedUpTo.set(key, Math.max(this.#evictedUpTo.get(key) ?? 0, n!));
  }
}

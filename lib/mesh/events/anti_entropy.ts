// Runs in browser and simulator.
/**
 * Compares held events with each peer and fills the gaps. A digest shows the buckets in which two phones differ, a
 * summary lists the ranges held in them, and the phone that lacks events fetches them in pages. Events are sent only on
 * request, at a limited rate, so a false claim wastes one fetch on the claimant's own link.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import {
  MESH_FETCH_RANGES,
  MESH_PAGE_CHARS,
  MESH_PAGE_EVENTS,
  MESH_SUMMARY_AUTHORS,
  MESH_SUMMARY_RANGES,
  type MeshFrame,
} from "../../protocol/peer/mesh_frames.ts";
import { digestBucketOf, type HeldEvents } from "./held_events.ts";
import {
  DIGEST_BUSY_MS,
  DIGEST_CALM_MS,
  FETCH_QUEUE_MAX,
  FETCH_TIMEOUT_MS,
  FETCHES_MAX,
  SUMMARY_EVERY_MS,
} from "../mesh_limits.ts";
import type { Link, MeshContext } from "../peers/link.ts";

type Range = [author: AuthorKey, from: number, to: number];

/** The comparison with one peer. */
interface Comparison {
  /** Ranges to fetch, the newest first. When full, new ranges are left to the next digest. */
  queue: Range[];
  /** Ranges requested now, and when the request times out. */
  fetching: { ranges: Range[]; until: number; tries: number } | undefined;
  summaryAt: number;
  answeredAt: number;
}

export class AntiEntropy {
  readonly #comparisons = new Map<AuthorKey, Comparison>();
  #digestAt = Infinity;
  /** Peers that still get a digest in this round. */
  #round: AuthorKey[] = [];
  #differed = false;

  /** `failed`: a peer did not send events that it claimed to hold. */
  constructor(
    readonly context: MeshContext,
    readonly held: HeldEvents,
    /** Number of an author's events that may be fetched now. */
    readonly allowance: (author: AuthorKey) => number,
    readonly failed: (peer: AuthorKey) => void,
  ) {}

  linked(peer: AuthorKey): void {
    this.#comparisons.set(peer, { queue: [], fetching: undefined, summaryAt: -Infinity, answeredAt: -Infinity });
    this.soon();
  }

  unlinked(peer: AuthorKey): void {
    this.#comparisons.delete(peer);
  }

  /** Expects a difference and sends the next digest soon. */
  soon(): void {
    this.#differed = true;
    const at = this.context.now() + DIGEST_BUSY_MS * (0.5 + this.context.random());
    if (at >= this.#digestAt) return;
    this.#digestAt = at;
    this.context.wakeAt(at);
  }

  nextAt(): number {
    let next = this.#digestAt;
    for (const { fetching } of this.#comparisons.values()) {
      if (fetching !== undefined) next = Math.min(next, fetching.until);
    }
    return next;
  }

  due(): void {
    const { context } = this, now = context.now();
    for (const [peer, comparison] of this.#comparisons) {
      const { fetching } = comparison;
      if (fetching === undefined || fetching.until > now) continue;
      if (fetching.tries < FETCHES_MAX) this.#request(peer, comparison, fetching.ranges, fetching.tries + 1);
      else {
        // The peer does not deliver, so the rest of its claim is dropped. Others may have the events.
        comparison.fetching = undefined;
        comparison.queue = [];
        this.failed(peer);
      }
    }
    if (this.#digestAt > now) return;
    if (this.#round.length === 0) {
      this.#round = [...context.links.keys()];
      for (let at = this.#round.length - 1; at > 0; at--) {
        const other = Math.floor(context.random() * (at + 1));
        [this.#round[at], this.#round[other]] = [this.#round[other]!, this.#round[at]!];
      }
    }
    const peer = this.#round.pop();
    if (peer !== undefined && context.links.has(peer)) {
      context.send(peer, { type: "digest", buckets: this.held.buckets() });
    }
    this.#digestAt = context.links.size === 0
      ? Infinity
      : now + (this.#differed ? DIGEST_BUSY_MS : DIGEST_CALM_MS) * (0.5 + context.random());
    this.#differed = false;
    if (this.#digestAt !== Infinity) context.wakeAt(this.#digestAt);
  }

  /** Compares a peer's digest and answers with a summary of the buckets that differ. */
  onDigest(peer: AuthorKey, theirs: readonly number[]): void {
    const comparison = this.#comparisons.get(peer);
    if (comparison === undefined) return;
    const now = this.context.now();
    if (now - comparison.summaryAt < SUMMARY_EVERY_MS) return;
    const mine = this.held.buckets();
    const differing = new Set(mine.flatMap((bucket, at) => bucket === theirs[at] ? [] : [at]));
    if (differing.size === 0) return;
    comparison.summaryAt = now;
    this.#summarize(peer, differing, false);
  }

  /** Fetches the events of a summary that are missing here, and answers with a summary if the peer lacks some. */
  onSummary(peer: AuthorKey, frame: MeshFrame<"summary">): void {
    const comparison = this.#comparisons.get(peer);
    if (comparison === undefined) return;
    const now = this.context.now(), { held } = this;
    const buckets = new Set(frame.buckets);
    const known = new Set(comparison.queue.map(([author, from, to]) => `${author} ${from} ${to}`));
    const missing: Range[] = [];
    let more = false;
    const theirs = new Map(frame.authors);
    for (const [author, ends] of frame.authors) {
      if (!buckets.has(digestBucketOf(author))) continue;
      missing.push(...this.#missing(author, ends).filter((range) => !known.has(range.join(" "))));
      more ||= holdsMore(held.ranges(author, MESH_SUMMARY_RANGES), ends);
    }
    if (frame.complete && !more) more = held.authorsIn(buckets).some((author) => !theirs.has(author));
    // The newest first, authors in turn: many old events of one author do not delay the rest.
    missing.sort((a, b) => b[2] - a[2]);
    comparison.queue.push(...interleaved(missing).slice(0, FETCH_QUEUE_MAX - comparison.queue.length));
    if (missing.length > 0) this.soon();
    if (comparison.fetching === undefined) this.#requestNext(peer, comparison);
    if (more && !frame.answer && now - comparison.answeredAt >= SUMMARY_EVERY_MS) {
      comparison.answeredAt = now;
      this.#summarize(peer, buckets, true);
    }
  }

  /** The events for a page that a peer requested; undefined when it requests too many. */
  onFetch({ limits }: Link, { ranges }: MeshFrame<"fetch">): Event[] | undefined {
    if (limits.pages.take(this.context.now()) > 0) return undefined;
    const events: Event[] = [];
    let chars = 0, lookups = 0;
    for (const [author, from, to] of ranges) {
      // From the newest down. The lookups are bounded, whatever range is requested.
      for (let n = to; n >= from; n--) {
        if (++lookups > 4 * MESH_PAGE_EVENTS) return events;
        const event = this.held.at(author, n);
        if (event === undefined) continue;
        chars += event.wire[0].length;
        if (events.length > 0 && chars > MESH_PAGE_CHARS) return events;
        events.push(event);
        if (events.length >= MESH_PAGE_EVENTS) return events;
      }
    }
    return events;
  }

  /** Whether a page of this peer is expected. */
  isFetching(peer: AuthorKey): boolean {
    return this.#comparisons.get(peer)?.fetching !== undefined;
  }

  /** A page was processed; `count` of its events were missing here. */
  pageDone(peer: AuthorKey, count: number): void {
    const comparison = this.#comparisons.get(peer);
    if (comparison?.fetching === undefined) return;
    const { ranges } = comparison.fetching;
    comparison.fetching = undefined;
    // Events still missing are requested again as long as pages bring any.
    if (count > 0) comparison.queue.unshift(...ranges);
    else if (ranges.some((range) => this.#stillMissing(range).length > 0)) this.failed(peer);
    this.#requestNext(peer, comparison);
  }

  #summarize(peer: AuthorKey, buckets: ReadonlySet<number>, answer: boolean): void {
    const { held, context } = this;
    const authors = held.authorsIn(buckets);
    const complete = authors.length <= MESH_SUMMARY_AUTHORS;
    if (!complete) {
      // A random part each time, so that eventually all authors are listed.
      const start = Math.floor(context.random() * authors.length);
      authors.push(...authors.splice(0, start));
      authors.length = MESH_SUMMARY_AUTHORS;
    }
    context.send(peer, {
      type: "summary",
      buckets: [...buckets],
      complete,
      answer,
      authors: authors.map((author) => [author, held.ranges(author, MESH_SUMMARY_RANGES)]),
    });
  }

  /** The parts of `ends` that are missing here, bounded per range. */
  #missing(author: AuthorKey, ends: readonly number[]): Range[] {
    const missing: Range[] = [];
    let left = this.allowance(author);
    for (let at = ends.length - 2; at >= 0; at -= 2) {
      // A false range may be endless. If it is true, the next digest finds the part beyond the bound.
      const from = Math.max(ends[at]!, ends[at + 1]! - 4 * MESH_PAGE_EVENTS);
      for (const [, first, last] of this.#stillMissing([author, from, ends[at + 1]!])) {
        if (left < 1 || missing.length >= MESH_FETCH_RANGES) return missing;
        const cut = Math.max(first, last - left + 1);
        missing.push([author, cut, last]);
        left -= last - cut + 1;
      }
    }
    return missing;
  }

  #stillMissing([author, from, to]: Range): Range[] {
    const missing: Range[] = [];
    for (let n = to; n >= from; n--) {
      if (!this.held.isWanted(author, n)) continue;
      const last = missing.at(-1);
      if (last?.[1] === n + 1) last[1] = n;
      else missing.push([author, n, n]);
    }
    return missing;
  }

  #requestNext(peer: AuthorKey, comparison: Comparison): void {
    const ranges: Range[] = [];
    let events = 0;
    while (comparison.queue.length > 0 && ranges.length < MESH_FETCH_RANGES && events < MESH_PAGE_EVENTS) {
      for (const range of this.#stillMissing(comparison.queue.shift()!)) {
        if (ranges.length >= MESH_FETCH_RANGES || events >= MESH_PAGE_EVENTS) comparison.queue.unshift(range);
        else {
          ranges.push(range);
          events += range[2] - range[1] + 1;
        }
      }
    }
    if (ranges.length > 0) this.#request(peer, comparison, ranges, 1);
  }

  #request(peer: AuthorKey, comparison: Comparison, ranges: Range[], tries: number): void {
    const missing = ranges.flatMap((range) => this.#stillMissing(range)).slice(0, MESH_FETCH_RANGES);
    comparison.fetching = undefined;
    if (missing.length === 0) return this.#requestNext(peer, comparison);
    const until = this.context.now() + FETCH_TIMEOUT_MS;
    comparison.fetching = { ranges: missing, until, tries };
    this.context.send(peer, { type: "fetch", ranges: missing });
    this.context.wakeAt(until);
  }
}

/** Whether `mine` contains a number that `theirs` lacks. Both are rising range ends. */
function holdsMore(mine: readonly number[], theirs: readonly number[]): boolean {
  for (let at = 0; at < mine.length; at += 2) {
    let inside = false;
    for (let other = 0; other < theirs.length && !inside; other += 2) {
      inside = theirs[other]! <= mine[at]! && mine[at + 1]! <= theirs[other + 1]!;
    }
    if (!inside) return true;
  }
  return false;
}

/** The ranges reordered: one of each author in turn. */
function interleaved(ranges: readonly Range[]): Range[] {
  const rounds = new Map<AuthorKey, number>();
  return ranges
    .map((range) => {
      const round = rounds.get(range[0]) ?? 0;
      rounds.set(range[0], round + 1);
      return { range, round };
    })
    .sort((a, b) => a.round - b.round)
    .map(({ range }) => range);
}

// Runs in browser and simulator.
/** The state of one link, and the context that the parts of a mesh node share. */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { MeshFrame } from "../../protocol/peer/mesh_frames.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import { DUPLICATE_LIMIT, FRAME_LIMIT, PAGE_LIMIT, WANT_LIMIT } from "../mesh_limits.ts";

export interface Link {
  readonly peer: AuthorKey;
  readonly upAt: number;
  /** Whether new events are pushed to this peer; otherwise they are offered. */
  eager: boolean;
  /** The peer's own link count and limit, as it reports them. */
  links: number;
  maxLinks: number;
  /** Ids for the next `offer` and `held`, and when these are sent. */
  offers: Set<EventId>;
  held: Set<EventId>;
  offersAt: number;
  heldAt: number;
  /** How much the peer may send and request over this link. */
  readonly limits: Readonly<Record<"frames" | "duplicates" | "wants" | "pages", RateLimiter>>;
}

export function newLink(peer: AuthorKey, now: number): Link {
  return {
    peer,
    upAt: now,
    eager: false,
    links: 1,
    maxLinks: 0,
    offers: new Set(),
    held: new Set(),
    offersAt: Infinity,
    heldAt: Infinity,
    limits: {
      frames: new RateLimiter(FRAME_LIMIT),
      duplicates: new RateLimiter(DUPLICATE_LIMIT),
      wants: new RateLimiter(WANT_LIMIT),
      pages: new RateLimiter(PAGE_LIMIT),
    },
  };
}

/** Services that a mesh node provides to its parts. */
export interface MeshContext {
  readonly me: AuthorKey;
  readonly links: ReadonlyMap<AuthorKey, Link>;
  now(): number;
  random(): number;
  /** Returns false on backpressure: the frame is dropped and its content must be sent again later. */
  send(peer: AuthorKey, frame: MeshFrame): boolean;
  /** Schedules a tick for that time. */
  wakeAt(at: number): void;
  /** Known phones in the room, this one included. */
  phones(): number;
}

// Runs in browser and simulator.
/** The state of one link, and the context that the parts of a mesh node share. */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { MeshFrame } from "../../protocol/peer/mesh_frames.ts";

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

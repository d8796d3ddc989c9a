// Runs in browser and simulator.
/** What a node knows of one neighbour, and how frames get to it. */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { MeshFrame } from "../../protocol/peer/mesh_frames.ts";

export interface Link {
  readonly peer: AuthorKey;
  readonly upAt: number;
  /** Whether new events are pushed to it; else offered. */
  eager: boolean;
  /** Links it says it has and may have. */
  links: number;
  maxLinks: number;
  /** Ids to tell in the next `offer` and `held`, and when. */
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

/** What the parts of a node share. */
export interface MeshContext {
  readonly me: AuthorKey;
  readonly links: ReadonlyMap<AuthorKey, Link>;
  now(): number;
  random(): number;
  /** False: the link takes no more now. The frame is forgotten, and what it said has to be said again. */
  send(peer: AuthorKey, frame: MeshFrame): boolean;
  /** Asks for a turn at that time. */
  wakeAt(at: number): void;
  /** Phones in the room, as far as known, this one included. */
  phones(): number;
}

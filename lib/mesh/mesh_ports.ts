// Runs in browser and simulator.
/** What a mesh node takes from the outside, and what it tells. Browsers and simulations give their own. */
import type { Cancel } from "../shared/environment.ts";
import type { AuthorKey, EventId, RoomId, WireEvent } from "../protocol/event.ts";
import type { Event } from "../kinds/kinds.ts";

/**
 * What a check of an event says. `good`: signature, room and limits are right. `forged`: the signature is wrong, so
 * whoever passed it on had not checked it. `refused`: not wanted here or not now (another room, a clock ahead of what
 * this phone knows, a muted author), which honest phones may see differently.
 */
export type CheckVerdict = "good" | "forged" | "refused";

export interface MeshPorts {
  /** Ms; only differences count. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** Calls `run` once, after `delayMs`, unless cancelled. */
  after(delayMs: number, run: () => void): Cancel;
  /** Puts a frame on the link to a peer. False: the link takes no more now (backpressure); the frame is forgotten. */
  send(peer: AuthorKey, text: string): boolean;
  /** Checks an event, before it is kept or passed on. Must not throw. A plain value saves a turn of the event loop. */
  verify(event: Event): CheckVerdict | Promise<CheckVerdict>;
  /** A new event, checked, told once. */
  onEvent(event: Event, from: AuthorKey): void;
  /**
   * Sets up a link; `linked` or `unlinked` follows. `links`: how many this phone has, to travel with the offer to
   * `accepts` of the other phone. A phone that is being called may be calling too: perfect negotiation sorts it out.
   */
  connect(peer: AuthorKey, links: number): void;
  /** Ends the link, or the try to set one up. `unlinked` may follow or not. */
  disconnect(peer: AuthorKey): void;
  /** How many other phones are proven to hold an own event; at least so many do. */
  onReceipts?(id: EventId, phones: number): void;
  /** Signs a receipt with this phone's key. Absent: this phone gives none. */
  sign?(text: string): string | Promise<string>;
  /** Whether `signature` is `author`'s signature of the text. Absent: receipts are not counted. */
  verifyText?(author: AuthorKey, text: string, signature: string): boolean | Promise<boolean>;
  /** Signaling that came over the mesh. Its text is unchecked: it has to be signed by `from` itself. */
  onSignal?(from: AuthorKey, text: string): void;
  /** Notices of the operator that a neighbour holds. `forged`: one of them is not signed by the operator it names. */
  onNotices?(notices: readonly WireEvent[]): Promise<CheckVerdict>;
  /** Whom this phone reaches may have changed: read `coverage()`. */
  onCoverage?(): void;
  /** A phone gets no links with this one for a while: it forged, flooded or broke its word too often. */
  onBanned?(peer: AuthorKey): void;
}

export interface MeshSettings {
  room: RoomId;
  /** This phone's key. */
  me: AuthorKey;
  /** Most links: LINKS_DESKTOP, LINKS_WEAK, or 0 for none. */
  maxLinks: number;
  /** Events held for others; HELD_MAX_EVENTS when absent. */
  maxHeld?: number;
}

/** Which of the phones that are present this one reaches. */
export interface Coverage {
  /** By a link of its own. */
  direct: AuthorKey[];
  /** Over other phones, as far as these say. A neighbour that lies about it costs a delay: see [MESH-42]. */
  viaMesh: AuthorKey[];
  /** Present, as the session said, and not reached. */
  missing: AuthorKey[];
}

/** What happened, in numbers, since the node was made. */
export interface MeshStats {
  links: number;
  eagerLinks: number;
  held: number;
  framesSent: number;
  framesReceived: number;
  pushesSent: number;
  pageEventsSent: number;
  duplicates: number;
  forged: number;
  refused: number;
  overBudget: number;
  conflicts: number;
  badFrames: number;
  bans: number;
  wanted: number;
}

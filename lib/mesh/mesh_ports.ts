// Runs in browser and simulator.
/** Dependencies and settings of a mesh node. The browser and the simulation implement them. */
import type { Cancel } from "../shared/environment.ts";
import type { AuthorKey, EventId, RoomId, WireEvent } from "../protocol/event.ts";
import type { Event } from "../kinds/kinds.ts";

/**
 * Result of verifying an event. `good`: signature, room and limits are right. `forged`: the signature is wrong, so the
 * sender relayed it without verifying it. `refused`: not wanted here or now (another room, a clock too far ahead, a
 * muted author); other honest phones may decide differently.
 */
export type CheckVerdict = "good" | "forged" | "refused";

export interface MeshPorts {
  /** Ms; only differences count. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** Calls `run` once, after `delayMs`, unless cancelled. */
  after(delayMs: number, run: () => void): Cancel;
  /** Sends a frame to a peer. Returns false on backpressure; the frame is then dropped. */
  send(peer: AuthorKey, text: string): boolean;
  /** Verifies an event before it is kept or relayed. Must not throw. A plain value saves a turn of the event loop. */
  verify(event: Event): CheckVerdict | Promise<CheckVerdict>;
  /** Delivers a new verified event, exactly once. */
  onEvent(event: Event, from: AuthorKey): void;
  /**
   * Sets up a link; `linked` or `unlinked` follows. `links`: this phone's link count, which the offer carries to
   * `accepts` of the other phone. Both phones may dial at once: perfect negotiation resolves it.
   */
  connect(peer: AuthorKey, links: number): void;
  /** Ends the link or the dial. `unlinked` may follow. */
  disconnect(peer: AuthorKey): void;
  /** Reports how many other phones have signed a receipt for an event of this phone: a lower bound of its holders. */
  onReceipts?(id: EventId, phones: number): void;
  /** Signs a receipt with this phone's key. Absent: this phone signs none. */
  sign?(text: string): string | Promise<string>;
  /** Whether `signature` is `author`'s signature of the text. Absent: receipts are not counted. */
  verifyText?(author: AuthorKey, text: string, signature: string): boolean | Promise<boolean>;
  /** Delivers signaling from the mesh. The text is not verified here: `from` must have signed it. */
  onSignal?(from: AuthorKey, text: string): void;
  /** Verifies notices that a peer sent. `forged`: the operator that one of them names has not signed it. */
  onNotices?(notices: readonly WireEvent[]): Promise<CheckVerdict>;
  /** `coverage()` may have changed. */
  onCoverage?(): void;
  /** A phone was banned for a while: it sent forged events, flooded, or repeatedly did not deliver. */
  onBanned?(peer: AuthorKey): void;
}

export interface MeshSettings {
  room: RoomId;
  /** This phone's key. */
  me: AuthorKey;
  /** Most links: MESH_LINKS_DESKTOP, MESH_LINKS_PHONE, or 0 for none. */
  maxLinks: number;
  /** Events held for others; HELD_MAX_EVENTS when absent. */
  maxHeld?: number;
}

/** The phones that this one can reach. */
export interface Coverage {
  /** Over a link of its own. */
  direct: AuthorKey[];
  /** Over other phones, by their word. A false claim costs a delay only: [MESH-42]. */
  viaMesh: AuthorKey[];
  /** Present according to the session, and not reachable. */
  missing: AuthorKey[];
}

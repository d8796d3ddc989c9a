/** What a session takes from the outside, as small interfaces: browsers and simulations give their own. */
import type { Ed25519 } from "../crypto/ed25519.ts";
import type { WireEvent } from "../protocol/event.ts";
import type { DeliverySituation } from "../routing/delivery_route.ts";
import type { OpenRoad } from "../transport/road.ts";
import type { SessionStorage } from "./storage.ts";

export interface Clock {
  /** Ms since 1970. */
  now(): number;
}

export type Cancel = () => void;

export interface Timers {
  /** Calls `run` once, after `delayMs`, unless cancelled before. Cancelling twice, or too late, is harmless. */
  after(delayMs: number, run: () => void): Cancel;
}

export interface Random {
  /** `count` random bytes that nobody can guess. */
  bytes(count: number): Uint8Array;
  /** From 0 to below 1; for jitter. */
  fraction(): number;
}

/** The other tabs of this device. Where there is no such thing, each tab finds out by its own connection. */
export interface TabChannel {
  /** Tells the other tabs that something has changed in the storage: a room's outbox (its id), or its loose events (looseIn). */
  tell(what: string): void;
  /** Calls `hear` when another tab did. */
  listen(hear: (what: string) => void): Cancel;
}

/** Hears what a session measures. */
export interface SessionMeter {
  /** From a ping to its pong. */
  roundTrip(ms: number): void;
  /** Events of others came: new ones, and ones that were here. What the device kept counts, too. */
  received(fresh: number, duplicates: number): void;
  /** Events of others came from peers, new ones. */
  heardFromPeers(count: number): void;
  /** One of my messages is stored, this long after it was sent; undefined when this page did not send it. */
  stored(afterMs: number | undefined): void;
  /** One of my messages was turned away for good. */
  refused(): void;
}

export interface SessionDeps {
  /** The device's clock, as wrong as it may be: for what is shown and signed. */
  clock: Clock;
  /** For durations: never goes back, whatever happens to the device's clock (steady_clock.ts). */
  steady: Clock;
  timers: Timers;
  random: Random;
  storage: SessionStorage;
  /** Opens the road to the session's room. */
  openRoad: OpenRoad;
  ed25519: Pick<Ed25519, "signer" | "verify">;
  tabs?: TabChannel;
  meter?: SessionMeter;
  /** What somebody chose in the connection panel. Default: `auto`. */
  preference?: () => DeliverySituation["preference"];
  /** False when the device itself knows that it has no network. */
  online?: () => boolean;
  /** The server told of the operator's notices; its clock is `aheadMs` ahead of the device's. */
  onNotices?: (notices: readonly WireEvent[], aheadMs: number) => void;
  /** The operator cleared the room, and its log began with this epoch. Said at each welcome while that log lasts. */
  onCleared?: (epoch: string) => void;
  /** The room cannot be opened at all: the browser lacks something, or the code is wrong. */
  onFault?: (error: unknown) => void;
  /** Notes for whoever looks into the console. Never what somebody wrote. */
  log?: (line: string) => void;
}

/** What a session takes from the outside, as small interfaces: browsers and simulations give their own. */
import type { Cancel, Clock, Random, Timers } from "../../shared/environment.ts";
import type { Ed25519 } from "../../crypto/ed25519.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import type { WireEvent } from "../../protocol/event.ts";
import type { DeliverySituation } from "../../routing/delivery_route.ts";
import type { OpenTransport } from "../../transport/transport.ts";
import type { SessionStorage } from "./session_storage.ts";

/** The other tabs of this device. Where there is no such thing, each tab finds out by its own connection. */
export interface TabChannel {
  /** Tells the other tabs that something has changed in the storage: a room's outbox (its id), or its relayed events (looseIn). */
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
  /** A storage that never fails, for when the device's own does. */
  memory(): Promise<SessionStorage>;
  /**
   * Keeps texts until the outbox has them: storage of one tab that answers at once, as `sessionStorage` does. May throw, and
   * nothing is kept then. Absent: texts live in the outbox only.
   */
  unsent?: () => Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Opens the transport to the session's room. */
  openTransport: OpenTransport;
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
  /** A refused message with this file was discarded. */
  onDiscarded?: (file: FileInfo) => void;
  /** The room cannot be opened at all: the browser lacks something, or the code is wrong. */
  onFault?: (error: unknown) => void;
  /** Notes for whoever looks into the console. Never what somebody wrote. */
  log?: (line: string) => void;
}

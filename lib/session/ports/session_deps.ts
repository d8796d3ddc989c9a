/** The environment of a session, as small interfaces: browsers and simulations provide their own. */
import type { Cancel, Clock, Random, Timers } from "../../shared/environment.ts";
import type { Ed25519 } from "../../crypto/signing.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import type { WireEvent } from "../../protocol/event.ts";
import type { DeliverySituation } from "../../routing/delivery_route.ts";
import type { OpenTransport } from "../../transport/transport.ts";
import type { SessionStorage } from "./session_storage.ts";

/** Messages between the tabs of this device: each reaches all other tabs, which may run another version of the app. */
export interface TabChannel<Message = string> {
  tell(message: Message): void;
  listen(hear: (message: Message) => void): Cancel;
}

/** Receives the measurements of a session. */
export interface SessionMeter {
  /** Time from a ping to its pong. */
  roundTrip(ms: number): void;
  /** Events of others arrived: new ones and known ones. The local copy counts too. */
  received(fresh: number, duplicates: number): void;
  /** New events of others arrived from peers. */
  heardFromPeers(count: number): void;
  /** A message of mine is stored, this long after it was sent; undefined when another page sent it. */
  stored(afterMs: number | undefined): void;
  /** The server refused a message of mine for good. */
  refused(): void;
}

export interface SessionDeps {
  /** The device's clock, which may be wrong: for times that are shown and signed. */
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
  /**
   * Tells the other tabs what has changed in the storage: a room's outbox (its id), or its relayed events (relayedTopic).
   * Absent: each tab learns of changes by its own connection.
   */
  tabs?: TabChannel;
  meter?: SessionMeter;
  /** The route preferred in the connection panel. Default: `auto`. */
  preference?: () => DeliverySituation["preference"];
  /** False when the device knows that it has no network. */
  online?: () => boolean;
  /** The server sent the operator's notices; its clock is `aheadMs` ahead of the device's. */
  onNotices?: (notices: readonly WireEvent[], aheadMs: number) => void;
  /**
   * The operator cleared the room, and its log began again with this epoch. Called at each welcome while that log lasts.
   */
  onCleared?: (epoch: string) => void;
  /** A refused message with this file was discarded. */
  onDiscarded?: (file: FileInfo) => void;
  /** The room cannot be opened: the browser lacks a feature, or the code is wrong. */
  onFault?: (error: unknown) => void;
  /** Log lines for the console. They never contain text that people wrote. */
  log(line: string): void;
}

/** What a device remembers, as sessions need it. IndexedDB: idb_storage.ts; private mode: memory_storage.ts. */
import type { Cancel } from "../../shared/environment.ts";
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import type { EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { LogEntry } from "../../protocol/stub.ts";
import type { LogPosition, RoomInfo } from "../../protocol/frames.ts";

import type { OutboxState } from "../outbox/outbox_state.ts";
import type { PositionRange } from "../replica/ranges.ts";

/** The local copy of the end of a room's log. */
export interface Replica {
  epoch: string;
  /** Which positions were received and checked; some of them may hold nothing that can be shown. */
  ranges: readonly PositionRange[];
  /** Position of the oldest event the room held when it was last heard of. */
  oldest: number;
  room: RoomInfo;
  events: readonly ReplicaEvent[];
}

export interface ReplicaEvent {
  position: number;
  wire: LogEntry;
}

/**
 * Every method is one transaction: it happens as a whole or not at all, and transactions of several tabs happen one after
 * another. All reject when the storage fails (full, or taken away by the browser); nothing has changed then.
 */
export interface SessionStorage {
  /** False: everything is lost with the page. May become so: `onRenewed` tells. */
  readonly lasting: boolean;
  /**
   * Calls `hear` when what was kept may be gone, and the storage works again: it was cleared, or another one has taken its
   * place. The secret, the name and the rooms are back by then. Absent where this cannot happen.
   */
  onRenewed?(hear: () => void): Cancel;
  /** The device's secret; `make` makes it the first time. All tabs get the same one. */
  secret(make: () => Uint8Array): Promise<Uint8Array>;
  /** The display name, if one was ever set. */
  name(): Promise<string | undefined>;
  setName(name: string): Promise<void>;
  /** Changes a room's outbox; answers with the changed book. `change` is pure and may run more than once. */
  changeOutbox(room: RoomId, change: (book: OutboxState) => OutboxState): Promise<OutboxState>;
  replica(room: RoomId): Promise<Replica | undefined>;
  /**
   * Adds to the local copy: events and ranges of the same epoch are joined, those of another one are dropped. `replaces`:
   * all that was there is dropped.
   */
  saveReplica(room: RoomId, copy: Replica, replaces: boolean): Promise<void>;
  /** How far in the room's log this device's owner has seen. */
  readCursor(room: RoomId): Promise<LogPosition | undefined>;
  /** Changes it; answers with what holds then. `change` is pure and may run more than once. */
  changeReadCursor(room: RoomId, change: (seen: LogPosition | undefined) => LogPosition): Promise<LogPosition>;
  rooms(): Promise<readonly KnownRoom[]>;
  /**
   * Events of a room that came from other phones and that its log, as far as this device knows, does not have: kept and
   * carried until it does. In the order in which they were kept.
   */
  relayed(room: RoomId): Promise<readonly WireEvent[]>;
  /** Keeps these events by their ids, and drops those. Beyond LOOSE_MAX_EVENTS what was kept first goes first. */
  changeRelayed(room: RoomId, kept: ReadonlyMap<EventId, WireEvent>, dropped: Iterable<EventId>): Promise<void>;
  /** Rooms that are dropped from the list are forgotten: their copy, what was seen and carried, and their outbox when nothing waits in it. */
  changeRooms(change: (rooms: readonly KnownRoom[]) => readonly KnownRoom[]): Promise<readonly KnownRoom[]>;
}

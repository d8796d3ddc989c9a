/** The storage of a device, as sessions need it. IndexedDB: idb_storage.ts; private mode: memory_storage.ts. */
import type { Cancel } from "../../shared/environment.ts";
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import type { EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { LogEntry } from "../../protocol/stub.ts";
import type { LogPosition, RoomInfo } from "../../protocol/frames.ts";
import type { OutboxState } from "../outbox/outbox_state.ts";
import type { PositionRange } from "../replica/ranges.ts";

/** The local copy of the newest part of a room's log. */
export interface Replica {
  epoch: string;
  /** Positions that were received and verified; some may hold no event that can be shown. */
  ranges: readonly PositionRange[];
  /** Position of the oldest event in the room, as last heard. */
  oldest: number;
  room: RoomInfo;
  events: readonly ReplicaEvent[];
}

export interface ReplicaEvent {
  position: number;
  wire: LogEntry;
}

/**
 * Every method is one transaction: all or nothing, and transactions of several tabs run one after another. Every method
 * rejects when the storage fails (full, or taken away by the browser), and nothing has changed then.
 */
export interface SessionStorage {
  /** False: everything is lost with the page. It may become false later; see `onRenewed`. */
  readonly lasting: boolean;
  /**
   * Calls `hear` when stored data may be gone and the storage works again: it was cleared, or another one replaced it.
   * The secret, the name and the rooms are restored by then. Absent where this cannot happen.
   */
  onRenewed?(hear: () => void): Cancel;
  /** The device's secret; `make` creates it the first time. All tabs get the same one. */
  secret(make: () => Uint8Array): Promise<Uint8Array>;
  /** The display name, if one was ever set. */
  name(): Promise<string | undefined>;
  setName(name: string): Promise<void>;
  /** Changes a room's outbox and returns the new state. `change` is pure and may run more than once. */
  changeOutbox(room: RoomId, change: (state: OutboxState) => OutboxState): Promise<OutboxState>;
  replica(room: RoomId): Promise<Replica | undefined>;
  /**
   * Adds to the local copy: joins events and ranges of the same epoch, drops those of another one. `replaces`: drops
   * everything that was there.
   */
  saveReplica(room: RoomId, copy: Replica, replaces: boolean): Promise<void>;
  /** How far this device's owner has read the room. */
  readCursor(room: RoomId): Promise<LogPosition | undefined>;
  /** Changes the read cursor and returns it. `change` is pure and may run more than once. */
  changeReadCursor(room: RoomId, change: (seen: LogPosition | undefined) => LogPosition): Promise<LogPosition>;
  rooms(): Promise<readonly KnownRoom[]>;
  /** Events of a room from other phones that its log, as far as this device knows, does not have. Oldest first. */
  relayed(room: RoomId): Promise<readonly WireEvent[]>;
  /** Stores some relayed events by their ids and deletes others. Beyond RELAYED_MAX_EVENTS the oldest go first. */
  changeRelayed(room: RoomId, kept: ReadonlyMap<EventId, WireEvent>, dropped: Iterable<EventId>): Promise<void>;
  /**
   * Changes the list of rooms. The storage forgets a room that is dropped from the list: its copy, read cursor and
   * relayed events, and its outbox when nothing waits in it.
   */
  changeRooms(change: (rooms: readonly KnownRoom[]) => readonly KnownRoom[]): Promise<readonly KnownRoom[]>;
}

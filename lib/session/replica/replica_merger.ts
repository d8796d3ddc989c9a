/** Puts what the room's log brings where it belongs: timeline, outbox, what is unread, who is here, peers. */
import type { EventId } from "../../protocol/event.ts";
import { isSaid, type LogEvent } from "../../kinds/kinds.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { COPY_MAX_EVENTS } from "../ports/session_limits.ts";
import type { ReplicaReader } from "./replica_reader.ts";
import type { RelayedEvents } from "./relayed_events.ts";
import type { SessionMesh } from "../ports/mesh_host.ts";
import type { ReadCursorStore } from "./read_cursor_store.ts";
import type { ReadCursor } from "./read_cursor.ts";
import type { RoomClock } from "../room/room_clock.ts";
import type { RoomState } from "../room/room_state.ts";
import type { RoomPeople } from "../room/room_people.ts";

export interface ReplicaMergerDeps extends Pick<SessionDeps, "meter"> {
  roomClock: RoomClock;
  reader: ReplicaReader;
  people: RoomPeople;
  relayed: RelayedEvents;
  readCursor: ReadCursor;
  readCursorStore: ReadCursorStore;
  /** Undefined until the device's storage has answered: before that no log is read. */
  ground(): RoomState | undefined;
  /** Undefined while there is none. */
  mesh(): SessionMesh | undefined;
}

export class ReplicaMerger {
  readonly #deps: ReplicaMergerDeps;

  constructor(deps: ReplicaMergerDeps) {
    this.#deps = deps;
  }

  /** Checked events by their positions, in the order of the log; also those that are held already. */
  take(events: ReadonlyMap<number, LogEvent>): void {
    const { roomClock, reader, people, relayed, readCursor, readCursorStore, meter, mesh } = this.#deps;
    const { timeline, outbox, signer } = this.#deps.ground()!;
    const fromOthers = [...events.values()].filter(({ author }) => author !== signer.author);
    const fresh = fromOthers.filter(({ id }) => !timeline.has(id)).length;
    meter?.received(fresh, fromOthers.length - fresh);
    const mine: EventId[] = [];
    for (const [position, event] of events) {
      roomClock.see(event.clock);
      if (event.kind === "profile") people.rename(event.author, event.body.name);
      if (event.author === signer.author) mine.push(event.id);
      else if (isSaid(event) && (!timeline.has(event.id) || relayed.has(event.id))) readCursor.add(event.id, position);
      if (event.kind !== "deleted") mesh()?.heard(event);
    }
    timeline.remove(relayed.stored([...events.values()]));
    const deleted = timeline.add(events.values());
    reader.erase(deleted);
    readCursor.forget(deleted.map(({ id }) => id));
    timeline.setPositions(events);
    outbox.stored(mine);
    this.#forget(reader.trim(COPY_MAX_EVENTS).map(({ id }) => id));
    if (readCursor.unread.size > 0) readCursorStore.keepSoon();
  }

  /** Positions mean something else from now on: of what was told before, only these events stand where they stood. */
  renumber(held: ReadonlyMap<number, LogEvent>): void {
    const timeline = this.#deps.ground()?.timeline;
    timeline?.forgetPositions();
    timeline?.setPositions(held);
  }

  /** The operator deleted all up to this clock: so does this device. */
  clear(upTo: number): void {
    const { reader, relayed, mesh } = this.#deps;
    const { timeline } = this.#deps.ground()!;
    const old = relayed.forget((id) => (timeline.get(id)?.clock ?? 0) <= upTo);
    // Also what was acked, and had not come from the log yet.
    this.#forget([...reader.forget().map(({ id }) => id), ...old, ...timeline.storedUpTo(upTo)]);
    mesh()?.cleared();
  }

  #forget(ids: readonly EventId[]): void {
    this.#deps.ground()!.timeline.remove(ids);
    this.#deps.readCursor.forget(ids);
  }
}

/** Puts what the room's log brings where it belongs: timeline, outbox, what is unread, who is here, peers. */
import { type Event, type EventId, isSaid } from "../protocol/event.ts";
import type { SessionDeps } from "./deps.ts";
import { COPY_MAX_EVENTS } from "./limits.ts";
import type { LogReader } from "./log_reader.ts";
import type { LooseEvents } from "./loose_events.ts";
import type { SessionMesh } from "./mesh_host.ts";
import type { ReadKeeper } from "./read_keeper.ts";
import type { ReadMarker } from "./read_marker.ts";
import type { RoomClock } from "./room_clock.ts";
import type { Ground } from "./room_ground.ts";
import type { RoomPeople } from "./room_people.ts";

export interface LogMergerParts extends Pick<SessionDeps, "meter"> {
  roomClock: RoomClock;
  reader: LogReader;
  people: RoomPeople;
  loose: LooseEvents;
  marker: ReadMarker;
  readKeeper: ReadKeeper;
  /** Undefined until the device's storage has answered: before that no log is read. */
  ground(): Ground | undefined;
  /** Undefined while there is none. */
  mesh(): SessionMesh | undefined;
}

export class LogMerger {
  readonly #parts: LogMergerParts;

  constructor(parts: LogMergerParts) {
    this.#parts = parts;
  }

  /** Checked events by their positions, in the order of the log; also those that are held already. */
  take(events: ReadonlyMap<number, Event>): void {
    const { roomClock, reader, people, loose, marker, readKeeper, meter, mesh } = this.#parts;
    const { timeline, outbox, signer } = this.#parts.ground()!;
    const fromOthers = [...events.values()].filter(({ author }) => author !== signer.author);
    const fresh = fromOthers.filter(({ id }) => !timeline.has(id)).length;
    meter?.received(fresh, fromOthers.length - fresh);
    const mine: EventId[] = [];
    for (const [position, event] of events) {
      roomClock.see(event.clock);
      if (event.kind === "profile") people.rename(event.author, event.body.name);
      if (event.author === signer.author) mine.push(event.id);
      else if (isSaid(event) && (!timeline.has(event.id) || loose.has(event.id))) marker.add(event.id, position);
      mesh()?.heard(event);
    }
    timeline.remove(loose.stored([...events.values()]));
    timeline.add(events.values());
    timeline.setPositions(events);
    outbox.stored(mine);
    this.#forget(reader.trim(COPY_MAX_EVENTS).map(({ id }) => id));
    if (marker.unread.size > 0) readKeeper.keepSoon();
  }

  /** Positions mean something else from now on: of what was told before, only these events stand where they stood. */
  renumber(held: ReadonlyMap<number, Event>): void {
    const timeline = this.#parts.ground()?.timeline;
    timeline?.forgetPositions();
    timeline?.setPositions(held);
  }

  /** The operator deleted all up to this clock: so does this device. */
  clear(upTo: number): void {
    const { reader, loose, mesh } = this.#parts;
    const { timeline } = this.#parts.ground()!;
    const old = loose.forget((id) => (timeline.get(id)?.clock ?? 0) <= upTo);
    // Also what was acked, and had not come from the log yet.
    this.#forget([...reader.forget().map(({ id }) => id), ...old, ...timeline.storedUpTo(upTo)]);
    mesh()?.cleared();
  }

  #forget(ids: readonly EventId[]): void {
    this.#parts.ground()!.timeline.remove(ids);
    this.#parts.marker.forget(ids);
  }
}

/** Puts what the room's log brings where it belongs: timeline, outbox, what is unread, who is here, peers. */
import { type Event, type EventId, isSaid } from "../../protocol/event.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { COPY_MAX_EVENTS } from "../ports/session_limits.ts";
import type { ReplicaReader } from "./replica_reader.ts";
import type { RelayedEvents } from "./relayed_events.ts";
import type { SessionMesh } from "../ports/mesh_host.ts";
import type { ReadCursorStore } from "./read_cursor_store.ts";
import type { ReadCursor } from "./read_cursor.ts";
import type { RoomClock } from "../room/room_clock.ts";
import type { Timeline } from "../../chat/timeline.ts";
import type { Signer } from "../../crypto/signing.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { RoomPeople } from "../room/room_people.ts";

export interface ReplicaMergerDeps extends Pick<SessionDeps, "meter"> {
  signer: Signer;
  timeline: Timeline;
  outbox: Outbox;
  roomClock: RoomClock;
  reader: ReplicaReader;
  people: RoomPeople;
  relayed: RelayedEvents;
  readCursor: ReadCursor;
  readCursorStore: ReadCursorStore;
  peers: { readonly mesh: SessionMesh | undefined };
}

export class ReplicaMerger {
  readonly #deps: ReplicaMergerDeps;

  constructor(deps: ReplicaMergerDeps) {
    this.#deps = deps;
  }

  /** Checked events by their positions, in the order of the log; also those that are held already. */
  take(events: ReadonlyMap<number, Event>): void {
    const { timeline, outbox, signer, roomClock, reader, people, relayed, readCursor, readCursorStore, meter, peers } =
      this.#deps;
    const fromOthers = [...events.values()].filter(({ author }) => author !== signer.author);
    const fresh = fromOthers.filter(({ id }) => !timeline.has(id)).length;
    meter?.received(fresh, fromOthers.length - fresh);
    const mine: EventId[] = [];
    for (const [position, event] of events) {
      roomClock.see(event.clock);
      if (event.kind === "profile") people.rename(event.author, event.body.name);
      if (event.author === signer.author) mine.push(event.id);
      else if (isSaid(event) && (!timeline.has(event.id) || relayed.has(event.id))) readCursor.add(event.id, position);
      peers.mesh?.heard(event);
    }
    timeline.remove(relayed.stored([...events.values()]));
    timeline.add(events.values());
    timeline.setPositions(events);
    outbox.stored(mine);
    this.#forget(reader.trim(COPY_MAX_EVENTS).map(({ id }) => id));
    if (readCursor.unread.size > 0) readCursorStore.keepSoon();
  }

  /** Positions mean something else from now on: of what was told before, only these events stand where they stood. */
  renumber(held: ReadonlyMap<number, Event>): void {
    const { timeline } = this.#deps;
    timeline.forgetPositions();
    timeline.setPositions(held);
  }

  /** The operator deleted all up to this clock: so does this device. */
  clear(upTo: number): void {
    const { timeline, reader, relayed, peers } = this.#deps;
    const old = relayed.forget((id) => (timeline.get(id)?.clock ?? 0) <= upTo);
    // Also what was acked, and had not come from the log yet.
    this.#forget([...reader.forget().map(({ id }) => id), ...old, ...timeline.storedUpTo(upTo)]);
    peers.mesh?.cleared();
  }

  #forget(ids: readonly EventId[]): void {
    this.#deps.timeline.remove(ids);
    this.#deps.readCursor.forget(ids);
  }
}

/** Passes events of the log on: to the timeline, the outbox, the read cursor, the people and the mesh. */
import type { EventId } from "../../protocol/event.ts";
import { isMessage, type LogEvent } from "../../kinds/kinds.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { REPLICA_MAX_EVENTS } from "../ports/session_limits.ts";
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

  /** Verified events by position, in the order of the log, known ones included. */
  take(events: ReadonlyMap<number, LogEvent>): void {
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
      else if (isMessage(event) && (!timeline.has(event.id) || relayed.has(event.id))) {
        readCursor.add(event.id, position);
      }
      if (event.kind !== "deleted") peers.mesh?.heard(event);
    }
    timeline.remove(relayed.stored([...events.values()]));
    const deleted = timeline.add(events.values());
    reader.erase(deleted);
    readCursor.forget(deleted.map(({ id }) => id));
    timeline.setPositions(events);
    outbox.stored(mine);
    this.#forget(reader.trim(REPLICA_MAX_EVENTS).map(({ id }) => id));
    if (readCursor.unread.size > 0) readCursorStore.keepSoon();
  }

  /** The log was renumbered: only these events keep their positions. */
  renumber(held: ReadonlyMap<number, LogEvent>): void {
    const { timeline } = this.#deps;
    timeline.forgetPositions();
    timeline.setPositions(held);
  }

  /** The operator deleted everything up to this clock; this device does the same. */
  clear(upTo: number): void {
    const { timeline, reader, relayed, peers } = this.#deps;
    const old = relayed.forget((id) => (timeline.get(id)?.clock ?? 0) <= upTo);
    // Acked events that the log had not delivered yet go as well.
    this.#forget([...reader.forget().map(({ id }) => id), ...old, ...timeline.storedUpTo(upTo)]);
    peers.mesh?.cleared();
  }

  #forget(ids: readonly EventId[]): void {
    this.#deps.timeline.remove(ids);
    this.#deps.readCursor.forget(ids);
  }
}

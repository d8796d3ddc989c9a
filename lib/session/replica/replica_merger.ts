/** Passes events of the log on: to the timeline, the outbox, the read cursor, the people and the mesh. */
import type { EventId } from "../../protocol/event.ts";
import { isMessage, type LogEvent } from "../../kinds/kinds.ts";
import { REPLICA_MAX_EVENTS } from "../ports/session_limits.ts";
import type { RoomParts } from "../room/room_parts.ts";
import type { ReadCursorStore } from "./read_cursor_store.ts";

interface MergedRoom extends RoomParts {
  readonly readCursorStore: ReadCursorStore;
}

export class ReplicaMerger {
  readonly #room: MergedRoom;

  constructor(room: MergedRoom) {
    this.#room = room;
  }

  /** Verified events by position, in the order of the log, known ones included. */
  take(events: ReadonlyMap<number, LogEvent>): void {
    const { state: { signer }, timeline, outbox, reader, people, relayed, readCursor, readCursorStore, peers } =
      this.#room;
    const fromOthers = [...events.values()].filter(({ author }) => author !== signer.author);
    const fresh = fromOthers.filter(({ id }) => !timeline.has(id)).length;
    this.#room.deps.meter?.received(fresh, fromOthers.length - fresh);
    const mine: EventId[] = [];
    for (const [position, event] of events) {
      this.#room.seeClock(event.clock);
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
    const { timeline } = this.#room;
    timeline.forgetPositions();
    timeline.setPositions(held);
  }

  /** The operator deleted everything up to this clock; this device does the same. */
  clear(upTo: number): void {
    const { timeline, reader, relayed, peers } = this.#room;
    const old = relayed.forget((id) => (timeline.get(id)?.clock ?? 0) <= upTo);
    // Acked events that the log had not delivered yet go as well.
    this.#forget([...reader.forget().map(({ id }) => id), ...old, ...timeline.storedUpTo(upTo)]);
    peers.mesh?.cleared();
  }

  #forget(ids: readonly EventId[]): void {
    this.#room.timeline.remove(ids);
    this.#room.readCursor.forget(ids);
  }
}

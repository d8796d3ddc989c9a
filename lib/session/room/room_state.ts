/** A device's stored state of a room, read once before the room opens: my key in it, the local copy, and the outbox. */
import { normalizeDisplayName } from "../../chat/display_name.ts";
import { roomSeed } from "../../crypto/room_key.ts";
import { openContent, type Sealer } from "../../crypto/seal.ts";
import type { Signer } from "../../crypto/signing.ts";
import { type Event, isNamed, type LogEvent, readEntry, readEvent, readSealedContent } from "../../kinds/kinds.ts";
import type { RoomId, WireEvent } from "../../protocol/event.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import type { RoomProblem } from "../model/conversation_model.ts";
import type { OutboxState } from "../outbox/outbox_state.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { Replica, SessionStorage } from "../ports/session_storage.ts";
import { type VerifiedRoom, verifyRoom } from "../replica/verified_room.ts";

export interface RoomState {
  room: RoomId;
  /** Undefined in a plain room. */
  sealer: Sealer | undefined;
  /** The storage that this was read from. */
  storage: SessionStorage;
  signer: Signer;
  outbox: OutboxState;
  /** The local copy, if there is one that can be read. */
  kept: { head: VerifiedRoom; copy: Replica; events: ReadonlyMap<number, LogEvent> } | undefined;
  /** How far the room was seen. */
  seen: LogPosition | undefined;
  /** Events from other phones that are in no log yet; they were checked before they were kept. */
  relayed: readonly Event[];
  /** The local copy is of a room that this page cannot show. */
  problem: RoomProblem | undefined;
}

/** Rejects when the storage fails. */
export async function loadRoomState(
  { random, ed25519 }: Pick<SessionDeps, "random" | "ed25519">,
  storage: SessionStorage,
  room: RoomId,
  sealer: Sealer | undefined,
): Promise<RoomState> {
  const secret = await storage.secret(() => random.bytes(32));
  const signer = await ed25519.signer(roomSeed(secret, room));
  const [copy, seen, wires] = await Promise.all([
    storage.replica(room),
    storage.readCursor(room),
    storage.relayed(room),
  ]);
  const head = copy === undefined ? undefined : await verifyRoom(copy.room, sealer);
  const problem = head !== undefined && "problem" in head ? head : undefined;
  let kept: RoomState["kept"];
  let relayed: readonly Event[] = [];
  if (copy !== undefined && head !== undefined && !("problem" in head)) {
    // The events were checked before they were kept.
    const events = new Map<number, LogEvent>();
    for (const { position, wire } of copy.events) {
      const read = readEntry(wire, room);
      if (!read.ok) continue;
      const { event } = read;
      events.set(position, event.kind === "deleted" ? event : await openEvent(event, sealer, head));
    }
    kept = { head, copy, events };
    relayed = await openKept(wires, sealer, head);
  }
  // Read last: the room listens to other tabs' changes from now on.
  const outbox = await storage.changeOutbox(room, (before) => before);
  return { room, sealer, storage, signer, outbox, kept, seen, relayed, problem };
}

/** Events that were checked before they were kept. */
export async function openKept(
  wires: readonly WireEvent[],
  sealer: Sealer | undefined,
  head: VerifiedRoom,
): Promise<Event[]> {
  const read = wires.map((wire) => readEvent(wire)).flatMap((read) => read.ok ? [read.event] : []);
  return await Promise.all(read.map((event) => openEvent(event, sealer, head)));
}

/** The event with its content in the clear; unchanged when it does not open. */
export async function openEvent(event: Event, sealer: Sealer | undefined, head: VerifiedRoom): Promise<Event> {
  if (event.id === head.founding.id) return head.founding;
  if (event.kind !== "sealed" || sealer === undefined) return tidyName(event);
  const content = readSealedContent(await openContent(sealer, event, event.body.sealed));
  return content === undefined ? event : tidyName({ ...event, ...content });
}

/** Other programs send any name: decides once what may be shown. A name that may not be shown becomes an empty one. */
function tidyName(event: Event): Event {
  if (!isNamed(event)) return event;
  const name = tidyPersonName(event.body.name);
  // The compiler does not see that the kind is unchanged.
  return name === event.body.name ? event : { ...event, body: { ...event.body, name } } as Event;
}

/** The displayable form of a name from another program. */
export function tidyPersonName(name: string): string {
  const read = normalizeDisplayName(name);
  return "name" in read ? read.name : "";
}

/** What a session stands on once the device's storage has answered: my key in this room, what was kept, what waits. */
import { normalizeDisplayName } from "../../chat/display_name.ts";
import { type DeliveryState, Timeline } from "../../chat/timeline.ts";
import { roomSeed } from "../../crypto/room_key.ts";
import { openContent, sealContent, type Sealer } from "../../crypto/seal.ts";
import type { Signer } from "../../crypto/signing.ts";
import type { AuthorKey, EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import {
  type Event,
  isNamed,
  isSealable,
  type LogEvent,
  readEntry,
  readEvent,
  readSealedContent,
} from "../../kinds/kinds.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { Outbox, type OutboxDeps } from "../outbox/outbox.ts";
import { type VerifiedRoom, verifyRoom } from "../replica/verified_room.ts";
import type { RoomProblem } from "../model/room_model.ts";
import type { Replica, SessionStorage } from "../ports/session_storage.ts";

export interface RoomState {
  storage: SessionStorage;
  signer: Signer;
  sealer: Sealer | undefined;
  timeline: Timeline;
  outbox: Outbox;
  /** The local copy, if there is one that can be read. */
  kept: { head: VerifiedRoom; copy: Replica; events: ReadonlyMap<number, LogEvent> } | undefined;
  /** How far the room was seen. */
  seen: LogPosition | undefined;
  /** What came from other phones and is in no log yet; checked before it was kept. */
  relayed: readonly Event[];
  /** The local copy is of a room that this page cannot show. */
  problem: RoomProblem | undefined;
}

export interface RoomStateDeps extends
  Pick<
    OutboxDeps,
    | "clockSeen"
    | "send"
    | "expectAnswer"
    | "giveUpTransport"
    | "onStored"
    | "onRefused"
    | "onSigned"
    | "serverDelayMs"
    | "log"
  > {
  room: RoomId;
  sealer: Sealer | undefined;
  /** My display name at the moment. */
  name(author: AuthorKey): string;
  /** The timeline has changed; told of in the next microtask. */
  onChange(): void;
}

/** Reads what the device holds of a room, and signs what an earlier page left unsigned. Rejects when the storage fails. */
export async function loadRoomState(
  deps: SessionDeps,
  storage: SessionStorage,
  parts: RoomStateDeps,
): Promise<RoomState> {
  const { clock, steady, timers, random, ed25519, tabs } = deps;
  const { room, sealer } = parts;
  const secret = await storage.secret(() => random.bytes(32));
  const signer = await ed25519.signer(roomSeed(secret, room));
  const timeline = new Timeline({ me: signer.author });
  let toTell = false;
  /** Once for all that happens in this turn: forty messages that are sent together are shown once, not forty times. */
  const changed = () => {
    if (toTell) return;
    toTell = true;
    queueMicrotask(() => {
      toTell = false;
      parts.onChange();
    });
  };
  const outbox = new Outbox({
    ...parts,
    signer,
    storage,
    steady,
    timers,
    random,
    ...(tabs && { tabs }),
    seal: async (header, content) =>
      sealer === undefined || !isSealable(content) ? content : await sealContent(sealer, header, content),
    noop: () => ({ at: clock.now(), content: { kind: "profile", body: { name: parts.name(signer.author) } } }),
    onDelivery: (event: Event, delivery: DeliveryState) => {
      timeline.setDelivery(event.id, delivery);
      timeline.add([event]);
      changed();
    },
    onGone: (id: EventId) => {
      timeline.remove([id]);
      changed();
    },
  });
  const ground: RoomState = {
    storage,
    signer,
    sealer,
    timeline,
    outbox,
    kept: undefined,
    seen: undefined,
    relayed: [],
    problem: undefined,
  };
  try {
    const [copy, seen, relayed] = await Promise.all([
      storage.replica(room),
      storage.readCursor(room),
      storage.relayed(room),
    ]);
    ground.seen = seen;
    const head = copy === undefined ? undefined : await verifyRoom(copy.room, sealer);
    if (head !== undefined && "problem" in head) return { ...ground, problem: head };
    if (copy !== undefined && head !== undefined) {
      // What is kept was checked before it was kept.
      const events = new Map<number, LogEvent>();
      for (const { position, wire } of copy.events) {
        const read = readEntry(wire, room);
        if (!read.ok) continue;
        const { event } = read;
        events.set(position, event.kind === "deleted" ? event : await openEvent(event, sealer, head));
      }
      ground.kept = { head, copy, events };
      ground.relayed = await openKept(relayed, sealer, head);
    }
    await outbox.load();
    return ground;
  } catch (error) {
    outbox.dispose();
    throw error;
  }
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

/** The event with its content in the clear; as it came when it does not open. */
export async function openEvent(event: Event, sealer: Sealer | undefined, head: VerifiedRoom): Promise<Event> {
  if (event.id === head.founding.id) return head.founding;
  if (event.kind !== "sealed" || sealer === undefined) return tidyName(event);
  const content = readSealedContent(await openContent(sealer, event, event.body.sealed));
  return content === undefined ? event : tidyName({ ...event, ...content });
}

/** Names come from everybody's programs: what may be shown is decided here, once. A name that may not be is a blank one. */
function tidyName(event: Event): Event {
  if (!isNamed(event)) return event;
  const name = tidyPersonName(event.body.name);
  // The compiler does not see that the kind stays what it was.
  return name === event.body.name ? event : { ...event, body: { ...event.body, name } } as Event;
}

/** What is shown for a name that somebody's program sent. */
export function tidyPersonName(name: string): string {
  const read = normalizeDisplayName(name);
  return "name" in read ? read.name : "";
}

/** What a session stands on once the device's storage has answered: my key in this room, what was kept, what waits. */
import { normalizeDisplayName } from "../chat/display_name.ts";
import { type DeliveryState, Timeline } from "../chat/timeline.ts";
import { roomSeed } from "../crypto/room_key.ts";
import { openContent, sealContent, type Sealer } from "../crypto/seal.ts";
import type { Signer } from "../crypto/signing.ts";
import {
  type AuthorKey,
  type Event,
  type EventId,
  isSaid,
  readEvent,
  type RoomId,
  type WireEvent,
} from "../protocol/event.ts";
import type { LogPosition } from "../protocol/frames.ts";
import type { SessionDeps } from "./deps.ts";
import { Outbox, type OutboxParts } from "./outbox.ts";
import { openHead, type RoomHead } from "./room_head.ts";
import type { RoomProblem } from "./room_model.ts";
import type { LogCopy, SessionStorage } from "./storage.ts";

export interface Ground {
  storage: SessionStorage;
  signer: Signer;
  sealer: Sealer | undefined;
  timeline: Timeline;
  outbox: Outbox;
  /** The local copy, if there is one that can be read. */
  kept: { head: RoomHead; copy: LogCopy; events: ReadonlyMap<number, Event> } | undefined;
  /** How far the room was seen. */
  seen: LogPosition | undefined;
  /** What came from other phones and is in no log yet; checked before it was kept. */
  loose: readonly Event[];
  /** The local copy is of a room that this page cannot show. */
  problem: RoomProblem | undefined;
}

export interface GroundParts extends
  Pick<
    OutboxParts,
    | "clockSeen"
    | "send"
    | "expectAnswer"
    | "giveUpRoad"
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
export async function layGround(deps: SessionDeps, storage: SessionStorage, parts: GroundParts): Promise<Ground> {
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
    seal: async (header, content) => sealer === undefined ? content : await sealContent(sealer, header, content),
    filler: () => ({ at: clock.now(), content: { kind: "profile", body: { name: parts.name(signer.author) } } }),
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
  const ground: Ground = {
    storage,
    signer,
    sealer,
    timeline,
    outbox,
    kept: undefined,
    seen: undefined,
    loose: [],
    problem: undefined,
  };
  try {
    const [copy, seen, loose] = await Promise.all([storage.copy(room), storage.seen(room), storage.loose(room)]);
    ground.seen = seen;
    const head = copy === undefined ? undefined : await openHead(copy.room, sealer);
    if (head !== undefined && "problem" in head) return { ...ground, problem: head };
    if (copy !== undefined && head !== undefined) {
      // What is kept was checked before it was kept.
      const events = new Map<number, Event>();
      for (const { position, wire } of copy.events) {
        const read = readEvent(wire);
        if (read.ok) events.set(position, await openEvent(read.event, sealer, head));
      }
      ground.kept = { head, copy, events };
      ground.loose = await openKept(loose, sealer, head);
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
  head: RoomHead,
): Promise<Event[]> {
  const read = wires.map((wire) => readEvent(wire)).flatMap((read) => read.ok ? [read.event] : []);
  return await Promise.all(read.map((event) => openEvent(event, sealer, head)));
}

/** The event with its content in the clear; as it came when it does not open. */
export async function openEvent(event: Event, sealer: Sealer | undefined, head: RoomHead): Promise<Event> {
  if (event.id === head.founding.id) return head.founding;
  if (event.kind !== "sealed" || sealer === undefined) return tidyName(event);
  const content = await openContent(sealer, event, event.body.sealed);
  return content === undefined ? event : tidyName({ ...event, ...content });
}

/** Names come from everybody's programs: what may be shown is decided here, once. A name that may not be is a blank one. */
function tidyName(event: Event): Event {
  if (!isSaid(event) && event.kind !== "profile") return event;
  const name = tidyPersonName(event.body.name);
  // The compiler does not see that the kind stays what it was.
  return name === event.body.name ? event : { ...event, body: { ...event.body, name } } as Event;
}

/** What is shown for a name that somebody's program sent. */
export function tidyPersonName(name: string): string {
  const read = normalizeDisplayName(name);
  return "name" in read ? read.name : "";
}

/** An open room as its mesh sees it, and as two phones see it that link by showing each other their codes. */
import { BoundedMap } from "../../shared/bounded.ts";
import { type Event, type LogEvent, readEvent } from "../../kinds/kinds.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
import type { EventId, WireEvent } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { CLOCK_MAX_LEAD } from "../../protocol/limits.ts";
import { isStub } from "../../protocol/stub.ts";
import { VERIFIED_MAX_EVENTS } from "../ports/session_limits.ts";
import type { PeerSync } from "../room/peer_sync.ts";

/** The room, as its mesh sees it. */
export type MeshHost = ReturnType<typeof meshHost>;

/** For one mesh. The room has to be verified. */
export function meshHost(peers: PeerSync) {
  const open = peers.room;
  const { state: { room, signer }, verifier, timeline, reader, people, outbox, relayed } = open;
  const { ed25519, connection, meter, onChange } = open.deps;
  /** Opened when they were verified, until the mesh delivers them. */
  const opened = new BoundedMap<EventId, Event>(VERIFIED_MAX_EVENTS);
  return {
    room,
    signer,
    verifier: ed25519,
    /** People in the room besides me, according to the server. */
    present: () => peers.others,
    /** Events as they were signed: those of the log in order, then those of no log. */
    held: () => [...reader.events, ...relayed.wires].flatMap(asSigned),
    /** My events that wait for the server. */
    unsent: () => outbox.unsent,
    /** Verifies an event from a peer. `forged`: not signed by its author; `refused`: it does not belong into the room. */
    async verdict(event: Event): Promise<"good" | "forged" | "refused"> {
      if (event.clock <= peers.cleared || event.clock > open.clockSeen + CLOCK_MAX_LEAD) return "refused";
      const verified = await verifier.verify(event);
      if (typeof verified === "string") return verified;
      opened.set(event.id, verified);
      return "good";
    },
    /** A verified event arrived from a peer for the first time. */
    heardFromPeers({ id }: Event): void {
      const event = opened.get(id);
      opened.delete(id);
      if (event === undefined || timeline.has(id) || event.kind === "room" || peers.disposed) return;
      if (event.kind === "profile") people.rename(event.author, event.body.name);
      reader.erase(timeline.add([event]));
      if (event.author !== signer.author) relayed.add(event);
      meter?.heardFromPeers(1);
      open.seeClock(event.clock);
      onChange();
    },
    /** This many other phones have signed that they hold an event of mine. */
    receipts: (id: EventId, phones: number) => outbox.reached(id, phones),
    /** The people whom peers reach have changed. */
    coverageChanged: () => peers.coverageChanged(),
    /** Sends signaling over the connection to the server; false when the connection rejects it. */
    sendSignal: (frame: ClientFrame<"signal">) => connection.send(frame),
  };
}

/** The room, as two phones see it that link without a server. */
export type PairingHost = ReturnType<typeof pairingHost>;

export function pairingHost({ room: open }: PeerSync) {
  const { state: { room, signer, storage }, verifier, deps: { secret, ed25519, onChange, log } } = open;
  return {
    room,
    /** Sealed rooms only. */
    secret,
    signer,
    verifier: ed25519,
    /** The room's description, if it is known. */
    info: () => verifier.known?.info,
    clockSeen: () => open.clockSeen,
    /** Takes a description of the room from another phone. False: it is wrong. Changes nothing when the room is known. */
    async learn(info: RoomInfo, clock: number): Promise<boolean> {
      const isNew = verifier.known === undefined;
      if (!await verifier.learn(info)) return false;
      if (!isNew) return true;
      open.seeClock(clock);
      // A copy of no log: the room opens again without a server, and the first server's log takes its place.
      await storage.saveReplica(info.id, { epoch: "", ranges: [], oldest: 1, room: info, events: [] }, false)
        .catch((error) => log(`the room could not be kept: ${error}`));
      onChange();
      return true;
    },
  };
}

/** An event as its author signed it: peers pass that on. */
function asSigned(held: LogEvent | WireEvent): Event[] {
  const wire = "wire" in held ? held.wire : held;
  if (isStub(wire)) return [];
  const read = readEvent(wire);
  return read.ok ? [read.event] : [];
}

/** How an open room and its peers exchange events: what a mesh sees of the room, what comes from it, and which way new events go first. */
import { BoundedMap } from "../../shared/bounded.ts";
import type { Cancel } from "../../shared/environment.ts";
import type { Timeline } from "../../chat/timeline.ts";
import type { Event, EventId, WireEvent } from "../../protocol/event.ts";
import { readEvent } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { CLOCK_MAX_LEAD } from "../../protocol/limits.ts";
import { type DeliveryRoute, deliveryRoute } from "../../routing/delivery_route.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { LAZY_HELD_MS, LAZY_SERVER_MS, UNTOLD_MAX_EVENTS } from "../ports/session_limits.ts";
import type { ReplicaReader } from "../replica/replica_reader.ts";
import { type RelayedEvents, relayedTopic } from "../replica/relayed_events.ts";
import type { MeshHost, PairingHost, SessionMesh } from "../ports/mesh_host.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { RoomClock } from "./room_clock.ts";
import { openKept, type RoomState } from "./room_state.ts";
import type { EventVerifier } from "../replica/event_verifier.ts";
import type { RoomPeople } from "./room_people.ts";
import type { ServerConnection } from "../connection/server_connection.ts";

export interface PeerSyncDeps
  extends
    Pick<SessionDeps, "meter" | "preference" | "tabs" | "ed25519">,
    Pick<RoomState, "room" | "storage" | "signer" | "sealer"> {
  /** Sealed rooms only. */
  secret: string | undefined;
  connection: Pick<ServerConnection, "live" | "send">;
  timeline: Timeline;
  outbox: Outbox;
  verifier: EventVerifier;
  reader: ReplicaReader;
  people: RoomPeople;
  relayed: RelayedEvents;
  roomClock: RoomClock;
  /** What is shown of the room, or known of it, has changed. */
  onChange(): void;
  log(line: string): void;
}

export class PeerSync {
  /** The operator deleted every event up to this Lamport clock; 0: none. */
  cleared = 0;
  readonly #deps: PeerSyncDeps;
  #mesh: SessionMesh | undefined;
  /** Events that were opened when they were checked, until the mesh reports them. */
  readonly #opened = new BoundedMap<EventId, Event>(UNTOLD_MAX_EVENTS);
  readonly #stopListening: Cancel | undefined;
  #disposed = false;

  constructor(deps: PeerSyncDeps) {
    this.#deps = deps;
    this.#stopListening = deps.tabs?.listen((topic) => {
      if (topic !== relayedTopic(deps.room)) return;
      this.#readKept().catch((error) => deps.log(`relayed events of another tab could not be read: ${error}`));
    });
  }

  /** The mesh that is in use. */
  get mesh(): SessionMesh | undefined {
    return this.#mesh;
  }

  use(mesh: SessionMesh | undefined): void {
    this.#mesh = mesh;
    this.#deps.outbox.hurry();
  }

  get delivery(): DeliveryRoute {
    const { connection, preference } = this.#deps;
    const { reached, missing } = this.#mesh?.coverage() ?? { reached: 0, missing: 0 };
    return deliveryRoute({ server: connection.live, reached, missing, preference: preference?.() ?? "auto" });
  }

  /** How long a new event that so many other phones hold may wait for others to travel with to the server, ms. */
  serverDelayMs(phones: number): number {
    const { server, reason } = this.delivery;
    if (server !== "lazy") return 0;
    const others = this.#deps.people.count - 1;
    return reason === "peers_reach_everyone" && phones >= others ? LAZY_HELD_MS : LAZY_SERVER_MS;
  }

  /** The session as a mesh sees it; undefined until the room is verified. */
  get host(): MeshHost | undefined {
    const { room, signer, ed25519, verifier, reader, people, outbox, relayed, connection } = this.#deps;
    if (verifier.known === undefined) return undefined;
    return {
      room,
      signer,
      verifier: ed25519,
      present: () => [...people.names.keys()].filter((author) => author !== signer.author),
      held: () => [...reader.events, ...relayed.wires].flatMap(asSigned),
      unsent: () => outbox.unsent,
      verdict: (event) => this.#verdict(event),
      heardFromPeers: (event) => this.#heard(event),
      receipts: (id, phones) => outbox.reached(id, phones),
      coverageChanged: () => this.#coverageChanged(),
      sendSignal: (frame) => connection.send(frame),
    };
  }

  /** The session as linking with a phone beside this one sees it. */
  get pairing(): PairingHost {
    const { room, secret, signer, ed25519, verifier, roomClock } = this.#deps;
    return {
      room,
      secret,
      signer,
      verifier: ed25519,
      info: () => verifier.known?.info,
      clockSeen: () => roomClock.seen,
      learn: (info, clock) => this.#learn(info, clock),
    };
  }

  /** Shows events that came over links and that the device keeps. */
  showKept(events: readonly Event[]): void {
    this.#deps.timeline.add(events);
    for (const event of events) {
      this.#deps.roomClock.see(event.clock);
      this.#deps.relayed.add(event, true);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopListening?.();
  }

  /** Another tab of the device has the links: what came over them is shown here, too. */
  async #readKept(): Promise<void> {
    const { room, storage, sealer, timeline, verifier, onChange } = this.#deps;
    const head = verifier.known;
    if (head === undefined) return;
    const kept = await openKept(await storage.relayed(room), sealer, head);
    if (this.#disposed) return;
    this.showKept(kept.filter(({ id }) => !timeline.has(id)));
    onChange();
  }

  async #learn(info: RoomInfo, clock: number): Promise<boolean> {
    const { storage, verifier, log, onChange } = this.#deps;
    const isNew = verifier.known === undefined;
    if (!await verifier.learn(info)) return false;
    if (!isNew) return true;
    this.#deps.roomClock.see(clock);
    // Of no log yet, so that the first server's takes its place: the room opens again without one.
    await storage.saveReplica(info.id, { epoch: "", ranges: [], oldest: 1, room: info, events: [] }, false)
      .catch((error) => log(`the room could not be kept: ${error}`));
    onChange();
    return true;
  }

  async #verdict(event: Event): Promise<"good" | "forged" | "refused"> {
    const { verifier, roomClock } = this.#deps;
    if (event.clock <= this.cleared) return "refused";
    if (event.clock > roomClock.seen + CLOCK_MAX_LEAD) return "refused";
    const admitted = await verifier.verify(event);
    if (typeof admitted === "string") return admitted;
    this.#opened.set(event.id, admitted);
    return "good";
  }

  #heard({ id }: Event): void {
    const { timeline, signer, people, relayed, meter, roomClock, onChange } = this.#deps;
    const event = this.#opened.get(id);
    this.#opened.delete(id);
    if (event === undefined || timeline.has(id) || event.kind === "room" || this.#disposed) return;
    if (event.kind === "profile") people.rename(event.author, event.body.name);
    timeline.add([event]);
    if (event.author !== signer.author) relayed.add(event);
    meter?.heardFromPeers(1);
    roomClock.see(event.clock);
    onChange();
  }

  #coverageChanged(): void {
    const { outbox, connection, onChange } = this.#deps;
    if (this.delivery.server !== "lazy") outbox.hurry();
    // Without a server the people here are those that peers reach.
    if (!connection.live) onChange();
  }
}

/** An event as it was signed: what peers pass on. */
function asSigned(held: Event | WireEvent): Event[] {
  const read = readEvent("wire" in held ? held.wire : held);
  return read.ok ? [read.event] : [];
}

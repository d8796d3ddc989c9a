/**
 * The side of a session that faces peers: what its mesh may see and send of the room, what comes from it or from another
 * tab that has the links, and which way new events go first.
 */
import { BoundedMap } from "../../shared/bounded.ts";
import type { Cancel } from "../../shared/environment.ts";
import type { Timeline } from "../../chat/timeline.ts";
import type { AuthorKey, EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import { type Event, type LogEvent, readEvent } from "../../kinds/kinds.ts";
import { isStub } from "../../protocol/stub.ts";
import type { RoomInfo, SendSignalFrame } from "../../protocol/frames.ts";
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
import type { SessionStorage } from "../ports/session_storage.ts";

export interface PeerSyncDeps extends Pick<SessionDeps, "meter" | "preference" | "tabs"> {
  room: RoomId;
  /** Sealed rooms only. */
  secret?: string | undefined;
  verifier: SessionDeps["ed25519"];
  gate: EventVerifier;
  reader: ReplicaReader;
  people: RoomPeople;
  relayed: RelayedEvents;
  /** Undefined until the device's storage has answered, and when the session is over. */
  ground(): RoomState | undefined;
  /** The connection to the server is up. */
  isLive(): boolean;
  sendSignal(frame: SendSignalFrame): boolean;
  roomClock: RoomClock;
  /** What an operator deleted had clocks up to this; 0 when nothing was. */
  cleared(): number;
  /** What is shown of the room, or known of it, has changed. */
  onChange(): void;
  /** Other people are reached over peers, or by other ways. */
  onCoverage(): void;
  log(line: string): void;
}

export class PeerSync {
  readonly #deps: PeerSyncDeps;
  #mesh: SessionMesh | undefined;
  /** Events that were opened when they were checked, until they are told of. */
  readonly #opened = new BoundedMap<EventId, Event>(UNTOLD_MAX_EVENTS);
  readonly #stopListening: Cancel;

  constructor(deps: PeerSyncDeps) {
    this.#deps = deps;
    this.#stopListening = deps.tabs?.listen((what) => {
      if (what !== relayedTopic(deps.room)) return;
      this.#readKept().catch((error) => deps.log(`what another tab keeps could not be read: ${error}`));
    }) ?? (() => {});
  }

  /** The mesh that is in use. */
  get mesh(): SessionMesh | undefined {
    return this.#mesh;
  }

  use(mesh: SessionMesh | undefined): void {
    this.#mesh = mesh;
    this.#deps.ground()?.outbox.hurry();
  }

  get delivery(): DeliveryRoute {
    const { isLive, preference } = this.#deps;
    const { reached, missing } = this.#mesh?.coverage() ?? { reached: 0, missing: 0 };
    return deliveryRoute({ server: isLive(), reached, missing, preference: preference?.() ?? "auto" });
  }

  /** How long a new event that so many other phones hold may wait for others to travel with to the server, ms. */
  serverDelayMs(phones: number): number {
    const { server, reason } = this.delivery;
    if (server !== "lazy") return 0;
    const others = this.#deps.people.count - 1;
    return reason === "peers_reach_everyone" && phones >= others ? LAZY_HELD_MS : LAZY_SERVER_MS;
  }

  /** What a mesh works for; undefined until the device's key is known and the room is proven. */
  get host(): MeshHost | undefined {
    const { room, verifier, gate, reader, people, relayed, sendSignal } = this.#deps;
    const ground = this.#deps.ground();
    if (ground === undefined || gate.known === undefined) return undefined;
    const { signer, timeline, outbox } = ground;
    return {
      room,
      signer,
      verifier,
      present: () => [...people.names.keys()].filter((author) => author !== signer.author),
      held: () => [...reader.events, ...relayed.wires].flatMap(asSigned),
      unsent: () => outbox.unsent,
      verdict: (event) => this.#verdict(event),
      heardFromPeers: (event) => this.#heard(event, timeline, signer.author),
      receipts: (id, phones) => outbox.reached(id, phones),
      coverageChanged: () => this.#coverageChanged(outbox),
      sendSignal,
    };
  }

  /** What linking with a phone beside this one works for; undefined until the device's key is known. */
  get pairing(): PairingHost | undefined {
    const { room, secret, verifier, gate, roomClock } = this.#deps;
    const ground = this.#deps.ground();
    if (ground === undefined) return undefined;
    return {
      room,
      secret,
      signer: ground.signer,
      verifier,
      info: () => gate.known?.info,
      clockSeen: () => roomClock.seen,
      learn: (info, clock) => this.#learn(info, clock, ground.storage),
    };
  }

  /** Shows events that came over links and that the device keeps. */
  showKept({ timeline }: RoomState, events: readonly Event[]): void {
    this.#deps.reader.erase(timeline.add(events));
    for (const event of events) {
      this.#deps.roomClock.see(event.clock);
      this.#deps.relayed.add(event, true);
    }
  }

  dispose(): void {
    this.#stopListening();
  }

  /** Another tab of the device has the links: what came over them is shown here, too. */
  async #readKept(): Promise<void> {
    const { room, gate, onChange } = this.#deps;
    const ground = this.#deps.ground(), head = gate.known;
    if (ground === undefined || head === undefined) return;
    const kept = await openKept(await ground.storage.relayed(room), ground.sealer, head);
    if (this.#deps.ground() === undefined) return;
    this.showKept(ground, kept.filter(({ id }) => !ground.timeline.has(id)));
    onChange();
  }

  async #learn(info: RoomInfo, clock: number, storage: SessionStorage): Promise<boolean> {
    const { gate, log, onChange } = this.#deps;
    const isNew = gate.known === undefined;
    if (!await gate.learn(info)) return false;
    if (!isNew) return true;
    this.#deps.roomClock.see(clock);
    // Of no log yet, so that the first server's takes its place: the room opens again without one.
    await storage.saveReplica(info.id, { epoch: "", ranges: [], oldest: 1, room: info, events: [] }, false)
      .catch((error) => log(`the room could not be kept: ${error}`));
    onChange();
    return true;
  }

  async #verdict(event: Event): Promise<"good" | "forged" | "refused"> {
    const { gate, roomClock, cleared } = this.#deps;
    if (event.clock <= cleared()) return "refused";
    if (event.clock > roomClock.seen + CLOCK_MAX_LEAD) return "refused";
    const admitted = await gate.verify(event);
    if (typeof admitted === "string") return admitted;
    this.#opened.set(event.id, admitted);
    return "good";
  }

  #heard({ id }: Event, timeline: Timeline, me: AuthorKey): void {
    const { ground, people, reader, relayed, meter, roomClock, onChange } = this.#deps;
    const event = this.#opened.get(id);
    this.#opened.delete(id);
    if (event === undefined || timeline.has(id) || event.kind === "room" || ground() === undefined) return;
    if (event.kind === "profile") people.rename(event.author, event.body.name);
    reader.erase(timeline.add([event]));
    if (event.author !== me) relayed.add(event);
    meter?.heardFromPeers(1);
    roomClock.see(event.clock);
    onChange();
  }

  #coverageChanged(outbox: Outbox): void {
    if (this.delivery.server !== "lazy") outbox.hurry();
    this.#deps.onCoverage();
  }
}

/** An event as it was signed: what peers pass on. */
function asSigned(held: LogEvent | WireEvent): Event[] {
  const wire = "wire" in held ? held.wire : held;
  if (isStub(wire)) return [];
  const read = readEvent(wire);
  return read.ok ? [read.event] : [];
}

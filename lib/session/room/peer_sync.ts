/**
 * An open room's side towards its peers: which way new events go first, and what another tab that has the links keeps. The
 * mesh and its hosts (lib/session/mesh) are loaded when there is somebody to link to.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Timeline } from "../../chat/timeline.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { AuthorKey } from "../../protocol/event.ts";
import { type DeliveryRoute, deliveryRoute } from "../../routing/delivery_route.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { LAZY_HELD_MS, LAZY_SERVER_MS } from "../ports/session_limits.ts";
import type { ReplicaReader } from "../replica/replica_reader.ts";
import { type RelayedEvents, relayedTopic } from "../replica/relayed_events.ts";
import type { SessionMesh } from "../ports/mesh_host.ts";
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
  /** The screen has to change. */
  onChange(): void;
  log(line: string): void;
}

export class PeerSync {
  /** The operator deleted every event up to this Lamport clock; 0: none. */
  cleared = 0;
  /** The membership of the last welcome. */
  membership: string | undefined;
  readonly parts: PeerSyncDeps;
  #mesh: SessionMesh | undefined;
  readonly #stopListening: Cancel | undefined;
  #disposed = false;

  constructor(deps: PeerSyncDeps) {
    this.parts = deps;
    this.#stopListening = deps.tabs?.listen((topic) => {
      if (topic !== relayedTopic(deps.room)) return;
      this.#readKept().catch((error) => deps.log(`relayed events: not read: ${error}`));
    });
  }

  /** The mesh in use. */
  get mesh(): SessionMesh | undefined {
    return this.#mesh;
  }

  use(mesh: SessionMesh | undefined): void {
    this.#mesh = mesh;
    this.parts.outbox.hurry();
  }

  /** People in the room besides me, according to the server. */
  get others(): AuthorKey[] {
    const { people, signer } = this.parts;
    return [...people.names.keys()].filter((author) => author !== signer.author);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  get delivery(): DeliveryRoute {
    const { connection, preference } = this.parts;
    const { reached, missing } = this.#mesh?.coverage() ?? { reached: 0, missing: 0 };
    return deliveryRoute({ server: connection.live, reached, missing, preference: preference?.() ?? "auto" });
  }

  /** How long a new event that this many other phones hold may wait for others to travel with to the server, ms. */
  serverDelayMs(phones: number): number {
    const { server, reason } = this.delivery;
    if (server !== "lazy") return 0;
    const others = this.parts.people.count - 1;
    return reason === "peers_reach_everyone" && phones >= others ? LAZY_HELD_MS : LAZY_SERVER_MS;
  }

  /** Shows stored events that came over links. */
  showKept(events: readonly Event[]): void {
    this.parts.reader.erase(this.parts.timeline.add(events));
    for (const event of events) {
      this.parts.roomClock.see(event.clock);
      this.parts.relayed.add(event, true);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopListening?.();
  }

  /** Another tab of the device has the links: shows the events that it stored. */
  async #readKept(): Promise<void> {
    const { room, storage, sealer, timeline, verifier, onChange } = this.parts;
    const head = verifier.known;
    if (head === undefined) return;
    const kept = await openKept(await storage.relayed(room), sealer, head);
    if (this.#disposed) return;
    this.showKept(kept.filter(({ id }) => !timeline.has(id)));
    onChange();
  }

  /** Links, or whom they reach, have changed. */
  coverageChanged(): void {
    const { outbox, connection, onChange } = this.parts;
    if (this.delivery.server !== "lazy") outbox.hurry();
    // Without a server the people here are those that peers reach.
    if (!connection.live) onChange();
  }
}

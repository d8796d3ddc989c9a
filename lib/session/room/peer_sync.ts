/**
 * An open room's side towards its peers: which way new events go first, and what another tab that has the links keeps. The
 * mesh and its hosts (lib/session/mesh) are loaded when there is somebody to link to.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { AuthorKey } from "../../protocol/event.ts";
import { type DeliveryRoute, deliveryRoute } from "../../routing/delivery_route.ts";
import { LAZY_HELD_MS, LAZY_SERVER_MS } from "../ports/session_limits.ts";
import { relayedTopic } from "../replica/relayed_events.ts";
import type { SessionMesh } from "../ports/mesh_host.ts";
import type { RoomParts } from "./room_parts.ts";
import { openKept } from "./room_state.ts";

export class PeerSync {
  /** The operator deleted every event up to this Lamport clock; 0: none. */
  cleared = 0;
  /** The membership of the last welcome. */
  membership: string | undefined;
  readonly room: RoomParts;
  #mesh: SessionMesh | undefined;
  readonly #stopListening: Cancel | undefined;
  disposed = false;

  constructor(room: RoomParts) {
    this.room = room;
    const { state, deps } = room;
    this.#stopListening = deps.tabs?.listen((topic) => {
      if (topic !== relayedTopic(state.room)) return;
      this.#readKept().catch((error) => deps.log(`relayed events: not read: ${error}`));
    });
  }

  /** The mesh in use. */
  get mesh(): SessionMesh | undefined {
    return this.#mesh;
  }

  use(mesh: SessionMesh | undefined): void {
    this.#mesh = mesh;
    this.room.outbox.hurry();
  }

  /** People in the room besides me, according to the server. */
  get others(): AuthorKey[] {
    const { people, state } = this.room;
    return [...people.names.keys()].filter((author) => author !== state.signer.author);
  }

  get delivery(): DeliveryRoute {
    const { connection, preference } = this.room.deps;
    const { reached, missing } = this.#mesh?.coverage() ?? { reached: 0, missing: 0 };
    return deliveryRoute({ server: connection.live, reached, missing, preference: preference?.() ?? "auto" });
  }

  /** How long a new event that this many other phones hold may wait for others to travel with to the server, ms. */
  serverDelayMs(phones: number): number {
    const { server, reason } = this.delivery;
    if (server !== "lazy") return 0;
    const others = this.room.people.count - 1;
    return reason === "peers_reach_everyone" && phones >= others ? LAZY_HELD_MS : LAZY_SERVER_MS;
  }

  /** Shows stored events that came over links. */
  showKept(events: readonly Event[]): void {
    this.room.reader.erase(this.room.timeline.add(events));
    for (const event of events) {
      this.room.seeClock(event.clock);
      this.room.relayed.add(event, true);
    }
  }

  dispose(): void {
    this.disposed = true;
    this.#stopListening?.();
  }

  /** Another tab of the device has the links: shows the events that it stored. */
  async #readKept(): Promise<void> {
    const { state: { room, storage, sealer }, timeline, verifier, deps } = this.room;
    const head = verifier.known;
    if (head === undefined) return;
    const kept = await openKept(await storage.relayed(room), sealer, head);
    if (this.disposed) return;
    this.showKept(kept.filter(({ id }) => !timeline.has(id)));
    deps.onChange();
  }

  /** Links, or whom they reach, have changed. */
  coverageChanged(): void {
    const { outbox, deps: { connection, onChange } } = this.room;
    if (this.delivery.server !== "lazy") outbox.hurry();
    // Without a server the people here are those that peers reach.
    if (!connection.live) onChange();
  }
}

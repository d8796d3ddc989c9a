/** The parts of an open room that others join: the server's side, the peers' side, and the storage. */
import type { Timeline } from "../../chat/timeline.ts";
import type { ServerConnection } from "../connection/server_connection.ts";
import type { RoomProblem } from "../model/conversation_model.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { SessionMesh } from "../ports/mesh_host.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { EventVerifier } from "../replica/event_verifier.ts";
import type { ReadCursor } from "../replica/read_cursor.ts";
import type { RelayedEvents } from "../replica/relayed_events.ts";
import type { ReplicaReader } from "../replica/replica_reader.ts";
import type { VerifiedRoom } from "../replica/verified_room.ts";
import type { RoomCommands } from "./room_commands.ts";
import type { RoomPeople } from "./room_people.ts";
import type { RoomState } from "./room_state.ts";

export interface OpenRoomDeps extends SessionDeps {
  /** The key of a sealed room, as the link has it. */
  secret: string | undefined;
  commands: Pick<RoomCommands, "name" | "nameFor">;
  connection: ServerConnection;
  /** The room was verified: on opening, and again when the server tells of changes. */
  onVerified(room: VerifiedRoom): void;
  /** This page cannot show the room. */
  onProblem(problem: RoomProblem): void;
  /** The screen has to change. */
  onChange(): void;
}

export interface RoomParts {
  readonly state: RoomState;
  readonly deps: OpenRoomDeps;
  readonly timeline: Timeline;
  readonly verifier: EventVerifier;
  readonly people: RoomPeople;
  readonly outbox: Outbox;
  readonly relayed: RelayedEvents;
  readonly readCursor: ReadCursor;
  readonly reader: ReplicaReader;
  readonly peers: { readonly mesh: SessionMesh | undefined };
  /** The highest Lamport clock seen in the room, over any transport. */
  readonly clockSeen: number;
  seeClock(clock: number): void;
}

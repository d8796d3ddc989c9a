/** What a session and the mesh of its room are to each other. */
import type { ReadonlySignal } from "@preact/signals";
import type { ConnectionState } from "../model/connection_model.ts";
import type { DeliveryRoute } from "../../routing/delivery_route.ts";
import type { Signer, Verifier } from "../../crypto/signing.ts";
import type { Bytes } from "../../protocol/peer/file_frames.ts";
import type { AuthorKey, Event, EventId, RoomId } from "../../protocol/event.ts";
import type { RoomInfo, SendSignalFrame, SignalFrame, SignalUndeliverableFrame } from "../../protocol/frames.ts";

/** The session, for a mesh. */
export interface MeshHost {
  readonly room: RoomId;
  readonly signer: Signer;
  readonly verifier: Verifier;
  /** Who is in the room besides me, as far as the server told. */
  present(): AuthorKey[];
  /** Events that are held, as they are signed, in the order of the log; then those of no log. */
  held(): Iterable<Event>;
  /** My events that wait for the server. */
  unsent(): Iterable<Event>;
  /** Whether an event may come into the room. */
  verdict(event: Event): Promise<"good" | "forged" | "refused">;
  /** An event that is good came from a peer, for the first time. */
  heardFromPeers(event: Event): void;
  /** So many other phones are proven to hold an event of mine. */
  receipts(id: EventId, phones: number): void;
  /** Whom peers reach has changed. */
  coverageChanged(): void;
  /** Sends signaling to a peer over the room's connection; false when that takes none now. */
  sendSignal(frame: SendSignalFrame): boolean;
}

/** The session, for what opens and closes meshes. */
export interface MeshSession {
  readonly connection: ReadonlySignal<ConnectionState>;
  /** Undefined until the device's key is known and the room is verified. */
  readonly meshHost: MeshHost | undefined;
  /** Undefined until the device's key is known. */
  readonly pairingHost: PairingHost | undefined;
  /** Uses a mesh from now on, or none. */
  useMesh(mesh: SessionMesh | undefined): void;
  /** Where new events of mine go first, and why. */
  readonly delivery: DeliveryRoute;
}

/** The session, for two phones that link without a server. */
export interface PairingHost {
  readonly room: RoomId;
  /** Sealed rooms only. */
  readonly secret: string | undefined;
  readonly signer: Signer;
  readonly verifier: Verifier;
  /** What is known of the room. */
  info(): RoomInfo | undefined;
  /** The highest Lamport clock seen in the room. */
  clockSeen(): number;
  /** Another phone tells what the room is. False: it is not so. Where the room is known already nothing changes. */
  learn(info: RoomInfo, clock: number): Promise<boolean>;
}

/** The mesh, for its session. */
export interface SessionMesh {
  /** A new event of mine, signed. */
  publish(event: Event): void;
  /** An event came from the server. */
  heard(event: Event): void;
  presentChanged(): void;
  /** The operator cleared the room: begins anew, with nothing held. */
  cleared(): void;
  signal(frame: SignalFrame): void;
  undeliverable(frame: SignalUndeliverableFrame): void;
  /** How many people of the room are reached over peers, and how many are not. */
  coverage(): { reached: number; missing: number };
  /** Who is reached over peers. */
  reached(): AuthorKey[];
}

/** The mesh, for the files of its room. */
export interface FileMesh {
  /** Puts a frame on the channel for files; false when it takes none now, then `drained` follows. */
  sendFile(peer: AuthorKey, frame: Bytes): boolean;
  /** Sets up a link, if that can be. */
  call(peer: AuthorKey): void;
  /** The neighbour over which a phone is reached. */
  wayTo(peer: AuthorKey): AuthorKey | undefined;
}

/** The files of a room, for its mesh. */
export interface FileLinks {
  /** Uses a mesh from now on, or none. */
  useMesh(mesh: FileMesh | undefined): void;
  linked(peer: AuthorKey): void;
  unlinked(peer: AuthorKey): void;
  received(peer: AuthorKey, data: unknown): void;
  drained(peer: AuthorKey): void;
}

/** The interfaces between a room, its mesh and its files. */
import type { Signer, Verifier } from "../../crypto/signing.ts";
import type { Bytes } from "../../protocol/peer/file_frames.ts";
import type { AuthorKey, EventId, RoomId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
import type { RoomInfo, ServerFrame } from "../../protocol/frames.ts";

/** The room, as its mesh sees it. */
export interface MeshHost {
  readonly room: RoomId;
  readonly signer: Signer;
  readonly verifier: Verifier;
  /** People in the room besides me, according to the server. */
  present(): AuthorKey[];
  /** Events as they were signed: those of the log in order, then those of no log. */
  held(): Iterable<Event>;
  /** My events that wait for the server. */
  unsent(): Iterable<Event>;
  /** Verifies an event from a peer. `forged`: not signed by its author; `refused`: it does not belong into the room. */
  verdict(event: Event): Promise<"good" | "forged" | "refused">;
  /** A verified event arrived from a peer for the first time. */
  heardFromPeers(event: Event): void;
  /** This many other phones have signed that they hold an event of mine. */
  receipts(id: EventId, phones: number): void;
  /** The people whom peers reach have changed. */
  coverageChanged(): void;
  /** Sends signaling over the connection to the server; false when the connection rejects it. */
  sendSignal(frame: ClientFrame<"signal">): boolean;
}

/** The room, as two phones see it that link without a server. */
export interface PairingHost {
  readonly room: RoomId;
  /** Sealed rooms only. */
  readonly secret: string | undefined;
  readonly signer: Signer;
  readonly verifier: Verifier;
  /** The room's description, if it is known. */
  info(): RoomInfo | undefined;
  /** The highest Lamport clock seen in the room. */
  clockSeen(): number;
  /** Takes a description of the room from another phone. False: it is wrong. Changes nothing when the room is known. */
  learn(info: RoomInfo, clock: number): Promise<boolean>;
}

/** The mesh, as its room sees it. */
export interface SessionMesh {
  /** A new event of mine, signed. */
  publish(event: Event): void;
  /** An event arrived from the server. */
  heard(event: Event): void;
  presentChanged(): void;
  /** The operator cleared the room: the mesh has to start again without events. */
  cleared(): void;
  signal(frame: ServerFrame<"signal">): void;
  undeliverable(frame: ServerFrame<"signal_undeliverable">): void;
  /** How many people of the room peers reach, and how many they do not. */
  coverage(): { reached: number; missing: number };
  /** People whom peers reach. */
  reached(): AuthorKey[];
}

/** The mesh, as the files of its room see it. */
export interface FileMesh {
  /** Sends a frame on the channel for files; false when it is full, and `drained` follows. */
  sendFile(peer: AuthorKey, frame: Bytes): boolean;
  /** Sets up a link, if possible. */
  call(peer: AuthorKey): void;
  /** The neighbour on the way to a phone. */
  wayTo(peer: AuthorKey): AuthorKey | undefined;
}

/** The files of a room, as its mesh sees them. */
export interface FileLinks {
  /** Uses this mesh from now on, or none. */
  useMesh(mesh: FileMesh | undefined): void;
  linked(peer: AuthorKey): void;
  unlinked(peer: AuthorKey): void;
  received(peer: AuthorKey, data: unknown): void;
  drained(peer: AuthorKey): void;
}

/** The interfaces between a room, its mesh and its files. */
import type { FileExchange } from "../../files/exchange.ts";
import type { Bytes } from "../../protocol/peer/file_frames.ts";
import type { AuthorKey } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { ServerFrame } from "../../protocol/frames.ts";

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

/** The exchange of files, as the links see it. */
export type FileLinkEvents = Pick<FileExchange, "linked" | "unlinked" | "received" | "drained">;

/** The files of a room, as its mesh sees them. */
export interface FileLinks {
  /** Uses this mesh from now on, or none. */
  useMesh(mesh: FileMesh | undefined): void;
  readonly exchange: FileLinkEvents;
}

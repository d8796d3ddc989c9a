/** What a page knows of the files of its room: read-only signals and actions. lib/session/files/room_files.ts is it. */
import type { ReadonlySignal } from "@preact/signals";
import type { BlockedReason } from "../../files/file_ports.ts";
import type { FileInfo, FileRoot } from "../../protocol/file_info.ts";
import type { SendProblem } from "./conversation_model.ts";

/** How far a file is on this device. */
export interface FileView {
  /** `unknown`: not looked up yet. */
  state: "unknown" | "absent" | "fetching" | "paused" | "here";
  bytesHere: number;
  /** Linked phones that hold something of what is missing here. */
  holders: number;
  /** Why it does not go on. */
  blockedReason?: BlockedReason;
  /** Mine, and no other phone is known to have it. */
  onlyHere?: true;
}

/** A file that is about to be offered. */
export interface FileToSend {
  blob: Blob;
  name: string;
  type: string;
  size?: FileInfo["size"];
  thumbnail?: string;
}

/** Why a file was not offered. `unreadable`: the device does not give it away (any more). */
export type FileProblem = SendProblem | "too_large" | "no_place" | "unreadable";

export interface FilesModel {
  view(root: FileRoot): ReadonlySignal<FileView>;
  /** Gets it, or goes on with it. */
  fetch(root: FileRoot): Promise<void>;
  /** Stops; what is here stays. */
  pause(root: FileRoot): Promise<void>;
  /** All of it; undefined when it is not here. Its type is that of a picture that is shown, or tells nothing. */
  open(file: FileInfo): Promise<Blob | undefined>;
  /** Keeps a file on this device and offers it to the room. */
  send(file: FileToSend, caption: string): Promise<{ problem?: FileProblem }>;
  /** Whether a picture that comes on the screen is fetched without being asked for. */
  fetchesByItself(file: FileInfo): boolean;
}

/** What is shown in a page: types of which a browser makes a picture and nothing else. All others are only saved. */
const SHOWN_PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"];

export function isShownPicture(type: string): boolean {
  return SHOWN_PICTURES.includes(type);
}

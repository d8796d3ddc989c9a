/** The files of one open room, as a page shows them. lib/session/files/room_files.ts implements it. */
import type { ReadonlySignal } from "@preact/signals";
import type { BlockedReason } from "../../files/file_ports.ts";
import type { FileInfo, FileRoot } from "../../protocol/file_info.ts";
import type { SendProblem } from "./conversation_model.ts";

/** How much of a file is on this device. */
export interface FileView {
  /** `unknown`: not looked up yet. */
  state: "unknown" | "absent" | "fetching" | "paused" | "here";
  bytesHere: number;
  /** Linked phones that hold missing parts. */
  holders: number;
  /** Why the download does not continue. */
  blockedReason?: BlockedReason;
  /** Mine, and not known to be on another phone. */
  onlyHere?: true;
}

/** A file to offer. */
export interface FileToSend {
  blob: Blob;
  name: string;
  type: string;
  size?: FileInfo["size"];
  thumbnail?: string;
}

/** Why a file was not offered. `unreadable`: the device does not allow reading it (any more). */
export type FileProblem = SendProblem | "too_large" | "no_place" | "unreadable";

export interface FilesModel {
  view(root: FileRoot): ReadonlySignal<FileView>;
  /** Downloads the file, or resumes its download. */
  fetch(root: FileRoot): Promise<void>;
  /** Pauses the download; downloaded parts stay. */
  pause(root: FileRoot): Promise<void>;
  /** The whole file; undefined when it is not here. Its type is that of a shown picture, or generic. */
  open(file: FileInfo): Promise<Blob | undefined>;
  /** Stores a file on this device and offers it to the room. */
  send(file: FileToSend, caption: string): Promise<{ problem?: FileProblem }>;
  /** Whether the picture downloads by itself when it comes on the screen. */
  fetchesByItself(file: FileInfo): boolean;
}

/**
 * Types that are shown in the page: a browser draws them as pictures and nothing else. Other files can only be saved.
 */
const SHOWN_PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"];

export function isShownPicture(type: string): boolean {
  return SHOWN_PICTURES.includes(type);
}

/** A room verified by its genesis event, so a server can neither invent a room's name and host nor change them. */
import { roomNamePlace, type Sealer } from "../../crypto/seal.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import type { RoomId } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import type { RoomProblem, RoomView } from "../model/conversation_model.ts";

/** A room whose genesis event was verified. */
export interface VerifiedRoom {
  info: RoomInfo;
  view: RoomView;
  /** The genesis event with the room's name in the clear. */
  founding: Event;
}

/** Whether the genesis event confirms `info`, and its author signed it. */
export async function isGenesis(info: RoomInfo, room: RoomId, verifier: Verifier): Promise<boolean> {
  const read = readEvent(info.founding);
  if (!read.ok || read.event.kind !== "room") return false;
  const { event } = read;
  const { roomKind, name } = event.body;
  return event.room === room && info.id === room && event.n === 1 && event.author === info.host &&
    roomKind === info.kind && name === info.name && await verifyEvent(verifier, event);
}

/** Opens a room whose genesis event is right, or says why it cannot be shown. Without a sealer only plain rooms can. */
export async function verifyRoom(info: RoomInfo, sealer: Sealer | undefined): Promise<VerifiedRoom | RoomProblem> {
  // The link has a key and the server calls the room plain: nothing typed here may go out in the clear.
  if (info.kind !== "sealed" && sealer !== undefined) return { problem: "wrong_secret" };
  if (info.kind === "sealed" && sealer === undefined) return { problem: "secret_missing" };
  const name = sealer === undefined ? info.name : await sealer.open(info.name, roomNamePlace(info.id));
  if (name === undefined) return { problem: "wrong_secret" };
  const read = readEvent(info.founding);
  if (!read.ok) throw new TypeError(`unreadable genesis event: ${read.problem.field}`);
  const { id, kind, code, host } = info;
  return {
    info,
    view: { id, kind, name, host, ...(code !== undefined && { code }) },
    founding: { ...read.event, kind: "room", body: { roomKind: kind, name } },
  };
}

// Runs in browser and server.
/** Signs own signals and verifies received ones: their author, room and receiver. */
import type { AuthorKey, RoomId } from "../protocol/event.ts";
import type { ClientFrame } from "../protocol/client_frames.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import {
  encodeSignal,
  readSignal,
  type Signal,
  type SignalContent,
  type SignalHeader,
} from "../protocol/peer/signal.ts";
import type { Signer, Verifier } from "./signing.ts";

/** Writes and signs a signal, and returns its frame. Throws RangeError if it is too long. */
export async function signSignal(
  signer: Signer,
  header: Omit<SignalHeader, "from">,
  content: SignalContent,
): Promise<ClientFrame<"signal">> {
  const payload = encodeSignal({ ...header, from: signer.author }, content);
  return { type: "signal", to: header.to, payload, signature: await signer.sign(payload) };
}

/** Why a signal is rejected. */
export type SignalProblem =
  /** Malformed; `field` names the first wrong field. */
  | { problem: "bad_field"; field: string }
  /** It names another room, another receiver, or another sender than its connection's. */
  | { problem: "misdirected"; field: "room" | "to" | "from" }
  | { problem: "bad_signature" };

/** Verifies a `signal` frame except for replays, which ReplayWindow detects per link session. */
export async function openSignal(
  verifier: Verifier,
  frame: Pick<ServerFrame<"signal">, "from" | "payload" | "signature">,
  place: { room: RoomId; me: AuthorKey },
): Promise<{ ok: true; signal: Signal } | { ok: false; problem: SignalProblem }> {
  const read = readSignal(frame.payload);
  if (!read.ok) return { ok: false, problem: { problem: "bad_field", field: read.field } };
  const { signal } = read;
  const misdirected = signal.room !== place.room
    ? "room"
    : signal.to !== place.me
    ? "to"
    : signal.from !== frame.from
    ? "from"
    : undefined;
  if (misdirected !== undefined) return { ok: false, problem: { problem: "misdirected", field: misdirected } };
  const valid = await verifier.verify(signal.from, frame.payload, frame.signature);
  return valid ? { ok: true, signal } : { ok: false, problem: { problem: "bad_signature" } };
}

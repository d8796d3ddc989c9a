/** Signals for tests: right in every field, and wrong where a test says so. */
import { signSignal } from "../../lib/crypto/signal_signing.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { ClientFrame } from "../../lib/protocol/client_frames.ts";
import type { SignalContent, SignalHeader } from "../../lib/protocol/peer/signal.ts";
import type { TestClient } from "./client.ts";

/** A link session's id that a number stands for. */
export function sessionOf(number: number): string {
  return toBase64Url(new Uint8Array(16).fill(number));
}

/** A signal from one test client to another author, ready to be sent. */
export function signalFrom(
  client: TestClient,
  to: string,
  { content = { kind: "offer", sdp: "v=0", links: 2 }, ...header }: Partial<SignalHeader> & {
    content?: SignalContent;
  } = {},
): Promise<ClientFrame<"signal">> {
  const { room } = client.options;
  return signSignal(client.signer, { room, to, session: sessionOf(1), seq: 1, ...header }, content);
}

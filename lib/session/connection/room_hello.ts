import { personNamePlace } from "../../crypto/seal.ts";
import type { ClientFrame, HelloProof } from "../../protocol/client_frames.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { RoomState } from "../room/room_state.ts";

/** Answers a challenge of the server: proves with my key who I am, and gives my name, `clear`, which is sealed here in a sealed room. */
export async function signHello(
  { room, signer, sealer }: Pick<RoomState, "room" | "signer" | "sealer">,
  nonce: string,
  clear: string,
): Promise<ClientFrame<"hello">> {
  const { author } = signer;
  const name = sealer === undefined ? clear : await sealer.seal(clear, personNamePlace(room, author));
  const proof: HelloProof = { hello: 1, nonce, room, author, name };
  const payload = JSON.stringify(proof);
  const signature = await signer.sign(payload);
  return { type: "hello", version: PROTOCOL_VERSION, proof: [payload, signature] };
}

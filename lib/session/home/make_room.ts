/** Makes a room: its id, key and genesis event come from this device; the server only verifies and stores them. */
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import { roomSeed } from "../../crypto/room_key.ts";
import { newRoomSecret, roomNamePlace, sealerOf } from "../../crypto/seal.ts";
import { signEvent } from "../../crypto/signing.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import type { RoomKind } from "../../protocol/event.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { memoryStorage } from "../storage/memory_storage.ts";
import { raise } from "../outbox/outbox_state.ts";
import { type HttpDeps, type HttpProblem, postRoom } from "./room_requests.ts";

/** Ids to try: two in a row that are taken, or without a free code, are no coincidence. */
const ID_ATTEMPTS = 3;

export type MakeRoomDeps = Pick<SessionDeps, "clock" | "random" | "storage" | "ed25519"> & HttpDeps;

/** Makes a room whose host is this device. `name` is tidy; in a sealed room it leaves the device sealed only. */
export async function makeRoom(
  deps: MakeRoomDeps,
  name: string,
  kind: RoomKind,
): Promise<Omit<KnownRoom, "openedAt" | "favourite"> | HttpProblem> {
  const { clock, random, ed25519 } = deps;
  const makeSecret = () => random.bytes(32);
  const deviceSecret = await deps.storage.secret(makeSecret).catch((error) => {
    deps.log(`storage is not usable: ${error}`);
    return memoryStorage().secret(makeSecret);
  });
  for (let attempt = 1;; attempt++) {
    const room = toBase64Url(random.bytes(16));
    const secret = kind === "sealed"
      ? newRoomSecret((bytes) => {
        bytes.set(random.bytes(bytes.length));
        return bytes;
      })
      : undefined;
    const signedName = secret === undefined ? name : await (await sealerOf(secret)).seal(name, roomNamePlace(room));
    const signer = await ed25519.signer(roomSeed(deviceSecret, room));
    const genesis = await signEvent(
      signer,
      { room, n: 1, clock: 1, at: clock.now() },
      { kind: "room", body: { roomKind: kind, name: signedName } },
    );
    const made = await postRoom(deps, genesis.wire);
    if ("problem" in made) {
      const unlucky = made.problem === "id_taken" || made.problem === "no_free_code";
      if (unlucky && attempt < ID_ATTEMPTS) continue;
      return made;
    }
    // The genesis event had number 1. If this cannot be stored, the first welcome says so.
    await deps.storage.changeOutbox(room, (state) => raise(state, { n: 1, clock: 1 }))
      .catch((error) => deps.log(`the outbox could not be prepared: ${error}`));
    return { id: room, kind, name, ...(made.code && { code: made.code }), ...(secret && { secret }) };
  }
}

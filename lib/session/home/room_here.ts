/** The room of a page that no server drew: found by its address, in the stored rooms or in a scanned code. */
import { type KnownRoom, roomPath } from "../../chat/recent_rooms.ts";
import { PAIRING_FRAGMENT } from "../../shared/page_paths.ts";
import type { RoomId, RoomKind } from "../../protocol/event.ts";
import { readPairing } from "../../protocol/peer/pairing_code.ts";

export interface RoomHere {
  head: { id: RoomId; kind: RoomKind; name?: string; code?: string };
  secret?: string;
  /** The scanned code of a phone to link with. */
  pairing?: string;
}

/** Undefined: no room, or one that this device does not know. */
export function roomHere(
  { pathname, hash }: Pick<Location, "pathname" | "hash">,
  rooms: readonly KnownRoom[],
): RoomHere | undefined {
  if (hash.startsWith(`#${PAIRING_FRAGMENT}`)) {
    const pairing = decoded(hash.slice(1 + PAIRING_FRAGMENT.length));
    const code = readPairing(pairing);
    if (code === undefined) return undefined;
    const { room: id, secret } = code;
    const known = rooms.find((room) => room.id === id);
    // Linking reveals the kind of the room; before that only sealed rooms differ.
    const head = known === undefined
      ? { id, kind: secret === undefined ? "unlisted" as const : "sealed" as const }
      : headOf(known);
    return { head, ...(secret !== undefined && { secret }), pairing };
  }
  const known = rooms.find((room) => roomPath(room).split("#")[0] === pathname);
  if (known === undefined) return undefined;
  const secret = hash.slice(1) || known.secret;
  return { head: headOf(known), ...(known.kind === "sealed" && secret && { secret }) };
}

function headOf({ id, kind, name, code }: KnownRoom): RoomHere["head"] {
  return { id, kind, name, ...(code !== undefined && { code }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // Not an address of this app.
  }
}

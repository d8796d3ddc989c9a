/** A page that no server drew knows its room by its address, or by a code that was scanned. */
import { assertEquals } from "@std/assert";
import type { KnownRoom } from "../../lib/chat/recent_rooms.ts";
import { readScanned } from "../../lib/ui/room_link.ts";
import { encodePairing, type PairingCode } from "../../lib/protocol/peer/pairing_code.ts";
import { roomHere } from "../../lib/session/home/room_here.ts";

const STAGE: KnownRoom = {
  id: "AAECAwQFBgcICQoLDA0ODw",
  kind: "unlisted",
  name: "Stage",
  code: "cosmic-stage-417",
  openedAt: 1,
  favourite: false,
};
const CREW: KnownRoom = {
  id: "EBESExQVFhcYGRobHB0eHw",
  kind: "sealed",
  name: "Crew",
  secret: "AAECAwQFBgcICQoLDA0ODg",
  openedAt: 1,
  favourite: false,
};
const ROOMS = [STAGE, CREW];
const at = (address: string) => {
  const { pathname, hash } = new URL(address, "https://chat.example");
  return roomHere({ pathname, hash }, ROOMS);
};
const code: PairingCode = {
  room: STAGE.id,
  fingerprint: "u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s",
  ufrag: "ABCD",
  pwd: "/9hkx82OZ8PpGQOrbykEwHQ0",
  addresses: [{ host: "10.0.0.1", port: 1 }],
};
const scanned = (text: string) => {
  const found = readScanned(text, "https://chat.example");
  return found.found === "pairing" ? at(found.path) : undefined;
};

Deno.test("a room that this device remembers is known by its path, a sealed one with its key", () => {
  assertEquals(at("/r/cosmic-stage-417"), {
    head: { id: STAGE.id, kind: "unlisted", name: "Stage", code: "cosmic-stage-417" },
  });
  const head = { id: CREW.id, kind: "sealed" as const, name: "Crew" };
  assertEquals(at(`/s/${CREW.id}`), { head, secret: CREW.secret! });
  assertEquals(at(`/s/${CREW.id}#other`), { head, secret: "other" });
  for (const path of ["/", "/offline", "/r/other-stage-1", "/s/AAAA"]) assertEquals(at(path), undefined);
});

Deno.test("a scanned code opens its room, known or not", () => {
  const text = encodePairing(code);
  assertEquals(scanned(text), {
    head: { id: STAGE.id, kind: "unlisted", name: "Stage", code: "cosmic-stage-417" },
    pairing: text,
  });
  const sealed = encodePairing({ ...code, room: "ICEiIyQlJicoKSorLC0uLw", secret: STAGE.id });
  assertEquals(scanned(sealed), {
    head: { id: "ICEiIyQlJicoKSorLC0uLw", kind: "sealed" },
    secret: STAGE.id,
    pairing: sealed,
  });
});

Deno.test("a fragment that holds no code opens no room", () => {
  for (const hash of ["#pair=", "#pair=FC1:AAA", "#pair=%E0%A4%A", `#pair=${STAGE.id}`]) {
    assertEquals(at(`/offline${hash}`), undefined, hash);
  }
});

/**
 * Synchronous keys and signatures for mesh simulations: a keyed hash instead of Ed25519, as in
 * tests/simulation/fake_ed25519.ts. A signature matches one text and author only. Not secret.
 */
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { type AuthorKey, encodePayload, type EventHeader, eventIdOf } from "../../lib/protocol/event.ts";
import type { Event, EventContent } from "../../lib/kinds/kinds.ts";
import type { SeededRandom } from "../simulation/random.ts";

export function fakeKey(random: SeededRandom): AuthorKey {
  return toBase64Url(random.bytes(32));
}

/** The author's signature of a text: 64 bytes derived from both. */
export function fakeSign(author: AuthorKey, text: string): string {
  let a = 0x811c9dc5, b = 0x9747b28c;
  for (const part of [author, text]) {
    for (let at = 0; at < part.length; at++) {
      const unit = part.charCodeAt(at);
      a = Math.imul(a ^ unit, 0x01000193) >>> 0;
      b = Math.imul(b ^ unit, 0x85ebca6b) >>> 0;
      b = ((b << 13) | (b >>> 19)) >>> 0;
    }
  }
  const bytes = new Uint8Array(64);
  for (let at = 0; at < 8; at++) bytes[at] = at < 4 ? a >>> (8 * at) : b >>> (8 * (at - 4));
  return toBase64Url(bytes);
}

export function fakeVerify(author: AuthorKey, text: string, signature: string): boolean {
  return fakeSign(author, text) === signature;
}

/** A signed message, or another content. */
export function fakeEvent(header: EventHeader, text: string, other?: EventContent): Event {
  const content = other ?? { kind: "message", body: { name: "somebody", text } } as const;
  const payload = encodePayload(header, content);
  return { id: eventIdOf(payload), ...header, wire: [payload, fakeSign(header.author, payload)], ...content };
}

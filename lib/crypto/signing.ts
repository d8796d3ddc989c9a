// Runs in browser and server.
/** Signers and verifiers. Programs depend on these two interfaces; ed25519.ts chooses the implementation. */
import {
  type AuthorKey,
  encodePayload,
  type EventHeader,
  eventIdOf,
  type SignedEvent,
  type WireEvent,
} from "../protocol/event.ts";

/** Holds the private key of one author in one room. */
export interface Signer {
  readonly author: AuthorKey;
  /** The Ed25519 signature (RFC 8032) of the text's UTF-8 bytes, 64 bytes in base64url. */
  sign(text: string): Promise<string>;
}

/** Checks signatures of anybody. */
export interface Verifier {
  /** Whether `signature` is `author`'s signature of the text's UTF-8 bytes. Never throws: junk is not a signature. */
  verify(author: AuthorKey, text: string, signature: string): Promise<boolean>;
}

/** One implementation of Ed25519. */
export interface Ed25519 extends Verifier {
  readonly name: "webcrypto" | "noble";
  /** The signer whose private key is this 32-byte seed. */
  signer(seed: Uint8Array<ArrayBuffer>): Promise<Signer>;
}

/** Writes and signs a new event. */
export async function signEvent<const Content extends { kind: string; body: object }>(
  signer: Signer,
  header: Omit<EventHeader, "author">,
  content: Content,
): Promise<SignedEvent & Content> {
  const full = { ...header, author: signer.author };
  const payload = encodePayload(full, content);
  const wire: WireEvent = [payload, await signer.sign(payload)];
  return { id: eventIdOf(payload), ...full, wire, ...content };
}

/** Whether the event was written by the author it names. */
export function verifyEvent(verifier: Verifier, event: Pick<SignedEvent, "author" | "wire">): Promise<boolean> {
  return verifier.verify(event.author, event.wire[0], event.wire[1]);
}

/**
 * Phones that violate the protocol. Each runs the production node to get and keep its links, and additionally attacks
 * all its peers continuously in one way:
 *
 *   forger     events in others' names, true payloads with false signatures and the reverse; relays nothing
 *   replayer   replays received events and whole frames to all peers
 *   flooder    own, validly signed events, fifty a second, different ones to each peer
 *   falsifier offers events it lacks, answers "held" to every offer, ignores wants, sends false digests, summaries,
 *              pages, receipts and routes; relays nothing
 *   babbler    invalid text, malformed and oversized frames
 */
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { AuthorKey, WireEvent } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { decodeMeshFrame, MESH_BUCKETS, type MeshFrame } from "../../lib/protocol/peer/mesh_frames.ts";
import { SeededRandom } from "../simulation/random.ts";
import { type Crowd, type CrowdPhone, type FrameInterceptor, ROOM } from "./crowd.ts";
import { fakeEvent, fakeSign } from "./fake_keys.ts";

export const HOSTILE_KINDS = ["forger", "replayer", "flooder", "falsifier", "babbler"] as const;
export type HostileKind = (typeof HOSTILE_KINDS)[number];

/** Time between attacks, each on all links. */
const ACTS_EVERY_MS = 100;
const REMEMBERED = 200;

export class Hostile implements FrameInterceptor {
  readonly #random: SeededRandom;
  readonly #peers = new Map<AuthorKey, number>();
  readonly #frames: string[] = [];
  readonly #events: WireEvent[] = [];
  #n = 0;
  /** Payloads forged in others' names. */
  readonly forged = new Set<string>();
  acts = 0;

  constructor(readonly crowd: Crowd, readonly phone: CrowdPhone, readonly kind: HostileKind, seed: number) {
    this.#random = new SeededRandom(seed, `hostile ${phone.key}`);
    phone.interceptor = this;
  }

  /** Starts the attacks. Before, it behaves and records. */
  start(): void {
    this.#actLater();
  }

  sends(peer: AuthorKey, text: string): string | undefined {
    this.#peers.set(peer, this.crowd.time.now);
    const relaysNothing = this.kind === "forger" || this.kind === "falsifier";
    return relaysNothing && (text.startsWith('{"type":"push"') || text.startsWith('{"type":"page"')) ? undefined : text;
  }

  receives(peer: AuthorKey, text: string): void {
    this.#peers.set(peer, this.crowd.time.now);
    remember(this.#frames, text);
    if (!text.startsWith('{"type":"push"')) {
      // Claims to hold every offered event.
      if (this.kind === "falsifier" && text.startsWith('{"type":"offer"')) {
        this.crowd.transmit(this.phone.key, peer, text.replace("offer", "held"));
      }
      return;
    }
    const decoded = decodeMeshFrame(text);
    if (decoded.ok && decoded.frame.type === "push") remember(this.#events, decoded.frame.event);
  }

  #actLater(): void {
    this.crowd.time.after(ACTS_EVERY_MS * (0.5 + this.#random.fraction()), () => {
      if (this.phone.alive) {
        for (const [peer, at] of this.#peers) if (this.crowd.time.now - at < 60_000) this.#act(peer);
      }
      this.#actLater();
    });
  }

  #act(peer: AuthorKey): void {
    const random = this.#random;
    this.acts++;
    switch (this.kind) {
      case "forger":
        return this.#push(
          peer,
          random.pick([() => this.#misSigned(), () => this.#altered(), () => this.#invented()])(),
        );
      case "replayer":
        if (this.#events.length > 0) this.#push(peer, random.pick(this.#events));
        if (this.#frames.length > 0) this.crowd.transmit(this.phone.key, peer, random.pick(this.#frames));
        return;
      case "flooder":
        for (let count = 0; count < 5; count++) this.#push(peer, this.#own().wire);
        return;
      case "falsifier":
        return this.#say(peer, this.#lie(random));
      case "babbler":
        return this.crowd.transmit(
          this.phone.key,
          peer,
          random.pick([
            "",
            "null",
            "[]",
            '{"type":"push"}',
            '{"type":"offer","ids":[]}',
            "x".repeat(70_000),
            '{"type":"__proto__"}',
          ]),
        );
    }
  }

  #lie(random: SeededRandom): MeshFrame {
    const id = () => toBase64Url(random.bytes(16));
    const known = () => random.pick(this.crowd.list).key;
    switch (random.between(0, 5)) {
      case 0:
        return { type: "offer", ids: Array.from({ length: 20 }, id) };
      case 1:
        return { type: "digest", buckets: Array.from({ length: MESH_BUCKETS }, () => random.uint32()) };
      case 2:
        return {
          type: "summary",
          buckets: Array.from({ length: MESH_BUCKETS }, (_, bucket) => bucket),
          complete: true,
          answer: false,
          authors: random.chance(0.5) ? [] : [[known(), [1, Number.MAX_SAFE_INTEGER]], [known(), [5, 50]]],
        };
      case 3: {
        const author = known(), phone = known();
        const signature = fakeSign(this.phone.key, "receipt");
        return { type: "receipts", batch: 1, receipts: [{ phone, author, from: 1, to: 50, signature }] };
      }
      case 4:
        return { type: "peers", links: 0, maxLinks: 8, peers: Array.from({ length: 8 }, () => [known(), 0, 1]) };
      default:
        return { type: "fetch", ranges: [[known(), 1, Number.MAX_SAFE_INTEGER]] };
    }
  }

  /** A true payload with another author's signature. */
  #misSigned(): WireEvent | undefined {
    if (this.#events.length === 0) return undefined;
    const [payload] = this.#random.pick(this.#events);
    return [payload, fakeSign(this.phone.key, payload)];
  }

  /** A true signature with a changed payload. */
  #altered(): WireEvent | undefined {
    if (this.#events.length === 0) return undefined;
    const [payload, signature] = this.#random.pick(this.#events);
    const other = payload.replace('"text":"', '"text":"not ');
    this.forged.add(other);
    return [other, signature];
  }

  /** A new event in another author's name. */
  #invented(): WireEvent {
    const { wire: [payload] } = fakeEvent(
      {
        room: ROOM,
        author: this.#random.pick(this.crowd.list).key,
        n: this.#random.between(1, 20),
        clock: 5,
        at: this.crowd.time.now,
      },
      "I never said that",
    );
    this.forged.add(payload);
    return [payload, fakeSign(this.phone.key, payload)];
  }

  #own(): Event {
    return fakeEvent(
      { room: ROOM, author: this.phone.key, n: ++this.#n, clock: this.#n, at: this.crowd.time.now },
      `buy this ${this.#n}`,
    );
  }

  #push(peer: AuthorKey, event: WireEvent | undefined): void {
    if (event !== undefined) this.#say(peer, { type: "push", event, hopsLeft: 16, copies: 16, asked: false });
  }

  #say(peer: AuthorKey, frame: MeshFrame): void {
    this.crowd.transmit(this.phone.key, peer, JSON.stringify(frame));
  }
}

function remember<Item>(list: Item[], item: Item): void {
  if (list.length >= REMEMBERED) list.shift();
  list.push(item);
}

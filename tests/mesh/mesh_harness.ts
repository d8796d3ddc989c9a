/**
 * One mesh node whose peers are played by the test: the harness records frames that the node sends, the test injects
 * frames with `receive` and advances time with `sentWithin`. `ports` overrides any port of the node.
 */
import type { AuthorKey, EventId } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { decodeMeshFrame, type MeshFrame } from "../../lib/protocol/peer/mesh_frames.ts";
import { MeshNode } from "../../lib/mesh/mesh_node.ts";
import type { MeshPorts, MeshSettings } from "../../lib/mesh/mesh_ports.ts";
import { SeededRandom } from "../simulation/random.ts";
import { ROOM } from "./crowd.ts";
import { fakeEvent, fakeKey, fakeSign, fakeVerify } from "./fake_keys.ts";
import { VirtualTime } from "./virtual_time.ts";

export class MeshHarness {
  readonly time = new VirtualTime(1_000_000);
  readonly random = new SeededRandom(1, "rig");
  readonly me = fakeKey(this.random);
  readonly sent: { to: AuthorKey; frame: MeshFrame }[] = [];
  readonly delivered: Event[] = [];
  readonly dialled: AuthorKey[] = [];
  readonly ended: AuthorKey[] = [];
  readonly banned: AuthorKey[] = [];
  readonly receipts = new Map<EventId, number>();
  readonly signals: string[] = [];
  readonly verified: Event[] = [];
  readonly node: MeshNode;
  readonly #counts = new Map<AuthorKey, number>();

  constructor(ports: Partial<MeshPorts> = {}, settings: Partial<MeshSettings> = {}) {
    this.node = new MeshNode({ room: ROOM, me: this.me, maxLinks: 8, ...settings }, {
      now: () => this.time.now,
      random: () => this.random.fraction(),
      after: (delayMs, run) => this.time.after(delayMs, run),
      send: (to, text) => {
        const decoded = decodeMeshFrame(text);
        if (!decoded.ok) {
          throw new Error(`the node sent an invalid frame: ${decoded.problem} ${decoded.field} ${text}`);
        }
        this.sent.push({ to, frame: decoded.frame });
        return true;
      },
      verify: (event) => {
        this.verified.push(event);
        return fakeVerify(event.author, event.wire[0], event.wire[1]) ? "good" : "forged";
      },
      onEvent: (event) => this.delivered.push(event),
      connect: (peer) => this.dialled.push(peer),
      disconnect: (peer) => this.ended.push(peer),
      onReceipts: (id, phones) => this.receipts.set(id, phones),
      sign: (text) => fakeSign(this.me, text),
      verifyText: fakeVerify,
      onSignal: (_from, text) => this.signals.push(text),
      onBanned: (peer) => this.banned.push(peer),
      ...ports,
    });
  }

  /** A new key. */
  key(): AuthorKey {
    return fakeKey(this.random);
  }

  /** Links this many new peers and clears the frames sent to them. */
  peers(count: number): AuthorKey[] {
    const keys = Array.from({ length: count }, () => this.key());
    for (const key of keys) this.node.linked(key);
    this.sent.length = 0;
    return keys;
  }

  /** Makes the room larger than FLOOD_MAX_PHONES, so that the node does not flood. */
  largeRoom(): AuthorKey[] {
    const keys = Array.from({ length: 30 }, () => this.key());
    this.node.setPresent(keys);
    return keys;
  }

  /** The next event of an author. */
  event(author = this.key(), text = "hello", n?: number): Event {
    const count = n ?? (this.#counts.get(author) ?? 0) + 1;
    this.#counts.set(author, count);
    return fakeEvent({ room: ROOM, author, n: count, clock: count, at: 0 }, text);
  }

  receive(peer: AuthorKey, frame: MeshFrame | string): void {
    this.node.receive(peer, typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  push(peer: AuthorKey, event: Event, hopsLeft = 9): void {
    this.receive(peer, { type: "push", event: event.wire, hopsLeft, copies: 0, asked: false });
  }

  /** Advances time and returns the node's frames of one type since the last call, to one peer or all. */
  sentWithin<Type extends MeshFrame["type"]>(ms: number, type: Type, to?: AuthorKey) {
    this.time.run(ms);
    const frames = this.sent.filter((sent) => sent.frame.type === type && (to === undefined || sent.to === to));
    this.sent.length = 0;
    return frames as { to: AuthorKey; frame: Extract<MeshFrame, { type: Type }> }[];
  }
}

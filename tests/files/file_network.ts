/**
 * Linked phones that exchange files in virtual time. Links have latency, bandwidth and
 * a watermark; phones reload, misbehave, and leave.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { rootOf } from "../../lib/files/blocks.ts";
import { FileExchange, isComplete } from "../../lib/files/exchange.ts";
import { type FileDisk, memoryFileStore } from "../../lib/files/memory_file_store.ts";
import type { FileOffer } from "../../lib/files/file_ports.ts";
import type { FileStore } from "../../lib/files/file_store.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { AuthorKey } from "../../lib/protocol/event.ts";
import { blockCount, type Bytes, decodeFileFrame, type FileFrame } from "../../lib/protocol/peer/file_frames.ts";
import { FILE_BLOCK_BYTES } from "../../lib/protocol/limits.ts";
import { SeededRandom } from "../simulation/random.ts";
import { VirtualTime } from "../support/virtual_time.ts";

export const hash = (bytes: Bytes): Promise<Bytes> => Promise.resolve(sha256(bytes) as Bytes);

const HIGH_BYTES = 524_288;
const LOW_BYTES = 131_072;

/** One direction of a link. */
interface Wire {
  waiting: number;
  freeAt: number;
  /** When the last frame arrives; frames keep their order. */
  arrivesAt: number;
}

export class FilePhone {
  readonly key: AuthorKey;
  readonly disk: FileDisk = new Map();
  readonly links = new Map<FilePhone, Wire>();
  /** Received frames without data, in order. */
  readonly heard: FileFrame[] = [];
  /** Received data frames, by sender. */
  readonly dataFrom = new Map<AuthorKey, number>();
  readonly calls: AuthorKey[] = [];
  readonly logs: string[] = [];
  store: FileStore;
  exchange!: FileExchange;
  mayCarry = true;
  maxBytes = 200_000_000;
  /** Corrupts the frames that it sends. */
  spoil: ((frame: Bytes) => Bytes) | undefined;
  /** Files that this phone knows from events. */
  readonly knows = new Map<string, FileOffer>();

  constructor(readonly world: FileNetwork, readonly name: string) {
    this.key = toBase64Url(sha256(new TextEncoder().encode(name)));
    this.store = memoryFileStore(this.disk, this.maxBytes, world.time.now);
    this.open();
  }

  open(): void {
    const { time, random } = this.world;
    this.store = memoryFileStore(this.disk, this.maxBytes, time.now);
    this.exchange = new FileExchange({
      now: time.now,
      random: () => random.fraction(),
      after: time.after,
      hash,
      store: this.store,
      send: (peer, frame) => this.#send(peer, frame),
      connect: (peer) => {
        this.calls.push(peer);
        this.world.onCall(this, peer);
      },
      nextHopTo: (author) => this.world.nextHopTo(this, author)?.key,
      offer: (root) => this.knows.get(root),
      mayCarry: () => this.mayCarry,
      onChange: () => {},
      log: (line) => this.logs.push(line),
    });
  }

  /** Reloads the page: data in flight is lost, stored data stays, links are restored. */
  async reload(): Promise<void> {
    const others = [...this.links.keys()];
    for (const other of others) this.world.unlink(this, other);
    this.exchange.close();
    await this.world.time.run(500);
    this.open();
    for (const other of others) this.world.link(this, other);
    for (const { root, reason } of await this.store.all()) if (reason === "wanted") await this.exchange.fetch(root);
  }

  /** Adds an own file and offers it to all phones. */
  async offer(bytes: Bytes): Promise<FileOffer> {
    const hashes: number[] = [];
    const blocks = Array.from(
      { length: blockCount(bytes.length) },
      (_, at) => bytes.slice(at * FILE_BLOCK_BYTES, (at + 1) * FILE_BLOCK_BYTES),
    );
    for (const block of blocks) hashes.push(...await hash(block));
    const list = Uint8Array.from(hashes);
    const root = await rootOf(hash, list, bytes.length);
    await this.store.note(root, { bytes: bytes.length, reason: "mine", hashes: list });
    for (const [index, block] of blocks.entries()) await this.store.putBlock(root, index, block);
    const offer = { root, bytes: bytes.length, author: this.key };
    for (const phone of this.world.phones) phone.knows.set(root, offer);
    return offer;
  }

  async has(root: string): Promise<boolean> {
    const held = await this.store.find(root);
    return held !== undefined && isComplete(held);
  }

  async bytes(root: string): Promise<Bytes> {
    const held = (await this.store.find(root))!;
    const all = new Uint8Array(held.bytes);
    for (const index of held.blocks) all.set((await this.store.block(root, index))!, index * FILE_BLOCK_BYTES);
    return all;
  }

  #send(peer: AuthorKey, frame: Bytes): boolean {
    const { time, bytesPerMs, random } = this.world;
    const other = [...this.links.keys()].find(({ key }) => key === peer);
    const wire = other && this.links.get(other);
    if (other === undefined || wire === undefined || wire.waiting >= HIGH_BYTES) return false;
    const sent = (this.spoil?.(frame) ?? frame).slice();
    wire.waiting += sent.length;
    wire.freeAt = Math.max(time.now(), wire.freeAt) + sent.length / bytesPerMs;
    time.after(wire.freeAt - time.now(), () => {
      const before = wire.waiting;
      wire.waiting -= sent.length;
      if (this.links.get(other) !== wire) return;
      if (before > LOW_BYTES && wire.waiting <= LOW_BYTES) this.exchange.drained(peer);
      wire.arrivesAt = Math.max(wire.arrivesAt, time.now() + this.world.latencyMs + random.between(0, 3));
      time.after(wire.arrivesAt - time.now(), () => {
        if (this.links.get(other) !== wire) return;
        const read = decodeFileFrame(sent.buffer);
        if (read?.type === "data") other.dataFrom.set(this.key, (other.dataFrom.get(this.key) ?? 0) + 1);
        else if (read !== undefined) other.heard.push(read);
        other.exchange.received(this.key, sent.buffer);
      });
    });
    return true;
  }
}

export class FileNetwork {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly phones: FilePhone[] = [];
  latencyMs = 5;
  bytesPerMs = 2_048;
  /** A phone dials another. Does nothing unless a test replaces it. */
  onCall: (phone: FilePhone, peer: AuthorKey) => void = () => {};

  constructor(seed = 1) {
    this.random = new SeededRandom(seed, "files");
  }

  add(...names: string[]): FilePhone[] {
    const added = names.map((name) => new FilePhone(this, name));
    for (const phone of added) {
      for (const other of this.phones) for (const [root, offer] of other.knows) phone.knows.set(root, offer);
    }
    this.phones.push(...added);
    return added;
  }

  link(one: FilePhone, other: FilePhone): void {
    if (one === other || one.links.has(other)) return;
    for (const [from, to] of [[one, other], [other, one]] as const) {
      from.links.set(to, { waiting: 0, freeAt: 0, arrivesAt: 0 });
    }
    one.exchange.linked(other.key);
    other.exchange.linked(one.key);
  }

  unlink(one: FilePhone, other: FilePhone): void {
    if (!one.links.delete(other)) return;
    other.links.delete(one);
    one.exchange.unlinked(other.key);
    other.exchange.unlinked(one.key);
  }

  leave(phone: FilePhone): void {
    for (const other of [...phone.links.keys()]) this.unlink(phone, other);
    phone.exchange.close();
  }

  /** The next hop towards a phone, by breadth-first search. */
  nextHopTo(from: FilePhone, author: AuthorKey): FilePhone | undefined {
    const over = new Map<FilePhone, FilePhone>([...from.links.keys()].map((phone) => [phone, phone]));
    for (const [phone, first] of over) {
      if (phone.key === author) return first;
      for (const next of phone.links.keys()) if (next !== from && !over.has(next)) over.set(next, first);
    }
  }

  /** This many bytes, with no two equal blocks. */
  bytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    let state = Math.floor(this.random.fraction() * 2 ** 32);
    for (let at = 0; at < length; at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[at] = state >>> 24;
    }
    return bytes;
  }

  async until(done: () => Promise<boolean>, withinMs: number): Promise<void> {
    const endsAt = this.time.now() + withinMs;
    while (!await done()) {
      if (this.time.now() > endsAt) throw new Error(`did not happen within ${withinMs} ms of virtual time`);
      await this.time.run(50);
    }
  }
}

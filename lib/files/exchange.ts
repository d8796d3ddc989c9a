// Runs in browser and simulator.
/**
 * The files of one room on one phone, among the phones it is linked to: fetches what is wanted here, gives what is held to
 * whoever asks, and fetches for others. It does no I/O and knows no time of its own: ports.ts. Its rules have tags in
 * docs/PROTOCOL.md, "Files".
 */
import { BoundedMap } from "../shared/bounded.ts";
import type { AuthorKey } from "../protocol/event.ts";
import {
  blockCount,
  type Bytes,
  decodeFileFrame,
  FILE_HOPS_MAX,
  type FileFrame,
} from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import { fromBits, toBits } from "./blocks.ts";
import { Download } from "./download.ts";
import { ASKED_MAX, CARRIED_FILES_MAX, MISBEHAVING_MAX, TICK_EVERY_MS } from "./file_limits.ts";
import type { BlockedReason, FilePorts } from "./file_ports.ts";
import type { HeldFile, KeepReason } from "./file_store.ts";
import { Uploads } from "./uploads.ts";

interface Neighbour {
  uploads: Uploads;
  /** What it asked about, and whether it asked for it to be fetched. */
  asked: BoundedMap<FileRoot, { hopsLeft: number }>;
}

/** How far a file is that is being fetched. */
export interface DownloadProgress {
  bytesHere: number;
  /** Linked phones that hold something of what is missing. */
  holders: number;
  blockedReason: BlockedReason | undefined;
}

export class FileExchange {
  readonly #ports: FilePorts;
  readonly #neighbours = new Map<AuthorKey, Neighbour>();
  readonly #downloads = new Map<FileRoot, { download: Download; reason: KeepReason }>();
  /** Downloads that begin: their record is being read. */
  readonly #beginning = new Set<FileRoot>();
  readonly #misbehaving = new Set<AuthorKey>();
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(ports: FilePorts) {
    this.#ports = ports;
  }

  // ---- for who is here ----

  /** Fetches a file, or goes on with it; nothing when it is held, or no event offers it. */
  async fetch(root: FileRoot): Promise<void> {
    await this.#begin(root, "wanted", FILE_HOPS_MAX);
  }

  /** Fetches it no further; what came stays. */
  stop(root: FileRoot): void {
    const running = this.#downloads.get(root);
    this.#downloads.delete(root);
    running?.download.stop();
  }

  /** How far it is; undefined when it is not being fetched. */
  progress(root: FileRoot): DownloadProgress | undefined {
    const download = this.#downloads.get(root)?.download;
    if (download === undefined) return undefined;
    const { bytesHere, holders, blockedReason } = download;
    return { bytesHere, holders: holders.length, blockedReason };
  }

  stopAll(): void {
    for (const root of [...this.#downloads.keys()]) this.stop(root);
  }

  close(): void {
    this.stopAll();
    this.#closed = true;
    this.#cancelTick?.();
  }

  // ---- for the links ----

  /** A link is up. One that was up before is replaced. */
  linked(peer: AuthorKey): void {
    this.unlinked(peer);
    const { now, send } = this.#ports;
    this.#neighbours.set(peer, {
      uploads: new Uploads(peer, { now, send, read: (root, index) => this.#read(root, index) }),
      asked: new BoundedMap(ASKED_MAX),
    });
    if (this.#misbehaving.has(peer)) return;
    for (const { download } of this.#downloads.values()) download.linked(peer);
  }

  unlinked(peer: AuthorKey): void {
    if (!this.#neighbours.delete(peer)) return;
    for (const { download } of this.#downloads.values()) download.unlinked(peer);
    this.#dropCarried();
  }

  drained(peer: AuthorKey): void {
    this.#neighbours.get(peer)?.uploads.drained();
  }

  received(peer: AuthorKey, data: unknown): void {
    const neighbour = this.#neighbours.get(peer);
    const frame = decodeFileFrame(data);
    if (neighbour === undefined || frame === undefined || this.#closed) return;
    // Data is not counted: what was not asked for is dropped at once.
    if (frame.type !== "data" && !neighbour.uploads.allows()) return;
    const { root } = frame;
    switch (frame.type) {
      case "want":
        return void this.#onWant(peer, neighbour, root, frame.hopsLeft).catch((error) => this.#failed(error));
      case "unwant":
        neighbour.asked.delete(root);
        neighbour.uploads.cancel(root);
        return this.#dropCarried();
      case "ask_list":
        return void this.#sendList(neighbour, root).catch((error) => this.#failed(error));
      case "ask_block":
        return neighbour.uploads.ask(root, frame.index);
      case "have":
        void this.#onHave(root, frame.bits).catch((error) => this.#failed(error));
    }
    if (!this.#misbehaving.has(peer)) this.#downloads.get(root)?.download.received(peer, frame);
  }

  // ---- fetching ----

  async #begin(root: FileRoot, reason: "wanted" | "carried", hops: number): Promise<void> {
    const { offer: offerOf, store } = this.#ports;
    const running = this.#downloads.get(root);
    const offer = offerOf(root);
    if (this.#closed || this.#beginning.has(root) || offer === undefined) return;
    if (running !== undefined) {
      const { reason: before, download: { blockedReason } } = running;
      const goesOn = blockedReason === undefined || blockedReason === "no_holder";
      if (reason === "carried" || (before === "wanted" && goesOn)) return;
    }
    this.#beginning.add(root);
    try {
      const held = await store.find(root);
      if (held !== undefined && isComplete(held)) return;
      // What somebody here stopped is fetched for nobody, and what they want stays wanted.
      if (reason === "carried" && held?.reason === "paused") return;
      await store.note(root, { bytes: offer.bytes, reason: reason === "carried" ? held?.reason ?? reason : reason });
      if (this.#closed) return;
      // Taken back meanwhile: nothing of it may be left behind.
      if (offerOf(root) === undefined) return await store.delete(root);
      if (running !== undefined) this.stop(root);
      const nothing = { hashes: undefined, blocks: new Set<number>() };
      const download = new Download(offer, held?.bytes === offer.bytes ? held : nothing, hops, {
        ...this.#ports,
        peers: () => [...this.#neighbours.keys()].filter((peer) => !this.#misbehaving.has(peer)),
        send: (peer, frame) => this.#neighbours.get(peer)?.uploads.sendFrame(frame),
        onMisbehavior: (peer) => this.#distrust(peer),
        onChange: () => this.#ports.onChange(root),
        onBlock: () => this.#onBlock(root),
      });
      this.#downloads.set(root, { download, reason });
    } finally {
      this.#beginning.delete(root);
    }
    this.#ports.onChange(root);
    this.#scheduleTick();
  }

  #onBlock(root: FileRoot): void {
    const download = this.#downloads.get(root)?.download;
    if (download === undefined) return;
    const frame: FileFrame = { type: "have", root, bits: toBits(download.blocks, download.offer.bytes) };
    // Whom it came from hears that all is here: the author may then know that it is no longer alone with it.
    const told = new Set(download.complete ? this.#neighbours.keys() : []);
    for (const [peer, { asked }] of this.#neighbours) if (asked.has(root)) told.add(peer);
    for (const peer of told) this.#neighbours.get(peer)!.uploads.sendFrame(frame);
    if (download.complete) this.stop(root);
    this.#ports.onChange(root);
  }

  #distrust(peer: AuthorKey): void {
    this.#misbehaving.add(peer);
    if (this.#misbehaving.size > MISBEHAVING_MAX) this.#misbehaving.delete(this.#misbehaving.values().next().value!);
  }

  #scheduleTick(): void {
    if (this.#closed || this.#downloads.size === 0) return;
    this.#cancelTick ??= this.#ports.after(TICK_EVERY_MS, () => {
      this.#cancelTick = undefined;
      for (const { download } of this.#downloads.values()) download.tick();
      this.#scheduleTick();
    });
  }

  /** What is fetched for others ends when they are gone. */
  #dropCarried(): void {
    for (const [root, { reason }] of this.#downloads) {
      const isAsked = [...this.#neighbours.values()].some(({ asked }) => asked.has(root));
      if (reason === "carried" && !isAsked) this.stop(root);
    }
  }

  // ---- giving ----

  async #onWant(peer: AuthorKey, neighbour: Neighbour, root: FileRoot, hopsLeft: number): Promise<void> {
    const { asked } = neighbour;
    asked.set(root, { hopsLeft });
    const held = await this.#offered(root);
    if (this.#neighbours.get(peer) !== neighbour) return;
    const blocks = this.#downloads.get(root)?.download.blocks ?? (held?.hashes && held.blocks) ?? new Set<number>();
    neighbour.uploads.sendFrame({ type: "have", root, bits: toBits(blocks, held?.bytes ?? 1) });
    if (hopsLeft === 0 || (held !== undefined && isComplete(held))) return;
    const carried = [...this.#downloads.values()].filter(({ reason }) => reason === "carried").length;
    if (carried < CARRIED_FILES_MAX && this.#ports.mayCarry()) await this.#begin(root, "carried", hopsLeft - 1);
  }

  async #sendList(neighbour: Neighbour, root: FileRoot): Promise<void> {
    const held = await this.#offered(root);
    if (held?.hashes === undefined) return;
    neighbour.uploads.sendFrame({ type: "list", root, bytes: held.bytes, hashes: held.hashes });
  }

  async #read(root: FileRoot, index: number): Promise<Bytes | undefined> {
    if (this.#ports.offer(root) === undefined) return undefined;
    return await this.#ports.store.block(root, index).catch((error) => this.#failed(error));
  }

  /** What is held of a file, when the room offers it: nobody is told of anything else. */
  async #offered(root: FileRoot): Promise<HeldFile | undefined> {
    if (this.#ports.offer(root) === undefined) return undefined;
    return await this.#ports.store.find(root);
  }

  /** A neighbour has all of a file of mine: it is not only here any more. */
  async #onHave(root: FileRoot, bits: Bytes): Promise<void> {
    const offer = this.#ports.offer(root);
    if (offer === undefined || fromBits(bits, offer.bytes).size < blockCount(offer.bytes)) return;
    const held = await this.#ports.store.find(root);
    if (held === undefined || held.shared || !isComplete(held)) return;
    await this.#ports.store.note(root, { shared: true });
    this.#ports.onChange(root);
  }

  #failed(error: unknown): undefined {
    this.#ports.log(`files: the storage failed: ${error}`);
  }
}

/** Whether all of it is here, and it is known to be what its root says. */
export function isComplete({ bytes, blocks, hashes }: HeldFile): boolean {
  return hashes !== undefined && blocks.size === blockCount(bytes);
}

// Runs in browser and simulator.
/**
 * Exchanges the files of one room with linked phones: downloads for this phone, uploads to others, and carries files
 * for others. It does no I/O and has no clock (file_ports.ts). Its rules are in docs/PROTOCOL.md, "Files".
 */
import { BoundedMap, BoundedSet } from "../shared/bounded.ts";
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
  /** Files it wants; `hopsLeft` above 0 asks this phone to carry them. */
  wanted: BoundedMap<FileRoot, { hopsLeft: number }>;
}

/** The progress of a download. */
export interface DownloadProgress {
  bytesHere: number;
  /** Number of linked phones that hold a missing block. */
  holders: number;
  blockedReason: BlockedReason | undefined;
}

export class FileExchange {
  readonly #ports: FilePorts;
  readonly #neighbours = new Map<AuthorKey, Neighbour>();
  readonly #downloads = new Map<FileRoot, { download: Download; reason: KeepReason }>();
  /** Downloads that are starting: their record is being read. */
  readonly #beginning = new Set<FileRoot>();
  readonly #misbehaving = new BoundedSet<AuthorKey>(MISBEHAVING_MAX);
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(ports: FilePorts) {
    this.#ports = ports;
  }

  // ---- for the user of this phone ----

  /** Starts or resumes a download. Does nothing if the file is complete, or no event offers it. */
  async fetch(root: FileRoot): Promise<void> {
    await this.#begin(root, "wanted", FILE_HOPS_MAX);
  }

  /** Stops a download and keeps the blocks received so far. */
  stop(root: FileRoot): void {
    const running = this.#downloads.get(root);
    this.#downloads.delete(root);
    running?.download.stop();
  }

  /** The progress of a running download; undefined if there is none. */
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

  /** A link is up. It replaces an earlier link to the same peer. */
  linked(peer: AuthorKey): void {
    this.unlinked(peer);
    const { now, send } = this.#ports;
    this.#neighbours.set(peer, {
      uploads: new Uploads(peer, { now, send, read: (root, index) => this.#read(root, index) }),
      wanted: new BoundedMap(ASKED_MAX),
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
    // Data frames are not limited: unrequested ones are dropped at once.
    if (frame.type !== "data" && !neighbour.uploads.allows()) return;
    const { root } = frame;
    switch (frame.type) {
      case "want":
        return void this.#onWant(peer, neighbour, root, frame.hopsLeft).catch((error) => this.#failed(error));
      case "unwant":
        neighbour.wanted.delete(root);
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

  // ---- downloads ----

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
      // A file that the user paused is not carried for others; one the user wants stays `wanted`.
      if (reason === "carried" && held?.reason === "paused") return;
      await store.note(root, { bytes: offer.bytes, reason: reason === "carried" ? held?.reason ?? reason : reason });
      if (this.#closed) return;
      // Retracted meanwhile: nothing of it may remain.
      if (offerOf(root) === undefined) return await store.delete(root);
      if (running !== undefined) this.stop(root);
      const nothing = { hashes: undefined, blocks: new Set<number>() };
      const download = new Download(offer, held?.bytes === offer.bytes ? held : nothing, hops, {
        ...this.#ports,
        peers: () => [...this.#neighbours.keys()].filter((peer) => !this.#misbehaving.has(peer)),
        send: (peer, frame) => this.#neighbours.get(peer)?.uploads.sendFrame(frame),
        onMisbehavior: (peer) => this.#misbehaving.add(peer),
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
    // All peers hear of a complete file, so that the author learns that another phone has it.
    const recipients = new Set(download.complete ? this.#neighbours.keys() : []);
    for (const [peer, { wanted }] of this.#neighbours) if (wanted.has(root)) recipients.add(peer);
    for (const peer of recipients) this.#neighbours.get(peer)!.uploads.sendFrame(frame);
    if (download.complete) this.stop(root);
    this.#ports.onChange(root);
  }

  #scheduleTick(): void {
    if (this.#closed || this.#downloads.size === 0) return;
    this.#cancelTick ??= this.#ports.after(TICK_EVERY_MS, () => {
      this.#cancelTick = undefined;
      for (const { download } of this.#downloads.values()) download.tick();
      this.#scheduleTick();
    });
  }

  /** Stops carrying files that no linked phone wants any more. */
  #dropCarried(): void {
    for (const [root, { reason }] of this.#downloads) {
      const isWanted = [...this.#neighbours.values()].some(({ wanted }) => wanted.has(root));
      if (reason === "carried" && !isWanted) this.stop(root);
    }
  }

  // ---- uploads ----

  async #onWant(peer: AuthorKey, neighbour: Neighbour, root: FileRoot, hopsLeft: number): Promise<void> {
    const { wanted } = neighbour;
    wanted.set(root, { hopsLeft });
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

  /** The held part of a file that the room offers. Other files are never revealed. */
  async #offered(root: FileRoot): Promise<HeldFile | undefined> {
    if (this.#ports.offer(root) === undefined) return undefined;
    return await this.#ports.store.find(root);
  }

  /** A peer has all of a file: notes that it exists on another phone. */
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

/** Whether all blocks of a file are here and match its root. */
export function isComplete({ bytes, blocks, hashes }: HeldFile): boolean {
  return hashes !== undefined && blocks.size === blockCount(bytes);
}

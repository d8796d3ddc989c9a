// Runs in browser and simulator.
/**
 * Downloads one file: first the list of hashes, then the missing blocks from all linked phones that hold some. Each
 * block comes from one phone, so that a false block has one sender.
 */
import type { AuthorKey } from "../protocol/event.ts";
import { blockBytes, blockCount, type Bytes, FILE_HOPS_MAX, type FileFrame } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import { bytesOf, fromBits, isBlock, rootOf } from "./blocks.ts";
import {
  ANSWER_TIMEOUT_MS,
  BLOCKS_IN_FLIGHT,
  BLOCKS_PER_HOLDER,
  CARRY_AFTER_MS,
  CARRY_NEXT_MS,
  CARRY_SMALL_AFTER_MS,
  CONNECT_EVERY_MS,
  HOLDER_PAUSE_MS,
  SMALL_FILE_BYTES,
} from "./file_limits.ts";
import type { BlockedReason, FileOffer, FilePorts } from "./file_ports.ts";
import { type HeldFile, StoreFull } from "./file_store.ts";

/** A frame without its root, which the download adds. */
type RootlessFrame = FileFrame extends infer Frame ? Frame extends FileFrame ? Omit<Frame, "root"> : never : never;

interface DownloadDeps extends Pick<FilePorts, "now" | "random" | "hash" | "store" | "connect" | "nextHopTo" | "log"> {
  /** The linked phones, without misbehaving ones. */
  peers(): Iterable<AuthorKey>;
  send(peer: AuthorKey, frame: FileFrame): void;
  /** A peer sent false data. */
  onMisbehavior(peer: AuthorKey): void;
  /** The progress or the blocked reason changed. */
  onChange(): void;
  onBlock(): void;
}

interface Holder {
  blocks: ReadonlySet<number>;
  pausedUntil: number;
  pauses: number;
}

interface BlockRequest {
  peer: AuthorKey;
  /** Filled from the start. */
  block: Bytes;
  got: number;
  /** When data last arrived, or when the block was requested. */
  at: number;
}

export class Download {
  readonly root: FileRoot;
  readonly offer: FileOffer;
  /** Links that a request for carriers may cross when no linked phone holds the file. */
  readonly hops: number;
  readonly blocks: Set<number>;
  readonly #deps: DownloadDeps;
  #hashes: Bytes | undefined;
  #blockedReason: BlockedReason | undefined;
  readonly #holders = new Map<AuthorKey, Holder>();
  readonly #requests = new Map<number, BlockRequest>();
  /** Blocks that arrived and are not stored yet. */
  readonly #checking = new Set<number>();
  #listRequest: { peer: AuthorKey; at: number } | undefined;
  #search: { connectAt: number; carryAt: number; carriers: AuthorKey[] } | undefined;
  #stopped = false;

  constructor(offer: FileOffer, held: Pick<HeldFile, "hashes" | "blocks">, hops: number, deps: DownloadDeps) {
    this.root = offer.root;
    this.offer = offer;
    this.hops = Math.min(hops, FILE_HOPS_MAX);
    this.#deps = deps;
    this.#hashes = held.hashes;
    this.blocks = new Set(held.hashes === undefined ? [] : held.blocks);
    for (const peer of deps.peers()) this.linked(peer);
    this.#pump();
  }

  get complete(): boolean {
    return this.blocks.size === blockCount(this.offer.bytes);
  }

  /** Why the download is blocked; undefined while it is not. */
  get blockedReason(): BlockedReason | undefined {
    return this.#blockedReason ?? (this.#search === undefined ? undefined : "no_holder");
  }

  /** Bytes received, including those of unfinished blocks. */
  get bytesHere(): number {
    let bytes = bytesOf([...this.blocks, ...this.#checking], this.offer.bytes);
    for (const { got } of this.#requests.values()) bytes += got;
    return bytes;
  }

  /** Linked phones that hold a missing block. */
  get holders(): AuthorKey[] {
    return [...this.#holders.keys()].filter((peer) => this.#lacksFrom(peer));
  }

  linked(peer: AuthorKey): void {
    this.#send(peer, { type: "want", hopsLeft: 0 });
  }

  unlinked(peer: AuthorKey): void {
    this.#holders.delete(peer);
    this.#dropRequests(peer);
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    for (const peer of this.#deps.peers()) this.#send(peer, { type: "unwant" });
    this.#requests.clear();
  }

  received(peer: AuthorKey, frame: FileFrame): void {
    if (this.#over) return;
    switch (frame.type) {
      case "have": {
        const before = this.#holders.get(peer);
        const blocks = fromBits(frame.bits, this.offer.bytes);
        this.#holders.set(peer, { pausedUntil: 0, pauses: 0, ...before, blocks });
        break;
      }
      case "list":
        return void this.#onList(peer, frame.hashes, frame.bytes);
      case "data":
        return this.#onData(peer, frame.index, frame.offset, frame.bytes);
      case "refused":
        if (this.#requests.get(frame.index)?.peer !== peer) return;
        this.#requests.delete(frame.index);
        this.#pauseHolder(peer);
        break;
      default:
        return;
    }
    this.#pump();
  }

  /** Requests late blocks elsewhere, and looks for other holders when there are none. Called every TICK_EVERY_MS. */
  tick(): void {
    if (this.#over) return;
    const now = this.#deps.now();
    const late = new Set<AuthorKey>();
    for (const { peer, at } of this.#requests.values()) if (now - at >= ANSWER_TIMEOUT_MS) late.add(peer);
    if (this.#listRequest !== undefined && now - this.#listRequest.at >= ANSWER_TIMEOUT_MS) {
      late.add(this.#listRequest.peer);
    }
    for (const peer of late) {
      this.#dropRequests(peer);
      this.#pauseHolder(peer);
      // Without `unwant` it would send its queued blocks later, twice.
      this.#send(peer, { type: "unwant" });
      this.#send(peer, { type: "want", hopsLeft: 0 });
    }
    this.#pump();
    this.#lookElsewhere(now);
  }

  get #over(): boolean {
    return this.#stopped || this.complete || this.#blockedReason !== undefined;
  }

  /** Requests as many blocks as may be in flight. */
  #pump(): void {
    if (this.#over) return;
    const now = this.#deps.now();
    const ready = [...this.#holders].filter(([peer, { pausedUntil }]) => pausedUntil <= now && this.#lacksFrom(peer));
    if (ready.length > 0) this.#endSearch();
    if (this.#hashes === undefined) return this.#requestList(ready.map(([peer]) => peer));
    for (let more = true; more;) {
      more = false;
      // Round robin, so that the load is spread over all holders.
      for (const [peer, { blocks }] of ready) {
        if (this.#requests.size + this.#checking.size >= BLOCKS_IN_FLIGHT) return;
        const inFlight = [...this.#requests.values()].filter((request) => request.peer === peer).length;
        if (inFlight >= BLOCKS_PER_HOLDER) continue;
        const missing = [...blocks].filter((index) => this.#isMissing(index));
        // At random, so that phones downloading at the same time soon have different blocks for each other.
        const index = missing[Math.floor(this.#deps.random() * missing.length)];
        if (index === undefined) continue;
        this.#requests.set(index, {
          peer,
          block: new Uint8Array(blockBytes(this.offer.bytes, index)),
          got: 0,
          at: now,
        });
        this.#send(peer, { type: "ask_block", index });
        more = true;
      }
    }
  }

  #requestList(ready: AuthorKey[]): void {
    const peer = ready[0];
    if (peer === undefined || this.#listRequest !== undefined) return;
    this.#listRequest = { peer, at: this.#deps.now() };
    this.#send(peer, { type: "ask_list" });
  }

  async #onList(peer: AuthorKey, hashes: Bytes, bytes: number): Promise<void> {
    if (this.#listRequest?.peer !== peer || this.#hashes !== undefined) return;
    const { hash, store } = this.#deps;
    const root = await rootOf(hash, hashes, bytes);
    if (this.#over || this.#hashes !== undefined) return;
    this.#listRequest = undefined;
    if (root !== this.root) return this.#misbehaved(peer);
    if (bytes !== this.offer.bytes) return this.#block("false_offer");
    this.#hashes = hashes;
    try {
      await store.note(this.root, { hashes });
    } catch (error) {
      return this.#failed(error);
    }
    this.#pump();
  }

  #onData(peer: AuthorKey, index: number, offset: number, bytes: Bytes): void {
    const request = this.#requests.get(index);
    // Not requested, or the rest of an abandoned request: the sender did nothing wrong.
    if (request?.peer !== peer || offset !== request.got) return;
    if (offset + bytes.length > request.block.length) return this.#misbehaved(peer);
    request.block.set(bytes, offset);
    request.got += bytes.length;
    request.at = this.#deps.now();
    if (request.got === request.block.length) {
      this.#requests.delete(index);
      this.#checking.add(index);
      void this.#check(peer, index, request.block);
      this.#pump();
    }
    this.#deps.onChange();
  }

  async #check(peer: AuthorKey, index: number, block: Bytes): Promise<void> {
    const { hash, store } = this.#deps;
    try {
      const good = await isBlock(hash, this.#hashes!, index, block);
      if (good && !this.#stopped) await store.putBlock(this.root, index, block);
      this.#checking.delete(index);
      if (this.#stopped) return;
      if (!good) return this.#misbehaved(peer);
    } catch (error) {
      this.#checking.delete(index);
      return this.#failed(error);
    }
    this.blocks.add(index);
    this.#deps.onBlock();
    this.#pump();
  }

  #isMissing(index: number): boolean {
    return !this.blocks.has(index) && !this.#requests.has(index) && !this.#checking.has(index);
  }

  #lacksFrom(peer: AuthorKey): boolean {
    return [...this.#holders.get(peer)?.blocks ?? []].some((index) => !this.blocks.has(index));
  }

  #dropRequests(peer: AuthorKey): void {
    for (const [index, request] of this.#requests) if (request.peer === peer) this.#requests.delete(index);
    if (this.#listRequest?.peer === peer) this.#listRequest = undefined;
  }

  #pauseHolder(peer: AuthorKey): void {
    const holder = this.#holders.get(peer);
    if (holder === undefined) return;
    holder.pauses++;
    holder.pausedUntil = this.#deps.now() + HOLDER_PAUSE_MS * holder.pauses;
  }

  #misbehaved(peer: AuthorKey): void {
    this.#deps.log(`files: ${peer.slice(0, 6)} sent false data`);
    this.#holders.delete(peer);
    this.#dropRequests(peer);
    this.#send(peer, { type: "unwant" });
    this.#deps.onMisbehavior(peer);
    this.#pump();
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    this.#deps.log(`files: a file could not be stored: ${error}`);
    this.#block(error instanceof StoreFull ? "full" : "not_stored");
  }

  #block(blockedReason: BlockedReason): void {
    this.#blockedReason = blockedReason;
    this.#deps.onChange();
  }

  // ---- without a linked holder ----

  #endSearch(): void {
    if (this.#search === undefined) return;
    this.#search = undefined;
    this.#deps.onChange();
  }

  #lookElsewhere(now: number): void {
    if (this.#over || this.holders.length > 0) return;
    const { connect, nextHopTo, peers } = this.#deps;
    const { author, bytes } = this.offer;
    if (this.#search === undefined) {
      const patience = bytes <= SMALL_FILE_BYTES ? CARRY_SMALL_AFTER_MS : CARRY_AFTER_MS;
      this.#search = { connectAt: now, carryAt: now + patience, carriers: [] };
      this.#deps.onChange();
    }
    const search = this.#search;
    const linked = [...peers()];
    if (search.connectAt <= now) {
      search.connectAt = now + CONNECT_EVERY_MS;
      if (!linked.includes(author)) connect(author);
    }
    if (search.carryAt > now || this.hops === 0 || linked.length === 0) return;
    search.carryAt = now + CARRY_NEXT_MS;
    // The next hop towards the author first, then the others in turn.
    const untried = linked.filter((peer) => !search.carriers.includes(peer));
    if (untried.length === 0) search.carriers = [];
    const nextHop = nextHopTo(author);
    const choices = untried.length === 0 ? linked : untried;
    const carrier = choices.find((peer) => peer === nextHop) ??
      choices[Math.floor(this.#deps.random() * choices.length)]!;
    search.carriers.push(carrier);
    for (const peer of linked) this.#send(peer, { type: "want", hopsLeft: peer === carrier ? this.hops : 0 });
  }

  #send(peer: AuthorKey, frame: RootlessFrame): void {
    this.#deps.send(peer, { ...frame, root: this.root });
  }
}

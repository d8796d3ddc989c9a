// Runs in browser and simulator.
/**
 * Sends frames and requested blocks to one peer, in sequence. Only one block is in memory at a time, and none is read
 * from the storage before the channel accepts data.
 */
import type { AuthorKey } from "../protocol/event.ts";
import { type Bytes, encodeFileFrame, FILE_CHUNK_BYTES, type FileFrame } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import { RateLimiter } from "../shared/rate_limiter.ts";
import { FRAME_COST_BYTES, UPLOAD_LIMIT, UPLOADS_PER_PEER, WAITING_FRAMES_MAX } from "./file_limits.ts";

interface UploadDeps {
  now(): number;
  send(peer: AuthorKey, frame: Bytes): boolean;
  /** Reads a block to send; undefined if it is not held or no longer offered. */
  read(root: FileRoot, index: number): Promise<Bytes | undefined>;
}

interface Block {
  root: FileRoot;
  index: number;
}

export class Uploads {
  readonly #peer: AuthorKey;
  readonly #deps: UploadDeps;
  readonly #frames: Bytes[] = [];
  #blocks: Block[] = [];
  #current: (Block & { bytes: Bytes; sent: number }) | undefined;
  #reading = false;
  readonly #limiter = new RateLimiter(UPLOAD_LIMIT);

  constructor(peer: AuthorKey, deps: UploadDeps) {
    this.#peer = peer;
    this.#deps = deps;
  }

  /** Charges the peer's upload limit; returns false if it is exhausted. */
  allows(bytes = FRAME_COST_BYTES): boolean {
    return this.#limiter.take(this.#deps.now(), bytes) === 0;
  }

  sendFrame(frame: FileFrame): void {
    this.#frames.push(encodeFileFrame(frame));
    if (this.#frames.length > WAITING_FRAMES_MAX) this.#frames.shift();
    this.drained();
  }

  /** The peer requests a block. */
  ask(root: FileRoot, index: number): void {
    if (this.#blocks.length >= UPLOADS_PER_PEER) return this.sendFrame({ type: "refused", root, index });
    this.#blocks.push({ root, index });
    this.drained();
  }

  /** The peer no longer wants this file. */
  cancel(root: FileRoot): void {
    this.#blocks = this.#blocks.filter((block) => block.root !== root);
    if (this.#current?.root === root) this.#current = undefined;
    this.drained();
  }

  /** The channel accepts frames again. */
  drained(): void {
    for (;;) {
      const frame = this.#frames[0] ?? this.#nextChunk();
      if (frame === undefined || !this.#deps.send(this.#peer, frame)) break;
      if (frame === this.#frames[0]) this.#frames.shift();
      else this.#chunkSent();
    }
    if (this.#current === undefined && !this.#reading && this.#blocks.length > 0) void this.#readNext();
  }

  #nextChunk(): Bytes | undefined {
    const block = this.#current;
    if (block === undefined) return;
    const { root, index, bytes, sent } = block;
    const chunk = bytes.subarray(sent, sent + FILE_CHUNK_BYTES);
    return encodeFileFrame({ type: "data", root, index, offset: sent, bytes: chunk });
  }

  #chunkSent(): void {
    const block = this.#current!;
    block.sent += FILE_CHUNK_BYTES;
    if (block.sent >= block.bytes.length) this.#current = undefined;
  }

  async #readNext(): Promise<void> {
    this.#reading = true;
    const block = this.#blocks.shift()!;
    const bytes = await this.#deps.read(block.root, block.index);
    this.#reading = false;
    if (bytes !== undefined && this.allows(bytes.length)) this.#current = { ...block, bytes, sent: 0 };
    else this.#frames.push(encodeFileFrame({ type: "refused", ...block }));
    this.drained();
  }
}

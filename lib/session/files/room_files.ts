/**
 * The files of one room in one page: the files on the device, the exchange with linked phones, and the state that the
 * page shows. Loaded when there is a file, somebody attaches one, or the mesh of the room begins.
 *
 * The storage lists the wanted files, so a reload continues their downloads. Of several tabs the one with the links
 * downloads; the others tell it which files they want, and it tells them the progress.
 */
import type { Cancel } from "../../shared/environment.ts";
import { type Signal, signal } from "@preact/signals";
import type { TimelineItem } from "../../chat/timeline.ts";
import { bytesOf, type Hash, rootOf } from "../../files/blocks.ts";
import { FileExchange, isComplete } from "../../files/exchange.ts";
import { cleanFileName, cleanFileType, UNKNOWN_TYPE } from "../../files/file_name.ts";
import { SMALL_FILE_BYTES } from "../../files/file_limits.ts";
import type { FileOffer } from "../../files/file_ports.ts";
import { type FileStore, type HeldFile, StoreFull } from "../../files/file_store.ts";
import { blockCount, type Bytes, HASH_BYTES } from "../../protocol/peer/file_frames.ts";
import type { FileInfo, FileRoot } from "../../protocol/file_info.ts";
import { FILE_BLOCK_BYTES, FILE_MAX_BYTES } from "../../protocol/limits.ts";
import {
  type FileProblem,
  type FilesModel,
  type FileToSend,
  type FileView,
  isShownPicture,
} from "../model/files_model.ts";
import type { FileLinks, FileMesh } from "../ports/mesh_host.ts";
import type { SessionDeps, TabChannel } from "../ports/session_deps.ts";
import type { RoomSession } from "../room/room_session.ts";

/** Messages between the tabs of a device about the files of a room. */
export type FileNews =
  | { news: "wanted" | "paused" | "changed"; root: FileRoot }
  | { news: "progress"; root: FileRoot; view: FileView };

export interface RoomFilesDeps extends Pick<SessionDeps, "clock" | "timers" | "random" | "log"> {
  session: Pick<RoomSession, "messages" | "sendFile">;
  store: FileStore;
  hash: Hash;
  /** The other tabs of this device, until disposed; absent where they cannot be reached. */
  tabs?: TabChannel<FileNews> & { close(): void };
  /** Another tab has the links. */
  follows(): boolean;
  /** The device saves data: nothing downloads that nobody asked for. */
  saves(): boolean;
}

/** Least time between two updates of one file's progress. */
const SHOW_EVERY_MS = 100;

const UNKNOWN: FileView = { state: "unknown", bytesHere: 0, holders: 0 };

export class RoomFiles implements FilesModel, FileLinks {
  readonly #deps: RoomFilesDeps;
  readonly exchange: FileExchange;
  readonly #views = new Map<FileRoot, Signal<FileView>>();
  readonly #due = new Map<FileRoot, Cancel>();
  #mesh: FileMesh | undefined;
  readonly #offers = new Map<FileRoot, FileOffer>();
  /** Deleted by their authors, and dropped by this page. */
  readonly #retracted = new Set<FileRoot>();
  /** Wanted by an earlier page, while no event here offers them yet. */
  readonly #early = new Set<FileRoot>();
  readonly #stops: Cancel[] = [];
  #disposed = false;

  constructor(deps: RoomFilesDeps) {
    this.#deps = deps;
    const { clock, random, timers, hash, store, session, tabs, log } = deps;
    this.exchange = new FileExchange({
      now: () => clock.now(),
      random: () => random.fraction(),
      after: (delayMs, run) => timers.after(delayMs, run),
      hash,
      store,
      send: (peer, frame) => this.#mesh?.sendFile(peer, frame) ?? false,
      connect: (peer) => this.#mesh?.call(peer),
      nextHopTo: (peer) => this.#mesh?.wayTo(peer),
      offer: (root) => this.#offers.get(root),
      mayCarry: () => !deps.saves(),
      onChange: (root) => this.#changed(root),
      log,
    });
    this.#stops.push(session.messages.subscribe((items) => this.#read(items)));
    if (tabs) this.#stops.push(tabs.listen((news) => this.#heard(news)), () => tabs.close());
    if (!deps.follows()) this.#run(this.#resume());
  }

  // ---- FilesModel ----

  view(root: FileRoot): Signal<FileView> {
    let view = this.#views.get(root);
    if (view === undefined) {
      this.#views.set(root, view = signal(UNKNOWN));
      this.#run(this.#show(root));
    }
    return view;
  }

  async fetch(root: FileRoot): Promise<void> {
    const { store, tabs, follows } = this.#deps;
    const offer = this.#offers.get(root);
    if (offer === undefined) return;
    await this.#try(async () => {
      if (!follows()) await this.exchange.fetch(root);
      else {
        await store.note(root, { bytes: offer.bytes, reason: "wanted" });
        tabs?.tell({ news: "wanted", root });
      }
      await this.#show(root);
    });
  }

  async pause(root: FileRoot): Promise<void> {
    this.exchange.stop(root);
    await this.#try(async () => {
      await this.#deps.store.note(root, { reason: "paused" });
      this.#deps.tabs?.tell({ news: "paused", root });
      await this.#show(root);
    });
  }

  async open({ root, bytes, type }: FileInfo): Promise<Blob | undefined> {
    const { store } = this.#deps;
    return await this.#try(async () => {
      const blocks: Bytes[] = [];
      for (let index = 0; index < blockCount(bytes); index++) {
        const block = await store.block(root, index);
        if (block === undefined) return undefined;
        blocks.push(block);
      }
      return new Blob(blocks, { type: isShownPicture(type) ? type : UNKNOWN_TYPE });
    });
  }

  async send(file: FileToSend, caption: string): Promise<{ problem?: FileProblem }> {
    const { store, session, log } = this.#deps;
    const { blob } = file;
    if (blob.size === 0) return { problem: "empty" };
    if (blob.size > FILE_MAX_BYTES) return { problem: "too_large" };
    let root: FileRoot;
    try {
      root = await this.#keep(blob);
    } catch (error) {
      log(`files: a file could not be kept: ${error}`);
      if (error instanceof StoreFull) return { problem: "no_place" };
      return {
        problem: error instanceof DOMException && error.name === "NotReadableError" ? "unreadable" : "not_stored",
      };
    }
    const { problem } = await session.sendFile({
      name: cleanFileName(file.name),
      type: cleanFileType(file.type),
      bytes: blob.size,
      root,
      ...(file.size && { size: file.size }),
      ...(file.thumbnail !== undefined && { thumbnail: file.thumbnail }),
    }, caption);
    if (problem !== undefined) return { problem };
    await store.note(root, { reason: "mine" });
    this.#deps.tabs?.tell({ news: "changed", root });
    await this.#show(root);
    return {};
  }

  fetchesByItself({ type, bytes }: FileInfo): boolean {
    return bytes <= SMALL_FILE_BYTES && isShownPicture(type) && !this.#deps.saves();
  }

  /** Drops a file that no event offers any more. */
  async drop(root: FileRoot): Promise<void> {
    if (this.#offers.has(root)) return;
    this.exchange.stop(root);
    await this.#deps.store.delete(root);
    await this.#show(root);
  }

  /** The operator deleted the room: stops the exchange and deletes its files. */
  async forget(): Promise<void> {
    this.exchange.close();
    await this.#deps.store.clear("deleted", () => false);
  }

  /** The operator cleared the room, and its log began again with this epoch: deletes files that no event here offers. */
  async cleared(epoch: string): Promise<void> {
    const stays = ({ root, reason }: HeldFile) => reason === "draft" || this.#offers.has(root);
    for (const root of await this.#deps.store.clear(epoch, stays)) {
      this.#early.delete(root);
      this.exchange.stop(root);
      await this.#show(root);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.exchange.close();
    for (const stop of [...this.#stops, ...this.#due.values()]) stop();
  }

  // ---- links ----

  /** This page has the links of the room from now on, or none. */
  useMesh(mesh: FileMesh | undefined): void {
    this.#mesh = mesh;
    if (mesh !== undefined) this.#run(this.#resume());
    else if (this.#deps.follows()) this.exchange.stopAll();
  }

  // ---- internals ----

  /** Continues the downloads of the page before this one. */
  async #resume(): Promise<void> {
    for (const held of await this.#deps.store.all()) {
      if (held.reason !== "wanted" || isComplete(held)) continue;
      if (this.#offers.has(held.root)) await this.exchange.fetch(held.root);
      else this.#early.add(held.root);
    }
  }

  /**
   * Cuts a file into blocks, in two passes: its root is known only after all of it was read, and it need not fit into
   * memory.
   */
  async #keep(blob: Blob): Promise<FileRoot> {
    const { hash, store } = this.#deps;
    const count = blockCount(blob.size);
    const block = async (index: number) => {
      const slice = blob.slice(index * FILE_BLOCK_BYTES, (index + 1) * FILE_BLOCK_BYTES);
      return new Uint8Array(await slice.arrayBuffer());
    };
    const hashes = new Uint8Array(count * HASH_BYTES);
    for (let index = 0; index < count; index++) hashes.set(await hash(await block(index)), index * HASH_BYTES);
    const root = await rootOf(hash, hashes, blob.size);
    const before = await store.find(root);
    if (before !== undefined && isComplete(before)) return root;
    await store.note(root, { bytes: blob.size, reason: "draft", hashes });
    try {
      for (let index = 0; index < count; index++) await store.putBlock(root, index, await block(index));
    } catch (error) {
      await store.delete(root);
      throw error;
    }
    return root;
  }

  /**
   * Reads the files that the room offers. Drops deleted ones, and downloads those that were wanted before their event
   * arrived.
   */
  #read(items: readonly TimelineItem[]): void {
    this.#offers.clear();
    const retracted: FileRoot[] = [];
    for (const item of items) {
      if (item.type === "message" && item.file !== undefined) {
        const { file: { root, bytes }, author: { author } } = item;
        this.#offers.set(root, { root, bytes, author });
      } else if (item.type === "retracted" && item.root !== undefined) retracted.push(item.root);
    }
    for (const root of this.#offers.keys()) this.#retracted.delete(root);
    for (const root of retracted) {
      if (this.#offers.has(root) || this.#retracted.has(root)) continue;
      this.#retracted.add(root);
      this.#run(this.drop(root));
    }
    for (const root of this.#early) {
      if (!this.#offers.has(root)) continue;
      this.#early.delete(root);
      this.#run(this.fetch(root));
    }
  }

  #heard(news: FileNews): void {
    const { root } = news;
    if (news.news === "progress") {
      const view = this.#views.get(root);
      if (view !== undefined) view.value = news.view;
      return;
    }
    if (news.news === "wanted" && this.#mesh !== undefined) this.#run(this.exchange.fetch(root));
    if (news.news === "paused") this.exchange.stop(root);
    this.#run(this.#show(root));
  }

  /** Updates the view soon, together with later changes. */
  #changed(root: FileRoot): void {
    if (this.#disposed || this.#due.has(root)) return;
    const due = this.#deps.timers.after(SHOW_EVERY_MS, () => {
      this.#due.delete(root);
      this.#run(this.#show(root).then((view) => this.#deps.tabs?.tell({ news: "progress", root, view })));
    });
    this.#due.set(root, due);
  }

  async #show(root: FileRoot): Promise<FileView> {
    const view = await this.#look(root);
    const shown = this.#views.get(root);
    if (shown !== undefined) shown.value = view;
    return view;
  }

  async #look(root: FileRoot): Promise<FileView> {
    const progress = this.exchange.progress(root);
    if (progress !== undefined) {
      const { bytesHere, holders, blockedReason } = progress;
      return { state: "fetching", bytesHere, holders, ...(blockedReason && { blockedReason }) };
    }
    const held = await this.#deps.store.find(root);
    if (held === undefined) return { state: "absent", bytesHere: 0, holders: 0 };
    const bytesHere = bytesOf(held.blocks, held.bytes);
    if (isComplete(held)) {
      const onlyHere = (held.reason === "mine" || held.reason === "draft") && !held.shared;
      return { state: "here", bytesHere, holders: 0, ...(onlyHere && { onlyHere }) };
    }
    if (held.reason === "wanted") return { state: "fetching", bytesHere, holders: 0, blockedReason: "no_holder" };
    return { state: held.reason === "paused" ? "paused" : "absent", bytesHere, holders: 0 };
  }

  /** Runs a task; a failure of the storage is logged and changes nothing. */
  #try<Result>(task: () => Promise<Result>): Promise<Result | undefined> {
    return task().catch((error) => void this.#deps.log(`files: ${error}`));
  }

  #run(task: Promise<unknown>): void {
    void this.#try(() => task);
  }
}

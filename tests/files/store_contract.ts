/** The contract of every FileStore. Runs in Deno for the memory store and in a real browser for IndexedDB. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FileStore, type HeldFile, StoreFull } from "../../lib/files/file_store.ts";
import { FILE_BLOCK_BYTES } from "../../lib/protocol/limits.ts";

/** Opens another tab on the same device, which has space for this many blocks. */
type OpenFiles = (options: { blocks: number; now: () => number }) => FileStore;

const block = (fill: number) => new Uint8Array(FILE_BLOCK_BYTES).fill(fill);
const hashes = (count: number) => new Uint8Array(32 * count).fill(7);
const kept = (files: HeldFile[]) => files.map(({ root, blocks }) => `${root} ${blocks.size}`).sort();

/** A device whose clock advances by one with each reading. */
function device(open: OpenFiles, blocks: number) {
  let now = 1_000;
  const clock = { now: () => now++, pass: (ms: number) => now += ms };
  const store = open({ blocks, now: clock.now });
  const file = async (root: string, reason: HeldFile["reason"], count: number, of = count, shared = false) => {
    await store.note(root, { bytes: of * FILE_BLOCK_BYTES, reason, hashes: hashes(of), shared });
    for (let index = 0; index < count; index++) await store.putBlock(root, index, block(index));
  };
  return { clock, store, file };
}

/** Each rule gets a device of its own. */
export const FILE_STORE_RULES: { name: string; run: (open: OpenFiles) => Promise<void> }[] = [
  {
    name: "files: records and blocks are visible in every tab",
    async run(open) {
      const { store } = device(open, 10);
      assertEquals([await store.find("a"), await store.block("a", 0), await store.all()], [undefined, undefined, []]);
      await store.note("a", { bytes: 300_000, reason: "wanted" });
      await store.putBlock("a", 1, new Uint8Array(300_000 - FILE_BLOCK_BYTES).fill(2));
      await store.note("a", { hashes: hashes(2) });
      const other = open({ blocks: 10, now: Date.now });
      assertEquals(await other.find("a"), {
        root: "a",
        bytes: 300_000,
        reason: "wanted",
        shared: false,
        hashes: hashes(2),
        blocks: new Set([1]),
      });
      assertEquals((await other.block("a", 1))?.[5], 2);
      await other.delete("a");
      assertEquals([await store.find("a"), await store.block("a", 1)], [undefined, undefined]);
    },
  },
  {
    name:
      "[FILE-12] files: a room is cleared once for an epoch, whatever tab hears of it first, and what stays stays whole",
    async run(open) {
      const { store, file } = device(open, 10);
      await file("old", "mine", 2);
      await file("half", "wanted", 1, 3);
      await file("offered", "mine", 2);
      const stays = ({ root }: HeldFile) => root === "offered";
      assertEquals((await store.clear("second", stays)).sort(), ["half", "old"]);
      assertEquals([kept(await store.all()), await store.block("old", 0)], [["offered 2"], undefined]);
      assertEquals((await store.block("offered", 1))?.length, FILE_BLOCK_BYTES);
      await file("since", "wanted", 1);
      const other = open({ blocks: 10, now: Date.now });
      assertEquals([await other.clear("second", () => false), (await other.all()).length], [[], 2]);
      assertEquals((await other.clear("third", () => false)).length, 2);
    },
  },
  {
    name: "files: a block of a file without a record is dropped",
    async run(open) {
      const { store } = device(open, 10);
      await store.putBlock("a", 0, block(1));
      assertEquals([await store.block("a", 0), await store.all()], [undefined, []]);
    },
  },
  {
    name: "files: blocks stored at the same time are all kept",
    async run(open) {
      const { store } = device(open, 10);
      await store.note("a", { bytes: 8 * FILE_BLOCK_BYTES, reason: "wanted" });
      await Promise.all(Array.from({ length: 8 }, (_, index) => store.putBlock("a", index, block(index))));
      assertEquals((await store.find("a"))!.blocks.size, 8);
    },
  },
  {
    name:
      "[FILE-9] files: eviction takes carried ones first, then complete, paused, and own shared ones; the oldest of each",
    async run(open) {
      const { store, file } = device(open, 8);
      await file("mine, shared", "mine", 1, 1, true);
      await file("paused", "paused", 1, 2);
      await file("finished", "wanted", 1);
      await file("carried, older", "carried", 1);
      await file("carried, newer", "carried", 1);
      await file("only here", "mine", 1);
      await file("unfinished", "wanted", 1, 9);
      await store.note("new", { bytes: 9 * FILE_BLOCK_BYTES, reason: "wanted" });
      const gone: string[] = [];
      for (let index = 0; index < 6; index++) {
        const before = (await store.all()).map(({ root }) => root);
        await store.putBlock("new", index, block(index));
        const after = new Set((await store.all()).map(({ root }) => root));
        gone.push(...before.filter((root) => !after.has(root)));
      }
      assertEquals(gone, ["carried, older", "carried, newer", "finished", "paused", "mine, shared"]);
      await assertRejects(() => store.putBlock("new", 6, block(6)), StoreFull);
      assertEquals(kept(await store.all()), ["new 6", "only here 1", "unfinished 1"]);
    },
  },
  {
    name: "[FILE-9] files: an old draft is evicted, a recent one stays",
    async run(open) {
      const { clock, store, file } = device(open, 2);
      await file("old draft", "draft", 1);
      clock.pass(3_600_000);
      await file("new draft", "draft", 1);
      await file("more", "wanted", 1);
      assertEquals(kept(await store.all()), ["more 1", "new draft 1"]);
      await store.note("last", { bytes: 1, reason: "wanted" });
      await file("last", "mine", 1);
      assert((await store.find("more")) === undefined);
    },
  },
];

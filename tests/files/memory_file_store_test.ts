/** The store in memory keeps the contract. */
import { type FileDisk, memoryFileStore } from "../../lib/files/memory_file_store.ts";
import { FILE_BLOCK_BYTES } from "../../lib/protocol/limits.ts";
import { FILE_STORE_RULES } from "./store_contract.ts";

for (const { name, run } of FILE_STORE_RULES) {
  Deno.test(`memory: ${name}`, async () => {
    const disk: FileDisk = new Map();
    await run(({ blocks, now }) => memoryFileStore(disk, blocks * FILE_BLOCK_BYTES, now));
  });
}

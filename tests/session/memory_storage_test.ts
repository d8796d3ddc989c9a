/** The storage in memory keeps the contract. */
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import { STORAGE_RULES } from "./storage_contract.ts";

for (const { name, run } of STORAGE_RULES) {
  Deno.test(`memory: ${name}`, async () => {
    const disk = new MemoryDisk();
    await run(() => memoryStorage(disk));
  });
}

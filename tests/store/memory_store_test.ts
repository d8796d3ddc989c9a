/** The store on MemoryKv. */
import type { Store } from "../../lib/store/store.ts";
import { openStore } from "../../lib/store/store.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { storeContract } from "./contract.ts";

storeContract("in memory", () => {
  const database = new MemoryDatabase();
  const stores: Store[] = [];
  return Promise.resolve({
    open: () => {
      const store = openStore({ kv: database.open() });
      stores.push(store);
      return Promise.resolve(store);
    },
    openKv: () => Promise.resolve(database.open()),
    end: () => {
      for (const store of stores) store.close();
      return Promise.resolve();
    },
  });
});

/** The store on Deno's embedded database, in a file. */
import { assert, assertEquals } from "@std/assert";
import { openKv } from "../../lib/store/open_kv.ts";
import { openStore } from "../../lib/store/store.ts";
import type { Store } from "../../lib/store/store.ts";
import { storeContract } from "./contract.ts";

storeContract("Deno KV", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/data/chat.sqlite`;
  const stores: Store[] = [];
  return {
    open: async () => {
      const store = openStore({ kv: await openKv({ path }) });
      stores.push(store);
      return store;
    },
    openKv: () => openKv({ path }),
    end: async () => {
      for (const store of stores) store.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
});

Deno.test("the embedded database makes its folder and keeps what was written", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/not/there/yet/chat.sqlite`;
  const first = await openKv({ path });
  await first.set(["a"], 1);
  first.close();
  assert((await Deno.stat(path)).isFile);
  const second = await openKv({ path });
  assertEquals((await second.get(["a"])).value, 1);
  second.close();
  await Deno.remove(folder, { recursive: true });
});

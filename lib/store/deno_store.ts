/** The store on Deno KV: embedded, on a denokv server, or Deno Deploy's. Nothing here knows which. */
import { KvArchive } from "./archive.ts";
import { KvAudit } from "./audit.ts";
import { KvBells } from "./bells.ts";
import { Database, type OnCall, type StoreTimers } from "./database.ts";
import { keys } from "./keys.ts";
import { KvLeases } from "./leases.ts";
import { KvLimits } from "./limits.ts";
import { KvLog } from "./log.ts";
import { KvMailboxes } from "./mailboxes.ts";
import { KvOperators } from "./operators.ts";
import { KvPresence } from "./presence.ts";
import { KvRooms } from "./rooms.ts";
import { KvSteering } from "./steering.ts";
import { KvTime } from "./time.ts";
import { KvStats } from "./stats.ts";
import type { Kv, Store } from "./store.ts";

/** What the store is made of; all but `kv` have the real thing as default. */
export interface StoreOptions {
  kv: Kv;
  /** Only measures `ping` and calls; every other time is an argument. Milliseconds. */
  clock?: { now(): number };
  /** Cryptographically random bytes: epochs. */
  random?: (byteLength: number) => Uint8Array;
  /** For time limits, retries and waits. */
  timers?: StoreTimers;
  /** Hears of every call to the database, for statistics. */
  onCall?: OnCall;
}

/** The store on an open database, which `close` of the store closes too. */
export function openStore(options: StoreOptions): Store {
  const {
    kv,
    clock = performance,
    random = (byteLength: number) => crypto.getRandomValues(new Uint8Array(byteLength)),
    timers = globalThis,
    onCall,
  } = options;
  const closing = new AbortController();
  const database = new Database(kv, timers, random, onCall && { clock, onCall });
  return {
    rooms: new KvRooms(database, random),
    log: new KvLog(database, random),
    presence: new KvPresence(database),
    limits: new KvLimits(database),
    bells: new KvBells(database, closing.signal),
    mailboxes: new KvMailboxes(database, closing.signal),
    leases: new KvLeases(database),
    steering: new KvSteering(database, closing.signal),
    audit: new KvAudit(database),
    operators: new KvOperators(database),
    archive: new KvArchive(database),
    stats: new KvStats(database),
    time: new KvTime(database),
    ping: async () => {
      const startedAt = clock.now();
      await database.get(keys.roomCount);
      return clock.now() - startedAt;
    },
    close: () => {
      if (closing.signal.aborted) return;
      closing.abort();
      kv.close();
    },
  };
}

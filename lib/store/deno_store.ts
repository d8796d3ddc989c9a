/** The store on Deno KV: embedded, on a denokv server, or Deno Deploy's. Nothing here knows which. */
import { KvArchive } from "./rooms/archive.ts";
import { KvAudit } from "./operators/audit.ts";
import { KvChangeChannels } from "./instances/change_channels.ts";
import { Database, type OnCall, type StoreTimers } from "./database.ts";
import { keys } from "./keys.ts";
import { KvLeases } from "./instances/leases.ts";
import { KvLimits } from "./instances/shared_limits.ts";
import { KvLog } from "./rooms/log.ts";
import { KvMailboxes } from "./instances/mailboxes.ts";
import { KvOperators } from "./operators/operator_sessions.ts";
import { KvPresence } from "./instances/presence.ts";
import { KvRooms } from "./rooms/room_registry.ts";
import { KvRuntimeSettings } from "./operators/runtime_settings.ts";
import { KvTime } from "./instances/time.ts";
import { KvStats } from "./operators/stats_history.ts";
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
    changes: new KvChangeChannels(database, closing.signal),
    mailboxes: new KvMailboxes(database, closing.signal),
    leases: new KvLeases(database),
    settings: new KvRuntimeSettings(database, closing.signal),
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

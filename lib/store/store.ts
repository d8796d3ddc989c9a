/** The store on Deno KV: embedded, on a denokv server, or Deno Deploy's. Nothing here knows which. */
import { ArchiveStore } from "./rooms/archive.ts";
import { AuditStore } from "./operators/audit.ts";
import { ChangeChannels } from "./instances/change_channels.ts";
import { Database, type Kv, type OnCall, type StoreTimers } from "./database.ts";
import { ErasureStore } from "./erasures.ts";
import { keys } from "./keys.ts";
import { LeaseStore } from "./instances/leases.ts";
import { LimitStore } from "./instances/shared_limits.ts";
import { LogStore } from "./rooms/log.ts";
import { MailboxStore } from "./instances/mailboxes.ts";
import { OperatorStore } from "./operators/operator_sessions.ts";
import { PresenceStore } from "./instances/presence.ts";
import { RoomStore } from "./rooms/room_registry.ts";
import { RuntimeSettingsStore } from "./operators/runtime_settings.ts";
import { MendingStore } from "./rooms/mending.ts";
import { migrate } from "./schema.ts";
import { TimeStore } from "./instances/time.ts";
import { StatsStore } from "./operators/stats_history.ts";

/**
 * The server's database as verbs on domain values; only lib/store knows keys. A lost race is a result. A database that does
 * not answer throws StorageUnavailable, before anything was promised to anybody.
 */
export type Store = Readonly<ReturnType<typeof openStore>>;

/** The store's parts; all but `kv` default to the real ones. */
export interface StoreOptions {
  kv: Kv;
  /** Only measures `ping` and calls; every other time is an argument. Milliseconds. */
  clock?: { now(): number };
  /** Cryptographically random bytes: epochs. */
  random?: (byteLength: number) => Uint8Array;
  /** For time limits, retries and waits. */
  timers?: StoreTimers;
  /** Why nothing may be added to rooms, because the disk is nearly full; undefined while there is space. */
  diskProblem?: () => string | undefined;
  /** Called after every call to the database, for statistics. */
  onCall?: OnCall;
}

/** Opens the store on an open database; the store's `close` closes both. */
export function openStore(options: StoreOptions) {
  const {
    kv,
    clock = performance,
    random = (byteLength: number) => crypto.getRandomValues(new Uint8Array(byteLength)),
    timers = globalThis,
    diskProblem = () => undefined,
    onCall,
  } = options;
  const closing = new AbortController();
  const database = new Database(kv, timers, random, onCall && { clock, onCall });
  return {
    rooms: new RoomStore(database, random, diskProblem),
    log: new LogStore(database, random, diskProblem),
    presence: new PresenceStore(database),
    limits: new LimitStore(database),
    changes: new ChangeChannels(database, closing.signal),
    mailboxes: new MailboxStore(database, closing.signal),
    leases: new LeaseStore(database),
    settings: new RuntimeSettingsStore(database, closing.signal),
    audit: new AuditStore(database),
    operators: new OperatorStore(database),
    archive: new ArchiveStore(database),
    stats: new StatsStore(database),
    time: new TimeStore(database),
    mending: new MendingStore(database, random),
    erasures: new ErasureStore(database),
    /** Brings the content to this build's version. Throws DatabaseRefused for a newer one. */
    migrate: (): Promise<void> => migrate(database),
    /** One small read over the whole way to the database. Returns its duration, ms. */
    ping: async (): Promise<number> => {
      const startedAt = clock.now();
      await database.get(keys.roomCount);
      return clock.now() - startedAt;
    },
    close: (): void => {
      if (closing.signal.aborted) return;
      closing.abort();
      kv.close();
    },
  };
}

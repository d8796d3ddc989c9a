/**
 * A device's storage that survives being cleared under an open page (by another tab, the browser's settings,
 * Clear-Site-Data, or lack of space) and being broken. The page keeps its identity: it writes back the secret, the name
 * and the rooms it has read, and then tells the parts that store more. Where nothing can be stored any more, memory
 * replaces the storage.
 */
import { pause } from "../../shared/environment.ts";
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { SessionStorage } from "../ports/session_storage.ts";

export interface RenewableStorageDeps extends Pick<SessionDeps, "memory" | "timers" | "log"> {
  /**
   * Opens the device's storage, which reopens by itself after a loss. `onLost`: the stored data is gone, or about to
   * go.
   */
  open(onLost: () => void): SessionStorage;
}

/**
 * Pauses between attempts to use a lost storage, ms: a browser may still be deleting. After the last one, memory
 * replaces it.
 */
const RENEW_PAUSES_MS = [0, 50, 500] as const;

/** Rejects like the storage does when it is full, or when it never worked in this page. */
export function renewableStorage({ open, memory, timers, log }: RenewableStorageDeps): SessionStorage {
  const known: { secret?: Uint8Array; name?: string; rooms?: readonly KnownRoom[] } = {};
  const hearers = new Set<() => void>();
  let worked = false;
  let renewing: Promise<void> | undefined;
  let storage = open(() => void renew().catch((error) => log(`storage: not renewed: ${error}`)));

  async function call<Result>(run: (storage: SessionStorage) => Promise<Result>): Promise<Result> {
    await renewing?.catch(() => {}); // Its caller handles the failure.
    const used = storage;
    try {
      const result = await run(used);
      worked = true;
      return result;
    } catch (error) {
      if (!worked || !isLoss(error)) throw error;
      log(`storage: lost: ${error}`);
      await renew();
      return await run(storage);
    }
  }

  function renew(): Promise<void> {
    return renewing ??= writeBack().finally(() => renewing = undefined).then(() => {
      for (const hear of [...hearers]) hear();
    });
  }

  /** Rejects when the storage is full. */
  async function writeBack(): Promise<void> {
    for (const pauseMs of RENEW_PAUSES_MS) {
      if (pauseMs > 0) await pause(timers, pauseMs);
      try {
        return await writeInto(storage);
      } catch (error) {
        if (!isLoss(error)) throw error;
        log(`storage: ${error}`);
      }
    }
    storage = await memory();
    await writeInto(storage);
  }

  /** Keeps what is there: another tab may have been first. */
  async function writeInto(storage: SessionStorage): Promise<void> {
    const { secret, name, rooms } = known;
    if (secret !== undefined) await storage.secret(() => secret);
    if (await storage.name() === undefined && name !== undefined) await storage.setName(name);
    if (rooms === undefined) return;
    await storage.changeRooms((there) => {
      const ids = new Set(there.map(({ id }) => id));
      return [...there, ...rooms.filter(({ id }) => !ids.has(id))];
    });
  }

  return {
    get lasting() {
      return storage.lasting;
    },
    onRenewed(hear) {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
    secret: async (make) => known.secret = await call((storage) => storage.secret(make)),
    async name() {
      const name = await call((storage) => storage.name());
      if (name !== undefined) known.name = name;
      return name;
    },
    async setName(name) {
      known.name = name;
      await call((storage) => storage.setName(name));
    },
    rooms: async () => known.rooms = await call((storage) => storage.rooms()),
    changeRooms: async (change) => known.rooms = await call((storage) => storage.changeRooms(change)),
    changeOutbox: (room, change) => call((storage) => storage.changeOutbox(room, change)),
    replica: (room) => call((storage) => storage.replica(room)),
    saveReplica: (room, copy, replaces) => call((storage) => storage.saveReplica(room, copy, replaces)),
    readCursor: (room) => call((storage) => storage.readCursor(room)),
    changeReadCursor: (room, change) => call((storage) => storage.changeReadCursor(room, change)),
    relayed: (room) => call((storage) => storage.relayed(room)),
    changeRelayed: (room, kept, dropped) => call((storage) => storage.changeRelayed(room, kept, dropped)),
  };
}

/** Whether the storage itself was lost. A full one loses nothing and may have space again. */
function isLoss(error: unknown): boolean {
  return error instanceof DOMException && error.name !== "QuotaExceededError";
}

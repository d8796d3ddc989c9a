/** Runs in the browser page of idb_storage_test.ts. */
import { indexedDbStorage } from "../../lib/session/storage/idb_storage.ts";
import { enqueue } from "../../lib/session/outbox/outbox_state.ts";
import { FILE_BLOCK_BYTES } from "../../lib/protocol/limits.ts";
import { FILE_STORE_RULES } from "../files/store_contract.ts";
import { forgetFiles, idbFileStore } from "../../lib/session/storage/idb_files.ts";
import { STORAGE_RULES } from "./storage_contract.ts";

/** Functions that the test calls by `evaluate`. */
export interface StoragePage {
  /** Runs one rule on a database of its own: "ok", or what went wrong. */
  runRule(name: string): Promise<string>;
  /** Puts `count` entries into an outbox that other pages write at the same time. */
  write(database: string, count: number): Promise<number[]>;
  /** Opens the database under another version, as a newer page would: resolves when the older ones have let go. */
  upgrade(database: string): Promise<string>;
  /** Makes a database as an earlier version of the app left it. The page stays connected to it, as that did, until asked. */
  makeVersion(version: 1 | 2, database: string): Promise<void>;
  /** Makes a database of files as the first version of the app left it; the roots and blocks that this one finds there. */
  readOldFiles(database: string): Promise<string[]>;
  /** Reads a database with this version of the app, and checks that it can use it. */
  readAll(database: string): Promise<Found>;
}

/** The stored data of a device. */
export interface Found {
  name: string | undefined;
  secret: number[];
  rooms: string[];
  /** Texts of the outbox and their numbers; `wires`: those that were signed already. */
  outbox: [string, number][];
  wires: unknown[];
  /** The number that the next message gets. */
  nextN: number;
  copy: { epoch: string; ranges: unknown; positions: number[]; wire: unknown } | undefined;
  seen: unknown;
  /** Payloads of relayed events. */
  relayed: string[];
}

const STORES = {
  1: ["device", "outboxes", "entries", "copies", "events"],
  2: ["device", "outboxes", "entries", "copies", "events", "seen"],
};

async function runFileRule({ name, run }: typeof FILE_STORE_RULES[number]): Promise<string> {
  try {
    await run(({ blocks, now }) => idbFileStore("room", { name, maxBytes: blocks * FILE_BLOCK_BYTES, now }));
    // Another room of the same device sees nothing of it, and forgets only what is its own.
    if ((await idbFileStore("other", { name }).all()).length > 0) return "another room sees it";
    await idbFileStore("other", { name }).note("theirs", { bytes: 1, reason: "wanted" });
    await forgetFiles("room", name);
    const left = [await idbFileStore("room", { name }).all(), await idbFileStore("other", { name }).all()];
    return left.map(({ length }) => length).join() === "0,1" ? "ok" : `after forgetting: ${JSON.stringify(left)}`;
  } catch (error) {
    return String(error instanceof Error ? error.stack : error);
  }
}

const page: StoragePage = {
  async runRule(name) {
    const fileRule = FILE_STORE_RULES.find((rule) => rule.name === name);
    if (fileRule !== undefined) return await runFileRule(fileRule);
    const rule = STORAGE_RULES.find((rule) => rule.name === name)!;
    const tabs: ReturnType<typeof indexedDbStorage>[] = [];
    const database = `rule ${name}`;
    try {
      await rule.run(() => {
        const tab = indexedDbStorage(database);
        tabs.push(tab);
        return tab;
      });
      return "ok";
    } catch (error) {
      return String(error instanceof Error ? error.stack : error);
    } finally {
      for (const tab of tabs) await tab.close();
      indexedDB.deleteDatabase(database);
    }
  },
  async write(database, count) {
    const storage = indexedDbStorage(database);
    const content = { kind: "message" as const, body: { name: "Ada", text: "x" } };
    const outboxes = await Promise.all(
      Array.from(
        { length: count },
        () => storage.changeOutbox("room", (book) => enqueue(book, { at: 1, content }, { n: 0, clock: 0 })),
      ),
    );
    return outboxes.at(-1)!.entries.map(({ n }) => n);
  },
  upgrade(database) {
    return new Promise((resolve) => {
      const request = indexedDB.open(database, 99);
      request.onblocked = () => resolve("blocked");
      request.onsuccess = () => {
        request.result.close();
        resolve("ok");
      };
    });
  },
  makeVersion(version, database) {
    const content = (text: string) => ({ kind: "message", body: { name: "Ada", text } });
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(database, version);
      request.onerror = () => reject(request.error);
      request.onupgradeneeded = () => {
        for (const store of STORES[version]) request.result.createObjectStore(store);
      };
      request.onsuccess = () => {
        const db = request.result;
        db.onversionchange = () => db.close();
        const transaction = db.transaction(STORES[version], "readwrite");
        const put = (store: string, key: IDBValidKey, value: unknown) => transaction.objectStore(store).put(value, key);
        put("device", "secret", new Uint8Array(32).fill(7));
        put("device", "name", "Ada");
        put("device", "rooms", [{ id: "room", kind: "listed", name: "Room", openedAt: 1, favourite: true }]);
        put("outboxes", "room", { revision: 7, n: 4, clock: 9, lastKey: 2 });
        put("entries", ["room", 1], { key: 1, n: 3, clock: 8, at: 5, content: content("signed"), wire: ["p", "s"] });
        put("entries", ["room", 2], { key: 2, n: 4, clock: 9, at: 6, content: content("typed") });
        const founding = ["payload", "signature"];
        const room = { id: "room", kind: "listed", name: "Room", host: "host", founding, createdAt: 1 };
        put("copies", "room", { epoch: "epoch", ranges: [{ from: 1, to: 2 }], oldest: 1, room });
        put("events", ["room", 1], founding);
        put("events", ["room", 2], ["payload 2", "signature 2"]);
        if (version === 2) put("seen", "room", { epoch: "epoch", position: 1 });
        transaction.oncomplete = () => resolve();
        transaction.onerror = () => reject(transaction.error);
      };
    });
  },
  async readOldFiles(database) {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(database, 1);
      request.onerror = () => reject(request.error);
      request.onupgradeneeded = () => {
        const { result: db } = request;
        const file = { bytes: 3, reason: "mine", shared: false, blocks: [0], usedAt: 1 };
        db.createObjectStore("files").put(file, ["room", "a"]);
        db.createObjectStore("blocks").put(new Uint8Array(3), ["room", "a", 0]);
      };
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
    });
    const store = idbFileStore("room", { name: database });
    const found = await Promise.all(
      (await store.all()).map(async ({ root }) => `${root} ${(await store.block(root, 0))?.length}`),
    );
    return [...found, ...await store.clear("epoch", () => false)];
  },
  async readAll(database) {
    const storage = indexedDbStorage(database);
    const [name, secret, rooms, copy, book] = await Promise.all([
      storage.name(),
      storage.secret(() => new Uint8Array(32)),
      storage.rooms(),
      storage.replica("room"),
      storage.changeOutbox("room", (book) => book),
    ]);
    const content = { kind: "message" as const, body: { name: "Ada", text: "next" } };
    const next = await storage.changeOutbox("room", (book) => enqueue(book, { at: 7, content }, { n: 0, clock: 0 }));
    const seen = [
      await storage.readCursor("room"),
      await storage.changeReadCursor("room", () => ({ epoch: "epoch", position: 2 })),
    ];
    const relayed = await storage.relayed("room");
    await storage.changeRelayed("room", new Map([["id", ["carried", "signature"]]]), []);
    await storage.close();
    return {
      name,
      secret: [...secret],
      rooms: rooms.map(({ name }) => name),
      outbox: book.entries.map(({ content, n }) => [content.kind === "message" ? content.body.text : content.kind, n]),
      wires: book.entries.map(({ wire }) => wire ?? null),
      nextN: next.entries.at(-1)!.n,
      copy: copy && {
        epoch: copy.epoch,
        ranges: copy.ranges,
        positions: copy.events.map(({ position }) => position),
        wire: copy.events.at(-1)?.wire,
      },
      seen: seen[0] ?? null,
      relayed: relayed.map(([payload]) => payload),
    };
  },
};

Object.assign(globalThis, { storagePage: page });

/** Deleted means deleted: the bytes of all files of the data folder after a deletion, on the built server. */
import { assert, assertEquals } from "@std/assert";
import { composeRetract } from "../../lib/kinds/retract.ts";
import { roomCodeFor } from "../../lib/chat/room_code_words.ts";
import { newGenesis, TestClient, webSocketWire } from "../support/client.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { realEnvironment } from "../../lib/server/environment.ts";
import { ERASED_WHILE_RUNNING_MAX_BYTES, Erasing } from "../../lib/server/upkeep/erasing.ts";
import { StorageUnavailable } from "../../lib/store/database.ts";
import { openStore } from "../../lib/store/store.ts";
import { VirtualTime } from "../server/virtual_time.ts";
import { idOf, makeRoom as makeStoredRoom } from "../store/contract.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { logIn, OPERATED } from "./operator.ts";

/** Words long enough to be nowhere by chance. */
const SECRET = "the canary that nobody may find";

/** How often the words are in the files of a folder and of those below it. */
async function occurrences(folder: string, words = SECRET): Promise<number> {
  let found = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found += await occurrences(path, words);
    else found += new TextDecoder("latin1").decode(await Deno.readFile(path)).split(words).length - 1;
  }
  return found;
}

/** Resolves when the words are in no file; a bounded number of looks, because files tell nobody of their changes. */
async function untilErased(folder: string): Promise<void> {
  for (let looks = 0; await occurrences(folder) > 0; looks++) {
    if (looks === 100) throw new Error(`the words are still in the files, ${await occurrences(folder)} times`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function withServer(
  run: (scene: { server: ServerProcess; dataDir: string; restart(): Promise<ServerProcess> }) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-erasing-" });
  const env = { ...OPERATED, FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_PROBE_SECONDS: "0" };
  let server = await startServer({ dataDir, env });
  try {
    const restart = async () => server = await startServer({ dataDir, env });
    await run({ server, dataDir, restart });
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** A room with messages that hold the words, between those of another room: their places in the file mix. */
async function secretRoom(server: ServerProcess): Promise<{ id: string; code: string; ada: TestClient }> {
  const join = async (name: string) => {
    const genesis = await newGenesis({ name, roomKind: "listed" });
    const made = await fetch(`${server.url}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) });
    assert(made.ok, await made.text());
    const url = `${server.url.replace("http", "ws")}/api/rooms/${genesis.room}/socket`;
    return await TestClient.join({ open: webSocketWire(url, { origin: server.url }), room: genesis.room });
  };
  const [ada, other] = [await join("Main stage"), await join("Camp site")];
  for (let n = 0; n < 60; n++) {
    await Promise.all([ada.say(`${SECRET} ${n} ${"y".repeat(n * 7)}`), other.say("z".repeat(n * 11 + 1))]);
  }
  await other.close();
  return { id: ada.options.room, code: roomCodeFor(ada.options.room, 0), ada };
}

Deno.test("[ERASE-1] after an operator deleted a room, its words are in no file of the data folder", () =>
  withServer(async ({ server, dataDir }) => {
    const { id, code, ada } = await secretRoom(server);
    assert(await occurrences(dataDir) >= 60);
    const post = await logIn(server.url);
    const deleted = await post(`/admin/rooms/${id}?confirm=delete`, { action: "delete", typed: code });
    await deleted.body?.cancel();
    assertEquals(deleted.status, 303);
    await untilErased(dataDir);
    await ada.close();
  }));

Deno.test("[ERASE-1] after their author deleted the messages, their words are in no file", () =>
  withServer(async ({ server, dataDir }) => {
    const { ada } = await secretRoom(server);
    const said = await ada.signText(`${SECRET}, once more`);
    for (const event of [said, await ada.sign(composeRetract(said, []))]) {
      ada.sendEvents(event);
      await ada.until(() => ada.acked.has(event.id));
    }
    for (let looks = 0; await occurrences(dataDir, `${SECRET}, once more`) > 0; looks++) {
      if (looks === 100) throw new Error("the words are still in the files");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert(await occurrences(dataDir) >= 60, "what nobody deleted is still there");
    await ada.close();
  }));

Deno.test("[ERASE-1] a deletion right before kill -9 leaves the files with the next start", () =>
  withServer(async ({ server, dataDir, restart }) => {
    const { id, code, ada } = await secretRoom(server);
    const post = await logIn(server.url);
    const deleted = await post(`/admin/rooms/${id}?confirm=delete`, { action: "delete", typed: code });
    await deleted.body?.cancel();
    await server.kill();
    await ada.close();
    await restart();
    assertEquals(await occurrences(dataDir), 0);
  }));

Deno.test("[ERASE-1] a large database is erased at a start only, and a failure is said once and tried again", async () => {
  const time = new VirtualTime();
  const store = openStore({ kv: new MemoryDatabase({ now: () => time.now() }).open() });
  const log: string[] = [];
  const disk = { free: 1e12, total: 1e12, database: 1 };
  let erased = 0, failing = false;
  const erasing = new Erasing({
    store,
    environment: { ...realEnvironment, clock: time, timers: time, log: (line) => log.push(line) },
    process: "this one",
    instance: "a worker",
    erase: () => failing ? Promise.reject(new StorageUnavailable("no")) : Promise.resolve(void erased++),
    disk: () => disk,
  });
  const deleteRoom = async (name: string) => {
    await makeStoredRoom(store, name);
    await store.rooms.deleteForGood(idOf(name), time.now());
  };
  await deleteRoom("before");
  disk.database = ERASED_WHILE_RUNNING_MAX_BYTES + 1;
  await erasing.start();
  assertEquals(erased, 1, "at a start, whatever its size");
  await deleteRoom("large");
  await time.advance(3_600_000);
  assertEquals(erased, 1);
  disk.database = 1;
  await time.advance(1_000);
  assertEquals(erased, 2);
  await time.advance(3_600_000);
  assertEquals(erased, 2, "nothing was deleted");
  failing = true;
  await deleteRoom("failing");
  await time.advance(60_000);
  assertEquals(log, ["deleted messages were not erased yet: no"]);
  failing = false;
  await time.advance(60_000);
  assertEquals(erased, 3);
  await deleteRoom("last");
  await erasing.close();
  assertEquals(erased, 4, "at the end");
  store.close();
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { backupLines, checkBackup, restoreBackup, RestoreError } from "../../lib/server/admin/backup.ts";
import {
  ArchiveError,
  type ArchiveProblem,
  linesOf,
  readRoom,
  roomLines,
} from "../../lib/server/admin/room_archive.ts";
import { runTask } from "../../lib/operating/admin_tasks.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import type { Store } from "../../lib/store/store.ts";
import { newFounding, TestClient } from "../support/client.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { startTestServer, type TestServer } from "./support.ts";

const verifier = nodeVerifier();

function streamOf(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([text]).stream();
}

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const line of lines) text += line;
  return text;
}

async function exported(store: Store, room: string): Promise<string> {
  const found = await store.archive.snapshot(room);
  return await textOf((async function* () {
    for await (const line of roomLines(found!)) yield `${line}\n`;
  })());
}

async function imported(store: Store, text: string): Promise<RoomInfo | { problem: string }> {
  const lines = linesOf(streamOf(text));
  const { snapshot, events } = await readRoom((await lines.next())!, lines, verifier);
  return await store.archive.restore(snapshot, events);
}

/** The lines' contents, in any order of their fields; the checksum covers their characters. */
function parsed(text: string): unknown[] {
  return text.trimEnd().split("\n").map((line) => ({ ...JSON.parse(line), sha256: undefined }));
}

/** A room with messages of three people, two of them from one. */
async function conversation(server: TestServer, roomKind: "listed" | "unlisted" = "listed") {
  const room = await server.newRoom({ roomKind });
  const ada = await TestClient.join({ ...server.wire(room.id), room: room.id });
  const ben = await TestClient.join({ ...server.wire(room.id), room: room.id, name: "Ben" });
  await ada.say("one");
  await ben.say("two");
  await ada.say("three");
  await ada.holds(4);
  await ben.holds(4);
  return { room, ada, ben };
}

Deno.test("[ARCH-1] a room that is exported and imported elsewhere is the same: id, code, epoch, positions, signatures, numbers", async () => {
  const [from, to] = [startTestServer(), startTestServer()];
  const { room, ada } = await conversation(from);
  const text = await exported(from.store, room.id);
  assertEquals(await imported(to.store, text), room);
  const head = ({ versionstamp: _, ...rest }: Record<string, unknown>) => rest;
  assertEquals(
    head({ ...await to.store.log.readHead(room.id) }),
    head({ ...await from.store.log.readHead(room.id) }),
  );
  assertEquals(parsed(await exported(to.store, room.id)), parsed(text));
  assertEquals((await to.server.listedRooms()).map(({ room: { id } }) => id), [room.id]);
  // The client continues there from its position.
  const there = await TestClient.create({ ...to.wire(room.id), room: room.id, secret: ada.options.secret! });
  await there.connect({ resume: ada.position! });
  assertEquals([there.welcome?.mode, there.welcome?.from], ["resume", 5]);
  await Promise.all([from.close(), to.close()]);
});

Deno.test("[ARCH-2] a modified archive is refused by name and leaves nothing of its room", async () => {
  const from = startTestServer();
  const { room } = await conversation(from);
  const lines = (await exported(from.store, room.id)).trimEnd().split("\n");
  const other = await newFounding();
  const change = (at: number, edit: (line: string) => string) => lines.map((line, n) => n === at ? edit(line) : line);
  const first = lines.findIndex((line) => line.startsWith('{"type":"event"'));
  const cases: [ArchiveProblem, string[]][] = [
    ["not_an_archive", ['{"hello":1}', ...lines]],
    ["broken_line", ["junk", ...lines]],
    ["other_version", change(0, (line) => line.replace('"version":1', '"version":2'))],
    ["wrong_room", change(0, (line) => line.replace(room.name, "Another name"))],
    ["wrong_room", change(0, (line) => line.replace(`"id":"${room.id}"`, `"id":"${other.room}"`))],
    ["bad_signature", change(first + 1, (line) => line.replace("one", "won"))],
    ["wrong_position", lines.filter((_, at) => at !== first + 1)],
    ["wrong_position", [...lines.slice(0, first), lines[first + 1]!, lines[first]!, ...lines.slice(first + 2)]],
    ["wrong_position", [...lines.slice(0, first + 1), ...lines.slice(first)]],
    ["cut_off", lines.slice(0, -1)],
    ["cut_off", [...lines.slice(0, -2), lines.at(-1)!]],
    ["bad_event", lines.filter((line) => !line.startsWith('{"type":"author"'))],
  ];
  for (const [problem, changed] of cases) {
    const database = new MemoryDatabase();
    const to = startTestServer({ database });
    const error = await assertRejects(() => imported(to.store, `${changed.join("\n")}\n`), ArchiveError);
    assertEquals(error.problem, problem, error.message);
    await to.store.rooms.finishRemovals();
    assertEquals(await to.store.rooms.byId(room.id), undefined);
    assertEquals(database.dump().filter(({ key }) => key.includes(room.id)), [], `${problem} leaves nothing`);
    await to.close();
  }
  await from.close();
});

Deno.test("[ARCH-3] a room that exists or was deleted by an operator is not imported, and a code in use is not reassigned", async () => {
  const server = startTestServer();
  const { room, ada, ben } = await conversation(server);
  const text = await exported(server.store, room.id);
  assertEquals(await imported(server.store, text), { problem: "id_taken" });
  await Promise.all([ada.close(), ben.close()]);
  await server.store.rooms.deleteForGood(room.id, Date.now());
  assertEquals(await imported(server.store, text), { problem: "id_taken" });
  await server.close();

  const database = new MemoryDatabase();
  const other = startTestServer({ database });
  await database.open().set(["code", room.code!], "somebody else's");
  const made = await imported(other.store, text);
  assert("code" in made && made.code !== room.code && made.id === room.id);
  await other.close();
});

Deno.test("[ARCH-4] an export shows the room at one moment of its log while people write and retention deletes", async () => {
  const server = startTestServer({ config: { limits: { messages: { burst: 1_000, everyMs: 0 } } } });
  const { room, ada } = await conversation(server);
  let found = await server.store.archive.snapshot(room.id);
  await ada.say("four");
  // Between the head and the authors' records: what the snapshot is read in.
  const readHead = server.store.archive.snapshot(room.id);
  const more = ada.say("five");
  found = await readHead;
  await more;
  const lines: string[] = [];
  for await (const line of roomLines(found!)) lines.push(line);
  const to = startTestServer();
  const made = await imported(to.store, `${lines.join("\n")}\n`);
  assert("id" in made);
  const head = (await to.store.log.readHead(room.id))!;
  assertEquals(head.head, found!.snapshot.head.head);
  // The author continues there with the number after the last restored one.
  const records = await to.store.log.readAuthors(room.id, [ada.signer.author]);
  const events = lines.filter((line) => line.includes(ada.signer.author) && line.startsWith('{"type":"event"')).length;
  assertEquals(records.get(ada.signer.author)?.lastN, events);
  await Promise.all([server.close(), to.close()]);
});

Deno.test("[BACKUP-1] backup, wipe, restore: same rooms, same positions, same settings, and clients resume", async () => {
  const database = new MemoryDatabase();
  const before = startTestServer({ database });
  const rooms = [await conversation(before), await conversation(before, "unlisted")];
  await before.store.settings.setLimits({ message_burst: 7 });
  await before.store.settings.setSuggested([{ room: rooms[0]!.room.id, label: "Main stage" }]);
  const ban = { id: "A".repeat(16), kind: "key", who: "B".repeat(43), reason: "", at: 0, until: 8.64e15 } as const;
  await before.store.settings.putBan(ban, 0);
  await before.store.audit.append({ at: 1, by: "me", action: "did", details: {} });
  await before.store.audit.append({ at: 2, by: "me", action: "did more", details: {} });
  const text = await textOf(backupLines(before.store, 0));
  await before.close();

  const after = startTestServer({ database: new MemoryDatabase() });
  const counts = { rooms: 2, events: 8, auditEntries: 2 };
  assertEquals(await checkBackup(streamOf(text), verifier), counts);
  // The server that runs on it holds a watch and writes nothing: the database is empty.
  assertEquals(await restoreBackup(streamOf(text), verifier, after.store, 0), counts);
  assertEquals(parsed(await textOf(backupLines(after.store, 0))), parsed(text), "a backup of it is the same backup");
  for (const { room, ada, ben } of rooms) {
    assertEquals(await after.server.roomById(room.id), room);
    for (const client of [ada, ben]) {
      const back = await TestClient.create({ ...after.wire(room.id), room: room.id, secret: client.options.secret! });
      await back.connect({ resume: client.position! });
      assertEquals([back.welcome?.mode, back.welcome?.from, back.welcome?.epoch], [
        "resume",
        5,
        client.position!.epoch,
      ]);
    }
  }
  const next = await after.store.audit.append({ at: 3, by: "me", action: "went on", details: {} });
  assertEquals(next.number, 3);
  await after.close();
});

Deno.test("[BACKUP-2] a broken backup is refused by name before anything is written, and so is a database that is not empty", async () => {
  const server = startTestServer();
  await conversation(server);
  await server.store.audit.append({ at: 1, by: "me", action: "did", details: {} });
  const text = await textOf(backupLines(server.store, 0));
  const lines = text.trimEnd().split("\n");
  const cases: [ArchiveProblem, string][] = [
    ["not_an_archive", ""],
    ["not_an_archive", "{}\n"],
    ["broken_line", "not a backup\n"],
    ["other_version", text.replace('"version":1', '"version":99')],
    ["cut_off", lines.slice(0, -1).map((line) => `${line}\n`).join("")],
    ["cut_off", text.slice(0, -1)],
    ["cut_off", text.slice(0, text.length / 2)],
    ["wrong_checksum", text.replace('"limits":{}', '"limits":{"message_burst":9}')],
    ["wrong_checksum", text.replace('"action":"did"', '"action":"done"')],
    ["bad_signature", text.replace("two", "too")],
    ["broken_line", `${text}{}\n`],
  ];
  for (const [problem, broken] of cases) {
    const error = await assertRejects(() => checkBackup(streamOf(broken), verifier), ArchiveError);
    assertEquals(error.problem, problem, error.message);
  }
  const full = await assertRejects(() => restoreBackup(streamOf(text), verifier, server.store, 0), RestoreError);
  assertEquals(full.problem, "not_empty");
  await server.close();
});

Deno.test("[BACKUP-3] the tasks write a checked file, never overwrite one, and restore only into an empty database", async () => {
  const folder = await Deno.makeTempDir();
  const [file, said] = [`${folder}/one.backup.jsonl`, [] as string[]];
  const { log, error } = console;
  console.log = console.error = (line: string) => void said.push(line);
  const run = async (dataDir: string, ...args: string[]) => {
    Deno.env.set("FESTIVAL_DATA_DIR", `${folder}/${dataDir}`);
    return await runTask(args);
  };
  try {
    const { openKv } = await import("../../lib/store/open_kv.ts");
    const { openStore } = await import("../../lib/store/store.ts");
    const store = openStore({ kv: await openKv({ path: `${folder}/a/festival.kv` }) });
    const made = await store.rooms.create(await newFounding({ roomKind: "listed" }), Date.now());
    store.close();
    assertEquals(await run("a", "backup", file), 0);
    assertEquals(await run("a", "backup", file), 1);
    assertEquals(await run("a", "restore", file), 1);
    assert(said.at(-1)!.startsWith("not_empty:"), said.at(-1)!);
    assertEquals(await run("b", "restore", file), 0);
    const restored = openStore({ kv: await openKv({ path: `${folder}/b/festival.kv` }) });
    assert("id" in made);
    assertEquals(await restored.rooms.byId(made.id), made);
    restored.close();
    await Deno.writeTextFile(`${folder}/broken`, (await Deno.readTextFile(file)).replace("Main stage", "Main cage"));
    assertEquals(await run("c", "restore", `${folder}/broken`), 1);
    assert(said.at(-1)!.startsWith("bad_signature:") || said.at(-1)!.startsWith("wrong_room:"), said.at(-1)!);
    assertEquals(await run("c", "restore", `${folder}/missing`), 1);
    assertEquals(await run("c", "dance"), 1);
  } finally {
    Object.assign(console, { log, error });
    Deno.env.delete("FESTIVAL_DATA_DIR");
    await Deno.remove(folder, { recursive: true });
  }
});

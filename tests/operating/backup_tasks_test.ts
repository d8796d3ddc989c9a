/** The tasks backup and restore as operators run them, and the backups that a server writes by itself. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { backupName, backupsAmong, ScheduledBackups } from "../../lib/server/upkeep/scheduled_backups.ts";
import { EmptyBackup } from "../../lib/server/admin/backup_file.ts";
import { clientOf, makeRoom } from "../faults/writers.ts";
import { VirtualTime } from "../server/virtual_time.ts";
import { startServer } from "../support/server_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HOUR = 3_600_000;

/** Runs a task of deno.json on a data folder. */
async function task(name: string, dataDir: string, file: string): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", name, file],
    cwd: ROOT,
    env: { FESTIVAL_DATA_DIR: dataDir },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  return { code, said: `${out}${err}` };
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "festival-backups-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("[BACKUP-4] a backup of a missing or empty database fails with a code, says so, and leaves no file", () =>
  withFolder(async (folder) => {
    const missing = await task("backup", `${folder}/nothing`, `${folder}/one`);
    assertEquals(missing.code, 1);
    assertMatch(missing.said, /there is no database .*nothing\/festival\.kv: set FESTIVAL_DATA_DIR/);
    const kv = await Deno.makeTempDir({ dir: folder });
    (await Deno.openKv(`${kv}/festival.kv`)).close();
    const empty = await task("backup", kv, `${folder}/one`);
    assertEquals([empty.code, empty.said], [1, "the database is empty: there is nothing to back up"]);
    const left = (await Array.fromAsync(Deno.readDir(folder))).filter(({ isFile }) => isFile);
    assertEquals(left, []);
  }));

Deno.test("[BACKUP-5] a server's own backup, restored by the task, has everything that was acked before it", () =>
  withFolder(async (folder) => {
    const dataDir = `${folder}/data`;
    let server = await startServer({ dataDir, env: { FESTIVAL_MESSAGE_BURST: "100" } });
    const room = await makeRoom(server);
    const ada = await clientOf(server, room.id, "Ada");
    await ada.connect();
    for (let n = 0; n < 30; n++) await ada.say(`message ${n}`);
    await server.stop();
    // At its start there is none yet, so one is due.
    server = await startServer({ dataDir, env: { FESTIVAL_BACKUP_HOURS: "1" } });
    const file = await written(`${dataDir}/backups`);
    assertEquals([mode(`${dataDir}/backups`), mode(file)], ["700", "600"]);
    const running = await task("backup", dataDir, `${folder}/second`);
    assertEquals(running.code, 1);
    assertMatch(running.said, /is in use by another process: stop that one first/);
    await server.stop();

    const restored = await task("restore", `${folder}/new`, file);
    assertEquals(restored.code, 0, restored.said);
    assertMatch(restored.said, /restored: 1 rooms, 31 events/);
    assertEquals(mode(`${folder}/new/festival.kv`), "600");
    server = await startServer({ dataDir: `${folder}/new` });
    const late = await clientOf(server, room.id, "Late");
    await late.connect();
    await late.until(() => late.position?.position === 31);
    assertEquals([late.violations, late.welcome?.epoch], [[], ada.welcome?.epoch]);
    await late.close();
    await server.stop();
    const again = await task("backup", `${folder}/new`, `${folder}/third`);
    assertEquals([again.code, mode(`${folder}/third`)], [0, "600"], again.said);
  }));

/** The path of the only file in a folder that is a complete backup, as soon as there is one. */
async function written(folder: string): Promise<string> {
  for (let looks = 0; looks < 100; looks++) {
    const names = await Array.fromAsync(Deno.readDir(folder)).then((all) => all.map(({ name }) => name), () => []);
    const [backup] = backupsAmong(names);
    if (backup !== undefined) return `${folder}/${backup.name}`;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no backup was written");
}

const mode = (path: string) => (Deno.statSync(path).mode! & 0o777).toString(8);

/** Scheduled backups over a folder in memory, under virtual time. */
function schedule({ keep = 3, files = [] as string[], write }: {
  keep?: number;
  files?: string[];
  write?: () => Error | undefined;
} = {}) {
  const time = new VirtualTime();
  const log: string[] = [];
  const backups = new ScheduledBackups({
    folder: {
      list: () => Promise.resolve([...files]),
      write: (name) => {
        const error = write?.();
        if (error !== undefined) return Promise.reject(error);
        files.push(name);
        return Promise.resolve();
      },
      remove: (name) => Promise.resolve(void files.splice(files.indexOf(name), 1)),
    },
    config: { everyMs: 6 * HOUR, keep },
    leases: { acquire: () => Promise.resolve(true) },
    environment: {
      clock: time,
      timers: time,
      random: { bytes: (count) => new Uint8Array(count), fraction: () => 0 },
      log: (line) => void log.push(line),
    },
    instance: "one",
  });
  return { time, files, log, backups };
}

Deno.test("[BACKUP-5] a backup is written every N hours, also over restarts, and the newest M are kept", async () => {
  const { time, files, backups } = schedule();
  const start = time.now();
  await time.advance(1);
  assertEquals(files, [backupName(start)]);
  await time.advance(5 * HOUR);
  assertEquals(files.length, 1);
  await time.advance(24 * HOUR);
  assertEquals(files.length, 3);
  assert(!files.includes(backupName(start)), "the oldest is gone");
  await backups.close();
  const next = schedule({ files: [...files, "somebody's notes.txt", `${backupName(1)}.part`] });
  await next.time.advance(1);
  assert(!next.files.includes(`${backupName(1)}.part`), "the part that a killed run left is gone");
  assert(next.files.includes("somebody's notes.txt"), "other files stay");
  await next.backups.close();
});

Deno.test("[BACKUP-5] a backup that fails is named until one works, and an empty database is no failure", async () => {
  let error: Error | undefined = new Deno.errors.PermissionDenied("no");
  const { time, files, log, backups } = schedule({ write: () => error });
  await time.advance(5 * 60_000);
  assertMatch(backups.problem!, /^the scheduled backup failed: /);
  assertEquals(log, [backups.problem], "said once");
  error = undefined;
  await time.advance(60_000);
  assertEquals([backups.problem, files.length], [undefined, 1]);
  await backups.close();
  const empty = schedule({ write: () => new EmptyBackup("empty") });
  await empty.time.advance(5 * 60_000);
  assertEquals([empty.backups.problem, empty.log], [undefined, []]);
  await empty.backups.close();
});

/** The database opens at the start, or the start says why it cannot and what to do: the built server, in a process of its own. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "node:path";
import { openKv } from "../../lib/store/open_kv.ts";
import { openStore } from "../../lib/store/store.ts";
import { freePort, refusedStart, startServer } from "../support/server_process.ts";
import { clientOf, makeRoom } from "../faults/writers.ts";
import { fill, idOf, makeRoom as makeStoredRoom } from "../store/contract.ts";
import { TestClient } from "../support/client.ts";
import { mountMemory } from "./mounts.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

/** Runs with an empty folder that is gone afterwards. */
async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "festival-opening-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Exit codes of sysexits(3): somebody has to act (EX_CONFIG), or a later start may work (EX_TEMPFAIL). */
const ACT = 78, LATER = 75;

async function assertRefused(
  options: Parameters<typeof refusedStart>[0],
  code: number,
  line: RegExp,
): Promise<void> {
  const refused = await refusedStart(options);
  assertEquals([refused.code, refused.lines.length], [code, 1], refused.lines.join("\n"));
  assertMatch(refused.lines[0]!, line);
}

/** A database with a room, as a server leaves it. */
async function usedDatabase(dataDir: string): Promise<void> {
  const server = await startServer({ dataDir });
  await server.stop();
}

Deno.test("a file where the data folder should be ends the start", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/data`, "");
    await assertRefused({ dataDir: `${folder}/data` }, ACT, /could not be opened: .*a file is: set FESTIVAL_DATA_DIR/);
  }));

Deno.test({
  name: "a data folder that its user cannot write ends the start",
  ignore: !isRoot,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.mkdir(`${folder}/data`, { mode: 0o500 });
      await assertRefused(
        { dataDir: `${folder}/data`, withoutRights: true },
        ACT,
        /data\/festival\.kv cannot be written: give its folder to the user that runs the server/,
      );
    }),
});

Deno.test({
  name: "a data folder on a read-only file system ends the start",
  ignore: !isRoot,
  fn: () =>
    withFolder(async (folder) => {
      const unmount = await mountMemory(folder, "size=4m,ro");
      if (unmount === undefined) return;
      try {
        await assertRefused({ dataDir: folder }, ACT, /festival\.kv is read-only: mount it writable/);
      } finally {
        await unmount();
      }
    }),
});

Deno.test("a database server that does not answer ends the start, and a later one may work", () =>
  withFolder((folder) =>
    assertRefused(
      { dataDir: folder, env: { FESTIVAL_KV_URL: `http://127.0.0.1:${freePort()}/`, DENO_KV_ACCESS_TOKEN: "x" } },
      LATER,
      /^the database could not be opened: http:\/\/127\.0\.0\.1:\d+ does not answer: start it, or correct FESTIVAL_KV_URL/,
    )
  ));

Deno.test("one process uses a database: a second start ends, and one after kill -9 works", () =>
  withFolder(async (dataDir) => {
    const first = await startServer({ dataDir });
    await assertRefused({ dataDir }, LATER, /festival\.kv is in use by another process: stop that one first/);
    await first.kill();
    assert((await Deno.stat(`${dataDir}/festival.kv.lock`)).isFile, "the lock file stays, the lock does not");
    const next = await startServer({ dataDir });
    await next.stop();
  }));

Deno.test("the workers of one process share its database", () =>
  withFolder(async (dataDir) => {
    const server = await startServer({ dataDir, workers: 3 });
    try {
      for (let at = 0; at < 12; at++) {
        const response = await fetch(`${server.url}/health/ready`, { headers: { connection: "close" } });
        assertEquals(await response.json(), { ready: true, reasons: [] });
      }
      await assertRefused({ dataDir }, LATER, /in use by another process/);
    } finally {
      await server.stop();
    }
  }));

Deno.test("a file that is no database ends the start with the name of the guide", () =>
  withFolder(async (dataDir) => {
    await Deno.writeTextFile(`${dataDir}/festival.kv`, "not a database ".repeat(1_000));
    await assertRefused(
      { dataDir },
      ACT,
      /festival\.kv is damaged \(.*not a database\): see "Repair" in docs\/OPERATING/,
    );
  }));

Deno.test("a database of a newer version ends the start and stays as it is", () =>
  withFolder(async (dataDir) => {
    await usedDatabase(dataDir);
    const kv = await Deno.openKv(`${dataDir}/festival.kv`);
    await kv.set(["schema"], 1_000);
    kv.close();
    await assertRefused({ dataDir }, ACT, /its content has version 1000 and this build knows \d+: run the newer build/);
    const again = await Deno.openKv(`${dataDir}/festival.kv`);
    assertEquals((await again.get(["schema"])).value, 1_000);
    again.close();
  }));

Deno.test("database, its log and the lock are their owner's only, also those of an earlier release", () =>
  withFolder(async (folder) => {
    const dataDir = `${folder}/data`;
    const modes = async () => {
      const files = (await Array.fromAsync(Deno.readDir(dataDir))).filter(({ isFile }) => isFile);
      return [dataDir, ...files.map(({ name }) => `${dataDir}/${name}`)].map((path) => {
        return (Deno.statSync(path).mode! & 0o777).toString(8);
      });
    };
    const server = await startServer({ dataDir });
    // The database, its log, its index and the lock.
    assertEquals(await modes(), ["700", "600", "600", "600", "600"]);
    await server.kill();
    for await (const { name } of Deno.readDir(dataDir)) await Deno.chmod(`${dataDir}/${name}`, 0o644);
    const next = await startServer({ dataDir });
    assertEquals([...new Set((await modes()).slice(1))], ["600"]);
    await next.stop();
  }));

Deno.test({
  name: "a damaged page ends the start, and the guide in docs/OPERATING.md makes a database that people can talk on",
  fn: () =>
    withFolder(async (folder) => {
      // The app's folder, as the guide expects it.
      for (const part of ["deno.json", "deno.lock", "lib", "node_modules"]) {
        await Deno.symlink(ROOT + part, `${folder}/${part}`);
      }
      const dataDir = `${folder}/.data`;
      const env = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_PROBE_SECONDS: "0" };
      let server = await startServer({ dataDir, env });
      const room = await makeRoom(server);
      const secret = crypto.getRandomValues(new Uint8Array(32));
      const { options } = await clientOf(
        {
          get url() {
            return server.url;
          },
        },
        room.id,
        "Ada",
      );
      const ada = await TestClient.join({ ...options, secret });
      for (let n = 0; n < 200; n++) {
        await ada.say(`${TEXT} ${n}`);
      }
      await server.stop();
      await ada.close();
      await damagePage(`${dataDir}/festival.kv`);
      await assertRefused({ dataDir }, ACT, /festival\.kv is damaged \(.+\): see "Repair" in docs\/OPERATING/);

      for (const command of await guide("Repair")) {
        const { success, stderr } = await new Deno.Command("sh", {
          args: ["-ec", command],
          cwd: folder,
          env: { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}` },
        }).output();
        assert(success, `${command}: ${new TextDecoder().decode(stderr)}`);
      }
      server = await startServer({ dataDir, env });
      try {
        const back = await TestClient.create({ ...options, secret });
        await back.connect({ resume: ada.position! });
        assertEquals(back.closeCode, undefined);
        await back.until(() => back.position?.position === 201);
        assertEquals([back.welcome?.mode, back.welcome?.lastN, back.violations], ["latest", 200, []]);
        back.send({ type: "history", before: back.welcome!.head + 1, limit: 50 });
        const { oldest } = await back.waitFor("page");
        const left = 201 - oldest + 1;
        assert(left > 150 && left < 201, `${left} of 201 events are left`);
        back.n = back.welcome!.lastN;
        await back.say("we are back");
        await back.close();
      } finally {
        await server.stop();
      }
    }),
});

/** The text of every message, to find their pages. */
const TEXT = "long enough to find its page in the file";

Deno.test("a page that is damaged under a running server costs the reads of it, and no process", () =>
  withFolder(async (dataDir) => {
    const path = `${dataDir}/festival.kv`;
    const store = openStore({ kv: await openKv({ path }) });
    await makeStoredRoom(store, "main");
    await fill(store, "main", "ada", 600, Date.now());
    store.close();
    const server = await startServer({ dataDir, env: { FESTIVAL_PROBE_SECONDS: "0" } });
    try {
      await damagePage(path, "ada 250");
      const late = await clientOf(server, idOf("main"), "Late");
      await late.connect();
      late.send({ type: "history", before: 300, limit: 100 });
      assertEquals((await late.waitFor("problem")).problem, "busy");
      const health = await (await fetch(`${server.url}/health`)).json();
      assertEquals([health.status, health.reasons], ["degraded", ["the database failed recently"]]);
      assertEquals(await (await fetch(`${server.url}/health/live`)).json(), { status: "ok" });
      await late.close();
    } finally {
      await server.stop();
    }
    await assertRefused({ dataDir }, ACT, /is damaged/);
  }));

/** Overwrites a page that holds rows with this text. */
async function damagePage(path: string, text = TEXT): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const bytes = new Uint8Array((await file.stat()).size);
  for (let at = 0; at < bytes.length;) at += await file.read(bytes.subarray(at)) ?? bytes.length;
  const found = new TextDecoder("latin1").decode(bytes).lastIndexOf(text, bytes.length * 0.7);
  assert(found > PAGE_BYTES, "no page has this text");
  await file.seek(found - found % PAGE_BYTES, Deno.SeekMode.Start);
  await file.write(new Uint8Array(PAGE_BYTES).fill(0xa5));
}

/** SQLite's default. */
const PAGE_BYTES = 4_096;

/** The commands of a section of docs/OPERATING.md: its blocks of shell. */
async function guide(section: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("../../docs/OPERATING.md", import.meta.url));
  const part = text.split(`## ${section}\n`)[1]!.split("\n## ")[0]!;
  return [...part.matchAll(/```sh\n(.*?)```/gs)].map(([, commands]) => commands!);
}

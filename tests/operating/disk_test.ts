/** A full disk: the built server on a small file system of its own. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { diskProblem } from "../../lib/server/upkeep/disk_space.ts";
import { clientOf, makeRoom } from "../faults/writers.ts";
import { startServer } from "../support/server_process.ts";
import { mountMemory } from "./mounts.ts";

Deno.test("nothing is added below 64 MB of free space, or below a tenth of a small disk", () => {
  const MB = 1_048_576;
  assertEquals(diskProblem({ free: 64 * MB, total: 1e12 }, 64 * MB), undefined);
  assertMatch(diskProblem({ free: 64 * MB - 1, total: 1e12 }, 64 * MB)!, /the disk is full: .* until 64 MB are free/);
  assertEquals(diskProblem({ free: 2 * MB, total: 20 * MB }, 64 * MB), undefined);
  assertMatch(diskProblem({ free: 2 * MB - 1, total: 20 * MB }, 64 * MB)!, /until 2 MB are free/);
});

const folder = await Deno.makeTempDir({ prefix: "festival-disk-" });
const unmount = await mountMemory(folder, "size=24m");

Deno.test({
  name: "a full disk: not ready with the reason, messages are refused by name and kept, and all is back with the space",
  ignore: unmount === undefined,
  fn: async () => {
    const server = await startServer({ dataDir: `${folder}/data`, env: { FESTIVAL_PROBE_SECONDS: "0" } });
    try {
      const room = await makeRoom(server);
      const ada = await clientOf(server, room.id, "Ada");
      await ada.connect();
      await ada.say("before");

      await Deno.writeFile(`${folder}/ballast`, new Uint8Array(23 * 1_048_576)).catch(() => {}); // As far as it goes.
      const full = await until(() => ready(server.url), ({ status }) => status === 503);
      assertMatch(full.answer.reasons.join(), /^the disk is full: messages are refused until 3 MB are free/);
      const health = await (await fetch(`${server.url}/health`)).json();
      assertEquals(health.status, "down");
      assert(health.diskFreeBytes < 3 * 1_048_576 && health.databaseBytes > 0, JSON.stringify(health));

      const event = await ada.signText("on a full disk");
      ada.sendEvents(event);
      await ada.until(() => ada.frames.some((frame) => frame.type === "refused" && frame.id === event.id));
      const refusal = ada.frames.find((frame) => frame.type === "refused" && frame.id === event.id)!;
      assert(refusal.type === "refused" && refusal.reason === "storage_unavailable", JSON.stringify(refusal));
      assertEquals(
        (await fetch(`${server.url}/r/${room.code}`, { redirect: "manual" })).status < 500,
        true,
        "pages work",
      );

      await Deno.remove(`${folder}/ballast`);
      await until(() => ready(server.url), ({ status }) => status === 200);
      // As clients do it: the refused one again, with its number.
      ada.sendEvents(event);
      await ada.until(() => ada.acked.has(event.id));
      await ada.say("after");
      await ada.close();
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      for (const name of ["database_bytes", "disk_free_bytes"]) {
        const value = Number(new RegExp(`^festival_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
        assert(value > 0 && value < 24 * 1_048_576, `${name} ${value}`);
      }
      const page = await (await fetch(`${server.url}/analytics`)).text();
      assertMatch(page, /Free disk space/);
    } finally {
      await server.stop();
    }
  },
});

Deno.test({
  name: "a disk that is full to the last byte stops no process, and deletions empty it",
  ignore: unmount === undefined,
  fn: async () => {
    const server = await startServer({ dataDir: `${folder}/last`, env: { FESTIVAL_PROBE_SECONDS: "0" } });
    try {
      const room = await makeRoom(server);
      const ada = await clientOf(server, room.id, "Ada");
      await ada.connect();
      await Deno.writeFile(`${folder}/ballast`, new Uint8Array(24 * 1_048_576)).catch(() => {}); // As far as it goes.
      await until(() => ready(server.url), ({ status }) => status === 503);
      assertEquals((await fetch(`${server.url}/health/live`)).status, 200);
      await Deno.remove(`${folder}/ballast`);
      await until(() => ready(server.url), ({ status }) => status === 200);
      await ada.say("still here");
      await ada.close();
    } finally {
      await server.stop();
    }
  },
});

globalThis.addEventListener("unload", () => {
  if (unmount !== undefined) new Deno.Command("umount", { args: [folder] }).outputSync();
  Deno.removeSync(folder, { recursive: true });
});

async function ready(url: string): Promise<{ status: number; answer: { ready: boolean; reasons: string[] } }> {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, answer: await response.json() };
}

/** Asks until the answer is right: another process's disk tells nobody when it changes. */
async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (let asked = 0; asked < 100; asked++) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never right: ${JSON.stringify(await ask())}`);
}

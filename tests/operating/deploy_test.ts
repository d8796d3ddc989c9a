/**
 * The files of docs/deploy/. Building a container needs an image registry and a container runtime, which are not everywhere:
 * the test runs its build commands in an empty folder instead, and its start command as its user.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "node:path";
import { skipped } from "../support/skipping.ts";
import { freePort } from "../support/server_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CONTAINERFILE = `${ROOT}docs/deploy/Containerfile`;
const UNIT = `${ROOT}docs/deploy/festival-chat.service`;

interface Instruction {
  name: string;
  value: string;
}

/** The instructions of each stage. */
function readStages(text: string): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const line of text.split("\n")) {
    const [, name, value] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    if (name === "FROM") stages.push([]);
    stages.at(-1)!.push({ name, value: value! });
  }
  return stages;
}

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

Deno.test({
  name: "the container's build commands work in an empty folder, and its command serves as a user without rights",
  ignore: !isRoot,
  fn: async () => {
    const [build, final] = readStages(await Deno.readTextFile(CONTAINERFILE));
    const folder = await Deno.makeTempDir({ prefix: "festival-container-" });
    try {
      for (const { name, value } of build!) {
        if (name === "COPY") {
          const parts = value.split(" "), to = parts.pop()!;
          // As COPY does it.
          await Deno.mkdir(dirname(`${folder}/${to}`), { recursive: true });
          for (const part of parts) await sh(["cp", "-R", ROOT + part, `${folder}/${to}`]);
        }
        if (name === "RUN") await sh(["sh", "-c", value.replace(/^deno /, `${Deno.execPath()} `)], folder);
      }
      const copied = final!.find(({ name }) => name === "COPY")!.value.split(" ").slice(1);
      assertEquals(copied, ["/build/kit", "/app"]);
      const app = `${folder}/kit`;
      const data = `${folder}/data`;
      const uid = Number(final!.find(({ name }) => name === "USER")!.value);
      assert(uid > 0, "not root");
      await Deno.mkdir(data);
      await Deno.chown(data, uid, uid);
      await Deno.chmod(folder, 0o755);

      const port = freePort();
      const command: string[] = JSON.parse(final!.find(({ name }) => name === "CMD")!.value);
      const env = final!.find(({ name }) => name === "ENV")!.value.split(" ").map((pair) => pair.split("="));
      const here = (text: string) =>
        text.replace(/(?<=^|[=,])\/(?:data|tmp)(?=\/|$)/, data).replace(/^8000$/, String(port));
      const child = new Deno.Command("setpriv", {
        args: [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs", ...command.map(here)],
        cwd: app,
        clearEnv: true,
        env: Object.fromEntries(env.map(([name, value]) => [name, here(value!)])),
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        const health = await answer(`http://127.0.0.1:${port}/health`);
        assertEquals([health.status, health.platform, health.environment], ["ok", "container", "production"]);
        assert((await Deno.stat(`${data}/festival.kv`)).isFile, "the database is where the volume is");
        const icon = await fetch(`http://127.0.0.1:${port}/favicon.svg`);
        assertMatch(await icon.text(), /<svg/, "static files may be read");
      } finally {
        const endedAt = performance.now();
        child.kill("SIGTERM");
        await child.status;
        const tookMs = performance.now() - endedAt;
        assert(tookMs < 5_000, `stopping took ${tookMs} ms`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("kit, container and unit start the server with the same few permissions, and never with -A", async () => {
  const texts = await Promise.all(
    [CONTAINERFILE, UNIT, `${ROOT}lib/operating/kit.ts`].map((path) => Deno.readTextFile(path)),
  );
  const permissions = texts.map((text) => {
    const serve = /serve"?,? .*?server\.js/s.exec(text)![0];
    assert(!/\s"?-A\b/.test(serve), serve);
    return [...serve.matchAll(/--(?:allow-[a-z]+|no-prompt|cached-only)/g)].map(([flag]) => flag).toSorted();
  });
  const few = ["--allow-env", "--allow-read", "--allow-sys", "--allow-write", "--cached-only", "--no-prompt"];
  // The network is for a database elsewhere; a field kit has its own.
  const [container, unit, kit] = permissions;
  assertEquals(container, [...few, "--allow-net"].toSorted());
  assertEquals(unit, container);
  assertEquals(kit, few);
});

const analyze = await works(["systemd-analyze", "--version"]);

Deno.test({
  name: "systemd accepts the unit without a complaint and rates it as confined",
  ignore: !analyze,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "festival-unit-" });
    try {
      // systemd looks for the program, too: here Deno stands in its place.
      const text = await Deno.readTextFile(UNIT);
      const unit = `${folder}/festival-chat.service`;
      await Deno.writeTextFile(
        unit,
        text.replace("/opt/festival-chat/deno", Deno.execPath()).replace("=/opt/festival-chat", `=${folder}`),
      );
      assertEquals(await sh(["systemd-analyze", "verify", unit]), "");
      const rating = await sh(["systemd-analyze", "security", "--no-pager", "--offline=true", unit]);
      assertMatch(rating, /Overall exposure level for festival-chat\.service: [012]\.\d/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function works(command: string[]): Promise<boolean> {
  try {
    await sh(command);
    return true;
  } catch {
    skipped("the check of the systemd unit", `there is no ${command[0]}`);
    return false;
  }
}

/** A command's output, stdout and stderr. */
async function sh([command, ...args]: string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command!, { args, ...(cwd !== undefined && { cwd }) })
    .output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${said}`);
  return said.trim();
}

async function answer(url: string): Promise<{ status: string; platform: string; environment: string }> {
  for (let tries = 0;; tries++) {
    try {
      return await (await fetch(url)).json();
    } catch (error) {
      if (tries > 150) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

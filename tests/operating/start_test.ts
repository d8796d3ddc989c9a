/**
 * `deno task start` and `deno task dev` as an operator runs them: real processes in a copy of the project without
 * installed packages. A mark in their environment finds every process that is left, whoever adopted it.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { firstLines } from "../../lib/operating/first_lines.ts";
import { readListening } from "../../lib/operating/listening.ts";
import { haveStartersEnded, type LookUp, startersOf } from "../../lib/operating/starter.ts";
import { readConfig } from "../../lib/server/config/read_config.ts";
import { unknownVariables } from "../../lib/server/config/unknown_variables.ts";
import { freePort } from "../support/server_process.ts";
import { skipped } from "../support/skipping.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const ENDS_WITHIN_MS = 5_000;
const PARTS = "main.ts,dev.ts,deno.json,deno.lock,fresh.gen.ts,routes,islands,components,lib,static,docs/OPERATING.md"
  .split(",");

let copy: string;

Deno.test.beforeAll(async () => {
  copy = await Deno.makeTempDir({ prefix: "festival-start-" });
  await Deno.mkdir(`${copy}/docs`);
  for (const part of PARTS) {
    const { success } = await new Deno.Command("cp", { args: ["-R", ROOT + part, `${copy}/${part}`] }).output();
    assert(success, part);
  }
});

Deno.test.afterAll(() => Deno.remove(copy, { recursive: true }));

interface Run {
  pid: number;
  /** All that it and its children wrote. */
  output(): string;
  status: Promise<Deno.CommandStatus>;
  /** Pids of its processes that still run. */
  survivors(): Promise<number[]>;
  /** Kills all that still runs. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Runs a command in the copy. */
function run(command: string[], env: Record<string, string> = {}): Run {
  const mark = crypto.randomUUID();
  const child = new Deno.Command(command[0]!, {
    args: command.slice(1),
    cwd: copy,
    // Not what the package runner of these tests says of itself.
    env: { npm_lifecycle_event: "", FESTIVAL_DATA_DIR: `${copy}/data`, ...env, START_TEST_MARK: mark, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const reading = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) text += part;
  }));
  const survivors = async () => {
    const pids: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const environment = await Deno.readTextFile(`/proc/${name}/environ`).catch(() => "");
      if (environment.includes(mark)) pids.push(Number(name));
    }
    return pids;
  };
  return {
    pid: child.pid,
    output: () => text,
    status: child.status,
    survivors,
    async [Symbol.asyncDispose]() {
      for (const pid of await survivors()) Deno.kill(pid, "SIGKILL");
      await child.status;
      await reading;
    },
  };
}

/** Asks until it holds; there is nothing to listen to in another process. */
async function until(what: string, isTrue: () => Promise<boolean>, withinMs: number): Promise<number> {
  const startedAt = performance.now();
  while (!await isTrue()) {
    assert(performance.now() - startedAt < withinMs, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - startedAt;
}

const answers = (port: number) => () =>
  fetch(`http://127.0.0.1:${port}/health/live`).then(async (answer) => {
    await answer.body?.cancel();
    return answer.ok;
  }, () => false);

function isFree(port: number): boolean {
  try {
    Deno.listen({ port }).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return false;
  }
}

const installed = async () => {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${copy}/node_modules/.deno`)) names.push(name);
  return names;
};

const isLinux = Deno.build.os === "linux";
if (!isLinux) skipped("the tests of starting and stopping", "they look for processes in Linux' /proc");
const npx = isLinux && await new Deno.Command("npx", { args: ["--version"] }).output().then(() => true, () => false);
if (!npx) skipped("the tests of npx -y deno task", "there is no npx");

Deno.test({
  name: "without a build the start says which command is missing",
  ignore: !isLinux,
  fn: async () => {
    await using start = run([Deno.execPath(), "task", "start"]);
    assertEquals((await start.status).code, 1);
    assertMatch(start.output(), /there is no build yet: run `deno task build` first/);
    await using byNpx = run([Deno.execPath(), "task", "start"], {
      npm_lifecycle_event: "npx",
      npm_lifecycle_script: "'deno'",
    });
    assertEquals((await byNpx.status).code, 1);
    assertMatch(byNpx.output(), /run `npx -y deno task build` first/);
  },
});

/** Packages of tests and benchmarks. */
const NOT_IN_PRODUCTION =
  /^(playwright-core|@sparticuz|axe-core|fast-check|socket\.io|ws|@mdn|acorn|css-tree|parse-prom)/;

Deno.test({
  name: "build and start install only what they need, and the first lines say how to open the server",
  ignore: !isLinux,
  fn: async () => {
    await using build = run([Deno.execPath(), "task", "build"]);
    assertEquals((await build.status).code, 0, build.output());
    assertEquals((await installed()).filter((name) => NOT_IN_PRODUCTION.test(name)), []);
    await Deno.remove(`${copy}/node_modules`, { recursive: true });

    const port = freePort();
    await using start = run([Deno.execPath(), "task", "start", "--port", String(port)], {
      FESTIVAL_MAX_CONECTIONS: "9",
    });
    await until("it answers", answers(port), 60_000);
    const packages = await installed();
    assertEquals(packages.filter((name) => NOT_IN_PRODUCTION.test(name) || /^(esbuild|@twind)/.test(name)), []);
    const output = start.output();
    for (
      const line of [
        new RegExp(`^open +http://localhost:${port}/`, "m"),
        new RegExp(`^data +${copy}/data$`, "m"),
        /^admin +off/m,
        /^figures +closed/m,
        /^warning +FESTIVAL_MAX_CONECTIONS is no setting .* FESTIVAL_MAX_CONNECTIONS$/m,
      ]
    ) assertMatch(output, line);
  },
});

Deno.test({
  name: "PORT and HOST say where the server listens, --port and --host before them; a wrong one stops the start",
  ignore: !isLinux,
  fn: async () => {
    const [port, other] = [freePort(), freePort()];
    await using start = run([Deno.execPath(), "task", "start"], { PORT: String(port), HOST: "127.0.0.1" });
    await until("it answers", answers(port), 30_000);
    assertMatch(start.output(), /from this machine only/);
    await using _second = run([Deno.execPath(), "task", "start", `--port=${other}`, "--host=127.0.0.1"], {
      PORT: String(port),
      FESTIVAL_DATA_DIR: `${copy}/other`,
    });
    await until("it answers", answers(other), 30_000);
    await using wrong = run([Deno.execPath(), "task", "start"], { PORT: "eighty" });
    assertEquals((await wrong.status).code, 1);
    assertMatch(wrong.output(), /PORT has to be a whole number from 1 to 65535, not "eighty"/);
  },
});

const DENO = [Deno.execPath(), "task"];
const NPX = ["npx", "-y", "deno", "task"];
const ENDINGS: { outer: string[]; task: string; signal: Deno.Signal }[] = [
  { outer: DENO, task: "start", signal: "SIGTERM" },
  { outer: DENO, task: "start", signal: "SIGHUP" },
  { outer: DENO, task: "start", signal: "SIGKILL" },
  { outer: DENO, task: "dev", signal: "SIGTERM" },
  { outer: DENO, task: "dev", signal: "SIGHUP" },
  { outer: DENO, task: "dev", signal: "SIGKILL" },
  { outer: NPX, task: "start", signal: "SIGTERM" },
  { outer: NPX, task: "start", signal: "SIGHUP" },
  { outer: NPX, task: "dev", signal: "SIGTERM" },
  { outer: NPX, task: "dev", signal: "SIGKILL" },
];

for (const { outer, task, signal } of ENDINGS) {
  const isNpx = outer === NPX;
  Deno.test({
    name: `${signal} to \`${isNpx ? "npx -y " : ""}deno task ${task}\` alone ends every process of it within 5 s`,
    ignore: !(isNpx ? npx : isLinux),
    fn: async () => {
      const port = freePort();
      await using tried = run([...outer, task], {
        PORT: String(port),
        FESTIVAL_DATA_DIR: `${copy}/${crypto.randomUUID()}`,
      });
      await until(`it answers: ${tried.output()}`, answers(port), 90_000);
      assert((await tried.survivors()).length >= 2, "the mark finds its processes");
      Deno.kill(tried.pid, signal);
      await until("no process is left", async () => (await tried.survivors()).length === 0, ENDS_WITHIN_MS);
      assert(isFree(port), "its port is free");
    },
  });
}

Deno.test({
  name: "a server whose starter is killed ends by itself",
  ignore: !isLinux,
  fn: async () => {
    const port = freePort();
    await using start = run([Deno.execPath(), "run", "-A", "lib/operating/start.ts", `--port=${port}`]);
    await until("it answers", answers(port), 30_000);
    Deno.kill(start.pid, "SIGKILL");
    await until("no process is left", async () => (await start.survivors()).length === 0, ENDS_WITHIN_MS);
  },
});

/** Processes by pid: parent and command. */
function processes(entries: Record<number, [number, string]>): LookUp {
  return (pid) => {
    const found = entries[pid];
    return Promise.resolve(found === undefined ? undefined : { parent: found[0], command: found[1] });
  };
}

Deno.test("the starters are deno task and all between it and a package runner; a shell of the operator's is none", async () => {
  const start: [number, string] = [4, "/usr/bin/deno run -A lib/operating/start.ts"];
  const task: [number, string] = [3, "deno task start"];
  const from = (entries: Record<number, [number, string]>) =>
    startersOf(5, processes({ 5: start, 4: task, ...entries }));
  assertEquals(await from({ 3: [1, "-bash"] }), [4]);
  assertEquals(await from({ 3: [2, "sh -c 'deno' task start"], 2: [1, "npm exec deno task start"] }), [4, 3, 2]);
  assertEquals(await from({ 3: [2, "node /x/node_modules/.bin/deno task start"], 2: [1, "npx -y deno task start"] }), [
    4,
    3,
    2,
  ]);
  assertEquals(await from({ 3: [2, "bash"], 2: [1, "npm exec bash"] }), [4], "a shell that a runner opened");
  assertEquals(await from({ 3: [1, "sh -c nohup deno task start &"], 1: [0, "init"] }), [4]);
  assertEquals(await from({ 4: [1, "-bash"] }), [], "started by hand, without a task");
});

Deno.test("a starter has ended when its child has another parent", async () => {
  const chain = [4, 3, 2];
  const alive = { 5: [4, ""], 4: [3, ""], 3: [2, ""], 2: [1, ""] } as Record<number, [number, string]>;
  assertEquals(await haveStartersEnded(5, chain, processes(alive)), false);
  for (const child of [5, 4, 3]) {
    assertEquals(await haveStartersEnded(5, chain, processes({ ...alive, [child]: [1, ""] })), true, `${child}`);
  }
});

Deno.test("an unknown FESTIVAL_ variable is named with the nearest setting; others are nobody's business", () => {
  const names = ["PATH", "FESTIVAL_LOG_LEVEL", "FESTIVAL_ADMIN_PASSWORD", "FESTIVAL_PROXY_HOPS", "FESTIVAL_TEST_FAST"];
  const lines = unknownVariables(names);
  assertEquals(lines.length, 2);
  assertMatch(lines[0]!, /^FESTIVAL_ADMIN_PASSWORD is no setting .* FESTIVAL_ADMIN_PASSWORD_HASH$/);
  assertMatch(lines[1]!, /^FESTIVAL_PROXY_HOPS is no setting .* FESTIVAL_TRUSTED_PROXIES$/);
});

Deno.test("the first lines name addresses, data folder, admin and the readers of the figures", () => {
  const lines = (host: string, values: Record<string, string>) =>
    firstLines({
      listening: { host, port: 8000 },
      config: readConfig((name) => values[name]),
      lan: ["192.168.1.5"],
      unknown: [],
    }).join("\n");
  assertMatch(lines("0.0.0.0", {}), /http:\/\/localhost:8000\/ {2}http:\/\/192\.168\.1\.5:8000\//);
  assertMatch(lines("::1", {}), /http:\/\/\[::1\]:8000\/\n +from this machine only/);
  const admin = { FESTIVAL_ADMIN_PASSWORD_HASH: `scrypt.15.8.1.${"A".repeat(22)}.${"A".repeat(43)}` };
  const token = { FESTIVAL_METRICS_TOKEN: "0123456789abcdef" };
  assertMatch(
    lines("0.0.0.0", admin),
    /admin +on, at \/admin\nfigures +closed, except to operators who are logged in$/,
  );
  assertMatch(lines("0.0.0.0", token), /admin +off.*\nfigures +closed, except to readers with FESTIVAL_METRICS_TOKEN$/);
  assertMatch(lines("0.0.0.0", { FESTIVAL_FIGURES: "public" }), /figures +public/);
  assertMatch(lines("0.0.0.0", { FESTIVAL_KV_URL: "https://kv.example" }), /data +https:\/\/kv\.example/);
  assert(!lines("0.0.0.0", token).includes(token.FESTIVAL_METRICS_TOKEN), "no secret is printed");
});

Deno.test("the server listens on every address unless a host is given; nothing else is an argument", () => {
  const none = () => undefined;
  assertEquals(readListening([], none), { host: "0.0.0.0", port: undefined, parallel: false });
  assertEquals(readListening(["--parallel", "--port", "9000"], none), { host: "0.0.0.0", port: 9000, parallel: true });
  for (const args of [["--port", "0"], ["--port=65536"], ["--host=a b"], ["8000"], ["--prot=8000"]]) {
    let error: unknown;
    try {
      readListening(args, none);
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof Error, args.join(" "));
  }
});

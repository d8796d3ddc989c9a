/**
 * The field kit on a field without internet: unpacked into an empty folder, in a network namespace that has no route to
 * anywhere, it starts, serves two browsers, and keeps what they wrote. Where namespaces are not permitted, it is ignored.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser } from "playwright-core";
import { makeKit } from "../../lib/operating/kit.ts";
import { Device } from "../browser/device.ts";
import type { Tab } from "../browser/tab.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { skipped } from "../support/skipping.ts";
import { withSecondTry } from "../support/second_try.ts";

const NAMESPACE = `festival-kit-${Deno.pid}`;
const PORT = 8000;
const ORIGIN = `http://localhost:${PORT}`;

const chromium = await findChromium();
const permitted = chromium !== undefined && await mayMakeNamespaces();

Deno.test({
  name: "a field kit without internet starts, serves two browsers, and keeps what they wrote over a restart",
  ignore: !permitted,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () => withSecondTry("field kit", () => onTheField(chromium!)),
});

async function onTheField(chromium: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "festival-field-" });
  await sh("ip", "netns", "add", NAMESPACE);
  const browsers: Browser[] = [];
  let server: Deno.ChildProcess | undefined;
  try {
    await sh("ip", "netns", "exec", NAMESPACE, "ip", "link", "set", "lo", "up");
    assertEquals(await sh("ip", "netns", "exec", NAMESPACE, "ip", "route"), "", "no route to anywhere");
    await makeKit(`${folder}/kit.tar.gz`);
    await sh("tar", "-xzf", `${folder}/kit.tar.gz`, "-C", folder);
    const kit = `${folder}/festival-chat-kit`;
    const password = "correct horse battery\n".repeat(2);
    await Deno.writeTextFile(`${kit}/settings.env`, await operate(kit, ["hash"], password));
    server = await start(kit);
    assertMatch(await onField("curl", "--silent", `${ORIGIN}/admin/login`), /type="password"/);

    const inside = `${folder}/chromium`;
    await Deno.writeTextFile(inside, `#!/bin/sh\nexec ip netns exec ${NAMESPACE} ${chromium} "$@"\n`, { mode: 0o755 });
    const visit = async (name: string) => {
      const browser = await launchChromium(inside);
      browsers.push(browser);
      return await (await Device.make(browser, name, ORIGIN, {})).newTab();
    };
    const ada = await visit("Ada");
    const path = await ada.startRoom("Main stage");
    await ada.say("is anybody out there?");
    const bob = await visit("Bob");
    await bob.enter(path);
    await bob.say("right behind you");
    await ada.hears("right behind you");
    for (const { device } of [ada, bob]) assertEquals(device.faults, []);

    await end(server);
    server = undefined;
    for (const { device } of [ada, bob]) device.expects(/./);
    assertMatch(await operate(kit, ["backup", `${folder}/field.backup`]), /1 rooms, \d+ events, checked/);
    server = await start(kit);
    // A new visitor: the page shows what the kit's disk has.
    const eve: Tab = await visit("Eve");
    await eve.enter(path);
    await eve.hears("is anybody out there?", "right behind you");
    await ada.untilLive();
    await ada.say("still here");
    await eve.hears("still here");
    assertEquals(eve.device.faults, []);
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    if (server !== undefined) await end(server);
    await sh("ip", "netns", "delete", NAMESPACE);
    await Deno.remove(folder, { recursive: true });
  }
}

const onField = (command: string, ...args: string[]) => sh("ip", "netns", "exec", NAMESPACE, command, ...args);

/** The output of the kit's operator script. */
async function operate(kit: string, args: string[], typed = ""): Promise<string> {
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", NAMESPACE, `${kit}/operator.sh`, ...args],
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(typed));
  await writer.close();
  const { success, stdout } = await child.output();
  assert(success, `operator.sh ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}

/** Runs the kit's start script as a person would; resolves when the server answers. */
async function start(kit: string): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", NAMESPACE, `${kit}/start.sh`],
    // Nothing of this machine's Deno: no cache, no configuration.
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", PORT: String(PORT) },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  for (let tries = 0;; tries++) {
    try {
      await sh("ip", "netns", "exec", NAMESPACE, "curl", "--silent", "--fail", `${ORIGIN}/health/ready`);
      return child;
    } catch (error) {
      if (tries > 150) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Ctrl-C. */
async function end(server: Deno.ChildProcess): Promise<void> {
  const endedAt = performance.now();
  server.kill("SIGINT");
  await server.status;
  const tookMs = performance.now() - endedAt;
  assert(tookMs < 5_000, `stopping took ${tookMs} ms`);
}

async function mayMakeNamespaces(): Promise<boolean> {
  const why = async () => {
    if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "that takes root on Linux";
    try {
      await sh("curl", "--version");
      await sh("ip", "netns", "add", `${NAMESPACE}-try`);
      await sh("ip", "netns", "delete", `${NAMESPACE}-try`);
    } catch (error) {
      return `${error}`;
    }
  };
  const reason = await why();
  if (reason !== undefined) skipped("the field kit's test", `it needs network namespaces: ${reason}`);
  return reason === undefined;
}

async function sh(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout).trim();
}

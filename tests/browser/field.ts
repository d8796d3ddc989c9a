/**
 * The environment of the browser tests: one Chromium for all tests, a real server from the production build, and people
 * who meet there. Each person has a device of their own (a browser context); each test is one rule.
 *
 *   rule("a rule in plain English", async (field) => {
 *     const ada = await field.person("Ada");
 *     …
 *   });
 *
 * A test fails if a page throws, logs an error, breaks its content policy, sends a request to another origin, or has a
 * request to its own fail. `device.expects(…)` names the faults that a rule causes on purpose.
 */
import type { Browser, BrowserContextOptions } from "playwright-core";
import { type ChooseRule, FaultProxy, type FaultRule } from "../faults/fault_proxy.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { type ServerProcess, type ServerProcessOptions, startServer } from "../support/server_process.ts";
import { withSecondTry } from "../support/second_try.ts";
import { qrFilm } from "../support/y4m.ts";
import { Device } from "./device.ts";
import { runRule } from "./run_rule.ts";
import type { Tab } from "./tab.ts";

const executablePath = await findChromium();

/** Not a loopback name, so that its pages over plain http are no secure context. */
export const FIELD_HOST = "field.test";

/** Time for a whole test: a page that hangs must not hang the run. */
const RULE_TIMEOUT_MS = 60_000;

let browser: Browser | undefined;
let shared: { server: ServerProcess; dataDir: string } | undefined;
let folder: string | undefined;

Deno.test.beforeAll(async () => {
  if (executablePath === undefined) return;
  folder = await Deno.makeTempDir({ prefix: "festival-browser-" });
  await Deno.writeFile(filmPath(), qrFilm());
  browser = await launchChromium(executablePath, {
    args: [...cameraArgs(filmPath()), `--host-resolver-rules=MAP ${FIELD_HOST} 127.0.0.1`],
  });
  const dataDir = `${folder}/shared`;
  shared = { server: await startServer({ dataDir }), dataDir };
});

Deno.test.afterAll(async () => {
  await browser?.close();
  await shared?.server.kill();
  if (folder !== undefined) await Deno.remove(folder, { recursive: true });
});

const cameraArgs = (film: string) => [
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-video-capture=${film}`,
];

const filmPath = () => `${folder}/camera.y4m`;

/** The means of a rule: people, servers, networks. */
export class Field {
  readonly devices: Device[] = [];
  readonly #closing: (() => Promise<void>)[] = [];

  /** The server that all rules share, with its rooms and its home page. */
  get server(): ServerProcess {
    return shared!.server;
  }

  /** A person with their own device, at an empty page. `browser` replaces the shared one. */
  async person(
    name: string,
    options: BrowserContextOptions & { origin?: string; mesh?: "auto" | "off"; browser?: Browser } = {},
  ): Promise<Tab> {
    const { origin = this.server.url, browser: other, ...context } = options;
    const device = await Device.make(other ?? browser!, name, origin, context);
    this.devices.push(device);
    return await device.newTab();
  }

  /** A person with their own browser and camera, at an empty page. `see` changes the camera's view. */
  async personWithCamera(
    name: string,
    options: BrowserContextOptions & { origin: string; mesh?: "auto" | "off" },
  ): Promise<{ tab: Tab; see(text?: string): Promise<void> }> {
    const film = `${await Deno.makeTempDir({ dir: folder!, prefix: "camera-" })}/camera.y4m`;
    await Deno.writeFile(film, qrFilm());
    const own = await launchChromium(executablePath!, { args: cameraArgs(film) });
    this.#closing.push(() => own.close());
    const { origin, ...context } = options;
    const device = await Device.make(own, name, origin, context);
    this.devices.push(device);
    const see = async (text?: string) => {
      // Written in place, because a running camera reads on from the same file. All films have the same length.
      using file = await Deno.open(film, { write: true });
      const bytes = qrFilm(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    };
    return { tab: await device.newTab(), see };
  }

  /** A server of this rule, with its own database; with `checkout`, of another version of the app. */
  async ownServer(env: Record<string, string> = {}, checkout?: string): Promise<OwnServer> {
    const dataDir = await Deno.makeTempDir({ dir: folder!, prefix: "data-" });
    const options = { dataDir, env, ...(checkout !== undefined && { checkout }) };
    const server = new OwnServer(options, await startServer(options));
    this.#closing.push(() => server.kill());
    return server;
  }

  /** A proxy between a browser and a server that can simulate a bad network. Its `url` is the origin to use. */
  network(server: { url: string } = this.server, rule: FaultRule | ChooseRule = { fault: "pass" }): FaultProxy {
    const network = new FaultProxy({ port: Number(new URL(server.url).port), rule });
    this.#closing.push(() => network.close());
    return network;
  }

  /** Shows this text as a QR code to cameras that are opened from now on; without it, a wall. */
  async holdUpQr(text?: string): Promise<void> {
    await Deno.writeFile(filmPath(), qrFilm(text));
  }

  /** Registers something else that ends with this rule. */
  closes(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  /** Ends everything of this rule. */
  async close(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.close()));
    for (const close of this.#closing) await close();
  }
}

/** A server that a rule may kill and restart at the same address. */
export class OwnServer {
  readonly dataDir: string;
  readonly url: string;
  readonly #options: ServerProcessOptions;
  readonly #log: string[] = [];
  #process: ServerProcess;

  constructor(options: ServerProcessOptions, process: ServerProcess) {
    this.dataDir = options.dataDir;
    this.url = process.url;
    this.#options = { ...options, port: Number(new URL(process.url).port) };
    this.#process = process;
  }

  /** Everything it logged, across restarts. */
  get log(): string {
    return [...this.#log, ...this.#process.log].join("\n");
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts it on the same port with the same data; with `release`, from another build; with `checkout`, another version. */
  async startAgain(release?: string, checkout?: string): Promise<void> {
    this.#log.push(...this.#process.log);
    this.#process = await startServer({
      ...this.#options,
      ...(release !== undefined && { release }),
      ...(checkout !== undefined && { checkout }),
    });
  }
}

/** A rule of the app, tested in a real browser. */
export function rule(
  name: string,
  run: (field: Field) => Promise<void>,
  { timeoutMs = RULE_TIMEOUT_MS, ignore = false }: { timeoutMs?: number; ignore?: boolean } = {},
): void {
  Deno.test({
    name,
    ignore: ignore || executablePath === undefined,
    fn: () => withSecondTry(name, () => runRule(name, new Field(), run, timeoutMs)),
  });
}

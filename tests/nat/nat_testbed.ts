/** The testbed of the NAT tests: people at home, each with their own browser, and a server on the public network. */
import type { Browser } from "playwright-core";
import { Device } from "../browser/device.ts";
import { runRule, type Stage } from "../browser/run_rule.ts";
import type { Tab } from "../browser/tab.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { skipped } from "../support/skipping.ts";
import { withSecondTry } from "../support/second_try.ts";
import { startServer } from "../support/server_process.ts";
import { buildNetwork, inNamespace, type Network, networkProblem, PUBLIC_ADDRESS } from "./network.ts";

const APP_PORT = 8000;
const RELAY_PORT = 3478;
/** Limit of one test. */
const RULE_TIMEOUT_MS = 60_000;

const problem = await networkProblem();
if (problem !== undefined) skipped("tests behind real NATs", problem);

/** A TURN server that a rule may kill. */
export interface Relay {
  kill(): Promise<void>;
}

export class NatTestbed implements Stage {
  readonly devices: Device[] = [];
  readonly origin = `http://${PUBLIC_ADDRESS}:${APP_PORT}`;
  readonly #network: Network;
  readonly #folder: string;
  readonly #secret = crypto.randomUUID();
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(network: Network, folder: string) {
    this.#network = network;
    this.#folder = folder;
  }

  static async make(homes: number): Promise<NatTestbed> {
    const folder = await Deno.makeTempDir({ prefix: "festival-nat-" });
    return new NatTestbed(await buildNetwork(homes), folder);
  }

  /** Starts the app. It always offers STUN, and TURN with `relay`. */
  async startApp({ relay }: { relay: boolean }): Promise<void> {
    const turn = `${PUBLIC_ADDRESS}:${RELAY_PORT}`;
    const app = await startServer({
      dataDir: `${this.#folder}/data`,
      network: { namespace: this.#network.public, address: PUBLIC_ADDRESS },
      port: APP_PORT,
      env: {
        FESTIVAL_STUN_URLS: `stun:${turn}`,
        ...(relay && { FESTIVAL_TURN_URLS: `turn:${turn}?transport=udp`, FESTIVAL_TURN_SECRET: this.#secret }),
        FESTIVAL_MESSAGE_BURST: "1000",
      },
    });
    this.#closing.push(() => app.kill());
  }

  /** Starts coturn, which answers STUN and relays for clients with valid credentials. */
  async startRelay(): Promise<Relay> {
    const [program, ...args] = inNamespace(this.#network.public, [
      "turnserver",
      "-n",
      `--listening-ip=${PUBLIC_ADDRESS}`,
      `--relay-ip=${PUBLIC_ADDRESS}`,
      `--listening-port=${RELAY_PORT}`,
      "--use-auth-secret",
      `--static-auth-secret=${this.#secret}`,
      "--realm=festival.test",
      "--no-multicast-peers",
      "--no-tls",
      "--no-dtls",
      "--no-cli",
      `--userdb=${this.#folder}/turndb`,
      `--pidfile=${this.#folder}/turnserver.pid`,
      "--log-file=stdout",
    ]);
    const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
    const listening = Promise.withResolvers<void>();
    let said = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said = (said + text).slice(-10_000);
        if (said.includes("Total General servers")) listening.resolve();
      }
      listening.reject(new Error(`the relay ended: ${said}`));
    })();
    let killed = false;
    const kill = async () => {
      if (!killed) child.kill("SIGKILL");
      killed = true;
      await child.status;
      await reading;
    };
    this.#closing.push(kill);
    await listening.promise;
    return { kill };
  }

  /** Adds a person in their own home, at an empty page. */
  async person(name: string): Promise<Tab> {
    const browser = await this.#browserAt(this.#network.phones[this.devices.length]!);
    this.#closing.push(() => browser.close());
    const device = await Device.make(browser, name, this.origin, {
      mesh: "auto",
      viewport: { width: 360, height: 740 },
    });
    this.devices.push(device);
    return await device.newTab();
  }

  /** The debugger's pipe reaches into the namespace, so no port is needed. */
  async #browserAt(namespace: string): Promise<Browser> {
    const command = inNamespace(namespace, [(await findChromium())!]);
    const script = `${this.#folder}/chromium in ${namespace}`;
    await Deno.writeTextFile(script, `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
    return await launchChromium(script, {
      // Makes crypto.subtle available, as with https.
      args: [`--unsafely-treat-insecure-origin-as-secure=${this.origin}`],
    });
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    const closing = [
      ...this.#closing.reverse(),
      () => this.#network.down(),
      () => Deno.remove(this.#folder, { recursive: true }),
    ];
    for (const close of closing) await close().catch((error) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, "the network is not down");
  }
}

/** A test of two phones in two homes. */
export function natRule(name: string, run: (testbed: NatTestbed) => Promise<void>): void {
  Deno.test({
    name,
    ignore: problem !== undefined,
    fn: () => withSecondTry(name, async () => runRule(name, await NatTestbed.make(2), run, RULE_TIMEOUT_MS)),
  });
}

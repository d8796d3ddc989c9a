/** Real server processes (the production build) on one real denokv, behind a balancer, with clients that write all the time. */
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { checkRoom, clientOf, makeRoom, pause, Writer } from "../faults/writers.ts";
import { Balancer } from "./balancer.ts";
import { DenokvProcess } from "./denokv.ts";

const SKEWED_CLOCK = new URL("skewed_clock.ts", import.meta.url).pathname;

export class Cluster {
  readonly balancer = new Balancer();
  readonly instances: ServerProcess[] = [];
  readonly writers: Writer[] = [];
  readonly #start = Promise.withResolvers<void>();
  #rooms: { room: RoomInfo; writers: Writer[] }[] = [];

  private constructor(readonly denokv: DenokvProcess, readonly folder: string) {}

  /** Runs `test` on a cluster of its own, and ends all of its processes. */
  static async with(denokvPath: string, test: (cluster: Cluster) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "festival-cluster-" });
    const cluster = new Cluster(await DenokvProcess.start(denokvPath, folder), folder);
    try {
      await test(cluster);
    } finally {
      for (const { client } of cluster.writers) await client.close();
      await cluster.balancer.close();
      await Promise.all(cluster.instances.map((instance) => instance.kill()));
      await cluster.denokv.kill();
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** Starts another instance, which gets only the database's address. */
  async addInstance(
    { skewMs = 0, release = "", checkout }: { skewMs?: number; release?: string; checkout?: string } = {},
  ): Promise<ServerProcess> {
    const instance = await startServer({
      dataDir: this.folder,
      release,
      ...(checkout !== undefined && { checkout }),
      preload: SKEWED_CLOCK,
      env: {
        ...this.denokv.env,
        CLOCK_SKEW_MS: String(skewMs),
        FESTIVAL_MESSAGE_BURST: "1000",
        FESTIVAL_MESSAGE_EVERY_MS: "0",
      },
    });
    this.instances.push(instance);
    this.balancer.add(portOf(instance));
    return instance;
  }

  /** A room with writers, who are all in it before anybody writes. */
  async addRoom(writers: number): Promise<void> {
    const room = await makeRoom(this.balancer);
    const added: Writer[] = [];
    for (let count = 0; count < writers; count++) {
      const client = await clientOf(this.balancer, room.id, `writer ${this.#rooms.length}.${count}`);
      added.push(new Writer(client, this.#start.promise));
    }
    await Promise.all(added.map(({ client }) => client.until(() => client.welcome !== undefined)));
    this.#rooms.push({ room, writers: added });
    this.writers.push(...added);
  }

  /** Starts all writers. */
  begin(): void {
    this.#start.resolve();
  }

  get acked(): number {
    return this.writers.reduce((sum, { client }) => sum + client.acked.size, 0);
  }

  /** Resolves when this many more events are acked. Throws when that takes longer than a busy machine needs. */
  async more(acks: number): Promise<void> {
    const enough = this.acked + acks;
    for (const deadline = performance.now() + 60_000; this.acked < enough;) {
      if (performance.now() > deadline) throw new Error(`${this.acked} of ${enough} events are acked`);
      await pause(10);
    }
  }

  /** The connections that each instance reports now. */
  async connections(): Promise<number[]> {
    return await Promise.all(this.instances.map(async ({ url }) => {
      const { connections }: { connections: number } = await (await fetch(`${url}/health`)).json();
      return connections;
    }));
  }

  /** Ends the writing and checks that every room has each event once, in one order. Returns the number of events. */
  async check(): Promise<number> {
    for (const writer of this.writers) writer.stop();
    await Promise.all(this.writers.map(({ done }) => done));
    let events = 0;
    for (const { writers } of this.#rooms) events += (await checkRoom(writers)).events;
    return events;
  }
}

export function portOf({ url }: ServerProcess): number {
  return Number(new URL(url).port);
}

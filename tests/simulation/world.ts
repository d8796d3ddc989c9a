/** The world of one simulation: one database, server instances that come and go, lines between them and pages. */
import { decodeClientFrame, readHelloProof } from "../../lib/protocol/decode.ts";
import type { RoomId, WireEvent } from "../../lib/protocol/event.ts";
import type { ServerConfig } from "../../lib/server/config.ts";
import type { MemoryDatabase } from "../support/memory_kv.ts";
import { Instance, type Weather } from "./instance.ts";
import { type ClientEnd, type LineQuality, Link } from "./network.ts";
import { SeededRandom } from "./random.ts";
import { type Life, Scheduler } from "./scheduler.ts";
import { Witness } from "./witness.ts";

/** Events overheard on the way to a server that are kept for replaying. The oldest go first. */
const OVERHEARD_MAX = 50;

export class World {
  readonly scheduler: Scheduler;
  readonly witness: Witness;
  readonly database: MemoryDatabase;
  readonly config: ServerConfig;
  readonly weather: Weather = { failShare: 0, hangShare: 0, maxDelayMs: 0 };
  readonly instances: Instance[] = [];
  readonly links = new Set<Link>();
  /** Honest events on their way to a server, stored or not: what somebody on the same network can replay. */
  readonly overheard: WireEvent[] = [];
  readonly counts = { crashes: 0, starts: 0, connections: 0, unreachable: 0, cuts: 0, framesUp: 0, framesDown: 0 };
  /** Whether lines may be bad. */
  faults = true;
  readonly #seed: number;
  readonly #network: SeededRandom;
  #instancesEver = 0;

  constructor(seed: number, startAt: number, config: ServerConfig) {
    this.#seed = seed;
    this.#network = new SeededRandom(seed, "network");
    this.scheduler = new Scheduler(new SeededRandom(seed, "scheduler"), startAt);
    this.witness = new Witness((violation) => this.scheduler.fail(violation));
    this.database = this.witness.database(() => this.scheduler.now);
    this.config = config;
  }

  startInstance(): Instance {
    const name = `instance-${++this.#instancesEver}`;
    this.counts.starts++;
    const instance = new Instance({
      name,
      scheduler: this.scheduler,
      random: new SeededRandom(this.#seed, name),
      database: this.database,
      weather: this.weather,
      config: this.config,
      log: (line) => {
        this.scheduler.note(line);
        // What the server calls a failure of its own code is one.
        if (/committing failed|sweep failed|admitting a connection failed/.test(line)) {
          this.scheduler.fail(new Error(line));
        }
      },
    });
    this.instances.push(instance);
    return instance;
  }

  killInstance(instance: Instance): void {
    this.counts.crashes++;
    this.#forget(instance);
    instance.kill();
  }

  /** Stops an instance as an operator does; it is gone when everything is said, or the process dies on the way. */
  stopInstance(instance: Instance): void {
    this.#forget(instance);
    instance.open = false;
    instance.server.close().then(() => {
      instance.store.close();
      instance.kill();
    }, (error) => this.scheduler.fail(error));
  }

  /** Opens a connection to any instance that takes some. */
  connect(
    parts: { room: RoomId; page: Life; device: string; honest: boolean; offline?: boolean; client: ClientEnd },
  ): { link: Link | undefined } {
    const { room, page, device, honest, offline = false, client } = parts;
    const reachable = this.instances.filter(({ open }) => open);
    const lost = this.faults && this.#network.chance(0.1);
    if (reachable.length === 0 || lost || offline) {
      this.counts.unreachable++;
      this.scheduler.after(this.#network.between(1, 2_000), () => page.whenAwake(() => client.closed(1006, "")));
      return { link: undefined };
    }
    this.counts.connections++;
    const instance = this.#network.pick(reachable);
    const record = this.witness.link(room, honest);
    const link: Link = new Link({
      scheduler: this.scheduler,
      random: this.#network,
      quality: this.#quality(),
      server: instance.life,
      page,
      client,
      accept: (connection) => instance.server.connect(room, connection, { device, address: "203.0.113.7" }),
      serverSends: (text) => {
        this.counts.framesDown++;
        this.scheduler.note(text);
        this.witness.serverSends(record, text);
      },
      serverReceives: (text) => {
        this.counts.framesUp++;
        this.scheduler.note(text);
        const decoded = decodeClientFrame(text);
        if (!decoded.ok) {
          if (honest) this.scheduler.fail(new Error(`an honest client sent ${text}: ${JSON.stringify(decoded)}`));
        } else if (decoded.frame.type === "hello") {
          record.asked = decoded.frame.resume;
          const author = readHelloProof(decoded.frame.proof[0])?.author;
          if (honest && author !== undefined) record.room.honestAuthors.add(author);
        }
      },
    });
    instance.links.add(link);
    this.links.add(link);
    return { link };
  }

  /** An honest frame leaves a page: others on its network see it. */
  overhear(text: string): void {
    const decoded = decodeClientFrame(text);
    if (!decoded.ok || decoded.frame.type !== "send") return;
    this.overheard.push(...decoded.frame.events);
    if (this.overheard.length > OVERHEARD_MAX) this.overheard.splice(0, this.overheard.length - OVERHEARD_MAX);
  }

  cutSomeLink(): void {
    const open = [...this.links].filter((link) => link.open);
    if (open.length === 0) return;
    this.counts.cuts++;
    this.#network.pick(open).cut();
  }

  stallSomeLink(forMs: number): void {
    const open = [...this.links].filter((link) => link.open);
    if (open.length === 0) return;
    const link = this.#network.pick(open);
    link.stallDown(true);
    this.scheduler.after(forMs, () => link.stallDown(false));
  }

  /** From now on nothing breaks any more; what is broken already takes its course. */
  calm(): void {
    this.faults = false;
    Object.assign(this.weather, { failShare: 0, hangShare: 0 });
    for (const link of this.links) link.stallDown(false);
  }

  #forget(instance: Instance): void {
    const at = this.instances.indexOf(instance);
    if (at >= 0) this.instances.splice(at, 1);
  }

  #quality(): LineQuality {
    const random = this.#network;
    if (!this.faults || random.chance(0.4)) return { latencyMs: 2, jitterMs: 3, downBytesPerMs: Infinity };
    return {
      latencyMs: random.between(1, 150),
      jitterMs: random.between(0, 400),
      // From 2G to a good line.
      downBytesPerMs: random.chance(0.3) ? random.between(2, 100) : Infinity,
    };
  }
}

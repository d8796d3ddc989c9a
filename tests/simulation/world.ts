/**
 * The world of one simulation: a database, server instances that start and stop, pages, and connections between them.
 */
import { decodeClientFrame, readHelloProof } from "../../lib/protocol/client_frames.ts";
import type { RoomId, WireEvent } from "../../lib/protocol/event.ts";
import type { ServerConfig } from "../../lib/server/config/server_config.ts";
import type { Visitor } from "../../lib/server/connections/connection.ts";
import type { PollInit } from "../../lib/transport/polling_transport.ts";
import type { MemoryDatabase } from "../support/memory_kv.ts";
import { Exchange } from "./exchange.ts";
import { type FrameWatch, Instance, type StoreFaults } from "./instance.ts";
import { type ClientEnd, Link } from "./network.ts";
import { type LineQuality, Lines } from "./pipe.ts";
import { SeededRandom } from "./random.ts";
import { type Life, Scheduler } from "./scheduler.ts";
import { Witness } from "./witness.ts";

/** Events overheard on the way to a server, recorded for replay. The oldest are dropped first. */
const OVERHEARD_MAX = 50;
/** All phones are behind one address, as at a festival. */
const ADDRESS = "203.0.113.7";
/** The attacker's device. */
export const MALLORY = "mallory";

/**
 * The network of a phone. `no_sockets`: a proxy without WebSocket support. `silent_sockets`: one that lets them
 * open and blocks their data. `black_hole`: everything is dropped silently while it lasts.
 */
export type Network = "good" | "no_sockets" | "silent_sockets" | "black_hole" | "offline";

/** A client of the network: a page or the attacker. */
export interface Caller {
  room: RoomId;
  life: Life;
  device: string;
  network: Network;
}

/** The instance to which a load balancer sent a phone's last request. */
export interface Sticky {
  instance?: Instance;
}

export class World {
  readonly scheduler: Scheduler;
  readonly witness: Witness;
  readonly database: MemoryDatabase;
  readonly config: ServerConfig;
  readonly weather: StoreFaults = { failShare: 0, hangShare: 0, maxDelayMs: 0 };
  readonly instances: Instance[] = [];
  /** Honest events sent to a server, stored or not: an attacker on the same network can replay them. */
  readonly overheard: WireEvent[] = [];
  readonly counts = {
    crashes: 0,
    starts: 0,
    connections: 0,
    requests: 0,
    unreachable: 0,
    cuts: 0,
    framesUp: 0,
    framesDown: 0,
  };
  /** Whether connections may be bad. */
  faults = true;
  readonly #links = new Lines<Link>();
  readonly #exchanges = new Lines<Exchange>();
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
        // An internal error of the server fails the run.
        if (/committing failed|sweep failed|admitting a connection failed/.test(line)) {
          this.scheduler.fail(new Error(line));
        }
      },
      watch: (room, visitor) => this.#watch(room, visitor),
    });
    this.instances.push(instance);
    return instance;
  }

  killInstance(instance: Instance): void {
    this.counts.crashes++;
    this.#forget(instance);
    instance.kill();
  }

  /** Stops an instance like an operator does; the process may die before it is done. */
  stopInstance(instance: Instance): void {
    this.#forget(instance);
    instance.stop().catch((error) => this.scheduler.fail(error));
  }

  /** Opens a socket to any accepting instance; undefined: there is none, and `closed` follows. */
  connect({ room, life, device, network }: Caller, client: ClientEnd): Link | undefined {
    const instance = network === "no_sockets" ? undefined : this.#reachable(network);
    if (instance === undefined) {
      this.#unreachable(life, () => client.closed(1006, ""));
      return undefined;
    }
    this.counts.connections++;
    const link: Link = new Link({
      scheduler: this.scheduler,
      random: this.#network,
      quality: this.#quality(),
      server: instance.life,
      page: life,
      client,
      silenced: network === "silent_sockets",
      accept: (connection) => instance.connect(room, connection, { device, address: ADDRESS }),
    });
    if (network === "black_hole") link.stall("network", true);
    instance.lines.add(link);
    this.#links.add(link);
    return link;
  }

  /** Sends an HTTP request, usually to the instance of this phone's last one, as load balancers do. */
  fetch(
    { room, life, device, network }: Caller,
    sticky: Sticky,
    init: PollInit,
  ): { exchange?: Exchange; response: Promise<Pick<Response, "body">> } {
    const usual = this.faults && this.#network.chance(0.03) ? undefined : sticky.instance;
    const instance = this.#reachable(network, usual);
    if (instance === undefined) {
      const { promise, reject } = Promise.withResolvers<never>();
      this.#unreachable(life, () => reject(new TypeError("the network is unreachable")));
      return { response: promise };
    }
    this.counts.requests++;
    sticky.instance = instance;
    const exchange = new Exchange({
      scheduler: this.scheduler,
      random: this.#network,
      quality: this.#quality(),
      server: instance.life,
      page: life,
      init,
      answer: (request) => instance.polling.answer(room, request, { device, address: ADDRESS }),
      fail: (error) => this.scheduler.fail(error),
    });
    if (network === "black_hole") exchange.stall("network", true);
    instance.lines.add(exchange);
    this.#exchanges.add(exchange);
    return { exchange, response: exchange.response };
  }

  /** An honest frame leaves a page; an attacker on the network sees it. */
  overhear(text: string): void {
    if (!text.startsWith('{"type":"send"')) return;
    const decoded = decodeClientFrame(text);
    if (!decoded.ok || decoded.frame.type !== "send") return;
    this.overheard.push(...decoded.frame.events);
    if (this.overheard.length > OVERHEARD_MAX) this.overheard.splice(0, this.overheard.length - OVERHEARD_MAX);
  }

  cutSomeLine(): void {
    const open = [...this.#links.open, ...this.#exchanges.open];
    if (open.length === 0) return;
    this.counts.cuts++;
    this.#network.pick(open).cut();
  }

  /** Makes the reader of some socket slow for a while. */
  stallSomeLink(forMs: number): void {
    const { open } = this.#links;
    if (open.length === 0) return;
    const link = this.#network.pick(open);
    link.stallDown("slow", true);
    this.scheduler.after(forMs, () => link.stallDown("slow", false));
  }

  /** Ends new faults; existing ones run their course. */
  calm(): void {
    this.faults = false;
    Object.assign(this.weather, { failShare: 0, hangShare: 0 });
    for (const link of this.#links.open) link.stallDown("slow", false);
  }

  #watch(room: RoomId, { device }: Visitor): FrameWatch {
    const honest = device !== MALLORY;
    const record = this.witness.link(room, honest);
    return {
      serverSends: (text) => {
        this.counts.framesDown++;
        this.scheduler.note(text);
        this.witness.serverSends(record, text);
      },
      serverReceives: (text) => {
        this.counts.framesUp++;
        this.scheduler.note(text);
        if (honest && text.startsWith('{"type":"ping"')) return;
        const decoded = decodeClientFrame(text);
        if (!decoded.ok) {
          if (honest) this.scheduler.fail(new Error(`an honest client sent ${text}: ${JSON.stringify(decoded)}`));
        } else if (decoded.frame.type === "hello") {
          record.asked = decoded.frame.resume;
          const author = readHelloProof(decoded.frame.proof[0])?.author;
          if (honest && author !== undefined) record.room.honestAuthors.add(author);
        }
      },
    };
  }

  #forget(instance: Instance): void {
    const at = this.instances.indexOf(instance);
    if (at >= 0) this.instances.splice(at, 1);
  }

  /** The instance for a new connection: `usual` as long as it lives. */
  #reachable(network: Network, usual?: Instance): Instance | undefined {
    if (network === "offline" || (this.faults && this.#network.chance(0.1))) return undefined;
    if (usual?.life.dead === false) return usual;
    const open = this.instances.filter((instance) => instance.open);
    return open.length === 0 ? undefined : this.#network.pick(open);
  }

  #unreachable(life: Life, tell: () => void): void {
    this.counts.unreachable++;
    this.scheduler.after(this.#network.between(1, 2_000), () => life.whenAwake(tell));
  }

  #quality(): LineQuality {
    const random = this.#network;
    if (!this.faults || random.chance(0.4)) return { latencyMs: 2, jitterMs: 3, downBytesPerMs: Infinity };
    return {
      latencyMs: random.between(1, 150),
      jitterMs: random.between(0, 400),
      // From 2G to a good connection.
      downBytesPerMs: random.chance(0.3) ? random.between(2, 100) : Infinity,
    };
  }
}

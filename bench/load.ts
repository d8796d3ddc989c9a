/**
 * The load generator for one server, a separate process: fills one room with sockets that send messages, and records
 * deliveries, latencies and cost. Takes a LoadOrder as argument, prints a LoadReport.
 */
import { ed25519 } from "../lib/crypto/ed25519.ts";
import { type Signer, signEvent } from "../lib/crypto/signing.ts";
import type { RoomId } from "../lib/protocol/event.ts";
import { type Arrival, poissonArrivals } from "./arrivals.ts";
import { type Dialect, DIALECTS, type ServerName } from "./dialects.ts";
import { LoadSocket } from "./load_socket.ts";
import { coreBusyMs, cpuMsOf, memoryKbOf } from "./usage.ts";

export interface LoadOrder {
  server: ServerName;
  port: number;
  /** The server's process id. */
  pid: number;
  /** The core the server was pinned to, when it was. */
  serverCore?: number;
  room: RoomId;
  sockets: number;
  /** Messages per second of all sockets together, one window after the other. */
  rates: number[];
  seed: number;
  /** Warm-up before each window, so that code is compiled and buffers have grown. */
  warmUpMs: number;
  windowMs: number;
  /** Time after a window in which its last messages may still arrive. */
  drainMs: number;
}

export interface LoadReport {
  /** Server memory per connection when all have been silent for a while, KB. */
  idleKb: number;
  windows: WindowReport[];
  /** Connections that the server ended or that broke. */
  ended: string[];
}

export interface WindowReport {
  rate: number;
  sent: number;
  /** Share of (messages sent in the window × sockets) that arrived, the drain included. */
  delivered: number;
  doubles: number;
  /** Messages that the server refused. Only Festival Chat refuses any. */
  refused: number;
  /** From the write of a message to its arrival at each socket, ms. */
  p50Ms: number;
  p99Ms: number;
  /** From the write of a message to its ack, ms; NaN without acks. */
  ackP50Ms: number;
  ackP99Ms: number;
  /** Average events per frame: more than 1 if a server batches them. */
  perFrame: number;
  /** CPU time of the server during the window, divided by the messages that arrived in it, µs. */
  cpuUsPerDelivery: number;
  /** Shares of a core in the window: the server's, this process's own, and what others took of the server's core. */
  serverShare: number;
  loadShare: number;
  othersShare: number;
  /** How late messages were written against the plan, p99, ms. */
  lateP99Ms: number;
}

const HASH = "#".charCodeAt(0), ZERO = "0".charCodeAt(0);
/** Digits of the number that identifies a message: `#000123`. No other byte of an event is a `#`. */
const MARK_DIGITS = 6;
/** Latencies are counted in steps of 0.1 ms, up to a minute. */
const STEPS_PER_MS = 10;
/** Sockets that are opened at the same time. */
const OPENING = 50;
/** Attempts of a join that is refused as `overloaded`, and the pause between them. */
const JOIN_TRIES = 40;
const JOIN_PAUSE_MS = 500;
/** The room counts as idle after this long without a frame. */
const QUIET_MS = 1_600;
const QUIET_AT_MOST_MS = 45_000;
/**
 * Sockets opened before the first measurement of the server's memory, so that code and first buffers are not counted.
 */
const FIRST_SOCKETS = 50;

interface Client {
  socket: LoadSocket;
  signer: Signer;
  /** Events this author has written. */
  n: number;
}

/** A prepared message. */
interface Prepared extends Arrival {
  id: string;
  frame: Uint8Array;
  writtenAt: number;
}

/** A histogram of latencies. */
class Latencies {
  readonly #counts = new Uint32Array(60_000 * STEPS_PER_MS);
  #total = 0;

  add(ms: number): void {
    const step = Math.min(this.#counts.length - 1, Math.max(0, Math.round(ms * STEPS_PER_MS)));
    this.#counts[step]!++;
    this.#total++;
  }

  /** The latency at or below which `share` of all are; NaN without any. */
  quantile(share: number): number {
    if (this.#total === 0) return NaN;
    let left = Math.ceil(share * this.#total);
    let step = 0;
    while ((left -= this.#counts[step]!) > 0) step++;
    return step / STEPS_PER_MS;
  }
}

class Load {
  readonly #order: LoadOrder;
  readonly #dialect: Dialect;
  readonly #clients: Client[] = [];
  readonly #ended: string[] = [];
  #clock = 1;
  /** Counts the broadcasts of a window; undefined between windows. */
  #onBroadcast: (payload: Uint8Array, client: number) => void = () => {};
  #onAck: (id: string) => void = () => {};
  #refused = 0;
  #lastFrameAt = 0;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#dialect = DIALECTS[order.server];
  }

  async run(): Promise<LoadReport> {
    const { sockets, pid, rates } = this.#order;
    await this.#connect(Math.min(FIRST_SOCKETS, sockets));
    await this.#quiet();
    const before = memoryKbOf(pid);
    const alreadyOpen = this.#clients.length;
    await this.#connect(sockets);
    await this.#quiet();
    const idleKb = (memoryKbOf(pid) - before) / (sockets - alreadyOpen);
    const windows: WindowReport[] = [];
    for (const rate of rates) windows.push(await this.#window(rate));
    for (const { socket } of this.#clients) socket.close();
    return { idleKb, windows, ended: this.#ended };
  }

  async #connect(upTo: number): Promise<void> {
    const { signer: signerOf } = await ed25519();
    let next = this.#clients.length;
    const open = async () => {
      while (next < upTo) {
        const index = next++;
        const signer = await signerOf(crypto.getRandomValues(new Uint8Array(32)));
        const socket = await this.#join(signer, `Guest ${index}`);
        socket.onEnd = (why) => this.#ended.push(why);
        const watcher = {
          acked: (id: string) => this.#onAck(id),
          refused: () => void this.#refused++,
        };
        socket.onText = (payload) => {
          this.#lastFrameAt = performance.now();
          if (this.#dialect.isBroadcast(payload)) this.#onBroadcast(payload, index);
          else this.#dialect.other(payload, socket, watcher);
        };
        this.#clients[index] = { socket, signer, n: 0 };
      }
    };
    await Promise.all(Array.from({ length: OPENING }, open));
  }

  /** Opens a connection and joins the room. Retries if the server is overloaded. */
  async #join(signer: Signer, name: string): Promise<LoadSocket> {
    const { port, room } = this.#order;
    for (let tries = 1;; tries++) {
      const socket = await LoadSocket.open(port, this.#dialect.path(room));
      try {
        await this.#dialect.join(socket, room, signer, name);
        return socket;
      } catch (error) {
        socket.close();
        if (tries === JOIN_TRIES || !String(error).includes("overloaded")) throw error;
        await pause(JOIN_PAUSE_MS);
      }
    }
  }

  /** Resolves when no frame has arrived for a while: all joins are done. */
  async #quiet(): Promise<void> {
    const startedAt = this.#lastFrameAt = performance.now();
    for (;;) {
      const now = performance.now();
      const leftMs = this.#lastFrameAt + QUIET_MS - now;
      if (leftMs <= 0 || now - startedAt > QUIET_AT_MOST_MS) return;
      await pause(leftMs);
    }
  }

  /** Signs and frames the messages of one window before it begins: signing is the phones' work. */
  async #prepare(rate: number): Promise<Prepared[]> {
    const { seed, sockets, warmUpMs, windowMs, room } = this.#order;
    const prepared: Prepared[] = [];
    const startAt = Date.now();
    for (const arrival of poissonArrivals(seed + rate, rate, warmUpMs + windowMs, sockets)) {
      const client = this.#clients[arrival.socket]!;
      const mark = String(prepared.length).padStart(MARK_DIGITS, "0");
      const event = await signEvent(
        client.signer,
        { room, n: ++client.n, clock: ++this.#clock, at: Math.round(startAt + arrival.atMs) },
        {
          kind: "message",
          body: {
            name: `Guest ${arrival.socket}`,
            text: `#${mark} we are left of the big tree, bring some water with you`,
          },
        },
      );
      prepared.push({ ...arrival, id: event.id, frame: this.#dialect.messageFrame(event.wire), writtenAt: NaN });
    }
    return prepared;
  }

  async #window(rate: number): Promise<WindowReport> {
    const { sockets, pid, serverCore, warmUpMs, windowMs, drainMs } = this.#order;
    const messages = await this.#prepare(rate);
    const first = messages.findIndex(({ atMs }) => atMs >= warmUpMs);
    const measured = messages.slice(first);
    const byId = new Map(messages.map((message) => [message.id, message]));

    const receipts = new Uint8Array(messages.length * sockets);
    const latencies = new Latencies(), acks = new Latencies(), late = new Latencies();
    let arrived = 0, frames = 0, arrivedOfMeasured = 0, doubles = 0;
    this.#refused = 0;
    this.#onBroadcast = (payload, client) => {
      const now = this.#lastFrameAt;
      frames++;
      for (let at = payload.indexOf(HASH); at !== -1; at = payload.indexOf(HASH, at + 1)) {
        let index = 0;
        for (let digit = 1; digit <= MARK_DIGITS; digit++) index = index * 10 + payload[at + digit]! - ZERO;
        arrived++;
        if (receipts[index * sockets + client]!++ > 0) doubles++;
        else if (index >= first) {
          arrivedOfMeasured++;
          latencies.add(now - messages[index]!.writtenAt);
        }
      }
    };
    this.#onAck = (id) => {
      const message = byId.get(id);
      if (message !== undefined && message.atMs >= warmUpMs) acks.add(performance.now() - message.writtenAt);
    };

    const look = () => ({
      at: performance.now(),
      server: cpuMsOf(pid),
      load: cpuMsOf(Deno.pid),
      core: serverCore === undefined ? NaN : coreBusyMs(serverCore),
      arrived,
      frames,
    });
    const startAt = performance.now();
    const send = async (batch: readonly Prepared[]) => {
      for (const message of batch) {
        const waitMs = startAt + message.atMs - performance.now();
        if (waitMs > 0) await pause(waitMs);
        message.writtenAt = performance.now();
        late.add(message.writtenAt - startAt - message.atMs);
        this.#clients[message.socket]!.socket.write(message.frame);
      }
    };
    await send(messages.slice(0, first));
    await pause(startAt + warmUpMs - performance.now());
    const begin = look();
    await send(measured);
    await pause(startAt + warmUpMs + windowMs - performance.now());
    const end = look();
    const expected = measured.length * sockets;
    const drainedAt = performance.now() + drainMs;
    while (arrivedOfMeasured < expected && performance.now() < drainedAt) await pause(20);
    // A duplicate would arrive now.
    await pause(200);
    this.#onBroadcast = () => {};
    this.#onAck = () => {};

    const ms = end.at - begin.at;
    const serverMs = end.server - begin.server;
    return {
      rate,
      sent: measured.length,
      delivered: arrivedOfMeasured / expected,
      doubles,
      refused: this.#refused,
      p50Ms: latencies.quantile(0.5),
      p99Ms: latencies.quantile(0.99),
      ackP50Ms: acks.quantile(0.5),
      ackP99Ms: acks.quantile(0.99),
      perFrame: (end.arrived - begin.arrived) / (end.frames - begin.frames),
      cpuUsPerDelivery: serverMs * 1_000 / (end.arrived - begin.arrived),
      serverShare: serverMs / ms,
      loadShare: (end.load - begin.load) / ms,
      othersShare: Math.max(0, end.core - begin.core - serverMs) / ms,
      lateP99Ms: late.quantile(0.99),
    };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

if (import.meta.main) {
  const report = await new Load(JSON.parse(Deno.args[0]!)).run();
  console.log(JSON.stringify(report));
  Deno.exit(0);
}

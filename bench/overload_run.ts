/** One real server under more events than it can handle, from sockets that do not wait for answers. */
import { ed25519 } from "../lib/crypto/ed25519.ts";
import { signEvent } from "../lib/crypto/signing.ts";
import type { RoomId } from "../lib/protocol/event.ts";
import { makeRoom } from "../tests/faults/writers.ts";
import { startServer } from "../tests/support/server_process.ts";
import { DIALECTS } from "./dialects.ts";
import { LoadSocket } from "./load_socket.ts";
import { memoryKbOf } from "./usage.ts";

export interface OverloadOptions {
  sockets: number;
  /** Duration of one step of the search for the capacity. */
  stepMs: number;
  /** How long twice the capacity is offered. */
  overloadMs: number;
  progress?(line: string): void;
}

export interface OverloadReport {
  /** The most events stored per second in a step, including the first step with refusals. */
  carriedPerSecond: number;
  offeredPerSecond: number;
  storedPerSecond: number;
  /** Offers that were refused, by reason; each is offered again later. */
  refused: Record<string, number>;
  /** Offers without an answer at the end: 0 if every event has exactly one. */
  unanswered: number;
  /** From writing an accepted event to its ack, under overload, ms. */
  ackP50Ms: number;
  ackP99Ms: number;
  /** Resident memory of the server, MB: before, and the maximum in each tenth of the time. */
  memoryMb: { before: number; most: number[] };
  /** Newcomers refused under overload, and their total. */
  newcomers: { came: number; turnedAway: number };
  /** From the end of the overload until /health was `ok` and a newcomer was welcomed, ms. */
  recoveredMs: number;
  /** The reasons that /health gave, with N for each number. */
  reasons: string[];
  /** Newcomers disconnected without a goodbye, by kind. */
  cut: string[];
  /** Established connections that the server ended, by kind: none if overload costs no connection. */
  ended: string[];
}

const festival = DIALECTS["festival-chat"];
/** People in each room: few, because this measures accepting events, not fan-out. */
const ROOM_SOCKETS = 10;
const TICK_MS = 10;
const FIRST_PER_SECOND = 400;
/** Growth of the load per step of the search. */
const STEP_FACTOR = 1.5;
/** Most events offered: a connection may send 40 frames a second, and each event is one frame here. */
const SOCKET_PER_SECOND = 30;

/** A signed event, its author's first one in its room, so that it depends on no other event. */
interface Offer {
  id: string;
  frame: Uint8Array;
  room: number;
}

export async function measureOverload(options: OverloadOptions): Promise<OverloadReport> {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-overload-" });
  const env = { FESTIVAL_ADDRESS_CONNECTIONS_PER_MINUTE: "100000" };
  const server = await startServer({ dataDir, env });
  const run = new Run(server, options);
  try {
    return await run.measure();
  } finally {
    run.close();
    await server.kill();
    await Deno.remove(dataDir, { recursive: true });
  }
}

class Run {
  readonly #server: { url: string; pid: number };
  readonly #options: OverloadOptions;
  readonly #port: number;
  readonly #rooms: RoomId[] = [];
  /** Sockets by room, in sending order. */
  readonly #sockets: LoadSocket[][] = [];
  /** When each unanswered event was written. */
  readonly #waiting = new Map<string, { offer: Offer; at: number; socket: LoadSocket }>();
  /** Prepared events, and refused ones to be offered again. */
  readonly #offers = new Queue<Offer>();
  #stored = 0;
  #refused: Record<string, number> = {};
  #latencies: number[] = [];
  /** How newcomers were disconnected without a reason. */
  readonly #cut: string[] = [];
  #closed = false;
  /** How established connections ended. */
  readonly #ended: string[] = [];

  constructor(server: { url: string; pid: number }, options: OverloadOptions) {
    this.#server = server;
    this.#options = options;
    this.#port = Number(new URL(server.url).port);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.flat()) socket.close();
  }

  async measure(): Promise<OverloadReport> {
    const { sockets, stepMs, overloadMs } = this.#options;
    for (let count = 0; count < sockets; count++) {
      if (count % ROOM_SOCKETS === 0) {
        this.#rooms.push((await makeRoom(this.#server)).id);
        this.#sockets.push([]);
      }
      this.#sockets.at(-1)!.push(await this.#join(this.#rooms.at(-1)!));
    }
    let carriedPerSecond = 0;
    const most = sockets * SOCKET_PER_SECOND;
    for (let perSecond = FIRST_PER_SECOND; perSecond <= most; perSecond = Math.round(perSecond * STEP_FACTOR)) {
      await this.#prepare(perSecond * stepMs / 1_000);
      const step = await this.#offer(perSecond, stepMs);
      carriedPerSecond = Math.max(carriedPerSecond, Math.round(step.storedPerSecond));
      // One slow step among fast ones is caused by other load on the machine.
      // `rate_limited` follows a pause of this process, after which one connection sent too much at once.
      if (step.refused.overloaded !== undefined || step.storedPerSecond < 0.6 * perSecond) break;
    }
    await this.#untilNormal();

    const offeredPerSecond = Math.min(most, 2 * carriedPerSecond);
    await this.#prepare(offeredPerSecond * overloadMs / 1_000);
    await this.#untilNormal();
    const memoryMb = { before: this.#memoryMb(), most: Array.from({ length: 10 }, () => 0) };
    const newcomers = { came: 0, turnedAway: 0 };
    const reasons = new Set<string>();
    let over = false;
    const beganAt = performance.now();
    const watching = (async () => {
      while (!over) {
        const tenth = Math.min(9, Math.floor(10 * (performance.now() - beganAt) / overloadMs));
        memoryMb.most[tenth] = Math.max(memoryMb.most[tenth]!, this.#memoryMb());
        for (const reason of (await this.#health()).reasons) reasons.add(reason.replace(/\d+/g, "N"));
        newcomers.came++;
        if (!await this.#newcomer()) newcomers.turnedAway++;
        await pause(250);
      }
    })();
    this.#latencies = [];
    const loaded = await this.#offer(offeredPerSecond, overloadMs);
    const latencies = this.#latencies.toSorted((a, b) => a - b);
    const endedAt = performance.now();
    over = true;
    await watching;
    await this.#untilNormal();
    const recoveredMs = performance.now() - endedAt;
    return {
      carriedPerSecond,
      offeredPerSecond,
      storedPerSecond: Math.round(loaded.storedPerSecond),
      refused: loaded.refused,
      unanswered: this.#waiting.size,
      ackP50Ms: Math.round(latencies[Math.floor(latencies.length * 0.5)] ?? NaN),
      ackP99Ms: Math.round(latencies[Math.floor(latencies.length * 0.99)] ?? NaN),
      memoryMb,
      newcomers,
      recoveredMs: Math.round(recoveredMs),
      reasons: [...reasons],
      cut: this.#cut,
      ended: this.#ended,
    };
  }

  /** Signs events before they are written: signing is the phones' work, and would be this process's limit. */
  async #prepare(count: number): Promise<void> {
    const { signer: signerOf } = await ed25519();
    const newSigner = () => signerOf(crypto.getRandomValues(new Uint8Array(32)));
    let signer = await newSigner();
    for (let made = this.#offers.length; made < count; made++) {
      const room = made % this.#rooms.length;
      // Each author writes one event in each room: creating a key takes longer than signing.
      if (room === 0) signer = await newSigner();
      const event = await signEvent(signer, { room: this.#rooms[room]!, n: 1, clock: 2, at: Date.now() }, {
        kind: "message",
        body: { name: "Guest", text: "we are left of the big tree, bring some water with you" },
      });
      this.#offers.push({ id: event.id, frame: festival.messageFrame(event.wire), room });
    }
  }

  /** Offers this many events a second, regardless of the answers; then waits until all are answered. */
  async #offer(
    perSecond: number,
    forMs: number,
  ): Promise<{ storedPerSecond: number; refused: Record<string, number> }> {
    const storedBefore = this.#stored;
    this.#refused = {};
    const startedAt = performance.now();
    for (let offered = 0, now = startedAt; now - startedAt < forMs; now = performance.now()) {
      const due = Math.floor((now - startedAt) * perSecond / 1_000);
      for (; offered < due; offered++) {
        const offer = this.#offers.shift();
        if (offer === undefined) throw new Error("too few events were prepared");
        const sockets = this.#sockets[offer.room]!;
        const socket = sockets.shift();
        if (socket === undefined) {
          // All sockets of this room were disconnected and are reconnecting.
          this.#offers.push(offer);
          continue;
        }
        sockets.push(socket);
        this.#waiting.set(offer.id, { offer, at: performance.now(), socket });
        socket.write(offer.frame);
      }
      await pause(TICK_MS);
    }
    const storedPerSecond = (this.#stored - storedBefore) / (performance.now() - startedAt) * 1_000;
    const refused = { ...this.#refused };
    this.#options.progress?.(
      `${perSecond}/s offered, ${Math.round(storedPerSecond)}/s stored, refused: ${JSON.stringify(refused)}`,
    );
    for (const until = performance.now() + 20_000; this.#waiting.size > 0 && performance.now() < until;) {
      await pause(20);
    }
    return { storedPerSecond, refused };
  }

  async #join(room: RoomId): Promise<LoadSocket> {
    const { signer: signerOf } = await ed25519();
    const socket = await LoadSocket.open(this.#port, festival.path(room));
    await festival.join(socket, room, await signerOf(crypto.getRandomValues(new Uint8Array(32))), "Guest");
    const watcher = {
      acked: (id: string) => {
        const sent = this.#waiting.get(id);
        if (sent === undefined) return;
        this.#waiting.delete(id);
        this.#stored++;
        this.#latencies.push(performance.now() - sent.at);
      },
      refused: (id: string, reason: string) => {
        const sent = this.#waiting.get(id);
        if (sent === undefined) return;
        this.#waiting.delete(id);
        this.#refused[reason] = (this.#refused[reason] ?? 0) + 1;
        this.#offers.push(sent.offer);
      },
    };
    socket.onText = (payload) => void (festival.isBroadcast(payload) || festival.other(payload, socket, watcher));
    let ended = false;
    socket.onEnd = (why) => {
      // Both reading and writing may detect the end.
      if (ended) return;
      ended = true;
      this.#ended.push(why);
      // The socket is not used any more, and its unanswered events are offered again.
      for (const sockets of this.#sockets) if (sockets.includes(socket)) sockets.splice(sockets.indexOf(socket), 1);
      for (const [id, sent] of this.#waiting) {
        if (sent.socket !== socket) continue;
        this.#waiting.delete(id);
        this.#offers.push(sent.offer);
      }
      void this.#comeBack(room);
    };
    return socket;
  }

  /** Retries like a client, until the server accepts it. */
  async #comeBack(room: RoomId): Promise<void> {
    while (!this.#closed) {
      await pause(1_000);
      try {
        const socket = await this.#join(room);
        if (this.#closed) socket.close();
        else this.#sockets[this.#rooms.indexOf(room)]!.push(socket);
        return;
      } catch {
        // Refused as overloaded.
      }
    }
  }

  /** Connects a newcomer. Returns whether it was welcomed. */
  async #newcomer(): Promise<boolean> {
    const { signer: signerOf } = await ed25519();
    const socket = await LoadSocket.open(this.#port, festival.path(this.#rooms[0]!));
    try {
      await festival.join(socket, this.#rooms[0]!, await signerOf(crypto.getRandomValues(new Uint8Array(32))), "New");
      return true;
    } catch (error) {
      if (!String(error).includes("overloaded")) this.#cut.push(String(error));
      return false;
    } finally {
      socket.close();
    }
  }

  async #untilNormal(): Promise<void> {
    while ((await this.#health()).status !== "ok" || !await this.#newcomer()) await pause(100);
  }

  async #health(): Promise<{ status: string; reasons: string[] }> {
    return await (await fetch(`${this.#server.url}/health`)).json();
  }

  #memoryMb(): number {
    return Math.round(memoryKbOf(this.#server.pid) / 1_024);
  }
}

/** A FIFO queue. Array.shift moves all remaining items, and there are 400,000. */
class Queue<T> {
  #items: T[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#taken];
    if (item === undefined) return undefined;
    if (++this.#taken === 10_000) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

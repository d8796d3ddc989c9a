/** Clients with a simple outbox for fault tests: they write without pause, come back by themselves, and send again. */
import { isStub, type LogEntry } from "../../lib/protocol/stub.ts";
import { assertEquals } from "@std/assert";
import { type EventId, eventIdOf, type RoomId } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { SEND_MAX_EVENTS } from "../../lib/protocol/limits.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import { newGenesis, TestClient, webSocketWire } from "../support/client.ts";

/** Where the server is at the moment; another place after each start. */
export interface Address {
  /** `http://host:port`. */
  url: string;
}

/** Makes a room over HTTP, as the home page does. */
export async function makeRoom({ url }: Address): Promise<RoomInfo> {
  const response = await fetch(`${url}/api/rooms`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url },
    body: JSON.stringify((await newGenesis()).wire),
  });
  if (!response.ok) throw new Error(`no room: ${response.status} ${await response.text()}`);
  return await response.json();
}

/** A client of a room whose sockets go wherever `address` points to at that moment. */
export function clientOf(address: Address, room: RoomId, name: string): Promise<TestClient> {
  return TestClient.create({
    room,
    name,
    open: (handlers) => {
      const url = `${address.url.replace("http", "ws")}/api/rooms/${room}/socket`;
      return webSocketWire(url)(handlers);
    },
  });
}

/** Time between two events of one writer. */
const WRITE_EVERY_MS = 12;
/** Longest that something may take to reach a client on a loaded machine. */
const SEES_WITHIN_MS = 30_000;
/** Time before what was refused is sent again. */
const REFUSED_PAUSE_MS = 100;
/** Time before the next try when no server answers. */
const RETRY_MS = 25;

export class Writer {
  readonly client: TestClient;
  /** Everything ever written. */
  readonly written: Event[] = [];
  readonly #unacked = new Map<EventId, Event>();
  #stopped = false;
  readonly done: Promise<void>;

  /** Connects at once and writes from `start` on: when all are there, for who comes late gets only the newest events. */
  constructor(client: TestClient, start: Promise<void>) {
    this.client = client;
    this.done = this.#run(start);
  }

  /** Writes no more; `done` resolves when everything written is acked and the client is connected. */
  stop(): void {
    this.#stopped = true;
  }

  async #run(start: Promise<void>): Promise<void> {
    const { client } = this;
    while (!this.#stopped || this.#unacked.size > 0 || client.closeCode !== undefined) {
      try {
        if (await client.connect() === undefined) throw new Error(`no welcome, closed with ${client.closeCode}`);
      } catch {
        await pause(RETRY_MS); // Nobody there at the moment.
        continue;
      }
      await start;
      await this.#resend();
      while (client.closeCode === undefined && (!this.#stopped || this.#unacked.size > 0)) {
        if (!this.#stopped) await this.#write();
        await pause(WRITE_EVERY_MS);
        this.#dropAcked();
        if (client.frames.some(({ type }) => type === "refused")) await this.#resend();
      }
    }
  }

  async #write(): Promise<void> {
    const { client } = this;
    const n = this.written.length + 1;
    const event = await client.signText(`${client.options.name} writes ${n}`, { n, clock: ++client.clock });
    this.written.push(event);
    this.#unacked.set(event.id, event);
    if (client.closeCode === undefined) client.sendEvents(event);
  }

  #dropAcked(): void {
    for (const id of this.#unacked.keys()) if (this.client.acked.has(id)) this.#unacked.delete(id);
  }

  /** Sends what has no ack, part by part; what was refused (a busy server, a lost race) is sent again after a moment. */
  async #resend(): Promise<void> {
    const { client } = this;
    const refused = () => client.frames.some(({ type }) => type === "refused");
    for (this.#dropAcked(); this.#unacked.size > 0 && client.closeCode === undefined; this.#dropAcked()) {
      if (refused()) await pause(REFUSED_PAUSE_MS);
      client.frames = client.frames.filter(({ type }) => type !== "refused");
      // The server may still be storing only so many events of one connection.
      const part = [...this.#unacked.values()].slice(0, SEND_MAX_EVENTS);
      client.sendEvents(...part);
      const last = part.at(-1)!.id;
      await client.until(() => client.acked.has(last) || refused() || client.closeCode !== undefined);
    }
  }
}

/** Invariants of the writers of one room once all are done and connected. */
export async function checkRoom(writers: readonly Writer[]): Promise<{ events: number }> {
  const written = new Map(writers.flatMap((writer) => writer.written.map((event) => [event.id, event] as const)));
  const head = written.size + 1; // The genesis event is the first.
  for (const { client } of writers) {
    await sees(client, () => (client.position?.position ?? 0) >= head, () => [client.position, head, client.closeCode]);
    assertEquals(client.violations, [], `${client.options.name} saw the server break its promises`);
    assertEquals(client.position?.position, head, "nothing is stored beyond what was written");
    const positions = [...client.log.keys()].sort((a, b) => a - b);
    assertEquals(positions, Array.from({ length: head }, (_, index) => index + 1), "the log has holes");
    const ids = positions.map((position) => idAt(client.log.get(position)!));
    assertEquals(new Set(ids).size, head, "an event is stored twice");
    for (const id of written.keys()) if (!ids.includes(id)) throw new Error(`lost: ${written.get(id)!.wire[0]}`);
    for (const [id, position] of client.acked) assertEquals(ids[position - 1], id, "acked at another position");
  }
  const [first, ...others] = writers.map(({ client }) => JSON.stringify([...client.log].sort(([a], [b]) => a - b)));
  for (const other of others) assertEquals(other, first, "two clients hold different logs");
  return { events: head };
}

/** Waits until `test` holds for the client; throws with `state` when it takes too long: a hanging test says nothing. */
export async function sees(client: TestClient, test: () => boolean, state: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${client.options.name} waits in vain: ${JSON.stringify(state())}`)),
      SEES_WITHIN_MS,
    );
  });
  try {
    await Promise.race([client.until(test), late]);
  } finally {
    clearTimeout(timer);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function idAt(entry: LogEntry): string {
  return isStub(entry) ? entry.id : eventIdOf(entry[0]);
}

/**
 * Honest people: phones that speak at a rate, answer the server, wait when it asks them to, come back when they were
 * disconnected, and write down when their messages were stored and when the others received them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { LoadSocket, maskedFrame } from "../../bench/load_socket.ts";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { type Signer, signEvent } from "../../lib/crypto/signing.ts";
import type { EventId, RoomId, WireEvent } from "../../lib/protocol/event.ts";
import type { HelloProof } from "../../lib/protocol/client_frames.ts";
import type { LogPosition, ServerFrame } from "../../lib/protocol/frames.ts";
import { PROTOCOL_VERSION } from "../../lib/protocol/limits.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";

/** A room as far as its people need it. */
export interface RoomOfPeople {
  id: RoomId;
  sealed: boolean;
}

/** Where one may go, and from which address of this machine. */
export interface Place {
  port: number;
  room: RoomOfPeople;
  /** Source address, 127.x.y.z. */
  from: string;
}

/** Marks a message in any room, also in the base64url of a sealed body. */
const MARK = /-_-_\d{8}/g;
let marks = 0;

/** A message with a new mark. A sealed body cannot be opened by the server, so any text of the right shape is one. */
export function contentOf({ sealed }: RoomOfPeople, text: string) {
  const mark = `-_-_${String(++marks).padStart(8, "0")}`;
  const content = sealed
    ? { kind: "sealed", body: { sealed: mark + toBase64Url(crypto.getRandomValues(new Uint8Array(66))) } } as const
    : { kind: "message", body: { name: "Ada", text: `${mark} ${text}` } } as const;
  return { mark, content };
}

interface Spoken {
  mark: string;
  id: EventId;
  frame: Uint8Array;
  writtenAt: number;
}

/** Hears what happens to messages. Times are of performance.now(). */
export interface Listener {
  stored(mark: string, ms: number): void;
  received(mark: string, person: Person, at: number): void;
  refused(reason: string): void;
  /** A connection ended that nobody here closed, or was refused. */
  ended(reason: string): void;
}

/** Without a word of the server about when to come back. */
const COME_BACK_MS = 250;
const COME_BACK_MAX_MS = 4_000;
const HEARTBEAT_MS = 20_000;
/** A connection without a welcome for this long is given up. */
const WELCOME_PATIENCE_MS = 5_000;
const text = new TextDecoder();

/** One phone in one room. It keeps what it said until the server stored it. */
export class Person {
  readonly place: Place;
  readonly #signer: Signer;
  readonly #listener: Partial<Listener>;
  readonly #cookie: string;
  #lastN: number;
  #clock = 0;
  #position: LogPosition | undefined;
  #socket: LoadSocket | undefined;
  #outbox: Spoken[] = [];
  #sendAgain: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  readonly #leaving = new AbortController();
  /** The end of the connection. */
  #lost = Promise.withResolvers<string>();
  #inside = Promise.withResolvers<void>();
  #signing: Promise<unknown> = Promise.resolve();

  private constructor(place: Place, signer: Signer, lastN: number, listener: Partial<Listener>) {
    this.place = place;
    this.#signer = signer;
    this.#lastN = lastN;
    this.#listener = listener;
    this.#cookie = `device=${toBase64Url(crypto.getRandomValues(new Uint8Array(16)))}`;
  }

  /** A phone that begins to enter the room; `inside` tells when it is there. `known`: one of the room's people. */
  static async coming(
    place: Place,
    listener: Partial<Listener> = {},
    known?: { signer: Signer; lastN: number },
  ): Promise<Person> {
    const signer = known?.signer ?? await (await ed25519()).signer(crypto.getRandomValues(new Uint8Array(32)));
    const person = new Person(place, signer, known?.lastN ?? 0, listener);
    void person.#stay();
    return person;
  }

  /** Resolves with the welcome. */
  get inside(): Promise<void> {
    return this.#inside.promise;
  }

  get #left(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** Writes a message; it is sent until the server has stored it. Returns its mark. */
  async say(words = "We are left of the big tree, bring some water"): Promise<string> {
    const { mark, content } = contentOf(this.place.room, words);
    const writtenAt = performance.now();
    // One after the other, so that numbers and places in the outbox have the same order.
    const signing = this.#signing.then(async () => {
      const header = { room: this.place.room.id, n: ++this.#lastN, clock: ++this.#clock, at: Date.now() };
      const { id, wire } = await signEvent(this.#signer, header, content);
      this.#outbox.push({ mark, id, frame: sendFrame(wire), writtenAt });
      if (this.#sendAgain === undefined) void this.#socket?.write(this.#outbox.at(-1)!.frame);
    });
    this.#signing = signing;
    await signing;
    return mark;
  }

  /** Loses the connection as in a dead spot. Returns the time until the phone is back, ms; Infinity: not in time. */
  async loseConnection(patienceMs = 10_000): Promise<number> {
    const startedAt = performance.now();
    this.#socket?.close();
    this.#lost.resolve("cut");
    await this.#inside.promise;
    this.#inside = Promise.withResolvers();
    const late = new AbortController();
    const isBack = await Promise.race([
      this.#inside.promise.then(() => true),
      delay(patienceMs, false, { signal: late.signal }).catch(() => false),
    ]);
    late.abort();
    return isBack ? Math.round(performance.now() - startedAt) : Infinity;
  }

  leave(): void {
    this.#leaving.abort();
    clearTimeout(this.#sendAgain);
    clearInterval(this.#heartbeat);
    this.#socket?.close();
    this.#lost.resolve("left");
  }

  /** Connects, and connects again whenever the connection ended. */
  async #stay(): Promise<void> {
    for (let failures = 0; !this.#left; failures++) {
      this.#lost = Promise.withResolvers();
      let retryAfterMs: number | undefined;
      let reason = "no connection";
      try {
        const path = `/api/rooms/${this.place.room.id}/socket`;
        const { port, from } = this.place;
        const socket = await LoadSocket.open(port, path, { from, headers: { Cookie: this.#cookie } });
        socket.onEnd = (why) => this.#lost.resolve(why);
        const patience = setTimeout(() => this.#lost.resolve("no welcome"), WELCOME_PATIENCE_MS);
        socket.onText = (payload) => {
          const frame: ServerFrame = JSON.parse(text.decode(payload));
          if (frame.type === "goodbye") {
            reason = frame.reason;
            retryAfterMs = frame.retryAfterMs;
          } else if (frame.type === "welcome") {
            clearTimeout(patience);
            failures = -1;
          }
          this.#take(frame, socket);
        };
        if (this.#left) this.#lost.resolve("left");
        const reading = socket.read();
        const why = await this.#lost.promise;
        clearTimeout(patience);
        if (reason === "no connection") reason = /code \d+/.exec(why)?.[0] ?? why;
        this.#socket = undefined;
        clearInterval(this.#heartbeat);
        socket.close();
        await reading;
      } catch (error) {
        reason = `no connection: ${String(error).slice(0, 60)}`;
      }
      if (this.#left) return;
      this.#listener.ended?.(reason);
      const backoff = Math.min(COME_BACK_MAX_MS, COME_BACK_MS * 2 ** Math.max(0, failures)) * (0.5 + Math.random() / 2);
      await delay(retryAfterMs ?? backoff, undefined, { signal: this.#leaving.signal }).catch(() => {});
    }
  }

  #take(frame: ServerFrame, socket: LoadSocket): void {
    const { room } = this.place;
    // The server asks for a sign of life.
    if ((frame.type as string) === "check") return void socket.write(PING);
    switch (frame.type) {
      case "challenge": {
        const { author } = this.#signer;
        const name = room.sealed ? toBase64Url(crypto.getRandomValues(new Uint8Array(40))) : "Ada";
        const proof: HelloProof = { hello: 1, nonce: frame.nonce, room: room.id, author, name };
        const signed = JSON.stringify(proof);
        const resume = this.#position;
        void this.#signer.sign(signed).then((signature) =>
          socket.write(maskedFrame(JSON.stringify({
            type: "hello",
            version: PROTOCOL_VERSION,
            proof: [signed, signature],
            at: Date.now(),
            ...(resume !== undefined && { resume }),
          })))
        );
        return;
      }
      case "welcome":
        this.#socket = socket;
        this.#clock = Math.max(this.#clock, frame.clock);
        this.#lastN = Math.max(this.#lastN, frame.lastN);
        this.#position = { epoch: frame.epoch, position: frame.from - 1 };
        this.#heartbeat = setInterval(() => void socket.write(PING), HEARTBEAT_MS);
        this.#inside.resolve();
        this.#sendAll();
        return;
      case "events": {
        const at = performance.now();
        for (const entry of frame.events) {
          if (!("stub" in entry)) { for (const mark of marksIn(entry[0])) this.#listener.received?.(mark, this, at); }
        }
        this.#position = { ...this.#position!, position: frame.from + frame.events.length - 1 };
        return;
      }
      case "ack":
        for (const [id] of frame.acks) {
          const index = this.#outbox.findIndex((spoken) => spoken.id === id);
          if (index === -1) continue;
          const [spoken] = this.#outbox.splice(index, 1);
          this.#listener.stored?.(spoken!.mark, performance.now() - spoken!.writtenAt);
        }
        return;
      case "refused":
        this.#listener.refused?.(frame.reason);
        // The first refusal has the cause, and the time that all that follows has to wait.
        if (frame.reason !== "missing_previous") this.#sendLater(frame.retryAfterMs ?? COME_BACK_MS);
        else if (this.#sendAgain === undefined) this.#sendLater(COME_BACK_MS);
        return;
      case "problem":
        this.#listener.refused?.(`problem ${frame.problem}`);
        return;
    }
  }

  #sendLater(ms: number): void {
    if (this.#left) return;
    clearTimeout(this.#sendAgain);
    this.#sendAgain = setTimeout(() => this.#sendAll(), ms);
  }

  #sendAll(): void {
    clearTimeout(this.#sendAgain);
    this.#sendAgain = undefined;
    for (const { frame } of this.#outbox) void this.#socket?.write(frame);
  }
}

const PING = maskedFrame(JSON.stringify({ type: "ping" }));

/** The frame that sends these events. */
export function sendFrame(...events: WireEvent[]): Uint8Array {
  return maskedFrame(JSON.stringify({ type: "send", events }));
}

export function marksIn(payload: string): string[] {
  return payload.includes("-_-_") ? payload.match(MARK) ?? [] : [];
}

/** Figures of a phase, times in ms. */
export interface PhaseReport {
  spoken: number;
  /** Share of the spoken messages that were stored. */
  stored: number;
  /** Share of (stored messages × people) that arrived. */
  delivered: number;
  ackP50: number;
  ackP99: number;
  /** From writing a message to its arrival at the others; a message that did not arrive counts as Infinity. */
  deliveryP99: number;
  refusals: Record<string, number>;
  ends: Record<string, number>;
}

/** Time after a phase in which its last messages may still be stored and arrive. */
const DRAIN_MS = 5_000;

/** People of one room who speak in turns of `everyMs`. */
export class Crowd {
  readonly people: Person[] = [];
  readonly #stored = new Map<string, number>();
  readonly #received = new Map<string, Map<Person, number>>();
  readonly #refusals: Record<string, number> = {};
  readonly #ends: Record<string, number> = {};
  readonly #listener: Listener = {
    stored: (mark, ms) => this.#stored.set(mark, ms),
    received: (mark, person, at) => {
      const of = this.#received.get(mark) ?? new Map<Person, number>();
      this.#received.set(mark, of);
      if (!of.has(person)) of.set(person, at);
    },
    refused: (reason) => this.#refusals[reason] = (this.#refusals[reason] ?? 0) + 1,
    ended: (reason) => this.#ends[reason] = (this.#ends[reason] ?? 0) + 1,
  };
  readonly #everyMs: number;

  private constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Resolves when all are in the room. `known`: they are some of the room's people. */
  static async enter(
    { port, room, count, from, everyMs = 1_000, known = [] }: {
      port: number;
      room: RoomOfPeople;
      count: number;
      /** The address of each. */
      from(index: number): string;
      everyMs?: number;
      known?: { signer: Signer; lastN: number }[];
    },
  ): Promise<Crowd> {
    const crowd = new Crowd(everyMs);
    for (let index = 0; index < count; index++) {
      const person = await Person.coming({ port, room, from: from(index) }, crowd.#listener, known[index]);
      crowd.people.push(person);
      await person.inside;
    }
    return crowd;
  }

  /** Everybody speaks for this long; `marks` gets the marks of messages that were stored. */
  async speak(ms: number, { marks = [], drainMs = DRAIN_MS }: { marks?: string[]; drainMs?: number } = {}): Promise<
    PhaseReport
  > {
    for (const counts of [this.#refusals, this.#ends]) for (const reason in counts) delete counts[reason];
    const spoken: { mark: string; at: number; by: Person }[] = [];
    const endAt = performance.now() + ms;
    await Promise.all(this.people.map(async (person, index) => {
      await delay(this.#everyMs * index / this.people.length);
      for (let next = performance.now(); next < endAt; next += this.#everyMs) {
        await delay(Math.max(0, next - performance.now()));
        const at = performance.now();
        spoken.push({ at, by: person, mark: await person.say() });
      }
    }));
    const all = () =>
      spoken.every(({ mark }) => this.#stored.has(mark) && this.#received.get(mark)?.size === this.people.length);
    for (const until = performance.now() + drainMs; !all() && performance.now() < until;) await delay(20);

    const kept = spoken.filter(({ mark }) => this.#stored.has(mark));
    marks.push(...kept.map(({ mark }) => mark));
    const acks = spoken.map(({ mark }) => this.#stored.get(mark) ?? Infinity);
    const deliveries = kept.flatMap(({ mark, at, by }) =>
      this.people.filter((person) => person !== by)
        .map((person) => (this.#received.get(mark)?.get(person) ?? Infinity) - at)
    );
    return {
      spoken: spoken.length,
      stored: kept.length / spoken.length,
      delivered: deliveries.filter(Number.isFinite).length / deliveries.length,
      ackP50: quantile(acks, 0.5),
      ackP99: quantile(acks, 0.99),
      deliveryP99: quantile(deliveries, 0.99),
      refusals: { ...this.#refusals },
      ends: { ...this.#ends },
    };
  }

  leave(): void {
    for (const person of this.people) person.leave();
  }

  [Symbol.dispose](): void {
    this.leave();
  }
}

/** The value at or below which `share` of all are; rounded to whole numbers. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN);
}

/** A newcomer enters and says a word. Returns the time until it was stored, ms; Infinity: not within `patienceMs`. */
export async function newcomer(place: Place, patienceMs = 10_000, marks: string[] = []): Promise<number> {
  const startedAt = performance.now();
  const stored = Promise.withResolvers<number>();
  const person = await Person.coming(place, {
    stored: () => stored.resolve(Math.round(performance.now() - startedAt)),
  });
  const timer = setTimeout(() => stored.resolve(Infinity), patienceMs);
  void person.inside.then(async () => marks.push(await person.say("Hello, I am new here")));
  const ms = await stored.promise;
  clearTimeout(timer);
  person.leave();
  return ms;
}

/** Newcomers of different addresses, one every `everyMs` during `ms`. Returns the time of each until it has spoken. */
export async function newcomers(
  { port, room, from, ms, everyMs }: {
    port: number;
    room: RoomOfPeople;
    from(index: number): string;
    ms: number;
    everyMs: number;
  },
): Promise<number[]> {
  const arrivals: Promise<number>[] = [];
  for (let index = 0; index * everyMs < ms; index++) {
    arrivals.push(newcomer({ port, room, from: from(index) }));
    await delay(everyMs);
  }
  return await Promise.all(arrivals);
}

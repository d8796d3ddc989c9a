/**
 * A small client of the protocol for tests, simulations and benchmarks: it says hello, sends, waits for acks, collects
 * events in the order of their positions, and comes back from where it was. It has no outbox and no retry of its own: a
 * test says what happens next.
 *
 * To extend: a new frame needs nothing here, `waitFor("its type")` already finds it.
 */
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { roomSeed } from "../../lib/crypto/room_key.ts";
import { type Signer, signEvent } from "../../lib/crypto/signing.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { isStub, type LogEntry } from "../../lib/protocol/stub.ts";
import type { ClientFrame, HelloProof } from "../../lib/protocol/client_frames.ts";
import {
  decodeServerFrame,
  type LogPosition,
  type Person,
  type RoomInfo,
  type ServerFrame,
} from "../../lib/protocol/frames.ts";
import { type EventId, eventIdOf, type RoomId, type RoomKind } from "../../lib/protocol/event.ts";
import { type Event, type EventContent, readEntry, readEvent } from "../../lib/kinds/kinds.ts";
import { PROTOCOL_VERSION } from "../../lib/protocol/limits.ts";

export type FrameOf<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;

/** Carries frames: a real WebSocket, or a session in the same process. */
export interface ClientWire {
  send(text: string): void;
  close(): void;
}
/** Opens a wire; `onFrame` gets every text, `onClose` comes once. */
export type OpenWire = (handlers: { onFrame(text: string): void; onClose(code: number): void }) => ClientWire;

export interface ClientOptions {
  open: OpenWire;
  room: RoomId;
  /** 32 random bytes; the author key follows from it. Default: random. */
  secret?: Uint8Array;
  name?: string;
  /** The device's clock; without one the client says no time. */
  clockMs?: () => number;
}

/** A device's key in a room. */
export async function signerOf(room: RoomId, secret = randomBytes(32)): Promise<Signer> {
  return (await ed25519()).signer(roomSeed(secret, room));
}

/** A room's genesis event by a new host, ready to be posted. */
export async function newGenesis(
  { name = "Main stage", roomKind = "unlisted", at = 0, room = toBase64Url(randomBytes(16)), secret }: {
    name?: string;
    roomKind?: RoomKind;
    at?: number;
    room?: RoomId;
    secret?: Uint8Array;
  } = {},
): Promise<Event> {
  const host = await signerOf(room, secret);
  return await signEvent(host, { room, n: 1, clock: 1, at }, { kind: "room", body: { roomKind, name } });
}

/** Deno's own constructor, which takes headers; the one of the DOM types does not. */
export const HeaderWebSocket = WebSocket as unknown as {
  new (url: string, options: { headers: Record<string, string>; client?: Deno.HttpClient }): WebSocket;
};

/** Opens WebSockets to a server; `url` as `ws://host:port/…/socket`. `client`: trusts other certificates than the system. */
export function webSocketWire(url: string, headers: Record<string, string> = {}, client?: Deno.HttpClient): OpenWire {
  return ({ onFrame, onClose }) => {
    const socket = new HeaderWebSocket(url, { headers, ...client !== undefined && { client } });
    socket.onmessage = ({ data }) => onFrame(data);
    socket.onclose = ({ code }) => onClose(code);
    const opened = new Promise<void>((resolve) => socket.onopen = () => resolve());
    return {
      send: (text) =>
        void (socket.readyState === WebSocket.OPEN ? socket.send(text) : opened.then(() => socket.send(text))),
      close: () => socket.close(),
    };
  };
}

export class TestClient {
  readonly signer: Signer;
  readonly options: ClientOptions;
  /** Frames of this connection, in the order they came. */
  frames: ServerFrame[] = [];
  /** The client's replica of the log, by position, over all connections. */
  readonly log = new Map<number, LogEntry>();
  /** Where the copy of the log ends. */
  position: LogPosition | undefined;
  welcome: ServerFrame<"welcome"> | undefined;
  people = new Map<string, string>();
  count = 0;
  /** Mistakes of the server seen on the way: holes, doubles, unreadable frames. Empty in a correct run. */
  readonly violations: string[] = [];
  readonly acked = new Map<EventId, number>();
  n = 0;
  clock = 0;
  /** The close code once the connection has ended. */
  closeCode: number | undefined;
  #wire: ClientWire | undefined;
  #generation = 0;
  #waiting: { test: () => boolean; resolve: () => void }[] = [];

  private constructor(options: ClientOptions, signer: Signer) {
    this.options = options;
    this.signer = signer;
  }

  static async create(options: ClientOptions): Promise<TestClient> {
    return new TestClient(options, await signerOf(options.room, options.secret));
  }

  /** Makes a client, connects, and waits until it is in the room. */
  static async join(options: ClientOptions): Promise<TestClient> {
    const client = await TestClient.create(options);
    await client.connect();
    return client;
  }

  /** Connects and waits for `welcome` or the end. `resume`: from where it was, unless told otherwise. */
  async connect(
    { resume = this.position }: { resume?: LogPosition } = {},
  ): Promise<ServerFrame<"welcome"> | undefined> {
    this.openOnly();
    const challenge = await this.waitFor("challenge");
    await this.hello(challenge.nonce, { resume });
    await this.until(() => this.welcome !== undefined || this.closeCode !== undefined);
    return this.welcome;
  }

  /** Opens a connection and says nothing. */
  openOnly(): void {
    const generation = ++this.#generation;
    this.#wire?.close();
    this.frames = [];
    this.welcome = undefined;
    this.closeCode = undefined;
    this.#wire = this.options.open({
      onFrame: (text) => generation === this.#generation && this.#receive(text),
      onClose: (code) => {
        if (generation !== this.#generation) return;
        this.closeCode = code;
        this.#check();
      },
    });
  }

  /** Answers a challenge; every part of the answer may be made wrong. */
  async hello(
    nonce: string,
    { resume, proof = {}, signature, version = PROTOCOL_VERSION }: {
      resume?: LogPosition;
      proof?: Partial<HelloProof>;
      signature?: string;
      version?: number;
    } = {},
  ): Promise<void> {
    const payload = JSON.stringify({
      hello: 1,
      nonce,
      room: this.options.room,
      author: this.signer.author,
      name: this.options.name ?? "Ada",
      ...proof,
    });
    this.send({
      type: "hello",
      ...(this.options.clockMs && { at: this.options.clockMs() }),
      version,
      proof: [payload, signature ?? await this.signer.sign(payload)],
      ...(resume === undefined ? {} : { resume }),
    });
  }

  send(frame: ClientFrame): void {
    this.sendRaw(JSON.stringify(frame));
  }

  sendRaw(text: string): void {
    this.#wire!.send(text);
  }

  /** Signs the author's next event. `header` may change or falsify anything. */
  async sign(content: EventContent, header: Partial<{ room: RoomId; n: number; clock: number; at: number }> = {}) {
    const n = header.n ?? ++this.n;
    const clock = header.clock ?? ++this.clock;
    return await signEvent(this.signer, { room: this.options.room, at: 0, ...header, n, clock }, content);
  }

  signText(text: string, header: Parameters<TestClient["sign"]>[1] = {}): Promise<Event> {
    return this.sign({ kind: "message", body: { name: this.options.name ?? "Ada", text } }, header);
  }

  sendEvents(...events: Event[]): void {
    this.send({ type: "send", events: events.map(({ wire }) => wire) });
  }

  /** Signs and sends a text, and waits until it is stored; throws when it is refused. */
  async say(text: string): Promise<{ id: EventId; position: number }> {
    const event = await this.signText(text);
    this.sendEvents(event);
    return { id: event.id, position: await this.stored(event.id) };
  }

  /** Waits for the ack of an event: its position. Throws when it is refused or the connection ends. */
  async stored(id: EventId): Promise<number> {
    await this.until(() => this.acked.has(id) || this.refusal(id) !== undefined || this.closeCode !== undefined);
    const position = this.acked.get(id);
    if (position === undefined) {
      throw new Error(`not stored: ${JSON.stringify(this.refusal(id) ?? { closed: this.closeCode })}`);
    }
    return position;
  }

  /** The refusal of an event on this connection, if it came. */
  refusal(id: EventId): ServerFrame<"refused"> | undefined {
    return this.frames.find((frame): frame is ServerFrame<"refused"> => frame.type === "refused" && frame.id === id);
  }

  async refused(id: EventId): Promise<ServerFrame<"refused">> {
    await this.until(() => this.refusal(id) !== undefined || this.closeCode !== undefined);
    const refusal = this.refusal(id);
    if (refusal === undefined) throw new Error(`no refusal came; closed with ${this.closeCode}`);
    return refusal;
  }

  /** The first frame of a type on this connection that fits, now or when it comes. */
  async waitFor<Type extends ServerFrame["type"]>(
    type: Type,
    fits: (frame: FrameOf<Type>) => boolean = () => true,
  ): Promise<FrameOf<Type>> {
    const find = () =>
      this.frames.find((frame): frame is FrameOf<Type> => frame.type === type && fits(frame as FrameOf<Type>));
    await this.until(() => find() !== undefined || this.closeCode !== undefined);
    const frame = find();
    if (frame === undefined) {
      throw new Error(`the connection ended with ${this.closeCode} before a fitting ${type} came`);
    }
    return frame;
  }

  /** Resolves when `test` holds; it is asked after every frame and at the end. */
  until(test: () => boolean): Promise<void> {
    if (test()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ test, resolve }));
  }

  /** Waits until the copy of the log reaches `position`. */
  holds(position: number): Promise<void> {
    return this.until(() => (this.position?.position ?? 0) >= position);
  }

  async closed(): Promise<number> {
    await this.until(() => this.closeCode !== undefined);
    return this.closeCode!;
  }

  /** Ends the connection; what was collected stays. */
  async close(): Promise<void> {
    if (this.#wire === undefined || this.closeCode !== undefined) return;
    this.#wire.close();
    await this.closed();
  }

  /** The texts held, in the order of their positions. */
  get texts(): string[] {
    return [...this.log].sort(([a], [b]) => a - b).flatMap(([, wire]) => {
      const read = isStub(wire) ? undefined : readEvent(wire);
      return read?.ok && (read.event.kind === "message" || read.event.kind === "reply") ? [read.event.body.text] : [];
    });
  }

  get shown(): Person[] {
    return [...this.people].map(([author, name]) => ({ author, name }));
  }

  get room(): RoomInfo {
    return this.welcome!.room;
  }

  #receive(text: string): void {
    const decoded = decodeServerFrame(text);
    if (!decoded.ok) {
      this.violations.push(`unreadable (${decoded.problem} ${decoded.field ?? ""}): ${text.slice(0, 200)}`);
      return;
    }
    const { frame } = decoded;
    this.frames.push(frame);
    switch (frame.type) {
      case "welcome":
        this.welcome = frame;
        this.n = Math.max(this.n, frame.lastN);
        this.clock = Math.max(this.clock, frame.clock);
        this.people = new Map(frame.people.shown.map(({ author, name }) => [author, name]));
        this.count = frame.people.count;
        if (frame.mode === "resume" && frame.from !== (this.position?.position ?? -1) + 1) {
          this.violations.push(`resumed from ${frame.from} after ${this.position?.position}`);
        }
        this.position = { epoch: frame.epoch, position: frame.from - 1 };
        break;
      case "events":
        if (frame.from !== this.position!.position + 1) {
          this.violations.push(`events from ${frame.from} after ${this.position!.position}`);
        }
        frame.events.forEach((event, index) => this.#hold(frame.from + index, event));
        this.position = { ...this.position!, position: frame.from + frame.events.length - 1 };
        break;
      case "page":
        frame.events.forEach((event, index) => this.#hold(frame.from + index, event));
        break;
      case "ack":
        for (const [id, position] of frame.acks) this.acked.set(id, position);
        break;
      case "presence":
        for (const { author, name } of frame.joined) this.people.set(author, name);
        for (const author of frame.left) this.people.delete(author);
        this.count = frame.count;
        break;
    }
    this.#check();
  }

  #hold(position: number, event: LogEntry): void {
    const held = this.log.get(position);
    const idAt = (entry: LogEntry) => isStub(entry) ? entry.id : eventIdOf(entry[0]);
    if (held !== undefined && idAt(held) !== idAt(event)) this.violations.push(`another event at ${position}`);
    this.log.set(position, event);
    const read = readEntry(event, "");
    if (read.ok) this.clock = Math.max(this.clock, read.event.clock);
  }

  #check(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) {
      if (entry.test()) entry.resolve();
      else this.#waiting.push(entry);
    }
  }
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

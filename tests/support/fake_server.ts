/**
 * A server of one room that speaks the protocol, in process, under virtual time: what a session's tests talk to. It greets,
 * welcomes, stores, acks, fans out, tells who is there and carries signals as the real one does; a test makes it fail.
 *
 * To extend: `judge` decides on each new event, `silenced` swallows everything, `cut` breaks transports, `tell` sends any text.
 */
import { eventPlace, roomNamePlace, type Sealer } from "../../lib/crypto/seal.ts";
import { type Signer, signEvent } from "../../lib/crypto/signing.ts";
import type { Ed25519 } from "../../lib/crypto/signing.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { CloseReason } from "../../lib/protocol/codes.ts";
import { CLOSE_REASONS } from "../../lib/protocol/codes.ts";
import { type ClientFrame, decodeClientFrame, readHelloProof } from "../../lib/protocol/client_frames.ts";
import type { Person, RoomInfo, ServerFrame } from "../../lib/protocol/frames.ts";
import type { AuthorKey, RoomKind, WireEvent } from "../../lib/protocol/event.ts";
import { type Event, type EventContent, readEvent } from "../../lib/kinds/kinds.ts";
import { LATEST_EVENTS, PROTOCOL_VERSION } from "../../lib/protocol/limits.ts";
import type { OpenTransport, TransportEvents } from "../../lib/transport/transport.ts";
import { fakeSigner, fakeVerifier } from "../simulation/fake_ed25519.ts";
import type { VirtualTime } from "./virtual_time.ts";

export const fakeEd25519: Pick<Ed25519, "signer" | "verify"> = {
  signer: (seed) => Promise.resolve(fakeSigner(seed)),
  verify: (author, text, signature) => fakeVerifier.verify(author, text, signature),
};

type Refusing = Omit<ServerFrame<"refused">, "type" | "id">;

/** One way, ms. */
const LATENCY_MS = 20;

export class FakeServer {
  readonly time: VirtualTime;
  readonly host: Signer = fakeSigner(new Uint8Array(32).fill(7));
  room!: RoomInfo;
  epoch = toBase64Url(new Uint8Array(8).fill(1));
  /** The operator cleared the room: the highest clock of what was deleted then. */
  cleared: number | undefined;
  /** Stored events; the first one is at `oldest`. */
  log: WireEvent[] = [];
  oldest = 1;
  readonly lastN = new Map<string, number>();
  clock = 0;
  limits = { messageBurst: 1_000, messageEveryMs: 0, inFlight: 64 };
  /** Events per `events` frame while catching up. */
  pageSize = 200;
  version = PROTOCOL_VERSION;
  /** Undefined: stored. Asked only for events that follow their author's last one. */
  judge: (event: Event) => Refusing | undefined = () => undefined;
  /** Accepts connections and says nothing. */
  silenced = false;
  /** Takes no connections: they end at once. */
  down = false;
  /** Cannot read history now. */
  busy = false;
  /** Takes no resume position: welcomes with the newest events only. */
  answersLatest = false;
  /** Stores and fans out, and loses the acks. */
  losesAcks = false;
  /** Every frame that arrived, over all connections. */
  readonly received: ClientFrame[] = [];
  readonly transports: FakeTransport[] = [];
  #bytes = 0;

  private constructor(time: VirtualTime) {
    this.time = time;
  }

  static async create(
    time: VirtualTime,
    { kind = "unlisted", name = "Main stage", sealer }: { kind?: RoomKind; name?: string; sealer?: Sealer } = {},
  ): Promise<FakeServer> {
    const server = new FakeServer(time);
    const id = toBase64Url(new Uint8Array(16).fill(9));
    const shown = sealer === undefined ? name : await sealer.seal(name, roomNamePlace(id));
    const genesis = await signEvent(server.host, { room: id, n: 1, clock: 1, at: time.now() }, {
      kind: "room",
      body: { roomKind: kind, name: shown },
    });
    server.room = {
      id,
      kind,
      name: shown,
      ...(kind !== "sealed" && { code: "cosmic-stage-417" }),
      host: server.host.author,
      genesis: genesis.wire,
      createdAt: time.now(),
    };
    server.#keep(genesis);
    return server;
  }

  /** The transport factory of one client. */
  readonly openTransport: OpenTransport = (events) => {
    const transport = new FakeTransport(this, events);
    this.transports.push(transport);
    return transport;
  };

  get head(): number {
    return this.oldest + this.log.length - 1;
  }

  /** Transports that neither side has ended. */
  get open(): FakeTransport[] {
    return this.transports.filter(({ isOpen }) => isOpen);
  }

  /** Somebody else writes; everybody is told. */
  async say(
    text: string,
    { by = 1, name = "Bo", sealer, ...content }: {
      by?: number;
      name?: string;
      sealer?: Sealer;
      content?: EventContent;
    } = {},
  ): Promise<Event> {
    const signer = fakeSigner(new Uint8Array(32).fill(by));
    const n = (this.lastN.get(signer.author) ?? 0) + 1;
    const header = { room: this.room.id, n, clock: this.clock + 1, at: this.time.now() };
    const clear = content.content ?? { kind: "message", body: { name, text } };
    const place = eventPlace({ ...header, author: signer.author });
    const said: EventContent = sealer === undefined
      ? clear
      : { kind: "sealed", body: { sealed: await sealer.seal(JSON.stringify(clear), place) } };
    const event = await signEvent(signer, header, said);
    this.store(event);
    return event;
  }

  /** Stores an event without asking anybody, and tells everybody. */
  store(event: Event): number {
    this.#keep(event);
    for (const transport of this.open) transport.catchUp();
    return this.head;
  }

  /** Ends all transports: without a word, or with a goodbye. */
  cut(reason?: CloseReason, retryAfterMs?: number): void {
    for (const transport of this.open) transport.cut(reason, retryAfterMs);
  }

  /** Sends any frame, or any text, to everybody. */
  tell(frame: ServerFrame | string): void {
    for (const transport of this.open) transport.tell(frame);
  }

  /** The received frames of one type. */
  framesOf<Type extends ClientFrame["type"]>(type: Type): Extract<ClientFrame, { type: Type }>[] {
    return this.received.filter((frame): frame is Extract<ClientFrame, { type: Type }> => frame.type === type);
  }

  /** Everybody who is welcomed, once each. */
  get people(): Person[] {
    const people = new Map<AuthorKey, Person>();
    for (const { isOpen, person } of this.transports) {
      if (isOpen && person !== undefined) people.set(person.author, person);
    }
    return [...people.values()];
  }

  /** Tells all but the one it happened to. */
  presence(change: { joined: Person[]; left: AuthorKey[] }, about: FakeTransport): void {
    const { length: count } = this.people;
    for (const transport of this.open) {
      if (transport !== about && transport.person !== undefined) transport.tell({ type: "presence", count, ...change });
    }
  }

  /** Texts in the log, in its order. */
  get texts(): string[] {
    return this.log.flatMap((wire) => {
      const read = readEvent(wire);
      return read.ok && (read.event.kind === "message" || read.event.kind === "reply") ? [read.event.body.text] : [];
    });
  }

  /** The answer to one event. */
  accept(event: Event): { position: number; isNew: boolean } | Refusing {
    const lastN = this.lastN.get(event.author) ?? 0;
    if (event.n <= lastN) {
      const at = this.log.findIndex(([payload]) => {
        const read = readEvent([payload, event.wire[1]]);
        return read.ok && read.event.author === event.author && read.event.n === event.n;
      });
      if (at < 0) return { reason: "expired" };
      if (this.log[at]![0] !== event.wire[0]) return { reason: "conflict" };
      return { position: this.oldest + at, isNew: false };
    }
    if (event.n > lastN + 1) return { reason: "missing_previous", expectedN: lastN + 1 };
    const refusing = this.judge(event);
    if (refusing !== undefined) return refusing;
    this.#keep(event);
    return { position: this.head, isNew: true };
  }

  nonce(): string {
    return toBase64Url(new Uint8Array(16).fill(++this.#bytes));
  }

  #keep(event: Event): void {
    this.log.push(event.wire);
    this.lastN.set(event.author, Math.max(this.lastN.get(event.author) ?? 0, event.n));
    this.clock = Math.max(this.clock, event.clock);
  }
}

/** One connection, both ends. */
export class FakeTransport {
  readonly #server: FakeServer;
  readonly #client: TransportEvents;
  readonly #nonce: string;
  isOpen = true;
  /** The client has been welcomed and holds everything up to here. */
  position: number | undefined;
  /** The person who was welcomed on it. */
  person: Person | undefined;

  constructor(server: FakeServer, client: TransportEvents) {
    this.#server = server;
    this.#client = client;
    this.#nonce = server.nonce();
    const { time } = server;
    time.after(LATENCY_MS, () => {
      if (!this.isOpen) return;
      if (server.down) return this.cut();
      this.#client.opened();
    });
    this.tell({ type: "challenge", version: server.version, nonce: this.#nonce, at: time.now() });
  }

  // ---- the client's end ----

  send(text: string): boolean {
    if (!this.isOpen) return false;
    this.#server.time.after(LATENCY_MS, () => this.#receive(text));
    return true;
  }

  close(): void {
    this.#end();
  }

  // ---- the server's end ----

  tell(frame: ServerFrame | string): void {
    const text = typeof frame === "string" ? frame : JSON.stringify(frame);
    this.#server.time.after(LATENCY_MS, () => {
      if (this.isOpen && !this.#server.silenced && !this.#server.down) this.#client.received(text);
    });
  }

  cut(reason?: CloseReason, retryAfterMs?: number): void {
    if (!this.isOpen) return;
    if (reason !== undefined) {
      this.#client.received(JSON.stringify({ type: "goodbye", reason, ...(retryAfterMs && { retryAfterMs }) }));
    }
    // A client that has said farewell hears nothing more.
    if (!this.isOpen) return;
    this.#end();
    this.#client.closed(reason === undefined ? 1006 : CLOSE_REASONS[reason].code);
  }

  catchUp(): void {
    const { log, oldest, pageSize, head } = this.#server;
    while (this.position !== undefined && this.position < head) {
      const from = this.position + 1;
      const events = log.slice(from - oldest, from - oldest + pageSize);
      this.position += events.length;
      this.tell({ type: "events", from, events });
    }
  }

  #receive(text: string): void {
    const server = this.#server;
    if (!this.isOpen || server.silenced || server.down) return;
    const decoded = decodeClientFrame(text);
    if (!decoded.ok) throw new Error(`the client sent ${decoded.problem} ${decoded.field}: ${text.slice(0, 200)}`);
    const { frame } = decoded;
    server.received.push(frame);
    switch (frame.type) {
      case "hello":
        return this.#welcome(frame);
      case "ping":
        return this.tell({ type: "pong", at: server.time.now() });
      case "history": {
        if (server.busy) return this.tell({ type: "problem", problem: "busy", retryAfterMs: 500 });
        const from = Math.max(server.oldest, frame.before - frame.limit);
        const events = server.log.slice(from - server.oldest, frame.before - server.oldest);
        return this.tell({ type: "page", before: frame.before, from, events, oldest: server.oldest });
      }
      case "send":
        return this.#store(frame.events);
      case "signal":
        return this.#carry(frame);
    }
  }

  #end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const author = this.person?.author;
    if (author === undefined || this.#server.people.some((person) => person.author === author)) return;
    this.#server.presence({ joined: [], left: [author] }, this);
  }

  #carry({ to, payload, signature }: ClientFrame<"signal">): void {
    const from = this.person?.author;
    if (from === undefined) throw new Error("a signal before welcome");
    const receivers = this.#server.open.filter(({ person }) => person?.author === to);
    for (const transport of receivers) transport.tell({ type: "signal", from, payload, signature });
    if (receivers.length === 0) this.tell({ type: "signal_undeliverable", to, reason: "not_present" });
  }

  #welcome({ proof, resume }: Extract<ClientFrame, { type: "hello" }>): void {
    const server = this.#server;
    const { room, epoch, head, oldest, clock, cleared, limits, lastN, time } = server;
    const said = readHelloProof(proof[0]);
    if (said?.nonce !== this.#nonce || said.room !== room.id) return this.cut("bad_hello");
    const me = { author: said.author, name: said.name };
    const isNew = !server.people.some(({ author }) => author === me.author);
    this.person = me;
    const resumes = !server.answersLatest && resume?.epoch === epoch && resume.position <= head &&
      resume.position >= oldest - 1;
    const from = resumes ? resume.position + 1 : Math.max(oldest, head - LATEST_EVENTS + 1);
    this.position = from - 1;
    const { people } = server;
    this.tell({
      type: "welcome",
      room,
      epoch,
      head,
      oldest,
      mode: resumes ? "resume" : "latest",
      from,
      lastN: lastN.get(said.author) ?? 0,
      clock,
      ...(cleared !== undefined && { cleared }),
      people: { count: people.length, shown: people },
      limits,
      at: time.now(),
    });
    this.catchUp();
    if (isNew) server.presence({ joined: [me], left: [] }, this);
  }

  #store(wires: readonly WireEvent[]): void {
    const server = this.#server;
    const acks: [string, number][] = [];
    for (const wire of wires) {
      const read = readEvent(wire);
      if (!read.ok) throw new Error(`the client sent an event with a wrong ${read.problem.field}`);
      const { event } = read;
      const answer = server.accept(event);
      if ("reason" in answer) this.tell({ type: "refused", id: event.id, ...answer });
      else acks.push([event.id, answer.position]);
    }
    if (acks.length === 0) return;
    if (!server.losesAcks) this.tell({ type: "ack", acks });
    for (const transport of server.open) transport.catchUp();
  }
}

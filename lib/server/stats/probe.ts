/**
 * Measures delivery with real messages: two clients inside the instance, one per transport, send signed messages in a room
 * of their own and wait for them. That covers everything but the network: hello, signature, limits, commit, ack, fan-out,
 * and the wire format of polling.
 */
import { pause, type Timers } from "../../shared/environment.ts";
import { type Ed25519, type Signer, signEvent } from "../../crypto/signing.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { isStub } from "../../protocol/stub.ts";
import type { ClientFrame, HelloProof } from "../../protocol/client_frames.ts";
import { decodeServerFrame, type ServerFrame } from "../../protocol/frames.ts";
import type { RoomId, WireEvent } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { type PollRequest, readPollAnswerHead, writePollRequest } from "../../protocol/poll_frames.ts";
import type { Store } from "../../store/store.ts";
import { Polling } from "../connections/poll_endpoint.ts";
import type { ChatServer } from "../server.ts";
import type { Visitor } from "../connections/connection.ts";
import type { Environment } from "../environment.ts";
import { SERVER_TRANSPORTS, type ServerTransport } from "./figures.ts";

export interface ProbeDeps {
  server: Pick<ChatServer, "connect" | "leaveOut" | "instance" | "stats" | "config">;
  store: Pick<Store, "rooms" | "stats">;
  environment: Environment;
  ed25519: Ed25519;
}

/** A connection of a probe: frames out, frames in. */
interface Wire {
  send(text: string): void;
  close(): void;
}
type Open = (handlers: { received(text: string): void; closed(): void }) => Wire;

export class Prober {
  readonly #deps: ProbeDeps;
  #signer: { room: RoomId; signer: Signer } | undefined;
  readonly #visitors: Record<ServerTransport, Visitor>;
  /** A separate one, so that probes are not counted as polling. */
  readonly #polling: Polling;

  constructor(deps: ProbeDeps) {
    this.#deps = deps;
    const { server, environment: { timers, random } } = deps;
    this.#polling = new Polling({ server, settings: server.config.polling, timers, random });
    // Random, so that nobody else can use up its limits.
    const visitor = () => ({ device: toBase64Url(random.bytes(16)), address: `probe ${server.instance}` });
    this.#visitors = { websocket: visitor(), polling: visitor() };
  }

  /**
   * Sends one message on each transport and awaits it on every transport. A missing message counts as not delivered, for any
   * reason. Throws StorageUnavailable when the room cannot be found.
   */
  async run(): Promise<void> {
    const { stats } = this.#deps.server;
    const arrivals: { transport: ServerTransport; ms: number }[] = [];
    try {
      await this.#probe((transport, ms) => arrivals.push({ transport, ms }));
    } finally {
      // All at once, so that a probe on its way never looks lost.
      for (const transport of SERVER_TRANSPORTS) stats.count("probes_expected", transport, SERVER_TRANSPORTS.length);
      for (const { transport, ms } of arrivals) {
        stats.count("probes_delivered", transport);
        stats.observe("probe", ms, transport);
      }
    }
  }

  async #probe(arrived: (transport: ServerTransport, ms: number) => void): Promise<void> {
    const { server: { stats, config }, environment: { timers, clock, random }, ed25519 } = this.#deps;
    const room = await this.#room();
    if (this.#signer?.room !== room) {
      this.#signer = { room, signer: await ed25519.signer(new Uint8Array(random.bytes(32))) };
    }
    const { signer } = this.#signer;
    const clients = SERVER_TRANSPORTS.map((transport) => new ProbeClient(room, signer, this.#opener(transport, room)));
    const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
    const cancel = timers.after(config.monitoring.probePatienceMs, () => giveUp(undefined));
    try {
      const joined = await Promise.race([Promise.all(clients.map((client) => client.joined)), late]);
      const welcomes = joined?.filter((welcome) => welcome !== undefined) ?? [];
      if (welcomes.length < clients.length) return;
      let n = Math.max(...welcomes.map(({ lastN }) => lastN));
      let lamport = Math.max(...welcomes.map((welcome) => welcome.clock));
      for (const sender of clients) {
        const header = { room, n: ++n, clock: ++lamport, at: clock.now() };
        const event = await signEvent(signer, header, { kind: "message", body: { name: "probe", text: `probe ${n}` } });
        const sentAt = stats.clock.now();
        const arrivals = clients.map(async (client, index) => {
          if (await Promise.race([client.arrival(event.wire), late])) {
            arrived(SERVER_TRANSPORTS[index]!, stats.clock.now() - sentAt);
          }
        });
        sender.send({ type: "send", events: [event.wire] });
        await Promise.all(arrivals);
      }
    } finally {
      cancel();
      for (const client of clients) client.close();
    }
  }

  /** Finds or makes the room of all instances' probes. */
  async #room(): Promise<RoomId> {
    const { store: { rooms, stats }, server, environment: { random, clock }, ed25519 } = this.#deps;
    const known = await stats.probeRoom();
    if (known !== undefined && await rooms.byId(known) !== undefined) {
      server.leaveOut(known);
      return known;
    }
    const room = toBase64Url(random.bytes(16));
    const host = await ed25519.signer(new Uint8Array(random.bytes(32)));
    const genesis = await signEvent(
      host,
      { room, n: 1, clock: 1, at: clock.now() },
      { kind: "room", body: { roomKind: "unlisted", name: "Probes" } },
    );
    await rooms.create(genesis, clock.now());
    const named = await stats.setProbeRoom(room, known);
    if (named !== room) await rooms.remove(room);
    server.leaveOut(named);
    return named;
  }

  #opener(transport: ServerTransport, room: RoomId): Open {
    const { server, environment: { timers } } = this.#deps;
    if (transport === "polling") return pollingWire(this.#polling, room, this.#visitors.polling, timers);
    return ({ received, closed }) => {
      const handle = server.connect(room, {
        // Like a socket: a frame arrives in a later turn of the event loop.
        send: (text) => queueMicrotask(() => received(text)),
        close: () => closed(),
        bufferedBytes: () => 0,
      }, this.#visitors.websocket);
      return { send: (text) => handle.receive(text), close: () => handle.closed() };
    };
  }
}

/** One client of a probe: joins the room and waits for events. */
class ProbeClient {
  /** The welcome; undefined when the connection ends first. */
  readonly joined: Promise<ServerFrame<"welcome"> | undefined>;
  readonly #wire: Wire;
  readonly #waiting = new Map<string, () => void>();
  readonly #ended = Promise.withResolvers<undefined>();

  constructor(room: RoomId, signer: Signer, open: Open) {
    const welcomed = Promise.withResolvers<ServerFrame<"welcome">>();
    this.joined = Promise.race([welcomed.promise, this.#ended.promise]);
    this.#wire = open({
      received: (text) => {
        const decoded = decodeServerFrame(text);
        if (!decoded.ok) return;
        const { frame } = decoded;
        if (frame.type === "challenge") void this.#hello(room, signer, frame.nonce);
        else if (frame.type === "welcome") welcomed.resolve(frame);
        else if (frame.type === "events") {
          // Only the signed bytes, unchanged, count as delivered.
          for (const entry of frame.events) if (!isStub(entry)) this.#waiting.get(entry.join("\n"))?.();
        }
      },
      closed: () => this.#ended.resolve(undefined),
    });
  }

  send(frame: ClientFrame): void {
    this.#wire.send(JSON.stringify(frame));
  }

  /** Whether this event, which is sent after this call, arrives; false when the connection ends first. */
  async arrival(wire: WireEvent): Promise<boolean> {
    const arrived = new Promise<true>((resolve) => this.#waiting.set(wire.join("\n"), () => resolve(true)));
    return await Promise.race([arrived, this.#ended.promise]) === true;
  }

  close(): void {
    this.#wire.close();
  }

  async #hello(room: RoomId, signer: Signer, nonce: string): Promise<void> {
    const proof: HelloProof = { hello: 1, nonce, room, author: signer.author, name: "probe" };
    const payload = JSON.stringify(proof);
    this.send({ type: "hello", version: PROTOCOL_VERSION, proof: [payload, await signer.sign(payload)] });
  }
}

/** A long-polling client inside the process: the same bytes as over HTTP, without the network. */
function pollingWire(polling: Polling, room: RoomId, visitor: Visitor, timers: Timers): Open {
  return ({ received, closed }) => {
    const leaving = new AbortController();
    let connection: string | undefined, sent = 0, over = false;
    let sending: Promise<unknown> = Promise.resolve();
    const ask = async (request: PollRequest) => {
      const body = new Blob([writePollRequest(request)]).stream();
      const response = await polling.answer(room, { body, signal: leaving.signal }, visitor);
      const [head = "", ...frames] = (await response.text()).split("\n").slice(0, -1);
      return { head: readPollAnswerHead(head), frames };
    };
    const end = () => {
      if (over) return;
      over = true;
      closed();
    };
    const fetchOn = async () => {
      for (let request: PollRequest = { type: "open" };;) {
        const { head, frames } = await ask(request);
        if (head?.type !== "frames") return;
        connection ??= head.connection;
        for (const frame of frames) received(frame);
        if (over || head.closed !== undefined || connection === undefined) return;
        // A turn of the event loop, so that immediate answers do not block all other work.
        await pause(timers, 0);
        request = { type: "fetch", connection, received: head.from + frames.length - 1 };
      }
    };
    void fetchOn().then(end, end);
    return {
      send(text) {
        sending = sending.then(async () => {
          if (connection === undefined || over) return;
          await ask({ type: "send", connection, first: ++sent, frames: [text] });
        }).catch(end);
      },
      close() {
        over = true;
        if (connection !== undefined) void ask({ type: "close", connection }).catch(() => {});
        leaving.abort();
      },
    };
  };
}
